"""What all signatures of one action have in common, made once: the signed texts and the frame of the whole element.

Between the documents that a person signs only the digests of the parts and the value differ, so everything else is
written, hashed and checked once and remembered; a signature is then a frame with its holes filled.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from signing.claims import Claims
from signing.signer import SigningIdentity
from signing.xades.roles import describe_role
from signing.xades.templates import (
    HOLE,
    Form,
    SignedTerms,
    build_signature,
    build_signed_info,
    build_signed_properties,
    build_unsigned_properties,
)
from transcript_core.errors import MalformedTranscript
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.evidence import Evidence
from transcript_core.xml import SignatureFrame, fill_holes

_CACHED_ACTIONS: Final = 256  # a teacher's subjects and classes in one action; one entry is 10 to 20 KiB
_ID: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class SignedTexts:
    """The two signed elements of a signature."""

    terms: SignedTerms
    algorithm: SignatureAlgorithm
    info: tuple[bytes, ...]  # ds:SignedInfo as it is digested, cut at the digests of the parts
    stored_info: str  # ds:SignedInfo in place, with its holes
    stored_properties: str  # xades:SignedProperties in place

    def digest(self, part_digests: Sequence[bytes]) -> bytes:
        """Return the digest of ds:SignedInfo over these parts: what the key signs."""
        return self.algorithm.new_hash(fill_holes(self.info, part_digests)).digest()


@lru_cache(maxsize=_CACHED_ACTIONS)
def write_terms(
    identity: SigningIdentity, claims: Claims, at: datetime, policy: str, policy_digest: bytes
) -> SignedTexts:
    """Return the signed elements of this signer's signatures.

    Args:
        at: the signing time that is signed, aware.
        policy: its identifier, "urn:oid:...".
        policy_digest: 32 raw bytes, SHA-256.

    Raises:
        MalformedTranscript: an Id that is no XML name.
    """
    if not all(_ID.fullmatch(identifier) for identifier in (claims.slot_id, *claims.reference_ids)):
        raise MalformedTranscript(f"slot {claims.slot_id}: it or a part it signs has an Id that is no XML name")
    terms = SignedTerms(
        slot_id=claims.slot_id,
        part_ids=claims.reference_ids,
        signing_time=at.astimezone(UTC).replace(microsecond=0),
        role=describe_role(claims),
        commitment=claims.rule.commitment,
        policy=policy,
        policy_digest=policy_digest,
    )
    return build_texts(identity.certificate.der, identity.algorithm, terms)


@lru_cache(maxsize=_CACHED_ACTIONS)
def build_texts(certificate_der: bytes, algorithm: SignatureAlgorithm, terms: SignedTerms) -> SignedTexts:
    """Return the signed elements of every signature on these terms."""
    (properties,) = _cut(build_signed_properties(certificate_der, terms, form=Form.ALONE), holes=0)
    properties_digest = hashlib.sha256(properties).digest()
    info = build_signed_info(terms, algorithm, properties_digest, form=Form.ALONE)
    return SignedTexts(
        terms,
        algorithm,
        info=_cut(info, holes=len(terms.part_ids)),
        stored_info=build_signed_info(terms, algorithm, properties_digest, form=Form.IN_PLACE),
        stored_properties=build_signed_properties(certificate_der, terms, form=Form.IN_PLACE),
    )


@lru_cache(maxsize=_CACHED_ACTIONS)
def build_frame(identity: SigningIdentity, terms: SignedTerms, evidence: Evidence | None) -> SignatureFrame:
    """Return the frame of every B-B signature on these terms: holes for the digests of the parts, then the value.

    Args:
        evidence: chain and revocation status of the certificate, put into the unsigned properties.
    """
    return _build_frame(identity, terms, None, () if evidence is None else (evidence,))


def build_timestamped_frame(
    identity: SigningIdentity, terms: SignedTerms, timestamp: bytes, evidences: Sequence[Evidence]
) -> SignatureFrame:
    """Return the same for the one signature that `timestamp` (DER of an RFC 3161 token) was made for."""
    return _build_frame(identity, terms, timestamp, evidences)


def _build_frame(
    identity: SigningIdentity, terms: SignedTerms, timestamp: bytes | None, evidences: Sequence[Evidence]
) -> SignatureFrame:
    texts = build_texts(identity.certificate.der, identity.algorithm, terms)
    certificates = (identity.certificate.der, *(one.der for one in identity.chain))
    signature = build_signature(
        terms.slot_id,
        signed_info=texts.stored_info,
        certificates=certificates,
        signed_properties=texts.stored_properties,
        unsigned_properties=build_unsigned_properties(timestamp=timestamp, evidences=evidences, known=certificates),
    )
    return SignatureFrame(terms.slot_id, _cut(signature, holes=len(terms.part_ids) + 1))


def _cut(text: str, *, holes: int) -> tuple[bytes, ...]:
    pieces = tuple(text.encode().split(HOLE.encode()))
    if len(pieces) != holes + 1:
        raise MalformedTranscript("a text of the signature holds a character that XML does not have")
    return pieces
