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
from datetime import UTC, datetime
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
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import get_part, get_signature, splice_signature

_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def prepare(document: bytes, slot: Slot, identity: SigningIdentity, *, at: datetime, policy: SigningPolicy) -> Pending:
    """Return the digest that signs `slot`; no key is involved and the document stays as it is.

    Args:
        document: the stored document, exclusive canonical XML.
        slot: one of `policy.list_slots` or `policy.list_recall_slots` for this document.
        at: the signing time that is signed, aware.

    Raises:
        SlotNotReady: the slot is signed already, or a slot of an earlier order is empty.
        MalformedTranscript: the document lacks a part that the slot signs.
    """
    _check_ready(document, slot, policy)
    facts = SignedFacts(
        slot_id=slot.slot_id,
        references=tuple(PartReference(part, _digest(document, part)) for part in slot.reference_ids),
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
        digest=_digest_to_sign(facts, identity),
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
    document: bytes,
    pending: Pending,
    value: bytes,
    *,
    identity: SigningIdentity,
    evidence: Evidence | None = None,
    timestamp: bytes | None = None,
) -> bytes:
    """Return the document with the signature in its slot.  Everything else stays byte for byte.

    Args:
        value: the signer's answer; raw r‖s for ECDSA.
        evidence: chain and revocation status of the certificate, put into the unsigned properties.
        timestamp: DER of an RFC 3161 token over `timestamp_imprint(pending, value)`.

    Raises:
        SignatureMismatch: another certificate than at prepare, or a value that does not verify against it.
        SlotNotReady: the slot is signed already.
        StaleDigest: a part changed since prepare.
        TimestampRefused: the token covers something else.
    """
    check_value(pending, value, identity.certificate)
    facts = _from_state(pending)
    _check_unchanged(document, facts, pending, identity)
    _check_timestamp(timestamp, pending, value)
    certificates = _certificates(identity)
    signature = build_signature(
        pending.slot_id,
        signed_info=_signed_info(facts, identity, form=Form.IN_PLACE),
        value=value,
        certificates=certificates,
        signed_properties=build_signed_properties(identity.certificate.der, facts, form=Form.IN_PLACE),
        unsigned_properties=build_unsigned_properties(timestamp=timestamp, evidence=evidence, known=certificates),
    )
    return splice_signature(document, pending.slot_id, signature)


def _check_ready(document: bytes, slot: Slot, policy: SigningPolicy) -> None:
    """In a canonical document an empty slot is an open tag followed by its end tag, and text cannot look like it."""
    identifiers = (slot.slot_id, *slot.reference_ids)
    if not all(_ID.fullmatch(identifier) for identifier in identifiers):
        raise MalformedTranscript(f"slot {slot.slot_id} or a part it signs has an Id that is no XML name")
    if get_signature(document, slot.slot_id) is not None:
        raise SlotNotReady(f"document {slot.serial} version {slot.version}, slot {slot.slot_id}: already signed")
    for rule in policy.rules:
        if rule.order < slot.rule.order and f'"></{rule.role.value}>'.encode() in document:
            raise SlotNotReady(
                f"document {slot.serial} version {slot.version}: slot {slot.slot_id} is signed only after every slot "
                f"{rule.role.value}, and one of them is empty"
            )


def _check_unchanged(document: bytes, facts: SignedFacts, pending: Pending, identity: SigningIdentity) -> None:
    if get_signature(document, pending.slot_id) is not None:
        raise SlotNotReady(f"{_where(pending)}: signed by another action meanwhile")
    for reference in facts.references:
        if _digest(document, reference.part_id) != reference.digest:
            raise StaleDigest(
                f"{_where(pending)}: part {reference.part_id} changed since it was prepared; prepare again"
            )
    if _digest_to_sign(facts, identity) != pending.digest:
        raise StaleDigest(f"{_where(pending)}: prepared by another release or altered since; prepare again")


def _check_timestamp(token: bytes | None, pending: Pending, value: bytes) -> None:
    if token is None:
        return
    try:
        imprint = parse_timestamp(token).imprint
    except TrustMaterialError as error:
        raise TimestampRefused(f"{_where(pending)}: the timestamp cannot be read; ask for a new one") from error
    if imprint != timestamp_imprint(pending, value):
        raise TimestampRefused(f"{_where(pending)}: the timestamp is for another signature; ask for a new one")


def _digest(document: bytes, part_id: str) -> bytes:
    return hashlib.sha256(get_part(document, part_id)).digest()


def _digest_to_sign(facts: SignedFacts, identity: SigningIdentity) -> bytes:
    info = _signed_info(facts, identity, form=Form.ALONE)
    return hashlib.new(identity.algorithm.hash_name, info.encode()).digest()


def _signed_info(facts: SignedFacts, identity: SigningIdentity, *, form: Form) -> str:
    properties = build_signed_properties(identity.certificate.der, facts, form=Form.ALONE)
    return build_signed_info(facts, identity.algorithm, hashlib.sha256(properties.encode()).digest(), form=form)


def _certificates(identity: SigningIdentity) -> tuple[bytes, ...]:
    return (identity.certificate.der, *(one.der for one in identity.chain))


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
