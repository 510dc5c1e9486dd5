"""Every signature signs which certificate it was made with, and that is the one attached.

Spec: EN 319 102-1, 5.2.3 (identification of the signing certificate); EN 319 132-1, 5.2.2; EN 319 122-1, 5.2.2.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NO_CERTIFICATE, PASSED, Rule, Verdict, failed, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.formats.problems import SignatureProblem
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signature.certificate-reference"
RULE: Final = Rule(
    NAME, "Chứng thư kèm theo đúng là chứng thư đã dùng để ký.", "The attached certificates are the ones signed with."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no certificate was exchanged."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signature is bound to its certificate."""
    if signature.facts.certificate is None:
        return NO_CERTIFICATE
    if signature.facts.certificate_is_bound:
        return PASSED
    if SignatureProblem.OTHER_CERTIFICATE.text in signature.facts.troubles:
        answer = indeterminate if signature.facts.slot is None else failed
        return answer(
            "chứng thư kèm theo không phải chứng thư đã dùng để ký",
            "the attached certificate is not the one that was signed with",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    return indeterminate(
        "chữ ký không gắn với chứng thư kèm theo",
        "the signature is not bound to the attached certificate",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
