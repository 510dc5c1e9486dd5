"""What the signature fields show: appearance streams drawn with the font of the AcroForm's /DR.

A person's appearance (name, office, time) is the same in every document that the person signs in one batch: these are
pure functions, called once a batch.  The seal's holds the QR code, so it is made for each document.

Implements ISO 32000-1, 12.5.5 (appearance streams) within ISO 19005-3, 6.2 (DeviceRGB under the sRGB output intent,
embedded font, no transparency, no image but the QR code's stencil).  The look follows NĐ 30/2020 (seal in red, name and
time to the second with the offset) and does not imitate a state seal.  All lengths are points.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from transcript_core.clock import VIETNAM_TIME
from transcript_core.render.drawing import Box, Line, dash, draw_lines, draw_qr, fill, number, stroke
from transcript_core.render.fonts import FONT_NAME, AppearanceFont
from transcript_core.render.qr import QrCode, build_qr_code

Piece: TypeAlias = bytes | int | str

INK: Final = b"0.06 0.15 0.42"
SEAL_RED: Final = b"0.76 0.07 0.11"
WAITING_GREY: Final = b"0.42 0.44 0.48"
_SMALL: Final = 0.8
_SMALLER: Final = 0.72
_PADDING: Final = 2.0
_PACKING: Final = 4
"""zlib level: higher ones take several times as long and save a few octets."""


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
        MalformedTranscript: a text has a character that the appearance font lacks.
    """
    return _build(width, height, draw_person(width, height, name=name, title=title, signed_at=signed_at, world=world))


def draw_person(
    width: float,
    height: float,
    *,
    name: str,
    title: str,
    signed_at: datetime,
    world: str | None = None,
    font: AppearanceFont | None = None,
) -> bytes:
    """Return what the stream of that appearance holds, unpacked, by which a verifier knows it again.

    Args:
        font: of the file that is drawn for; None: of a file made here.

    Raises:
        MalformedTranscript: as `build_person_appearance`.
        LimitExceeded: the place is too small for any size.
    """
    lines = [
        *(Line(part, _SMALL, may_break=True) for part in title.split(" / ") if part),
        Line(name, strong=True, may_break=True),
        *([Line(world, _SMALL, may_break=True)] if world else []),
        Line(f"Ký số: {format_instant(signed_at)}", _SMALL),
    ]
    frame = Box(0, 0, width, height)
    text = draw_lines(lines, frame.shrink(_PADDING), INK, 14, font=font)
    return _join([fill(frame), stroke(frame.shrink(0.3), INK, 0.6), text])


def build_seal_appearance(
    width: float, height: float, *, school_name: str, signed_at: datetime, qr_url: str
) -> Appearance:
    """Return the appearance of the school's seal: the QR code, and beside it who issued the document and when.

    Raises:
        MalformedTranscript: a text has a character that the appearance font lacks.
        LimitExceeded: `qr_url` does not fit a QR code.
    """
    drawing = draw_seal(width, height, school_name=school_name, signed_at=signed_at, code=build_qr_code(qr_url))
    return _build(width, height, drawing, packed=False)  # it is made for each document, and packing saves 1 KB


def draw_seal(
    width: float,
    height: float,
    *,
    school_name: str,
    signed_at: datetime,
    code: QrCode,
    font: AppearanceFont | None = None,
) -> bytes:
    """Return what the stream of that appearance holds, unpacked.  Arguments and errors as for `draw_person`."""
    square, panel = _split_seal(width, height)
    return _join(
        [fill(Box(0, 0, width, height)), draw_qr(code, square), *_draw_panel(panel, school_name, signed_at, font)]
    )


@lru_cache(maxsize=64)
def _draw_panel(
    panel: Box, school_name: str, signed_at: datetime, font: AppearanceFont | None = None
) -> tuple[bytes, ...]:
    """Return the seal's part that is the same in all documents of one batch."""
    lines = [
        Line("ĐÃ KÝ SỐ VÀ PHÁT HÀNH", _SMALLER),
        Line(school_name.upper(), strong=True, may_break=True),
        Line("Con dấu số của trường", _SMALLER, may_break=True),
        Line(format_instant(signed_at), _SMALLER),
    ]
    return (
        stroke(panel.shrink(0.9), SEAL_RED, 1.8),
        stroke(panel.shrink(3.4), SEAL_RED, 0.6),
        draw_lines(lines, panel.shrink(7), SEAL_RED, 14, comfortable=10, font=font),
    )


@lru_cache(maxsize=1024)
def build_waiting_appearance(width: float, height: float, *, lines: tuple[str, ...]) -> Appearance:
    """Return what a person's place shows before it is signed; the first line is the name."""
    frame = Box(0, 0, width, height)
    shown = [Line(lines[0], strong=True, may_break=True), *(Line(line, _SMALL) for line in lines[1:])]
    content = draw_lines(shown, frame.shrink(_PADDING), WAITING_GREY, 12)
    return _build(width, height, _join([fill(frame), dash(frame.shrink(0.4), WAITING_GREY), content]))


@lru_cache(maxsize=64)
def build_waiting_seal_appearance(width: float, height: float, *, school_name: str) -> Appearance:
    """Return what the seal's place shows before issue: the QR's frame marked as not issued."""
    square, panel = _split_seal(width, height)
    code = [Line("MÃ QR", strong=True), Line("chưa phát hành")]
    seal = [Line(school_name, strong=True, may_break=True), Line("(chưa ký số phát hành)", _SMALL)]
    drawing = [fill(Box(0, 0, width, height))]
    for box, lines in ((square, code), (panel, seal)):
        drawing += [dash(box.shrink(0.4), WAITING_GREY), draw_lines(lines, box.shrink(5), WAITING_GREY, 11)]
    return _build(width, height, _join(drawing))


def _split_seal(width: float, height: float) -> tuple[Box, Box]:
    """Return the QR's square on the left, quiet zone included, and the panel on the right."""
    side = min(height, width * 0.55)
    gap = 6.0
    return Box(0, (height - side) / 2, side, side), Box(side + gap, 0, width - side - gap, height)


def _join(drawing: Sequence[bytes]) -> bytes:
    return b"q\n" + b"\n".join(drawing) + b"\nQ"


def _build(width: float, height: float, content: bytes, *, packed: bool = True) -> Appearance:
    stream = zlib.compress(content, _PACKING) if packed else content
    head = b"<</Type/XObject/Subtype/Form/FormType 1/BBox[0 0 %s %s]" % (number(width), number(height))
    resources = b"/Resources<</Font<</%s " % FONT_NAME.encode("ascii")
    tail = b">>>>%s/Length %d>>" % (b"/Filter/FlateDecode" if packed else b"", len(stream))
    return Appearance(width, height, (AppearanceObject((head, resources, FONT_NAME, tail), stream),))
