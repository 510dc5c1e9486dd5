"""CMS signatures as other programs write them: any key, any algorithm, any form."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

HASHES: dict[str, hashes.HashAlgorithm] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_512": hashes.SHA3_512(),
}
MAKERS: dict[str, Callable[[], Any]] = {
    "rsa-1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "p-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "brainpool-384": lambda: ec.generate_private_key(ec.BrainpoolP384R1()),
    "dsa-2048": lambda: dsa.generate_private_key(2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
}


@cache
def make_key(kind: str) -> Any:
    """Return a private key of this kind, one a run."""
    return MAKERS[kind]()


@cache
def make_certificate(kind: str) -> bytes:
    """Return a self-signed certificate of that key, DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Foreign {kind}")])
    key = make_key(kind)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(77)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, None if kind.startswith("ed") else hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Wish:
    """What a signature shall be like."""

    kind: str = "rsa-2048"
    hash_name: str = "sha256"
    pss: tuple[str, int] | None = None  # MGF hash, salt
    attributes: bool = True
    by_key_identifier: bool = False
    ess: Sequence[int] = (2,)  # versions of signing-certificate
    inner: bytes | None = None
    signature_oid: str | None = None  # in place of the usual
    raw: bool = False  # ECDSA value as raw r‖s
    digest: bytes | None = None  # in place of the right one
    more: Sequence[Any] = ()  # further signed attributes, asn1crypto CMSAttribute each


def digest_as_cms_does(hash_name: str, octets: bytes) -> bytes:
    """Return the digest by a hash of this name of asn1crypto; SHAKE256 gives 64 octets (RFC 8419, 2.3)."""
    if hash_name.startswith("shake256"):
        return hashlib.shake_256(octets).digest(64)
    return hashlib.new(hash_name, octets).digest()


def name_digest(hash_name: str) -> Any:
    """Return the DigestAlgorithm of this name; "shake256_len" states its length."""
    parameters = {"parameters": core.Integer(512)} if hash_name == "shake256_len" else {}
    return algos.DigestAlgorithm({"algorithm": hash_name, **parameters})


def sign_value(wish: Wish, octets: bytes) -> bytes:
    """Return the value of this key over octets."""
    key = make_key(wish.kind)
    if wish.kind.startswith("ed"):
        return bytes(key.sign(octets))
    hashed = HASHES[wish.hash_name]
    if isinstance(key, rsa.RSAPrivateKey):
        salted = None if wish.pss is None else padding.PSS(padding.MGF1(HASHES[wish.pss[0]]), wish.pss[1])
        return key.sign(octets, salted or padding.PKCS1v15(), hashed)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        value = key.sign(octets, ec.ECDSA(hashed))
        return value if not wish.raw else _to_raw(value, key.key_size)
    return bytes(key.sign(octets, hashed))


def _to_raw(value: bytes, bits: int) -> bytes:
    pair = algos.DSASignature.load(value)
    size = (bits + 7) // 8
    return bytes(pair["r"].native.to_bytes(size) + pair["s"].native.to_bytes(size))


def name_algorithm(wish: Wish) -> Any:
    """Return the usual SignedDigestAlgorithm."""
    if wish.signature_oid is not None:
        return algos.SignedDigestAlgorithm({"algorithm": wish.signature_oid})
    if wish.pss is not None:
        parameters = {
            "hash_algorithm": {"algorithm": wish.hash_name},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": wish.pss[0]}},
            "salt_length": wish.pss[1],
        }
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)})
    if wish.kind.startswith("ed"):
        return algos.SignedDigestAlgorithm({"algorithm": wish.kind})
    if wish.kind.startswith("rsa"):
        return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pkcs1v15"})
    family = "dsa" if wish.kind.startswith("dsa") else "ecdsa"
    return algos.SignedDigestAlgorithm({"algorithm": f"{wish.hash_name}_{family}"})


def build_signed(wish: Wish, content: bytes) -> cms.ContentInfo:
    """Return the signature as a structure that tests may change."""
    der = make_certificate(wish.kind)
    certificate = asn1_x509.Certificate.load(der)
    signed = content if wish.inner is None else wish.inner
    attributes = _build_attributes(wish, der, signed) if wish.attributes else None
    over = signed if attributes is None else attributes.dump()
    sid = (
        cms.SignerIdentifier("subject_key_identifier", certificate.key_identifier)
        if wish.by_key_identifier
        else cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        )
    )
    info: dict[str, Any] = {
        "version": "v3" if wish.by_key_identifier else "v1",
        "sid": sid,
        "digest_algorithm": name_digest(wish.hash_name),
        "signature_algorithm": name_algorithm(wish),
        "signature": sign_value(wish, over),
    }
    if attributes is not None:
        info["signed_attrs"] = attributes
    data: dict[str, Any] = {
        "version": "v1",
        "digest_algorithms": [name_digest(wish.hash_name)],
        "encap_content_info": {"content_type": "data"} | ({} if wish.inner is None else {"content": wish.inner}),
        "certificates": [certificate],
        "signer_infos": [info],
    }
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})


def _build_attributes(wish: Wish, certificate: bytes, signed: bytes) -> Any:
    digest = wish.digest if wish.digest is not None else digest_as_cms_does(wish.hash_name, signed)
    listed = [
        {"type": "content_type", "values": ["data"]},
        {"type": "message_digest", "values": [core.OctetString(digest)]},
    ]
    if 1 in wish.ess:
        identifier = {"cert_hash": hashlib.sha1(certificate, usedforsecurity=False).digest()}
        listed.append({"type": "signing_certificate", "values": [tsp.SigningCertificate({"certs": [identifier]})]})
    if 2 in wish.ess:
        second = {"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": hashlib.sha256(certificate).digest()}
        listed.append({"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [second]})]})
    return cms.CMSAttributes([*(cms.CMSAttribute(one) for one in listed), *wish.more])


def to_indefinite(der: bytes) -> bytes:
    """Return a constructed element in BER of indefinite length; what is inside stays as it is."""
    skip = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
    return der[:1] + b"\x80" + der[skip:] + b"\0\0"
