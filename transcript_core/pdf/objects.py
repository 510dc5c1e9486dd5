"""Parses the objects of a PDF, strictly.

Implements ISO 32000-1, 7.2 (lexical conventions) and 7.3 (objects) as far as our own files use them: no comments
inside objects, no repeated dictionary keys, no odd hexadecimal digits, no generation but 0, stream lengths given
directly.  What a viewer would quietly repair is refused, because two readers could then see two documents.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Final

from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_PDF_DEPTH, MAX_PDF_STREAM_BYTES
from transcript_core.pdf.values import MalformedPdf, Name, Ref, Stream, String, Value

_SPACE: Final = rb"[\x00\t\n\x0c\r ]*"
_REGULAR: Final = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    _SPACE + rb"(?:(?P<name>/" + _REGULAR + rb"*)"
    rb"|(?P<ref>\d{1,10} 0 R(?!" + _REGULAR + rb"))"
    rb"|(?P<integer>[+-]?\d{1,10}(?!" + _REGULAR + rb"))"
    rb"|(?P<real>[+-]?(?:\d{1,10}\.\d{0,10}|\.\d{1,10})(?!" + _REGULAR + rb"))"
    rb"|(?P<open><<)|(?P<close>>>)|(?P<array>\[)|(?P<end>\])"
    rb"|(?P<hex><[0-9A-Fa-f]*>)"
    rb"|(?P<text>\()"
    rb"|(?P<word>true|false|null)(?!" + _REGULAR + rb"))"
)
_STREAM: Final = re.compile(rb"[\n\r ]*stream(?:\r\n|\n)")
_END_STREAM: Final = re.compile(rb"(?:\r\n|\n|\r)?endstream")
_END: Final = re.compile(_SPACE + rb"endobj")
_LINE_END: Final = re.compile(rb"\\?(?:\r\n?|\n)")
_OCTAL: Final = re.compile(rb"\\([0-7]{1,3})")
_NAME_ESCAPE: Final = re.compile(r"#([0-9A-Fa-f]{2})")
_TEXT_STOP: Final = re.compile(rb"[()\\\r]")
_TEXT_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_WORDS: Final[dict[bytes, bool | None]] = {b"true": True, b"false": False, b"null": None}


def parse_value(data: bytes, at: int = 0) -> tuple[Value, int]:
    """Return the value that starts at or after white space at `at`, and the offset behind it.

    Raises:
        MalformedPdf: no value stands there, or it breaks the strict form.

    Spec: ISO 32000-1, 7.3, without streams and comments.
    """
    return _parse(data, at, 0)


def _parse(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    token = _TOKEN.match(data, at)
    if token is None:
        raise MalformedPdf("a value was expected", offset=at)
    if depth > MAX_PDF_DEPTH:
        raise MalformedPdf("values are nested too deeply", offset=at)
    kind, end = str(token.lastgroup), token.end()
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(token[kind], at), end
    if kind == "open":
        return _parse_dictionary(data, end, depth)
    if kind == "array":
        return _parse_array(data, end, depth)
    if kind == "text":
        return _parse_text(data, end)
    raise MalformedPdf("a bracket stands where a value was expected", offset=at)


def _parse_dictionary(data: bytes, at: int, depth: int) -> tuple[dict[str, Value], int]:
    found: dict[str, Value] = {}
    while True:
        token = _TOKEN.match(data, at)
        if token is not None and token.lastgroup == "close":
            return found, token.end()
        if token is None or token.lastgroup != "name":
            raise MalformedPdf("a dictionary key was expected", offset=at)
        key = _name(token["name"], at)
        if key in found:
            raise MalformedPdf(f"the key /{key} stands twice in one dictionary", offset=at)
        found[key], at = _parse(data, token.end(), depth + 1)


def _parse_array(data: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    found: list[Value] = []
    while True:
        token = _TOKEN.match(data, at)
        if token is not None and token.lastgroup == "end":
            return found, token.end()
        value, at = _parse(data, at, depth + 1)
        found.append(value)


def _parse_text(data: bytes, at: int) -> tuple[String, int]:
    pieces: list[bytes] = []
    depth, start = 1, at
    while stop := _TEXT_STOP.search(data, at):
        at = stop.end()
        if stop[0] == b"(":
            depth += 1
        elif stop[0] == b")":
            depth -= 1
            if depth == 0:
                return String(b"".join(pieces) + data[start : stop.start()]), at
        else:
            piece, behind = _escape(data, stop.start())
            pieces += [data[start : stop.start()], piece]
            at = start = behind
    raise MalformedPdf("a string is not closed", offset=at)


def _escape(data: bytes, at: int) -> tuple[bytes, int]:
    """Return what a carriage return or a backslash sequence at `at` stands for, and the offset behind it."""
    line_end = _LINE_END.match(data, at)
    if line_end is not None:
        return (b"" if line_end[0].startswith(b"\\") else b"\n"), line_end.end()
    octal = _OCTAL.match(data, at)
    if octal is not None:
        return bytes([int(octal[1], 8) & 0xFF]), octal.end()
    character = data[at + 1 : at + 2]
    return _TEXT_ESCAPES.get(character, character), at + 2


def _name(text: bytes, at: int) -> Name:
    plain = text[1:].decode("latin-1")
    if "#" not in plain:
        return Name(plain)
    if re.search(r"#(?![0-9A-Fa-f]{2})", plain) or "#00" in plain:
        raise MalformedPdf("a name holds a broken escape", offset=at)
    return Name(_NAME_ESCAPE.sub(lambda code: chr(int(code[1], 16)), plain))


def _hexadecimal(text: bytes, at: int) -> String:
    if len(text) % 2:
        raise MalformedPdf("a hexadecimal string has an odd number of digits", offset=at)
    return String(bytes.fromhex(text[1:-1].decode("ascii")))


_SCALARS: Final[dict[str, Callable[[bytes, int], Value]]] = {
    "name": _name,
    "ref": lambda text, _: Ref(int(text[:-4])),
    "integer": lambda text, _: int(text),
    "real": lambda text, _: float(text),
    "hex": _hexadecimal,
    "word": lambda text, _: _WORDS[text],
}


def parse_object(data: bytes, at: int, number: int) -> tuple[Value, int]:
    """Return the indirect object `number` that starts exactly at `at`, and the offset behind its `endobj`.

    Raises:
        MalformedPdf: another object, another generation or something else stands there.

    Spec: ISO 32000-1, 7.3.8, 7.3.10; stream lengths must be direct.
    """
    head = b"%d 0 obj" % number
    if not data.startswith(head, at):
        raise MalformedPdf(f"object {number} was expected", offset=at)
    value, end = _parse(data, at + len(head), 0)
    if isinstance(value, dict):
        opening = _STREAM.match(data, end)
        if opening is not None:
            value, end = _parse_stream(data, value, opening.end())
    closing = _END.match(data, end)
    if closing is None:
        raise MalformedPdf(f"object {number} does not end where its value does", offset=end)
    return value, closing.end()


def _parse_stream(data: bytes, dictionary: dict[str, Value], at: int) -> tuple[Stream, int]:
    length = dictionary.get("Length")
    if type(length) is not int or not 0 <= length <= len(data) - at:
        raise MalformedPdf("a stream's length is missing, indirect or beyond the file", offset=at)
    closing = _END_STREAM.match(data, at + length)
    if closing is None:
        raise MalformedPdf("a stream does not end where its length says", offset=at + length)
    return Stream(dictionary, data[at : at + length]), closing.end()


def decode_stream(stream: Stream, *, max_bytes: int = MAX_PDF_STREAM_BYTES) -> bytes:
    """Return a stream's content, FlateDecode resolved.

    Raises:
        MalformedPdf: another filter, predictors, or data that cannot be unpacked.
        LimitExceeded: the content is longer than `max_bytes`.

    Spec: ISO 32000-1, 7.4.4.
    """
    filters = stream.dictionary.get("Filter")
    filters = filters if isinstance(filters, list) else [] if filters is None else [filters]
    if stream.dictionary.get("DecodeParms") is not None or any(one != "FlateDecode" for one in filters):
        raise MalformedPdf("a stream uses a filter other than plain FlateDecode", offset=0)
    if len(filters) > 1:
        raise MalformedPdf("a stream is packed more than once", offset=0)
    if not filters:
        return stream.raw
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(stream.raw, max_bytes + 1)
    except zlib.error as error:
        raise MalformedPdf("a stream cannot be unpacked", offset=0) from error
    if len(content) > max_bytes:
        raise LimitExceeded(f"a PDF stream unpacks to more than {max_bytes} bytes")
    if not unpacker.eof:
        raise MalformedPdf("a stream is cut short", offset=0)
    return content
