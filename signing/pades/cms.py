"""Builds the CMS object of a PAdES signature from parts that are made once a signer.

Implements RFC 5652, 5 (SignedData, detached, one SignerInfo) with the attributes that ETSI EN 319 142-1, 6.3 asks for
at level B-B, and the signature-time-stamp of B-T (EN 319 122-1, 5.3).  There is no signing-time attribute: PAdES states
the time in the signature dictionary's /M.  Only the message digest and the value differ between a signer's
signatures, so everything else is encoded once and kept.
"""

from __future__ import annotations

from binascii import hexlify, unhexlify
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asn1crypto import core, x509

from signing.claims import Claims
from signing.signer import SigningIdentity
from signing.xades.roles import describe_role
from transcript_core.pki import cades
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, raw_to_der
from transcript_core.pki.certificates import key_bits

_MAX_ECDSA_OVERHEAD: Final = 9  # bytes that the DER form of r, s can be longer than raw r‖s: two signs, three headers
_SEQUENCE, _SET, _OCTETS, _UTF8 = 0x30, 0x31, 0x04, 0x0C
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_CMS_VERSION: Final = bytes.fromhex("020101")  # 1: RFC 5652, 5.1 and 5.3, with issuerAndSerialNumber


@dataclass(frozen=True, slots=True)
class SignedAttributes:
    """The signed attributes around the place of the message digest: one DER SET OF."""

    before: bytes
    after: bytes

    def with_digest(self, digest: bytes) -> bytes:
        """Return the DER SET OF that is hashed and signed (RFC 5652, 5.4)."""
        return self.before + digest + self.after


def build_attributes(
    identity: SigningIdentity, claims: Claims, *, policy_oid: str, policy_digest: bytes
) -> SignedAttributes:
    """Return the signed attributes of a signature, in DER order.

    Args:
        policy_oid: the policy's, dotted.
        policy_digest: 32 raw bytes, SHA-256.

    Spec: EN 319 142-1, 6.3: content-type, message-digest, signing-certificate-v2, signature-policy-identifier,
    commitment-type-indication; the role that the XAdES signature claims too in signer-attributes-v2, as an X.520 title.
    """
    algorithm, role = identity.algorithm, describe_role(claims)
    policy_id = _tlv(_SEQUENCE, _oid(policy_oid), _policy_hash(policy_digest))
    digest_size = algorithm.digest_size
    hole = bytes(digest_size)
    message_digest = _attribute(cades.MESSAGE_DIGEST, _tlv(_OCTETS, hole))
    attributes = [
        message_digest,
        _attribute(cades.CONTENT_TYPE, _oid(cades.DATA)),
        _attribute(cades.SIGNING_CERTIFICATE_V2, _signing_certificate(identity.certificate.der, algorithm)),
        _attribute(cades.SIGNATURE_POLICY, policy_id),
        _attribute(cades.COMMITMENT_TYPE, _tlv(_SEQUENCE, _oid(cades.COMMITMENT_OIDS[claims.rule.commitment]))),
    ]
    if role:
        attributes.append(_attribute(cades.SIGNER_ATTRIBUTES_V2, _claimed_role(role)))
    attributes.sort()  # X.690, 11.6; the digest comes last in its own attribute, so its octets never decide
    encoded = _tlv(_SET, *attributes)
    place = encoded.index(message_digest) + len(message_digest) - digest_size
    return SignedAttributes(encoded[:place], encoded[place + digest_size :])


def build_cms(identity: SigningIdentity, attributes: SignedAttributes, digest: bytes, value: bytes) -> bytes:
    """Return the DER ContentInfo.

    Args:
        attributes: of `build_attributes`.
        digest: of the document, which stands in `attributes`.
        value: as the signer gave it, raw r‖s for ECDSA.

    Raises:
        ValueError: an ECDSA value of the wrong length.
    """
    return unhexlify(write_cms(identity, attributes, digest, value))


def write_cms(identity: SigningIdentity, attributes: SignedAttributes, digest: bytes, value: bytes) -> bytes:
    """Return the same as hexadecimal digits, as /Contents has it; all but digest and value is written once."""
    encoded = cms_value(identity.algorithm, value)
    before, between = _frame(identity, attributes, len(encoded))
    return b"".join((before, hexlify(digest), between, hexlify(encoded)))


def build_timestamped_cms(
    identity: SigningIdentity, attributes: SignedAttributes, digest: bytes, value: bytes, timestamp: bytes
) -> bytes:
    """Return the same with a signature-time-stamp: `timestamp` is the DER TimeStampToken over the value."""
    unsigned = _tlv(_CONTEXT_1, _attribute(cades.SIGNATURE_TIMESTAMP, timestamp))
    return _encode(identity, attributes.with_digest(digest), cms_value(identity.algorithm, value), unsigned)


def _encode(identity: SigningIdentity, attributes: bytes, value: bytes, unsigned: bytes) -> bytes:
    head, middle, signer_head, signer_algorithm = _fixed_parts(identity)
    signer_info = _tlv(
        _SEQUENCE,
        signer_head,
        bytes([_CONTEXT_0]) + attributes[1:],
        signer_algorithm,
        _tlv(_OCTETS, value),
        unsigned,
    )
    signed_data = _tlv(_SEQUENCE, head, middle, _tlv(_SET, signer_info))
    return _tlv(_SEQUENCE, _oid(cades.SIGNED_DATA), _tlv(_CONTEXT_0, signed_data))


@lru_cache(maxsize=1024)
def _frame(identity: SigningIdentity, attributes: SignedAttributes, value_size: int) -> tuple[bytes, bytes]:
    """Return the digits before the digest, and between it and the value, which comes last and has this many bytes."""
    signed = attributes.with_digest(bytes(identity.algorithm.digest_size))
    encoded = _encode(identity, signed, bytes(value_size), b"")
    digest_at = encoded.index(signed[1:]) - 1 + len(attributes.before)
    between = encoded[digest_at + identity.algorithm.digest_size : len(encoded) - value_size]
    return hexlify(encoded[:digest_at]), hexlify(between)


def cms_value(algorithm: SignatureAlgorithm, value: bytes) -> bytes:
    """Return the octets that stand in CMS: RSA as they are, ECDSA as DER (RFC 5753, 7.2)."""
    if algorithm.scheme is not Scheme.ECDSA:
        return value
    return raw_to_der(value, len(value) * 4)


def measure_cms(identity: SigningIdentity, attributes: SignedAttributes) -> int:
    """Return the most bytes that the CMS object of this signer can take, without timestamp."""
    digest = bytes(identity.algorithm.digest_size)
    size = (key_bits(identity.certificate.public_key) + 7) // 8
    if identity.algorithm.scheme is not Scheme.ECDSA:
        return len(build_cms(identity, attributes, digest, bytes(size)))
    one = (1).to_bytes(size)
    return len(build_cms(identity, attributes, digest, one + one)) + 2 * len(one) + _MAX_ECDSA_OVERHEAD


@lru_cache(maxsize=256)
def _fixed_parts(identity: SigningIdentity) -> tuple[bytes, bytes, bytes, bytes]:
    """Return what is the same in all signatures of a signer: SignedData's head and certificates, SignerInfo's ends."""
    digest_algorithm = bytes(identity.algorithm.cms_digest.dump())
    head = _CMS_VERSION + _tlv(_SET, digest_algorithm) + _tlv(_SEQUENCE, _oid(cades.DATA))
    certificates = sorted({one.der for one in (identity.certificate, *identity.chain)})
    leaf = x509.Certificate.load(identity.certificate.der)
    issuer = _tlv(_SEQUENCE, leaf.issuer.dump(), leaf["tbs_certificate"]["serial_number"].dump())
    signer_head = _CMS_VERSION + issuer + digest_algorithm
    return head, _tlv(_CONTEXT_0, *certificates), signer_head, bytes(identity.algorithm.cms_signature.dump())


def _signing_certificate(cert_der: bytes, algorithm: SignatureAlgorithm) -> bytes:
    """Return SigningCertificateV2 (RFC 5035, 3); SHA-256 is its default and therefore left out."""
    digest = algorithm.new_hash(cert_der).digest()
    named = b"" if algorithm.hash_name == "sha256" else bytes(algorithm.cms_digest.dump())
    certificate = _tlv(_SEQUENCE, named, _tlv(_OCTETS, digest))
    return _tlv(_SEQUENCE, _tlv(_SEQUENCE, certificate))


def _policy_hash(digest: bytes) -> bytes:
    algorithm = bytes(SignatureAlgorithm.RSA_PKCS1_SHA256.cms_digest.dump())
    return _tlv(_SEQUENCE, algorithm, _tlv(_OCTETS, digest))


def _claimed_role(role: str) -> bytes:
    """Return SignerAttributeV2 with one claimed attribute (EN 319 122-1, 5.2.6.1)."""
    attribute = _attribute(cades.TITLE, _tlv(_UTF8, role.encode()))
    return _tlv(_SEQUENCE, _tlv(_CONTEXT_0, _tlv(_SEQUENCE, attribute)))


def _attribute(oid: str, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, _oid(oid), _tlv(_SET, value))


@lru_cache(maxsize=64)
def _oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def _tlv(tag: int, *content: bytes) -> bytes:
    """Return one DER element (X.690, 8.1, 10.1)."""
    octets = b"".join(content)
    size = len(octets)
    if size < 0x80:
        return bytes((tag, size)) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + octets
