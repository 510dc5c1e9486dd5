"""Signed PDFs of transcripts whose signatures say other ranges than they cover, or carry other things than they should.

Universal forgery changes the signature dictionary in place, so digests break too.  In the others the seal is made anew
over the forged section: its mathematics is right, and only the form can refuse it.
"""

from __future__ import annotations

import re

from signing.pades.section import SignatureSection
from tests.support.signed_pdf import append_objects
from tests.vectors.cases import UNANCHORED, fails
from tests.vectors.pdf_forge import seal_edited, sign_over, swap, unsealed_pdf
from tests.vectors.pictures import first_revision, signed_pdf
from transcript_core.render import read_prepared

_FORGERY = "ISO 32000-1, 12.8.1: universal signature forgery (CCS 2019)"
_WRAPPING = "ISO 32000-1, 12.8.1: signature wrapping (CCS 2019)"
_FORM = "EN 319 142-1, 6.3: form of the signature dictionary"
_NOTHING_SAID = (
    *UNANCHORED,
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    "signature.algorithms",
    "signature.policy",
)
"""What fails or cannot be told of the seal when its /Contents are no signature."""

_NOTHING_COVERED = (*_NOTHING_SAID, "slots.order")
"""The same when nobody can tell what it covers."""


def _edit_last(old: bytes, new: bytes) -> bytes:
    """Return the signed file with something in its last section changed in place, as long as before."""
    pdf = signed_pdf()
    found = list(re.finditer(old, pdf))[-1]
    assert len(new) <= len(found[0])
    return pdf[: found.start()] + new.ljust(len(found[0])) + pdf[found.end() :]


# --- universal forgery ------------------------------------------------------------------------------------------


@fails(_FORGERY, *_NOTHING_COVERED)
def byte_range_emptied() -> bytes:
    return _edit_last(rb"/ByteRange\[[^\]]*\]", b"/ByteRange[]")


@fails(_FORGERY, *_NOTHING_COVERED, "pdf.revisions")
def byte_range_of_null() -> bytes:
    return _edit_last(rb"/ByteRange\[[^\]]*\]", b"/ByteRange null")


@fails(_FORGERY, *_NOTHING_COVERED)
def byte_range_of_zeros() -> bytes:
    return _edit_last(rb"/ByteRange\[[^\]]*\]", b"/ByteRange[0 0 0 0]")


@fails(_FORGERY, *_NOTHING_COVERED)
def byte_range_with_a_negative_number() -> bytes:
    return _edit_last(rb"/ByteRange\[0 \d", b"/ByteRange[0 -")


@fails(_FORGERY, *_NOTHING_COVERED, "pdf.revisions")
def byte_range_missing() -> bytes:
    return _edit_last(rb"/ByteRange\[", b"/ByteRangf[")


@fails(_FORGERY, *_NOTHING_SAID)
def contents_emptied() -> bytes:
    return _edit_last(rb"/Contents <[0-9a-f]*>", b"/Contents <>")


@fails(_FORGERY, *_NOTHING_COVERED, "pdf.revisions")
def contents_missing() -> bytes:
    return _edit_last(rb"/Contents <", b"/Contentt <")


@fails(_FORGERY, *_NOTHING_SAID)
def contents_of_zeros() -> bytes:
    size = len(re.findall(rb"/Contents <[0-9a-f]*>", signed_pdf())[-1]) - len(b"/Contents <>")
    return _edit_last(rb"/Contents <[0-9a-f]*>", b"/Contents <%s>" % (b"0" * size))


@fails(_FORGERY, *_NOTHING_SAID)
def sub_filter_of_another_kind() -> bytes:
    return _edit_last(rb"/SubFilter/ETSI.CAdES.detached", b"/SubFilter/adbe.x509.rsa_sha1")


@fails(_FORGERY, "signature.form", "signature.references", "signature.policy", "slots.signers", "authority")
def contents_of_an_earlier_signature() -> bytes:
    first, last = (re.findall(rb"/Contents <[0-9a-f]*>", signed_pdf())[at] for at in (0, -1))
    return _edit_last(re.escape(last), b"%s%s>" % (first[:-1], b"0" * (len(last) - len(first))))


# --- wrapping, gaps, overlaps -----------------------------------------------------------------------------------


def _move_hole(by: int, keep_end: int = 0) -> bytes:
    """Return the file sealed with a range whose hole or end is elsewhere; the digest is right over that range."""
    numbers = re.compile(rb"\[0 (\d+) (\d+) (\d+) *\]")

    def edit(octets: bytes) -> bytes:
        found = numbers.search(octets)
        assert found is not None
        start, end, rest = (int(number) for number in found.groups())
        text = b"[0 %d %d %d" % (start, end + by, rest - by + keep_end)
        return octets[: found.start()] + text.ljust(len(found[0]) - 1) + b"]" + octets[found.end() :]

    def cover(section: SignatureSection) -> bytes:
        end = len(section.after) + min(keep_end, 0)
        inside = b"0" * (-by - 1) + b">" if by < 0 else b""
        return section.before + inside + section.after[max(by, 0) : end]

    return seal_edited(unsealed_pdf(), before=edit, cover=cover)


@fails(_WRAPPING, "signature.form")
def gap_larger_than_the_contents() -> bytes:
    return _move_hole(10)


@fails(_WRAPPING, "signature.form")
def gap_smaller_than_the_contents() -> bytes:
    return _move_hole(-10)


@fails(_WRAPPING, "signature.form")
def range_that_stops_before_the_end() -> bytes:
    return _move_hole(0, -7)


@fails(_WRAPPING, *_NOTHING_COVERED)
def range_that_leads_out_of_the_file() -> bytes:
    return _move_hole(0, 7)


@fails(_WRAPPING, *_NOTHING_COVERED)
def range_with_overlapping_parts() -> bytes:
    return _edit_last(rb"/ByteRange\[0 \d+ \d+ ", b"/ByteRange[0 9 5 ")


@fails(_FORM, "pdf.revisions", "slots.complete")
def contents_twice_in_one_dictionary() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/Filter/Adobe.PPKLite", b"/Contents <00>"))


@fails(_FORM, "pdf.revisions", "slots.complete")
def byte_range_twice_in_one_dictionary() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/Filter/Adobe.PPKLite", b"/ByteRange[0 0 0 0]"))


@fails(_FORM, "pdf.revisions", "slots.complete")
def signature_said_to_be_a_document_timestamp() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/SubFilter/ETSI.CAdES.detached", b"/SubFilter/ETSI.RFC3161"))


@fails(_FORM, "signature.form", "signature.references")
def signature_of_the_plain_kind() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/SubFilter/ETSI.CAdES.detached", b"/SubFilter/adbe.pkcs7.sha1"))


@fails(_FORM, "pdf.revisions")
def signature_dictionary_with_an_unknown_entry() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/Filter/Adobe.PPKLite", b"/Changes[0 0 0]"))


@fails("ISO 32000-1, 12.8.2.4: the seal closes the file", "pdf.revisions")
def seal_that_locks_nothing() -> bytes:
    return seal_edited(unsealed_pdf(), before=swap(b"/Action/All", b"/Action/Al"))


@fails("revision rule: a signature's appearance is drawn plainly", "pdf.revisions", "pdf.appearances")
def seal_with_an_action_in_its_appearance() -> bytes:
    return seal_edited(unsealed_pdf(), after=swap(b"/Subtype/Form", b"/Subtype/Imag"))


# --- before the first signature ---------------------------------------------------------------------------------


@fails("revision rule: hidden revision before the first signature", "pdf.revisions")
def revision_hidden_before_the_first_signature() -> bytes:
    form = read_prepared(first_revision())
    return sign_over(append_objects(first_revision(), {form.size: b"<</Type/Annot/Subtype/FreeText>>"}))
