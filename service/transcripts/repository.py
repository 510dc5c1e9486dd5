"""SQL for transcripts and their documents.  Functions never commit.

Slots and signed events have files of their own beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    CursorResult,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from service.db.bulk import update_many
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


def update_documents(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change columns of many documents, named by `serial` and `version`, whose rows the transaction has locked."""
    update_many(session, DocumentRow.__table__, rows)


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


DOCUMENT_COLUMNS: Final = (
    DocumentRow.serial,
    DocumentRow.version,
    *(getattr(DocumentRow, one.name) for one in fields(StoredDocument) if one.name != "key"),
)


def read_columns(columns: Sequence[Any]) -> StoredDocument:
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
