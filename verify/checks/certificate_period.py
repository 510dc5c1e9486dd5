"""Every certificate was in date at the time that counts: the proven time, else that of the verification.

Spec: TT 15/2025 Annex II 1.1; EN 319 102-1, 5.2.6, 5.2.8 and 5.6.2 (best-signature-time).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from transcript_core.pki.path import SubIndication as PathSubIndication
from verify.checks.verdict import PASSED, Rule, Verdict, failed, find_vouched, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "certificate.period"
RULE: Final = Rule(
    NAME,
    "Chứng thư của mọi người ký còn hiệu lực tại thời điểm ký.",
    "Every signer's certificate was in date when it was signed.",
    Criterion.CERTIFICATE_IN_DATE,
)

_NO_PROOF: Final = indeterminate(
    "chứng thư không còn hiệu lực và không có dấu thời gian chứng minh đã ký khi còn hiệu lực",
    "the certificate is not in date and no timestamp proves that it was signed when it was",
    SubIndication.OUT_OF_BOUNDS_NO_POE,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every certificate was in date."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one certificate was in date; using it out of date by one's own word fails.

    Of a certificate that leads to no anchor the dates are only claims too, so nothing passes or fails by them.
    """
    vouched = find_vouched(signature)
    if isinstance(vouched, Verdict):
        return vouched
    certificate, claimed = vouched.certificate, signature.facts.signed_at
    if claimed is not None and claimed > certificate.not_after:
        return failed("ký khi chứng thư đã hết hạn", "signed after the certificate expired", SubIndication.EXPIRED)
    if signature.judged_at < certificate.not_before or (claimed is not None and claimed < certificate.not_before):
        return failed(
            "ký khi chứng thư chưa có hiệu lực", "signed before the certificate was valid", SubIndication.NOT_YET_VALID
        )
    if signature.judged_at <= certificate.not_after:
        return PASSED
    not_revoked = vouched.path.sub_indication is PathSubIndication.OUT_OF_BOUNDS_NOT_REVOKED
    return replace(_NO_PROOF, sub_indication=SubIndication.OUT_OF_BOUNDS_NOT_REVOKED) if not_revoked else _NO_PROOF
