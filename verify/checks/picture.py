"""The picture that people see is the one that was made from the data.

With the XML given, its THONG_TIN_PHAT_HANH names the digest of the PDF's first revision, which principal and seal
signed.  The PDF alone does not hold all that the picture was made from, so alone this is not checked.
Spec: `docs/schema.md`, PDF.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, not_checked
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "pdf.picture"
RULE: Final = Rule(
    NAME,
    "Hình ảnh là bản được ký phát hành cùng dữ liệu.",
    "The pages are those that principal and seal signed for these data.",
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the pages are those that were issued."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    pdf, xml = examination.pdf, examination.xml
    if pdf is None or not examination.is_transcript_file:
        return NOT_APPLICABLE
    issue = None if xml is None else xml.issue
    if issue is None or issue.pdf_sha256 is None:
        return not_checked(
            "Chưa đối chiếu hình ảnh với dữ liệu; cần tệp XML gốc.",
            "The pages were not compared with the data; that needs the original XML file.",
        )
    if issue.pdf_sha256 != pdf.signed.first_revision_sha256:
        return failed(
            "Hình ảnh học bạ không phải bản đã được phát hành.",
            "The pages are not those that were issued.",
            SubIndication.HASH_FAILURE,
        )
    return PASSED
