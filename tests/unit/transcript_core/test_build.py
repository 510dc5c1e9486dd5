"""From a record to a transcript, and from a transcript to the version that replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.support import samples
from transcript_core.build import (
    Additions,
    StandIn,
    build_issue,
    build_transcript,
    build_update,
    find_gaps,
    find_principal,
)
from transcript_core.errors import IncompleteRecord, InputError
from transcript_core.model import (
    Absences,
    Achievement,
    Award,
    AwardKind,
    Event,
    Gender,
    Grade,
    HistoryEntry,
    KeptSignature,
    PrimarySummary,
    PrimaryYearLevel,
    SchoolLevel,
    SecondarySummary,
    SlotRole,
    Source,
    Stage,
    SubjectLevel,
    Substitution,
    TermGrade,
    Transcript,
    YearOutcome,
)
from transcript_core.policy import find_policy, list_slots
from transcript_core.records import (
    Assignment,
    ClassRecord,
    Problem,
    PupilRecord,
    SchoolRecords,
    Severity,
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
    additions: Additions | None = None,
    stand_ins: tuple[StandIn, ...] = (),
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
        additions=additions,
        stand_ins=stand_ins,
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
    additions: Additions | None = None,
) -> tuple[Problem, ...]:
    return find_gaps(
        record,
        records=records or make_records(record, level),
        school=samples.build_school(level),
        stage=stage,
        additions=additions,
    )


def codes_of(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


# --- a complete record


@pytest.mark.parametrize("level", SchoolLevel)
def test_a_complete_record_has_no_gaps_and_gives_a_document_its_policy_accepts(level: SchoolLevel) -> None:
    assert gaps_of(make_record(level), level) == ()
    transcript = build(level=level)
    issue = build_issue(transcript, manager=PRINCIPAL, issued_on=date(2026, 5, 31))
    slots = list_slots(transcript, issue, find_policy(level))
    assert [slot.slot_id for slot in slots][-3:] == ["gvcn", "cbql", "ky-phat-hanh"]
    assert {slot.slot_id for slot in slots[:-2]} == {signer.slot_id for signer in transcript.signers}


def test_the_same_record_gives_the_same_transcript() -> None:
    assert build() == build()


def test_lower_secondary_document() -> None:
    transcript = build()
    assert (transcript.regulation, transcript.template, transcript.version) == ("TT22/2021", "thcs/1", 1)
    assert transcript.event is Event.NEW
    assert transcript.locked_at == LOCKED_AT
    assert [subject.subject_code for subject in transcript.subjects] == list_taken(SchoolLevel.LOWER_SECONDARY)
    summary = transcript.summary
    assert isinstance(summary, SecondarySummary)
    assert (summary.study_term_1, summary.study_term_2, summary.study_year) == (Achievement.GOOD,) * 3
    assert summary.training_year is Achievement.GOOD
    assert summary.outcome is YearOutcome.PROMOTED
    assert summary.level_completed is None
    assert transcript.awards == (Award(AwardKind.GOOD_PUPIL),)


def test_averages_follow_from_the_marks() -> None:
    term_1 = marked("7", "8", "6.5", "9", midterm="7.5", final="6")  # (30.5 + 15 + 18) / 9 = 7.0555
    term_2 = marked("8", "8", "8", "8", midterm="9", final="9.5")  # (32 + 18 + 28.5) / 9 = 8.7222
    record = with_marks(make_record(), "TOAN", term_1=term_1, term_2=term_2)
    maths = build(record).subjects[0]
    assert maths.subject_code == "TOAN"
    assert maths.term_1 == TermGrade(Grade(mark=Decimal("7.1")))
    assert maths.term_2 == TermGrade(Grade(mark=Decimal("8.7")))
    assert maths.year == Grade(mark=Decimal("8.2"))  # (7.1 + 17.4) / 3 = 8.1666


def test_comment_subjects_take_the_level_of_term_2() -> None:
    record = with_marks(make_record(), "GDTC", term_1=rated(SubjectLevel.NOT_PASSED))
    sports = next(one for one in build(record).subjects if one.subject_code == "GDTC")
    assert sports.year == Grade(level=SubjectLevel.PASSED)
    record = with_marks(make_record(), "GDTC", term_2=rated(SubjectLevel.NOT_PASSED))
    sports = next(one for one in build(record).subjects if one.subject_code == "GDTC")
    assert sports.year == Grade(level=SubjectLevel.NOT_PASSED)


def test_signers_stand_in_form_order_and_in_the_order_of_assignment() -> None:
    transcript = build()
    slots = [signer.slot_id for signer in transcript.signers]
    assert slots == [
        "gvbm-TOAN-1", "gvbm-LSDL-1", "gvbm-LSDL-2", "gvbm-KHTN-1", "gvbm-KHTN-2", "gvbm-KHTN-3", "gvbm-TIN-1",
        "gvbm-NGUVAN-1", "gvbm-NN1-1", "gvbm-GDCD-1", "gvbm-CN-1", "gvbm-GDTC-1", "gvbm-NGHETHUAT-1",
        "gvbm-NGHETHUAT-2", "gvbm-GDDP-1", "gvbm-HDTN-1", "gvcn",
    ]  # fmt: skip
    history = [signer.staff_code for signer in transcript.signers if signer.subject_code == "LSDL"]
    assert history == sorted(history)


def test_the_years_row_is_added_to_the_history_once() -> None:
    earlier = HistoryEntry("2024-2025", "6A2", "Trường THCS Hoa Sen")
    transcript = build(history=(earlier,))
    assert transcript.history[0] == earlier
    assert transcript.history[1] == HistoryEntry("2025-2026", "7A2", "Trường THCS Hoa Sen")
    assert build(history=transcript.history).history == transcript.history


def test_term_1_document_says_nothing_about_the_year() -> None:
    record = replace(make_record(), training_term_2=None)
    for code in list_taken(SchoolLevel.LOWER_SECONDARY):
        record = with_marks(record, code, term_2=None)
    transcript = build(record, stage=Stage.TERM_1)
    assert all(subject.term_1 and not subject.term_2 and not subject.year for subject in transcript.subjects)
    assert isinstance(transcript.summary, SecondarySummary)
    assert transcript.summary.study_term_1 is Achievement.GOOD
    assert (transcript.summary.study_year, transcript.summary.outcome, transcript.awards) == (None, None, ())
    with pytest.raises(IncompleteRecord):
        build(record)


def test_marks_of_term_2_stay_out_of_a_term_1_document() -> None:
    transcript = build(stage=Stage.TERM_1)
    assert all(subject.term_2 is None and subject.year is None for subject in transcript.subjects)


def test_upper_secondary_study_topics_count_as_one_regular_mark_of_term_2() -> None:
    term = marked("8", "8", "8", "8", midterm="8", final="8")
    record = with_marks(make_record(SchoolLevel.UPPER_SECONDARY), "TOAN", term_1=term, term_2=term)
    record = replace(record, study_topics=(("TOAN", "A", Decimal(10)), ("VATLI", "B", None), ("TIN", "C", None)))
    transcript = build(record, SchoolLevel.UPPER_SECONDARY)
    maths = next(one for one in transcript.subjects if one.subject_code == "TOAN")
    assert maths.term_1 == TermGrade(Grade(mark=Decimal("8.0")))
    assert maths.term_2 == TermGrade(Grade(mark=Decimal("8.2")))  # (32 + 10 + 40) / 10
    assert [topic.name for topic in transcript.study_topics] == ["A", "B", "C"]
    assert {one.subject_code for one in transcript.subjects if one.elective} == ELECTIVES


def test_primary_document() -> None:
    transcript = build(level=SchoolLevel.PRIMARY)
    assert [signer.slot_id for signer in transcript.signers] == ["gvcn"]
    assert all(subject.teachers == () and subject.term_1 is None for subject in transcript.subjects)
    summary = transcript.summary
    assert isinstance(summary, PrimarySummary)
    assert summary.year_level is PrimaryYearLevel.EXCELLENT
    assert summary.outcome is YearOutcome.PROMOTED
    assert len(summary.specific_competences) == 7
    assert transcript.awards == (Award(AwardKind.EXCELLENT_PUPIL),)


def test_a_reassessed_primary_pupil_is_rated_by_the_new_result() -> None:
    failed = rated(SubjectLevel.NOT_COMPLETED, "4")
    record = with_marks(make_record(SchoolLevel.PRIMARY), "TOAN", term_2=failed)
    waiting = build(record, SchoolLevel.PRIMARY).summary
    assert isinstance(waiting, PrimarySummary)
    assert (waiting.year_level, waiting.outcome) == (PrimaryYearLevel.NOT_COMPLETED, YearOutcome.REASSESSMENT)
    again = with_marks(record, "TOAN", reassessed_level=SubjectLevel.COMPLETED, reassessed_mark=Decimal(6))
    done = build(again, SchoolLevel.PRIMARY).summary
    assert isinstance(done, PrimarySummary)
    assert (done.year_level, done.outcome) == (PrimaryYearLevel.COMPLETED, YearOutcome.PROMOTED_AFTER_SUMMER)
    kept = build(record, SchoolLevel.PRIMARY, additions=Additions(decision=YearOutcome.NOT_PROMOTED)).summary
    assert kept.outcome is YearOutcome.NOT_PROMOTED


def test_reassessment_keeps_both_results_and_decides() -> None:
    record = with_marks(make_record(), "TOAN", term_1=all_marks("2"), term_2=all_marks("2"))
    record = with_marks(record, "NGUVAN", term_1=all_marks("4"), term_2=all_marks("4"))
    summary = build(record).summary
    assert isinstance(summary, SecondarySummary)
    assert (summary.study_year, summary.outcome) == (Achievement.NOT_PASSED, YearOutcome.REASSESSMENT)
    again = with_marks(record, "TOAN", reassessed_mark=Decimal("5.5"))
    transcript = build(again)
    after = transcript.summary
    assert isinstance(after, SecondarySummary)
    assert transcript.subjects[0].year == Grade(mark=Decimal("2.0"))
    assert transcript.subjects[0].reassessed == Grade(mark=Decimal("5.5"))
    assert after.study_year is Achievement.NOT_PASSED
    assert after.study_after_reassessment is Achievement.PASSED
    assert after.outcome is YearOutcome.PROMOTED_AFTER_SUMMER


def test_a_result_of_another_school_is_named_as_such() -> None:
    source = TermGrade(Grade(mark=Decimal("6.0")), Source("02000111", "Trường THCS Sao Mai"))
    record = with_marks(make_record(), "TOAN", term_1=None)
    maths = build(record, additions=Additions(transferred_term_1={"TOAN": source})).subjects[0]
    assert maths.term_1 == source
    assert maths.year == Grade(mark=Decimal("7.7"))  # (6.0 + 17.0) / 3


def test_results_of_other_schools_and_tests_are_written_as_the_form_does() -> None:
    source = TermGrade(Grade(mark=Decimal(6)), Source("02000111", "Trường THCS Sao Mai"))
    maths = build(additions=Additions(transferred_term_1={"TOAN": source})).subjects[0]
    assert maths.term_1 is not None
    assert str(maths.term_1.grade.mark) == "6.0"
    odd = replace(source, grade=Grade(mark=Decimal("6.25")))
    assert "wrong-scale" in codes_of(gaps_of(make_record(), additions=Additions(transferred_term_1={"TOAN": odd})))
    primary = with_marks(make_record(SchoolLevel.PRIMARY), "TOAN", term_2=rated(SubjectLevel.COMPLETED_WELL, "9.0"))
    maths = next(one for one in build(primary, SchoolLevel.PRIMARY).subjects if one.subject_code == "TOAN")
    assert maths.year is not None
    assert str(maths.year.mark) == "9"


def test_an_update_after_a_recall_may_skip_the_recalls_version() -> None:
    result = update(build(), corrected(), version=3)
    assert (result.version, result.subjects[0].revision) == (3, 3)
    assert result.replaces is not None
    assert result.replaces.version == 1


def test_a_disabled_pupil_who_is_not_assessed_needs_the_principals_decision() -> None:
    record = replace(make_record(), not_assessed=True, marks=(), training_term_1=None, training_term_2=None)
    assert codes_of(tuple(one for one in gaps_of(record) if one.severity is Severity.ERROR)) == ["missing-decision"]
    transcript = build(record, additions=Additions(decision=YearOutcome.PROMOTED))
    summary = transcript.summary
    assert isinstance(summary, SecondarySummary)
    assert summary.not_assessed
    assert summary.outcome is YearOutcome.PROMOTED
    assert (summary.study_year, summary.training_year, transcript.awards) == (None, None, ())
    assert all(subject.not_assessed and subject.year is None for subject in transcript.subjects)


def test_other_awards_follow_the_title() -> None:
    other = Award(AwardKind.OTHER, "Giải Nhất hội khoẻ Phù Đổng")
    assert build(additions=Additions(awards=(other,))).awards == (Award(AwardKind.GOOD_PUPIL), other)


# --- gaps


def _without_teacher(records: SchoolRecords, code: str) -> SchoolRecords:
    return replace(records, assignments=tuple(one for one in records.assignments if one.subject_code != code))


def _missing_cases() -> Mapping[str, tuple[PupilRecord, SchoolRecords]]:
    record = make_record()
    records = make_records(record)
    bare_class = (ClassRecord(record.class_name, 7, None),)
    return {
        "missing-homeroom-comment": (replace(record, homeroom_comment=" "), records),
        "missing-homeroom-teacher": (record, replace(records, classes=bare_class)),
        "missing-teacher": (record, _without_teacher(records, "NN1")),
        "unknown-staff": (record, replace(records, staff=tuple(one for one in records.staff if one != HOMEROOM))),
        "missing-results": (with_marks(record, "CN", term_2=None), records),
        "missing-training": (replace(record, training_term_2=None), records),
        "held-back": (record, replace(records, held_back=(record.pupil_code,))),
        "unknown-subject": (replace(record, marks=(*record.marks, SubjectMarks("VATLI"))), records),
        "subject-twice": (replace(record, marks=(*record.marks, record.marks[0])), records),
        "wrong-scale": (
            with_marks(record, "GDTC", term_2=TermMarks(level=SubjectLevel.COMPLETED, comment="Tốt")),
            records,
        ),
        "teacher-twice": (record, replace(records, assignments=(*records.assignments, records.assignments[0]))),
    }


@pytest.mark.parametrize("code", _missing_cases())
def test_a_gap_is_named_and_nothing_is_built(code: str) -> None:
    record, records = _missing_cases()[code]
    problems = gaps_of(record, records=records)
    assert code in codes_of(problems)
    found = next(problem for problem in problems if problem.code == code)
    assert found.severity is Severity.ERROR
    assert found.pupil_code == record.pupil_code
    assert found.what.endswith(".")
    assert found.remedy.endswith(".")
    with pytest.raises(IncompleteRecord, match=code):
        build(record, records=records)


@pytest.mark.parametrize(
    "term",
    [replace(all_marks("8"), regular=()), replace(all_marks("8"), midterm=None), replace(all_marks("8"), final=None)],
)
def test_an_average_that_cannot_be_computed_is_a_gap(term: TermMarks) -> None:
    assert "missing-results" in codes_of(gaps_of(with_marks(make_record(), "TOAN", term_1=term)))


def test_a_class_of_another_school_level_is_refused() -> None:
    record = make_record()
    records = replace(make_records(record), classes=(ClassRecord("7A2", 10, HOMEROOM.staff_code),))
    with pytest.raises(InputError, match="regulation"):
        build(record, records=records)
    with pytest.raises(InputError, match="not in the school's records"):
        build(record, records=replace(records, classes=()))


def test_warnings_stop_nothing() -> None:
    record = replace(make_record(), personal_id=None)
    record = with_marks(record, "TOAN", term_1=marked("8", "8", midterm="8", final="8", comment=""))
    record = with_marks(record, "GDTC", term_1=replace(rated(SubjectLevel.PASSED), comment=""))
    record = with_marks(record, "GDTC", term_2=replace(rated(SubjectLevel.PASSED), comment=""))
    problems = gaps_of(record)
    assert codes_of(problems) == ["personal-id-pending", "few-regular-marks", "missing-subject-comment"]
    assert all(problem.severity is Severity.WARNING for problem in problems)
    build(record)


def test_upper_secondary_pupils_choose_four_electives() -> None:
    record = make_record(SchoolLevel.UPPER_SECONDARY)
    fewer = replace(record, marks=tuple(one for one in record.marks if one.subject_code != "TIN"), study_topics=())
    codes = codes_of(gaps_of(fewer, SchoolLevel.UPPER_SECONDARY))
    assert codes == ["missing-electives", "missing-study-topics"]


def test_primary_gaps() -> None:
    record = make_record(SchoolLevel.PRIMARY)
    cases = {
        "missing-quality": replace(record, qualities=record.qualities[1:]),
        "wrong-quality": replace(record, qualities=(*record.qualities, record.qualities[0])),
        "missing-test-mark": with_marks(record, "TOAN", term_2=rated(SubjectLevel.COMPLETED)),
        "wrong-scale": with_marks(record, "TOAN", term_2=rated(SubjectLevel.COMPLETED, "7.5")),
        "missing-results": with_marks(record, "DAODUC", term_2=None),
    }
    for code, broken in cases.items():
        assert code in codes_of(gaps_of(broken, SchoolLevel.PRIMARY))


def test_reassessment_of_a_subject_that_was_passed_is_worth_a_look() -> None:
    record = with_marks(make_record(), "TOAN", reassessed_mark=Decimal(9))
    assert codes_of(gaps_of(record)) == ["reassessment-not-due"]
    summary = build(record).summary
    assert isinstance(summary, SecondarySummary)
    assert summary.study_after_reassessment is None


# --- identifiers and time


@pytest.mark.parametrize(
    "changes",
    [
        {"serial": "01j9zk3t5v7x9abcdefghjkmnp"},
        {"transcript_id": "none"},
        {"version": 0},
        {"locked_at": datetime(2026, 5, 29, 2, 0)},  # noqa: DTZ001  # the point: no time zone
    ],
    ids=str,
)
def test_malformed_identifiers_and_naive_times_are_refused(changes: dict[str, object]) -> None:
    record = make_record()
    arguments: dict[str, object] = {
        "records": make_records(record),
        "school": samples.build_school(),
        "serial": SERIAL,
        "transcript_id": TRANSCRIPT_ID,
        "locked_at": LOCKED_AT,
    }
    with pytest.raises(InputError):
        build_transcript(record, **(arguments | changes))  # type: ignore[arg-type]


def test_the_time_of_locking_is_kept_in_utc_without_microseconds() -> None:
    record = make_record()
    local = datetime(2026, 5, 29, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=7)))
    transcript = build_transcript(
        record,
        records=make_records(record),
        school=samples.build_school(),
        serial=SERIAL,
        transcript_id=TRANSCRIPT_ID,
        locked_at=local,
    )
    assert transcript.locked_at == LOCKED_AT
    assert transcript.locked_at.tzinfo is UTC


# --- substitutions, manager


def test_somebody_signs_for_an_absent_teacher_with_reason_and_authority() -> None:
    absent = next(one for one in build().signers if one.slot_id == "gvbm-TOAN-1")
    stand_in = StandIn(absent.staff_code, DEPUTY.staff_code, DEPUTY.name, BY_DECISION)
    transcript = build(stand_ins=(stand_in,))
    signer = next(one for one in transcript.signers if one.slot_id == "gvbm-TOAN-1")
    assert (signer.staff_code, signer.name, signer.substitution) == (DEPUTY.staff_code, DEPUTY.name, BY_DECISION)
    assert signer.title == "KÝ THAY GIÁO VIÊN BỘ MÔN"
    assert transcript.subjects == build().subjects
    issue = build_issue(transcript, manager=PRINCIPAL, issued_on=date(2026, 5, 31))
    assert list_slots(transcript, issue, find_policy(SchoolLevel.LOWER_SECONDARY))[0].staff_code == DEPUTY.staff_code


def test_a_stand_in_takes_all_slots_of_the_absent_or_one_subject_only() -> None:
    record = make_record()
    records = make_records(record)
    both = replace(
        records,
        assignments=tuple(
            replace(one, staff_code=HOMEROOM.staff_code) if one.subject_code in {"GDCD", "GDDP"} else one
            for one in records.assignments
        ),
    )
    whole = StandIn(HOMEROOM.staff_code, DEPUTY.staff_code, DEPUTY.name, BY_DECISION)
    signers = build(record, records=both, stand_ins=(whole,)).signers
    assert [one.slot_id for one in signers if one.substitution] == ["gvbm-GDCD-1", "gvbm-GDDP-1", "gvcn"]
    signers = build(record, records=both, stand_ins=(replace(whole, subject_code="GDCD"),)).signers
    assert [one.slot_id for one in signers if one.substitution] == ["gvbm-GDCD-1"]


@pytest.mark.parametrize(
    "stand_in",
    [
        StandIn("0000000000", "1", "Ai đó", BY_DECISION),
        StandIn(HOMEROOM.staff_code, HOMEROOM.staff_code, HOMEROOM.name, BY_DECISION),
        StandIn(HOMEROOM.staff_code, "1", "Ai đó", Substitution("", "QĐ 1")),
        StandIn(HOMEROOM.staff_code, "1", "Ai đó", Substitution("Nghỉ ốm", " ")),
    ],
)
def test_a_stand_in_without_slot_reason_or_authority_is_refused(stand_in: StandIn) -> None:
    with pytest.raises(InputError):
        build(stand_ins=(stand_in,))


def test_two_stand_ins_for_one_slot_are_refused() -> None:
    first = StandIn(HOMEROOM.staff_code, DEPUTY.staff_code, DEPUTY.name, BY_DECISION)
    with pytest.raises(InputError, match="two substitutions"):
        build(stand_ins=(first, replace(first, staff_code=PRINCIPAL.staff_code)))


def test_the_issue_names_principal_seal_place_and_policy() -> None:
    transcript = build()
    issue = build_issue(transcript, manager=PRINCIPAL, issued_on=date(2026, 5, 31), pdf_sha256=bytes(32))
    assert (issue.manager.slot_id, issue.manager.role, issue.manager.title) == ("cbql", SlotRole.MANAGER, "HIỆU TRƯỞNG")
    assert issue.place == "Hà Nội"
    assert issue.seal.school_code == transcript.school.school_code
    assert issue.policy_digest == find_policy(SchoolLevel.LOWER_SECONDARY).digest
    assert issue.pdf_sha256 == bytes(32)


def test_a_deputy_signs_for_the_principal_only_with_reason_and_authority() -> None:
    transcript, on = build(), date(2026, 5, 31)
    issue = build_issue(transcript, manager=DEPUTY, issued_on=on, substitution=BY_DECISION)
    assert issue.manager.title == "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG"
    assert issue.manager.substitution == BY_DECISION
    for manager, substitution in (
        (DEPUTY, None),
        (DEPUTY, Substitution("Đi công tác", "")),
        (PRINCIPAL, BY_DECISION),
        (HOMEROOM, None),
    ):
        with pytest.raises(InputError):
            build_issue(transcript, manager=manager, issued_on=on, substitution=substitution)


def test_the_principal_is_found_by_position() -> None:
    records = make_records(make_record())
    assert find_principal(records) == PRINCIPAL
    assert find_principal(replace(records, staff=(DEPUTY,))) is None
    assert find_principal(replace(records, staff=(PRINCIPAL, replace(PRINCIPAL, staff_code="1")))) is None


# --- updates

DIGEST = bytes(range(32))
SIGNED_ON = date(2026, 5, 30)


def update(previous: Transcript, current: Transcript, **changes: object) -> Transcript:
    signed_on = {signer.slot_id: SIGNED_ON for signer in previous.signers if signer.subject_code}
    arguments: dict[str, object] = {"previous_digest": DIGEST, "reason": "Sửa điểm Toán", "signed_on": signed_on}
    return build_update(previous, current=current, **(arguments | changes))  # type: ignore[arg-type]


def corrected(code: str = "TOAN", mark: str = "9") -> Transcript:
    return build(with_marks(make_record(), code, term_2=all_marks(mark)))


def test_an_update_renews_the_changed_part_and_keeps_the_others() -> None:
    previous = build()
    result = update(previous, corrected())
    assert (result.version, result.event) == (2, Event.UPDATE)
    assert result.replaces is not None
    assert (result.replaces.version, result.replaces.digest) == (1, DIGEST)
    assert result.replaces.changed_parts == ("diem-TOAN",)
    assert {one.subject_code: one.revision for one in result.subjects if one.revision != 1} == {"TOAN": 2}
    assert result.subjects[1:] == previous.subjects[1:]
    changed = next(one for one in result.signers if one.slot_id == "gvbm-TOAN-1")
    assert (changed.part_revision, changed.kept) == (2, None)
    for signer in result.signers[1:-1]:
        assert (signer.part_revision, signer.kept) == (1, KeptSignature(1, SIGNED_ON))
    assert result.signers[-1].kept is None
    issue = build_issue(result, manager=PRINCIPAL, issued_on=date(2026, 6, 30))
    slots = list_slots(result, issue, find_policy(SchoolLevel.LOWER_SECONDARY))
    assert [slot.slot_id for slot in slots if not slot.kept] == ["gvbm-TOAN-1", "gvcn", "cbql", "ky-phat-hanh"]


def test_a_second_update_keeps_signatures_of_both_earlier_versions() -> None:
    second = update(build(), corrected())
    current = build(with_marks(with_marks(make_record(), "TOAN", term_2=all_marks("9")), "CN", term_2=all_marks("9")))
    later = date(2026, 6, 30)
    third = update(second, current, signed_on={"gvbm-TOAN-1": later})
    assert third.version == 3
    assert {one.subject_code: one.revision for one in third.subjects if one.revision > 1} == {"TOAN": 2, "CN": 3}
    kept = {one.slot_id: one.kept for one in third.signers}
    assert kept["gvbm-TOAN-1"] == KeptSignature(2, later)
    assert kept["gvbm-LSDL-1"] == KeptSignature(1, SIGNED_ON)
    assert kept["gvbm-CN-1"] is None


def test_changes_outside_the_subjects_keep_every_teachers_signature() -> None:
    result = update(build(), build(replace(make_record(), homeroom_comment="Rất chăm ngoan.")))
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("thongtinhocba",)
    assert all(signer.kept for signer in result.signers[:-1])


def test_a_change_that_moves_the_level_names_both() -> None:
    result = update(build(), corrected(mark="3"))
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("diem-TOAN", "thongtinhocba")


def test_the_year_after_term_1_renews_every_part() -> None:
    result = update(build(stage=Stage.TERM_1), build(), reason="Kết quả cả năm")
    assert all(subject.revision == 2 for subject in result.subjects)
    assert not any(signer.kept for signer in result.signers)


def test_a_subject_that_appears_or_goes_is_named() -> None:
    second_language = SubjectMarks("NN2", all_marks("8.5"), all_marks("8.5"))
    record = replace(make_record(), marks=(*make_record().marks, second_language))
    records = make_records(record)
    teacher = Assignment(record.class_name, "NN2", HOMEROOM.staff_code, 1)
    more = build(record, records=replace(records, assignments=(*records.assignments, teacher)))
    appeared = update(build(), more).replaces
    gone = update(more, build()).replaces
    assert appeared is not None
    assert gone is not None
    assert appeared.changed_parts == gone.changed_parts == ("diem-NN2",)


def test_another_teacher_or_class_or_pupil_code_renews_the_parts_that_name_them() -> None:
    previous = build()
    record = make_record()
    records = make_records(record)
    other = replace(
        records,
        assignments=tuple(
            replace(one, staff_code=DEPUTY.staff_code) if one.subject_code == "TOAN" else one
            for one in records.assignments
        ),
    )
    result = update(previous, build(record, records=other))
    assert [one.subject_code for one in result.subjects if one.revision == 2] == ["TOAN"]
    result = update(previous, build(replace(record, pupil_code="0140716224")))
    assert all(one.revision == 2 for one in result.subjects)


def test_a_stand_in_of_an_unchanged_part_stays_because_their_signature_does() -> None:
    absent = next(one for one in build().signers if one.slot_id == "gvbm-CN-1").staff_code
    previous = build(stand_ins=(StandIn(absent, DEPUTY.staff_code, DEPUTY.name, BY_DECISION),))
    result = update(previous, corrected())
    signer = next(one for one in result.signers if one.slot_id == "gvbm-CN-1")
    assert (signer.staff_code, signer.substitution) == (DEPUTY.staff_code, BY_DECISION)


def test_primary_updates_name_the_changed_subjects_too() -> None:
    level = SchoolLevel.PRIMARY
    current = build(with_marks(make_record(level), "TOAN", term_2=rated(SubjectLevel.COMPLETED_WELL, "10")), level)
    result = update(build(level=level), current)
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("diem-TOAN",)
    assert {one.subject_code for one in result.subjects if one.revision == 2} == {"TOAN"}
    assert [one.kept for one in result.signers] == [None]


def test_updates_that_make_no_sense_are_refused() -> None:
    previous, current = build(), corrected()
    refused: list[tuple[Transcript, dict[str, object]]] = [
        (previous, {}),
        (current, {"reason": "  "}),
        (current, {"previous_digest": b"short"}),
        (current, {"signed_on": {}}),
        (replace(current, serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ"), {}),
        (replace(current, transcript_id="3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e40"), {}),
        (replace(current, school_year="2024-2025"), {}),
        (replace(current, stage=Stage.TERM_1), {}),
        (current, {"version": 1}),
    ]
    for candidate, changes in refused:
        with pytest.raises(InputError):
            update(previous, candidate, **changes)
