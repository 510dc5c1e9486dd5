"""A form that Typst has set once, and how it is filled in for every pupil whose document has the same shape.

What stands between the tokens (`filling.py`) is kept as it is; a text is written in its token's place with the font of
the AcroForm's /DR, moved when it stands in the middle of its column, together with whatever follows it on its line.
The rest of the file (structure tree, fonts, fields, their appearances) is the same octets in every document of a
sheet; pages, attachment and metadata stand behind it, so only they are written anew.  `taking.py` makes a sheet.

Implements ISO 32000-1, 9.3 and 9.4 (text state and text-showing operators) and 14.3.3, 14.4 (information dictionary,
file identifier).
"""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias
from xml.sax.saxutils import escape

from transcript_core.render.filling import Filler
from transcript_core.render.fonts import FONT_NAME
from transcript_core.render.objects import encode_text, write_end, write_entry

_PACKING: Final = 5
"""zlib level of pages and attachment: each above saves less than 4 % and costs half as much time again."""

_ID_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Slot:
    """A token's place in a run."""

    token: int
    width: float  # of the token as it was set; points
    size: float
    tracking: float  # points behind each letter

    def show(self, filler: Filler) -> bytes:
        """Return the operators that show a text here; the font stays set."""
        tracking = b" %.4g Tc" % self.tracking if self.tracking else b""
        return b"/%s %g Tf%s%sTj" % (FONT_NAME.encode("ascii"), self.size, tracking, filler.codes)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of text: its place, its style, what it shows."""

    x: float
    head: bytes  # from the y on, up to what is shown
    pieces: tuple[bytes | Slot, ...]
    tail: bytes  # what stands behind it, up to the next run of its line


Line: TypeAlias = tuple[Run, ...]
"""Runs of which each begins where the one before ends; one at least has a token."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page's content and the number of its stream's object."""

    number: int
    parts: tuple[bytes | Line, ...]


@dataclass(frozen=True, slots=True)
class Changing:
    """An object of which some octets are each document's own; `body` is a %-template."""

    number: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What one document puts into its sheet."""

    fillers: Sequence[Filler]
    title: str
    description: str
    dated: datetime
    attachment: bytes


@dataclass(frozen=True, slots=True)
class Sheet:
    """A set blank with its fields."""

    prefix: bytes  # header and all objects that are always the same
    entries: tuple[bytes, ...]  # of the cross-reference table, by number; those of the other objects are empty
    pages: tuple[Page, ...]
    attachment: Changing
    info: Changing
    metadata: Changing
    root: int

    def fill(self, contents: Contents) -> bytes:
        """Return the complete file of one document."""
        dated = contents.dated.astimezone(UTC)
        bodies = {page.number: _pack(b"", _fill_page(page, contents.fillers)) for page in self.pages}
        attached = self.attachment.body % (len(contents.attachment), _pdf_date(dated))
        bodies[self.attachment.number] = _pack(attached, contents.attachment)
        bodies[self.info.number] = self._fill_info(contents, dated)
        digest = hashlib.sha256(b"".join(bodies.values())).digest()
        bodies[self.metadata.number] = self._fill_metadata(contents, dated, digest)
        return self._write(bodies)

    def _fill_info(self, contents: Contents, dated: datetime) -> bytes:
        date = _pdf_date(dated)
        return self.info.body % (encode_text(contents.title), encode_text(contents.description), date, date)

    def _fill_metadata(self, contents: Contents, dated: datetime, digest: bytes) -> bytes:
        document = hashlib.sha256(contents.description.encode()).digest()
        filled = self.metadata.body % {
            b"title": escape(contents.title).encode(),
            b"description": escape(contents.description).encode(),
            b"dated": f"{dated:%Y-%m-%dT%H:%M:%SZ}".encode("ascii"),
            b"instance": b64encode(digest[:_ID_OCTETS]),
            b"document": b64encode(document[:_ID_OCTETS]),
        }
        return b"<</Length %d/Type/Metadata/Subtype/XML>>\nstream\n%s\nendstream" % (len(filled), filled)

    def _write(self, bodies: Mapping[int, bytes]) -> bytes:
        chunks, entries, position = [self.prefix], list(self.entries), len(self.prefix)
        for number, body in bodies.items():
            chunks.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
            entries[number - 1] = write_entry(position)
            position += len(chunks[-1])
        body = b"".join(chunks)
        return body + write_end(body, entries, root=self.root, info=self.info.number)


def _pdf_date(instant: datetime) -> bytes:
    return f"D:{instant:%Y%m%d%H%M%S}Z".encode("ascii")


def _pack(entries: bytes, content: bytes) -> bytes:
    packed = zlib.compress(content, _PACKING)
    return b"<</Length %d/Filter/FlateDecode%s>>\nstream\n%s\nendstream" % (len(packed), entries, packed)


def _fill_page(page: Page, fillers: Sequence[Filler]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else _fill_line(part, fillers) for part in page.parts)


def _fill_line(line: Line, fillers: Sequence[Filler]) -> bytes:
    """Return the runs of a line with their texts; what follows a text that is longer than its token moves on."""
    grown, centred = 0.0, False
    shown: list[tuple[float, Run, bytes]] = []
    for run in line:
        before, parts = grown, []
        for piece in run.pieces:
            if isinstance(piece, bytes):
                parts.append(piece)
                continue
            filler = fillers[piece.token]
            grown += filler.width * piece.size / 1000 + len(filler.text) * piece.tracking - piece.width
            centred = centred or filler.centred
            parts.append(piece.show(filler))
        shown.append((before, run, b"".join(parts)))
    left = grown / 2 if centred else 0.0
    return b"".join(
        b"q 1 0 0 -1 %.4f %s%s\nET\nQ%s" % (run.x - left + before, run.head, text, run.tail)
        for before, run, text in shown
    )
