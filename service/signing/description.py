"""What signing needs to know of a stored document: its slots and policy.  Read once, though it is signed 19 times.

A signature changes nothing in front of the list of slots, so the description is remembered by the digest of those
octets.  The verifier reads everything anew; nothing remembered here is ever believed about a signature.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

from service.transcripts.building import get_transcript_document
from transcript_core.policy import SigningPolicy, Slot

MAX_REMEMBERED: Final = 4_096
"""Descriptions in memory; one has about 10 KiB."""

_SLOTS_BEGIN: Final = b"<DANH_SACH_THONG_TIN_KY>"
_remembered: OrderedDict[bytes, DocumentDescription] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class DocumentDescription:
    """Slots, in signing order, and policy of one document."""

    slots: tuple[Slot, ...]
    policy: SigningPolicy


def read_description(xml: bytes) -> DocumentDescription:
    """Return the description of a stored transcript, exclusive canonical XML.

    Raises:
        MalformedTranscript: it is not a transcript.
    """
    key = hashlib.sha256(xml[: xml.find(_SLOTS_BEGIN)]).digest()
    with _lock:
        known = _remembered.get(key)
        if known is not None:
            _remembered.move_to_end(key)
            return known
    document = get_transcript_document(xml)
    made = DocumentDescription(document.slots, document.policy)
    with _lock:
        _remembered[key] = made
        while len(_remembered) > MAX_REMEMBERED:
            _remembered.popitem(last=False)
    return made
