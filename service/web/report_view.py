"""Turns a verification report into what the page shows.  Nothing is decided here, and the words are `verify`'s."""

from __future__ import annotations

from typing import Any, Final

from service.web.texts import Language
from verify.account import Line, SignatureLine, build_account, is_what_it_says
from verify.report import FindingOutcome, Outcome, Report

_APPEARANCE: Final = {
    Outcome.PASSED: ("good", "✓"),
    Outcome.FAILED: ("bad", "✕"),
    Outcome.INDETERMINATE: ("warn", "?"),
}
_TONES: Final = {
    FindingOutcome.PASSED: "good",
    FindingOutcome.FAILED: "bad",
    FindingOutcome.INDETERMINATE: "warn",
    FindingOutcome.NOT_CHECKED: "",
    FindingOutcome.NOT_APPLICABLE: "",
}
_TRIAL_TONE: Final = "warn"
"""A pass by test certificates is no good news."""


def describe_report(report: Report, language: Language, *, checked_by: str) -> dict[str, Any]:
    """Return the values of `report.html`."""
    account = build_account(report, language.value, checked_by=(checked_by, checked_by))
    tone, symbol = _APPEARANCE[report.outcome]
    trial = report.outcome is Outcome.PASSED and account.development
    document = report.document
    known = document.serial is not None and is_what_it_says(report)
    return {
        "account": account,
        "outcome": report.outcome.value,
        "tone": _TRIAL_TONE if trial else tone,
        "symbol": symbol,
        "record": f"/v/{document.serial}/{document.version}?lang={language.value}" if known else None,
        "notes": [_show_note(line) for line in account.notes],
        "criteria": [_show(line) for line in account.criteria],
        "findings": [_show(line) for line in account.findings],
        "signatures": [_show_signature(line) for line in account.signatures],
    }


def _show(line: Line) -> dict[str, str]:
    return {"tone": _TONES[line.outcome], "outcome": line.word, "text": line.text}


def _show_note(line: Line) -> dict[str, str]:
    """Return a note; one that passed only informs."""
    shown = _show(line)
    return {**shown, "tone": ""} if line.outcome is FindingOutcome.PASSED else shown


def _show_signature(line: SignatureLine) -> dict[str, Any]:
    return {"tone": _APPEARANCE[line.outcome][0], "line": line}
