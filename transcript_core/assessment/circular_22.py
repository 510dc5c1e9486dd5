"""Secondary schools: results over all subjects, promotion and awards after TT 22/2021/TT-BGDĐT.

Implements Đ.8(2) (training result of the year), Đ.9(2) and (3) (study result and its adjustment), Đ.12 to 14
(promotion, summer training, re-assessment) and Đ.15 (awards).  The numbers are data (`schemas/tables/rules.csv`,
`training_years.csv`) because the texts were read in summaries only.  Results say why, since teachers are asked.

Readings of ours, where the texts seen do not decide:

- Đ.9(2) presupposes at least six subjects with marks.  With fewer (most not assessed) its conditions cannot be met by
  any marks, so no level is given at all instead of "Chưa đạt"; a pupil gets one only through an individual plan.
- Đ.9(3), "solely because of one subject": with any better result in that one subject, everything else unchanged,
  the level would be Tốt (or Khá).  The rise is always one level.
- Đ.13 and 14 when both results are Chưa đạt: summer training first; re-assessment once that is at least Đạt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import Absences, Achievement, AwardKind, Grade, SubjectLevel, YearOutcome
from transcript_core.tables import load_rules, load_training_years

REGULATION: Final = "TT22/2021"
LEVELS: Final = (Achievement.GOOD, Achievement.FAIR, Achievement.PASSED, Achievement.NOT_PASSED)
"""Best first; the place in this tuple is the rank, 0 best."""

_NAMES: Final = {
    Achievement.GOOD: "Tốt",
    Achievement.FAIR: "Khá",
    Achievement.PASSED: "Đạt",
    Achievement.NOT_PASSED: "Chưa đạt",
}
_FAULTLESS_MARK: Final = Decimal(10)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What one study level asks for."""

    floor: Decimal  # every subject with marks reaches it
    many: Decimal  # enough subjects with marks reach it
    failed_comments: int  # so many comment subjects may be Chưa đạt


@dataclass(frozen=True, slots=True)
class Circular22:
    """The numbers of TT 22/2021 as they stood on one day."""

    thresholds: Mapping[Achievement, Threshold]  # Tốt, Khá, Đạt
    many_subjects: int  # how many "enough" is
    training_years: Mapping[tuple[Achievement, Achievement], Achievement]
    comment_year_term: int  # 1 or 2: the term whose level is the year's in a comment subject
    study_topic_term: int  # 1 or 2: the term in which a study-topic cluster counts as a regular mark
    reassess_below: Decimal
    absence_limit: int  # sessions a year, excused and unexcused
    excellent_mark: Decimal
    excellent_subjects: int
    elective_subjects: int  # upper secondary
    study_topics: int  # upper secondary


@dataclass(frozen=True, slots=True)
class AssessedSubject:
    """One subject as it enters a study result: with a mark, or with Đạt / Chưa đạt."""

    code: str
    name: str
    grade: Grade  # exactly one of mark and level


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study result and why it is not higher."""

    level: Achievement | None  # None: too few subjects with marks
    before_adjustment: Achievement | None
    raised_for: str | None  # code of the one subject for which Đ.9(3) raised the level
    reasons: tuple[str, ...]  # Vietnamese, a sentence each; empty at the top


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a year and why."""

    outcome: YearOutcome
    reasons: tuple[str, ...]  # Vietnamese, a sentence each


def load_circular_22(on: date) -> Circular22:
    """Return the numbers in force on that day.

    Raises:
        InputError: the regulation was not in force.
    """
    rules = load_rules(REGULATION, on)
    if not rules:
        raise InputError(f"{REGULATION} was not in force on {on}")
    names = {Achievement.GOOD: "good", Achievement.FAIR: "fair", Achievement.PASSED: "passed"}
    return Circular22(
        thresholds={
            level: Threshold(rules[f"{name}_floor"], rules[f"{name}_many"], int(rules[f"{name}_failed_comments"]))
            for level, name in names.items()
        },
        many_subjects=int(rules["many_subjects"]),
        training_years=load_training_years(REGULATION, on),
        comment_year_term=int(rules["comment_year_term"]),
        study_topic_term=int(rules["study_topic_term"]),
        reassess_below=rules["reassess_below"],
        absence_limit=int(rules["absence_limit"]),
        excellent_mark=rules["excellent_mark"],
        excellent_subjects=int(rules["excellent_subjects"]),
        elective_subjects=int(rules["elective_subjects"]),
        study_topics=int(rules["study_topics"]),
    )


def rate_comment_year(term_1: SubjectLevel | None, term_2: SubjectLevel, *, rules: Circular22) -> SubjectLevel:
    """Return the year's level of a comment subject: that of term 2.  Spec: TT 22/2021 Đ.9(1)a."""
    if rules.comment_year_term == 1 and term_1 is not None:
        return term_1
    return term_2


def rate_training_year(term_1: Achievement, term_2: Achievement, *, rules: Circular22) -> Achievement:
    """Return the training result of the year from those of both terms.  Spec: TT 22/2021 Đ.8(2)."""
    return rules.training_years[term_1, term_2]


def rate_study(subjects: Sequence[AssessedSubject], *, rules: Circular22) -> StudyResult:
    """Return the study result of a term or a year.

    Args:
        subjects: every subject that counts, with its result of that term or year; after re-assessment, with the new
            results (`apply_reassessment`).

    Spec: TT 22/2021 Đ.9(2) and (3).
    """
    marked = sum(subject.grade.mark is not None for subject in subjects)
    if marked < rules.many_subjects:
        reason = f"Chỉ có {marked} môn đánh giá bằng điểm số, quy định cần ít nhất {rules.many_subjects} môn."
        return StudyResult(None, None, None, (reason,))
    plain = _rate_plainly(subjects, rules)
    raised_for = _find_single_cause(subjects, plain, rules)
    level = plain if raised_for is None else LEVELS[LEVELS.index(plain) - 1]
    return StudyResult(level, plain, raised_for, _explain(subjects, plain, level, raised_for, rules))


def list_reassessment(subjects: Iterable[AssessedSubject], *, rules: Circular22) -> tuple[str, ...]:
    """Return the codes of the subjects to re-assess: average of the year below 5.0, or Chưa đạt.

    Only for pupils whose outcome is REASSESSMENT.  Spec: TT 22/2021 Đ.14.
    """
    return tuple(subject.code for subject in subjects if _is_failed(subject.grade, rules))


def apply_reassessment(
    subjects: Iterable[AssessedSubject], reassessed: Mapping[str, Grade]
) -> tuple[AssessedSubject, ...]:
    """Return the subjects with the results of re-assessment (by subject code) in place of the year's.

    Spec: TT 22/2021 Đ.14: the new result replaces the old one for the study result, whether better or not.
    """
    return tuple(replace(subject, grade=reassessed.get(subject.code, subject.grade)) for subject in subjects)


def decide_year(
    *,
    training_year: Achievement,
    study_year: Achievement,
    absences: Absences,
    rules: Circular22,
    training_after_summer: Achievement | None = None,
    study_after_reassessment: Achievement | None = None,
) -> Decision:
    """Return whether the pupil moves up, or completes the level in its last class, and why not.

    Spec: TT 22/2021 Đ.12 (promotion), Đ.13 (summer training), Đ.14 (re-assessment).
    """
    failed = Achievement.NOT_PASSED
    sessions = absences.excused + absences.unexcused
    after_summer = "Đủ điều kiện sau rèn luyện hoặc đánh giá lại trong kì nghỉ hè."
    steps = (
        (
            sessions > rules.absence_limit,
            YearOutcome.NOT_PROMOTED,
            f"Nghỉ {sessions} buổi, quá {rules.absence_limit} buổi.",
        ),
        (training_after_summer is failed, YearOutcome.NOT_PROMOTED, "Rèn luyện sau kì nghỉ hè vẫn Chưa đạt."),
        (training_year is failed and not training_after_summer, YearOutcome.SUMMER_TRAINING, "Rèn luyện Chưa đạt."),
        (study_after_reassessment is failed, YearOutcome.NOT_PROMOTED, "Học tập sau đánh giá lại vẫn Chưa đạt."),
        (study_year is failed and not study_after_reassessment, YearOutcome.REASSESSMENT, "Học tập Chưa đạt."),
        (failed in {training_year, study_year}, YearOutcome.PROMOTED_AFTER_SUMMER, after_summer),
    )
    for applies, outcome, reason in steps:
        if applies:
            return Decision(outcome, (reason,))
    return Decision(YearOutcome.PROMOTED, ())


def is_level_completed(outcome: YearOutcome) -> bool | None:
    """Return whether a pupil of the last class completes the level; None while a summer's result is awaited.

    Spec: TT 22/2021 Đ.12: the conditions are those of promotion.  Law 123/2025/QH15: the transcript confirms it.
    """
    if outcome in {YearOutcome.SUMMER_TRAINING, YearOutcome.REASSESSMENT}:
        return None
    return outcome in {YearOutcome.PROMOTED, YearOutcome.PROMOTED_AFTER_SUMMER}


def find_award(
    *, training_year: Achievement, study_year: Achievement, subjects: Iterable[AssessedSubject], rules: Circular22
) -> AwardKind | None:
    """Return the title that the year earns: Học sinh Xuất sắc, Học sinh Giỏi, or None.

    Args:
        subjects: results of the year before any re-assessment.

    Spec: TT 22/2021 Đ.15(1).
    """
    if training_year is not Achievement.GOOD or study_year is not Achievement.GOOD:
        return None
    excellent = _count_from(subjects, rules.excellent_mark)
    return AwardKind.EXCELLENT_PUPIL if excellent >= rules.excellent_subjects else AwardKind.GOOD_PUPIL


def _is_failed(grade: Grade, rules: Circular22) -> bool:
    return grade.level is SubjectLevel.NOT_PASSED or (grade.mark is not None and grade.mark < rules.reassess_below)


def _count_from(subjects: Iterable[AssessedSubject], mark: Decimal) -> int:
    return sum(subject.grade.mark is not None and subject.grade.mark >= mark for subject in subjects)


def _meets(subjects: Iterable[AssessedSubject], level: Achievement, rules: Circular22) -> bool:
    threshold = rules.thresholds[level]
    grades = [subject.grade for subject in subjects]
    marks = [grade.mark for grade in grades if grade.mark is not None]
    failed_comments = sum(grade.level is SubjectLevel.NOT_PASSED for grade in grades)
    return (
        failed_comments <= threshold.failed_comments
        and min(marks) >= threshold.floor
        and sum(mark >= threshold.many for mark in marks) >= rules.many_subjects
    )


def _rate_plainly(subjects: Sequence[AssessedSubject], rules: Circular22) -> Achievement:
    for level in rules.thresholds:
        if _meets(subjects, level, rules):
            return level
    return Achievement.NOT_PASSED


def _find_single_cause(subjects: Sequence[AssessedSubject], plain: Achievement, rules: Circular22) -> str | None:
    """Return the one subject because of which the level is two or more below Tốt or Khá.  Spec: Đ.9(3)."""
    for target in (Achievement.GOOD, Achievement.FAIR):
        if LEVELS.index(plain) - LEVELS.index(target) < 2:
            continue
        for place, subject in enumerate(subjects):
            without_fault = (*subjects[:place], _make_faultless(subject), *subjects[place + 1 :])
            if _meets(without_fault, target, rules):
                return subject.code
    return None


def _make_faultless(subject: AssessedSubject) -> AssessedSubject:
    if subject.grade.mark is None:
        return replace(subject, grade=Grade(level=SubjectLevel.PASSED))
    return replace(subject, grade=Grade(mark=_FAULTLESS_MARK))


def _explain(
    subjects: Sequence[AssessedSubject],
    plain: Achievement,
    level: Achievement,
    raised_for: str | None,
    rules: Circular22,
) -> tuple[str, ...]:
    reasons = []
    if raised_for is not None:
        name = next(subject.name for subject in subjects if subject.code == raised_for)
        reasons.append(
            f"Được điều chỉnh từ {_NAMES[plain]} lên {_NAMES[level]} vì chỉ do kết quả của duy nhất môn {name}."
        )
    if level is not Achievement.GOOD:
        reasons.extend(_list_shortfalls(subjects, LEVELS[LEVELS.index(level) - 1], rules))
    return tuple(reasons)


def _list_shortfalls(subjects: Sequence[AssessedSubject], level: Achievement, rules: Circular22) -> list[str]:
    """Return what keeps the subjects from this level."""
    threshold, prefix = rules.thresholds[level], f"Chưa đủ mức {_NAMES[level]}:"
    failed = [subject.name for subject in subjects if subject.grade.level is SubjectLevel.NOT_PASSED]
    reasons = []
    if len(failed) > threshold.failed_comments:
        reasons.append(f"{prefix} {', '.join(failed)} Chưa đạt.")
    for subject in subjects:
        mark = subject.grade.mark
        if mark is not None and mark < threshold.floor:
            reasons.append(f"{prefix} {subject.name} {mark}, cần từ {threshold.floor}.")
    many = _count_from(subjects, threshold.many)
    if many < rules.many_subjects:
        reasons.append(f"{prefix} {many} môn từ {threshold.many} trở lên, cần ít nhất {rules.many_subjects} môn.")
    return reasons
