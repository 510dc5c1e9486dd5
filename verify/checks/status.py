"""What this version is worth today: current, replaced, recalled, suspended or unknown.

Recalled fails.  Replaced fails unless that very version was asked for, and any other version than that fails.
Suspended and unknown cannot be told.
Spec: the signed events NEW, UPDATE and CANCEL (`docs/status.md`); NĐ 88/2026 (records are replaced, never edited).
"""

from __future__ import annotations

from typing import Final

from transcript_core.status import DocumentStatus, StatusAnswer
from verify.checks.verdict import NOT_APPLICABLE, Rule, Verdict, conclude, failed, indeterminate, not_checked
from verify.examination import Context, Examination
from verify.report import Finding, FindingOutcome, SubIndication

NAME: Final = "status"
RULE: Final = Rule(NAME, "Học bạ còn hiệu lực.", "The transcript is current.")


def check(examination: Examination, context: Context) -> Finding:
    """Return whether this version still counts."""
    return conclude(RULE, _judge(examination, context))


def _judge(examination: Examination, context: Context) -> Verdict:
    if not examination.is_transcript_file or examination.recall is not None:
        return NOT_APPLICABLE
    transcript = examination.transcript
    if context.version is not None and transcript is not None and transcript.version != context.version:
        return failed(
            f"Đây là phiên bản {transcript.version}, không phải phiên bản {context.version} được hỏi.",
            f"This is version {transcript.version}, not version {context.version} that was asked for.",
            SubIndication.CUSTOM,
        )
    if examination.status is None:
        return not_checked(
            "Chưa kiểm tra học bạ này còn hiệu lực, đã được thay thế hay đã bị thu hồi.",
            "It was not checked whether this transcript is current, replaced or recalled.",
        )
    answer = examination.status
    return _describe(answer, wanted=context.version is not None)


def _describe(answer: StatusAnswer, *, wanted: bool) -> Verdict:
    if answer.status is DocumentStatus.VALID:
        return Verdict(FindingOutcome.PASSED, "Học bạ còn hiệu lực.", "The transcript is current.")
    if answer.status is DocumentStatus.RECALLED:
        return failed(
            f"Học bạ đã bị thu hồi. Lý do: {answer.reason or 'không nêu'}.",
            f"The transcript was recalled. Reason: {answer.reason or 'not given'}.",
            SubIndication.CUSTOM,
        )
    if answer.status is DocumentStatus.SUPERSEDED:
        return _describe_superseded(answer, wanted=wanted)
    if answer.status is DocumentStatus.SUSPENDED:
        return indeterminate("Học bạ đang tạm ngừng hiệu lực.", "The transcript is suspended.", SubIndication.TRY_LATER)
    return indeterminate(
        "Học bạ này không có trong dữ liệu tra cứu.",
        "The status data does not know this transcript.",
        SubIndication.TRY_LATER,
    )


def _describe_superseded(answer: StatusAnswer, *, wanted: bool) -> Verdict:
    text_vi = f"Phiên bản này đã được thay thế bằng phiên bản {answer.superseded_by}."
    text_en = f"This version was replaced by version {answer.superseded_by}."
    if wanted:
        return Verdict(FindingOutcome.PASSED, text_vi, text_en)
    return failed(text_vi, text_en, SubIndication.CUSTOM)
