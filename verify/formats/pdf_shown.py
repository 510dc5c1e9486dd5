"""Takes out of a signed transcript what its signature fields show: the drawing, and the font that tells its letters.

ISO 32000-1, 12.5.5 (appearance streams), 9.10.3 (ToUnicode) and 9.7.4.3 (widths), each in the one form of our writer; a
drawing or a font in any other form is left out, so that nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from transcript_core.errors import InputError
from transcript_core.pdf import (
    MalformedPdf,
    Name,
    PdfFile,
    Ref,
    Stream,
    String,
    Value,
    decode_stream,
    parse_object,
    read_text_string,
)
from transcript_core.render.drawing import number
from transcript_core.render.fonts import FONT_NAME, AppearanceFont
from verify.formats.pdf_changes import Change, SignatureField, get_dictionary

MAX_DRAWING_BYTES: Final = 32_768
"""Octets of one drawing, unpacked; a seal with the largest QR code takes 4 KB."""

MAX_CMAP_BYTES: Final = 65_536
"""Octets of a ToUnicode table, unpacked; ours takes 7 KB."""

_CHARACTERS: Final = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>")
_RANGES: Final = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>")
_SINGLE: Final = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
_RANGED: Final = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShownAppearance:
    """What one signed field shows."""

    width: float  # of the field; points
    height: float
    content: bytes | None  # the drawing, unpacked; None: it is not in the form that our signer writes
    font: AppearanceFont | None  # of the file; None: it cannot be read
    tooltip: str  # what the first revision says of the field: "Chữ ký số của …"


def list_shown(file: PdfFile, changes: tuple[Change, ...]) -> dict[str, ShownAppearance]:
    """Return what the signed fields show, by their names.  Never raises."""
    number_of_font, font = _find_font(file)
    shown: dict[str, ShownAppearance] = {}
    for change in changes:
        if change.field is None or change.appearance is None:
            continue
        value = file.revisions[change.revision - 1].objects[change.appearance].value
        width, height = _measure(change.field)
        content = _read_content(value, width, height, number_of_font)
        shown[change.field.name] = ShownAppearance(width, height, content, font, _read_tooltip(change.field))
    return shown


def _measure(field: SignatureField) -> tuple[float, float]:
    rect = field.dictionary.get("Rect")
    numbers = [float(one) for one in rect if isinstance(one, int | float)] if isinstance(rect, list) else []
    if len(numbers) != 4:
        return 0, 0
    return numbers[2] - numbers[0], numbers[3] - numbers[1]


def _read_tooltip(field: SignatureField) -> str:
    value = field.dictionary.get("TU")
    try:
        return read_text_string(value) if isinstance(value, String) else ""
    except MalformedPdf:
        return ""


def _read_content(value: Value, width: float, height: float, font: int | None) -> bytes | None:
    """Return the drawing when nothing but itself decides what it shows: no matrix, other box or other font."""
    if not isinstance(value, Stream) or font is None:
        return None
    packed: dict[str, Value] = {"Filter": Name("FlateDecode")} if "Filter" in value.dictionary else {}
    written: dict[str, Value] = {
        "Type": Name("XObject"),
        "Subtype": Name("Form"),
        "FormType": 1,
        "BBox": [0, 0, float(number(width)), float(number(height))],
        "Resources": {"Font": {FONT_NAME: Ref(font)}},
        "Length": len(value.raw),
        **packed,
    }
    if value.dictionary != written:
        return None
    try:
        return decode_stream(value, max_bytes=MAX_DRAWING_BYTES)
    except InputError:
        return None


def _find_font(file: PdfFile) -> tuple[int | None, AppearanceFont | None]:
    """Return the object of the form's font in the first revision, and the font as far as it tells letters."""
    try:
        catalog = get_dictionary(file.get_object(file.revisions[0].root, revision=1).value, "the catalog")
        form = get_dictionary(file.resolve(catalog.get("AcroForm"), revision=1), "the form")
        resources = get_dictionary(file.resolve(form.get("DR"), revision=1), "the form's resources")
        fonts = get_dictionary(file.resolve(resources.get("Font"), revision=1), "the form's fonts")
        reference = fonts.get(FONT_NAME)
        if not isinstance(reference, Ref):
            return None, None
        return reference.number, _read_font(file, reference)
    except InputError:
        return None, None


def _read_font(file: PdfFile, reference: Ref) -> AppearanceFont | None:
    font = get_dictionary(file.resolve(reference, revision=1), "a font")
    listed, texts = file.resolve(font.get("DescendantFonts"), revision=1), font.get("ToUnicode")
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], Ref) or not isinstance(texts, Ref):
        return None
    return _build_font(_cut(file, listed[0]), _cut(file, texts))


def _cut(file: PdfFile, reference: Ref) -> bytes:
    """Return an object of the first revision under the number 1; `endobj` stands nowhere else in it."""
    start = file.revisions[0].offsets.get(reference.number)
    if start is None:
        raise MalformedPdf(f"object {reference.number} is missing", offset=0)
    head = len(b"%d 0 obj" % reference.number)
    return b"1 0 obj" + file.data[start + head : file.data.index(b"endobj", start)] + b"endobj"


@lru_cache(maxsize=16)
def _build_font(described: bytes, translated: bytes) -> AppearanceFont | None:
    """Return the font of these objects; one release of the typesetter gives every document the same.

    Raises:
        MalformedPdf, LimitExceeded: it cannot be read.
    """
    widths = get_dictionary(parse_object(described, 0, 1)[0], "a font").get("W")
    texts = parse_object(translated, 0, 1)[0]
    if not isinstance(widths, list) or not isinstance(texts, Stream):
        return None
    by_code = read_codes(decode_stream(texts, max_bytes=MAX_CMAP_BYTES))
    known = dict(_list_widths(tuple(_flatten(widths))))
    codes = {text: code for code, text in by_code.items() if code in known}
    return AppearanceFont(FONT_NAME, (), codes, {text: known[code] for text, code in codes.items()})


def _flatten(widths: list[Value]) -> Iterator[float | tuple[float, ...]]:
    for one in widths:
        if isinstance(one, list):
            yield tuple(float(width) for width in one if isinstance(width, int | float))
        elif isinstance(one, int | float):
            yield one
        else:
            raise MalformedPdf("a font's widths are not numbers", offset=0)


def read_codes(cmap: bytes) -> dict[int, str]:
    """Return code to character of a ToUnicode table; what is not in the plain form is left out."""
    found: dict[int, str] = {}
    for block in _SINGLE.findall(cmap):
        found.update((int(code, 16), chr(int(text, 16))) for code, text in _CHARACTERS.findall(block))
    for block in _RANGED.findall(cmap):
        for first, last, text in _RANGES.findall(block):
            start, end, character = int(first, 16), int(last, 16), int(text, 16)
            if end - start < 256:  # 9.10.3: the last octet alone may count up
                found.update((start + at, chr(character + at)) for at in range(end - start + 1))
    return found


def _list_widths(widths: tuple[float | tuple[float, ...], ...]) -> Iterator[tuple[int, float]]:
    """Yield code and width of the groups `first last width` and `first [width …]`."""
    at = 0
    while at + 1 < len(widths):
        first, second = widths[at], widths[at + 1]
        if isinstance(first, tuple) or not 0 <= first <= 0xFFFF:
            raise MalformedPdf("a font's widths are out of order", offset=0)
        if isinstance(second, tuple):
            yield from enumerate(second, start=int(first))
            at += 2
            continue
        width = widths[at + 2] if at + 2 < len(widths) else ()
        if isinstance(width, tuple) or not first <= second <= 0xFFFF:
            raise MalformedPdf("a font's widths are out of order", offset=0)
        yield from ((code, width) for code in range(int(first), int(second) + 1))
        at += 3


_SHOWN_TEXT: Final = re.compile(rb"<((?:[0-9A-Fa-f]{4})*)> Tj")


def read_texts(content: bytes, font: AppearanceFont) -> list[str] | None:
    """Return the lines of text that a drawing shows, in its order; None when a letter is not the font's."""
    letters: Mapping[int, str] = {code: text for text, code in font.codes.items()}
    lines = []
    for text in _SHOWN_TEXT.findall(content):
        codes = [int(text[at : at + 4], 16) for at in range(0, len(text), 4)]
        if any(code not in letters for code in codes):
            return None
        lines.append("".join(letters[code] for code in codes))
    return lines
