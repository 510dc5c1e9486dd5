"""Every signature has the form that its standard asks for, with nothing missing, doubled, hidden or unknown.

Spec: ETSI EN 319 102-1, 5.2.2 (format checking); EN 319 132-1, 6; EN 319 142-1, 6.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, conclude, failed, indeterminate, judge_alone
from verify.examination import Context, Examination
from verify.formats.problems import Gravity
from verify.report import Finding, SubIndication, find_first_reason
from verify.signature import ExaminedSignature

NAME: Final = "signature.form"
RULE: Final = Rule(NAME, "Mọi chữ ký đúng định dạng.", "Every signature has the form it should have.")

_NOTHING_SIGNED: Final = indeterminate(
    "Tệp không có chữ ký nào đọc được.",
    "The file carries no signature that can be read.",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every signature could be read without any trouble; a file without signatures proves nothing."""
    if not examination.signatures:
        return conclude(RULE, _NOTHING_SIGNED)
    return judge_alone(RULE, examination.signatures, judge)


def judge(signature: ExaminedSignature) -> Verdict:
    """Return what one signature's form is worth; a transcript's must be proper in everything."""
    improper = indeterminate if signature.facts.slot is None else failed
    for gravity, answer in (
        (Gravity.BROKEN, failed),
        (Gravity.IMPROPER, improper),
        (Gravity.UNREADABLE, indeterminate),
    ):
        found = [trouble for trouble in signature.facts.troubles if trouble.gravity is gravity]
        if found:
            texts_vi = ", ".join(trouble.text_vi for trouble in found)
            texts_en = ", ".join(trouble.text_en for trouble in found)
            reason = find_first_reason(trouble.sub_indication for trouble in found)
            return answer(texts_vi, texts_en, reason or found[0].sub_indication)
    return PASSED
