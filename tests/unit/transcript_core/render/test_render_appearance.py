"""Appearances of signatures: who, as what, when; nothing overflows; the QR code reads back from the page."""

from __future__ import annotations

import io
import re
import zlib
from datetime import UTC, datetime

import pytest
import zxingcpp
from PIL import Image

from tests.support.hard_samples import LONG_NAME
from tests.support.pdf_fill import QR_URL, SIGNED_AT, fill_appearances, run_poppler
from tests.support.samples import build_issue, build_transcript
from transcript_core.errors import LimitExceeded, MalformedTranscript
from transcript_core.model import SchoolLevel
from transcript_core.render import (
    Appearance,
    build_person_appearance,
    build_seal_appearance,
    read_prepared,
    render_first_revision,
)
from transcript_core.render.appearance import format_instant
from transcript_core.render.fonts import FONT_NAME, list_characters, load_font

POINTS_PER_MM = 72 / 25.4
SIZES = [(83.2, 26.1), (147.4, 26.1), (221.0, 85.0)]
NAMES = ["Lê Vy", "Nguyễn Thị Tường Vỹ", LONG_NAME, "Đ" * 150, "H'Bĭa Niê Kđăm Êban"]


def read_lines(appearance: Appearance) -> list[tuple[str, float, float, float, float]]:
    """Return each shown line: its text, left, baseline, width, size; read back from the stream's octets."""
    [item] = appearance.objects
    assert item.stream is not None
    content = zlib.decompress(item.stream) if b"/FlateDecode" in item.build_body(1, {FONT_NAME: 2}) else item.stream
    lines, x, y = [], 0.0, 0.0
    shown = re.findall(rb"/HbR ([\d.]+) Tf\n(-?[\d.]+) (-?[\d.]+) Td\n<([0-9A-F]*)> Tj|(BT)", content)
    for size, dx, dy, codes, begins in shown:
        if begins:
            x = y = 0.0
            continue
        x, y = x + float(dx), y + float(dy)
        font = load_font()
        characters = {code: character for character, code in font.codes.items()}
        text = "".join(characters[int(codes[at : at + 4], 16)] for at in range(0, len(codes), 4))
        lines.append((text, x, y, font.measure(text, float(size)), float(size)))
    return lines


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_person_s_lines_stay_inside_and_say_who_as_what_and_when(name: str, width: float, height: float) -> None:
    appearance = build_person_appearance(
        width,
        height,
        name=name,
        title="KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG",
        signed_at=SIGNED_AT,
        world="Chứng thư công vụ",
    )
    lines = read_lines(appearance)
    text = " ".join(line[0] for line in lines)
    assert name.replace(" ", "") in text.replace(" ", "")
    for part in ("KT. HIỆU TRƯỞNG", "PHÓ HIỆU TRƯỞNG", "Chứng thư công vụ", "31/05/2026 14:03:22 +07:00"):
        assert part.replace(" ", "") in text.replace(" ", "")
    for _, left, baseline, line_width, size in lines:
        assert left >= 1
        assert left + line_width <= width - 1
        assert baseline - 0.25 * size >= 0.5
        assert baseline + 0.95 * size <= height - 0.5


@pytest.mark.parametrize("school", ["Trường THCS Hoa Sen", "Trường Trung học phổ thông chuyên " + LONG_NAME])
def test_the_seal_s_lines_stay_inside(school: str) -> None:
    appearance = build_seal_appearance(260, 130, school_name=school, signed_at=SIGNED_AT, qr_url=QR_URL)
    lines = read_lines(appearance)
    assert school.upper().replace(" ", "") in "".join(line[0] for line in lines).replace(" ", "")
    for _, left, baseline, line_width, size in lines:
        assert left >= 130
        assert left + line_width <= 256
        assert baseline - 0.25 * size >= 3
        assert baseline + 0.95 * size <= 127


def test_appearances_are_pure_and_use_only_the_form_s_fonts_and_plain_operators() -> None:
    def build() -> Appearance:
        return build_seal_appearance(260, 130, school_name="Trường Hoa Sen", signed_at=SIGNED_AT, qr_url=QR_URL)

    appearance = build()
    assert build() == appearance
    [item] = appearance.objects
    assert {piece for piece in item.pieces if isinstance(piece, str)} == {FONT_NAME}
    body = item.build_body(77, {FONT_NAME: 8})
    assert b"/Font<</HbR 8 0 R>>" in body
    for key in (b"/Group", b"/ExtGState", b"/SMask", b"/Image"):
        assert key not in body
    assert item.stream is not None
    assert b"/Length %d>>\nstream\n" % len(item.stream) in body
    operators = set(re.findall(rb"(?<![<\w/])[A-Za-z]+(?![\w>])", item.stream))
    assert operators <= {
        b"q",
        b"Q",
        b"rg",
        b"RG",
        b"re",
        b"f",
        b"S",
        b"w",
        b"cm",
        b"BT",
        b"ET",
        b"Tf",
        b"Td",
        b"Tj",
        b"Tr",
        b"BI",  # the QR code's stencil, with its one value that is a word
        b"true",
        b"ID",
        b"EI",
    }


def test_times_are_vietnam_s_with_their_offset() -> None:
    assert format_instant(datetime(2025, 12, 31, 17, 0, 1, tzinfo=UTC)) == "01/01/2026 00:00:01 +07:00"


def test_a_character_that_the_fonts_lack_is_refused_by_code_point() -> None:
    with pytest.raises(MalformedTranscript, match=r"U\+03A9"):
        build_person_appearance(147, 26, name="Ω", title="", signed_at=SIGNED_AT)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (0, 50), (50, 4.1)])
def test_a_field_without_room_is_refused(width: float, height: float) -> None:
    with pytest.raises(LimitExceeded):
        build_person_appearance(width, height, name="Lê Vy", title="HIỆU TRƯỞNG", signed_at=SIGNED_AT)


def test_the_fonts_have_every_vietnamese_letter() -> None:
    letters = "ẳẵặầẩẫậềểễệồổỗộờởỡợừửữựỳỷỹỵđĐẲẴẶẦẨẪẬỀỂỄỆỒỔỖỘỜỞỠỢỪỬỮỰỲỶỸỴ"
    assert set(letters) <= set(list_characters())
    font = load_font()
    assert set(font.codes) >= {*list_characters(), " "}
    assert all(width > 0 for width in font.widths.values())


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_the_qr_code_reads_back_from_the_rendered_page(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    issue = build_issue(transcript)
    pdf = fill_appearances(render_first_revision(transcript, issue, info_xml=b"<A></A>"), transcript, issue)
    page = run_poppler(pdf, "pdftoppm", "-r", "110", "-png", "-f", "4", "-l", "4", "IN")
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(page)))
    assert [code.text for code in codes] == [QR_URL]


def test_no_qr_code_is_on_the_page_before_the_seal() -> None:
    transcript = build_transcript()
    pdf = render_first_revision(transcript, build_issue(transcript), info_xml=b"<A></A>")
    page = run_poppler(pdf, "pdftoppm", "-r", "110", "-png", "-f", "4", "-l", "4", "IN")
    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(page))) == []
    assert "chưa phát hành" in run_poppler(pdf, "pdftotext", "IN", "-").decode()


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_the_printed_code_is_at_least_35_mm_with_its_quiet_zone(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    pdf = render_first_revision(transcript, build_issue(transcript), info_xml=b"<A></A>")
    place = read_prepared(pdf).fields["ky-phat-hanh"]
    assert min(place.height, 0.55 * place.width) >= 35 * POINTS_PER_MM
