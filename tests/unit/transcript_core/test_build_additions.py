"""What stands beside marks in a record: other schools' results, decisions, awards, earlier years, stand-ins."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tests.support.builds import (
    BY_DECISION,
    DEPUTY,
    HOMEROOM,
    PRINCIPAL,
    build,
    codes_of,
    gaps_of,
    make_record,
    make_records,
    rated,
    with_marks,
)
from transcript_core.build import build_issue
from transcript_core.errors import IncompleteRecord, InputError
from transcript_core.model import (
    Award,
    AwardKind,
    DocumentReference,
    Grade,
    HistoryEntry,
    PrimarySummary,
    PrimaryYearLevel,
    QualityLevel,
    SchoolLevel,
    SecondarySummary,
    Source,
    SubjectLevel,
    Substitution,
    TermGrade,
    Transcript,
    YearOutcome,
)
from transcript_core.policy import find_policy, list_slots
from transcript_core.records import PupilRecord, Severity, StandIn

ELSEWHERE = Source("02000111", "Trường THCS Sao Mai")
CLASS = make_record().class_name


def transferred(mark: str) -> PupilRecord:
    grade = TermGrade(Grade(mark=Decimal(mark)), ELSEWHERE)
    return with_marks(make_record(), "TOAN", term_1=None, transferred_term_1=grade)


def test_a_result_of_another_school_is_named_as_such() -> None:
    maths = build(transferred("6.0")).subjects[0]
    assert maths.term_1 == TermGrade(Grade(mark=Decimal("6.0")), ELSEWHERE)
    assert maths.year == Grade(mark=Decimal("7.7"))  # (6.0 + 17.0) / 3


def test_results_of_other_schools_and_tests_are_written_as_the_form_does() -> None:
    maths = build(transferred("6")).subjects[0]
    assert maths.term_1 is not None
    assert str(maths.term_1.grade.mark) == "6.0"
    assert "wrong-scale" in codes_of(gaps_of(transferred("6.25")))
    primary = with_marks(make_record(SchoolLevel.PRIMARY), "TOAN", term_2=rated(SubjectLevel.COMPLETED_WELL, "9.0"))
    maths = next(one for one in build(primary, SchoolLevel.PRIMARY).subjects if one.subject_code == "TOAN")
    assert maths.year is not None
    assert str(maths.year.mark) == "9"


def test_a_disabled_pupil_who_is_not_assessed_needs_the_principals_decision() -> None:
    record = replace(make_record(), not_assessed=True, marks=(), training_term_1=None, training_term_2=None)
    assert codes_of(tuple(one for one in gaps_of(record) if one.severity is Severity.ERROR)) == ["missing-decision"]
    transcript = build(replace(record, decision=YearOutcome.PROMOTED))
    summary = transcript.summary
    assert isinstance(summary, SecondarySummary)
    assert summary.not_assessed
    assert summary.outcome is YearOutcome.PROMOTED
    assert (summary.study_year, summary.training_year, transcript.awards) == (None, None, ())
    assert all(subject.not_assessed and subject.year is None for subject in transcript.subjects)


@pytest.mark.parametrize("level", SchoolLevel)
def test_nobody_decides_where_the_results_do(level: SchoolLevel) -> None:
    record = replace(make_record(level), decision=YearOutcome.NOT_PROMOTED)
    assert codes_of(gaps_of(record, level)) == ["decision-not-due"]
    with pytest.raises(IncompleteRecord, match="decision-not-due"):
        build(record, level)


def test_the_principal_decides_on_a_primary_class_that_is_not_completed() -> None:
    level = SchoolLevel.PRIMARY
    failed = with_marks(make_record(level), "TOAN", term_2=rated(SubjectLevel.NOT_COMPLETED, "4"))
    summary = build(replace(failed, decision=YearOutcome.PROMOTED), level).summary
    assert summary.outcome is YearOutcome.PROMOTED
    assert gaps_of(replace(failed, decision=YearOutcome.PROMOTED), level) == ()


def test_other_awards_follow_the_title() -> None:
    other = Award(AwardKind.OTHER, "Giải Nhất hội khoẻ Phù Đổng")
    assert build(replace(make_record(), awards=(other,))).awards == (Award(AwardKind.GOOD_PUPIL), other)


def test_certificates_contests_and_codes_reach_the_document() -> None:
    record = replace(
        make_record(),
        certificates=("Tin học, loại Giỏi",),
        contests=("Giải Ba cờ vua cấp tỉnh",),
        lifelong_code="HS.2013-1",
        external_id="HB-7",
    )
    transcript = build(record)
    assert isinstance(transcript.summary, SecondarySummary)
    assert transcript.summary.certificates == ("Tin học, loại Giỏi",)
    assert transcript.summary.contests == ("Giải Ba cờ vua cấp tỉnh",)
    assert (transcript.pupil.lifelong_code, transcript.external_id) == ("HS.2013-1", "HB-7")


def test_the_class_acknowledges_an_outstanding_primary_pupil() -> None:
    level = SchoolLevel.PRIMARY
    record = with_marks(make_record(level), "TOAN", term_2=rated(SubjectLevel.COMPLETED_WELL, "8"))
    summary = build(record, level).summary
    assert isinstance(summary, PrimarySummary)
    assert summary.year_level is PrimaryYearLevel.COMPLETED_WELL
    assert build(record, level).awards == ()
    acknowledged = replace(record, acknowledged=True)
    assert build(acknowledged, level).awards == (Award(AwardKind.OUTSTANDING_PRIMARY_PUPIL),)
    lower = tuple((code, QualityLevel.PASSED.value, comment) for code, _, comment in acknowledged.qualities)
    assert build(replace(acknowledged, qualities=lower), level).awards == ()


def test_years_on_paper_stand_in_order_and_give_way_to_documents() -> None:
    paper = (
        HistoryEntry("2023-2024", "5B", "Trường TH Măng Non"),
        HistoryEntry("2024-2025", "6C", "Trường THCS Giấy"),
    )
    document = HistoryEntry("2024-2025", "6A2", "Trường THCS Hoa Sen", DocumentReference("0" * 26, 1, bytes(32)))
    record = replace(make_record(), earlier_years=paper)
    this_year = HistoryEntry("2025-2026", "7A2", "Trường THCS Hoa Sen")
    assert build(record).history == (*paper, this_year)
    assert build(record, history=(document,)).history == (paper[0], document, this_year)


def test_a_year_begun_at_another_school_has_two_rows() -> None:
    begun = HistoryEntry("2025-2026", "7C", "Trường THCS Sao Mai")
    rows = build(replace(make_record(), earlier_years=(begun,))).history
    assert rows == (begun, HistoryEntry("2025-2026", "7A2", "Trường THCS Hoa Sen"))


def build_with(*stand_ins: StandIn) -> Transcript:
    record = make_record()
    records = make_records(record)
    both = tuple(
        replace(one, staff_code=HOMEROOM.staff_code) if one.subject_code in {"GDCD", "GDDP"} else one
        for one in records.assignments
    )
    return build(record, records=replace(records, assignments=both, stand_ins=stand_ins))


def test_somebody_signs_for_an_absent_teacher_with_reason_and_authority() -> None:
    absent = next(one for one in build_with().signers if one.slot_id == "gvbm-TOAN-1")
    transcript = build_with(StandIn(CLASS, "TOAN", absent.staff_code, DEPUTY.staff_code, BY_DECISION))
    signer = next(one for one in transcript.signers if one.slot_id == "gvbm-TOAN-1")
    assert (signer.staff_code, signer.name, signer.substitution) == (DEPUTY.staff_code, DEPUTY.name, BY_DECISION)
    assert signer.title == "KÝ THAY GIÁO VIÊN BỘ MÔN"
    assert transcript.subjects == build_with().subjects
    issue = build_issue(transcript, manager=PRINCIPAL, issued_on=date(2026, 5, 31))
    assert list_slots(transcript, issue, find_policy(SchoolLevel.LOWER_SECONDARY))[0].staff_code == DEPUTY.staff_code


@pytest.mark.parametrize(("subject", "slot"), [("GDCD", "gvbm-GDCD-1"), ("GDDP", "gvbm-GDDP-1"), (None, "gvcn")])
def test_a_stand_in_takes_one_slot_and_no_other(subject: str | None, slot: str) -> None:
    signers = build_with(StandIn(CLASS, subject, HOMEROOM.staff_code, DEPUTY.staff_code, BY_DECISION)).signers
    assert [one.slot_id for one in signers if one.substitution] == [slot]


def test_of_several_teachers_only_the_absent_one_is_replaced() -> None:
    first, second = (one for one in build_with().signers if one.subject_code == "LSDL")
    signers = build_with(StandIn(CLASS, "LSDL", second.staff_code, DEPUTY.staff_code, BY_DECISION)).signers
    now = [one for one in signers if one.subject_code == "LSDL"]
    assert [one.staff_code for one in now] == [first.staff_code, DEPUTY.staff_code]


def test_a_stand_in_of_another_class_changes_nothing() -> None:
    assert build_with(StandIn("9A9", None, HOMEROOM.staff_code, DEPUTY.staff_code, BY_DECISION)) == build_with()


@pytest.mark.parametrize(
    ("staff_code", "substitution"),
    [
        (HOMEROOM.staff_code, BY_DECISION),
        ("0000000001", BY_DECISION),
        (DEPUTY.staff_code, Substitution("", "QĐ 1")),
        (DEPUTY.staff_code, Substitution("Nghỉ ốm", " ")),
    ],
)
def test_a_stand_in_without_post_reason_or_authority_is_refused(staff_code: str, substitution: Substitution) -> None:
    with pytest.raises(InputError):
        build_with(StandIn(CLASS, None, HOMEROOM.staff_code, staff_code, substitution))


def test_two_stand_ins_for_one_slot_are_refused() -> None:
    first = StandIn(CLASS, None, HOMEROOM.staff_code, DEPUTY.staff_code, BY_DECISION)
    with pytest.raises(InputError, match="two substitutions"):
        build_with(first, replace(first, staff_code=PRINCIPAL.staff_code))
