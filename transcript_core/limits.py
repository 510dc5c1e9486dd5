"""Every limit, with its unit and its reason.  Callers name the constant; nobody repeats the number."""

from __future__ import annotations

from typing import Final

MAX_XML_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one signed XML document.  A full transcript with 19 signatures and their evidence is about 0.3 MiB."""

MAX_XML_DEPTH: Final = 64
"""Nested elements.  A transcript with its deepest XAdES property needs 18."""

MAX_XML_ELEMENTS: Final = 50_000
"""Elements in one document; keeps the pass that builds the Id map short."""

MAX_XML_ATTRIBUTES: Final = 64
"""Attributes of one element.  Canonicalisation sorts them by insertion, so thousands would cost quadratic time."""

MAX_XML_NAMESPACES: Final = 4_096
"""Namespace declarations in one document; looking a prefix up walks through them."""

MAX_XML_SCOPE: Final = 256
"""Namespaces in scope at one element; office formats declare about 40.  Canonicalisation is quadratic in them."""

MAX_WORK: Final = 5_000_000_000
"""Units of work that one verification may ask for, whatever files it is about: parsing, canonical forms, decoding,
hashing.  A unit is about a nanosecond of one core (`verify/formats/work.py` has the prices).  A transcript needs 0.1
thousand millions, a container of 64 MiB signed by a whole staff 1; a file of some KiB could ask for hours."""

MAX_PDF_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one PDF.  A transcript with 19 signatures is about 1 MiB."""

MAX_PDF_REVISIONS: Final = 64
"""Appended sections of a PDF; a transcript has one a slot and a few for long-term data."""

MAX_FOREIGN_PDF_REVISIONS: Final = 512
"""Appended sections of a PDF that other software wrote; its reader takes quadratic time for them."""

MAX_PDF_STREAM_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one decompressed PDF stream."""

MAX_PDF_DEPTH: Final = 32
"""Nested arrays and dictionaries of one PDF object; ours need 6."""

MAX_PDF_OBJECTS: Final = 50_000
"""Objects of one PDF section; a tagged transcript has about 2,000."""

MAX_JSON_BYTES: Final = 2 * 1024 * 1024
"""Bytes of one JSON or JWS document."""

MAX_JSON_DEPTH: Final = 32
"""Nested JSON values."""

MAX_SIGNATURES: Final = 64
"""Signatures in one document.  16 teacher-and-subject slots, homeroom, principal and seal make 19."""

MAX_REFERENCES: Final = 1_100
"""ds:Reference elements in one signature; a transcript has three at most, a container of files one for each, and
MAX_CONTAINER_FILES of them."""

MAX_TOGETHER_REFERENCES: Final = 16_384
"""ds:Reference elements in all signatures of one verification: a container of 1,024 files signed by 16 persons."""

MAX_TRANSFORMS: Final = 8
"""ds:Transform elements in one reference."""

MAX_CONTAINER_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one ASiC container; a class of 45 transcripts with PDF is about 40 MiB."""

MAX_CONTAINER_FILES: Final = 1_024
"""Files in one ASiC container."""

MAX_CONTAINER_UNPACKED_BYTES: Final = 128 * 1024 * 1024
"""Bytes of all files of one ASiC container together, unpacked."""

MAX_CERTIFICATE_BYTES: Final = 16 * 1024
"""DER bytes of one certificate."""

MAX_CERTIFICATES: Final = 128
"""Certificates carried by one document."""

MAX_REVOCATION_PIECES: Final = 128
"""OCSP responses, and likewise CRLs, that are looked at for one document; each costs a signature check for every
signer.  A transcript with 19 signers carries about 25 of the former and 4 of the latter."""

MAX_CRL_BYTES: Final = 4 * 1024 * 1024
"""DER bytes of one CRL, fetched or carried."""

MAX_OCSP_BYTES: Final = 64 * 1024
"""DER bytes of one OCSP response."""

MAX_TIMESTAMP_BYTES: Final = 64 * 1024
"""DER bytes of one RFC 3161 response."""

MAX_AUTHORITY_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one signed authority list; a province has about 150,000 staff."""

MAX_TRUST_LIST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one signed trust list; the largest national lists have about 5 MiB."""

MAX_STATUS_BYTES: Final = 64 * 1024 * 1024
"""Bytes of one signed status file of a school year."""

MAX_LISTED_DIGESTS: Final = 20_000
"""Digests of one list that goes to a machine with a key; a principal's 3,000 documents in two formats make 6,000."""

MAX_LISTED_LINE_BYTES: Final = 8 * 1024
"""Bytes of one line of such a list, or of the values that come back; a value of RSA-4096 needs 900."""

MAX_LIST_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one such list or file of values."""

MAX_BATCH_PAGE: Final = 500
"""Digests, or values, of one request of the signing agent; attaching them keeps the service busy for a few seconds."""

MAX_UPLOAD_BYTES: Final = MAX_PDF_BYTES
"""Bytes of one uploaded file; the largest kind that is accepted."""

MAX_WORKBOOK_BYTES: Final = 32 * 1024 * 1024
"""Bytes of one spreadsheet file."""

MAX_WORKBOOK_UNPACKED_BYTES: Final = 64 * 1024 * 1024
"""Bytes of all members of one spreadsheet's ZIP container, unpacked; stops ZIP bombs before they are read.  The pupil
list of 5,000 pupils needs about 12 MiB."""

MAX_WORKBOOK_MEMBERS: Final = 2_000
"""Members of one spreadsheet's ZIP container; an export has about ten and one a sheet."""

MAX_IMPORT_FILES: Final = 2_000
"""Spreadsheets of one import; one a subject, term and class makes about 1,000 in the largest school."""

MAX_SHEET_ROWS: Final = 20_000
"""Rows of one sheet; the largest school has about 5,000 pupils."""

MAX_SHEET_COLUMNS: Final = 200
"""Columns of one sheet."""

MAX_LIST_ITEMS: Final = 64
"""Items of one list in a document: subjects, teachers, signers, awards, years of schooling."""

MAX_NAME_CHARS: Final = 150
"""Characters of a person's name (sector database: hovaten vc150)."""

MAX_LABEL_CHARS: Final = 255
"""Characters of a short text: name of a school, a place, a subject (sector database: vc255)."""

MAX_TEXT_CHARS: Final = 1_000
"""Characters of a comment or another free text; the sector database keeps 255, schools write more."""

FETCH_TIMEOUT_S: Final = 10.0
"""Seconds for one request to a TSA, OCSP or CRL server."""

EVIDENCE_CACHE_S: Final = 600.0
"""Seconds for which a fetched OCSP answer or CRL serves further signatures of the same batch."""

MAX_FOREIGN_PDF_VISITS: Final = 100_000
"""Objects looked at to compare the revisions of a stranger's PDF: a few seconds; what would take more is not judged."""

MAX_FOREIGN_PDF_LOOKUPS: Final = 4_000_000
"""Entries read to find a stranger's packed objects, each by reading its packet's list from the beginning."""

MAX_VERIFICATION_S: Final = 15.0
"""Seconds that the verification of any one file may take, whatever is in it; `make bench` holds the worst to it."""

MAX_VERIFICATION_MEMORY_BYTES: Final = 768 * 1024 * 1024
"""Bytes of memory that it may take beyond the program's own; `make bench` holds the worst to it."""
