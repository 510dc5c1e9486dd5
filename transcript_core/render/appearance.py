"""What the signature fields show: appearance streams drawn with the fonts of the AcroForm's /DR.

A person's appearance (name, office, time) is the same in every document that the person signs in one batch: these are
pure functions, called once a batch.  The seal's holds the QR code, so it is made for each document.

Implements ISO 32000-1, 12.5.5 (appearance streams) within ISO 19005-3, 6.2 (DeviceRGB under the sRGB output intent,
embedded fonts, no transparency, no images).  The look follows NĐ 30/2020 (seal in red, name and time to the second with
the offset) and does not imitate a state seal.  All lengths are points.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from transcript_core.clock import VIETNAM_TIME
from transcript_core.render.fonts import BOLD, REGULAR, AppearanceFont, load_fonts
from transcript_core.render.qr import QUIET_ZONE, build_qr_matrix

Piece: TypeAlias = bytes | int | str

INK: Final = b"0.06 0.15 0.42"
SEAL_RED: Final = b"0.76 0.07 0.11"
WAITING_GREY: Final = b"0.42 0.44 0.48"
_BLACK: Final = b"0 0 0"
_WHITE: Final = b"1 1 1"
_LEADING: Final = 1.17
_ASCENT: Final = 0.9
_SMALL: Final = 0.8
_COMFORTABLE: Final = 5.6
"""Points below which lines are rather broken than made smaller."""

_PADDING: Final = 2.0


@dataclass(frozen=True, slots=True)
class AppearanceObject:
    """One PDF object.  The pieces joined make its dictionary: octets as they are; an int n refers to the n-th object of
    the same appearance, a str to the font of that name in /DR /Font.  `stream` is what its stream holds, if it has one.
    """

    pieces: tuple[Piece, ...]
    stream: bytes | None = None

    def build_body(self, first_number: int, fonts: Mapping[str, int]) -> bytes:
        """Return what stands between `obj` and `endobj`.

        Args:
            first_number: object number of the appearance's `objects[0]`; the others follow.
            fonts: object number of each font by its name in /DR.
        """
        parts = []
        for piece in self.pieces:
            if isinstance(piece, bytes):
                parts.append(piece)
            else:
                parts.append(b"%d 0 R" % (fonts[piece] if isinstance(piece, str) else first_number + piece))
        dictionary = b"".join(parts)
        return dictionary if self.stream is None else b"%s\nstream\n%s\nendstream" % (dictionary, self.stream)


@dataclass(frozen=True, slots=True)
class Appearance:
    """Everything that a field's /AP /N refers to; `objects[0]` is the Form XObject."""

    width: float
    height: float
    objects: tuple[AppearanceObject, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    font: str
    scale: float = 1.0  # of the block's size
    may_break: bool = False


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    def shrink(self, by: float) -> _Box:
        return _Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)


def format_instant(instant: datetime) -> str:
    """Return dd/mm/yyyy HH:MM:SS +07:00, Vietnam time (NĐ 30/2020, Phụ lục I)."""
    return f"{instant.astimezone(VIETNAM_TIME):%d/%m/%Y %H:%M:%S} +07:00"


def build_person_appearance(
    width: float, height: float, *, name: str, title: str, signed_at: datetime, world: str | None = None
) -> Appearance:
    """Return the appearance of a person's signature: name, office, time.

    Args:
        title: the office; " / " in it starts a new line.
        world: kind of certificate to show, in Vietnamese; None shows nothing.

    Raises:
        MalformedTranscript: a text has a character that the appearance fonts lack.
    """
    lines = [
        *(_Line(part, REGULAR, _SMALL, may_break=True) for part in title.split(" / ") if part),
        _Line(name, BOLD, may_break=True),
        *([_Line(world, REGULAR, _SMALL, may_break=True)] if world else []),
        _Line(f"Ký số: {format_instant(signed_at)}", REGULAR, _SMALL),
    ]
    frame = _Box(0, 0, width, height)
    drawing = [_fill(frame), _stroke(frame.shrink(0.3), INK, 0.6), _draw_lines(lines, frame.shrink(_PADDING), INK, 14)]
    return _build(width, height, drawing)


def build_seal_appearance(
    width: float, height: float, *, school_name: str, signed_at: datetime, qr_url: str
) -> Appearance:
    """Return the appearance of the school's seal: the QR code, and beside it who issued the document and when.

    Raises:
        MalformedTranscript: a text has a character that the appearance fonts lack.
        LimitExceeded: `qr_url` does not fit a QR code.
    """
    square, panel = _split_seal(width, height)
    lines = [
        _Line("ĐÃ KÝ SỐ VÀ PHÁT HÀNH", REGULAR, 0.72),
        *(_Line(part, BOLD, may_break=True) for part in (school_name.upper(),)),
        _Line("Con dấu số của trường", REGULAR, 0.72, may_break=True),
        _Line(format_instant(signed_at), REGULAR, 0.72),
    ]
    drawing = [
        _fill(_Box(0, 0, width, height)),
        _draw_qr(build_qr_matrix(qr_url), square),
        _stroke(panel.shrink(0.9), SEAL_RED, 1.8),
        _stroke(panel.shrink(3.4), SEAL_RED, 0.6),
        _draw_lines(lines, panel.shrink(7), SEAL_RED, 14, comfortable=10),
    ]
    return _build(width, height, drawing)


@lru_cache(maxsize=1024)
def build_waiting_appearance(width: float, height: float, *, lines: tuple[str, ...]) -> Appearance:
    """Return what a person's place shows before it is signed; the first line is the name."""
    frame = _Box(0, 0, width, height)
    shown = [_Line(lines[0], BOLD, may_break=True), *(_Line(line, REGULAR, _SMALL) for line in lines[1:])]
    drawing = [_fill(frame), _dash(frame.shrink(0.4)), _draw_lines(shown, frame.shrink(_PADDING), WAITING_GREY, 12)]
    return _build(width, height, drawing)


@lru_cache(maxsize=64)
def build_waiting_seal_appearance(width: float, height: float, *, school_name: str) -> Appearance:
    """Return what the seal's place shows before issue: the QR's frame marked as not issued."""
    square, panel = _split_seal(width, height)
    code = [_Line("MÃ QR", BOLD), _Line("chưa phát hành", REGULAR)]
    seal = [_Line(school_name, BOLD, may_break=True), _Line("(chưa ký số phát hành)", REGULAR, _SMALL)]
    drawing = [_fill(_Box(0, 0, width, height))]
    for box, lines in ((square, code), (panel, seal)):
        drawing += [_dash(box.shrink(0.4)), _draw_lines(lines, box.shrink(5), WAITING_GREY, 11)]
    return _build(width, height, drawing)


def _split_seal(width: float, height: float) -> tuple[_Box, _Box]:
    """Return the QR's square on the left, quiet zone included, and the panel on the right."""
    side = min(height, width * 0.55)
    gap = 6.0
    return _Box(0, (height - side) / 2, side, side), _Box(side + gap, 0, width - side - gap, height)


def _number(value: float) -> bytes:
    return f"{value:.2f}".rstrip("0").rstrip(".").encode("ascii")


def _rectangle(box: _Box) -> bytes:
    return b" ".join(_number(value) for value in (box.x, box.y, box.width, box.height)) + b" re"


def _fill(box: _Box) -> bytes:
    return b"%s rg %s f" % (_WHITE, _rectangle(box))


def _stroke(box: _Box, colour: bytes, line_width: float) -> bytes:
    return b"%s RG %s w %s S" % (colour, _number(line_width), _rectangle(box))


def _dash(box: _Box) -> bytes:
    return b"q [2 2] 0 d %s Q" % _stroke(box, WAITING_GREY, 0.5)


def _draw_qr(matrix: Sequence[Sequence[bool]], square: _Box) -> bytes:
    """Draw dark modules as runs along the rows, in a grid of modules that the matrix scales to the square."""
    modules = len(matrix) + 2 * QUIET_ZONE
    unit = square.width / modules
    runs = []
    for row, line in enumerate(matrix):
        start = None
        for column, dark in enumerate((*line, False)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                runs.append(b"%d %d %d 1 re" % (start, len(matrix) - 1 - row, column - start))
                start = None
    x, y = square.x + QUIET_ZONE * unit, square.y + QUIET_ZONE * unit
    placing = b"%.5f 0 0 %.5f %.4f %.4f cm" % (unit, unit, x, y)
    return b"q %s rg %s\n%s\nf Q" % (_BLACK, placing, b"\n".join(runs))


def _draw_lines(
    lines: Sequence[_Line], box: _Box, colour: bytes, largest: float, *, comfortable: float = _COMFORTABLE
) -> bytes:
    """Draw the lines centred in the box, as large as they fit and at most `largest` points."""
    fonts = load_fonts()
    set_lines, size = _fit(lines, box, (largest, comfortable), fonts)
    total = sum(line.scale for line in set_lines) * size * _LEADING
    top = box.y + (box.height + total) / 2
    parts = [b"BT", colour + b" rg"]
    previous = (0.0, 0.0)
    for line in set_lines:
        font, line_size = fonts[line.font], size * line.scale
        baseline = top - line_size * (_ASCENT + (_LEADING - 1.14) / 2)
        left = box.x + (box.width - font.measure(line.text, line_size)) / 2
        parts.append(b"/%s %s Tf" % (line.font.encode("ascii"), _number(line_size)))
        parts.append(b"%s %s Td" % (_number(left - previous[0]), _number(baseline - previous[1])))
        parts.append(font.encode(line.text) + b" Tj")
        previous = (round(left, 2), round(baseline, 2))
        top -= line_size * _LEADING
    parts.append(b"ET")
    return b"\n".join(parts)


def _fit(
    lines: Sequence[_Line], box: _Box, sizes: tuple[float, float], fonts: Mapping[str, AppearanceFont]
) -> tuple[list[_Line], float]:
    """Return the lines as broken, and the size: unbroken while that is comfortable to read, else broken."""
    largest, comfortable = sizes
    size = largest
    while size >= comfortable:
        if _fits(lines, size, box, fonts):
            return list(lines), size
        size *= 0.97
    size = largest
    while True:
        broken = [part for line in lines for part in _break(line, box.width / (size * line.scale), fonts[line.font])]
        if _fits(broken, size, box, fonts):
            return broken, size
        size *= 0.97


def _fits(lines: Sequence[_Line], size: float, box: _Box, fonts: Mapping[str, AppearanceFont]) -> bool:
    if sum(line.scale for line in lines) * size * _LEADING > box.height:
        return False
    return all(fonts[line.font].measure(line.text, size * line.scale) <= box.width for line in lines)


def _break(line: _Line, limit: float, font: AppearanceFont) -> list[_Line]:
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
    return [_Line(row, line.font, line.scale) for row in rows]


def _build(width: float, height: float, drawing: Sequence[bytes]) -> Appearance:
    stream = zlib.compress(b"q\n" + b"\n".join(drawing) + b"\nQ", 9)
    head = b"<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 %s %s]" % (_number(width), _number(height))
    tail = b">>>>/Filter/FlateDecode/Length %d>>" % len(stream)
    pieces: tuple[Piece, ...] = (*(head, b"/Resources<</Font<</HbR ", REGULAR, b"/HbB ", BOLD, tail),)
    return Appearance(width, height, (AppearanceObject(pieces, stream),))
