"""The report in the words of one language, in the order in which people read it: text, pages and PDF show this.

First the answer, what it means and what to do; then which document, who signed, the nine criteria of TT 15/2025,
Annex II, and what to note; last what specialists need.  Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transcript_core.clock import VIETNAM_TIME
from verify.advice import Advice, list_cases
from verify.criteria import CRITERIA
from verify.report import Criterion, DocumentKind, Finding, FindingOutcome, Outcome, Report, SignatureReport, find_worst
from verify.words import Language, name_finding, name_note, name_outcome, name_status, pick

_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "pupil": ("Học sinh", "Pupil"),
    "school": ("Trường", "School"),
    "year": ("Năm học", "School year"),
    "serial": ("Số hiệu học bạ", "Number of the transcript"),
    "claimed_serial": ("Số hiệu ghi trong tệp", "Number written in the file"),
    "version": ("Phiên bản", "Version"),
    "status": ("Tình trạng", "Status"),
    "not_this": (
        "chưa xác nhận được cho tệp này; học bạ mang số hiệu trên {}",
        "not confirmed for this file; the transcript of that number is {}",
    ),
    "file": ("Loại tệp", "Kind of file"),
    "sha256": ("Mã băm của tệp (SHA-256)", "SHA-256 of the file"),
    "checked_at": ("Kiểm tra lúc", "Checked at"),
    "checked_by": ("Nơi kiểm tra", "Checked by"),
    "as_of": ("theo dữ liệu lúc", "by records of"),
    "nobody": ("không rõ người ký", "signer not known"),
    "unproven": ("tên ghi trong chứng thư chưa xác nhận", "name in a certificate that is not confirmed"),
    "signed": ("ký lúc", "signed at"),
    "stamped": ("có dấu thời gian", "timestamp of"),
    "unstamped": ("không có dấu thời gian", "no timestamp"),
    "plain": ("Chữ ký {}", "Signature {}"),
}
_KINDS: Final[Mapping[DocumentKind, tuple[str, str]]] = {
    DocumentKind.TRANSCRIPT_XML: ("học bạ số, tệp XML gốc", "digital transcript, the original XML"),
    DocumentKind.TRANSCRIPT_PDF: ("học bạ số, tệp PDF", "digital transcript, PDF"),
    DocumentKind.TRANSCRIPT_JWS: ("học bạ số, tệp JSON đã ký", "digital transcript, signed JSON"),
    DocumentKind.RECALL_XML: ("văn bản thu hồi học bạ", "recall of a transcript"),
    DocumentKind.OTHER_XML: ("tệp XML khác", "another XML file"),
    DocumentKind.OTHER_PDF: ("tệp PDF khác", "another PDF file"),
    DocumentKind.CONTAINER: ("gói tệp có chữ ký (ASiC)", "container with signatures (ASiC)"),
    DocumentKind.UNKNOWN: ("không nhận ra", "not known"),
}
_NOTED: Final = (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE, FindingOutcome.NOT_CHECKED)
"""What the reader is told without asking, worst first."""

_ALWAYS_NOTED: Final = "trust.world"
"""The check whose answer is told even when it passed: whose certificates they are, and whether real ones."""

_STATUS_CHECK: Final = "status"
_TRANSCRIPTS: Final = frozenset(
    {DocumentKind.TRANSCRIPT_XML, DocumentKind.TRANSCRIPT_PDF, DocumentKind.TRANSCRIPT_JWS, DocumentKind.RECALL_XML}
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report in words."""

    outcome: FindingOutcome
    word: str  # the outcome in the reader's language
    text: str


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature in words."""

    outcome: Outcome
    word: str  # "hợp lệ"
    office: str  # "Giáo viên môn Toán"; "Chữ ký 1" outside transcripts
    who: str  # the certificate's name, and whether it can be believed
    when: str  # "ký lúc 29/05/2026 10:00; có dấu thời gian 29/05/2026 13:00"
    detail: str  # for specialists: "xades B-B, gvbm-TOAN-1, HASH_FAILURE"


@dataclass(frozen=True, slots=True)
class Account:
    """One report in one language."""

    language: Language
    outcome: Outcome
    headline: str  # "Hợp lệ"
    reason: str  # for specialists: "TOTAL-FAILED, HASH_FAILURE"
    development: bool  # test certificates: no legal value
    cases: tuple[Advice, ...]  # what happened and what to do
    facts: tuple[tuple[str, str], ...]  # which document: label and value
    signatures: tuple[SignatureLine, ...]
    criteria: tuple[Line, ...]  # the nine of TT 15/2025, Annex II
    notes: tuple[Line, ...]
    findings: tuple[Line, ...]  # every check
    proof: tuple[tuple[str, str], ...]  # which file, when and by whom: label and value


def build_account(
    report: Report, language: Language, *, checked_by: tuple[str, str] | None = None, named: bool = False
) -> Account:
    """Return the report in words.

    Args:
        checked_by: who verified, Vietnamese and English; None: that is not said.
        named: whether the pupil is named when the transcript passed; otherwise only its number is.
    """
    reason = "" if report.sub_indication is None else f", {report.sub_indication.value}"
    return Account(
        language=language,
        outcome=report.outcome,
        headline=name_outcome(report.outcome, language),
        reason=f"{report.outcome.value}{reason}",
        development=report.has_development_anchor,
        cases=tuple(list_cases(report, language)),
        facts=(*(_list_content(report, language) if named else ()), *_list_facts(report, language)),
        signatures=tuple(
            _describe_signature(one, number, language) for number, one in enumerate(report.signatures, start=1)
        ),
        criteria=tuple(list_criteria(report, language)),
        notes=tuple(list_notes(report, language)),
        findings=tuple(describe_finding(one, language) for one in report.findings),
        proof=_list_proof(report, language, checked_by),
    )


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


def _label(name: str, language: Language) -> str:
    return pick(_LABELS[name], language)


# --- which document ---------------------------------------------------------------------------------------------


def _list_content(report: Report, language: Language) -> tuple[tuple[str, str], ...]:
    """Whose transcript it is, read from the signed bytes; nothing unless the report passed."""
    transcript = report.transcript
    if transcript is None:
        return ()
    return (
        (_label("pupil", language), transcript.pupil.name),
        (_label("school", language), transcript.school.name),
        (_label("year", language), transcript.school_year),
    )


def _list_facts(report: Report, language: Language) -> tuple[tuple[str, str], ...]:
    document = report.document
    facts = [(_label("file", language), pick(_KINDS[document.kind], language))]
    if document.serial is not None:
        known = is_what_it_says(report)
        facts.append((_label("serial" if known else "claimed_serial", language), document.serial))
        facts.append((_label("version", language), str(document.version)))
        facts.append(_describe_status(report, language, known=known))
    elif document.kind in _TRANSCRIPTS:
        facts.append((_label("status", language), name_status(None, language)))
    return tuple(facts)


def is_what_it_says(report: Report) -> bool:
    """Return whether nothing but the status speaks against the file, so that the status is that of this file."""
    if report.outcome is Outcome.PASSED:
        return True
    good = {FindingOutcome.PASSED, FindingOutcome.NOT_APPLICABLE}
    bad = {one.check for one in report.findings if one.outcome not in good and one.check in report.required}
    return bad <= {_STATUS_CHECK} and set(report.unanswered) <= {_STATUS_CHECK}


def _describe_status(report: Report, language: Language, *, known: bool) -> tuple[str, str]:
    """Return what is known of the document's status; of a file that is not confirmed it says nothing."""
    document = report.document
    word = name_status(document.status, language)
    when = "" if document.status_as_of is None else f" ({_label('as_of', language)} {_minute(document.status_as_of)})"
    if known or document.status in {None, "unknown"}:
        return _label("status", language), f"{word}{when}"
    return _label("status", language), _label("not_this", language).format(f"{word}{when}")


def _list_proof(report: Report, language: Language, checked_by: tuple[str, str] | None) -> tuple[tuple[str, str], ...]:
    lines = [(_label("checked_at", language), _time(report.checked_at))]
    if checked_by is not None:
        lines.append((_label("checked_by", language), pick(checked_by, language)))
    return (*lines, (_label("sha256", language), report.document.sha256.hex()))


# --- who signed -------------------------------------------------------------------------------------------------


def _describe_signature(signature: SignatureReport, number: int, language: Language) -> SignatureLine:
    office = _label("plain", language).format(number)
    reason = () if signature.sub_indication is None else (signature.sub_indication.value,)
    place = () if signature.slot is None else (signature.slot,)
    return SignatureLine(
        outcome=signature.outcome,
        word=name_outcome(signature.outcome, language).lower(),
        office=office if signature.office is None else pick(signature.office, language),
        who=_describe_signer(signature, language),
        when=_describe_time(signature, language),
        detail=", ".join((f"{signature.format.upper()} {signature.level}", *place, *reason)),
    )


def _describe_signer(signature: SignatureReport, language: Language) -> str:
    if not signature.signer:
        return _label("nobody", language)
    confirmed = signature.world is not None
    return signature.signer if confirmed else f"{signature.signer} ({_label('unproven', language)})"


def _describe_time(signature: SignatureReport, language: Language) -> str:
    parts = []
    if signature.signed_at is not None:
        parts.append(f"{_label('signed', language)} {_minute(signature.signed_at)}")
    proven = signature.proven_time
    parts.append(
        _label("unstamped", language) if proven is None else f"{_label('stamped', language)} {_minute(proven)}"
    )
    return "; ".join(parts)


def _time(value: datetime) -> str:
    return value.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M:%S")


def _minute(value: datetime) -> str:
    return value.astimezone(VIETNAM_TIME).strftime("%d/%m/%Y %H:%M")
