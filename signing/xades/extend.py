"""Adds to a signature what was not to be had when it was made: the timestamp that its policy wants.

Spec: ETSI EN 319 132-1, 5.3 (SignatureTimeStamp) and 6.3 (B-T).  Only unsigned properties of a signature that nobody
has covered yet change: after the principal has signed, the teachers' signatures stay as they are, and so on upwards.
The levels above B-T are `longterm`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final

from signing.xades.names import value_id
from signing.xades.templates import Form, build_signature_timestamp
from signing.xades.unsigned import PropertyKind, UnsignedPart, UnsignedProperty, read_unsigned
from transcript_core.errors import (
    LimitExceeded,
    MalformedTranscript,
    SlotNotReady,
    TimestampRefused,
    TrustMaterialError,
)
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import StoredDocument

_VALUE: Final = re.compile(rb'<ds:SignatureValue( Id="[^"]*">[A-Za-z0-9+/=]+</ds:SignatureValue>)')
_KEY_INFO: Final = re.compile(rb"<ds:KeyInfo><ds:X509Data>(.*?)</ds:X509Data></ds:KeyInfo>")
_CERTIFICATE: Final = re.compile(rb"<ds:X509Certificate>([A-Za-z0-9+/=]+)</ds:X509Certificate>")


def get_timestamp_imprint(document: bytes, slot_id: str, *, hash_name: str = "sha256") -> bytes:
    """Return what a timestamp on the signature in this slot covers, a raw digest.

    Raises:
        SlotNotReady: the slot is not signed.
    """
    return _imprint(get_signature(StoredDocument(document), slot_id), slot_id, hash_name)


def add_timestamp(document: bytes, slot: Slot, token: bytes, *, policy: SigningPolicy) -> bytes:
    """Return the document with a timestamp in the signature of `slot`; every other octet stays.

    Args:
        token: DER of an RFC 3161 token over `get_timestamp_imprint`.

    Raises:
        SlotNotReady: the slot is not signed, has a timestamp, or a slot of a later order covers it already.
        TimestampRefused: the token is for another signature or cannot be read.
        MalformedTranscript: the signature was not written here.
    """
    stored = StoredDocument(document)
    signature = get_signature(stored, slot.slot_id)
    check_uncovered(stored, slot, policy)
    part = read_unsigned(signature)
    if part.list(PropertyKind.SIGNATURE_TIMESTAMP) or part.list(PropertyKind.ARCHIVE_TIMESTAMP):
        raise SlotNotReady(f"slot {slot.slot_id} has its timestamp already")
    check_token(token, f"slot {slot.slot_id}", lambda name: _imprint(signature, slot.slot_id, name))
    stamp = UnsignedProperty(PropertyKind.SIGNATURE_TIMESTAMP, build_signature_timestamp(token).encode())
    return replace_signature(document, signature, part.with_properties((stamp, *part.properties)))


def get_signature(stored: StoredDocument, slot_id: str) -> bytes:
    """Return the signature in this slot.

    Raises:
        SlotNotReady: the slot is not signed.
    """
    signature = stored.get_signature(slot_id)
    if signature is None:
        raise SlotNotReady(f"slot {slot_id} is not signed, so nothing can be added to its signature")
    return signature


def check_uncovered(stored: StoredDocument, slot: Slot, policy: SigningPolicy) -> None:
    """Refuse to change a signature that a later one covers.

    Raises:
        SlotNotReady: a slot of a later order is signed.
    """
    signed = stored.list_signed_slots()
    for rule in policy.rules:
        if rule.order > slot.rule.order and not signed.isdisjoint(stored.list_slots(rule.role.value)):
            raise SlotNotReady(f"slot {slot.slot_id} is covered by slot {rule.role.value}; nothing can be added to it")


def check_token(token: bytes, where: str, compute_imprint: Callable[[str], bytes]) -> None:
    """Refuse a token over anything else.

    Args:
        compute_imprint: returns the digest by a hash, named as in hashlib, of what the token must cover.

    Raises:
        TimestampRefused: it is for something else, or cannot be read.
    """
    try:
        stamp = parse_timestamp(token)
    except TrustMaterialError as error:
        raise TimestampRefused(
            f"{where}: the timestamp cannot be read; ask for a new one", reason="unreadable"
        ) from error
    if stamp.imprint != compute_imprint(stamp.imprint_hash):
        raise TimestampRefused(
            f"{where}: the timestamp is for another signature; ask for a new one", reason="other-imprint"
        )


def list_key_info(signature: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a stored signature's KeyInfo, the signer's first.

    Raises:
        MalformedTranscript: there is none, or one cannot be read.
    """
    found = _KEY_INFO.search(signature)
    try:
        listed = tuple(
            load_certificate(base64.b64decode(one)) for one in _CERTIFICATE.findall(found[1] if found else b"")
        )
    except (TrustMaterialError, ValueError) as error:
        raise MalformedTranscript("a certificate of the signature cannot be read") from error
    if not listed:
        raise MalformedTranscript("the signature names no certificate")
    return listed


def replace_signature(document: bytes, signature: bytes, changed: UnsignedPart) -> bytes:
    """Return the document with other unsigned properties in one of its signatures.

    Raises:
        LimitExceeded: the document would be longer than MAX_XML_BYTES.
    """
    replaced = document.replace(signature, changed.to_octets(), 1)
    if len(replaced) > MAX_XML_BYTES:
        raise LimitExceeded(f"the document would have more than {MAX_XML_BYTES} bytes")
    return replaced


def _imprint(signature: bytes, slot_id: str, hash_name: str) -> bytes:
    """Return the digest of ds:SignatureValue as it stands, declared alone."""
    found = _VALUE.search(signature)
    if found is None or not found[1].startswith(f' Id="{value_id(slot_id)}"'.encode()):
        raise SlotNotReady(f"slot {slot_id} holds a signature of another form")
    return hashlib.new(hash_name, f"<ds:SignatureValue{Form.ALONE.ds}".encode() + found[1]).digest()
