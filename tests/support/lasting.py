"""Authorities of any age, key and usage, made in milliseconds, and what they say: for questions asked decades later.

Everything is signed with P-256 unless a test says otherwise; nothing here is ever marked as trusted by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from asn1crypto import algos, keys, tsp
from asn1crypto import x509 as asn1_x509
from certomancer.services import TimeStamper
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.signers import MemorySigner, PrivateKey, make_key
from transcript_core.pki.algorithms import algorithm_for
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.trust import TrustStore, World, build_anchor

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
_numbers = count(1)


def day(year: int, month: int = 1, number: int = 1) -> datetime:
    """Return noon of a day, UTC."""
    return datetime(year, month, number, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key and its issuer; CA, responder, time-stamping authority or person."""

    certificate: Certificate
    key: PrivateKey
    parent: Holder | None

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """Return the CA certificates above, without the root."""
        above = self.parent
        return () if above is None or above.parent is None else (above.certificate, *above.chain)

    @property
    def signer(self) -> MemorySigner:
        """Return the holder as a signer of documents."""
        return MemorySigner(self.certificate, self.chain, algorithm_for(self.certificate), self.key)

    @property
    def trust(self) -> TrustStore:
        """Return a store that trusts this root."""
        return trust(self)

    def issue(
        self,
        name: str,
        start: datetime,
        end: datetime,
        *,
        kind: str = "p-256",
        usage: Sequence[x509.ObjectIdentifier] = (),
        is_ca: bool = False,
        no_check: bool = False,
        identity: str | None = None,
    ) -> Holder:
        """Return a new certificate below this one."""
        return _make(
            name,
            start,
            end,
            parent=self,
            kind=kind,
            usage=usage,
            is_ca=is_ca,
            no_check=no_check,
            identity=identity,
        )

    def issue_tsa(self, name: str, start: datetime, end: datetime) -> Holder:
        """Return a time-stamping authority."""
        return self.issue(name, start, end, usage=[ExtendedKeyUsageOID.TIME_STAMPING])

    def issue_responder(self, start: datetime, end: datetime, **changes: object) -> Holder:
        """Return an OCSP responder that nobody need ask about."""
        usual: dict[str, object] = {"usage": [ExtendedKeyUsageOID.OCSP_SIGNING], "no_check": True, **changes}
        return self.issue("OCSP", start, end, **usual)  # type: ignore[arg-type]

    def crl(self, at: datetime, *revoked: tuple[Holder, datetime], reason: str | None = None) -> bytes:
        """Return the CRL of this CA as of `at`, good for a week."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.x509.subject)
            .last_update(at)
            .next_update(at + 7 * DAY)
        )
        for holder, moment in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(holder.certificate.serial).revocation_date(moment)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def ocsp(self, subject: Holder, at: datetime, *, by: Holder | None = None) -> bytes:
        """Return the answer "good" about `subject`, signed by the CA itself or by another."""
        signer = by or self
        builder = ocsp.OCSPResponseBuilder().add_response(
            subject.certificate.x509,
            self.certificate.x509,
            hashes.SHA256(),
            ocsp.OCSPCertStatus.GOOD,
            at,
            at + DAY,
            None,
            None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate.x509)
        builder = builder.certificates([signer.certificate.x509])
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def stamp(self, imprint: bytes, at: datetime) -> bytes:
        """Return the token that this authority gives at `at` for a SHA-256 digest."""
        algorithm = algos.DigestAlgorithm({"algorithm": "sha256"})
        fields = {"hash_algorithm": algorithm, "hashed_message": imprint}
        request = tsp.TimeStampReq({"version": "v1", "message_imprint": fields, "cert_req": True})
        octets = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        stamper = TimeStamper(
            asn1_x509.Certificate.load(self.certificate.der),
            keys.PrivateKeyInfo.load(octets),
            certs_to_embed=[asn1_x509.Certificate.load(one.der) for one in self.chain],
            fixed_dt=at,
        )
        token: bytes = stamper.request_tsa_response(request)["time_stamp_token"].dump()
        return token

    def stamp_octets(self, octets: bytes, at: datetime) -> bytes:
        """Return the token for these octets."""
        return self.stamp(hashlib.sha256(octets).digest(), at)

    def prove(self, at: datetime) -> Evidence:
        """Return what is fetched about this certificate at `at`: its chain, and the CRL of every CA above."""
        crls = []
        above = self.parent
        while above is not None:
            crls.append(above.crl(at))
            above = above.parent
        return Evidence((self.certificate, *self.chain), (), tuple(crls), at)


def make_root(name: str, start: datetime, end: datetime, *, kind: str = "p-256") -> Holder:
    """Return a root CA."""
    return _make(name, start, end, parent=None, kind=kind, is_ca=True)


def trust(*roots: Holder) -> TrustStore:
    """Return a store that trusts these roots."""
    return TrustStore(tuple(build_anchor(one.certificate, World.NATIONAL) for one in roots))


def _make(
    name: str,
    start: datetime,
    end: datetime,
    *,
    parent: Holder | None,
    kind: str,
    usage: Sequence[x509.ObjectIdentifier] = (),
    is_ca: bool = False,
    no_check: bool = False,
    identity: str | None = None,
) -> Holder:
    number = next(_numbers)
    key = make_key(kind, 5000 + number)
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {number}")]
    attributes += [] if identity is None else [x509.NameAttribute(NameOID.USER_ID, identity)]
    subject = x509.Name(attributes)
    signs = x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=not is_ca and not usage,
        key_encipherment=False,
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
        .issuer_name(subject if parent is None else parent.certificate.x509.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(signs, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=True)
    if no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    made = builder.sign(key if parent is None else parent.key, hashes.SHA256())
    return Holder(load_certificate(made.public_bytes(Encoding.DER)), key, parent)
