"""The objects of a stranger's PDF as two of its revisions show them: reading, comparing, who refers to whom.

ISO 32000-1, 7.3 (objects) and 7.5.6 (incremental updates).  pyHanko's reader resolves references as of a revision;
whatever it raises is left to the caller, because a stranger's file can break a general parser in any way it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_FOREIGN_PDF_VISITS, MAX_PDF_DEPTH
from verify.formats.work import Work

Number = int
"""An object's number: whatever their generations, a revision shows one object of a number."""

Generations = Mapping[Number, tuple[int, ...]]
"""The generations of the objects that have others than 0, the newest first."""


@dataclass(slots=True)
class Budget:
    """How many more objects may be looked at in this file; all that is looked at is paid from the one budget."""

    left: int = MAX_FOREIGN_PDF_VISITS
    work: Work = field(default_factory=Work)

    def spend(self, count: int = 1) -> None:
        """Count objects that are looked at.

        Raises:
            LimitExceeded: too many.
        """
        self.work.pay_visits(count)
        self.left -= count
        if self.left < 0:
            raise LimitExceeded(f"comparing its revisions takes more than {MAX_FOREIGN_PDF_VISITS} steps")


@dataclass(frozen=True, slots=True)
class Edge:
    """Who refers to an object: the holder's number (0: the trailer), and the keys that lead there in the holder."""

    holder: Number
    path: tuple[str, ...]


@dataclass(slots=True)
class State:
    """The file as one revision shows it."""

    resolver: HistoricalResolver
    budget: Budget
    generations: Generations
    _objects: dict[Number, Any] = field(default_factory=dict)

    @property
    def root(self) -> Number:
        """Return the catalog's number."""
        return int(self.resolver.root_ref.idnum)

    def get(self, number: Number) -> Any:
        """Return an object; None when this revision has none of that number."""
        if number not in self._objects:
            self.budget.spend()
            reference = self.find_reference(number)
            self._objects[number] = None if reference is None else self.resolver.get_object(reference)
        return self._objects[number]

    def find_reference(self, number: Number) -> generic.Reference | None:
        """Return what refers to the object of this number; None when this revision has none."""
        xrefs = self.resolver.reader.xrefs
        for generation in self.generations.get(number, (0,)):
            reference = generic.Reference(number, generation, self.resolver)
            if xrefs.get_historical_ref(reference, self.resolver.revision) is not None:
                return reference
        return None

    def resolve(self, value: Any) -> Any:
        """Return `value`, or what it refers to."""
        return self.get(value.idnum) if isinstance(value, generic.IndirectObject) else value

    def find_dictionary(self, value: Any) -> Mapping[str, Any]:
        """Return the raw entries of the dictionary that `value` is or refers to; empty when there is none."""
        return raw_entries(self.resolve(value))

    def find_array(self, value: Any) -> list[Any]:
        """Return the raw items of the array that `value` is or refers to; empty when there is none."""
        found = self.resolve(value)
        return list(found) if isinstance(found, generic.ArrayObject) else []

    def find_edges(self, targets: set[Number]) -> dict[Number, set[Edge]]:
        """Return, for each of these objects, everything in the file that refers to it."""
        edges: dict[Number, set[Edge]] = {number: set() for number in targets}
        seen: set[Number] = set()
        waiting: list[tuple[Number, Any]] = [(0, self.resolver.trailer_view)]
        while waiting:
            holder, value = waiting.pop()
            for path, number in iterate_references(value, self.budget):
                if number in edges:
                    edges[number].add(Edge(holder, path))
                if number not in seen:
                    seen.add(number)
                    waiting.append((number, self.get(number)))
        return edges


def open_state(reader: PdfFileReader, revision: int, budget: Budget, generations: Generations) -> State:
    """Return the file as the revision of this number shows it; 0 is the first."""
    return State(reader.get_historical_resolver(revision), budget, generations)


def list_generations(reader: PdfFileReader) -> Generations:
    """Return the generations of all objects of the file that have others than 0."""
    found: dict[Number, set[int]] = {}
    for revision in range(int(reader.xrefs.total_revisions)):
        for one in reader.xrefs.explicit_refs_in_revision(revision):
            if one.generation > 0:
                found.setdefault(int(one.idnum), {0}).add(int(one.generation))
    return {number: tuple(sorted(generations, reverse=True)) for number, generations in found.items()}


def raw_entries(value: Any) -> Mapping[str, Any]:
    """Return a dictionary's or stream's entries, references unresolved; empty for anything else."""
    return dict(value.items()) if isinstance(value, generic.DictionaryObject) else {}


def is_table(value: Any) -> bool:
    """Say whether an object only says where others are; one that holds others is as good as those."""
    return isinstance(value, generic.StreamObject) and raw_entries(value).get("/Type") == "/XRef"


def iterate_references(
    value: Any, budget: Budget, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Number]]:
    """Return each reference inside a value, with the dictionary keys that lead to it; array places do not count."""
    if isinstance(value, generic.IndirectObject):
        yield path, int(value.idnum)
        return
    if not isinstance(value, generic.DictionaryObject | generic.ArrayObject):
        return
    if len(path) > MAX_PDF_DEPTH:
        raise LimitExceeded("values are nested too deeply")
    budget.spend(1 + len(value) // 16)
    if isinstance(value, generic.ArrayObject):
        for item in value:
            yield from iterate_references(item, budget, path)
    else:
        for key, item in value.items():
            yield from iterate_references(item, budget, (*path, str(key)))


def same(one: Any, other: Any, depth: int = 0) -> bool:
    """Say whether two values are the same to every reader; references are compared, not followed."""
    if depth > MAX_PDF_DEPTH:
        raise LimitExceeded("values are nested too deeply")
    if isinstance(one, generic.StreamObject) or isinstance(other, generic.StreamObject):
        return _same_streams(one, other, depth)
    if isinstance(one, generic.DictionaryObject) and isinstance(other, generic.DictionaryObject):
        first, second = raw_entries(one), raw_entries(other)
        return _same_entries(first, second, depth)
    if isinstance(one, generic.ArrayObject) and isinstance(other, generic.ArrayObject):
        pairs = zip(list(one), list(other), strict=False)
        return len(one) == len(other) and all(same(first, second, depth + 1) for first, second in pairs)
    return _simplify(one) == _simplify(other)


def _same_streams(one: Any, other: Any, depth: int) -> bool:
    if not isinstance(one, generic.StreamObject) or not isinstance(other, generic.StreamObject):
        return False
    first, second = dict(raw_entries(one)), dict(raw_entries(other))
    first.pop("/Length", None)
    second.pop("/Length", None)
    return bool(one.encoded_data == other.encoded_data) and _same_entries(first, second, depth)


def _same_entries(first: Mapping[str, Any], second: Mapping[str, Any], depth: int) -> bool:
    return first.keys() == second.keys() and all(same(value, second[key], depth + 1) for key, value in first.items())


def _simplify(value: Any) -> object:
    """Return a value of plain types that is equal for equal values."""
    simple: object = (type(value).__name__, id(value))
    match value:
        case generic.IndirectObject():
            simple = ("reference", int(value.idnum), int(value.generation))
        case generic.NameObject():
            simple = ("name", str(value))
        case generic.BooleanObject():
            simple = ("truth", bool(value))
        case generic.NumberObject() | generic.FloatObject():
            simple = ("number", float(value))
        case generic.TextStringObject() | generic.ByteStringObject():
            simple = ("string", bytes(value.original_bytes))
        case generic.NullObject() | None:
            simple = None
    return simple
