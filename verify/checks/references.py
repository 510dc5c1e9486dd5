"""Every signed part still has the digest that was signed.  Spec: ETSI EN 319 102-1, 5.2.7.4, steps 1 and 2."""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, failed, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.report import Criterion, Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "signature.references"
RULE: Final = Rule(
    NAME,
    "Nội dung đã ký còn nguyên vẹn: mọi giá trị băm trùng khớp.",
    "What was signed is unchanged: all hash values are equal.",
    Criterion.HASHES_EQUAL,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether no signed part changed."""
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether the digests of one signature are right."""
    if signature.facts.references_intact:
        return PASSED
    if signature.facts.references_intact is False:
        return failed("nội dung đã bị thay đổi sau khi ký", "changed after signing", SubIndication.HASH_FAILURE)
    return indeterminate(
        "không tính được giá trị băm của nội dung đã ký",
        "the digest of what was signed could not be computed",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
