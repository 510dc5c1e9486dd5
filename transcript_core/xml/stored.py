"""Works on stored documents as octets, without parsing: a part is a slice, a signature is spliced in.

This is sound because stored documents are in exclusive canonical form without comments and processing instructions: a
`<` in text or in an attribute is always escaped there, so `<TAG Id="x"` can be nothing but a start tag; and because
every element of a signature has a prefix and none of ours has, so a signature can hold no tag of ours.  The functions
refuse what cannot be such a document; the verifier reads and canonicalises everything once more by other means
(`transcript_core.xml.document`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from transcript_core.errors import LimitExceeded, MalformedTranscript, SlotNotReady
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.policy import DATA_ID, signature_id
from transcript_core.xml.signatures import SIGNATURE_END, SIGNATURE_START, SlotSignature
from transcript_core.xml.skeleton import SLOT_LIST, EmptySlot, Shape, Skeleton, find_shape, read_skeleton

_ANY_SIGNATURE: Final = b"<ds:Signature "
_SIGNATURE_ID: Final = signature_id("")  # how the Id of a slot's signature begins
_PART_ID: Final = re.compile(r"diem-[A-Z][A-Z0-9]*")

Span = tuple[int, int]  # offsets of the first octet and behind the last


class StoredDocument:
    """A stored document opened for signing.

    Its slots are found once and each part is hashed at most once; the document that `sign` returns is opened already
    and keeps every digest that the new signature cannot change.

    Raises:
        MalformedTranscript: this is no stored document.
    """

    __slots__ = ("_begin", "_digests", "_settled", "_shape", "_signatures", "_skeleton", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self._shape: Shape = find_shape(octets)
        self._begin = octets.find(SLOT_LIST)
        if self._begin < 0:
            raise MalformedTranscript("the document has no list of slots")
        self._skeleton, self._signatures = _read_slots(octets, self._begin, self._shape)
        self._digests: dict[str, bytes] = {}
        self._settled: tuple[int, hashlib._Hash | None] = (0, None)

    def __reduce__(self) -> tuple[type[StoredDocument], tuple[bytes]]:
        """Travel to another process as octets alone; what is known of them is found there again."""
        return StoredDocument, (self.octets,)

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """Return the document in the pieces in which it lies in memory, in order: what a store writes."""
        return (self.octets,)

    @property
    def sha256(self) -> bytes:
        """Return the SHA-256 of the whole document, 32 raw bytes: the name of its file.

        Everything in front of the first empty slot is hashed once for this document and all that are signed from it.
        """
        offset, known = self._settled
        state = hashlib.sha256() if known is None else known
        settled = self._find_settled()
        if settled > offset:
            state = state.copy()
            state.update(memoryview(self.octets)[offset:settled])
            self._settled = settled, state
        whole = state.copy()
        whole.update(memoryview(self.octets)[settled:])
        return whole.digest()

    def list_signed_slots(self) -> frozenset[str]:
        """Return the Ids of the slots that hold a signature."""
        return frozenset(self._signatures)

    def list_slots(self, role: str) -> tuple[str, ...]:
        """Return the Ids of the slots of a role, which is their element name, in the document's order."""
        return self._skeleton.by_role.get(role, ())

    def list_unsigned_in_data(self) -> tuple[str, ...]:
        """Return the Ids of the empty slots that the document digest covers."""
        slots = self._skeleton.slots.values()
        return tuple(slot.slot_id for slot in slots if slot.in_data and slot.slot_id not in self._signatures)

    def is_signed(self, slot_id: str) -> bool:
        """Return whether the slot holds a signature.  Raises: MalformedTranscript, there is no such slot."""
        self._get_slot(slot_id)
        return slot_id in self._signatures

    def get_signature(self, slot_id: str) -> bytes | None:
        """As the function of this name."""
        self._get_slot(slot_id)
        span = self._signatures.get(slot_id)
        return None if span is None else self.octets[span[0] : span[1]]

    def get_part(self, element_id: str) -> bytes:
        """As the function of this name."""
        start, end = self._find_part(element_id)
        return self.octets[start:end]

    def get_part_digest(self, element_id: str) -> bytes:
        """Return the SHA-256 of `get_part`, 32 raw bytes.  Raises: MalformedTranscript, as `get_part`."""
        if element_id not in self._digests:
            start, end = self._find_part(element_id)
            self._digests[element_id] = hashlib.sha256(memoryview(self.octets)[start:end]).digest()
        return self._digests[element_id]

    def sign(self, signature: SlotSignature) -> StoredDocument:
        """Return the document with this signature in its slot; this one stays as it is.

        Raises:
            LimitExceeded: the document would be longer than MAX_XML_BYTES.
            MalformedTranscript: there is no such slot.
            SlotNotReady: the slot is signed already.
        """
        slot = self._get_slot(signature.slot_id)
        if slot.slot_id in self._signatures:
            raise SlotNotReady(f"slot {slot.slot_id} is signed already; a signature is never replaced")
        size = len(signature.octets)
        if len(self.octets) + size > MAX_XML_BYTES:
            raise LimitExceeded(f"with this signature the document would have more than {MAX_XML_BYTES} bytes")
        at = self._locate(slot.offset)
        view = memoryview(self.octets)
        signed = object.__new__(StoredDocument)
        signed.octets = b"".join((view[:at], signature.octets, view[at:]))
        signed._shape, signed._begin, signed._skeleton = self._shape, self._begin, self._skeleton
        signed._signatures = _add_signature(self._signatures, slot.slot_id, (at, at + size))
        signed._digests = dict(self._digests)
        if slot.in_data:
            signed._digests.pop(DATA_ID, None)
        signed._settled = self._settled  # an empty slot never stands in front of the first empty one
        return signed

    def _get_slot(self, slot_id: str) -> EmptySlot:
        slot = self._skeleton.slots.get(slot_id)
        if slot is None:
            raise MalformedTranscript(f"the document has no slot {slot_id}")
        return slot

    def _locate(self, offset: int) -> int:
        """Return where an offset of the skeleton, that of an empty slot or of an end tag, stands in the document."""
        slots = self._skeleton.slots
        spans = (span for slot_id, span in self._signatures.items() if slots[slot_id].offset < offset)
        return self._begin + offset + sum(end - start for start, end in spans)

    def _find_settled(self) -> int:
        """Return where the first empty slot stands, or the document's end: no later signature moves what is before."""
        for slot in self._skeleton.slots.values():
            if slot.slot_id not in self._signatures:
                return self._locate(slot.offset)
        return len(self.octets)

    def _find_part(self, element_id: str) -> Span:
        if element_id.startswith(_SIGNATURE_ID):
            span = self._signatures.get(element_id.removeprefix(_SIGNATURE_ID))
            if span is None:
                raise MalformedTranscript(f"the document has no element {element_id}")
            return span
        tag = self._shape.ids.get(element_id) or (b"DIEM_TONG_KET" if _PART_ID.fullmatch(element_id) else None)
        if tag is None:
            raise MalformedTranscript(f"the document has no element {element_id}")
        start_tag = b'<%s Id="%s"' % (tag, element_id.encode())
        start = self.octets.find(start_tag)
        if start >= 0 and self.octets.find(start_tag, start + 1) >= 0:
            raise MalformedTranscript(f"the document has more than one element {element_id}")
        if element_id == DATA_ID:
            return start, self._locate(self._skeleton.data_end)
        end_tag = b"</%s>" % tag
        end = self.octets.find(end_tag, start)
        if start < 0 or not start < end < self._begin:
            raise MalformedTranscript(f"the document has no element {element_id}")
        return start, end + len(end_tag)


def get_part(document: bytes, element_id: str) -> bytes:
    """Return the exclusive-C14N octets of the element with this Id, a slice of the stored document.

    Args:
        document: a stored document.
        element_id: "data", "thongtinhocba", "denghi", "diem-<SUBJECT>", or the Id of a slot's ds:Signature.

    Raises:
        MalformedTranscript: there is no such element or more than one, or this is no stored document.
    """
    return StoredDocument(document).get_part(element_id)


def list_signed_slots(document: bytes) -> frozenset[str]:
    """Return the Ids of the slots that hold a signature.

    Raises:
        MalformedTranscript: this is no stored document.
    """
    return StoredDocument(document).list_signed_slots()


def get_signature(document: bytes, slot_id: str) -> bytes | None:
    """Return the whole ds:Signature octets in this slot, or None when it is empty.

    Raises:
        MalformedTranscript: there is no such slot, or this is no stored document.
    """
    return StoredDocument(document).get_signature(slot_id)


def splice_signature(document: bytes, slot_id: str, signature: bytes) -> bytes:
    """Return the document with `signature` in the slot.

    Args:
        document: a stored document.
        slot_id: an empty slot.
        signature: one ds:Signature in exclusive canonical form, its Id that of the slot.

    Raises:
        LimitExceeded: the document would be longer than MAX_XML_BYTES.
        MalformedTranscript: there is no such slot, or this is not one signature for it.
        SlotNotReady: the slot is signed already.
    """
    stored = StoredDocument(document)
    stored.is_signed(slot_id)
    return stored.sign(SlotSignature(slot_id, signature)).octets


def document_digest(document: bytes) -> bytes:
    """Return the digest that names this document everywhere: SHA-256 over the octets the principal signs.

    Returns:
        32 raw bytes.

    Raises:
        MalformedTranscript: this is no stored document.
        SlotNotReady: somebody who signs before the principal has not signed, so the octets are not final.
    """
    stored = StoredDocument(document)
    if missing := stored.list_unsigned_in_data():
        raise SlotNotReady(f"the document has no digest before these slots are signed: {', '.join(missing)}")
    return stored.get_part_digest(DATA_ID)


def _read_slots(document: bytes, begin: int, shape: Shape) -> tuple[Skeleton, dict[str, Span]]:
    """Return the slots and where the signed ones' signatures stand: one after the other, each to its first end tag."""
    spans: list[Span] = []
    pieces: list[bytes] = []
    position = begin
    while (start := document.find(_ANY_SIGNATURE, position)) >= 0:
        end = document.find(SIGNATURE_END, start)
        if end < 0:
            raise MalformedTranscript("a signature of the document does not end")
        pieces.append(document[position:start])
        position = end + len(SIGNATURE_END)
        spans.append((start, position))
    pieces.append(document[position:])
    skeleton = read_skeleton(b"".join(pieces), shape.data_tag)
    signatures: dict[str, Span] = {}
    cut = begin
    for start, end in spans:
        slot = skeleton.by_offset.get(start - cut)
        cut += end - start
        if slot is None or slot.slot_id in signatures:
            raise MalformedTranscript("a signature of the document stands outside its slot, or is not alone in it")
        if not document.startswith(SIGNATURE_START % signature_id(slot.slot_id).encode(), start):
            raise MalformedTranscript(f"slot {slot.slot_id} holds a signature of another form or of another slot")
        signatures[slot.slot_id] = (start, end)
    return skeleton, signatures


def _add_signature(signatures: Mapping[str, Span], slot_id: str, new: Span) -> dict[str, Span]:
    """Return the places of all signatures once this one is there; those behind it have moved."""
    at, size = new[0], new[1] - new[0]
    moved = {one: span if span[0] < at else (span[0] + size, span[1] + size) for one, span in signatures.items()}
    moved[slot_id] = new
    return moved
