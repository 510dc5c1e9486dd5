"""Puts a document timestamp behind everything that a PDF holds, in two phases.

Implements ETSI EN 319 142-1, 5.4.3 and 6.3 (B-LTA) and ISO 32000-2, 12.8.5: a signature dictionary of /Type
/DocTimeStamp whose /Contents is an RFC 3161 token over the whole file but for the hole.  It stands in an invisible
field of its own, made in the same section: ISO 32000-2, 12.8.2.2 lets a document timestamp follow a signature that
locked the file.  Any number may follow each other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from signing.pades.section import SignatureSection, build_end
from signing.pades.stored import StoredPdf, get_reference, read_stored
from transcript_core.errors import MalformedTranscript, SlotNotReady, StaleDigest, TimestampRefused, TrustMaterialError
from transcript_core.pdf import Ref, Value, parse_value, write_value
from transcript_core.pdf.doc_timestamps import build_field, build_field_name
from transcript_core.pki.timestamps import parse_timestamp

DOCUMENT_TIMESTAMP_ROOM: Final = 12 * 1024
"""Bytes kept for a token.  With a chain of four, RSA-4096, it is about 8 KiB; /Contents may have 32,767 (PDF/A)."""

_BYTE_RANGE_WIDTH: Final = 36
"""Characters kept for the four numbers; three of at most eight digits (MAX_PDF_BYTES) need 29."""

_HEAD: Final = b"<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/V 0/ByteRange["


@dataclass(frozen=True, slots=True)
class PendingTimestamp:
    """A document timestamp that lacks its token."""

    imprint: bytes  # SHA-256 to be stamped, 32 raw bytes
    base_sha256: bytes  # of the file that it will be appended to
    section: SignatureSection


def prepare_document_timestamp(pdf: bytes, *, room: int = DOCUMENT_TIMESTAMP_ROOM) -> PendingTimestamp:
    """Return what an authority must stamp; the file stays as it is.

    Args:
        pdf: the sealed file as stored.
        room: bytes to keep for the token.

    Raises:
        SlotNotReady: the seal has not closed the file yet.
        MalformedTranscript: the file is not one of ours.
    """
    return prepare_stored(read_stored(pdf), room=room)


def prepare_stored(stored: StoredPdf, *, room: int = DOCUMENT_TIMESTAMP_ROOM) -> PendingTimestamp:
    """Do what `prepare_document_timestamp` does for a file that was read already."""
    if not stored.is_closed:
        raise SlotNotReady("the PDF is not sealed yet; a document timestamp comes after the seal")
    section = _build_section(stored, room)
    covered = hashlib.sha256(stored.data)
    base_sha256 = covered.digest()
    covered.update(section.before)
    covered.update(section.after)
    return PendingTimestamp(covered.digest(), base_sha256, section)


def attach_document_timestamp(pdf: bytes, pending: PendingTimestamp, token: bytes) -> bytes:
    """Return the file with the document timestamp behind it.

    Args:
        pdf: the same octets that were prepared.
        token: DER of an RFC 3161 token over `pending.imprint`.

    Raises:
        StaleDigest: the file changed since it was prepared.
        TimestampRefused: the token is for something else, cannot be read, or needs more room.
    """
    if hashlib.sha256(pdf).digest() != pending.base_sha256:
        raise StaleDigest("the PDF changed since its document timestamp was prepared; prepare it again")
    try:
        stamp = parse_timestamp(token)
    except TrustMaterialError as error:
        raise TimestampRefused("the document timestamp cannot be read; ask for a new one") from error
    if (stamp.imprint_hash, stamp.imprint) != ("sha256", pending.imprint):
        raise TimestampRefused("the document timestamp is for another file; ask for a new one")
    if len(token) > pending.section.room:
        raise TimestampRefused(
            f"the document timestamp needs {len(token)} bytes, {pending.section.room} were kept; prepare with more room"
        )
    return pdf + pending.section.fill(token)


def _build_section(stored: StoredPdf, room: int) -> SignatureSection:
    """Return the section: the dictionary around its hole, the field, the form that lists it, the page that bears it."""
    form = stored.form
    number, field = form.size, form.size + 1
    page = _find_page(stored)
    bodies = {
        field: write_value(build_field(build_field_name(len(stored.document_timestamps)), page=page, value=number)),
        **_list_in_form(stored, field),
        page: write_value(_with_item(stored, page, "Annots", field)),
    }
    head = b"%d 0 obj\n%s" % (number, _HEAD)
    hole_start = len(stored.data) + len(head) + _BYTE_RANGE_WIDTH + len(b"]/Contents ")
    hole_end = hole_start + 2 * room + 2
    pieces = [b">>\nendobj\n"]
    offsets = {number: len(stored.data)}
    at = hole_end + len(pieces[0])
    for one in sorted(bodies):
        offsets[one] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (one, bodies[one]))
        at += len(pieces[-1])
    after = b"".join([*pieces, build_end(form, offsets, at)])
    byte_range = b"0 %d %d %d" % (hole_start, hole_end, len(after))
    return SignatureSection(head + byte_range.ljust(_BYTE_RANGE_WIDTH) + b"]/Contents ", after, room)


def _find_page(stored: StoredPdf) -> int:
    """Return the page of the field that closes the file."""
    for field in stored.form.fields.values():
        if field.closes_file:
            dictionary, _ = parse_value(field.dictionary + b">>")
            return get_reference(dictionary.get("P") if isinstance(dictionary, dict) else None, "the seal's page")
    raise MalformedTranscript("the PDF has no field that closes it; it was not made here")


def _list_in_form(stored: StoredPdf, field: int) -> dict[int, bytes]:
    number = get_reference(stored.get_dictionary(stored.form.root).get("AcroForm"), "the form")
    return {number: write_value(_with_item(stored, number, "Fields", field))}


def _with_item(stored: StoredPdf, number: int, key: str, added: int) -> dict[str, Value]:
    """Return the dictionary with one more reference at the end of one of its arrays."""
    dictionary = stored.get_dictionary(number)
    items = dictionary.get(key)
    if not isinstance(items, list):
        raise MalformedTranscript(f"object {number} of the PDF has no plain list /{key}; the file was not made here")
    return {**dictionary, key: [*items, Ref(added)]}
