"""The summary and the awards of one pupil's document, from their subjects and the rest of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transcript_core.assessment import circular_27
from transcript_core.assessment.circular_22 import Circular22
from transcript_core.assessment.circular_27 import Circular27
from transcript_core.assessment.summary import (
    SecondaryInput,
    find_secondary_award,
    rate_primary_year,
    summarize_term_1,
    summarize_year,
)
from transcript_core.build.inputs import Case
from transcript_core.model import (
    Award,
    PrimarySummary,
    PrimaryYearLevel,
    QualityLevel,
    QualityResult,
    SecondarySummary,
    SubjectResult,
    YearOutcome,
)
from transcript_core.tables import QualityGroup, list_grades, list_qualities


def build_summary(case: Case, subjects: Sequence[SubjectResult]) -> SecondarySummary | PrimarySummary:
    """Return the summary of a complete record."""
    if isinstance(case.rules, Circular27):
        return _build_primary(case, subjects, case.rules)
    return _build_secondary(case, subjects, case.rules)


def list_awards(
    case: Case, subjects: Sequence[SubjectResult], summary: SecondarySummary | PrimarySummary
) -> tuple[Award, ...]:
    """Return the title that the year earns, if any, then the school's other awards.

    Titles are given to pupils who are assessed, at the end of the year, since only then the summary has the year's
    levels (TT 22/2021 Đ.15, TT 27/2020 Đ.13).
    """
    if summary.not_assessed:
        return case.record.awards
    if isinstance(summary, SecondarySummary) and isinstance(case.rules, Circular22):
        title = find_secondary_award(list_counting(case, subjects), summary, rules=case.rules)
    elif isinstance(summary, PrimarySummary) and summary.year_level is not None:
        title = circular_27.find_award(summary.year_level, acknowledged=case.record.acknowledged)
    else:
        title = None
    return case.record.awards if title is None else (Award(title), *case.record.awards)


def needs_decision(case: Case, subjects: Sequence[SubjectResult]) -> bool:
    """Return whether the principal decides on promotion: for pupils not assessed and primary classes not completed.

    Spec: TT 22/2021 Đ.11; TT 27/2020 Đ.11.  `subjects`: complete, unless the pupil is not assessed.
    """
    if case.record.not_assessed or not isinstance(case.rules, Circular27):
        return case.record.not_assessed
    year = rate_primary_year(list_counting(case, subjects), _build_plain_primary(case), rules=case.rules)
    return year.level is PrimaryYearLevel.NOT_COMPLETED


def list_counting(case: Case, subjects: Sequence[SubjectResult]) -> tuple[SubjectResult, ...]:
    """Return the subjects that count for the level over all subjects (column `counts` of the table)."""
    counting = {subject.code for subject in case.subjects if subject.counts}
    return tuple(subject for subject in subjects if subject.subject_code in counting)


def list_quality_results(case: Case, group: QualityGroup) -> tuple[QualityResult, ...]:
    """Return the results of one block of the primary form, in the form's order; missing ones are left out."""
    given = {code: (level, comment) for code, level, comment in case.record.qualities}
    return tuple(
        QualityResult(quality.code, QualityLevel(given[quality.code][0]), given[quality.code][1])
        for quality in list_qualities(group, case.grade, on=case.on)
        if quality.code in given
    )


def _build_secondary(case: Case, subjects: Sequence[SubjectResult], rules: Circular22) -> SecondarySummary:
    record = case.record
    given = SecondaryInput(
        training_term_1=record.training_term_1,
        training_term_2=record.training_term_2,
        training_after_summer=record.training_after_summer,
        absences=record.absences,
        last_grade=case.grade == list_grades(case.school.level)[-1],
        not_assessed=record.not_assessed,
        decision=record.decision,
        certificates=record.certificates,
        contests=record.contests,
    )
    summarize = summarize_year if case.is_year else summarize_term_1
    return summarize(list_counting(case, subjects), given, rules=rules)


def _build_primary(case: Case, subjects: Sequence[SubjectResult], rules: Circular27) -> PrimarySummary:
    plain = _build_plain_primary(case)
    if not case.is_year:
        return plain
    if case.record.not_assessed:
        outcome = case.record.decision
        return replace(plain, outcome=outcome, level_completed=_complete_unassessed(case, outcome))
    counting = list_counting(case, subjects)
    level = rate_primary_year(counting, plain, rules=rules).level
    reassessed = any(subject.reassessed is not None for subject in counting)
    outcome = circular_27.decide_year(level, reassessed=reassessed, decision=case.record.decision)
    completed = circular_27.is_level_completed(level, outcome) if _is_last_grade(case) else None
    return replace(plain, year_level=level, outcome=outcome, level_completed=completed)


def _build_plain_primary(case: Case) -> PrimarySummary:
    """Return the summary without what follows at the end of the year."""
    return PrimarySummary(
        qualities=list_quality_results(case, QualityGroup.QUALITY),
        common_competences=list_quality_results(case, QualityGroup.COMMON),
        specific_competences=list_quality_results(case, QualityGroup.SPECIFIC),
        absences=case.record.absences,
        height_cm=case.record.height_cm,
        weight_kg=case.record.weight_kg,
        not_assessed=case.record.not_assessed,
    )


def _complete_unassessed(case: Case, outcome: YearOutcome | None) -> bool | None:
    if not _is_last_grade(case):
        return None
    return outcome in {YearOutcome.PROMOTED, YearOutcome.PROMOTED_AFTER_SUMMER}


def _is_last_grade(case: Case) -> bool:
    return case.grade == list_grades(case.school.level)[-1]
