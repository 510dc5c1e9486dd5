"""Whatever octet of a signed XML, PDF or JWS is changed, taken out or added: it does not pass, or it says the same.

A few hundred edits in a usual run; HOCBA_EDITS=20000 tries that many of each kind.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable
from typing import Final

import pytest

from tests.support.samples import build_transcript
from tests.vectors.forge import edit
from tests.vectors.pictures import pictured_xml, signed_json, signed_pdf
from tests.vectors.school import CHECKED_AT, school, signed
from transcript_core.model import SchoolLevel, Transcript
from verify.report import Outcome, Report

EDITS: Final = int(os.environ.get("HOCBA_EDITS", "40"))
"""Of each kind; a PDF takes a twentieth of a second, a long run of all is a matter of an hour."""


def _primary() -> tuple[bytes, Transcript]:
    return signed(SchoolLevel.PRIMARY), build_transcript(SchoolLevel.PRIMARY)


def _pdf() -> tuple[bytes, Transcript]:
    return signed_pdf(), build_transcript()


def _jws() -> tuple[bytes, Transcript]:
    return signed_json(build_transcript(), pictured_xml()), build_transcript()


DOCUMENTS: Final[dict[str, Callable[[], tuple[bytes, Transcript]]]] = {"xml": _primary, "pdf": _pdf, "jws": _jws}


def _change_octet(document: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(document))
    new = bytes([document[at] ^ (1 << dice.randrange(8))]) if dice.random() < 0.5 else dice.randbytes(1)
    return document[:at] + new + document[at + 1 :]


def _cut(document: bytes, dice: random.Random) -> bytes:
    at, length = dice.randrange(len(document)), dice.choice((1, 2, 7, 50, 1000))
    return document[:at] + document[at + length :]


def _append(document: bytes, dice: random.Random) -> bytes:
    return document + dice.choice((b"\n", b" ", b"%%EOF\n", b"<!-- -->", b".", dice.randbytes(dice.randrange(1, 40))))


def _move(document: bytes, dice: random.Random) -> bytes:
    first, second = sorted(dice.randrange(len(document)) for _ in range(2))
    length = dice.choice((10, 100, 1000))
    piece = document[first : first + length]
    return document[:first] + document[first + length : second] + piece + document[max(second, first + length) :]


EDITORS: Final = {"change": _change_octet, "cut": _cut, "append": _append, "move": _move}


def _ask(kind: str, document: bytes) -> Report:
    xml = pictured_xml() if kind == "jws" else None
    return school().verifier().verify(document, at=CHECKED_AT, xml=xml)


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_edited_document_never_passes_as_something_else(
    kind: str, editor: str, caplog: pytest.LogCaptureFixture
) -> None:
    document, original = DOCUMENTS[kind]()
    assert _ask(kind, document).outcome is Outcome.PASSED
    with caplog.at_level(logging.ERROR):
        for number in range(EDITS):
            edited = EDITORS[editor](document, random.Random(number))
            report = _ask(kind, edited)
            same = report.transcript == original
            assert report.outcome is not Outcome.PASSED or same, f"{kind}, {editor}, number {number}"
    assert not caplog.records, "the last-resort guard was hit"


def test_removed_or_exchanged_elements_never_pass() -> None:
    document, _ = _primary()
    for number in range(EDITS):
        dice = random.Random(number)

        def change(root: object, dice: random.Random = dice) -> None:
            nodes = list(root.iter())[1:]  # type: ignore[attr-defined]
            one = dice.choice(nodes)
            parent = one.getparent()
            if dice.random() < 0.5 or len(parent) < 2:
                parent.remove(one)
            else:
                parent.insert(0 if parent[0] is not one else len(parent), one)

        edited = edit(document, change)
        if edited != document:
            assert _ask("xml", edited).outcome is not Outcome.PASSED, number
