"""Every signature value was made with the key of the signer's certificate.  Spec: EN 319 102-1, 5.2.7.4, step 3."""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, failed, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signature.value"
RULE: Final = Rule(
    NAME,
    "Chữ ký được tạo bằng đúng khóa của chứng thư kèm theo.",
    "Each signature was made with the key of the attached certificate.",
    Criterion.MATCHING_KEY,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every value verifies."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one value verifies."""
    if signature.facts.value_intact:
        return PASSED
    if signature.facts.value_intact is False:
        return failed(
            "giá trị chữ ký không khớp với chứng thư",
            "the signature value does not fit the certificate",
            SubIndication.SIG_CRYPTO_FAILURE,
        )
    return indeterminate(
        "không kiểm tra được giá trị chữ ký",
        "the signature value could not be checked",
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    )
