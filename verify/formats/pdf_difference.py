"""Says what each later revision of a stranger's signed PDF changed, and names whatever goes beyond signing.

Implements the revision rule of `docs/pdf.md` for files of other programs (ISO 32000-2, 7.5.6, 12.7, 12.8; ETSI
EN 319 142-1, 5.4).  After the first signature a revision may sign an existing or new signature field (a new one that
shows nothing, once somebody has certified the file), add an empty one that shows nothing, extend the security store,
name an extension, or write again what was there.  Every object that it
overrides must be explained by one of these and be used for nothing else in the file.  Annotations, pages, form values,
earlier appearances, metadata, layers, actions and attachments are findings: nothing passes with one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from verify.formats.pdf_additions import keeps_store, list_store_numbers, may_describe, may_extend, may_redate
from verify.formats.pdf_fields import FormField, list_fields
from verify.formats.pdf_graph import (
    Budget,
    Edge,
    Number,
    State,
    is_table,
    list_generations,
    open_state,
    raw_entries,
    same,
)
from verify.formats.pdf_problems import Problem, build_problem

_FILLED_KEYS: Final = frozenset({"/V", "/AP", "/M", "/MK", "/F", "/DA", "/DR", "/Q"})
"""Entries of a signature field that signing it writes."""

_VALUE_KEYS: Final = frozenset({"/V", "/AP", "/AS", "/M", "/I", "/RV", "/DA", "/MK"})
"""Entries of other fields that filling them writes."""

_ANALYSED: Final = ("/Reference", "/Data")
"""How a signature that locks fields names the catalog as what is held against them (ISO 32000-2, table 255)."""

_FORM_KEYS: Final = frozenset({"/Fields", "/SigFlags"})
_NEW_FORM_KEYS: Final = _FORM_KEYS | {"/DR", "/DA", "/Type"}
_TRAILER_KEYS: Final = ("/Root", "/Encrypt")


@dataclass(frozen=True, slots=True)
class _Use:
    """The one use that an object may have: held by these objects, in the catalog and trailer under this key."""

    holders: frozenset[Number]
    key: str

    def covers(self, edge: Edge, root: Number) -> bool:
        """Say whether a reference is of this use."""
        if self.key == "/Root" and edge.path[-2:] == _ANALYSED:
            return True
        return edge.holder in self.holders and (edge.holder not in {0, root} or edge.path[:1] == (self.key,))


@dataclass(slots=True)
class _Comparison:
    """Two neighbouring revisions, and what is found between them."""

    number: int  # 1-based, of the later one
    sealed: State  # the newest signed revision before it
    old: State
    new: State
    changed: set[Number]  # overridden with another value
    old_fields: dict[Number, FormField]
    new_fields: dict[Number, FormField]
    explained: dict[Number, _Use | None] = field(default_factory=dict)  # None: used widely, as what it is
    problems: list[Problem] = field(default_factory=list)

    def find(self, code: str, detail: str = "") -> None:
        problem = build_problem(code, revision=self.number, detail=detail)
        if problem not in self.problems:
            self.problems.append(problem)

    def explain(self, numbers: Iterable[Any], use: _Use | None = None) -> None:
        """Note that these may be overridden; values that are no references are passed over."""
        for one in numbers:
            number = int(one.idnum) if isinstance(one, generic.IndirectObject) else one
            if isinstance(number, int) and number in self.changed:
                self.explained[number] = use

    @property
    def filled(self) -> set[Number]:
        """Return the signature fields that this revision signs, and their widgets."""
        signed = {
            number
            for number, one in self.new_fields.items()
            if one.is_signature and one.is_signed and not _is_signed(self.old_fields.get(number))
        }
        return signed | {kid for number in signed for kid in self.new_fields[number].widgets}

    @property
    def added(self) -> set[Number]:
        """Return the objects of fields that the earlier revision does not have, and their widgets."""
        fresh = self.new_fields.keys() - self.old_fields.keys()
        return set(fresh) | {kid for number in fresh for kid in self.new_fields[number].widgets}


def _is_signed(one: FormField | None) -> bool:
    return one is not None and one.is_signed


def judge_revisions(reader: PdfFileReader, signed: Collection[int], budget: Budget) -> list[Problem]:
    """Return what is wrong with the revisions behind the first signed one.

    Args:
        signed: the revisions that a signature or document timestamp ends with; 0 is the first of the file.

    Raises:
        LimitExceeded: the comparison takes too long.
    """
    problems: list[Problem] = []
    first = min(signed)
    generations = list_generations(reader)
    old = sealed = open_state(reader, first, budget, generations)
    fields = list_fields(old).values()
    locks, certified = _list_locks(fields, old), _is_certified(fields, old)
    for number in range(first + 1, int(reader.xrefs.total_revisions)):
        new = open_state(reader, number, budget, generations)
        sealed = old if number - 1 in signed else sealed
        comparison = _compare(reader, (sealed, old, new), number)
        _judge(comparison, locks, certified=certified)
        problems += comparison.problems
        filled = [one for key, one in comparison.new_fields.items() if key in comparison.filled]
        locks += _list_locks(filled, new)
        certified = certified or _is_certified(filled, new)
        old = new
    return problems


def _compare(reader: PdfFileReader, states: tuple[State, State, State], number: int) -> _Comparison:
    sealed, old, new = states
    written = {int(one.idnum) for one in reader.xrefs.explicit_refs_in_revision(number)}
    changed = set()
    for one in written:
        before = old.get(one)
        if before is None or is_table(before) or same(before, new.get(one)):
            continue
        changed.add(one)
    comparison = _Comparison(number + 1, sealed, old, new, changed, list_fields(old), list_fields(new))
    if any(old.get(int(one)) is not None for one in reader.xrefs.get_xref_data(number).freed):
        comparison.find("later-removed")
    return comparison


def _judge(comparison: _Comparison, locks: list[Mapping[str, Any]], *, certified: bool) -> None:
    _judge_trailer(comparison)
    _judge_catalog(comparison)
    _judge_fields(comparison, certified=certified)
    _judge_locks(comparison, locks)
    for number in sorted(comparison.changed - comparison.explained.keys()):
        if _is_page(comparison, number):
            _judge_page(comparison, number)
    _judge_uses(comparison)
    for number in sorted(comparison.changed - comparison.explained.keys()):
        _name_left_over(comparison, number)


# --- trailer and catalog ----------------------------------------------------------------------------------------


def _judge_trailer(comparison: _Comparison) -> None:
    old, new = comparison.old, comparison.new
    first, second = raw_entries(old.resolver.trailer_view), raw_entries(new.resolver.trailer_view)
    for key in _TRAILER_KEYS:
        if not same(first.get(key), second.get(key)):
            comparison.find("later-catalog", key)
    before, after = first.get("/Info"), second.get("/Info")
    if after is not None and not may_redate(old.find_dictionary(before), new.find_dictionary(after)):
        comparison.find("later-metadata")
    comparison.explain([before], _Use(frozenset({0}), "/Info"))


def _judge_catalog(comparison: _Comparison) -> None:
    """Hold the entries of the catalog against those before."""
    old, new = comparison.old, comparison.new
    first, second = raw_entries(old.get(old.root)), raw_entries(new.get(new.root))
    comparison.explain([old.root], _Use(frozenset({0}), "/Root"))
    for key in sorted(first.keys() | second.keys()):
        before, after = first.get(key), second.get(key)
        judge = _CATALOG_JUDGES.get(key)
        if judge is not None:
            judge(comparison, before, after)
        elif not same(before, after):
            comparison.find("later-catalog", key)


def _judge_form(comparison: _Comparison, before: Any, after: Any) -> None:
    first, second = comparison.old.find_dictionary(before), comparison.new.find_dictionary(after)
    comparison.explain([before], _Use(frozenset({comparison.old.root}), "/AcroForm"))
    allowed = _FORM_KEYS if first else _NEW_FORM_KEYS
    for key in sorted(first.keys() | second.keys()):
        if key not in allowed and not same(first.get(key), second.get(key)):
            comparison.find("later-form", key)
    if not same(_list_direct(comparison.old, first), _list_direct(comparison.new, second)):
        comparison.find("later-form", "/Fields")
    holder = int(before.idnum) if isinstance(before, generic.IndirectObject) else comparison.old.root
    comparison.explain([first.get("/Fields")], _Use(frozenset({holder}), "/AcroForm"))


def _list_direct(state: State, form: Mapping[str, Any]) -> generic.ArrayObject:
    """Return the fields that stand in the form itself; nothing else would tell that they change."""
    listed = state.find_array(form.get("/Fields"))
    return generic.ArrayObject([one for one in listed if not isinstance(one, generic.IndirectObject)])


def _judge_store(comparison: _Comparison, before: Any, after: Any) -> None:
    earlier = list_store_numbers(comparison.old, before)
    if before is not None and earlier is None:
        return  # it was no store before; what it overrides is left over
    comparison.explain(earlier or (), _Use(frozenset({comparison.old.root, *(earlier or ())}), "/DSS"))
    if list_store_numbers(comparison.new, after) is None:
        comparison.find("later-store")
    elif not same(before, after) or comparison.changed & (earlier or set()):
        signed = raw_entries(comparison.sealed.get(comparison.sealed.root)).get("/DSS")
        if not keeps_store(comparison.sealed, signed, comparison.new, after):
            comparison.find("later-store-removed")


def _judge_extensions(comparison: _Comparison, before: Any, after: Any) -> None:
    first, second = comparison.old.find_dictionary(before), comparison.new.find_dictionary(after)
    own = {int(before.idnum)} if isinstance(before, generic.IndirectObject) else set()
    comparison.explain([before, *first.values()], _Use(frozenset({comparison.old.root, *own}), "/Extensions"))
    if not may_extend(comparison.old, first, comparison.new, second):
        comparison.find("later-catalog", "/Extensions")


def _judge_metadata(comparison: _Comparison, before: Any, after: Any) -> None:
    comparison.explain([before], _Use(frozenset({comparison.old.root}), "/Metadata"))
    if not may_describe(comparison.old, before, comparison.new, after):
        comparison.find("later-metadata")


def _judge_version(comparison: _Comparison, before: Any, after: Any) -> None:
    if not same(before, after) and not isinstance(after, generic.NameObject):
        comparison.find("later-catalog", "/Version")


_CATALOG_JUDGES: Final = {
    "/AcroForm": _judge_form,
    "/DSS": _judge_store,
    "/Extensions": _judge_extensions,
    "/Metadata": _judge_metadata,
    "/Version": _judge_version,
}


# --- fields -----------------------------------------------------------------------------------------------------


def _judge_fields(comparison: _Comparison, *, certified: bool) -> None:
    old, new = comparison.old_fields, comparison.new_fields
    if not set(old) <= set(new):
        comparison.find("later-field", "a field is gone")
    kept = [number for number in new if number in old]
    if kept != [number for number in old if number in new]:
        comparison.find("later-field", "the order of fields")
    for number, one in new.items():
        if number in old:
            _judge_kept_field(comparison, old[number], one)
        else:
            _judge_new_field(comparison, one, certified=certified)
    values = [one.value for one in new.values() if one.is_signature and one.value is not None]
    if len(set(values)) != len(values):
        comparison.find("later-field", "two fields share a signature")


def _judge_kept_field(comparison: _Comparison, before: FormField, after: FormField) -> None:
    """Explain how a field and its widgets may change, and name how they do beyond that."""
    filled = before.number in comparison.filled
    for number in (before.number, *before.widgets):
        if number not in comparison.changed:
            continue
        comparison.explain([number])
        first, second = raw_entries(comparison.old.get(number)), raw_entries(comparison.new.get(number))
        changed = {key for key in first.keys() | second.keys() if not same(first.get(key), second.get(key))}
        if "/Type" not in first and second.get("/Type") == "/Annot":
            changed.discard("/Type")
        if before.is_signature and filled and changed <= _FILLED_KEYS:
            continue
        if changed and not before.is_signature and changed <= _VALUE_KEYS:
            comparison.find("later-value", before.name)
        elif changed:
            comparison.find("later-field", before.name)
    if before.name != after.name or before.kind != after.kind:
        comparison.find("later-field", before.name)


def _keeps(comparison: _Comparison, before: Any, after: Any) -> bool:
    """Say whether an array still begins with all it held."""
    first, second = comparison.old.find_array(before), comparison.new.find_array(after)
    return len(first) <= len(second) and all(map(same, first, second[: len(first)]))


def _judge_new_field(comparison: _Comparison, one: FormField, *, certified: bool) -> None:
    """A new field holds a signature, or shows nothing; on a certified file both (ISO 32000-2, table 257)."""
    if not one.is_signature:
        if not one.has_fields:
            comparison.find("later-field", one.name)
    elif (certified or not one.is_signed) and one.is_visible(comparison.new):
        comparison.find("later-field", one.name)


# --- locks ------------------------------------------------------------------------------------------------------


def _list_locks(fields: Iterable[FormField], state: State) -> list[Mapping[str, Any]]:
    """Return the parameters of all locks that signed fields carry (ISO 32000-2, 12.7.5.5, 12.8.2.2 and 12.8.2.4)."""
    locks: list[Mapping[str, Any]] = []
    for one in fields:
        if not one.is_signed or not one.is_signature:
            continue
        locks.append(state.find_dictionary(raw_entries(state.get(one.number)).get("/Lock")))
        signature = state.find_dictionary(one.raw_value)
        references = map(state.find_dictionary, state.find_array(signature.get("/Reference")))
        locks += [state.find_dictionary(reference.get("/TransformParams")) for reference in references]
    return [one for one in locks if one]


def _is_certified(fields: Iterable[FormField], state: State) -> bool:
    """Say whether one of these signatures certifies the file (ISO 32000-2, 12.8.2.2)."""
    signatures = (state.find_dictionary(one.raw_value) for one in fields if one.is_signed and one.is_signature)
    listed = (one for signature in signatures for one in state.find_array(signature.get("/Reference")))
    return any(state.resolve(state.find_dictionary(one).get("/TransformMethod")) == "/DocMDP" for one in listed)


def _judge_locks(comparison: _Comparison, locks: list[Mapping[str, Any]]) -> None:
    """Hold what was signed or changed against what earlier signatures closed."""
    touched = {number for number in comparison.filled if number in comparison.new_fields}
    for number in sorted(touched):
        one = comparison.new_fields[number]
        if one.is_document_timestamp(comparison.new):
            continue
        for lock in locks:
            if _closes(comparison.old, lock, one.name):
                comparison.find("later-locked", one.name)


def _closes(state: State, lock: Mapping[str, Any], name: str) -> bool:
    if lock.get("/P") == 1:
        return True
    action = lock.get("/Action")
    if action is None:
        return False
    listed = {str(state.resolve(one)) for one in state.find_array(lock.get("/Fields"))}
    named = any(name == one or name.startswith(f"{one}.") for one in listed)
    return {"/All": True, "/Include": named, "/Exclude": not named}.get(str(action), True)


# --- pages and the rest -----------------------------------------------------------------------------------------


def _is_page(comparison: _Comparison, number: Number) -> bool:
    return all(raw_entries(one.get(number)).get("/Type") == "/Page" for one in (comparison.old, comparison.new))


def _judge_page(comparison: _Comparison, number: Number) -> None:
    first, second = raw_entries(comparison.old.get(number)), raw_entries(comparison.new.get(number))
    comparison.explain([number])
    for key in sorted(first.keys() | second.keys()):
        if key == "/Annots" and _adds_widgets(comparison, first.get(key), second.get(key)):
            continue
        if not same(first.get(key), second.get(key)):
            comparison.find("later-annotation" if key == "/Annots" else "later-page", key)


def _adds_widgets(comparison: _Comparison, before: Any, after: Any) -> bool:
    """Say whether a list of annotations only got widgets of new signature fields."""
    first, second = comparison.old.find_array(before), comparison.new.find_array(after)
    may_appear = comparison.added | comparison.filled
    return _keeps(comparison, before, after) and all(
        isinstance(one, generic.IndirectObject) and int(one.idnum) in may_appear for one in second[len(first) :]
    )


def _judge_uses(comparison: _Comparison) -> None:
    """Explain lists of annotations and appearances that stand apart; take back what is used for something else too."""
    if not comparison.changed:
        return
    edges = comparison.old.find_edges(comparison.changed)
    for number in sorted(comparison.changed):
        use = comparison.explained.get(number)
        if number not in comparison.explained:
            _explain_apart(comparison, number, edges[number])
        elif use is not None and not all(use.covers(edge, comparison.old.root) for edge in edges[number]):
            del comparison.explained[number]


def _explain_apart(comparison: _Comparison, number: Number, edges: set[Edge]) -> None:
    """Explain an array of annotations of one page, or the appearance of a field that is being signed."""
    places = {(edge.holder, edge.path) for edge in edges}
    if len(places) != 1:
        return
    ((holder, path),) = places
    if path == ("/Annots",) and raw_entries(comparison.old.get(holder)).get("/Type") == "/Page":
        if not _adds_widgets(comparison, comparison.old.get(number), comparison.new.get(number)):
            comparison.find("later-annotation", "/Annots")
        comparison.explain([number])
    elif holder in comparison.filled and path in {("/AP",), ("/AP", "/N")}:
        comparison.explain([number])


def _name_left_over(comparison: _Comparison, number: Number) -> None:
    """Name an overridden object that nothing permits to override."""
    entries = raw_entries(comparison.old.get(number)) or raw_entries(comparison.new.get(number))
    kind = str(entries.get("/Subtype" if entries.get("/Type") in {"/Annot", "/XObject"} else "/Type", ""))
    if entries.get("/Type") == "/Annot":
        comparison.find("later-annotation", kind)
    elif entries.get("/Subtype") == "/Form":
        comparison.find("later-appearance", f"{number}")
    elif entries.get("/Type") in {"/Page", "/Pages"}:
        comparison.find("later-page", kind)
    elif entries.get("/Type") == "/Metadata":
        comparison.find("later-metadata")
    else:
        comparison.find("later-object", f"{number} {kind}".strip())
