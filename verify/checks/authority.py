"""Each signer is the person, or the school's seal, that the department's signed authority list means by the slot.

To chain to a root is not enough.  No list, or one that is out of date: not checked.  What the list says against a
person whom it knows (office, school, class, subject, delegation) is told by a rule of its own, `authority_*`.
The list entitles an identity, so a certificate that leads to no anchor entitles nobody, whatever number it carries.
Spec: `docs/authority.md`; NĐ 23/2025, Đ.16 (the recipient checks scope and identity).
"""

from __future__ import annotations

from typing import Final

from transcript_core.authority import AuthorityAnswer, AuthorityCode, AuthorityList
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
from verify.report import Finding, FindingOutcome, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "authority"
RULE: Final = Rule(
    NAME,
    "Mọi người ký đúng là người mà danh sách thẩm quyền của sở nêu cho vị trí đó.",
    "Every signer is the one whom the department's authority list means.",
)

OFFICE: Final = frozenset({AuthorityCode.OUT_OF_OFFICE, AuthorityCode.NOT_YET_IN_OFFICE})
SCHOOL: Final = frozenset({AuthorityCode.OTHER_SCHOOL})
CLASS: Final = frozenset({AuthorityCode.OTHER_CLASS})
SUBJECT: Final = frozenset({AuthorityCode.OTHER_SUBJECT})
DELEGATION: Final = frozenset(
    {
        AuthorityCode.NO_DELEGATION,
        AuthorityCode.DELEGATED_ELSEWHERE,
        AuthorityCode.DELEGATION_NOT_YET,
        AuthorityCode.DELEGATION_EXPIRED,
    }
)
REASONS: Final = OFFICE | SCHOOL | CLASS | SUBJECT | DELEGATION
"""Answers that a rule of their own tells."""

_WITHOUT_LIST: Final = Verdict(
    FindingOutcome.NOT_APPLICABLE,
    "Không có danh sách thẩm quyền dùng được; xem mục thẩm quyền.",
    "There is no usable authority list; see the finding on authority.",
)
_NOT_REACHED: Final = not_checked(
    "chưa xét vì đã sai ở điều kiện khác", "not looked at, because another condition failed"
)


def check(examination: Examination, context: Context) -> Finding:
    """Return whether everybody is the one whom the list means, and the list knows the school as the document does."""
    if not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    listed = find_list(context)
    if isinstance(listed, Verdict):
        return conclude(RULE, listed)
    other = _find_other_level(examination, listed) or _find_other_name(examination, listed)
    return judge_each(RULE, examination.signatures, _judge_identity) if other is None else conclude(RULE, other)


def check_reason(rule: Rule, codes: frozenset[AuthorityCode], examination: Examination, context: Context) -> Finding:
    """Return the finding of a rule that one or some of the list's answers break."""
    if not examination.is_transcript_file:
        return conclude(rule, NOT_APPLICABLE)
    if isinstance(find_list(context), Verdict):
        return conclude(rule, _WITHOUT_LIST)
    return judge_each(rule, examination.signatures, lambda signature: _judge_reason(signature, codes))


def find_list(context: Context) -> AuthorityList | Verdict:
    """Return the list, or the verdict that nothing can be checked by it: there is none, or it is out of date."""
    if context.authority is None:
        return not_checked(
            "Không có danh sách thẩm quyền của sở giáo dục và đào tạo, nên chưa biết người ký có đúng thẩm quyền.",
            "There is no authority list of the department, so it is not known whether the signers were entitled.",
        )
    if context.at > context.authority.valid_to:
        return not_checked(
            f"Danh sách thẩm quyền số {context.authority.number} đã hết hạn; cần danh sách hiện hành của sở.",
            f"Authority list {context.authority.number} is out of date; the department's current list is needed.",
        )
    return context.authority


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


def _find_other_name(examination: Examination, authority: AuthorityList) -> Verdict | None:
    """Return the verdict on a document that gives the school a name which the list never gave it.

    The code decides who may sign, the name is what people read; a school keeps the names that it had.
    """
    named = examination.transcript or examination.recall
    school = None if named is None else authority.find_school(named.school.school_code)
    if (
        named is None
        or school is None
        or named.school.name in {school.name, *(one.name for one in school.former_names)}
    ):
        return None
    return failed(
        f"Trường có mã {named.school.school_code} không mang tên ghi trong văn bản, theo danh sách thẩm quyền.",
        f"School {named.school.school_code} does not have the name in the document by the authority list.",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signer was entitled, all reasons together."""
    answer = signature.authority
    if answer is None:
        return NOT_APPLICABLE
    if answer.code is AuthorityCode.LIST_OUT_OF_DATE:
        return not_checked(answer.detail_vi, answer.detail_en)
    if not answer.entitled:
        return _refuse(answer)
    vouched = find_vouched(signature)
    return vouched if isinstance(vouched, Verdict) else PASSED


def _judge_identity(signature: ExaminedSignature) -> Verdict:
    """Return the same, but leave to the other rules what is theirs."""
    answer = signature.authority
    if answer is None or answer.code in REASONS:
        vouched = find_vouched(signature)
        return vouched if answer is not None and isinstance(vouched, Verdict) else NOT_APPLICABLE
    return judge(signature)


def _judge_reason(signature: ExaminedSignature, codes: frozenset[AuthorityCode]) -> Verdict:
    answer = signature.authority
    if answer is None:
        return NOT_APPLICABLE
    if answer.code in codes:
        return _refuse(answer)
    return PASSED if answer.entitled else _NOT_REACHED


def _refuse(answer: AuthorityAnswer) -> Verdict:
    return failed(answer.detail_vi, answer.detail_en, SubIndication.SIG_CONSTRAINTS_FAILURE)
