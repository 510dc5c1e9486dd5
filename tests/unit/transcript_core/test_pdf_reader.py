"""The strict PDF reader: values, sections, and everything it refuses to repair."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.signed_pdf import append_objects, partly_signed_pdf, unsigned_pdf
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_PDF_BYTES
from transcript_core.pdf import (
    MalformedPdf,
    Name,
    Ref,
    Stream,
    String,
    Value,
    decode_stream,
    list_references,
    parse_object,
    parse_value,
    read_pdf,
    read_text_string,
    same_value,
    text_string,
    write_value,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.integers(-(10**6), 10**6).map(lambda number: number / 8)
    | st.text(st.characters(min_codepoint=1, max_codepoint=255)).map(Name)
    | st.binary().map(String)
    | st.integers(1, 10**6).map(Ref),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("AZaz# /", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES)
def test_what_is_written_is_read_back(value: Value) -> None:
    read, end = parse_value(write_value(value))
    assert same_value(read, value)
    assert end == len(write_value(value))


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"(a\\(b\\)(c)\\n\\101\\\r\nz)", String(b"a(b)(c)\nAz")),
        (b"(one\r\ntwo\rthree)", String(b"one\ntwo\nthree")),
        (b"/A#20b", Name("A b")),
        (b"[1 0 R 1 0]", [Ref(1), 1, 0]),
        (b"<</A/B/C<</D[true null]>>>>", {"A": Name("B"), "C": {"D": [True, None]}}),
        (b"-.5", -0.5),
    ],
)
def test_forms_of_values(octets: bytes, value: Value) -> None:
    assert same_value(parse_value(octets)[0], value)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<</A 1/A 2>>",  # a key twice
        b"<</A 1/#41 2>>",  # the same key, escaped
        b"<ABC>",
        b"<AG>",
        b"(open",
        b"[1 2",
        b"<</A>>",
        b"<<1 2>>",
        b"/A#0",
        b"/A#00",
        b"[1 1 R]",
        b"nul",
        b"truely",
        b"% comment\n1",
        b"12345678901",
        b"[" * 200 + b"]" * 200,
    ],
)
def test_broken_values_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedPdf):
        parse_value(octets)


def test_types_tell_equal_looking_values_apart() -> None:
    assert not same_value(1, True)
    assert not same_value(1, 1.0)
    assert not same_value(String(b"A"), Name("A"))
    assert not same_value({"A": 1}, {"A": 1, "B": None})
    assert same_value({"A": 1, "B": 2}, {"B": 2, "A": 1})


def test_references_are_listed_at_any_depth() -> None:
    assert list_references({"A": [Ref(3), {"B": Ref(4)}], "C": Stream({"D": Ref(5)}, b"9 0 R")}) == [3, 4, 5]


@pytest.mark.parametrize("text", ["Nguyen Van A", "Võ Phương Vân", "", "Ký số — 100%"])
def test_text_strings(text: str) -> None:
    value = parse_value(text_string(text))[0]
    assert isinstance(value, String)
    assert read_text_string(value) == text


@pytest.mark.parametrize(
    "octets",
    [
        b"8 0 obj\n1\nendobj\n",  # another number
        b"7 1 obj\n1\nendobj\n",
        b"7 0 obj\n1 2\nendobj\n",
        b"7 0 obj\n<</Length 9>>\nstream\nabc\nendstream\nendobj\n",
        b"7 0 obj\n<</Length 2>>\nstream\nabc\nendstream\nendobj\n",
        b"7 0 obj\n<</Length 8 0 R>>\nstream\nabc\nendstream\nendobj\n",
        b"7 0 obj\n<<>>\nstream\nabc\nendstream\nendobj\n",
    ],
)
def test_broken_objects_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedPdf):
        parse_object(octets, 0, 7)


def test_streams_unpack_within_limits() -> None:
    packed = Stream({"Filter": Name("FlateDecode")}, zlib.compress(bytes(1000)))
    assert decode_stream(packed) == bytes(1000)
    with pytest.raises(LimitExceeded):
        decode_stream(packed, max_bytes=999)
    for broken in (packed.raw[:-6], b"no zlib"):
        with pytest.raises(MalformedPdf):
            decode_stream(Stream({"Filter": Name("FlateDecode")}, broken))
    with pytest.raises(MalformedPdf):
        decode_stream(Stream({"Filter": [Name("FlateDecode"), Name("FlateDecode")]}, packed.raw))
    with pytest.raises(MalformedPdf):
        decode_stream(Stream({"Filter": Name("DCTDecode")}, b""))


def test_revisions_tile_the_file() -> None:
    pdf = partly_signed_pdf()
    file = read_pdf(pdf)
    assert file.trouble is None
    assert [one.number for one in file.revisions] == [1, 2, 3]
    assert [one.start for one in file.revisions[1:]] == [one.end for one in file.revisions[:-1]]
    assert (file.revisions[0].start, file.last.end) == (0, len(pdf))


def test_objects_are_found_as_of_a_revision() -> None:
    file = read_pdf(partly_signed_pdf())
    field = max(number for number in file.revisions[1].objects if number < file.revisions[0].size)
    old, new = file.get_object(field, revision=1).value, file.get_object(field).value
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    assert "V" not in old
    assert "V" in new
    with pytest.raises(MalformedPdf):
        file.get_object(10**6)


def _replace_first(pdf: bytes, old: bytes, new: bytes) -> bytes:
    assert old in pdf
    return pdf.replace(old, new, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pdf: b"junk\n" + pdf,
        lambda pdf: _replace_first(pdf, b"%PDF-1.7", b"%PDF-0.1"),
        lambda pdf: _replace_first(pdf, b"\nendobj\n", b"\nendobj\n\n"),
        lambda pdf: _replace_first(pdf, b"\nendobj\n", b"\n endobj\n"),
        lambda pdf: _replace_first(pdf, b"xref\n0 ", b"xref\n1 "),
        lambda pdf: _replace_first(pdf, b"trailer\n<<", b"trailer\n<</Prev 9"),
        lambda pdf: _replace_first(pdf, b"trailer\n<<", b"trailer\n<</XRefStm 9"),
        lambda pdf: pdf[: pdf.index(b"startxref")],
        lambda pdf: pdf[:20],
        lambda pdf: b"",
    ],
)
def test_first_revision_in_another_form_is_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(MalformedPdf):
        read_pdf(spoil(unsigned_pdf()[0]))


def _edit_tail(pdf: bytes, pattern: bytes, new: bytes) -> bytes:
    """Replace the last match of `pattern`."""
    found = list(re.finditer(pattern, pdf))[-1]
    return pdf[: found.start()] + new + pdf[found.end() :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pdf: pdf + b"\n",
        lambda pdf: pdf + b"%%EOF\n",
        lambda pdf: pdf + b"%PDF-1.7\n",
        lambda pdf: pdf[:-1],
        lambda pdf: _edit_tail(pdf, rb"/Prev \d+", b"/Prev 17"),
        lambda pdf: _edit_tail(pdf, rb"/Prev \d+", b""),
        lambda pdf: _edit_tail(pdf, rb"/Root \d+ 0 R", b"/Root 1 0 R"),
        lambda pdf: _edit_tail(pdf, rb"/Info \d+ 0 R", b""),
        lambda pdf: _edit_tail(pdf, rb"/Size (\d+)", b"/Size 99999"),
        lambda pdf: _edit_tail(pdf, rb">>\nstartxref", b"/XRefStm 12>>\nstartxref"),
        lambda pdf: _edit_tail(pdf, rb">>\nstartxref", b"/Encrypt 1 0 R>>\nstartxref"),
        lambda pdf: _edit_tail(pdf, rb"startxref\n\d+", b"startxref\n15"),
        lambda pdf: _edit_tail(pdf, rb"\nendobj\n", b"\nendobj\n% note\n"),
        lambda pdf: _edit_tail(pdf, rb"\nendobj\n", b"\nendobj\n9999 0 obj\n1\nendobj\n"),
        lambda pdf: _edit_tail(pdf, rb"00000 n \n", b"00001 n \n"),
        lambda pdf: _edit_tail(pdf, rb"00000 n \n", b"00000 f \n"),
        lambda pdf: _edit_tail(pdf, rb"xref\n\d+ \d+\n", b"xref\n0 1\n0000000000 65535 f \n1 1\n"),
    ],
)
def test_irregular_update_is_where_reading_stops(spoil: object) -> None:
    assert callable(spoil)
    file = read_pdf(spoil(partly_signed_pdf()))
    assert file.trouble is not None
    assert len(file.revisions) < 4


@pytest.mark.parametrize("hidden", [b"9 0 obj <</Evil true>>", b"endobj", b"%%EOF"])
def test_object_hidden_in_a_stream_is_refused(hidden: bytes) -> None:
    sound, spoilt = (
        append_objects(partly_signed_pdf(), {1: b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content)})
        for content in (b"q Q", hidden)
    )
    assert read_pdf(sound).trouble is None
    trouble = read_pdf(spoilt).trouble
    assert trouble is not None
    assert "looks like another object" in trouble.problem


def test_object_hidden_in_the_original_is_refused() -> None:
    with pytest.raises(MalformedPdf, match="hidden"):
        read_pdf(_replace_first(unsigned_pdf()[0], b"/Lang(vi-VN)", b"/Lan(endobj)"))


def test_too_long_a_file_is_refused_unread() -> None:
    with pytest.raises(LimitExceeded):
        read_pdf(bytes(MAX_PDF_BYTES + 1))
