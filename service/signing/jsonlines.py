"""Lines of JSON that travel between the machine with the documents and the one with the key, read strictly.

Every text that is read is printable: it will be shown in a terminal, where control characters could rewrite what a
person sees before approving.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from transcript_core.errors import InputError, TranscriptError
from transcript_core.limits import MAX_LISTED_LINE_BYTES
from transcript_core.strict_json import parse_strict_json

Value = TypeVar("Value", str, int)
_MAX_CHARS: Final = 2_000  # a value of RSA-8192 in base64 has 1,368
_MAX_NUMBER: Final = 2**31 - 1  # what the database's integers hold


class SigningListInvalid(InputError):
    """A list of digests, or a file of values, that cannot be relied on."""

    code = "signing-list-invalid"


def write_line(plain: Mapping[str, Any]) -> bytes:
    """Return an object as one line, always the same octets for the same values."""
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode() + b"\n"


def read_line(line: bytes, number: int, *, max_bytes: int = MAX_LISTED_LINE_BYTES) -> Any:
    """Return the value of one line.

    Args:
        number: of the line in its file, from 1, for the error.
        max_bytes: that it may have.

    Raises:
        SigningListInvalid: it is no JSON, or longer than any line that is written here.
    """
    try:
        return parse_strict_json(line, max_bytes=max_bytes)
    except InputError as error:
        raise SigningListInvalid(f"line {number} cannot be read, the file is cut short or changed: {error}") from error


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Let whatever is wrong with plain values inside the block be one typed error."""
    try:
        yield
    except SigningListInvalid:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, TranscriptError) as error:
        raise SigningListInvalid(f"{what} cannot be read; it is cut short, changed or of another version") from error


def get_member(plain: Any, name: str, kind: type[Value]) -> Value:
    """Return a member of this very type; a text is printable and not longer than any that is written here.

    Raises:
        TypeError, KeyError, ValueError: it is missing or of another form; for use inside `reading`.
    """
    value = plain[name]
    if type(value) is not kind:
        raise TypeError(name)
    if isinstance(value, str) and not (value.isprintable() and len(value) <= _MAX_CHARS):
        raise ValueError(name)
    if isinstance(value, int) and not 0 <= value <= _MAX_NUMBER:
        raise ValueError(name)
    return value


def get_texts(plain: Any, name: str, *, at_most: int) -> tuple[str, ...]:
    """Return a member that is a list of printable texts.  Errors: `get_member`."""
    values = plain[name]
    if type(values) is not list or len(values) > at_most:
        raise ValueError(name)
    return tuple(get_member({name: one}, name, str) for one in values)


def make_printable(text: str) -> str:
    """Return a text as one line that `get_member` takes: other characters as blanks, not longer than it may be."""
    return "".join(one if one.isprintable() else " " for one in text)[:_MAX_CHARS]


def get_octets_hex(plain: Any, name: str) -> bytes:
    """Return the octets of a member in lower-case hex.  Errors: `get_member`."""
    text = get_member(plain, name, str)
    octets = bytes.fromhex(text)
    if octets.hex() != text:
        raise ValueError(name)
    return octets


def get_octets_base64(plain: Any, name: str) -> bytes:
    """Return the octets of a member in base64 (RFC 4648, 4).  Errors: `get_member`."""
    return b64decode(get_member(plain, name, str), validate=True)


def write_instant(at: datetime) -> str:
    """Return an aware instant in UTC, whole seconds (RFC 3339)."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


def get_instant(plain: Any, name: str) -> datetime:
    """Return the instant of a member, aware, in UTC.  Errors: `get_member`."""
    at = datetime.fromisoformat(get_member(plain, name, str))
    if at.tzinfo is None:
        raise ValueError(name)
    return at.astimezone(UTC)
