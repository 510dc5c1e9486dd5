"""Writes ZIP files octet by octet, also such as no honest program writes.  APPNOTE 6.3, 4.3."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_VERSION: Final = 20
_UTF8_FLAG: Final = 0x800
_DAY: Final = (2026 - 1980) << 9 | 5 << 5 | 29
STORED: Final = 0
DEFLATED: Final = 8


@dataclass(frozen=True)
class Entry:
    """One file; what is None follows from the content."""

    name: str | bytes
    content: bytes = b""
    method: int = STORED
    flags: int = 0
    packed: bytes | None = None  # octets as stored
    crc: int | None = None
    size: int | None = None  # unpacked, in the directory and the local header
    local_name: str | bytes | None = None  # in the local header only
    local_method: int | None = None
    local_size: int | None = None
    local_crc: int | None = None
    before: bytes = b""  # octets in front of the local header
    offset: int | None = None  # in the directory, in place of the true one
    descriptor: bytes = b""  # behind the octets
    extra: bytes = field(default=b"")

    def pack(self) -> bytes:
        """Return the octets as stored."""
        if self.packed is not None:
            return self.packed
        if self.method != DEFLATED:
            return self.content
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(self.content) + packer.flush()


def write_zip(
    entries: Sequence[Entry], *, prefix: bytes = b"", tail: bytes = b"", comment: bytes = b"", between: bytes = b""
) -> bytes:
    """Return the ZIP file.

    Args:
        prefix: in front of everything, not counted in the offsets.
        tail: behind everything.
        comment: of the archive.
        between: between the last file and the directory.
    """
    body, directory = bytearray(), bytearray()
    for entry in entries:
        body += entry.before
        at = len(body) if entry.offset is None else entry.offset
        body += _write_local(entry) + entry.pack() + entry.descriptor
        directory += _write_central(entry, at)
    body += between
    end = _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), len(body), len(comment))
    return prefix + bytes(body) + bytes(directory) + end + comment + tail


def _write_local(entry: Entry) -> bytes:
    name = _encode(entry.name if entry.local_name is None else entry.local_name)
    crc, size = _facts(entry)
    method = entry.method if entry.local_method is None else entry.local_method
    size = size if entry.local_size is None else entry.local_size
    crc = crc if entry.local_crc is None else entry.local_crc
    packed = len(entry.pack())
    flags = entry.flags | _UTF8_FLAG
    head = (b"PK\x03\x04", _VERSION, flags, method, 0, _DAY, crc, packed, size, len(name), len(entry.extra))
    return _LOCAL.pack(*head) + name + entry.extra


def _write_central(entry: Entry, at: int) -> bytes:
    name = _encode(entry.name)
    crc, size = _facts(entry)
    flags = entry.flags | _UTF8_FLAG
    head = (b"PK\x01\x02", _VERSION, _VERSION, flags, entry.method, 0, _DAY, crc, len(entry.pack()), size)
    return _CENTRAL.pack(*head, len(name), 0, 0, 0, 0, 0, at) + name


def _facts(entry: Entry) -> tuple[int, int]:
    crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
    return crc, len(entry.content) if entry.size is None else entry.size


def _encode(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("utf-8")
