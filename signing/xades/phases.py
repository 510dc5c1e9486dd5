"""Prepares and attaches one XAdES signature in the slot of a stored document.

A stored document is exclusive canonical XML, so a part's octets are a slice of it and a signature is spliced in as
text; nothing is parsed or serialised here.  Each signature references its own parts only, so teachers may prepare and
attach in any order; `attach` holds the parts against the digests that were signed.

Spec: ETSI EN 319 132-1, 6 (B-B, B-T); W3C XML Signature 1.1, 3.1.  Deviation: none.
Leaves to others: whether this person may sign (`signing.eligibility`), trust, and reading anything back (`verify`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signing.claims import get_claims
from signing.signer import Pending, PendingFormat, SigningIdentity, check_identity, check_value
from signing.state import KeptState, StateValue
from signing.xades.frames import SignedTexts, build_frame, build_texts, build_timestamped_frame, write_terms
from signing.xades.templates import Form, SignedTerms, build_signature_value
from transcript_core.errors import MalformedTranscript, SlotNotReady, StaleDigest, TimestampRefused, TrustMaterialError
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.xml import StoredDocument

_TIMESTAMP: Final = b"<xades:SignatureTimeStamp>"


@dataclass(frozen=True, slots=True, eq=False)
class XadesState(KeptState):
    """What `attach` needs of a prepared XAdES signature."""

    terms: SignedTerms
    part_digests: tuple[bytes, ...]  # 32 raw bytes each, in the order of `terms.part_ids`
    texts: SignedTexts | None = field(default=None, repr=False)  # made of `terms`, while they are at hand

    def write(self) -> dict[str, StateValue]:
        """Return the state as plain values."""
        pairs = zip(self.terms.part_ids, self.part_digests, strict=True)
        return {
            "references": " ".join(f"{part_id}={digest.hex()}" for part_id, digest in pairs),
            "role": self.terms.role,
            "commitment": self.terms.commitment,
            "policy": self.terms.policy,
            "policy_digest": self.terms.policy_digest.hex(),
        }


def prepare(
    document: bytes | StoredDocument, slot: Slot, identity: SigningIdentity, *, at: datetime, policy: SigningPolicy
) -> Pending:
    """Return the digest that signs `slot`; no key is involved and the document stays as it is.

    Args:
        document: as stored; opened once by the caller when it serves several signatures or `attach` as well.
        slot: one of `policy.list_slots` or `policy.list_recall_slots` for this document.
        at: the signing time that is signed, aware.

    Raises:
        SlotNotReady: the slot is signed already, or a slot of an earlier order is empty or below the level demanded.
        NotEligible: the certificate's key is not one for the identity's algorithm.
        MalformedTranscript: the document lacks a part that the slot signs.
    """
    check_identity(identity, slot)
    stored = _open(document)
    _check_ready(stored, slot, policy)
    try:
        texts = write_terms(identity, get_claims(slot), at, policy.identifier, policy.digest)
    except MalformedTranscript as error:
        raise MalformedTranscript(f"document {slot.serial} version {slot.version}, {error}") from error
    part_digests = tuple([stored.get_part_digest(part_id) for part_id in slot.reference_ids])
    return Pending(
        format=PendingFormat.XADES,
        serial=slot.serial,
        version=slot.version,
        slot_id=slot.slot_id,
        digest=texts.digest(part_digests),
        digest_algorithm=identity.algorithm.hash_name,
        signature_algorithm=identity.algorithm,
        certificate_sha256=identity.certificate.sha256,
        signing_time=texts.terms.signing_time,
        state=XadesState(texts.terms, part_digests, texts),
    )


def timestamp_imprint(pending: Pending, value: bytes) -> bytes:
    """Return what a SignatureTimeStamp covers: SHA-256 of the canonical ds:SignatureValue, 32 raw bytes.

    Spec: EN 319 132-1, 5.3.
    """
    return hashlib.sha256(build_signature_value(pending.slot_id, value, form=Form.ALONE).encode()).digest()


def attach(
    document: bytes | StoredDocument,
    pending: Pending,
    value: bytes,
    *,
    identity: SigningIdentity,
    evidence: Evidence | None = None,
    timestamp: bytes | None = None,
    timestamp_evidence: Evidence | None = None,
) -> bytes:
    """Return the document with the signature in its slot.  Everything else stays byte for byte.

    Args:
        value: the signer's answer; raw r‖s for ECDSA.
        evidence: chain and revocation status of the certificate, put into the unsigned properties.
        timestamp: DER of an RFC 3161 token over `timestamp_imprint(pending, value)`.
        timestamp_evidence: the same of the time-stamping authority; without it nobody can believe the token later.

    Raises:
        SignatureMismatch: another certificate than at prepare, or a value that does not verify against it.
        SlotNotReady: the slot is signed already.
        StaleDigest: a part changed since prepare.
        TimestampRefused: the token covers something else.
    """
    return attach_opened(
        document,
        pending,
        value,
        identity=identity,
        evidence=evidence,
        timestamp=timestamp,
        timestamp_evidence=timestamp_evidence,
    ).octets


def attach_opened(
    document: bytes | StoredDocument,
    pending: Pending,
    value: bytes,
    *,
    identity: SigningIdentity,
    evidence: Evidence | None = None,
    timestamp: bytes | None = None,
    timestamp_evidence: Evidence | None = None,
) -> StoredDocument:
    """As `attach`; the returned document is opened already, for the next signature or to be named by its digest."""
    stored = _open(document)
    state = _get_state(pending)
    check_value(pending, value, identity)
    _check_unchanged(stored, state, pending)
    texts = state.texts or build_texts(identity.certificate.der, identity.algorithm, state.terms)
    if texts.digest(state.part_digests) != pending.digest or state.terms.slot_id != pending.slot_id:
        raise StaleDigest(f"{pending.where}: prepared by another release or altered since; prepare again")
    if timestamp is None:
        frame = build_frame(identity, state.terms, evidence)
    else:
        _check_timestamp(timestamp, pending, value)
        evidences = [one for one in (evidence, timestamp_evidence) if one is not None]
        frame = build_timestamped_frame(identity, state.terms, timestamp, evidences)
    return stored.sign(frame.fill((*state.part_digests, value)))


def _open(document: bytes | StoredDocument) -> StoredDocument:
    return document if isinstance(document, StoredDocument) else StoredDocument(document)


def _check_ready(stored: StoredDocument, slot: Slot, policy: SigningPolicy) -> None:
    if stored.is_signed(slot.slot_id):
        raise SlotNotReady(f"{slot.where}: already signed")
    order = slot.rule.order
    for rule in policy.rules:
        if rule.order >= order:
            continue
        level, signed = rule.demanded_level, stored.list_signed_slots()
        missing = [one for one in stored.list_slots(rule.role.value) if one not in signed or _lacks(stored, one, level)]
        if missing:
            raise SlotNotReady(
                f"{slot.where}: these slots are signed first, at level {level.value}: {', '.join(missing)}",
                missing=tuple(missing),
            )


def _lacks(stored: StoredDocument, slot_id: str, level: SignatureLevel) -> bool:
    """Return whether the signature is without the timestamp that the policy wants before later slots."""
    return level is not SignatureLevel.B_B and _TIMESTAMP not in (stored.get_signature(slot_id) or b"")


def _check_unchanged(stored: StoredDocument, state: XadesState, pending: Pending) -> None:
    if stored.is_signed(pending.slot_id):
        raise SlotNotReady(f"{pending.where}: signed by another action meanwhile")
    for part_id, digest in zip(state.terms.part_ids, state.part_digests, strict=True):
        if stored.get_part_digest(part_id) != digest:
            raise StaleDigest(f"{pending.where}: part {part_id} changed since prepare; prepare again")


def _check_timestamp(token: bytes | None, pending: Pending, value: bytes) -> None:
    if token is None:
        return
    try:
        imprint = parse_timestamp(token).imprint
    except TrustMaterialError as error:
        raise TimestampRefused(f"{pending.where}: the timestamp cannot be read; ask for a new one") from error
    if imprint != timestamp_imprint(pending, value):
        raise TimestampRefused(f"{pending.where}: the timestamp is for another signature; ask for a new one")


def _get_state(pending: Pending) -> XadesState:
    """Return the state as it was made at prepare, or read it when it has travelled as text."""
    if pending.format is not PendingFormat.XADES:
        raise MalformedTranscript(f"{pending.where}: prepared for {pending.format.value}, not for xades")
    if isinstance(pending.state, XadesState):
        return pending.state
    try:
        pairs = [pair.partition("=") for pair in str(pending.state["references"]).split(" ")]
        terms = SignedTerms(
            slot_id=pending.slot_id,
            part_ids=tuple(part_id for part_id, _, _ in pairs),
            signing_time=pending.signing_time,
            role=str(pending.state["role"]),
            commitment=str(pending.state["commitment"]),
            policy=str(pending.state["policy"]),
            policy_digest=bytes.fromhex(str(pending.state["policy_digest"])),
        )
        return XadesState(terms, tuple(bytes.fromhex(digest) for _, _, digest in pairs))
    except (KeyError, ValueError) as error:
        raise MalformedTranscript(f"{pending.where}: the prepared state cannot be read; prepare again") from error
