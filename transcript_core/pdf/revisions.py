"""Reads a PDF forward, section by section, so that every byte is accounted for.

Implements ISO 32000-1, 7.5.2 to 7.5.6 (header, body, cross-reference table, trailer, incremental updates) as our own
writer uses them: classic tables, generation 0, no object streams.  Readers usually start at the end of a file and
follow offsets backward; an attacker lives in what they skip.  Here each section must begin where the one before ends,
each object must stand where the section's table says, nothing may stand between them, and the chain of offsets that
a viewer follows backward must lead through exactly the same sections.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_PDF_BYTES, MAX_PDF_OBJECTS, MAX_PDF_REVISIONS
from transcript_core.pdf.objects import parse_object, parse_value
from transcript_core.pdf.values import MalformedPdf, Ref, Stream, Value, same_value

_HEADER: Final = re.compile(rb"%PDF-(?:1\.[4-7]|2\.0)\n%[\x80-\xff]{4,8}\n")
_FILE_END: Final = b"%%EOF\n"
_START_XREF: Final = re.compile(rb"startxref\n(\d{1,10})\n%%EOF\n")
_SUBSECTION: Final = re.compile(rb"(\d{1,10}) (\d{1,10})\n")
_ENTRIES: Final = re.compile(rb"(?:\d{10} 00000 n \n)*")
_FREE_HEAD: Final = b"0000000000 65535 f \n"
_ENTRY_BYTES: Final = 20
_OBJECT_NUMBER: Final = re.compile(rb"([1-9]\d{0,9}) 0 obj\n")
_FIRST_KEYS: Final = frozenset({"Size", "Root", "Info", "ID"})
_LATER_KEYS: Final = _FIRST_KEYS | {"Prev"}
_HIDDEN_OBJECT: Final = re.compile(rb"endobj|\d\s+\d+\s+obj\b|%%EOF")


@dataclass(frozen=True, slots=True)
class PdfObject:
    """An indirect object and where it stands."""

    number: int
    value: Value
    start: int  # offset of its number
    end: int  # offset behind `endobj` and the line end


@dataclass(frozen=True, slots=True)
class Revision:
    """One section of the file: the original or one incremental update."""

    number: int  # 1-based
    start: int
    end: int  # offset behind its %%EOF and line end
    xref_at: int
    trailer: Mapping[str, Value]
    size: int  # the trailer's /Size: one more than the highest object number in use
    root: int
    offsets: Mapping[int, int]  # object number to offset
    objects: Mapping[int, PdfObject]  # parsed objects of an update; the original's are parsed when asked for


@dataclass(frozen=True, slots=True)
class PdfFile:
    """A file as far as it could be read strictly."""

    data: bytes
    revisions: tuple[Revision, ...]  # at least one
    trouble: MalformedPdf | None  # why what follows the last of `revisions` was not read; None at the end of the file
    _parsed: dict[int, PdfObject] = field(default_factory=dict, compare=False, repr=False)

    @property
    def last(self) -> Revision:
        """Return the newest revision that was read."""
        return self.revisions[-1]

    def get_object(self, number: int, *, revision: int | None = None) -> PdfObject:
        """Return object `number` as a viewer of that revision (default: the newest) finds it.

        Raises:
            MalformedPdf: there is no such object in that revision, or it breaks the strict form.
        """
        for section in reversed(self.revisions[:revision]):
            if number in section.offsets:
                found = section.objects.get(number)
                return self._original(number, section) if found is None else found
        raise MalformedPdf(f"object {number} is missing", offset=0)

    def resolve(self, value: Value, *, revision: int | None = None) -> Value:
        """Return `value`, or what it refers to when it is a reference."""
        if isinstance(value, Ref):
            return self.get_object(value.number, revision=revision).value
        return value

    def _original(self, number: int, section: Revision) -> PdfObject:
        if number not in self._parsed:
            start = section.offsets[number]
            value, end = parse_object(self.data, start, number)
            self._parsed[number] = PdfObject(number, value, start, end)
        return self._parsed[number]


def read_pdf(data: bytes) -> PdfFile:
    """Return the file's revisions, read forward.

    Raises:
        MalformedPdf: already the first revision is not in our form; nothing can be said about the rest.
        LimitExceeded: too many bytes, objects or revisions.
    """
    if len(data) > MAX_PDF_BYTES:
        raise LimitExceeded(f"the PDF is longer than {MAX_PDF_BYTES} bytes")
    revisions = [_read_original(data)]
    while revisions[-1].end < len(data):
        if len(revisions) == MAX_PDF_REVISIONS:
            raise LimitExceeded(f"the PDF has more than {MAX_PDF_REVISIONS} revisions")
        try:
            revisions.append(_read_update(data, revisions[-1]))
        except MalformedPdf as trouble:
            return PdfFile(data, tuple(revisions), trouble)
    return PdfFile(data, tuple(revisions), None)


def _read_original(data: bytes) -> Revision:
    header = _HEADER.match(data)
    if header is None:
        raise MalformedPdf("the file does not begin with a PDF header", offset=0)
    mark = data.find(_FILE_END)
    start_at = data.rfind(b"startxref\n", 0, mark)
    tail = _START_XREF.fullmatch(data, start_at, mark + len(_FILE_END)) if mark > 0 <= start_at else None
    if tail is None:
        raise MalformedPdf("the first revision has no plain end", offset=max(mark, 0))
    xref_at = int(tail[1])
    offsets, at = _read_table(data, xref_at, original=True)
    _check_original_body(data, offsets, header.end(), xref_at)
    trailer, size, root = _read_trailer(data, at, start_at, _FIRST_KEYS)
    if size != len(offsets) + 1:
        raise MalformedPdf("the first revision's /Size is not the number of its objects", offset=at)
    return Revision(1, 0, tail.end(), xref_at, trailer, size, root, offsets, {})


def _read_table(data: bytes, at: int, *, original: bool) -> tuple[dict[int, int], int]:
    """Return object number to offset of the table at `at`, and the offset behind it."""
    if not data.startswith(b"xref\n", at):
        raise MalformedPdf("a cross-reference table was expected", offset=at)
    at += len(b"xref\n")
    offsets: dict[int, int] = {}
    following = 0
    while head := _SUBSECTION.match(data, at):
        first, count, at = int(head[1]), int(head[2]), head.end()
        if first < following or count == 0 or count + len(offsets) > MAX_PDF_OBJECTS:
            raise MalformedPdf("the parts of a cross-reference table are empty, too long or out of order", offset=at)
        following = first + count + 1  # a part that only continues the one before would be a second way to write it
        if original:
            if first != 0 or offsets or not data.startswith(_FREE_HEAD, at):
                raise MalformedPdf("the first table must be one part that begins with the free object 0", offset=at)
            first, count, at = 1, count - 1, at + _ENTRY_BYTES
        end = at + count * _ENTRY_BYTES
        if _ENTRIES.fullmatch(data, at, end) is None or first == 0 or end > len(data):
            raise MalformedPdf("an entry of a cross-reference table is not that of an object in use", offset=at)
        offsets.update((first + i, int(data[at + i * 20 : at + i * 20 + 10])) for i in range(count))
        at = end
    return offsets, at


def _check_original_body(data: bytes, offsets: Mapping[int, int], start: int, end: int) -> None:
    """Refuse bytes between the listed objects, and objects inside objects."""
    order = sorted(offsets.items(), key=lambda entry: entry[1])
    if not order or order[0][1] != start:
        raise MalformedPdf("the first object does not follow the header", offset=start)
    bounds = [offset for _, offset in order[1:]] + [end]
    for (number, offset), behind in zip(order, bounds, strict=True):
        if not data.startswith(b"%d 0 obj\n" % number, offset) or not data.endswith(b"\nendobj\n", offset, behind):
            raise MalformedPdf(f"object {number} does not fill its place exactly", offset=offset)
        if data.find(b"endobj", offset, behind - len(b"endobj\n")) != -1:
            raise MalformedPdf(f"something is hidden inside or behind object {number}", offset=offset)


def _read_trailer(data: bytes, at: int, start_at: int, allowed: frozenset[str]) -> tuple[dict[str, Value], int, int]:
    """Return the trailer dictionary that fills the bytes from `at` to `startxref`, its /Size and /Root."""
    if not data.startswith(b"trailer\n", at):
        raise MalformedPdf("a trailer was expected", offset=at)
    trailer, end = parse_value(data, at + len(b"trailer\n"))
    if not isinstance(trailer, dict) or data[end:start_at] != b"\n":
        raise MalformedPdf("something stands between the trailer and startxref", offset=end)
    if not trailer.keys() <= allowed:
        strange = ", ".join(sorted(trailer.keys() - allowed))
        raise MalformedPdf(f"the trailer has unexpected keys: {strange}", offset=at)
    size, root = trailer.get("Size"), trailer.get("Root")
    if type(size) is not int or not isinstance(root, Ref):
        raise MalformedPdf("the trailer lacks /Size or /Root", offset=at)
    return trailer, size, root.number


def _read_update(data: bytes, before: Revision) -> Revision:
    objects: dict[int, PdfObject] = {}
    at = before.end
    while head := _OBJECT_NUMBER.match(data, at):
        number = int(head[1])
        if number in objects or len(objects) == MAX_PDF_OBJECTS:
            raise MalformedPdf(f"object {number} stands twice in one update, or there are too many", offset=at)
        value, end = parse_object(data, at, number)
        if data[end : end + 1] != b"\n":
            raise MalformedPdf(f"something follows object {number}", offset=end)
        if isinstance(value, Stream) and _HIDDEN_OBJECT.search(value.raw):
            raise MalformedPdf(f"the stream of object {number} holds what looks like another object", offset=at)
        objects[number] = PdfObject(number, value, at, end + 1)
        at = end + 1
    offsets, after_table = _read_table(data, at, original=False)
    if offsets != {number: one.start for number, one in objects.items()}:
        raise MalformedPdf("an update's table does not list exactly its objects", offset=at)
    start_at = data.find(b"startxref\n", after_table)
    trailer, size, root = _read_trailer(data, after_table, start_at, _LATER_KEYS)
    tail = _START_XREF.match(data, start_at)
    if tail is None or int(tail[1]) != at:
        raise MalformedPdf("an update's startxref does not lead to its own table", offset=start_at)
    revision = Revision(before.number + 1, before.end, tail.end(), at, trailer, size, root, offsets, objects)
    _check_chain(revision, before)
    return revision


def _check_chain(revision: Revision, before: Revision) -> None:
    """Refuse an update whose trailer does not continue the section before it."""
    at = revision.xref_at
    if revision.trailer.get("Prev") != before.xref_at:
        raise MalformedPdf("an update's /Prev does not lead to the section before it", offset=at)
    for key in ("Root", "Info", "ID"):
        if not same_value(revision.trailer.get(key), before.trailer.get(key)):
            raise MalformedPdf(f"an update changes the trailer's /{key}", offset=at)
    new = sorted(number for number in revision.offsets if number >= before.size)
    if new != list(range(before.size, before.size + len(new))) or revision.size != before.size + len(new):
        raise MalformedPdf("an update leaves out object numbers or gives a wrong /Size", offset=at)
