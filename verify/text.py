"""The report in words, for parents and schools: Vietnamese and English.

First the answer, then the nine criteria of TT 15/2025 Annex II with passed, failed or not checked, then slot by slot,
then everything that did not pass, and last what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from transcript_core.clock import VIETNAM_TIME
from verify.criteria import CRITERIA
from verify.report import Criterion, FindingOutcome, Outcome, Report, SignatureReport, find_worst

Language = Literal["vi", "en"]

_OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.PASSED: ("HỢP LỆ", "VALID"),
    Outcome.INDETERMINATE: ("CHƯA XÁC ĐỊNH ĐƯỢC", "COULD NOT BE DETERMINED"),
    Outcome.FAILED: ("KHÔNG HỢP LỆ", "NOT VALID"),
}
_FINDINGS: Final[Mapping[FindingOutcome, tuple[str, str]]] = {
    FindingOutcome.PASSED: ("đạt", "passed"),
    FindingOutcome.FAILED: ("không đạt", "failed"),
    FindingOutcome.INDETERMINATE: ("chưa xác định được", "indeterminate"),
    FindingOutcome.NOT_CHECKED: ("chưa kiểm tra", "not checked"),
    FindingOutcome.NOT_APPLICABLE: ("không áp dụng", "not applicable"),
}
_STATUSES: Final[Mapping[str | None, tuple[str, str]]] = {
    None: ("chưa kiểm tra", "not checked"),
    "valid": ("đang có giá trị", "current"),
    "superseded": ("đã được thay thế", "replaced"),
    "recalled": ("đã bị thu hồi", "recalled"),
    "suspended": ("đang tạm dừng sử dụng", "suspended"),
    "unknown": ("không rõ", "unknown"),
}
_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("KẾT QUẢ KIỂM TRA", "RESULT OF VERIFICATION"),
    "serial": ("Số hiệu", "Serial"),
    "version": ("phiên bản", "version"),
    "status": ("Tình trạng", "Status"),
    "digest": ("Mã băm của tệp (SHA-256)", "SHA-256 of the file"),
    "criteria": (
        "Chín tiêu chí kiểm tra chữ ký số (TT 15/2025/TT-BKHCN, Phụ lục II)",
        "The nine criteria for signatures (TT 15/2025/TT-BKHCN, Annex II)",
    ),
    "signatures": ("Các chữ ký", "Signatures"),
    "nobody": ("không rõ người ký", "unknown signer"),
    "signed": ("ký lúc", "signed at"),
    "proven": ("có dấu thời gian chứng minh trước", "proven by timestamp before"),
    "findings": ("Những điểm cần lưu ý", "Points to note"),
    "advice": ("Nên làm gì tiếp theo", "What to do next"),
}


def render(report: Report, language: Language = "vi") -> str:
    """Return the report as plain text, lines ended by "\\n"."""
    blocks = [
        _render_head(report, language),
        _render_block("criteria", _list_criteria(report, language), language),
        _render_block("signatures", [_render_signature(one, language) for one in report.signatures], language),
        _render_block("findings", _list_findings(report, language), language),
        _render_block("advice", list_advice(report, language), language),
    ]
    return "\n".join(block for block in blocks if block)


def judge_criterion(report: Report, criterion: Criterion) -> FindingOutcome:
    """Return the worst answer to one criterion; "not checked" when no check spoke to it."""
    answers = (finding.outcome for finding in report.findings if finding.criterion is criterion)
    return find_worst(answers) or FindingOutcome.NOT_CHECKED


def list_advice(report: Report, language: Language = "vi") -> list[str]:
    """Return what the reader should do next, a sentence each; never empty."""
    return [_pick(text, language) for text in _list_advice(report)]


def _list_advice(report: Report) -> list[tuple[str, str]]:
    failed = {finding.check for finding in report.findings if finding.outcome is FindingOutcome.FAILED}
    open_checks = set(report.unanswered) | {
        finding.check for finding in report.findings if finding.outcome is FindingOutcome.INDETERMINATE
    }
    found = [text for checks, text in _ADVICE_FAILED if checks & failed]
    if report.outcome is not Outcome.FAILED:
        found += [text for checks, text in _ADVICE_OPEN if checks & open_checks]
    if report.outcome is Outcome.PASSED:
        found.append(_ADVICE_PASSED)
    return list(dict.fromkeys(found)) or [_ADVICE_ANY]


_ADVICE_PASSED: Final = (
    "Có thể sử dụng nội dung của tệp này. Hãy giữ lại đúng tệp này, không phải bản in hay ảnh chụp.",
    "The content of this file may be relied on. Keep this very file, not a print or a photograph of it.",
)
_ADVICE_ANY: Final = (
    "Không sử dụng tệp này. Hãy đề nghị nhà trường cung cấp tệp học bạ gốc.",
    "Do not rely on this file. Ask the school for the original file.",
)
_ADVICE_FAILED: Final = (
    (
        frozenset({"document.type"}),
        (
            "Hãy chọn đúng tệp XML hoặc PDF của học bạ số do nhà trường cung cấp.",
            "Choose the XML or PDF file of the transcript as the school gave it.",
        ),
    ),
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
        (
            "Tệp đã bị thay đổi hoặc bị hỏng, không được sử dụng. Hãy lấy lại tệp gốc từ nhà trường.",
            "The file was changed or damaged: do not rely on it. Get the original from the school.",
        ),
    ),
    (
        frozenset({"slots.complete"}),
        (
            "Học bạ chưa được ký đủ, chưa có giá trị. Hãy chờ nhà trường phát hành.",
            "The transcript is not fully signed and not yet valid. Wait until the school issues it.",
        ),
    ),
    (
        frozenset({"authority", "slots.signers"}),
        (
            "Có người ký không đúng thẩm quyền. Hãy liên hệ nhà trường hoặc sở giáo dục và đào tạo để xác minh.",
            "Somebody signed who was not entitled to. Ask the school or the department of education.",
        ),
    ),
    (
        frozenset({"status"}),
        (
            "Tệp này không còn giá trị. Hãy đề nghị nhà trường cung cấp phiên bản hiện hành.",
            "This file is no longer current. Ask the school for the current version.",
        ),
    ),
)
_ADVICE_OPEN: Final = (
    (
        frozenset({"certificate.path", "trust.world"}),
        (
            "Cần cấu hình chứng thư gốc được tin cậy (--anchors) để biết người ký là ai.",
            "Configure trusted root certificates (--anchors), so that it can be told who signed.",
        ),
    ),
    (
        frozenset({"authority"}),
        (
            "Cần danh sách thẩm quyền của sở giáo dục và đào tạo (--authority).",
            "The department's authority list is needed (--authority).",
        ),
    ),
    (
        frozenset({"status"}),
        (
            "Cần tra cứu tình trạng học bạ: quét mã QR, hoặc dùng tệp trạng thái mới nhất (--status).",
            "Look the transcript's status up: scan the QR code, or use the newest status file (--status).",
        ),
    ),
    (
        frozenset({"certificate.revocation", "time.timestamps"}),
        (
            "Thiếu thông tin thu hồi hoặc dấu thời gian. Hãy kiểm tra lại sau hoặc hỏi nhà trường.",
            "Revocation data or a timestamp is missing. Verify again later or ask the school.",
        ),
    ),
    (
        frozenset({"slots.complete"}),
        (
            "Hãy kiểm tra cùng với tệp XML gốc của học bạ.",
            "Verify it together with the transcript's original XML file.",
        ),
    ),
    (
        frozenset({"document.type"}),
        (
            "Đây không phải học bạ số; nội dung của tệp không được kiểm tra.",
            "This is not a digital transcript; what the file says was not judged.",
        ),
    ),
)


def _pick(texts: tuple[str, str], language: Language) -> str:
    return texts[0] if language == "vi" else texts[1]


def _heading(name: str, language: Language) -> str:
    return _pick(_HEADINGS[name], language)


def _render_head(report: Report, language: Language) -> str:
    document = report.document
    reason = "" if report.sub_indication is None else f", {report.sub_indication.value}"
    lines = [
        f"{_heading('title', language)}: {_pick(_OUTCOMES[report.outcome], language)} ({report.outcome.value}{reason})"
    ]
    if document.serial is not None:
        version = f"{_heading('version', language)} {document.version}"
        lines.append(f"{_heading('serial', language)}: {document.serial}, {version}")
    status = _pick(_STATUSES.get(document.status, _STATUSES["unknown"]), language)
    as_of = "" if document.status_as_of is None else f" ({_time(document.status_as_of)})"
    lines.append(f"{_heading('status', language)}: {status}{as_of}")
    lines.append(f"{_heading('digest', language)}: {document.sha256.hex()}")
    return "\n".join(lines) + "\n"


def _render_block(heading: str, lines: list[str], language: Language) -> str:
    if not lines:
        return ""
    return f"{_heading(heading, language)}:\n" + "".join(f"  - {line}\n" for line in lines)


def _list_criteria(report: Report, language: Language) -> list[str]:
    return [
        f"{criterion.value} {_pick(texts, language)}: {_pick(_FINDINGS[judge_criterion(report, criterion)], language)}"
        for criterion, texts in CRITERIA.items()
    ]


def _render_signature(signature: SignatureReport, language: Language) -> str:
    parts = [
        f"{signature.slot or '-'} [{signature.format} {signature.level}]",
        signature.signer or _heading("nobody", language),
    ]
    if signature.signed_at is not None:
        parts.append(f"{_heading('signed', language)} {_time(signature.signed_at)}")
    if signature.proven_time is not None:
        parts.append(f"{_heading('proven', language)} {_time(signature.proven_time)}")
    reason = "" if signature.sub_indication is None else f" ({signature.sub_indication.value})"
    return f"{', '.join(parts)}: {_pick(_OUTCOMES[signature.outcome], language)}{reason}"


def _list_findings(report: Report, language: Language) -> list[str]:
    told = [one for one in report.findings if one.outcome not in _QUIET or one.check == "trust.world"]
    return [
        f"[{_pick(_FINDINGS[one.outcome], language)}] {one.text_vi if language == 'vi' else one.text_en}"
        for one in told
    ]


_QUIET: Final = frozenset({FindingOutcome.PASSED, FindingOutcome.NOT_APPLICABLE})


def _time(value: datetime) -> str:
    return value.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S")
