"""Study results against the regulation written out once more, and the way they move when results move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from transcript_core.assessment.circular_22 import (
    LEVELS,
    AssessedSubject,
    Circular22,
    decide_year,
    load_circular_22,
    rate_study,
    rate_training_year,
)
from transcript_core.assessment.circular_27 import (
    PrimarySubject,
    RatedQuality,
    load_circular_27,
)
from transcript_core.assessment.circular_27 import rate_year as rate_primary
from transcript_core.model import (
    Absences,
    Achievement,
    Grade,
    PrimaryYearLevel,
    QualityLevel,
    SubjectLevel,
    YearOutcome,
)

RULES: Circular22 = load_circular_22(date(2025, 9, 5))
PRIMARY_RULES = load_circular_27(date(2025, 9, 5))
# Marks near the thresholds, where the levels change.
MARKS = st.one_of(
    st.sampled_from([Decimal(text) for text in ("3.4", "3.5", "4.9", "5.0", "6.4", "6.5", "7.9", "8.0", "9.0")]),
    st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10),
)
GOOD_MARKS = st.sampled_from([Decimal(text) for text in ("6.5", "7.9", "8.0", "8.5", "9.0")])
COMMENTS = st.sampled_from([SubjectLevel.PASSED] * 5 + [SubjectLevel.NOT_PASSED])
ACHIEVEMENTS = st.sampled_from(LEVELS)
PRIMARY_ORDER = list(PrimaryYearLevel)


@st.composite
def results(draw: st.DrawFn) -> tuple[AssessedSubject, ...]:
    """Six to ten marks, mostly good ones so that the adjustment comes into play, and up to four comment subjects."""
    marks = draw(st.lists(GOOD_MARKS, min_size=4, max_size=8)) + draw(st.lists(MARKS, min_size=2, max_size=2))
    levels = draw(st.lists(COMMENTS, max_size=4))
    grades = [*(Grade(mark=mark) for mark in marks), *(Grade(level=level) for level in levels)]
    return tuple(AssessedSubject(f"S{n}", f"Môn {n}", grade) for n, grade in enumerate(grades))


def rate_by_the_text(subjects: tuple[AssessedSubject, ...]) -> Achievement:
    """TT 22/2021 Đ.9(2), the sentences of the regulation one after another."""
    marks = [subject.grade.mark for subject in subjects if subject.grade.mark is not None]
    failed = [subject for subject in subjects if subject.grade.level is SubjectLevel.NOT_PASSED]
    if not failed and all(m >= Decimal("6.5") for m in marks) and len([m for m in marks if m >= 8]) >= 6:
        return Achievement.GOOD
    if not failed and all(m >= 5 for m in marks) and len([m for m in marks if m >= Decimal("6.5")]) >= 6:
        return Achievement.FAIR
    if len(failed) <= 1 and len([m for m in marks if m >= 5]) >= 6 and not any(m < Decimal("3.5") for m in marks):
        return Achievement.PASSED
    return Achievement.NOT_PASSED


def list_single_changes(subjects: tuple[AssessedSubject, ...]) -> Iterator[tuple[AssessedSubject, ...]]:
    """Every set of results that differs in one subject only, at the thresholds."""
    thresholds = [Grade(mark=Decimal(text)) for text in ("0", "3.5", "5", "6.5", "8", "10")]
    for place, subject in enumerate(subjects):
        levels = [Grade(level=SubjectLevel.PASSED), Grade(level=SubjectLevel.NOT_PASSED)]
        for grade in thresholds if subject.grade.mark is not None else levels:
            yield (*subjects[:place], replace(subject, grade=grade), *subjects[place + 1 :])


@given(subjects=results())
@settings(max_examples=300)
def test_the_level_is_the_texts_level_adjusted_by_at_most_one(subjects: tuple[AssessedSubject, ...]) -> None:
    plain = rate_by_the_text(subjects)
    reachable = {rate_by_the_text(changed) for changed in list_single_changes(subjects)}
    lowered_by_two = any(
        target in reachable and LEVELS.index(plain) - LEVELS.index(target) >= 2
        for target in (Achievement.GOOD, Achievement.FAIR)
    )
    expected = LEVELS[LEVELS.index(plain) - 1] if lowered_by_two else plain
    result = rate_study(subjects, rules=RULES)
    assert (result.before_adjustment, result.level) == (plain, expected)
    assert (result.raised_for is not None) == lowered_by_two
    assert (result.reasons == ()) == (result.level is Achievement.GOOD)


@given(subjects=results(), data=st.data())
@settings(max_examples=300)
def test_a_better_result_never_lowers_the_level(subjects: tuple[AssessedSubject, ...], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(subjects) - 1))
    subject = subjects[place]
    if subject.grade.mark is None:
        better = Grade(level=SubjectLevel.PASSED)
    else:
        better = Grade(mark=max(subject.grade.mark, data.draw(MARKS)))
    raised = (*subjects[:place], replace(subject, grade=better), *subjects[place + 1 :])
    before, after = rate_study(subjects, rules=RULES).level, rate_study(raised, rules=RULES).level
    assert before is not None
    assert after is not None
    assert LEVELS.index(after) <= LEVELS.index(before)


@given(subjects=results(), data=st.data())
def test_the_order_of_subjects_does_not_matter(subjects: tuple[AssessedSubject, ...], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(subjects))
    assert rate_study(shuffled, rules=RULES).level is rate_study(subjects, rules=RULES).level


@given(term_1=ACHIEVEMENTS, term_2=ACHIEVEMENTS, better=ACHIEVEMENTS)
def test_a_better_term_never_lowers_the_years_training(
    term_1: Achievement, term_2: Achievement, better: Achievement
) -> None:
    year = LEVELS.index(rate_training_year(term_1, term_2, rules=RULES))
    best_1 = min(term_1, better, key=LEVELS.index)
    best_2 = min(term_2, better, key=LEVELS.index)
    assert LEVELS.index(rate_training_year(best_1, term_2, rules=RULES)) <= year
    assert LEVELS.index(rate_training_year(term_1, best_2, rules=RULES)) <= year


@given(training=ACHIEVEMENTS, study=ACHIEVEMENTS, excused=st.integers(0, 60), unexcused=st.integers(0, 60))
def test_promotion_needs_all_three_conditions(
    training: Achievement, study: Achievement, excused: int, unexcused: int
) -> None:
    decision = decide_year(training_year=training, study_year=study, absences=Absences(excused, unexcused), rules=RULES)
    conditions = (
        training is not Achievement.NOT_PASSED,
        study is not Achievement.NOT_PASSED,
        excused + unexcused <= 45,
    )
    assert (decision.outcome is YearOutcome.PROMOTED) == all(conditions)
    assert (decision.reasons == ()) == all(conditions)


@given(
    levels=st.lists(st.sampled_from("THC"), min_size=1, max_size=12),
    tests=st.lists(st.integers(1, 10), min_size=12, max_size=12),
    qualities=st.lists(st.sampled_from("TĐC"), min_size=1, max_size=15),
    place=st.integers(0, 11),
)
def test_a_better_primary_result_never_lowers_the_year(
    levels: list[str], tests: list[int], qualities: list[str], place: int
) -> None:
    def rate(values: list[str], marks: list[int]) -> int:
        pairs = zip(values, marks, strict=False)
        subjects = [PrimarySubject(f"S{n}", "Môn", SubjectLevel(v), Decimal(m)) for n, (v, m) in enumerate(pairs)]
        rated = [RatedQuality("Phẩm chất", QualityLevel(value)) for value in qualities]
        return PRIMARY_ORDER.index(rate_primary(subjects, rated, rules=PRIMARY_RULES).level)

    better_levels = ["T" if number == place else level for number, level in enumerate(levels)]
    better_tests = [10 if number == place else mark for number, mark in enumerate(tests)]
    assert rate(better_levels, tests) <= rate(levels, tests)
    assert rate(levels, better_tests) <= rate(levels, tests)
