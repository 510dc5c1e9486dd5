"""No check is there for nothing: with any one of them switched off, some vector is accepted that must not be.

Every vector is examined once; each check, and each problem of form that the XML reader knows, is then taken away from
what was found out, one by one, and the judgement made again.  What can never be the only reason is explained in
`tests.vectors.never_alone`; even then a vector must notice that it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from tests.vectors import never_alone
from tests.vectors.cases import Case
from tests.vectors.catalogue import ask, get_case, list_cases
from verify import checks
from verify.checks import document_type
from verify.examination import Context, Examination
from verify.formats.problems import ProblemText, SignatureProblem
from verify.report import Finding, FindingOutcome, Outcome, Report
from verify.signature import ExaminedSignature

pytestmark = pytest.mark.xdist_group("switched-off")  # all vectors are examined once, by one worker
NOT_GOOD = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE)


@dataclass(frozen=True)
class Judged:
    """A vector with all that was found out about it."""

    case: Case
    report: Report
    examination: Examination
    context: Context

    def without_check(self, name: str) -> Report:
        """Return the report if this check said nothing but "passed"."""
        return replace(self.report, findings=tuple(_forgive(one, name) for one in self.report.findings))

    def without_problem(self, problem: SignatureProblem) -> Report:
        """Return the report if no reader knew this problem."""
        signatures = tuple(_overlook(one, problem) for one in self.examination.signatures)
        seen = replace(self.examination, signatures=signatures)
        by_name = {check.NAME: check for check in checks.ALL}
        again = tuple(by_name[one.check].check(seen, self.context) for one in self.report.findings)
        return replace(self.report, findings=again)


def _forgive(finding: Finding, name: str) -> Finding:
    if finding.check != name or finding.outcome not in NOT_GOOD:
        return finding
    return replace(finding, outcome=FindingOutcome.PASSED, sub_indication=None)


def _overlook(signature: ExaminedSignature, problem: SignatureProblem) -> ExaminedSignature:
    facts = signature.facts
    xades = facts.xades
    if xades is None or problem not in xades.problems:
        return signature
    left = tuple(one for one in xades.problems if one is not problem)
    troubles: tuple[ProblemText, ...] = tuple(one for one in facts.troubles if one != problem.text)
    return replace(signature, facts=replace(facts, troubles=troubles, xades=replace(xades, problems=left)))


@cache
def judge_all() -> tuple[Judged, ...]:
    """Return every vector that has XML signatures, or should have, judged once; a PDF's problems are of other kinds."""
    refused = [case for case in list_cases() if case.outcome is not Outcome.PASSED]
    return tuple(_judge(case) for case in refused if not case.family.startswith("pdf_"))


@cache
def _judge(case: Case) -> Judged:
    seen: list[tuple[Examination, Context]] = []
    genuine = document_type.check

    def spy(examination: Examination, context: Context) -> Finding:
        seen.append((examination, context))
        return genuine(examination, context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_type, "check", spy)
        report = ask(case)
    ((examination, context),) = seen
    return Judged(case, report, examination, context)


def find_alone(name: str) -> Judged | None:
    """Return a vector that is accepted without this check: none but those which it refuses by itself can be."""
    refused = (case for case in list_cases() if case.failing == {name})
    judged = (_judge(case) for case in refused)
    return next((one for one in judged if one.without_check(name).outcome is Outcome.PASSED), None)


def list_changed(problem: SignatureProblem) -> Iterator[tuple[Judged, Report]]:
    """Yield the vectors that are judged differently without this problem, with their new report."""
    for one in judge_all():
        if any(problem.text in signature.facts.troubles for signature in one.examination.signatures):
            again = one.without_problem(problem)
            if _answer(again) != _answer(one.report):
                yield one, again


def _answer(report: Report) -> tuple[Outcome, frozenset[str], frozenset[str]]:
    told = frozenset(one.text_en for one in report.findings if one.outcome in NOT_GOOD)
    return report.outcome, _list_failing(report), told


def _list_failing(report: Report) -> frozenset[str]:
    return frozenset(one.check for one in report.findings if one.outcome in NOT_GOOD)


@pytest.mark.parametrize("name", [check.NAME for check in checks.ALL])
def test_vector_is_accepted_without_the_check_or_it_is_explained_why_none_is(name: str) -> None:
    alone = find_alone(name)
    if name in never_alone.CHECKS:
        assert alone is None, f"{alone.case} shows {name} alone: remove its explanation"
    else:
        assert alone is not None, f"no vector shows {name} alone"


@pytest.mark.parametrize("name", [check.NAME for check in checks.ALL if check.NAME not in never_alone.CHECKS])
def test_verification_without_the_check_accepts_that_vector(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same once more from end to end, with the check itself replaced."""
    alone = find_alone(name)
    assert alone is not None
    module = next(check for check in checks.ALL if name == check.NAME)
    said = alone.report.get_finding(name)
    monkeypatch.setattr(module, "check", lambda *_: replace(said, outcome=FindingOutcome.PASSED))
    assert ask(get_case(alone.case.name)).outcome is Outcome.PASSED


@pytest.mark.parametrize("name", never_alone.CHECKS)
def test_check_that_is_never_alone_is_missed_all_the_same(name: str) -> None:
    """A vector names exactly the checks that refuse it, so it fails without any of them; and each has its reason."""
    assert never_alone.CHECKS[name].endswith(".")
    told = [case for case in list_cases() if name in case.failing]
    silent = name in never_alone.SILENT
    assert bool(told) is not silent


@pytest.mark.parametrize("problem", SignatureProblem, ids=lambda one: one.name)
def test_problem_of_form_is_missed_by_a_vector(problem: SignatureProblem) -> None:
    changed = list(list_changed(problem))
    alone = [one.case.name for one, again in changed if again.outcome is Outcome.PASSED]
    assert changed, f"no vector has the problem {problem.name}"
    if problem.name in never_alone.PROBLEMS:
        assert not alone, f"{alone} show {problem.name} alone: remove its explanation"
        assert never_alone.PROBLEMS[problem.name].endswith(".")
    else:
        assert alone, f"no vector shows {problem.name} alone"
