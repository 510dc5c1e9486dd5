"""What the certificates of the development PKI look like.  RFC 5280, 4; UID in subjects: RFC 4519, 2.39.

Every subject carries the mark that `transcript_core.pki.trust` looks for, so that no development certificate can be
mistaken for a real one, on a printed page neither.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from transcript_core.pki.trust import DEVELOPMENT_MARK

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KeyKind = Literal["rsa-2048", "p-256", "p-384"]

DEVELOPMENT_LABEL: Final = f"{DEVELOPMENT_MARK} - DEVELOPMENT"
"""Organisational unit of every certificate, and part of every CA's common name."""

_MAX_NAME_BYTES: Final = 64
"""UTF-8 bytes of a common name or an organisation; RFC 5280, A.1 says characters, but some readers count bytes."""


class Profile(StrEnum):
    """Kinds of certificates."""

    ROOT = "root"
    CA = "ca"
    SIGNER = "signer"
    NO_SIGNING_USAGE = "no-signing-usage"  # keyEncipherment only: for tests of refusal
    TIMESTAMPING = "timestamping"
    OCSP_RESPONDER = "ocsp-responder"
    AUTHORITY = "authority"  # the department's key for authority lists: its own anchor


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs a certificate, and where its status is told."""

    certificate: x509.Certificate
    key: PrivateKey
    crl_url: str
    ca_issuers_url: str
    ocsp_url: str | None  # None: status by CRL only, as roots do


@dataclass(frozen=True, slots=True)
class Request:
    """What one certificate shall say."""

    profile: Profile
    subject: x509.Name
    not_before: datetime  # aware, UTC
    not_after: datetime


def generate_key(kind: KeyKind) -> PrivateKey:
    """Return a fresh private key."""
    if kind == "p-256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p-384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def build_name(
    common_name: str, *, organisation: str, identity: str | None = None, locality: str = "Hà Nội"
) -> x509.Name:
    """Return a subject: CN, UID, O, OU (the development label), L, C.  Longer texts are cut."""
    parts = [(NameOID.COUNTRY_NAME, "VN"), (NameOID.LOCALITY_NAME, locality)]
    parts += [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.ORGANIZATIONAL_UNIT_NAME, DEVELOPMENT_LABEL)]
    if identity is not None:
        parts.append((NameOID.USER_ID, identity))
    parts.append((NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, _cut(text)) for oid, text in parts])


def _cut(text: str) -> str:
    return text.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").rstrip()


def build_certificate(request: Request, key: PrivateKey, issuer: Issuer | None) -> x509.Certificate:
    """Return the certificate for `key`, signed by `issuer`, or by itself when there is none."""
    signing_key = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(request.subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(secrets.randbits(127) | 1 << 126)
        .not_valid_before(request.not_before)
        .not_valid_after(request.not_after)
    )
    for extension, critical in _extensions(request.profile, key, issuer, signing_key):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hashes.SHA256())


def _extensions(
    profile: Profile, key: PrivateKey, issuer: Issuer | None, signing_key: PrivateKey
) -> Sequence[tuple[x509.ExtensionType, bool]]:
    is_ca = profile in {Profile.ROOT, Profile.CA}
    path_length = 0 if profile is Profile.CA else None
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=is_ca, path_length=path_length), True),
        (_key_usage(profile), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), False),
    ]
    if profile is Profile.TIMESTAMPING:
        found.append((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True))
    if profile is Profile.OCSP_RESPONDER:
        found += [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False), (x509.OCSPNoCheck(), False)]
    if issuer is not None and profile is not Profile.OCSP_RESPONDER:
        found += [(_access(issuer), False), (_distribution(issuer), False)]
    return found


def _key_usage(profile: Profile) -> x509.KeyUsage:
    is_ca = profile in {Profile.ROOT, Profile.CA}
    signs = profile in {Profile.SIGNER, Profile.AUTHORITY, Profile.TIMESTAMPING, Profile.OCSP_RESPONDER}
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=profile in {Profile.SIGNER, Profile.AUTHORITY},
        key_encipherment=profile is Profile.NO_SIGNING_USAGE,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _access(issuer: Issuer) -> x509.AuthorityInformationAccess:
    methods = AuthorityInformationAccessOID
    urls = [(methods.CA_ISSUERS, issuer.ca_issuers_url)]
    if issuer.ocsp_url is not None:
        urls.insert(0, (methods.OCSP, issuer.ocsp_url))
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in urls]
    )


def _distribution(issuer: Issuer) -> x509.CRLDistributionPoints:
    location = x509.UniformResourceIdentifier(issuer.crl_url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([location], None, None, None)])
