"""Signs every slot that is open for one signer, in both formats, document by document.

Work is found from the rows, so a run that was stopped anywhere goes on where it was: a document's new files and its
rows change in one transaction, and a file is whole before a row names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.orm import Session

from service import audit
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.signing.description import DocumentDescription, read_description
from service.signing.desk import SigningDesk, find_staff_codes
from service.signing.evidence_store import put_evidence
from service.transcripts import repository
from service.transcripts.repository import DocumentKey, StoredDocument
from signing.batch import SigningResult, SigningTask, sign_batch
from transcript_core.errors import Conflict, TranscriptError
from transcript_core.policy import SignatureFormat, SignatureLevel, Slot
from transcript_core.render.appearance import Appearance, build_person_appearance
from transcript_core.render.prepared import read_prepared

CHUNK: Final = 25
"""Documents that are signed, then saved in one transaction; what a crash can lose is signed again, never twice."""


@dataclass(slots=True)
class SigningReport:
    """What one action did."""

    signed: list[tuple[DocumentKey, str]] = field(default_factory=list)  # (document, slot Id), both formats
    failed: list[tuple[DocumentKey, str, TranscriptError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """One open slot with its document's files."""

    stored: StoredDocument
    document: DocumentDescription
    slot: Slot
    xml: bytes
    pdf: bytes
    missing: tuple[SignatureFormat, ...]


def sign_open_slots(
    desk: SigningDesk, *, school_code: str, class_name: str | None = None, actor: str, advance: Advance = no_progress
) -> SigningReport:
    """Sign all that is open for the holder of the desk's certificate; one bad document never stops the others.

    Raises:
        NotEligible: the authority list does not know the certificate's holder.
        EvidenceUnavailable: chain or revocation status could not be fetched, so nothing may be signed.
    """
    report = SigningReport()
    for staff_code in find_staff_codes(desk.workspace.get_authority(), desk.signer.certificate.identity):
        _sign_as(desk, staff_code, school_code, class_name, actor=actor, advance=advance, report=report)
    return report


def _sign_as(
    desk: SigningDesk,
    staff_code: str,
    school_code: str,
    class_name: str | None,
    *,
    actor: str,
    advance: Advance,
    report: SigningReport,
) -> None:
    appearances = AppearanceCache(desk)
    given_up: set[tuple[DocumentKey, str]] = set()
    while True:
        with transaction(desk.workspace.sessions) as session:
            found = repository.list_open_slots(
                session, school_code=school_code, staff_code=staff_code, class_name=class_name
            )
        todo = _one_per_document([one for one in found if one not in given_up])
        if not todo:
            return
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            sign_chunk(desk, chunk, appearances.build, actor=actor, report=report)
            advance(len(chunk))
        given_up.update((key, slot_id) for key, slot_id, _ in report.failed)


class AppearanceCache:
    """A person's appearance by its size and texts: made once and used for the whole action."""

    def __init__(self, desk: SigningDesk) -> None:
        self._desk = desk
        self._made: dict[tuple[float, float, str, str], Appearance] = {}

    def build(self, one: OpenSlot) -> Appearance:
        """Return the appearance for this slot's field."""
        place = read_prepared(one.pdf).fields[one.slot.slot_id]
        key = (place.width, place.height, one.slot.name, one.slot.title)
        if key not in self._made:
            self._made[key] = build_person_appearance(
                place.width, place.height, name=one.slot.name, title=one.slot.title, signed_at=self._desk.at
            )
        return self._made[key]


def sign_chunk(
    desk: SigningDesk,
    todo: Sequence[tuple[DocumentKey, str]],
    build_appearance: Callable[[OpenSlot], Appearance],
    *,
    actor: str,
    report: SigningReport,
    prepare_pdf: Callable[[OpenSlot], bytes] | None = None,
    columns: Callable[[OpenSlot], Mapping[str, object]] | None = None,
) -> None:
    """Sign these slots under one approval and save them in one transaction.

    Args:
        prepare_pdf: what the PDF becomes before it is signed; the seal adds everybody's evidence.
        columns: further columns of the document's row, saved with it.
    """
    found = _open_all(desk, todo, report)
    timestamped = any(one.slot.rule.level is not SignatureLevel.B_B for one in found)
    evidence = desk.evidence_with_timestamps if timestamped else desk.evidence
    opened, tasks = _build_tasks(found, build_appearance, prepare_pdf, report)
    results = sign_batch(
        tasks,
        desk.signer,
        check=desk.check,
        at=desk.at,
        evidence=evidence,
        timestamps=desk.services.timestamps,
    )
    evidence_sha256 = put_evidence(desk.workspace.store, evidence)
    done = [
        _Done(one, result, {} if columns is None else columns(one)) for one, result in zip(opened, results, strict=True)
    ]
    _save_all(desk, done, evidence_sha256, actor=actor, report=report)


def _open_all(desk: SigningDesk, todo: Sequence[tuple[DocumentKey, str]], report: SigningReport) -> list[OpenSlot]:
    """Return the slots that can be read; a document whose files are gone or changed is reported and left alone."""
    with transaction(desk.workspace.sessions) as session:
        found = repository.load_for_signing(session, todo)
    opened = []
    for key, slot_id in todo:
        if (key, slot_id) not in found:
            continue
        try:
            opened.append(_open(desk, slot_id, *found[key, slot_id]))
        except TranscriptError as error:
            report.failed.append((key, slot_id, error))
    return opened


def _open(desk: SigningDesk, slot_id: str, stored: StoredDocument, missing: tuple[SignatureFormat, ...]) -> OpenSlot:
    xml, pdf = desk.workspace.store.get(stored.xml_sha256), desk.workspace.store.get(stored.pdf_sha256)
    document = read_description(xml)
    slot = next((one for one in document.slots if one.slot_id == slot_id), None)
    if slot is None:
        raise Conflict(f"document {stored.key} has no slot {slot_id}")
    return OpenSlot(stored, document, slot, xml, pdf, missing)


def _with_pdf(one: OpenSlot, prepare_pdf: Callable[[OpenSlot], bytes] | None) -> OpenSlot:
    if prepare_pdf is None or SignatureFormat.PADES not in one.missing:
        return one
    return replace(one, pdf=prepare_pdf(one))


def _build_tasks(
    found: Sequence[OpenSlot],
    build_appearance: Callable[[OpenSlot], Appearance],
    prepare_pdf: Callable[[OpenSlot], bytes] | None,
    report: SigningReport,
) -> tuple[list[OpenSlot], list[SigningTask]]:
    """Return what can be signed, and the tasks for it, in the same order."""
    opened, tasks = [], []
    for one in found:
        try:
            ready = _with_pdf(one, prepare_pdf)
            task = _build_task(ready, build_appearance)
        except TranscriptError as error:
            report.failed.append((one.stored.key, one.slot.slot_id, error))
            continue
        opened.append(ready)
        tasks.append(task)
    return opened, tasks


def _build_task(one: OpenSlot, build_appearance: Callable[[OpenSlot], Appearance]) -> SigningTask:
    with_pdf = SignatureFormat.PADES in one.missing
    return SigningTask(
        key=str(one.stored.key),
        slot=one.slot,
        slots=one.document.slots,
        policy=one.document.policy,
        xml=one.xml,
        formats=one.missing,
        pdf=one.pdf if with_pdf else None,
        appearance=build_appearance(one) if with_pdf else None,
    )


def _find_error(result: SigningResult) -> TranscriptError | None:
    """Return what stopped a format; a slot that needs a timestamp and got none counts as stopped."""
    errors = [one.error or one.timestamp_problem for one in result.formats.values()]
    return next((error for error in errors if error is not None), None)


@dataclass(frozen=True, slots=True)
class _Done:
    """A slot with what became of it."""

    slot: OpenSlot
    result: SigningResult
    columns: Mapping[str, object]

    @property
    def documents(self) -> dict[SignatureFormat, bytes]:
        """What is to be kept; a signature that lacks the timestamp its slot needs is not."""
        return {
            kind: one.document
            for kind, one in self.result.formats.items()
            if one.document is not None and one.timestamp_problem is None
        }


def _save_all(
    desk: SigningDesk, done: Sequence[_Done], evidence_sha256: str, *, actor: str, report: SigningReport
) -> None:
    """Save a chunk in one transaction, then drop the files that nothing names any more."""
    obsolete: list[str] = []
    with transaction(desk.workspace.sessions) as session:
        for one in done:
            key, slot_id = one.slot.stored.key, one.slot.slot.slot_id
            try:
                obsolete += _save(session, desk, one, evidence_sha256, actor) if one.documents else []
            except Conflict as conflict:
                report.failed.append((key, slot_id, conflict))
                continue
            problem = _find_error(one.result)
            if problem is None:
                report.signed.append((key, slot_id))
            else:
                report.failed.append((key, slot_id, problem))
    for digest_hex in obsolete:
        desk.workspace.store.discard(digest_hex)


def _save(session: Session, desk: SigningDesk, one: _Done, evidence_sha256: str, actor: str) -> list[str]:
    """Save one slot; return the digests of the files that its document names no more."""
    stored, slot_id, store = one.slot.stored, one.slot.slot.slot_id, desk.workspace.store
    xml, pdf = one.documents.get(SignatureFormat.XADES), one.documents.get(SignatureFormat.PADES)
    xml_sha256 = stored.xml_sha256 if xml is None else store.put(xml)
    pdf_sha256 = stored.pdf_sha256 if pdf is None else store.put(pdf)
    repository.move_document(session, stored, xml_sha256=xml_sha256, pdf_sha256=pdf_sha256, **one.columns)
    repository.mark_slots(session, stored.key, {slot_id: frozenset(one.documents)})
    repository.add_evidence(
        session,
        stored.key,
        slot_id,
        one.documents,
        certificate_sha256=desk.signer.certificate.sha256.hex(),
        evidence_sha256=evidence_sha256,
        signed_at=desk.at,
    )
    formats = "+".join(sorted(kind.value for kind in one.documents))
    audit.record(session, at=desk.at, actor=actor, action="sign", subject=f"{stored.key}#{slot_id}", detail=formats)
    changed = ((stored.xml_sha256, xml_sha256), (stored.pdf_sha256, pdf_sha256))
    return [old for old, new in changed if old != new]


def _one_per_document(found: Sequence[tuple[DocumentKey, str]]) -> list[tuple[DocumentKey, str]]:
    """Return the first open slot of each document: signatures in one PDF come one after the other."""
    first: dict[DocumentKey, str] = {}
    for key, slot_id in found:
        first.setdefault(key, slot_id)
    return list(first.items())
