"""Every claimed signing time is possible: after the document was locked, not after what is proven, not in the future.

A recall is signed after it was requested, and requested after what it recalls was locked; authority is judged at the
claimed time, so that nobody may choose a day on which they were in office.
Spec: EN 319 102-1, 5.5.4 step 5 (signing time against time-stamps) and 5.6.2.4; the transcript's THOI_DIEM_CHOT.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from transcript_core.clock import VIETNAM_TIME
from transcript_core.model import Transcript
from transcript_core.policy import Slot
from verify.checks.verdict import PASSED, Rule, Verdict, conclude, failed, indeterminate, judge_each
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature

NAME: Final = "time.plausible"
RULE: Final = Rule(NAME, "Thời điểm ký hợp lý.", "The signing times are plausible.")


def check(examination: Examination, context: Context) -> Finding:
    """Return whether every claimed time is possible."""
    early = _find_early_request(examination, context.policy.clock_tolerance)
    if early is not None:
        return conclude(RULE, early)

    def judge(signature: ExaminedSignature) -> Verdict:
        return _judge(signature, examination, context)

    return judge_each(RULE, examination.signatures, judge)


def _find_early_request(examination: Examination, tolerance: timedelta) -> Verdict | None:
    """Return the verdict on a recall that was requested before there was what it recalls, else None."""
    recall, target = examination.recall, None if examination.target is None else examination.target.transcript
    if recall is None or target is None or recall.requested_at >= target.locked_at - tolerance:
        return None
    return _failed(
        "Thời điểm đề nghị thu hồi sớm hơn thời điểm học bạ được chốt.",
        "The recall was requested before the transcript was locked.",
    )


def _judge(signature: ExaminedSignature, examination: Examination, context: Context) -> Verdict:
    claimed, slot = signature.facts.signed_at, signature.facts.slot
    tolerance = context.policy.clock_tolerance
    if claimed is None:
        return PASSED if slot is None else _failed("không ghi thời điểm ký", "the signing time is missing")
    if signature.proven_time is not None and claimed > signature.proven_time + tolerance:
        return _failed("thời điểm ký muộn hơn dấu thời gian", "the claimed time is later than the timestamp")
    early = None if slot is None else _judge_start(claimed, slot, examination, tolerance)
    if early is not None:
        return early
    if claimed > context.at + tolerance:
        return indeterminate(
            "thời điểm ký muộn hơn thời điểm kiểm tra",
            "the claimed time is later than the time of this verification",
            SubIndication.TIMESTAMP_ORDER_FAILURE,
        )
    return PASSED


def _judge_start(claimed: datetime, slot: Slot, examination: Examination, tolerance: timedelta) -> Verdict | None:
    """Return the verdict on a time at which there was nothing to sign in this slot yet, else None."""
    transcript, recall = examination.transcript, examination.recall
    if slot.kept:
        if claimed.astimezone(VIETNAM_TIME).date() == _find_kept_day(slot, transcript):
            return None
        return _failed("không phải chữ ký đã ghi là được giữ lại", "not the signature that is listed as kept")
    if transcript is not None and claimed < transcript.locked_at - tolerance:
        return _failed("ký trước khi học bạ được chốt", "signed before the transcript was locked")
    if recall is not None and claimed < recall.requested_at - tolerance:
        return _failed("ký trước khi có đề nghị thu hồi", "signed before the recall was requested")
    return None


def _find_kept_day(slot: Slot, transcript: Transcript | None) -> date | None:
    """Return the day, in Vietnam, that the signed list of signers gives for a kept signature."""
    signers = () if transcript is None else transcript.signers
    return next((one.kept.signed_on for one in signers if one.slot_id == slot.slot_id and one.kept is not None), None)


def _failed(text_vi: str, text_en: str) -> Verdict:
    return failed(text_vi, text_en, SubIndication.TIMESTAMP_ORDER_FAILURE)
