"""Verification with one of its checks taken away: what a PDF's reader knows to be wrong, a step of path building."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

import pytest

from tests.vectors.cases import Case
from tests.vectors.catalogue import ask, list_cases
from verify import documents
from verify.formats.pades import Problem, SignedPdf, read_signed_pdf
from verify.formats.pdf_types import PdfSignature
from verify.formats.work import Work
from verify.report import FindingOutcome, Outcome, Report

_NOT_GOOD = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE)


@dataclass(frozen=True)
class Told:
    """A vector that is refused, and the codes of all that its PDFs' reader said."""

    case: Case
    report: Report
    codes: frozenset[str]


@cache
def list_told() -> tuple[Told, ...]:
    """Return every vector of a PDF family that is not accepted and of which something is told."""
    refused = [case for case in list_cases() if case.outcome is not Outcome.PASSED and _is_about_pdf(case)]
    return tuple(told for told in map(_listen, refused) if told.codes)


def _is_about_pdf(case: Case) -> bool:
    return case.family.startswith("pdf_") or case.family in {"pictured", "shown"}


def _listen(case: Case) -> Told:
    codes: set[str] = set()

    def listen(data: bytes, work: Work | None = None) -> SignedPdf:
        read = read_signed_pdf(data, work)
        codes.update(problem.code for problem in _list_all(read))
        return read

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "read_signed_pdf", listen)
        report = ask(case)
    return Told(case, report, frozenset(codes))


def _list_all(read: SignedPdf) -> Iterator[Problem]:
    yield from (*read.problems, *read.unsupported)
    for one in read.signatures:
        yield from (*one.problems, *one.unsupported)


@contextmanager
def without_code(code: str) -> Iterator[None]:
    """Let no reader of a PDF know this problem while the block runs."""

    def overlook(data: bytes, work: Work | None = None) -> SignedPdf:
        return _overlook(read_signed_pdf(data, work), code)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "read_signed_pdf", overlook)
        yield


def _overlook(read: SignedPdf, code: str) -> SignedPdf:
    unsupported = _leave(read.unsupported, code)
    is_foreign = read.first_revision_sha256 is None
    whole = bool(read.signatures) and not unsupported if is_foreign else read.covered_to_end
    return replace(
        read,
        signatures=tuple(_overlook_in(one, code) for one in read.signatures),
        problems=_leave(read.problems, code),
        unsupported=unsupported,
        covered_to_end=whole,
    )


def _overlook_in(one: PdfSignature, code: str) -> PdfSignature:
    return replace(one, problems=_leave(one.problems, code), unsupported=_leave(one.unsupported, code))


def _leave(problems: Iterable[Problem], code: str) -> tuple[Problem, ...]:
    return tuple(one for one in problems if one.code != code)


def tell(report: Report) -> tuple[Outcome, frozenset[str]]:
    """Return what a report says, so that two can be compared: the outcome, and every sentence against the file."""
    return report.outcome, frozenset(one.text_en for one in report.findings if one.outcome in _NOT_GOOD)
