"""Turns a verification report into what the page shows.  Nothing is decided here, and the words are `verify`'s."""

from __future__ import annotations

from typing import Any, Final

from service.web.texts import Language
from transcript_core.clock import VIETNAM_TIME
from verify.account import Line, describe_finding, list_criteria, list_notes
from verify.advice import list_advice
from verify.report import FindingOutcome, Outcome, Report, SignatureReport
from verify.words import name_outcome, name_status

_APPEARANCE: Final = {
    Outcome.PASSED: ("good", "✓"),
    Outcome.FAILED: ("bad", "✕"),
    Outcome.INDETERMINATE: ("warn", "?"),
}
_TONES: Final = {
    FindingOutcome.PASSED: "good",
    FindingOutcome.FAILED: "bad",
    FindingOutcome.INDETERMINATE: "warn",
    FindingOutcome.NOT_CHECKED: "warn",
    FindingOutcome.NOT_APPLICABLE: "",
}
_TRIAL_TONE: Final = "warn"
"""A pass by test certificates is no good news."""


def describe_report(report: Report, language: Language) -> dict[str, Any]:
    """Return the values of `report.html`."""
    tone, symbol = _APPEARANCE[report.outcome]
    trial = report.outcome is Outcome.PASSED and report.has_development_anchor
    return {
        "report": report.to_dict(),
        "tone": _TRIAL_TONE if trial else tone,
        "symbol": symbol,
        "headline": name_outcome(report.outcome, language.value),
        "advice": list_advice(report, language.value),
        "status": name_status(report.document.status, language.value),
        "notes": [_show_note(line) for line in list_notes(report, language.value)],
        "criteria": [_show(line) for line in list_criteria(report, language.value)],
        "findings": [_show(describe_finding(finding, language.value)) for finding in report.findings],
        "signatures": [_describe_signature(signature, language) for signature in report.signatures],
    }


def _show(line: Line) -> dict[str, str]:
    return {"tone": _TONES[line.outcome], "outcome": line.word, "text": line.text}


def _show_note(line: Line) -> dict[str, str]:
    """Return a note; one that passed only informs."""
    shown = _show(line)
    return {**shown, "tone": ""} if line.outcome is FindingOutcome.PASSED else shown


def _describe_signature(signature: SignatureReport, language: Language) -> dict[str, str]:
    parts = [signature.format.upper(), signature.level, signature.slot or "", signature.signer or "?"]
    if signature.signed_at is not None:
        parts.append(signature.signed_at.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S"))
    return {
        "tone": _APPEARANCE[signature.outcome][0],
        "outcome": name_outcome(signature.outcome, language.value).lower(),
        "text": " · ".join(part for part in parts if part),
    }
