"""The PDF carries the transcript's data, and with the XML given it carries exactly the XML's.

The attachment is compared octet for octet with the canonical THONG_TIN_HOC_BA.  Spec: `docs/schema.md`, PDF.
The XML wins: where the two differ, the PDF is wrong.
"""

from __future__ import annotations

from typing import Final

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed
from verify.documents import PdfInput, XmlInput
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication

NAME: Final = "pdf.content"
RULE: Final = Rule(
    NAME, "Dữ liệu đính kèm trong PDF đúng là của học bạ.", "The data attached to the PDF are the transcript's."
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the attached data are the transcript's."""
    pdf = examination.pdf
    if pdf is None or not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    return conclude(RULE, _judge(pdf, examination.xml))


def _judge(pdf: PdfInput, xml: XmlInput | None) -> Verdict:
    if pdf.transcript is None:
        return _failed("PDF không kèm dữ liệu học bạ đọc được.", "The PDF carries no readable transcript data.")
    if xml is None:
        return PASSED
    if xml.root is None or xml.cache is None or xml.transcript is None:
        return _failed("Không đối chiếu được PDF với tệp XML.", "The PDF could not be compared with the XML file.")
    info = xml.root[0][0]
    if xml.cache.get_octets(info) != pdf.signed.attachment:
        return _failed("Dữ liệu trong PDF khác với tệp XML gốc.", "The PDF's data differ from the original XML file.")
    return PASSED


def _failed(text_vi: str, text_en: str) -> Verdict:
    return failed(text_vi, text_en, SubIndication.HASH_FAILURE)
