"""Is this certificate to be believed at this moment?  ETSI EN 319 102-1, 5.2.6 and 5.2.7; RFC 5280, 6.

`validate_path` takes everything it needs as bytes and a moment; nothing is fetched, no clock is read, no exception of
a library comes out.  Steps: (1) algorithms and usage of the certificate itself, (2) a path to an anchor, (3) validity
periods, (4) the path by RFC 5280 (pyhanko-certvalidator), (5) revocation of every certificate of the path.

What cannot be found out is INDETERMINATE with the standard's sub-indication; unknown revocation is never valid.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from pyhanko_certvalidator.authority import CertTrustAnchor
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import DisallowedAlgorithmError, PathError, ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy
from pyhanko_certvalidator.validate import async_validate_path

from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pki.algorithms import is_strong_key, verify_octets
from transcript_core.pki.certificates import UNREADABLE, Certificate, deduplicate
from transcript_core.pki.revocation import (
    Revocation,
    RevocationData,
    RevocationStatus,
    check_revocation,
    read_revocation_data,
)
from transcript_core.pki.trust import Anchor, TrustStore, World

MAX_PATH_CERTIFICATES: Final = 6
"""Certificates from the leaf up, without the anchor; real paths have two or three."""

MAX_PATH_STEPS: Final = 256
"""Issuer candidates looked at for one certificate; stops certificates that certify each other in a mesh."""


MAX_CARRIED_ISSUERS: Final = 32
"""CA certificates among those that a document carries which are tried as issuers; 19 signers and a TSA need ten."""


class Purpose(Enum):
    """What the certificate was used for."""

    SIGNING = "signing"  # documents: digitalSignature or nonRepudiation, no CA
    TIMESTAMPING = "timestamping"  # RFC 3161, 2.3
    ANY = "any"  # the caller checks the usage


class PathOutcome(Enum):
    """The three answers of EN 319 102-1."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


class SubIndication(StrEnum):
    """Why a path is not valid, in the words of EN 319 102-1, tables 5 and 6."""

    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    REVOKED = "REVOKED"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    TRY_LATER = "TRY_LATER"


_INVALID: Final = {SubIndication.EXPIRED, SubIndication.NOT_YET_VALID, SubIndication.REVOKED}
_UNKNOWN: Final = Revocation(RevocationStatus.UNKNOWN, detail="not looked at")


@dataclass(frozen=True, slots=True)
class PathResult:
    """What is known of a certificate at a moment."""

    outcome: PathOutcome
    sub_indication: SubIndication | None  # None: valid
    anchor: Anchor | None  # None: no path
    chain: tuple[Certificate, ...]  # leaf first, without the anchor; the leaf alone when there is no path
    revocation: Revocation  # of the leaf
    detail: str  # one English sentence; "" when valid

    @property
    def world(self) -> World | None:
        """Return the trust world of the anchor, or None without a path."""
        return None if self.anchor is None else self.anchor.world

    @property
    def development(self) -> bool:
        """Return whether the anchor is one for development, which a report must say."""
        return self.anchor is not None and self.anchor.development


@dataclass(frozen=True, slots=True)
class _Failure:
    sub_indication: SubIndication
    detail: str


def validate_path(
    certificate: Certificate,
    *,
    trust: TrustStore,
    at: datetime,
    extra: Iterable[Certificate] = (),
    ocsps: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    purpose: Purpose = Purpose.SIGNING,
    signed_after: datetime | None = None,
    max_age: timedelta | None = None,
) -> PathResult:
    """Return whether `certificate` leads to an anchor and was good at `at`.

    Args:
        certificate: the one asked about.
        trust: anchors and known intermediates.
        at: aware; the moment asked about: the latest at which the signature can have been made.
        extra: certificates that the document carries; they help to build paths and are trusted for nothing.
        ocsps: DER of OCSP responses.
        crls: DER of CRLs.
        purpose: what the certificate was used for.
        signed_after: aware; the earliest moment at which the signature can have been made, when the caller knows
            one.  With it, use after revocation or expiry is INVALID; without it INDETERMINATE.
        max_age: accept revocation data up to this much older than `at`; None: its nextUpdate decides.

    Returns:
        A result; this function does not raise for anything in the certificates or the data.

    Spec: EN 319 102-1, 5.2.6.  Deviation: the anchor's own validity period counts too.
    """
    pool = deduplicate(extra)[:MAX_CERTIFICATES]
    data = read_revocation_data(ocsps, crls)
    best: PathResult | None = None
    own = _check_leaf(certificate, purpose)
    for anchor, chain in _list_paths(certificate, trust, pool):
        result = _judge(anchor, chain, own, data, at=at, signed_after=signed_after, max_age=max_age)
        if result.outcome is PathOutcome.VALID:
            return result
        best = best or result
    if best is not None:
        return best
    failure = own or _Failure(
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "no path leads from this certificate to a configured anchor"
    )
    return _fail(failure, None, (certificate,), _UNKNOWN)


def _judge(
    anchor: Anchor,
    chain: tuple[Certificate, ...],
    own: _Failure | None,
    data: RevocationData,
    *,
    at: datetime,
    signed_after: datetime | None,
    max_age: timedelta | None,
) -> PathResult:
    links = list(zip(chain, (*chain[1:], anchor.certificate), strict=True))
    answers = [check_revocation(subject, issuer, data, at=at, max_age=max_age) for subject, issuer in links]
    failure = (
        own
        or _check_periods(anchor, chain, at, signed_after)
        or _check_pkix(anchor, chain, at)
        or _check_answers(chain, answers, signed_after)
    )
    if failure is not None:
        return _fail(failure, anchor, chain, answers[0])
    return PathResult(PathOutcome.VALID, None, anchor, chain, answers[0], "")


def _fail(
    failure: _Failure, anchor: Anchor | None, chain: tuple[Certificate, ...], revocation: Revocation
) -> PathResult:
    invalid = failure.sub_indication in _INVALID
    outcome = PathOutcome.INVALID if invalid else PathOutcome.INDETERMINATE
    return PathResult(outcome, failure.sub_indication, anchor, chain, revocation, failure.detail)


# (1) the certificate itself


def _check_leaf(certificate: Certificate, purpose: Purpose) -> _Failure | None:
    if not is_strong_key(certificate.public_key):
        return _Failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "the certificate's key is too weak")
    fits = {
        Purpose.SIGNING: certificate.may_sign and not certificate.is_ca,
        Purpose.TIMESTAMPING: certificate.is_timestamping,
        Purpose.ANY: True,
    }
    if not fits[purpose]:
        return _Failure(SubIndication.CHAIN_CONSTRAINTS_FAILURE, f"the certificate is not one for {purpose.value}")
    return None


# (2) a path


def _list_paths(
    leaf: Certificate, trust: TrustStore, pool: Sequence[Certificate]
) -> Iterator[tuple[Anchor, tuple[Certificate, ...]]]:
    """Return the paths from `leaf` to an anchor, shortest first, within MAX_PATH_STEPS."""
    carried = [one for one in pool if one.is_ca and not one.is_self_issued][:MAX_CARRIED_ISSUERS]
    issuers = [
        *(one for one in trust.intermediates if one.is_ca and not one.is_self_issued),
        *(one for one in carried if one not in trust.intermediates),
    ]
    open_chains: list[tuple[Certificate, ...]] = [(leaf,)]
    steps = 0
    while open_chains:
        chain = open_chains.pop(0)
        for anchor in trust.anchors:
            if chain[-1] != anchor.certificate and _is_link(chain[-1], anchor.certificate):
                yield anchor, chain
        if len(chain) == MAX_PATH_CERTIFICATES:
            continue
        for issuer in issuers:
            steps += 1
            if steps > MAX_PATH_STEPS:
                return
            if issuer not in chain and _is_link(chain[-1], issuer):
                open_chains.append((*chain, issuer))


def _is_link(certificate: Certificate, issuer: Certificate) -> bool:
    return certificate.x509.issuer == issuer.x509.subject and _is_link_signed(certificate, issuer)


@lru_cache(maxsize=4096)
def _is_link_signed(certificate: Certificate, issuer: Certificate) -> bool:
    """Return whether the signature verifies; whether its algorithm is acceptable is decided in step (4)."""
    signed = certificate.x509.tbs_certificate_bytes
    return verify_octets(
        issuer.public_key,
        certificate.x509.signature,
        signed,
        certificate.signature_hash,
        pss=certificate.is_signed_with_pss,
    )


# (3) validity periods


def _check_periods(
    anchor: Anchor, chain: tuple[Certificate, ...], at: datetime, signed_after: datetime | None
) -> _Failure | None:
    leaf = chain[0]
    if signed_after is not None and signed_after > leaf.not_after:
        return _Failure(SubIndication.EXPIRED, f"the certificate expired on {leaf.not_after.isoformat()}, before it")
    if signed_after is not None and at < leaf.not_before:
        return _Failure(SubIndication.NOT_YET_VALID, f"the certificate is valid from {leaf.not_before.isoformat()}")
    for certificate in (*chain, anchor.certificate):
        if not certificate.is_in_date(at):
            period = f"{certificate.not_before.isoformat()} to {certificate.not_after.isoformat()}"
            return _Failure(
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                f"{certificate.common_name or certificate.subject} is valid from {period}, not at {at.isoformat()}",
            )
    return None


# (4) the path by RFC 5280


@lru_cache(maxsize=4096)
def _check_pkix(anchor: Anchor, chain: tuple[Certificate, ...], at: datetime) -> _Failure | None:
    """Run the path validation algorithm without revocation.  A pure function of its arguments, so it may be cached."""
    root = CertTrustAnchor(anchor.certificate.asn1)
    path = ValidationPath(root, [one.asn1 for one in reversed(chain[1:])], chain[0].asn1)
    context = ValidationContext(
        trust_roots=[anchor.certificate.asn1],
        moment=at,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
        time_tolerance=timedelta(0),
    )
    try:
        _run(async_validate_path(context, path))
    except DisallowedAlgorithmError as error:
        return _Failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, str(error))
    except (ValidationError, PathError) as error:
        return _Failure(SubIndication.CHAIN_CONSTRAINTS_FAILURE, str(error))
    except (*UNREADABLE, InvalidSignature) as error:
        return _Failure(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, f"the path cannot be read: {error}")
    return None


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that never waits to its end, in any thread, inside or outside an event loop.

    Without fetching, certvalidator has nothing to wait for; if it ever did, that would be an error here.
    """
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise ValueError("path validation wanted to wait for something")


# (5) revocation


def _check_answers(
    chain: tuple[Certificate, ...], answers: Sequence[Revocation], signed_after: datetime | None
) -> _Failure | None:
    """Look from the anchor down, for what is revoked first and then for what is not known."""
    named = [(one, one.common_name or one.subject, answer) for one, answer in zip(chain, answers, strict=True)][::-1]
    for certificate, name, answer in named:
        if answer.status is RevocationStatus.REVOKED:
            return _Failure(_revoked_indication(certificate, chain[0], answer, signed_after), _describe(name, answer))
    for _, name, answer in named:
        if answer.status is RevocationStatus.UNKNOWN:
            return _Failure(SubIndication.TRY_LATER, f"{name}: revocation is not known ({answer.detail})")
    return None


def _revoked_indication(
    certificate: Certificate, leaf: Certificate, answer: Revocation, signed_after: datetime | None
) -> SubIndication:
    if certificate != leaf:
        return SubIndication.REVOKED_CA_NO_POE
    if signed_after is not None and answer.revoked_at is not None and answer.revoked_at <= signed_after:
        return SubIndication.REVOKED
    return SubIndication.REVOKED_NO_POE


def _describe(name: str, answer: Revocation) -> str:
    when = "" if answer.revoked_at is None else f" on {answer.revoked_at.isoformat()}"
    return f"{name} was revoked{when} ({answer.reason})"
