"""Every signature was made under the document's own signing policy, and commits to what its slot asks for.

The policy is named by identifier and by the digest of its file.  Spec: EN 319 102-1, 5.2.4 (validation context
initialisation); EN 319 132-1, 5.2.9 and 5.2.3; EN 319 122-1, 5.2.9 and 5.2.3.
"""

from __future__ import annotations

from typing import Final

from transcript_core.policy import SigningPolicy
from verify.checks.verdict import NOT_APPLICABLE, PASSED, UNREAD, Rule, Verdict, conclude, failed, judge_each
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "signature.policy"
RULE: Final = Rule(
    NAME, "Mọi chữ ký theo đúng chính sách ký của học bạ.", "Every signature follows the transcript's signing policy."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every signature in a slot follows the signing policy."""
    policy = examination.signing_policy
    if policy is None:
        unread = examination.is_transcript_file and examination.jws is None
        return conclude(RULE, UNREAD if unread else NOT_APPLICABLE)
    return judge_each(RULE, examination.signatures, lambda signature: _judge(signature, policy))


def _judge(signature: ExaminedSignature, policy: SigningPolicy) -> Verdict:
    facts = signature.facts
    if facts.slot is None or facts.format is SignatureFormatName.JADES:
        return NOT_APPLICABLE  # a JWS names no policy; it is never a transcript by itself
    if (facts.policy_id, facts.policy_digest) != (policy.identifier, policy.digest):
        return failed(
            "không ký theo chính sách ký của học bạ này",
            "not signed under this transcript's signing policy",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    if facts.commitments != (facts.slot.rule.commitment,):
        return failed(
            "cam kết của chữ ký không đúng với ô ký",
            "the signature's commitment is not the slot's",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return PASSED
