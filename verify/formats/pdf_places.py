"""Holds where the objects of a stranger's PDF stand against where its cross-reference sections say they stand.

ISO 32000-2, 7.5.4 to 7.5.8.  A viewer that cannot follow the sections searches the file instead and shows whatever it
finds; so an object that no section lists, or that a section misplaces, is shown by one reader and not by another.  The
same holds for sections out of order, for what stands in the part that a signature leaves out, and for what follows the
end of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pyhanko.pdf_utils.reader import PdfFileReader

from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_types import PdfSignature

_SPACE: Final = rb"[\x00\t\n\x0c\r ]{1,8}"
_OBJECT: Final = re.compile(rb"(?<![0-9])(\d{1,10})" + _SPACE + rb"(\d{1,5})" + _SPACE + rb"obj(?![A-Za-z])")
_END_MARK: Final = b"%%EOF"
_LINE_ENDS: Final = b"\r\n \0\t"
_MAX_NAMED: Final = 5


def judge_places(data: bytes, reader: PdfFileReader, signatures: Sequence[PdfSignature]) -> list[Problem]:
    """Return what does not stand where it should."""
    ends = sorted({one.covered_end for one in signatures if one.covered_end})
    return [
        *_judge_objects(data, reader),
        *_judge_order(data, reader, signatures),
        *_judge_ends(data, ends),
    ]


def _list_offsets(reader: PdfFileReader) -> dict[int, set[tuple[int, int]]]:
    """Return the objects that any section lists, by offset: (number, index of the section)."""
    offsets: dict[int, set[tuple[int, int]]] = {}
    for index in range(int(reader.xrefs.total_revisions)):
        for reference in reader.xrefs.explicit_refs_in_revision(index):
            place = reader.xrefs.get_historical_ref(reference, index)
            if isinstance(place, int):
                offsets.setdefault(place, set()).add((int(reference.idnum), index))
        container = reader.xrefs.get_xref_container_info(index)
        if container.stream_ref is not None:
            offsets.setdefault(container.start_location, set()).add((int(container.stream_ref.idnum), index))
    return offsets


def _judge_objects(data: bytes, reader: PdfFileReader) -> Iterator[Problem]:
    """Refuse objects that no section lists, and entries that do not lead to their object."""
    listed = {_skip_space(data, at): entries for at, entries in _list_offsets(reader).items()}
    standing = {found.start(): int(found[1]) for found in _OBJECT.finditer(data)}
    unlisted = sorted({number for at, number in standing.items() if at not in listed})
    misplaced = sorted(
        {number for at, entries in listed.items() for number, _ in entries if standing.get(at) != number}
    )
    for name, numbers in (("not listed", unlisted), ("listed elsewhere", misplaced)):
        if numbers:
            shown = ", ".join(map(str, numbers[:_MAX_NAMED]))
            yield build_problem("hidden-objects", detail=f"{name}: {shown}")


def _skip_space(data: bytes, at: int) -> int:
    while data[at : at + 1] in {b" ", b"\n", b"\r", b"\t"} and data[at : at + 1]:
        at += 1
    return at


def _judge_order(data: bytes, reader: PdfFileReader, signatures: Sequence[PdfSignature]) -> Iterator[Problem]:
    """Refuse objects that pretend to be of another time than where they stand: behind a signature, or in its gap."""
    places = [(at, index) for at, entries in _list_offsets(reader).items() for _, index in entries if at < len(data)]
    for one in signatures:
        if not one.covered_end:
            continue
        written = one.covers_revision - 1
        if any((at >= one.covered_end) != (index > written) for at, index in places):
            yield build_problem("hidden-objects", detail="sections out of order")
        if any(one.gap[0] <= at < one.gap[1] for at, _ in places):
            yield build_problem("hidden-in-gap")


def _judge_ends(data: bytes, ends: Sequence[int]) -> Iterator[Problem]:
    """Refuse octets behind the end of the file, and signatures that end in the middle of something."""
    tail = data[data.rfind(_END_MARK) + len(_END_MARK) :]
    if _END_MARK not in data or tail.strip(_LINE_ENDS):
        yield build_problem("trailing-octets")
    for end in ends:
        if not data[max(0, end - 64) : end].rstrip(_LINE_ENDS).endswith(_END_MARK):
            yield build_problem("hidden-objects", detail="a signature ends inside a section")
            return
