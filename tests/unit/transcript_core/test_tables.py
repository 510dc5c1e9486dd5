"""The code tables hold together, and look-ups find what schools write."""

from __future__ import annotations

import csv
import unicodedata
from datetime import date
from importlib import resources

import pytest

from schemas.loader import load_table
from tests.support import samples
from transcript_core import tables
from transcript_core.errors import InputError
from transcript_core.model import (
    Achievement,
    AwardKind,
    PrimaryYearLevel,
    QualityLevel,
    SchoolLevel,
    SubjectKind,
    SubjectLevel,
    YearOutcome,
)
from transcript_core.tables import LevelScale, QualityGroup, SubjectChoice

ON = date(2025, 9, 5)
TABLES = sorted(entry.name.removesuffix(".csv") for entry in resources.files("schemas").joinpath("tables").iterdir())
ALL_GRADES = [(level, grade) for level in SchoolLevel for grade in tables.list_grades(level)]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_dates_a_source_and_a_mark(name: str) -> None:
    for row in load_table(name):
        first = date.fromisoformat(row["valid_from"])
        assert not row["valid_to"] or date.fromisoformat(row["valid_to"]) >= first
        assert "[" in row["source"]
        assert row["source"].endswith("]")
        assert None not in row.values()
        assert all(unicodedata.is_normalized("NFC", text) for text in row.values())


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_plain_utf8_with_unix_line_ends(name: str) -> None:
    content = resources.files("schemas").joinpath("tables", f"{name}.csv").read_bytes()
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")
    widths = {len(row) for row in csv.reader(content.decode("utf-8").splitlines())}
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("on", "count"), [(date(2020, 1, 1), 63), (date(2025, 6, 30), 63), (date(2025, 7, 1), 34), (date(2030, 1, 1), 34)]
)
def test_sixty_three_provinces_became_thirty_four(on: date, count: int) -> None:
    provinces = tables.list_provinces(on=on)
    assert len(provinces) == count
    assert len({province.code for province in provinces}) == count


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("15", "Yên Bái", "Lào Cai"),
        ("24", "Bắc Giang", "Bắc Ninh"),
        ("44", "Quảng Bình", "Quảng Trị"),
        ("52", "Bình Định", "Gia Lai"),
        ("80", "Long An", "Tây Ninh"),
        ("82", "Tiền Giang", "Đồng Tháp"),
        ("91", "Kiên Giang", "An Giang"),
    ],
)
def test_reused_province_codes_mean_what_they_meant_on_the_day(code: str, before: str, after: str) -> None:
    assert tables.get_province(code, on=date(2025, 6, 30)).name == before
    assert tables.get_province(code, on=date(2025, 7, 1)).name == after
    assert tables.personal_id_provinces()[f"0{code}"] == before


def test_a_dissolved_province_is_refused_afterwards() -> None:
    assert tables.get_province("02", on=date(2025, 6, 30)).full_name == "Tỉnh Hà Giang"
    with pytest.raises(InputError):
        tables.get_province("02", on=ON)


@pytest.mark.parametrize("name", ["Hà Nội", "Thành phố Hà Nội", "TP. HÀ NỘI", "ha noi"])
def test_provinces_are_found_by_name(name: str) -> None:
    province = tables.find_province(name, on=ON)
    assert province is not None
    assert province.full_name == "Thành phố Hà Nội"
    assert tables.find_province("Hà Tây", on=ON) is None


def test_personal_ids_keep_the_63_old_codes() -> None:
    codes = tables.personal_id_provinces()
    assert len(codes) == 63
    assert (min(codes), max(codes)) == ("001", "096")
    assert {code[1:] for code in codes} == {province.code for province in tables.list_provinces(on=date(2025, 6, 30))}


@pytest.mark.parametrize(("level", "grade"), ALL_GRADES)
def test_no_spelling_means_two_subjects(level: SchoolLevel, grade: int) -> None:
    subjects = tables.list_subjects(level, grade, on=ON)
    spellings = [
        tables.normalize_name(spelling)
        for subject in subjects
        for spelling in {subject.name, subject.code, *subject.aliases}
    ]
    by_subject = {
        (tables.normalize_name(spelling), subject.code)
        for subject in subjects
        for spelling in (subject.name, subject.code, *subject.aliases)
    }
    assert len(by_subject) == len(set(spellings))
    assert [subject.form_order for subject in subjects] == sorted({subject.form_order for subject in subjects})
    assert all(grade in subject.periods for subject in subjects)


@pytest.mark.parametrize(("level", "grade"), ALL_GRADES)
def test_codes_fit_an_xml_id_and_parts_are_not_subjects(level: SchoolLevel, grade: int) -> None:
    for subject in tables.list_subjects(level, grade, on=ON):
        assert subject.code.isascii()
        assert subject.code.isalnum()
        assert subject.code == subject.code.upper()
        for component in subject.components:
            assert tables.find_subject(component, level, grade, on=ON) is None
            assert tables.find_subject_of_component(component, level, grade, on=ON) is subject


@pytest.mark.parametrize(
    ("name", "level", "grade", "code"),
    [
        ("Ngữ văn", SchoolLevel.LOWER_SECONDARY, 7, "NGUVAN"),
        ("NGỮ VĂN ", SchoolLevel.LOWER_SECONDARY, 7, "NGUVAN"),
        (unicodedata.normalize("NFD", "Lịch sử và Địa lý"), SchoolLevel.LOWER_SECONDARY, 6, "LSDL"),
        ("Lịch sử & Địa lí", SchoolLevel.LOWER_SECONDARY, 6, "LSDL"),
        ("Tiếng Anh", SchoolLevel.UPPER_SECONDARY, 10, "NN1"),
        ("GDKT&PL", SchoolLevel.UPPER_SECONDARY, 11, "GDKTPL"),
        ("HOẠT ĐỘNG TRẢI NGHIỆM, HƯỚNG NGHIỆP", SchoolLevel.LOWER_SECONDARY, 9, "HDTN"),
        ("Tin học và Công nghệ (Tin học)", SchoolLevel.PRIMARY, 4, "TIN"),
        ("Mỹ thuật", SchoolLevel.PRIMARY, 1, "MITHUAT"),
        ("Hoá học", SchoolLevel.UPPER_SECONDARY, 12, "HOAHOC"),
        ("GDQP&AN", SchoolLevel.UPPER_SECONDARY, 12, "GDQPAN"),
        ("NGUVAN", SchoolLevel.LOWER_SECONDARY, 7, "NGUVAN"),
    ],
)
def test_subjects_are_found_by_the_spellings_schools_use(name: str, level: SchoolLevel, grade: int, code: str) -> None:
    subject = tables.find_subject(name, level, grade, on=ON)
    assert subject is not None
    assert subject.code == code


def test_subjects_depend_on_level_grade_and_day() -> None:
    assert tables.find_subject("Khoa học", SchoolLevel.PRIMARY, 3, on=ON) is None
    assert tables.find_subject("Tự nhiên và Xã hội", SchoolLevel.PRIMARY, 4, on=ON) is None
    assert tables.find_subject("Vật lí", SchoolLevel.LOWER_SECONDARY, 8, on=ON) is None
    with pytest.raises(InputError):
        tables.get_subject("TOAN", SchoolLevel.UPPER_SECONDARY, 10, on=date(2015, 9, 5))
    with pytest.raises(InputError):
        tables.get_subject("TOAN", SchoolLevel.UPPER_SECONDARY, 9, on=ON)


def test_lower_secondary_form_order() -> None:
    codes = [subject.code for subject in tables.list_subjects(SchoolLevel.LOWER_SECONDARY, 7, on=ON)]
    assert codes == [
        "TOAN", "LSDL", "KHTN", "TIN", "NGUVAN", "NN1", "GDCD", "CN", "GDTC", "NGHETHUAT",
        "NN2", "TDTTS", "GDDP", "HDTN",
    ]  # fmt: skip


def test_upper_secondary_offers_nine_electives() -> None:
    subjects = tables.list_subjects(SchoolLevel.UPPER_SECONDARY, 10, on=ON)
    assert sum(subject.choice is SubjectChoice.ELECTIVE for subject in subjects) == 9
    assert sum(subject.choice is SubjectChoice.COMPULSORY for subject in subjects) == 8


def test_the_first_foreign_language_is_optional_only_in_grades_1_and_2() -> None:
    choices = [tables.get_subject("NN1", SchoolLevel.PRIMARY, grade, on=ON).choice for grade in range(1, 6)]
    assert choices == [SubjectChoice.OPTIONAL] * 2 + [SubjectChoice.COMPULSORY] * 3


@pytest.mark.parametrize(
    ("code", "grade", "count"),
    [
        ("NGUVAN", 6, 4), ("TOAN", 6, 4), ("NN1", 6, 4), ("GDCD", 6, 2), ("LSDL", 6, 4), ("KHTN", 6, 4),
        ("CN", 6, 2), ("CN", 7, 2), ("CN", 8, 3), ("CN", 9, 3), ("TIN", 9, 2), ("GDTC", 9, 2), ("HDTN", 6, 2),
        ("NGHETHUAT", 6, 2), ("GDDP", 6, 2), ("NN2", 6, 4),
    ],
)  # fmt: skip
def test_regular_marks_follow_from_the_periods(code: str, grade: int, count: int) -> None:
    subject = tables.get_subject(code, SchoolLevel.LOWER_SECONDARY, grade, on=ON)
    assert tables.count_regular_marks(subject, grade, regulation="TT22/2021", on=ON) == count


def test_upper_secondary_regular_marks_and_none_in_primary() -> None:
    history = tables.get_subject("LICHSU", SchoolLevel.UPPER_SECONDARY, 10, on=ON)
    assert tables.count_regular_marks(history, 10, regulation="TT22/2021", on=ON) == 3
    primary = tables.get_subject("TOAN", SchoolLevel.PRIMARY, 1, on=ON)
    with pytest.raises(InputError):
        tables.count_regular_marks(primary, 1, regulation="TT27/2020", on=ON)


def test_competences_by_grade() -> None:
    assert len(tables.list_qualities(QualityGroup.QUALITY, 1, on=ON)) == 5
    assert len(tables.list_qualities(QualityGroup.COMMON, 1, on=ON)) == 3
    assert [len(tables.list_qualities(QualityGroup.SPECIFIC, grade, on=ON)) for grade in range(1, 6)] == [5, 5, 7, 7, 7]
    found = tables.find_quality("THẨM MỸ", QualityGroup.SPECIFIC, 4, on=ON)
    assert found is not None
    assert found.code == "NLTHAMMI"
    assert tables.find_quality("Công nghệ", QualityGroup.SPECIFIC, 2, on=ON) is None
    assert tables.get_quality("PCYEUNUOC").name == "Yêu nước"
    assert tables.get_quality("PCYEUNUOC", on=ON).name == "Yêu nước"
    with pytest.raises(InputError):
        tables.get_quality("PCYEUNUOC", on=date(2019, 9, 5))
    with pytest.raises(InputError):
        tables.get_quality("YEUNUOC")


def test_no_code_names_both_a_subject_and_a_competence() -> None:
    assert not {row["code"] for row in load_table("qualities")} & {row["code"] for row in load_table("subjects")}


@pytest.mark.parametrize(
    ("scale", "values"),
    [
        (LevelScale.STUDY, Achievement),
        (LevelScale.TRAINING, Achievement),
        (LevelScale.QUALITY, QualityLevel),
        (LevelScale.PRIMARY_YEAR, PrimaryYearLevel),
        (LevelScale.AWARD, AwardKind),
        (LevelScale.OUTCOME, YearOutcome),
    ],
)
def test_scales_name_every_value_of_the_model(scale: LevelScale, values: type[Achievement]) -> None:
    assert [level.value for level in tables.list_level_names(scale)] == [value.value for value in values]


def test_subject_scales_together_name_every_subject_level() -> None:
    scales = (LevelScale.SUBJECT, LevelScale.PRIMARY_SUBJECT)
    assert {level.value for scale in scales for level in tables.list_level_names(scale)} == set(SubjectLevel)


@pytest.mark.parametrize("achievement", Achievement)
@pytest.mark.parametrize("scale", [LevelScale.STUDY, LevelScale.TRAINING])
def test_both_code_systems_name_the_same_level(achievement: Achievement, scale: LevelScale) -> None:
    level = tables.get_level_name(scale, achievement.value)
    assert level.number in {"1", "2", "3", "4"}
    assert tables.parse_achievement(level.number, scale) is achievement
    assert tables.parse_achievement(level.value, scale) is achievement
    with pytest.raises(InputError):
        tables.parse_achievement("5", scale)


def test_school_levels() -> None:
    assert [tables.get_school_level_code(level) for level in SchoolLevel] == ["02", "03", "04"]
    assert [tables.list_grades(level)[-1] for level in SchoolLevel] == [5, 9, 12]


@pytest.mark.parametrize(
    ("level", "grade", "on", "regulation"),
    [
        (SchoolLevel.PRIMARY, 5, ON, "TT27/2020"),
        (SchoolLevel.LOWER_SECONDARY, 9, ON, "TT22/2021"),
        (SchoolLevel.UPPER_SECONDARY, 12, ON, "TT22/2021"),
        (SchoolLevel.LOWER_SECONDARY, 6, date(2021, 9, 5), "TT22/2021"),
        (SchoolLevel.LOWER_SECONDARY, 7, date(2021, 9, 5), None),
        (SchoolLevel.UPPER_SECONDARY, 12, date(2023, 9, 5), None),
        (SchoolLevel.LOWER_SECONDARY, 5, ON, None),
    ],
)
def test_the_regulation_in_force(level: SchoolLevel, grade: int, on: date, regulation: str | None) -> None:
    assert tables.find_regulation(level, grade, on=on) == regulation


@pytest.mark.parametrize("level", SchoolLevel)
def test_sample_transcripts_use_the_tables_codes_names_and_order(level: SchoolLevel) -> None:
    transcript = samples.build_transcript(level)
    known = tables.list_subjects(level, transcript.grade_level, on=ON)
    shown = [(subject.subject_code, subject.subject_name, subject.kind) for subject in transcript.subjects]
    expected = [(subject.code, subject.name, subject.kind) for subject in known]
    assert [row for row in expected if row in shown] == shown
    compulsory = {subject.code for subject in known if subject.choice is SubjectChoice.COMPULSORY}
    assert compulsory <= {code for code, _, _ in shown}
    assert all(subject.kind is not SubjectKind.PRIMARY or not subject.teachers for subject in transcript.subjects)


def test_sample_qualities_are_those_of_the_form() -> None:
    for group, codes in (
        (QualityGroup.QUALITY, samples.QUALITIES),
        (QualityGroup.COMMON, samples.COMMON_COMPETENCES),
        (QualityGroup.SPECIFIC, samples.SPECIFIC_COMPETENCES),
    ):
        assert tuple(quality.code for quality in tables.list_qualities(group, 4, on=ON)) == codes
