"""SQL for transcripts, their documents, slots and signed events.  Functions never commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    CursorResult,
    FromClause,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

from service.db.tables import (
    DocumentRow,
    EventRow,
    EvidenceRow,
    RecallRow,
    SigningBatchRow,
    SlotRow,
    TranscriptRow,
)
from transcript_core.errors import Conflict, NotFound
from transcript_core.identifiers import generate_transcript_id
from transcript_core.model import SchoolLevel, Transcript
from transcript_core.policy import SignatureFormat, Slot


class DocumentState(StrEnum):
    """LOCKED: complete, being signed.  ISSUED: signed, sealed, verified and recorded as a signed event."""

    LOCKED = "LOCKED"
    ISSUED = "ISSUED"


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """Names one version of one document."""

    serial: str
    version: int

    def __str__(self) -> str:
        return f"{self.serial}/{self.version}"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One document as the rows know it."""

    key: DocumentKey
    transcript_id: str
    school_code: str
    school_year: str
    class_name: str
    pupil_code: str
    event: str
    state: DocumentState
    locked_at: datetime
    issued_at: datetime | None
    xml_sha256: str
    pdf_sha256: str
    json_sha256: str | None
    view_secret_sha256: bytes | None


@dataclass(frozen=True, slots=True)
class OwnSlot:
    """A slot that one person can sign without waiting for anybody else."""

    key: DocumentKey
    slot_id: str
    role: str  # SlotRole
    follows: bool  # opens when this person has signed earlier slots of their own; False: open now


_KEYS_AT_ONCE: Final = 400
"""Documents named in one query: SQLite takes some thousand values."""

SlotMark: TypeAlias = tuple[DocumentKey, str, frozenset[SignatureFormat]]
"""A slot and the formats in which it is signed: (document, slot Id, formats)."""


def get_or_create_transcript_id(session: Session, *, pupil_code: str, level: SchoolLevel) -> str:
    """Return the id of the pupil's transcript at this level, making one the first time."""
    row = session.scalars(select(TranscriptRow).filter_by(pupil_code=pupil_code, level=level.value)).one_or_none()
    if row is None:
        row = TranscriptRow(transcript_id=generate_transcript_id(), pupil_code=pupil_code, level=level.value)
        session.add(row)
        session.flush()
    return row.transcript_id


def add_document(
    session: Session, transcript: Transcript, slots: Sequence[Slot], *, xml_sha256: str, pdf_sha256: str
) -> None:
    """Add a locked document and its slots."""
    session.add(
        DocumentRow(
            serial=transcript.serial,
            version=transcript.version,
            transcript_id=transcript.transcript_id,
            school_code=transcript.school.school_code,
            school_year=transcript.school_year,
            class_name=transcript.class_name,
            pupil_code=transcript.pupil.pupil_code,
            event=transcript.event.value,
            state=DocumentState.LOCKED.value,
            locked_at=transcript.locked_at,
            xml_sha256=xml_sha256,
            pdf_sha256=pdf_sha256,
        )
    )
    session.flush()
    session.add_all(
        SlotRow(
            serial=transcript.serial,
            version=transcript.version,
            slot_id=slot.slot_id,
            role=slot.role.value,
            order=slot.rule.order,
            staff_code=slot.staff_code,
            xades=slot.kept or SignatureFormat.XADES not in slot.rule.formats,
            pades=slot.kept or SignatureFormat.PADES not in slot.rule.formats,
        )
        for slot in slots
    )


def find_document(session: Session, key: DocumentKey) -> StoredDocument | None:
    """Return the document, or None."""
    row = session.get(DocumentRow, (key.serial, key.version))
    return None if row is None else _to_domain(row)


def get_document(session: Session, key: DocumentKey) -> StoredDocument:
    """Return the document.

    Raises:
        NotFound: there is none of this serial and version.
    """
    found = find_document(session, key)
    if found is None:
        raise NotFound(f"there is no document {key}")
    return found


def find_latest(session: Session, serial: str, *, state: DocumentState | None = None) -> StoredDocument | None:
    """Return the document of this serial with the highest version, of all or in `state` alone, or None."""
    query = select(DocumentRow).filter_by(serial=serial).order_by(DocumentRow.version.desc()).limit(1)
    if state is not None:
        query = query.filter_by(state=state.value)
    row = session.scalars(query).one_or_none()
    return None if row is None else _to_domain(row)


def list_documents(
    session: Session,
    *,
    school_code: str,
    school_year: str | None = None,
    class_name: str | None = None,
    state: DocumentState | None = None,
) -> list[StoredDocument]:
    """Return the documents that match, by class, pupil and version."""
    query = select(DocumentRow).filter_by(school_code=school_code)
    if school_year is not None:
        query = query.filter_by(school_year=school_year)
    if class_name is not None:
        query = query.filter_by(class_name=class_name)
    if state is not None:
        query = query.filter_by(state=state.value)
    ordered = query.order_by(DocumentRow.class_name, DocumentRow.pupil_code, DocumentRow.version)
    return [_to_domain(row) for row in session.scalars(ordered)]


def list_earlier_years(session: Session, transcript_id: str, *, before: str) -> list[StoredDocument]:
    """Return the newest issued document of each school year before this one, by year."""
    query = (
        select(DocumentRow)
        .filter_by(transcript_id=transcript_id, state=DocumentState.ISSUED.value)
        .where(DocumentRow.school_year < before)
        .order_by(DocumentRow.school_year, DocumentRow.version)
    )
    newest = {row.school_year: _to_domain(row) for row in session.scalars(query)}
    return list(newest.values())


def remove_locked(session: Session, document: StoredDocument) -> None:
    """Remove the rows of a document that is not issued; an unlock makes it anew under the same name.

    Raises:
        Conflict: it was issued or changed meanwhile.
    """
    named = {"serial": document.key.serial, "version": document.key.version}
    session.execute(delete(EvidenceRow).filter_by(**named))
    session.execute(delete(SlotRow).filter_by(**named))
    done = session.execute(
        delete(DocumentRow)
        .filter_by(**named, state=DocumentState.LOCKED.value)
        .filter_by(xml_sha256=document.xml_sha256, pdf_sha256=document.pdf_sha256)
    )
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise Conflict(f"document {document.key} changed meanwhile and cannot be unlocked")


def list_open_slots(
    session: Session, *, school_code: str, staff_code: str | None, class_name: str | None = None
) -> list[tuple[DocumentKey, str]]:
    """Return (document, slot Id) of each open slot of this person (None: the seal) whose earlier slots are complete."""
    query = (
        select(SlotRow.serial, SlotRow.version, SlotRow.slot_id)
        .join(DocumentRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(DocumentRow.school_code == school_code, DocumentRow.state == DocumentState.LOCKED.value)
        .where(SlotRow.staff_code.is_(None) if staff_code is None else SlotRow.staff_code == staff_code)
        .where(or_(~SlotRow.xades, ~SlotRow.pades))
        .where(~_earlier_open_slot())
        .order_by(DocumentRow.class_name, DocumentRow.pupil_code, SlotRow.slot_id)
    )
    if class_name is not None:
        query = query.where(DocumentRow.class_name == class_name)
    return [(DocumentKey(serial, version), slot_id) for serial, version, slot_id in session.execute(query)]


def list_reachable_slots(
    session: Session, *, school_code: str, staff_codes: Sequence[str], class_name: str | None = None
) -> list[OwnSlot]:
    """Return the open slots of this person that wait for nobody else, those of one document in signing order."""
    waits_for_others = _earlier_open_slot(but_of=staff_codes)
    query = (
        select(SlotRow.serial, SlotRow.version, SlotRow.slot_id, SlotRow.role, _earlier_open_slot())
        .join(DocumentRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(DocumentRow.school_code == school_code, DocumentRow.state == DocumentState.LOCKED.value)
        .where(SlotRow.staff_code.in_(staff_codes), or_(~SlotRow.xades, ~SlotRow.pades), ~waits_for_others)
        .order_by(DocumentRow.class_name, DocumentRow.pupil_code, DocumentRow.version, SlotRow.order, SlotRow.slot_id)
    )
    if class_name is not None:
        query = query.where(DocumentRow.class_name == class_name)
    return [
        OwnSlot(DocumentKey(serial, version), slot_id, role, follows)
        for serial, version, slot_id, role, follows in session.execute(query)
    ]


def load_for_signing(
    session: Session, wanted: Sequence[tuple[DocumentKey, str]], *, lock: bool = False
) -> dict[tuple[DocumentKey, str], tuple[StoredDocument, tuple[SignatureFormat, ...]]]:
    """Return the document of each named slot, and the formats in which the slot is not signed yet.

    Args:
        lock: keep the rows from changing until the transaction ends, where the database has locks on rows.
    """
    names = [(key.serial, key.version, slot_id) for key, slot_id in wanted]
    query = (
        select(SlotRow.slot_id, SlotRow.xades, SlotRow.pades, *_DOCUMENT_COLUMNS)
        .join(DocumentRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(tuple_(SlotRow.serial, SlotRow.version, SlotRow.slot_id).in_(names))
    )
    if lock:
        query = query.order_by(SlotRow.serial, SlotRow.version).with_for_update()
    found = {}
    for slot_id, xades, pades, *columns in session.execute(query):
        document = _from_columns(columns)
        signed = {SignatureFormat.XADES: xades, SignatureFormat.PADES: pades}
        missing = tuple(kind for kind, done in signed.items() if not done)
        found[document.key, slot_id] = (document, missing)
    return found


def list_sealed(
    session: Session, *, school_code: str, seal_role: str, class_name: str | None = None
) -> list[tuple[DocumentKey, str]]:
    """Return (document, slot Id) of each seal of a locked document that is complete: it waits to be recorded."""
    query = (
        select(DocumentRow.serial, DocumentRow.version, SlotRow.slot_id)
        .join(SlotRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(DocumentRow.school_code == school_code, DocumentRow.state == DocumentState.LOCKED.value)
        .where(SlotRow.role == seal_role, SlotRow.xades, SlotRow.pades)
        .order_by(DocumentRow.class_name, DocumentRow.pupil_code)
    )
    if class_name is not None:
        query = query.where(DocumentRow.class_name == class_name)
    return [(DocumentKey(serial, version), slot_id) for serial, version, slot_id in session.execute(query)]


def _earlier_open_slot(*, but_of: Sequence[str] = ()) -> Any:
    """Return whether a slot has an open one before it, those of these staff codes left out."""
    other = SlotRow.__table__.alias("earlier")
    query = (
        select(other.c.slot_id)
        .where(other.c.serial == SlotRow.serial, other.c.version == SlotRow.version)
        .where(other.c.order < SlotRow.order)
        .where(or_(~other.c.xades, ~other.c.pades))
    )
    if but_of:
        query = query.where(or_(other.c.staff_code.is_(None), other.c.staff_code.not_in(but_of)))
    return query.correlate(SlotRow).exists()


def count_open_slots(session: Session, *, school_code: str, class_name: str | None = None) -> dict[str, int]:
    """Return role → how many slots of locked documents are still open."""
    query = (
        select(SlotRow.role, func.count())
        .join(DocumentRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(DocumentRow.school_code == school_code, DocumentRow.state == DocumentState.LOCKED.value)
        .where(or_(~SlotRow.xades, ~SlotRow.pades))
        .group_by(SlotRow.role)
    )
    if class_name is not None:
        query = query.where(DocumentRow.class_name == class_name)
    return {row[0]: row[1] for row in session.execute(query)}


def count_missing_before(
    session: Session, *, school_code: str, staff_codes: Sequence[str] | None, class_name: str | None = None
) -> tuple[dict[tuple[str, str], int], int]:
    """Return who has not signed before this person (None: the seal), and how many documents wait so.

    The first is (staff code, role) → documents; the person's own earlier slots are left out.
    """
    mine, other = aliased(SlotRow), aliased(SlotRow)
    query = (
        select(other.staff_code, other.role, other.serial, other.version)
        .join(mine, (mine.serial == other.serial) & (mine.version == other.version))
        .join(DocumentRow, (DocumentRow.serial == other.serial) & (DocumentRow.version == other.version))
        .where(DocumentRow.school_code == school_code, DocumentRow.state == DocumentState.LOCKED.value)
        .where(mine.staff_code.is_(None) if staff_codes is None else mine.staff_code.in_(staff_codes))
        .where(or_(~mine.xades, ~mine.pades), other.order < mine.order, or_(~other.xades, ~other.pades))
        .where(or_(other.staff_code.is_(None), other.staff_code.not_in(staff_codes or ())))
        .distinct()
    )
    if class_name is not None:
        query = query.where(DocumentRow.class_name == class_name)
    rows = [
        (staff_code or "", role, DocumentKey(serial, number))
        for staff_code, role, serial, number in session.execute(query)
    ]
    return dict(Counter((staff_code, role) for staff_code, role, _ in rows)), len({key for _, _, key in rows})


def count_certificates(session: Session, keys: Sequence[DocumentKey]) -> dict[tuple[str, str], int]:
    """Return (SHA-256 of a signer's certificate, of its evidence's file) → how many of these documents it signed."""
    counted: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        names = [(key.serial, key.version) for key in keys[start : start + _KEYS_AT_ONCE]]
        query = (
            select(EvidenceRow.certificate_sha256, EvidenceRow.evidence_sha256, EvidenceRow.serial, EvidenceRow.version)
            .where(tuple_(EvidenceRow.serial, EvidenceRow.version).in_(names))
            .distinct()
        )
        counted.update((certificate, evidence) for certificate, evidence, _, _ in session.execute(query))
    return dict(counted)


def move_document(session: Session, before: StoredDocument, *, xml_sha256: str, pdf_sha256: str, **values: Any) -> None:
    """Let the row name new files, if it still names those of `before`.

    Raises:
        Conflict: somebody else's signature came first; read the document again.
    """
    statement = (
        update(DocumentRow)
        .filter_by(serial=before.key.serial, version=before.key.version)
        .filter_by(xml_sha256=before.xml_sha256, pdf_sha256=before.pdf_sha256, state=before.state.value)
        .values(xml_sha256=xml_sha256, pdf_sha256=pdf_sha256, **values)
    )
    done = session.execute(statement)
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise Conflict(f"document {before.key} changed meanwhile; run again")


def mark_slots(session: Session, key: DocumentKey, signed: Mapping[str, frozenset[SignatureFormat]]) -> None:
    """Note which formats of which slots are now signed."""
    for slot_id, formats in signed.items():
        values = {kind.value: True for kind in formats}
        named = {"serial": key.serial, "version": key.version, "slot_id": slot_id}
        session.execute(update(SlotRow).filter_by(**named).values(**values))


def add_evidence(
    session: Session,
    key: DocumentKey,
    slot_id: str,
    formats: Iterable[SignatureFormat],
    *,
    certificate_sha256: str,
    evidence_sha256: str,
    signed_at: datetime,
) -> None:
    """Keep what was fetched about the signer's certificate when this slot was signed in these formats."""
    session.add_all(
        EvidenceRow(
            serial=key.serial,
            version=key.version,
            slot_id=slot_id,
            format=kind.value,
            certificate_sha256=certificate_sha256,
            evidence_sha256=evidence_sha256,
            signed_at=signed_at,
        )
        for kind in formats
    )


def update_documents(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change columns of many documents, named by `serial` and `version`, whose rows the transaction has locked."""
    _update_many(session, DocumentRow.__table__, rows)


def mark_many(session: Session, signed: Sequence[SlotMark]) -> None:
    """As `mark_slots`, for slots of many documents."""
    rows = [
        {"serial": key.serial, "version": key.version, "slot_id": slot_id, **{kind.value: True for kind in formats}}
        for key, slot_id, formats in signed
    ]
    _update_many(session, SlotRow.__table__, rows)


def _update_many(session: Session, table: FromClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows named by their primary key, those that change the same columns in one statement."""
    assert isinstance(table, Table)
    keys = [column.name for column in table.primary_key]
    by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        prefixed = {f"key_{name}" if name in keys else name: value for name, value in row.items()}
        by_columns.setdefault(frozenset(row), []).append(prefixed)
    statement = update(table).where(*(table.c[name] == bindparam(f"key_{name}") for name in keys))
    for columns, values in by_columns.items():
        session.connection().execute(
            statement.values({name: bindparam(name) for name in columns if name not in keys}), values
        )


def add_evidence_of_many(
    session: Session,
    signed: Sequence[SlotMark],
    *,
    certificate_sha256: str,
    evidence_sha256: str,
    signed_at: datetime,
) -> None:
    """As `add_evidence`, for slots of many documents signed by one person."""
    rows = [
        {
            "serial": key.serial,
            "version": key.version,
            "slot_id": slot_id,
            "format": kind.value,
            "certificate_sha256": certificate_sha256,
            "evidence_sha256": evidence_sha256,
            "signed_at": signed_at,
        }
        for key, slot_id, formats in signed
        for kind in sorted(formats)
    ]
    if rows:
        session.execute(insert(EvidenceRow), rows)


def add_event(
    session: Session, key: DocumentKey, *, school_code: str, school_year: str, document_sha256: str, at: datetime
) -> None:
    """Record a signed event.

    Raises:
        Conflict: this serial already has an event of this or a higher version.
    """
    highest = session.scalar(select(func.max(EventRow.version)).filter_by(serial=key.serial))
    if highest is not None and key.version <= highest:
        raise Conflict(f"{key} is not newer than version {highest}, which is already recorded")
    session.add(
        EventRow(
            serial=key.serial,
            version=key.version,
            school_code=school_code,
            school_year=school_year,
            document_sha256=document_sha256,
            recorded_at=at,
        )
    )


def move_event(session: Session, key: DocumentKey, *, before: str, after: str) -> None:
    """Let an event name a file that proves the same and more: the one before with timestamps and evidence added.

    Raises:
        Conflict: the event does not name that file (any more).
    """
    statement = update(EventRow).filter_by(serial=key.serial, version=key.version, document_sha256=before)
    done = session.execute(statement.values(document_sha256=after))
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise Conflict(f"the event of {key} names another file by now; run again")


def list_event_files(session: Session, serial: str) -> list[tuple[int, str]]:
    """Return (version, SHA-256 of the signed file) of every recorded event of this serial, by version."""
    query = select(EventRow.version, EventRow.document_sha256).filter_by(serial=serial).order_by(EventRow.version)
    return [(version, digest) for version, digest in session.execute(query)]


def list_school_event_files(session: Session, *, school_code: str, school_year: str) -> list[tuple[str, str]]:
    """Return (serial, SHA-256 of the signed file) of every recorded event of one school year."""
    query = (
        select(EventRow.serial, EventRow.document_sha256)
        .filter_by(school_code=school_code, school_year=school_year)
        .order_by(EventRow.serial, EventRow.version)
    )
    return [(serial, digest) for serial, digest in session.execute(query)]


def find_highest_version(session: Session, serial: str) -> int:
    """Return the highest version in use for this serial, by documents, recalls and events; 0: there is none."""
    columns = (DocumentRow, RecallRow, EventRow)
    return max(session.scalar(select(func.max(row.version)).filter_by(serial=serial)) or 0 for row in columns)


def list_serials(session: Session, *, pupil_code: str, school_year: str) -> set[str]:
    """Return the serials under which documents of this pupil and school year were issued, at whatever school."""
    query = select(DocumentRow.serial).filter_by(
        pupil_code=pupil_code, school_year=school_year, state=DocumentState.ISSUED.value
    )
    return set(session.scalars(query))


def list_referenced_files(session: Session) -> set[str]:
    """Return every digest that a row names."""
    columns = (
        DocumentRow.xml_sha256,
        DocumentRow.pdf_sha256,
        DocumentRow.json_sha256,
        EventRow.document_sha256,
        EvidenceRow.evidence_sha256,
        RecallRow.xml_sha256,
        SigningBatchRow.evidence_sha256,
    )
    found: set[str] = set()
    for column in columns:
        values: Iterable[str | None] = session.scalars(select(column))
        found.update(value for value in values if value is not None)
    return found


_DOCUMENT_COLUMNS: Final = (
    DocumentRow.serial,
    DocumentRow.version,
    *(getattr(DocumentRow, one.name) for one in fields(StoredDocument) if one.name != "key"),
)


def _from_columns(columns: Sequence[Any]) -> StoredDocument:
    """Return the document of a row that was read column by column, which costs a third of a whole object."""
    serial, version, *values = columns
    document = StoredDocument(DocumentKey(serial, version), *values)
    return replace(document, state=DocumentState(document.state))


def _to_domain(row: DocumentRow) -> StoredDocument:
    return StoredDocument(
        key=DocumentKey(row.serial, row.version),
        transcript_id=row.transcript_id,
        school_code=row.school_code,
        school_year=row.school_year,
        class_name=row.class_name,
        pupil_code=row.pupil_code,
        event=row.event,
        state=DocumentState(row.state),
        locked_at=row.locked_at,
        issued_at=row.issued_at,
        xml_sha256=row.xml_sha256,
        pdf_sha256=row.pdf_sha256,
        json_sha256=row.json_sha256,
        view_secret_sha256=row.view_secret_sha256,
    )
