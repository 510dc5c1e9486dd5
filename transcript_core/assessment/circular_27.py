"""Primary schools: result of the year, completion and awards after TT 27/2020/TT-BGDĐT.

Implements Đ.9(2) (education result of the year), Đ.11 (completion of the class and of primary school) and Đ.13(1)
(awards).  The numbers are data (`schemas/tables/rules.csv`).  Results say why, since parents ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import AwardKind, PrimaryYearLevel, QualityLevel, SubjectLevel, YearOutcome
from transcript_core.tables import load_rules

REGULATION: Final = "TT27/2020"
_SUBJECT_RANKS: Final = {SubjectLevel.COMPLETED_WELL: 2, SubjectLevel.COMPLETED: 1, SubjectLevel.NOT_COMPLETED: 0}
_QUALITY_RANKS: Final = {QualityLevel.GOOD: 2, QualityLevel.PASSED: 1, QualityLevel.NEEDS_EFFORT: 0}
_NAMES: Final = {
    PrimaryYearLevel.EXCELLENT: "Hoàn thành xuất sắc",
    PrimaryYearLevel.COMPLETED_WELL: "Hoàn thành tốt",
    PrimaryYearLevel.COMPLETED: "Hoàn thành",
    PrimaryYearLevel.NOT_COMPLETED: "Chưa hoàn thành",
}


@dataclass(frozen=True, slots=True)
class Threshold:
    """What one level of the year asks for."""

    rank: int  # of every subject, quality and competence: 2 best, 0 worst
    test: Decimal  # least mark of every test at the end of the year


@dataclass(frozen=True, slots=True)
class Circular27:
    """The numbers of TT 27/2020 as they stood on one day, best level first."""

    thresholds: Mapping[PrimaryYearLevel, Threshold]


@dataclass(frozen=True, slots=True)
class PrimarySubject:
    """One subject as it enters the year's result: what holds at the end, after re-assessment if there was one."""

    code: str
    name: str
    level: SubjectLevel  # T, H or C
    test_mark: Decimal | None  # None: the subject has no test


@dataclass(frozen=True, slots=True)
class RatedQuality:
    """One quality or competence as it enters the year's result."""

    name: str
    level: QualityLevel


@dataclass(frozen=True, slots=True)
class YearResult:
    """The year's level and why it is not higher."""

    level: PrimaryYearLevel
    reasons: tuple[str, ...]  # Vietnamese, a sentence each; empty at the top


def load_circular_27(on: date) -> Circular27:
    """Return the numbers in force on that day.

    Raises:
        InputError: the regulation was not in force.
    """
    rules = load_rules(REGULATION, on)
    if not rules:
        raise InputError(f"{REGULATION} was not in force on {on}")
    return Circular27(
        {
            PrimaryYearLevel.EXCELLENT: Threshold(2, rules["excellent_test"]),
            PrimaryYearLevel.COMPLETED_WELL: Threshold(2, rules["well_test"]),
            PrimaryYearLevel.COMPLETED: Threshold(1, rules["completed_test"]),
        }
    )


def rate_year(
    subjects: Sequence[PrimarySubject], qualities: Sequence[RatedQuality], *, rules: Circular27
) -> YearResult:
    """Return the education result of the year.

    Raises:
        InputError: no subject, no quality, or a level of another scale.
    Spec: TT 27/2020 Đ.9(2).
    """
    if not subjects or not qualities:
        raise InputError("the year's result of a primary pupil needs subjects and qualities")
    if any(subject.level not in _SUBJECT_RANKS for subject in subjects):
        raise InputError("a subject of a primary pupil has a level of another scale than T, H, C")
    reasons: tuple[str, ...] = ()
    for level, threshold in rules.thresholds.items():
        shortfalls = _list_shortfalls(subjects, qualities, level, threshold)
        if not shortfalls:
            return YearResult(level, reasons)
        reasons = shortfalls
    return YearResult(PrimaryYearLevel.NOT_COMPLETED, reasons)


def decide_year(level: PrimaryYearLevel, *, reassessed: bool, decision: YearOutcome | None = None) -> YearOutcome:
    """Return what follows from the year.

    Args:
        reassessed: the level was reached by re-assessment after extra teaching.
        decision: the principal's, for a pupil who has not completed the class; None while it is awaited.

    Spec: TT 27/2020 Đ.11.
    """
    if level is PrimaryYearLevel.NOT_COMPLETED:
        return decision or YearOutcome.REASSESSMENT
    return YearOutcome.PROMOTED_AFTER_SUMMER if reassessed else YearOutcome.PROMOTED


def is_level_completed(level: PrimaryYearLevel, outcome: YearOutcome) -> bool | None:
    """Return whether a pupil of grade 5 completes primary school; None while a re-assessment is awaited.

    Spec: TT 27/2020 Đ.11(2): who completes the class 5 completes the programme of primary school.
    """
    if outcome is YearOutcome.REASSESSMENT:
        return None
    return level is not PrimaryYearLevel.NOT_COMPLETED


def find_award(level: PrimaryYearLevel, *, acknowledged: bool) -> AwardKind | None:
    """Return the title that the year earns, or None.

    Args:
        acknowledged: the class has acknowledged the pupil's excellence in a subject or progress in a quality or
            competence, which the title "Học sinh tiêu biểu" needs beside the level.

    Spec: TT 27/2020 Đ.13(1).
    """
    if level is PrimaryYearLevel.EXCELLENT:
        return AwardKind.EXCELLENT_PUPIL
    if level is PrimaryYearLevel.COMPLETED_WELL and acknowledged:
        return AwardKind.OUTSTANDING_PRIMARY_PUPIL
    return None


def _list_shortfalls(
    subjects: Iterable[PrimarySubject],
    qualities: Iterable[RatedQuality],
    level: PrimaryYearLevel,
    threshold: Threshold,
) -> tuple[str, ...]:
    """Return what keeps the pupil from this level; empty when nothing does."""
    prefix = f"Chưa đủ mức {_NAMES[level]}:"
    reasons = []
    for subject in subjects:
        if _SUBJECT_RANKS[subject.level] < threshold.rank:
            reasons.append(f"{prefix} {subject.name} ở mức {subject.level.value}.")
        if subject.test_mark is not None and subject.test_mark < threshold.test:
            reasons.append(f"{prefix} điểm kiểm tra {subject.name} {subject.test_mark}, cần từ {threshold.test}.")
    reasons.extend(
        f"{prefix} {quality.name} ở mức {quality.level.value}."
        for quality in qualities
        if _QUALITY_RANKS[quality.level] < threshold.rank
    )
    return tuple(reasons)
