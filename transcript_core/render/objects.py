"""PDF objects as octets: reads the plain files that Typst writes, and writes one revision with a classic xref table.

Implements the file structure of ISO 32000-1, 7.5 (header, body, cross-reference table, trailer) as ISO 19005-3, 6.1
narrows it.  Only files without object streams, xref streams and earlier revisions are read; anything else is refused.
Reading hostile PDF is the verifier's business.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from transcript_core.errors import MalformedTranscript

HEADER: Final = b"%PDF-1.7\n%\xc3\xa2\xc3\xa3\xc3\x8f\xc3\x93\n"
"""Version and a comment of more than four octets above 127 (ISO 19005-3, 6.1.2)."""

_REFERENCE = re.compile(rb"(?<![\d.])(\d+) 0 R\b")
_STREAM_KEYWORD = b"stream\n"


@dataclass(frozen=True, slots=True)
class PdfObjects:
    """The objects of a file by number.  A body is what stands between `obj` and `endobj`, without the line ends."""

    bodies: Mapping[int, bytes]
    root: int
    info: int


def parse_objects(pdf: bytes) -> PdfObjects:
    """Return the objects of a single-revision file with a classic xref table.

    Raises:
        MalformedTranscript: the file is built in another way.
    """
    try:
        table_at = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
        lines = pdf[table_at : pdf.index(b"trailer", table_at)].splitlines()
        trailer = pdf[pdf.index(b"trailer", table_at) :]
        root, info = (_find_reference(trailer, key) for key in (b"/Root", b"/Info"))
        if lines[0] != b"xref" or lines[1].split()[0] != b"0" or b"/Prev" in trailer:
            raise MalformedTranscript("the PDF has another file structure than one classic cross-reference section")
        starts = {number: int(line.split()[0]) for number, line in enumerate(lines[2:]) if line.split()[2] == b"n"}
    except (ValueError, IndexError) as error:
        raise MalformedTranscript("the PDF has no readable cross-reference table") from error
    ordered = sorted(starts.values())
    ends = dict(zip(ordered, [*ordered[1:], table_at], strict=True))
    bodies = {number: _cut_body(pdf[at : ends[at]], number) for number, at in starts.items()}
    return PdfObjects(bodies=bodies, root=root, info=info)


def _find_reference(content: bytes, key: bytes) -> int:
    found = re.search(re.escape(key) + rb" (\d+) 0 R", content)
    if found is None:
        raise MalformedTranscript(f"the PDF lacks {key.decode('ascii')}")
    return int(found[1])


def _cut_body(content: bytes, number: int) -> bytes:
    head, tail = b"%d 0 obj\n" % number, b"\nendobj"
    end = content.rfind(tail)
    if not content.startswith(head) or end < 0:
        raise MalformedTranscript(f"object {number} of the PDF does not stand where its cross-reference says")
    return content[len(head) : end]


def list_references(body: bytes) -> list[int]:
    """Return the numbers of the objects that a body refers to, outside its stream's octets."""
    return [int(number) for number in _REFERENCE.findall(split_stream(body)[0])]


def renumber(body: bytes, numbers: Mapping[int, int]) -> bytes:
    """Return the body with its references changed by `numbers`; the stream's octets stay."""
    dictionary, stream = split_stream(body)
    return _REFERENCE.sub(lambda found: b"%d 0 R" % numbers[int(found[1])], dictionary) + stream


def split_stream(body: bytes) -> tuple[bytes, bytes]:
    """Return a body's dictionary and the rest from the keyword `stream` on (empty when it is no stream)."""
    at = body.find(_STREAM_KEYWORD)
    return (body, b"") if at < 0 else (body[:at], body[at:])


def encode_text(text: str) -> bytes:
    """Return a text string as hexadecimal UTF-16BE with byte order mark (ISO 32000-1, 7.9.2.2)."""
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode("ascii") + b">"


def write_file(objects: PdfObjects, *, first: Iterable[int]) -> bytes:
    """Return a complete file; the objects of `first` stand at its beginning in that order, then all others by number.

    The file identifier is the beginning of the SHA-256 of the body, so equal content gives equal octets.
    """
    leading = list(first)
    body, entries = write_body(objects.bodies, [*leading, *sorted(objects.bodies.keys() - set(leading))])
    return body + write_end(body, entries, root=objects.root, info=objects.info)


def write_body(bodies: Mapping[int, bytes], order: Iterable[int]) -> tuple[bytes, list[bytes]]:
    """Return the header and the objects of `order`, and the cross-reference entries of all objects by number.

    The entries of objects that are not in `order` are empty.

    Raises:
        MalformedTranscript: the objects are not numbered without a gap.
    """
    if bodies.keys() != set(range(1, len(bodies) + 1)):
        raise MalformedTranscript("the PDF's objects are not numbered without a gap")
    chunks, entries, position = [HEADER], [b""] * len(bodies), len(HEADER)
    for number in order:
        chunk = b"%d 0 obj\n%s\nendobj\n" % (number, bodies[number])
        chunks.append(chunk)
        entries[number - 1] = write_entry(position)
        position += len(chunk)
    return b"".join(chunks), entries


def write_entry(offset: int) -> bytes:
    """Return the cross-reference entry of an object in use."""
    return b"%010d 00000 n \n" % offset


def write_end(body: bytes, entries: Sequence[bytes], *, root: int, info: int) -> bytes:
    """Return what follows the objects of a file: table, trailer and end."""
    size = len(entries) + 1
    identifier = hashlib.sha256(body).digest()[:16].hex().upper().encode("ascii")
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, b"".join(entries))
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]>>\nstartxref\n%d\n%%%%EOF\n" % (
        *(size, root, info),
        *(identifier, identifier, len(body)),
    )
    return table + trailer
