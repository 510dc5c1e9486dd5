"""Every signer is identified: a trusted authority's certificate names somebody.

A certificate that leads to no anchor names whom its maker liked, so it identifies nobody.
Spec: TT 15/2025 Annex II 2.1; NĐ 23/2025, Đ.16; EN 319 102-1, 5.2.6.

Transcripts ask for more: a personal number or tax code (domain rules of certificates: UID=CCCD:… / UID=MST:…).
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, find_vouched, indeterminate, judge_each
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
    vouched = find_vouched(signature)
    if isinstance(vouched, Verdict):
        return vouched
    if vouched.certificate.identity if signature.facts.slot else vouched.certificate.subject:
        return PASSED
    return indeterminate(
        "chứng thư không có số định danh của người ký",
        "the certificate carries no identity number of the signer",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
