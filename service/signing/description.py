"""What signing needs to know of a stored document: its slots and policy; read once a class.

A description follows from a few parts of the document alone: school, class, year and policy, each subject's name and
teachers, the list of signers and who issues.  Those octets are the same for most pupils of a class, so a description is
remembered by their digest and only the document's own name (serial and version) is put in.  Marks, comments and
signatures have no part in it.  The verifier reads everything anew; nothing remembered here is ever believed about a
signature.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import TranscriptDocument, read_document

MAX_REMEMBERED: Final = 512
"""Descriptions in memory; one has about 10 KiB.  A large school has 100 classes, and most pupils of one share one."""

_SLOTS_BEGIN: Final = b"<DANH_SACH_THONG_TIN_KY>"
_NAME: Final = re.compile(rb"<SO_HIEU>([0-9A-Z]{26})</SO_HIEU><PHIEN_BAN>([1-9][0-9]{0,8})</PHIEN_BAN>")
_SUBJECT: Final = (b"<MA_MON_HOC>", b"</PHIEN_BAN_THAY_DOI>")
"""Where a subject's code, name, teachers and revision begin and end, in the order of the layout."""
_OTHERS: Final = (
    (b"<CHINH_SACH_KY>", b"</TRUONG>"),  # policy and school
    (b"</HOC_SINH><NAM_HOC>", b"</LOP>"),  # year, grade and class
    (b"<DANH_SACH_NGUOI_KY>", b"</DANH_SACH_NGUOI_KY>"),  # who signs, and what is kept
    (b"<THONG_TIN_PHAT_HANH>", b"<MA_BAM_PDF>"),  # manager, seal, day, digest of the policy
)
_remembered: OrderedDict[bytes, DocumentDescription] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class DocumentDescription:
    """Slots and policy of one document."""

    shared: tuple[Slot, ...]  # in signing order; alike in all documents of this shape, so without serial and version
    policy: SigningPolicy
    serial: str
    version: int

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Return the slots of this very document, in signing order."""
        return tuple(self._name(slot) for slot in self.shared)

    def find_slot(self, slot_id: str) -> Slot | None:
        """Return one slot of this very document, or None."""
        return next((self._name(slot) for slot in self.shared if slot.slot_id == slot_id), None)

    def _name(self, slot: Slot) -> Slot:
        return replace(slot, serial=self.serial, version=self.version)


def read_description(xml: bytes) -> DocumentDescription:
    """Return the description of a stored transcript, exclusive canonical XML.

    Raises:
        MalformedTranscript: it is not a transcript.
    """
    content = _cut_content(xml)
    name, shape = _NAME.search(content), _digest_shape(content)
    if name is None or shape is None:
        return _read(xml)
    known = _recall(shape)
    if known is None:
        known = _read(xml)
        _remember(shape, known)
    return replace(known, serial=name[1].decode("ascii"), version=int(name[2]))


def cut_content(xml: bytes) -> bytes:
    """Return the octets of a stored transcript in front of its signatures: all its content, the PDF's digest included.

    Raises:
        MalformedTranscript: it is none.
    """
    content = _cut_content(xml)
    if not content:
        raise MalformedTranscript("this is no stored transcript: it has no list of slots")
    return content


def _cut_content(xml: bytes) -> bytes:
    return xml[: max(xml.find(_SLOTS_BEGIN), 0)]


def _read(xml: bytes) -> DocumentDescription:
    document = read_document(xml)
    if not isinstance(document, TranscriptDocument):
        raise MalformedTranscript("a transcript was expected, this is a recall")
    shared = tuple(replace(slot, serial="", version=0) for slot in document.slots)
    transcript = document.transcript
    return DocumentDescription(shared, document.policy, transcript.serial, transcript.version)


def _digest_shape(content: bytes) -> bytes | None:
    """Return the SHA-256 of all that a description follows from but the document's name; None: something is missing."""
    pieces = [_cut(content, 0, *marks) for marks in _OTHERS]
    if b"" in pieces:
        return None
    pieces += _list_subjects(content[: content.find(_OTHERS[2][0])])
    return hashlib.sha256(b"\0".join(pieces)).digest()  # no octet of XML is 0


def _list_subjects(content: bytes) -> list[bytes]:
    found = []
    at = content.find(_SUBJECT[0])
    while at >= 0:
        found.append(_cut(content, at, *_SUBJECT))
        at = content.find(_SUBJECT[0], at + max(len(found[-1]), 1))
    return found


def _cut(content: bytes, at: int, start_mark: bytes, end_mark: bytes) -> bytes:
    """Return the octets from the first mark to the second; empty: one of them is not there."""
    start = content.find(start_mark, at)
    end = content.find(end_mark, start) if start >= 0 else -1
    return content[start:end] if end >= 0 else b""


def _recall(shape: bytes) -> DocumentDescription | None:
    with _lock:
        known = _remembered.get(shape)
        if known is not None:
            _remembered.move_to_end(shape)
        return known


def _remember(shape: bytes, made: DocumentDescription) -> None:
    with _lock:
        _remembered[shape] = made
        while len(_remembered) > MAX_REMEMBERED:
            _remembered.popitem(last=False)
