"""Every claimed signing time is possible: after the document was locked, not after what is proven, not in the future.

Spec: EN 319 102-1, 5.5.4 step 5 (signing time against time-stamps) and 5.6.2.4; the transcript's THOI_DIEM_CHOT.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from transcript_core.clock import VIETNAM_TIME
from transcript_core.model import Transcript
from transcript_core.policy import Slot
from verify.checks.verdict import PASSED, Rule, Verdict, failed, indeterminate, judge_each
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "time.plausible"
RULE: Final = Rule(NAME, "Thời điểm ký hợp lý.", "The signing times are plausible.")


def check(examination: Examination, context: Context) -> Finding:
    """Return whether every claimed time is possible."""
    transcript = examination.transcript

    def judge(signature: ExaminedSignature) -> Verdict:
        return _judge(signature, transcript, context)

    return judge_each(RULE, examination.signatures, judge)


def _judge(signature: ExaminedSignature, transcript: Transcript | None, context: Context) -> Verdict:
    claimed, slot = signature.facts.signed_at, signature.facts.slot
    tolerance = context.policy.clock_tolerance
    if claimed is None:
        return PASSED if slot is None else _failed("không ghi thời điểm ký", "the signing time is missing")
    if signature.proven_time is not None and claimed > signature.proven_time + tolerance:
        return _failed("thời điểm ký muộn hơn dấu thời gian", "the claimed time is later than the timestamp")
    if slot is not None and slot.kept:
        if claimed.astimezone(VIETNAM_TIME).date() != _find_kept_day(slot, transcript):
            return _failed("không phải chữ ký đã ghi là được giữ lại", "not the signature that is listed as kept")
    elif slot is not None and transcript is not None and claimed < transcript.locked_at - tolerance:
        return _failed("ký trước khi học bạ được chốt", "signed before the transcript was locked")
    if claimed > context.at + tolerance:
        return indeterminate(
            "thời điểm ký muộn hơn thời điểm kiểm tra",
            "the claimed time is later than the time of this verification",
            SubIndication.TIMESTAMP_ORDER_FAILURE,
        )
    return PASSED


def _find_kept_day(slot: Slot, transcript: Transcript | None) -> date | None:
    """Return the day, in Vietnam, that the signed list of signers gives for a kept signature."""
    signers = () if transcript is None else transcript.signers
    return next((one.kept.signed_on for one in signers if one.slot_id == slot.slot_id and one.kept is not None), None)


def _failed(text_vi: str, text_en: str) -> Verdict:
    return failed(text_vi, text_en, SubIndication.TIMESTAMP_ORDER_FAILURE)
