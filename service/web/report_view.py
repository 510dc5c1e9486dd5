"""Turns a verification report into what the page shows.  Nothing is decided here."""

from __future__ import annotations

from typing import Any, Final

from service.web.texts import Language, list_texts
from transcript_core.clock import VIETNAM_TIME
from verify.criteria import CRITERIA
from verify.report import Finding, FindingOutcome, Outcome, Report, SignatureReport, find_worst
from verify.text import list_advice

_APPEARANCE: Final = {
    Outcome.PASSED: ("good", "✓", "passed_title"),
    Outcome.FAILED: ("bad", "✕", "failed_title"),
    Outcome.INDETERMINATE: ("warn", "?", "indeterminate_title"),
}
_TONES: Final = {
    FindingOutcome.PASSED: "good",
    FindingOutcome.FAILED: "bad",
    FindingOutcome.INDETERMINATE: "warn",
    FindingOutcome.NOT_CHECKED: "warn",
    FindingOutcome.NOT_APPLICABLE: "",
}
_NOTED: Final = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE, FindingOutcome.NOT_CHECKED)
"""What the reader is told without asking, worst first."""

_SIGNATURE_OUTCOMES: Final = {
    Outcome.PASSED: FindingOutcome.PASSED,
    Outcome.FAILED: FindingOutcome.FAILED,
    Outcome.INDETERMINATE: FindingOutcome.INDETERMINATE,
}


def describe_report(report: Report, language: Language) -> dict[str, Any]:
    """Return the values of `report.html`."""
    texts = list_texts(language)
    tone, symbol, headline = _APPEARANCE[report.outcome]
    return {
        "report": report.to_dict(),
        "tone": tone,
        "symbol": symbol,
        "headline": texts[headline],
        "advice": list_advice(report, language.value),
        "status": texts[f"status_{report.document.status or 'unknown'}"],
        "notes": _list_notes(report, language, texts),
        "criteria": _describe_criteria(report, language, texts),
        "findings": [_describe_finding(finding, language, texts) for finding in report.findings],
        "signatures": [_describe_signature(signature, texts) for signature in report.signatures],
    }


def _line(outcome: FindingOutcome, text: str, texts: dict[str, str]) -> dict[str, str]:
    return {"tone": _TONES[outcome], "outcome": texts[f"finding_{outcome.name}"], "text": text}


def _describe_criteria(report: Report, language: Language, texts: dict[str, str]) -> list[dict[str, str]]:
    lines = []
    for criterion, (text_vi, text_en) in CRITERIA.items():
        answers = [finding.outcome for finding in report.findings if finding.criterion is criterion]
        text = text_vi if language is Language.VIETNAMESE else text_en
        outcome = find_worst(answers) or FindingOutcome.NOT_CHECKED
        lines.append(_line(outcome, f"{criterion.value} {text}", texts))
    return lines


def _list_notes(report: Report, language: Language, texts: dict[str, str]) -> list[dict[str, str]]:
    """Return what did not pass, worst first; findings that say the same are said once."""
    noted = [one for outcome in _NOTED for one in report.findings if one.outcome is outcome]
    lines = [_describe_finding(one, language, texts) for one in noted]
    return list({line["text"]: line for line in reversed(lines)}.values())[::-1]


def _describe_finding(finding: Finding, language: Language, texts: dict[str, str]) -> dict[str, str]:
    text = finding.text_vi if language is Language.VIETNAMESE else finding.text_en
    return _line(finding.outcome, text, texts)


def _describe_signature(signature: SignatureReport, texts: dict[str, str]) -> dict[str, str]:
    parts = [signature.format.upper(), signature.level, signature.slot or "", signature.signer or "?"]
    if signature.signed_at is not None:
        parts.append(signature.signed_at.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S"))
    return _line(_SIGNATURE_OUTCOMES[signature.outcome], " · ".join(part for part in parts if part), texts)
