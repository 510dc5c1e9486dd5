"""Strict low-level reading of our own PDFs, shared by signing and verifying.  See `objects` and `revisions`."""

from transcript_core.pdf.objects import decode_stream, parse_object, parse_value
from transcript_core.pdf.revisions import PdfFile, PdfObject, Revision, read_pdf
from transcript_core.pdf.values import (
    MalformedPdf,
    Name,
    Ref,
    Stream,
    String,
    Value,
    list_references,
    read_text_string,
    same_value,
    text_string,
    write_value,
)

__all__ = [
    "MalformedPdf",
    "Name",
    "PdfFile",
    "PdfObject",
    "Ref",
    "Revision",
    "Stream",
    "String",
    "Value",
    "decode_stream",
    "list_references",
    "parse_object",
    "parse_value",
    "read_pdf",
    "read_text_string",
    "same_value",
    "text_string",
    "write_value",
]
