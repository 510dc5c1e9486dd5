"""The report as plain text, for parents and schools: Vietnamese and English.

First the answer, what it means and what to do; then the details.  The words are those of `account.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from verify.account import Account, SignatureLine, build_account
from verify.report import FindingOutcome, Report
from verify.words import Language, pick

_HEADINGS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("KẾT QUẢ KIỂM TRA", "RESULT OF VERIFICATION"),
    "action": ("Nên làm gì", "What to do"),
    "document": ("Tệp được kiểm tra", "The file that was checked"),
    "signatures": ("Ai đã ký", "Who signed"),
    "criteria": (
        "Chín tiêu chí kiểm tra chữ ký số (TT 15/2025/TT-BKHCN, Phụ lục II)",
        "The nine criteria for signatures (TT 15/2025/TT-BKHCN, Annex II)",
    ),
    "notes": ("Những điểm cần lưu ý", "Points to note"),
    "options": ("Có thể bổ sung trên dòng lệnh", "Options that would help on the command line"),
}
_OPTIONS: Final = {"trust.world": "--anchors", "authority": "--authority", "status": "--status"}
"""What the command line takes to answer a check that could not be answered."""


def render(report: Report, language: Language = "vi", *, checked_by: tuple[str, str] | None = None) -> str:
    """Return the report as plain text, lines ended by "\\n"."""
    account = build_account(report, language, checked_by=checked_by)
    options = _list_options(report)
    blocks = [
        _render_head(account),
        _render_block("document", [f"{label}: {value}" for label, value in (*account.facts, *account.proof)], account),
        _render_block("notes", [f"[{line.word}] {line.text}" for line in account.notes], account),
        _render_block("criteria", [f"{line.text}: {line.word}" for line in account.criteria], account),
        _render_block("signatures", [_render_signature(one) for one in account.signatures], account),
        _render_block("options", [", ".join(options)] if options else [], account),
    ]
    return "\n".join(block for block in blocks if block)


def _list_options(report: Report) -> list[str]:
    unsure = {FindingOutcome.INDETERMINATE, FindingOutcome.NOT_CHECKED}
    asked = {one.check for one in report.findings if one.outcome in unsure and one.check in report.required}
    return [option for check, option in _OPTIONS.items() if check in asked] if report.signatures else []


def _heading(name: str, account: Account) -> str:
    return pick(_HEADINGS[name], account.language)


def _render_head(account: Account) -> str:
    lines = [f"{_heading('title', account)}: {account.headline.upper()} ({account.reason})"]
    for case in account.cases:
        lines += [case.meaning, f"{_heading('action', account)}: {case.action}"]
    return "\n".join(lines) + "\n"


def _render_block(heading: str, lines: Sequence[str], account: Account) -> str:
    if not lines:
        return ""
    return f"{_heading(heading, account)}:\n" + "".join(f"  - {line}\n" for line in lines)


def _render_signature(line: SignatureLine) -> str:
    return f"{line.office}: {line.who}, {line.when}: {line.word} [{line.detail}]"
