"""The XML codec: build, read, and work on stored documents.  Layout: `transcript_core.layout`, `docs/schema.md`."""

from transcript_core.xml.build import SCHEMA_VERSION, build_document, build_info, build_recall
from transcript_core.xml.document import (
    SIGNATURE_TAG,
    RecallDocument,
    TranscriptDocument,
    parse_issue,
    parse_recall,
    parse_transcript,
    read_document,
)
from transcript_core.xml.signatures import SignatureFrame, SlotSignature, fill_holes
from transcript_core.xml.stored import (
    StoredDocument,
    document_digest,
    get_part,
    get_signature,
    list_signed_slots,
    splice_signature,
)

__all__ = [
    "SCHEMA_VERSION",
    "SIGNATURE_TAG",
    "RecallDocument",
    "SignatureFrame",
    "SlotSignature",
    "StoredDocument",
    "TranscriptDocument",
    "build_document",
    "build_info",
    "build_recall",
    "document_digest",
    "fill_holes",
    "get_part",
    "get_signature",
    "list_signed_slots",
    "parse_issue",
    "parse_recall",
    "parse_transcript",
    "read_document",
    "splice_signature",
]
