"""Keys made in memory with a CA of their own, for tests that need a certificate but no PKI around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from signing.signer import Signer
from transcript_core.pki.algorithms import (
    Scheme,
    SignatureAlgorithm,
    algorithm_for,
    der_to_raw,
    prehashed,
    rsa_padding,
)
from transcript_core.pki.certificates import Certificate, load_certificate

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

VALID_FROM = datetime(2025, 1, 1, tzinfo=UTC)
VALID_TO = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MemorySigner:
    """A signer over a key in memory; counts how often it was asked."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    algorithm: SignatureAlgorithm
    key: PrivateKey = field(repr=False)
    approvals: list[int] = field(default_factory=list, compare=False)  # number of digests of each call

    @property
    def list_size(self) -> int | None:
        """Any number."""
        return None

    def close(self) -> None:
        """Nothing to let go of."""

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Return one value for each digest; ECDSA as raw r‖s."""
        self.approvals.append(len(digests))
        return [self._sign(digest) for digest in digests]

    def _sign(self, digest: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(digest, rsa_padding(self.algorithm), prehashed(self.algorithm))
        der = self.key.sign(digest, ec.ECDSA(prehashed(self.algorithm)))
        return der_to_raw(der, self.key.curve.key_size)


@dataclass
class WatchedSigner:
    """A real signer behind a holder that takes lists; it tells of each list, and what is told may raise, or do harm."""

    inner: Signer
    list_size: int | None = None
    before: Callable[[int], None] = lambda _: None  # gets the number of the list, from 1
    lists: list[int] = field(default_factory=list)  # number of digests of each call

    @property
    def certificate(self) -> Certificate:
        """The certificate of the real signer."""
        return self.inner.certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Its chain."""
        return self.inner.chain

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """Its algorithm."""
        return self.inner.algorithm

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Tell of the list, then have it signed."""
        self.lists.append(len(digests))
        self.before(len(self.lists))
        return self.inner.sign_digests(digests)

    def close(self) -> None:
        """Let go of the key."""
        self.inner.close()


@cache
def make_key(kind: str, number: int = 0) -> PrivateKey:
    """Return the `number`-th key of a kind: "rsa-2048", "rsa-1024", "p-256", "p-384"; one a test run."""
    del number  # only tells keys apart
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
    return ec.generate_private_key({"p-256": ec.SECP256R1(), "p-384": ec.SECP384R1()}[kind])


def make_signer(
    kind: str = "rsa-2048",
    *,
    name: str = "Hoàng Hữu An",
    identity: str | None = "CCCD:001080000001",
    number: int = 0,
    algorithm: SignatureAlgorithm | None = None,
    not_before: datetime = VALID_FROM,
    not_after: datetime = VALID_TO,
    may_sign: bool = True,
) -> MemorySigner:
    """Return a signer whose certificate is issued by an intermediate CA; equal arguments share one key."""
    key = make_key(kind, number)
    issuer = make_authority()
    der = _issue(key, name, identity, issuer=issuer, not_before=not_before, not_after=not_after, may_sign=may_sign)
    certificate = load_certificate(der)
    return MemorySigner(
        certificate=certificate,
        chain=(issuer.certificate,),
        algorithm=algorithm or algorithm_for(certificate),
        key=key,
    )


@cache
def make_authority() -> MemorySigner:
    """Return the intermediate CA; its chain holds the root."""
    root_key, key = make_key("p-256", 1001), make_key("p-256", 1002)
    root = load_certificate(_issue(root_key, "Thử nghiệm gốc", None, issuer=None, is_ca=True))
    holder = MemorySigner(root, (), SignatureAlgorithm.ECDSA_P256_SHA256, root_key)
    certificate = load_certificate(_issue(key, "Thử nghiệm CA", None, issuer=holder, is_ca=True))
    return MemorySigner(certificate, (root,), SignatureAlgorithm.ECDSA_P256_SHA256, key)


def with_scheme(signer: MemorySigner, algorithm: SignatureAlgorithm) -> MemorySigner:
    """Return the same key and certificate under another algorithm."""
    assert (algorithm.scheme is Scheme.ECDSA) == isinstance(signer.key, ec.EllipticCurvePrivateKey)
    return MemorySigner(signer.certificate, signer.chain, algorithm, signer.key)


def _issue(
    key: PrivateKey,
    name: str,
    identity: str | None,
    *,
    issuer: MemorySigner | None,
    not_before: datetime = VALID_FROM,
    not_after: datetime = VALID_TO,
    may_sign: bool = True,
    is_ca: bool = False,
) -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if identity is not None:
        attributes.append(x509.NameAttribute(NameOID.USER_ID, identity))
    subject = x509.Name(attributes)
    usage = x509.KeyUsage(
        digital_signature=may_sign and not is_ca,
        content_commitment=may_sign and not is_ca,
        key_encipherment=not may_sign,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.x509.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return builder.sign(key if issuer is None else issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)
