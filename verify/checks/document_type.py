"""The file is of a kind that is known, and no larger than its kind may be.  Spec: ETSI EN 319 102-1, 5.2.2."""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import PASSED, Rule, Verdict, conclude, failed, indeterminate
from verify.examination import Context, Examination
from verify.report import DocumentKind, Finding, SubIndication
from verify.sniff import LIMITS

NAME: Final = "document.type"
RULE: Final = Rule(NAME, "Nhận dạng được loại tệp.", "The kind of file is known.")


def check(examination: Examination, context: Context) -> Finding:
    """Return whether this is a file that can be judged here."""
    return conclude(RULE, _judge(examination, context))


def _judge(examination: Examination, context: Context) -> Verdict:
    if examination.oversized:
        limit = LIMITS[examination.container]
        return failed(
            f"Tệp lớn hơn mức cho phép ({limit} byte).",
            f"The file is larger than is accepted ({limit} bytes).",
            SubIndication.FORMAT_FAILURE,
        )
    if examination.kind is DocumentKind.UNKNOWN:
        return failed(
            "Đây không phải là tệp XML, PDF, ASiC hay JWS; có thể tệp bị hỏng hoặc chưa được ký.",
            "This is not an XML, PDF, ASiC or JWS file; it may be damaged or not signed at all.",
            SubIndication.FORMAT_FAILURE,
        )
    if examination.xml is not None and examination.xml.root is None:
        return PASSED  # `document.structure` says why it could not be read
    if not examination.is_transcript_file and context.policy.transcripts_only:
        return indeterminate(
            "Đây không phải là học bạ số; chỉ xem xét các chữ ký trong tệp.",
            "This is not a digital transcript; only the signatures in it were looked at.",
            SubIndication.CUSTOM,
        )
    return PASSED
