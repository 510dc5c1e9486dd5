"""Adds to a signature what was not to be had when it was made: the timestamp that its policy wants.

Spec: ETSI EN 319 132-1, 5.3 (SignatureTimeStamp) and 6.3 (B-T).  Only unsigned properties of a signature that nobody
has covered yet change: after the principal has signed, the teachers' signatures stay as they are, and so on upwards.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from signing.xades.names import value_id
from signing.xades.templates import Form, build_signature_timestamp, wrap_unsigned_properties
from transcript_core.errors import SlotNotReady, TimestampRefused, TrustMaterialError
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import StoredDocument

_VALUE: Final = re.compile(rb'<ds:SignatureValue( Id="[^"]*">[A-Za-z0-9+/=]+</ds:SignatureValue>)')
_UNSIGNED: Final = b"<xades:UnsignedSignatureProperties>"
_TIMESTAMP: Final = b"<xades:SignatureTimeStamp>"
_END: Final = b"</xades:QualifyingProperties>"


def get_timestamp_imprint(document: bytes, slot_id: str) -> bytes:
    """Return what a timestamp on the signature in this slot covers, 32 raw bytes.

    Raises:
        SlotNotReady: the slot is not signed.
    """
    return _imprint(_get_signature(StoredDocument(document), slot_id), slot_id)


def add_timestamp(document: bytes, slot: Slot, token: bytes, *, policy: SigningPolicy) -> bytes:
    """Return the document with a timestamp in the signature of `slot`; every other octet stays.

    Args:
        token: DER of an RFC 3161 token over `get_timestamp_imprint`.

    Raises:
        SlotNotReady: the slot is not signed, has a timestamp, or a slot of a later order covers it already.
        TimestampRefused: the token is for another signature or cannot be read.
    """
    stored = StoredDocument(document)
    signature = _get_signature(stored, slot.slot_id)
    _check_uncovered(stored, slot, policy)
    if _TIMESTAMP in signature:
        raise SlotNotReady(f"slot {slot.slot_id} has its timestamp already")
    try:
        imprint = parse_timestamp(token).imprint
    except TrustMaterialError as error:
        raise TimestampRefused(f"slot {slot.slot_id}: the timestamp cannot be read; ask for a new one") from error
    if imprint != _imprint(signature, slot.slot_id):
        raise TimestampRefused(f"slot {slot.slot_id}: the timestamp is for another signature; ask for a new one")
    return document.replace(signature, _insert(signature, build_signature_timestamp(token)), 1)


def _get_signature(stored: StoredDocument, slot_id: str) -> bytes:
    signature = stored.get_signature(slot_id)
    if signature is None:
        raise SlotNotReady(f"slot {slot_id} is not signed, so there is nothing to timestamp")
    return signature


def _check_uncovered(stored: StoredDocument, slot: Slot, policy: SigningPolicy) -> None:
    signed = stored.list_signed_slots()
    for rule in policy.rules:
        if rule.order > slot.rule.order and not signed.isdisjoint(stored.list_slots(rule.role.value)):
            raise SlotNotReady(f"slot {slot.slot_id} is covered by slot {rule.role.value}; nothing can be added to it")


def _imprint(signature: bytes, slot_id: str) -> bytes:
    """Return the digest of ds:SignatureValue as it stands, declared alone."""
    found = _VALUE.search(signature)
    if found is None or not found[1].startswith(f' Id="{value_id(slot_id)}"'.encode()):
        raise SlotNotReady(f"slot {slot_id} holds a signature of another form")
    return hashlib.sha256(f"<ds:SignatureValue{Form.ALONE.ds}".encode() + found[1]).digest()


def _insert(signature: bytes, timestamp: str) -> bytes:
    """Put the timestamp before the other unsigned properties, as `attach` does."""
    if _UNSIGNED in signature:
        return signature.replace(_UNSIGNED, _UNSIGNED + timestamp.encode(), 1)
    return signature.replace(_END, wrap_unsigned_properties(timestamp).encode() + _END, 1)
