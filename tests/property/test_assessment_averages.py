"""Averages agree with exact fractions and move the way marks move."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from transcript_core.assessment.marks import average_term, average_year

MARKS = st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10)
REGULAR = st.lists(MARKS, min_size=1, max_size=6)


def round_exactly(value: Fraction) -> Fraction:
    return Fraction(floor(value * 10 + Fraction(1, 2)), 10)


@given(regular=REGULAR, midterm=MARKS, final=MARKS)
def test_term_average_is_the_exact_one_rounded_half_up(
    regular: list[Decimal], midterm: Decimal, final: Decimal
) -> None:
    exact = (sum(map(Fraction, regular)) + 2 * Fraction(midterm) + 3 * Fraction(final)) / (len(regular) + 5)
    average = average_term(regular, midterm=midterm, final=final)
    assert Fraction(average) == round_exactly(exact)
    assert average.as_tuple().exponent == -1


@given(term_1=MARKS, term_2=MARKS)
def test_year_average_is_the_exact_one_rounded_half_up(term_1: Decimal, term_2: Decimal) -> None:
    exact = (Fraction(term_1) + 2 * Fraction(term_2)) / 3
    assert Fraction(average_year(term_1, term_2)) == round_exactly(exact)


@given(regular=REGULAR, midterm=MARKS, final=MARKS, better=MARKS, data=st.data())
def test_raising_a_mark_never_lowers_the_average(
    regular: list[Decimal], midterm: Decimal, final: Decimal, better: Decimal, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(regular) + 1))
    marks = [*regular, midterm, final]
    raised = [max(mark, better) if number == place else mark for number, mark in enumerate(marks)]
    before = average_term(marks[:-2], midterm=marks[-2], final=marks[-1])
    after = average_term(raised[:-2], midterm=raised[-2], final=raised[-1])
    assert after >= before


@given(regular=REGULAR, midterm=MARKS, final=MARKS, data=st.data())
def test_the_order_of_regular_marks_does_not_matter(
    regular: list[Decimal], midterm: Decimal, final: Decimal, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(regular))
    assert average_term(regular, midterm=midterm, final=final) == average_term(shuffled, midterm=midterm, final=final)
