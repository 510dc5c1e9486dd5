"""The octets of BER elements as they stand.  ITU-T X.690, 8.1 and 10.2.

asn1crypto encodes anew what has, or only looks as if it had, an indefinite length: what it gives back may be other
octets than those that were signed.  Whatever is digested or verified is cut out here instead.
"""

from __future__ import annotations

from typing import Final

from asn1crypto import parser

_SET: Final = 0x31
_LONG_FORM: Final = 0x80
_MAX_ELEMENTS: Final = 1_024
"""Elements of one structure; honest ones hold some dozens, and each is cut out of the rest."""


def measure_element(octets: bytes) -> int:
    """Return how many octets the element takes that stands at the beginning.

    Raises:
        ValueError: there is none.
    """
    return int(parser.peek(octets))


def split_elements(contents: bytes) -> list[bytes]:
    """Return the elements that follow each other.

    Raises:
        ValueError: they are not BER, or too many.
    """
    found: list[bytes] = []
    at = 0
    while at < len(contents):
        if len(found) == _MAX_ELEMENTS:
            raise ValueError(f"more than {_MAX_ELEMENTS} elements")
        size = measure_element(contents[at:])
        found.append(contents[at : at + size])
        at += size
    return found


def list_elements(element: bytes) -> list[bytes]:
    """Return the elements inside a constructed element, which must be all there is.

    Raises:
        ValueError: not BER, or too many.
    """
    return split_elements(parser.parse(element, strict=True)[4])


def write_set(contents: bytes) -> bytes:
    """Return a SET of definite length around elements."""
    size = len(contents)
    if size < _LONG_FORM:
        return bytes((_SET, size)) + contents
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((_SET, _LONG_FORM | len(digits))) + digits + contents
