"""What signatures of other programs cover: any pairs are computed, what is left out is said, wrapped objects fail."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.support.foreign_cms import Wish, build_signed, make_certificate
from tests.support.foreign_pdf import find_last_section, sign_by_hand
from verify.formats.pades import PdfSignature, SignedPdf, read_signed_pdf
from verify.formats.pdf_types import SignatureKind

_FORMS = b"/Type/Sig/Filter/Adobe.PPKLite"


def sign(content: bytes) -> bytes:
    """Return a plain CMS signature of RSA."""
    return bytes(build_signed(Wish(), content).dump())


def codes(read: SignedPdf) -> set[str]:
    """Return the codes of all that is said of the file."""
    return {one.code for one in (*read.problems, *read.unsupported)}


def only(pdf: bytes) -> PdfSignature:
    """Return the one signature of a file."""
    (found,) = read_signed_pdf(pdf).signatures
    return found


def restate(pdf: bytes, numbers: bytes) -> bytes:
    """Return the file with another /ByteRange of the same length."""
    old = re.search(rb"/ByteRange\[[^\]]*\] *", pdf)
    assert old is not None
    return pdf.replace(old[0], (b"/ByteRange%s" % numbers).ljust(len(old[0])))


def test_usual_range_is_regular() -> None:
    read = read_signed_pdf(sign_by_hand(sign))
    assert ([one.intact for one in read.signatures], codes(read)) == ([True], set())
    assert not read.signatures[0].leaves_out


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(lambda start, _end, _file: (0, start), id="one pair"),
        pytest.param(lambda start, end, file: (0, 20, 20, start - 20, end, file - end), id="three pairs"),
        pytest.param(lambda start, end, file: (9, start - 9, end, file - end), id="not from 0"),
        pytest.param(lambda start, end, file: (0, start, end + 3, file - end - 3), id="gap too wide"),
        pytest.param(lambda start, end, file: (0, start - 4, end, file - end), id="gap begins before its string"),
    ],
)
def test_other_pairs_are_computed_and_never_pass(state: object) -> None:
    pdf = sign_by_hand(sign, state=state)  # type: ignore[arg-type]
    read = read_signed_pdf(pdf)
    assert ([one.intact for one in read.signatures], [one.leaves_out for one in read.signatures]) == ([True], [True])
    assert "not-covered" in codes(read)
    assert only(pdf.replace(b"%PDF-1.7\n%\xe2", b"%PDF-1.7\n%\xe3", 1)).intact is False


def test_range_that_stops_early_is_said() -> None:
    read = read_signed_pdf(sign_by_hand(sign, state=lambda start, end, file: (0, start, end, file - end - 8)))
    assert [one.intact for one in read.signatures] == [True]
    assert codes(read)


@pytest.mark.parametrize(
    "numbers",
    [b"[0 20 30]", b"[0 20 30 40 50]", b"[0 20 10 40]", b"[0 -20 30 40]", b"[0 20 30 9999999999]", b"[]", b" null"],
)
def test_range_that_cannot_be_is_broken(numbers: bytes) -> None:
    found = only(restate(sign_by_hand(sign), numbers))
    assert (found.intact, {one.code for one in found.problems}) == (False, {"byte-range"})


def test_objects_in_the_gap_are_wrapped_content() -> None:
    """The signed rest of the file is moved behind an object that nobody signed; the digest stays right."""
    hidden = b">>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n9 0 obj\n<<"
    pdf = sign_by_hand(lambda _: b"")
    end = pdf.index(b">", pdf.index(b"/Contents<")) + 1
    start = end - 12_002
    pdf = restate(pdf, b"[0 %d %d %d]" % (start, end + len(hidden), len(pdf) - end))
    value = sign(pdf[:start] + pdf[end:]).hex().encode("ascii").ljust(12_000, b"0")
    wrapped = b"%s<%s>%s%s" % (pdf[:start], value, hidden, pdf[end:])
    trailer = b"<</Size 6/Root 1 0 R/Prev %d>>" % (find_last_section(pdf) + len(hidden))
    section = b"xref\n0 0\ntrailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (trailer, len(wrapped))
    found = only(wrapped + section)
    assert (found.intact, found.value_right) == (False, True)
    assert "byte-range" in {one.code for one in found.problems}


@pytest.mark.parametrize("form", [b"", b"/SubFilter/PBAD.PAdES"])
def test_unknown_form_is_told_by_its_content(form: bytes) -> None:
    found = only(sign_by_hand(sign, entries=_FORMS + form))
    assert (found.intact, found.kind) == (True, SignatureKind.SIGNATURE)
    assert "unusual" in {one.code for one in found.unsupported}


def test_unknown_form_of_a_token_is_a_document_timestamp() -> None:
    def stamp(content: bytes) -> bytes:
        structure = build_signed(Wish(inner=hashlib.sha256(content).digest()), content)
        structure["content"]["encap_content_info"]["content_type"] = "tst_info"
        return bytes(structure.dump(force=True))

    found = only(sign_by_hand(stamp, entries=_FORMS + b"/SubFilter/PBAD.DocTimeStamp"))
    assert found.kind is SignatureKind.DOCUMENT_TIMESTAMP


def test_unknown_form_of_other_content_cannot_be_judged() -> None:
    found = only(sign_by_hand(lambda _: make_certificate("rsa-2048"), entries=_FORMS + b"/SubFilter/Acme.Seal"))
    assert (found.intact, {one.code for one in found.unsupported}) == (None, {"not-supported"})
