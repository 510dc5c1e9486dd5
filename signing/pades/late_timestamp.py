"""Puts a signature-time-stamp that came late into the room that its signature kept for it (B-B to B-T).

Implements EN 319 122-1, 5.3 (an unsigned attribute of the signature) for a stored PDF.  A PDF's signature covers
everything but its own /Contents, so the token may stand there as long as no later section covers the file; every
octet outside the room stays, and the result is the file that `attach` would have made with the token at hand.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from asn1crypto import cms, core

from signing.pades.stored import StoredPdf, StoredSignature, read_stored
from transcript_core.errors import SlotNotReady, TimestampRefused, TrustMaterialError
from transcript_core.pki import cades
from transcript_core.pki.timestamps import parse_timestamp

_SMALLEST_ROOM: Final = 512
"""Bytes below which no token fits; an ECDSA signature leaves a few zeros without having kept any room."""


def get_timestamp_imprint(pdf: bytes) -> bytes:
    """Return what a timestamp on the last signature covers: SHA-256 of its value's octets, 32 raw bytes.

    Raises:
        SlotNotReady: the last section is not a signature that waits for its timestamp; `read_state` tells.
        MalformedTranscript: the file is not one of ours.
    """
    return compute_imprint(find_waiting(read_stored(pdf)))


def compute_imprint(signature: StoredSignature) -> bytes:
    """Return SHA-256 of the signature value's octets, 32 raw bytes.  Spec: EN 319 122-1, 5.3."""
    return hashlib.sha256(signature.content_info["content"]["signer_infos"][0]["signature"].native).digest()


def add_timestamp(pdf: bytes, token: bytes) -> bytes:
    """Return the file with the token in its last signature; every other octet stays.

    Args:
        token: DER of an RFC 3161 token over `get_timestamp_imprint`.

    Raises:
        SlotNotReady: as `get_timestamp_imprint`.
        TimestampRefused: the token is for another signature, cannot be read, or is larger than the room.
    """
    signature = find_waiting(read_stored(pdf))
    _check_token(token, compute_imprint(signature))
    content = signature.content_info
    content["content"]["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([_build_attribute(token)])
    stamped: bytes = content.dump()
    room = len(signature.contents)
    if len(stamped) > room:
        raise TimestampRefused(
            f"the signature with its timestamp needs {len(stamped)} bytes, {room} were kept; "
            "a document timestamp proves its time instead"
        )
    filled = stamped.ljust(room, b"\0").hex().encode("ascii")
    return pdf[: signature.hole_at + 1] + filled + pdf[signature.hole_at + 1 + len(filled) :]


def find_waiting(stored: StoredPdf) -> StoredSignature:
    """Return the last signature when it kept room for a timestamp, has none yet, and nothing follows it.

    Raises:
        SlotNotReady: there is no such signature.
    """
    last = stored.signatures[-1] if stored.signatures else None
    if last is None or last.is_document_timestamp or last.end != len(stored.data):
        raise SlotNotReady("no signature ends this PDF; its time is proven by a document timestamp instead")
    if len(last.contents) - len(last.der) < _SMALLEST_ROOM:
        raise SlotNotReady("the last signature of this PDF kept no room for a timestamp, or has one already")
    if get_timestamp(last) is not None:
        raise SlotNotReady("the last signature of this PDF has a timestamp already")
    return last


def get_timestamp(signature: StoredSignature) -> bytes | None:
    """Return the DER of the signature-time-stamp that a signature carries, or None."""
    attributes = signature.content_info["content"]["signer_infos"][0]["unsigned_attrs"]
    if isinstance(attributes, core.Void):
        return None
    found = (one["values"][0].dump() for one in attributes if one["type"].dotted == cades.SIGNATURE_TIMESTAMP)
    return next(found, None)


def _check_token(token: bytes, imprint: bytes) -> None:
    try:
        stamp = parse_timestamp(token)
    except TrustMaterialError as error:
        raise TimestampRefused("the timestamp cannot be read; ask for a new one") from error
    if (stamp.imprint_hash, stamp.imprint) != ("sha256", imprint):
        raise TimestampRefused("the timestamp is for another signature; ask for a new one")


def _build_attribute(token: bytes) -> Any:
    return cms.CMSAttribute({"type": cades.SIGNATURE_TIMESTAMP, "values": [cms.ContentInfo.load(token)]})
