"""Was this certificate to be believed when it was used, although it is not any more?  ETSI EN 319 102-1, 5.6.2.

Implements past certificate validation (5.6.2.1), the validation time sliding process (5.6.2.2) and past signature
validation (5.6.2.4) over the proofs of existence that the caller extracted (5.6.2.3).

The idea: go down the path from the anchor, and at each certificate ask up to which moment what is known of it could
still be relied on: until it was revoked, until the status information about it was fresh, until its algorithms ended.
What slides back so is the *control-time*.  A signature whose existence is proven for that moment or an earlier one was
made while everything was in order.

Deviations (`docs/divergences.md`): where status information is not fresh at the control-time, it slides to the end of
the time for which the policy accepts that information, not to its issuance; and it also slides to the end of each
certificate of a CA, which is stricter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from transcript_core.pki.certificates import Certificate
from transcript_core.pki.constraints import find_issuance_end, find_signature_end
from transcript_core.pki.existence import ProofsOfExistence
from transcript_core.pki.path import (
    PathOutcome,
    PathResult,
    Purpose,
    SubIndication,
    check_leaf,
    check_pkix,
    list_links,
    list_paths,
)
from transcript_core.pki.revocation import (
    Revocation,
    RevocationData,
    RevocationStatus,
    Statement,
    list_statements,
    read_revocation_data,
)
from transcript_core.pki.trust import Anchor, TrustStore

CURABLE: Final = frozenset(
    {
        SubIndication.REVOKED_NO_POE,
        SubIndication.REVOKED_CA_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NO_POE,
        SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
        SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    }
)
"""The answers of today that a proof of existence from before can change (5.6.3.4, step 3)."""


@dataclass(frozen=True, slots=True)
class PastMaterial:
    """What past validation works with; the same for every certificate of a document."""

    trust: TrustStore
    extra: tuple[Certificate, ...]  # that the document carries; trusted for nothing
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    proofs: ProofsOfExistence
    max_age: timedelta | None  # as in `validate_path`


@dataclass(frozen=True, slots=True)
class _Slide:
    """Where the control-time came to rest, and why no further."""

    control_time: datetime
    leaf: Revocation


def validate_past_signature(
    certificate: Certificate,
    current: PathResult,
    *,
    exists_at: datetime,
    material: PastMaterial,
    purpose: Purpose = Purpose.SIGNING,
    relied_until: datetime | None = None,
) -> PathResult:
    """Return what `current` becomes by the proof that the signature existed at `exists_at` (5.6.2.4).

    Args:
        certificate: of the signer, or of the time-stamping authority.
        current: what is said of it today; anything that is not `CURABLE` stays as it is.
        exists_at: aware; the earliest moment at which the signature's value is proven to have existed.
        purpose: what the certificate was used for.
        relied_until: aware; the end of the algorithms of the signature itself; None: they have none, or the caller
            judges them.

    Returns:
        VALID when some path held at a control-time that is not before `exists_at`; INVALID when the signature is
        older than its certificate; else `current`.
    """
    if current.sub_indication not in CURABLE or check_leaf(certificate, purpose) is not None:
        return current
    if relied_until is not None and exists_at >= relied_until:
        return current
    for anchor, chain, slide in _list_past_paths(certificate, material, purpose):
        if exists_at <= slide.control_time and anchor.is_trusted_at(exists_at):
            return _judge_period(certificate, current, exists_at, anchor, chain, slide)
    return current


def _judge_period(
    certificate: Certificate,
    current: PathResult,
    exists_at: datetime,
    anchor: Anchor,
    chain: tuple[Certificate, ...],
    slide: _Slide,
) -> PathResult:
    """5.6.2.4, step 2: best-signature-time against the certificate's own period."""
    if exists_at < certificate.not_before:
        detail = f"the certificate is valid from {certificate.not_before.isoformat()}"
        return PathResult(PathOutcome.INVALID, SubIndication.NOT_YET_VALID, anchor, chain, slide.leaf, detail)
    if exists_at > certificate.not_after:
        return current
    return PathResult(PathOutcome.VALID, None, anchor, chain, slide.leaf, "")


# 5.6.2.1 past certificate validation


def _list_past_paths(
    certificate: Certificate, material: PastMaterial, purpose: Purpose
) -> Iterable[tuple[Anchor, tuple[Certificate, ...], _Slide]]:
    """Return the paths that were good once, each with its control-time."""
    data = read_revocation_data(material.ocsps, material.crls)
    for anchor, chain in list_paths(certificate, material.trust, material.extra, purpose):
        if not _had_common_time(anchor, chain) or check_pkix(anchor, chain) is not None:
            continue
        slide = _slide(anchor, chain, data, material)
        if slide is not None:
            yield anchor, chain, slide


def _had_common_time(anchor: Anchor, chain: tuple[Certificate, ...]) -> bool:
    periods = (*chain, anchor.certificate)
    return max(one.not_before for one in periods) <= min(one.not_after for one in periods)


# 5.6.2.2 validation time sliding


def _slide(
    anchor: Anchor, chain: tuple[Certificate, ...], data: RevocationData, material: PastMaterial
) -> _Slide | None:
    """Return the control-time of a path, or None where nothing shows that it held (NO_POE)."""
    sunset = anchor.trusted_to or material.proofs.now
    control = min(material.proofs.now, anchor.certificate.not_after, sunset)  # step 1
    known = Revocation(RevocationStatus.UNKNOWN)
    for subject, issuer in reversed(list_links(anchor, chain)):  # step 2, from the anchor down
        if material.proofs.find(subject.der) > control:
            return None
        statements, _ = list_statements(subject, issuer, data)
        usable = _list_usable(statements, control, material.proofs)
        if not usable:
            return None
        control, known = _slide_by_status(usable, control, material.max_age)
        control = min((control, *_list_revocations(statements), *_list_ends(subject, issuer)))
    return _Slide(control, known)


def _list_usable(statements: Sequence[Statement], control: datetime, proofs: ProofsOfExistence) -> list[Statement]:
    """Step 2a: status information that was issued, and is proven to have existed, by the control-time."""
    return [one for one in statements if one.issued_at <= control and _existed_in_time(one, control, proofs)]


def _existed_in_time(statement: Statement, control: datetime, proofs: ProofsOfExistence) -> bool:
    """Step 2b: it existed while its responder's certificate and its algorithm were good, so nobody made it later."""
    existed_at = proofs.find(statement.source.der)
    end = find_signature_end(statement.signer.public_key, statement.hash_name)
    return existed_at <= min(control, statement.signer.not_after) and (end is None or existed_at < end)


def _slide_by_status(
    usable: Sequence[Statement], control: datetime, max_age: timedelta | None
) -> tuple[datetime, Revocation]:
    """Step 2c, not revoked: back to where the freshest information ends."""
    last = max(usable, key=lambda one: one.find_end_of_freshness(max_age))
    known = Revocation(RevocationStatus.GOOD, issued_at=last.issued_at)
    return min(control, last.find_end_of_freshness(max_age)), known


def _list_revocations(statements: Sequence[Statement]) -> tuple[datetime, ...]:
    """Step 2c, revoked: back to the revocation, by whatever piece says so, proven or not, which is stricter."""
    return tuple(one.revoked_at for one in statements if one.revoked_at is not None)


def _list_ends(subject: Certificate, issuer: Certificate) -> tuple[datetime, ...]:
    """Step 2d: where the algorithm of the issuer's signature ends, if it does; and the end of a CA's certificate."""
    end = find_issuance_end(subject, issuer)
    return (*(() if end is None else (end,)), *((subject.not_after,) if subject.is_ca else ()))
