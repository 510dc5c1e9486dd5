"""Reads /ByteRange: what a signature covers, what it leaves out, and the digests of what is covered.

Implements ISO 32000-2, 12.8.1.  A transcript has the one usual form: from the first octet to the end of the revision,
but for the signature's own /Contents.  The standard lets a range be any pairs of offset and length; other files are
computed as they say, and whatever they leave out besides is said.  Objects in what is left out are a contradiction:
nobody signed them, and they stand among what was signed (signature wrapping).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from transcript_core.pdf import String, Value
from verify.formats.values import finish_digest
from verify.formats.work import Work

MAX_PIECES: Final = 16
"""Covered pieces of one range; usual are two."""

_LOOK_BACK: Final = 32
"""Octets before /Contents that are looked at for its name."""

_SPACE: Final = b" \t\r\n\f\0"
_HEX_STRING: Final = re.compile(rb"[ \t\r\n\f\0]*<([0-9A-Fa-f \t\r\n\f\0]*)>")
_STRUCTURE: Final = re.compile(rb"(?<![0-9])\d{1,10}[\0\t\n\f\r ]+\d{1,5}[\0\t\n\f\r ]+obj(?![a-z])|startxref|trailer")


@dataclass(slots=True)
class RangeDigests:
    """Digests of a file around the holes of its signatures, by one running hash for each algorithm.

    The holes must be asked for from the front of the file to its end; going back starts anew.
    """

    data: bytes
    work: Work = field(default_factory=Work)
    _running: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def digest(self, hash_name: str, hole_start: int, hole_end: int, end: int) -> bytes:
        """Return the digest of the octets before `hole_start` and of those from `hole_end` to `end`."""
        view = memoryview(self.data)
        at, state = self._running.get(hash_name, (0, None))
        if state is None or at > hole_start:
            at, state = 0, hashlib.new(hash_name)
        self.work.pay_hashing(hash_name, hole_start - at + max(end - hole_end, 0))
        state.update(view[at:hole_start])
        self._running[hash_name] = (hole_start, state)
        branch = state.copy()
        branch.update(view[hole_end:end])
        return finish_digest(branch)


@dataclass(frozen=True, slots=True)
class Covered:
    """What a /ByteRange covers."""

    digests: RangeDigests
    pieces: tuple[tuple[int, int], ...]  # start and end of each, in order, apart; at least one

    @property
    def end(self) -> int:
        """Return where the covered octets end."""
        return self.pieces[-1][1]

    @property
    def holes(self) -> tuple[tuple[int, int], ...]:
        """Return what is left out between."""
        return tuple((before[1], after[0]) for before, after in pairwise(self.pieces))

    @property
    def is_plain(self) -> bool:
        """Say whether all is covered from the first octet on, but for one hole."""
        return len(self.pieces) == 2 and self.pieces[0][0] == 0

    def digest(self, hash_name: str) -> bytes:
        """Return the digest of what is covered by a hash of this name."""
        if self.is_plain:
            ((hole_start, hole_end),) = self.holes
            return self.digests.digest(hash_name, hole_start, hole_end, self.end)
        state = hashlib.new(hash_name, usedforsecurity=False)
        self.digests.work.pay_hashing(hash_name, sum(end - start for start, end in self.pieces))
        for start, end in self.pieces:
            state.update(memoryview(self.digests.data)[start:end])
        return finish_digest(state)

    def octets(self) -> bytes:
        """Return what is covered."""
        self.digests.work.pay_keeping(sum(end - start for start, end in self.pieces))
        return b"".join(self.digests.data[start:end] for start, end in self.pieces)

    def find_gap(self, contents: bytes) -> tuple[int, int]:
        """Return the hole of the signature itself; else the first; an empty one at the end when there is none."""
        holes = self.holes or ((self.end, self.end),)
        own = (hole for hole in holes if self._read_hex(hole) == contents)
        return next(own, holes[0])

    def _read_hex(self, hole: tuple[int, int]) -> bytes | None:
        """Return what the hexadecimal string says that a hole begins with; None when it begins with none."""
        self.digests.work.pay_decoding(hole[1] - hole[0])
        found = _HEX_STRING.match(self.digests.data, *hole)
        if found is None:
            return None
        digits = found[1].translate(None, _SPACE)
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))

    def find_hidden(self) -> bool:
        """Say whether a hole holds objects or sections of the file besides a string."""
        data = self.digests.data
        for hole in self.holes:
            self.digests.work.pay_decoding(hole[1] - hole[0])
            string = _HEX_STRING.match(data, *hole)
            if _STRUCTURE.search(data, hole[0] if string is None else string.end(), hole[1]):
                return True
        return False


def read_pieces(stated: Value, length: int, *, strict: bool) -> tuple[tuple[int, int], ...] | str:
    """Return the covered pieces of a file of this length; in words, why there are none.

    Args:
        stated: /ByteRange.
        length: octets of the file.
        strict: it stands in a transcript, whose ranges are two pairs.
    """
    numbers = [number for number in stated if type(number) is int] if isinstance(stated, list) else []
    count = len(stated) if isinstance(stated, list) else 0
    is_usual = count == 4 if strict else count % 2 == 0 and 2 <= count <= 2 * MAX_PIECES
    if not is_usual or len(numbers) != count:
        return "/ByteRange is not four whole numbers"
    pieces = tuple((start, start + size) for start, size in zip(numbers[::2], numbers[1::2], strict=True))
    if not _fit(pieces, length):
        return "its parts overlap, or it leads out of the file"
    return pieces


def _fit(pieces: tuple[tuple[int, int], ...], length: int) -> bool:
    """Say whether the pieces follow each other inside the file, the first of them not empty."""
    bounds = [bound for piece in pieces for bound in piece]
    return 0 <= bounds[0] < bounds[1] and bounds == sorted(bounds) and bounds[-1] <= length


def list_range_faults(
    covered: Covered, contents: String, *, inside: tuple[int, int], revision_end: int | None, strict: bool
) -> Iterator[str]:
    """Yield what is wrong with a range that can be computed.

    Args:
        covered: what it covers.
        contents: the signature's /Contents.
        inside: where the signature's object begins and ends.
        revision_end: where its revision ends; None when that is not known.
        strict: blanks in the string are wrong too.
    """
    data = covered.digests.data
    if covered.pieces[0][0]:
        yield "it does not begin at 0"
        return
    start, end = covered.find_gap(contents)
    hole = data[start:end]
    if not strict:
        hole = hole.translate(None, _SPACE)
    exact = hole[:1] == b"<" and hole[-1:] == b">" and hole[1:-1].lower() == contents.hex().encode("ascii")
    before = data[max(start - _LOOK_BACK, 0) : start]
    is_own = inside[0] < start and end < inside[1] and before.rstrip(b" \r\n\t").endswith(b"/Contents")
    if not exact or not is_own or len(covered.holes) != 1:
        yield "the gap is not exactly the signature's own /Contents"
    elif revision_end is not None and covered.end != revision_end:
        yield "it does not end where its revision ends"
