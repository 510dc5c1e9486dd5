"""The first revision: its fields, texts, attachment, repeatability, and what it refuses."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pikepdf
import pytest

from tests.support.hard_samples import LONG_COMMENT, LONG_NAME, build_hard_transcript
from tests.support.pdf_fill import fill_appearances, run_poppler
from tests.support.samples import build_issue, build_transcript
from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.limits import MAX_TEXT_CHARS
from transcript_core.model import Guardian, PrimarySummary, SchoolLevel, Stage, SubjectResult, Transcript
from transcript_core.policy import get_policy, list_slots
from transcript_core.render import build_person_appearance, list_pdf_slots, read_prepared, render_first_revision
from transcript_core.render.view import format_mark

INFO = "<THONG_TIN_HOC_BA><HO_TEN>Phan Ngọc Yến</HO_TEN></THONG_TIN_HOC_BA>".encode()
LEVELS = list(SchoolLevel)
BOTH = [build_transcript, build_hard_transcript]
A4 = (595.28, 841.89)


def render(transcript: Transcript) -> bytes:
    return render_first_revision(transcript, build_issue(transcript), info_xml=INFO)


def read_text(pdf: bytes) -> str:
    """Return the text of all pages with every run of blanks as one."""
    return " ".join(run_poppler(pdf, "pdftotext", "-layout", "IN", "-").decode().split())


def count_rows(pdf: bytes) -> int:
    """Return how many rows all tables have together."""
    with pikepdf.open(io.BytesIO(pdf)) as file:
        return sum(isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/TR" for one in file.objects)


def with_comment(text: str) -> Transcript:
    transcript = build_transcript()
    first: SubjectResult = replace(transcript.subjects[0], comment=text)
    return replace(transcript, subjects=(first, *transcript.subjects[1:]))


@pytest.mark.parametrize("level", LEVELS)
def test_equal_arguments_give_equal_octets_and_the_picture_s_digest_does_not_matter(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    first = render(transcript)
    issue = build_issue(transcript, pdf=first)
    assert issue.pdf_sha256 == hashlib.sha256(first).digest()
    assert render_first_revision(transcript, issue, info_xml=INFO) == first


def test_threads_get_what_they_would_get_alone() -> None:
    transcript = build_transcript()
    issue = build_issue(transcript)

    def render_with(number: int) -> bytes:
        return render_first_revision(transcript, issue, info_xml=b"<A>%d</A>" % number)

    alone = [render_with(number) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(render_with, range(4))) == alone


def test_every_printed_fact_changes_the_octets() -> None:
    transcript = build_transcript()
    issue = build_issue(transcript)
    base = render_first_revision(transcript, issue, info_xml=INFO)
    others = [
        render_first_revision(replace(transcript, homeroom_comment="Khác."), issue, info_xml=INFO),
        render_first_revision(transcript, replace(issue, issued_on=date(2026, 6, 1)), info_xml=INFO),
        render_first_revision(transcript, issue, info_xml=INFO + b"\n"),
    ]
    assert len({base, *others}) == 4


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_fields_are_the_slots_that_sign_this_pdf(level: SchoolLevel, build: object) -> None:
    transcript: Transcript = build(level)  # type: ignore[operator]
    issue = build_issue(transcript)
    slots = list_slots(transcript, issue, get_policy(transcript.policy_id))
    expected = [slot.slot_id for slot in slots if not slot.kept]
    assert [slot.slot_id for slot in list_pdf_slots(transcript, issue)] == expected
    assert list(read_prepared(render(transcript)).fields) == expected


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_fields_lie_on_their_page_without_overlap(level: SchoolLevel, build: object) -> None:
    transcript: Transcript = build(level)  # type: ignore[operator]
    with pikepdf.open(io.BytesIO(render(transcript))) as pdf:
        for page in pdf.pages:
            boxes = [[float(value) for value in one.Rect] for one in page.obj.get("/Annots", [])]
            for index, (left, bottom, right, top) in enumerate(boxes):
                assert 0 < left < right < A4[0]
                assert 0 < bottom < top < A4[1]
                for other in boxes[index + 1 :]:
                    assert right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_no_word_leaves_the_margins(level: SchoolLevel, build: object) -> None:
    transcript: Transcript = build(level)  # type: ignore[operator]
    boxes = run_poppler(render(transcript), "pdftotext", "-bbox", "IN", "-").decode()
    words = re.findall(r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"', boxes)
    assert len(words) > 200
    for left, top, right, bottom in (map(float, word) for word in words):
        assert left >= 50
        assert right <= A4[0] - 35
        assert top >= 30
        assert bottom <= A4[1] - 20


@pytest.mark.parametrize("level", LEVELS)
def test_text_extraction_finds_every_name_comment_and_mark(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    issue = build_issue(transcript)
    text = read_text(fill_appearances(render(transcript), transcript, issue))
    assert text == unicodedata.normalize("NFC", text)
    assert "chưa ký số" not in text
    assert "chưa phát hành" not in text
    wanted = [transcript.pupil.name, transcript.pupil.name.upper(), transcript.serial, transcript.homeroom_comment]
    wanted += [signer.name for signer in (*transcript.signers, issue.manager)]
    wanted += [transcript.school.name.upper(), "31/05/2026 14:03:22 +07:00", "HIỆU TRƯỞNG"]
    for subject in transcript.subjects:
        grades = [subject.year, *(term.grade for term in (subject.term_1, subject.term_2) if term is not None)]
        marks = [grade.mark for grade in grades if grade is not None and grade.mark is not None]
        wanted += [f"{mark:.0f}" if level is SchoolLevel.PRIMARY else format_mark(mark) for mark in marks]
        wanted.append(subject.subject_name.split()[0])
    assert [one for one in wanted if one not in text] == []


def test_marks_of_one_row_stand_in_order() -> None:
    text = read_text(render(build_transcript()))
    assert re.search(r"Toán 8,1 8,6 8,4 –", text)
    assert re.search(r"Giáo dục thể chất Đ Đ Đ –", text)


def test_an_update_says_what_it_replaces_and_which_signatures_are_kept() -> None:
    transcript = build_hard_transcript(SchoolLevel.LOWER_SECONDARY)
    text = read_text(render(transcript))
    assert "Thay thế phiên bản 2, lý do: nhập sai điểm học kì II môn Toán." in text
    assert "Phần thay đổi: Toán, thông tin chung của học bạ." in text
    assert "sửa chữa ở 1 chỗ, thuộc môn học, hoạt động giáo dục: Toán" in text
    kept = [one for one in transcript.signers if one.kept is not None]
    assert text.count("Đã ký ở phiên bản 1 ngày") == len(kept) > 5
    assert "Ký thay Hoàng Hữu An: nghỉ thai sản" in text
    assert "¹" in text or "Kết quả do Trường Trung học cơ sở Nguyễn Bỉnh Khiêm" in text


def test_a_first_term_document_says_so() -> None:
    transcript = build_transcript()
    subjects = tuple(replace(one, term_2=None, year=None) for one in transcript.subjects)
    assert not isinstance(transcript.summary, PrimarySummary)
    summary = replace(
        transcript.summary, training_term_2=None, training_year=None, study_term_2=None, study_year=None, outcome=None
    )
    text = read_text(render(replace(transcript, stage=Stage.TERM_1, subjects=subjects, summary=summary)))
    assert "TỔNG HỢP KẾT QUẢ HỌC KÌ I" in text
    assert "nghỉ học kì I" in text
    assert "nghỉ cả năm" not in text
    assert "KẾT QUẢ CẢ NĂM" not in text
    assert "KÌ NGHỈ HÈ" not in text
    assert "Toán 8,1 – – –" in text
    assert "Được lên lớp: –" in text


@pytest.mark.parametrize(
    ("level", "years", "last"),
    [
        (SchoolLevel.PRIMARY, 5, "chuyển đến"),
        (SchoolLevel.LOWER_SECONDARY, 4, "Trường"),
        (SchoolLevel.UPPER_SECONDARY, 3, "Trường"),
    ],
)
def test_the_history_has_the_form_s_columns_and_a_row_for_every_year(level: SchoolLevel, years: int, last: str) -> None:
    transcript = build_transcript(level)
    text = read_text(render(transcript))
    heading = text[text.index("QUÁ TRÌNH HỌC TẬP") :]
    assert heading.index(last) < heading.index(transcript.history[0].school_year)
    some, full, more = (
        count_rows(render(replace(transcript, history=transcript.history[:1] * entries)))
        for entries in (1, years, years + 1)
    )
    assert some == full == more - 1


def test_what_nobody_gave_is_awaited_and_no_correction_is_said_in_words() -> None:
    transcript = build_transcript()
    text = read_text(render(replace(transcript, pupil=replace(transcript.pupil, personal_id=None))))
    assert "Số định danh cá nhân: chờ bổ sung" in text
    assert "sửa chữa ở không chỗ" in text
    assert "KẾT QUẢ RÈN LUYỆN TRONG KÌ NGHỈ HÈ (nếu có)" in text


def test_primary_levels_are_letters_with_a_legend() -> None:
    text = read_text(render(build_transcript(SchoolLevel.PRIMARY)))
    assert "T – Hoàn thành tốt; H – Hoàn thành; C – Chưa hoàn thành." in text
    assert "T – Tốt; Đ – Đạt; C – Cần cố gắng" in text
    assert "(Tốt)" not in text


@pytest.mark.parametrize("build", BOTH)
@pytest.mark.parametrize("level", LEVELS)
def test_every_letter_of_a_signature_is_large_enough_to_read_in_print(level: SchoolLevel, build: object) -> None:
    transcript: Transcript = build(level)  # type: ignore[operator]
    issue = build_issue(transcript)
    signers = {one.slot_id: one for one in (*transcript.signers, issue.manager)}
    for slot_id, field in read_prepared(render(transcript)).fields.items():
        if slot_id not in signers:
            continue
        signer = signers[slot_id]
        appearance = build_person_appearance(
            field.width, field.height, name=signer.name, title=signer.title, signed_at=transcript.locked_at
        )
        drawn = zlib.decompress(appearance.objects[0].stream or b"")
        sizes = [float(size) for size in re.findall(rb"/HbR ([\d.]+) Tf", drawn)]
        assert min(sizes) >= 6, (slot_id, sizes)


def test_the_data_are_attached_as_they_are() -> None:
    with pikepdf.open(io.BytesIO(render(build_transcript()))) as pdf:
        assert list(pdf.attachments) == ["thongtinhocba.xml"]
        spec = pdf.attachments["thongtinhocba.xml"]
        assert spec.get_file().read_bytes() == INFO
        assert spec.obj.AFRelationship == "/Data"
        assert str(spec.obj.Desc)


def test_the_file_is_one_revision_dated_when_the_data_were_locked() -> None:
    pdf = render(build_transcript())
    assert pdf.count(b"startxref") == pdf.count(b"%%EOF") == 1
    assert b"/ObjStm" not in pdf
    assert b"/XRef" not in pdf
    assert b"/CreationDate(D:20260529020000Z)" in pdf
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert file.check_pdf_syntax() == []
        assert str(file.Root.Lang).startswith("vi")


@pytest.mark.parametrize(
    "text",
    [
        '# $x$ * _a_ [b] @ref <label> // c /* */ `raw` = h \\u{41} "q" (x) ~ -- ---',
        '#read("/etc/passwd") #import "@preview/a:1.0.0": * #sys.inputs.data',
        "http://example.com/a?b=c&d=<e>",
        "%PDF endobj endstream startxref %%EOF trailer",
    ],
)
def test_markup_is_shown_as_it_was_written(text: str) -> None:
    shown = read_text(render(with_comment(text))).replace("\u200b", "")
    assert " ".join(text.split()) in shown


@pytest.mark.parametrize("word", ["W" * 400, "Ẫ" * 25, "https://" + "a" * 300, "Đ" * 1000, LONG_NAME.replace(" ", "")])
def test_very_long_words_break_inside_their_cell(word: str) -> None:
    transcript = replace(with_comment(word), homeroom_comment=word)
    father = Guardian(word[:150], word[:150])
    transcript = replace(transcript, pupil=replace(transcript.pupil, name=word[:150], father=father, address=word))
    boxes = run_poppler(render(transcript), "pdftotext", "-bbox", "IN", "-").decode()
    assert max(float(right) for right in re.findall(r'xMax="([\d.]+)"', boxes)) <= A4[0] - 35


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\x01", "\ue000", "\u2028", "\U0001f600", "漢"])
def test_what_cannot_be_printed_as_it_reads_is_refused_by_code_point(character: str) -> None:
    with pytest.raises(MalformedTranscript, match=f"U\\+{ord(character):04X}") as caught:
        render(with_comment(f"Bí mật {character}"))
    assert "Bí mật" not in str(caught.value)


def test_a_signer_s_name_that_no_appearance_can_show_is_refused_before_anybody_signs() -> None:
    transcript = build_transcript()
    signers = (replace(transcript.signers[0], name="Ωmega"), *transcript.signers[1:])
    with pytest.raises(MalformedTranscript, match=r"U\+03A9"):
        render(replace(transcript, signers=signers))


def test_a_text_beyond_the_limit_is_refused() -> None:
    render(with_comment((LONG_COMMENT * 10)[:MAX_TEXT_CHARS]))
    with pytest.raises(LimitExceeded):
        render(with_comment("a " * MAX_TEXT_CHARS))


@pytest.mark.parametrize("template", ["thcs/2", "../thcs/1", "common/1", "", "thcs/1/", "THCS/1"])
def test_an_unknown_template_is_refused(template: str) -> None:
    with pytest.raises(UnsupportedSchema):
        render(replace(build_transcript(), template=template))


def test_a_template_of_another_level_is_refused() -> None:
    with pytest.raises(MalformedTranscript):
        render(replace(build_transcript(), template="thpt/1"))


def test_an_attachment_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(MalformedTranscript):
        render_first_revision(build_transcript(), build_issue(build_transcript()), info_xml=b"\xff\xfe")
