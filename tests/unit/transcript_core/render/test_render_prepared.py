"""What the signer reads of a prepared file agrees with what a general reader sees."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pikepdf
import pytest

from tests.support.pdf_fill import fill_appearances
from tests.support.samples import build_issue, build_transcript
from transcript_core.errors import MalformedTranscript
from transcript_core.render import read_prepared, render_first_revision
from transcript_core.render.fields import FieldSpec, prepare_objects
from transcript_core.render.objects import HEADER, parse_objects

TRANSCRIPT = build_transcript()
ISSUE = build_issue(TRANSCRIPT)


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_first_revision(TRANSCRIPT, ISSUE, info_xml=b"<A></A>")


def test_fields_and_fonts_agree_with_pikepdf(pdf: bytes) -> None:
    form = read_prepared(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert form.root == file.Root.objgen[0]
        assert form.size == int(file.trailer.Size)
        assert {name[1:]: font.objgen[0] for name, font in file.Root.AcroForm.DR.Font.items()} == form.fonts
        listed = list(file.Root.AcroForm.Fields)
        assert [str(one.T) for one in listed] == list(form.fields)
        for one, field in zip(listed, form.fields.values(), strict=True):
            assert one.objgen[0] == field.object_number
            assert [float(value) for value in one.Rect] == pytest.approx(list(field.rect))
            assert b"%d 0 obj\n%s/AP<<" % (field.object_number, field.dictionary) in pdf


def test_only_the_seal_locks_the_document(pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as file:
        locked = {str(one.T): one.Lock for one in file.Root.AcroForm.Fields if "/Lock" in one}
        assert list(locked) == ["ky-phat-hanh"]
        assert locked["ky-phat-hanh"].Action == "/All"
        assert int(locked["ky-phat-hanh"].P) == 1


def test_every_field_says_in_vietnamese_whose_signature_it_is(pdf: bytes) -> None:
    with pikepdf.open(io.BytesIO(pdf)) as file:
        described = {str(one.T): str(one.TU) for one in file.Root.AcroForm.Fields}
    assert described["gvbm-KHTN-2"] == "Chữ ký số của Trần Ngọc Trâm, giáo viên môn Khoa học tự nhiên"
    assert described["gvcn"] == "Chữ ký số của Đặng Thị Hạnh, giáo viên chủ nhiệm"
    assert described["cbql"] == "Chữ ký số của Võ Phương Vân, hiệu trưởng"
    assert "con dấu" in described["ky-phat-hanh"]


def test_the_next_revision_continues_the_numbers(pdf: bytes) -> None:
    first = read_prepared(pdf)
    signed = fill_appearances(pdf, TRANSCRIPT, ISSUE)
    second = read_prepared(signed)
    assert second.fields == first.fields
    assert second.file_id == first.file_id
    assert second.size > first.size
    assert second.startxref > first.startxref
    with pikepdf.open(io.BytesIO(signed)) as file:
        assert file.check_pdf_syntax() == []


def test_fields_lie_in_the_head_of_the_file(pdf: bytes) -> None:
    assert max(pdf.index(field.dictionary) for field in read_prepared(pdf).fields.values()) < 10_240


@pytest.mark.parametrize("cut", ["", "head", "tail", "field"])
def test_a_foreign_file_is_refused(cut: str, pdf: bytes) -> None:
    foreign = {
        "": b"",
        "head": HEADER + pdf[len(HEADER) + 5 :],
        "tail": pdf[:-40],
        "field": pdf.replace(b"/FT/Sig", b"/FT/Btn", 1),
    }[cut]
    with pytest.raises(MalformedTranscript):
        read_prepared(foreign)


def swap_listed_fields(pdf: bytes) -> bytes:
    """Return the file with the first two references of /Fields in the other order."""
    return re.sub(rb"(/Fields\[)(\d+ 0 R) (\d+ 0 R)", rb"\1\3 \2", pdf, count=1)


def name_another_catalog(pdf: bytes) -> bytes:
    """Return the file with a catalog in its trailer that is not the one of the form."""
    at = pdf.rindex(b"trailer")
    return pdf[:at] + re.sub(rb"/Root \d+", b"/Root 7", pdf[at:])


def list_one_field_less(pdf: bytes) -> bytes:
    """Return the file with a /Fields that leaves out the last one."""
    return re.sub(rb"(/Fields\[[^\]]*) \d+ 0 R\]", rb"\1]", pdf, count=1)


def list_a_stranger(pdf: bytes) -> bytes:
    """Return the file with a /Fields whose last reference is to an object that is no field."""
    return re.sub(rb"(/Fields\[[^\]]*) \d+ 0 R\]", rb"\1 1 0 R]", pdf, count=1)


@pytest.mark.parametrize("change", [swap_listed_fields, name_another_catalog, list_a_stranger])
def test_a_form_that_contradicts_itself_is_refused(change: Callable[[bytes], bytes], pdf: bytes) -> None:
    read_prepared(pdf)
    changed = change(pdf)
    assert changed != pdf
    with pytest.raises(MalformedTranscript):
        read_prepared(changed)


def test_a_field_that_the_form_does_not_list_is_none(pdf: bytes) -> None:
    assert list(read_prepared(list_one_field_less(pdf)).fields) == list(read_prepared(pdf).fields)[:-1]


def test_what_is_remembered_of_one_file_is_never_said_of_another(pdf: bytes) -> None:
    first = read_prepared(pdf)
    moved = re.sub(rb"/Rect\[\d", b"/Rect[9", pdf, count=1)
    other = read_prepared(moved)
    assert other.fields != first.fields
    assert read_prepared(pdf) == first
    assert read_prepared(moved) == other


def test_places_and_slots_must_agree() -> None:
    import typst  # noqa: PLC0415

    source = b'#link("slot:gvcn", block(width: 50mm, height: 20mm))'
    plain = typst.Compiler(source, font_paths=[], ignore_system_fonts=True).compile(format="pdf", timestamp=0)
    assert isinstance(plain, bytes)
    prepare_objects(parse_objects(plain), [FieldSpec("gvcn", "x", ("A", "b"))])
    for slots in ([], ["cbql"], ["gvcn", "cbql"]):
        with pytest.raises(MalformedTranscript):
            prepare_objects(parse_objects(plain), [FieldSpec(slot, "x", ("A", "b")) for slot in slots])


@pytest.mark.parametrize("damage", [b"", b"%PDF-1.7\n", b"startxref\n99999\n%%EOF"])
def test_a_file_of_another_structure_is_refused(damage: bytes) -> None:
    with pytest.raises(MalformedTranscript):
        parse_objects(damage)
