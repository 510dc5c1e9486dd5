"""Raises what was issued to the level wanted, the most urgent first, as far as the authorities' budgets allow.

Work is found from the rows, each document is saved by itself in one transaction, and a step that was made is never made
again; so a run may be killed anywhere, and the next one goes on.  The document digest does not change, so status, QR
code and everything that names a document stay right; the event moves to the new file, which proves what the old one
did and for longer (`docs/decisions/0009-extended-files.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service import audit
from service.context import AppContext
from service.db.engine import transaction, write_transaction
from service.db.tables import RecallRow
from service.progress import Advance, no_progress
from service.signing.desk import SigningServices, get_trust
from service.signing.levels import FileLevel, LevelTask, list_level_tasks, put_level
from service.signing.raising import Raised, Raiser, Target, assess_pdf, assess_xml
from service.transcripts import event_repository, repository
from service.transcripts.recording import NotVerified
from service.transcripts.repository import DocumentKey
from service.workspace import Workspace
from transcript_core.canonical import sha256
from transcript_core.errors import Conflict, MalformedTranscript, TimestampRefused, TranscriptError
from transcript_core.pki.endings import RENEW_BEFORE
from transcript_core.policy import SignatureFormat, SignatureLevel
from transcript_core.xml import document_digest
from verify.report import Outcome


@dataclass(slots=True)
class ExtendReport:
    """What one run did."""

    raised: list[tuple[DocumentKey, SignatureFormat, SignatureLevel]] = field(default_factory=list)
    waiting: list[DocumentKey] = field(default_factory=list)  # for an authority: out of budget or down
    failed: list[tuple[DocumentKey, TranscriptError]] = field(default_factory=list)
    refusal: TimestampRefused | None = None  # why documents wait, and when to go on

    @property
    def retry_at(self) -> datetime | None:
        """Return when another run can do more; None: nothing waits, or nobody can say."""
        return None if self.refusal is None else self.refusal.retry_at


def count_due(
    workspace: Workspace,
    *,
    level: SignatureLevel = SignatureLevel.B_LT,
    renew_before: timedelta = RENEW_BEFORE,
    class_name: str | None = None,
) -> int:
    """Return how many documents and recalls `extend_documents` would look at now."""
    return len(_list_tasks(workspace, Target(level, workspace.clock.now() + renew_before), class_name))


def extend_documents(
    context: AppContext,
    services: SigningServices,
    *,
    level: SignatureLevel = SignatureLevel.B_LT,
    renew_before: timedelta = RENEW_BEFORE,
    class_name: str | None = None,
    actor: str,
    advance: Advance = no_progress,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ExtendReport:
    """Raise every issued document and recorded recall to `level`, and renew what ends within `renew_before`.

    Once an authority refuses, only what needs none is done; the others are reported as waiting.

    Args:
        is_stopped: asked before each document; the rest is left alone once it says so.
    """
    workspace = context.workspace
    target = Target(level, workspace.clock.now() + renew_before)
    run = _Run(context, Raiser(services, get_trust(workspace), workspace.clock), target, actor)
    for task in _list_tasks(workspace, target, class_name):
        if is_stopped():
            break
        try:
            run.do(task)
        except TranscriptError as error:
            run.report.failed.append((task.key, error))
        advance(1)
    return run.report


def note_levels(context: AppContext, key: DocumentKey, xml: bytes, pdf: bytes) -> dict[SignatureFormat, FileLevel]:
    """Keep and return the levels of a document that was issued just now, so that nobody reads it again for it."""
    found = {
        SignatureFormat.XADES: (assess_xml(xml), sha256(xml).hex()),
        SignatureFormat.PADES: (assess_pdf(pdf), sha256(pdf).hex()),
    }
    with transaction(context.workspace.sessions) as session:
        for kind, (level, file_sha256) in found.items():
            put_level(session, key, kind, level, file_sha256=file_sha256)
    return {kind: level for kind, (level, _) in found.items()}


def _list_tasks(workspace: Workspace, target: Target, class_name: str | None) -> list[LevelTask]:
    with transaction(workspace.sessions) as session:
        return list_level_tasks(session, target=target.level, renew_before=target.renew_before, class_name=class_name)


@dataclass(slots=True)
class _Run:
    """One action, document after document."""

    context: AppContext
    raiser: Raiser
    target: Target
    actor: str
    report: ExtendReport = field(default_factory=ExtendReport)

    def do(self, task: LevelTask) -> None:
        """Raise one document and save what was reached.

        Raises:
            TranscriptError: why nothing of it could be saved, or why it came no further.
        """
        task = self._assess(task)
        if not task.is_due(self.target.level, self.target.renew_before):
            return
        if self.report.refusal is not None and task.needs_timestamp(self.target.level, self.target.renew_before):
            self.report.waiting.append(task.key)
            return
        raised = self._raise(task)
        self._save(task, raised)
        self._tell(task, raised)

    def _assess(self, task: LevelTask) -> LevelTask:
        """Return the task with the levels of files that nobody has looked at yet; these are kept."""
        store = self.context.workspace.store
        xml, pdf = task.xml, task.pdf
        if xml.level is None:
            xml = assess_xml(store.get(task.xml_sha256))
            self._note(task.key, SignatureFormat.XADES, xml, task.xml_sha256)
        if pdf is not None and pdf.level is None and task.pdf_sha256 is not None:
            pdf = assess_pdf(store.get(task.pdf_sha256))
            self._note(task.key, SignatureFormat.PADES, pdf, task.pdf_sha256)
        return replace(task, xml=xml, pdf=pdf)

    def _note(self, key: DocumentKey, kind: SignatureFormat, level: FileLevel, file_sha256: str) -> None:
        with transaction(self.context.workspace.sessions) as session:
            put_level(session, key, kind, level, file_sha256=file_sha256)

    def _raise(self, task: LevelTask) -> dict[SignatureFormat, Raised]:
        """Raise the files of one document; the PDF is tried even when the XML came not all the way."""
        store = self.context.workspace.store
        before = {SignatureFormat.XADES: store.get(task.xml_sha256)}
        raised = {SignatureFormat.XADES: self.raiser.raise_xml(before[SignatureFormat.XADES], self.target)}
        if task.pdf_sha256 is not None:
            before[SignatureFormat.PADES] = store.get(task.pdf_sha256)
            raised[SignatureFormat.PADES] = self.raiser.raise_pdf(before[SignatureFormat.PADES], self.target)
        if any(one.octets != before[kind] for kind, one in raised.items()):
            self._check(before[SignatureFormat.XADES], raised)
        return raised

    def _check(self, before: bytes, raised: Mapping[SignatureFormat, Raised]) -> None:
        """Refuse new files that would not be believed, or that are another document's.

        Raises:
            NotVerified: one did not pass; the old files stay.
            MalformedTranscript: the document digest changed.
        """
        xml = raised[SignatureFormat.XADES].octets
        if document_digest(xml) != document_digest(before):
            raise MalformedTranscript("raising its level changed a document; the old file stays")
        at, verifier = self.context.workspace.clock.now(), self.context.events.verifier
        report = verifier.verify(xml, at=at)
        if report.outcome is not Outcome.PASSED:
            raise NotVerified(report, "raised XML")
        if SignatureFormat.PADES in raised:
            pictured = verifier.verify(raised[SignatureFormat.PADES].octets, at=at, xml=xml)
            if pictured.outcome is not Outcome.PASSED:
                raise NotVerified(pictured, "raised PDF")

    def _save(self, task: LevelTask, raised: Mapping[SignatureFormat, Raised]) -> None:
        """Store the new files, then let row, event and levels name them, all at once.  Old files go with a later sweep.

        Raises:
            Conflict: somebody else raised the document meanwhile.
            StoreFull: a file could not be written; everything is as before.
        """
        workspace = self.context.workspace
        files = {kind: workspace.store.put(one.octets) for kind, one in raised.items()}
        with write_transaction(workspace.sessions) as session:
            changed = _move(session, task, files)
            for kind, one in raised.items():
                put_level(session, task.key, kind, one.reached, file_sha256=files[kind])
            if changed:
                detail = ", ".join(f"{kind.value} {one.reached.level}" for kind, one in raised.items())
                at = workspace.clock.now()
                audit.record(session, at=at, actor=self.actor, action="extend", subject=str(task.key), detail=detail)

    def _tell(self, task: LevelTask, raised: Mapping[SignatureFormat, Raised]) -> None:
        """Report what was reached; raise what stopped a file, but for an authority that it waits for."""
        before = {SignatureFormat.XADES: task.xml, SignatureFormat.PADES: task.pdf}
        for kind, one in raised.items():
            if one.reached != before[kind] and one.reached.level is not None:
                self.report.raised.append((task.key, kind, one.reached.level))
        problems = [one.problem for one in raised.values() if one.problem is not None]
        refusal = next((one for one in problems if isinstance(one, TimestampRefused)), None)
        if refusal is not None:
            self.report.refusal = self.report.refusal or refusal
            self.report.waiting.append(task.key)
        other = next((one for one in problems if not isinstance(one, TimestampRefused)), None)
        if other is not None:
            raise other


def _move(session: Session, task: LevelTask, files: Mapping[SignatureFormat, str]) -> bool:
    """Let the rows name the new files; return whether anything changed."""
    xml_sha256, pdf_sha256 = files[SignatureFormat.XADES], files.get(SignatureFormat.PADES, "")
    if (xml_sha256, pdf_sha256) == (task.xml_sha256, task.pdf_sha256 or ""):
        return False
    if xml_sha256 != task.xml_sha256:
        event_repository.move_event(session, task.key, before=task.xml_sha256, after=xml_sha256)
    if task.is_recall:
        _move_recall(session, task, xml_sha256)
        return True
    stored = repository.get_document(session, task.key)
    if (stored.xml_sha256, stored.pdf_sha256) != (task.xml_sha256, task.pdf_sha256):
        raise Conflict(f"document {task.key} changed meanwhile; run again")
    repository.move_document(session, stored, xml_sha256=xml_sha256, pdf_sha256=pdf_sha256)
    return True


def _move_recall(session: Session, task: LevelTask, xml_sha256: str) -> None:
    row = session.get_one(RecallRow, (task.key.serial, task.key.version))
    if row.xml_sha256 != task.xml_sha256:
        raise Conflict(f"the recall {task.key} changed meanwhile; run again")
    row.xml_sha256 = xml_sha256
