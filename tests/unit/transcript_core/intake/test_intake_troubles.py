"""Every trouble of real spreadsheets has its answer, at the cell where it is, and holds back exactly whom it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.support.school_files import SchoolFiles
from transcript_core.errors import ImportRejected
from transcript_core.intake import list_blocking, select_all, select_clean
from transcript_core.intake.workbook import Cell, CellError
from transcript_core.model import SubjectLevel
from transcript_core.records import ImportResult, Problem, Severity

MATHS = "diem-hk2/Toán.xlsx"
SPORT = "diem-hk1/Giáo dục thể chất.xlsx"
PUPILS = "danh-sach-hoc-sinh.xlsx"
STAFF = "danh-sach-giao-vien.xlsx"
TEACHING = "phan-cong-giang-day.xlsx"
TRAINING = "ren-luyen.xlsx"
OnlyProblem = Callable[[ImportResult], Problem]


def test_clean_school_comes_in_whole(lower: SchoolFiles) -> None:
    result = lower.run()
    assert result.problems == ()
    assert [pupil.pupil_code for pupil in result.records.pupils if pupil.class_name == "7A1"]
    assert {pupil.pupil_code for pupil in result.records.pupils} == {one.code for one in lower.school.pupils}
    assert result.records.school_name == "TRƯỜNG THCS SAO MAI"
    assert result.records.department_name == "SỞ GIÁO DỤC VÀ ĐÀO TẠO ĐÀ NẴNG"
    assert result.records.school_year == "2025-2026"
    assert [(one.name, one.grade_level) for one in result.records.classes] == [("7A1", 7), ("8A2", 8)]
    assert select_all(result) is result.records


def test_subject_with_several_teachers_keeps_their_order(lower: SchoolFiles) -> None:
    science = [one for one in lower.run().records.assignments if (one.class_name, one.subject_code) == ("7A1", "KHTN")]
    codes = [row[3] for row in lower.sheets[TEACHING].rows.values() if row[1:3] == ("7A1", "Khoa học tự nhiên")]
    assert [(one.order, one.staff_code) for one in science] == list(enumerate(codes, start=1))
    assert len(codes) == 3


def test_importing_twice_gives_equal_results(lower: SchoolFiles) -> None:
    assert lower.run() == lower.run()


BAD_CELLS: list[tuple[str, str, Cell, str]] = [
    (MATHS, "F5", 10.5, "mark-out-of-range"),
    (MATHS, "F5", "-1", "mark-out-of-range"),
    (MATHS, "K5", "8,25", "mark-too-precise"),
    (MATHS, "K5", 7.25, "mark-too-precise"),
    (MATHS, "L5", "Đ", "level-where-mark-belongs"),
    (MATHS, "L5", "Chưa đạt", "level-where-mark-belongs"),
    (MATHS, "L5", "tám", "mark-unreadable"),
    (MATHS, "L5", "1e1", "mark-unreadable"),
    (MATHS, "L5", True, "mark-unreadable"),
    (MATHS, "L5", date(2026, 5, 8), "mark-unreadable"),
    (MATHS, "L5", CellError("#DIV/0!"), "cell-error"),
    (MATHS, "G5", CellError(""), "formula-without-value"),
    (MATHS, "K5", None, "mark-missing"),
    (MATHS, "L5", "  ", "mark-missing"),
    (MATHS, "M5", "0,1", "average-contradicts-marks"),
    (MATHS, "M5", "khá", "level-where-mark-belongs"),
    (MATHS, "O5", "Tốt\u202e", "text-forbidden"),
    (MATHS, "O5", "x" * 1001, "text-too-long"),
    (MATHS, "D5", "Người Khác", "name-contradicts"),
    (SPORT, "F5", 7.5, "mark-where-level-belongs"),
    (SPORT, "F5", "7,5", "mark-where-level-belongs"),
    (SPORT, "F5", "tạm", "level-unreadable"),
    (TRAINING, "F5", 2, "mark-where-level-belongs"),
    (TRAINING, "G5", None, "training-missing"),
    (TRAINING, "H5", -1, "count-negative"),
    (TRAINING, "H5", 1.5, "count-unreadable"),
    (TRAINING, "I5", "nhiều", "count-unreadable"),
    (TRAINING, "I5", 401, "count-too-large"),
    (TRAINING, "J5", None, "comment-missing"),
    (PUPILS, "D5", "31/02/2013", "date-unreadable"),
    (PUPILS, "D5", 41313, "date-unreadable"),
    (PUPILS, "D5", None, "birth-date-missing"),
    (PUPILS, "C5", None, "pupil-name-missing"),
    (PUPILS, "W5", "5A1", "class-other-level"),
    (PUPILS, "X5", "Khối 8", "grade-contradicts-class"),
    (PUPILS, "W5", None, "class-missing"),
]


@pytest.mark.parametrize(("file", "cell", "value", "code"), BAD_CELLS, ids=lambda part: str(part)[:24])
def test_bad_cell_holds_its_pupil_back(lower: SchoolFiles, file: str, cell: str, value: Cell, code: str) -> None:
    lower.set(file, cell, value)
    result = lower.run()
    problem = next(one for one in result.problems if one.code == code)
    assert (problem.file, problem.sheet, problem.cell) == (file, "Sheet1", cell)
    assert problem.severity is Severity.ERROR
    assert problem.what
    assert problem.remedy
    assert problem.pupil_code == lower.code(0)
    assert lower.code(0) in result.records.held_back
    assert lower.code(0) not in {one.pupil_code for one in result.records.pupils}
    assert len(result.errors) == 1
    assert len(result.records.pupils) == 5
    assert list_blocking(result) == ()
    with pytest.raises(ImportRejected):
        select_all(result)
    assert select_clean(result) is result.records


@pytest.mark.parametrize(
    ("file", "cell", "value", "code"),
    [
        (PUPILS, "Y5", None, "personal-id-pending"),
        (PUPILS, "Y5", "12345", "personal-id-format"),
        (PUPILS, "Y5", "048113999999", "personal-id-inconsistent"),
        (PUPILS, "E5", "?", "gender-unclear"),
        (PUPILS, "D5", "01/01/1999", "birth-date-unlikely"),
        (MATHS, "E5", "01/01/2012", "birth-date-contradicts"),
        (MATHS, "B5", "8A2", "class-contradicts"),
        (TRAINING, "H5", None, "count-missing"),
    ],
)
def test_unusual_cell_is_a_warning(lower: SchoolFiles, file: str, cell: str, value: Cell, code: str) -> None:
    lower.set(file, cell, value)
    result = lower.run()
    assert (code, cell, lower.code(0)) in {(one.code, one.cell, one.pupil_code) for one in result.problems}
    assert result.errors == ()
    assert len(result.records.pupils) == 6


@pytest.mark.parametrize(
    ("cell", "value", "code"), [("J5", 8, "too-many-regular-marks"), ("G5", None, "too-few-regular-marks")]
)
def test_unusual_number_of_regular_marks_is_a_warning(
    lower: SchoolFiles, only_problem: OnlyProblem, cell: str, value: Cell, code: str
) -> None:
    lower.set(MATHS, cell, value)
    lower.set(MATHS, "M5", None)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.severity) == (code, "F5", Severity.WARNING)
    assert problem.pupil_code == lower.code(0)


def test_pending_personal_id_is_none(lower: SchoolFiles) -> None:
    lower.set(PUPILS, "Y5", "12345")
    pupil = next(one for one in lower.run().records.pupils if one.pupil_code == lower.code(0))
    assert pupil.personal_id is None


def test_left_out_average_is_no_trouble(lower: SchoolFiles) -> None:
    for row in range(5, 11):
        lower.set(MATHS, f"M{row}", None)
    assert lower.run().problems == ()


def test_right_average_with_decimal_comma_agrees(lower: SchoolFiles) -> None:
    marks: tuple[Cell, ...] = ("7,0", "8", "6,5", " 9,0 ", "7.5", 8, "7,7")
    for column, mark in zip("FGHIKLM", marks, strict=True):
        lower.set(MATHS, f"{column}5", mark)
    result = lower.run()
    assert result.problems == ()
    pupil = next(one for one in result.records.pupils if one.pupil_code == lower.code(0))
    read = pupil.marks[0].term_2
    assert read is not None
    assert read.regular == (Decimal("7.0"), Decimal("8.0"), Decimal("6.5"), Decimal("9.0"))
    assert (read.midterm, read.final) == (Decimal("7.5"), Decimal("8.0"))


def test_contradicting_average_names_both_numbers(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    for column, mark in zip("FGHIKLM", (7, 8, 6.5, 9, 7.5, 8, 7.9), strict=True):
        lower.set(MATHS, f"{column}5", mark)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell) == ("average-contradicts-marks", "M5")
    assert "7,9" in problem.what
    assert "7,7" in problem.what


def test_date_cells_and_texts_are_the_same_day(lower: SchoolFiles) -> None:
    born = lower.school.pupils[0].birth_date
    lower.set(PUPILS, "D5", datetime(born.year, born.month, born.day))  # noqa: DTZ001  as openpyxl returns cells
    lower.set(MATHS, "E5", f"{born.day}-{born.month}-{born.year}")
    lower.set(MATHS, "C5", None)
    assert lower.run().problems == ()


def test_spelled_out_levels_are_read(lower: SchoolFiles) -> None:
    for row, text in zip(range(5, 9), ("ĐẠT", "chưa  đạt", " CĐ", "đ"), strict=True):
        lower.set(SPORT, f"F{row}", text)
    result = lower.run()
    assert result.problems == ()
    levels = {
        pupil.pupil_code: mark.term_1.level
        for pupil in result.records.pupils
        for mark in pupil.marks
        if mark.subject_code == "GDTC" and mark.term_1
    }
    passed, failed = SubjectLevel.PASSED, SubjectLevel.NOT_PASSED
    assert [levels[lower.code(number)] for number in range(4)] == [passed, failed, failed, passed]


def test_row_without_code_is_matched_by_name_and_birth_date(lower: SchoolFiles) -> None:
    lower.set(MATHS, "C5", None)
    whole = lower.run()
    assert whole.problems == ()
    assert len(whole.records.pupils) == 6


def test_row_without_code_and_another_birth_date_is_refused(lower: SchoolFiles) -> None:
    lower.set(MATHS, "C5", None)
    lower.set(MATHS, "E5", "01/01/2012")
    result = lower.run()
    assert [(one.code, one.cell) for one in result.problems] == [("row-missing", ""), ("pupil-not-matched", "D5")]
    assert lower.code(0) in result.records.held_back


def test_row_without_code_of_two_alike_pupils_is_refused(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    _make_alike(lower)
    lower.set(MATHS, "C5", None)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("pupil-ambiguous", "D5", lower.code(0))


def test_two_alike_pupils_with_codes_are_no_trouble(lower: SchoolFiles) -> None:
    _make_alike(lower)
    result = lower.run()
    assert result.problems == ()
    assert len(result.records.pupils) == 6


def test_two_rows_without_code_of_two_alike_pupils_hold_both_back(lower: SchoolFiles) -> None:
    _make_alike(lower)
    lower.set(MATHS, "C5", None)
    lower.set(MATHS, "C6", None)
    assert lower.run().records.held_back == tuple(sorted((lower.code(0), lower.code(1))))


def _make_alike(school: SchoolFiles) -> None:
    """Give the second pupil the first one's name and date of birth in every sheet."""
    first, second = school.school.pupils[:2]
    for file, sheet in list(school.sheets.items()):
        for row, cells in sheet.rows.items():
            if second.code in cells:
                index = cells.index(second.code) + 1
                copied = (first.name, first.birth_date)
                school.set_row(file, row, (*cells[:index], *copied, *cells[index + 2 :]))
    personal_id = str(school.get(PUPILS, "Y5"))
    school.set(PUPILS, "Y6", personal_id[:-1] + ("1" if personal_id[-1] == "0" else "0"))
    school.set(PUPILS, "E6", school.get(PUPILS, "E5"))


def test_row_without_code_of_another_class_is_refused(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "C5", None)
    lower.set(MATHS, "B5", "8A2")
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("class-contradicts-no-code", "B5", lower.code(0))


def test_unknown_code_of_a_known_person_is_refused(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "C5", "4899999999")
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("pupil-code-wrong", "C5", lower.code(0))
    assert lower.code(0) in problem.what


def test_pupil_of_no_list_is_refused(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    cells = lower.sheets[MATHS].rows[5]
    lower.set_row(MATHS, 11, (7, "7A1", "4899999999", "Người Lạ", "01/01/2013", *cells[5:]))
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("pupil-unknown", "C11", "4899999999")
    assert lower.run().records.held_back == ("4899999999",)


def test_pupil_missing_from_a_sheet_is_held_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.delete_row(MATHS, 5)
    problem = only_problem(lower.run())
    assert (problem.code, problem.file, problem.pupil_code) == ("row-missing", MATHS, lower.code(0))


def test_pupil_twice_in_a_sheet_is_held_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set_row(MATHS, 11, lower.sheets[MATHS].rows[5])
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("row-twice", "D11", lower.code(0))
    assert "5, 11" in problem.what


def test_pupil_twice_in_the_list_is_held_back(lower: SchoolFiles) -> None:
    lower.set_row(PUPILS, 11, lower.sheets[PUPILS].rows[5])
    result = lower.run()
    assert ("pupil-twice", "B11", lower.code(0)) in {(one.code, one.cell, one.pupil_code) for one in result.errors}
    assert result.records.held_back == (lower.code(0),)


def test_pupil_without_code_in_the_list_is_held_back_by_name(lower: SchoolFiles) -> None:
    lower.set(PUPILS, "B5", None)
    for file, sheet in list(lower.sheets.items()):
        for row, cells in sheet.rows.items():
            if lower.code(0) in cells:
                lower.set_row(file, row, [None if cell == lower.code(0) else cell for cell in cells])
    result = lower.run()
    assert [one.code for one in result.problems] == ["pupil-code-missing"]
    (held,) = result.records.held_back
    assert held.startswith(lower.school.pupils[0].name)
    assert result.problems[0].pupil_key == held


def test_missing_term_marks_hold_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    for column in "FGHIJKLM":
        lower.set(MATHS, f"{column}5", None)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("term-marks-missing", "D5", lower.code(0))


def test_pupil_who_left_is_passed_over(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(PUPILS, "G5", "Chuyển trường")
    result = lower.run()
    problem = only_problem(result)
    assert (problem.code, problem.cell, problem.severity) == ("pupil-not-enrolled", "G5", Severity.WARNING)
    assert lower.code(0) not in {one.pupil_code for one in result.records.pupils}
    assert result.records.held_back == ()


def test_code_that_lost_its_zero_is_restored(lower: SchoolFiles) -> None:
    for file, sheet in list(lower.sheets.items()):
        for row, cells in sheet.rows.items():
            if lower.code(0) in cells:
                texts = ["0123456789" if cell == lower.code(0) else cell for cell in cells]
                lower.set_row(file, row, texts)
    lower.set(PUPILS, "B5", 123456789)
    lower.set(MATHS, "C5", 123456789.0)
    result = lower.run()
    assert [one.code for one in result.problems] == ["pupil-code-zero"]
    assert "0123456789" in {one.pupil_code for one in result.records.pupils}


def test_disabled_pupil_needs_no_marks(lower: SchoolFiles) -> None:
    lower.set(PUPILS, "Z4", "Không đánh giá")
    lower.set(PUPILS, "Z5", "x")
    for column in "FGHIJKLM":
        lower.set(MATHS, f"{column}5", None)
    result = lower.run()
    assert [(one.code, one.cell) for one in result.problems] == [("decision-pending", "Z5")]
    assert [one.pupil_code for one in result.records.pupils if one.not_assessed] == [lower.code(0)]


def test_two_pupils_with_one_personal_id_are_both_told(lower: SchoolFiles) -> None:
    lower.set(PUPILS, "Y6", lower.get(PUPILS, "Y5"))
    told = [one.cell for one in lower.run().problems if one.code == "personal-id-twice"]
    assert told == ["Y5", "Y6"]


def test_reassessment_and_summer_results_are_read(lower: SchoolFiles) -> None:
    lower.set(MATHS, "P4", "Đánh giá lại")
    lower.set(MATHS, "P5", "5,5")
    lower.set(TRAINING, "K4", "Rèn luyện sau hè")
    lower.set(TRAINING, "K6", "Đạt")
    header = ("STT", "Mã định danh Bộ GD&ĐT", "Họ tên", "Ngày sinh", "Môn học", "Kết quả đánh giá lại")
    second = lower.school.pupils[1]
    row = (1, second.code, second.name, second.birth_date, "GD thể chất", "Đ")
    lower.replace("danh-gia-lai.xlsx", {1: ("KẾT QUẢ ĐÁNH GIÁ LẠI",), 2: header, 3: row}, name="Đánh giá lại")
    result = lower.run()
    assert result.problems == ()
    pupils = {one.pupil_code: one for one in result.records.pupils}
    assert pupils[lower.code(0)].marks[0].reassessed_mark == Decimal("5.5")
    sport = next(one for one in pupils[second.code].marks if one.subject_code == "GDTC")
    assert sport.reassessed_level is SubjectLevel.PASSED
    assert pupils[second.code].training_after_summer == "Đ"


def test_two_different_reassessments_are_refused(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    first = lower.school.pupils[0]
    header = ("Mã định danh Bộ GD&ĐT", "Họ tên", "Ngày sinh", "Môn học", "Điểm đánh giá lại")
    rows: dict[int, tuple[Cell, ...]] = {
        1: header,
        2: (first.code, first.name, None, "Toán", 5),
        3: (first.code, first.name, None, "Toán", 6),
    }
    lower.replace("danh-gia-lai.xlsx", rows)
    assert only_problem(lower.run()).code == "reassessment-twice"


def test_year_average_is_held_against_the_marks(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "P4", "ĐTBmcn")
    lower.set(MATHS, "P5", 1.0)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell) == ("year-average-contradicts", "P5")
