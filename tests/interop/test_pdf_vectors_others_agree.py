"""Over all vectors that are PDFs: what pyHanko and pdfsig say of each signature, and of what follows, is what we say.

A signature is known by the octets that it covers.  The mathematics is held against `intact`, pyHanko's analysis of
later revisions against our finding `pdf.revisions`, and "the whole file is covered" against the file's length.  Where
they do not agree, `docs/divergences.md` names vector, software and reason; an entry no longer true fails here too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.support.divergences import Answer, Difference, explained, read_explained
from tests.support.other_pdf import PDFSIG, Covered, Judged, ask_pdfsig, ask_pyhanko
from tests.vectors.cases import Case
from tests.vectors.catalogue import build, list_cases
from verify.formats.pades import SignedPdf, read_signed_pdf

pytestmark = pytest.mark.xdist_group("others-judge-pdf")  # one process: what is asked once is not asked again
needs_pdfsig = pytest.mark.skipif(PDFSIG is None, reason="pdfsig is not installed (apt-get install poppler-utils)")

CASES: Final = [case for case in list_cases() if case.family.startswith("pdf_") or case.family == "pictured"]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pyHanko tells the log about every oddity."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("pyhanko").setLevel(logging.NOTSET)


@cache
def read_ours(case: Case) -> SignedPdf:
    return read_signed_pdf(build(case))


@cache
def list_ours(case: Case) -> frozenset[Covered]:
    """Return the signatures that we find intact."""
    return frozenset((*one.gap, one.covered_end) for one in read_ours(case).signatures if one.intact)


@cache
def list_well_formed(case: Case) -> frozenset[Covered]:
    """Return those of whose range we say nothing bad; what else is wrong inside of one is no matter here."""
    return frozenset(
        (*one.gap, one.covered_end)
        for one in read_ours(case).signatures
        if one.intact and not any(problem.code == "byte-range" for problem in one.problems)
    )


def differ(case: Case, software: str, theirs: Judged | None) -> set[Difference]:
    """Return how the other one differs about the signatures."""
    ours = list_ours(case)
    if theirs is None:
        return {(case.name, software, Answer.UNREAD)} if ours else set()
    answers = {
        Answer.ACCEPTS: theirs.accepted - ours,
        Answer.REFUSES: (ours - theirs.accepted) & theirs.seen,
        Answer.OVERLOOKS: ours - theirs.seen,
    }
    return {(case.name, software, answer) for answer, which in answers.items() if which}


def differ_about_the_end(case: Case, theirs: Judged) -> bool:
    """Return whether a signature that both find intact covers the whole file by one answer alone."""
    both = list_ours(case) & theirs.accepted
    return both & theirs.to_the_end != {one for one in both & list_well_formed(case) if one[2] == len(build(case))}


def differ_about_changes(case: Case, theirs: Judged) -> set[Difference]:
    """Return how pyHanko's analysis of revisions differs from the finding that `test_vectors.py` holds us to.

    It is asked behind the last signature, if both find that one intact: whether the range is a whole revision, and
    whether only fields were filled in and evidence stored since.
    """
    if theirs.last not in list_ours(case) & theirs.accepted:
        return set()
    allowed = "pdf.revisions" not in case.failing and theirs.last in list_well_formed(case)
    if bool(theirs.allowed) == allowed:  # one that does not say is not content
        return set()
    return {(case.name, "pyHanko", Answer.ALLOWS if theirs.allowed else Answer.FORBIDS)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_pyhanko_agrees_or_the_difference_is_explained(case: Case) -> None:
    theirs = ask_pyhanko(build(case))
    differences = differ(case, "pyHanko", theirs)
    if theirs is not None:
        differences |= differ_about_changes(case, theirs)
        assert not differ_about_the_end(case, theirs)
    assert differences == explained(case.name, "pyHanko")


@needs_pdfsig
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pdfsig_agrees_or_the_difference_is_explained(case: Case, tmp_path: Path) -> None:
    theirs = ask_pdfsig(build(case), tmp_path)
    assert theirs is None or not differ_about_the_end(case, theirs)
    assert differ(case, "pdfsig", theirs) == explained(case.name, "pdfsig")


def test_every_explained_vector_exists() -> None:
    named = {name for name, software, _ in read_explained() if software in {"pyHanko", "pdfsig"}}
    assert named <= {case.name for case in CASES}


def test_many_signatures_are_compared() -> None:
    assert sum(len(list_ours(case)) for case in CASES) >= 1000
