"""A form set once and filled in looks like one that Typst set whole, and nothing of the blank is left in it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pikepdf
import pytest

from tests.support.hard_samples import build_hard_transcript
from tests.support.pdf_fill import run_poppler
from tests.support.samples import build_issue, build_transcript
from transcript_core.errors import MalformedTranscript
from transcript_core.model import SchoolLevel, Transcript
from transcript_core.render import forms, render_first_revision
from transcript_core.render.filling import TOKEN_MARK, Filler, part_view, read_token, write_token
from transcript_core.render.sheet import Contents
from transcript_core.render.taking import BLANK_DESCRIPTION, BLANK_TITLE, TokenLost, build_sheet
from transcript_core.render.view import build_view

INFO = b"<A></A>"
NEAR_PT = 3.0
"""Points that a word may stand away from where Typst sets it: Typst moves some pairs of letters closer together."""

_WORD = re.compile(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)"[^>]*>(.*?)</word>')


def render(transcript: Transcript) -> bytes:
    return render_first_revision(transcript, build_issue(transcript), info_xml=INFO)


def render_whole(transcript: Transcript) -> bytes:
    """Return the document with every text set by Typst."""
    issue = build_issue(transcript)
    view = build_view(transcript, issue)
    specs = tuple(forms._build_spec(slot, transcript) for slot in forms.list_pdf_slots(transcript, issue))
    parted, sheet = forms._find_sheet(view, transcript.template, specs, may_part=False)
    assert parted.fillers == ()
    return sheet.fill(Contents((), str(view["title"]), str(view["description"]), transcript.locked_at, INFO))


def find_words(pdf: bytes) -> dict[str, tuple[float, float]]:
    """Return the place of every word that stands once in the document."""
    shown = run_poppler(pdf, "pdftotext", "-bbox", "IN", "-").decode()
    found = _WORD.findall(shown)
    texts = [text for _, _, text in found]
    return {text: (float(x), float(y)) for x, y, text in found if texts.count(text) == 1}


def read_text(pdf: bytes) -> str:
    return " ".join(run_poppler(pdf, "pdftotext", "-layout", "IN", "-").decode().split())


def with_comment(text: str) -> Transcript:
    transcript = build_transcript()
    first = replace(transcript.subjects[0], comment=text)
    return replace(transcript, subjects=(first, *transcript.subjects[1:]))


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_every_word_stands_where_typst_sets_it(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    filled, whole = find_words(render(transcript)), find_words(render_whole(transcript))
    assert filled.keys() == whole.keys()
    assert len(filled) > 100
    away = {
        text: (filled[text], whole[text])
        for text in filled
        if max(abs(one - other) for one, other in zip(filled[text], whole[text], strict=True)) > NEAR_PT
    }
    assert away == {}


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_hard_documents_say_the_same_although_lines_may_break_elsewhere(level: SchoolLevel) -> None:
    transcript = build_hard_transcript(level)
    filled, whole = find_words(render(transcript)), find_words(render_whole(transcript))
    assert len(filled.keys() & whole.keys()) > 100
    assert len(filled.keys() ^ whole.keys()) < 20  # long codes, in which Typst makes places to break


def test_pupils_of_a_class_share_one_sheet_and_no_text() -> None:
    first = build_transcript(serial="01J9ZK3T5V7X9ABCDEFGHJKMN1")
    other = replace(
        build_transcript(serial="01J9ZK3T5V7X9ABCDEFGHJKMN2"),
        pupil=replace(first.pupil, name="Đặng Bảo Ngân", pupil_code="0140716999", register_number="118/THCS"),
        homeroom_comment="Tích cực trong học tập.",
        locked_at=datetime(2026, 5, 30, 3, 4, 5, tzinfo=UTC),
    )
    render(first)
    before = forms._set_sheet.cache_info().misses
    pdf = render(other)
    assert forms._set_sheet.cache_info().misses == before
    text = read_text(pdf)
    assert "ĐẶNG BẢO NGÂN" in text
    assert "Đặng Bảo Ngân" in text
    assert "10:04:05 ngày 30/05/2026" in text
    assert first.pupil.name not in text
    assert first.serial not in text
    assert first.pupil.name.encode("utf-16-be").hex().upper().encode() not in pdf


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_nothing_of_the_blank_is_left(level: SchoolLevel) -> None:
    pdf = render(build_transcript(level))
    for left in (BLANK_TITLE, BLANK_DESCRIPTION, "20000101", "2000-01-01", "%(title)"):
        assert left.encode() not in pdf
    assert TOKEN_MARK not in read_text(pdf)
    assert b"2026-05-29T02:00:00Z" in pdf


def test_metadata_are_the_document_s_own() -> None:
    one, other = (render(build_transcript(serial=f"01J9ZK3T5V7X9ABCDEFGHJKMN{end}")) for end in "12")
    with pikepdf.open(io.BytesIO(one)) as file:
        with file.open_metadata() as metadata:
            assert "Phan Ngọc Yến" in metadata["dc:title"]
        assert "Phan Ngọc Yến" in str(file.docinfo["/Title"])
        assert "01J9ZK3T5V7X9ABCDEFGHJKMN1" in str(file.docinfo["/Subject"])
    for name in (rb"InstanceID", rb"DocumentID"):
        found = [re.search(rb"<xmpMM:%s>([^<]+)<" % name, pdf) for pdf in (one, other)]
        assert len({match[1] for match in found if match}) == 2


def test_a_title_with_markup_characters_stays_text() -> None:
    transcript = build_transcript()
    pdf = render(replace(transcript, pupil=replace(transcript.pupil, name="A & B <C> %s %(x)s")))
    with pikepdf.open(io.BytesIO(pdf)) as file, file.open_metadata() as metadata:
        assert "A & B <C> %s %(x)s" in metadata["dc:title"]


@pytest.mark.parametrize("text", ["¤", "¤00 ¤01", "giá 5¤", "chữ Ω và ≤", "hai  dấu cách", "", "xuống\ndòng"])
def test_what_cannot_be_filled_in_is_set_by_typst(text: str) -> None:
    shown = read_text(render(with_comment(text)))
    assert " ".join(text.split()) in shown


@pytest.mark.parametrize("words", [12, 25, 60, 140])
def test_a_long_comment_breaks_into_lines_that_stay_in_their_column(words: int) -> None:
    comment = " ".join(f"lời{number}" for number in range(words))
    pdf = render(with_comment(comment))
    assert [word for word in read_text(pdf).split() if re.fullmatch(r"lời\d+", word)] == comment.split()
    boxes = run_poppler(pdf, "pdftotext", "-bbox", "IN", "-").decode()
    places = re.findall(r'xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">lời', boxes)
    assert min(float(left) for left, _ in places) > 305
    assert max(float(right) for _, right in places) < 553


def test_tokens_are_told_apart_and_anything_else_is_none() -> None:
    assert [read_token(write_token(number)) for number in (0, 35, 36, 1295)] == [0, 35, 36, 1295]
    for text in ("¤0", "¤aa", "x00", "¤0?", ""):
        with pytest.raises(MalformedTranscript):
            read_token(text)


def test_a_token_that_nothing_fills_is_refused() -> None:
    import typst  # noqa: PLC0415

    source = '#set text(font: "Libertinus Serif")\n#set page(height: 99pt)\n¤05'.encode()
    pdf = typst.Compiler(source, font_paths=[], ignore_system_fonts=True).compile(format="pdf", timestamp=0)
    assert isinstance(pdf, bytes)
    with pytest.raises(MalformedTranscript):
        build_sheet(pdf, [], tokens=3)
    assert issubclass(TokenLost, MalformedTranscript)


def test_only_texts_that_differ_between_pupils_are_taken_out() -> None:
    transcript = build_transcript()
    parted = part_view(build_view(transcript, build_issue(transcript)), "thcs/1")
    assert all(isinstance(one, Filler) for one in parted.fillers)
    texts = {one.text for one in parted.fillers}
    assert {transcript.pupil.name, transcript.pupil.name.upper(), transcript.serial, "8,4"} <= texts
    assert not texts & {transcript.school.name, transcript.class_name, "Hoàng Hữu An"}
    school = parted.blank["school"]
    assert isinstance(school, dict)
    assert school["name"] == transcript.school.name
