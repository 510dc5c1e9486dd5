"""The values a PDF is written in: types, one way to write them, one way to compare them.

Implements ISO 32000-1, 7.3 (objects) and 7.9.2.2 (text strings).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from transcript_core.errors import MalformedTranscript


class Name(str):
    """A name without its slash, one character an octet."""

    __slots__ = ()


class String(bytes):
    """A string's octets, escapes and hexadecimal form resolved."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """An indirect reference; generations other than 0 are refused."""

    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream: its dictionary and its octets as stored."""

    dictionary: dict[str, Value]
    raw: bytes


Value: TypeAlias = "bool | int | float | Name | String | Ref | Stream | list[Value] | dict[str, Value] | None"


class MalformedPdf(MalformedTranscript):
    """The octets are not the strict PDF that our files are written in."""

    def __init__(self, problem: str, *, offset: int) -> None:
        super().__init__(f"PDF, byte {offset}: {problem}")
        self.problem = problem
        self.offset = offset  # 0-based, where reading stopped


_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9+\-_.,:*!&'|~^@]*")


def write_value(value: Value) -> bytes:
    """Return the one form in which this program writes a value."""
    match value:
        case list():
            return b"[" + b" ".join(write_value(item) for item in value) + b"]"
        case dict():
            return b"<<" + b"".join(_write_name(key) + b" " + write_value(item) for key, item in value.items()) + b">>"
        case Stream():
            return write_value(value.dictionary) + b"\nstream\n" + value.raw + b"\nendstream"
    return _write_scalar(value)


def _write_scalar(value: bool | float | Name | String | Ref | None) -> bytes:
    match value:
        case Name():
            return _write_name(value)
        case String():
            return b"<" + value.hex().upper().encode("ascii") + b">"
        case Ref():
            return b"%d 0 R" % value.number
        case float():
            return f"{value:.10f}".rstrip("0").encode("ascii")
    return json.dumps(value).encode("ascii")


def _write_name(name: str) -> bytes:
    if _PLAIN_NAME.fullmatch(name):
        return b"/" + name.encode("ascii")
    return b"/" + b"".join(
        character.encode("latin-1") if _PLAIN_NAME.fullmatch(character) else b"#%02X" % ord(character)
        for character in name
    )


def same_value(one: Value, other: Value) -> bool:
    """Say whether two values are the same to every reader: types count, the order of dictionary keys does not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if isinstance(one, Stream) and isinstance(other, Stream):
        return one.raw == other.raw and same_value(one.dictionary, other.dictionary)
    return one == other


def list_references(value: Value) -> list[int]:
    """Return the numbers of the objects that a value refers to directly, in order, repeats included."""
    match value:
        case Ref():
            return [value.number]
        case list():
            return [number for item in value for number in list_references(item)]
        case dict():
            return [number for item in value.values() for number in list_references(item)]
        case Stream():
            return list_references(value.dictionary)
    return []


def text_string(text: str) -> bytes:
    """Return a text string as written in a file: ASCII as it is, anything else UTF-16BE with its mark, in hex.

    Spec: ISO 32000-1, 7.9.2.2.
    """
    octets = text.encode("ascii") if text.isascii() else b"\xfe\xff" + text.encode("utf-16-be")
    return b"<" + octets.hex().upper().encode("ascii") + b">"


def read_text_string(value: String) -> str:
    """Return the text of a text string; octets without a Unicode mark are read as Latin-1.

    Raises:
        MalformedPdf: the octets after the mark are not UTF-16BE or UTF-8.
    """
    try:
        if value.startswith(b"\xfe\xff"):
            return value[2:].decode("utf-16-be")
        if value.startswith(b"\xef\xbb\xbf"):
            return value[3:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedPdf("a text string is not the Unicode it says it is", offset=0) from error
    return value.decode("latin-1")
