"""Sample PDFs and the signing of their fields, and updates of every other kind, for tests that need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache

from keys_dev.services import Responder
from signing import pades
from signing.pades.section import build_end
from signing.signer import Pending, Signer, SigningIdentity
from signing.timestamp import TimestampClient
from tests.support.pki import CREATED_AT, development_pki
from tests.support.samples import build_issue, build_transcript
from tests.support.signers import make_signer
from transcript_core.clock import FixedClock
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SigningPolicy, Slot, get_policy, list_slots
from transcript_core.render import (
    Appearance,
    build_person_appearance,
    build_seal_appearance,
    read_prepared,
    render_first_revision,
)
from transcript_core.xml import build_info

PDF_SIGNED_AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
QR_URL = "https://hocba.example/v/01J9ZK3T5V7X9ABCDEFGHJKMNP/1#AbCdEfGhIjKlMnOp"
OCSP_STAND_IN = bytes.fromhex("30030a0101")  # OCSPResponse with status malformedRequest: well formed, proves nothing


@cache
def unsigned_pdf() -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    """Return a lower secondary form with empty fields, its slots in signing order, and its policy."""
    transcript = build_transcript()
    issue = build_issue(transcript)
    policy = get_policy(transcript.policy_id)
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    return pdf, list_slots(transcript, issue, policy), policy


def build_appearance(pdf: bytes, slot: Slot) -> Appearance:
    """Return what the slot's field shows once it is signed."""
    field = read_prepared(pdf).fields[slot.slot_id]
    if slot.staff_code is None:
        return build_seal_appearance(
            field.width, field.height, school_name=slot.name, signed_at=PDF_SIGNED_AT, qr_url=QR_URL
        )
    return build_person_appearance(field.width, field.height, name=slot.name, title=slot.title, signed_at=PDF_SIGNED_AT)


def prepare_slot(pdf: bytes, slot: Slot, signer: Signer, policy: SigningPolicy) -> Pending:
    """Return the pending signature of this signer in this slot."""
    return pades.prepare(
        pdf,
        slot,
        SigningIdentity.of(signer),
        at=PDF_SIGNED_AT,
        appearance=build_appearance(pdf, slot),
        policy=policy,
    )


def sign_slot(pdf: bytes, slot: Slot, signer: Signer, policy: SigningPolicy, *, timestamped: bool = False) -> bytes:
    """Return the file with this slot signed."""
    pending = prepare_slot(pdf, slot, signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    token = request_timestamp(pades.timestamp_imprint(pending, value)) if timestamped else None
    return pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer), timestamp=token)


def request_timestamp(imprint: bytes) -> bytes:
    """Return a token of the development TSA, without a network."""
    pki, clock = development_pki(), FixedClock(CREATED_AT)
    return TimestampClient([pki.tsa_url], Responder(pki, clock), clock=clock).request(imprint)


def sign_with_memory_keys(pdf: bytes, slots: Sequence[Slot], policy: SigningPolicy) -> bytes:
    """Return the file with these slots signed by keys in memory, RSA and ECDSA in turn."""
    for number, slot in enumerate(slots):
        pdf = sign_slot(pdf, slot, make_signer(("rsa-2048", "p-256")[number % 2], name=slot.name), policy)
    return pdf


@cache
def partly_signed_pdf() -> bytes:
    """Return the form with its first two slots signed."""
    pdf, slots, policy = unsigned_pdf()
    return sign_with_memory_keys(pdf, slots[:2], policy)


@cache
def fully_signed_pdf() -> bytes:
    """Return the form with all slots signed, the evidence before the seal, the seal timestamped."""
    pdf, slots, policy = unsigned_pdf()
    pdf = sign_with_memory_keys(pdf, slots[:-1], policy)
    seal = make_signer(name=slots[-1].name)
    pdf = pades.append_evidence(pdf, [stand_in_evidence(seal)])
    return sign_slot(pdf, slots[-1], seal, policy, timestamped=True)


def stand_in_evidence(signer: Signer, *, crls: tuple[bytes, ...] = ()) -> Evidence:
    """Return evidence of the right shape that proves nothing; equal but for the CRLs."""
    return Evidence((signer.certificate, *signer.chain), (OCSP_STAND_IN,), crls, PDF_SIGNED_AT)


def append_objects(pdf: bytes, bodies: Mapping[int, bytes]) -> bytes:
    """Return the file with a well-formed update that writes these objects: what a forger would append."""
    form = read_prepared(pdf)
    offsets: dict[int, int] = {}
    pieces = [pdf]
    at = len(pdf)
    for number, body in sorted(bodies.items()):
        offsets[number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        at += len(pieces[-1])
    return b"".join(pieces) + build_end(form, offsets, at)
