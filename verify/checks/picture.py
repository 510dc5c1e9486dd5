"""The picture that people see is the one that was issued, and it shows what the data say.

With the XML given, its THONG_TIN_PHAT_HANH names the digest of the PDF's first revision, which principal and seal
signed.  That alone is the word of whoever made the picture, since nobody signs by reading octets; so it is made again
from the signed data by the template version that they name, and must come out the same.  Another release of the
typesetter sets other octets: then this is not checked.  The PDF alone does not hold all that the picture was made from.
Spec: `docs/schema.md`, PDF; `docs/pdf.md`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from transcript_core.errors import InputError, UnsupportedSchema
from transcript_core.model import IssueInfo, Transcript
from transcript_core.pki.path import PathOutcome
from transcript_core.render import render_first_revision
from transcript_core.xml import build_info
from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate, not_checked
from verify.examination import Context, Examination
from verify.report import Finding, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "pdf.picture"
RULE: Final = Rule(NAME, "Hình ảnh học bạ đúng với dữ liệu.", "The pages show what the data say.")

_RELEASE: Final = re.compile(rb"/Creator\(Typst [0-9.]{1,16}\)")


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the pages are those that were issued, and those that the data make."""
    return conclude(RULE, _judge(examination))


def _judge(examination: Examination) -> Verdict:
    pdf, xml = examination.pdf, examination.xml
    if pdf is None or not examination.is_transcript_file:
        return NOT_APPLICABLE
    if xml is None or xml.issue is None or xml.transcript is None or xml.issue.pdf_sha256 is None:
        return not_checked(
            "Chưa đối chiếu hình ảnh với dữ liệu; cần tệp XML gốc.",
            "The pages were not compared with the data; that needs the original XML file.",
        )
    if xml.issue.pdf_sha256 != pdf.signed.first_revision_sha256:
        return failed(
            "Hình ảnh học bạ không phải bản đã được phát hành.",
            "The pages are not those that were issued.",
            SubIndication.HASH_FAILURE,
        )
    if not all(map(_is_trustworthy, examination.list_signatures(SignatureFormatName.XADES))):
        return not_checked(
            "Chưa dựng lại hình ảnh, vì chữ ký của tệp XML chưa được xác nhận.",
            "The pages were not made again, because the XML's signatures are not confirmed.",
        )
    return _compare(xml.transcript, xml.issue, pdf.octets)


def _is_trustworthy(signature: ExaminedSignature) -> bool:
    """Return whether a stranger cannot have made this signature: typesetting is not done for everybody."""
    path = signature.path
    return signature.facts.intact is True and path is not None and path.outcome is PathOutcome.VALID


def _compare(transcript: Transcript, issue: IssueInfo, pdf: bytes) -> Verdict:
    """Make the picture again and compare; `issue` names its digest, which was found right already."""
    try:
        made = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    except (InputError, UnsupportedSchema):
        return not_checked(
            "Chưa dựng lại hình ảnh: mẫu học bạ này không có ở đây.",
            "The pages were not made again: this template is not known here.",
        )
    if hashlib.sha256(made).digest() == issue.pdf_sha256:
        return PASSED
    release = _RELEASE.search(made)
    if release is None or release[0] not in pdf:
        return not_checked(
            "Chưa dựng lại hình ảnh: tệp được tạo bằng phiên bản phần mềm khác.",
            "The pages were not made again: another release of the software made them.",
        )
    return indeterminate(
        "Hình ảnh khác với bản dựng lại từ dữ liệu đã ký. Chỉ dùng dữ liệu trong tệp XML.",
        "The pages are not those that the signed data make. Rely on the XML's data only.",
        SubIndication.CUSTOM,
    )
