"""No certificate was revoked at the time that counts, by the OCSP answers and CRLs at hand.

Spec: TT 15/2025 Annex II 1.2; EN 319 102-1, 5.2.6 and 5.6.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from transcript_core.pki.path import SubIndication as PathSubIndication
from transcript_core.pki.revocation import RevocationStatus
from verify.checks.verdict import PASSED, Rule, Verdict, failed, find_vouched, indeterminate, judge_alone, list_names
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "certificate.revocation"
RULE: Final = Rule(
    NAME,
    "Không chứng thư nào bị thu hồi tại thời điểm ký.",
    "No certificate was revoked when it was signed.",
    Criterion.NOT_REVOKED,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no certificate was revoked, and about whom the file's own data had to be completed."""
    finding = judge_alone(RULE, examination.signatures, judge)
    if not examination.fetched:
        return finding
    return replace(
        finding,
        text_vi=f"{finding.text_vi} Đã lấy trực tuyến thông tin về: {list_names(examination.fetched)}.",
        text_en=f"{finding.text_en} Fetched online for this answer: {list_names(examination.fetched, english=True)}.",
    )


def judge(signature: ExaminedSignature) -> Verdict:
    """Return what is known of one certificate's revocation."""
    vouched = find_vouched(signature)
    if isinstance(vouched, Verdict):
        return vouched
    path = vouched.path
    if path.revocation.status is RevocationStatus.UNKNOWN:
        return indeterminate(
            "không có thông tin thu hồi (OCSP, CRL) dùng được",
            "there is no usable revocation data (OCSP, CRL)",
            SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE if path.revocation.outdated else SubIndication.TRY_LATER,
        )
    if path.revocation.status is RevocationStatus.GOOD:
        return PASSED
    if path.sub_indication is PathSubIndication.REVOKED:
        return failed(
            "ký sau khi chứng thư bị thu hồi", "signed after the certificate was revoked", SubIndication.REVOKED
        )
    if path.sub_indication is PathSubIndication.TRY_LATER:
        return indeterminate("chứng thư đang bị tạm dừng", "the certificate is on hold", SubIndication.TRY_LATER)
    return indeterminate(
        "chứng thư đã bị thu hồi và không chứng minh được là đã ký trước đó",
        "the certificate was revoked and nothing proves that it was signed before",
        SubIndication.REVOKED_NO_POE,
    )
