"""What a signer needs to know of a prepared file, read from its head and its tail alone.

The catalog, the AcroForm and the fields stand directly after the header, as plain octets (`fields.py`, `docs/pdf.md`),
and the last trailer stands at the end in one line, so this costs microseconds whatever the file's size.  It is for
files that this installation wrote; what strangers hand in goes to the verifier's reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from transcript_core.errors import MalformedTranscript
from transcript_core.render.objects import HEADER

_TAIL_BYTES: Final = 512
"""Octets from the end that hold the last trailer: about 160 are needed."""

_RECENT_HEADS: Final = 128
"""Heads that are remembered: they differ by what is printed, most pupils of a class share one.  One is about 15 KiB."""

_OBJECT_END: Final = b"\nendobj\n"
_CATALOG = re.compile(rb"(\d+) 0 obj\n<</Type/Catalog/[^\n]*/AcroForm (\d+) 0 R>>\nendobj\n")
_FORM = re.compile(rb"(\d+) 0 obj\n<</Fields\[([\d R]*)\]/SigFlags 3/DR<</Font<<((?:/\w+ \d+ 0 R)+)>>>>>>\nendobj\n")
_FIELD = re.compile(
    rb"(\d+) 0 obj\n(<</Type/Annot/Subtype/Widget/FT/Sig/T\(([A-Za-z0-9_.-]+)\)/TU<[0-9A-F]+>/F 132/Rect\[([-\d. ]+)\]"
    rb"/P \d+ 0 R/StructParent \d+(?:/Lock \d+ 0 R)?)/AP<</N \d+ 0 R>>>>\nendobj\n"
)
_LAST_REFERENCE = re.compile(rb"(\d+) 0 R\Z")
_REFERENCE = re.compile(rb"\d+ 0 R")
_FONT = re.compile(rb"/(\w+) (\d+) 0 R")
_TRAILER = re.compile(
    rb"trailer\n<</Size (\d+)/Root (\d+) 0 R/Info (\d+) 0 R/ID(\[<[0-9A-F]+><[0-9A-F]+>\])(?:/Prev (\d+))?>>"
    rb"\nstartxref\n(\d+)\n%%EOF\n\Z"
)


@dataclass(frozen=True, slots=True)
class PreparedField:
    """One signature field as revision 1 has it."""

    slot_id: str
    object_number: int
    dictionary: bytes  # from `<<` up to /AP: the signer appends /AP, /V and `>>`
    rect: tuple[float, float, float, float]  # left, bottom, right, top; points

    @property
    def closes_file(self) -> bool:
        """Say whether the signature in this field locks the file (ISO 32000-1, table 233)."""
        return b"/Lock " in self.dictionary

    @property
    def width(self) -> float:
        """Return the width in points."""
        return self.rect[2] - self.rect[0]

    @property
    def height(self) -> float:
        """Return the height in points."""
        return self.rect[3] - self.rect[1]


class PreparedForm(NamedTuple):
    """The fields of revision 1 and the numbers that the next revision's trailer continues from."""

    root: int  # object number of the catalog
    info: int  # object number of the document information dictionary
    file_id: bytes  # octets of the /ID array; every trailer repeats them
    size: int  # /Size of the last revision: the next free object number
    startxref: int  # of the last revision: /Prev of the next
    fields: Mapping[str, PreparedField]  # by slot Id, in signing order
    locking: frozenset[int]  # object numbers of the fields whose signature closes the file
    fonts: Mapping[str, int]  # name in /DR /Font -> object number

    def follow(self, *, size: int, startxref: int) -> PreparedForm:
        """Return the form of the file that is one section longer: its /Size, and where the section's table starts."""
        return self._replace(size=size, startxref=startxref)


@dataclass(frozen=True, slots=True)
class _Head:
    """The octets of the form and what they say."""

    octets: bytes = field(repr=False)  # from the header to the last field of the form
    root: int
    fields: Mapping[str, PreparedField]
    locking: frozenset[int]
    fonts: Mapping[str, int]


def read_prepared(pdf: bytes) -> PreparedForm:
    """Return the form of a file made by `render_first_revision`, signed already or not.

    Raises:
        MalformedTranscript: the file was not made here, or its last revision not by our signer.
    """
    head = _HEADS.read(pdf)
    trailer = _find_trailer(pdf)
    if head.root != int(trailer[2]):
        raise MalformedTranscript("the PDF's last revision has another catalog than the form that was prepared")
    return PreparedForm(
        root=head.root,
        info=int(trailer[3]),
        file_id=trailer[4],
        size=int(trailer[1]),
        startxref=int(trailer[6]),
        fields=head.fields,
        locking=head.locking,
        fonts=head.fonts,
    )


def read_successor(form: PreparedForm, pdf: bytes) -> PreparedForm:
    """Return the form of a file that is one section longer than the one `form` was read from.

    Raises:
        MalformedTranscript: its last trailer does not continue the numbers of `form`.
    """
    trailer = _find_trailer(pdf)
    same = (int(trailer[2]), int(trailer[3]), trailer[4]) == (form.root, form.info, form.file_id)
    if not same or trailer[5] is None or int(trailer[5]) != form.startxref or int(trailer[1]) < form.size:
        raise MalformedTranscript("the section that was appended to the PDF does not continue it")
    return form.follow(size=int(trailer[1]), startxref=int(trailer[6]))


def _find_trailer(pdf: bytes) -> re.Match[bytes]:
    at = pdf.rfind(b"\ntrailer\n", max(0, len(pdf) - _TAIL_BYTES))
    trailer = _TRAILER.match(pdf, at + 1) if at >= 0 else None
    if trailer is None:
        raise MalformedTranscript("the PDF's last revision was not written by this program")
    return trailer


def _cut_head(pdf: bytes) -> bytes:
    """Return the octets from the header to the last field of the form."""
    catalog = _CATALOG.match(pdf, len(HEADER)) if pdf.startswith(HEADER) else None
    form = _FORM.match(pdf, catalog.end()) if catalog else None
    last = _LAST_REFERENCE.search(form[2]) if form else None
    if form is None or last is None:
        raise MalformedTranscript("this PDF was not prepared for signatures by this installation")
    field = pdf.find(b"\n%s 0 obj\n" % last[1], form.end() - 1)
    end = pdf.find(_OBJECT_END, field)
    return pdf[: end + len(_OBJECT_END)] if 0 <= field < end else pdf[: form.end()]


class _RecentHeads:
    """Remembers the heads that were read last, latest first, since the files of a class begin with the same octets.

    Where a head ends is found from its own octets, so a file that begins with one has that head and no other.
    """

    def __init__(self) -> None:
        self._heads: tuple[_Head, ...] = ()  # replaced, never changed: several threads read

    def read(self, pdf: bytes) -> _Head:
        """Return the file's head.  Raises: MalformedTranscript, as `read_prepared`."""
        heads = self._heads
        if heads and pdf.startswith(heads[0].octets):
            return heads[0]
        place = next((place for place, head in enumerate(heads) if pdf.startswith(head.octets)), None)
        head = _read_head(_cut_head(pdf)) if place is None else heads[place]
        others = heads[: _RECENT_HEADS - 1] if place is None else heads[:place] + heads[place + 1 :]
        self._heads = (head, *others)
        return head


_HEADS: Final = _RecentHeads()


def _read_head(head: bytes) -> _Head:
    catalog = _CATALOG.match(head, len(HEADER))
    form = _FORM.match(head, catalog.end()) if catalog else None
    if catalog is None or form is None or catalog[2] != form[1]:
        raise MalformedTranscript("this PDF was not prepared for signatures by this installation")
    fields = _read_fields(head, form.end(), count=form[2].count(b"R"))
    if [b"%d 0 R" % field.object_number for field in fields.values()] != _REFERENCE.findall(form[2]):
        raise MalformedTranscript("the signature fields of the PDF are not those that its form lists")
    fonts = {name.decode("ascii"): int(number) for name, number in _FONT.findall(form[3])}
    locking = frozenset(field.object_number for field in fields.values() if field.closes_file)
    return _Head(head, int(catalog[1]), fields, locking, fonts)


def _read_fields(pdf: bytes, position: int, *, count: int) -> dict[str, PreparedField]:
    fields: dict[str, PreparedField] = {}
    for found in islice(_FIELD.finditer(pdf, position), count):
        if found.start() != position:
            break
        number, dictionary, name, rect = found.groups()
        left, bottom, right, top = map(float, rect.split())
        slot_id = name.decode("ascii")
        fields[slot_id] = PreparedField(slot_id, int(number), dictionary, (left, bottom, right, top))
        position = found.end()
    if len(fields) != count:
        raise MalformedTranscript("a signature field does not stand where it was prepared")
    return fields
