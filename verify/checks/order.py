"""The slots were signed in the order of the policy: teachers, homeroom teacher, principal, and the seal last.

In a PDF the order of the revisions is proof; in XML the claimed times are compared (that the principal signed what
holds the teachers' signatures, and the seal what is the principal's, is shown by `slots.coverage`).
Spec: the signing policy's `order`; EN 319 102-1, 5.6.2.4 (order of times).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, UNREAD, Rule, Verdict, combine, conclude, failed
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "slots.order"
RULE: Final = Rule(NAME, "Các chữ ký theo đúng thứ tự quy định.", "The signatures were made in the order laid down.")


def check(examination: Examination, context: Context) -> Finding:
    """Return whether nobody signed before those who must sign first."""
    if not examination.slots:
        return conclude(RULE, UNREAD if examination.is_transcript_file and examination.jws is None else NOT_APPLICABLE)
    judged = [
        (signature, _judge(signature, same_format, context.policy.clock_tolerance))
        for format_name in (SignatureFormatName.XADES, SignatureFormatName.PADES)
        for same_format in (examination.list_signatures(format_name),)
        for signature in same_format
    ]
    return combine(RULE, judged) if judged else conclude(RULE, NOT_APPLICABLE)


def _judge(signature: ExaminedSignature, others: Sequence[ExaminedSignature], tolerance: timedelta) -> Verdict:
    slot = signature.facts.slot
    if slot is None:
        return NOT_APPLICABLE
    for other in others:
        if other.facts.slot is None or other.facts.slot.rule.order >= slot.rule.order:
            continue
        if _is_before(signature, other, tolerance):
            return failed(
                f"ký trước {other.name_vi}", f"signed before {other.name_en}", SubIndication.SIG_CONSTRAINTS_FAILURE
            )
    return PASSED


def _is_before(signature: ExaminedSignature, other: ExaminedSignature, tolerance: timedelta) -> bool:
    """Return whether `signature` was made before `other`, which should have been first."""
    mine, theirs = signature.facts, other.facts
    if mine.pdf is not None and theirs.pdf is not None and mine.pdf.covers_revision < theirs.pdf.covers_revision:
        return True
    if mine.signed_at is None or theirs.signed_at is None:
        return False
    return mine.signed_at + tolerance < theirs.signed_at
