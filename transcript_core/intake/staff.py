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
from transcript_core.model import SchoolLevel
from transcript_core.records import Assignment, StaffRecord
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
        if row.get("subject") is not None:
            self._add_subject(row, class_name, code)
        elif not leads:
            self._report(row, "assignment-subject-missing", "subject", class_name)

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
        return Assignments(teaching, homeroom, place)

    def _report(self, row: Row, code: str, column: str, class_name: str, /, **values: object) -> None:
        self._log.add(code, place_of(row, column), concerns=Concern(class_name=class_name), **values)

    def _find_teacher(self, row: Row, class_name: str) -> str | None:
        code, name = parse_code(row.get("code")), row.get_text("name")
        if code:
            person = self._staff.people.get(code)
            if person is None:
                self._report(row, "teacher-unknown", "code", class_name, teacher=code)
                return None
            if name and fold_name(name) != fold_name(person.name):
                values = {"code": code, "expected": person.name, "found": name}
                self._report(row, "teacher-contradicts", "name", class_name, **values)
                return None
        else:
            people = self._staff.find_by_name(name)
            if len(people) != 1:
                kind = "teacher-ambiguous" if people else "teacher-unknown"
                self._report(row, kind, "name", class_name, teacher=name, count=len(people))
                return None
            code = people[0].staff_code
        if code in self._staff.absent:
            self._log.add("staff-not-working", place_of(row, "code"), status=self._staff.absent[code])
        return code

    def _read_homeroom(self, row: Row, class_name: str) -> bool:
        """A tick, or the class's own name, says that this teacher leads the class."""
        if class_key(row.get_text("homeroom")) == class_key(class_name):
            return True
        try:
            return parse_flag(row.get("homeroom"))
        except BadCell:
            self._report(row, "homeroom-unclear", "homeroom", class_name, found=row.get_text("homeroom"))
            return False

    def _add_subject(self, row: Row, class_name: str, code: str) -> None:
        name = row.get_text("subject")
        whole = find_level_subject(name, self._level, on=self._on)
        subject = whole or find_level_component(name, self._level, on=self._on)
        if subject is None:
            self._report(row, "subject-unknown", "subject", class_name, subject=name)
            return
        teachers = self._teachers.setdefault((class_name, subject.code), [])
        if code not in teachers:
            teachers.append(code)
        elif whole:  # one teacher may well teach two parts of a subject
            self._log.add("assignment-twice", place_of(row, "subject"))
