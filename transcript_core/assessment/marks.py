"""Results of one subject in one term and one year.

Implements TT 22/2021/TT-BGDĐT Đ.6 (study topics), Đ.9(1) (averages and comment subjects).  All arithmetic is decimal
with a context of its own, so the result depends on no setting of the process; ties are rounded half up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import SubjectLevel

LOWEST_MARK: Final = Decimal(0)
HIGHEST_MARK: Final = Decimal(10)
_TENTH: Final = Decimal("0.1")
_CONTEXT: Final = Context(prec=28, rounding=ROUND_HALF_UP)


def round_mark(value: Decimal) -> Decimal:
    """Return a mark with one decimal place, ties up: 7.25 becomes 7.3.

    Raises:
        InputError: not a number between 0 and 10.
    Spec: TT 22/2021 Đ.6; the rule for ties is what the sector's software does.
    """
    _check(value)
    return value.quantize(_TENTH, context=_CONTEXT)


def average_term(
    regular: Sequence[Decimal], *, midterm: Decimal, final: Decimal, study_topics: Sequence[Decimal] = ()
) -> Decimal:
    """Return ĐTBmhk = (sum of regular marks + 2 * midterm + 3 * final) / (number of regular marks + 5), rounded.

    Args:
        regular: ĐĐGtx, at least one, each 0..10.
        midterm: ĐĐGgk.
        final: ĐĐGck.
        study_topics: upper secondary; the mark of a study-topic cluster counts as one regular mark.

    Raises:
        InputError: no regular mark, or a mark outside 0..10.
    Spec: TT 22/2021 Đ.9(1)b, Đ.6.
    """
    if not regular:
        raise InputError("a term average needs at least one regular mark")
    counted = (*regular, *study_topics)
    for mark in (*counted, midterm, final):
        _check(mark)
    total = _add(*counted, midterm, midterm, final, final, final)
    return round_mark(_CONTEXT.divide(total, Decimal(len(counted) + 5)))


def average_year(term_1: Decimal, term_2: Decimal) -> Decimal:
    """Return ĐTBmcn = (term 1 + 2 * term 2) / 3 from the rounded term averages, rounded.

    Raises:
        InputError: an average is outside 0..10.
    Spec: TT 22/2021 Đ.9(1)b.
    """
    for average in (term_1, term_2):
        _check(average)
    return round_mark(_CONTEXT.divide(_add(term_1, term_2, term_2), Decimal(3)))


def rate_comment_term(assessments: Iterable[SubjectLevel], *, required: int) -> SubjectLevel:
    """Return the term result of a comment subject: Đạt when all required assessments were made and all are Đạt.

    Args:
        assessments: one level for each assessment made.
        required: how many the term asks for, regular ones, midterm and final together.

    Spec: TT 22/2021 Đ.9(1)a.
    """
    made = tuple(assessments)
    passed = len(made) >= required and all(level is SubjectLevel.PASSED for level in made)
    return SubjectLevel.PASSED if passed else SubjectLevel.NOT_PASSED


def _check(mark: Decimal) -> None:
    if not mark.is_finite() or not LOWEST_MARK <= mark <= HIGHEST_MARK:
        raise InputError("a mark is not a number between 0 and 10")


def _add(*marks: Decimal) -> Decimal:
    total = Decimal(0)
    for mark in marks:
        total = _CONTEXT.add(total, mark)
    return total
