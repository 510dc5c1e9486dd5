"""Recalls: whoever signs one is judged by the office held at the claimed time, so that time cannot be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from signing import xades
from signing.signer import SigningIdentity
from tests.support.samples import build_transcript
from tests.vectors.cases import fails, sound
from tests.vectors.school import (
    FORMER_PRINCIPAL,
    STEP,
    TEACHERS_SIGN_AT,
    build_sample_recall,
    merge,
    school,
    signed,
    signed_recall,
)
from transcript_core.model import Recall, SlotRole, SlotSigner
from transcript_core.policy import SigningPolicy, Slot, find_policy, list_recall_slots
from transcript_core.xml import build_recall

SEALED_AT = TEACHERS_SIGN_AT + 3 * STEP
IN_OFFICE = datetime(2026, 1, 15, tzinfo=UTC)
"""When the former principal still was in office, and the transcript was not yet written."""


def _describe(**changes: object) -> Recall:
    return replace(build_sample_recall(signed(), build_transcript()), **changes)  # type: ignore[arg-type]


def sign_recall(recall: Recall, claimed: Mapping[SlotRole, datetime]) -> bytes:
    """Return the recall, signed in May with evidence and timestamp of that day, whatever times are claimed."""
    policy = find_policy(None)
    document = build_recall(recall)
    school().clock.at = SEALED_AT
    for slot in list_recall_slots(recall, policy):
        document = _sign_slot(document, slot, policy, claimed.get(slot.role, SEALED_AT))
    return document


def _sign_slot(document: bytes, slot: Slot, policy: SigningPolicy, claimed: datetime) -> bytes:
    here = school()
    key = here.signer_of(slot)
    identity = SigningIdentity.of(key)
    pending = xades.prepare(document, slot, identity, at=claimed, policy=policy)
    (value,) = key.sign_digests([pending.digest])
    evidence, token = here.collect(key), None
    if slot.role is SlotRole.SEAL:
        token, of_authority = here.stamp(xades.timestamp_imprint(pending, value))
        evidence = merge(evidence, of_authority)
    return xades.attach(document, pending, value, identity=identity, evidence=evidence, timestamp=token)


def _former() -> SlotSigner:
    return SlotSigner("cbql", SlotRole.MANAGER, *FORMER_PRINCIPAL, "HIỆU TRƯỞNG")


def _sign_another() -> bytes:
    return signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")


@sound("recall: given with what it recalls", xml=signed)
def recall_beside_its_transcript() -> bytes:
    return signed_recall()


@fails("authority: the former principal recalls, today", "authority.office")
def recall_by_the_former_principal() -> bytes:
    return sign_recall(_describe(approved_by=_former()), {})


@fails("time: nobody signs a recall before it was requested", "time.plausible", "slots.order")
def recall_by_the_former_principal_backdated() -> bytes:
    return sign_recall(_describe(approved_by=_former()), {SlotRole.MANAGER: IN_OFFICE})


@fails("time: the same by requester and principal", "time.plausible")
def recall_backdated_by_everybody_but_the_seal() -> bytes:
    claimed = {SlotRole.REQUESTER: IN_OFFICE - STEP, SlotRole.MANAGER: IN_OFFICE}
    return sign_recall(_describe(approved_by=_former()), claimed)


@fails("time: signed before it was requested", "time.plausible")
def recall_requested_after_it_was_signed() -> bytes:
    return sign_recall(_describe(requested_at=SEALED_AT + timedelta(hours=1)), {})


@fails("time: requested before there was anything to recall", "time.plausible", xml=signed)
def recall_requested_before_the_transcript_was_locked() -> bytes:
    recall = _describe(approved_by=_former(), requested_at=IN_OFFICE - 2 * STEP)
    return sign_recall(recall, {SlotRole.REQUESTER: IN_OFFICE - STEP, SlotRole.MANAGER: IN_OFFICE})


@fails(
    "recall: it names its target by digest", "document.parts", xml=lambda: signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")
)
def recall_beside_another_transcript() -> bytes:
    return signed_recall()
