"""Takes a form that Typst has set apart at its tokens, once for all documents of its shape.

Typst writes a run of text as `q 1 0 0 -1 x y cm ... BT ... Tm[...]TJ ET Q`.  What a page shows in another way (words
with places to break carry a text of their own, 14.9.4) stays as it is; a token in it is refused, so that nothing is
printed that was not filled in.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.pdf import MalformedPdf, Stream, String, Value, decode_stream, parse_object, parse_value
from transcript_core.render.fields import FieldSpec, prepare_objects
from transcript_core.render.filling import TOKEN_LENGTH, TOKEN_MARK, TRACKING, read_token
from transcript_core.render.fonts import FONT_NAME, read_texts, read_widths
from transcript_core.render.objects import parse_objects, write_body
from transcript_core.render.sheet import Changing, Line, Page, Run, Sheet, Slot

BLANK_INSTANT: Final = (2000, 1, 1, 0, 0, 0)
"""Date of a blank, UTC; a document's own takes its place."""

BLANK_TITLE: Final = "HbBlankTitle"
BLANK_DESCRIPTION: Final = "HbBlankDescription"

_NEAR_X: Final = 0.25
_NEAR_Y: Final = 9.0
"""Points within which a run begins where another ends, so that both are one line; a raised mark stands higher."""

_STRING: Final = rb"(?:\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]*>)"
_STRINGS: Final = re.compile(_STRING, re.DOTALL)
_ITEMS: Final = re.compile(rb"(%s)|(-?[\d.]+)" % _STRING, re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:[0-7]{1,3}|.)", re.DOTALL)
_RUN: Final = re.compile(
    rb"q 1 0 0 -1 (?P<x>-?[\d.]+)(?P<head> (?P<y>-?[\d.]+) cm[^\n]*\nBT (?P<mode>[02]) Tr)"
    rb"/(?P<font>f\d+) (?P<size>[\d.]+) Tf(?P<matrix> 1 0 0 -1 0 0 Tm)"
    rb"(?P<shown>%s|\[(?:%s|[-\d. ])*\]) ?T[jJ]\nET\nQ" % (_STRING, _STRING),
    re.DOTALL,
)
_DATE: Final = b"D:20000101000000Z"
_XMP_DATE: Final = b"2000-01-01T00:00:00Z"
_HISTORY: Final = re.compile(rb"<xmpMM:History>.*?</xmpMM:History>", re.DOTALL)
_PREDEFINED: Final = re.compile(
    rb'<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>'
    rb"(?:XMP Media Management|Adobe PDF) schema</pdfaSchema:schema>.*?</rdf:Seq></pdfaSchema:property></rdf:li>",
    re.DOTALL,
)
_ATTACHMENT: Final = re.compile(
    rb"<</Length \d+(/Type/EmbeddedFile)(?:/Filter/FlateDecode)?(.*?/Size )\d+(.*)>>\nstream\n"
)
_LOOKS: Final = re.compile(rb"<</O/Layout[^<>]*>>")


class TokenLost(MalformedTranscript):
    """A token stands where it cannot be taken out: Typst must set that document's texts themselves."""


@dataclass(frozen=True, slots=True)
class _Font:
    texts: Mapping[int, str]  # code -> character
    widths: Mapping[int, float]  # code -> thousandths of the size


@dataclass(frozen=True, slots=True)
class _Found:
    """A run as it was read."""

    start: int
    end: int
    y: float
    right: float  # where it ends
    run: Run

    @property
    def has_token(self) -> bool:
        return any(isinstance(piece, Slot) for piece in self.run.pieces)


def build_sheet(pdf: bytes, specs: Sequence[FieldSpec], *, tokens: int) -> Sheet:
    """Return the sheet of a blank as Typst wrote it, with the blank's date, title and description.

    Args:
        tokens: how many tokens the blank's texts have; without any, the token's mark is a character like others.

    Raises:
        TokenLost: a token stands where it cannot be taken out.
        MalformedTranscript: the file is not in the form that Typst writes, or a token does not stand on its pages.
    """
    prepared = prepare_objects(parse_objects(pdf), specs)
    bodies = {number: _slim(body) for number, body in prepared.objects.bodies.items()}
    try:
        pages = _take_pages(bodies, prepared.font, may_have_tokens=tokens > 0)
        attachment, metadata = _take_attachment(bodies), _take_metadata(bodies)
        info = _take_info(bodies, prepared.objects.info)
    except MalformedPdf as error:
        raise MalformedTranscript("the form was set in a way that cannot be filled in") from error
    if not {slot.token for page in pages for slot in _list_slots(page)} <= set(range(tokens)):
        raise TokenLost("the form shows a text that the document does not have")
    own = {*(page.number for page in pages), attachment.number, info.number, metadata.number}
    order = [*prepared.leading, *sorted(bodies.keys() - own - set(prepared.leading))]
    prefix, entries = write_body(bodies, order)
    return Sheet(prefix, tuple(entries), pages, attachment, info, metadata, root=prepared.objects.root)


def _list_slots(page: Page) -> Iterator[Slot]:
    runs = (run for part in page.parts if not isinstance(part, bytes) for run in part)
    return (piece for run in runs for piece in run.pieces if isinstance(piece, Slot))


def _slim(body: bytes) -> bytes:
    """Return a structure element without the attributes that only describe its look."""
    if not body.startswith(b"<</Type/StructElem"):
        return body
    return _LOOKS.sub(b"", body).replace(b"/A[]", b"")


def _read(bodies: Mapping[int, bytes], number: int) -> Value:
    return parse_object(b"%d 0 obj\n%s\nendobj" % (number, bodies[number]), 0, number)[0]


def _find(bodies: Mapping[int, bytes], mark: bytes) -> int:
    """Return the number of the one object whose dictionary has `mark` near its beginning."""
    found = [number for number, body in bodies.items() if body.find(mark, 0, 100) >= 0]
    if len(found) != 1:
        raise MalformedTranscript(f"the form has not exactly one object of {mark.decode('ascii')}")
    return found[0]


def _replace(body: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """Return a %-template: the body with each text changed that must stand in it."""
    for old, new in changes:
        if old not in body:
            raise MalformedTranscript("the form lacks an entry that each document has its own of")
        body = body.replace(old, new)
    return body


def _take_info(bodies: Mapping[int, bytes], number: int) -> Changing:
    title, description = b"(%s)" % BLANK_TITLE.encode(), b"(%s)" % BLANK_DESCRIPTION.encode()
    body = bodies[number].replace(b"%", b"%%")
    return Changing(number, _replace(body, (title, b"%s"), (description, b"%s"), (_DATE, b"%s")))


def _take_attachment(bodies: Mapping[int, bytes]) -> Changing:
    """Return the embedded file's own entries; its stream, length and date are each document's."""
    number = _find(bodies, b"/Type/EmbeddedFile")
    found = re.match(
        rb"<</Length \d+(/Type/EmbeddedFile)(?:/Filter/FlateDecode)?(.*?/Size )\d+(.*)>>\nstream\n", bodies[number]
    )
    if found is None:
        raise MalformedTranscript("the form's attachment is described in another way")
    return Changing(number, found[1] + found[2] + b"%d" + _replace(found[3], (_DATE, b"%s")))


def _take_metadata(bodies: Mapping[int, bytes]) -> Changing:
    """Return the XMP packet without the history of a blank and the schemas that need no description (6.6.2.3.1)."""
    number = _find(bodies, b"/Type/Metadata")
    stream = _read(bodies, number)
    assert isinstance(stream, Stream)
    packet = _PREDEFINED.sub(b"", _HISTORY.sub(b"", decode_stream(stream))).replace(b"%", b"%%")
    for name in (b"InstanceID", b"DocumentID"):
        value = b"%%(%s)s" % name[:-2].lower()
        packet = re.sub(rb"(?<=<xmpMM:%s>)[^<]+" % name, value, packet)
    return Changing(
        number,
        _replace(
            packet,
            (BLANK_TITLE.encode(), b"%(title)s"),
            (BLANK_DESCRIPTION.encode(), b"%(description)s"),
            (_XMP_DATE, b"%(dated)s"),
            (b"%(instance)s", b"%(instance)s"),
            (b"%(document)s", b"%(document)s"),
        ),
    )


def _take_pages(bodies: dict[int, bytes], font: int, *, may_have_tokens: bool) -> tuple[Page, ...]:
    """Return the pages' contents taken apart; their resources get the font that the texts are written with."""
    pages = []
    for number, body in list(bodies.items()):
        if not body.startswith(b"<</Type/Page/"):
            continue
        found = re.search(rb"/Resources (\d+) 0 R.*/Contents (\d+) 0 R", body)
        if found is None:
            raise MalformedTranscript(f"page object {number} of the form has no contents of its own")
        resources, contents = int(found[1]), int(found[2])
        fonts = _read_fonts(bodies, resources)
        entry = b"/Font<</%s %d 0 R" % (FONT_NAME.encode("ascii"), font)
        bodies[resources] = bodies[resources].replace(b"/Font<<", entry, 1)
        stream = _read(bodies, contents)
        assert isinstance(stream, Stream)
        content = decode_stream(stream)
        pages.append(Page(contents, _take_content(content, fonts) if may_have_tokens else (content,)))
    return tuple(pages)


def _read_fonts(bodies: Mapping[int, bytes], resources: int) -> dict[bytes, _Font]:
    listed = re.search(rb"/Font<<((?:/f\d+ \d+ 0 R)*)>>", bodies[resources])
    fonts = {}
    for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", listed[1] if listed else b""):
        found = re.search(rb"/DescendantFonts\[(\d+) 0 R\]/ToUnicode (\d+) 0 R", bodies[int(number)])
        if found is None:
            raise MalformedTranscript("a font of the form has no readable texts")
        fonts[name] = _Font(read_texts(bodies[int(found[2])]), read_widths(bodies[int(found[1])]))
    return fonts


def _take_content(content: bytes, fonts: Mapping[bytes, _Font]) -> tuple[bytes | Line, ...]:
    runs = [_read_run(found, fonts) for found in _RUN.finditer(content)]
    for before, behind in zip(
        [0, *(run.end for run in runs)], [*(run.start for run in runs), len(content)], strict=True
    ):
        _refuse_tokens(content[before:behind], fonts)
    parts: list[bytes | Line] = []
    at = 0
    for line in _list_lines(runs):
        if not any(found.has_token for found in line):
            continue
        parts.append(content[at : line[0].start])
        ends = [*(found.start for found in line[1:]), line[-1].end]
        parts.append(tuple(_end_run(one, content[one.end : end]) for one, end in zip(line, ends, strict=True)))
        at = line[-1].end
    return (*parts, content[at:])


def _refuse_tokens(content: bytes, fonts: Mapping[bytes, _Font]) -> None:
    """Refuse a token in what is not read as runs of text, in whichever font it may be."""
    if b"BT" not in content:
        return
    codes = {code for found in _STRINGS.finditer(content) for code, _ in _list_glyphs(found[0])}
    if any(font.texts.get(code) == TOKEN_MARK for font in fonts.values() for code in codes):
        raise TokenLost("a text stands in the form where it cannot be filled in")


def _end_run(found: _Found, tail: bytes) -> Run:
    return Run(found.run.x, found.run.head, found.run.pieces, tail)


def _list_lines(runs: Sequence[_Found]) -> list[list[_Found]]:
    """Return the runs in groups of which each begins where the one before ends, at most a line's height away."""
    lines: list[list[_Found]] = []
    for run in runs:
        last = lines[-1][-1] if lines else None
        if last is not None and abs(run.run.x - last.right) < _NEAR_X and abs(run.y - last.y) < _NEAR_Y:
            lines[-1].append(run)
        else:
            lines.append([run])
    return lines


def _read_run(found: re.Match[bytes], fonts: Mapping[bytes, _Font]) -> _Found:
    size, x = float(found["size"]), float(found["x"])
    tracking = round(TRACKING * size, 4) if found["mode"] == b"2" else 0.0
    setting = b"/%s %s Tf" % (found["font"], found["size"])
    glyphs = _list_glyphs(found["shown"])
    pieces, width = _cut(glyphs, fonts[found["font"]], size, tracking, setting)
    run = Run(x, found["head"] + found["matrix"], pieces, b"")
    return _Found(found.start(), found.end(), float(found["y"]), x + width + tracking, run)


def _list_glyphs(shown: bytes) -> list[tuple[int, float]]:
    """Return each code with the number that stands behind it in the array, 0 for none (9.4.3, TJ)."""
    glyphs: list[tuple[int, float]] = []
    for text, number in _ITEMS.findall(shown):
        if text:
            octets = _read_string(text)
            glyphs += [(code, 0.0) for code in struct.unpack(f">{len(octets) // 2}H", octets[: len(octets) & ~1])]
        elif glyphs:
            code, before = glyphs[-1]
            glyphs[-1] = code, before + float(number)
    return glyphs


def _read_string(text: bytes) -> bytes:
    """Return a string's octets; the short way is for those without line ends, which are nearly all."""
    if text.startswith(b"<"):
        return bytes.fromhex(text[1:-1].decode("ascii"))
    if b"\r" in text or b"\\\n" in text:
        value, _ = parse_value(text)
        assert isinstance(value, String)
        return value
    return _ESCAPE.sub(_resolve, text[1:-1])


@cache
def _resolve_escape(escape: bytes) -> bytes:
    value, _ = parse_value(b"(%s)" % escape)
    assert isinstance(value, String)
    return value


def _resolve(found: re.Match[bytes]) -> bytes:
    return _resolve_escape(found[0])


def _cut(
    glyphs: Sequence[tuple[int, float]], font: _Font, size: float, tracking: float, setting: bytes
) -> tuple[tuple[bytes | Slot, ...], float]:
    """Return the glyphs as pieces, with slots for the tokens, and the width of all."""
    text = "".join(font.texts.get(code, "?")[:1] for code, _ in glyphs)
    pieces: list[bytes | Slot] = []
    at = 0
    while (found := text.find(TOKEN_MARK, at)) >= 0:
        end = found + TOKEN_LENGTH
        if found > at:
            pieces.append(_write(glyphs[at:found], setting, reset=bool(pieces and tracking)))
        width = _measure(glyphs[found:end], font, size) + (tracking if end == len(glyphs) else 0.0)
        pieces.append(Slot(read_token(text[found:end]), width, size, tracking))
        at = end
    if at < len(glyphs):
        pieces.append(_write(glyphs[at:], setting, reset=bool(pieces and tracking)))
    return tuple(pieces), _measure(glyphs, font, size)


def _measure(glyphs: Sequence[tuple[int, float]], font: _Font, size: float) -> float:
    return sum(font.widths.get(code, 0.0) - after for code, after in glyphs) * size / 1000


def _write(glyphs: Sequence[tuple[int, float]], setting: bytes, *, reset: bool) -> bytes:
    shown = b"".join(b"<%04X>%s" % (code, b"%g" % after if after else b"") for code, after in glyphs)
    return b"%s%s[%s]TJ" % (setting, b" 0 Tc" if reset else b"", shown.replace(b"><", b""))
