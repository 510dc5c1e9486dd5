"""Files signed with certificates whose path to the root breaks one rule; a PKI is made for each, all signatures right.

The root is the only one that is trusted, and every issuer's CRL is carried.  RFC 5280, 6.1; EN 319 102-1, 5.2.6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, Final

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.signers import MemorySigner, make_key
from tests.vectors.cases import UNANCHORED, Question, cannot_tell, sound
from tests.vectors.detached import beside, detached
from tests.vectors.foreign import SIGNED_AT
from tests.vectors.school import CHECKED_AT
from tests.vectors.statuses import sign
from transcript_core.pki.algorithms import SignatureAlgorithm, algorithm_for
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.trust import Anchor, TrustStore, World

asked: Final = Question.SIGNATURES
DAY: Final = timedelta(days=1)
AFTER_THE_END: Final = datetime(2031, 3, 1, tzinfo=UTC)
"""When RSA of 2048 bits is relied on no more (`schemas/tables/algorithm_ends.csv`)."""

_FROM: Final = datetime(2024, 1, 1, tzinfo=UTC)
_TO: Final = datetime(2040, 1, 1, tzinfo=UTC)
_OURS: Final = x509.ObjectIdentifier("2.25.101")
_OTHERS: Final = x509.ObjectIdentifier("2.25.102")
_ALL: Final = x509.KeyUsage(True, True, False, False, False, True, True, False, False)
_LISTS: Final = x509.KeyUsage(True, False, False, False, False, False, True, False, False)
_SIGNS: Final = x509.KeyUsage(True, True, False, False, False, False, False, False, False)

Extensions = tuple[tuple[x509.ExtensionType, bool], ...]  # with whether it is critical


@cache
def certify(
    name: str,
    number: int,
    issuer: MemorySigner | None = None,
    *,
    path_length: int | None = None,
    extensions: Extensions = (),
    valid_to: datetime = _TO,
    kind: str = "p-256",
) -> MemorySigner:
    """Return a CA; without an issuer a root."""
    return _issue(
        name, number, issuer, (x509.BasicConstraints(True, path_length), True), (_ALL, True), *extensions,
        valid_to=valid_to, kind=kind,
    )  # fmt: skip


@cache
def enrol(issuer: MemorySigner, number: int, *, extensions: Extensions = ()) -> MemorySigner:
    """Return a person whom this CA certified."""
    return _issue(
        "Người ký", number, issuer, (x509.BasicConstraints(False, None), True), (_SIGNS, True), *extensions,
        valid_to=_TO, kind="p-256",
    )  # fmt: skip


def _issue(
    name: str,
    number: int,
    issuer: MemorySigner | None,
    *extensions: tuple[x509.ExtensionType, bool],
    valid_to: datetime,
    kind: str,
) -> MemorySigner:
    key = make_key(kind, 8_000 + number)
    subject = _name(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.x509.subject)
        .public_key(key.public_key())
        .serial_number(8_000_000 + number)
        .not_valid_before(_FROM)
        .not_valid_after(valid_to)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    made = builder.sign(key if issuer is None else issuer.key, hashes.SHA256())
    certificate = load_certificate(made.public_bytes(Encoding.DER))
    chain = () if issuer is None else (issuer.certificate, *issuer.chain)
    return MemorySigner(certificate, chain, algorithm_for(certificate), key)


def _name(common_name: str, organisation: str = "Trường Hoa Sen") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@cache
def root() -> MemorySigner:
    """Return the root that is trusted."""
    return certify("Gốc", 1)


@cache
def weak_root() -> MemorySigner:
    """Return a root whose algorithm comes to its end."""
    return certify("Gốc RSA", 2, kind="rsa-2048")


def trusted() -> TrustStore:
    """Return trust in both roots."""
    return TrustStore(tuple(Anchor(one.certificate, World.NATIONAL, False) for one in (root(), weak_root())))


def _trusted_until() -> TrustStore:
    return TrustStore((replace(trusted().anchors[0], trusted_to=SIGNED_AT - DAY),))


def _trusted_from() -> TrustStore:
    return TrustStore((replace(trusted().anchors[0], trusted_from=CHECKED_AT + DAY),))


def _list_revoked(issuer: MemorySigner, at: datetime, *revoked: int) -> bytes:
    """Return the issuer's CRL of this time."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.x509.subject)
    builder = builder.last_update(at).next_update(at + 7 * DAY)
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def signed_by(
    signer: MemorySigner, *issuers: MemorySigner, at: datetime = SIGNED_AT, revoked: tuple[int, ...] = ()
) -> bytes:
    """Return a file's signature by this key, with the certificates and CRLs of all its issuers."""
    crls = tuple(_list_revoked(one, at, *revoked) for one in issuers)
    evidence = Evidence((signer.certificate, *signer.chain), (), crls, at)
    return detached(signer=signer, stamped=False, evidence=evidence)


def _below(*extensions: tuple[x509.ExtensionType, bool], own: Extensions = ()) -> bytes:
    """Return a signature by somebody whom a CA with these extensions certified."""
    number = next(_numbers)
    ca = certify(f"CA {number}", number, root(), extensions=extensions)
    return signed_by(enrol(ca, 1000 + number, extensions=own), ca, root())


_numbers: Final = count(100)


# --- sound: paths as the broken ones, with the rule kept --------------------------------------------------------


@sound("RFC 5280, 6.1: a CA and a root of their own", question=asked, files=beside, trust=trusted)
def path_over_a_ca() -> bytes:
    return _below()


@sound("RFC 5280, 4.2.1.9: as long as it may be", question=asked, files=beside, trust=trusted)
def path_as_long_as_permitted() -> bytes:
    upper = certify("CA trên", 10, root(), path_length=1)
    lower = certify("CA dưới", 11, upper, path_length=0)
    return signed_by(enrol(lower, 12), lower, upper, root())


@sound("RFC 5280, 4.2.1.10: a name as permitted", question=asked, files=beside, trust=trusted)
def name_that_the_ca_may_certify() -> bytes:
    return _below((_permit("Trường Hoa Sen"), True))


@sound("RFC 5280, 4.2.1.11: a policy is asked for, and there", question=asked, files=beside, trust=trusted)
def policy_that_is_asked_for() -> bytes:
    stated = (x509.CertificatePolicies([x509.PolicyInformation(_OURS, None)]), False)
    return _below(stated, (x509.PolicyConstraints(0, None), True), own=(stated,))


@sound("EN 319 102-1, 5.1.4.3: algorithms before their end", question=asked, files=beside, trust=trusted)
def root_of_an_algorithm_before_its_end() -> bytes:
    return signed_by(enrol(weak_root(), 13), weak_root())


# --- RFC 5280, 6.1 ----------------------------------------------------------------------------------------------


def _permit(organisation: str) -> x509.NameConstraints:
    return x509.NameConstraints([_tree(organisation)], None)


def _tree(organisation: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name(list(_name("-", organisation))[:2]))


@cannot_tell("RFC 5280, 4.2.1.9: path length", "certificate.path", question=asked, files=beside, trust=trusted)
def path_longer_than_permitted() -> bytes:
    upper = certify("CA trên", 20, root(), path_length=0)
    lower = certify("CA dưới", 21, upper)
    return signed_by(enrol(lower, 22), lower, upper, root())


@cannot_tell("RFC 5280, 4.2.1.10: permitted names", "certificate.path", question=asked, files=beside, trust=trusted)
def name_outside_what_the_ca_may_certify() -> bytes:
    return _below((_permit("Trường Hoa Đào"), True))


@cannot_tell("RFC 5280, 4.2.1.10: excluded names", "certificate.path", question=asked, files=beside, trust=trusted)
def name_that_the_ca_must_not_certify() -> bytes:
    return _below((x509.NameConstraints(None, [_tree("Trường Hoa Sen")]), True))


@cannot_tell("RFC 5280, 4.2.1.11: explicit policy", "certificate.path", question=asked, files=beside, trust=trusted)
def policy_asked_for_and_missing() -> bytes:
    return _below((x509.PolicyConstraints(0, None), True))


@cannot_tell("RFC 5280, 6.1.3 (d): another policy", "certificate.path", question=asked, files=beside, trust=trusted)
def policy_of_another_kind() -> bytes:
    ours, others = (x509.CertificatePolicies([x509.PolicyInformation(one, None)]) for one in (_OURS, _OTHERS))
    return _below((ours, False), (x509.PolicyConstraints(0, None), True), own=((others, False),))


@cannot_tell("RFC 5280, 4.2.1.3: keyCertSign", "certificate.path", question=asked, files=beside, trust=trusted)
def ca_that_may_not_sign_certificates() -> bytes:
    ca = _issue(
        "CA không có quyền", 30, root(), (x509.BasicConstraints(True, None), True), (_LISTS, True),
        valid_to=_TO, kind="p-256",
    )  # fmt: skip
    return signed_by(enrol(ca, 31), ca, root())


@cannot_tell("RFC 5280, 4.2: unknown and critical", "certificate.path", question=asked, files=beside, trust=trusted)
def ca_with_an_unknown_critical_extension() -> bytes:
    return _below((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00"), True))


@cannot_tell("TT 15/2025 Annex I: no SHA-1", "certificate.path", question=asked, files=beside, trust=trusted)
def certificate_signed_over_sha_1() -> bytes:
    ca = certify("CA SHA-1", 40, root())
    leaf = enrol(ca, 41)
    made: Any = asn1_x509.Certificate.load(leaf.certificate.der)
    made["tbs_certificate"]["signature"] = made["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    made["signature_value"] = sign(ca.key, made["tbs_certificate"].dump(force=True), hashes.SHA1())
    weak = load_certificate(made.dump(force=True))
    return signed_by(MemorySigner(weak, leaf.chain, SignatureAlgorithm.ECDSA_P256_SHA256, leaf.key), ca, root())


# --- periods, revocation, algorithms, trust ---------------------------------------------------------------------


@cannot_tell(
    "RFC 5280, 6.1.3 (a): a CA that expired since", "certificate.path", question=asked, files=beside, trust=trusted
)
def ca_that_has_expired() -> bytes:
    ca = certify("CA hết hạn", 50, root(), valid_to=CHECKED_AT - timedelta(hours=1))
    return signed_by(enrol(ca, 51), ca, root())


@cannot_tell(
    "RFC 5280, 6.3: a revoked CA, and no proof of before",
    "certificate.path",
    question=asked,
    files=beside,
    trust=trusted,
)
def ca_that_was_revoked() -> bytes:
    ca = certify("CA bị thu hồi", 60, root())
    return signed_by(enrol(ca, 61), ca, root(), revoked=(ca.certificate.serial,))


@cannot_tell(
    "EN 319 102-1, 5.1.4.3: an algorithm past its end, and no proof of before",
    "certificate.path",
    question=asked,
    files=beside,
    trust=trusted,
    at=AFTER_THE_END,
)
def root_of_an_algorithm_past_its_end() -> bytes:
    return signed_by(enrol(weak_root(), 13), weak_root(), at=AFTER_THE_END)


@cannot_tell(
    "EN 319 102-1, 5.2.6.4: trust in the root has ended",
    *UNANCHORED,
    question=asked,
    files=beside,
    trust=_trusted_until,
)
def root_that_was_trusted_until_the_day_before() -> bytes:
    return _below()


@cannot_tell(
    "EN 319 102-1, 5.2.6.4: trust in the root begins later",
    *UNANCHORED,
    question=asked,
    files=beside,
    trust=_trusted_from,
)
def root_that_is_trusted_from_the_day_after() -> bytes:
    return _below()
