"""Builds documents from imported records and locks them.  Nobody signs before; held-back pupils are never built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from service import audit
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.schools import repository as schools
from service.transcripts import repository, slot_repository
from service.transcripts.rendering import Draft, Rendered, render_all
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.workspace import Workspace
from transcript_core.build import build_issue, build_transcript, find_principal
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import IncompleteRecord, InputError, MalformedTranscript
from transcript_core.identifiers import generate_serial
from transcript_core.model import DocumentReference, HistoryEntry, IssueInfo, School, Stage, Substitution, Transcript
from transcript_core.policy import SignatureFormat, get_policy, list_slots
from transcript_core.records import PupilRecord, SchoolRecords, StaffRecord
from transcript_core.xml import TranscriptDocument, document_digest, get_signature, read_document

_SAVED_AT_ONCE: Final = 25
"""Documents saved in one transaction; what a crash can lose is built again."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a school decides for a build."""

    stage: Stage = Stage.YEAR
    deputy_staff_code: str | None = None  # signs as "KT. HIỆU TRƯỞNG", with `deputy`
    deputy: Substitution | None = None


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did, by pupil code."""

    built: tuple[DocumentKey, ...]
    rebuilt: tuple[DocumentKey, ...]  # unlocked because the records changed, and locked again
    unchanged: int
    incomplete: Mapping[str, str]  # pupil code → what is missing
    held_back: tuple[str, ...]


def build_documents(
    workspace: Workspace,
    *,
    school: School,
    school_year: str,
    class_name: str | None = None,
    options: BuildOptions | None = None,
    unlock: bool = False,
    actor: str,
    advance: Advance = no_progress,
) -> BuildResult:
    """Build and lock a document for every good pupil who has none yet.

    Args:
        unlock: also rebuild documents that are not issued yet and whose records changed.  Signatures of changed parts
            and every signature in the PDF are discarded; the XML signatures of unchanged parts are kept.

    Raises:
        NotFound: the school year was not imported.
        InputError: the school's records name no principal, or several.
    """
    choices = options or BuildOptions()
    with transaction(workspace.sessions) as session:
        year = schools.get_year(session, school_code=school.school_code, school_year=school_year)
        known = _list_newest(session, school.school_code, school_year)
    pupils = [one for one in year.records.pupils if class_name in {None, one.class_name}]
    work = _Work(workspace, school, year.records, choices)
    drafts, incomplete, unchanged = work.draft_all(pupils, known, unlock=unlock)
    built: list[DocumentKey] = []
    for batch in _batches(render_all(drafts), _SAVED_AT_ONCE):
        _save(workspace, batch, known, actor)
        built.extend(DocumentKey(one.draft.transcript.serial, one.draft.transcript.version) for one in batch)
        advance(len(batch))
    before = {document.key for document in known.values()}
    return BuildResult(
        built=tuple(key for key in built if key not in before),
        rebuilt=tuple(key for key in built if key in before),
        unchanged=unchanged,
        incomplete=incomplete,
        held_back=year.records.held_back,
    )


@dataclass(frozen=True, slots=True)
class _Work:
    workspace: Workspace
    school: School
    records: SchoolRecords
    options: BuildOptions

    def draft_all(
        self, pupils: Sequence[PupilRecord], known: Mapping[str, StoredDocument], *, unlock: bool
    ) -> tuple[list[Draft], dict[str, str], int]:
        """Return the drafts to render, what is missing by pupil code, and how many stay as they are."""
        drafts, incomplete, unchanged = [], {}, 0
        at = self.workspace.clock.now()
        for pupil in pupils:
            stored = known.get(pupil.pupil_code)
            try:
                draft = self._draft(pupil, stored, at, unlock=unlock)
            except IncompleteRecord as error:
                incomplete[pupil.pupil_code] = str(error)
                continue
            if draft is None:
                unchanged += 1
            else:
                drafts.append(draft)
        return drafts, incomplete, unchanged

    def _draft(self, pupil: PupilRecord, stored: StoredDocument | None, at: datetime, *, unlock: bool) -> Draft | None:
        if stored is None:
            transcript = self.build(pupil, serial=generate_serial(), version=1, at=at)
            return Draft(transcript, build_issue_info(transcript, self.records, self.options))
        if not unlock or stored.state is not DocumentState.LOCKED or stored.key.version > 1:
            return None
        return self._redraft(pupil, stored, at)

    def _redraft(self, pupil: PupilRecord, stored: StoredDocument, at: datetime) -> Draft | None:
        xml = self.workspace.store.get(stored.xml_sha256)
        before = get_transcript_document(xml)
        current = self.build(pupil, serial=stored.key.serial, version=1, at=stored.locked_at)
        issue = build_issue_info(current, self.records, self.options, issued_on=before.issue.issued_on)
        if (current, issue) == (before.transcript, replace(before.issue, pdf_sha256=None)):
            return None
        transcript = replace(current, locked_at=at)
        carried = _carry_signatures(xml, before, transcript)
        return Draft(transcript, build_issue_info(transcript, self.records, self.options), carried=carried)

    def build(self, pupil: PupilRecord, *, serial: str, version: int, at: datetime) -> Transcript:
        """Return the transcript of one pupil as the records now say."""
        with transaction(self.workspace.sessions) as session:
            transcript_id = repository.get_or_create_transcript_id(
                session, pupil_code=pupil.pupil_code, level=self.school.level
            )
            earlier = repository.list_earlier_years(session, transcript_id, before=self.records.school_year)
        history = [_read_history(self.workspace, document) for document in earlier]
        return build_transcript(
            pupil,
            records=self.records,
            school=self.school,
            serial=serial,
            version=version,
            transcript_id=transcript_id,
            locked_at=at,
            stage=self.options.stage,
            history=history,
            previous_year=history[-1].document if history else None,
        )


def build_current(
    workspace: Workspace,
    pupil: PupilRecord,
    *,
    records: SchoolRecords,
    school: School,
    options: BuildOptions,
    serial: str,
    version: int,
) -> Transcript:
    """Return what the records now say of one pupil, under a given serial and version."""
    work = _Work(workspace, school, records, options)
    return work.build(pupil, serial=serial, version=version, at=workspace.clock.now())


def build_issue_info(
    transcript: Transcript, records: SchoolRecords, options: BuildOptions, *, issued_on: date | None = None
) -> IssueInfo:
    """Return who signs as manager and seal, where and when; the picture's digest comes with rendering."""
    manager = _find_manager(records, options)
    return build_issue(
        transcript,
        manager=manager,
        issued_on=issued_on or transcript.locked_at.astimezone(VIETNAM_TIME).date(),
        substitution=None if options.deputy_staff_code is None else options.deputy,
    )


def get_transcript_document(xml: bytes) -> TranscriptDocument:
    """Return the parsed transcript in `xml`.

    Raises:
        MalformedTranscript: it is not a transcript.
    """
    document = read_document(xml)
    if not isinstance(document, TranscriptDocument):
        raise MalformedTranscript("a transcript was expected, this is a recall")
    return document


def list_signatures(xml: bytes, document: TranscriptDocument, subject_codes: Iterable[str]) -> dict[str, bytes]:
    """Return slot Id → whole ds:Signature octets of the subject teachers' signatures over these subjects."""
    wanted = set(subject_codes)
    found = {}
    for slot in document.slots:
        signature = get_signature(xml, slot.slot_id) if slot.subject_code in wanted else None
        if signature is not None:
            found[slot.slot_id] = signature
    return found


def _carry_signatures(xml: bytes, before: TranscriptDocument, now: Transcript) -> dict[str, bytes]:
    """Return the signatures over parts that are as they were, by the same people."""
    if (now.class_name, now.school) != (before.transcript.class_name, before.transcript.school):
        return {}
    same = [one.subject_code for one in now.subjects if one in before.transcript.subjects]
    signers = {signer.slot_id for signer in now.signers if signer in before.transcript.signers}
    found = list_signatures(xml, before, same)
    return {slot_id: signature for slot_id, signature in found.items() if slot_id in signers}


def save_draft(session: Session, workspace: Workspace, rendered: Rendered, *, actor: str) -> DocumentKey:
    """Store the files of a new version and add its rows."""
    transcript = rendered.draft.transcript
    slots = list_slots(transcript, rendered.issue, get_policy(transcript.policy_id))
    repository.add_document(
        session,
        transcript,
        slots,
        xml_sha256=workspace.store.put(rendered.xml),
        pdf_sha256=workspace.store.put(rendered.pdf),
    )
    key = DocumentKey(transcript.serial, transcript.version)
    slot_repository.mark_slots(
        session, key, {slot_id: frozenset({SignatureFormat.XADES}) for slot_id in rendered.draft.carried}
    )
    audit.record(
        session, at=workspace.clock.now(), actor=actor, action="lock", subject=str(key), detail=transcript.event.value
    )
    return key


def remove_unissued(session: Session, workspace: Workspace, document: StoredDocument, *, actor: str) -> None:
    """Remove the rows of a document that is not issued, so that a new one takes its place.

    Raises:
        Conflict: it was issued or signed meanwhile.
    """
    repository.remove_locked(session, document)
    audit.record(session, at=workspace.clock.now(), actor=actor, action="unlock", subject=str(document.key))


def _save(workspace: Workspace, batch: Sequence[Rendered], known: Mapping[str, StoredDocument], actor: str) -> None:
    with transaction(workspace.sessions) as session:
        for rendered in batch:
            before = known.get(rendered.draft.transcript.pupil.pupil_code)
            if before is not None:
                remove_unissued(session, workspace, before, actor=actor)
            save_draft(session, workspace, rendered, actor=actor)


def _list_newest(session: Session, school_code: str, school_year: str) -> dict[str, StoredDocument]:
    documents = repository.list_documents(session, school_code=school_code, school_year=school_year)
    return {document.pupil_code: document for document in documents}


def _find_manager(records: SchoolRecords, options: BuildOptions) -> StaffRecord:
    if options.deputy_staff_code is not None:
        deputy = next((one for one in records.staff if one.staff_code == options.deputy_staff_code), None)
        if deputy is None:
            raise InputError(f"deputy {options.deputy_staff_code} is not in the school's list of staff")
        return deputy
    principal = find_principal(records)
    if principal is None:
        raise InputError("the list of staff must name exactly one principal (Hiệu trưởng)")
    return principal


def _read_history(workspace: Workspace, document: StoredDocument) -> HistoryEntry:
    xml = workspace.store.get(document.xml_sha256)
    transcript = get_transcript_document(xml).transcript
    reference = DocumentReference(transcript.serial, transcript.version, document_digest(xml))
    return HistoryEntry(transcript.school_year, transcript.class_name, transcript.school.name, reference)


def _batches(items: Iterator[Rendered], size: int) -> Iterator[list[Rendered]]:
    while batch := list(islice(items, size)):
        yield batch
