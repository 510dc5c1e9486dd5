"""Reads ASiC containers: a ZIP file with data files and the XAdES signatures over them.

Implements the reading side of ETSI EN 319 162-1, 4.3 (ASiC-S with XAdES) and 4.4 (ASiC-E with XAdES), and of the
OpenDocument manifest in META-INF/manifest.xml.  A container is taken apart in memory only: nothing is written, and no
name leads anywhere outside it.  Left out on purpose: CAdES and time-stamp tokens as signature files, evidence records.
"""

from __future__ import annotations

import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from lxml.etree import _Element

from transcript_core.canonical import parse_foreign_xml
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript
from transcript_core.limits import MAX_CONTAINER_FILES, MAX_CONTAINER_UNPACKED_BYTES

_META: Final = "META-INF/"
_MIMETYPE: Final = "mimetype"
_TYPES: Final = ("application/vnd.etsi.asic-e+zip", "application/vnd.etsi.asic-s+zip")
_SIMPLE_TYPE: Final = _TYPES[1]
_XADES_FILE: Final = re.compile(r"META-INF/[^/]*signatures[^/]*\.xml", re.IGNORECASE)
_OTHER_SIGNATURE_FILE: Final = re.compile(r"META-INF/[^/]*(?:signature[^/]*\.p7s|timestamp[^/]*\.tst)", re.IGNORECASE)
_MANIFEST: Final = "META-INF/manifest.xml"
_MANIFEST_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")
_DIRECTORY_END: Final = struct.Struct("<4s4H2IH")
_MARK: Final = b"PK"
_LATER_MARKS: Final = re.compile(rb"PK[\x01-\x08][\x02-\x08]")
"""Of headers and directories: what a comment may not hold, so that no reader takes it for the end."""

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_FLAG_ENCRYPTED: Final = 0x1
_FLAG_DESCRIPTOR: Final = 0x8
_FLAG_UTF8: Final = 0x800
_TELLING_FLAGS: Final = _FLAG_ENCRYPTED | _FLAG_DESCRIPTOR | 0x40 | _FLAG_UTF8
"""Encrypted, lengths behind the octets, strongly encrypted, names in UTF-8: what changes how a file is read."""
_IN_ZIP64: Final = 0xFFFFFFFF
_UNICODE_PATH: Final = 0x7075
_UNICODE_PATH_HEAD: Final = 5  # version and check sum of the name that it stands for
_PLAIN_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class AsicContainer:
    """What a container holds, read in full."""

    mimetype: str  # "" when it has none, as EN 319 162-1 allows
    files: tuple[tuple[str, bytes], ...]  # all of them: a signature may cover other signatures and the manifest too
    data_files: tuple[tuple[str, bytes], ...]
    signature_files: tuple[tuple[str, bytes], ...]  # with XAdES
    has_other_signatures: bool  # CAdES or tokens, which are not judged here
    other_files: tuple[str, ...]  # in META-INF, of no kind that is known here; nothing covers them
    manifest: tuple[str, ...] | None  # names in META-INF/manifest.xml; None: there is none

    @property
    def is_simple(self) -> bool:
        """Return whether it is ASiC-S."""
        return self.mimetype == _SIMPLE_TYPE

    @property
    def has_surplus_files(self) -> bool:
        """Return whether it is ASiC-S and holds more than the one data file that this may hold (4.3.3.1)."""
        return self.is_simple and len(self.data_files) > 1


def read_container(octets: bytes) -> AsicContainer:
    """Return the files of a container.

    Raises:
        MalformedTranscript: no ZIP file of the plain kind, names that are doubled or lead elsewhere, entries that
            overlap, or a manifest that names what is not there.
        LimitExceeded: more files or more bytes than a container of transcripts needs.
    """
    files = dict(_read_files(octets))
    mimetype = files.get(_MIMETYPE, b"").removeprefix(_UTF8_MARK).decode("ascii", "replace").strip()
    if mimetype not in _TYPES and (_MIMETYPE in files or not any(_XADES_FILE.fullmatch(name) for name in files)):
        raise MalformedTranscript("the ZIP file does not say that it is an ASiC container (mimetype)")
    inside = ((name, content) for name, content in files.items() if name != _MIMETYPE)
    data = tuple((name, content) for name, content in inside if not name.startswith(_META))
    container = AsicContainer(
        mimetype=mimetype,
        files=tuple(files.items()),
        data_files=data,
        signature_files=tuple((name, content) for name, content in files.items() if _XADES_FILE.fullmatch(name)),
        has_other_signatures=any(_OTHER_SIGNATURE_FILE.fullmatch(name) for name in files),
        other_files=tuple(name for name in files if name.startswith(_META) and not _is_known(name)),
        manifest=_read_manifest(files.get(_MANIFEST)),
    )
    _check_manifest(container)
    if not data:
        raise MalformedTranscript("the container holds no file that could be signed")
    return container


def _is_known(name: str) -> bool:
    return name == _MANIFEST or any(kind.fullmatch(name) for kind in (_XADES_FILE, _OTHER_SIGNATURE_FILE))


def _read_files(octets: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            entries, directory_at = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, struct.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise MalformedTranscript("the ZIP file cannot be read; it may be damaged") from error
    _check_end(octets, len(entries))
    _check_entries(octets, entries, directory_at)
    left = MAX_CONTAINER_UNPACKED_BYTES
    for entry in entries:
        content = _read_entry(octets, entry, left)
        left -= len(content)
        if not entry.is_dir():
            yield _decode_name(entry), content


def _read_entry(octets: bytes, entry: zipfile.ZipInfo, left: int) -> bytes:
    """Return a file's content: all of its octets, and nothing but them, must make it."""
    start = _skip_local_header(octets, entry)
    content = _unpack(octets[start : start + entry.compress_size], entry, left)
    if len(content) > left:
        raise LimitExceeded(f"the container holds more than {MAX_CONTAINER_UNPACKED_BYTES} bytes")
    if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC or (entry.is_dir() and content):
        raise MalformedTranscript("a file in the ZIP file has another length or check sum than it says")
    return content


def _unpack(packed: bytes, entry: zipfile.ZipInfo, left: int) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        return packed
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        content = unpacker.decompress(packed, left + 1)
    except zlib.error as error:
        raise MalformedTranscript("a file in the ZIP file cannot be unpacked; it may be damaged") from error
    if len(content) <= left and (not unpacker.eof or unpacker.unused_data):
        raise MalformedTranscript("a file in the ZIP file ends earlier or later than it says")
    return content


def _check_end(octets: bytes, entries: int) -> None:
    """The directory's end is the file's: nothing follows it but a comment in which no second end can hide."""
    at = octets.rfind(_MARK + b"\x05\x06")
    if at < 0 or at + _DIRECTORY_END.size > len(octets):
        raise MalformedTranscript("the ZIP file has no directory; it may be damaged")
    _, disk, start_disk, here, total, _, _, comment_length = _DIRECTORY_END.unpack_from(octets, at)
    comment = octets[at + _DIRECTORY_END.size :]
    if len(comment) != comment_length or _LATER_MARKS.search(comment):
        raise MalformedTranscript("something follows the ZIP file's directory")
    if (disk, start_disk) != (0, 0) or not here == total == entries:
        raise MalformedTranscript("the ZIP file's directory counts other files than it names")


def _check_entries(octets: bytes, entries: list[zipfile.ZipInfo], directory_at: int) -> None:
    if len(entries) > MAX_CONTAINER_FILES:
        raise LimitExceeded(f"the container holds more than {MAX_CONTAINER_FILES} files")
    seen: set[str] = set()
    for entry in entries:
        name = _decode_name(entry)
        _check_name(name)
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise MalformedTranscript("a name stands twice in the ZIP file")
        seen.add(key)
        if entry.flag_bits & _FLAG_ENCRYPTED or entry.compress_type not in _PLAIN_METHODS:
            raise MalformedTranscript("a file in the ZIP file is encrypted or packed in an unusual way")
    _check_layout(octets, entries, directory_at)


def _check_name(name: str) -> None:
    """Refuse names that mean another place on some system, or that people cannot tell apart."""
    parts = name.removesuffix("/").split("/")
    odd = "\\" in name or ":" in name or any(unicodedata.category(one) in {"Cc", "Cf", "Cs"} for one in name)
    if odd or not name or any(part in {"", ".", ".."} for part in parts):
        raise MalformedTranscript("a name in the ZIP file leads out of it or cannot be told apart from others")


def _check_layout(octets: bytes, entries: list[zipfile.ZipInfo], directory_at: int) -> None:
    """Every byte before the directory belongs to one entry, so that no two readers find different files."""
    position = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset != position:
            raise MalformedTranscript("something stands between the files in the ZIP file, or they overlap")
        position = _skip_local_header(octets, entry) + entry.compress_size
        if entry.flag_bits & _FLAG_DESCRIPTOR:
            position = _skip_descriptor(octets, position, entry)
    if position != directory_at:
        raise MalformedTranscript("something stands between the files in the ZIP file, or they overlap")


def _skip_local_header(octets: bytes, entry: zipfile.ZipInfo) -> int:
    """Return where the file's octets start; its own header must say what the directory says (APPNOTE 4.3.7)."""
    at = entry.header_offset
    if at + _LOCAL_HEADER.size > len(octets):
        raise MalformedTranscript("the ZIP file ends before a file in it does")
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL_HEADER.unpack_from(octets, at)
    name_at: int = at + _LOCAL_HEADER.size
    name = octets[name_at : name_at + name_length]
    extra = octets[name_at + name_length : name_at + name_length + extra_length]
    told = (crc, packed, size) == (entry.CRC, entry.compress_size, entry.file_size)
    elsewhere = bool(flags & _FLAG_DESCRIPTOR) or _IN_ZIP64 in {packed, size}
    same = method == entry.compress_type and not (flags ^ entry.flag_bits) & _TELLING_FLAGS and (told or elsewhere)
    if mark != _MARK + b"\x03\x04" or not same or name != _encode_name(entry):
        raise MalformedTranscript("a file's own header in the ZIP file differs from the directory")
    for kind, body in (*_list_extra(extra), *_list_extra(entry.extra)):
        if kind == _UNICODE_PATH and not _repeats_name(body, entry):
            raise MalformedTranscript("a file in the ZIP file has a second name")
    return name_at + int(name_length) + int(extra_length)


def _encode_name(entry: zipfile.ZipInfo) -> bytes:
    """Return the octets that the directory writes the name with: UTF-8 if it says so, else code page 437."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _FLAG_UTF8 else "cp437", "replace")


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Return the name; many writers use UTF-8 without saying so (APPNOTE 4.4.4, bit 11)."""
    if entry.flag_bits & _FLAG_UTF8:
        return entry.orig_filename
    try:
        return _encode_name(entry).decode("utf-8")
    except UnicodeDecodeError:
        return entry.orig_filename


def _list_extra(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield header id and data of each block of an extra field (APPNOTE 4.5.1)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _repeats_name(body: bytes, entry: zipfile.ZipInfo) -> bool:
    """Return whether a Unicode Path field says the very name that stands in the header (APPNOTE 4.6.9)."""
    return body[_UNICODE_PATH_HEAD:] == _decode_name(entry).encode("utf-8", "surrogatepass")


def _skip_descriptor(octets: bytes, position: int, entry: zipfile.ZipInfo) -> int:
    """Return where the data descriptor ends: 12 or 16 bytes, 20 or 24 in ZIP64 (APPNOTE 4.3.9).

    Some writers announce one and write none, since the header says it all already.
    """
    for mark in (b"PK\x07\x08", b""):
        for width in ("<3I", "<I2Q"):
            end = position + len(mark) + struct.calcsize(width)
            values = struct.unpack_from(width, octets, position + len(mark)) if end <= len(octets) else ()
            if octets.startswith(mark, position) and values == (entry.CRC, entry.compress_size, entry.file_size):
                return end
    if octets.startswith((_MARK + b"\x03\x04", _MARK + b"\x01\x02"), position):
        return position
    raise MalformedTranscript("a file in the ZIP file does not end as it says")


def _read_manifest(content: bytes | None) -> tuple[str, ...] | None:
    if content is None:
        return None
    try:
        root = parse_foreign_xml(content)
    except InputError as error:
        raise MalformedTranscript("the container's manifest cannot be read") from error
    names = [_get_path(one) for one in root.iter(f"{{{_MANIFEST_NAMESPACE}}}file-entry")]
    if any(not name for name in names) or len(set(names)) != len(names):
        raise MalformedTranscript("the container's manifest names no file, or one twice")
    return tuple(name for name in names if not name.endswith("/"))


def _get_path(entry: _Element) -> str:
    return entry.get(f"{{{_MANIFEST_NAMESPACE}}}full-path", "") or entry.get("full-path", "")


def _check_manifest(container: AsicContainer) -> None:
    """Every data file that the manifest names is there; its path may be percent-encoded (OpenDocument 1.2, 3.2)."""
    known = {unicodedata.normalize("NFC", name) for name, _ in container.data_files}
    for name in container.manifest or ():
        spellings = {unicodedata.normalize("NFC", one) for one in (name, unquote(name))}
        if not name.startswith(_META) and name != _MIMETYPE and known.isdisjoint(spellings):
            raise MalformedTranscript("the container's manifest names a file that is not in it")
