"""Keys in files: PKCS#12 (RFC 7292) and PEM.

The key is opened and checked once and then stays in memory; nothing shows it, pickles it or writes it to a log.
Tokens and remote services have modules of their own beside this one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs12

from signing.keystores.chain import order_chain
from transcript_core.errors import KeyUnavailable, TrustMaterialError
from transcript_core.pki.algorithms import (
    SignatureAlgorithm,
    algorithm_for,
    der_to_raw,
    fits_key,
    prehashed,
    rsa_padding,
)
from transcript_core.pki.certificates import Certificate, load_certificate, load_certificates

MAX_KEY_FILE_BYTES: Final = 1024 * 1024
"""Bytes of a key file; one with a long chain has about 10 KiB."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class FileSigner:
    """A `Signer` whose key came out of a file."""

    __slots__ = ("_algorithm", "_certificate", "_chain", "_key", "_operate")

    def __init__(
        self,
        key: PrivateKey,
        certificate: Certificate,
        chain: tuple[Certificate, ...],
        algorithm: SignatureAlgorithm | None = None,
    ) -> None:
        """Hold an opened key.

        Raises:
            KeyUnavailable: the certificate is for another key, or the algorithm is not for this kind of key.
        """
        if key.public_key() != certificate.public_key:
            raise KeyUnavailable("the private key and the certificate do not belong together")
        try:
            self._algorithm = algorithm or algorithm_for(certificate)
        except TrustMaterialError as error:
            raise KeyUnavailable(str(error)) from error
        if not fits_key(self._algorithm, certificate.public_key):
            raise KeyUnavailable(f"a key of this kind or strength cannot sign with {self._algorithm.value}")
        self._key: PrivateKey | None = key
        self._operate: Callable[[bytes], bytes] | None = _bind(key, self._algorithm)
        self._certificate = certificate
        self._chain = chain

    @property
    def certificate(self) -> Certificate:
        """The certificate of the key."""
        return self._certificate

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """The CA certificates of the file that lead up from the certificate: issuer first, no anchor, maybe none."""
        return self._chain

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The one algorithm this signer uses."""
        return self._algorithm

    @property
    def list_size(self) -> int | None:
        """Any number of digests: the key is in memory."""
        return None

    @property
    def parallel_calls(self) -> int:
        """One call for each core: a private operation works outside Python's lock."""
        return os.cpu_count() or 1

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        """Return one signature value for each digest, in order; RSA octets, or raw r‖s for ECDSA.

        Args:
            digests: raw digests of the algorithm's hash.

        Raises:
            KeyUnavailable: a digest has another length than the hash; nothing was signed.
        """
        size, operate = self._algorithm.digest_size, self._operate
        if operate is None:
            raise KeyUnavailable("this signer is closed; open the key again")
        for digest in digests:
            if len(digest) != size:
                raise KeyUnavailable(f"{self._algorithm.value} signs digests of {size} bytes")
        return [operate(digest) for digest in digests]

    def close(self) -> None:
        """Forget the key; signing afterwards raises KeyUnavailable."""
        self._key = self._operate = None

    def __repr__(self) -> str:
        """Name the certificate, never the key."""
        return f"FileSigner({self._certificate.common_name!r}, {self._algorithm.value})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a private key does not travel between processes."""
        raise TypeError("a signer cannot be pickled; open the key where it is used")


def _bind(key: PrivateKey, algorithm: SignatureAlgorithm) -> Callable[[bytes], bytes]:
    """Return the private operation of a key: a digest to its value, ECDSA as raw r‖s."""
    marker = prehashed(algorithm)
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = rsa_padding(algorithm)
        return lambda digest: key.sign(digest, scheme, marker)
    method, bits = ec.ECDSA(marker), key.curve.key_size
    return lambda digest: der_to_raw(key.sign(digest, method), bits)


def open_pkcs12(path: Path, password: str, *, algorithm: SignatureAlgorithm | None = None) -> FileSigner:
    """Return a signer for the key in a PKCS#12 file.

    Args:
        path: the file.
        password: opens it; kept nowhere.
        algorithm: None for the usual one of the key's kind.

    Raises:
        KeyUnavailable: no such file, wrong password, no key in it, or key and certificate do not belong together.
    """
    content = read_key_file(path)
    try:
        bundle = pkcs12.load_pkcs12(content, password.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable(f"{path}: wrong password, or not a PKCS#12 file") from error
    if bundle.key is None or bundle.cert is None:
        raise KeyUnavailable(f"{path}: holds no private key with its certificate")
    extra = [_convert(entry.certificate, path) for entry in bundle.additional_certs]
    return _build(path, bundle.key, _convert(bundle.cert.certificate, path), extra, algorithm)


def open_pem(
    key_path: Path,
    certificate_path: Path,
    *,
    password: str | None = None,
    algorithm: SignatureAlgorithm | None = None,
) -> FileSigner:
    """Return a signer for a PEM key; the certificate's file holds the certificate first, then its chain, if any.

    Raises:
        KeyUnavailable: no such file, wrong or missing password, or key and certificate do not belong together.
    """
    try:
        key = load_pem_private_key(read_key_file(key_path), None if password is None else password.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnavailable(f"{key_path}: wrong or missing password, or not a private key in PEM") from error
    try:
        certificate, *extra = load_certificates(read_key_file(certificate_path))
    except TrustMaterialError as error:
        raise KeyUnavailable(f"{certificate_path}: {error}") from error
    return _build(key_path, key, certificate, extra, algorithm)


def is_encrypted_pem(path: Path) -> bool:
    """Return whether a PEM key needs a password (RFC 7468, 11; the older form of RFC 1421 too).

    Raises:
        KeyUnavailable: no such file.
    """
    content = read_key_file(path)
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in content or b"Proc-Type: 4,ENCRYPTED" in content


def _build(
    path: Path, key: object, certificate: Certificate, extra: list[Certificate], algorithm: SignatureAlgorithm | None
) -> FileSigner:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnavailable(f"{path}: the key is neither RSA nor EC")
    try:
        return FileSigner(key, certificate, order_chain(certificate, extra), algorithm)
    except KeyUnavailable as error:
        raise KeyUnavailable(f"{path}: {error}") from error


def _convert(certificate: x509.Certificate, path: Path) -> Certificate:
    try:
        return load_certificate(certificate.public_bytes(Encoding.DER))
    except TrustMaterialError as error:
        raise KeyUnavailable(f"{path}: {error}") from error


def read_key_file(path: Path) -> bytes:
    """Return the content of a file with a key or certificates.

    Raises:
        KeyUnavailable: it cannot be read, or is longer than MAX_KEY_FILE_BYTES.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
    except OSError as error:
        raise KeyUnavailable(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > MAX_KEY_FILE_BYTES:
        raise KeyUnavailable(f"{path}: longer than a key file can be")
    return content
