"""A certificate that leads to no anchor earns no name, no dates, no purpose and no office.  TT 15/2025, Annex II."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.signers import make_signer
from tests.vectors.pictures import signed_pdf
from tests.vectors.school import CHECKED_AT, school, signed
from verify.account import judge_criterion, list_notes
from verify.checks import authority, certificate_period, certificate_usage, signer_identity, signers
from verify.documents import read_xml
from verify.examination import Context
from verify.facts import list_xml_facts
from verify.policy import TRANSCRIPT_POLICY
from verify.proofs import examine
from verify.report import Criterion, FindingOutcome, Outcome, Report, SubIndication
from verify.signature import ExaminedSignature
from verify.verifier import Verifier

OF_THE_CERTIFICATE = (
    Criterion.CERTIFICATE_IN_DATE,
    Criterion.NOT_REVOKED,
    Criterion.PURPOSE,
    Criterion.SIGNER_IDENTIFIED,
    Criterion.CERTIFICATE_VALID,
)
OF_THE_MATHEMATICS = (Criterion.ALGORITHMS, Criterion.MATCHING_KEY, Criterion.HASHES_EQUAL)


@pytest.fixture(scope="module", params=["xml", "pdf"])
def without_anchors(request: pytest.FixtureRequest) -> Report:
    content = signed() if request.param == "xml" else signed_pdf()
    return Verifier(authority=school().authority()).verify(content, at=CHECKED_AT)


def test_intact_file_without_anchors_is_indeterminate_for_want_of_a_chain(without_anchors: Report) -> None:
    assert without_anchors.outcome is Outcome.INDETERMINATE
    assert without_anchors.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert not any(finding.outcome is FindingOutcome.FAILED for finding in without_anchors.findings)
    for signature in without_anchors.signatures:
        assert signature.intact
        assert signature.outcome is Outcome.INDETERMINATE
        assert signature.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        assert signature.authority is FindingOutcome.INDETERMINATE


def test_criteria_about_the_certificate_are_not_earned_without_anchors(without_anchors: Report) -> None:
    assert {judge_criterion(without_anchors, one) for one in OF_THE_CERTIFICATE} == {FindingOutcome.INDETERMINATE}
    assert {judge_criterion(without_anchors, one) for one in OF_THE_MATHEMATICS} == {FindingOutcome.PASSED}


def test_one_sentence_says_so_for_all_checks(without_anchors: Report) -> None:
    notes = [line.text for line in list_notes(without_anchors, "vi")]
    assert len(notes) == len(set(notes))
    said = sum("không dẫn đến tổ chức chứng thực" in note for note in notes)
    assert said in {1, 2}  # a PDF alone does not name the principal: `slots.signers` then speaks of the others only
    assert not any(".." in note or "+" in note for note in notes)


def _examine() -> ExaminedSignature:
    context = Context(school().trust, school().authority(), None, TRANSCRIPT_POLICY, CHECKED_AT)
    return examine(list_xml_facts(read_xml(signed())), (), context).signatures[0]


@pytest.mark.parametrize("check", [signer_identity, certificate_period, certificate_usage, signers, authority])
def test_checks_pass_by_the_anchor_alone(check: object) -> None:
    good = _examine()
    judge = check.judge  # type: ignore[attr-defined]
    assert judge(good).outcome is FindingOutcome.PASSED
    for path in (None, replace(good.path, anchor=None)):  # type: ignore[type-var]
        doubted = judge(replace(good, path=path))
        assert doubted.outcome is FindingOutcome.INDETERMINATE
        assert doubted.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_anchored_certificate_without_an_identity_number_identifies_nobody() -> None:
    good = _examine()
    nameless = make_signer("p-256", name="Hoàng Hữu An", identity=None).certificate
    verdict = signer_identity.judge(replace(good, facts=replace(good.facts, certificate=nameless)))
    assert verdict.outcome is FindingOutcome.INDETERMINATE
    assert verdict.sub_indication is SubIndication.SIG_CONSTRAINTS_FAILURE


def test_missing_certificate_earns_no_criterion_either() -> None:
    good = _examine()
    bare = replace(good, facts=replace(good.facts, certificate=None), path=None)
    for check in (signer_identity, certificate_period, certificate_usage):
        assert check.judge(bare).sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
