"""Saves signed slots: one transaction for many documents, each by itself.

A file is whole and durable before a row names it, and rows change only for what is not signed yet, so a process that
is killed anywhere loses nothing that was told as done and repeats nothing.

When somebody else's signature came first, the two formats differ.  An XML signature covers its own parts only: it is
carried over into the newer document, when these parts are unchanged there.  A PDF signature covers the whole file
before it, so it is stale and its slot waits for the person's next approval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service import audit
from service.db.engine import write_transaction
from service.signing.description import read_description
from service.signing.opening import SlotName
from service.store import DocumentStore, StoreFull
from service.transcripts import repository, slot_repository
from service.transcripts.repository import DocumentState, StoredDocument
from service.workspace import Workspace
from transcript_core.errors import Conflict, StaleDigest, TranscriptError
from transcript_core.policy import SignatureFormat, Slot
from transcript_core.xml import StoredDocument as OpenXml
from transcript_core.xml import splice_signature


@dataclass(frozen=True, slots=True)
class SignedSlot:
    """A slot that is signed in one or both formats; the files with the signatures are in the store and durable."""

    stored: StoredDocument  # the row as it was when the files that were signed were read
    slot_id: str
    files: Mapping[SignatureFormat, str]  # SHA-256, in hex, of the new file of each format that was signed now
    columns: Mapping[str, object] = field(default_factory=dict)  # further columns of the document's row, saved with it

    @property
    def name(self) -> SlotName:
        """Return document and slot."""
        return self.stored.key, self.slot_id


@dataclass(frozen=True, slots=True)
class SigningRecord:
    """What is kept beside every signature of one action."""

    actor: str
    signed_at: datetime  # aware
    certificate_sha256: str  # hex
    evidence_sha256: str  # hex; names the stored evidence of that certificate
    recorded_at: datetime | None = None  # aware; when a value that was made elsewhere is attached; None: when signed


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one document's row."""

    signed: SignedSlot
    before: StoredDocument  # as the row is now
    files: Mapping[SignatureFormat, str]  # what is saved of it, an XML signature carried over included

    def list_values(self) -> dict[str, Any]:
        """Return the columns of the document's row."""
        pdf = {} if SignatureFormat.PADES not in self.files else self.signed.columns
        return {
            "serial": self.before.key.serial,
            "version": self.before.key.version,
            "xml_sha256": self.files.get(SignatureFormat.XADES, self.before.xml_sha256),
            "pdf_sha256": self.files.get(SignatureFormat.PADES, self.before.pdf_sha256),
            **pdf,
        }

    def list_obsolete(self) -> set[str]:
        """Return the digests of the files that nothing names once this is saved."""
        values = self.list_values()
        files = {self.before.xml_sha256, self.before.pdf_sha256, *self.signed.files.values()}
        return files - {values["xml_sha256"], values["pdf_sha256"]}


def save_signed(
    workspace: Workspace, signed: Sequence[SignedSlot], record: SigningRecord
) -> dict[SlotName, TranscriptError]:
    """Save these slots, each document at most once; return why one was not saved, or not in both formats.

    Errors are StaleDigest (the PDF changed meanwhile: the XML alone is saved) and, where nothing of a document is
    saved, Conflict (the slot was signed or the document unlocked meanwhile) or what stands against reading the newer
    document.  Files that nothing names any more are removed afterwards.

    Raises:
        StoreFull: the rows, or an XML that another signature has overtaken, could not be written; nothing is saved.
    """
    errors: dict[SlotName, TranscriptError] = {}
    changes: list[_Change] = []
    with write_transaction(workspace.sessions) as session:
        now = slot_repository.load_for_signing(session, [one.name for one in signed], lock=True)
        for one in signed:
            try:
                change = _decide(workspace.store, one, now.get(one.name))
            except StoreFull:
                raise
            except TranscriptError as error:
                errors[one.name] = error
                continue
            changes.append(change)
            if set(change.files) != set(one.files):
                errors[one.name] = StaleDigest(
                    f"document {one.stored.key}, slot {one.slot_id}: another signature came first into the PDF; "
                    "the XML is signed, the PDF waits for the next approval"
                )
        _write(session, [one for one in changes if one.files], record)
    for change in changes:
        for digest_hex in change.list_obsolete():
            workspace.store.discard(digest_hex)
    return errors


def carry_signature(ours: bytes, newer: bytes, slot: Slot) -> bytes:
    """Return `newer` with the signature that `ours` has in this slot; the parts that it covers must be the same.

    Args:
        ours: the stored document in which the slot was signed.
        newer: the same document as it is stored now, with other people's signatures.

    Raises:
        Conflict: a covered part differs, or the slot is signed by now.
    """
    source, target = OpenXml(ours), OpenXml(newer)
    signature = source.get_signature(slot.slot_id)
    where = f"document {slot.serial}/{slot.version}, slot {slot.slot_id}"
    if signature is None or target.get_signature(slot.slot_id) is not None:
        raise Conflict(f"{where}: signed by another action meanwhile")
    for part in slot.reference_ids:
        if source.get_part_digest(part) != target.get_part_digest(part):
            raise Conflict(f"{where}: part {part} changed while it was signed; run again")
    return splice_signature(newer, slot.slot_id, signature)


def _decide(
    store: DocumentStore, one: SignedSlot, now: tuple[StoredDocument, tuple[SignatureFormat, ...]] | None
) -> _Change:
    """Return what of this slot can still be saved; its row as it is now decides."""
    if now is None or now[0].state is not DocumentState.LOCKED:
        raise Conflict(f"document {one.stored.key} was unlocked or issued meanwhile; run again")
    row, missing = now
    if not set(one.files) <= set(missing):
        raise Conflict(f"document {one.stored.key}, slot {one.slot_id}: signed by another action meanwhile")
    files = dict(one.files)
    if SignatureFormat.XADES in files and row.xml_sha256 != one.stored.xml_sha256:
        files[SignatureFormat.XADES] = _carry(store, one, row)
    if SignatureFormat.PADES in files and row.pdf_sha256 != one.stored.pdf_sha256:
        del files[SignatureFormat.PADES]
    return _Change(one, row, files)


def _carry(store: DocumentStore, one: SignedSlot, row: StoredDocument) -> str:
    ours, newer = store.get(one.files[SignatureFormat.XADES]), store.get(row.xml_sha256)
    slot = read_description(newer).find_slot(one.slot_id)
    if slot is None:
        raise Conflict(f"document {row.key} was made anew meanwhile and has no slot {one.slot_id}; run again")
    return store.put(carry_signature(ours, newer, slot))


def _write(session: Session, changes: Sequence[_Change], record: SigningRecord) -> None:
    """Write the rows of all changes, many at a time."""
    repository.update_documents(session, [change.list_values() for change in changes])
    marks = [(change.before.key, change.signed.slot_id, frozenset(change.files)) for change in changes]
    slot_repository.mark_many(session, marks)
    slot_repository.add_evidence_of_many(
        session,
        marks,
        certificate_sha256=record.certificate_sha256,
        evidence_sha256=record.evidence_sha256,
        signed_at=record.signed_at,
    )
    audit.record_many(
        session,
        [(f"{key}#{slot_id}", "+".join(sorted(kind.value for kind in formats))) for key, slot_id, formats in marks],
        at=record.recorded_at or record.signed_at,
        actor=record.actor,
        action="sign",
    )
