"""Recalls are signed by the same functions; an update keeps unchanged parts with their teachers' signatures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from signing import xades
from signing.signer import SigningIdentity
from tests.support.samples import PRINCIPAL, build_issue, build_transcript
from tests.support.signed import SIGNED_AT, describe, sign_slots
from tests.support.signers import make_signer
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.errors import StaleDigest
from transcript_core.model import (
    DocumentReference,
    Event,
    Grade,
    KeptSignature,
    Recall,
    Replacement,
    SchoolLevel,
    SlotRole,
    SlotSigner,
    Transcript,
)
from transcript_core.policy import Slot, find_policy, list_recall_slots, list_slots
from transcript_core.xml import (
    build_document,
    build_recall,
    document_digest,
    get_part,
    get_signature,
    list_signed_slots,
    read_document,
)


def build_sample_recall() -> Recall:
    transcript = build_transcript()
    policy = find_policy(None)

    def signer(role: SlotRole, slot_id: str, staff_code: str, name: str, title: str) -> SlotSigner:
        return SlotSigner(slot_id=slot_id, role=role, staff_code=staff_code, name=name, title=title)

    return Recall(
        serial=transcript.serial,
        version=2,
        target=DocumentReference(transcript.serial, 1, bytes(range(32))),
        school=transcript.school,
        school_year=transcript.school_year,
        reason="Nhầm học sinh & lớp",
        requested_by=signer(SlotRole.REQUESTER, "nguoi-de-nghi", "0187654321", "Trần Thị Vân", "VĂN THƯ"),
        requested_at=SIGNED_AT,
        approved_by=signer(SlotRole.MANAGER, "cbql", *PRINCIPAL, "HIỆU TRƯỞNG"),
        seal=build_issue(transcript).seal,
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )


def test_a_recall_is_requested_approved_and_sealed() -> None:
    recall = build_sample_recall()
    policy = find_policy(None)
    slots = list_recall_slots(recall, policy)
    document = build_recall(recall)
    for slot in slots:
        document = sign_slots(document, [slot], policy)
        assert canonicalize(parse_xml(document)) == document
    assert set(read_document(document).signed) == {"nguoi-de-nghi", "cbql", "ky-phat-hanh"}
    request = get_signature(document, "nguoi-de-nghi")
    seal = get_signature(document, "ky-phat-hanh")
    assert request is not None
    assert b'URI="#denghi"' in request
    assert "Văn thư, Trường THCS Hoa Sen".encode() in request
    assert seal is not None
    assert b'URI="#data"' in seal
    assert b'URI="#sig-cbql"' in seal


def correct(transcript: Transcript, subject_code: str, mark: Grade, digest: bytes) -> Transcript:
    """Return version 2 with one subject's mark changed; every other subject teacher's signature is kept."""
    subjects = tuple(
        replace(one, year=mark, revision=2) if one.subject_code == subject_code else one for one in transcript.subjects
    )
    signers = tuple(
        replace(one, part_revision=2)
        if one.subject_code == subject_code
        else replace(one, kept=KeptSignature(1, SIGNED_AT.date()))
        if one.role is SlotRole.SUBJECT_TEACHER
        else one
        for one in transcript.signers
    )
    return replace(
        transcript,
        version=2,
        event=Event.UPDATE,
        subjects=subjects,
        signers=signers,
        replaces=Replacement(1, digest, "Vào điểm sai", (f"diem-{subject_code}",)),
    )


def build_update() -> tuple[bytes, bytes, tuple[Slot, ...], dict[str, bytes]]:
    """Return version 1 signed by all, version 2 with a corrected mark, its slots and the kept signatures."""
    first = build_transcript()
    document, slots, policy = describe(first, build_issue(first))
    signed = sign_slots(document, slots, policy)
    second = correct(first, "TOAN", Grade(mark=Decimal("8.5")), document_digest(signed))
    new_slots = list_slots(second, build_issue(second), policy)
    kept = {slot.slot_id: get_signature(signed, slot.slot_id) or b"" for slot in new_slots if slot.kept}
    return signed, build_document(second, build_issue(second), kept=kept), new_slots, kept


def test_an_update_keeps_the_teachers_whose_parts_did_not_change() -> None:
    signed, update, slots, kept = build_update()
    assert len(kept) == 15
    assert list_signed_slots(update) == set(kept)
    update = sign_slots(update, [slot for slot in slots if not slot.kept], find_policy(SchoolLevel.LOWER_SECONDARY))
    assert canonicalize(parse_xml(update)) == update
    assert set(read_document(update).signed) == {slot.slot_id for slot in slots}
    for slot_id, signature in kept.items():
        assert get_signature(update, slot_id) == signature
    assert get_part(update, "diem-LSDL") == get_part(signed, "diem-LSDL")
    assert get_part(update, "diem-TOAN") != get_part(signed, "diem-TOAN")


def test_what_was_prepared_for_the_old_version_is_stale_in_the_update() -> None:
    first = build_transcript()
    document, slots, policy = describe(first, build_issue(first))
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    pending = xades.prepare(document, slots[0], identity, at=SIGNED_AT, policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    _, update, _, _ = build_update()
    with pytest.raises(StaleDigest, match="diem-TOAN"):
        xades.attach(update, pending, value, identity=identity)
