"""Small readings that every XML reader of this package shares."""

from __future__ import annotations

import base64
import binascii

from lxml.etree import Comment, Entity, ProcessingInstruction, _Element

_SPACES = {ord(space): None for space in " \t\r\n"}


def list_children(element: _Element) -> list[_Element]:
    """Return the child elements, leaving out comments and processing instructions."""
    return list(element.iterchildren("*"))


def decode_base64(text: str, *, canonical: bool = True) -> bytes | None:
    """Return the decoded octets, or None unless `text` is strict Base64 apart from XML white space.

    Args:
        canonical: refuse the empty text and spare bits that are not zero, so that every value has one spelling.
    """
    octets = decode_plain_base64(text.encode("ascii")) if text.isascii() else None
    if octets:
        return octets
    packed = text.translate(_SPACES)
    try:
        octets = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not canonical:
        return octets
    return octets if octets and base64.b64encode(octets).decode("ascii") == packed else None


def decode_plain_base64(packed: bytes) -> bytes | None:
    """Return the octets of a text that is exactly what they are encoded as, as nearly all are; None for any other."""
    try:
        octets = binascii.a2b_base64(packed)
    except binascii.Error:
        return None
    return octets if octets and binascii.b2a_base64(octets, newline=False) == packed else None


def has_hidden_nodes(element: _Element) -> bool:
    """Return whether `element` holds a comment, processing instruction or entity."""
    return next(element.iter(Comment, ProcessingInstruction, Entity), None) is not None
