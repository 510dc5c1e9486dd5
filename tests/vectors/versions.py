"""Corrections: version 2 of the sample transcript, most teachers' signatures kept."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from lxml.etree import _Element

from tests.support.samples import build_issue, build_transcript
from tests.vectors.cases import fails
from tests.vectors.forge import HOMEROOM, MATHS, edit, reseal, resign, transplant
from tests.vectors.longterm import at_time
from tests.vectors.school import STEP, school, signed
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
SEALED_AT = LOCKED_AT + 3 * STEP


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


_SLIPPED = "revisions: a corrected part is not taken back to what it was"
_UNPROVEN = ("certificate.revocation", "certificate.path")
"""What is open of the kept signatures in August when the structure does not say what the seal's timestamp proves."""


def _slip_back(root: _Element) -> None:
    """Put what the maths teacher wrote and signed in version 1 in the place of the correction."""
    transplant(signed(), ("diem-TOAN", f"sig-{MATHS}"))(root)


@fails(_SLIPPED, "document.structure", "document.parts", "signature.references", *_UNPROVEN, at=CORRECTED_AT)
def corrected_part_taken_back() -> bytes:
    """Nobody signs again; the teacher's own signature is genuine."""
    return edit(build_corrected(), _slip_back)


@fails(_SLIPPED, "document.structure", "document.parts", *_UNPROVEN, at=CORRECTED_AT)
def corrected_part_taken_back_and_sealed() -> bytes:
    """Everybody who signs the whole is deceived: every signature is right."""
    with at_time(SEALED_AT):
        return edit(build_corrected(), _slip_back, resign(HOMEROOM), reseal)


@fails("docs/schema.md, THAY_THE: exactly the parts that it names were revised", "document.parts", at=CORRECTED_AT)
def corrected_part_taken_back_as_a_kept_one() -> bytes:
    """They are in it: the list calls the old part revision 1 and the old signature kept."""

    def relist(root: _Element) -> None:
        _slip_back(root)
        entry, other = (
            next(one for one in root.iter("NGUOI_KY") if one.findtext("PHAN_KY") == f"diem-{subject}")
            for subject in ("TOAN", "NGUVAN")
        )
        revision, kept = entry.find("PHIEN_BAN_PHAN_KY"), other.find("CHU_KY_GIU_LAI")
        assert revision is not None
        assert kept is not None
        revision.text = "1"
        entry.append(copy.deepcopy(kept))

    with at_time(SEALED_AT):
        return edit(build_corrected(), relist, resign(HOMEROOM), reseal)


@fails("docs/schema.md, THAY_THE: exactly the parts that it names were revised", "document.parts", at=CORRECTED_AT)
def revised_part_that_is_not_called_changed() -> bytes:
    transcript = correct()
    assert transcript.replaces is not None
    silent = replace(transcript.replaces, changed_parts=("thongtinhocba",))
    return sign_correction(replace(transcript, replaces=silent), signed())
