"""Step 3: the time that is proven for each signature, and what its certificate is worth at that time.

Implements of ETSI EN 319 102-1: time-stamp validation (5.4), best-signature-time and proof of existence (5.5, 5.6.2),
X.509 certificate validation (5.2.6).

Deviation, on purpose (`docs/divergences.md`): a valid timestamp on one signature also proves the time of every
signature whose value the stamped one signs.  The seal's timestamp so proves principal, homeroom and teachers: their
values lie inside what the seal's references digest, so they existed when the seal's value did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_REVOCATION_PIECES
from transcript_core.pki.certificates import Certificate, deduplicate
from transcript_core.pki.path import PathOutcome, PathResult, validate_path
from transcript_core.pki.timestamps import Timestamp, parse_timestamp, verify_timestamp
from verify.entitlement import judge_authority
from verify.examination import Context
from verify.formats.problems import Gravity
from verify.report import SubIndication
from verify.signature import (
    CarriedTimestamp,
    ExaminedSignature,
    ExaminedTimestamp,
    LooseTimestamp,
    SignatureFacts,
    SignatureFormatName,
    TimestampAnswer,
)


@dataclass(frozen=True, slots=True)
class _Pool:
    """What all signatures of a document carry; trusted for nothing, helps to build paths."""

    certificates: tuple[Certificate, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def examine_timestamps(
    facts: Sequence[SignatureFacts], loose: Sequence[LooseTimestamp], context: Context
) -> tuple[ExaminedTimestamp, ...]:
    """Return every timestamp that stands by itself with what it is worth, in the order given."""
    pool = _build_pool(facts)
    return tuple(ExaminedTimestamp(one, _judge_timestamp(one.carried, pool, context)) for one in loose)


def examine_signatures(
    facts: Sequence[SignatureFacts], loose: Sequence[ExaminedTimestamp], context: Context
) -> tuple[ExaminedSignature, ...]:
    """Return every signature with its proven time, certificate and authority judged, in the order given."""
    pool = _build_pool(facts)
    answers = {one.key: _judge_timestamps(one.timestamps, pool, context) for one in facts}
    proven = _prove(facts, answers, loose)
    return tuple(
        _examine(
            one,
            answers[one.key],
            proven.get(one.key),
            lent=_find_lent_time(one, facts, proven),
            pool=pool,
            context=context,
        )
        for one in facts
    )


def _build_pool(facts: Sequence[SignatureFacts]) -> _Pool:
    return _Pool(
        deduplicate(certificate for one in facts for certificate in one.certificates),
        _collect_pieces(der for one in facts for der in one.ocsps),
        _collect_pieces(der for one in facts for der in one.crls),
    )


def _collect_pieces(pieces: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return each piece once; a heap of them is looked at by nobody, since the one that says "revoked" may be in it."""
    distinct = tuple(dict.fromkeys(pieces))
    return distinct if len(distinct) <= MAX_REVOCATION_PIECES else ()


def _examine(
    facts: SignatureFacts,
    timestamps: tuple[TimestampAnswer, ...],
    proven: datetime | None,
    *,
    lent: datetime | None,
    pool: _Pool,
    context: Context,
) -> ExaminedSignature:
    judged_at = _find_kept_time(facts) or proven or lent or context.at
    return ExaminedSignature(
        facts=facts,
        timestamps=timestamps,
        proven_time=proven,
        judged_at=judged_at,
        path=_judge_certificate(facts, judged_at, pool, context),
        authority=judge_authority(facts, judged_at, context.authority),
    )


# --- time --------------------------------------------------------------------------------------------------------


_Key = tuple[SignatureFormatName, str]


def _prove(
    facts: Sequence[SignatureFacts],
    answers: dict[_Key, tuple[TimestampAnswer, ...]],
    loose: Sequence[ExaminedTimestamp],
) -> dict[_Key, datetime]:
    """Return the earliest proven time of each signature that has one."""
    proven: dict[_Key, datetime] = {}

    def add(keys: Iterable[_Key], times: Iterable[datetime]) -> None:
        for key, time in product(keys, times):
            proven[key] = min(time, proven.get(key, time))

    for signed in facts:
        covered = signed.covered_labels if _may_prove_others(signed) else ()
        add((signed.key, *((signed.format, label) for label in covered)), _list_valid_times(answers[signed.key]))
    for one in loose:
        if one.stamp.intact:
            add(((one.stamp.format, label) for label in one.stamp.covered_labels), _list_valid_times((one.answer,)))
    return proven


def _find_kept_time(facts: SignatureFacts) -> datetime | None:
    """Return when a signature kept from an earlier version is judged: on the day it was made.

    Principal and seal of this version sign, in the list of signers, from which version and day it is kept;
    `time.plausible` holds the claimed time against that day.  The earlier version's own timestamp is in that version.
    """
    return facts.signed_at if facts.slot is not None and facts.slot.kept else None


def _find_lent_time(
    facts: SignatureFacts, all_facts: Sequence[SignatureFacts], proven: dict[_Key, datetime]
) -> datetime | None:
    """Return when a JWS is judged beside its XML: when the seal, by the same certificate, signed that.

    A JWS has no place for a timestamp, and nothing rests on it then: `json.content` holds every word of it against
    the XML, which wins.
    """
    if facts.format is not SignatureFormatName.JADES:
        return None
    twins = (one for one in all_facts if one.format is SignatureFormatName.XADES)
    return next((proven[one.key] for one in twins if one.certificate == facts.certificate and one.key in proven), None)


def _list_valid_times(answers: Sequence[TimestampAnswer]) -> list[datetime]:
    return [one.time for one in answers if one.outcome is PathOutcome.VALID and one.time is not None]


def _may_prove_others(facts: SignatureFacts) -> bool:
    """A broken signature's timestamp says nothing about what it claims to cover."""
    return facts.intact is True and all(trouble.gravity is not Gravity.BROKEN for trouble in facts.troubles)


def _judge_timestamps(stamps: Sequence[CarriedTimestamp], pool: _Pool, context: Context) -> tuple[TimestampAnswer, ...]:
    """Return what each is worth; an archive timestamp is not older than those that it covers (EN 319 102-1, 5.5.4)."""
    answers = tuple(_judge_timestamp(stamp, pool, context) for stamp in stamps)
    return tuple(
        _refuse_order(answer) if stamp.archive and _is_older(answer, answers[:number], context) else answer
        for number, (stamp, answer) in enumerate(zip(stamps, answers, strict=True))
    )


def _is_older(answer: TimestampAnswer, before: Sequence[TimestampAnswer], context: Context) -> bool:
    moments = [one.time for one in before if one.time is not None]
    return answer.time is not None and any(one > answer.time + context.policy.clock_tolerance for one in moments)


def _refuse_order(answer: TimestampAnswer) -> TimestampAnswer:
    detail = "an archive time stamp is older than one that it covers"
    return TimestampAnswer(answer.time, PathOutcome.INVALID, SubIndication.TIMESTAMP_ORDER_FAILURE, detail)


def _judge_timestamp(stamp: CarriedTimestamp, pool: _Pool, context: Context) -> TimestampAnswer:
    try:
        token = parse_timestamp(stamp.token)
    except TrustMaterialError as error:
        return TimestampAnswer(None, PathOutcome.INVALID, SubIndication.FORMAT_FAILURE, str(error))
    imprint = _compute_imprint(stamp, token)
    if imprint is None:
        return TimestampAnswer(
            token.time, PathOutcome.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, token.imprint_hash
        )
    if imprint != token.imprint:
        detail = "the time stamp is for other data"
        return TimestampAnswer(token.time, PathOutcome.INVALID, SubIndication.HASH_FAILURE, detail)
    if context.trust is None:
        detail = "no anchor is trusted"
        return TimestampAnswer(token.time, PathOutcome.INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, detail)
    if token.time > context.at + context.policy.clock_tolerance:
        detail = "the time stamp is later than the time that is asked about"
        return TimestampAnswer(token.time, PathOutcome.INDETERMINATE, SubIndication.NO_POE, detail)
    result = verify_timestamp(
        token,
        imprint,
        trust=context.trust,
        extra=pool.certificates,
        ocsps=pool.ocsps,
        crls=pool.crls,
        max_age=context.policy.revocation_max_age,
    )
    sub = None if result.sub_indication is None else SubIndication(result.sub_indication)
    return TimestampAnswer(token.time, result.outcome, sub, result.detail)


def _compute_imprint(stamp: CarriedTimestamp, token: Timestamp) -> bytes | None:
    return stamp.digest if stamp.octets is None else hashlib.new(token.imprint_hash, stamp.octets).digest()


# --- certificates -----------------------------------------------------------------------------------------------


def _judge_certificate(facts: SignatureFacts, judged_at: datetime, pool: _Pool, context: Context) -> PathResult | None:
    if facts.certificate is None or context.trust is None:
        return None
    claimed = facts.signed_at
    return validate_path(
        facts.certificate,
        trust=context.trust,
        at=judged_at,
        extra=(*facts.certificates, *pool.certificates),
        ocsps=pool.ocsps,
        crls=pool.crls,
        signed_after=claimed if claimed is not None and claimed <= judged_at else None,
        max_age=context.policy.revocation_max_age,
    )
