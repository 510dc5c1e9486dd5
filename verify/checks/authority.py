"""Each signer held the office that the slot asks for, for that class and subject, at that school, on that day.

By the authority list that the department of education signed; to chain to a root is not enough.  No list: not checked.
The list entitles an identity, so a certificate that leads to no anchor entitles nobody, whatever number it carries.
Spec: `docs/authority.md`; NĐ 23/2025, Đ.16 (the recipient checks scope and identity).
"""

from __future__ import annotations

from typing import Final

from transcript_core.authority import AuthorityList
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
    other_level = _find_other_level(examination, context.authority)
    return judge_each(RULE, examination.signatures, judge) if other_level is None else conclude(RULE, other_level)


def _find_other_level(examination: Examination, authority: AuthorityList) -> Verdict | None:
    """Return the verdict on a document of a level that the school does not have; None when nothing is wrong with it."""
    named = examination.transcript or examination.recall
    school = None if named is None else authority.find_school(named.school.school_code)
    if named is None or school is None or named.school.level in school.levels:
        return None
    return failed(
        f"{school.name} không có cấp học {named.school.level.value} theo danh sách thẩm quyền.",
        f"{school.name} does not have the level {named.school.level.value} by the authority list.",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signer was entitled."""
    answer = signature.authority
    if answer is None:
        return NOT_APPLICABLE
    if not answer.entitled:
        return failed(answer.detail_vi, answer.detail_en, SubIndication.SIG_CONSTRAINTS_FAILURE)
    vouched = find_vouched(signature)
    return vouched if isinstance(vouched, Verdict) else PASSED
