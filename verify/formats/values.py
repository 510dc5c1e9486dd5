"""Verifies signature values of any XML or CMS signature, accepted algorithms and outdated ones alike.

Implements RFC 8017 (RSA: PKCS#1 v1.5 and PSS), FIPS 186-5 and RFC 8032 (ECDSA, EdDSA) and FIPS 186-4 (DSA).  The answer
is mathematics alone: whether an algorithm may be relied on is said beside it, and HMAC is not among them.  What the
formats call their algorithms stands in `methods`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from transcript_core.pki.algorithms import MIN_RSA_BITS, is_affordable_key
from transcript_core.pki.certificates import PublicKey
from verify.formats.names import DIGESTS

_STRONG: Final = frozenset(DIGESTS.values()) | {"sha512_256"}
_MIN_DSA_BITS: Final = 2048
_MIN_CURVE_BITS: Final = 256

MAX_SALT_BYTES: Final = 4096
"""No honest salt is longer than the largest modulus."""

HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303  (computed and never accepted)
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512_224": hashes.SHA512_224(),
    "sha512_256": hashes.SHA512_256(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
"""Hashes whose signatures are computed, by their names in hashlib."""

SHAKE256: Final = "shake_256"
"""Name in hashlib of the hash of Ed448 in CMS; its digests have 64 octets (RFC 8419, 2.3)."""

CONTENT_HASHES: Final = HASHES.keys() | {SHAKE256}
"""Hashes whose digests of content are computed."""

_SHAKE256_BYTES: Final = 64


class Family(Enum):
    """Kinds of signature schemes."""

    RSA = auto()
    PSS = auto()
    ECDSA = auto()
    PLAIN_ECDSA = auto()  # its value is raw r‖s wherever it stands
    EDDSA = auto()
    DSA = auto()


@dataclass(frozen=True, slots=True)
class ValueMethod:
    """What a ds:SignatureMethod asks for."""

    family: Family
    hash_name: str  # as in hashlib; "" where the scheme hashes by itself
    salt_bytes: int | None = None  # of PSS; None: as long as the digest
    mask_hash: str | None = None  # of PSS; None: the same hash

    @property
    def is_weak(self) -> bool:
        """Return whether its hash may not be relied on."""
        return self.family is not Family.EDDSA and self.hash_name not in _STRONG


def finish_digest(state: Any) -> bytes:
    """Return the digest of a state of hashlib; of SHAKE256 as long as CMS has it."""
    return bytes(state.digest(_SHAKE256_BYTES) if state.name == SHAKE256 else state.digest())


def is_weak_key(key: PublicKey) -> bool:
    """Return whether `key` is too short to be relied on."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < MIN_RSA_BITS
    if isinstance(key, dsa.DSAPublicKey):
        return key.key_size < _MIN_DSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _MIN_CURVE_BITS


def fits(method: ValueMethod, key: PublicKey) -> bool:
    """Return whether `key` is of the method's family and costs no more than an honest one."""
    if isinstance(key, rsa.RSAPublicKey):
        return method.family in {Family.RSA, Family.PSS} and is_affordable_key(key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return method.family in {Family.ECDSA, Family.PLAIN_ECDSA} and is_affordable_key(key)
    if isinstance(key, dsa.DSAPublicKey):
        return method.family is Family.DSA and is_affordable_key(key)
    return method.family is Family.EDDSA


def verify_value(
    method: ValueMethod, key: PublicKey, octets: bytes, value: bytes, *, is_der: bool = False
) -> bool | None:
    """Return whether `value` was made over `octets` by `key`; None when this cannot be computed.

    Args:
        octets: what was signed: canonical octets of ds:SignedInfo, or the signed attributes of CMS.
        value: as in ds:SignatureValue or in CMS, where ECDSA and DSA values are DER.
        is_der: whether they are; raw r‖s otherwise.
    """
    try:
        return _verify(method, key, octets, _unify(method, key, value, is_der=is_der))
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None


def _verify(method: ValueMethod, key: PublicKey, octets: bytes, value: bytes) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, octets, _pad(method), HASHES[method.hash_name])
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, octets, ec.ECDSA(HASHES[method.hash_name]))
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(value, octets, HASHES[method.hash_name])
    else:
        key.verify(value, octets)
    return True


def _unify(method: ValueMethod, key: PublicKey, value: bytes, *, is_der: bool) -> bytes:
    """Return the value in the form in which it is verified: two numbers in DER, anything else as it is."""
    if not isinstance(key, ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        return value
    return value if is_der and method.family is not Family.PLAIN_ECDSA else _to_der(value)


def _pad(method: ValueMethod) -> padding.AsymmetricPadding:
    if method.family is Family.RSA:
        return padding.PKCS1v15()
    hashed = HASHES[method.hash_name]
    salt = hashed.digest_size if method.salt_bytes is None else method.salt_bytes
    return padding.PSS(padding.MGF1(HASHES[method.mask_hash or method.hash_name]), salt)


def _to_der(value: bytes) -> bytes:
    half = len(value) // 2
    if len(value) % 2 or not half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
