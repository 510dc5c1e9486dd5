"""Algorithms of files that others sign: all of SHA-2 and SHA-3 in the common schemes, and those that do not count."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from lxml.etree import _Element

from signing.signer import Signer
from tests.support.signers import PrivateKey
from tests.vectors.cases import cannot_tell, fails, sound
from tests.vectors.certificates import issue
from tests.vectors.detached import asked, beside, detached
from tests.vectors.forge import DS, MATHS, SEAL, edit, only, reference, reseal, resign
from tests.vectors.school import signed
from transcript_core.pki.certificates import Certificate

MORE_2001: Final = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
MORE_2021: Final = "http://www.w3.org/2021/04/xmldsig-more#"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_512": hashes.SHA3_512(),
}


@dataclass(frozen=True)
class Named:
    """An algorithm by its names."""

    xml_uri: str
    hash_name: str
    pss: bool = False


@dataclass(frozen=True)
class FreeSigner:
    """Signs with any algorithm that its key can do."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: PrivateKey
    algorithm: Named

    def sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        """Return one value for each digest; ECDSA as raw r‖s."""
        return [self._sign(digest) for digest in digests]

    def _sign(self, digest: bytes) -> bytes:
        hashed = _HASHES[self.algorithm.hash_name]
        if isinstance(self.key, rsa.RSAPrivateKey):
            if self.algorithm.pss:
                filled: padding.AsymmetricPadding = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
            else:
                filled = padding.PKCS1v15()
            return self.key.sign(digest, filled, Prehashed(hashed))
        r, s = decode_dss_signature(self.key.sign(digest, ec.ECDSA(Prehashed(hashed))))
        return r.to_bytes(32) + s.to_bytes(32)


@cache
def signed_with(uri: str, hash_name: str, *, kind: str = "p-256", pss: bool = False) -> bytes:
    """Return a detached signature made with this algorithm by a certificate of the sample PKI."""
    made = issue(number=2020 if kind == "p-256" else 2021, kind=kind)
    signer = FreeSigner(made.certificate, made.chain, made.key, Named(uri, hash_name, pss))
    assert hashlib.new(hash_name).digest_size
    return detached(signer=cast("Signer", signer))


@sound("RFC 9231, 2.3.6: ECDSA with SHA-512", question=asked, files=beside)
def ecdsa_with_sha_512() -> bytes:
    return signed_with(f"{MORE_2001}ecdsa-sha512", "sha512")


@sound("RFC 9231, 2.3.6: ECDSA with SHA3-256", question=asked, files=beside)
def ecdsa_with_sha3_256() -> bytes:
    return signed_with(f"{MORE_2021}ecdsa-sha3-256", "sha3_256")


@sound("RFC 9231, 2.3.2: RSA PKCS#1 with SHA-512", question=asked, files=beside)
def rsa_with_sha_512() -> bytes:
    return signed_with(f"{MORE_2001}rsa-sha512", "sha512", kind="rsa-2048")


@sound("RFC 9231, 2.3.10: RSASSA-PSS with SHA3-512", question=asked, files=beside)
def pss_with_sha3_512() -> bytes:
    return signed_with(f"{MORE_2007}sha3-512-rsa-MGF1", "sha3_512", kind="rsa-2048", pss=True)


@cannot_tell(
    "TT 15/2025 Annex I: no SHA-1, though it may have been sound in its time",
    "signature.form",
    "signature.algorithms",
    question=asked,
    files=beside,
)
def ecdsa_with_sha_1() -> bytes:
    return signed_with(f"{MORE_2001}ecdsa-sha1", "sha1")


@cannot_tell(
    "TT 15/2025 Annex I: no MD5; RFC 9231, 2.3.1: it is no algorithm for signatures",
    "signature.form",
    "signature.algorithms",
    question=asked,
    files=beside,
)
def rsa_with_md5() -> bytes:
    return signed_with(f"{MORE_2001}rsa-md5", "md5", kind="rsa-2048")


@fails("TT 15/2025 Annex I: no MD5", "signature.form", "signature.algorithms")
def md5_digest_of_a_teachers_part() -> bytes:
    """The digest is right, and signed: nothing but the hash is wrong."""

    def change(root: _Element) -> None:
        own = reference(root, MATHS, "#diem-TOAN")
        next(own.iter(f"{DS}DigestMethod")).set("Algorithm", f"{MORE_2001}md5")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("TT 15/2025 Annex I: no MD5", "signature.form", "signature.value", "signature.algorithms")
def md5_signature_method_of_the_seal() -> bytes:
    def change(root: _Element) -> None:
        only(root, SEAL, f"{DS}SignatureMethod").set("Algorithm", f"{MORE_2001}rsa-md5")

    return edit(signed(), change)


@cannot_tell(
    "RFC 9231: an algorithm that nobody knows",
    "signature.form",
    "signature.value",
    "signature.algorithms",
    question=asked,
    files=beside,
)
def unknown_signature_method() -> bytes:
    return signed_with("urn:example:rsa-sha256", "sha256")
