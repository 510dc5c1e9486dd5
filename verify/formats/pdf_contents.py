"""Takes out of a PDF what others judge: the attached data file and the document security store.

ISO 32000-1, 7.11.4 (embedded files); ETSI EN 319 142-1, 5.4.2 (DSS).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import (
    MAX_CERTIFICATE_BYTES,
    MAX_CERTIFICATES,
    MAX_CRL_BYTES,
    MAX_OCSP_BYTES,
    MAX_XML_BYTES,
)
from transcript_core.pdf import MalformedPdf, PdfFile, Stream, String, Value, decode_stream, read_text_string
from transcript_core.pki.certificates import Certificate, load_certificate

ATTACHMENT_NAME: Final = "thongtinhocba.xml"
_MAX_NAME_TREE_DEPTH: Final = 8  # ours is one leaf


@dataclass(frozen=True, slots=True)
class SecurityStore:
    """What a /DSS holds; entries that cannot be read are left out, since they prove nothing."""

    certificates: tuple[Certificate, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


def read_attachment(file: PdfFile) -> bytes | None:
    """Return the data file as the first revision holds it; None when there is no attachment at all.

    Raises:
        MalformedPdf: other or several attachments, or it cannot be unpacked.
        LimitExceeded: it is longer than a transcript may be.
    """
    catalog = _dictionary(file, file.get_object(file.revisions[0].root, revision=1).value)
    names = _dictionary(file, catalog.get("Names"))
    specifications = _list_names(file, names.get("EmbeddedFiles"), 0)
    if not specifications:
        return None
    if len(specifications) > 1:
        raise MalformedPdf("more than one file is attached", offset=0)
    specification = _dictionary(file, specifications[0])
    stated = specification.get("UF", specification.get("F"))
    if not isinstance(stated, String) or read_text_string(stated).rpartition("/")[2] != ATTACHMENT_NAME:
        raise MalformedPdf("the attached file has another name", offset=0)
    stream = file.resolve(_dictionary(file, specification.get("EF")).get("F"), revision=1)
    if not isinstance(stream, Stream):
        raise MalformedPdf("the attached file is no stream", offset=0)
    return decode_stream(stream, max_bytes=MAX_XML_BYTES)


def read_store(file: PdfFile, revision: int) -> SecurityStore:
    """Return the content of the security store as the revision of that number has it; 1 is the first."""
    try:
        catalog = _dictionary(file, file.get_object(file.last.root, revision=revision).value, revision=revision)
        store = _dictionary(file, catalog.get("DSS"), revision=revision)
    except MalformedPdf:
        return SecurityStore()
    return SecurityStore(
        certificates=tuple(load_all(_list_streams(file, store.get("Certs"), MAX_CERTIFICATE_BYTES))),
        ocsps=tuple(_list_streams(file, store.get("OCSPs"), MAX_OCSP_BYTES)),
        crls=tuple(_list_streams(file, store.get("CRLs"), MAX_CRL_BYTES)),
    )


def _list_names(file: PdfFile, node: Value, depth: int) -> list[Value]:
    """Return the values of a name tree (ISO 32000-1, 7.9.6)."""
    tree = _dictionary(file, node)
    if depth > _MAX_NAME_TREE_DEPTH:
        raise MalformedPdf("the list of attached files is nested too deeply", offset=0)
    pairs, kids = file.resolve(tree.get("Names"), revision=1), file.resolve(tree.get("Kids"), revision=1)
    found = list(pairs[1::2]) if isinstance(pairs, list) else []
    for kid in kids[:MAX_CERTIFICATES] if isinstance(kids, list) else ():
        found += _list_names(file, kid, depth + 1)
    return found


def _list_streams(file: PdfFile, references: Value, max_bytes: int) -> list[bytes]:
    found: list[bytes] = []
    for reference in references[:MAX_CERTIFICATES] if isinstance(references, list) else ():
        try:
            stream = file.resolve(reference)
        except MalformedPdf:
            continue
        if isinstance(stream, Stream) and len(stream.raw) <= max_bytes and "Filter" not in stream.dictionary:
            found.append(stream.raw)
    return found


def load_all(ders: Iterable[bytes]) -> list[Certificate]:
    """Return the certificates that can be read."""
    found: list[Certificate] = []
    for der in ders:
        try:
            found.append(load_certificate(der))
        except TrustMaterialError:
            continue
    return found


def _dictionary(file: PdfFile, value: Value, *, revision: int = 1) -> dict[str, Value]:
    """Return the dictionary that `value` is or refers to; empty when there is none."""
    resolved = file.resolve(value, revision=revision)
    return resolved if isinstance(resolved, dict) else {}
