"""What a report means for its reader and what to do next: whole sentences for parents and schools, in two languages.

The rule: what failed decides alone; else what is open is named; a pass says what it is worth, and no more.  No sentence
blames anybody: a file is changed, missing something or out of date, and somebody can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from verify.report import INTERNAL_ERROR, DocumentKind, FindingOutcome, Outcome, Report
from verify.words import Language, pick

_Text: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Case:
    """What happened, and what to do then; Vietnamese and English."""

    meaning: _Text
    action: _Text


@dataclass(frozen=True, slots=True)
class Advice:
    """One case in the reader's language."""

    meaning: str  # what happened and what it means
    action: str  # what to do next and whom to ask


_PASSED: Final = _Case(
    (
        "Học bạ do nhà trường phát hành, đủ chữ ký, đang còn hiệu lực và chưa bị sửa chữ nào.",
        "The school issued this transcript; it is fully signed, current and unchanged.",
    ),
    (
        "Hãy giữ đúng tệp này và gửi chính tệp này khi cần: bản in hay ảnh chụp không thay được tệp đã ký.",
        "Keep this very file and send it when asked: a print or a photograph cannot stand in for it.",
    ),
)
_PASSED_RECALL: Final = _Case(
    (
        "Đây là văn bản thu hồi hợp lệ của nhà trường: học bạ nêu trong đó không còn giá trị.",
        "This is a valid recall by the school: the transcript that it names is no longer valid.",
    ),
    ("Hãy hỏi nhà trường về học bạ thay thế, nếu có.", "Ask the school whether another transcript takes its place."),
)
_PASSED_SUPERSEDED: Final = _Case(
    (
        "Chữ ký hợp lệ, nhưng phiên bản này đã được thay thế: nội dung có thể không còn đúng.",
        "The signatures are valid, but this version was replaced: what it says may no longer be right.",
    ),
    ("Hãy đề nghị nhà trường cung cấp {version}.", "Ask the school for {version}."),
)
_PASSED_OTHER: Final = _Case(
    (
        "Các chữ ký trong tệp hợp lệ và những gì được ký còn nguyên vẹn. Nội dung của tệp không được xem xét.",
        "The signatures in the file are valid and what they sign is unchanged. What it says was not judged.",
    ),
    (
        "Hãy tự xem người ký có phải là người bạn chờ đợi không.",
        "See for yourself whether the signer is the one you expect.",
    ),
)
_DEVELOPMENT: Final = _Case(
    (
        "Chữ ký đúng về kĩ thuật nhưng dùng chứng thư thử nghiệm, không có giá trị pháp lý.",
        "The signatures are technically right but made with test certificates, which have no legal value.",
    ),
    ("Không dùng tệp này làm giấy tờ thật.", "Do not use this file as a real document."),
)
_UNSTAMPED: Final = _Case(
    (
        (
            "Con dấu của nhà trường chưa kèm dấu thời gian: hôm nay kiểm tra được, nhưng khi chứng thư hết hạn "
            "sẽ không còn chứng minh được học bạ đã ký từ trước."
        ),
        (
            "The school's seal has no timestamp yet: it can be verified today, but once its certificate has expired "
            "nothing proves that it was signed before."
        ),
    ),
    (
        "Hãy đề nghị nhà trường bổ sung dấu thời gian và nhận lại tệp; chữ ký và nội dung giữ nguyên.",
        "Ask the school to add a timestamp and to give you the file again; signatures and content stay the same.",
    ),
)
_BROKE_DOWN: Final = _Case(
    (
        "Hệ thống gặp lỗi nên chưa kiểm tra xong tệp này. Đây không phải là kết luận về tệp.",
        "Something went wrong here, so this file was not verified to the end. This says nothing about the file.",
    ),
    ("Hãy thử lại sau, hoặc hỏi nhà trường.", "Try again later, or ask the school."),
)
_ANY_FAILED: Final = _Case(
    (
        "Có chữ ký hoặc chứng thư không đạt yêu cầu, nên tệp này không được công nhận.",
        "A signature or certificate does not meet the requirements, so this file is not accepted.",
    ),
    (
        "Không sử dụng tệp này. Hãy đề nghị nhà trường cung cấp tệp học bạ gốc.",
        "Do not rely on this file. Ask the school for the original file.",
    ),
)
_ANY_OPEN: Final = _Case(
    (
        "Còn điều chưa kiểm tra được, nên chưa thể nói tệp này có giá trị hay không.",
        "Something could not be checked, so it cannot be said whether this file is valid.",
    ),
    (
        "Chưa nên sử dụng tệp này; hãy hỏi nhà trường.",
        "Do not rely on this file yet; ask the school.",
    ),
)
_WRONG_FILE: Final = _Case(
    (
        "Tệp này không đọc được như một tệp học bạ số.",
        "This file cannot be read as a digital transcript.",
    ),
    (
        "Hãy chọn đúng tệp XML, PDF hoặc JSON đã ký mà nhà trường cung cấp.",
        "Choose the signed XML, PDF or JSON file as the school gave it.",
    ),
)
_CHANGED: Final = _Case(
    (
        "Tệp này không còn đúng như khi được ký: đã bị sửa hoặc bị hỏng.",
        "This file is not what was signed: it was changed or damaged.",
    ),
    (
        (
            "Không sử dụng tệp này. Hãy đề nghị nhà trường cung cấp tệp gốc; "
            "nếu nhận tệp từ người khác, hãy báo cho nhà trường."
        ),
        "Do not rely on it. Ask the school for the original; if somebody else gave it to you, tell the school.",
    ),
)
_UNSIGNED: Final = _Case(
    (
        "Không có chữ ký số nào đọc được trong tệp, nên tệp không chứng minh được điều gì.",
        "The file holds no signature that can be read, so it proves nothing.",
    ),
    ("Hãy đề nghị nhà trường cung cấp tệp đã ký.", "Ask the school for the signed file."),
)
_INCOMPLETE: Final = _Case(
    (
        "Học bạ chưa được ký đủ nên chưa có giá trị.",
        "The transcript is not fully signed and not yet valid.",
    ),
    (
        "Hãy chờ nhà trường phát hành, hoặc hỏi nhà trường.",
        "Wait until the school issues it, or ask the school.",
    ),
)
_NOT_ENTITLED: Final = _Case(
    (
        "Có người ký không đúng thẩm quyền theo danh sách của sở giáo dục và đào tạo.",
        "Somebody signed who was not entitled to, by the department of education's list.",
    ),
    (
        "Không sử dụng tệp này; hãy hỏi nhà trường hoặc sở giáo dục và đào tạo để xác minh.",
        "Do not rely on this file; ask the school or the department of education.",
    ),
)
_RECALLED: Final = _Case(
    (
        "Nhà trường đã thu hồi học bạ này nên tệp không còn giá trị.",
        "The school has recalled this transcript, so the file is no longer valid.",
    ),
    ("Hãy hỏi nhà trường về việc thu hồi.", "Ask the school about the recall."),
)
_SUPERSEDED: Final = _Case(
    (
        "Học bạ này đã có phiên bản mới, nên không dùng tệp này nữa.",
        "There is a newer version of this transcript, so this file is no longer to be used.",
    ),
    ("Hãy đề nghị nhà trường cung cấp {version}.", "Ask the school for {version}."),
)
_OTHER_VERSION: Final = _Case(
    (
        "Tệp này không phải phiên bản học bạ được hỏi.",
        "This file is not the version that was asked for.",
    ),
    ("Hãy chọn đúng tệp, hoặc hỏi nhà trường.", "Choose the right file, or ask the school."),
)
_SUSPENDED: Final = _Case(
    ("Học bạ đang tạm ngừng hiệu lực.", "The transcript is suspended."),
    ("Hãy hỏi nhà trường trước khi sử dụng.", "Ask the school before relying on it."),
)
_UNKNOWN: Final = _Case(
    (
        "Không tìm thấy học bạ này trong dữ liệu tra cứu.",
        "This transcript is not in the records that were asked.",
    ),
    (
        "Chưa nên sử dụng tệp; hãy hỏi nhà trường đã cấp.",
        "Do not rely on the file yet; ask the school that gave it.",
    ),
)
_NO_STATUS: Final = _Case(
    (
        "Chưa biết học bạ còn hiệu lực hay đã bị thay thế, thu hồi.",
        "It is not known whether the transcript is current, replaced or recalled.",
    ),
    ("Hãy quét mã QR in trên học bạ để tra cứu.", "Scan the QR code printed on it to look it up."),
)
_UNTRUSTED: Final = _Case(
    (
        (
            "Chưa xác nhận được ai đã ký: chứng thư số không dẫn đến tổ chức chứng thực nào được tin cậy ở đây. "
            "Có thể nơi kiểm tra còn thiếu chứng thư gốc, cũng có thể người ký không phải người của nhà trường."
        ),
        (
            "It is not known who signed: a certificate leads to no authority that is trusted here. "
            "A root certificate may be missing where this was checked, or the signer may not belong to the school."
        ),
    ),
    (
        "Chưa nên sử dụng tệp này; hãy kiểm tra ở trang của nhà trường, hoặc hỏi nhà trường.",
        "Do not rely on this file yet; check it on the school's page, or ask the school.",
    ),
)
_NO_AUTHORITY: Final = _Case(
    (
        "Chưa biết người ký có đúng thẩm quyền, vì không có danh sách của sở giáo dục và đào tạo.",
        "It is not known whether the signers were entitled, because the department's list is not at hand.",
    ),
    (
        "Hãy kiểm tra ở trang của nhà trường hoặc của sở giáo dục và đào tạo.",
        "Check it on the page of the school or of the department of education.",
    ),
)
_TRY_LATER: Final = _Case(
    (
        "Thiếu thông tin về thu hồi chứng thư hoặc dấu thời gian.",
        "Revocation data or a timestamp is missing.",
    ),
    ("Hãy kiểm tra lại sau, hoặc hỏi nhà trường.", "Verify again later, or ask the school."),
)
_NEED_XML: Final = _Case(
    (
        "Tệp này không chứa đủ chữ ký của học bạ; chữ ký còn lại nằm trong tệp XML gốc.",
        "This file does not hold all signatures of the transcript; the others are in its original XML file.",
    ),
    (
        "Hãy kiểm tra cùng với tệp XML gốc của học bạ.",
        "Verify it together with the transcript's original XML file.",
    ),
)
_NOT_OURS: Final = _Case(
    (
        "Đây không phải học bạ số; nội dung của tệp không được xem xét.",
        "This is not a digital transcript; what the file says was not judged.",
    ),
    (
        "Nếu cần học bạ, hãy đề nghị nhà trường cung cấp tệp học bạ số.",
        "If you need a transcript, ask the school for the digital one.",
    ),
)

_SHOWS_OTHERWISE: Final = _Case(
    (
        "Ô chữ ký hoặc mã QR trên trang hiển thị khác với những gì đã được ký.",
        "A signature field or the QR code on the pages shows something else than what was signed.",
    ),
    (
        "Không tin vào trang in hay mã QR của tệp này. Hãy đề nghị nhà trường cung cấp tệp gốc.",
        "Do not rely on the pages or the QR code of this file. Ask the school for the original.",
    ),
)
_PARTLY_SIGNED: Final = _Case(
    (
        "Tệp có nội dung không được ai ký: phần đó ai cũng có thể thêm hoặc sửa.",
        "The file says things that nobody signed: anybody can have added or changed them.",
    ),
    (
        "Chỉ tin những phần được ký; các phần không được ký nêu ở mục lưu ý.",
        "Rely on what is signed only; the points to note name what is not.",
    ),
)
_SHOWS_UNKNOWN: Final = _Case(
    (
        "Hình hiển thị của chữ ký do phiên bản phần mềm khác vẽ, nên không đối chiếu được với những gì đã ký.",
        "What a signature shows was drawn by another release of the software and cannot be compared.",
    ),
    (
        "Hãy kiểm tra tệp XML gốc, hoặc kiểm tra bằng phần mềm mới nhất.",
        "Verify the original XML file, or verify with the newest software.",
    ),
)

_FAILED: Final[tuple[tuple[frozenset[str], _Case], ...]] = (
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
                "container.files",
            }
        ),
        _CHANGED,
    ),
    (frozenset({"pdf.appearances"}), _SHOWS_OTHERWISE),
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
_OPEN: Final[tuple[tuple[frozenset[str], _Case], ...]] = (
    (frozenset({"trust.world"}), _UNTRUSTED),
    (frozenset({"slots.complete"}), _NEED_XML),
    (frozenset({"pdf.appearances"}), _SHOWS_UNKNOWN),
    (frozenset({"content.signed", "container.files"}), _PARTLY_SIGNED),
    (frozenset({"authority"}), _NO_AUTHORITY),
    (frozenset({"certificate.revocation", "certificate.path", "time.timestamps"}), _TRY_LATER),
    (frozenset({"document.type"}), _NOT_OURS),
)
"""Checks that answered so, and what to say then."""

_UNREADABLE: Final = frozenset({"document.type", "document.structure", "document.identifiers"})
"""Checks that fail when a file is not read far enough to find its signatures."""

_SEAL_SLOT: Final = "ky-phat-hanh"
_OTHER_KINDS: Final = frozenset({DocumentKind.OTHER_XML, DocumentKind.OTHER_PDF, DocumentKind.CONTAINER})


def list_cases(report: Report, language: Language = "vi") -> list[Advice]:
    """Return what happened and what to do about it, most important first; never empty."""
    version = pick(_name_version(report.document.superseded_by), language)
    return [
        Advice(
            pick(case.meaning, language).format(version=version), pick(case.action, language).format(version=version)
        )
        for case in dict.fromkeys(_list_cases(report))
    ]


def list_advice(report: Report, language: Language = "vi") -> list[str]:
    """Return the same as one paragraph for each case."""
    return [f"{case.meaning} {case.action}" for case in list_cases(report, language)]


def _name_version(number: int | None) -> _Text:
    return ("phiên bản mới", "the newer version") if number is None else (f"phiên bản {number}", f"version {number}")


def _list_cases(report: Report) -> list[_Case]:
    if report.outcome is Outcome.PASSED:
        return _list_passed(report)
    failed = {finding.check for finding in report.findings if finding.outcome is FindingOutcome.FAILED}
    if any(finding.check == INTERNAL_ERROR for finding in report.findings):
        return [_BROKE_DOWN]
    if not report.signatures and not failed & _UNREADABLE:
        return [_UNSIGNED]
    if report.outcome is Outcome.FAILED:
        return _list_failed(report, failed) or [_ANY_FAILED]
    return _list_open(report) or [_ANY_OPEN]


def _list_passed(report: Report) -> list[_Case]:
    if report.has_development_anchor:
        return [_DEVELOPMENT]
    if report.document.kind is DocumentKind.RECALL_XML:
        return [_PASSED_RECALL]
    if report.document.kind in _OTHER_KINDS:
        return [_PASSED_OTHER]
    passed = _PASSED_SUPERSEDED if report.document.status == "superseded" else _PASSED
    return [passed, _UNSTAMPED] if _lacks_timestamp(report) else [passed]


def _lacks_timestamp(report: Report) -> bool:
    return any(one.slot == _SEAL_SLOT and one.proven_time is None for one in report.signatures)


def _list_failed(report: Report, failed: set[str]) -> list[_Case]:
    found = [case for checks, case in _FAILED if checks & failed]
    if _CHANGED in found:  # what is missing or out of place follows from it
        found = [case for case in found if case not in {_INCOMPLETE, _NOT_ENTITLED}]
    if "status" in failed:
        outdated = {"recalled": _RECALLED, "superseded": _SUPERSEDED}
        found.append(outdated.get(report.document.status or "", _OTHER_VERSION))
    return found


def _list_open(report: Report) -> list[_Case]:
    open_checks = set(report.unanswered) | {
        finding.check for finding in report.findings if finding.outcome is FindingOutcome.INDETERMINATE
    }
    found = [case for checks, case in _OPEN if checks & open_checks]
    if report.document.kind is DocumentKind.TRANSCRIPT_JWS and _NEED_XML in found:
        return [_NEED_XML]  # a JWS carries no evidence, and only the XML has what is missing
    if _UNTRUSTED in found:  # the rest of what is open follows from it
        found = [case for case in found if case not in {_NO_AUTHORITY, _TRY_LATER}]
    if "status" in open_checks and report.document.kind not in _OTHER_KINDS:
        doubts = {"suspended": _SUSPENDED, "unknown": _UNKNOWN}
        found.append(doubts.get(report.document.status or "", _NO_STATUS))
    return found
