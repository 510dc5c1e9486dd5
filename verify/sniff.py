"""Tells what kind of file some bytes are by their first octets alone; nothing is parsed and no name is believed."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from transcript_core.limits import MAX_CONTAINER_BYTES, MAX_JSON_BYTES, MAX_PDF_BYTES, MAX_XML_BYTES

_PDF_MARK: Final = b"%PDF-"
_PDF_MARK_WITHIN: Final = 1024  # ISO 32000-1, annex H, note 13: viewers look this far
_ZIP_MARK: Final = b"PK\x03\x04"
_JWS: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\s*\Z")


class Container(StrEnum):
    """The outer form of a file."""

    XML = "xml"
    PDF = "pdf"
    JWS = "jws"
    ZIP = "zip"
    UNKNOWN = "unknown"


LIMITS: Final = {
    Container.XML: MAX_XML_BYTES,
    Container.PDF: MAX_PDF_BYTES,
    Container.JWS: MAX_JSON_BYTES * 2,  # Base64 and headers around MAX_JSON_BYTES of payload
    Container.ZIP: MAX_CONTAINER_BYTES,
    Container.UNKNOWN: MAX_PDF_BYTES,
}
"""Bytes that a file of each form may have."""


def sniff(document: bytes) -> Container:
    """Return the outer form of `document`; a PDF mark wins, so that no file is read as two things."""
    if document.startswith(_ZIP_MARK):  # a viewer that looks for a PDF further on would not find the files
        return Container.ZIP
    if _PDF_MARK in document[:_PDF_MARK_WITHIN]:
        return Container.PDF
    head = document[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") or document[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Container.XML
    if len(document) <= LIMITS[Container.JWS] and _JWS.match(document):
        return Container.JWS
    return Container.UNKNOWN
