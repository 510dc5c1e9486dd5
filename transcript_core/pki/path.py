"""Is this certificate to be believed?  X.509 certificate validation, ETSI EN 319 102-1, 5.2.6; RFC 5280, 6.

`validate_path` takes everything it needs as bytes and moments; nothing is fetched, no clock is read, no exception of
a library comes out.  Steps: (1) key and usage of the certificate itself, (2) a path to an anchor, (3) validity
periods and ends of algorithms, (4) the path by RFC 5280 (pyhanko-certvalidator: name constraints, policies, path
lengths, usages), (5) revocation of every certificate of the path and its freshness (5.2.5).

The signer's certificate has to be good when the signature was made, as far as that is proven (5.5.4); everything that
vouches for it, when the question is asked.  What was good earlier is the matter of `past`.

What cannot be found out is INDETERMINATE with the standard's sub-indication; unknown revocation is never valid.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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

from transcript_core.pki.algorithms import is_strong_key, verify_octets
from transcript_core.pki.certificates import UNREADABLE, Certificate, deduplicate
from transcript_core.pki.constraints import find_issuance_end
from transcript_core.pki.revocation import (
    Revocation,
    RevocationData,
    RevocationStatus,
    check_revocation,
    read_revocation_data,
)
from transcript_core.pki.trust import Anchor, TrustStore, TrustUse, World

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


_USES: Final = {Purpose.SIGNING: TrustUse.SIGNING, Purpose.TIMESTAMPING: TrustUse.TIMESTAMPING}


class PathOutcome(Enum):
    """The three answers of EN 319 102-1."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


class SubIndication(StrEnum):
    """Why a path is not valid, in the words of EN 319 102-1, tables 5 and 6."""

    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    REVOKED = "REVOKED"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    TRY_LATER = "TRY_LATER"


_ON_HOLD: Final = "certificateHold"
"""Revoked for now only (RFC 5280, 5.3.1): the standard asks to try later (5.2.6.4)."""

_INVALID: Final = {SubIndication.EXPIRED, SubIndication.NOT_YET_VALID, SubIndication.REVOKED}
_UNKNOWN: Final = Revocation(RevocationStatus.UNKNOWN, detail="not looked at")
_LISTED: Final = Revocation(RevocationStatus.GOOD, detail="a trust list names the certificate itself")


@dataclass(frozen=True, slots=True)
class PathResult:
    """What is known of a certificate at a moment."""

    outcome: PathOutcome
    sub_indication: SubIndication | None  # None: valid
    anchor: Anchor | None  # None: no path
    chain: tuple[Certificate, ...]  # leaf first, without the anchor; the leaf alone when there is no path
    revocation: Revocation  # of the leaf
    detail: str  # one English sentence; "" when valid
    lapsed: Anchor | None = None  # with `anchor` None: where the path leads, but it was not trusted at that moment

    @property
    def world(self) -> World | None:
        """Return the trust world of the anchor, or None without a path."""
        return None if self.anchor is None else self.anchor.world

    @property
    def development(self) -> bool:
        """Return whether the anchor is one for development, which a report must say."""
        return self.anchor is not None and self.anchor.development


@dataclass(frozen=True, slots=True)
class _Moments:
    """Three moments that are one unless the caller says more."""

    at: datetime  # of the question
    used_at: datetime  # of the signature, at the latest
    fresh_for: datetime  # that revocation data must reach
    max_age: timedelta | None  # how much before that they may be issued


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
    used_at: datetime | None = None,
    fresh_for: datetime | None = None,
) -> PathResult:
    """Return whether `certificate` leads to an anchor, was good when it was used, and those above it are good now.

    Args:
        certificate: the one asked about.
        trust: anchors and known intermediates.
        at: aware; the moment of the question, at which everything that vouches for the certificate must be good.
        extra: certificates that the document carries; they help to build paths and are trusted for nothing.
        ocsps: DER of OCSP responses.
        crls: DER of CRLs.
        purpose: what the certificate was used for.
        signed_after: aware; the earliest moment at which the signature can have been made, when the caller knows
            one.  With it, use after revocation or expiry is INVALID; without it INDETERMINATE.
        max_age: accept revocation data up to this much older than `fresh_for`; None: its nextUpdate decides.
        used_at: aware; the latest moment, by proof, at which the certificate can have been used (best-signature-time);
            None: `at`.
        fresh_for: aware; the moment that revocation data must reach; None: `used_at`.

    Returns:
        A result; this function does not raise for anything in the certificates or the data.

    Spec: EN 319 102-1, 5.2.6.  Deviation: the anchor's own validity period counts too.
    """
    used = min(used_at or at, at)
    moments = _Moments(at, used, fresh_for or used, max_age)
    data = read_revocation_data(ocsps, crls)
    best: PathResult | None = None
    own = check_leaf(certificate, purpose)
    for anchor, chain in list_paths(certificate, trust, extra, purpose):
        result = _judge(anchor, chain, own, data, moments=moments, signed_after=signed_after)
        if result.outcome is PathOutcome.VALID:
            return result
        if best is None or (best.anchor is None and result.anchor is not None):
            best = result
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
    moments: _Moments,
    signed_after: datetime | None,
) -> PathResult:
    lapse = check_trust(anchor, moments.used_at)
    if lapse is not None:
        return replace(_fail(lapse, None, chain, _UNKNOWN), lapsed=anchor)
    links = list_links(anchor, chain)
    answers = _ask_for_revocation(links, data, moments) if links else [_LISTED]
    failure = (
        own
        or _check_periods(anchor, chain, moments, signed_after, answers[0])
        or _check_algorithms(anchor, chain, moments.at)
        or check_pkix(anchor, chain)
        or _check_answers(chain, answers, signed_after)
    )
    if failure is not None:
        return _fail(failure, anchor, chain, answers[0])
    return PathResult(PathOutcome.VALID, None, anchor, chain, answers[0], "")


def list_links(anchor: Anchor, chain: tuple[Certificate, ...]) -> list[tuple[Certificate, Certificate]]:
    """Return every certificate of a path with its issuer, leaf first; an anchor itself has none to ask."""
    if chain[0] == anchor.certificate:
        return []
    return list(zip(chain, (*chain[1:], anchor.certificate), strict=True))


def _fail(
    failure: _Failure, anchor: Anchor | None, chain: tuple[Certificate, ...], revocation: Revocation
) -> PathResult:
    invalid = failure.sub_indication in _INVALID
    outcome = PathOutcome.INVALID if invalid else PathOutcome.INDETERMINATE
    return PathResult(outcome, failure.sub_indication, anchor, chain, revocation, failure.detail)


# (1) the certificate itself


@lru_cache(maxsize=4096)
def check_leaf(certificate: Certificate, purpose: Purpose) -> _Failure | None:
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


def list_paths(
    leaf: Certificate, trust: TrustStore, extra: Iterable[Certificate], purpose: Purpose
) -> Iterator[tuple[Anchor, tuple[Certificate, ...]]]:
    """Return the paths from `leaf` to an anchor for this purpose, shortest first, within MAX_PATH_STEPS.

    No path leads past a key that a trust list speaks of: where its service was withdrawn, no root above it helps.  A
    time-stamping unit that a list names itself is its own anchor (ETSI TS 119 612, 5.5.3).
    """
    anchors = [one for one in trust.anchors if purpose is Purpose.ANY or _USES[purpose] in one.uses]
    yield from ((one, (leaf,)) for one in anchors if one.certificate == leaf and one.uses == {TrustUse.TIMESTAMPING})
    carried = deduplicate(one for one in extra if one.may_issue)[:MAX_CARRIED_ISSUERS]
    issuers = [
        *(one for one in trust.intermediates if one.may_issue),
        *(one for one in carried if one not in trust.intermediates),
    ]
    open_chains: list[tuple[Certificate, ...]] = [(leaf,)]
    steps = 0
    while open_chains:
        chain = open_chains.pop(0)
        if trust.is_listed(chain[-1]):
            continue
        for anchor in anchors:
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


@lru_cache(maxsize=8192)
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


def check_trust(anchor: Anchor, at: datetime) -> _Failure | None:
    """Hold the moment against the period of trust (5.2.6.4: the trust anchor's sunset date)."""
    if anchor.is_trusted_at(at):
        return None
    name = anchor.certificate.common_name or anchor.certificate.subject
    if anchor.trusted_to is not None and at >= anchor.trusted_to:
        detail = f"{name} was trusted until {anchor.trusted_to.isoformat()}, and nothing proves a time before that"
        return _Failure(SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE, detail)
    detail = f"{name} was not yet trusted at {at.isoformat()}"
    return _Failure(SubIndication.NO_CERTIFICATE_CHAIN_FOUND, detail)


# (3) validity periods


def _check_periods(
    anchor: Anchor,
    chain: tuple[Certificate, ...],
    moments: _Moments,
    signed_after: datetime | None,
    answer: Revocation,
) -> _Failure | None:
    leaf, used_at = chain[0], moments.used_at
    if signed_after is not None and signed_after > leaf.not_after:
        return _Failure(SubIndication.EXPIRED, f"the certificate expired on {leaf.not_after.isoformat()}, before it")
    if signed_after is not None and used_at < leaf.not_before:
        return _Failure(SubIndication.NOT_YET_VALID, f"the certificate is valid from {leaf.not_before.isoformat()}")
    for certificate in (*chain[1:], anchor.certificate):
        for moment in (moments.at, used_at):
            if not certificate.is_in_date(moment):
                return _describe_period(certificate, moment, SubIndication.OUT_OF_BOUNDS_NO_POE)
    if leaf.is_in_date(used_at):
        return None
    known = used_at > leaf.not_after and _reaches(answer, leaf.not_after, moments)
    sub = SubIndication.OUT_OF_BOUNDS_NOT_REVOKED if known else SubIndication.OUT_OF_BOUNDS_NO_POE
    return _describe_period(leaf, used_at, sub)


def _reaches(answer: Revocation, end: datetime, moments: _Moments) -> bool:
    """Return whether a certificate is known not to have been revoked until its end."""
    if answer.status is not RevocationStatus.GOOD or answer.issued_at is None:
        return False
    return answer.issued_at + (moments.max_age or timedelta(0)) >= end


def _describe_period(certificate: Certificate, moment: datetime, sub: SubIndication) -> _Failure:
    period = f"{certificate.not_before.isoformat()} to {certificate.not_after.isoformat()}"
    name = certificate.common_name or certificate.subject
    return _Failure(sub, f"{name} is valid from {period}, not at {moment.isoformat()}")


def _check_algorithms(anchor: Anchor, chain: tuple[Certificate, ...], at: datetime) -> _Failure | None:
    """5.2.8.4.2 for the certificates: an issuer's signature past the end of its algorithm proves nothing by itself."""
    for subject, issuer in list_links(anchor, chain):
        end = find_issuance_end(subject, issuer)
        if end is not None and at >= end:
            name = subject.common_name or subject.subject
            detail = f"the algorithm of the signature on {name} is relied on until {end.date().isoformat()} only"
            return _Failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, detail)
    return None


# (4) the path by RFC 5280


@lru_cache(maxsize=4096)
def check_pkix(anchor: Anchor, chain: tuple[Certificate, ...]) -> _Failure | None:
    """Run the path validation algorithm without revocation.  A pure function of its arguments, so it may be cached.

    The validity periods of a path that got here have moments in common; the run is made at the first of them,
    whatever the moment asked about.
    """
    if not list_links(anchor, chain):
        return None
    first = max(one.not_before for one in (*chain, anchor.certificate))
    root = CertTrustAnchor(anchor.certificate.asn1)
    path = ValidationPath(root, [one.asn1 for one in reversed(chain[1:])], chain[0].asn1)
    context = ValidationContext(
        trust_roots=[anchor.certificate.asn1],
        moment=first,
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


def _ask_for_revocation(
    links: Sequence[tuple[Certificate, Certificate]],
    data: RevocationData,
    moments: _Moments,
) -> list[Revocation]:
    """Ask of the leaf whether it was revoked when it was used, of every CA whether it is now."""
    leaf = links[0][0]
    return [
        check_revocation(
            subject,
            issuer,
            data,
            at=moments.at,
            subject_at=moments.used_at if subject is leaf else moments.at,
            fresh_for=min(moments.fresh_for, subject.not_after),
            max_age=moments.max_age,
        )
        for subject, issuer in links
    ]


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
            sub = SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE if answer.outdated else SubIndication.TRY_LATER
            return _Failure(sub, f"{name}: revocation is not known ({answer.detail})")
    return None


def _revoked_indication(
    certificate: Certificate, leaf: Certificate, answer: Revocation, signed_after: datetime | None
) -> SubIndication:
    if answer.reason == _ON_HOLD:
        return SubIndication.TRY_LATER
    if certificate != leaf:
        return SubIndication.REVOKED_CA_NO_POE
    if signed_after is not None and answer.revoked_at is not None and answer.revoked_at <= signed_after:
        return SubIndication.REVOKED
    return SubIndication.REVOKED_NO_POE


def _describe(name: str, answer: Revocation) -> str:
    when = "" if answer.revoked_at is None else f" on {answer.revoked_at.isoformat()}"
    return f"{name} was revoked{when} ({answer.reason})"
