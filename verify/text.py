"""The report in words, for parents and schools: Vietnamese and English.

First the answer, then the nine criteria of TT 15/2025 Annex II with passed, failed or not checked, then slot by slot,
then everything that did not pass, and last what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transcript_core.clock import VIETNAM_TIME
from verify.advice import list_advice
from verify.criteria import CRITERIA
from verify.report import Criterion, Finding, FindingOutcome, Report, SignatureReport, find_worst
from verify.words import Language, name_finding, name_note, name_outcome, name_status, pick

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
    "proven": ("dấu thời gian chứng minh đã ký trước", "proven by timestamp to be signed before"),
    "notes": ("Những điểm cần lưu ý", "Points to note"),
    "advice": ("Nên làm gì tiếp theo", "What to do next"),
    "options": ("Có thể bổ sung trên dòng lệnh", "Options that would help on the command line"),
}
_OPTIONS: Final = {"trust.world": "--anchors", "authority": "--authority", "status": "--status"}
"""What the command line takes to answer a check that could not be answered."""

_NOTED: Final = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE, FindingOutcome.NOT_CHECKED)
"""What the reader is told without asking, worst first."""

_ALWAYS_NOTED: Final = "trust.world"
"""The check whose answer is told even when it passed: whose certificates they are, and whether real ones."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report in words."""

    outcome: FindingOutcome
    word: str  # the outcome in the reader's language
    text: str


def render(report: Report, language: Language = "vi") -> str:
    """Return the report as plain text, lines ended by "\\n"."""
    criteria = [f"{line.text}: {line.word}" for line in list_criteria(report, language)]
    notes = [f"[{line.word}] {line.text}" for line in list_notes(report, language)]
    blocks = [
        _render_head(report, language),
        _render_block("criteria", criteria, language),
        _render_block("signatures", [_render_signature(one, language) for one in report.signatures], language),
        _render_block("notes", notes, language),
        _render_block("advice", [*list_advice(report, language), *_list_options(report, language)], language),
    ]
    return "\n".join(block for block in blocks if block)


def judge_criterion(report: Report, criterion: Criterion) -> FindingOutcome:
    """Return the worst answer to one criterion; "not checked" when no check spoke to it."""
    answers = (finding.outcome for finding in report.findings if finding.criterion is criterion)
    return find_worst(answers) or FindingOutcome.NOT_CHECKED


def list_criteria(report: Report, language: Language) -> list[Line]:
    """Return the nine criteria of TT 15/2025, Annex II, in its order, each with its answer."""
    lines = []
    for criterion, texts in CRITERIA.items():
        outcome = judge_criterion(report, criterion)
        lines.append(Line(outcome, name_finding(outcome, language), f"{criterion.value} {pick(texts, language)}"))
    return lines


def list_notes(report: Report, language: Language) -> list[Line]:
    """Return what did not pass, worst first and each sentence once, and last whose certificates they are."""
    noted = [one for outcome in _NOTED for one in report.findings if one.outcome is outcome]
    lines = [describe_finding(one, language) for one in noted]
    lines += [
        Line(one.outcome, name_note(language), _pick_text(one, language))
        for one in report.findings
        if one.check == _ALWAYS_NOTED and one.outcome is FindingOutcome.PASSED
    ]
    said: dict[str, Line] = {}
    for line in lines:
        said.setdefault(line.text, line)
    return list(said.values())


def describe_finding(finding: Finding, language: Language) -> Line:
    """Return the line of one finding."""
    return Line(finding.outcome, name_finding(finding.outcome, language), _pick_text(finding, language))


def _pick_text(finding: Finding, language: Language) -> str:
    return pick((finding.text_vi, finding.text_en), language)


def _list_options(report: Report, language: Language) -> list[str]:
    unsure = {FindingOutcome.INDETERMINATE, FindingOutcome.NOT_CHECKED}
    asked = {one.check for one in report.findings if one.outcome in unsure and one.check in report.required}
    options = [option for check, option in _OPTIONS.items() if check in asked]
    return [f"{_heading('options', language)}: {', '.join(options)}."] if options and report.signatures else []


def _heading(name: str, language: Language) -> str:
    return pick(_HEADINGS[name], language)


def _render_head(report: Report, language: Language) -> str:
    document = report.document
    reason = "" if report.sub_indication is None else f", {report.sub_indication.value}"
    answer = name_outcome(report.outcome, language).upper()
    lines = [f"{_heading('title', language)}: {answer} ({report.outcome.value}{reason})"]
    if document.serial is not None:
        version = f"{_heading('version', language)} {document.version}"
        lines.append(f"{_heading('serial', language)}: {document.serial}, {version}")
    as_of = "" if document.status_as_of is None else f" ({_time(document.status_as_of)})"
    lines.append(f"{_heading('status', language)}: {name_status(document.status, language)}{as_of}")
    lines.append(f"{_heading('digest', language)}: {document.sha256.hex()}")
    return "\n".join(lines) + "\n"


def _render_block(heading: str, lines: list[str], language: Language) -> str:
    if not lines:
        return ""
    return f"{_heading(heading, language)}:\n" + "".join(f"  - {line}\n" for line in lines)


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
    return f"{', '.join(parts)}: {name_outcome(signature.outcome, language)}{reason}"


def _time(value: datetime) -> str:
    return value.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S")
