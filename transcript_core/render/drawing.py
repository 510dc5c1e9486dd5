"""Drawing operators for appearance streams: boxes, lines of text that are made to fit, QR codes.

Implements ISO 32000-1, 8.5 (paths) and 9.3, 9.4 (text) with DeviceRGB colours only (ISO 19005-3, 6.2.4.3) and the one
font of `fonts.py`.  Lengths are points.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transcript_core.errors import LimitExceeded
from transcript_core.render.fonts import AppearanceFont, load_font
from transcript_core.render.qr import QUIET_ZONE, QrCode

COMFORTABLE: Final = 7.5
"""Points below which lines are rather broken than made smaller: at 0.8 of it the smallest line still reads in print."""

_SMALLEST: Final = 0.5
"""Points; a place that needs smaller letters is none."""

_STEP: Final = 0.97
"""Each trial size is this part of the one before."""

_STROKE: Final = 0.024
"""Width of the stroke that makes a line strong, in parts of its size."""

_LEADING: Final = 1.17
_ASCENT: Final = 0.9
_EXTENT: Final = 1.14  # the font's ascent and descent together
_BLACK: Final = b"0 0 0"
_WHITE: Final = b"1 1 1"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; it may come out as several when it `may_break`."""

    text: str
    scale: float = 1.0  # of the block's size
    strong: bool = False  # with a fine stroke
    may_break: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; points, origin at the lower left."""

    x: float
    y: float
    width: float
    height: float

    def shrink(self, by: float) -> Box:
        """Return the box without a border of `by` points."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


def number(value: float) -> bytes:
    """Return a number as PDF writes it: two decimals at most, no exponent."""
    return f"{value:.2f}".rstrip("0").rstrip(".").encode("ascii")


def _rectangle(box: Box) -> bytes:
    return b" ".join(number(value) for value in (box.x, box.y, box.width, box.height)) + b" re"


def fill(box: Box) -> bytes:
    """Paint the box white, so that the page below does not show through."""
    return b"%s rg %s f" % (_WHITE, _rectangle(box))


def stroke(box: Box, colour: bytes, line_width: float) -> bytes:
    """Draw the box's outline; `line_width` in points."""
    return b"%s RG %s w %s S" % (colour, number(line_width), _rectangle(box))


def dash(box: Box, colour: bytes) -> bytes:
    """Draw the box's outline in dashes."""
    return b"q [2 2] 0 d %s Q" % stroke(box, colour, 0.5)


def draw_qr(code: QrCode, square: Box) -> bytes:
    """Draw the code as a stencil of one bit a module (ISO 32000-1, 8.9.6.2), which the matrix scales to the square.

    It stands in the content itself (8.9.7), as hexadecimal digits, so that no reader can take its octets for operators.
    """
    unit = square.width / (code.modules + 2 * QUIET_ZONE)
    side = code.modules * unit
    placing = b"%.5f 0 0 %.5f %.4f %.4f cm" % (side, side, square.x + QUIET_ZONE * unit, square.y + QUIET_ZONE * unit)
    stencil = b"BI/W %d/H %d/IM true/D[1 0]/F/AHx ID\n%s>\nEI" % (code.modules, code.modules, hexlify(code.packed))
    return b"q %s rg %s\n%s Q" % (_BLACK, placing, stencil)


def draw_lines(
    lines: Sequence[Line],
    box: Box,
    colour: bytes,
    largest: float,
    *,
    comfortable: float = COMFORTABLE,
    font: AppearanceFont | None = None,
) -> bytes:
    """Draw the lines centred in the box, as large as they fit and at most `largest` points.

    Args:
        font: of the file that is drawn for; None: of a file made here.

    Raises:
        MalformedTranscript: the font lacks a character.
        LimitExceeded: the box is too small for any size.
    """
    font = font or load_font()
    set_lines, size = _fit(lines, box, (largest, comfortable), font)
    total = sum(line.scale for line in set_lines) * size * _LEADING
    top = box.y + (box.height + total) / 2
    parts = [b"BT", colour + b" rg", colour + b" RG"]
    previous = (0.0, 0.0)
    for line in set_lines:
        line_size = size * line.scale
        left = round(box.x + (box.width - font.measure(line.text, line_size)) / 2, 2)
        baseline = round(top - line_size * (_ASCENT + (_LEADING - _EXTENT) / 2), 2)
        weight = b"2 Tr %s w" % number(line_size * _STROKE) if line.strong else b"0 Tr"
        parts.append(b"%s /%s %s Tf" % (weight, font.name.encode("ascii"), number(line_size)))
        parts.append(b"%s %s Td" % (number(left - previous[0]), number(baseline - previous[1])))
        parts.append(font.encode(line.text) + b" Tj")
        previous = (left, baseline)
        top -= line_size * _LEADING
    parts.append(b"ET")
    return b"\n".join(parts)


def _fit(lines: Sequence[Line], box: Box, sizes: tuple[float, float], font: AppearanceFont) -> tuple[list[Line], float]:
    """Return the lines as broken, and the size: unbroken while that is comfortable to read, else broken."""
    largest, comfortable = sizes
    size = largest
    while size >= comfortable:
        if _fits(lines, size, box, font):
            return list(lines), size
        size *= _STEP
    size = largest
    while size > _SMALLEST:
        broken = [part for line in lines for part in _break(line, box.width / (size * line.scale), font)]
        if _fits(broken, size, box, font):
            return broken, size
        size *= _STEP
    raise LimitExceeded("the signature field is too small for the lines that it must show")


def _fits(lines: Sequence[Line], size: float, box: Box, font: AppearanceFont) -> bool:
    if sum(line.scale for line in lines) * size * _LEADING > box.height:
        return False
    return all(font.measure(line.text, size * line.scale) <= box.width for line in lines)


def _break(line: Line, limit: float, font: AppearanceFont) -> list[Line]:
    """Break at blanks, and inside a word that alone is wider; `limit` is the width at size 1."""
    if not line.may_break or font.measure(line.text, 1) <= limit:
        return [line]
    rows = [""]
    for word in line.text.split():
        joined = f"{rows[-1]} {word}".strip()
        if font.measure(joined, 1) <= limit:
            rows[-1] = joined
            continue
        if rows[-1]:
            rows.append("")
        for character in word:
            if rows[-1] and font.measure(rows[-1] + character, 1) > limit:
                rows.append("")
            rows[-1] += character
    return [Line(row, line.scale, line.strong) for row in rows]
