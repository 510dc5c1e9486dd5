"""The one JSON reader for what comes from outside: RFC 8259, without what two readers could take differently.

Refused: doubled member names, numbers that are not whole, NaN and infinities, other encodings than UTF-8, a byte order
mark, unpaired surrogates, and anything larger or deeper than `limits.py` allows.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from transcript_core.errors import LimitExceeded, MalformedTranscript
from transcript_core.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)  # an open one reaches the end: linear time
_BRACKETS: Final = re.compile(rb"[\[{]|[\]}]")
_MAX_DIGITS: Final = 15  # whole numbers beyond are not exact in every reader (RFC 8259, 6)


def parse_strict_json(data: bytes, *, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Return the value that `data` holds.

    Raises:
        LimitExceeded: too many bytes, or nested too deep.
        MalformedTranscript: no JSON, or JSON with something that readers could take differently.

    Spec: RFC 8259.  Deviation: only whole numbers; no doubled names; no byte order mark.
    """
    if len(data) > max_bytes:
        raise LimitExceeded(f"the JSON has {len(data)} bytes, more than the {max_bytes} that are accepted")
    _check_depth(data)
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_build_object,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_parse_int,
        )
    except UnicodeDecodeError as error:
        raise MalformedTranscript("the JSON is not in UTF-8") from error
    except ValueError as error:
        raise MalformedTranscript("this is no JSON", line=getattr(error, "lineno", None)) from error
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _check_depth(data: bytes) -> None:
    """Count the nesting outside strings, before anything recursive sees the text."""
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise LimitExceeded(f"the JSON is nested deeper than {MAX_JSON_DEPTH} values")


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise MalformedTranscript("an object has two members of one name")
    return built


def _parse_int(text: str) -> int:
    if len(text) > _MAX_DIGITS or text == "-0":
        raise MalformedTranscript("a number is larger than any that is used here")
    return int(text)


def _refuse_number(_text: str) -> NoReturn:
    raise MalformedTranscript('a number is not whole; marks are texts like "8.5"')


def _check_surrogates(value: object) -> None:
    """Refuse escapes such as a lone \\ud800, which name no character."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedTranscript("a text holds half a character (an unpaired surrogate)") from error
