"""Marks far from their class are told, and nothing else is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.signing.review_marks import MIN_CLASS, SubjectMark, find_odd_marks, read_marks, score_marks
from tests.support.samples import build_issue, build_transcript
from transcript_core.model import SchoolLevel
from transcript_core.xml import build_document

USUAL = ["7.0", "7.2", "7.5", "7.8", "8.0", "8.1", "8.3", "8.5", "7.4", "7.9"]


def pupils(marks: list[str]) -> dict[str, list[SubjectMark]]:
    return {f"p{number}": [SubjectMark("TOAN", "Toán", Decimal(mark))] for number, mark in enumerate(marks)}


def odd(marks: list[str]) -> list[tuple[str, Decimal]]:
    return [(one.pupil_code, one.mark) for one in find_odd_marks("7A1", pupils(marks))]


def test_a_mark_far_below_and_one_far_above_are_told_the_farther_first() -> None:
    assert odd([*USUAL, "2.1"]) == [("p10", Decimal("2.1"))]
    assert odd([*["4.0", "4.2", "4.4", "4.1", "3.9"] * 2, "9.9", "1.0"]) == [
        ("p10", Decimal("9.9")),
        ("p11", Decimal("1.0")),
    ]


def test_a_class_that_varies_has_no_odd_mark() -> None:
    assert odd(USUAL) == []
    assert odd(["1.0", "2.5", "4.0", "5.5", "7.0", "8.5", "10", "3.0", "6.0"]) == []


def test_half_a_mark_among_equals_is_nothing() -> None:
    assert odd(["8.0"] * 12 + ["7.5"]) == []
    assert odd(["8.0"] * 12 + ["6.0"]) == [("p12", Decimal("6.0"))]


def test_too_few_results_say_nothing() -> None:
    assert odd(["8.0"] * (MIN_CLASS - 2) + ["1.0"]) == []
    assert odd(["8.0"] * (MIN_CLASS - 1) + ["1.0"]) == [(f"p{MIN_CLASS - 1}", Decimal("1.0"))]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (["1", "2", "3", "4", "100"], [-1.349, -0.6745, 0.0, 0.6745, 65.4265]),  # MAD 1
        (["5", "5", "5", "5", "9"], [0.0, 0.0, 0.0, 0.0, 4 / (1.2533 * 0.8)]),  # MAD 0, mean deviation 0.8
        (["5", "5", "5"], [0.0, 0.0, 0.0]),
    ],
)
def test_the_score_is_the_published_one(marks: list[str], expected: list[float]) -> None:
    assert score_marks([Decimal(mark) for mark in marks]) == pytest.approx(expected)


def test_marks_are_those_of_the_document() -> None:
    transcript = build_transcript(SchoolLevel.LOWER_SECONDARY)
    expected = [
        (one.subject_code, one.subject_name, one.year.mark)
        for one in transcript.subjects
        if one.year is not None and one.year.mark is not None
    ]
    assert expected
    found = read_marks(build_document(transcript, build_issue(transcript)))
    assert [(one.subject_code, one.subject_name, one.mark) for one in found] == expected


def test_primary_documents_without_yearly_marks_are_no_trouble() -> None:
    transcript = build_transcript(SchoolLevel.PRIMARY)
    assert read_marks(build_document(transcript, build_issue(transcript))) == []
