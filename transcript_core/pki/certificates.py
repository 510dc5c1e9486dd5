"""Reading X.509 certificates.  RFC 5280, 4; identities stand in the subject's UID (RFC 4519, 2.39).

Vietnamese CAs write UID=CCCD:… for a person and UID=MST:… for an organisation: practice, not a published rule.

Nothing is decided here about trust: `path.py` does that.  Two parsers must agree to accept the bytes (asn1crypto for
the structure, cryptography for the key), so that later code meets no certificate that only one of them can read.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATE_BYTES, MAX_CERTIFICATES

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)
"""The key types of certificates that are read; which of them may be relied on is told by `algorithms`."""

IDENTITY_PATTERN: Final = re.compile(r"(?:CCCD:[0-9]{12}|MST:[0-9]{10}(?:-[0-9]{3})?)\Z")
"""Personal identification number, or tax code of an organisation or its branch."""

UNREADABLE: Final = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What asn1crypto and cryptography raise, each in its own way, for bytes that they cannot make sense of."""

_ED25519_BITS: Final = 255
_ED448_BITS: Final = 448
"""Sizes of the fields of the two Edwards curves (RFC 8032, 5)."""

_PEM_BLOCK: Final = b"-----BEGIN"

_OTHER_PURPOSES: Final = frozenset(
    {
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
    }
)
"""Extended key usages that, standing alone, dedicate a key to something other than signing documents."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate that could be read.  Equal when the DER is equal."""

    der: bytes = field(repr=False)
    sha256: bytes = field(compare=False)  # 32 raw bytes, over the DER
    subject: str = field(compare=False)  # RFC 4514 text
    issuer: str = field(compare=False)
    common_name: str = field(compare=False)  # "" when there is none
    identity: str | None = field(compare=False)  # "CCCD:012345678901", "MST:0123456789", or None
    organisation: str = field(compare=False)
    serial: int = field(compare=False)
    not_before: datetime = field(compare=False)  # aware, UTC
    not_after: datetime = field(compare=False)
    may_sign: bool = field(compare=False)  # digitalSignature or nonRepudiation, and not dedicated to another purpose
    is_ca: bool = field(compare=False)
    is_self_issued: bool = field(compare=False)  # subject and issuer carry the same name
    may_issue: bool = field(compare=False)  # a CA's, issued by another: a step on the way to an anchor
    is_timestamping: bool = field(compare=False)  # the only extended usage, and critical (RFC 3161, 2.3)
    is_ocsp_responder: bool = field(compare=False)  # RFC 6960, 4.2.2.2
    has_ocsp_no_check: bool = field(compare=False)  # RFC 6960, 4.2.2.2.1
    ocsp_urls: tuple[str, ...] = field(compare=False)  # authorityInfoAccess
    ca_issuers_urls: tuple[str, ...] = field(compare=False)
    crl_urls: tuple[str, ...] = field(compare=False)  # cRLDistributionPoints
    public_key: PublicKey = field(compare=False, repr=False)
    x509: x509.Certificate = field(compare=False, repr=False)  # the same certificate in the terms of `cryptography`
    asn1: Any = field(compare=False, repr=False)  # asn1crypto.x509.Certificate

    def __reduce__(self) -> tuple[Callable[[bytes], Certificate], tuple[bytes]]:
        """Travel to another process as DER, and be read there again."""
        return load_certificate, (self.der,)

    def __hash__(self) -> int:
        """As the octets, whose hash is computed once."""
        return hash(self.der)

    @property
    def signature_hash(self) -> hashes.HashAlgorithm | None:
        """Return the hash that the issuer signed with; None when it is not known or the algorithm has none."""
        try:
            return self.x509.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return None

    @property
    def is_signed_with_pss(self) -> bool:
        """Return whether the issuer signed with RSASSA-PSS."""
        return self.x509.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM text, ASCII."""
        return self.x509.public_bytes(Encoding.PEM)

    def is_in_date(self, at: datetime) -> bool:
        """Return whether `at` (aware) lies in the validity period, both ends included."""
        return self.not_before <= at <= self.not_after


def key_bits(key: PublicKey) -> int:
    """Return the length of a key in bits: of the modulus, the prime or the curve."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _ED25519_BITS
    return _ED448_BITS if isinstance(key, ed448.Ed448PublicKey) else key.key_size


def load_certificate(data: bytes) -> Certificate:
    """Return the one certificate in `data`, DER or PEM.

    Raises:
        TrustMaterialError: not a certificate, longer than MAX_CERTIFICATE_BYTES, or its key is of an unknown kind.
    """
    return _read_der(_single_der(data))


def find_bare_key(der: bytes) -> PublicKey | None:
    """Return the key in the octets of a certificate, None when even that cannot be read.

    For certificates that `load_certificate` refuses: their key tells the mathematics of a signature and nothing else.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        return None
    try:
        body = asn1_x509.Certificate.load(der)["tbs_certificate"]
        key = load_der_public_key(body["subject_public_key_info"].dump())
    except UNREADABLE:
        return None
    return key if isinstance(key, PublicKey) else None


def load_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Return every certificate in `data`: one in DER, or any number in PEM.

    Raises:
        TrustMaterialError: as `load_certificate`; also more than MAX_CERTIFICATES.
    """
    if _PEM_BLOCK not in data:
        return (load_certificate(data),)
    return tuple(_read_der(der) for der in _pem_blocks(data))


def deduplicate(certificates: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Return the certificates without repetitions, in their first order."""
    return tuple({certificate.sha256: certificate for certificate in certificates}.values())


def _single_der(data: bytes) -> bytes:
    if _PEM_BLOCK not in data:
        return data
    blocks = _pem_blocks(data)
    if len(blocks) != 1:
        raise TrustMaterialError(f"expected one certificate in this PEM text, found {len(blocks)}")
    return blocks[0]


def _pem_blocks(data: bytes) -> Sequence[bytes]:
    if len(data) > MAX_CERTIFICATES * MAX_CERTIFICATE_BYTES:
        raise TrustMaterialError("this PEM text is too long for a list of certificates")
    try:
        blocks = [der for kind, _, der in asn1_pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"]
    except ValueError as error:
        raise TrustMaterialError(f"this is not PEM text: {error}") from error
    if not blocks or len(blocks) > MAX_CERTIFICATES:
        raise TrustMaterialError(f"a list of certificates may hold 1 to {MAX_CERTIFICATES}, this holds {len(blocks)}")
    return blocks


@lru_cache(maxsize=4096)
def _read_der(der: bytes) -> Certificate:
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise TrustMaterialError(f"a certificate of {len(der)} bytes is longer than {MAX_CERTIFICATE_BYTES}")
    try:
        return _build(der)
    except UNREADABLE as error:
        raise TrustMaterialError(f"a certificate cannot be read: {error}") from error


def _read_all(structure: Any) -> None:
    """Read every field while errors can still be caught: asn1crypto parses lazily.

    An extension that is neither critical nor looked at by path validation may hold what it likes (RFC 5280, 4.2).
    """
    body = structure["tbs_certificate"]
    for name in ("version", "serial_number", "signature", "issuer", "validity", "subject", "subject_public_key_info"):
        body[name].native  # noqa: B018
    for extension in body["extensions"]:
        try:
            extension["extn_value"].native  # noqa: B018
        except UNREADABLE:
            name = extension["extn_id"].native
            if extension["critical"].native or hasattr(structure, f"_{name}_value"):
                raise


def _build(der: bytes) -> Certificate:
    with warnings.catch_warnings():  # names longer than RFC 5280 allows and the like: they are read all the same
        warnings.simplefilter("ignore")
        return _build_certificate(der)


def _build_certificate(der: bytes) -> Certificate:
    structure = asn1_x509.Certificate.load(der, strict=True)
    _read_all(structure)
    if structure["signature_algorithm"].dump() != structure["tbs_certificate"]["signature"].dump():
        raise TrustMaterialError("a certificate names two different signature algorithms")  # RFC 5280, 4.1.1.2
    if structure.serial_number <= 0:
        raise TrustMaterialError("a certificate's serial number is not positive")  # RFC 5280, 4.1.2.2
    parsed = x509.load_der_x509_certificate(der)
    public_key = parsed.public_key()
    if not isinstance(public_key, PublicKey):
        raise TrustMaterialError("a certificate holds a key that cannot sign or is of an unknown kind")
    extensions = parsed.extensions
    purposes, critical = _extended_usages(extensions)
    ocsp_urls, ca_issuers_urls = _access_urls(extensions)
    is_ca, is_self_issued = _is_ca(extensions), parsed.subject == parsed.issuer
    return Certificate(
        der=der,
        sha256=structure.sha256,
        subject=parsed.subject.rfc4514_string(),
        issuer=parsed.issuer.rfc4514_string(),
        common_name=_attribute(parsed.subject, NameOID.COMMON_NAME),
        identity=_identity(parsed.subject),
        organisation=_attribute(parsed.subject, NameOID.ORGANIZATION_NAME),
        serial=parsed.serial_number,
        not_before=parsed.not_valid_before_utc.astimezone(UTC),
        not_after=parsed.not_valid_after_utc.astimezone(UTC),
        may_sign=_may_sign(extensions, purposes),
        is_ca=is_ca,
        is_self_issued=is_self_issued,
        may_issue=is_ca and not is_self_issued,
        is_timestamping=critical and purposes == {ExtendedKeyUsageOID.TIME_STAMPING},
        is_ocsp_responder=ExtendedKeyUsageOID.OCSP_SIGNING in purposes,
        has_ocsp_no_check=_has_ocsp_no_check(extensions),
        ocsp_urls=ocsp_urls,
        ca_issuers_urls=ca_issuers_urls,
        crl_urls=_crl_urls(extensions),
        public_key=public_key,
        x509=parsed,
        asn1=structure,
    )


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = name.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""


def _identity(subject: x509.Name) -> str | None:
    """Return the one UID that names a person or an organisation; two of them name nobody."""
    values = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.USER_ID)]
    known = [value for value in values if IDENTITY_PATTERN.match(value)]
    return known[0] if len(known) == 1 else None


def _extended_usages(extensions: x509.Extensions) -> tuple[frozenset[x509.ObjectIdentifier], bool]:
    try:
        extension = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return frozenset(), False
    return frozenset(extension.value), extension.critical


def _may_sign(extensions: x509.Extensions, purposes: frozenset[x509.ObjectIdentifier]) -> bool:
    if purposes and purposes <= _OTHER_PURPOSES:
        return False
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True  # RFC 5280, 4.2.1.3: without the extension the key is not restricted
    return usage.digital_signature or usage.content_commitment


def _is_ca(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _has_ocsp_no_check(extensions: x509.Extensions) -> bool:
    try:
        extensions.get_extension_for_class(x509.OCSPNoCheck)
    except x509.ExtensionNotFound:
        return False
    return True


def _access_urls(extensions: x509.Extensions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        entries = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return (), ()
    urls: dict[x509.ObjectIdentifier, list[str]] = {}
    for entry in entries:
        if isinstance(entry.access_location, x509.UniformResourceIdentifier):
            urls.setdefault(entry.access_method, []).append(entry.access_location.value)
    methods = AuthorityInformationAccessOID
    return tuple(urls.get(methods.OCSP, ())), tuple(urls.get(methods.CA_ISSUERS, ()))


def _crl_urls(extensions: x509.Extensions) -> tuple[str, ...]:
    try:
        points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    names = [name for point in points for name in point.full_name or ()]
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
