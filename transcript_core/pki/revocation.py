"""What the carried OCSP answers and CRLs say of one certificate at one moment.  RFC 6960, 3.2; RFC 5280, 6.3.

Every piece is judged by itself and nothing is fetched.  `list_statements` keeps those whose issuer is entitled to
speak for the certificate's CA and whose signature verifies with an accepted algorithm; that depends on no time.
`check_revocation` asks those that are fresh for the moment: issued after it, or not past its nextUpdate (revocation
freshness checker, ETSI EN 319 102-1, 5.2.5.4).  One "revoked" outweighs any number of "good"; without a piece that
counts the answer is unknown.

Accepted forms: OCSP answers signed by the CA itself or by a responder that the same CA certified for it; complete
CRLs signed by the CA itself.  Delta CRLs, indirect CRLs and CRLs for some reasons only are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache, partial
from typing import Final, TypedDict

from asn1crypto import ocsp as asn1_ocsp
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
from transcript_core.pki.constraints import find_signature_end
from transcript_core.pki.crl_scope import find_scope_fault, has_critical_entry, may_sign_crls, read_reason

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
    outdated: bool = False  # UNKNOWN, only because the certificate of whoever made the pieces is past its end


@dataclass(frozen=True, slots=True, eq=False)
class OcspAnswer:
    """One OCSP answer, read; the same object for the same octets while it is remembered."""

    der: bytes
    response: ocsp.OCSPResponse
    singles: tuple[ocsp.OCSPSingleResponse, ...]  # none unless the response is a successful one
    serials: frozenset[int]  # of the certificates that they are about


@dataclass(frozen=True, slots=True, eq=False)
class CrlPiece:
    """One CRL, read; the same object for the same octets while it is remembered."""

    der: bytes
    crl: x509.CertificateRevocationList


@dataclass(frozen=True, slots=True)
class RevocationData:
    """OCSP answers and CRLs that could be read, in no order.  Build once, ask for many certificates."""

    answers: tuple[OcspAnswer, ...]
    lists: tuple[CrlPiece, ...]
    unreadable: int = 0  # pieces that were neither

    def speaks_of(self, certificate: Certificate) -> bool:
        """Return whether an answer is about this serial number, or a list is of this issuer; nothing is verified."""
        answered = any(certificate.serial in one.serials for one in self.answers)
        return answered or any(one.crl.issuer == certificate.x509.issuer for one in self.lists)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one piece by somebody entitled says of a certificate; whether it is fresh is another question."""

    source: OcspAnswer | CrlPiece
    issued_at: datetime  # thisUpdate; aware, UTC
    next_update: datetime | None
    signer: Certificate  # the CA, or the responder that it certified
    hash_name: str  # of its signature, as in hashlib
    revoked_at: datetime | None = None  # None: good
    reason: str | None = None

    def find_end_of_freshness(self, max_age: timedelta | None) -> datetime:
        """Return until when the piece may be relied on: its nextUpdate, or later when `max_age` allows."""
        named = self.issued_at if self.next_update is None else self.next_update
        return max(named, self.issued_at if max_age is None else self.issued_at + max_age)


class _Unusable(Exception):
    """A piece does not count; the text says why."""


def read_revocation_data(ocsps: Iterable[bytes], crls: Iterable[bytes]) -> RevocationData:
    """Return the pieces that can be read; unreadable or oversized ones are counted, not raised."""
    return _read_data(tuple(ocsps), tuple(crls))


@lru_cache(maxsize=4)
def _read_data(ocsps: tuple[bytes, ...], crls: tuple[bytes, ...]) -> RevocationData:
    """Read what one document carries; remembered, since each of its signatures asks."""
    answers = [_load_ocsp(der) for der in dict.fromkeys(ocsps)]
    lists = [_load_crl(der) for der in dict.fromkeys(crls)]
    return RevocationData(
        answers=tuple(answer for answer in answers if answer is not None),
        lists=tuple(one for one in lists if one is not None),
        unreadable=answers.count(None) + lists.count(None),
    )


def drop_future(pieces: Iterable[bytes], latest: datetime) -> tuple[bytes, ...]:
    """Return OCSP answers or CRLs without those that were made after `latest`; what cannot be read stays.

    Nobody can say today what will be true tomorrow, "revoked" no more than "good": such a piece is made by a clock that
    is wrong, or by somebody who holds a responder's key for an hour and wants its word for a year.

    Spec: RFC 6960, 4.2.2.1 and 3.2, item 5; RFC 5280, 5.1.2.4.
    """
    return tuple(der for der in pieces if (made := _find_issuance(der)) is None or made <= latest)


@lru_cache(maxsize=2048)
def _find_issuance(der: bytes) -> datetime | None:
    """Return the latest time at which a piece says that it was made; None when it does not."""
    answer = _load_ocsp(der)
    if answer is not None:
        times = [single.this_update_utc for single in answer.singles]
        return max((*times, answer.response.produced_at_utc)) if times else None
    piece = _load_crl(der)
    return None if piece is None else piece.crl.last_update_utc


def check_revocation(
    certificate: Certificate,
    issuer: Certificate,
    data: RevocationData,
    *,
    at: datetime,
    max_age: timedelta | None = None,
    subject_at: datetime | None = None,
    fresh_for: datetime | None = None,
) -> Revocation:
    """Return whether `certificate` was revoked at `subject_at`, as far as `data` tells somebody who asks at `at`.

    Args:
        certificate: the one asked about.
        issuer: its issuer, already known to have signed it.
        data: what was carried or fetched.
        at: aware; the moment of the question.  A responder whose certificate is past its end then is not believed.
        max_age: accept pieces up to this much older than `fresh_for`, past their nextUpdate; None: nextUpdate decides.
        subject_at: aware; the moment asked about; None: `at`.
        fresh_for: aware; the moment for which pieces must be fresh; None: `subject_at`.

    Spec: EN 319 102-1, 5.2.5.4.  Deviation: "revoked" wins over "good" without comparing their issue dates.
    """
    moment = subject_at or at
    statements, problems = list_statements(certificate, issuer, data)
    revoked = [one for one in statements if one.revoked_at is not None and one.revoked_at <= moment]
    if revoked:
        first = min(revoked, key=lambda one: one.revoked_at or moment)
        return Revocation(RevocationStatus.REVOKED, first.revoked_at, first.reason, first.issued_at)
    fresh = [one for one in statements if not _is_stale(one, fresh_for or moment, max_age)]
    counting = [one for one in fresh if _is_trusted_at(one, issuer, at)]
    if counting:
        return Revocation(RevocationStatus.GOOD, issued_at=max(one.issued_at for one in counting))
    return Revocation(
        RevocationStatus.UNKNOWN,
        detail=_describe_silence(statements, problems, max_age, outdated=bool(fresh)),
        outdated=bool(fresh),
    )


@lru_cache(maxsize=1024)
def list_statements(
    certificate: Certificate, issuer: Certificate, data: RevocationData
) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """Return what entitled pieces say of `certificate`, and in English why other pieces about it do not count.

    A pure function of its arguments, so it may be remembered: the CAs of a document are asked about for each signature.

    Args:
        certificate: the one asked about.
        issuer: its issuer, already known to have signed it.
    """
    statements: list[Statement] = []
    problems: list[str] = []
    for judge in _list_judges(certificate, issuer, data):
        try:
            statements.extend(judge())
        except _Unusable as problem:
            problems.append(str(problem))
        except UNREADABLE:  # lazy parsers find nonsense late
            problems.append("a piece of revocation data cannot be read")
    return tuple(statements), tuple(dict.fromkeys(problems))


def _is_stale(statement: Statement, moment: datetime, max_age: timedelta | None) -> bool:
    return moment > statement.find_end_of_freshness(max_age) + CLOCK_TOLERANCE


def _is_trusted_at(statement: Statement, issuer: Certificate, at: datetime) -> bool:
    """Return whether its signature is believed without proof of existence; the CA itself is judged with the path."""
    if statement.signer == issuer:
        return True
    end = find_signature_end(statement.signer.public_key, statement.hash_name)
    return at <= statement.signer.not_after and (end is None or at < end)


def _describe_silence(
    statements: Sequence[Statement], problems: Sequence[str], max_age: timedelta | None, *, outdated: bool
) -> str:
    if outdated:
        return "the OCSP responder's certificate, or the algorithm of the piece, is past its end"
    stale = [one.find_end_of_freshness(max_age) for one in statements]
    told = [*problems, *(f"a piece of revocation data was fresh until {end.isoformat()} only" for end in stale)]
    return "; ".join(dict.fromkeys(told)) or "no OCSP answer and no CRL"


_Judge = Callable[[], Sequence[Statement]]


def _list_judges(certificate: Certificate, issuer: Certificate, data: RevocationData) -> Iterator[_Judge]:
    """Return one question for each piece; a piece about other certificates answers with no statement."""
    for answer in data.answers:
        if certificate.serial in answer.serials:
            yield partial(_judge_ocsp, certificate, issuer, data.lists, answer)
    for piece in data.lists:
        if _is_crl_of(piece, issuer):
            yield partial(_judge_crl, certificate, issuer, piece)


# OCSP (RFC 6960)


@lru_cache(maxsize=2048)
def _load_ocsp(der: bytes) -> OcspAnswer | None:
    if len(der) > MAX_OCSP_BYTES:
        return None
    try:
        response = ocsp.load_der_ocsp_response(der)
        singles = tuple(response.responses)  # lazy parser: nonsense must show now
        serials = frozenset(single.serial_number for single in singles)
    except UNREADABLE:
        return None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return OcspAnswer(der, response, (), frozenset())
    return OcspAnswer(der, response, singles, serials)


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
    lists: tuple[CrlPiece, ...],
    answer: OcspAnswer,
) -> Sequence[Statement]:
    """Judge one OCSP answer.  Spec: RFC 6960, 3.2 and 4.2.2."""
    singles = [single for single in answer.singles if _is_about(single, certificate, issuer)]
    if not singles:
        return ()
    if _has_critical_extension(answer):
        raise _Unusable("an OCSP answer has a critical extension that is not known here")
    responder = _find_responder(answer, issuer, lists)
    if not _is_answer_signed(answer, responder):
        raise _Unusable("an OCSP answer's signature does not verify")
    hash_name = _name_hash(answer.response.signature_hash_algorithm)
    statement = partial(Statement, answer, signer=responder, hash_name=hash_name)
    return [
        statement(single.this_update_utc, single.next_update_utc, **_read_single(single, certificate))
        for single in singles
    ]


@lru_cache(maxsize=2048)
def _has_critical_extension(answer: OcspAnswer) -> bool:
    """Return whether the answer, or one of those in it, has one: none is known here, for none need be (4.4)."""
    if any(extension.critical for extension in answer.response.extensions):
        return True
    if len(answer.singles) == 1:
        return any(extension.critical for extension in answer.response.single_extensions)
    read = asn1_ocsp.OCSPResponse.load(answer.der).response_data["responses"]
    return any(extension["critical"].native for single in read for extension in single["single_extensions"])


class _Status(TypedDict):
    revoked_at: datetime | None
    reason: str | None


_GOOD: Final = _Status(revoked_at=None, reason=None)


def _read_single(single: ocsp.OCSPSingleResponse, certificate: Certificate) -> _Status:
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED and single.revocation_time_utc is not None:
        reason = "unspecified" if single.revocation_reason is None else single.revocation_reason.value
        _check_reason(reason)
        return _Status(revoked_at=single.revocation_time_utc, reason=reason)
    if single.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise _Unusable("the OCSP responder does not know the certificate")
    _check_still_listed(certificate, single.this_update_utc)
    return _GOOD


@lru_cache(maxsize=2048)
def _is_answer_signed(answer: OcspAnswer, responder: Certificate) -> bool:
    """Return whether `responder` signed the answer.  A pure function of its arguments, so it may be remembered."""
    response = answer.response
    algorithm = response.signature_hash_algorithm
    pss = response.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    return _is_signed(responder.public_key, response.signature, response.tbs_response_bytes, algorithm, pss=pss)


def _find_responder(answer: OcspAnswer, issuer: Certificate, lists: tuple[CrlPiece, ...]) -> Certificate:
    """Return who signed the answer: the CA itself, or a responder that the same CA certified (RFC 6960, 4.2.2.2)."""
    responder = _find_named(answer, issuer)
    if responder is None:
        raise _Unusable("an OCSP answer does not come with its responder's certificate")
    if responder != issuer:
        _check_delegation(responder, issuer, lists, answer.response.produced_at_utc)
    return responder


@lru_cache(maxsize=2048)
def _find_named(answer: OcspAnswer, issuer: Certificate) -> Certificate | None:
    """Return the certificate that the answer names as its signer's, out of the CA's and those that it carries."""
    if _is_named(answer.response, issuer):
        return issuer
    for candidate in answer.response.certificates:
        try:
            responder = load_certificate(candidate.public_bytes(Encoding.DER))
        except TrustMaterialError:
            continue
        if _is_named(answer.response, responder):
            return responder
    return None


def _is_named(answer: ocsp.OCSPResponse, candidate: Certificate) -> bool:
    if answer.responder_key_hash is not None:
        return bool(candidate.asn1.public_key.sha1 == answer.responder_key_hash)
    return answer.responder_name == candidate.x509.subject


def _check_delegation(
    responder: Certificate,
    issuer: Certificate,
    lists: tuple[CrlPiece, ...],
    produced_at: datetime,
) -> None:
    if not responder.is_ocsp_responder or not _is_issued_by(responder, issuer):
        raise _Unusable("an OCSP answer is signed by somebody whom the CA did not entitle")
    if not responder.is_in_date(produced_at):
        raise _Unusable("an OCSP responder's certificate was not in date when it answered")
    if responder.has_ocsp_no_check:
        return
    known = check_revocation(responder, issuer, RevocationData((), lists), at=produced_at)
    if known.status is not RevocationStatus.GOOD:
        raise _Unusable("nothing shows that an OCSP responder's certificate was not revoked")


# CRLs (RFC 5280, 6.3)


@lru_cache(maxsize=64)
def _load_crl(der: bytes) -> CrlPiece | None:
    if len(der) > MAX_CRL_BYTES:
        return None
    try:
        crl = x509.load_der_x509_crl(der)
        list(crl.extensions)
        crl.issuer  # noqa: B018  (lazy parser, as above)
    except UNREADABLE:
        return None
    return CrlPiece(der, crl)


@lru_cache(maxsize=1024)
def _is_crl_of(piece: CrlPiece, issuer: Certificate) -> bool:
    return piece.crl.issuer == issuer.x509.subject


@lru_cache(maxsize=64)
def _has_critical_entry(piece: CrlPiece) -> bool:
    return has_critical_entry(piece.crl)


@lru_cache(maxsize=1024)
def _is_crl_signed(piece: CrlPiece, issuer: Certificate) -> bool:
    """Return whether the CA signed the list and may.  A pure function of its arguments, so it may be remembered."""
    crl = piece.crl
    pss = crl.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
    return may_sign_crls(issuer) and _is_signed(
        issuer.public_key, crl.signature, crl.tbs_certlist_bytes, crl.signature_hash_algorithm, pss=pss
    )


def _judge_crl(
    certificate: Certificate,
    issuer: Certificate,
    piece: CrlPiece,
) -> Sequence[Statement]:
    """Judge one CRL that names `issuer`.  Spec: RFC 5280, 6.3.3; complete CRLs of the CA itself only."""
    crl = piece.crl
    fault = find_scope_fault(certificate, crl)
    if fault is not None:
        raise _Unusable(fault)
    issued_at = crl.last_update_utc
    if not _is_crl_signed(piece, issuer):
        raise _Unusable("a CRL's signature does not verify")
    if _has_critical_entry(piece):
        raise _Unusable("an entry of a CRL has a critical extension that is not known here")
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial)
    hash_name = _name_hash(crl.signature_hash_algorithm)
    statement = partial(Statement, piece, issued_at, crl.next_update_utc, signer=issuer, hash_name=hash_name)
    if entry is not None:
        reason = read_reason(entry)
        _check_reason(reason)
        return [statement(revoked_at=entry.revocation_date_utc, reason=reason)]
    _check_still_listed(certificate, issued_at)
    return [statement()]


def _check_reason(reason: str) -> None:
    """RFC 5280, 5.3.1: only a delta CRL takes an entry out of another list; here it says neither good nor revoked."""
    if reason == x509.ReasonFlags.remove_from_crl.value:
        raise _Unusable("a piece of revocation data is about an entry of another list")


# Both


@lru_cache(maxsize=1024)
def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    algorithm = certificate.signature_hash
    if certificate.x509.issuer != issuer.x509.subject:
        return False
    octets = certificate.x509.tbs_certificate_bytes
    return _is_signed(
        issuer.public_key, certificate.x509.signature, octets, algorithm, pss=certificate.is_signed_with_pss
    )


def _name_hash(algorithm: hashes.HashAlgorithm | None) -> str:
    return "" if algorithm is None else algorithm.name


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
