"""Reads PDFs that other programs wrote: their signatures by the same mathematics, their revisions not judged.

pyHanko's reader finds the signature fields; it follows offsets backward as a viewer does.  Coverage, CMS and values
are then checked by our own code.  What was added after a signature is not judged here, and the answer says so.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from transcript_core.limits import MAX_FOREIGN_PDF_REVISIONS, MAX_PDF_OBJECTS, MAX_SIGNATURES
from transcript_core.pdf import Name, String, Value
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_signature import RangeDigests, SignaturePlace, read_signature
from verify.formats.pdf_types import PdfSignature, SignedPdf

_SECTION_MARKS: Final = (b"startxref", b"trailer")
_OBJECT_MARK: Final = b" obj"
_TEXT_KEYS: Final = ("M", "Name", "Location", "Reason")
_log = logging.getLogger(__name__)


def read_foreign_pdf(data: bytes, *, reason: str) -> SignedPdf:
    """Return what can be said of a file that is not of our own form.  Never raises.

    Args:
        reason: why it is not, in English; repeated in the answer.
    """
    if max(map(data.count, _SECTION_MARKS)) > MAX_FOREIGN_PDF_REVISIONS or data.count(_OBJECT_MARK) > MAX_PDF_OBJECTS:
        detail = f"more than {MAX_FOREIGN_PDF_REVISIONS} appended sections or {MAX_PDF_OBJECTS} objects"
        return _answer(data, (), (build_problem("too-large", detail=detail),), ())
    try:
        signatures = tuple(_read_signatures(data))
    except Exception as error:  # noqa: BLE001  (a stranger's file can break a general parser in any way it likes)
        _log.info("foreign PDF cannot be read: %s", type(error).__name__)
        return _answer(data, (), (build_problem("unreadable", detail=reason),), ())
    if not signatures:
        return _answer(data, (), (build_problem("no-signature"),), (build_problem("foreign-structure", detail=reason),))
    return _answer(data, signatures, (), (build_problem("foreign-structure", detail=reason),))


def _read_signatures(data: bytes) -> Iterator[PdfSignature]:
    reader = PdfFileReader(io.BytesIO(data))
    if reader.encrypted:
        raise ValueError("encrypted")
    digests = RangeDigests(data)
    embedded = sorted(reader.embedded_signatures[:MAX_SIGNATURES], key=lambda one: int(one.signed_revision))
    for one in embedded:
        place = SignaturePlace(
            field_name=str(one.field_name),
            start=-1,
            end=len(data) + 1,
            revision=int(one.signed_revision) + 1,
            revision_end=None,
            file_end=len(data),
            strict=False,
        )
        yield read_signature(_convert(one.sig_object), place, digests)


def _convert(dictionary: Any) -> dict[str, Value]:
    """Return the entries of a signature dictionary that are read, in our own types."""
    found: dict[str, Value] = {}
    contents = dictionary.get("/Contents")
    if isinstance(contents, generic.ByteStringObject | generic.TextStringObject):
        found["Contents"] = String(contents.original_bytes)
    ranges = dictionary.get("/ByteRange")
    if isinstance(ranges, generic.ArrayObject):
        found["ByteRange"] = [int(one) for one in ranges if isinstance(one, generic.NumberObject)]
    form = dictionary.get("/SubFilter")
    if isinstance(form, generic.NameObject):
        found["SubFilter"] = Name(form.removeprefix("/"))
    for key in _TEXT_KEYS:
        text = dictionary.get(f"/{key}")
        if isinstance(text, generic.TextStringObject | generic.ByteStringObject):
            found[key] = String(text.original_bytes)
    return found


def _answer(
    data: bytes,
    signatures: tuple[PdfSignature, ...],
    problems: tuple[Problem, ...],
    unsupported: tuple[Problem, ...],
) -> SignedPdf:
    return SignedPdf(
        sha256=hashlib.sha256(data).digest(),
        revisions=0,
        signatures=signatures,
        empty_fields=(),
        problems=problems,
        unsupported=unsupported,
        covered_to_end=any(one.whole_file for one in signatures),
        attachment=None,
        first_revision_sha256=None,
        dss_certificates=(),
        dss_ocsps=(),
        dss_crls=(),
        archived_ocsps=(),
        archived_crls=(),
    )
