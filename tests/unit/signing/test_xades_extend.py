"""A timestamp that comes later: only into a signature that nobody covers yet, and before later slots if policy says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signing import xades
from signing.signer import SigningIdentity
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signed_pdf import request_timestamp
from tests.support.signers import make_signer
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.errors import SlotNotReady, TimestampRefused
from transcript_core.model import SchoolLevel
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.xml import get_signature, read_document


def signed_by_all() -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    return sign_slots(document, slots, policy), slots, policy


def test_the_seals_timestamp_can_come_later() -> None:
    document, slots, policy = signed_by_all()
    seal = slots[-1]
    token = request_timestamp(xades.get_timestamp_imprint(document, seal.slot_id))
    extended = xades.add_timestamp(document, seal, token, policy=policy)
    assert canonicalize(parse_xml(extended)) == extended
    assert set(read_document(extended).signed) == {slot.slot_id for slot in slots}
    for slot in slots[:-1]:
        assert get_signature(extended, slot.slot_id) == get_signature(document, slot.slot_id)
    with pytest.raises(SlotNotReady, match="already"):
        xades.add_timestamp(extended, seal, token, policy=policy)


def test_it_is_the_same_document_as_with_a_timestamp_at_once() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    pending = xades.prepare(document, slots[0], identity, at=SIGNED_AT, policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    token = request_timestamp(xades.timestamp_imprint(pending, value))
    for evidence in (None, Evidence((signer.certificate,), (b"\x30\x00",), (), SIGNED_AT)):
        at_once = xades.attach(document, pending, value, identity=identity, evidence=evidence, timestamp=token)
        without = xades.attach(document, pending, value, identity=identity, evidence=evidence)
        assert xades.get_timestamp_imprint(without, slots[0].slot_id) == xades.timestamp_imprint(pending, value)
        assert xades.add_timestamp(without, slots[0], token, policy=policy) == at_once


def test_nothing_is_added_to_what_a_later_slot_covers() -> None:
    document, slots, policy = signed_by_all()
    for slot in slots[:-1]:
        token = request_timestamp(xades.get_timestamp_imprint(document, slot.slot_id))
        with pytest.raises(SlotNotReady, match="covered"):
            xades.add_timestamp(document, slot, token, policy=policy)


def test_a_token_for_something_else_is_refused() -> None:
    document, slots, policy = signed_by_all()
    for token in (request_timestamp(bytes(32)), b"", b"\x30\x00"):
        with pytest.raises(TimestampRefused):
            xades.add_timestamp(document, slots[-1], token, policy=policy)


def test_an_empty_slot_has_nothing_to_timestamp() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    with pytest.raises(SlotNotReady):
        xades.get_timestamp_imprint(document, slots[0].slot_id)
    with pytest.raises(SlotNotReady):
        xades.add_timestamp(document, slots[0], b"", policy=policy)


def test_later_slots_wait_for_a_timestamp_that_the_policy_demands() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    first = replace(policy.rules[0], level=SignatureLevel.B_T, demanded_level=SignatureLevel.B_T)
    strict = replace(policy, rules=(first, *policy.rules[1:]))
    document = sign_slots(document, slots[:1], strict)
    signer = SigningIdentity.of(make_signer("p-256"))
    with pytest.raises(SlotNotReady) as caught:
        xades.prepare(document, slots[1], signer, at=SIGNED_AT, policy=strict)
    assert caught.value.missing == (slots[0].slot_id,)
    token = request_timestamp(xades.get_timestamp_imprint(document, slots[0].slot_id))
    extended = xades.add_timestamp(document, slots[0], token, policy=strict)
    assert xades.prepare(extended, slots[1], signer, at=SIGNED_AT, policy=strict).digest
