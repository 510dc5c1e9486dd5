"""The year's summary of one pupil, worked out from the results of the subjects.

Puts the rules of `circular_22` and `circular_27` in the order in which a year ends: levels of the terms, of the year,
after re-assessment, what follows, completion of the school level, award.  The same functions serve whoever builds a
document and whoever wants to see whether a signed one follows from its own marks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from transcript_core.assessment import circular_22, circular_27
from transcript_core.assessment.circular_22 import AssessedSubject, Circular22, StudyResult
from transcript_core.assessment.circular_27 import Circular27, PrimarySubject, RatedQuality, YearResult
from transcript_core.model import (
    Absences,
    Achievement,
    AwardKind,
    Grade,
    PrimarySummary,
    SecondarySummary,
    SubjectResult,
    YearOutcome,
)
from transcript_core.tables import get_quality


@dataclass(frozen=True, slots=True)
class SecondaryInput:
    """What the summary of a secondary pupil follows from, beside the subjects."""

    training_term_1: Achievement | None
    training_term_2: Achievement | None  # None after term 1
    training_after_summer: Achievement | None
    absences: Absences
    last_grade: bool  # the last class of the school level
    not_assessed: bool = False
    decision: YearOutcome | None = None  # the principal's, for a pupil who is not assessed
    certificates: tuple[str, ...] = ()
    contests: tuple[str, ...] = ()


def rate_term_1(subjects: Iterable[SubjectResult], *, rules: Circular22) -> StudyResult:
    """Return the study result of term 1.  `subjects`: those that count for the level.  Spec: TT 22/2021 Đ.9(2)."""
    return circular_22.rate_study(_collect(subjects, lambda one: one.term_1.grade if one.term_1 else None), rules=rules)


def rate_term_2(subjects: Iterable[SubjectResult], *, rules: Circular22) -> StudyResult:
    """Return the study result of term 2.  `subjects`: those that count for the level.  Spec: TT 22/2021 Đ.9(2)."""
    return circular_22.rate_study(_collect(subjects, lambda one: one.term_2.grade if one.term_2 else None), rules=rules)


def rate_year(subjects: Iterable[SubjectResult], *, rules: Circular22) -> StudyResult:
    """Return the study result of the year, before any re-assessment.  Spec: TT 22/2021 Đ.9(2)."""
    return circular_22.rate_study(collect_year(subjects), rules=rules)


def rate_after_reassessment(subjects: Iterable[SubjectResult], *, rules: Circular22) -> StudyResult | None:
    """Return the study result with re-assessed subjects in place of the year's, or None when there are none.

    Spec: TT 22/2021 Đ.14.
    """
    known = tuple(subjects)
    reassessed = {one.subject_code: one.reassessed for one in known if one.reassessed is not None}
    if not reassessed:
        return None
    return circular_22.rate_study(circular_22.apply_reassessment(collect_year(known), reassessed), rules=rules)


def collect_year(subjects: Iterable[SubjectResult]) -> tuple[AssessedSubject, ...]:
    """Return the assessed subjects with their results of the year, before any re-assessment."""
    return _collect(subjects, lambda one: one.year)


def summarize_term_1(
    subjects: Sequence[SubjectResult], given: SecondaryInput, *, rules: Circular22
) -> SecondarySummary:
    """Return the summary of a secondary pupil after term 1: nothing follows from it yet."""
    return SecondarySummary(
        training_term_1=given.training_term_1,
        training_term_2=None,
        training_year=None,
        study_term_1=None if given.not_assessed else rate_term_1(subjects, rules=rules).level,
        study_term_2=None,
        study_year=None,
        absences=given.absences,
        certificates=given.certificates,
        contests=given.contests,
        not_assessed=given.not_assessed,
    )


def summarize_year(subjects: Sequence[SubjectResult], given: SecondaryInput, *, rules: Circular22) -> SecondarySummary:
    """Return the summary of a secondary pupil at the end of the year.

    Args:
        subjects: those that count for the level, every one with its results.
        given: both terms' training results, unless the pupil is not assessed.

    Spec: TT 22/2021 Đ.8, 9, 12 to 14.
    """
    training = _rate_training(given, rules)
    study = None if given.not_assessed else rate_year(subjects, rules=rules).level
    after = None
    if study is Achievement.NOT_PASSED:
        result = rate_after_reassessment(subjects, rules=rules)
        after = None if result is None else result.level
    outcome = given.decision if given.not_assessed else _decide(given, training, study, after, rules)
    return SecondarySummary(
        training_term_1=given.training_term_1,
        training_term_2=given.training_term_2,
        training_year=training,
        study_term_1=None if given.not_assessed else rate_term_1(subjects, rules=rules).level,
        study_term_2=None if given.not_assessed else rate_term_2(subjects, rules=rules).level,
        study_year=study,
        absences=given.absences,
        training_after_summer=given.training_after_summer,
        study_after_reassessment=after,
        outcome=outcome,
        level_completed=circular_22.is_level_completed(outcome) if given.last_grade and outcome else None,
        certificates=given.certificates,
        contests=given.contests,
        not_assessed=given.not_assessed,
    )


def find_secondary_award(
    subjects: Sequence[SubjectResult], summary: SecondarySummary, *, rules: Circular22
) -> AwardKind | None:
    """Return the title that the year earns, or None.  Spec: TT 22/2021 Đ.15."""
    if summary.training_year is None or summary.study_year is None:
        return None
    return circular_22.find_award(
        training_year=summary.training_year,
        study_year=summary.study_year,
        subjects=collect_year(subjects),
        rules=rules,
    )


def rate_primary_year(subjects: Iterable[SubjectResult], summary: PrimarySummary, *, rules: Circular27) -> YearResult:
    """Return the education result of a primary pupil's year; re-assessed subjects count as re-assessed.

    Spec: TT 27/2020 Đ.9(2).
    """
    final = ((one, one.reassessed or one.year) for one in subjects if not one.not_assessed)
    rated = [
        PrimarySubject(one.subject_code, one.subject_name, grade.level, grade.mark)
        for one, grade in final
        if grade is not None and grade.level is not None
    ]
    blocks = (*summary.qualities, *summary.common_competences, *summary.specific_competences)
    qualities = [RatedQuality(get_quality(quality.code).name, quality.level) for quality in blocks]
    return circular_27.rate_year(rated, qualities, rules=rules)


def _collect(
    subjects: Iterable[SubjectResult], choose: Callable[[SubjectResult], Grade | None]
) -> tuple[AssessedSubject, ...]:
    chosen = ((subject, choose(subject)) for subject in subjects if not subject.not_assessed)
    return tuple(
        AssessedSubject(subject.subject_code, subject.subject_name, grade)
        for subject, grade in chosen
        if grade is not None
    )


def _rate_training(given: SecondaryInput, rules: Circular22) -> Achievement | None:
    if given.training_term_1 is None or given.training_term_2 is None:
        return None
    return circular_22.rate_training_year(given.training_term_1, given.training_term_2, rules=rules)


def _decide(
    given: SecondaryInput,
    training: Achievement | None,
    study: Achievement | None,
    after: Achievement | None,
    rules: Circular22,
) -> YearOutcome | None:
    if training is None or study is None:
        return None
    return circular_22.decide_year(
        training_year=training,
        study_year=study,
        absences=given.absences,
        rules=rules,
        training_after_summer=given.training_after_summer,
        study_after_reassessment=after,
    ).outcome
