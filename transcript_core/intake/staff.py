"""Reads the staff list and the teaching assignment: who works at the school, who teaches what, who leads a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from transcript_core.intake.cells import CellReader
from transcript_core.intake.naming import find_level_component, find_level_subject
from transcript_core.intake.problems import Concern, Place, ProblemLog, place_of, place_of_table
from transcript_core.intake.roster import Roster, class_key
from transcript_core.intake.tables import Row, Table, list_rows
from transcript_core.intake.values import BadCell, parse_code, parse_flag
from transcript_core.model import SchoolLevel, Substitution
from transcript_core.records import Assignment, StaffRecord, StandIn
from transcript_core.text import fold_header, fold_name

_WORKING: Final = frozenset({"", "danglamviec", "dangcongtac", "danggiangdai"})


@dataclass(frozen=True, slots=True)
class Staff:
    """The members of staff, by code, and the status of those who do not work at present."""

    people: dict[str, StaffRecord]
    absent: dict[str, str]  # code -> status as the list says it

    def find_by_name(self, name: str) -> list[StaffRecord]:
        """Return the members of staff with this name."""
        return [person for person in self.people.values() if fold_name(person.name) == fold_name(name)]


@dataclass(frozen=True, slots=True)
class Assignments:
    """Who teaches what, and the homeroom teacher of each class that has exactly one."""

    teaching: tuple[Assignment, ...]
    homeroom: dict[str, str]  # class -> staff code
    place: Place  # where to mend what is missing
    stand_ins: tuple[StandIn, ...] = ()


def read_staff(tables: Sequence[Table], log: ProblemLog) -> Staff:
    """Return the staff of all staff lists."""
    staff = Staff({}, {})
    for table in tables:
        for row in list_rows(table):
            _read_person(row, staff, log)
        principals = sum(fold_header(person.position) == "hieutruong" for person in staff.people.values())
        if principals != 1:
            log.add("principal-count", place_of_table(table, "position"), count=principals)
    return staff


def _read_person(row: Row, staff: Staff, log: ProblemLog) -> None:
    cells = CellReader(row, log)
    code, name = parse_code(row.get("code")), cells.name("name")
    if not code:
        cells.report("staff-code-missing", "code")
    elif not name:
        cells.report("staff-name-missing", "name")
    elif code in staff.people:
        cells.report("staff-twice", "code", code=code)
    else:
        staff.people[code] = StaffRecord(code, name, cells.day("birth_date"), cells.text("position"))
        status = cells.text("status")
        if fold_header(status) not in _WORKING:
            staff.absent[code] = status


def read_assignments(
    tables: Sequence[Table], level: SchoolLevel, staff: Staff, roster: Roster, *, on: date, log: ProblemLog
) -> Assignments:
    """Return the teaching assignment of all its sheets."""
    reader = _AssignmentReader(level, staff, roster, on, log)
    for table in tables:
        for row in list_rows(table):
            reader.read(row)
    place = place_of_table(tables[0]) if tables else Place("")
    return reader.finish(place)


class _AssignmentReader:
    """Reads the rows of the teaching assignment."""

    def __init__(self, level: SchoolLevel, staff: Staff, roster: Roster, on: date, log: ProblemLog) -> None:
        self._level = level
        self._staff = staff
        self._roster = roster
        self._on = on
        self._log = log
        self._teachers: dict[tuple[str, str], list[str]] = {}
        self._homeroom: dict[str, dict[str, Row]] = {}
        self._stand_ins: dict[tuple[str, str | None, str], StandIn] = {}  # by class, subject and absent teacher

    def read(self, row: Row) -> None:
        """Read one row: a teacher of a subject in a class, the class's homeroom teacher, or both."""
        found = row.get_text("class")
        class_name = self._roster.classes.get(class_key(found))
        if class_name is None:
            kind = "assignment-class-unknown" if found else "assignment-class-missing"
            self._log.add(kind, place_of(row, "class"), class_name=found)
            return
        code = self._find_teacher(row, class_name)
        leads = self._read_homeroom(row, class_name)
        if code is None:
            return
        if leads:
            self._homeroom.setdefault(class_name, {})[code] = row
        subject_code = None
        if row.get("subject") is not None:
            subject_code = self._add_subject(row, class_name, code)
        elif not leads:
            self._report(row, "assignment-subject-missing", "subject", class_name)
        self._add_stand_in(row, class_name, code, leads=leads, subject_code=subject_code)

    def finish(self, place: Place) -> Assignments:
        """Report classes with no or several homeroom teachers and return everything."""
        homeroom: dict[str, str] = {}
        for class_name in self._roster.list_classes():
            leaders = self._homeroom.get(class_name, {})
            concern = Concern(class_name=class_name)
            if len(leaders) == 1:
                homeroom[class_name] = next(iter(leaders))
            elif leaders:
                second = place_of(list(leaders.values())[1], "homeroom")
                self._log.add("homeroom-twice", second, concerns=concern, class_name=class_name, count=len(leaders))
            else:
                self._log.add("homeroom-missing", place, concerns=concern, class_name=class_name)
        teaching = tuple(
            Assignment(class_name, subject, code, order)
            for (class_name, subject), codes in self._teachers.items()
            for order, code in enumerate(codes, start=1)
        )
        return Assignments(teaching, homeroom, place, tuple(self._stand_ins.values()))

    def _report(self, row: Row, code: str, column: str, class_name: str, /, **values: object) -> None:
        self._log.add(code, place_of(row, column), concerns=Concern(class_name=class_name), **values)

    def _find_teacher(self, row: Row, class_name: str) -> str | None:
        """Return the code of the row's teacher; that they do not work is worth a look unless somebody stands in."""
        code = self._find_person(row, class_name, ("code", parse_code(row.get("code"))), ("name", row.get_text("name")))
        if code in self._staff.absent and not _has_stand_in(row):
            self._log.add("staff-not-working", place_of(row, "code"), status=self._staff.absent[code])
        return code

    def _find_person(
        self, row: Row, class_name: str, code_cell: tuple[str, str], name_cell: tuple[str, str]
    ) -> str | None:
        """Return the code of a member of staff whom two cells, each (column, value), name by code, by name or both."""
        (code_column, code), (name_column, name) = code_cell, name_cell
        if not code:
            people = self._staff.find_by_name(name)
            if len(people) == 1:
                return people[0].staff_code
            kind = "teacher-ambiguous" if people else "teacher-unknown"
            self._report(row, kind, name_column, class_name, teacher=name, count=len(people))
            return None
        person = self._staff.people.get(code)
        if person is None:
            self._report(row, "teacher-unknown", code_column, class_name, teacher=code)
        elif name and fold_name(name) != fold_name(person.name):
            values = {"code": code, "expected": person.name, "found": name}
            self._report(row, "teacher-contradicts", name_column, class_name, **values)
        else:
            return code
        return None

    def _add_stand_in(self, row: Row, class_name: str, absent: str, *, leads: bool, subject_code: str | None) -> None:
        """Keep who signs in the row's teacher's place, for each of the things that the row assigns."""
        substitution = self._read_substitution(row, class_name)
        staff_code = self._find_stand_in(row, class_name) if _has_stand_in(row) else None
        if staff_code is None or substitution is None:
            return
        if staff_code == absent:
            self._report(row, "stand-in-self", "stand_in", class_name)
            return
        slots: list[str | None] = [None] if leads else []
        if subject_code is not None and self._level is not SchoolLevel.PRIMARY:
            slots.append(subject_code)
        if not slots and subject_code is not None:
            self._report(row, "stand-in-without-slot", "stand_in", class_name)
        for slot in slots:
            stand_in = StandIn(class_name, slot, absent, staff_code, substitution)
            if self._stand_ins.setdefault((class_name, slot, absent), stand_in) != stand_in:
                self._report(row, "stand-in-twice", "stand_in", class_name)

    def _read_substitution(self, row: Row, class_name: str) -> Substitution | None:
        """Return reason and decision of a stand-in; both or neither must be there."""
        cells = CellReader(row, self._log, Concern(class_name=class_name))
        reason, decision = cells.label("stand_in_reason"), cells.label("stand_in_decision")
        if cells.bad:
            return None
        if not _has_stand_in(row):
            if reason or decision:
                cells.report("stand-in-missing", "stand_in")
            return None
        if not reason:
            cells.report("stand-in-reason-missing", "stand_in_reason")
        if not decision:
            cells.report("stand-in-decision-missing", "stand_in_decision")
        return Substitution(reason, decision) if reason and decision else None

    def _find_stand_in(self, row: Row, class_name: str) -> str | None:
        """Return the code of who stands in; the cell holds a code or, without any digit, a name."""
        stated = row.get_text("stand_in")
        coded = any(character.isdigit() for character in stated)
        name = row.get_text("stand_in_name")
        name_cell = ("stand_in_name", name) if name or coded else ("stand_in", stated)
        code = parse_code(row.get("stand_in")) if coded else ""
        found = self._find_person(row, class_name, ("stand_in", code), name_cell)
        if found in self._staff.absent:
            self._log.add("staff-not-working", place_of(row, "stand_in"), status=self._staff.absent[found])
        return found

    def _read_homeroom(self, row: Row, class_name: str) -> bool:
        """A tick, or the class's own name, says that this teacher leads the class."""
        if class_key(row.get_text("homeroom")) == class_key(class_name):
            return True
        try:
            return parse_flag(row.get("homeroom"))
        except BadCell:
            self._report(row, "homeroom-unclear", "homeroom", class_name, found=row.get_text("homeroom"))
            return False

    def _add_subject(self, row: Row, class_name: str, code: str) -> str | None:
        """Keep the teacher of the row's subject; return its code, or None when there is no such subject."""
        name = row.get_text("subject")
        whole = find_level_subject(name, self._level, on=self._on)
        subject = whole or find_level_component(name, self._level, on=self._on)
        if subject is None:
            self._report(row, "subject-unknown", "subject", class_name, subject=name)
            return None
        teachers = self._teachers.setdefault((class_name, subject.code), [])
        if code not in teachers:
            teachers.append(code)
        elif whole:  # one teacher may well teach two parts of a subject
            self._log.add("assignment-twice", place_of(row, "subject"))
        return subject.code


def _has_stand_in(row: Row) -> bool:
    return row.get("stand_in") is not None or row.get("stand_in_name") is not None
