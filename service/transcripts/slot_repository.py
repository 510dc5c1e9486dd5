"""SQL for the slots of documents and the evidence of those who signed them.  Functions never commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

from service.db.bulk import update_many
from service.db.tables import (
    DocumentRow,
    EvidenceRow,
    SlotRow,
)
from service.transcripts.repository import (
    DOCUMENT_COLUMNS,
    DocumentKey,
    DocumentState,
    StoredDocument,
    read_columns,
)
from transcript_core.policy import SignatureFormat


@dataclass(frozen=True, slots=True)
class OwnSlot:
    """A slot that one person can sign without waiting for anybody else."""

    key: DocumentKey
    slot_id: str
    role: str  # SlotRole
    follows: bool  # opens when this person has signed earlier slots of their own; False: open now


SlotMark: TypeAlias = tuple[DocumentKey, str, frozenset[SignatureFormat]]
"""A slot and the formats in which it is signed: (document, slot Id, formats)."""


_KEYS_AT_ONCE: Final = 400
"""Documents named in one query: SQLite takes some thousand values."""


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
        select(SlotRow.slot_id, SlotRow.xades, SlotRow.pades, *DOCUMENT_COLUMNS)
        .join(DocumentRow, (DocumentRow.serial == SlotRow.serial) & (DocumentRow.version == SlotRow.version))
        .where(tuple_(SlotRow.serial, SlotRow.version, SlotRow.slot_id).in_(names))
    )
    if lock:
        query = query.order_by(SlotRow.serial, SlotRow.version).with_for_update()
    found = {}
    for slot_id, xades, pades, *columns in session.execute(query):
        document = read_columns(columns)
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


def mark_slots(session: Session, key: DocumentKey, signed: Mapping[str, frozenset[SignatureFormat]]) -> None:
    """Note which formats of which slots are now signed."""
    for slot_id, formats in signed.items():
        values = {kind.value: True for kind in formats}
        named = {"serial": key.serial, "version": key.version, "slot_id": slot_id}
        session.execute(update(SlotRow).filter_by(**named).values(**values))


def mark_many(session: Session, signed: Sequence[SlotMark]) -> None:
    """As `mark_slots`, for slots of many documents."""
    rows = [
        {"serial": key.serial, "version": key.version, "slot_id": slot_id, **{kind.value: True for kind in formats}}
        for key, slot_id, formats in signed
    ]
    update_many(session, SlotRow.__table__, rows)


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
