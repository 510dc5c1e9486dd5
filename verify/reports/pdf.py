"""The report as a PDF, for a folder or an attachment: what `account.py` says, set by Typst on A4.

Built to PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1) like the transcripts: only the fonts that
Typst brings, no packages, no clock.  The document is dated by the time of the verification, so equal input gives equal
octets with the same release of Typst.  A pupil is named only when the transcript passed, for then the name was read
from signed bytes.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Iterable
from datetime import UTC
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

from transcript_core.render.fonts import list_characters
from verify.account import Account, Line, build_account
from verify.report import FindingOutcome, Outcome, Report
from verify.words import Language, pick

_COMPILING: Final = threading.Lock()
"""A compiler serves one thread at a time."""

_TONES: Final = {Outcome.PASSED: "good", Outcome.FAILED: "bad", Outcome.INDETERMINATE: "warn"}
_LINE_TONES: Final = {
    FindingOutcome.PASSED: "good",
    FindingOutcome.FAILED: "bad",
    FindingOutcome.INDETERMINATE: "warn",
    FindingOutcome.NOT_CHECKED: "plain",
    FindingOutcome.NOT_APPLICABLE: "plain",
}
_WORDS: Final = {
    "title": ("Kết quả kiểm tra chữ ký số", "Result of verifying digital signatures"),
    "action": ("Nên làm gì", "What to do"),
    "document": ("Tệp được kiểm tra", "The file that was checked"),
    "notes": ("Những điểm cần lưu ý", "Points to note"),
    "criteria": (
        "Chín tiêu chí kiểm tra chữ ký số (Thông tư 15/2025/TT-BKHCN, Phụ lục II)",
        "The nine criteria for signatures (Circular 15/2025/TT-BKHCN, Annex II)",
    ),
    "signatures": ("Ai đã ký", "Who signed"),
    "proof": ("Kiểm tra lúc nào, tệp nào", "When, and which file"),
    "indication": ("Kết luận theo ETSI EN 319 102-1", "Indication of ETSI EN 319 102-1"),
    "office": ("Vai trò", "Office"),
    "signer": ("Người ký", "Signer"),
    "result": ("Kết quả", "Result"),
    "what": ("Nội dung", "What"),
    "criterion": ("Tiêu chí", "Criterion"),
    "page": ("Trang", "Page"),
    "development": (
        "CHỨNG THƯ THỬ NGHIỆM: các chữ ký này không có giá trị pháp lý.",
        "TEST CERTIFICATES: these signatures have no legal value.",
    ),
    "limits": (
        (
            "Bản này nói về đúng tệp có mã băm trên, vào lúc kiểm tra; bản thân nó không phải là học bạ và không được "
            "ký. Ai nghi ngờ có thể kiểm tra lại chính tệp đó."
        ),
        (
            "This speaks of the very file with that hash, at that time; it is not a transcript itself and is not "
            "signed. Whoever doubts it can verify that file again."
        ),
    ),
}
_CHECKED_HERE: Final = ("máy tính này", "this computer")


def render_pdf(report: Report, language: Language = "vi", *, checked_by: tuple[str, str] | None = None) -> bytes:
    """Return the report as a PDF file.

    Args:
        checked_by: who verified, Vietnamese and English; None: "this computer".
    """
    account = build_account(report, language, checked_by=checked_by or _CHECKED_HERE, named=True)
    data = json.dumps(_make_printable(_build_data(account, report)), ensure_ascii=False)
    with _COMPILING:
        content = _get_compiler().compile(
            _templates() / "report.typ", format="pdf", sys_inputs={"data": data}, pdf_standards=["a-3a", "ua-1"]
        )
    assert isinstance(content, bytes)
    return content


def _templates() -> Path:
    return Path(str(resources.files("verify.reports").joinpath("templates")))


@cache
def _get_compiler() -> typst.Compiler:
    """Return this process's compiler; its packages folder does not exist, so none is ever found or fetched."""
    nowhere = _templates() / "packages-are-not-used"
    return typst.Compiler(
        root=_templates(), font_paths=[], ignore_system_fonts=True, package_path=nowhere, package_cache_path=nowhere
    )


@cache
def _list_printable() -> frozenset[str]:
    return frozenset(list_characters()) | {" ", "\n"}


def _make_printable(value: Any) -> Any:
    """Return plain values with a question mark for what the font lacks: a stranger's file may hold any name."""
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value)
        return "".join(one if one in _list_printable() else "?" for one in text)
    if isinstance(value, dict):
        return {key: _make_printable(one) for key, one in value.items()}
    return [_make_printable(one) for one in value] if isinstance(value, list) else value


def _build_data(account: Account, report: Report) -> dict[str, Any]:
    words = {name: pick(texts, account.language) for name, texts in _WORDS.items()}
    moment = report.checked_at.astimezone(UTC)
    trial = account.outcome is Outcome.PASSED and account.development
    digest = report.document.sha256.hex()
    return {
        "language": account.language,
        "title": words["title"],
        "description": f"{words['title']}: {account.headline} ({account.reason}); SHA-256 {digest}",
        "instant": [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second],
        "tone": "warn" if trial else _TONES[account.outcome],
        "headline": account.headline,
        "banner": account.development and not trial,
        "cases": [{"meaning": case.meaning, "action": case.action} for case in account.cases],
        "facts": _pair(account.facts),
        "notes": [_show_note(line) for line in account.notes],
        "criteria": [_show(line) for line in account.criteria],
        "signatures": [
            {
                "tone": _TONES[one.outcome],
                "word": one.word,
                "office": one.office,
                "who": one.who,
                "when": one.when,
                "detail": one.detail,
            }
            for one in account.signatures
        ],
        "proof": [*_pair(account.proof), {"label": words["indication"], "value": account.reason}],
        "footer": f"SHA-256 {digest}",
        "words": words,
    }


def _pair(facts: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for label, value in facts]


def _show(line: Line) -> dict[str, str]:
    return {"tone": _LINE_TONES[line.outcome], "word": line.word, "text": line.text}


def _show_note(line: Line) -> dict[str, str]:
    """Return a note; one that passed only informs."""
    shown = _show(line)
    return {**shown, "tone": "plain"} if line.outcome is FindingOutcome.PASSED else shown
