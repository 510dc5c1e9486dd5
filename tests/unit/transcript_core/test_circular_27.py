"""TT 27/2020: levels of the year, completion, awards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.support import samples
from transcript_core.assessment import circular_27
from transcript_core.assessment.circular_27 import PrimarySubject, RatedQuality
from transcript_core.assessment.registry import choose_rules
from transcript_core.assessment.summary import rate_primary_year
from transcript_core.errors import InputError
from transcript_core.model import (
    AwardKind,
    PrimarySummary,
    PrimaryYearLevel,
    QualityLevel,
    SchoolLevel,
    SubjectLevel,
    YearOutcome,
)

RULES = circular_27.load_circular_27(date(2025, 9, 5))
EXCELLENT, WELL = PrimaryYearLevel.EXCELLENT, PrimaryYearLevel.COMPLETED_WELL
COMPLETED, NOT_COMPLETED = PrimaryYearLevel.COMPLETED, PrimaryYearLevel.NOT_COMPLETED


def rate(levels: str, tests: str, qualities: str) -> circular_27.YearResult:
    marks = [None if test == "-" else Decimal(test) for test in tests.split()]
    subjects = [
        PrimarySubject(f"S{n}", f"Môn {n}", SubjectLevel(level), mark)
        for n, (level, mark) in enumerate(zip(levels.split(), marks, strict=True))
    ]
    rated = [RatedQuality(f"Phẩm chất {n}", QualityLevel(level)) for n, level in enumerate(qualities.split())]
    return circular_27.rate_year(subjects, rated, rules=RULES)


@pytest.mark.parametrize(
    ("levels", "tests", "qualities", "level"),
    [
        ("T T T", "9 10 -", "T T", EXCELLENT),
        ("T T T", "9 8 -", "T T", WELL),
        ("T T T", "7 7 -", "T T", WELL),
        ("T T T", "7 6 -", "T T", COMPLETED),
        ("T T H", "10 10 -", "T T", COMPLETED),
        ("T T T", "10 10 -", "T Đ", COMPLETED),
        ("H H H", "5 5 -", "Đ Đ", COMPLETED),
        ("H H H", "5 4 -", "Đ Đ", NOT_COMPLETED),
        ("H H C", "5 5 -", "Đ Đ", NOT_COMPLETED),
        ("T T T", "10 10 -", "T C", NOT_COMPLETED),
        ("T T C", "10 10 -", "T T", NOT_COMPLETED),
        ("T T T", "- - -", "T T", EXCELLENT),
    ],
)
def test_year_level(levels: str, tests: str, qualities: str, level: PrimaryYearLevel) -> None:
    assert rate(levels, tests, qualities).level is level


def test_the_result_says_why_it_is_not_higher() -> None:
    assert rate("T T", "9 9", "T").reasons == ()
    assert rate("T T", "9 7", "T").reasons == ("Chưa đủ mức Hoàn thành xuất sắc: điểm kiểm tra Môn 1 7, cần từ 9.",)
    assert rate("T C", "9 9", "C").reasons == (
        "Chưa đủ mức Hoàn thành: Môn 1 ở mức C.",
        "Chưa đủ mức Hoàn thành: Phẩm chất 0 ở mức C.",
    )


def test_nothing_to_rate_and_other_scales_are_refused() -> None:
    with pytest.raises(InputError):
        circular_27.rate_year([], [RatedQuality("A", QualityLevel.GOOD)], rules=RULES)
    with pytest.raises(InputError):
        rate("T T", "9 9", "")
    with pytest.raises(InputError):
        rate("T Đ", "9 9", "T")


@pytest.mark.parametrize(
    ("level", "reassessed", "decision", "outcome", "completed"),
    [
        (EXCELLENT, False, None, YearOutcome.PROMOTED, True),
        (WELL, False, None, YearOutcome.PROMOTED, True),
        (COMPLETED, False, None, YearOutcome.PROMOTED, True),
        (COMPLETED, True, None, YearOutcome.PROMOTED_AFTER_SUMMER, True),
        (NOT_COMPLETED, False, None, YearOutcome.REASSESSMENT, None),
        (NOT_COMPLETED, True, YearOutcome.NOT_PROMOTED, YearOutcome.NOT_PROMOTED, False),
        (NOT_COMPLETED, True, YearOutcome.PROMOTED_AFTER_SUMMER, YearOutcome.PROMOTED_AFTER_SUMMER, False),
    ],
)
def test_outcome_and_completion(
    level: PrimaryYearLevel,
    reassessed: bool,
    decision: YearOutcome | None,
    outcome: YearOutcome,
    completed: bool | None,
) -> None:
    assert circular_27.decide_year(level, reassessed=reassessed, decision=decision) is outcome
    assert circular_27.is_level_completed(level, outcome) is completed


@pytest.mark.parametrize(
    ("level", "acknowledged", "award"),
    [
        (EXCELLENT, False, AwardKind.EXCELLENT_PUPIL),
        (EXCELLENT, True, AwardKind.EXCELLENT_PUPIL),
        (WELL, True, AwardKind.OUTSTANDING_PRIMARY_PUPIL),
        (WELL, False, None),
        (COMPLETED, True, None),
        (NOT_COMPLETED, True, None),
    ],
)
def test_awards(level: PrimaryYearLevel, acknowledged: bool, award: AwardKind | None) -> None:
    assert circular_27.find_award(level, acknowledged=acknowledged) is award


def test_rules_are_chosen_by_grade_and_day() -> None:
    assert choose_rules(SchoolLevel.PRIMARY, 5, on=date(2025, 9, 5)) == ("TT27/2020", RULES)
    with pytest.raises(InputError):
        choose_rules(SchoolLevel.PRIMARY, 5, on=date(2023, 9, 5))
    with pytest.raises(InputError):
        circular_27.load_circular_27(date(2019, 9, 5))


def test_the_sample_document_follows_from_its_own_results() -> None:
    transcript = samples.build_transcript(SchoolLevel.PRIMARY)
    summary = transcript.summary
    assert isinstance(summary, PrimarySummary)
    assert rate_primary_year(transcript.subjects, summary, rules=RULES).level is summary.year_level
