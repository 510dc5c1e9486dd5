"""A stored PDF opened for signing: read once and hashed once, however many signatures follow.

Every signature appends a section, so the hash of the file so far is the beginning of all later ones: it is kept running
and copied wherever a digest is taken.  The same hash names the file in a content-addressed store.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from transcript_core.errors import MalformedTranscript
from transcript_core.render.prepared import PreparedForm, read_prepared, read_successor

_LATER_TABLE: Final = re.compile(
    rb"xref\n((?:\d{1,10} \d{1,10}\n(?:\d{10} 00000 n \n)+)+)trailer\n<<[^\n]*/Prev (\d{1,10})>>\nstartxref\n"
)
_TABLE_PART: Final = re.compile(rb"^(\d+) (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Updates:
    """The numbers of all objects that sections after the first have written, up to one section."""

    startxref: int  # of that section
    numbers: frozenset[int]


class OpenPdf:
    """A file of `render_first_revision`, with any sections appended since.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """

    __slots__ = ("_running", "_updates", "form", "octets")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.form: PreparedForm = read_prepared(octets)
        self._updates: _Updates | None = None
        self._running: dict[str, tuple[int, hashlib._Hash]] = {}  # by hash: how many octets it has seen, and its state

    def __reduce__(self) -> tuple[type[OpenPdf], tuple[bytes]]:
        """Travel to another process as octets alone; what is known of them is found there again."""
        return OpenPdf, (self.octets,)

    @property
    def sha256(self) -> bytes:
        """Return the SHA-256 of the whole file, 32 raw bytes: its name in a content-addressed store."""
        return self._run("sha256").digest()

    def digest_with(self, pieces: Iterable[bytes], hash_name: str) -> bytes:
        """Return the digest over the file and what would follow it."""
        state = self._run(hash_name).copy()
        for piece in pieces:
            state.update(piece)
        return state.digest()

    def list_updated(self) -> frozenset[int]:
        """Return the numbers of all objects written by sections after the first.

        Raises:
            MalformedTranscript: a section is not of the form that this program writes.
        """
        known = self._updates
        if known is None or known.startxref != self.form.startxref:
            known = _Updates(self.form.startxref, _list_updated(self.octets, self.form.startxref, known))
            self._updates = known
        return known.numbers

    def append(self, section: bytes) -> OpenPdf:
        """Return the file with one more section; nothing in front of it is read or hashed again.

        Raises:
            MalformedTranscript: the section is none that follows this file.
        """
        longer = object.__new__(OpenPdf)
        longer.octets = self.octets + section
        longer.form = read_successor(self.form, longer.octets)
        longer._updates = self._updates or _Updates(self.form.startxref, self.list_updated())
        longer._running = dict(self._running)
        return longer

    def _run(self, hash_name: str) -> hashlib._Hash:
        """Return the state after the last octet; only to be copied."""
        seen, state = self._running.get(hash_name) or (0, hashlib.new(hash_name))
        if seen < len(self.octets):
            state = state.copy()
            state.update(memoryview(self.octets)[seen:])
            self._running[hash_name] = len(self.octets), state
        return state


def _list_updated(pdf: bytes, startxref: int, known: _Updates | None) -> frozenset[int]:
    """Follow the chain of tables back to the first section, or to one whose answer is known."""
    numbers: set[int] = set()
    while not pdf.startswith(b"xref\n0 ", startxref):
        if known is not None and startxref == known.startxref:
            return known.numbers | numbers
        table = _LATER_TABLE.match(pdf, startxref)
        previous = startxref if table is None else int(table[2])
        if table is None or previous >= startxref:
            raise MalformedTranscript("a section of the PDF was not written by this program; it cannot be signed")
        for first, count in _TABLE_PART.findall(pdf, *table.span(1)):
            start = int(first)
            numbers.update(range(start, start + int(count)))
        startxref = previous
    return frozenset(numbers)
