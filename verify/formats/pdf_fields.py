"""Finds the form fields of a stranger's PDF, inherited attributes resolved.

Implements ISO 32000-2, 12.7.4 (field dictionaries): type and value may stand in a parent; a field's widgets are its
kids without a name.  Loops, shared kids and endless trees end at a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic

from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_PDF_DEPTH
from verify.formats.pdf_graph import Number, State, raw_entries

MAX_FIELDS: Final = 5_000
"""Large tax forms have some hundreds."""

_DOCUMENT_TIMESTAMP: Final = "/ETSI.RFC3161"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field; its widget may be the same object."""

    number: Number  # of its object; negative when it stands in the form itself
    name: str  # fully qualified
    kind: str | None  # "/Sig", "/Tx", …; None when neither it nor a parent says
    raw_value: Any  # /V as it stands; None when there is none
    value: Number | None  # object that /V refers to
    widgets: tuple[Number, ...]  # its kids without a name
    has_fields: bool  # it has kids with names

    @property
    def is_signature(self) -> bool:
        """Say whether it is a signature field."""
        return self.kind == "/Sig"

    @property
    def is_signed(self) -> bool:
        """Say whether it has a value."""
        return self.raw_value is not None

    def is_visible(self, state: State) -> bool:
        """Say whether it takes room on a page."""
        return any(_has_extent(state, number) for number in (self.number, *self.widgets))

    def is_document_timestamp(self, state: State) -> bool:
        """Say whether its value is a document timestamp."""
        return bool(state.find_dictionary(self.raw_value).get("/SubFilter") == _DOCUMENT_TIMESTAMP)


def list_fields(state: State) -> dict[Number, FormField]:
    """Return all fields by their object's number, in the order of the form.

    Raises:
        LimitExceeded: too many, or nested too deeply.
    """
    form = state.find_dictionary(raw_entries(state.get(state.root)).get("/AcroForm"))
    found: dict[Number, FormField] = {}
    waiting: list[tuple[Any, str, str | None, Any, int]] = [
        (one, "", None, None, 0) for one in reversed(state.find_array(form.get("/Fields")))
    ]
    while waiting:
        reference, prefix, kind, value, depth = waiting.pop()
        if depth > MAX_PDF_DEPTH or len(found) > MAX_FIELDS:
            raise LimitExceeded("its form has too many fields, or nests them too deeply")
        number = int(reference.idnum) if isinstance(reference, generic.IndirectObject) else -1 - len(found)
        entries = raw_entries(state.resolve(reference))
        if number in found or (number < 0 and not entries):
            continue
        one = _read(state, number, entries, prefix, kind, value)
        found[one.number] = one
        kids = [kid for kid in state.find_array(entries.get("/Kids")) if "/T" in state.find_dictionary(kid)]
        waiting += [(kid, one.name, one.kind, one.raw_value, depth + 1) for kid in reversed(kids)]
    return found


def _read(state: State, number: Number, entries: Any, prefix: str, kind: str | None, value: Any) -> FormField:
    name = state.resolve(entries.get("/T"))
    text = str(name) if isinstance(name, generic.TextStringObject) else ""
    stated = state.resolve(entries.get("/FT"))
    inherited = _inherit(state, entries)
    kids = state.find_array(entries.get("/Kids"))
    named = ["/T" in state.find_dictionary(kid) for kid in kids]
    kind = str(stated) if isinstance(stated, generic.NameObject) else inherited.get("/FT", kind)
    shown = [state.find_dictionary(kid) for kid, is_field in zip(kids, named, strict=True) if not is_field]
    beside = [one.get("/V") for one in shown] if kind == "/Sig" else []  # some programs write it into the widget
    own = _choose_value(state, kind, [entries.get("/V"), inherited.get("/V", value), *beside])
    return FormField(
        number=number,
        name=".".join(part for part in (prefix, text) if part),
        kind=kind,
        raw_value=own,
        value=int(own.idnum) if isinstance(own, generic.IndirectObject) else None,
        widgets=tuple(
            int(kid.idnum)
            for kid, is_field in zip(kids, named, strict=True)
            if not is_field and isinstance(kid, generic.IndirectObject)
        ),
        has_fields=any(named),
    )


def _choose_value(state: State, kind: str | None, stated: list[Any]) -> Any:
    """Return the first value that is one; a signature is a dictionary, or a reference that leads nowhere."""
    for value in stated:
        resolved = state.resolve(value)
        if value is None or isinstance(resolved, generic.NullObject):
            continue
        if kind != "/Sig" or resolved is None or isinstance(resolved, generic.DictionaryObject):
            return value
    return None


def _inherit(state: State, entries: Any) -> dict[str, Any]:
    """Return type and value of the nearest parents that state them, however the form leads to this field."""
    found: dict[str, Any] = {}
    for _ in range(MAX_PDF_DEPTH):
        entries = state.find_dictionary(entries.get("/Parent"))
        if not entries:
            break
        kind = state.resolve(entries.get("/FT"))
        if isinstance(kind, generic.NameObject):
            found.setdefault("/FT", str(kind))
        if "/V" in entries:
            found.setdefault("/V", entries["/V"])
    return found


def _has_extent(state: State, number: Number) -> bool:
    numbers = [state.resolve(one) for one in state.find_array(raw_entries(state.get(number)).get("/Rect"))]
    if len(numbers) != 4 or not all(isinstance(one, generic.NumberObject | generic.FloatObject) for one in numbers):
        return bool(numbers)
    left, bottom, right, top = map(float, numbers)
    return left != right and bottom != top
