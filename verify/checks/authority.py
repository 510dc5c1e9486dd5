"""Each signer held the office that the slot asks for, for that class and subject, at that school, on that day.

By the authority list that the department of education signed; to chain to a root is not enough.  No list: not checked.
The list entitles an identity, so a certificate that leads to no anchor entitles nobody, whatever number it carries.
Spec: `docs/authority.md`; NĐ 23/2025, Đ.16 (the recipient checks scope and identity).
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import (
    NOT_APPLICABLE,
    PASSED,
    Rule,
    Verdict,
    conclude,
    failed,
    find_vouched,
    judge_each,
    not_checked,
)
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "authority"
RULE: Final = Rule(
    NAME,
    "Mọi người ký có thẩm quyền tại thời điểm ký, theo danh sách của sở.",
    "Every signer was entitled when they signed, by the department's list.",
)


def check(examination: Examination, context: Context) -> Finding:
    """Return whether everybody was entitled to sign."""
    if not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    if context.authority is None:
        return conclude(
            RULE,
            not_checked(
                "Không có danh sách thẩm quyền của sở giáo dục và đào tạo, nên chưa biết người ký có đúng thẩm quyền.",
                "There is no authority list of the department, so it is not known whether the signers were entitled.",
            ),
        )
    return judge_each(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signer was entitled."""
    answer = signature.authority
    if answer is None:
        return NOT_APPLICABLE
    if not answer.entitled:
        return failed(answer.detail_vi, answer.detail_en, SubIndication.SIG_CONSTRAINTS_FAILURE)
    vouched = find_vouched(signature)
    return vouched if isinstance(vouched, Verdict) else PASSED
