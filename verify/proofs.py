"""Step 3: the time that is proven for each signature, and what its certificate is worth at that time.

Implements the order of ETSI EN 319 102-1, 5.5.4 (signatures with time) and 5.6.3.4 (with long-term data):

    (a) every timestamp is validated, and proves the existence of what it covers     `timestamping`, `existence`
    (b) the earliest proven time of a signature is its best-signature-time           `existence`
    (c) X.509 certificate validation: the signer's certificate at that time,
        everything that vouches for it now (5.2.6, 5.5.4)                            `transcript_core.pki.path`
    (d) past signature validation, where something that vouches is not good any more
        and everything else is right (5.6.2.4)                                       `transcript_core.pki.past`

In the usual case (d) does not happen, and a certificate is validated once.  What the file carries comes first; only
when the caller gave a source is it asked for what is missing, and all of this done once more (5.2.6.4, TRY_LATER).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from transcript_core.pki.path import PathResult, validate_path
from transcript_core.pki.revocation import drop_future
from verify.entitlement import judge_authority
from verify.examination import Context
from verify.existence import SignatureKey, TimeAssertions
from verify.fetching import extend_pool, fetch_missing
from verify.signature import (
    ExaminedSignature,
    ExaminedTimestamp,
    LooseTimestamp,
    SignatureFacts,
    SignatureFormatName,
)
from verify.timestamping import Pool, build_pool


@dataclass(frozen=True, slots=True)
class Examined:
    """What step 3 found out."""

    signatures: tuple[ExaminedSignature, ...]  # in the order given
    document_timestamps: tuple[ExaminedTimestamp, ...]  # those that stand by themselves, in the order given
    fetched: tuple[str, ...] = ()  # the holders of the certificates that a source was asked about, and answered


def examine(facts: Sequence[SignatureFacts], loose: Sequence[LooseTimestamp], context: Context) -> Examined:
    """Return every signature with its proven time, certificate and authority judged, and every lone timestamp."""
    pool = _drop_future(build_pool(facts), context)
    examined = _examine_all(facts, loose, pool, context)
    if context.source is None or context.trust is None:
        return examined
    evidences = fetch_missing(examined.signatures, examined.document_timestamps, pool, context.source)
    if not evidences:
        return examined
    completed = _examine_all(facts, loose, _drop_future(extend_pool(pool, evidences), context), context)
    return replace(
        completed, fetched=tuple(dict.fromkeys(one.leaf.common_name or one.leaf.subject for one in evidences))
    )


def _drop_future(pool: Pool, context: Context) -> Pool:
    """Return the material without revocation data that cannot have been made yet: no step may use it."""
    latest = context.latest
    if latest is None:
        return pool
    return replace(pool, ocsps=drop_future(pool.ocsps, latest), crls=drop_future(pool.crls, latest))


def _examine_all(
    facts: Sequence[SignatureFacts], loose: Sequence[LooseTimestamp], pool: Pool, context: Context
) -> Examined:
    assertions = TimeAssertions(facts, loose, pool, context)  # (a)
    proven = assertions.find_proven_times()  # (b)
    signatures = tuple(_examine(one, facts, proven, assertions, pool, context) for one in facts)
    stamps = (ExaminedTimestamp(one, answer) for one, answer in zip(loose, assertions.list_loose(), strict=True))
    return Examined(signatures, tuple(stamps))


def _examine(
    facts: SignatureFacts,
    all_facts: Sequence[SignatureFacts],
    proven: dict[SignatureKey, datetime],
    assertions: TimeAssertions,
    pool: Pool,
    context: Context,
) -> ExaminedSignature:
    proven_time = proven.get(facts.key)
    lent = _find_lent_time(facts, all_facts, proven)
    judged_at = _find_kept_time(facts) or proven_time or lent or context.at
    path = _judge_certificate(facts, judged_at, pool, context)  # (c)
    return ExaminedSignature(
        facts=facts,
        timestamps=assertions.list_carried(facts.key),
        proven_time=proven_time,
        judged_at=judged_at,
        path=None if path is None else assertions.judge_past(facts, path, judged_at),  # (d)
        authority=judge_authority(facts, judged_at, context.authority),
    )


def _find_kept_time(facts: SignatureFacts) -> datetime | None:
    """Return when a signature kept from an earlier version is judged: on the day it was made.

    Principal and seal of this version sign, in the list of signers, from which version and day it is kept;
    `time.plausible` holds the claimed time against that day.  The earlier version's own timestamp is in that version.
    """
    return facts.signed_at if facts.slot is not None and facts.slot.kept else None


def _find_lent_time(
    facts: SignatureFacts, all_facts: Sequence[SignatureFacts], proven: dict[SignatureKey, datetime]
) -> datetime | None:
    """Return when a JWS is judged beside its XML: when the seal, by the same certificate, signed that.

    A JWS has no place for a timestamp, and nothing rests on it then: `json.content` holds every word of it against
    the XML, which wins.
    """
    if facts.format is not SignatureFormatName.JADES:
        return None
    twins = (one for one in all_facts if one.format is SignatureFormatName.XADES)
    return next((proven[one.key] for one in twins if one.certificate == facts.certificate and one.key in proven), None)


def _judge_certificate(facts: SignatureFacts, judged_at: datetime, pool: Pool, context: Context) -> PathResult | None:
    """5.2.6 with 5.5.4: the best-signature-time for the signer's certificate, now for all above it."""
    if facts.certificate is None or context.trust is None:
        return None
    claimed = facts.signed_at
    return validate_path(
        facts.certificate,
        trust=context.trust,
        at=max(context.at, judged_at),
        used_at=judged_at,
        extra=(*facts.certificates, *pool.certificates),
        ocsps=pool.ocsps,
        crls=pool.crls,
        signed_after=claimed if claimed is not None and claimed <= judged_at else None,
        max_age=context.policy.revocation_max_age,
    )
