"""Prepares and attaches one PAdES signature in a prepared field of our own PDF.

Implements ETSI EN 319 142-1, 6 (B-B and B-T) in two phases: `prepare` builds the section that will be appended, with a
hole for the CMS object, and hashes the file around the hole; `attach` needs the same file, the section kept in the
pending state and the value.  PDF signatures are a queue: when another one came first, `attach` refuses the document.

/Reason is not written: EN 319 142-1, 6.3 forbids it beside commitment-type-indication, which says the same in a form
that machines can read.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Final

from signing.pades.cms import build_attributes, build_cms, cms_value, measure_cms
from signing.pades.section import (
    SignatureFacts,
    SignatureSection,
    build_signature_section,
    choose_location,
    closes_file,
)
from signing.signer import Pending, PendingFormat, SigningIdentity, check_value
from transcript_core.errors import (
    MalformedTranscript,
    NotFound,
    SignatureMismatch,
    SlotNotReady,
    StaleDigest,
    TimestampRefused,
    TrustMaterialError,
)
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.render.appearance import Appearance
from transcript_core.render.prepared import PreparedField, PreparedForm, read_prepared

TIMESTAMP_ROOM: Final = 8 * 1024
"""Bytes kept in /Contents for a signature-time-stamp.  A token with its chain of three is 4 to 6 KiB."""

_MAX_SECTION_BYTES: Final = 256 * 1024  # a section without its CMS object is 2 to 8 KiB
_PACKING_LEVEL: Final = 1  # the streams inside are packed already
_LATER_TABLE: Final = re.compile(
    rb"xref\n((?:\d{1,10} \d{1,10}\n(?:\d{10} 00000 n \n)+)+)trailer\n<<[^\n]*/Prev (\d{1,10})>>\nstartxref\n"
)
_TABLE_PART: Final = re.compile(rb"^(\d+) (\d+)$", re.MULTILINE)


def prepare(
    pdf: bytes,
    slot: Slot,
    identity: SigningIdentity,
    *,
    at: datetime,
    appearance: Appearance,
    policy: SigningPolicy,
    level: SignatureLevel | None = None,
) -> Pending:
    """Return the digest that signs `slot`; no key is involved and the file stays as it is.

    Args:
        pdf: the file as stored: `render_first_revision`'s, with any sections appended since.
        at: the time stated in /M, aware.
        appearance: what the field will show; its size must be the field's.
        level: the level aimed at when it is higher than the policy's; from B-T on, room is kept for a timestamp.

    Raises:
        NotFound: the file has no field of that name.
        SlotNotReady: the field is signed already, or the seal has closed the file.
        MalformedTranscript: the file is not one of ours.
    """
    form = read_prepared(pdf)
    field = _find_field(form, slot)
    _check_open(pdf, form, field, _name_document(slot.serial, slot.version, slot.slot_id))
    signed_at = at.astimezone(UTC).replace(microsecond=0)
    attributes = build_attributes(identity, slot, policy)
    timestamped = (level or slot.rule.level) is not SignatureLevel.B_B
    section = build_signature_section(
        form,
        field,
        base_length=len(pdf),
        facts=SignatureFacts(signed_at, name=slot.name, location=choose_location(identity)),
        appearance=appearance,
        room=measure_cms(identity, attributes) + (TIMESTAMP_ROOM if timestamped else 0),
    )
    signed = attributes.with_digest(_hash_around(pdf, section, identity.algorithm.hash_name))
    return Pending(
        format=PendingFormat.PADES,
        serial=slot.serial,
        version=slot.version,
        slot_id=slot.slot_id,
        digest=hashlib.new(identity.algorithm.hash_name, signed).digest(),
        digest_algorithm=identity.algorithm.hash_name,
        signature_algorithm=identity.algorithm,
        certificate_sha256=identity.certificate.sha256,
        signing_time=signed_at,
        state=_to_state(section, signed, digest_at=len(attributes.before)),
    )


def timestamp_imprint(pending: Pending, value: bytes) -> bytes:
    """Return what a signature-time-stamp covers: SHA-256 of the value's octets in CMS, 32 raw bytes.

    Args:
        value: the signer's answer, raw r‖s for ECDSA.

    Raises:
        SignatureMismatch: an ECDSA value that is not two numbers of equal length.

    Spec: EN 319 122-1, 5.3.
    """
    try:
        return hashlib.sha256(cms_value(pending.signature_algorithm, value)).digest()
    except ValueError as error:
        where = _name_document(pending.serial, pending.version, pending.slot_id)
        raise SignatureMismatch(f"{where}: the signature value is not raw r‖s; sign again") from error


def attach(
    pdf: bytes, pending: Pending, value: bytes, *, identity: SigningIdentity, timestamp: bytes | None = None
) -> bytes:
    """Return the file with the signature in its field; what was there stays byte for byte.

    Args:
        pdf: the same octets that were prepared.
        value: the signer's answer, raw r‖s for ECDSA.
        timestamp: DER TimeStampToken over `timestamp_imprint`, or None.

    Raises:
        StaleDigest: the file changed since it was prepared.
        SlotNotReady: the field was signed meanwhile.
        SignatureMismatch: another certificate, or a value that does not verify against it.
        TimestampRefused: the token is for another signature, or larger than the room that was kept.
    """
    section, signed = _from_state(pending)
    _check_unchanged(pdf, pending, section, signed)
    check_value(pending, value, identity.certificate)
    where = _name_document(pending.serial, pending.version, pending.slot_id)
    if timestamp is not None:
        _check_timestamp(timestamp, timestamp_imprint(pending, value), where)
    cms = build_cms(identity, signed, value, timestamp=timestamp)
    if len(cms) > section.room:
        raise TimestampRefused(
            f"{where}: the signature with its timestamp needs {len(cms)} bytes, {section.room} were kept; "
            "prepare for a higher level or attach without the timestamp"
        )
    return pdf + section.fill(cms)


def _check_timestamp(timestamp: bytes, imprint: bytes, where: str) -> None:
    try:
        stamp = parse_timestamp(timestamp)
    except TrustMaterialError as error:
        raise TimestampRefused(f"{where}: the timestamp cannot be read") from error
    if (stamp.imprint_hash, stamp.imprint) != ("sha256", imprint):
        raise TimestampRefused(f"{where}: the timestamp is for another signature; ask for a new one")


def _find_field(form: PreparedForm, slot: Slot) -> PreparedField:
    field = form.fields.get(slot.slot_id)
    if field is None:
        raise NotFound(f"the PDF has no field for slot {slot.slot_id}; it is signed in the XML alone")
    return field


def _check_open(pdf: bytes, form: PreparedForm, field: PreparedField, where: str) -> None:
    """Refuse a field that a later section has filled, and any field once the locking one is filled."""
    updated = _list_updated(pdf, form.startxref)
    if field.object_number in updated:
        raise SlotNotReady(f"{where}: the PDF's field is already signed")
    if any(closes_file(one) and one.object_number in updated for one in form.fields.values()):
        raise SlotNotReady(f"{where}: the seal has closed the PDF, nothing can be signed in it any more")


def _list_updated(pdf: bytes, startxref: int) -> set[int]:
    """Return the numbers of all objects written by sections after the first."""
    numbers: set[int] = set()
    while not pdf.startswith(b"xref\n0 ", startxref):
        table = _LATER_TABLE.match(pdf, startxref)
        if table is None or int(table[2]) >= startxref:
            raise MalformedTranscript("a section of the PDF was not written by this program; it cannot be signed")
        for part in _TABLE_PART.finditer(table[1]):
            numbers.update(range(int(part[1]), int(part[1]) + int(part[2])))
        startxref = int(table[2])
    return numbers


def _check_unchanged(pdf: bytes, pending: Pending, section: SignatureSection, signed: bytes) -> None:
    if hashlib.new(pending.digest_algorithm, signed).digest() != pending.digest:
        raise MalformedTranscript("the state of a pending signature does not belong to its digest; prepare it again")
    digest_at = _number(pending, "digest_at")
    digest = _hash_around(pdf, section, pending.digest_algorithm)
    if signed[digest_at : digest_at + len(digest)] == digest:
        return
    where = _name_document(pending.serial, pending.version, pending.slot_id)
    form = read_prepared(pdf)
    field = form.fields.get(pending.slot_id)
    if field is not None:
        _check_open(pdf, form, field, where)
    raise StaleDigest(f"{where}: the PDF changed since it was prepared; prepare it again")


def _hash_around(pdf: bytes, section: SignatureSection, hash_name: str) -> bytes:
    """Return the digest over everything but the hole (ISO 32000-1, 12.8.1)."""
    state = hashlib.new(hash_name, pdf)
    state.update(section.before)
    state.update(section.after)
    return state.digest()


def _to_state(section: SignatureSection, signed: bytes, *, digest_at: int) -> dict[str, str | int]:
    packed = zlib.compress(section.before + section.after, _PACKING_LEVEL)
    return {
        "section": b64encode(packed).decode("ascii"),
        "hole_at": len(section.before),
        "room": section.room,
        "attributes": b64encode(signed).decode("ascii"),
        "digest_at": digest_at,
    }


def _from_state(pending: Pending) -> tuple[SignatureSection, bytes]:
    if pending.format is not PendingFormat.PADES:
        raise MalformedTranscript("this pending signature is not one of a PDF")
    try:
        unpacker = zlib.decompressobj()
        octets = unpacker.decompress(b64decode(_text(pending, "section"), validate=True), _MAX_SECTION_BYTES)
        signed = b64decode(_text(pending, "attributes"), validate=True)
    except (ValueError, zlib.error) as error:
        raise MalformedTranscript("the state of a pending signature cannot be read; prepare it again") from error
    hole_at, room = _number(pending, "hole_at"), _number(pending, "room")
    return SignatureSection(octets[:hole_at], octets[hole_at:], room), signed


def _text(pending: Pending, name: str) -> str:
    value = pending.state.get(name)
    if not isinstance(value, str):
        raise MalformedTranscript(f"the state of a pending signature lacks {name}; prepare it again")
    return value


def _number(pending: Pending, name: str) -> int:
    value = pending.state.get(name)
    if not isinstance(value, int) or value < 0:
        raise MalformedTranscript(f"the state of a pending signature lacks {name}; prepare it again")
    return value


def _name_document(serial: str, version: int, slot_id: str) -> str:
    return f"document {serial} version {version}, slot {slot_id}"
