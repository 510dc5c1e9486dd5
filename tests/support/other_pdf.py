"""What pyHanko and poppler's pdfsig say of the signatures of a PDF: each by the octets that it covers."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

PDFSIG: Final = shutil.which("pdfsig")
PDFSIG_LIMIT_S: Final = 60
_RANGES: Final = re.compile(r"Signed Ranges: \[0 - (\d+)\], \[(\d+) - (\d+)\]")

Covered = tuple[int, int, int]
"""Where the gap begins and ends, and where the covered octets end."""


@dataclass(frozen=True)
class Judged:
    """What other software says of a PDF."""

    accepted: frozenset[Covered]  # signatures whose mathematics it finds right
    seen: frozenset[Covered]  # all that it lists
    to_the_end: frozenset[Covered]  # those of which it says that they cover the whole file
    last: Covered | None = None  # the signature that covers most
    allowed: bool | None = None  # whether it is content with what came after that one; None: it does not say


_integrity: dict[bytes, bool] = {}


def ask_pyhanko(pdf: bytes) -> Judged | None:
    """Return pyHanko's answer; None when it does not read the file."""
    try:
        signatures = list(PdfFileReader(io.BytesIO(pdf), strict=False).embedded_signatures)
    except (PdfError, ValueError):
        return None
    places = {one: place for one in signatures if (place := _find_place(one)) is not None}
    accepted = frozenset(place for one, place in places.items() if _is_intact(one, place, pdf))
    last = max(places, key=lambda one: places[one][2], default=None)
    status = None if last is None else _validate(last)
    whole = status is not None and status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    return Judged(
        accepted=accepted,
        seen=frozenset(places.values()),
        to_the_end=frozenset({places[last]} if whole and last is not None else ()),
        last=None if last is None else places[last],
        allowed=None if status is None else _is_content(status),
    )


def _find_place(signature: Any) -> Covered | None:
    numbers = [int(one) for one in signature.byte_range] if signature.byte_range else []
    return (numbers[1], numbers[2], numbers[2] + numbers[3]) if len(numbers) == 4 and numbers[0] == 0 else None


def _is_intact(signature: Any, place: Covered, pdf: bytes) -> bool:
    """Return its answer on digest and value, asked once for equal octets and equal contents."""
    covered = hashlib.sha256(pdf[: place[0]] + pdf[place[1] : place[2]])
    covered.update(repr((place, signature.sig_object_type)).encode() + bytes(signature.pkcs7_content))
    key = covered.digest()
    if key not in _integrity:
        status = _validate(signature, skip_diff=True)
        _integrity[key] = status is not None and status.intact and status.valid
    return _integrity[key]


def _validate(signature: Any, *, skip_diff: bool = False) -> Any:
    """Return the status that pyHanko gives without any trust; None when it refuses to give one."""
    context = ValidationContext(trust_roots=[], allow_fetching=False)
    stamp = signature.sig_object_type == "/DocTimeStamp"
    try:
        return (validate_pdf_timestamp if stamp else validate_pdf_signature)(signature, context, skip_diff=skip_diff)
    except (SignatureValidationError, PdfError, ValueError, AssertionError):  # the last: a key of another kind
        return None


def _is_content(status: Any) -> bool:
    """Return whether a whole revision is covered, and later ones only fill in fields or store evidence."""
    if status.coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return True
    level = status.modification_level
    revision = status.coverage is SignatureCoverageLevel.ENTIRE_REVISION
    return bool(revision and status.docmdp_ok and level is not None and level <= ModificationLevel.FORM_FILLING)


def ask_pdfsig(pdf: bytes, folder: Path) -> Judged | None:
    """Return pdfsig's answer; None when it finds no signature at all."""
    assert PDFSIG is not None
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    ran = subprocess.run(
        [PDFSIG, "-nocert", str(path)], capture_output=True, check=False, timeout=PDFSIG_LIMIT_S, cwd=folder
    )
    listed = list(_list_signatures(ran.stdout.decode("utf-8", "replace")))
    if not listed:
        return None
    return Judged(
        accepted=frozenset(place for place, text in listed if "Signature is Valid." in text),
        seen=frozenset(place for place, _ in listed),
        to_the_end=frozenset(place for place, text in listed if "- Total document signed" in text),
    )


def _list_signatures(answer: str) -> Iterator[tuple[Covered, str]]:
    for text in answer.split("\nSignature #")[1:]:
        if ranges := _RANGES.search(text):
            yield (int(ranges[1]), int(ranges[2]), int(ranges[3])), text
