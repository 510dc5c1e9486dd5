"""Every vector gives the expected outcome by exactly the expected checks.  Adding one: `tests/vectors/README.md`."""

from __future__ import annotations

import json
import logging
from functools import cache

import jsonschema
import pytest

from schemas.loader import load_json_schema
from tests.vectors.cases import Case, Question
from tests.vectors.catalogue import ask, list_cases
from verify import checks
from verify.advice import list_advice
from verify.report import FindingOutcome, Outcome
from verify.text import render

CASES = list_cases()
NOT_GOOD = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_vector(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        report = ask(case)
    failing = frozenset(finding.check for finding in report.findings if finding.outcome in NOT_GOOD)
    assert (report.outcome, failing) == (case.outcome, case.failing)
    assert not caplog.records, "the last-resort guard was hit"
    _validator().validate(json.loads(report.to_json()))
    if case.asked.question is Question.TRANSCRIPT:
        assert [finding.check for finding in report.findings] == [check.NAME for check in checks.ALL]
        assert (report.transcript is not None or report.recall is not None) == (case.outcome is Outcome.PASSED)


@cache
def _validator() -> jsonschema.protocols.Validator:
    schema = json.loads(load_json_schema("report-1.0.json"))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.mark.parametrize("case", CASES[::5], ids=str)
def test_reports_of_vectors_have_words(case: Case) -> None:
    report = ask(case)
    for language in ("vi", "en"):
        assert list_advice(report, language)
        assert all(line.strip() for line in render(report, language).splitlines() if line)


def test_far_more_vectors_are_broken_than_sound() -> None:
    passed = [case for case in CASES if case.outcome is Outcome.PASSED]
    assert len(CASES) >= 5 * len(passed)
    assert len(passed) >= 10
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_vector_says_which_clause_it_breaks() -> None:
    assert all(case.clause.strip() for case in CASES)
    assert all(case.failing or case.outcome is Outcome.PASSED for case in CASES)
