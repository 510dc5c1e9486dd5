"""Complete records of each school level, and transcripts built from them: the ground from which tests deviate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from tests.support import samples
from transcript_core.build import build_transcript, find_gaps
from transcript_core.model import (
    Absences,
    Achievement,
    Gender,
    HistoryEntry,
    SchoolLevel,
    Stage,
    SubjectLevel,
    Substitution,
    Transcript,
)
from transcript_core.records import (
    Assignment,
    ClassRecord,
    Problem,
    PupilRecord,
    SchoolRecords,
    StaffRecord,
    SubjectMarks,
    TermMarks,
)
from transcript_core.tables import QualityGroup as Group
from transcript_core.tables import SubjectChoice, list_qualities, list_subjects

ON = date(2025, 9, 5)
LOCKED_AT = datetime(2026, 5, 29, 2, 0, tzinfo=UTC)
SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNP"
TRANSCRIPT_ID = "3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e4f"
PRINCIPAL = StaffRecord("0147610207", "Võ Phương Vân", None, "Hiệu trưởng")
DEPUTY = StaffRecord("0123374906", "Nguyễn Minh Thảo", None, "Phó hiệu trưởng")
HOMEROOM = StaffRecord("0128523158", "Đặng Thị Hạnh", None, "Giáo viên Lịch sử")
BY_DECISION = Substitution("Giáo viên nghỉ thai sản", "QĐ 12/QĐ-THCS ngày 02/05/2026")
GRADES = {SchoolLevel.PRIMARY: 4, SchoolLevel.LOWER_SECONDARY: 7, SchoolLevel.UPPER_SECONDARY: 11}
ELECTIVES = {"VATLI", "HOAHOC", "SINHHOC", "TIN"}
SEVERAL_TEACHERS = {"LSDL": 2, "KHTN": 3, "NGHETHUAT": 2}


def marked(*regular: str, midterm: str, final: str, comment: str = "Tiến bộ") -> TermMarks:
    return TermMarks(tuple(Decimal(mark) for mark in regular), Decimal(midterm), Decimal(final), comment=comment)


def all_marks(mark: str) -> TermMarks:
    return marked(mark, mark, mark, mark, midterm=mark, final=mark)


def rated(level: SubjectLevel, test_mark: str | None = None) -> TermMarks:
    return TermMarks(level=level, test_mark=None if test_mark is None else Decimal(test_mark), comment="Tích cực")


def list_taken(level: SchoolLevel) -> list[str]:
    subjects = list_subjects(level, GRADES[level], on=ON)
    return [
        subject.code for subject in subjects if subject.choice is SubjectChoice.COMPULSORY or subject.code in ELECTIVES
    ]


def make_marks(level: SchoolLevel) -> tuple[SubjectMarks, ...]:
    marks = []
    for subject in list_subjects(level, GRADES[level], on=ON):
        if subject.code not in list_taken(level):
            continue
        if subject.kind == "DIEM":
            term = all_marks("8.5")
        elif subject.kind == "NHAN_XET":
            term = rated(SubjectLevel.PASSED)
        else:
            term = rated(SubjectLevel.COMPLETED_WELL, "9" if subject.tested else None)
        marks.append(SubjectMarks(subject.code, term, term))
    return tuple(marks)


def make_record(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> PupilRecord:
    qualities = tuple(
        (quality.code, "T", "Chăm chỉ") for group in Group for quality in list_qualities(group, GRADES[level], on=ON)
    )
    upper = level is SchoolLevel.UPPER_SECONDARY
    return PupilRecord(
        pupil_code="0140716223",
        name="Phan Ngọc Yến",
        birth_date=date(2013, 2, 8),
        gender=Gender.FEMALE,
        class_name=f"{GRADES[level]}A2",
        personal_id="001313430375",
        ethnicity="Kinh",
        birth_place="Thành phố Hà Nội",
        hometown="Thành phố Hà Nội",
        address="Phường Cầu Giấy, Hà Nội",
        father=None,
        mother=None,
        marks=make_marks(level),
        training_term_1=Achievement.GOOD,
        training_term_2=Achievement.GOOD,
        absences=Absences(3, 1),
        homeroom_comment="Chăm ngoan.",
        qualities=qualities if level is SchoolLevel.PRIMARY else (),
        study_topics=tuple((code, "Chuyên đề", Decimal("8.5")) for code in ("TOAN", "VATLI", "TIN")) if upper else (),
    )


def make_records(record: PupilRecord, level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> SchoolRecords:
    taken = list_taken(level)
    teachers = {
        code: [f"05{place:04}{n:04}" for n in range(SEVERAL_TEACHERS.get(code, 1))] for place, code in enumerate(taken)
    }
    staff = [
        StaffRecord(code, f"Giáo viên {code}", None, f"Giáo viên {subject}")
        for subject, codes in teachers.items()
        for code in codes
    ]
    assignments = [
        Assignment(record.class_name, subject, code, order)
        for subject, codes in reversed(teachers.items())
        for order, code in reversed(list(enumerate(codes, start=1)))
    ]
    return SchoolRecords(
        school_name="TRƯỜNG THCS HOA SEN",
        department_name="SỞ GIÁO DỤC VÀ ĐÀO TẠO HÀ NỘI",
        school_year="2025-2026",
        staff=(PRINCIPAL, DEPUTY, HOMEROOM, *staff),
        classes=(ClassRecord(record.class_name, GRADES[level], HOMEROOM.staff_code),),
        assignments=tuple(assignments) if level is not SchoolLevel.PRIMARY else (),
        pupils=(record,),
        held_back=(),
    )


def build(
    record: PupilRecord | None = None,
    level: SchoolLevel = SchoolLevel.LOWER_SECONDARY,
    *,
    records: SchoolRecords | None = None,
    stage: Stage = Stage.YEAR,
    history: tuple[HistoryEntry, ...] = (),
) -> Transcript:
    record = record or make_record(level)
    return build_transcript(
        record,
        records=records or make_records(record, level),
        school=samples.build_school(level),
        serial=SERIAL,
        transcript_id=TRANSCRIPT_ID,
        locked_at=LOCKED_AT,
        stage=stage,
        history=history,
    )


def with_marks(record: PupilRecord, code: str, **changes: object) -> PupilRecord:
    marks = tuple(
        replace(entry, **changes) if entry.subject_code == code else entry  # type: ignore[arg-type]
        for entry in record.marks
    )
    return replace(record, marks=marks)


def gaps_of(
    record: PupilRecord,
    level: SchoolLevel = SchoolLevel.LOWER_SECONDARY,
    *,
    records: SchoolRecords | None = None,
    stage: Stage = Stage.YEAR,
) -> tuple[Problem, ...]:
    return find_gaps(
        record,
        records=records or make_records(record, level),
        school=samples.build_school(level),
        stage=stage,
    )


def codes_of(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]
