"""What a school's records say before a transcript is built: the result of an import.

Raw marks live here and never in a transcript, which holds averages and levels only, as the official form does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from transcript_core.model import (
    Absences,
    Achievement,
    Award,
    Gender,
    Guardian,
    HistoryEntry,
    SubjectLevel,
    Substitution,
    TermGrade,
    YearOutcome,
)


class Severity(StrEnum):
    """An error holds the pupil back (or stops the import when no pupil is named); a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One trouble in the input: where it is, what is wrong, how to mend it."""

    severity: Severity
    code: str  # stable: "average-contradicts-marks", "mark-out-of-range", ...
    file: str  # relative to the import folder
    sheet: str
    cell: str  # "H12"; "" when the whole sheet is meant
    what: str  # Vietnamese, one sentence
    remedy: str  # Vietnamese, one sentence
    pupil_code: str | None = None  # the pupil held back by it; None: nobody in particular
    pupil_key: str | None = None  # row identity when there is no code
    class_name: str | None = None  # every pupil of this class is held back; None: no class in particular


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """One member of staff."""

    staff_code: str
    name: str
    birth_date: date | None
    position: str  # as in the list: "Hiệu trưởng", "Giáo viên Toán"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One teacher teaches one subject in one class; several may share a subject."""

    class_name: str
    subject_code: str
    staff_code: str
    order: int  # 1-based among the teachers of this subject and class, in the file's order


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody signs one class's slot of an absent teacher, by decision.  What is taught and by whom stays as it is."""

    class_name: str
    subject_code: str | None  # None: in the homeroom teacher's place
    absent_staff_code: str
    staff_code: str  # who signs; a member of staff
    substitution: Substitution


@dataclass(frozen=True, slots=True)
class ClassRecord:
    """One class of the year."""

    name: str
    grade_level: int
    homeroom_staff_code: str | None


@dataclass(frozen=True, slots=True)
class TermMarks:
    """One subject, one term, one pupil, as the teacher entered them."""

    regular: tuple[Decimal, ...] = ()  # ĐĐGtx, in order, gaps left out
    midterm: Decimal | None = None  # ĐĐGgk
    final: Decimal | None = None  # ĐĐGck
    level: SubjectLevel | None = None  # comment subjects; primary: level at the end of the term
    test_mark: Decimal | None = None  # primary: Điểm KTĐK
    comment: str = ""


@dataclass(frozen=True, slots=True)
class SubjectMarks:
    """One subject of one pupil."""

    subject_code: str
    term_1: TermMarks | None = None
    term_2: TermMarks | None = None
    reassessed_mark: Decimal | None = None
    reassessed_level: SubjectLevel | None = None
    transferred_term_1: TermGrade | None = None  # term 1 as another school gave it; then `term_1` is None


@dataclass(frozen=True, slots=True)
class PupilRecord:
    """One pupil's year as imported."""

    pupil_code: str
    name: str  # NFC, single blanks
    birth_date: date
    gender: Gender
    class_name: str
    personal_id: str | None
    ethnicity: str
    birth_place: str
    hometown: str
    address: str
    father: Guardian | None
    mother: Guardian | None
    marks: tuple[SubjectMarks, ...]  # in the order of the subject table
    training_term_1: Achievement | None
    training_term_2: Achievement | None
    absences: Absences
    homeroom_comment: str
    guardian: Guardian | None = None
    training_after_summer: Achievement | None = None
    nationality: str = "Việt Nam"
    policy_group: str = ""
    register_number: str = ""
    not_assessed: bool = False
    qualities: tuple[tuple[str, str, str], ...] = ()  # primary: (code of qualities.csv, T/Đ/C, comment)
    study_topics: tuple[tuple[str, str, Decimal | None], ...] = ()  # upper secondary: (subject code, name, mark)
    height_cm: int | None = None  # primary
    weight_kg: Decimal | None = None  # primary
    lifelong_code: str | None = None  # mã số hồ sơ học tập suốt đời
    external_id: str | None = None  # MaDinhDanhHocBa
    certificates: tuple[str, ...] = ()  # secondary
    contests: tuple[str, ...] = ()  # secondary
    awards: tuple[Award, ...] = ()  # beside the title that the results earn
    acknowledged: bool = False  # primary: by the class, for the title "Học sinh tiêu biểu"
    decision: YearOutcome | None = None  # the principal's, for pupils not assessed and not completed primary classes
    earlier_years: tuple[HistoryEntry, ...] = ()  # from paper, by school year; none has a document


@dataclass(frozen=True, slots=True)
class SchoolRecords:
    """One school year of one school, as imported."""

    school_name: str  # as the files' title rows say: "TRƯỜNG THCS HOA SEN"
    department_name: str
    school_year: str  # "2025-2026"
    staff: tuple[StaffRecord, ...]
    classes: tuple[ClassRecord, ...]
    assignments: tuple[Assignment, ...]
    pupils: tuple[PupilRecord, ...]  # good ones only
    held_back: tuple[str, ...]  # pupil codes (or row keys) that errors hold back
    stand_ins: tuple[StandIn, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Records and every problem found in one run, sorted by file, sheet and cell."""

    records: SchoolRecords
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that hold a pupil back or stop the import."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)
