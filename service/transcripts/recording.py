"""Records signed documents as events.  Their own signatures are the authorisation: nothing else can issue or recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from service import audit
from service.context import AppContext
from service.db.engine import transaction
from service.transcripts import event_repository, repository, slot_repository
from service.transcripts.repository import DocumentKey, DocumentState
from service.verifications.events import VerifiedEvent, check_continues, list_following
from transcript_core.errors import Conflict, InputError, MalformedTranscript
from transcript_core.model import Event
from transcript_core.status import DocumentStatus, derive_status
from transcript_core.xml import TranscriptDocument, read_document
from verify.report import DocumentKind, FindingOutcome, Outcome, Report


class NotVerified(InputError):
    """A document that should be recorded did not pass verification."""

    code = "not-verified"

    def __init__(self, report: Report, what: str) -> None:
        bad = {FindingOutcome.FAILED, FindingOutcome.INDETERMINATE}
        checks = sorted(
            {finding.check for finding in report.findings if finding.outcome in bad} | set(report.unanswered)
        )
        super().__init__(f"the {what} did not pass verification ({report.outcome.value}): {', '.join(checks)}")
        self.report = report


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """The files of one signed document."""

    xml: bytes
    pdf: bytes
    jws: bytes  # compact JWS of the JSON, by the seal


def record_document(
    context: AppContext, files: SignedFiles, *, view_secret_sha256: bytes | None, actor: str
) -> VerifiedEvent:
    """Verify a signed transcript in all its forms and record it as issued.

    Raises:
        NotVerified: one of the files did not pass.
        Conflict: its version is not the next one, or what it replaces is not what was issued.
    """
    at = context.workspace.clock.now()
    report = _pass(context, files.xml, "XML with JSON", json=files.jws)
    pictured = _pass(context, files.pdf, "PDF with XML", xml=files.xml)
    if pictured.document.kind is not DocumentKind.TRANSCRIPT_PDF:
        raise MalformedTranscript("what was given as the PDF is another kind of file")
    digest_hex = context.workspace.store.put(files.xml)
    verified = context.events.remember(digest_hex, report, files.xml)
    if verified.transcript is None:
        raise MalformedTranscript("a recall is recorded as a recall, not as a transcript")
    key = DocumentKey(verified.event.serial, verified.event.version)
    pdf_sha256, jws_sha256 = context.workspace.store.put(files.pdf), context.workspace.store.put(files.jws)
    with transaction(context.workspace.sessions) as session:
        _check_order(session, context, verified)
        _refuse_second(session, context, verified)
        _ensure_row(session, files.xml, key, xml_sha256=digest_hex, pdf_sha256=pdf_sha256)
        repository.move_document(
            session,
            repository.get_document(session, key),
            xml_sha256=digest_hex,
            pdf_sha256=pdf_sha256,
            json_sha256=jws_sha256,
            state=DocumentState.ISSUED.value,
            issued_at=at,
            view_secret_sha256=view_secret_sha256,
        )
        _add_event(session, verified, key, digest_hex, context)
        audit.record(session, at=at, actor=actor, action="issue", subject=str(key), detail=verified.event.event.value)
    return verified


def record_recall(context: AppContext, xml: bytes, *, actor: str) -> VerifiedEvent:
    """Verify a signed CANCEL document and record it; from then on the version it names is recalled.

    Raises:
        NotVerified: it did not pass.
        Conflict: its version is not the next one, or what it recalls is not what was issued.
    """
    report = _pass(context, xml, "recall")
    digest_hex = context.workspace.store.put(xml)
    verified = context.events.remember(digest_hex, report, xml)
    if verified.recall is None:
        raise MalformedTranscript("a transcript is recorded as a document, not as a recall")
    key = DocumentKey(verified.event.serial, verified.event.version)
    with transaction(context.workspace.sessions) as session:
        _check_order(session, context, verified)
        _add_event(session, verified, key, digest_hex, context)
        at = context.workspace.clock.now()
        audit.record(session, at=at, actor=actor, action="recall", subject=str(key), detail=Event.CANCEL.value)
    return verified


def _pass(
    context: AppContext, content: bytes, what: str, *, xml: bytes | None = None, json: bytes | None = None
) -> Report:
    report = context.events.verifier.verify(content, at=context.workspace.clock.now(), xml=xml, json=json)
    if report.outcome is not Outcome.PASSED:
        raise NotVerified(report, what)
    return report


def _check_order(session: Session, context: AppContext, verified: VerifiedEvent) -> None:
    earlier = list_following(_list_earlier(session, context, verified.event.serial))
    at, known = context.workspace.clock.now(), [one.event for one in earlier]
    _check_continues(earlier, verified)
    if derive_status([*known, verified.event], as_of=at) == derive_status(known, as_of=at):
        raise Conflict(
            f"{verified.event.serial}/{verified.event.version} does not follow from what was issued: "
            "the version it replaces or recalls is unknown here, or a newer one exists"
        )
    if any(one.school_code != verified.school_code for one in earlier):
        raise Conflict("another school issued this serial; only that school can replace or recall it")


def _check_continues(earlier: Sequence[VerifiedEvent], verified: VerifiedEvent) -> None:
    """Refuse an update that brings back an older part or signature than the version it replaces has."""
    target = verified.event.target
    previous = next((one for one in earlier if target is not None and one.event.version == target.version), None)
    try:
        if previous is not None:
            check_continues(previous, verified)
    except InputError as error:
        raise Conflict(f"{verified.event.serial}/{verified.event.version}: {error}") from error


def _list_earlier(session: Session, context: AppContext, serial: str) -> list[VerifiedEvent]:
    """Return every recorded event of this serial; one that cannot be proven any more might be a recall."""
    events = []
    for version, digest_hex in event_repository.list_event_files(session, serial):
        event = context.events.find_event(digest_hex, context.workspace.store.get(digest_hex))
        if event is None or (event.event.serial, event.event.version) != (serial, version):
            raise Conflict(f"the recorded file of {serial}/{version} no longer proves it; restore it from a backup")
        events.append(event)
    return events


def _refuse_second(session: Session, context: AppContext, verified: VerifiedEvent) -> None:
    """A pupil has one current document a school year: another one under a new serial would be a swap."""
    transcript = verified.transcript
    if transcript is None or transcript.event is not Event.NEW:
        return
    others = repository.list_serials(
        session, pupil_code=transcript.pupil.pupil_code, school_year=transcript.school_year
    )
    at = context.workspace.clock.now()
    for serial in others - {transcript.serial}:
        events = [one.event for one in _list_earlier(session, context, serial)]
        if any(answer.status is DocumentStatus.VALID for answer in derive_status(events, as_of=at).values()):
            raise Conflict(
                f"this pupil has a current document of {transcript.school_year} already: {serial}; replace or recall it"
            )


def _ensure_row(session: Session, xml: bytes, key: DocumentKey, *, xml_sha256: str, pdf_sha256: str) -> None:
    if repository.find_document(session, key) is not None:
        return
    document = read_document(xml)
    if not isinstance(document, TranscriptDocument):
        raise MalformedTranscript("not a transcript")
    repository.add_document(session, document.transcript, document.slots, xml_sha256=xml_sha256, pdf_sha256=pdf_sha256)
    slot_repository.mark_slots(session, key, {slot.slot_id: frozenset(slot.rule.formats) for slot in document.slots})


def _add_event(
    session: Session, verified: VerifiedEvent, key: DocumentKey, digest_hex: str, context: AppContext
) -> None:
    event_repository.add_event(
        session,
        key,
        school_code=verified.school_code,
        school_year=verified.school_year,
        document_sha256=digest_hex,
        at=context.workspace.clock.now(),
    )
