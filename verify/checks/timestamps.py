"""Every timestamp that is carried is right, and every slot has the one without which its policy lets nothing pass.

A slot whose policy only aims at a timestamp may lack it: its certificates are then judged at the time of the
verification, and the finding says that the time of signing is not proven yet.  A wrong timestamp fails a transcript;
in a file of others it proves nothing, so that nothing passes by it, and fails nothing (5.5.4).
Spec: EN 319 102-1, 5.4 (time-stamp validation) and 5.5; the signing policy's `level` and `demanded_level`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from transcript_core.pki.path import PathOutcome
from transcript_core.policy import SignatureLevel
from verify.checks.verdict import PASSED, Rule, Verdict, conclude, failed, indeterminate, judge_alone, list_names
from verify.examination import Context, Examination
from verify.report import Finding, FindingOutcome, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName, TimestampAnswer

NAME: Final = "time.timestamps"
RULE: Final = Rule(
    NAME,
    "Dấu thời gian hợp lệ và đủ theo chính sách ký.",
    "The timestamps are valid and all that the signing policy asks for are there.",
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether all timestamps are right; what only is not proven yet is said, and stops nothing."""
    for stamp in examination.document_timestamps:
        verdict = _judge_answer(stamp.answer, ours=examination.is_transcript_file)
        if verdict is not PASSED:
            return conclude(RULE, _name_document_timestamp(verdict))
    finding = judge_alone(RULE, examination.signatures, judge)
    unproven = [one for one in examination.signatures if _lacks_aim(one)]
    if finding.outcome is not FindingOutcome.PASSED or not unproven:
        return finding
    return conclude(RULE, _describe_unproven(unproven))


def judge(signature: ExaminedSignature) -> Verdict:
    """Return whether one signature's timestamps are right and enough."""
    for answer in signature.timestamps:
        verdict = _judge_answer(answer, ours=signature.facts.slot is not None)
        if verdict is not PASSED:
            return verdict
    slot = signature.facts.slot
    if slot is not None and slot.rule.demanded_level is not SignatureLevel.B_B and _is_unproven(signature):
        return indeterminate(
            "thiếu dấu thời gian mà chính sách ký bắt buộc phải có",
            "the timestamp that the signing policy demands is missing",
            SubIndication.NO_POE,
        )
    return PASSED


def _judge_answer(answer: TimestampAnswer, *, ours: bool) -> Verdict:
    if answer.outcome is PathOutcome.INVALID:
        judge = failed if ours else indeterminate
        return judge(
            "dấu thời gian không hợp lệ",
            f"the timestamp is not valid ({answer.detail})",
            answer.sub_indication or SubIndication.SIG_CRYPTO_FAILURE,
        )
    if answer.outcome is PathOutcome.INDETERMINATE:
        return indeterminate(
            "không xác nhận được dấu thời gian",
            f"the timestamp could not be verified ({answer.detail})",
            answer.sub_indication or SubIndication.NO_POE,
        )
    return PASSED


def _name_document_timestamp(verdict: Verdict) -> Verdict:
    return replace(
        verdict,
        text_vi=f"Dấu thời gian của cả tệp PDF: {verdict.text_vi}.",
        text_en=f"The document timestamp of the PDF: {verdict.text_en}.",
    )


def _is_unproven(signature: ExaminedSignature) -> bool:
    """Return whether no timestamp proves its time; a compact JWS has no place for one."""
    return signature.facts.format is not SignatureFormatName.JADES and signature.proven_time is None


def _lacks_aim(signature: ExaminedSignature) -> bool:
    slot = signature.facts.slot
    return slot is not None and slot.rule.level is not SignatureLevel.B_B and _is_unproven(signature)


def _describe_unproven(unproven: Sequence[ExaminedSignature]) -> Verdict:
    names_vi = list_names([one.name_vi for one in unproven])
    names_en = list_names([one.name_en for one in unproven], english=True)
    return Verdict(
        FindingOutcome.PASSED,
        f"Thời điểm ký chưa được chứng minh (chưa kiểm tra, không bắt buộc) vì chưa có dấu thời gian: {names_vi}. "
        "Chứng thư được xét tại thời điểm kiểm tra.",
        f"The time of signing is not proven yet (not checked, not required), since there is no timestamp: {names_en}. "
        "The certificates are judged at the time of this verification.",
    )
