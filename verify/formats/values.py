"""Verifies signature values of any XML signature, accepted algorithms and outdated ones alike.

Implements W3C XML Signature 1.1, 6.4 and RFC 9231, 2.3 for RSA (PKCS#1 v1.5 and PSS), ECDSA, EdDSA and DSA.  The answer
is mathematics alone: whether an algorithm may be relied on is said beside it, and HMAC is not among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml.etree import _Element

from transcript_core.pki.algorithms import MIN_RSA_BITS, is_affordable_key
from verify.formats.encoding import list_children
from verify.formats.names import DIGESTS, DS, WEAK_DIGESTS

AnyKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)
"""Keys whose signatures can be computed here; certificates of transcripts hold the first two kinds alone."""

_PSS: Final = "{http://www.w3.org/2007/05/xmldsig-more#}"
_GENERIC_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"
_STRONG: Final = frozenset(DIGESTS.values())
_MIN_DSA_BITS: Final = 2048
_MAX_DSA_BITS: Final = 4096
_MIN_CURVE_BITS: Final = 256

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303  (computed and never accepted)
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}


class Family(Enum):
    """Kinds of signature schemes."""

    RSA = auto()
    PSS = auto()
    ECDSA = auto()
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


_FAMILIES: Final = (
    (re.compile(re.escape(DS) + r"rsa-(sha1)"), Family.RSA),
    (re.compile(re.escape(DS) + r"dsa-(sha1)"), Family.DSA),
    (re.compile(r"http://www\.w3\.org/2001/04/xmldsig-more#rsa-(md5|sha224|sha256|sha384|sha512)"), Family.RSA),
    (re.compile(r"http://www\.w3\.org/2001/04/xmldsig-more#ecdsa-(sha1|sha224|sha256|sha384|sha512)"), Family.ECDSA),
    (re.compile(r"http://www\.w3\.org/2007/05/xmldsig-more#((?:sha3-|sha)\d+)-rsa-MGF1"), Family.PSS),
    (re.compile(r"http://www\.w3\.org/2021/04/xmldsig-more#ecdsa-(sha3-\d+)"), Family.ECDSA),
    (re.compile(r"http://www\.w3\.org/2021/04/xmldsig-more#eddsa-ed(?:25519|448)()"), Family.EDDSA),
    (re.compile(r"http://www\.w3\.org/2009/xmldsig11#dsa-(sha256)"), Family.DSA),
)


def find_method(element: _Element) -> ValueMethod | None:
    """Return what a ds:SignatureMethod asks for, None when it is not known here."""
    uri = element.get("Algorithm", "")
    if uri == _GENERIC_PSS:
        return _read_pss(element)
    for pattern, family in _FAMILIES:
        if found := pattern.fullmatch(uri):
            name = found[1].replace("-", "_")
            return ValueMethod(family, name) if not name or name in _HASHES else None
    return None


def _read_pss(element: _Element) -> ValueMethod | None:
    """Return PSS with the parameters of RFC 9231, 2.3.9; absent ones have the defaults named there."""
    parameters = next((one for one in list_children(element) if one.tag == f"{_PSS}RSAPSSParams"), None)
    if parameters is None:
        return ValueMethod(Family.PSS, "sha256")
    hash_name, mask_hash, salt, trailer = "sha256", None, None, "1"
    for child in list_children(parameters):
        if child.tag == f"{{{DS}}}DigestMethod":
            hash_name = _name_digest(child)
        elif child.tag == f"{_PSS}MaskGenerationFunction":
            inner = next((one for one in list_children(child) if one.tag == f"{{{DS}}}DigestMethod"), None)
            mask_hash = None if inner is None else _name_digest(inner)
        elif child.tag == f"{_PSS}SaltLength":
            salt = (child.text or "").strip()
        elif child.tag == f"{_PSS}TrailerField":
            trailer = (child.text or "").strip()
    if hash_name not in _HASHES or mask_hash == "" or trailer != "1" or not (salt or "0").isdecimal():
        return None
    return ValueMethod(Family.PSS, hash_name, None if salt is None else min(int(salt[:4]), 4096), mask_hash)


def _name_digest(element: _Element) -> str:
    uri = element.get("Algorithm", "")
    return DIGESTS.get(uri) or WEAK_DIGESTS.get(uri) or ""


def is_weak_key(key: AnyKey) -> bool:
    """Return whether `key` is too short to be relied on."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size < MIN_RSA_BITS
    if isinstance(key, dsa.DSAPublicKey):
        return key.key_size < _MIN_DSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _MIN_CURVE_BITS


def fits(method: ValueMethod, key: AnyKey) -> bool:
    """Return whether `key` is of the method's family and costs no more than an honest one."""
    if isinstance(key, rsa.RSAPublicKey):
        return method.family in {Family.RSA, Family.PSS} and is_affordable_key(key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return method.family is Family.ECDSA and is_affordable_key(key)
    if isinstance(key, dsa.DSAPublicKey):
        return method.family is Family.DSA and key.key_size <= _MAX_DSA_BITS
    return method.family is Family.EDDSA


def verify_value(method: ValueMethod, key: AnyKey, octets: bytes, value: bytes) -> bool | None:
    """Return whether `value` was made over `octets` by `key`; None when this cannot be computed.

    Args:
        octets: canonical octets of ds:SignedInfo.
        value: as in ds:SignatureValue; raw r‖s for ECDSA and DSA.
    """
    try:
        return _verify(method, key, octets, value)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None


def _verify(method: ValueMethod, key: AnyKey, octets: bytes, value: bytes) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, octets, _pad(method), _HASHES[method.hash_name])
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(_to_der(value), octets, ec.ECDSA(_HASHES[method.hash_name]))
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(_to_der(value), octets, _HASHES[method.hash_name])
    else:
        key.verify(value, octets)
    return True


def _pad(method: ValueMethod) -> padding.AsymmetricPadding:
    if method.family is Family.RSA:
        return padding.PKCS1v15()
    hashed = _HASHES[method.hash_name]
    salt = hashed.digest_size if method.salt_bytes is None else method.salt_bytes
    return padding.PSS(padding.MGF1(_HASHES[method.mask_hash or method.hash_name]), salt)


def _to_der(value: bytes) -> bytes:
    half = len(value) // 2
    if len(value) % 2 or not half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))
