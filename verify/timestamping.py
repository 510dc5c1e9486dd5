"""Step 3, times: what each time-stamp token that a file carries is worth by itself.

Implements the time-stamp validation building block of ETSI EN 319 102-1, 5.4: the imprint, the token's own signature,
and its authority's certificate as of now, with revocation data as fresh as the token's time asks for.  What past
validation makes of a token whose authority is not good any more stands in `existence`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_REVOCATION_PIECES
from transcript_core.pki.certificates import Certificate, deduplicate
from transcript_core.pki.path import PathOutcome
from transcript_core.pki.timestamps import Timestamp, parse_timestamp, verify_timestamp
from verify.examination import Context
from verify.report import SubIndication
from verify.signature import CarriedTimestamp, SignatureFacts, TimestampAnswer


@dataclass(frozen=True, slots=True)
class Pool:
    """What all signatures of a document carry; trusted for nothing, helps to build paths."""

    certificates: tuple[Certificate, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def build_pool(facts: Sequence[SignatureFacts]) -> Pool:
    """Return the material of all signatures, each piece once."""
    return Pool(
        deduplicate(certificate for one in facts for certificate in one.certificates),
        _collect_pieces(der for one in facts for der in one.ocsps),
        _collect_pieces(der for one in facts for der in one.crls),
    )


def _collect_pieces(pieces: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return each piece once; a heap of them is looked at by nobody, since the one that says "revoked" may be in it."""
    distinct = tuple(dict.fromkeys(pieces))
    return distinct if len(distinct) <= MAX_REVOCATION_PIECES else ()


def validate_timestamp(stamp: CarriedTimestamp, pool: Pool, context: Context) -> TimestampAnswer:
    """Return what a token is worth by itself, now (5.4)."""
    try:
        token = parse_timestamp(stamp.token)
    except TrustMaterialError as error:
        return TimestampAnswer(None, PathOutcome.INVALID, SubIndication.FORMAT_FAILURE, str(error))
    imprint = _compute_imprint(stamp, token)
    if imprint is None:
        return _doubt(token, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, token.imprint_hash)
    if imprint != token.imprint:
        detail = "the time stamp is for other data"
        return TimestampAnswer(token.time, PathOutcome.INVALID, SubIndication.HASH_FAILURE, detail, token)
    if context.trust is None:
        return _doubt(token, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, "no anchor is trusted")
    if token.time > context.at + context.policy.clock_tolerance:
        return _doubt(token, SubIndication.NO_POE, "the time stamp is later than the time that is asked about")
    result = verify_timestamp(
        token,
        imprint,
        trust=context.trust,
        extra=pool.certificates,
        ocsps=pool.ocsps,
        crls=pool.crls,
        at=max(context.at, token.time),
        max_age=context.policy.revocation_max_age,
    )
    sub = None if result.sub_indication is None else SubIndication(result.sub_indication)
    return TimestampAnswer(token.time, result.outcome, sub, result.detail, token, result.path)


def _doubt(token: Timestamp, sub: SubIndication, detail: str) -> TimestampAnswer:
    return TimestampAnswer(token.time, PathOutcome.INDETERMINATE, sub, detail, token)


def _compute_imprint(stamp: CarriedTimestamp, token: Timestamp) -> bytes | None:
    return stamp.digest if stamp.octets is None else hashlib.new(token.imprint_hash, stamp.octets).digest()
