"""A stored PDF opened for signing: read once, hashed once and never copied, however many signatures follow.

Every signature appends a section, so the hash of the file so far is the beginning of all later ones: it is kept running
and copied wherever a digest is taken.  The same hash names the file in a content-addressed store.  The sections stand
beside the file they follow and are joined only for whoever asks for the octets in one piece.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from signing.pades.section import SectionNumbers
from transcript_core.errors import MalformedTranscript
from transcript_core.render.prepared import PreparedForm, read_prepared, read_successor

_FIRST_TABLE: Final = b"xref\n0 "
_LATER_TABLE: Final = re.compile(
    rb"xref\n((?:\d{1,10} \d{1,10}\n(?:\d{10} 00000 n \n)+)+)trailer\n<<[^\n]*/Prev (\d{1,10})>>\nstartxref\n"
)
_NO_NUMBERS: Final[frozenset[int]] = frozenset()
_TABLE_PART: Final = re.compile(rb"(\d+) (\d+)\n(?:\d{10} 00000 n \n)+")


class _Updates(NamedTuple):
    """The numbers of all objects that sections after the first have written, up to one section."""

    startxref: int  # of that section
    numbers: frozenset[int]


class OpenPdf:
    """A file of `render_first_revision`, with any sections appended since.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """

    __slots__ = ("_pieces", "_running", "_updates", "form", "length")

    def __init__(self, octets: bytes) -> None:
        self._pieces: tuple[bytes, ...] = (octets,)
        self.length = len(octets)
        self.form: PreparedForm = read_prepared(octets)
        self._updates: _Updates | None = None
        self._running: dict[str, tuple[int, hashlib._Hash]] = {}  # by hash: how many octets it has seen, and its state

    def __reduce__(self) -> tuple[type[OpenPdf], tuple[bytes]]:
        """Travel to another process as octets alone; what is known of them is found there again."""
        return OpenPdf, (self.octets,)

    @property
    def octets(self) -> bytes:
        """Return the file."""
        if len(self._pieces) > 1:
            self._pieces = (b"".join(self._pieces),)
        return self._pieces[0]

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """Return the file in the pieces in which it lies in memory, in order: what a store writes."""
        return self._pieces

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
        if self._updates is None:
            self._updates = _Updates(self.form.startxref, _list_updated(self.octets, self.form.startxref))
        return self._updates.numbers

    def append(self, section: bytes, numbers: SectionNumbers | None = None) -> OpenPdf:
        """Return the file with one more section; nothing in front of it is read, hashed or copied.

        Args:
            numbers: of a section that was written for this file's form; None: they are read from it.

        Raises:
            MalformedTranscript: the section is none that follows this file.
        """
        longer = object.__new__(OpenPdf)
        longer._pieces = (*self._pieces, section)
        longer.length = self.length + len(section)
        longer._running = dict(self._running)
        if numbers is not None:
            longer.form = self.form.follow(size=numbers.size, startxref=numbers.startxref)
            longer._updates = _Updates(numbers.startxref, self.list_updated() | numbers.updated)
            return longer
        longer.form = read_successor(self.form, section)
        longer._updates = None
        table = _LATER_TABLE.match(section, max(0, longer.form.startxref - self.length))
        if table is not None and int(table[2]) == self.form.startxref:  # else it is looked for when it is asked for
            longer._updates = _Updates(longer.form.startxref, self.list_updated() | _list_numbers(table[1]))
        return longer

    def _run(self, hash_name: str) -> hashlib._Hash:
        """Return the state after the last octet; only to be copied."""
        seen, state = self._running.get(hash_name) or (0, getattr(hashlib, hash_name)())
        if seen < self.length:
            state, at = state.copy(), 0
            for piece in self._pieces:
                if at + len(piece) > seen:
                    state.update(memoryview(piece)[max(0, seen - at) :])
                at += len(piece)
            self._running[hash_name] = self.length, state
        return state


def _list_updated(pdf: bytes, startxref: int) -> frozenset[int]:
    """Follow the chain of tables back to the first section."""
    if pdf.startswith(_FIRST_TABLE, startxref):
        return _NO_NUMBERS
    rows: list[bytes] = []
    while (table := _LATER_TABLE.match(pdf, startxref)) is not None:
        rows.append(table[1])
        previous = int(table[2])
        if previous >= startxref:
            break
        startxref = previous
    if not pdf.startswith(_FIRST_TABLE, startxref):
        raise MalformedTranscript("a section of the PDF was not written by this program; it cannot be signed")
    return _list_numbers(b"".join(rows))


def _list_numbers(rows: bytes) -> frozenset[int]:
    """Return the numbers of the objects in the rows of one table or of several."""
    numbers: set[int] = set()
    for first, count in _TABLE_PART.findall(rows):
        numbers.update(range(int(first), int(first) + int(count)))
    return frozenset(numbers)
