"""The sample school's PDF and JSON, signed by the same people as its XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache

from signing import pades
from signing.jades import sign_jws
from signing.signer import Signer, SigningIdentity
from tests.support.samples import build_issue, build_transcript
from tests.support.signed_pdf import QR_URL
from tests.vectors.school import STEP, TEACHERS_SIGN_AT, describe, school
from transcript_core.json import build_json
from transcript_core.model import IssueInfo, SlotRole, Transcript
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SigningPolicy, Slot, get_policy, list_slots
from transcript_core.render import (
    Appearance,
    build_person_appearance,
    build_seal_appearance,
    read_prepared,
    render_first_revision,
)
from transcript_core.xml import build_info, document_digest
from verify.formats.jades import TRANSCRIPT_JWS_TYPE


@cache
def first_revision() -> bytes:
    """Return the picture that nobody has signed."""
    transcript = build_transcript()
    return render_first_revision(transcript, build_issue(transcript), info_xml=build_info(transcript))


def describe_pictured() -> tuple[Transcript, IssueInfo]:
    """Return the sample transcript, its issue part naming the picture."""
    transcript = build_transcript()
    return transcript, build_issue(transcript, pdf=first_revision())


@cache
def pictured_xml() -> bytes:
    """Return the signed XML that names the picture's digest."""
    document, slots, policy = describe(*describe_pictured())
    return school().sign_all(document, slots, policy)


@cache
def signed_pdf() -> bytes:
    """Return the PDF, signed in all its slots."""
    transcript, issue = describe_pictured()
    policy = get_policy(transcript.policy_id)
    return sign_pdf(first_revision(), list_slots(transcript, issue, policy), policy)


def sign_pdf(
    pdf: bytes,
    slots: Sequence[Slot],
    policy: SigningPolicy,
    *,
    start: datetime = TEACHERS_SIGN_AT,
    signers: Mapping[str, Signer] | None = None,
    draw: Callable[[bytes, Slot], Appearance] | None = None,
) -> bytes:
    """Return the PDF with every slot signed in order; before the seal, the evidence of all, the TSA's included.

    Args:
        draw: what each field shows; None: what it should.
    """
    here = school()
    evidence: list[Evidence] = []
    for slot in slots:
        here.clock.at = start + STEP * (slot.rule.order - 1)
        key = (signers or {}).get(slot.slot_id) or here.signer_of(slot)
        evidence.append(here.collect(key))
        stamped = slot.role is SlotRole.SEAL
        if stamped:
            pdf = pades.append_evidence(pdf, [*evidence, here.stamp(bytes(32))[1]])
        appearance = (draw or build_appearance)(pdf, slot)
        pdf = _sign(pdf, slot, key, policy, appearance, stamped=stamped)
    return pdf


def _sign(
    pdf: bytes, slot: Slot, key: Signer, policy: SigningPolicy, appearance: Appearance, *, stamped: bool
) -> bytes:
    here, identity = school(), SigningIdentity.of(key)
    pending = pades.prepare(pdf, slot, identity, at=here.clock.at, appearance=appearance, policy=policy)
    (value,) = key.sign_digests([pending.digest])
    token = here.stamp(pades.timestamp_imprint(pending, value))[0] if stamped else None
    return pades.attach(pdf, pending, value, identity=identity, timestamp=token)


def build_appearance(pdf: bytes, slot: Slot, *, url: str = QR_URL) -> Appearance:
    """Return what a field shows once it is signed; the QR code leads to `url`."""
    field, at = read_prepared(pdf).fields[slot.slot_id], school().clock.at
    if slot.staff_code is None:
        return build_seal_appearance(field.width, field.height, school_name=slot.name, signed_at=at, qr_url=url)
    return build_person_appearance(field.width, field.height, name=slot.name, title=slot.title, signed_at=at)


def signed_json(transcript: Transcript, document: bytes) -> bytes:
    """Return the transcript as JWS of the seal, naming `document`."""
    here = school()
    here.clock.at = TEACHERS_SIGN_AT + 3 * STEP
    headers: dict[str, str | int] = {
        "typ": TRANSCRIPT_JWS_TYPE,
        "serial": transcript.serial,
        "version": transcript.version,
        "digest": document_digest(document).hex(),
    }
    return sign_jws(build_json(transcript), here.seal(), headers=headers, at=here.clock.at)
