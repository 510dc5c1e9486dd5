"""Timestamps that prove nothing: of other data, by no authority, changed, weak.  RFC 3161; EN 319 102-1, 5.4.

Each is put at the seal's signature in the place of the genuine one, with all evidence left as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from certomancer.crypto_utils import load_private_key
from certomancer.services import TimeStamper
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml.etree import _Element

from tests.support.signers import PrivateKey, make_authority, make_key
from tests.vectors.cases import cannot_tell, fails, sound
from tests.vectors.foreign import encode
from tests.vectors.forge import DS, SEAL, XADES, edit, only
from tests.vectors.longterm import SEALED_AT, at_time
from tests.vectors.school import school, signed
from transcript_core.canonical import canonicalize, parse_xml

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Stamper:
    """Whoever makes tokens."""

    certificate: x509.Certificate
    key: PrivateKey
    issuer: x509.Certificate

    def stamp(self, imprint: bytes, *, at: datetime = SEALED_AT, hash_name: str = "sha256") -> bytes:
        """Return a token."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        authority = TimeStamper(
            _asn1(self.certificate),
            load_private_key(pem, None)[0],
            certs_to_embed=[_asn1(self.issuer)],
            fixed_dt=at,
            policy=tsp.ObjectIdentifier("2.25.1"),
        )
        wanted = {"hash_algorithm": {"algorithm": hash_name}, "hashed_message": imprint}
        request = tsp.TimeStampReq({"version": "v1", "message_imprint": wanted, "cert_req": True, "nonce": 7})
        token: bytes = authority.request_tsa_response(request)["time_stamp_token"].dump()
        return token


def _asn1(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


@cache
def issue(
    *,
    usage: tuple[x509.ObjectIdentifier, ...],
    critical: bool = True,
    number: int,
    start: int = -200,
    days: int = 400,
) -> Stamper:
    """Return somebody with a certificate of the CA that issued the TSA's, with these usages."""
    pki = school().pki
    ca = x509.load_pem_x509_certificate(pki.read_key("national-ca")[0])
    return _certify(ca, pki.load_ca_key("national-ca"), usage, critical, number, (start, days))


@cache
def stranger() -> Stamper:
    """Return a time-stamping authority that leads to no anchor."""
    authority = make_authority()
    usage = (ExtendedKeyUsageOID.TIME_STAMPING,)
    return _certify(authority.certificate.x509, authority.key, usage, True, 4100, (-200, 400))


def _certify(
    ca: x509.Certificate,
    ca_key: PrivateKey,
    usage: tuple[x509.ObjectIdentifier, ...],
    critical: bool,
    number: int,
    days: tuple[int, int],
) -> Stamper:
    key = make_key("p-256", number)
    location = x509.UniformResourceIdentifier(f"{school().pki.base_url}/crl/national-ca.crl")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"TSA thử nghiệm {number}")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(7_200_000 + number)
        .not_valid_before(SEALED_AT + days[0] * DAY)
        .not_valid_after(SEALED_AT + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([location], None, None, None)]), critical=False
        )
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=critical)
    return Stamper(builder.sign(ca_key, hashes.SHA256()), key, ca)


def _imprint(hash_name: str = "sha256") -> bytes:
    """Return the digest of the seal's ds:SignatureValue."""
    value = only(parse_xml(signed()), SEAL, f"{DS}SignatureValue")
    return hashlib.new(hash_name, canonicalize(value)).digest()


def _seal_with(token: bytes) -> bytes:
    """Return the sample transcript with this token at the seal, and a CRL that speaks of its authority."""
    with at_time(SEALED_AT):
        url = f"{school().pki.base_url}/crl/national-ca.crl"
        crl = school().responder(url, max_bytes=1_000_000)

    def change(root: _Element) -> None:
        only(root, SEAL, f"{XADES}EncapsulatedTimeStamp").text = encode(token)
        values = only(root, SEAL, f"{XADES}RevocationValues")
        holder = next(values.iter(f"{XADES}CRLValues"))
        one = holder.makeelement(f"{XADES}EncapsulatedCRLValue", {})
        one.text = encode(crl)
        holder.append(one)

    return edit(signed(), change)


def _changed(change: Callable[[Any], None]) -> bytes:
    """Return a genuine token, changed after it was signed."""
    with at_time(SEALED_AT):
        token, _ = school().stamp(_imprint())
    container = cms.ContentInfo.load(token)
    change(container["content"])
    made: bytes = container.dump(force=True)
    return made


@sound("RFC 3161, 2.3: the usage, critical, and nothing else")
def timestamp_by_an_authority_made_by_hand() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(_imprint()))


@sound("RFC 3161: a longer hash")
def timestamp_of_sha_512() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(_imprint("sha512"), hash_name="sha512"))


@fails("EN 319 102-1, 5.4: an unrelated token", "time.timestamps")
def timestamp_of_unrelated_data() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(hashlib.sha256(b"other data").digest()))


@cannot_tell("RFC 3161, 2.3: the signer is no time-stamping authority", "time.timestamps")
def timestamp_by_somebody_without_the_usage() -> bytes:
    return _seal_with(issue(usage=(), number=4002).stamp(_imprint()))


@cannot_tell("RFC 3161, 2.3: the certificate is for something else", "time.timestamps")
def timestamp_by_an_ocsp_responder() -> bytes:
    return _seal_with(issue(usage=(ExtendedKeyUsageOID.OCSP_SIGNING,), number=4003).stamp(_imprint()))


@cannot_tell("RFC 3161, 2.3: the usage stands alone", "time.timestamps")
def timestamp_by_an_authority_for_other_things_too() -> bytes:
    usage = (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CLIENT_AUTH)
    return _seal_with(issue(usage=usage, number=4004).stamp(_imprint()))


@cannot_tell("RFC 3161, 2.3: the usage is critical", "time.timestamps")
def timestamp_by_an_authority_whose_usage_is_not_critical() -> bytes:
    usage = (ExtendedKeyUsageOID.TIME_STAMPING,)
    return _seal_with(issue(usage=usage, critical=False, number=4005).stamp(_imprint()))


@cannot_tell("EN 319 102-1, 5.4: an authority that leads to no anchor", "time.timestamps")
def timestamp_by_an_unknown_authority() -> bytes:
    return _seal_with(stranger().stamp(_imprint()))


@cannot_tell("EN 319 102-1, 5.4: the authority was out of date", "time.timestamps")
def timestamp_by_an_expired_authority() -> bytes:
    usage = (ExtendedKeyUsageOID.TIME_STAMPING,)
    return _seal_with(issue(usage=usage, number=4006, days=-10).stamp(_imprint()))


@fails("EN 319 102-1, 5.6.2.4: before the certificates of those who signed", "time.timestamps")
def timestamp_before_the_certificates() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(_imprint(), at=SEALED_AT - 600 * DAY))


@fails("RFC 5280, 4.1.2.5: made before the authority's certificate was valid", "time.timestamps")
def timestamp_before_the_certificate_of_its_authority() -> bytes:
    usage = (ExtendedKeyUsageOID.TIME_STAMPING,)
    return _seal_with(issue(usage=usage, number=4007, start=1).stamp(_imprint()))


@fails("EN 319 102-1, 5.6.2.4: before the claimed time of signing", "time.plausible")
def timestamp_before_the_claimed_time() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(_imprint(), at=SEALED_AT - timedelta(hours=2)))


@fails("TT 15/2025 Annex I: no SHA-1 in a timestamp", "time.timestamps")
def timestamp_of_sha_1() -> bytes:
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    return _seal_with(authority.stamp(_imprint("sha1"), hash_name="sha1"))


@fails("RFC 3161, 2.4.2: the time was changed", "time.timestamps")
def time_changed_in_a_timestamp() -> bytes:
    def change(content: Any) -> None:
        info = content["encap_content_info"]["content"].parsed.copy()
        info["gen_time"] = datetime(2026, 5, 20, tzinfo=UTC)
        content["encap_content_info"]["content"] = cms.ParsableOctetString(info.dump(force=True))

    return _seal_with(_changed(change))


@fails("RFC 5652, 5.3: the authority's value was changed", "time.timestamps")
def value_changed_in_a_timestamp() -> bytes:
    def change(content: Any) -> None:
        value = bytearray(content["signer_infos"][0]["signature"].native)
        value[-1] ^= 1
        content["signer_infos"][0]["signature"] = bytes(value)

    return _seal_with(_changed(change))


@fails("RFC 3161, 2.4.2: exactly one signer", "time.timestamps")
def two_signers_of_a_timestamp() -> bytes:
    def change(content: Any) -> None:
        content["signer_infos"] = [content["signer_infos"][0], content["signer_infos"][0]]

    return _seal_with(_changed(change))


@fails("RFC 3161, 2.4.2: the content is a TSTInfo", "time.timestamps")
def signed_data_that_is_no_timestamp() -> bytes:
    def change(content: Any) -> None:
        content["encap_content_info"]["content_type"] = "data"

    return _seal_with(_changed(change))
