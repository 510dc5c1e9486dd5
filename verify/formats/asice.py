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
_FLAG_ENCRYPTED: Final = 0x1
_PLAIN_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class AsicContainer:
    """What a container holds, read in full."""

    mimetype: str
    data_files: tuple[tuple[str, bytes], ...]
    signature_files: tuple[tuple[str, bytes], ...]  # with XAdES
    has_other_signatures: bool  # CAdES or tokens, which are not judged here
    manifest: tuple[str, ...] | None  # names in META-INF/manifest.xml; None: there is none

    @property
    def is_simple(self) -> bool:
        """Return whether it is ASiC-S."""
        return self.mimetype == _SIMPLE_TYPE


def read_container(octets: bytes) -> AsicContainer:
    """Return the files of a container.

    Raises:
        MalformedTranscript: no ZIP file of the plain kind, names that are doubled or lead elsewhere, entries that
            overlap, or a manifest that names what is not there.
        LimitExceeded: more files or more bytes than a container of transcripts needs.
    """
    files = dict(_read_files(octets))
    mimetype = files.pop(_MIMETYPE, b"").decode("ascii", "replace").strip()
    if mimetype not in _TYPES:
        raise MalformedTranscript("the ZIP file does not say that it is an ASiC container (mimetype)")
    data = {name: content for name, content in files.items() if not name.startswith(_META)}
    manifest = _read_manifest(files.get(_MANIFEST))
    container = AsicContainer(
        mimetype=mimetype,
        data_files=tuple(data.items()),
        signature_files=tuple((name, content) for name, content in files.items() if _XADES_FILE.fullmatch(name)),
        has_other_signatures=any(_OTHER_SIGNATURE_FILE.fullmatch(name) for name in files),
        manifest=manifest,
    )
    _check_manifest(container)
    if container.is_simple and len(data) != 1:
        raise MalformedTranscript(f"an ASiC-S container holds one data file, this one {len(data)}")
    return container


def _read_files(octets: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            entries = archive.infolist()
            _check_entries(octets, entries, archive)
            left = MAX_CONTAINER_UNPACKED_BYTES
            for entry in entries:
                if entry.is_dir():
                    continue
                content = _read_entry(archive, entry, left)
                left -= len(content)
                yield entry.filename, content
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise MalformedTranscript("the ZIP file cannot be read; it may be damaged") from error


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    with archive.open(entry) as file:
        content = file.read(left + 1)
    if len(content) > left:
        raise LimitExceeded(f"the container holds more than {MAX_CONTAINER_UNPACKED_BYTES} bytes")
    if len(content) != entry.file_size:
        raise MalformedTranscript("a file in the ZIP file has another length than it says")
    return content


def _check_entries(octets: bytes, entries: list[zipfile.ZipInfo], archive: zipfile.ZipFile) -> None:
    if len(entries) > MAX_CONTAINER_FILES:
        raise LimitExceeded(f"the container holds more than {MAX_CONTAINER_FILES} files")
    seen: set[str] = set()
    for entry in entries:
        _check_name(entry.orig_filename)
        key = unicodedata.normalize("NFC", entry.filename).casefold()
        if key in seen:
            raise MalformedTranscript("a name stands twice in the ZIP file")
        seen.add(key)
        if entry.flag_bits & _FLAG_ENCRYPTED or entry.compress_type not in _PLAIN_METHODS:
            raise MalformedTranscript("a file in the ZIP file is encrypted or packed in an unusual way")
    _check_layout(octets, entries, archive.start_dir)


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
        fields = _LOCAL_HEADER.unpack_from(octets, position)
        name_length, extra_length = fields[9], fields[10]
        position += _LOCAL_HEADER.size + name_length + extra_length + entry.compress_size
        if entry.flag_bits & 0x8:
            position = _skip_descriptor(octets, position, entry)
    if position != directory_at:
        raise MalformedTranscript("something stands between the files in the ZIP file, or they overlap")


def _skip_descriptor(octets: bytes, position: int, entry: zipfile.ZipInfo) -> int:
    """Return where the data descriptor ends: 12 or 16 bytes, 20 or 24 in ZIP64 (APPNOTE 4.3.9)."""
    for mark in (b"PK\x07\x08", b""):
        for width in ("<3I", "<I2Q"):
            end = position + len(mark) + struct.calcsize(width)
            values = struct.unpack_from(width, octets, position + len(mark)) if end <= len(octets) else ()
            if octets.startswith(mark, position) and values == (entry.CRC, entry.compress_size, entry.file_size):
                return end
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
    return entry.get(f"{{{_MANIFEST_NAMESPACE}}}full-path", "")


def _check_manifest(container: AsicContainer) -> None:
    known = {name for name, _ in container.data_files}
    missing = [] if container.manifest is None else [one for one in container.manifest if one not in known]
    if any(not one.startswith(_META) and one != _MIMETYPE for one in missing):
        raise MalformedTranscript("the container's manifest names a file that is not in it")
