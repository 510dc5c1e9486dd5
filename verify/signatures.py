"""Turns an examined signature into its lines of the report: its own outcome, apart from where it stands."""

from __future__ import annotations

from verify.checks import SIGNATURE_JUDGES, authority
from verify.checks.verdict import Verdict, judge_once
from verify.examination import Context
from verify.report import FindingOutcome, Outcome, SignatureReport, SubIndication, find_first_reason, find_worst
from verify.signature import ExaminedSignature
from verify.words import name_office


def report_signature(signature: ExaminedSignature, context: Context) -> SignatureReport:
    """Return what was found out about one signature by itself."""
    outcome, sub_indication = _judge(signature)
    facts = signature.facts
    return SignatureReport(
        format=facts.format.value,
        level="none" if facts.level is None else facts.level.value,
        slot=None if facts.slot is None else facts.slot.slot_id,
        signer=None if facts.certificate is None else facts.certificate.common_name,
        world=None if signature.path is None or signature.path.world is None else signature.path.world.value,
        signed_at=facts.signed_at,
        proven_time=signature.proven_time,
        authority=_judge_authority(signature, context),
        intact=facts.intact,
        outcome=outcome,
        sub_indication=sub_indication,
        covers=facts.covers,
        development=signature.path is not None
        and signature.path.anchor is not None
        and signature.path.anchor.development,
        office=None if facts.slot is None else name_office(facts.slot.role, facts.slot.subject_code),
    )


def _judge(signature: ExaminedSignature) -> tuple[Outcome, SubIndication | None]:
    verdicts = [judge_once(judge, signature) for judge in SIGNATURE_JUDGES]
    worst = find_worst(verdict.outcome for verdict in verdicts)
    if worst is FindingOutcome.PASSED:
        return Outcome.PASSED, None
    outcome = Outcome.FAILED if worst is FindingOutcome.FAILED else Outcome.INDETERMINATE
    return outcome, find_first_reason(one.sub_indication for one in verdicts if one.outcome is worst)


def _judge_authority(signature: ExaminedSignature, context: Context) -> FindingOutcome:
    if signature.facts.slot is None:
        return FindingOutcome.NOT_APPLICABLE
    if isinstance(authority.find_list(context), Verdict) or signature.authority is None:
        return FindingOutcome.NOT_CHECKED
    return authority.judge(signature).outcome
