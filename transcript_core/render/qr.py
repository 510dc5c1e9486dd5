"""The QR code of an issued transcript: an address that any phone's camera opens.

Implements ISO/IEC 18004 through the `qrcode` library: model 2, byte mode, error correction level M.  Version and mask
pattern are fixed, so readers need no particular mask and a term's codes differ in their data alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import itemgetter, xor
from typing import Final, TypeAlias

import qrcode
from qrcode.base import Polynomial, gexp, glog, rs_blocks
from qrcode.constants import ERROR_CORRECT_M

from transcript_core.errors import LimitExceeded, MalformedTranscript

VERSIONS: Final = (8, 11, 15)
"""Tried in order: 152, 251 and 412 octets.  Version 15 (77 modules) is the densest that phones read at 35 mm."""

MASK: Final = 2
_DARK: Final = "1"
QUIET_ZONE: Final = 4
"""Light modules on each side (ISO/IEC 18004, 6.3.8)."""

MIN_VIEW_SECRET_BYTES: Final = 16
"""128 random bits cannot be guessed."""

_LAST_NARROW_VERSION: Final = 9
"""Up to this version the length takes 8 bits, above 16 (table 3)."""

_BYTE_MODE: Final = 0b0100
_PADDING: Final = bytes((0b11101100, 0b00010001))

_Halves: TypeAlias = tuple[list[int], list[int]]
"""What each value of a codeword's high half, and of its low half, adds to the modules."""

_SERIAL = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}\Z")
_BASE_URL = re.compile(
    r"(?:https://[A-Za-z0-9.\[\]:-]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?)(?:/[A-Za-z0-9._~/-]*)?\Z"
)


def build_qr_url(base_url: str, serial: str, version: int, view_secret: bytes) -> str:
    """Return `<base>/v/<serial>/<version>#<view secret>`; the fragment never reaches a server by itself.

    Args:
        base_url: of the service, without query and fragment; a closing slash is left out.
        view_secret: at least 16 random octets; base64url without padding in the address.

    Raises:
        MalformedTranscript: an argument is not of its form.
    """
    if not _BASE_URL.match(base_url):
        raise MalformedTranscript(
            "the service's address must start with https:// (http:// on this machine) and hold no query or fragment"
        )
    if not _SERIAL.match(serial) or version < 1:
        raise MalformedTranscript("serial or version is not of its form")
    if len(view_secret) < MIN_VIEW_SECRET_BYTES:
        raise MalformedTranscript(f"a view secret has at least {MIN_VIEW_SECRET_BYTES} octets")
    secret = base64.urlsafe_b64encode(view_secret).rstrip(b"=").decode("ascii")
    return f"{base_url.rstrip('/')}/v/{serial}/{version}#{secret}"


@dataclass(frozen=True, slots=True)
class QrCode:
    """The modules of a code, without its quiet zone, as one bit each: the form of a picture of one bit a pixel."""

    modules: int  # on a side
    packed: bytes  # rows from the top, each filled up to whole octets; the leftmost module highest; 1: dark

    def list_rows(self) -> list[list[bool]]:
        """Return the modules by rows, dark ones True."""
        width = _fill_octets(self.modules)
        bits = f"{int.from_bytes(self.packed):0{width * self.modules}b}"
        starts = range(0, len(bits), width)
        return [[module == _DARK for module in bits[start : start + self.modules]] for start in starts]


def build_qr_code(url: str) -> QrCode:
    """Return the code of an address.

    Raises:
        LimitExceeded: `url` does not fit the largest version.
        MalformedTranscript: `url` is not ASCII.
    """
    octets = _encode(url)
    layout = next((found for found in map(_get_layout, VERSIONS) if len(octets) <= found.room), None)
    if layout is None:
        raise LimitExceeded("the address does not fit a QR code that phones read at 35 mm; use a shorter one")
    return QrCode(layout.modules, layout.place(octets).to_bytes(_fill_octets(layout.modules) * layout.modules // 8))


def read_qr_code(code: QrCode) -> str | None:
    """Return the address in a code that `build_qr_code` made; None for any other, damaged ones included."""
    layout = next((found for found in map(_get_layout, VERSIONS) if found.modules == code.modules), None)
    octets = None if layout is None else layout.read(code.packed)
    try:
        url = None if octets is None else octets.decode("ascii")
        return url if url is not None and build_qr_code(url) == code else None
    except (UnicodeDecodeError, LimitExceeded):
        return None


def _encode(url: str) -> bytes:
    try:
        return url.encode("ascii")
    except UnicodeEncodeError as error:
        raise MalformedTranscript("an address in a QR code is ASCII") from error


class _Layout:
    """Everything of one version that no data change.

    The modules follow from the data by exclusive or alone: a correction codeword is a remainder over GF(256), and a
    module is a codeword's bit, turned over where the mask says (ISO/IEC 18004, 7.5, 7.7, 7.8).  So the `qrcode`
    library's own codes are taken apart once, and then a code is the exclusive or of what each of its octets adds.
    """

    def __init__(self, version: int) -> None:
        self.modules = 17 + 4 * version
        self._wide = version > _LAST_NARROW_VERSION
        blocks = _Blocks(version)
        self._capacity = sum(blocks.sizes)
        self.room = self._capacity - (3 if self._wide else 2)
        blank, added = _take_apart(version, blocks.total)
        self._added = [_combine_corrected(at, blocks, added) for at in range(self._capacity)]
        self._known = bytes(self._capacity), blank
        self._blank, self._pick = blank, itemgetter(*_list_places(blocks, added, self.modules))

    def place(self, octets: bytes) -> int:
        """Return the modules of the data as one number: `QrCode.packed`, its first octet the highest.

        What differs from the code before is all that is added: half of an address is the same for a whole school.
        """
        before, modules = self._known  # one value, so that threads need no lock
        frame = self._frame(octets)
        for (high, low), codeword in zip(self._added, map(xor, before, frame), strict=True):
            if codeword:
                modules ^= high[codeword >> 4] ^ low[codeword & 15]
        self._known = frame, modules
        return modules

    def read(self, packed: bytes) -> bytes | None:
        """Return the data that the modules hold, corrections not looked at; None when they are of another form."""
        width = self.modules * _fill_octets(self.modules)
        if len(packed) * 8 != width:
            return None
        bits = f"{int.from_bytes(packed) ^ self._blank:0{width}b}"
        data = int("".join(self._pick(bits)), 2)
        length_bits, total = 16 if self._wide else 8, 8 * self._capacity
        length = data >> total - 4 - length_bits & (1 << length_bits) - 1
        if data >> total - 4 != _BYTE_MODE or length > self.room:
            return None
        return (data >> total - 4 - length_bits - 8 * length & (1 << 8 * length) - 1).to_bytes(length)

    def _frame(self, octets: bytes) -> bytes:
        """Return the data codewords: mode, length, octets, terminator, padding (7.4.3, 7.4.5, 7.4.10)."""
        length = 16 if self._wide else 8
        head = (_BYTE_MODE << length | len(octets)) << 8 * len(octets) | int.from_bytes(octets)
        used = (4 + length) // 8 + len(octets) + 1
        framed = (head << 4).to_bytes(used)  # the terminator's four zeros fill the last octet
        return framed + (_PADDING * self._capacity)[: self._capacity - used]


class _Blocks:
    """How data codewords become all codewords of a version: cut into blocks, corrected, taken in turn."""

    def __init__(self, version: int) -> None:
        blocks = rs_blocks(version, ERROR_CORRECT_M)
        self.sizes: list[int] = [block.data_count for block in blocks]
        self.total = sum(block.total_count for block in blocks)
        self._corrections: int = blocks[0].total_count - blocks[0].data_count
        self._remainders = _list_remainders(self._corrections)

    def interleave(self, data: bytes) -> bytes:
        """Return data and correction codewords of all blocks, taken in turn (7.6)."""
        blocks, start = [], 0
        for size in self.sizes:
            blocks.append(data[start : start + size])
            start += size
        corrections = [self._correct(block) for block in blocks]
        return _take_in_turn(blocks) + _take_in_turn(corrections)

    def list_order(self) -> list[int]:
        """Return, for each data codeword, where it stands when they are taken in turn."""
        starts = [sum(self.sizes[:at]) for at in range(len(self.sizes))]
        turns = [
            start + at
            for at in range(self.sizes[-1])
            for start, size in zip(starts, self.sizes, strict=True)
            if at < size
        ]
        return sorted(range(len(turns)), key=turns.__getitem__)

    def _correct(self, block: bytes) -> bytes:
        keep, shift = (1 << 8 * (self._corrections - 1)) - 1, 8 * (self._corrections - 1)
        remainder = 0
        for codeword in block.lstrip(b"\0"):  # zeros in front leave no remainder
            remainder = (remainder & keep) << 8 ^ self._remainders[remainder >> shift ^ codeword]
        return int.to_bytes(remainder, self._corrections)


_get_layout = cache(_Layout)


def _fill_octets(modules: int) -> int:
    """Return the bits of a row that ends with its octet."""
    return -(-modules // 8) * 8


def _take_in_turn(blocks: Sequence[bytes]) -> bytes:
    """Return the first octets of all blocks, then the second; the longer blocks come last."""
    return bytes(block[at] for at in range(len(blocks[-1])) for block in blocks if at < len(block))


def _list_remainders(count: int) -> list[int]:
    """Return, for each leading codeword, its multiple of the generator polynomial without the leading term."""
    generator = Polynomial([1], 0)
    for power in range(count):
        generator = generator * Polynomial([1, gexp(power)], 0)
    factors = [generator[at] for at in range(1, count + 1)]
    multiples = [
        bytes(gexp(glog(lead) + glog(factor)) if factor else 0 for factor in factors) for lead in range(1, 256)
    ]
    return [0, *map(int.from_bytes, multiples)]


def _take_apart(version: int, total: int) -> tuple[int, list[_Halves]]:
    """Return the modules of a code of zeros, and what each codeword adds to it."""
    blank = _map_codewords(version, bytes(total))
    modules = 17 + 4 * version
    indexes = [0] * (modules * _fill_octets(modules))
    for bit in range((8 * total).bit_length()):
        probe = _map_codewords(version, _write_probe(total, bit)) ^ blank
        for position, one in enumerate(f"{probe:0{len(indexes)}b}"):
            indexes[position] |= (one == "1") << bit
    places = [0] * (8 * total + 1)
    for position, index in enumerate(indexes):
        if index:
            places[index] = 1 << len(indexes) - 1 - position
    halves = [_combine(places[start : start + 4]) for start in range(1, 8 * total + 1, 4)]
    return blank, list(zip(halves[::2], halves[1::2], strict=True))


def _list_places(blocks: _Blocks, added: Sequence[_Halves], modules: int) -> list[int]:
    """Return, for each bit of the data codewords, its module's place: 0 is the first of the highest row."""
    last = modules * _fill_octets(modules) - 1
    return [
        last - half[1 << bit].bit_length() + 1
        for at in blocks.list_order()
        for half in added[at]
        for bit in range(3, -1, -1)
    ]


def _write_probe(total: int, bit: int) -> bytes:
    """Return codewords whose n-th bit, counted from 1, is the given bit of n."""
    bits = "".join(str(number >> bit & 1) for number in range(1, 8 * total + 1))
    return int(bits, 2).to_bytes(total)


def _combine_corrected(at: int, blocks: _Blocks, added: Sequence[_Halves]) -> _Halves:
    """Return what the data codeword at this place adds, with what the correction codewords then add."""
    bits = []
    for bit in range(7, -1, -1):
        codewords = blocks.interleave((1 << bit).to_bytes(at + 1).ljust(sum(blocks.sizes), b"\0"))
        parts = (high[one >> 4] ^ low[one & 15] for one, (high, low) in zip(codewords, added, strict=True) if one)
        bits.append(reduce(xor, parts))
    return _combine(bits[:4]), _combine(bits[4:])


def _combine(places: Sequence[int]) -> list[int]:
    """Return what each value of four bits adds, the highest bit first."""
    return [reduce(xor, (place for at, place in enumerate(places) if value >> 3 - at & 1), 0) for value in range(16)]


def _map_codewords(version: int, codewords: bytes) -> int:
    """Return the modules that the library gives these codewords."""
    code = qrcode.QRCode(version=version, error_correction=ERROR_CORRECT_M, mask_pattern=MASK, border=0)
    code.data_cache = list(codewords)
    code.makeImpl(False, MASK)
    light = [False] * (_fill_octets(len(code.modules)) - len(code.modules))
    return int("".join("1" if module else "0" for row in code.modules for module in (*row, *light)), 2)
