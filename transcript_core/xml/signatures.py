"""The octets of one ds:Signature for a slot, held against the form that keeps a stored document canonical.

Whoever has a `SlotSignature` has octets that were checked; a `SignatureFrame` is checked once and then filled for every
document of an action, with base64 text alone, which cannot change the form.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.policy import signature_id

SIGNATURE_END: Final = b"</ds:Signature>"
SIGNATURE_START: Final = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="%s">'
_BARE_TAG: Final = re.compile(rb"</?[^:\s>]*[\s>]")  # an element without a prefix: ours, never a signature's


@dataclass(frozen=True, slots=True)
class SlotSignature:
    """One ds:Signature in exclusive canonical form, its Id that of the slot.

    Raises:
        MalformedTranscript: this is not one signature for the slot.
    """

    slot_id: str
    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.octets, self.slot_id)


@dataclass(frozen=True, slots=True)
class SignatureFrame:
    """A signature with holes that take octets as base64 text.

    Raises:
        MalformedTranscript: with nothing in its holes it is not one signature for the slot.
    """

    slot_id: str
    pieces: tuple[bytes, ...]  # what stands before, between and after the holes

    def __post_init__(self) -> None:
        _check(b"".join(self.pieces), self.slot_id)

    def fill(self, values: Sequence[bytes]) -> SlotSignature:
        """Return the signature with one value in each hole, in order.

        Raises:
            ValueError: there are more or fewer values than holes.
        """
        return _trust(self.slot_id, fill_holes(self.pieces, values))


def fill_holes(pieces: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    """Return the pieces with the base64 text of one value in each hole between them.

    Raises:
        ValueError: there are more or fewer values than holes.
    """
    filled = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        filled += (b2a_base64(value, newline=False), piece)
    return b"".join(filled)


def _trust(slot_id: str, octets: bytes) -> SlotSignature:
    """Return a signature whose form is known already: base64 text holds no character that means something in XML."""
    signature = object.__new__(SlotSignature)
    object.__setattr__(signature, "slot_id", slot_id)
    object.__setattr__(signature, "octets", octets)
    return signature


def _check(signature: bytes, slot_id: str) -> None:
    start = SIGNATURE_START % signature_id(slot_id).encode()
    whole = signature.startswith(start) and signature.endswith(SIGNATURE_END)
    if not whole or signature.count(b"<ds:Signature ") != 1 or signature.count(SIGNATURE_END) != 1:
        raise MalformedTranscript(f"this is not one ds:Signature with the Id of slot {slot_id}")
    if b"<!" in signature or b"<?" in signature or b"\r" in signature or b"/>" in signature:
        raise MalformedTranscript(f"the signature for slot {slot_id} is not in canonical form")
    if _BARE_TAG.search(signature):
        raise MalformedTranscript(f"the signature for slot {slot_id} holds elements of another kind")
