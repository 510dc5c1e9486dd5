"""What a transcript's PDF may hold from the start, and how its drawings are known again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from tests.support.pdf_first import insert, swap
from tests.support.signed_pdf import QR_URL
from tests.vectors import shown
from tests.vectors.pictures import first_revision
from tests.vectors.school import CHECKED_AT, school
from transcript_core.pdf import read_pdf
from transcript_core.render.appearance import draw_person, draw_seal
from transcript_core.render.fonts import AppearanceFont, list_characters
from transcript_core.render.qr import QrCode, build_qr_code, read_qr_code
from verify.formats.pdf_first import list_problems
from verify.formats.pdf_revisions import read_form
from verify.formats.pdf_shown import read_codes, read_texts
from verify.report import FindingOutcome

AT = datetime(2026, 5, 29, 3, 0, tzinfo=UTC)
PLAIN_FONT = AppearanceFont(
    "HbR",
    (),
    {character: code for code, character in enumerate(f" {list_characters()}", start=1)},
    dict.fromkeys(f" {list_characters()}", 500.0),
)
"""Letters of one width, numbered in order, so that no release of the typesetter has a part in the drawing."""


def _judge(pdf: bytes) -> tuple[bool, bool]:
    file = read_pdf(pdf)
    problems, unknown = list_problems(file, read_form(file))
    return bool(problems), bool(unknown)


def test_prepared_file_has_no_problem() -> None:
    assert _judge(first_revision()) == (False, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/F 132/", b"/F 134/"),  # hidden
        (b"/F 132/", b"/F 128/"),  # not printed
        (b"/Subtype/Widget", b"/Subtype/Square"),
        (b"/StructParent ", b"/AlternatePar "),
    ],
)
def test_fields_are_shown_as_they_were_prepared(old: bytes, new: bytes) -> None:
    assert any(_judge(swap(first_revision(), old, new)))


@pytest.mark.parametrize("key", [b"/F(other.pdf)", b"/FFilter/FlateDecode"])
def test_page_content_comes_from_the_file_itself(key: bytes) -> None:
    pdf = first_revision()
    number = int(pdf[pdf.index(b"/Contents ") + 10 :].split()[0])
    assert _judge(insert(pdf, b"\n%d 0 obj\n<<" % number, key)) == (True, False)


def test_appearance_of_an_unsigned_field_has_no_layer() -> None:
    assert _judge(insert(first_revision(), b"/Subtype/Form", b"/OC 1 0 R")) == (True, False)


@pytest.mark.parametrize("host", ["hocba.example", "hocba.example.evil.example:8443"])
def test_the_host_that_the_code_leads_to_is_named(host: str) -> None:
    """Which host is a service's no file can say, so whoever reads the report is told."""
    pdf = shown.draw_seal_for(QR_URL.replace("hocba.example", host))
    finding = school().verifier().verify(pdf, at=CHECKED_AT).get_finding("pdf.appearances")
    assert finding.outcome is FindingOutcome.PASSED
    assert finding.text_vi.endswith(f"mã QR dẫn đến đúng học bạ này, trên trang {host}.")
    assert finding.text_en.endswith(f"the QR code leads to this transcript, at {host}.")


def test_drawings_are_those_of_every_release_so_far() -> None:
    """Signed files outlive a release: who changes a drawing keeps the old one, so that old files are compared."""
    person = draw_person(
        147.4, 28.35, name="Hoàng Hữu An", title="KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG", signed_at=AT, font=PLAIN_FONT
    )
    code = build_qr_code("https://hocba.example/v/01J9ZK3T5V7X9ABCDEFGHJKMNP/1#AbCdEfGhIjKlMnOpQrStUv")
    seal = draw_seal(260.79, 130.39, school_name="Trường THCS Hoa Sen", signed_at=AT, code=code, font=PLAIN_FONT)
    digests = [hashlib.sha256(one).hexdigest()[:16] for one in (person, seal)]
    assert digests == ["a32426bba4d0f787", "3b76d4e722a82524"]


@pytest.mark.parametrize("length", [1, 80, 152, 153, 251, 252, 412])
def test_address_is_read_back_from_its_code(length: int) -> None:
    url = ("https://hocba.example/v/" + "a1-Z" * 100)[:length]
    code = build_qr_code(url)
    assert read_qr_code(code) == url
    for at in range(0, len(code.packed), 7):
        changed = bytearray(code.packed)
        changed[at] ^= 0x10
        assert read_qr_code(QrCode(code.modules, bytes(changed))) is None


@pytest.mark.parametrize("code", [QrCode(21, bytes(63)), QrCode(49, b""), QrCode(49, bytes(343)), QrCode(0, b"")])
def test_codes_of_another_kind_hold_no_address(code: QrCode) -> None:
    assert read_qr_code(code) is None


def test_letters_are_read_from_the_font_of_the_file() -> None:
    table = b"1 beginbfchar <0003> <1EEF> endbfchar 1 beginbfrange <0010> <0012> <0041> endbfrange"
    assert read_codes(table) == {3: "ữ", 16: "A", 17: "B", 18: "C"}
    content = draw_person(100, 30, name="An", title="", signed_at=AT, font=PLAIN_FONT)
    lines = read_texts(content, PLAIN_FONT)
    assert lines is not None
    assert lines[0] == "An"
    assert read_texts(b"<FFFF> Tj", PLAIN_FONT) is None


@pytest.mark.parametrize(
    "table", [b"beginbfrange <0000> <FFFF> <0041> endbfrange", b"beginbfchar <00> <41> endbfchar", b"beginbfchar", b""]
)
def test_tables_in_another_form_tell_nothing(table: bytes) -> None:
    assert read_codes(table) == {}
