"""SQL for signing batches: lists of digests that wait for values from a key on another machine.  Nothing commits.

A batch locks nothing.  Its rows are the only state between the phases: small, there after a restart, and removed when
the batch expires or is given up.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from service.db.tables import EvidenceRow, PendingRow, SigningBatchRow, SlotRow
from service.signing.jsonlines import write_line
from service.signing.lists import ListedDigest, ListedReview, parse_review, review_to_dict
from service.transcripts.repository import DocumentKey
from signing.signer import Pending, SigningIdentity
from transcript_core.errors import NotFound
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import load_certificates
from transcript_core.policy import SignatureFormat


@dataclass(frozen=True, slots=True)
class SigningBatch:
    """One batch as its row knows it."""

    batch_id: str
    school_code: str
    class_name: str | None
    identity: SigningIdentity  # fixed at prepare
    evidence_sha256: str  # in the document store
    prepared_at: datetime
    expires_at: datetime
    review: ListedReview  # what was shown of exactly these documents
    documents: int = 0
    digests: int = 0
    list_sha256: bytes | None = None  # None: still being prepared


@dataclass(frozen=True, slots=True)
class StoredPending:
    """One digest of a batch with the state that attaching needs."""

    listed: ListedDigest
    pending: Pending

    @property
    def key(self) -> DocumentKey:
        """Return its document."""
        return DocumentKey(self.listed.serial, self.listed.version)


def add_batch(session: Session, batch: SigningBatch) -> None:
    """Add a batch that is being prepared; nobody finds it before `finish_batch`."""
    certificates = (batch.identity.certificate, *batch.identity.chain)
    session.add(
        SigningBatchRow(
            batch_id=batch.batch_id,
            school_code=batch.school_code,
            class_name=batch.class_name,
            certificate_sha256=batch.identity.certificate.sha256.hex(),
            certificates=b"".join(one.pem for one in certificates).decode("ascii"),
            algorithm=batch.identity.algorithm.value,
            evidence_sha256=batch.evidence_sha256,
            prepared_at=batch.prepared_at,
            expires_at=batch.expires_at,
            review=write_line(review_to_dict(batch.review)).decode(),
        )
    )


def add_pendings(session: Session, batch_id: str, found: Iterable[tuple[ListedDigest, Pending]]) -> None:
    """Add digests to a batch that is being prepared."""
    session.add_all(
        PendingRow(
            batch_id=batch_id,
            number=one.number,
            serial=one.serial,
            version=one.version,
            slot_id=one.slot_id,
            format=one.format.value,
            class_name=one.class_name,
            pupil_code=one.pupil_code,
            digest=one.digest,
            pending=pending.to_json(),
        )
        for one, pending in found
    )


def finish_batch(session: Session, batch_id: str, *, documents: int, digests: int, list_sha256: bytes) -> None:
    """Let a batch be found from now on."""
    values = {"documents": documents, "digests": digests, "list_sha256": list_sha256.hex()}
    session.execute(update(SigningBatchRow).filter_by(batch_id=batch_id).values(**values))


def get_batch(session: Session, batch_id: str) -> SigningBatch:
    """Return a batch, expired or not.

    Raises:
        NotFound: there is none of this id, or none any more.
    """
    row = session.get(SigningBatchRow, batch_id)
    if row is None or row.list_sha256 is None:
        raise NotFound("there is no such signing batch, or it has expired or was given up; prepare a new one")
    certificate, *chain = load_certificates(row.certificates.encode())
    return SigningBatch(
        batch_id=row.batch_id,
        school_code=row.school_code,
        class_name=row.class_name,
        identity=SigningIdentity(certificate, tuple(chain), SignatureAlgorithm(row.algorithm)),
        evidence_sha256=row.evidence_sha256,
        prepared_at=row.prepared_at,
        expires_at=row.expires_at,
        documents=row.documents,
        digests=row.digests,
        review=parse_review(json.loads(row.review)),
        list_sha256=bytes.fromhex(row.list_sha256),
    )


def list_digests(session: Session, batch_id: str, *, after: int = 0, limit: int) -> list[ListedDigest]:
    """Return the digests of a batch from the one after number `after` on, in the order of the list."""
    columns = (
        PendingRow.number,
        PendingRow.serial,
        PendingRow.version,
        PendingRow.slot_id,
        PendingRow.format,
        PendingRow.class_name,
        PendingRow.pupil_code,
        PendingRow.digest,
    )
    query = select(*columns).filter_by(batch_id=batch_id).where(PendingRow.number > after)
    found = session.execute(query.order_by(PendingRow.number).limit(limit))
    return [ListedDigest(*row[:4], SignatureFormat(row.format), *row[5:]) for row in found]


def load_pendings(session: Session, batch_id: str, numbers: Collection[int]) -> dict[int, StoredPending]:
    """Return number → pending of those that the batch has."""
    query = select(PendingRow).filter_by(batch_id=batch_id).where(PendingRow.number.in_(numbers))
    return {row.number: _to_domain(row) for row in session.scalars(query)}


def count_open(session: Session, batch_id: str) -> int:
    """Return how many digests of a batch stand for a format in which their slot is not signed."""
    query = select(func.count()).select_from(PendingRow).join(SlotRow, _same_slot()).filter(_is_unsigned())
    return session.scalar(query.where(PendingRow.batch_id == batch_id)) or 0


def list_attached(
    session: Session, batch: SigningBatch, keys: Collection[DocumentKey]
) -> set[tuple[DocumentKey, str, SignatureFormat]]:
    """Return (document, slot Id, format) of each signature of these documents that this batch's values made.

    Its certificate, signing time and evidence, which holds a nonce of its own, tell them from all others.
    """
    made_by = {
        "certificate_sha256": batch.identity.certificate.sha256.hex(),
        "evidence_sha256": batch.evidence_sha256,
        "signed_at": batch.prepared_at,
    }
    query = (
        select(EvidenceRow)
        .filter_by(**made_by)
        .where(tuple_(EvidenceRow.serial, EvidenceRow.version).in_([(key.serial, key.version) for key in keys]))
    )
    return {
        (DocumentKey(row.serial, row.version), row.slot_id, SignatureFormat(row.format))
        for row in session.scalars(query)
    }


def list_contested(session: Session, keys: Sequence[DocumentKey], *, batch_id: str, at: datetime) -> set[DocumentKey]:
    """Return those documents whose PDF waits for a value in another batch too: the first to be attached wins."""
    query = (
        select(PendingRow.serial, PendingRow.version)
        .join(SigningBatchRow, SigningBatchRow.batch_id == PendingRow.batch_id)
        .join(SlotRow, _same_slot())
        .where(PendingRow.batch_id != batch_id, SigningBatchRow.expires_at > at, ~SlotRow.pades)
        .where(PendingRow.format == SignatureFormat.PADES.value)
        .where(tuple_(PendingRow.serial, PendingRow.version).in_([(key.serial, key.version) for key in keys]))
    )
    return {DocumentKey(serial, version) for serial, version in session.execute(query)}


def _same_slot() -> ColumnElement[bool]:
    return and_(
        SlotRow.serial == PendingRow.serial,
        SlotRow.version == PendingRow.version,
        SlotRow.slot_id == PendingRow.slot_id,
    )


def _is_unsigned() -> ColumnElement[bool]:
    xades, pades = SignatureFormat.XADES.value, SignatureFormat.PADES.value
    return or_(
        and_(PendingRow.format == xades, ~SlotRow.xades),
        and_(PendingRow.format == pades, ~SlotRow.pades),
    )


def remove_batch(session: Session, batch_id: str) -> None:
    """Remove a batch with its digests; a value for it can never be attached any more."""
    session.execute(delete(PendingRow).filter_by(batch_id=batch_id))
    session.execute(delete(SigningBatchRow).filter_by(batch_id=batch_id))


def remove_expired(session: Session, *, before: datetime) -> int:
    """Remove the batches that expired before this moment, half prepared ones included; return how many they were."""
    query = select(SigningBatchRow.batch_id).where(SigningBatchRow.expires_at < before)
    found = list(session.scalars(query))
    for batch_id in found:
        remove_batch(session, batch_id)
    return len(found)


def _to_domain(row: PendingRow) -> StoredPending:
    listed = ListedDigest(
        number=row.number,
        serial=row.serial,
        version=row.version,
        slot_id=row.slot_id,
        format=SignatureFormat(row.format),
        class_name=row.class_name,
        pupil_code=row.pupil_code,
        digest=row.digest,
    )
    return StoredPending(listed, Pending.from_json(row.pending))
