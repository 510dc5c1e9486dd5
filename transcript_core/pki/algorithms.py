"""Signature algorithms that are accepted, with their names in every format.

TT 15/2025/TT-BKHCN, Annex I: RSA of 2048 bits or more (PKCS#1 v1.5 and PSS), ECDSA of 256 bits or more, SHA-256 and
up.  Identifiers: RFC 9231 (XML), RFC 5754 and RFC 4055 (CMS), RFC 7518 (JWS).  HMAC, DSA, EdDSA and SHA-1 have no
entry, so nothing can select them.  An ECDSA value is raw r‖s everywhere in this code base; DER appears only inside CMS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Final, TypeAlias

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from transcript_core.errors import TrustMaterialError
from transcript_core.pki.certificates import UNREADABLE, Certificate, PublicKey

MIN_RSA_BITS: Final = 2048
"""Bits of an RSA modulus (TT 15/2025 Annex I)."""

MAX_RSA_BITS: Final = 8192
MAX_RSA_EXPONENT: Final = 2**32
MAX_DSA_BITS: Final = 4096
"""Real keys have at most 4,096 bits and the exponent 65,537; one verification with larger numbers takes milliseconds,
and a stranger's file can ask for thousands."""

_PRIME_CURVES: Final = ("secp", "brainpool")
_XMLDSIG_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_XMLDSIG_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_DIGEST_URIS: Final = {
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_CURVES: Final[dict[str, ec.EllipticCurve]] = {"p-256": ec.SECP256R1(), "p-384": ec.SECP384R1()}


class Scheme(Enum):
    """How the digest is signed."""

    RSA_PKCS1 = "rsa-pkcs1"
    RSA_PSS = "rsa-pss"
    ECDSA = "ecdsa"


class SignatureAlgorithm(Enum):
    """Scheme and hash together.  The value is the stable name used in stored state."""

    RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
    RSA_PKCS1_SHA384 = "rsa-pkcs1-sha384"
    RSA_PKCS1_SHA512 = "rsa-pkcs1-sha512"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    RSA_PSS_SHA384 = "rsa-pss-sha384"
    RSA_PSS_SHA512 = "rsa-pss-sha512"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"
    ECDSA_P384_SHA384 = "ecdsa-p384-sha384"

    def __init__(self, text: str) -> None:
        family, _, self.hash_name = text.rpartition("-")  # as hashlib and CMS name it: "sha256"
        self.new_hash: Callable[..., hashlib._Hash] = getattr(hashlib, self.hash_name)  # quicker than `hashlib.new`
        self.digest_size = _HASHES[self.hash_name].digest_size  # bytes of the digest that is signed
        self.scheme = Scheme.ECDSA if family.startswith("ecdsa") else Scheme(family)  # how the digest is signed

    __hash__ = object.__hash__  # members are alone of their kind; looked up several times for every signature

    @property
    def xml_uri(self) -> str:
        """Return the ds:SignatureMethod algorithm (RFC 9231, 2.3)."""
        if self.scheme is Scheme.RSA_PSS:
            return f"{_XMLDSIG_2007}{self.hash_name}-rsa-MGF1"
        family = "ecdsa" if self.scheme is Scheme.ECDSA else "rsa"
        return f"{_XMLDSIG_MORE}{family}-{self.hash_name}"

    @property
    def digest_uri(self) -> str:
        """Return the ds:DigestMethod algorithm of its hash (RFC 9231, 2.1)."""
        return _DIGEST_URIS[self.hash_name]

    @property
    def jws_name(self) -> str:
        """Return the JWS `alg` (RFC 7518, 3.1): "RS256", "PS256", "ES256"."""
        prefix = {Scheme.RSA_PKCS1: "RS", Scheme.RSA_PSS: "PS", Scheme.ECDSA: "ES"}[self.scheme]
        return prefix + self.hash_name.removeprefix("sha")

    @property
    def cms_digest(self) -> Any:
        """Return the asn1crypto DigestAlgorithm."""
        return algos.DigestAlgorithm({"algorithm": self.hash_name})

    @property
    def cms_signature(self) -> Any:
        """Return the asn1crypto SignedDigestAlgorithm, parameters included (RFC 5754; PSS: RFC 4055)."""
        if self.scheme is Scheme.RSA_PSS:
            return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": self._pss_parameters()})
        family = "ecdsa" if self.scheme is Scheme.ECDSA else "rsa"
        return algos.SignedDigestAlgorithm({"algorithm": f"{self.hash_name}_{family}"})

    def _pss_parameters(self) -> Any:
        return algos.RSASSAPSSParams(
            {
                "hash_algorithm": {"algorithm": self.hash_name},
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": self.hash_name}},
                "salt_length": self.digest_size,
            }
        )


_BY_XML_URI: Final = {algorithm.xml_uri: algorithm for algorithm in SignatureAlgorithm}
_BY_JWS_NAME: Final = {algorithm.jws_name: algorithm for algorithm in SignatureAlgorithm}


def find_by_xml_uri(uri: str) -> SignatureAlgorithm | None:
    """Return the algorithm of a ds:SignatureMethod, or None when it is not accepted."""
    return _BY_XML_URI.get(uri)


def find_by_jws_name(name: str) -> SignatureAlgorithm | None:
    """Return the algorithm of a JWS `alg`, or None when it is not accepted."""
    return _BY_JWS_NAME.get(name)


def find_by_cms(digest: str, signature: Any) -> SignatureAlgorithm | None:
    """Return the algorithm of a CMS SignerInfo, or None when it is not accepted or its two parts contradict.

    Args:
        digest: name of the digest algorithm as asn1crypto gives it: "sha256".
        signature: asn1crypto SignedDigestAlgorithm of the same SignerInfo.
    """
    try:
        name = signature["algorithm"].native
        if name in {"rsassa_pkcs1v15", "rsa"}:
            return _by_parts(Scheme.RSA_PKCS1, digest)
        if name == "rsassa_pss":
            return _pss_by_parameters(digest, signature)
        if signature.hash_algo != digest:
            return None
        schemes = {"rsassa_pkcs1v15": Scheme.RSA_PKCS1, "ecdsa": Scheme.ECDSA}
        scheme = schemes.get(signature.signature_algo)
    except UNREADABLE:
        return None
    return None if scheme is None else _by_parts(scheme, digest)


def _by_parts(scheme: Scheme, hash_name: str) -> SignatureAlgorithm | None:
    for algorithm in SignatureAlgorithm:
        if algorithm.scheme is scheme and algorithm.hash_name == hash_name:
            return algorithm
    return None


def _pss_by_parameters(digest: str, signature: Any) -> SignatureAlgorithm | None:
    """Accept the one parameter set that is written: same hash in MGF1, salt as long as the digest, trailer 1."""
    algorithm = _by_parts(Scheme.RSA_PSS, digest)
    if algorithm is None:
        return None
    parameters = signature["parameters"]
    same = (
        parameters["hash_algorithm"]["algorithm"].native == digest
        and parameters["mask_gen_algorithm"]["algorithm"].native == "mgf1"
        and parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native == digest
        and parameters["salt_length"].native == algorithm.digest_size
        and parameters["trailer_field"].native in {1, "trailer_field_bc"}
    )
    return algorithm if same else None


def algorithm_for(certificate: Certificate) -> SignatureAlgorithm:
    """Return the algorithm that this certificate's key signs with unless told otherwise.

    Raises:
        TrustMaterialError: a weak RSA key or a curve that is not accepted.
    """
    for algorithm in (
        SignatureAlgorithm.RSA_PKCS1_SHA256,
        SignatureAlgorithm.ECDSA_P256_SHA256,
        SignatureAlgorithm.ECDSA_P384_SHA384,
    ):
        if fits_key(algorithm, certificate.public_key):
            return algorithm
    raise TrustMaterialError("the certificate's key is too weak or of a kind that may not sign here")


def fits_key(algorithm: SignatureAlgorithm, key: PublicKey) -> bool:
    """Return whether `key` is of the algorithm's family and strong enough."""
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm.scheme is not Scheme.ECDSA and key.key_size >= MIN_RSA_BITS and is_affordable_key(key)
    curve = {
        SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
        SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
    }.get(algorithm)
    return isinstance(key, ec.EllipticCurvePublicKey) and curve is not None and key.curve.name == _CURVES[curve].name


@lru_cache(maxsize=1024)
def fits_certificate(algorithm: SignatureAlgorithm, certificate: Certificate) -> bool:
    """Return whether the key of `certificate` is one for `algorithm`; remembered: a batch asks thousands of times."""
    return fits_key(algorithm, certificate.public_key)


def value_size(algorithm: SignatureAlgorithm, key: PublicKey) -> int | None:
    """Return the bytes of every signature value of `key`, ECDSA as raw r‖s; None when it is no key for `algorithm`."""
    if not fits_key(algorithm, key):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        return (key.key_size + 7) // 8
    return 2 * ((key.curve.key_size + 7) // 8) if isinstance(key, ec.EllipticCurvePublicKey) else None


def is_strong_key(key: PublicKey) -> bool:
    """Return whether any accepted algorithm can use `key`."""
    return any(fits_key(algorithm, key) for algorithm in SignatureAlgorithm)


def is_affordable_key(key: PublicKey) -> bool:
    """Return whether a signature can be verified with `key` in well under a millisecond, whoever chose it."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size <= MAX_RSA_BITS and key.public_numbers().e <= MAX_RSA_EXPONENT
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name.startswith(_PRIME_CURVES)
    return not isinstance(key, dsa.DSAPublicKey) or key.key_size <= MAX_DSA_BITS


def verify_digest(
    signer: Certificate | PublicKey, algorithm: SignatureAlgorithm, digest: bytes, signature: bytes
) -> bool:
    """Return whether `signature` was made over `digest` by the signer's key.

    Args:
        signer: the certificate or its key.
        algorithm: as named in the signed structure; a key of another family or too weak a key answers False.
        digest: raw bytes of the algorithm's hash.
        signature: RSA octets, or raw r‖s for ECDSA.
    """
    operate = _bind(algorithm, signer)
    if operate is None or len(digest) != algorithm.digest_size:
        return False
    try:
        operate(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True


_Operation: TypeAlias = Callable[[bytes, bytes], None]
"""Holds a signature against a digest; raises InvalidSignature or ValueError."""


def _bind(algorithm: SignatureAlgorithm, signer: Certificate | PublicKey) -> _Operation | None:
    """Return the public operation of a key, or None when it is none for this algorithm."""
    return _bind_certificate(algorithm, signer) if isinstance(signer, Certificate) else _bind_key(algorithm, signer)


@lru_cache(maxsize=1024)
def _bind_certificate(algorithm: SignatureAlgorithm, certificate: Certificate) -> _Operation | None:
    """The same of its key; remembered, since a few people's signatures are verified again and again."""
    return _bind_key(algorithm, certificate.public_key)


def _bind_key(algorithm: SignatureAlgorithm, key: PublicKey) -> _Operation | None:
    if not fits_key(algorithm, key):
        return None
    marker = prehashed(algorithm)
    if isinstance(key, rsa.RSAPublicKey):
        scheme = rsa_padding(algorithm)
        return lambda signature, digest: key.verify(signature, digest, scheme, marker)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    method, bits = ec.ECDSA(marker), key.curve.key_size
    return lambda signature, digest: key.verify(raw_to_der(signature, bits), digest, method)


def verify_octets(
    key: PublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None, *, pss: bool
) -> bool:
    """Return whether a signature of X.509 data verifies: certificates, CRLs, OCSP answers.  Judges no strength.

    Args:
        key: of the signer.
        signature: as X.509 writes it: RSA octets, or DER for ECDSA.
        signed: the octets that were signed.
        algorithm: hash that the signature algorithm names; None only for EdDSA, which hashes by itself.
        pss: whether it names RSASSA-PSS; the salt may have any length.
    """
    if not is_affordable_key(key):
        return False
    try:
        return _verify_octets(key, signature, signed, algorithm, pss=pss)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False


def _verify_octets(
    key: PublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None, *, pss: bool
) -> bool:
    """The same; raises when the signature does not verify."""
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signature, signed)
        return True
    if algorithm is None:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        salted = padding.PSS(mgf=padding.MGF1(algorithm), salt_length=padding.PSS.AUTO)
        key.verify(signature, signed, salted if pss else padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(algorithm))
    else:
        key.verify(signature, signed, algorithm)
    return True


@cache
def rsa_padding(algorithm: SignatureAlgorithm) -> padding.AsymmetricPadding:
    """Return the padding of an RSA algorithm; PSS with MGF1 of the same hash and a salt as long as the digest."""
    if algorithm.scheme is Scheme.RSA_PSS:
        return padding.PSS(mgf=padding.MGF1(_HASHES[algorithm.hash_name]), salt_length=algorithm.digest_size)
    return padding.PKCS1v15()


@cache
def prehashed(algorithm: SignatureAlgorithm) -> Prehashed:
    """Return the marker that a digest of this algorithm's hash is signed as it is."""
    return Prehashed(_HASHES[algorithm.hash_name])


def raw_to_der(raw: bytes, curve_bits: int) -> bytes:
    """Return the DER form (RFC 3279, 2.2.3) of raw r‖s.

    Raises:
        ValueError: not exactly twice the curve's size.
    """
    size = (curve_bits + 7) // 8
    if len(raw) != 2 * size:
        raise ValueError(f"an ECDSA value of this curve has {2 * size} bytes, not {len(raw)}")
    return encode_dss_signature(int.from_bytes(raw[:size]), int.from_bytes(raw[size:]))


def der_to_raw(der: bytes, curve_bits: int) -> bytes:
    """Return raw r‖s of a DER ECDSA value.

    Raises:
        ValueError: not DER, or numbers larger than the curve's size.
    """
    size = (curve_bits + 7) // 8
    r, s = decode_dss_signature(der)
    try:
        return r.to_bytes(size) + s.to_bytes(size)
    except OverflowError as error:
        raise ValueError("an ECDSA number is larger than its curve allows") from error
