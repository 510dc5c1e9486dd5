"""Turns the marked places of a Typst file into empty signature fields.

The templates mark each place by a link to `slot:<slot id>`, so Typst itself gives its page, its rectangle and its node
in the tag tree.  Here each such link annotation becomes a signature field merged with its widget, and its structure
element a Form with that widget as its only child.  Implements ISO 32000-1, 12.7.4.5 (signature fields) and 14.8.4.5
(Form); ISO 19005-3, 6.3 and 6.4; ISO 14289-1, 7.18.  The octets are a pure function of the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.render.appearance import Appearance, build_waiting_appearance, build_waiting_seal_appearance
from transcript_core.render.fonts import load_font
from transcript_core.render.objects import (
    PdfObjects,
    encode_text,
    list_references,
    renumber,
)

FLAGS: Final = 132
"""Print and Locked (ISO 32000-1, table 165); never Hidden, Invisible, NoView (ISO 19005-3, 6.3.2)."""

_LINK = re.compile(
    rb"<</Type/Annot/Subtype/Link/Rect(\[[-\d. ]+\])/Border\[0 0 0\]"
    rb"/A<</Type/Action/S/URI/URI\(slot:([A-Za-z0-9_.-]+)\)>>/F 4/StructParent (\d+)/Contents\([^()]*\)>>"
)
_LINK_ELEMENT = b"<</Type/StructElem/S/Link/"
_FORM_ELEMENT = b"<</Type/StructElem/S/Form/"
_ONLY_WIDGET = re.compile(rb"/K\[(<</Type/OBJR/Pg \d+ 0 R/Obj \d+ 0 R>>)\]")
_ANNOTATIONS = re.compile(rb"/Annots\[[^\]]*\]")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field to make, in signing order."""

    slot_id: str
    tooltip: str  # Vietnamese, read out by screen readers
    waiting_lines: tuple[str, ...]  # what the empty place shows
    closes_document: bool = False  # carries the lock: nothing may follow this signature


@dataclass(frozen=True, slots=True)
class _Place:
    number: int  # of the annotation, later the field
    page: int  # object number
    rect: bytes  # "[x0 y0 x1 y1]"
    struct_parent: int

    @property
    def corners(self) -> tuple[float, float, float, float]:
        left, bottom, right, top = (float(value) for value in self.rect.strip(b"[]").split())
        return left, bottom, right, top


@dataclass(frozen=True, slots=True)
class Prepared:
    """The objects of a file with its fields."""

    objects: PdfObjects
    leading: tuple[int, ...]  # numbers of catalog, form and fields, which stand first in the file
    font: int  # number of the font in /DR


def prepare_objects(objects: PdfObjects, specs: Sequence[FieldSpec]) -> Prepared:
    """Return the objects with one empty signature field for each spec.

    Raises:
        MalformedTranscript: the marked places are not exactly those of `specs`, or a page's end cuts one.
    """
    places = _find_places(objects.bodies)
    if places.keys() != {spec.slot_id for spec in specs}:
        raise MalformedTranscript("the form's places for signatures are not the slots that sign this document")
    bodies = _retag(objects.bodies, expected=len(places))
    font = _add_group(bodies, load_font().objects)
    fonts = {load_font().name: font}
    lock = _add(bodies, b"<</Type/SigFieldLock/Action/All/P 1>>")
    for spec in specs:
        place = places[spec.slot_id]
        appearance = _build_waiting(spec, place)
        first = len(bodies) + 1
        for item in appearance.objects:
            _add(bodies, item.build_body(first, fonts))
        bodies[place.number] = _build_field(spec, place, appearance=first, lock=lock)
    numbers = [places[spec.slot_id].number for spec in specs]
    form = _add(bodies, _build_acroform(numbers, fonts))
    bodies[objects.root] = _build_catalog(bodies[objects.root], form)
    return Prepared(PdfObjects(bodies, objects.root, objects.info), (objects.root, form, *numbers), font)


def _add(bodies: dict[int, bytes], body: bytes) -> int:
    """Add an object under the next number; numbers have no gap, so that is the count and one."""
    number = len(bodies) + 1
    bodies[number] = body
    return number


def _add_group(bodies: dict[int, bytes], group: Sequence[bytes]) -> int:
    """Add objects that refer to each other by index; return the number of the first."""
    start = len(bodies) + 1
    numbers = {index: start + index for index in range(len(group))}
    for body in group:
        _add(bodies, renumber(body, numbers))
    return start


def _find_places(bodies: Mapping[int, bytes]) -> dict[str, _Place]:
    pages = {
        annotation: number
        for number, body in bodies.items()
        if body.startswith(b"<</Type/Page/") and (listed := _ANNOTATIONS.search(body))
        for annotation in list_references(listed[0])
    }
    places: dict[str, _Place] = {}
    for number, body in bodies.items():
        if not body.startswith(b"<</Type/Annot"):
            continue
        link = _LINK.fullmatch(body)
        if link is None or number not in pages:
            raise MalformedTranscript("the form has an annotation that is no place for a signature")
        slot_id = link[2].decode("ascii")
        if slot_id in places:
            raise MalformedTranscript(f"the form has two places for slot {slot_id}, or a page's end cuts it")
        places[slot_id] = _Place(number=number, page=pages[number], rect=link[1], struct_parent=int(link[3]))
    return places


def _retag(bodies: Mapping[int, bytes], *, expected: int) -> dict[int, bytes]:
    """Return the objects with each Link element made a Form that has its widget as only child (14.8.4.5).

    The child stands alone, not in an array: pyHanko's revision analysis follows a filled field only that way.
    """
    changed = dict(bodies)
    found = 0
    for number, body in bodies.items():
        if not body.startswith(_LINK_ELEMENT):
            continue
        alone, count = _ONLY_WIDGET.subn(rb"/K\1", body, count=1)
        if not count:
            raise MalformedTranscript("a place for a signature holds text of its own")
        changed[number] = _FORM_ELEMENT + alone.removeprefix(_LINK_ELEMENT)
        found += 1
    if found != expected:
        raise MalformedTranscript("the tag tree and the places for signatures do not agree")
    return changed


def _build_waiting(spec: FieldSpec, place: _Place) -> Appearance:
    left, bottom, right, top = place.corners
    width, height = round(right - left, 2), round(top - bottom, 2)
    if spec.closes_document:
        return build_waiting_seal_appearance(width, height, school_name=spec.waiting_lines[0])
    return build_waiting_appearance(width, height, lines=spec.waiting_lines)


def _build_field(spec: FieldSpec, place: _Place, *, appearance: int, lock: int) -> bytes:
    """Return the field's dictionary; /AP stands last, so that a signer replaces it by cutting there."""
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%s)/TU%s/F %d/Rect%s/P %d 0 R/StructParent %d%s/AP<</N %d 0 R>>>>"
        % (
            spec.slot_id.encode("ascii"),
            encode_text(spec.tooltip),
            FLAGS,
            place.rect,
            place.page,
            place.struct_parent,
            b"/Lock %d 0 R" % lock if spec.closes_document else b"",
            appearance,
        )
    )


def _build_catalog(catalog: bytes, form: int) -> bytes:
    """Return the catalog with the form.  /Suspects false is the default, and poppler complains of the boolean."""
    return catalog.replace(b"/Suspects false", b"", 1).removesuffix(b">>") + b"/AcroForm %d 0 R>>" % form


def _build_acroform(fields: Sequence[int], fonts: Mapping[str, int]) -> bytes:
    listed = b" ".join(b"%d 0 R" % number for number in fields)
    resources = b"".join(b"/%s %d 0 R" % (name.encode("ascii"), number) for name, number in fonts.items())
    return b"<</Fields[%s]/SigFlags 3/DR<</Font<<%s>>>>>>" % (listed, resources)
