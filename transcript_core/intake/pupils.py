"""Reads the pupil list.  It decides who is at the school, in which class, under which name and date of birth.

Identifiers: `transcript_core.identifiers`; a personal id that is missing or odd is a warning, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from transcript_core.errors import InputError
from transcript_core.identifiers import (
    check_personal_id,
    check_pupil_code,
    parse_lifelong_code,
    parse_personal_id,
    parse_pupil_code,
)
from transcript_core.intake.cells import CellReader
from transcript_core.intake.problems import Concern, ProblemLog, join_rows, place_of, place_of_table
from transcript_core.intake.roster import Roster, RosterPupil, class_key, describe_person
from transcript_core.intake.tables import Row, Table, find_stated_total, list_rows
from transcript_core.intake.values import BadCell, is_numeric, parse_code, parse_day
from transcript_core.model import Gender, Guardian, SchoolLevel
from transcript_core.tables import list_grades
from transcript_core.text import fold_header

_ENROLLED: Final = frozenset({"", "danghoc", "hocsinhdanghoc", "dangtheohoc"})
_GENDERS: Final = {"nam": Gender.MALE, "trai": Gender.MALE, "nu": Gender.FEMALE, "gai": Gender.FEMALE}
_TEXT_COLUMNS: Final = (
    "ethnicity",
    "nationality",
    "birth_place",
    "hometown_province",
    "hometown_commune",
    "hometown",
    "address",
    "policy_group",
    "register_number",
)
_LEADING_GRADE: Final = re.compile(r"(\d{1,2})(?!\d)")
_PERSONAL_ID_DIGITS: Final = 12
_USUAL_AGE_MARGIN: Final = 5  # years around the age at which a grade usually begins (grade + 5)


def read_roster(tables: Sequence[Table], level: SchoolLevel, *, year_start: date, log: ProblemLog) -> Roster:
    """Return the pupils of all pupil lists.

    Args:
        tables: the sheets that are pupil lists.
        year_start: first day of the school year, for ages.
    """
    pupils: list[RosterPupil] = []
    left: list[tuple[str | None, str, date | None]] = []
    for table in tables:
        rows = list_rows(table)
        _check_total(table, len(rows), log)
        for row in rows:
            gone = _read_left(row, log)
            if gone is not None:
                left.append(gone)
                continue
            pupil = _PupilReader(row, level, year_start, log).read()
            if pupil is None:
                left.append(_name_person(row))  # held back by what is wrong with this row
            else:
                pupils.append(pupil)
    _report_shared(pupils, "personal_id", "personal-id-twice", log)
    _report_shared(pupils, "lifelong_code", "lifelong-code-twice", log)
    _report_shared(pupils, "external_id", "external-id-twice", log)
    return Roster(_drop_doubles(pupils, log), left=left)


class _PupilReader:
    """Reads one row of the pupil list."""

    def __init__(self, row: Row, level: SchoolLevel, year_start: date, log: ProblemLog) -> None:
        self._row = row
        self._level = level
        self._year_start = year_start
        self._log = log
        self._code = parse_code(row.get("code"))
        self._cells = CellReader(row, log, self._concern())

    def read(self) -> RosterPupil | None:
        """Return the pupil, or None when the row cannot stand for one; what is wrong is reported."""
        name, class_name = self._cells.name("name"), self._cells.text("class")
        if not name:
            self._report_unless_bad("pupil-name-missing", "name")
        if not class_name:
            self._report_unless_bad("class-missing", "class")
        self._check_code(name)
        born = self._read_birth_date()
        grade = self._read_grade(class_name) if class_name else None
        if not name or grade is None:
            return None
        self._check_age(born, grade)
        gender = self._read_gender()
        return RosterPupil(
            row=self._row,
            code=self._code or None,
            name=name,
            birth_date=born,
            gender=gender,
            class_name=class_name,
            grade_level=grade,
            personal_id=self._read_personal_id(born, gender),
            texts={column: self._cells.label(column) for column in _TEXT_COLUMNS},
            father=self._read_guardian("father"),
            mother=self._read_guardian("mother"),
            guardian=self._read_guardian("guardian"),
            not_assessed=self._cells.flag("not_assessed"),
            lifelong_code=self._cells.code("lifelong_code", parse_lifelong_code) or None,
            external_id=self._cells.code("external_id", str) or None,
        )

    def _concern(self) -> Concern:
        code, name, born = _name_person(self._row)
        if code:
            return Concern(pupil_code=code)
        return Concern(pupil_key=describe_person(name, born, self._row.get_text("class")))

    def _report_unless_bad(self, code: str, column: str) -> None:
        if column not in self._cells.bad:
            self._cells.report(code, column)

    def _check_code(self, name: str) -> None:
        raw = self._row.get("code")
        if raw is None:
            self._cells.report("pupil-code-missing", "code", name=name or "?")
            return
        try:
            parse_pupil_code(self._code)
        except InputError:
            self._cells.report("pupil-code-format", "code", code=self._row.get_text("code"))
            return
        if is_numeric(raw) and self._code != self._row.get_text("code"):
            self._cells.report("pupil-code-zero", "code", code=self._code)
        if check_pupil_code(self._code):
            self._cells.report("pupil-code-province", "code", code=self._code)

    def _read_birth_date(self) -> date | None:
        born = self._cells.day("birth_date")
        if born is None:
            self._report_unless_bad("birth-date-missing", "birth_date")
        return born

    def _check_age(self, born: date | None, grade: int) -> None:
        if born and abs(self._year_start.year - born.year - grade - 5) > _USUAL_AGE_MARGIN:
            self._cells.report("birth-date-unlikely", "birth_date", found=born.strftime("%d/%m/%Y"), grade=grade)

    def _read_grade(self, class_name: str) -> int | None:
        named = _LEADING_GRADE.match(class_key(class_name))
        stated = re.search(r"\d+", self._row.get_text("grade"))
        grade = int(named[1]) if named else int(stated[0]) if stated else None
        if grade is None:
            self._cells.report("class-without-grade", "class", class_name=class_name)
        elif grade not in list_grades(self._level):
            self._cells.report("class-other-level", "class", class_name=class_name, grade=grade)
        elif stated and int(stated[0]) != grade:
            found = self._row.get_text("grade")
            self._cells.report("grade-contradicts-class", "grade", found=found, class_name=class_name, grade=grade)
        else:
            return grade
        return None

    def _read_gender(self) -> Gender:
        text = self._row.get_text("gender")
        gender = _GENDERS.get(fold_header(text), Gender.UNKNOWN)
        if gender is Gender.UNKNOWN:
            self._cells.report("gender-unclear", "gender", found=text)
        return gender

    def _read_personal_id(self, born: date | None, gender: Gender) -> str | None:
        raw, digits = self._row.get("personal_id"), self._cells.digits("personal_id")
        if not digits:
            self._report_unless_bad("personal-id-pending", "personal_id")
            return None
        if is_numeric(raw) and len(digits) < _PERSONAL_ID_DIGITS:
            digits = digits.zfill(_PERSONAL_ID_DIGITS)
            self._cells.report("personal-id-zero", "personal_id")
        try:
            parse_personal_id(digits)
        except InputError:
            self._cells.report("personal-id-format", "personal_id")
            return None
        if born is not None:
            for warning in check_personal_id(digits, birth_date=born, gender=gender):
                self._cells.report("personal-id-inconsistent", "personal_id", detail=warning.what)
        return digits

    def _read_guardian(self, who: str) -> Guardian | None:
        name = self._cells.name(f"{who}_name")
        return Guardian(name, self._cells.label(f"{who}_occupation")) if name else None


def _read_left(row: Row, log: ProblemLog) -> tuple[str | None, str, date | None] | None:
    """Return who has left the school, after a warning; None for pupils who are there."""
    status = row.get_text("status")
    if fold_header(status) in _ENROLLED:
        return None
    person = _name_person(row)
    log.add("pupil-not-enrolled", place_of(row, "status"), concerns=Concern(pupil_code=person[0]), status=status)
    return person


def _name_person(row: Row) -> tuple[str | None, str, date | None]:
    try:
        born = parse_day(row.get("birth_date"))
    except BadCell:
        born = None
    return parse_code(row.get("code")) or None, row.get_text("name"), born


def _check_total(table: Table, counted: int, log: ProblemLog) -> None:
    stated = find_stated_total(table)
    if stated and stated[0] != counted:
        log.add("total-contradicts", place_of_table(table, "name"), stated=stated[0], counted=counted)


def _drop_doubles(pupils: list[RosterPupil], log: ProblemLog) -> list[RosterPupil]:
    """Report pupils that stand in the list twice; the first row stands for them, and they are held back."""
    by_key: dict[str, list[RosterPupil]] = {}
    for pupil in pupils:
        by_key.setdefault(pupil.key, []).append(pupil)
    for key, same in by_key.items():
        if len(same) > 1:
            rows = join_rows(pupil.row for pupil in same)
            place = place_of(same[1].row, "code")
            log.add("pupil-twice", place, concerns=same[0].concern, code=key, rows=rows)
    return [same[0] for same in by_key.values()]


def _report_shared(pupils: list[RosterPupil], column: str, code: str, log: ProblemLog) -> None:
    """Report an identifier that several pupils have."""
    by_id: dict[str, list[RosterPupil]] = {}
    for pupil in pupils:
        identifier = getattr(pupil, column)
        if identifier:
            by_id.setdefault(identifier, []).append(pupil)
    for same in by_id.values():
        if len({pupil.key for pupil in same}) > 1:
            for pupil in same:
                rows = join_rows(other.row for other in same)
                log.add(code, place_of(pupil.row, column), concerns=pupil.concern, rows=rows)
