"""Every signer is identified: the certificate names somebody.  Spec: TT 15/2025 Annex II 2.1; NĐ 23/2025, Đ.16.

Transcripts ask for more: a personal number or tax code (domain rules of certificates: UID=CCCD:… / UID=MST:…).
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, indeterminate, judge_each
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signer.identified"
RULE: Final = Rule(NAME, "Xác định được mọi người ký.", "Every signer is identified.", Criterion.SIGNER_IDENTIFIED)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every certificate says whose it is."""
    return judge_each(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one certificate says whose it is."""
    certificate = signature.facts.certificate
    if certificate is None:
        return NOT_APPLICABLE
    if certificate.identity if signature.facts.slot else certificate.subject:
        return PASSED
    return indeterminate(
        "chứng thư không có số định danh của người ký",
        "the certificate carries no identity number of the signer",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
