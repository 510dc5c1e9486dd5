"""Prepares and attaches one PAdES signature in a prepared field of our own PDF.

Implements ETSI EN 319 142-1, 6 (B-B and B-T) in two phases: `prepare` builds the section that will be appended, with a
hole for the CMS object, and hashes the file around the hole; `attach` needs the same file, the section kept in the
pending state and the value.  PDF signatures are a queue: when another one came first, `attach` refuses the document.

/Reason is not written: EN 319 142-1, 6.3 forbids it beside commitment-type-indication, which says the same in a form
that machines can read.
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64decode, b64encode
from binascii import hexlify
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from signing.claims import get_claims
from signing.pades.action import describe_action
from signing.pades.cms import SignedAttributes, build_timestamped_cms, cms_value, write_cms
from signing.pades.opened import OpenPdf
from signing.pades.section import SignatureSection, build_signature_section
from signing.signer import Pending, PendingFormat, SigningIdentity, check_identity, check_value
from signing.state import KeptState, StateValue
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
from transcript_core.render.prepared import PreparedField

TIMESTAMP_ROOM: Final = 8 * 1024
"""Bytes kept in /Contents for a signature-time-stamp.  A token with its chain of three is 4 to 6 KiB."""

_MAX_SECTION_BYTES: Final = 256 * 1024  # a section without its CMS object is 2 to 8 KiB
_PACKING_LEVEL: Final = 1  # the streams inside are packed already


@dataclass(frozen=True, slots=True, eq=False)
class PadesState(KeptState):
    """What `attach` needs of a prepared PAdES signature; packed only when it is written."""

    section: SignatureSection
    attributes: SignedAttributes
    file_digest: bytes  # of the file and the section around its hole, by the algorithm's hash
    file: OpenPdf | None = field(default=None, repr=False)  # the very file it was prepared for, while it is at hand

    def write(self) -> dict[str, StateValue]:
        """Return the state as plain values."""
        packed = zlib.compress(self.section.before + self.section.after, _PACKING_LEVEL)
        return {
            "section": b64encode(packed).decode("ascii"),
            "hole_at": len(self.section.before),
            "room": self.section.room,
            "attributes": b64encode(self.attributes.with_digest(self.file_digest)).decode("ascii"),
            "digest_at": len(self.attributes.before),
        }


def prepare(
    pdf: bytes | OpenPdf,
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
        NotEligible: the certificate's key is not one for the identity's algorithm.
        MalformedTranscript: the file is not one of ours.
    """
    check_identity(identity, slot)
    opened = _open(pdf)
    prepared = _find_field(opened, slot)
    if problem := _find_problem(opened, prepared):
        raise SlotNotReady(f"{slot.where}: {problem}")
    action = describe_action(identity, get_claims(slot), at, policy.oid, policy.digest)
    timestamped = (level or slot.rule.level) is not SignatureLevel.B_B
    section = build_signature_section(
        opened.form,
        prepared,
        base_length=opened.length,
        description=action.description,
        appearance=appearance,
        room=action.cms_size + (TIMESTAMP_ROOM if timestamped else 0),
    )
    algorithm = identity.algorithm
    file_digest = opened.digest_with((section.before, section.after), algorithm.hash_name)
    return Pending(
        format=PendingFormat.PADES,
        serial=slot.serial,
        version=slot.version,
        slot_id=slot.slot_id,
        digest=algorithm.new_hash(action.attributes.with_digest(file_digest)).digest(),
        digest_algorithm=algorithm.hash_name,
        signature_algorithm=algorithm,
        certificate_sha256=identity.certificate.sha256,
        signing_time=action.signed_at,
        state=PadesState(section, action.attributes, file_digest, opened),
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
        raise SignatureMismatch(f"{pending.where}: the signature value is not raw r‖s; sign again") from error


def attach(
    pdf: bytes | OpenPdf, pending: Pending, value: bytes, *, identity: SigningIdentity, timestamp: bytes | None = None
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
    return attach_opened(pdf, pending, value, identity=identity, timestamp=timestamp).octets


def attach_opened(
    pdf: bytes | OpenPdf, pending: Pending, value: bytes, *, identity: SigningIdentity, timestamp: bytes | None = None
) -> OpenPdf:
    """As `attach`; the returned file is opened already, for the next signature or to be named by its digest."""
    state = _get_state(pending)
    opened = _open(pdf)
    _check_unchanged(opened, pending, state)
    check_value(pending, value, identity)
    if timestamp is None:
        digits = write_cms(identity, state.attributes, state.file_digest, value)
    else:
        _check_timestamp(timestamp, timestamp_imprint(pending, value), pending.where)
        digits = hexlify(build_timestamped_cms(identity, state.attributes, state.file_digest, value, timestamp))
    if len(digits) > 2 * state.section.room:
        raise TimestampRefused(
            f"{pending.where}: the signature with its timestamp needs {len(digits) // 2} bytes, {state.section.room} "
            "were kept; prepare for a higher level or attach without the timestamp"
        )
    return opened.append(state.section.fill_digits(digits), state.section.numbers)


def _open(pdf: bytes | OpenPdf) -> OpenPdf:
    return pdf if isinstance(pdf, OpenPdf) else OpenPdf(pdf)


def _check_timestamp(timestamp: bytes, imprint: bytes, where: str) -> None:
    try:
        stamp = parse_timestamp(timestamp)
    except TrustMaterialError as error:
        raise TimestampRefused(f"{where}: the timestamp cannot be read; ask for a new one") from error
    if (stamp.imprint_hash, stamp.imprint) != ("sha256", imprint):
        raise TimestampRefused(f"{where}: the timestamp is for another signature; ask for a new one")


def _find_field(opened: OpenPdf, slot: Slot) -> PreparedField:
    prepared = opened.form.fields.get(slot.slot_id)
    if prepared is None:
        raise NotFound(f"the PDF has no field for slot {slot.slot_id}; it is signed in the XML alone")
    return prepared


def _find_problem(opened: OpenPdf, field: PreparedField) -> str | None:
    """Return why a field cannot be signed: a later section has filled it, or the locking one."""
    updated = opened.list_updated()
    if field.object_number in updated:
        return "the PDF's field is already signed"
    if not opened.form.locking.isdisjoint(updated):
        return "the seal has closed the PDF, nothing can be signed in it any more"
    return None


def _check_unchanged(opened: OpenPdf, pending: Pending, state: PadesState) -> None:
    """Hold the state against the digest that is signed, and the file against the state.

    The file that was prepared cannot have changed as long as it is the same one; any other is hashed.
    """
    signed = state.attributes.with_digest(state.file_digest)
    if pending.signature_algorithm.new_hash(signed).digest() != pending.digest:
        raise MalformedTranscript(f"{pending.where}: the pending state does not belong to its digest; prepare again")
    section = state.section
    if state.file is opened:
        return
    if opened.digest_with((section.before, section.after), pending.digest_algorithm) == state.file_digest:
        return
    prepared = opened.form.fields.get(pending.slot_id)
    if prepared is not None and (problem := _find_problem(opened, prepared)):
        raise SlotNotReady(f"{pending.where}: {problem}")
    raise StaleDigest(f"{pending.where}: the PDF changed since it was prepared; prepare it again")


def _get_state(pending: Pending) -> PadesState:
    """Return the state as it was made at prepare, or read it when it has travelled as text."""
    if pending.format is not PendingFormat.PADES:
        raise MalformedTranscript(f"{pending.where}: prepared for {pending.format.value}, not for pades")
    if isinstance(pending.state, PadesState):
        return pending.state
    try:
        unpacker = zlib.decompressobj()
        octets = unpacker.decompress(b64decode(_text(pending, "section"), validate=True), _MAX_SECTION_BYTES)
        signed = b64decode(_text(pending, "attributes"), validate=True)
    except (ValueError, zlib.error) as error:
        raise MalformedTranscript(f"{pending.where}: the prepared state cannot be read; prepare again") from error
    hole_at, digest_at = _number(pending, "hole_at"), _number(pending, "digest_at")
    digest_end = digest_at + len(pending.digest)
    return PadesState(
        SignatureSection(octets[:hole_at], octets[hole_at:], _number(pending, "room")),
        SignedAttributes(signed[:digest_at], signed[digest_end:]),
        signed[digest_at:digest_end],
    )


def _text(pending: Pending, name: str) -> str:
    value = pending.state.get(name)
    if not isinstance(value, str):
        raise MalformedTranscript(f"{pending.where}: the prepared state lacks {name}; prepare again")
    return value


def _number(pending: Pending, name: str) -> int:
    value = pending.state.get(name)
    if not isinstance(value, int) or value < 0:
        raise MalformedTranscript(f"{pending.where}: the prepared state lacks {name}; prepare again")
    return value
