"""What is improper beside what was signed fails a transcript, and leaves a file of others open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vectors.school import school, signed
from verify.checks import certificate_reference, signature_form
from verify.formats.problems import Gravity, SignatureProblem
from verify.report import FindingOutcome
from verify.signature import ExaminedSignature

IMPROPER = [problem for problem in SignatureProblem if problem.text.gravity is Gravity.IMPROPER]


@pytest.fixture(scope="module")
def of_a_transcript() -> ExaminedSignature:
    signatures = school().verifier().verify_in_detail(signed()).signatures
    return next(one for one in signatures if one.facts.slot is not None)


def with_problem(signature: ExaminedSignature, problem: SignatureProblem) -> ExaminedSignature:
    return replace(signature, facts=replace(signature.facts, troubles=(problem.text,), certificate_is_bound=False))


def without_slot(signature: ExaminedSignature) -> ExaminedSignature:
    return replace(signature, facts=replace(signature.facts, slot=None))


@pytest.mark.parametrize("problem", IMPROPER, ids=lambda one: one.name)
def test_improper_form_fails_in_a_transcript_alone(
    problem: SignatureProblem, of_a_transcript: ExaminedSignature
) -> None:
    improper = with_problem(of_a_transcript, problem)
    assert signature_form.judge(improper).outcome is FindingOutcome.FAILED
    assert signature_form.judge(without_slot(improper)).outcome is FindingOutcome.INDETERMINATE


def test_exchanged_certificate_fails_in_a_transcript_alone(of_a_transcript: ExaminedSignature) -> None:
    exchanged = with_problem(of_a_transcript, SignatureProblem.OTHER_CERTIFICATE)
    assert certificate_reference.judge(exchanged).outcome is FindingOutcome.FAILED
    assert certificate_reference.judge(without_slot(exchanged)).outcome is FindingOutcome.INDETERMINATE
