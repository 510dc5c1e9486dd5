"""Who the pupils are, and which pupil a row of another sheet means.

A row is matched by its code, which must agree with the name; without a code by name and date of birth, when exactly one
pupil has both.  Anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from transcript_core.intake.problems import Concern, ProblemLog, join_rows, place_of
from transcript_core.intake.tables import Row, Table, list_rows
from transcript_core.intake.values import BadCell, parse_code, parse_day
from transcript_core.model import Gender, Guardian
from transcript_core.tables import normalize_name
from transcript_core.text import fold_name


@dataclass(frozen=True, slots=True)
class RosterPupil:
    """One pupil of the list."""

    row: Row
    code: str | None  # None: the list gives none, the pupil is held back
    name: str
    birth_date: date | None  # None: missing or unreadable, the pupil is held back
    gender: Gender
    class_name: str
    grade_level: int
    personal_id: str | None
    texts: Mapping[str, str] = field(default_factory=dict, hash=False)  # the list's other columns, "" when blank
    father: Guardian | None = None
    mother: Guardian | None = None
    guardian: Guardian | None = None
    not_assessed: bool = False
    lifelong_code: str | None = None
    external_id: str | None = None

    @property
    def key(self) -> str:
        """Return the code, or what names the pupil without one."""
        return self.code or describe_person(self.name, self.birth_date, self.class_name)

    @property
    def concern(self) -> Concern:
        """Return whom a problem with this pupil holds back."""
        return Concern(pupil_code=self.code) if self.code else Concern(pupil_key=self.key)


@dataclass(frozen=True, slots=True)
class Matches:
    """The rows of one table by pupil key."""

    rows: Mapping[str, Row]
    troubled: frozenset[str]  # keys of pupils whose row is not clear; that is reported already


class Roster:
    """The pupils of the list, found by code, or by name and date of birth."""

    def __init__(self, pupils: Sequence[RosterPupil], *, left: Iterable[tuple[str | None, str, date | None]]) -> None:
        """Index the pupils.

        Args:
            pupils: the pupils to import; keys are unique.
            left: (code, name, birth date) of listed people who are no pupils to import; their rows are passed over.
        """
        self.pupils = tuple(pupils)
        self.by_key = {pupil.key: pupil for pupil in pupils}
        self._left_codes = {code for code, _, _ in left if code}
        self._left_people = {(fold_name(name), born) for code, name, born in left if not code}
        self.classes = {class_key(pupil.class_name): pupil.class_name for pupil in pupils}
        self._by_person: dict[tuple[str, date | None], list[RosterPupil]] = {}
        for pupil in pupils:
            self._by_person.setdefault((fold_name(pupil.name), pupil.birth_date), []).append(pupil)

    def list_class(self, class_name: str) -> tuple[RosterPupil, ...]:
        """Return the pupils of a class in the list's order."""
        return tuple(pupil for pupil in self.pupils if pupil.class_name == class_name)

    def list_classes(self) -> dict[str, int]:
        """Return the grade of each class, sorted by grade and name."""
        grades = {pupil.class_name: pupil.grade_level for pupil in self.pupils}
        return dict(sorted(grades.items(), key=lambda item: (item[1], len(item[0]), item[0])))

    def match_table(self, table: Table, log: ProblemLog) -> Matches:
        """Find whom each row means and report the rows that do not say so clearly."""
        matching = _Matching(self, log)
        rows = list_rows(table)
        coded = [row for row in rows if row.get("code") is not None]
        for row in coded:
            matching.match_coded(row)
        for row in rows:
            if row.get("code") is None:
                matching.match_named(row)
        return matching.finish()

    def match_row(self, row: Row, log: ProblemLog) -> RosterPupil | None:
        """Find whom a row means in a sheet that may hold several rows of one pupil; None when that is not clear."""
        matching = _Matching(self, log)
        if row.get("code") is None:
            matching.match_named(row)
        else:
            matching.match_coded(row)
        keys = list(matching.finish().rows)
        return self.by_key[keys[0]] if keys else None

    def find_by_person(self, name: str, born: date | None) -> list[RosterPupil]:
        """Return the pupils with this name and date of birth."""
        return self._by_person.get((fold_name(name), born), []) if born else []

    def has_left(self, code: str | None, name: str, born: date | None) -> bool:
        """Return whether this is somebody of the list who is no pupil to import."""
        return code in self._left_codes if code else (fold_name(name), born) in self._left_people


class _Matching:
    """The matching of one table."""

    def __init__(self, roster: Roster, log: ProblemLog) -> None:
        self._roster = roster
        self._log = log
        self._rows: dict[str, list[Row]] = {}
        self._troubled: set[str] = set()

    def match_coded(self, row: Row) -> None:
        """Match a row by its code; its name must agree."""
        code, born, name = parse_code(row.get("code")), self._read_day(row), row.get_text("name")
        pupil = self._roster.by_key.get(code)
        if pupil is not None and pupil.code:
            self._compare(row, pupil, name, born)
            return
        if self._roster.has_left(code, name, born):
            return
        alike = self._roster.find_by_person(name, born)
        if len(alike) == 1 and alike[0].code:
            values = {"code": code, "expected": alike[0].code}
            self._log.add("pupil-code-wrong", place_of(row, "code"), concerns=alike[0].concern, **values)
            self._troubled.add(alike[0].key)
        else:
            self._log.add("pupil-unknown", place_of(row, "code"), concerns=Concern(pupil_code=code), code=code)

    def match_named(self, row: Row) -> None:
        """Match a row without a code: exactly one pupil has its name and date of birth."""
        name, born = row.get_text("name"), self._read_day(row)
        if not name:
            self._log.add("row-without-identity", place_of(row, "code"))
            return
        candidates = self._roster.find_by_person(name, born)
        if len(candidates) == 1:
            self._accept_named(row, candidates[0])
        elif candidates:
            self._refuse_ambiguous(row, candidates)
        elif not self._roster.has_left(None, name, born):
            key = describe_person(name, born, row.get_text("class"))
            self._log.add("pupil-not-matched", place_of(row, "name"), concerns=Concern(pupil_key=key))

    def finish(self) -> Matches:
        """Report pupils with two rows and return what is clear."""
        for key, rows in self._rows.items():
            if len(rows) > 1:
                pupil = self._roster.by_key[key]
                self._log.add("row-twice", place_of(rows[1], "name"), concerns=pupil.concern, rows=join_rows(rows))
                self._troubled.add(key)
        clear = {key: rows[0] for key, rows in self._rows.items() if len(rows) == 1}
        return Matches(clear, frozenset(self._troubled))

    def _compare(self, row: Row, pupil: RosterPupil, name: str, born: date | None) -> None:
        if name and fold_name(name) != fold_name(pupil.name):
            values = {"code": pupil.code, "expected": pupil.name, "found": name}
            self._log.add("name-contradicts", place_of(row, "name"), concerns=pupil.concern, **values)
            self._troubled.add(pupil.key)
            return
        if born and pupil.birth_date and born != pupil.birth_date:
            values = {"found": show_day(born), "expected": show_day(pupil.birth_date)}
            self._log.add("birth-date-contradicts", place_of(row, "birth_date"), concerns=pupil.concern, **values)
        if self._compare_class(row, pupil, "class-contradicts"):
            self._rows.setdefault(pupil.key, []).append(row)

    def _accept_named(self, row: Row, pupil: RosterPupil) -> None:
        if self._compare_class(row, pupil, "class-contradicts-no-code"):
            self._rows.setdefault(pupil.key, []).append(row)

    def _compare_class(self, row: Row, pupil: RosterPupil, code: str) -> bool:
        """Report a class that is not the pupil's; return whether the row can be taken all the same."""
        found = row.get_text("class")
        if not found or class_key(found) == class_key(pupil.class_name):
            return True
        unknown = class_key(found) not in self._roster.classes
        kind = "class-unknown" if unknown else code
        values = {"found": found, "expected": pupil.class_name}
        self._log.add(kind, place_of(row, "class"), concerns=pupil.concern, **values)
        if kind == "class-contradicts":
            return True
        self._troubled.add(pupil.key)
        return False

    def _refuse_ambiguous(self, row: Row, candidates: list[RosterPupil]) -> None:
        """Hold back those who have no row of their own, for the row is one of theirs; all when each has one."""
        without = [pupil for pupil in candidates if pupil.key not in self._rows] or candidates
        for pupil in without:
            self._log.add("pupil-ambiguous", place_of(row, "name"), concerns=pupil.concern, count=len(candidates))
            self._troubled.add(pupil.key)

    def _read_day(self, row: Row) -> date | None:
        try:
            return parse_day(row.get("birth_date"))
        except BadCell as bad:
            if row.get("code") is None:
                key = describe_person(row.get_text("name"), None, row.get_text("class"))
                self._log.add(bad.code, place_of(row, "birth_date"), concerns=Concern(pupil_key=key), **bad.values)
            return None


def class_key(name: str) -> str:
    """Return the key under which spellings of a class meet: "Lớp 7A2", "7a 2", "7A2"."""
    key = normalize_name(name).replace(" ", "")
    return key.removeprefix("lop")


def show_day(day: date | None) -> str:
    """Return a day as people write it, or "?"."""
    return "?" if day is None else day.strftime("%d/%m/%Y")


def describe_person(name: str, born: date | None, class_name: str) -> str:
    """Return what names somebody without a code."""
    return f"{name} ({', '.join(filter(None, (show_day(born), class_name)))})"
