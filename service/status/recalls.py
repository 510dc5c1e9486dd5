"""Recalls a version: one person asks, another approves, the seal closes.  Each signs the CANCEL document in turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service import audit
from service.context import AppContext
from service.db.engine import transaction
from service.db.tables import RecallRow
from service.signing.desk import SigningDesk, find_staff_codes
from service.transcripts import event_repository, repository
from service.transcripts.building import get_transcript_document
from service.transcripts.recording import record_recall
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from signing.batch import SigningTask, sign_batch
from transcript_core.authority import AuthorityList
from transcript_core.errors import Conflict, InputError, MalformedTranscript, NotEligible, NotFound
from transcript_core.model import DocumentReference, Recall, Seal, SlotRole, SlotSigner, Transcript
from transcript_core.policy import Office, SignatureFormat, SignatureLevel, find_policy
from transcript_core.xml import RecallDocument, build_recall, document_digest, read_document

REQUESTER_SLOT_ID = "nguoi-de-nghi"
MANAGER_SLOT_ID = "cbql"
_TITLES = {
    Office.PRINCIPAL: "HIỆU TRƯỞNG",
    Office.VICE_PRINCIPAL: "PHÓ HIỆU TRƯỞNG",
    Office.CLERK: "VĂN THƯ",
    Office.HOMEROOM_TEACHER: "GIÁO VIÊN CHỦ NHIỆM",
}


class RecallState(StrEnum):
    """Where a recall stands.  RECORDED: sealed, verified, and in force."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    RECORDED = "RECORDED"


@dataclass(frozen=True, slots=True)
class StoredRecall:
    """One recall as the rows know it."""

    key: DocumentKey
    target_version: int
    state: RecallState
    xml_sha256: str


def request_recall(
    desk: SigningDesk, serial: str, version: int, *, reason: str, approver_staff_code: str, actor: str
) -> DocumentKey:
    """Ask for the recall of one issued version, signed by the desk's signer; return the CANCEL's own name.

    Args:
        approver_staff_code: the principal or deputy who is to approve; never the requester.

    Raises:
        NotFound: that version was not issued.
        Conflict: that version is recalled already, or a recall of this serial is under way that can still be sealed.
        InputError: no reason, or requester and approver are one person.
        NotEligible: the signer holds no office that may ask.
    """
    workspace = desk.workspace
    authority = workspace.get_authority()
    requester = find_staff_codes(authority, desk.signer.certificate.identity)[0]
    if not reason.strip():
        raise InputError("a recall states its reason")
    if requester == approver_staff_code:
        raise InputError("a recall is approved by another person than the one who asks for it")
    with transaction(workspace.sessions) as session:
        stored = _get_issued(session, DocumentKey(serial, version))
        _refuse_recalled(session, stored.key)
        overtaken = _find_overtaken(session, serial)
        number = repository.find_highest_version(session, serial) + 1
    xml = workspace.store.get(stored.xml_sha256)
    recall = _build_recall(
        get_transcript_document(xml).transcript,
        document_digest(xml),
        number,
        reason=reason.strip(),
        requested_by=_describe(authority, requester, SlotRole.REQUESTER, REQUESTER_SLOT_ID),
        approved_by=_describe(authority, approver_staff_code, SlotRole.MANAGER, MANAGER_SLOT_ID),
        at=desk.at,
    )
    signed = _sign(desk, build_recall(recall), SlotRole.REQUESTER)
    key = DocumentKey(serial, number)
    with transaction(workspace.sessions) as session:
        if overtaken is not None:
            session.execute(delete(RecallRow).filter_by(serial=serial, version=overtaken.key.version))
        session.add(
            RecallRow(
                serial=serial,
                version=number,
                school_code=stored.school_code,
                target_version=version,
                state=RecallState.REQUESTED.value,
                xml_sha256=workspace.store.put(signed),
            )
        )
        audit.record(session, at=desk.at, actor=actor, action="recall-request", subject=str(key))
    return key


def approve_recall(desk: SigningDesk, serial: str, *, actor: str) -> DocumentKey:
    """Approve the pending recall of `serial` by the signature of the manager it names."""
    return _advance(desk, serial, RecallState.REQUESTED, RecallState.APPROVED, SlotRole.MANAGER, actor)


def seal_recall(context: AppContext, desk: SigningDesk, serial: str, *, actor: str) -> DocumentKey:
    """Seal the approved recall of `serial` and record it: from now on its version is recalled."""
    pending = get_pending(desk, serial)
    if pending.state is RecallState.REQUESTED:
        raise Conflict(f"the recall {pending.key} waits for the principal's approval")
    with transaction(desk.workspace.sessions) as session:
        recorded = dict(event_repository.list_event_files(session, serial)).get(pending.key.version)
        _refuse_overtaken(session, pending)
    if recorded is None:
        sealed = _sign(desk, desk.workspace.store.get(pending.xml_sha256), SlotRole.SEAL)
        record_recall(context, sealed, actor=actor)
    else:  # a run that stopped after recording and before this row was moved
        sealed = desk.workspace.store.get(recorded)
    _move(desk, pending, RecallState.RECORDED, sealed, actor)
    return pending.key


def get_pending(desk: SigningDesk, serial: str) -> StoredRecall:
    """Return the recall of `serial` that is under way.

    Raises:
        NotFound: there is none.
    """
    with transaction(desk.workspace.sessions) as session:
        found = _find_pending(session, serial)
    if found is None:
        raise NotFound(f"no recall of {serial} is under way")
    return found


def _build_recall(
    transcript: Transcript,
    digest: bytes,
    version: int,
    *,
    reason: str,
    requested_by: SlotSigner,
    approved_by: SlotSigner,
    at: datetime,
) -> Recall:
    policy = find_policy(None)
    return Recall(
        serial=transcript.serial,
        version=version,
        target=DocumentReference(transcript.serial, transcript.version, digest),
        school=transcript.school,
        school_year=transcript.school_year,
        reason=reason,
        requested_by=requested_by,
        requested_at=at,
        approved_by=approved_by,
        seal=Seal(transcript.school.school_code, transcript.school.name),
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )


def _describe(authority: AuthorityList, staff_code: str, role: SlotRole, slot_id: str) -> SlotSigner:
    person = authority.find_staff(staff_code)
    if person is None:
        raise NotEligible(f"staff {staff_code} is not in the authority list", reason="unknown-staff")
    office = next((one.office for one in person.offices if one.office in _TITLES), None)
    title = _TITLES[office] if office is not None else "GIÁO VIÊN"
    return SlotSigner(slot_id=slot_id, role=role, staff_code=staff_code, name=person.name, title=title)


def _sign(desk: SigningDesk, xml: bytes, role: SlotRole) -> bytes:
    document = read_document(xml)
    if not isinstance(document, RecallDocument):
        raise MalformedTranscript("a recall was expected")
    slot = next(one for one in document.slots if one.role is role)
    task = SigningTask(
        key=f"{document.recall.serial}/{document.recall.version}",
        slot=slot,
        slots=document.slots,
        policy=document.policy,
        xml=xml,
        formats=(SignatureFormat.XADES,),
    )
    timestamped = slot.rule.level is not SignatureLevel.B_B
    (result,) = sign_batch(
        [task],
        desk.signer,
        check=desk.check,
        at=desk.at,
        evidence=desk.evidence_with_timestamps if timestamped else desk.evidence,
        timestamps=desk.services.timestamps,
    )
    made = result.formats[SignatureFormat.XADES]
    if made.error is not None:
        raise made.error
    if made.timestamp_problem is not None and slot.rule.demanded_level is not SignatureLevel.B_B:
        raise made.timestamp_problem
    assert made.document is not None
    return made.document


def _advance(
    desk: SigningDesk, serial: str, before: RecallState, after: RecallState, role: SlotRole, actor: str
) -> DocumentKey:
    pending = get_pending(desk, serial)
    if pending.state is not before:
        raise Conflict(f"the recall {pending.key} is {pending.state.value}, not {before.value}")
    with transaction(desk.workspace.sessions) as session:
        _refuse_overtaken(session, pending)
    signed = _sign(desk, desk.workspace.store.get(pending.xml_sha256), role)
    _move(desk, pending, after, signed, actor)
    return pending.key


def _move(desk: SigningDesk, pending: StoredRecall, after: RecallState, xml: bytes, actor: str) -> None:
    with transaction(desk.workspace.sessions) as session:
        row = session.get_one(RecallRow, (pending.key.serial, pending.key.version))
        if row.xml_sha256 != pending.xml_sha256:
            raise Conflict(f"the recall {pending.key} changed meanwhile; run again")
        row.state, row.xml_sha256 = after.value, desk.workspace.store.put(xml)
        audit.record(session, at=desk.at, actor=actor, action=f"recall-{after.value.lower()}", subject=str(pending.key))


def _get_issued(session: Session, key: DocumentKey) -> StoredDocument:
    stored = repository.get_document(session, key)
    if stored.state is not DocumentState.ISSUED:
        raise NotFound(f"document {key} was not issued, so there is nothing to recall")
    return stored


def _find_pending(session: Session, serial: str) -> StoredRecall | None:
    query = select(RecallRow).where(RecallRow.serial == serial, RecallRow.state != RecallState.RECORDED.value)
    row = session.scalars(query).one_or_none()
    if row is None:
        return None
    return StoredRecall(
        DocumentKey(row.serial, row.version), row.target_version, RecallState(row.state), row.xml_sha256
    )


def _refuse_recalled(session: Session, key: DocumentKey) -> None:
    done = select(RecallRow).filter_by(serial=key.serial, target_version=key.version, state=RecallState.RECORDED.value)
    if session.scalars(done).first() is not None:
        raise Conflict(f"document {key} is recalled already")


def _find_overtaken(session: Session, serial: str) -> StoredRecall | None:
    """Return the pending recall whose number an issued version has overtaken, or None when none is pending."""
    pending = _find_pending(session, serial)
    if pending is not None and not _is_overtaken(session, pending):
        raise Conflict(f"a recall of {serial} is under way already: {pending.key}, {pending.state.value}")
    return pending


def _refuse_overtaken(session: Session, pending: StoredRecall) -> None:
    if _is_overtaken(session, pending):
        raise Conflict(
            f"since the recall {pending.key} was asked for, a newer version was issued; ask for it anew: "
            f"hocba recall request {pending.key.serial}"
        )


def _is_overtaken(session: Session, pending: StoredRecall) -> bool:
    return any(
        version > pending.key.version for version, _ in event_repository.list_event_files(session, pending.key.serial)
    )
