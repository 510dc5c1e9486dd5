"""A school's spreadsheets that nobody tuned to this project: every pupil is accounted for, every trouble is told.

What the workbooks hold was worked out from them by other means (reading cell by cell, averages in whole tenths) and
is stated here; the folder lies beside the project where it is available.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook

from transcript_core.assessment.marks import average_term
from transcript_core.intake import import_school, list_blocking, select_clean
from transcript_core.model import Gender, SchoolLevel
from transcript_core.records import ImportResult, PupilRecord, Severity

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "thcs-school"
MARK_COLUMNS = range(5, 10)
CONTRADICTING = {
    ("diem-hk2/Toán.xlsx", "M24", "0110952831"),
    ("diem-hk2/Toán.xlsx", "M174", "0164251522"),
    ("diem-hk2/Toán.xlsx", "M337", "0130460734"),
}
WITHOUT_PERSONAL_ID = {
    ("Y75", "0159765038"),
    ("Y116", "0104865362"),
    ("Y150", "0100273807"),
    ("Y162", "0198103191"),
    ("Y251", "0199276418"),
    ("Y321", "0126319781"),
    ("Y334", "0151408921"),
    ("Y379", "0119419724"),
    ("Y408", "0156858709"),
    ("Y443", "0114598844"),
}
CLASS_SIZES = {
    "6A1": 43, "6A2": 45, "6A3": 42, "7A1": 42, "7A2": 44, "7A3": 38,
    "8A1": 42, "8A2": 43, "8A3": 44, "9A1": 42, "9A2": 43, "9A3": 44,
}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the real school's spreadsheets are not beside the project (../shared/data/thcs-school)"
)


@pytest.fixture(scope="module")
def result() -> ImportResult:
    return import_school(FOLDER, school_level=SchoolLevel.LOWER_SECONDARY, as_of=date(2026, 5, 30))


@pytest.fixture(scope="module")
def pupils(result: ImportResult) -> dict[str, PupilRecord]:
    return {pupil.pupil_code: pupil for pupil in result.records.pupils}


def test_every_error_and_warning_is_the_one_in_the_workbooks(result: ImportResult) -> None:
    errors = {(one.file, one.cell, one.pupil_code) for one in result.errors}
    warnings = {(one.cell, one.pupil_code) for one in result.problems if one.severity is Severity.WARNING}
    assert {one.code for one in result.errors} == {"average-contradicts-marks"}
    assert errors == CONTRADICTING
    assert warnings == WITHOUT_PERSONAL_ID
    assert Counter(one.code for one in result.problems) == {"average-contradicts-marks": 3, "personal-id-pending": 10}
    assert all((one.file, one.sheet) == ("danh-sach-hoc-sinh.xlsx", "Sheet1") for one in result.problems[:10])


def test_all_512_pupils_are_accounted_for(result: ImportResult) -> None:
    assert len(result.records.pupils) == 509
    assert result.records.held_back == tuple(sorted(code for _, _, code in CONTRADICTING))
    assert list_blocking(result) == ()
    assert select_clean(result) is result.records
    sizes = Counter(pupil.class_name for pupil in result.records.pupils)
    sizes.update({"6A1": 1, "7A1": 1, "8A2": 1})
    assert sizes == CLASS_SIZES


def test_school_staff_and_classes_are_read(result: ImportResult) -> None:
    records = result.records
    assert (records.school_name, records.department_name, records.school_year) == (
        "TRƯỜNG THCS HOA SEN",
        "SỞ GIÁO DỤC VÀ ĐÀO TẠO HÀ NỘI",
        "2025-2026",
    )
    assert len(records.staff) == 35
    assert len(records.assignments) == 192
    assert [one.name for one in records.classes] == list(CLASS_SIZES)
    homeroom = {one.name: one.homeroom_staff_code for one in records.classes}
    assert homeroom["7A2"] == "0149564532"
    assert len(homeroom) == 12
    assert None not in homeroom.values()
    science = [one for one in records.assignments if (one.class_name, one.subject_code) == ("6A1", "KHTN")]
    assert [one.staff_code for one in science] == ["0115156155", "0140391694", "0138113878"]


def test_two_alike_pupils_stay_two(pupils: dict[str, PupilRecord]) -> None:
    first, second = pupils["0103451281"], pupils["0184376585"]
    assert (first.name, first.birth_date) == (second.name, second.birth_date)
    assert first.marks != second.marks


def test_names_are_clean_and_pending_ids_are_none(pupils: dict[str, PupilRecord]) -> None:
    assert pupils["0159765038"].personal_id is None
    assert sum(pupil.personal_id is None for pupil in pupils.values()) == 10
    assert all(pupil.name == " ".join(pupil.name.split()) for pupil in pupils.values())
    assert sum(pupil.gender is Gender.UNKNOWN for pupil in pupils.values()) == 0


def read_cells(file: str, header_row: int) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Yield (row number, values) below the header, read in another way than the import does."""
    page = load_workbook(FOLDER / file).active
    assert page is not None
    for number, row in enumerate(page.iter_rows(values_only=True), start=1):
        if number > header_row and row[0] is not None:
            yield number, row


def tenths(value: object) -> int:
    return round(float(str(value).replace(",", ".")) * 10)


def test_marks_are_those_of_the_cells(pupils: dict[str, PupilRecord]) -> None:
    """Half of the checks of this test compare whole tenths with exact fractions, none of it shared with the import."""
    compared = 0
    for term, file, header_row in ((1, "diem-hk1/Khoa học tự nhiên.xlsx", 4), (2, "diem-hk2/Tin học.xlsx", 6)):
        code = "KHTN" if "Khoa" in file else "TIN"
        for _, row in read_cells(file, header_row):
            if row[2] not in pupils:
                continue
            mark = next(one for one in pupils[str(row[2])].marks if one.subject_code == code)
            read = mark.term_1 if term == 1 else mark.term_2
            assert read is not None
            regular = [tenths(row[column]) for column in MARK_COLUMNS if row[column] is not None]
            assert read.midterm is not None
            assert read.final is not None
            assert [int(one * 10) for one in read.regular] == regular
            assert (int(read.midterm * 10), int(read.final * 10)) == (tenths(row[10]), tenths(row[11]))
            exact = Fraction(sum(regular) + 2 * tenths(row[10]) + 3 * tenths(row[11]), len(regular) + 5)
            computed = average_term(read.regular, midterm=read.midterm, final=read.final)
            assert int(computed * 10) == (2 * exact + 1) // 2
            compared += 1
    assert compared > 990


def test_pupils_without_code_in_mark_sheets_have_all_their_marks(pupils: dict[str, PupilRecord]) -> None:
    named = [row for _, row in read_cells("diem-hk1/Toán.xlsx", 4) if row[2] is None]
    assert len(named) == 8
    for row in named:
        (pupil,) = [one for one in pupils.values() if (one.name, f"{one.birth_date:%d/%m/%Y}") == (row[3], row[4])]
        assert len(pupil.marks) == 12
        assert all(mark.term_1 is not None and mark.term_2 is not None for mark in pupil.marks)


def test_importing_twice_gives_equal_results(result: ImportResult) -> None:
    again = import_school(FOLDER, school_level=SchoolLevel.LOWER_SECONDARY, as_of=date(2026, 6, 15))
    assert again == result
