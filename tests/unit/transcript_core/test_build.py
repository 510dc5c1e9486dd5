"""From a complete record to a transcript and its issue part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.support import samples
from tests.support.builds import (
    BY_DECISION,
    DEPUTY,
    ELECTIVES,
    HOMEROOM,
    LOCKED_AT,
    PRINCIPAL,
    SERIAL,
    TRANSCRIPT_ID,
    all_marks,
    build,
    gaps_of,
    list_taken,
    make_record,
    make_records,
    marked,
    rated,
    with_marks,
)
from transcript_core.build import build_issue, build_transcript, find_principal
from transcript_core.errors import IncompleteRecord, InputError
from transcript_core.model import (
    Achievement,
    Award,
    AwardKind,
    Event,
    Grade,
    HistoryEntry,
    PrimarySummary,
    PrimaryYearLevel,
    SchoolLevel,
    SecondarySummary,
    SlotRole,
    Stage,
    SubjectLevel,
    Substitution,
    TermGrade,
    YearOutcome,
)
from transcript_core.policy import find_policy, list_slots


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
    kept = build(replace(record, decision=YearOutcome.NOT_PROMOTED), SchoolLevel.PRIMARY).summary
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
