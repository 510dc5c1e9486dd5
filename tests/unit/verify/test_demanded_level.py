"""A timestamp that a policy demands is missed by the verifier; one that it only aims at is told as not proven yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.samples import build_issue, build_transcript
from tests.vectors.people import timestamp_missing
from tests.vectors.school import CHECKED_AT, describe, school, signed
from transcript_core.policy import SignatureLevel, Slot
from verify.checks import timestamps
from verify.documents import read_xml
from verify.examination import Context
from verify.facts import list_xml_facts
from verify.policy import TRANSCRIPT_POLICY
from verify.proofs import examine as examine_all
from verify.report import FindingOutcome
from verify.signature import ExaminedSignature


def examine(document: bytes, demanded: SignatureLevel) -> ExaminedSignature:
    """Return the seal's signature under a policy that demands this level of the seal."""
    facts = list_xml_facts(read_xml(document))
    context = Context(school().trust, school().authority(), None, TRANSCRIPT_POLICY, CHECKED_AT, None)
    seal = examine_all(facts, (), context).signatures[-1]
    slot = seal.facts.slot
    assert slot is not None
    strict: Slot = replace(slot, rule=replace(slot.rule, demanded_level=demanded))
    return replace(seal, facts=replace(seal.facts, slot=strict))


@pytest.mark.parametrize("demanded", [SignatureLevel.B_B, SignatureLevel.B_T])
def test_with_its_timestamp_it_passes_either_way(demanded: SignatureLevel) -> None:
    assert timestamps.judge(examine(signed(), demanded)).outcome is FindingOutcome.PASSED


def test_without_it_a_demand_leaves_it_open_and_an_aim_does_not() -> None:
    missing = timestamp_missing()
    assert timestamps.judge(examine(missing, SignatureLevel.B_T)).outcome is FindingOutcome.INDETERMINATE
    assert timestamps.judge(examine(missing, SignatureLevel.B_B)).outcome is FindingOutcome.PASSED


def test_the_finding_says_that_the_time_is_not_proven_yet() -> None:
    finding = school().verifier().verify(timestamp_missing(), at=CHECKED_AT).get_finding("time.timestamps")
    assert finding.outcome is FindingOutcome.PASSED
    assert "not checked, not required" in finding.text_en
    assert "chưa kiểm tra, không bắt buộc" in finding.text_vi
    whole = school().verifier().verify(signed(), at=CHECKED_AT).get_finding("time.timestamps")
    assert "not proven" not in whole.text_en


def test_the_policies_demand_nothing_that_an_authority_could_withhold() -> None:
    """Decided: an authority that is down stops nobody; an installation that wants more writes its own policy."""
    transcript = build_transcript()
    _, slots, _ = describe(transcript, build_issue(transcript))
    assert {slot.rule.demanded_level for slot in slots} == {SignatureLevel.B_B}
    assert slots[-1].rule.level is SignatureLevel.B_T
