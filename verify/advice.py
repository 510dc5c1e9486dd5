"""What the reader of a report should do next: whole sentences for parents and schools, Vietnamese and English.

The rule: what failed decides alone; else what is open is named; a pass says what it is worth, and no more.
"""

from __future__ import annotations

from typing import Final

from verify.report import INTERNAL_ERROR, DocumentKind, FindingOutcome, Outcome, Report
from verify.words import Language, pick

_Text = tuple[str, str]

_PASSED: Final = (
    "Học bạ hợp lệ và nội dung còn nguyên vẹn. Hãy giữ đúng tệp này: bản in hay ảnh chụp không thay được tệp đã ký.",
    "The transcript is valid and unchanged. Keep this very file: a print or a photograph cannot stand in for it.",
)
_PASSED_RECALL: Final = (
    "Đây là văn bản thu hồi hợp lệ của nhà trường: học bạ nêu trong đó không còn giá trị.",
    "This is a valid recall by the school: the transcript that it names is no longer valid.",
)
_PASSED_SUPERSEDED: Final = (
    "Chữ ký hợp lệ, nhưng phiên bản này đã được thay thế. Hãy đề nghị nhà trường cung cấp {version}.",
    "The signatures are valid, but this version was replaced. Ask the school for {version}.",
)
_PASSED_OTHER: Final = (
    "Các chữ ký trong tệp hợp lệ và tệp còn nguyên vẹn. Nội dung của tệp không được xem xét.",
    "The signatures in the file are valid and the file is unchanged. What it says was not judged.",
)
_DEVELOPMENT: Final = (
    (
        "Chữ ký đúng về kĩ thuật nhưng dùng chứng thư thử nghiệm, không có giá trị pháp lý: "
        "không dùng tệp này làm học bạ thật."
    ),
    (
        "The signatures are technically right but made with test certificates, which have no legal value: "
        "do not use this file as a real transcript."
    ),
)
_BROKE_DOWN: Final = (
    "Hệ thống gặp lỗi nên chưa kiểm tra xong tệp này. Hãy thử lại sau, hoặc hỏi nhà trường.",
    "Something went wrong here, so this file was not verified to the end. Try again later, or ask the school.",
)
_ANY: Final = (
    "Không sử dụng tệp này. Hãy đề nghị nhà trường cung cấp tệp học bạ gốc.",
    "Do not rely on this file. Ask the school for the original file.",
)
_WRONG_FILE: Final = (
    "Hãy chọn đúng tệp XML, PDF hoặc JSON đã ký mà nhà trường cung cấp.",
    "Choose the signed XML, PDF or JSON file as the school gave it.",
)
_CHANGED: Final = (
    "Tệp đã bị sửa hoặc bị hỏng, không được sử dụng. Hãy đề nghị nhà trường cung cấp tệp gốc.",
    "The file was changed or damaged: do not rely on it. Ask the school for the original.",
)
_UNSIGNED: Final = (
    (
        "Không có chữ ký số nào đọc được trong tệp, nên tệp không chứng minh được điều gì. "
        "Hãy đề nghị nhà trường cung cấp tệp đã ký."
    ),
    "The file holds no signature that can be read, so it proves nothing. Ask the school for the signed file.",
)
_INCOMPLETE: Final = (
    "Học bạ chưa được ký đủ nên chưa có giá trị. Hãy chờ nhà trường phát hành hoặc hỏi nhà trường.",
    "The transcript is not fully signed and not yet valid. Wait until the school issues it, or ask the school.",
)
_NOT_ENTITLED: Final = (
    (
        "Có người ký không đúng thẩm quyền. Không sử dụng tệp này; "
        "hãy hỏi nhà trường hoặc sở giáo dục và đào tạo để xác minh."
    ),
    "Somebody signed who was not entitled to. Do not rely on this file; ask the school or the department of education.",
)
_RECALLED: Final = (
    "Nhà trường đã thu hồi học bạ này nên tệp không còn giá trị. Hãy hỏi nhà trường về việc thu hồi.",
    "The school has recalled this transcript, so the file is no longer valid. Ask the school about the recall.",
)
_SUPERSEDED: Final = (
    "Học bạ này đã có phiên bản mới nên tệp không còn giá trị. Hãy đề nghị nhà trường cung cấp {version}.",
    "There is a newer version of this transcript, so this file no longer counts. Ask the school for {version}.",
)
_OTHER_VERSION: Final = (
    "Tệp này không phải phiên bản học bạ được hỏi. Hãy chọn đúng tệp, hoặc hỏi nhà trường.",
    "This file is not the version that was asked for. Choose the right file, or ask the school.",
)
_SUSPENDED: Final = (
    "Học bạ đang tạm ngừng hiệu lực. Hãy hỏi nhà trường trước khi sử dụng.",
    "The transcript is suspended. Ask the school before relying on it.",
)
_UNKNOWN: Final = (
    "Không tìm thấy học bạ này trong dữ liệu tra cứu. Chưa nên sử dụng tệp; hãy hỏi nhà trường đã cấp.",
    "This transcript is not in the records that were asked. Do not rely on the file yet; ask the school that gave it.",
)
_NO_STATUS: Final = (
    "Chưa biết học bạ còn hiệu lực hay đã bị thay thế, thu hồi. Hãy quét mã QR in trên học bạ để tra cứu.",
    "It is not known whether the transcript is current, replaced or recalled. Scan the QR code printed on it.",
)
_UNTRUSTED: Final = (
    (
        "Chưa xác nhận được ai đã ký, vì chứng thư số không dẫn đến tổ chức chứng thực nào được tin cậy ở đây. "
        "Chưa nên sử dụng tệp này; hãy hỏi nhà trường."
    ),
    (
        "It is not known who signed, because a certificate leads to no authority that is trusted here. "
        "Do not rely on this file yet; ask the school."
    ),
)
_NO_AUTHORITY: Final = (
    "Chưa biết người ký có đúng thẩm quyền, vì không có danh sách của sở giáo dục và đào tạo.",
    "It is not known whether the signers were entitled, because the department's list is not at hand.",
)
_TRY_LATER: Final = (
    "Thiếu thông tin thu hồi chứng thư hoặc dấu thời gian. Hãy kiểm tra lại sau hoặc hỏi nhà trường.",
    "Revocation data or a timestamp is missing. Verify again later, or ask the school.",
)
_NEED_XML: Final = (
    "Hãy kiểm tra cùng với tệp XML gốc của học bạ.",
    "Verify it together with the transcript's original XML file.",
)
_NOT_OURS: Final = (
    "Đây không phải học bạ số; nội dung của tệp không được xem xét.",
    "This is not a digital transcript; what the file says was not judged.",
)

_FAILED: Final[tuple[tuple[frozenset[str], _Text], ...]] = (
    (frozenset({"document.type"}), _WRONG_FILE),
    (
        frozenset(
            {
                "document.structure",
                "document.identifiers",
                "document.hidden-content",
                "document.parts",
                "signature.references",
                "signature.value",
                "signature.form",
                "pdf.revisions",
                "pdf.content",
                "pdf.picture",
                "json.content",
            }
        ),
        _CHANGED,
    ),
    (frozenset({"slots.complete"}), _INCOMPLETE),
    (
        frozenset(
            {
                "authority",
                "authority.office",
                "authority.school",
                "authority.class",
                "authority.subject",
                "authority.delegation",
                "slots.signers",
            }
        ),
        _NOT_ENTITLED,
    ),
)
_OPEN: Final[tuple[tuple[frozenset[str], _Text], ...]] = (
    (frozenset({"certificate.path", "trust.world"}), _UNTRUSTED),
    (frozenset({"authority"}), _NO_AUTHORITY),
    (frozenset({"certificate.revocation", "time.timestamps"}), _TRY_LATER),
    (frozenset({"slots.complete"}), _NEED_XML),
    (frozenset({"document.type"}), _NOT_OURS),
)
"""Checks that answered so, and what to say then."""

_UNREADABLE: Final = frozenset({"document.type", "document.structure", "document.identifiers"})
"""Checks that fail when a file is not read far enough to find its signatures."""


def list_advice(report: Report, language: Language = "vi") -> list[str]:
    """Return what the reader should do next, a sentence or two each; never empty."""
    version = pick(_name_version(report.document.superseded_by), language)
    return [pick(text, language).format(version=version) for text in dict.fromkeys(_list_texts(report))]


def _name_version(number: int | None) -> _Text:
    return ("phiên bản mới", "the newer version") if number is None else (f"phiên bản {number}", f"version {number}")


def _list_texts(report: Report) -> list[_Text]:
    if report.outcome is Outcome.PASSED:
        return _list_passed(report)
    failed = {finding.check for finding in report.findings if finding.outcome is FindingOutcome.FAILED}
    if any(finding.check == INTERNAL_ERROR for finding in report.findings):
        return [_BROKE_DOWN]
    if not report.signatures and not failed & _UNREADABLE:
        return [_UNSIGNED]
    if report.outcome is Outcome.FAILED:
        return _list_failed(report, failed) or [_ANY]
    return _list_open(report) or [_ANY]


def _list_passed(report: Report) -> list[_Text]:
    if report.has_development_anchor:
        return [_DEVELOPMENT]
    if report.document.kind is DocumentKind.RECALL_XML:
        return [_PASSED_RECALL]
    if report.document.kind in {DocumentKind.OTHER_XML, DocumentKind.OTHER_PDF}:
        return [_PASSED_OTHER]
    return [_PASSED_SUPERSEDED if report.document.status == "superseded" else _PASSED]


def _list_failed(report: Report, failed: set[str]) -> list[_Text]:
    found = [text for checks, text in _FAILED if checks & failed]
    if "status" in failed:
        outdated = {"recalled": _RECALLED, "superseded": _SUPERSEDED}
        found.append(outdated.get(report.document.status or "", _OTHER_VERSION))
    return found


def _list_open(report: Report) -> list[_Text]:
    open_checks = set(report.unanswered) | {
        finding.check for finding in report.findings if finding.outcome is FindingOutcome.INDETERMINATE
    }
    found = [text for checks, text in _OPEN if checks & open_checks]
    if _UNTRUSTED in found:  # the rest of what is open follows from it
        found = [text for text in found if text not in {_NO_AUTHORITY, _TRY_LATER}]
    if "status" in open_checks:
        doubts = {"suspended": _SUSPENDED, "unknown": _UNKNOWN}
        found.append(doubts.get(report.document.status or "", _NO_STATUS))
    return found
