"""How single values are written as text: one text per value, the same in XML and JSON.

Implements: XML Schema 1.0 Part 2 forms of dates, times, integers and decimals, narrowed to one form each; Unicode
Normalization Form C (UAX #15).  Free text holds no control, format, private-use or invisible characters, so that what
people read is what was signed (Unicode Technical Report 36, 2.6).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum, StrEnum
from typing import Any, Final

from transcript_core.clock import read_utc
from transcript_core.limits import MAX_LABEL_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS

_UNSAFE: Final = re.compile(
    "["
    "\u0000-\u001f\u007f-\u00a0\u00ad"  # controls, no-break space, soft hyphen
    "\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"  # joiners, marks and fillers without a picture
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164"  # other blanks, zero width, line ends, direction overrides
    "\ud800-\udfff\ue000-\uf8ff"  # surrogates, private use
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"  # variation selectors, byte order mark, interlinear marks, noncharacters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000fffff\U00100000-\U0010ffff"
    "]"
)


class JsonKind(Enum):
    """The JSON type a value has."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One kind of value and its only text form.  Both directions raise ValueError with a reason that shows no value."""

    to_text: Callable[[Any], str]
    to_value: Callable[[str], Any]
    check: Callable[[str], None]  # raises ValueError
    json_kind: JsonKind = JsonKind.STRING

    def encode(self, value: object) -> str:
        """Return the text of `value`."""
        text = self.to_text(value)
        self.check(text)
        return text

    def decode(self, text: str) -> Any:
        """Return the value that `text` stands for."""
        self.check(text)
        return self.to_value(text)


def check_text(text: str, max_chars: int) -> None:
    """Check that `text` is readable as it stands.

    Raises:
        ValueError: empty, too long, not in NFC, with blanks at an end, or with characters that cannot be seen.
    """
    if not text:
        raise ValueError("is empty")
    if len(text) > max_chars:
        raise ValueError(f"is longer than {max_chars} characters")
    unsafe = None if text.isascii() and text.isprintable() else _UNSAFE.search(text)
    if unsafe is not None:
        raise ValueError(f"holds the character U+{ord(unsafe.group()):04X}, which is not allowed")
    if text[0] == " " or text[-1] == " ":
        raise ValueError("begins or ends with a blank")
    if not unicodedata.is_normalized("NFC", text):
        raise ValueError("is not in Unicode Normalization Form C")


def _text(max_chars: int) -> Scalar:
    return Scalar(to_text=_as_str, to_value=str, check=lambda text: check_text(text, max_chars))


def _pattern(
    expression: str,
    to_text: Callable[[Any], str],
    to_value: Callable[[str], Any],
    json_kind: JsonKind = JsonKind.STRING,
) -> Scalar:
    compiled = re.compile(expression)

    def check(text: str) -> None:
        if compiled.fullmatch(text) is None:
            raise ValueError("does not have the form that is asked for")

    return Scalar(to_text, to_value, check, json_kind)


def code(expression: str) -> Scalar:
    """Return the kind of codes of this form, a regular expression over ASCII."""
    return _pattern(expression, _as_str, str)


def choice(members: Iterable[StrEnum]) -> Scalar:
    """Return the kind that takes these members of one enumeration."""
    known = {member.value: member for member in members}

    def check(text: str) -> None:
        if text not in known:
            raise ValueError("is none of the codes that are allowed here")

    return Scalar(_choice_text, known.__getitem__, check)


def integer(lowest: int, highest: int) -> Scalar:
    """Return the kind of whole numbers from `lowest` to `highest`."""

    def check(text: str) -> None:
        if len(text) > 9 or re.fullmatch("0|[1-9][0-9]*", text) is None or not lowest <= int(text) <= highest:
            raise ValueError(f"is no whole number from {lowest} to {highest}")

    return Scalar(_int_text, int, check, JsonKind.INTEGER)


def _as_str(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is no text")
    return value


def _int_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("is no whole number")
    return str(value)


def _bool_text(value: Any) -> str:
    return "true" if value is True else "false" if value is False else "neither"


def _tenth_text(value: Any) -> str:
    return _fixed_text(value, Decimal("0.1"))


def _unit_text(value: Any) -> str:
    return _fixed_text(value, Decimal(1))


def _fixed_text(value: Any, step: Decimal) -> str:
    """Write a decimal with exactly the places of `step`; digits beyond them are an error, never rounded away."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError("is no decimal number")
    try:
        fixed = value.quantize(step)
    except InvalidOperation as error:
        raise ValueError("is out of range") from error
    if fixed != value:
        raise ValueError("has more decimal places than are kept")
    return str(abs(fixed) if fixed == 0 else fixed)


def _date_text(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("is no date")
    return value.isoformat()


def _instant_text(value: Any) -> str:
    if not isinstance(value, datetime) or value.utcoffset() is None or value.microsecond:
        raise ValueError("is no instant in whole seconds with a time zone")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _parse_instant(text: str) -> datetime:
    return read_utc(datetime.fromisoformat(text))


def _digest_text(value: Any) -> str:
    if not isinstance(value, bytes):
        raise ValueError("is no digest")
    return value.hex()


def _choice_text(value: Any) -> str:
    if not isinstance(value, StrEnum):
        raise ValueError("is none of the codes that are allowed here")
    return value.value


NAME: Final = _text(MAX_NAME_CHARS)
LABEL: Final = _text(MAX_LABEL_CHARS)
TEXT: Final = _text(MAX_TEXT_CHARS)
MARK: Final = _pattern(r"10\.0|[0-9]\.[0-9]", _tenth_text, Decimal)
TEST_MARK: Final = _pattern("10|[1-9]", _unit_text, Decimal)
KILOGRAMS: Final = _pattern(r"[1-9][0-9]{0,2}\.[0-9]", _tenth_text, Decimal)
DATE: Final = _pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}", _date_text, date.fromisoformat)
INSTANT: Final = _pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", _instant_text, _parse_instant)
DIGEST: Final = _pattern("[0-9a-f]{64}", _digest_text, bytes.fromhex)
BOOLEAN: Final = _pattern("true|false", _bool_text, lambda text: text == "true", JsonKind.BOOLEAN)
