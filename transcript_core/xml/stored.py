"""Works on stored documents as octets, without parsing: a part is a slice, a signature is spliced in.

This is sound because stored documents are in exclusive canonical form without comments and processing instructions: a
`<` in text or in an attribute is always escaped there, so `<TAG Id="x"` can be nothing but a start tag; and because
every element of a signature has a prefix and none of ours has, so a signature can hold no tag of ours.  The functions
refuse what cannot be such a document; the verifier reads and canonicalises everything once more by other means
(`transcript_core.xml.document`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from transcript_core.canonical import sha256
from transcript_core.errors import LimitExceeded, MalformedTranscript, SlotNotReady
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.policy import DATA_ID, INFO_ID, REQUEST_ID, signature_id

_SIGNATURE_END: Final = b"</ds:Signature>"
_SIGNATURE_START: Final = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="%s">'
_SLOT_LIST: Final = b"<DANH_SACH_THONG_TIN_KY>"
_SLOT_START: Final = re.compile(rb'<([A-Z_]+) Id="([a-z][A-Za-z0-9-]*)">')
_BARE_TAG: Final = re.compile(rb"</?[^:\s>]*[\s>]")  # an element without a prefix: ours, never a signature's
_SIGNATURE_ID: Final = signature_id("")  # how the Id of a slot's signature begins
_PART_ID: Final = re.compile(r"diem-[A-Z][A-Z0-9]*")


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fixed octets of one kind of document."""

    head: bytes
    data_tag: bytes
    ids: dict[str, bytes]  # element name by Id
    slot_tags: tuple[bytes, bytes, bytes]  # after the subject teachers': inside the data, manager, seal
    release_tag: bytes


_TRANSCRIPT: Final = _Shape(
    head=b'<HOC_BA><DU_LIEU_HOC_BA Id="data" phienBan="1.0"><THONG_TIN_HOC_BA Id="thongtinhocba">',
    data_tag=b"DU_LIEU_HOC_BA",
    ids={DATA_ID: b"DU_LIEU_HOC_BA", INFO_ID: b"THONG_TIN_HOC_BA"},
    slot_tags=(b"GVCN", b"CBQL", b"KY_PHAT_HANH"),
    release_tag=b"PHAT_HANH_HOC_BA",
)
_RECALL: Final = _Shape(
    head=b'<THU_HOI_HOC_BA><DU_LIEU_THU_HOI Id="data" phienBan="1.0"><THONG_TIN_THU_HOI Id="denghi">',
    data_tag=b"DU_LIEU_THU_HOI",
    ids={DATA_ID: b"DU_LIEU_THU_HOI", REQUEST_ID: b"THONG_TIN_THU_HOI"},
    slot_tags=(b"NGUOI_DE_NGHI", b"CBQL", b"KY_PHAT_HANH"),
    release_tag=b"PHAT_HANH_THU_HOI",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a slot's content stands in the document; empty when start equals end."""

    slot_id: str
    tag: str  # element name, which is the slot's role
    start: int
    end: int
    in_data: bool  # inside the element that the document digest covers


class StoredDocument:
    """A stored document opened for signing: its slots are found once, each part is hashed at most once.

    Raises:
        MalformedTranscript: this is no stored document.
    """

    __slots__ = ("_digests", "_places", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self._places = {place.slot_id: place for place in _list_places(octets)}
        self._digests: dict[str, bytes] = {}

    def list_signed_slots(self) -> frozenset[str]:
        """Return the Ids of the slots that hold a signature."""
        return frozenset(place.slot_id for place in self._places.values() if place.start < place.end)

    def list_slots(self, role: str) -> tuple[str, ...]:
        """Return the Ids of the slots of a role, which is their element name, in the document's order."""
        return tuple(place.slot_id for place in self._places.values() if place.tag == role)

    def get_signature(self, slot_id: str) -> bytes | None:
        """As the function of this name."""
        place = self._get_place(slot_id)
        return self.octets[place.start : place.end] or None

    def get_part_digest(self, element_id: str) -> bytes:
        """Return the SHA-256 of `get_part`, 32 raw bytes.  Raises: MalformedTranscript, as `get_part`."""
        if element_id not in self._digests:
            own = (
                self.get_signature(element_id.removeprefix(_SIGNATURE_ID))
                if element_id.startswith(_SIGNATURE_ID)
                else None
            )
            self._digests[element_id] = sha256(own or get_part(self.octets, element_id))
        return self._digests[element_id]

    def splice_signature(self, slot_id: str, signature: bytes) -> bytes:
        """As the function of this name; the document itself stays as it is."""
        place = self._get_place(slot_id)
        if place.start < place.end:
            raise SlotNotReady(f"slot {slot_id} is signed already; a signature is never replaced")
        _check_signature(signature, slot_id)
        if len(self.octets) + len(signature) > MAX_XML_BYTES:
            raise LimitExceeded(f"with this signature the document would have more than {MAX_XML_BYTES} bytes")
        return self.octets[: place.start] + signature + self.octets[place.end :]

    def _get_place(self, slot_id: str) -> _Place:
        place = self._places.get(slot_id)
        if place is None:
            raise MalformedTranscript(f"the document has no slot {slot_id}")
        return place


def get_part(document: bytes, element_id: str) -> bytes:
    """Return the exclusive-C14N octets of the element with this Id, a slice of the stored document.

    Args:
        document: a stored document.
        element_id: "data", "thongtinhocba", "denghi", "diem-<SUBJECT>", or the Id of a slot's ds:Signature.

    Raises:
        MalformedTranscript: there is no such element or more than one, or this is no stored document.
    """
    shape = _find_shape(document)
    if element_id.startswith(_SIGNATURE_ID):
        signature = get_signature(document, element_id.removeprefix(_SIGNATURE_ID))
        if signature is None:
            raise MalformedTranscript(f"the document has no element {element_id}")
        return signature
    tag = shape.ids.get(element_id) or (b"DIEM_TONG_KET" if _PART_ID.fullmatch(element_id) else None)
    if tag is None:
        raise MalformedTranscript(f"the document has no element {element_id}")
    return _slice(document, tag, element_id)


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
    return StoredDocument(document).splice_signature(slot_id, signature)


def document_digest(document: bytes) -> bytes:
    """Return the digest that names this document everywhere: SHA-256 over the octets the principal signs.

    Returns:
        32 raw bytes.

    Raises:
        MalformedTranscript: this is no stored document.
        SlotNotReady: somebody who signs before the principal has not signed, so the octets are not final.
    """
    missing = [place.slot_id for place in _list_places(document) if place.in_data and place.start == place.end]
    if missing:
        raise SlotNotReady(f"the document has no digest before these slots are signed: {', '.join(missing)}")
    return sha256(get_part(document, DATA_ID))


def _find_shape(document: bytes) -> _Shape:
    for shape in (_TRANSCRIPT, _RECALL):
        if document.startswith(shape.head):
            return shape
    raise MalformedTranscript("this is no stored document: it does not begin as canonical transcripts and recalls do")


def _slice(document: bytes, tag: bytes, element_id: str) -> bytes:
    start_tag = b'<%s Id="%s"' % (tag, element_id.encode())
    end_tag = b"</%s>" % tag
    start = document.find(start_tag)
    end = document.find(end_tag, start)
    if start < 0 or end < 0:
        raise MalformedTranscript(f"the document has no element {element_id}")
    if document.find(start_tag, start + 1) >= 0:
        raise MalformedTranscript(f"the document has more than one element {element_id}")
    return document[start : end + len(end_tag)]


def _list_places(document: bytes) -> list[_Place]:
    """Walk over everything after the content, which is slots and fixed tags only, to the last octet."""
    shape = _find_shape(document)
    begin = document.find(_SLOT_LIST)
    if begin < 0:
        raise MalformedTranscript("the document has no list of slots")
    walk = _Walk(document, begin + len(_SLOT_LIST))
    if walk.skip_if(b"<DANH_SACH_GVBM>"):
        while not walk.skip_if(b"</DANH_SACH_GVBM>"):
            walk.take_slot(b"GVBM", in_data=True)
    last, manager, seal = shape.slot_tags
    walk.take_slot(last, in_data=True)
    walk.skip(b"</DANH_SACH_THONG_TIN_KY></%s><%s>" % (shape.data_tag, shape.release_tag))
    walk.take_slot(manager, in_data=False)
    walk.take_slot(seal, in_data=False)
    root_tag = shape.head[1 : shape.head.index(b">")]
    walk.skip(b"</%s></%s>" % (shape.release_tag, root_tag))
    walk.close()
    return walk.places


class _Walk:
    """A position in the octets that only moves over what it recognises."""

    def __init__(self, document: bytes, position: int) -> None:
        self._document = document
        self._position = position
        self.places: list[_Place] = []
        self._seen: set[str] = set()

    def skip_if(self, expected: bytes) -> bool:
        if not self._document.startswith(expected, self._position):
            return False
        self._position += len(expected)
        return True

    def skip(self, expected: bytes) -> None:
        if not self.skip_if(expected):
            raise MalformedTranscript("something stands between the signature slots or is missing there")

    def take_slot(self, tag: bytes, *, in_data: bool) -> None:
        found = _SLOT_START.match(self._document, self._position)
        if found is None or found[1] != tag:
            raise MalformedTranscript(f"slot {tag.decode()} is missing or out of order")
        slot_id = found[2].decode()
        start = end = found.end()
        if self._document.startswith(_SIGNATURE_START % signature_id(slot_id).encode(), start):
            end = self._document.find(_SIGNATURE_END, start) + len(_SIGNATURE_END)
        self._position = max(start, end)
        self.skip(b"</%s>" % tag)
        if slot_id in self._seen:
            raise MalformedTranscript(f"slot {slot_id} stands twice")
        self._seen.add(slot_id)
        self.places.append(_Place(slot_id, tag.decode(), start, end, in_data))

    def close(self) -> None:
        if self._position != len(self._document):
            raise MalformedTranscript("something stands after the document's end")


def _check_signature(signature: bytes, slot_id: str) -> None:
    start = _SIGNATURE_START % signature_id(slot_id).encode()
    whole = signature.startswith(start) and signature.endswith(_SIGNATURE_END)
    if not whole or signature.count(b"<ds:Signature ") != 1 or signature.count(_SIGNATURE_END) != 1:
        raise MalformedTranscript(f"this is not one ds:Signature with the Id of slot {slot_id}")
    if b"<!" in signature or b"<?" in signature or b"\r" in signature or b"/>" in signature:
        raise MalformedTranscript(f"the signature for slot {slot_id} is not in canonical form")
    if _BARE_TAG.search(signature):
        raise MalformedTranscript(f"the signature for slot {slot_id} holds elements of another kind")
