"""Whatever an archive timestamp covers cannot be touched: any changed octet of it fails, wherever it stands.

What stands behind the last archive timestamp is evidence that proves itself; a change there may leave the verdict as it
is, but never make anything else pass.
"""

from __future__ import annotations

import random
from typing import Final

import pytest

from tests.support.samples import build_transcript
from tests.vectors.forge import SEAL
from tests.vectors.longterm import LATER, renewed
from tests.vectors.school import school
from transcript_core.xml import get_signature
from verify.report import Outcome

EDITS: Final = 40
LAST: Final = b"<xades141:ArchiveTimeStamp"
END: Final = b"</xades:UnsignedSignatureProperties>"


def list_edits(*, covered: bool) -> list[int]:
    """Return places in the seal's unsigned properties, before or behind the last archive timestamp."""
    document = renewed()
    signature = get_signature(document, SEAL)
    assert signature is not None
    start = document.index(signature) + signature.index(b"<xades:UnsignedSignatureProperties>")
    last, end = document.rindex(LAST), document.rindex(END)
    dice = random.Random(20260601)
    low, high = (start, last) if covered else (last, end)
    return sorted(dice.randrange(low, high) for _ in range(EDITS))


def change(place: int) -> bytes:
    """Return the document with one octet exchanged for another of the same kind, so that it stays well-formed."""
    document = renewed()
    old = document[place : place + 1]
    new = b"A" if old.isalnum() and old != b"A" else b"B"
    return document[:place] + new + document[place + 1 :]


@pytest.mark.parametrize("number", range(EDITS))
def test_a_change_of_what_is_covered_never_passes(number: int) -> None:
    report = school().verifier().verify(change(list_edits(covered=True)[number]), at=LATER)
    assert report.outcome is not Outcome.PASSED


@pytest.mark.parametrize("number", range(0, EDITS, 2))
def test_a_change_behind_it_passes_as_the_same_or_not_at_all(number: int) -> None:
    report = school().verifier().verify(change(list_edits(covered=False)[number]), at=LATER)
    assert report.outcome is not Outcome.PASSED or report.transcript == build_transcript()
