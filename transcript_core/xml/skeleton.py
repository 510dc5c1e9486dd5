"""What a stored document is besides its content and its signatures: the slots, from the list of slots to the end.

Cut free of the signatures, this is the same text for every pupil of a class and at every stage of signing, so it is
read strictly once and then recognised by its octets.  Offsets count from its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.policy import DATA_ID, INFO_ID, REQUEST_ID

SLOT_LIST: Final = b"<DANH_SACH_THONG_TIN_KY>"
_SLOT: Final = re.compile(rb'<([A-Z_]+) Id="([a-z][A-Za-z0-9-]*)"></\1>')
_CACHED_SKELETONS: Final = 512  # classes and subject choices of one school year; one is about 5 KiB


@dataclass(frozen=True, slots=True)
class Shape:
    """The fixed octets of one kind of document."""

    head: bytes
    data_tag: bytes
    ids: Mapping[str, bytes]  # element name by Id
    slot_tags: tuple[bytes, bytes, bytes]  # after the subject teachers': inside the data, manager, seal
    release_tag: bytes

    @property
    def root_tag(self) -> bytes:
        """Return the name of the root element."""
        return self.head[1 : self.head.index(b">")]


_TRANSCRIPT: Final = Shape(
    head=b'<HOC_BA><DU_LIEU_HOC_BA Id="data" phienBan="1.0"><THONG_TIN_HOC_BA Id="thongtinhocba">',
    data_tag=b"DU_LIEU_HOC_BA",
    ids={DATA_ID: b"DU_LIEU_HOC_BA", INFO_ID: b"THONG_TIN_HOC_BA"},
    slot_tags=(b"GVCN", b"CBQL", b"KY_PHAT_HANH"),
    release_tag=b"PHAT_HANH_HOC_BA",
)
_RECALL: Final = Shape(
    head=b'<THU_HOI_HOC_BA><DU_LIEU_THU_HOI Id="data" phienBan="1.0"><THONG_TIN_THU_HOI Id="denghi">',
    data_tag=b"DU_LIEU_THU_HOI",
    ids={DATA_ID: b"DU_LIEU_THU_HOI", REQUEST_ID: b"THONG_TIN_THU_HOI"},
    slot_tags=(b"NGUOI_DE_NGHI", b"CBQL", b"KY_PHAT_HANH"),
    release_tag=b"PHAT_HANH_THU_HOI",
)


@dataclass(frozen=True, slots=True)
class EmptySlot:
    """One slot as the skeleton has it."""

    slot_id: str
    offset: int  # of its content: directly behind the start tag
    in_data: bool  # inside the element that the document digest covers


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The slots of a document, in its order."""

    slots: Mapping[str, EmptySlot]  # by Id
    by_offset: Mapping[int, EmptySlot]
    by_role: Mapping[str, tuple[str, ...]]  # Ids by element name, which is the slot's role
    data_end: int  # offset directly behind the end tag of the data


def find_shape(document: bytes) -> Shape:
    """Return which kind of document this is.

    Raises:
        MalformedTranscript: none of ours.
    """
    for shape in (_TRANSCRIPT, _RECALL):
        if document.startswith(shape.head):
            return shape
    raise MalformedTranscript("this is no stored document: it does not begin as canonical transcripts and recalls do")


@lru_cache(maxsize=_CACHED_SKELETONS)
def read_skeleton(octets: bytes, data_tag: bytes) -> Skeleton:
    """Return the slots of a skeleton, which holds slots and fixed tags only, to the last octet.

    Args:
        octets: from SLOT_LIST to the document's end, without signatures.
        data_tag: of the shape.

    Raises:
        MalformedTranscript: anything else stands there, or is missing, or a slot stands twice.
    """
    shape = next(one for one in (_TRANSCRIPT, _RECALL) if one.data_tag == data_tag)
    walk = _Walk(octets)
    walk.skip(SLOT_LIST)
    if walk.skip_if(b"<DANH_SACH_GVBM>"):
        while not walk.skip_if(b"</DANH_SACH_GVBM>"):
            walk.take_slot(b"GVBM", in_data=True)
    last, manager, seal = shape.slot_tags
    walk.take_slot(last, in_data=True)
    walk.skip(b"</DANH_SACH_THONG_TIN_KY></%s>" % shape.data_tag)
    data_end = walk.position
    walk.skip(b"<%s>" % shape.release_tag)
    walk.take_slot(manager, in_data=False)
    walk.take_slot(seal, in_data=False)
    walk.skip(b"</%s></%s>" % (shape.release_tag, shape.root_tag))
    if walk.position != len(octets):
        raise MalformedTranscript("something stands after the document's end")
    by_offset = {slot.offset: slot for slot in walk.slots.values()}
    by_role = {role: tuple(ids) for role, ids in walk.by_role.items()}
    return Skeleton(walk.slots, by_offset, by_role, data_end)


class _Walk:
    """A position in the octets that only moves over what it recognises."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.position = 0
        self.slots: dict[str, EmptySlot] = {}
        self.by_role: dict[str, list[str]] = {}

    def skip_if(self, expected: bytes) -> bool:
        if not self._octets.startswith(expected, self.position):
            return False
        self.position += len(expected)
        return True

    def skip(self, expected: bytes) -> None:
        if not self.skip_if(expected):
            raise MalformedTranscript("something stands between the signature slots or is missing there")

    def take_slot(self, tag: bytes, *, in_data: bool) -> None:
        found = _SLOT.match(self._octets, self.position)
        if found is None or found[1] != tag:
            raise MalformedTranscript(f"slot {tag.decode()} is missing, out of order or not a place for one signature")
        slot_id, role = found[2].decode(), tag.decode()
        if slot_id in self.slots:
            raise MalformedTranscript(f"slot {slot_id} stands twice")
        self.position = found.end()
        self.slots[slot_id] = EmptySlot(slot_id, self.position - len(tag) - len(b"</>"), in_data)
        self.by_role.setdefault(role, []).append(slot_id)
