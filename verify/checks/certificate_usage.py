"""Every certificate may sign documents: its key usage says so, and it is not one of a CA or a service.

Spec: TT 15/2025 Annex II 1.4; RFC 5280, 4.2.1.3, 4.2.1.9, 4.2.1.12.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, failed, find_vouched, judge_alone
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "certificate.usage"
RULE: Final = Rule(
    NAME,
    "Chứng thư của mọi người ký được phép dùng để ký.",
    "Every signer's certificate may be used for signing.",
    Criterion.PURPOSE,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every certificate is one for signing documents."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one certificate may sign documents; of one that leads to no anchor the purpose is a claim."""
    vouched = find_vouched(signature)
    if isinstance(vouched, Verdict):
        return vouched
    if vouched.certificate.may_sign and not vouched.certificate.is_ca:
        return PASSED
    return failed(
        "chứng thư không dùng để ký tài liệu",
        "the certificate is not one for signing documents",
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )
