"""TT 22/2021: every cell, every boundary, the adjustment by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext

import pytest

from tests.support import samples
from transcript_core.assessment import circular_22
from transcript_core.assessment.circular_22 import AssessedSubject
from transcript_core.assessment.marks import average_term, average_year, rate_comment_term, round_mark
from transcript_core.assessment.registry import choose_rules
from transcript_core.assessment.summary import (
    SecondaryInput,
    find_secondary_award,
    rate_term_1,
    rate_term_2,
    rate_year,
    summarize_year,
)
from transcript_core.errors import InputError
from transcript_core.model import (
    Absences,
    Achievement,
    AwardKind,
    Grade,
    SchoolLevel,
    SecondarySummary,
    SubjectLevel,
    YearOutcome,
)

RULES = circular_22.load_circular_22(date(2025, 9, 5))
T, K, D, CD = Achievement.GOOD, Achievement.FAIR, Achievement.PASSED, Achievement.NOT_PASSED
PASSED, FAILED = SubjectLevel.PASSED, SubjectLevel.NOT_PASSED


def subjects(marks: str, comments: str = "Đ Đ Đ Đ") -> tuple[AssessedSubject, ...]:
    marked = [AssessedSubject(f"M{n}", f"Môn {n}", Grade(mark=Decimal(m))) for n, m in enumerate(marks.split())]
    rated = [AssessedSubject(f"C{n}", f"NX {n}", Grade(level=SubjectLevel(c))) for n, c in enumerate(comments.split())]
    return (*marked, *rated)


# --- averages


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("7.25", "7.3"),
        ("5.05", "5.1"),
        ("7.249", "7.2"),
        ("4.95", "5.0"),
        ("0", "0.0"),
        ("10", "10.0"),
        ("9.95", "10.0"),
    ],
)
def test_marks_are_rounded_half_up_to_one_place(value: str, rounded: str) -> None:
    assert str(round_mark(Decimal(value))) == rounded


@pytest.mark.parametrize(
    ("regular", "midterm", "final", "average"),
    [
        ("7 8 6.5 9", "7.5", "6", "7.1"),  # 63.5 / 9 = 7.0555
        ("6.3 8.8", "6.5", "5.3", "6.3"),  # 44.0 / 7 = 6.2857
        ("8 9 7", "7", "6.7", "7.3"),  # 58.1 / 8 = 7.2625
        ("7 7 7", "7", "8", "7.4"),  # 59 / 8 = 7.375
        ("8 8 8", "7", "6.0", "7.0"),  # 56 / 8 = 7
        ("7 6 7", "7", "8", "7.3"),  # 58 / 8 = 7.25, a tie
        ("5 5 5.4", "5", "5", "5.1"),  # 40.4 / 8 = 5.05, a tie
        ("0 0", "0", "0", "0.0"),
        ("10 10 10 10", "10", "10", "10.0"),
        ("7.5", "8", "9", "8.4"),  # 50.5 / 6 = 8.4166: one regular mark is weighed as one
    ],
)
def test_term_average(regular: str, midterm: str, final: str, average: str) -> None:
    marks = [Decimal(mark) for mark in regular.split()]
    assert str(average_term(marks, midterm=Decimal(midterm), final=Decimal(final))) == average


def test_a_study_topic_cluster_counts_as_one_regular_mark() -> None:
    marks = [Decimal(8)] * 3
    plain = average_term(marks, midterm=Decimal(8), final=Decimal(8))
    with_topic = average_term(marks, midterm=Decimal(8), final=Decimal(8), study_topics=[Decimal(10)])
    as_regular = average_term([*marks, Decimal(10)], midterm=Decimal(8), final=Decimal(8))
    assert (plain, with_topic) == (Decimal("8.0"), as_regular)
    assert with_topic == Decimal("8.2")  # 74 / 9


@pytest.mark.parametrize(
    ("term_1", "term_2", "average"),
    [("8.1", "8.6", "8.4"), ("7.0", "7.4", "7.3"), ("6.4", "6.5", "6.5"), ("5.1", "4.9", "5.0"), ("0", "10", "6.7")],
)
def test_year_average_weighs_term_2_twice(term_1: str, term_2: str, average: str) -> None:
    assert str(average_year(Decimal(term_1), Decimal(term_2))) == average


def test_the_year_average_comes_from_rounded_term_averages() -> None:
    sevens = [Decimal(7), Decimal(7)]
    term_1 = average_term([*sevens, Decimal(7)], midterm=Decimal(7), final=Decimal(7))
    term_2 = average_term([*sevens, Decimal("7.4")], midterm=Decimal(7), final=Decimal(7))  # 56.4 / 8 = 7.05
    assert (term_1, term_2) == (Decimal("7.0"), Decimal("7.1"))
    assert average_year(term_1, term_2) == Decimal("7.1")  # unrounded, 21.1 / 3 would give 7.0


def test_averages_do_not_depend_on_the_callers_decimal_context() -> None:
    with localcontext() as context:
        context.prec = 2
        context.rounding = "ROUND_DOWN"
        assert round_mark(Decimal("7.25")) == Decimal("7.3")
        assert average_term([Decimal("7.3"), Decimal("8.8")], midterm=Decimal("6.5"), final=Decimal("5.3")) == Decimal(
            "6.4"
        )


@pytest.mark.parametrize("text", ["-0.1", "10.1", "NaN", "Infinity", "sNaN"])
def test_marks_outside_the_scale_are_refused(text: str) -> None:
    bad, five = Decimal(text), Decimal(5)
    with pytest.raises(InputError):
        round_mark(bad)
    for terms in ((bad, five), (five, bad)):
        with pytest.raises(InputError):
            average_year(*terms)
    for regular, midterm, final, topic in ((bad, five, five, five), (five, bad, five, five), (five, five, bad, five)):
        with pytest.raises(InputError):
            average_term([regular], midterm=midterm, final=final, study_topics=[topic])
    with pytest.raises(InputError):
        average_term([five], midterm=five, final=five, study_topics=[bad])


def test_a_term_without_regular_marks_has_no_average() -> None:
    with pytest.raises(InputError):
        average_term([], midterm=Decimal(8), final=Decimal(8))


@pytest.mark.parametrize(
    ("levels", "expected"), [("Đ Đ Đ Đ", PASSED), ("Đ Đ CĐ Đ", FAILED), ("Đ Đ Đ", FAILED), ("Đ Đ Đ Đ Đ", PASSED)]
)
def test_a_comment_subject_needs_every_assessment_passed(levels: str, expected: SubjectLevel) -> None:
    assert rate_comment_term([SubjectLevel(level) for level in levels.split()], required=4) is expected


@pytest.mark.parametrize("term_1", [PASSED, FAILED, None])
@pytest.mark.parametrize("term_2", [PASSED, FAILED])
def test_a_comment_subjects_year_is_term_2(term_1: SubjectLevel | None, term_2: SubjectLevel) -> None:
    assert circular_22.rate_comment_year(term_1, term_2, rules=RULES) is term_2


# --- training result


@pytest.mark.parametrize(
    ("term_1", "row"), [(T, (T, K, K, CD)), (K, (T, K, D, CD)), (D, (K, K, D, CD)), (CD, (K, D, D, CD))]
)
def test_training_year_all_sixteen_cells(term_1: Achievement, row: tuple[Achievement, ...]) -> None:
    assert tuple(circular_22.rate_training_year(term_1, term_2, rules=RULES) for term_2 in (T, K, D, CD)) == row


# --- study result


@pytest.mark.parametrize(
    ("marks", "comments", "level"),
    [
        ("8 8 8 8 8 8 6.5 6.5", "Đ Đ Đ Đ", T),
        ("8 8 8 8 8 7.9 6.5 6.5", "Đ Đ Đ Đ", K),
        ("8 8 8 8 8 8 6.5 6.4", "Đ Đ Đ Đ", K),
        ("6.5 6.5 6.5 6.5 6.5 6.5 5 5", "Đ Đ Đ Đ", K),
        ("6.5 6.5 6.5 6.5 6.5 6.4 5 5", "Đ Đ Đ Đ", D),
        ("6.5 6.5 6.5 6.5 6.5 6.5 5 4.9", "Đ Đ Đ Đ", D),
        ("5 5 5 5 5 5 3.5 3.5", "Đ Đ Đ Đ", D),
        ("5 5 5 5 5 5 3.5 3.5", "Đ Đ Đ CĐ", D),
        ("5 5 5 5 5 5 3.5 3.5", "Đ Đ CĐ CĐ", CD),
        ("5 5 5 5 5 5 3.5 3.4", "Đ Đ Đ Đ", CD),
        ("5 5 5 5 5 4.9 3.5 3.5", "Đ Đ Đ Đ", CD),
        ("10 10 10 10 10 10 10 10", "Đ Đ CĐ CĐ", CD),
        ("9 9 9 9 9 9", "", T),
    ],
)
def test_study_level_boundaries(marks: str, comments: str, level: Achievement) -> None:
    result = circular_22.rate_study(subjects(marks, comments), rules=RULES)
    assert (result.level, result.raised_for) == (level, None)


@pytest.mark.parametrize(
    ("marks", "comments", "before", "level", "cause"),
    [
        ("9 9 9 9 9 9 9 4", "Đ Đ", D, K, "M7"),  # two below Tốt
        ("9 9 9 9 9 9 9 4.9", "Đ Đ", D, K, "M7"),
        ("9 9 9 9 9 9 9 5", "Đ Đ", K, K, None),  # only one below
        ("9 9 9 9 9 9 9 3.4", "Đ Đ", CD, D, "M7"),  # three below: still one step
        ("0 9 9 9 9 9 9 9", "Đ Đ", CD, D, "M0"),
        ("9 9 9 9 9 9 4 4", "Đ Đ", D, D, None),  # two subjects
        ("9 9 9 9 9 9 9 9", "Đ CĐ", D, K, "C1"),  # a comment subject may be the one
        ("9 9 9 9 9 9 9 4", "Đ CĐ", D, D, None),  # a mark and a comment: two subjects
        ("7 7 7 7 7 7 7 3", "Đ Đ", CD, D, "M7"),  # two below Khá
        ("7 7 7 7 7 7 7 4", "Đ Đ", D, D, None),  # one below Khá
        ("7 7 7 7 7 7 7 7", "Đ CĐ", D, D, None),
        ("6 6 6 6 6 6 6 3", "Đ Đ", CD, CD, None),  # would be Đạt without it, which the rule does not mention
        ("8 8 8 8 8 7 7 4", "Đ Đ", D, K, "M7"),  # the sixth subject from 8.0 would be this one
        ("8 8 8 8 7 7 7 4", "Đ Đ", D, D, None),
        ("9 9 9 9 9 4", "", CD, D, "M5"),  # six subjects with marks: five from 5.0
    ],
)
def test_adjustment_for_a_single_subject(
    marks: str, comments: str, before: Achievement, level: Achievement, cause: str | None
) -> None:
    result = circular_22.rate_study(subjects(marks, comments), rules=RULES)
    assert (result.before_adjustment, result.level, result.raised_for) == (before, level, cause)


def test_fewer_than_six_subjects_with_marks_give_no_level() -> None:
    result = circular_22.rate_study(subjects("10 10 10 10 10"), rules=RULES)
    assert (result.level, result.before_adjustment) == (None, None)
    assert result.reasons == ("Chỉ có 5 môn đánh giá bằng điểm số, quy định cần ít nhất 6 môn.",)


def test_the_result_says_why_it_is_not_higher() -> None:
    result = circular_22.rate_study(subjects("9 9 9 9 9 7 7 6.4"), rules=RULES)
    assert result.level is K
    assert result.reasons == (
        "Chưa đủ mức Tốt: Môn 7 6.4, cần từ 6.5.",
        "Chưa đủ mức Tốt: 5 môn từ 8.0 trở lên, cần ít nhất 6 môn.",
    )
    assert circular_22.rate_study(subjects("9 9 9 9 9 9"), rules=RULES).reasons == ()
    raised = circular_22.rate_study(subjects("9 9 9 9 9 9 9 4"), rules=RULES).reasons
    assert raised[0] == "Được điều chỉnh từ Đạt lên Khá vì chỉ do kết quả của duy nhất môn Môn 7."
    failed = circular_22.rate_study(subjects("6 6 6 6 6 6", "CĐ CĐ"), rules=RULES).reasons
    assert failed == ("Chưa đủ mức Đạt: NX 0, NX 1 Chưa đạt.",)


# --- promotion


def decide(
    training: Achievement,
    study: Achievement,
    sessions: int = 0,
    *,
    summer: Achievement | None = None,
    again: Achievement | None = None,
) -> YearOutcome:
    return circular_22.decide_year(
        training_year=training,
        study_year=study,
        absences=Absences(sessions, 0),
        rules=RULES,
        training_after_summer=summer,
        study_after_reassessment=again,
    ).outcome


@pytest.mark.parametrize("training", [T, K, D])
@pytest.mark.parametrize("study", [T, K, D])
def test_both_results_at_least_passed_promote(training: Achievement, study: Achievement) -> None:
    assert decide(training, study, 45) is YearOutcome.PROMOTED
    assert decide(training, study, 46) is YearOutcome.NOT_PROMOTED


@pytest.mark.parametrize(
    ("training", "study", "summer", "again", "outcome"),
    [
        (CD, T, None, None, YearOutcome.SUMMER_TRAINING),
        (CD, T, D, None, YearOutcome.PROMOTED_AFTER_SUMMER),
        (CD, T, CD, None, YearOutcome.NOT_PROMOTED),
        (D, CD, None, None, YearOutcome.REASSESSMENT),
        (D, CD, None, D, YearOutcome.PROMOTED_AFTER_SUMMER),
        (D, CD, None, CD, YearOutcome.NOT_PROMOTED),
        (CD, CD, None, None, YearOutcome.SUMMER_TRAINING),
        (CD, CD, None, D, YearOutcome.SUMMER_TRAINING),
        (CD, CD, D, None, YearOutcome.REASSESSMENT),
        (CD, CD, D, D, YearOutcome.PROMOTED_AFTER_SUMMER),
        (CD, CD, D, CD, YearOutcome.NOT_PROMOTED),
    ],
)
def test_summer_training_and_reassessment(
    training: Achievement,
    study: Achievement,
    summer: Achievement | None,
    again: Achievement | None,
    outcome: YearOutcome,
) -> None:
    assert decide(training, study, summer=summer, again=again) is outcome
    assert decide(training, study, 46, summer=summer, again=again) is YearOutcome.NOT_PROMOTED


def test_excused_and_unexcused_absences_count_together() -> None:
    decision = circular_22.decide_year(training_year=T, study_year=T, absences=Absences(40, 6), rules=RULES)
    assert decision.outcome is YearOutcome.NOT_PROMOTED
    assert decision.reasons == ("Nghỉ 46 buổi, quá 45 buổi.",)
    decision = circular_22.decide_year(training_year=T, study_year=T, absences=Absences(40, 5), rules=RULES)
    assert (decision.outcome, decision.reasons) == (YearOutcome.PROMOTED, ())


def test_subjects_below_five_or_not_passed_are_reassessed() -> None:
    known = subjects("4.9 5 0 3.5", "Đ CĐ")
    assert circular_22.list_reassessment(known, rules=RULES) == ("M0", "M2", "M3", "C1")


def test_the_new_result_replaces_the_old_one_for_the_level() -> None:
    known = subjects("6 6 6 6 6 6 3 4", "Đ CĐ")
    assert circular_22.rate_study(known, rules=RULES).level is CD
    better = circular_22.apply_reassessment(known, {"M6": Grade(mark=Decimal("5.0"))})
    assert circular_22.rate_study(better, rules=RULES).level is D
    worse = circular_22.apply_reassessment(known, {"M7": Grade(mark=Decimal("2.0"))})
    assert worse[7].grade.mark == Decimal("2.0")
    assert worse[:7] == known[:7]


@pytest.mark.parametrize(
    ("outcome", "completed"),
    [
        (YearOutcome.PROMOTED, True),
        (YearOutcome.PROMOTED_AFTER_SUMMER, True),
        (YearOutcome.NOT_PROMOTED, False),
        (YearOutcome.REASSESSMENT, None),
        (YearOutcome.SUMMER_TRAINING, None),
    ],
)
def test_completion_of_the_level(outcome: YearOutcome, completed: bool | None) -> None:
    assert circular_22.is_level_completed(outcome) is completed


@pytest.mark.parametrize("last_grade", [True, False])
def test_completion_is_stated_in_the_last_class_only(last_grade: bool) -> None:
    transcript = samples.build_transcript()
    given = SecondaryInput(T, T, None, Absences(0, 0), last_grade=last_grade)
    summary = summarize_year(transcript.subjects, given, rules=RULES)
    assert summary.outcome is YearOutcome.PROMOTED
    assert summary.level_completed is (True if last_grade else None)


# --- awards


@pytest.mark.parametrize(
    ("training", "study", "marks", "award"),
    [
        (T, T, "9 9 9 9 9 9 8 8", AwardKind.EXCELLENT_PUPIL),
        (T, T, "9 9 9 9 9 8.9 8 8", AwardKind.GOOD_PUPIL),
        (T, K, "9 9 9 9 9 9 9 6", None),
        (K, T, "9 9 9 9 9 9 9 9", None),
    ],
)
def test_awards(training: Achievement, study: Achievement, marks: str, award: AwardKind | None) -> None:
    found = circular_22.find_award(training_year=training, study_year=study, subjects=subjects(marks), rules=RULES)
    assert found is award


# --- dates and samples


def test_rules_are_chosen_by_level_grade_and_day() -> None:
    assert choose_rules(SchoolLevel.UPPER_SECONDARY, 12, on=date(2025, 9, 5)) == ("TT22/2021", RULES)
    with pytest.raises(InputError):
        choose_rules(SchoolLevel.LOWER_SECONDARY, 9, on=date(2023, 9, 5))
    with pytest.raises(InputError):
        circular_22.load_circular_22(date(2020, 9, 5))


@pytest.mark.parametrize("level", [SchoolLevel.LOWER_SECONDARY, SchoolLevel.UPPER_SECONDARY])
def test_the_sample_documents_follow_from_their_own_marks(level: SchoolLevel) -> None:
    transcript = samples.build_transcript(level)
    summary = transcript.summary
    assert isinstance(summary, SecondarySummary)
    assert rate_term_1(transcript.subjects, rules=RULES).level is summary.study_term_1
    assert rate_term_2(transcript.subjects, rules=RULES).level is summary.study_term_2
    assert rate_year(transcript.subjects, rules=RULES).level is summary.study_year
    for subject in transcript.subjects:
        assert subject.term_1 is not None
        assert subject.term_2 is not None
        assert subject.year is not None
        if subject.term_1.grade.mark is not None and subject.term_2.grade.mark is not None:
            assert average_year(subject.term_1.grade.mark, subject.term_2.grade.mark) == subject.year.mark
    title = find_secondary_award(transcript.subjects, summary, rules=RULES)
    assert [award.kind for award in transcript.awards] == [title]
