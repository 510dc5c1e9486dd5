"""What the URIs of keys have in common: percent-encoding, decoded strictly, and names of algorithms.

Spec: RFC 3986, 2.1; RFC 7512, 2.3.
"""

from __future__ import annotations

import re
import string
from typing import Final
from urllib.parse import unquote_to_bytes

from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

MAX_URI_CHARS: Final = 4096
"""Characters of a key URI; a full one with paths and labels has a few hundred."""

UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")
_BROKEN: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode_octets(value: str, *, allowed: frozenset[str], name: str) -> bytes:
    """Return the octets of a value.

    Args:
        allowed: characters that may stand for themselves, `%` not among them.
        name: of the attribute, for the message; the value itself is never shown.

    Raises:
        KeyUnavailable: a broken escape, or a character that must be escaped.
    """
    if _BROKEN.search(value):
        raise KeyUnavailable(f"the key URI's {name} has a percent sign without two hexadecimal digits after it")
    wrong = sorted({character for character in value if character not in allowed and character != "%"})
    if wrong:
        raise KeyUnavailable(
            f"the key URI's {name} holds {wrong[0]!r}, which must be percent-encoded: "
            + "".join(f"%{octet:02X}" for octet in wrong[0].encode())
        )
    return unquote_to_bytes(value)


def decode_text(value: str, *, allowed: frozenset[str], name: str) -> str:
    """Return the text of a value, UTF-8.

    Raises:
        KeyUnavailable: as `decode_octets`; also octets that are no UTF-8, and control characters.
    """
    try:
        text = decode_octets(value, allowed=allowed, name=name).decode("utf-8")
    except UnicodeDecodeError:
        raise KeyUnavailable(f"the key URI's {name} is not UTF-8 text") from None
    if any(ord(character) < 0x20 or character == "\x7f" for character in text):
        raise KeyUnavailable(f"the key URI's {name} holds a control character")
    return text


def read_algorithm(name: str) -> SignatureAlgorithm:
    """Return the algorithm of this name.

    Raises:
        KeyUnavailable: there is none.
    """
    try:
        return SignatureAlgorithm(name)
    except ValueError:
        names = ", ".join(one.value for one in SignatureAlgorithm)
        raise KeyUnavailable(f"the key URI asks for an algorithm that is not known; known are {names}") from None
