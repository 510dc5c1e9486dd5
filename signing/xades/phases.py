"""Prepares and attaches one XAdES signature in the slot of a stored document.

A stored document is exclusive canonical XML, so a part's octets are a slice of it and a signature is spliced in as
text; nothing is parsed or serialised here.  Each signature references its own parts only, so teachers may prepare and
attach in any order; `attach` holds the parts against the digests that were signed.

Spec: ETSI EN 319 132-1, 6 (B-B, B-T); W3C XML Signature 1.1, 3.1.  Deviation: none.
Leaves to others: whether this person may sign (`signing.eligibility`), trust, and reading anything back (`verify`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from signing.signer import Pending, PendingFormat, SigningIdentity, check_value
from signing.xades.roles import describe_role
from signing.xades.templates import (
    Form,
    PartReference,
    SignedFacts,
    build_signature,
    build_signature_value,
    build_signed_info,
    build_signed_properties,
    build_unsigned_properties,
)
from transcript_core.errors import MalformedTranscript, SlotNotReady, StaleDigest, TimestampRefused, TrustMaterialError
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.xml import StoredDocument

_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TIMESTAMP: Final = b"<xades:SignatureTimeStamp>"
_CACHED_TEXTS: Final = 1_024  # one has about 5 KiB; a batch prepares a few hundred before it attaches the first


@dataclass(frozen=True, slots=True)
class _Texts:
    """The two signed elements, as they are digested and as they are stored."""

    digest: bytes  # of SignedInfo, by the algorithm's hash: what the key signs
    signed_info: str  # in place
    signed_properties: str  # in place


def prepare(
    document: bytes | StoredDocument, slot: Slot, identity: SigningIdentity, *, at: datetime, policy: SigningPolicy
) -> Pending:
    """Return the digest that signs `slot`; no key is involved and the document stays as it is.

    Args:
        document: as stored; opened once by the caller when it serves several signatures or `attach` as well.
        slot: one of `policy.list_slots` or `policy.list_recall_slots` for this document.
        at: the signing time that is signed, aware.

    Raises:
        SlotNotReady: the slot is signed already, or a slot of an earlier order is empty or below the policy's level.
        MalformedTranscript: the document lacks a part that the slot signs.
    """
    stored = _open(document)
    _check_ready(stored, slot, policy)
    facts = SignedFacts(
        slot_id=slot.slot_id,
        references=tuple(PartReference(part, stored.get_part_digest(part)) for part in slot.reference_ids),
        signing_time=at.astimezone(UTC).replace(microsecond=0),
        role=describe_role(slot),
        commitment=slot.rule.commitment,
        policy=policy.identifier,
        policy_digest=policy.digest,
    )
    return Pending(
        format=PendingFormat.XADES,
        serial=slot.serial,
        version=slot.version,
        slot_id=slot.slot_id,
        digest=_build_texts(identity.certificate.der, identity.algorithm, facts).digest,
        digest_algorithm=identity.algorithm.hash_name,
        signature_algorithm=identity.algorithm,
        certificate_sha256=identity.certificate.sha256,
        signing_time=facts.signing_time,
        state=_to_state(facts),
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
    stored = _open(document)
    check_value(pending, value, identity.certificate)
    facts = _from_state(pending)
    _check_unchanged(stored, facts, pending)
    texts = _build_texts(identity.certificate.der, identity.algorithm, facts)
    if texts.digest != pending.digest:
        raise StaleDigest(f"{_where(pending)}: prepared by another release or altered since; prepare again")
    _check_timestamp(timestamp, pending, value)
    certificates = (identity.certificate.der, *(one.der for one in identity.chain))
    signature = build_signature(
        pending.slot_id,
        signed_info=texts.signed_info,
        value=value,
        certificates=certificates,
        signed_properties=texts.signed_properties,
        unsigned_properties=build_unsigned_properties(
            timestamp=timestamp,
            evidences=[one for one in (evidence, timestamp_evidence if timestamp else None) if one is not None],
            known=certificates,
        ),
    )
    return stored.splice_signature(pending.slot_id, signature)


def _open(document: bytes | StoredDocument) -> StoredDocument:
    return document if isinstance(document, StoredDocument) else StoredDocument(document)


def _check_ready(stored: StoredDocument, slot: Slot, policy: SigningPolicy) -> None:
    where = f"document {slot.serial} version {slot.version}, slot {slot.slot_id}"
    if not all(_ID.fullmatch(identifier) for identifier in (slot.slot_id, *slot.reference_ids)):
        raise MalformedTranscript(f"{where}: it or a part it signs has an Id that is no XML name")
    if stored.get_signature(slot.slot_id) is not None:
        raise SlotNotReady(f"{where}: already signed")
    for rule in (one for one in policy.rules if one.order < slot.rule.order):
        missing = tuple(one for one in stored.list_slots(rule.role.value) if _lacks(stored, one, rule.demanded_level))
        if missing:
            raise SlotNotReady(
                f"{where}: these slots are signed first, at level {rule.demanded_level.value}: {', '.join(missing)}",
                missing=missing,
            )


def _lacks(stored: StoredDocument, slot_id: str, level: SignatureLevel) -> bool:
    """Return whether the slot is empty, or without the timestamp that the policy wants before later slots."""
    signature = stored.get_signature(slot_id)
    return signature is None or (level is not SignatureLevel.B_B and _TIMESTAMP not in signature)


def _check_unchanged(stored: StoredDocument, facts: SignedFacts, pending: Pending) -> None:
    if stored.get_signature(pending.slot_id) is not None:
        raise SlotNotReady(f"{_where(pending)}: signed by another action meanwhile")
    for reference in facts.references:
        if stored.get_part_digest(reference.part_id) != reference.digest:
            raise StaleDigest(f"{_where(pending)}: part {reference.part_id} changed since prepare; prepare again")


def _check_timestamp(token: bytes | None, pending: Pending, value: bytes) -> None:
    if token is None:
        return
    try:
        imprint = parse_timestamp(token).imprint
    except TrustMaterialError as error:
        raise TimestampRefused(f"{_where(pending)}: the timestamp cannot be read; ask for a new one") from error
    if imprint != timestamp_imprint(pending, value):
        raise TimestampRefused(f"{_where(pending)}: the timestamp is for another signature; ask for a new one")


@lru_cache(maxsize=_CACHED_TEXTS)
def _build_texts(certificate_der: bytes, algorithm: SignatureAlgorithm, facts: SignedFacts) -> _Texts:
    """A pure function of its arguments; prepare and attach of one process share the result."""
    properties = build_signed_properties(certificate_der, facts, form=Form.ALONE)
    digest = hashlib.sha256(properties.encode()).digest()
    info = build_signed_info(facts, algorithm, digest, form=Form.ALONE)
    return _Texts(
        digest=hashlib.new(algorithm.hash_name, info.encode()).digest(),
        signed_info=build_signed_info(facts, algorithm, digest, form=Form.IN_PLACE),
        signed_properties=build_signed_properties(certificate_der, facts, form=Form.IN_PLACE),
    )


def _to_state(facts: SignedFacts) -> dict[str, str | int]:
    return {
        "references": " ".join(f"{one.part_id}={one.digest.hex()}" for one in facts.references),
        "role": facts.role,
        "commitment": facts.commitment,
        "policy": facts.policy,
        "policy_digest": facts.policy_digest.hex(),
    }


def _from_state(pending: Pending) -> SignedFacts:
    if pending.format is not PendingFormat.XADES:
        raise MalformedTranscript(f"{_where(pending)}: prepared for {pending.format.value}, not for xades")
    try:
        pairs = [pair.partition("=") for pair in str(pending.state["references"]).split(" ")]
        return SignedFacts(
            slot_id=pending.slot_id,
            references=tuple(PartReference(part, bytes.fromhex(digest)) for part, _, digest in pairs),
            signing_time=pending.signing_time,
            role=str(pending.state["role"]),
            commitment=str(pending.state["commitment"]),
            policy=str(pending.state["policy"]),
            policy_digest=bytes.fromhex(str(pending.state["policy_digest"])),
        )
    except (KeyError, ValueError) as error:
        raise MalformedTranscript(f"{_where(pending)}: the prepared state cannot be read; prepare again") from error


def _where(pending: Pending) -> str:
    return f"document {pending.serial} version {pending.version}, slot {pending.slot_id}"
