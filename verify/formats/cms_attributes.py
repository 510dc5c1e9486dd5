"""Reads what the attributes of a CMS signature say: its certificate, timestamp, policy, commitments and roles.

Implements RFC 5035 (ESS signing-certificate, version 1 and 2) and ETSI EN 319 122-1, 5.2 and 5.3.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

from asn1crypto import algos, core, tsp

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.pki import cades
from transcript_core.pki.ber import list_elements, split_elements
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.timestamps import parse_timestamp
from verify.formats.cms_types import CmsSignature, Reading

_CLAIMED_TAG: Final = 0xA0
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
_KNOWN_DIGESTS: Final = frozenset({"sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"})


def describe(
    signature: CmsSignature, info: Any, attributes: dict[str, Any], reading: Reading, *, needs_ess: bool
) -> CmsSignature:
    """Return the signature with what its attributes say."""
    policy_oid, policy_digest = _read_policy(attributes.get(cades.SIGNATURE_POLICY))
    timestamp = _find_timestamp(info, reading)
    value = info["signature"].native
    return replace(
        signature,
        timestamp=timestamp,
        timestamp_imprint=None if timestamp is None else hashlib.new(_find_imprint_hash(timestamp), value).digest(),
        policy_oid=policy_oid,
        policy_digest=policy_digest,
        commitments=_read_commitments(attributes.get(cades.COMMITMENT_TYPE)),
        claimed_roles=_read_roles(attributes.get(cades.SIGNER_ATTRIBUTES_V2)),
        has_signing_certificate=_check_ess(attributes, signature.signer, reading, needed=needs_ess),
    )


def _check_ess(attributes: dict[str, Any], signer: Certificate | None, reading: Reading, *, needed: bool) -> bool:
    """Say whether the ESS attributes that are there name the signer's certificate first (RFC 5035, 4)."""
    second, first = attributes.get(cades.SIGNING_CERTIFICATE_V2), attributes.get(_SIGNING_CERTIFICATE)
    if second is None and needed:
        reading.note("signing-certificate", "signing-certificate-v2 is missing")
    if signer is None:
        return False  # said already: the certificate is missing or cannot be read
    named = []
    if second is not None:
        named.append(_is_named(tsp.SigningCertificateV2.load(second.dump())["certs"][0], signer, reading))
    if first is not None and (second is None or not reading.strict):
        named.append(_is_named(tsp.SigningCertificate.load(first.dump())["certs"][0], signer, reading))
    if second is None and reading.strict:
        return False
    return bool(named) and all(named)


def _is_named(identifier: Any, signer: Certificate, reading: Reading) -> bool:
    is_second = isinstance(identifier, tsp.ESSCertIDv2)
    hash_name = identifier["hash_algorithm"]["algorithm"].native if is_second else "sha1"
    if hash_name not in _KNOWN_DIGESTS:
        reading.note("signing-certificate", "its digest is by an unknown hash")
        return False
    if identifier["cert_hash"].native != hashlib.new(hash_name, signer.der, usedforsecurity=False).digest():
        reading.add("signing-certificate", "its digest is not that of the signer's certificate")
        return False
    issuer_serial = identifier["issuer_serial"]
    if issuer_serial.native is not None and issuer_serial["serial_number"].native != signer.serial:
        reading.note("signing-certificate", "its serial number is not that of the signer's certificate")
        return False
    return True


def _find_timestamp(info: Any, reading: Reading) -> bytes | None:
    """Return the first signature-time-stamp token (EN 319 122-1, 5.3)."""
    if isinstance(info["unsigned_attrs"], core.Void):
        return None
    for attribute in info["unsigned_attrs"]:
        if attribute["type"].dotted == cades.SIGNATURE_TIMESTAMP:
            (token, *_) = split_elements(attribute["values"].contents)
            if len(token) > MAX_TIMESTAMP_BYTES:
                reading.note("cms", "a timestamp is longer than the limit")
                return None
            return token
    return None


def _find_imprint_hash(token: bytes) -> str:
    """Return the name of the hash by which a token names what it is for; SHA-256 when it cannot be read."""
    try:
        return parse_timestamp(token).imprint_hash
    except TrustMaterialError:
        return "sha256"


def _read_policy(value: Any) -> tuple[str | None, bytes | None]:
    """Return OID and SHA-256 of the signature policy (EN 319 122-1, 5.2.9.1); no digest when by another hash."""
    if value is None:
        return None, None
    parts = list_elements(value.dump())
    oid = _read_oid(parts[0])
    if len(parts) < 2:
        return oid, None
    algorithm, digest = list_elements(parts[1])[:2]
    is_sha256 = algos.DigestAlgorithm.load(algorithm)["algorithm"].native == "sha256"
    return oid, core.OctetString.load(digest).native if is_sha256 else None


def _read_commitments(value: Any) -> tuple[str, ...]:
    """Return the commitment type as URI, or "urn:oid:…" when it has none (EN 319 122-1, 5.2.3)."""
    if value is None:
        return ()
    oid = _read_oid(list_elements(value.dump())[0])
    return (cades.COMMITMENT_URIS.get(oid, f"urn:oid:{oid}"),)


def _read_roles(value: Any) -> tuple[str, ...]:
    """Return the texts of the claimed attributes in signer-attributes-v2 (EN 319 122-1, 5.2.6.1)."""
    if value is None:
        return ()
    claimed = [part for part in list_elements(value.dump()) if part[0] == _CLAIMED_TAG]
    attributes = [one for part in claimed for sequence in list_elements(part) for one in list_elements(sequence)]
    values = [text for attribute in attributes for text in list_elements(list_elements(attribute)[1])]
    return tuple(core.UTF8String.load(text).native for text in values if text[0] == core.UTF8String.tag)


def _read_oid(element: bytes) -> str:
    return str(core.ObjectIdentifier.load(element).dotted)
