"""Every certificate leads to an anchor of one of the two trust worlds and was valid along that path.

Spec: TT 15/2025 Annex II 2.3; EN 319 102-1, 5.2.6 (X.509 certificate validation); RFC 5280, 6.
"""

from __future__ import annotations

from typing import Final

from transcript_core.pki.path import PathOutcome
from verify.checks.verdict import PASSED, Rule, Verdict, failed, find_vouched, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "certificate.path"
RULE: Final = Rule(
    NAME,
    "Chứng thư của mọi người ký có đường dẫn tin cậy hợp lệ tại thời điểm ký.",
    "Every signer's certificate had a valid path to a trust anchor when it was signed.",
    Criterion.CERTIFICATE_VALID,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every certificate leads to an anchor."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one certificate leads to an anchor."""
    vouched = find_vouched(signature)
    if isinstance(vouched, Verdict):
        return vouched
    path = vouched.path
    if path.outcome is PathOutcome.VALID:
        return PASSED
    sub = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
    if path.sub_indication is not None:
        sub = SubIndication(path.sub_indication.value)
    answer = failed if path.outcome is PathOutcome.INVALID else indeterminate
    return answer(
        f"chứng thư không được xác nhận là hợp lệ tại thời điểm ký ({sub.value})",
        f"the certificate was not shown to be valid when it was signed ({path.detail})",
        sub,
    )
