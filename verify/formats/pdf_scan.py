"""Finds the signatures of a PDF whose structure nobody can follow, or that is encrypted, by searching its octets.

ISO 32000-2, 7.6.2: the /Contents of a signature is never encrypted.  What is found this way says what its mathematics
gives and nothing of what the file shows, so the reader who uses it says besides that the file cannot be judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from transcript_core.limits import MAX_SIGNATURES
from transcript_core.pdf import Name, String, Value
from verify.formats.pdf_ranges import RangeDigests
from verify.formats.pdf_signature import SignaturePlace, read_signature
from verify.formats.pdf_types import PdfSignature
from verify.formats.work import Work

_RANGE: Final = re.compile(rb"/ByteRange[\x00\t\n\x0c\r ]{0,64}\[([^\]<>()/]{0,200})\]")
_CONTENTS: Final = re.compile(rb"/Contents[\x00\t\n\x0c\r ]{0,64}<([0-9A-Fa-f\x00\t\n\x0c\r ]*)>")
_FORM: Final = re.compile(rb"/SubFilter[\x00\t\n\x0c\r ]{0,64}/([A-Za-z0-9._]{1,40})")
_OBJECT: Final = b" obj"
_NUMBERS: Final = re.compile(rb"\d \d{1,5}\Z")
_NUMBERS_OCTETS: Final = 7
_WINDOW: Final = 512 * 1024
"""Octets before and behind a /ByteRange in which the rest of its dictionary is looked for."""


def scan_signatures(data: bytes, work: Work) -> Iterator[PdfSignature]:
    """Return the signatures whose dictionaries can be found, in the order of the file."""
    digests = RangeDigests(data, work)
    for number, found in enumerate(_RANGE.finditer(data)):
        if number == MAX_SIGNATURES:
            return
        start, end = _find_bounds(data, found.start())
        dictionary = _read_dictionary(data, start, end, found[1])
        if "Contents" not in dictionary:
            continue
        place = SignaturePlace(
            field_name=f"#{number + 1}",
            start=start - 1,
            end=end + 1,
            revision=0,
            revision_end=None,
            file_end=len(data),
            strict=False,
        )
        yield read_signature(dictionary, place, digests)


def _find_bounds(data: bytes, at: int) -> tuple[int, int]:
    """Return where the object around an offset begins and ends, as near as it can be told."""
    low, high = max(0, at - _WINDOW), min(len(data), at + _WINDOW)
    end = data.find(b"endobj", at, high)
    return _find_start(data, low, at), (high if end < 0 else end)


def _find_start(data: bytes, low: int, at: int) -> int:
    """Return where the last object before an offset begins, behind its number; `low` when none does."""
    place = data.rfind(_OBJECT, low, at)
    while place >= 0:
        if _NUMBERS.search(data, max(low, place - _NUMBERS_OCTETS), place):
            return place + len(_OBJECT)
        place = data.rfind(_OBJECT, low, place)
    return low


def _read_dictionary(data: bytes, start: int, end: int, stated: bytes) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if all(part.isdigit() and len(part) <= 10 for part in stated.split()):
        found["ByteRange"] = [int(part) for part in stated.split()]
    contents = _CONTENTS.search(data, start, end)
    if contents is not None:
        digits = contents[1].translate(None, b"\x00\t\n\x0c\r ")
        found["Contents"] = String(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")))
    form = _FORM.search(data, start, end)
    if form is not None:
        found["SubFilter"] = Name(form[1].decode("ascii"))
    return found
