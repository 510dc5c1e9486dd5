"""Everything that decides what one pupil's document says, laid side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from transcript_core.assessment.registry import Rules, choose_rules
from transcript_core.errors import InputError
from transcript_core.identifiers import parse_school_year
from transcript_core.model import School, Stage
from transcript_core.records import ClassRecord, PupilRecord, SchoolRecords, StaffRecord
from transcript_core.tables import Subject, list_subjects


@dataclass(frozen=True, slots=True)
class Case:
    """One pupil's record with everything that decides what their document says."""

    record: PupilRecord
    records: SchoolRecords
    school: School
    stage: Stage
    school_class: ClassRecord
    on: date  # the day whose tables hold for the school year
    regulation: str
    rules: Rules
    subjects: tuple[Subject, ...]  # of the level and grade, in the form's order
    staff: Mapping[str, StaffRecord]  # by staff code
    teachers: Mapping[str, tuple[str, ...]]  # subject code -> staff codes in the class, in the order of assignment

    @property
    def grade(self) -> int:
        """Return the class's grade (khối), 1..12."""
        return self.school_class.grade_level

    @property
    def is_year(self) -> bool:
        """Return whether the document reports the whole year."""
        return self.stage is Stage.YEAR


def build_case(record: PupilRecord, *, records: SchoolRecords, school: School, stage: Stage) -> Case:
    """Return the case of one pupil.

    Raises:
        InputError: the pupil's class is not in the records, no regulation is known for its grade and year, or the
            school year is malformed.
    """
    school_class = next((one for one in records.classes if one.name == record.class_name), None)
    if school_class is None:
        raise InputError(f"class {record.class_name!r} is not in the school's records")
    on = parse_school_year(records.school_year).starts_on
    regulation, rules = choose_rules(school.level, school_class.grade_level, on=on)
    return Case(
        record=record,
        records=records,
        school=school,
        stage=stage,
        school_class=school_class,
        on=on,
        regulation=regulation,
        rules=rules,
        subjects=list_subjects(school.level, school_class.grade_level, on=on),
        staff={member.staff_code: member for member in records.staff},
        teachers=_list_teachers(records, school_class.name),
    )


def _list_teachers(records: SchoolRecords, class_name: str) -> dict[str, tuple[str, ...]]:
    mine = (assignment for assignment in records.assignments if assignment.class_name == class_name)
    teachers: dict[str, tuple[str, ...]] = {}
    for assignment in sorted(mine, key=lambda assignment: assignment.order):
        before = teachers.get(assignment.subject_code, ())
        teachers[assignment.subject_code] = (*before, assignment.staff_code)
    return teachers
