"""Every timestamp that is carried is right, and every slot has the one that its policy asks for.

Spec: EN 319 102-1, 5.4 (time-stamp validation) and 5.5; the signing policy's `level`.
"""

from __future__ import annotations

from typing import Final

from transcript_core.pki.path import PathOutcome
from transcript_core.policy import SignatureLevel
from verify.checks.verdict import PASSED, Rule, Verdict, failed, indeterminate, judge_each
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "time.timestamps"
RULE: Final = Rule(
    NAME,
    "Dấu thời gian hợp lệ và đủ theo chính sách ký.",
    "The timestamps are valid and all that the signing policy asks for are there.",
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether all timestamps are right."""
    return judge_each(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signature's timestamps are right and enough."""
    for answer in signature.timestamps:
        if answer.outcome is PathOutcome.INVALID:
            return failed(
                "dấu thời gian không hợp lệ",
                f"the timestamp is not valid ({answer.detail})",
                answer.sub_indication or SubIndication.SIG_CRYPTO_FAILURE,
            )
        if answer.outcome is PathOutcome.INDETERMINATE:
            return indeterminate(
                "không xác nhận được dấu thời gian",
                f"the timestamp could not be verified ({answer.detail})",
                answer.sub_indication or SubIndication.NO_POE,
            )
    slot = signature.facts.slot
    if signature.facts.format is SignatureFormatName.JADES:
        return PASSED  # a compact JWS has no place for a timestamp
    if slot is not None and slot.rule.level is not SignatureLevel.B_B and signature.proven_time is None:
        return indeterminate(
            "thiếu dấu thời gian mà chính sách ký yêu cầu",
            "the timestamp that the signing policy asks for is missing",
            SubIndication.NO_POE,
        )
    return PASSED
