"""Reads the signatures of a PDF: what they cover, whether their mathematics holds, and what was added after them.

Implements the PAdES part of ETSI EN 319 102-1, 5.2.2 (format checking) and 5.2.7 (cryptographic verification) for
signatures of ISO 32000-1, 12.8 and ETSI EN 319 142-1.  Certificates, trust, time and authority are decided elsewhere.

A file of our own form takes the strict way: read forward, every byte accounted for, every revision classified.  Any
other file is read tolerantly, its signatures are checked by the same mathematics, and what was added after them is
said to be not judged.
"""

from __future__ import annotations

import hashlib
from typing import Final

from transcript_core.errors import LimitExceeded
from transcript_core.pdf import MalformedPdf, PdfFile, read_pdf
from verify.formats.pdf_contents import SecurityStore, read_attachment, read_store
from verify.formats.pdf_first import list_problems
from verify.formats.pdf_foreign import read_foreign_pdf
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.pdf_ranges import RangeDigests
from verify.formats.pdf_revisions import (
    Change,
    ChangeKind,
    Form,
    classify_revisions,
    read_form,
)
from verify.formats.pdf_shown import list_shown
from verify.formats.pdf_signature import SignaturePlace, read_signature
from verify.formats.pdf_types import PdfSignature, SignatureKind, SignedPdf
from verify.formats.work import Work

_COVERING: Final = frozenset({ChangeKind.SIGNED, ChangeKind.STAMPED})
"""What a revision with a /ByteRange did."""

__all__ = ["PdfSignature", "Problem", "SignatureKind", "SignedPdf", "read_signed_pdf"]


def read_signed_pdf(data: bytes, work: Work | None = None) -> SignedPdf:
    """Read every signature of a PDF.  Never raises: what cannot be read becomes a problem or `unsupported`.

    Args:
        data: the file.
        work: what the verification may still compute; None: as much as one may.
    """
    work = work or Work()
    try:
        file = read_pdf(data)
        form = read_form(file)
    except LimitExceeded as error:
        return _refuse(data, build_problem("too-large", detail=str(error)))
    except MalformedPdf as error:
        return read_foreign_pdf(data, work, reason=error.problem)
    return _read_own(file, form, work)


def _read_own(file: PdfFile, form: Form, work: Work) -> SignedPdf:
    changes = classify_revisions(file, form)
    problems = [problem for change in changes for problem in change.problems]
    if file.trouble is not None:
        detail = f"{file.trouble.problem} (byte {file.trouble.offset})"
        problems.append(build_problem("revision-structure", revision=file.last.number, detail=detail))
    active, unknown = list_problems(file, form)
    attachment, complaint = _read_attachment(file)
    signatures = _read_signatures(file, changes, work)
    signed = {signature.slot_id for signature in signatures}
    store, stamped = read_store(file, file.last.number), _read_stamped_stores(file, changes)
    archived = stamped[-1][1] if stamped else SecurityStore()
    return SignedPdf(
        sha256=hashlib.sha256(file.data).digest(),
        revisions=len(file.revisions),
        signatures=signatures,
        empty_fields=tuple(one.name for one in form.fields if one.name not in signed),
        problems=(*problems, *active, *complaint),
        unsupported=unknown,
        covered_to_end=_is_covered_to_end(file, changes),
        attachment=attachment,
        first_revision_sha256=hashlib.sha256(file.data[: file.revisions[0].end]).digest(),
        dss_certificates=store.certificates,
        dss_ocsps=store.ocsps,
        dss_crls=store.crls,
        archived_ocsps=archived.ocsps,
        archived_crls=archived.crls,
        stamped_stores=stamped,
        shown=list_shown(file, changes),
    )


def _read_stamped_stores(file: PdfFile, changes: tuple[Change, ...]) -> tuple[tuple[int, SecurityStore], ...]:
    """Return the store that each document timestamp covers, by the number of its revision."""
    stamped = (change.revision for change in changes if change.kind is ChangeKind.STAMPED)
    return tuple((number, read_store(file, number)) for number in stamped)


def _is_covered_to_end(file: PdfFile, changes: tuple[Change, ...]) -> bool:
    """Say whether nothing but evidence follows the last signature or document timestamp; it proves itself."""
    kinds = [change.kind for change in changes]
    while kinds and kinds[-1] is ChangeKind.STORED_EVIDENCE:
        kinds.pop()
    return file.trouble is None and bool(kinds) and kinds[-1] in _COVERING


def _read_signatures(file: PdfFile, changes: tuple[Change, ...], work: Work) -> tuple[PdfSignature, ...]:
    """Return the signatures in the order in which they were made, hashing the file once."""
    digests = RangeDigests(file.data, work)
    found: list[PdfSignature] = []
    for change in changes:
        revision = file.revisions[change.revision - 1]
        if change.kind not in _COVERING or change.field is None or change.signature is None:
            continue
        written = revision.objects[change.signature]
        place = SignaturePlace(
            field_name=change.field.name,
            start=written.start,
            end=written.end,
            revision=revision.number,
            revision_end=revision.end,
            file_end=len(file.data),
            strict=True,
        )
        if isinstance(written.value, dict):
            found.append(read_signature(written.value, place, digests))
    return tuple(found)


def _read_attachment(file: PdfFile) -> tuple[bytes | None, tuple[Problem, ...]]:
    try:
        return read_attachment(file), ()
    except MalformedPdf as error:
        return None, (build_problem("attachment", detail=error.problem),)
    except LimitExceeded as error:
        return None, (build_problem("attachment", detail=str(error)),)


def _refuse(data: bytes, problem: Problem) -> SignedPdf:
    return SignedPdf(
        sha256=hashlib.sha256(data).digest(),
        revisions=0,
        signatures=(),
        empty_fields=(),
        problems=(problem,),
        unsupported=(),
        covered_to_end=False,
        attachment=None,
        first_revision_sha256=None,
        dss_certificates=(),
        dss_ocsps=(),
        dss_crls=(),
        archived_ocsps=(),
        archived_crls=(),
    )
