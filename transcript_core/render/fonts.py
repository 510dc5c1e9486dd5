"""The font of the signature appearances: Libertinus Serif, from the ones bundled with Typst.

Typst itself makes the subset, by setting a sheet with every character that names, offices and times may need; its font
objects are taken over as they are (ISO 19005-3, 6.2.11: embedded, with ToUnicode; codes are glyph numbers,
Identity-H).  They stand in the AcroForm's /DR of every document, so one appearance serves a whole batch.  The bold face
is not used: its capitals with two marks are drawn wrongly, so emphasis is a fine stroke around the regular face.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import typst

from transcript_core.errors import MalformedTranscript
from transcript_core.render.objects import list_references, parse_objects, renumber, split_stream

FONT_NAME: Final = "HbR"
"""The font's name in /DR /Font."""

_BASES: Final = "aăâeêioôơuưy"
_TONES: Final = ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323")
_MINORITY_LETTERS: Final = "ĕĭŏŭčñƀ"
"""Letters of Ê Đê, Gia Rai, Ba Na and other names beside those of Vietnamese."""
_PUNCTUATION: Final = "–—…“”‘’·°"
_SHEET: Final = b"""
#set page(width: 600pt, height: auto)
#set text(font: "Libertinus Serif", fallback: false, ligatures: false, kerning: false)
#sys.inputs.text
"""


@dataclass(frozen=True, slots=True, eq=False)
class AppearanceFont:
    """One font of /DR.  `objects[0]` is the Type0 font; references inside are indexes into `objects`."""

    name: str
    objects: tuple[bytes, ...]
    codes: Mapping[str, int]  # character -> two-octet code
    widths: Mapping[str, float]  # character -> thousandths of the font size

    def measure(self, text: str, size: float) -> float:
        """Return the width of `text` in points.

        Raises:
            MalformedTranscript: the font lacks a character.
        """
        try:
            return sum(self.widths[character] for character in text) * size / 1000
        except KeyError as error:
            raise _lacks(error.args[0]) from None

    def encode(self, text: str) -> bytes:
        """Return `text` as a hexadecimal string of codes.

        Raises:
            MalformedTranscript: the font lacks a character.
        """
        try:
            codes = [self.codes[character] for character in text]
        except KeyError as error:
            raise _lacks(error.args[0]) from None
        return b"<" + struct.pack(f">{len(codes)}H", *codes).hex().upper().encode("ascii") + b">"


def _lacks(character: str) -> MalformedTranscript:
    return MalformedTranscript(
        f"character U+{ord(character):04X} cannot be shown in a signature's appearance; correct the name or title"
    )


@cache
def load_font() -> AppearanceFont:
    """Return the font.  Made once a process."""
    compiler = typst.Compiler(_SHEET, font_paths=[], ignore_system_fonts=True)
    inputs = {"text": " ".join(list_characters())}
    sheet = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=["a-3b"], timestamp=0)
    assert isinstance(sheet, bytes)
    return _read_font(parse_objects(sheet).bodies)


def list_characters() -> str:
    """Return every character that an appearance can show, without the blank."""
    vietnamese = [unicodedata.normalize("NFC", base + tone) for base in _BASES for tone in _TONES]
    letters = "".join([*vietnamese, "đ", _MINORITY_LETTERS])
    latin = "".join(chr(code) for code in range(0xC0, 0x100) if code not in {0xD7, 0xF7})
    ascii_range = "".join(chr(code) for code in range(0x21, 0x7F))
    return "".join(dict.fromkeys(ascii_range + letters + letters.upper() + latin + _PUNCTUATION))


def _read_font(bodies: Mapping[int, bytes]) -> AppearanceFont:
    top = next(number for number, body in bodies.items() if body.startswith(b"<</Type/Font/Subtype/Type0"))
    order = [top]
    for number in order:
        order.extend(one for one in list_references(bodies[number]) if one not in order)
    indexes = {number: index for index, number in enumerate(order)}
    objects = tuple(renumber(bodies[number], indexes) for number in order)
    codes = _read_codes(next(body for body in objects if b"/Type/CMap" in split_stream(body)[0]))
    widths = read_widths(next(body for body in objects if b"/Subtype/CIDFontType" in body))
    return AppearanceFont(FONT_NAME, objects, codes, {character: widths[code] for character, code in codes.items()})


def _read_codes(body: bytes) -> dict[str, int]:
    """Return character -> code, of all that appearances may show."""
    codes = {text: code for code, text in read_texts(body).items()}
    missing = [character for character in (*list_characters(), " ") if character not in codes]
    assert not missing, f"the bundled font lacks {missing}"
    return codes


def read_texts(body: bytes) -> dict[int, str]:
    """Return code -> text from the object of a ToUnicode CMap (ISO 32000-1, 9.10.3)."""
    content = zlib.decompress(split_stream(body)[1].removeprefix(b"stream\n").removesuffix(b"\nendstream"))
    texts: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", content, re.DOTALL):
        for code, text in re.findall(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", block):
            texts[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", content, re.DOTALL):
        for first, last, text in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for offset in range(int(last, 16) - int(first, 16) + 1):
                texts[int(first, 16) + offset] = chr(int(text, 16) + offset)
    return texts


def read_widths(body: bytes) -> dict[int, float]:
    """Return code -> width from a CIDFont's /W array of `first last width` and `first [width ...]` groups (9.7.4.3)."""
    found = re.search(rb"/W\[(.*)\]", body)
    assert found is not None
    widths: dict[int, float] = {}
    for first, last, width, listed in re.findall(rb"(\d+) ?(?:(\d+) ([\d.]+)|\[([^\]]*)\])", found[1]):
        values = [float(value) for value in listed.split()] if listed else [float(width)] * (int(last) - int(first) + 1)
        widths.update(enumerate(values, start=int(first)))
    return widths
