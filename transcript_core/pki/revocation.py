"""What the carried OCSP answers and CRLs say of one certificate at one moment.  RFC 6960, 3.2; RFC 5280, 6.3.

Every piece is judged by itself and nothing is fetched.  A piece counts when its issuer is entitled to speak for the
certificate's CA, its signature verifies with an accepted algorithm, and it is fresh for the moment: issued after it,
or not past its nextUpdate (ETSI EN 319 102-1, 5.2.5.4).  One valid "revoked" outweighs any number of "good"; without
a piece that counts the answer is unknown.

Accepted forms: OCSP answers signed by the CA itself or by a responder that the same CA certified for it; complete
CRLs signed by the CA itself.  Delta CRLs, indirect CRLs and CRLs for some reasons only are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache, partial
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import SignatureAlgorithmOID

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CRL_BYTES, MAX_OCSP_BYTES
from transcript_core.pki.algorithms import is_strong_key, verify_octets
from transcript_core.pki.certificates import UNREADABLE, Certificate, PublicKey, load_certificate

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clocks of a CA, a TSA and a signer may disagree."""

_STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class RevocationStatus(Enum):
    """What is known of a certificate at a moment."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Revocation:
    """The answer.  `revoked_at` and `reason` are there for REVOKED, `issued_at` for GOOD and REVOKED."""

    status: RevocationStatus
    revoked_at: datetime | None = None  # aware, UTC
    reason: str | None = None  # RFC 5280, 5.3.1: "keyCompromise"
    issued_at: datetime | None = None  # thisUpdate of the piece that decided
    detail: str = ""  # English; for UNKNOWN: why no piece counted


@dataclass(frozen=True, slots=True)
class RevocationData:
    """OCSP answers and CRLs that could be read, in no order.  Build once, ask for many certificates."""

    ocsps: tuple[ocsp.OCSPResponse, ...]
    crls: tuple[x509.CertificateRevocationList, ...]
    unreadable: int = 0  # pieces that were neither


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one piece that counts says."""

    issued_at: datetime
    revoked_at: datetime | None = None
    reason: str | None = None


class _Unusable(Exception):
    """A piece does not count; the text says why."""


def read_revocation_data(ocsps: Iterable[bytes], crls: Iterable[bytes]) -> RevocationData:
    """Return the pieces that can be read; unreadable or oversized ones are counted, not raised."""
    answers = [_load_ocsp(der) for der in dict.fromkeys(ocsps)]
    lists = [_load_crl(der) for der in dict.fromkeys(crls)]
    return RevocationData(
        ocsps=tuple(answer for answer in answers if answer is not None),
        crls=tuple(one for one in lists if one is not None),
        unreadable=answers.count(None) + lists.count(None),
    )


def check_revocation(
    certificate: Certificate,
    issuer: Certificate,
    data: RevocationData,
    *,
    at: datetime,
    max_age: timedelta | None = None,
) -> Revocation:
    """Return whether `certificate` was revoked at `at`, as far as `data` tells.

    Args:
        certificate: the one asked about.
        issuer: its issuer, already known to have signed it.
        data: what was carried or fetched.
        at: aware; the moment asked about.
        max_age: accept pieces up to this much older than `at`, past their nextUpdate; None: nextUpdate decides.

    Spec: EN 319 102-1, 5.2.5.4.  Deviation: "revoked" wins over "good" without comparing their issue dates.
    """
    verdicts: list[_Verdict] = []
    problems: list[str] = []
    for judge in _list_judges(certificate, issuer, data):
        try:
            verdicts.extend(judge(at, max_age))
        except _Unusable as problem:
            problems.append(str(problem))
        except UNREADABLE:  # lazy parsers find nonsense late
            problems.append("a piece of revocation data cannot be read")
    revoked = [one for one in verdicts if one.revoked_at is not None and one.revoked_at <= at]
    if revoked:
        first = min(revoked, key=lambda one: one.revoked_at or at)
        return Revocation(RevocationStatus.REVOKED, first.revoked_at, first.reason, first.issued_at)
    if verdicts:
        return Revocation(RevocationStatus.GOOD, issued_at=max(one.issued_at for one in verdicts))
    return Revocation(
        RevocationStatus.UNKNOWN, detail="; ".join(dict.fromkeys(problems)) or "no OCSP answer and no CRL"
    )


_Judge = Callable[[datetime, timedelta | None], Sequence[_Verdict]]


def _list_judges(certificate: Certificate, issuer: Certificate, data: RevocationData) -> Iterator[_Judge]:
    """Return one question for each piece; a piece about other certificates answers with no verdict."""
    for answer in data.ocsps:
        yield partial(_judge_ocsp, certificate, issuer, data.crls, answer)
    for crl in data.crls:
        yield partial(_judge_crl, certificate, issuer, crl)


# OCSP (RFC 6960)


@lru_cache(maxsize=2048)
def _load_ocsp(der: bytes) -> ocsp.OCSPResponse | None:
    if len(der) > MAX_OCSP_BYTES:
        return None
    try:
        answer = ocsp.load_der_ocsp_response(der)
        list(answer.responses)  # lazy parser: nonsense must show now
    except UNREADABLE:
        return None
    return answer


def list_singles(answer: ocsp.OCSPResponse) -> Sequence[ocsp.OCSPSingleResponse]:
    """Return what a successful OCSP response says of single certificates; nothing for any other response."""
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return ()
    return list(answer.responses)


def _is_about(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    if single.serial_number != certificate.serial:
        return False
    try:
        name = single.hash_algorithm.name
    except UnsupportedAlgorithm:
        return False
    return (single.issuer_name_hash, single.issuer_key_hash) == _issuer_hashes(issuer, name)


def _issuer_hashes(issuer: Certificate, hash_name: str) -> tuple[bytes, bytes] | None:
    """Return the hashes of a CertID.  They only identify; SHA-1 is what most responders write (RFC 6960, 4.3)."""
    if hash_name not in {"sha1", "sha256"}:
        return None
    return getattr(issuer.asn1.subject, hash_name), getattr(issuer.asn1.public_key, hash_name)


def _judge_ocsp(
    certificate: Certificate,
    issuer: Certificate,
    crls: tuple[x509.CertificateRevocationList, ...],
    answer: ocsp.OCSPResponse,
    at: datetime,
    max_age: timedelta | None,
) -> Sequence[_Verdict]:
    """Judge one OCSP answer.  Spec: RFC 6960, 3.2 and 4.2.2."""
    singles = [single for single in list_singles(answer) if _is_about(single, certificate, issuer)]
    if not singles:
        return ()
    if any(extension.critical for extension in answer.extensions):
        raise _Unusable("an OCSP answer has a critical extension that is not known here")
    for single in singles:
        _check_freshness(single.this_update_utc, single.next_update_utc, at, max_age)
    responder = _find_responder(answer, issuer, crls)
    algorithm = answer.signature_hash_algorithm
    pss = answer.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    if not _is_signed(responder.public_key, answer.signature, answer.tbs_response_bytes, algorithm, pss=pss):
        raise _Unusable("an OCSP answer's signature does not verify")
    return [_read_single(single, certificate) for single in singles]


def _read_single(single: ocsp.OCSPSingleResponse, certificate: Certificate) -> _Verdict:
    issued_at = single.this_update_utc
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED and single.revocation_time_utc is not None:
        reason = single.revocation_reason
        return _Verdict(issued_at, single.revocation_time_utc, "unspecified" if reason is None else reason.value)
    if single.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise _Unusable("the OCSP responder does not know the certificate")
    _check_still_listed(certificate, issued_at)
    return _Verdict(issued_at)


def _find_responder(
    answer: ocsp.OCSPResponse, issuer: Certificate, crls: tuple[x509.CertificateRevocationList, ...]
) -> Certificate:
    """Return who signed the answer: the CA itself, or a responder that the same CA certified (RFC 6960, 4.2.2.2)."""
    if _is_named(answer, issuer):
        return issuer
    for candidate in answer.certificates:
        try:
            responder = load_certificate(candidate.public_bytes(Encoding.DER))
        except TrustMaterialError:
            continue
        if _is_named(answer, responder):
            _check_delegation(responder, issuer, crls, answer.produced_at_utc)
            return responder
    raise _Unusable("an OCSP answer does not come with its responder's certificate")


def _is_named(answer: ocsp.OCSPResponse, candidate: Certificate) -> bool:
    if answer.responder_key_hash is not None:
        return bool(candidate.asn1.public_key.sha1 == answer.responder_key_hash)
    return answer.responder_name == candidate.x509.subject


def _check_delegation(
    responder: Certificate,
    issuer: Certificate,
    crls: tuple[x509.CertificateRevocationList, ...],
    produced_at: datetime,
) -> None:
    if not responder.is_ocsp_responder or not _is_issued_by(responder, issuer):
        raise _Unusable("an OCSP answer is signed by somebody whom the CA did not entitle")
    if not responder.is_in_date(produced_at):
        raise _Unusable("an OCSP responder's certificate was not in date when it answered")
    if responder.has_ocsp_no_check:
        return
    known = check_revocation(responder, issuer, RevocationData((), crls), at=produced_at)
    if known.status is not RevocationStatus.GOOD:
        raise _Unusable("nothing shows that an OCSP responder's certificate was not revoked")


# CRLs (RFC 5280, 6.3)


@lru_cache(maxsize=64)
def _load_crl(der: bytes) -> x509.CertificateRevocationList | None:
    if len(der) > MAX_CRL_BYTES:
        return None
    try:
        crl = x509.load_der_x509_crl(der)
        list(crl.extensions)
    except UNREADABLE:
        return None
    return crl


def _judge_crl(
    certificate: Certificate,
    issuer: Certificate,
    crl: x509.CertificateRevocationList,
    at: datetime,
    max_age: timedelta | None,
) -> Sequence[_Verdict]:
    """Judge one CRL.  Spec: RFC 5280, 6.3.3; complete CRLs of the CA itself only."""
    if crl.issuer != issuer.x509.subject:
        return ()
    _check_scope(certificate, crl)
    issued_at = crl.last_update_utc
    _check_freshness(issued_at, crl.next_update_utc, at, max_age)
    algorithm = crl.signature_hash_algorithm
    pss = crl.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    if not _may_sign_crls(issuer) or not _is_signed(
        issuer.public_key, crl.signature, crl.tbs_certlist_bytes, algorithm, pss=pss
    ):
        raise _Unusable("a CRL's signature does not verify")
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial)
    if entry is not None:
        return [_Verdict(issued_at, entry.revocation_date_utc, _read_reason(entry))]
    _check_still_listed(certificate, issued_at)
    return [_Verdict(issued_at)]


def _check_scope(certificate: Certificate, crl: x509.CertificateRevocationList) -> None:
    for extension in crl.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            _check_distribution_point(certificate, extension.value)
        elif extension.critical or isinstance(extension.value, x509.DeltaCRLIndicator):
            raise _Unusable("a CRL is a delta CRL or has a critical extension that is not known here")


def _check_distribution_point(certificate: Certificate, point: x509.IssuingDistributionPoint) -> None:
    other_kind = point.only_contains_user_certs if certificate.is_ca else point.only_contains_ca_certs
    if other_kind or point.only_contains_attribute_certs or point.indirect_crl or point.only_some_reasons:
        raise _Unusable("a CRL is about other certificates, other reasons or other CAs")
    if point.relative_name is not None:
        raise _Unusable("a CRL names its distribution point in a form that is not known here")
    names = {name.value for name in point.full_name or () if isinstance(name, x509.UniformResourceIdentifier)}
    if point.full_name and not names & set(certificate.crl_urls):
        raise _Unusable("a CRL belongs to another distribution point")


def _may_sign_crls(issuer: Certificate) -> bool:
    try:
        return issuer.x509.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _read_reason(entry: x509.RevokedCertificate) -> str:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return "unspecified"


# Both


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    algorithm = certificate.signature_hash
    if certificate.x509.issuer != issuer.x509.subject:
        return False
    octets = certificate.x509.tbs_certificate_bytes
    return _is_signed(
        issuer.public_key, certificate.x509.signature, octets, algorithm, pss=certificate.is_signed_with_pss
    )


def _check_freshness(
    issued_at: datetime, next_update: datetime | None, at: datetime, max_age: timedelta | None
) -> None:
    fresh_until = max(
        issued_at if next_update is None else next_update,
        issued_at if max_age is None else issued_at + max_age,
    )
    if at > fresh_until + CLOCK_TOLERANCE:
        raise _Unusable(f"a piece of revocation data was fresh until {fresh_until.isoformat()} only")


def _check_still_listed(certificate: Certificate, issued_at: datetime) -> None:
    """A CA may forget expired certificates, so its silence about one proves nothing (RFC 5280, 5)."""
    if issued_at > certificate.not_after:
        raise _Unusable("a piece of revocation data was made after the certificate expired")


def _is_signed(
    key: PublicKey, signature: bytes, signed: bytes, algorithm: hashes.HashAlgorithm | None, *, pss: bool
) -> bool:
    """Return whether an acceptable key signed with an acceptable algorithm."""
    strong = isinstance(algorithm, _STRONG_HASHES) and is_strong_key(key)
    return strong and verify_octets(key, signature, signed, algorithm, pss=pss)
