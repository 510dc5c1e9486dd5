"""Document timestamps behind the seal of a PDF: sound ones, and those that prove nothing or bring something else.

The seal has a timestamp of its own, so what a broken one behind it would prove is proven already; it is refused all the
same.  ISO 32000-2, 12.8.5; EN 319 142-1, 5.4.3; RFC 3161; EN 319 102-1, 5.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID

from signing import pades
from signing.pades import doc_timestamp
from signing.pades.stored import read_stored
from tests.support.foreign_pdf import sign_by_hand
from tests.support.pdf_forging import break_token, change, keep, rewrite, stamp_edited
from tests.vectors.cases import Question, cannot_tell, fails, sound
from tests.vectors.longterm import LATER, at_time
from tests.vectors.pdf_forge import unsealed_pdf
from tests.vectors.pictures import signed_pdf
from tests.vectors.school import CHECKED_AT, school
from tests.vectors.timestamps import issue, stranger
from transcript_core.pdf import Name, read_pdf

_HOUR: Final = timedelta(hours=1)
_STAMPED: Final = CHECKED_AT - _HOUR
_FORM: Final = "EN 319 142-1, 5.4.3: form of a document timestamp"
_IMPRINT: Final = "EN 319 102-1, 5.4: the token is for what it covers"
_UNUSABLE: Final = ("pdf.revisions", "time.timestamps")
"""What fails when a document timestamp is for something else."""

asked: Final = Question.SIGNATURES
Request = Callable[[bytes], bytes]


def _stamp(imprint: bytes) -> bytes:
    """Return a genuine token of the school's authority."""
    with at_time(_STAMPED):
        return school().stamp(imprint)[0]


@cache
def _ready() -> bytes:
    """Return the sealed file with the evidence of seal and authority behind it."""
    here = school()
    with at_time(_STAMPED):
        return pades.append_evidence(signed_pdf(), [here.collect(here.seal()), here.stamp(bytes(32))[1]])


def _put(request: Request, *, finish: Request = keep, edit: Request = keep) -> bytes:
    return stamp_edited(_ready(), edit, request=request, finish=finish)


@cache
def stamped_pdf() -> bytes:
    """Return the file with a genuine document timestamp."""
    return _put(_stamp)


# --- sound ------------------------------------------------------------------------------------------------------


@sound("EN 319 142-1, 6.3: B-LTA")
def pdf_with_a_document_timestamp() -> bytes:
    return stamped_pdf()


@sound("EN 319 142-1, 6.3: B-LTA, years later", at=LATER)
def pdf_with_a_document_timestamp_years_later() -> bytes:
    return stamped_pdf()


@sound("ISO 32000-2, 12.8.5: a document timestamp behind another")
def pdf_with_two_document_timestamps() -> bytes:
    return stamp_edited(stamped_pdf(), keep, request=_stamp)


# --- the token --------------------------------------------------------------------------------------------------


@fails(_IMPRINT, *_UNUSABLE)
def document_timestamp_of_unrelated_data() -> bytes:
    return _put(lambda _: _stamp(hashlib.sha256(b"other data").digest()))


@fails(f"{_IMPRINT}, not for the file as it was before", *_UNUSABLE)
def document_timestamp_of_the_file_before() -> bytes:
    return _put(lambda _: _stamp(hashlib.sha256(_ready()).digest()))


@fails(f"{_IMPRINT}, not copied from a sound file", *_UNUSABLE)
def document_timestamp_of_another_file() -> bytes:
    return stamp_edited(stamped_pdf(), keep, request=lambda _: _find_token(stamped_pdf()))


def _find_token(pdf: bytes) -> bytes:
    last = read_stored(pdf).signatures[-1]
    return last.contents.rstrip(b"\0")


@cannot_tell("RFC 3161, 2.3: the signer is no time-stamping authority", "time.timestamps")
def document_timestamp_by_somebody_without_the_usage() -> bytes:
    return _put(lambda imprint: issue(usage=(), number=4002).stamp(imprint, at=_STAMPED))


@cannot_tell("RFC 3161, 2.3: the certificate is for something else", "time.timestamps")
def document_timestamp_by_an_ocsp_responder() -> bytes:
    usage = (ExtendedKeyUsageOID.OCSP_SIGNING,)
    return _put(lambda imprint: issue(usage=usage, number=4003).stamp(imprint, at=_STAMPED))


@cannot_tell("EN 319 102-1, 5.4: an authority that leads to no anchor", "time.timestamps")
def document_timestamp_by_an_unknown_authority() -> bytes:
    return _put(lambda imprint: stranger().stamp(imprint, at=_STAMPED))


@fails("RFC 5652, 5.3: the authority's value was changed", *_UNUSABLE)
def value_changed_in_a_document_timestamp() -> bytes:
    return _put(_stamp, finish=break_token)


@fails(f"{_FORM}: nothing stands behind the token", "pdf.revisions")
def octets_behind_the_token_of_a_document_timestamp() -> bytes:
    return _put(_stamp, finish=lambda token: token + b"\1")


@fails(f"{_FORM}: a token", "pdf.revisions")
def document_timestamp_without_a_token() -> bytes:
    return _put(_stamp, finish=lambda _: b"")


@fails(f"{_FORM}: a token, and no signature", "pdf.revisions")
def document_timestamp_that_is_the_seals_signature() -> bytes:
    return _put(lambda _: read_stored(signed_pdf()).signatures[-1].contents.rstrip(b"\0"))


@fails("TT 15/2025 Annex I: no SHA-1 in a timestamp", "pdf.revisions")
def document_timestamp_of_a_sha_1_digest() -> bytes:
    """The imprint is right: what it covers is hashed with SHA-1."""
    authority = issue(usage=(ExtendedKeyUsageOID.TIME_STAMPING,), number=4001)
    section = pades.prepare_document_timestamp(_ready()).section
    imprint = hashlib.sha1(_ready() + section.before + section.after, usedforsecurity=False).digest()
    return _put(lambda _: authority.stamp(imprint, at=_STAMPED, hash_name="sha1"))


# --- its place --------------------------------------------------------------------------------------------------


@fails(f"{_FORM}: an invisible field", "pdf.revisions")
def document_timestamp_that_shows_something() -> bytes:
    return _put(_stamp, edit=change(b"/Rect [-1 -1 -1 -1]", b"/Rect [0 0 500 800]"))


@fails(f"{_FORM}: its dictionary", "pdf.revisions")
def document_timestamp_with_an_unknown_version() -> bytes:
    return _put(_stamp, edit=change(b"/V 0/ByteRange", b"/V 1/ByteRange"))


@fails(f"{_FORM}: the page stays as it is", "pdf.revisions")
def document_timestamp_that_cuts_the_page() -> bytes:
    return _put(_stamp, edit=change(b"/MediaBox [0 0 595", b"/MediaBox [0 0 195"))


@fails(
    "ISO 32000-2, 12.8.2.2: no timestamp precedes the seal",
    "pdf.revisions",
    "slots.complete",
)
def document_timestamp_before_the_seal() -> bytes:
    section = doc_timestamp._build_section(read_stored(unsealed_pdf()), doc_timestamp.DOCUMENT_TIMESTAMP_ROOM)
    imprint = hashlib.sha256(unsealed_pdf() + section.before + section.after).digest()
    return unsealed_pdf() + section.fill(_stamp(imprint))


@fails("revision rule: behind a document timestamp nothing changes", "pdf.revisions")
def document_timestamp_overridden() -> bytes:
    (number,) = (
        one.number
        for one in read_pdf(stamped_pdf()).last.objects.values()
        if isinstance(one.value, dict) and one.value.get("Type") == Name("DocTimeStamp")
    )
    return rewrite(stamped_pdf(), number, Note=1)


@fails("revision rule: behind a document timestamp nothing changes", "pdf.revisions")
def octets_behind_a_document_timestamp() -> bytes:
    return stamped_pdf() + b"\n"


# --- files of others --------------------------------------------------------------------------------------------


def _stamp_a_stranger(request: Request) -> bytes:
    entries = b"/Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"
    return sign_by_hand(lambda covered: request(hashlib.sha256(covered).digest()), entries=entries, room=24_000)


@cannot_tell(
    "EN 319 102-1, 5.4: a timestamp says when, and not who", "signature.form", "time.timestamps", question=asked
)
def foreign_pdf_with_a_timestamp_alone() -> bytes:
    return _stamp_a_stranger(_stamp)


@cannot_tell(_IMPRINT, "signature.form", *_UNUSABLE, question=asked)
def foreign_pdf_with_a_timestamp_of_unrelated_data() -> bytes:
    return _stamp_a_stranger(lambda _: _stamp(bytes(32)))
