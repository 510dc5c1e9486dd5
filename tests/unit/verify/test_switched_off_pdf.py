"""No problem of a PDF is there for nothing: a verifier that does not know it accepts some vector that must not be.

The reader is made to forget each of its problems in turn, and the vectors that have it are verified again from end to
end.  What can never be the only reason is explained in `tests.vectors.never_alone`; even then a vector must notice.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.support.switched import Told, list_told, tell, without_code
from tests.vectors import never_alone
from tests.vectors.catalogue import ask
from verify.formats.pdf_problems import CODES
from verify.report import Outcome, Report

pytestmark = pytest.mark.xdist_group("switched-off-pdf")  # all vectors are read once, by one worker


@cache
def list_again(code: str) -> tuple[tuple[Told, Report], ...]:
    """Return the vectors with this problem, with what is said of them by a verifier that does not know it."""
    with without_code(code):
        return tuple((told, ask(told.case)) for told in list_told() if code in told.codes)


@pytest.mark.parametrize("code", sorted(CODES))
def test_problem_of_a_pdf_is_missed_by_a_vector(code: str) -> None:
    again = list_again(code)
    assert again, f"no vector has the problem {code}"
    assert any(tell(report) != tell(told.report) for told, report in again), f"no vector misses {code}"
    accepted = [told.case.name for told, report in again if report.outcome is Outcome.PASSED]
    if code in never_alone.PDF_PROBLEMS:
        assert not accepted, f"{accepted} show {code} alone: remove its explanation"
        assert never_alone.PDF_PROBLEMS[code].endswith(".")
    else:
        assert accepted, f"no vector shows {code} alone"


def test_explanations_are_about_problems_that_exist() -> None:
    assert never_alone.PDF_PROBLEMS.keys() <= CODES
