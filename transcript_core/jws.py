"""Compact JWS: reading and verifying.  RFC 7515; TT 15/2025/TT-BKHCN Annex I (JWS is mandatory for JSON messages).

Only RS256, PS256 and ES256, only with the payload inside, and only with the key that the caller names: `x5c` says who
claims to have signed and is trusted for nothing.  The protected header is read once, strictly; joserfc verifies.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.registry import HeaderParameter

from transcript_core.errors import LimitExceeded, MalformedTranscript, SignatureInvalid, TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATE_BYTES, MAX_JSON_BYTES
from transcript_core.pki.algorithms import SignatureAlgorithm, fits_key
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.strict_json import parse_strict_json

ACCEPTED_ALGORITHMS: Final[Mapping[str, SignatureAlgorithm]] = {
    "RS256": SignatureAlgorithm.RSA_PKCS1_SHA256,
    "PS256": SignatureAlgorithm.RSA_PSS_SHA256,
    "ES256": SignatureAlgorithm.ECDSA_P256_SHA256,
}
"""JWS `alg` values that are accepted, and nothing else."""

MAX_HEADER_BYTES: Final = 64 * 1024
"""Bytes of the protected header, decoded; a chain of three certificates makes about 8 KiB."""

MAX_X5C: Final = 8
"""Certificates in `x5c`."""

_MAX_SIGNATURE_CHARS: Final = 1400
"""Characters of the signature part; RSA-8192 needs 1366."""

_COMPACT: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}\Z")


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS that could be read; verified only when it comes from `verify_jws`."""

    header: Mapping[str, Any]  # protected header
    payload: bytes
    algorithm: SignatureAlgorithm
    certificates: tuple[Certificate, ...]  # x5c: the signer's first; empty when there is none
    compact: bytes


def parse_jws(compact: bytes, *, max_bytes: int = MAX_JSON_BYTES, understood: Collection[str] = ()) -> Jws:
    """Return what a compact JWS says, without verifying it.

    Args:
        compact: three base64url parts, no white space.
        max_bytes: longest payload.
        understood: names that `crit` may hold, because the caller acts on them.

    Raises:
        LimitExceeded: longer than `max_bytes` and MAX_HEADER_BYTES allow.
        MalformedTranscript: not a compact JWS, an algorithm that is not accepted, or a `crit` not understood.

    Spec: RFC 7515, 5.2 steps 1 to 7.  Deviation: no detached or unencoded payload (RFC 7797), no unknown `crit`.
    """
    if len(compact) > (max_bytes + MAX_HEADER_BYTES) * 4 // 3 + _MAX_SIGNATURE_CHARS + 8:
        raise LimitExceeded(f"a JWS of {len(compact)} bytes is longer than is accepted here")
    if _COMPACT.match(compact) is None:
        raise MalformedTranscript("this is not a compact JWS: three base64url parts, joined by dots")
    header_part, payload_part, signature_part = compact.split(b".")
    if len(signature_part) > _MAX_SIGNATURE_CHARS:
        raise LimitExceeded("the signature part of a JWS is longer than any accepted algorithm makes")
    header = _read_header(_decode(header_part))
    _check_critical(header, understood)
    payload = _decode(payload_part)
    if len(payload) > max_bytes:
        raise LimitExceeded(f"the payload of a JWS has {len(payload)} bytes, more than {max_bytes}")
    return Jws(header, payload, _read_algorithm(header), _read_chain(header), compact)


def verify_jws(
    compact: bytes,
    certificate: Certificate,
    *,
    max_bytes: int = MAX_JSON_BYTES,
    typ: str | None = None,
    understood: Collection[str] = (),
) -> Jws:
    """Return the JWS if `certificate`'s key signed it.  Whether the certificate is to be believed is not asked here.

    Args:
        compact, max_bytes, understood: as in `parse_jws`.
        certificate: whose key must have signed; when `x5c` is there, its first must be this very certificate.
        typ: what the header's `typ` must be; None: anything.

    Raises:
        LimitExceeded, MalformedTranscript: as in `parse_jws`; also another `typ`.
        SignatureInvalid: another certificate's signature, an algorithm that is not for this key, or a changed text.
    """
    parsed = parse_jws(compact, max_bytes=max_bytes, understood=understood)
    if typ is not None and parsed.header.get("typ") != typ:
        raise MalformedTranscript(f"this JWS is not of type {typ}")
    if parsed.certificates and parsed.certificates[0] != certificate:
        raise SignatureInvalid("the JWS names another certificate as its signer's")
    if not fits_key(parsed.algorithm, certificate.public_key):
        raise SignatureInvalid("the JWS names an algorithm that is not for the signer's key")
    if not _is_signed(parsed, certificate, understood):
        raise SignatureInvalid("the signature of the JWS does not verify")
    return parsed


def _decode(part: bytes) -> bytes:
    """Decode base64url without padding; only the canonical spelling is accepted (RFC 7515, 2; RFC 4648, 3.5)."""
    try:
        decoded = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except (ValueError, binascii.Error) as error:
        raise MalformedTranscript("a part of the JWS is not base64url") from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise MalformedTranscript("a part of the JWS is not in the canonical spelling of base64url")
    return decoded


def _read_header(octets: bytes) -> dict[str, Any]:
    header = parse_strict_json(octets, max_bytes=MAX_HEADER_BYTES)
    if not isinstance(header, dict):
        raise MalformedTranscript("the protected header of a JWS is not an object")
    if "b64" in header:
        raise MalformedTranscript("a JWS with an unencoded payload is not accepted")
    return header


def _check_critical(header: Mapping[str, Any], understood: Collection[str]) -> None:
    if "crit" not in header:
        return
    names = header["crit"]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise MalformedTranscript("`crit` of a JWS is not a list of names")
    if len(set(names)) != len(names) or any(name not in header or name not in understood for name in names):
        raise MalformedTranscript("`crit` of a JWS names something that is absent, doubled or not understood here")


def _read_algorithm(header: Mapping[str, Any]) -> SignatureAlgorithm:
    name = header.get("alg")
    algorithm = ACCEPTED_ALGORITHMS.get(name) if isinstance(name, str) else None
    if algorithm is None:
        raise MalformedTranscript(f"the algorithm of a JWS is none of {', '.join(ACCEPTED_ALGORITHMS)}")
    return algorithm


def _read_chain(header: Mapping[str, Any]) -> tuple[Certificate, ...]:
    """Return `x5c`: standard base64 of DER, the signer's certificate first (RFC 7515, 4.1.6)."""
    values = header.get("x5c", [])
    if not isinstance(values, list) or ("x5c" in header and not values) or len(values) > MAX_X5C:
        raise MalformedTranscript(f"`x5c` of a JWS is not a list of 1 to {MAX_X5C} certificates")
    return tuple(_read_certificate(value) for value in values)


def _read_certificate(value: object) -> Certificate:
    if not isinstance(value, str) or len(value) > 2 * MAX_CERTIFICATE_BYTES or _BASE64.match(value) is None:
        raise MalformedTranscript("a certificate in `x5c` of a JWS is not base64")
    try:
        return load_certificate(base64.b64decode(value, validate=True))
    except (TrustMaterialError, ValueError, binascii.Error) as error:
        raise MalformedTranscript("a certificate in `x5c` of a JWS cannot be read") from error


class _Registry(jws.JWSRegistry):
    """joserfc's own limits are for tokens; ours were checked before."""

    max_header_length = MAX_HEADER_BYTES * 2
    max_payload_length = 1 << 40
    max_signature_length = _MAX_SIGNATURE_CHARS


def _is_signed(parsed: Jws, certificate: Certificate, understood: Collection[str]) -> bool:
    pem = certificate.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    registry = _Registry(
        header_registry={name: HeaderParameter(name, lambda _: None) for name in understood},
        algorithms=[parsed.header["alg"]],
        strict_check_header=False,
    )
    key = ECKey if parsed.algorithm is SignatureAlgorithm.ECDSA_P256_SHA256 else RSAKey
    try:
        jws.deserialize_compact(parsed.compact, key.import_key(pem), registry=registry)
    except (JoseError, ValueError):
        return False
    return True
