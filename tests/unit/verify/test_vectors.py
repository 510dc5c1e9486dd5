"""Every vector gives the expected outcome by exactly the expected checks.  Adding one: `tests/vectors/README.md`."""

from __future__ import annotations

import json
import logging

import jsonschema
import pytest

from schemas.loader import load_json_schema
from tests.vectors import broken_xml, longterm, people, slots, sound, versions, wrapping
from tests.vectors.cases import CASES, Case
from tests.vectors.school import school
from verify import checks
from verify.advice import list_advice
from verify.report import FindingOutcome, Outcome, Report
from verify.text import render

FAMILIES = (sound, broken_xml, wrapping, slots, people, versions, longterm)
NOT_GOOD = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE)


def verify(case: Case) -> Report:
    return school().verifier(status=case.status).verify(case.build(), at=case.at)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_vector(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        report = verify(case)
    failing = frozenset(finding.check for finding in report.findings if finding.outcome in NOT_GOOD)
    assert (report.outcome, failing) == (case.outcome, case.failing)
    assert not caplog.records, "the last-resort guard was hit"
    assert [finding.check for finding in report.findings] == [check.NAME for check in checks.ALL]
    assert (report.transcript is not None or report.recall is not None) == (case.outcome is Outcome.PASSED)


@pytest.mark.parametrize("case", CASES[::5], ids=str)
def test_reports_of_vectors_fit_their_schema_and_have_words(case: Case) -> None:
    report = verify(case)
    jsonschema.validate(json.loads(report.to_json()), json.loads(load_json_schema("report-1.0.json")))
    for language in ("vi", "en"):
        assert list_advice(report, language)
        assert all(line.strip() for line in render(report, language).splitlines() if line)


def test_far_more_vectors_are_broken_than_sound() -> None:
    passed = [case for case in CASES if case.outcome is Outcome.PASSED]
    assert len(CASES) - len(passed) >= 40
    assert len(passed) >= 3
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_check_of_xml_has_a_vector_that_it_refuses() -> None:
    shown = {name for case in CASES for name in case.failing}
    of_other_files = {"pdf.revisions", "pdf.content", "pdf.picture", "json.content", "log"}
    assert {check.NAME for check in checks.ALL} == shown | of_other_files
