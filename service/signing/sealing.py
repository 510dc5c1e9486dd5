"""The seal's place of work: everybody's evidence goes into the PDF, a QR code with a new view secret into its field.

Implements `signing.batch.Workplace`.  A document that is opened twice in one action, as long lists make it necessary,
is the same to the octet both times: evidence is read once, and each document has one secret.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

from service.db.engine import transaction
from service.signing.batching import Manner
from service.signing.desk import SigningDesk
from service.signing.evidence_store import get_evidence, list_evidence_digests
from service.signing.workplace import Assignment, Finished, StoreWorkplace, check_approved, find_slot
from service.transcripts.repository import DocumentKey
from signing.batch import SigningResult, SigningTask
from signing.pades import OpenPdf, append_evidence
from signing.signer import ParallelSigner, Signer
from transcript_core.errors import NotFound, TranscriptError
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat, Slot
from transcript_core.render.appearance import Appearance, build_seal_appearance
from transcript_core.render.prepared import read_prepared
from transcript_core.render.qr import build_qr_url
from transcript_core.xml import StoredDocument

WAVE: Final = 128
"""Documents that are sealed, then recorded: four chunks of the engine, so that its lanes are at work; what a stop
leaves sealed and not recorded is recorded by the next run."""

MAX_WAVE: Final = 2_000
"""The same for a key whose holder takes long lists under one approval: the signatures of this many documents make full
lists, and their JSON, about 15 KiB each, stays in memory meanwhile."""

_VIEW_SECRET_BYTES: Final = 16


class SealWorkplace:
    """Opens documents for the seal and keeps the sealed ones."""

    def __init__(self, desk: SigningDesk) -> None:
        self._desk = desk
        self._store = desk.workspace.store
        self._keeping = StoreWorkplace(self._store, desk.at)
        self._evidence: dict[str, Evidence] = {}
        self._secrets: dict[DocumentKey, bytes] = {}

    def open(self, name: Assignment) -> SigningTask:
        """Return the task.

        Raises:
            NotFound, Conflict: a file is gone or changed, or the document has no such slot.
            ChangedSinceReview: what was approved is another content.
            MalformedTranscript: the document cannot be read.
        """
        xml = self._store.open(name.files[SignatureFormat.XADES], StoredDocument)
        check_approved(name, xml.octets)
        document, slot = find_slot(xml.octets, name.slot_id)
        pdf, appearance = None, None
        if SignatureFormat.PADES in name.missing:
            key, stored = DocumentKey(name.serial, name.version), self._store.get(name.files[SignatureFormat.PADES])
            appearance = self._build_appearance(key, slot, stored)
            pdf = OpenPdf(self._add_evidence(key, stored))
        return SigningTask(
            key=f"{name.serial}/{name.version}",
            slot=slot,
            slots=document.shared,
            policy=document.policy,
            xml=xml,
            formats=name.missing,
            pdf=pdf,
            appearance=appearance,
        )

    def keep(self, name: Assignment, outcome: SigningResult | TranscriptError) -> Finished:
        """Store the sealed documents; they are durable after `flush`."""
        return self._keeping.keep(name, outcome)

    def flush(self) -> None:
        """Make durable what was stored.  Raises: StoreFull."""
        self._keeping.flush()

    def build_manner(self) -> Manner:
        """Return how a pass of the seal goes."""
        return Manner(
            self, timestamped=True, list_columns=self._list_columns, chunk_size=_find_chunk(self._desk.signer)
        )

    def find_url(self, key: DocumentKey) -> str | None:
        """Return the address in the QR code of a document that was opened here, or None."""
        secret = self._secrets.get(key)
        if secret is None:
            return None
        return build_qr_url(self._desk.workspace.settings.base_url, key.serial, key.version, secret)

    def _list_columns(self, key: DocumentKey) -> Mapping[str, object]:
        """Return what the row keeps of the QR code: the digest of its view secret, when the PDF was sealed now."""
        secret = self._secrets.get(key)
        return {} if secret is None else {"view_secret_sha256": digest_view_secret(secret)}

    def _add_evidence(self, key: DocumentKey, pdf: bytes) -> bytes:
        """Return the PDF with the evidence of all its signers, which the seal then covers."""
        with transaction(self._desk.workspace.sessions) as session:
            digests = list_evidence_digests(session, key)
        for digest_hex in digests:
            if digest_hex not in self._evidence:
                self._evidence[digest_hex] = get_evidence(self._store, digest_hex)
        return append_evidence(pdf, [*(self._evidence[one] for one in digests), self._desk.evidence_with_timestamps])

    def _build_appearance(self, key: DocumentKey, slot: Slot, pdf: bytes) -> Appearance:
        place = read_prepared(pdf).fields.get(slot.slot_id)
        if place is None:
            raise NotFound(f"document {key}: the PDF has no field for slot {slot.slot_id}")
        self._secrets.setdefault(key, secrets.token_bytes(_VIEW_SECRET_BYTES))
        return build_seal_appearance(
            place.width,
            place.height,
            school_name=slot.name,
            signed_at=self._desk.at,
            qr_url=str(self.find_url(key)),
        )


def choose_wave(signer: Signer) -> int:
    """Return how many documents are sealed before they are recorded."""
    if signer.list_size is None:
        return MAX_WAVE if _find_chunk(signer) else WAVE
    return max(WAVE, min(signer.list_size, MAX_WAVE))


def digest_view_secret(secret: bytes) -> bytes:
    """Return what is stored of a view secret: SHA-256 of its text in the address, 32 raw bytes."""
    return hashlib.sha256(urlsafe_b64encode(secret).rstrip(b"=")).digest()


def _find_chunk(signer: Signer) -> int | None:
    """Return MAX_WAVE for a key elsewhere that takes lists of any length, each maybe an approval of its own."""
    return MAX_WAVE if signer.list_size is None and not isinstance(signer, ParallelSigner) else None
