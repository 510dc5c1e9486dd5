"""Corrections: version 2 of the sample transcript, most teachers' signatures kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from tests.support.samples import build_issue, build_transcript
from tests.vectors.cases import fails
from tests.vectors.school import school, signed
from transcript_core.model import (
    Event,
    Grade,
    KeptSignature,
    Replacement,
    SlotRole,
    SlotSigner,
    SubjectResult,
    Transcript,
)
from transcript_core.policy import get_policy, list_slots
from transcript_core.xml import build_document, document_digest, get_signature

LOCKED_AT = datetime(2026, 8, 15, 2, 0, tzinfo=UTC)
CORRECTED_AT = LOCKED_AT + timedelta(days=2)
SIGNED_ON = date(2026, 5, 29)


def correct(*, changed: str = "TOAN", signed_on: date = SIGNED_ON) -> Transcript:
    """Return version 2, the year's mark of one subject corrected; everybody else's signature is kept."""
    before = build_transcript()

    def subject(one: SubjectResult) -> SubjectResult:
        if one.subject_code != changed:
            return one
        return replace(one, revision=2, year=Grade(mark=Decimal("8.5")))

    def signer(one: SlotSigner) -> SlotSigner:
        if one.subject_code == changed:
            return replace(one, part_revision=2)
        kept = KeptSignature(1, signed_on) if one.role is SlotRole.SUBJECT_TEACHER else None
        return replace(one, kept=kept)

    return replace(
        before,
        version=2,
        event=Event.UPDATE,
        locked_at=LOCKED_AT,
        subjects=tuple(map(subject, before.subjects)),
        signers=tuple(map(signer, before.signers)),
        replaces=Replacement(1, document_digest(signed()), "Nhập sai điểm.", (f"diem-{changed}",)),
    )


def sign_correction(transcript: Transcript, source: bytes) -> bytes:
    """Return version 2 signed, the kept signatures taken from `source`."""
    issue = replace(build_issue(transcript), issued_on=date(2026, 8, 15))
    policy = get_policy(transcript.policy_id)
    slots = list_slots(transcript, issue, policy)
    kept = {slot.slot_id: get_signature(source, slot.slot_id) or b"" for slot in slots if slot.kept}
    document = build_document(transcript, issue, kept=kept)
    return school().sign_all(document, slots, policy, start=LOCKED_AT)


@cache
def build_corrected() -> bytes:
    """Return a sound version 2."""
    return sign_correction(correct(), signed())


@fails("a kept signature is the one of the listed day", "time.plausible", at=CORRECTED_AT)
def kept_signature_of_another_day() -> bytes:
    return sign_correction(correct(signed_on=date(2026, 5, 28)), signed())


@fails(
    "a kept signature signs the part as it is",
    "signature.references",
    at=CORRECTED_AT,
)
def kept_signature_over_a_changed_part() -> bytes:
    transcript = correct()
    forged = tuple(
        replace(one, comment="Xuất sắc.") if one.subject_code == "NGUVAN" else one for one in transcript.subjects
    )
    return sign_correction(replace(transcript, subjects=forged), signed())


@fails("a kept signature belongs to this document", "signature.references", at=CORRECTED_AT)
def kept_signatures_of_another_pupils_document() -> bytes:
    return sign_correction(correct(), signed(serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ"))
