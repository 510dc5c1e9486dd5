"""Step 3, times: what the timestamps of a file prove, from the latest to the first.

Implements of ETSI EN 319 102-1: the extraction of proofs of existence (5.6.2.3) and the loop over the time assertions
of a signature with long-term data (5.6.3.4): each is validated, by itself (5.4) or else by the proofs that later ones
gave (past signature validation, 5.6.2.4), and then proves the existence of what it covers.

A timestamp covers, by the standard: the signature's value; the certificate that the signature names; and, for an
archive or document timestamp, all certificates, revocation data and tokens before it.  Deviation, on purpose
(`docs/divergences.md`): it also proves the existence of every signature whose value the stamped one signs, with what
stands in it.  The seal's timestamp so proves principal, homeroom and teachers: they lie inside what the seal's
references digest, so they existed when the seal's value did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from transcript_core.pki.existence import ProofsOfExistence
from transcript_core.pki.past import CURABLE, PastMaterial, validate_past_signature
from transcript_core.pki.path import PathOutcome, PathResult, Purpose
from transcript_core.pki.timestamps import find_token_end
from transcript_core.pki.trust import TrustStore
from verify.examination import Context
from verify.formats.problems import Gravity
from verify.report import SubIndication
from verify.signature import (
    CarriedTimestamp,
    LooseTimestamp,
    SignatureFacts,
    SignatureFormatName,
    TimestampAnswer,
)
from verify.timestamping import Pool, validate_timestamp

SignatureKey: TypeAlias = tuple[SignatureFormatName, str]


@dataclass(frozen=True, slots=True)
class _Assertion:
    """One timestamp where it stands."""

    stamp: CarriedTimestamp
    holder: SignatureFacts | None  # None: it stands by itself
    proves: tuple[SignatureKey, ...]  # the signatures whose value it covers
    whole: tuple[SignatureKey, ...]  # those of them that it covers with all that stands in them
    answer: TimestampAnswer


class TimeAssertions:
    """All timestamps of a file, with what they turned out to be worth."""

    def __init__(
        self, facts: Sequence[SignatureFacts], loose: Sequence[LooseTimestamp], pool: Pool, context: Context
    ) -> None:
        """Validate every timestamp."""
        self._by_key = {one.key: one for one in facts}
        self._pool, self._context = pool, context
        self._material: PastMaterial | None = None
        carried = [_assert_carried(one, stamp, pool, context) for one in facts for stamp in one.timestamps]
        self._assertions = [*carried, *(_assert_loose(one, pool, context) for one in loose)]
        if any(_is_curable(one.answer.path) for one in self._assertions):
            self._extract()
        self._refuse_disorder()

    def list_carried(self, key: SignatureKey) -> tuple[TimestampAnswer, ...]:
        """Return the answers about the timestamps of one signature, in its order."""
        return tuple(one.answer for one in self._assertions if one.holder is not None and one.holder.key == key)

    def list_loose(self) -> tuple[TimestampAnswer, ...]:
        """Return the answers about the timestamps that stand by themselves, in their order."""
        return tuple(one.answer for one in self._assertions if one.holder is None)

    def find_proven_times(self) -> dict[SignatureKey, datetime]:
        """Return the best-signature-time of each signature that has a proven one (5.5.4, step 3)."""
        proven: dict[SignatureKey, datetime] = {}
        for one in self._assertions:
            if one.answer.outcome is PathOutcome.VALID and one.answer.time is not None:
                for key in one.proves:
                    proven[key] = min(one.answer.time, proven.get(key, one.answer.time))
        return proven

    def judge_past(self, facts: SignatureFacts, current: PathResult, exists_at: datetime) -> PathResult:
        """Return what is said of a signer's certificate by what is proven to have existed (5.6.2.4)."""
        if facts.certificate is None or not _is_curable(current):
            return current
        material = self._material or self._extract()
        return validate_past_signature(facts.certificate, current, exists_at=exists_at, material=material)

    # --- 5.6.2.3 and 5.6.3.4 ------------------------------------------------------------------------------------

    def _extract(self) -> PastMaterial:
        """Go from the latest to the first; each that holds proves what the next ones need."""
        assert self._context.trust is not None
        material = _build_material(self._pool, self._context.trust, self._context)
        for number in self._list_latest_first():
            one = self._assertions[number]
            if _is_curable(one.answer.path):
                one = replace(one, answer=_cure(one.answer, material))
                self._assertions[number] = one
            if one.answer.outcome is PathOutcome.VALID and one.answer.time is not None:
                objects = set(self._list_objects(one))
                material.proofs.add((*objects, *self._list_inside_tokens(objects)), one.answer.time)
        self._material = material
        return material

    def _list_latest_first(self) -> list[int]:
        timed = [(one.answer.time, number) for number, one in enumerate(self._assertions) if one.answer.time]
        return [number for _, number in sorted(timed, reverse=True)]

    def _list_objects(self, one: _Assertion) -> Iterator[bytes]:
        """Return the octets of everything beside signature values whose existence a timestamp proves."""
        yield from one.stamp.objects
        for key in one.proves:
            facts = self._by_key[key]
            if facts.certificate is not None and facts.certificate_is_bound:
                yield facts.certificate.der
        if one.holder is not None and one.stamp.archive:
            yield from (certificate.der for certificate in one.holder.embedded)
        for key in one.whole:
            yield from self._by_key[key].list_objects()

    def _list_inside_tokens(self, objects: Collection[bytes]) -> Iterator[bytes]:
        """Return the certificates that stand in those of `objects` that are tokens."""
        for one in self._assertions:
            if one.stamp.token in objects and one.answer.token is not None:
                yield from (certificate.der for certificate in one.answer.token.certificates)

    # --- order --------------------------------------------------------------------------------------------------

    def _refuse_disorder(self) -> None:
        """An archive or document timestamp is not older than those that it covers (5.5.4, TIMESTAMP_ORDER_FAILURE)."""
        for number, one in enumerate(self._assertions):
            if one.stamp.archive and self._is_older(one, self._assertions[:number]):
                self._assertions[number] = replace(one, answer=_refuse_order(one.answer))

    def _is_older(self, one: _Assertion, before: Iterable[_Assertion]) -> bool:
        tolerance = self._context.policy.clock_tolerance
        return any(
            other.answer.time > one.answer.time + tolerance
            for other in before
            if _covers(one, other) and other.answer.time is not None and one.answer.time is not None
        )


def _covers(one: _Assertion, other: _Assertion) -> bool:
    """Return whether `other`, which stands before, is among what `one` covers."""
    both_valid = one.answer.outcome is PathOutcome.VALID and other.answer.outcome is PathOutcome.VALID
    if other.holder is None:
        return both_valid and one.holder is None
    return both_valid and (one.holder is other.holder or other.holder.key in one.whole)


def _refuse_order(answer: TimestampAnswer) -> TimestampAnswer:
    detail = "an archive time stamp is older than one that it covers"
    return replace(
        answer, outcome=PathOutcome.INVALID, sub_indication=SubIndication.TIMESTAMP_ORDER_FAILURE, detail=detail
    )


def _assert_carried(holder: SignatureFacts, stamp: CarriedTimestamp, pool: Pool, context: Context) -> _Assertion:
    others = _may_prove_others(holder)
    keys = _build_keys(holder.format, holder.covered_labels if others else ())
    whole = _build_keys(holder.format, holder.covered_whole if others else ())
    return _Assertion(stamp, holder, (holder.key, *keys), whole, validate_timestamp(stamp, pool, context))


def _assert_loose(loose: LooseTimestamp, pool: Pool, context: Context) -> _Assertion:
    keys = _build_keys(loose.format, loose.covered_labels if loose.intact else ())
    stamp = replace(loose.carried, archive=True, objects=loose.carried.objects if loose.intact else ())
    return _Assertion(stamp, None, keys, keys, validate_timestamp(stamp, pool, context))


def _build_keys(format_name: SignatureFormatName, labels: Iterable[str]) -> tuple[SignatureKey, ...]:
    return tuple((format_name, label) for label in labels)


def _may_prove_others(facts: SignatureFacts) -> bool:
    """A broken or improper signature's timestamp says nothing about what it claims to cover."""
    return facts.intact is True and all(trouble.gravity is Gravity.UNREADABLE for trouble in facts.troubles)


def _build_material(pool: Pool, trust: TrustStore, context: Context) -> PastMaterial:
    return PastMaterial(
        trust=trust,
        extra=pool.certificates,
        ocsps=pool.ocsps,
        crls=pool.crls,
        proofs=ProofsOfExistence(context.at),
        max_age=context.policy.revocation_max_age,
    )


def _is_curable(path: PathResult | None) -> bool:
    return path is not None and path.sub_indication in CURABLE


def _cure(answer: TimestampAnswer, material: PastMaterial) -> TimestampAnswer:
    """Past signature validation of a token (5.6.2.4): by when it is proven to have existed."""
    token, current = answer.token, answer.path
    if token is None or current is None:
        return answer
    certificate = current.chain[0]
    past = validate_past_signature(
        certificate,
        current,
        exists_at=material.proofs.find(token.der),
        material=replace(material, extra=(*token.certificates, *material.extra)),
        purpose=Purpose.TIMESTAMPING,
        relied_until=find_token_end(token, certificate),
    )
    sub = None if past.sub_indication is None else SubIndication(past.sub_indication.value)
    return replace(answer, outcome=past.outcome, sub_indication=sub, detail=past.detail, path=past)
