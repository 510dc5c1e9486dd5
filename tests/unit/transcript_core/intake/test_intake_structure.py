"""Files, sheets, headers, classes and staff: what concerns more than one pupil."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.support.school_files import SchoolFiles
from transcript_core.errors import ImportRejected
from transcript_core.intake import list_blocking, select_clean
from transcript_core.intake.workbook import Cell
from transcript_core.records import ImportResult, Problem, Severity

MATHS = "diem-hk2/Toán.xlsx"
SPORT = "diem-hk1/Giáo dục thể chất.xlsx"
PUPILS = "danh-sach-hoc-sinh.xlsx"
STAFF = "danh-sach-giao-vien.xlsx"
TEACHING = "phan-cong-giang-day.xlsx"
TRAINING = "ren-luyen.xlsx"
OnlyProblem = Callable[[ImportResult], Problem]


def codes(result: ImportResult) -> list[str]:
    return [problem.code for problem in result.problems]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (PUPILS, "layout-missing"),
        (STAFF, "layout-missing"),
        (TEACHING, "layout-missing"),
        (TRAINING, "layout-missing"),
        (MATHS, "sheet-missing"),
    ],
)
def test_missing_file_stops_the_import(lower: SchoolFiles, file: str, code: str) -> None:
    lower.drop(file)
    result = lower.run()
    assert code in {problem.code for problem in list_blocking(result)}
    with pytest.raises(ImportRejected):
        select_clean(result)


@pytest.mark.parametrize(
    ("file", "cell", "column"),
    [
        (PUPILS, "B4", "Mã định danh Bộ GD&ĐT"),
        (PUPILS, "D4", "Ngày sinh"),
        (STAFF, "F4", "Vị trí việc làm"),
        (TEACHING, "F4", "Chủ nhiệm lớp"),
        (MATHS, "L4", "ĐĐGck"),
        (MATHS, "F4", "ĐĐGtx1"),
        (SPORT, "F4", "Đánh giá"),
        (TRAINING, "H4", "Nghỉ có phép"),
    ],
)
def test_missing_column_is_named_and_stops_the_import(lower: SchoolFiles, file: str, cell: str, column: str) -> None:
    lower.set(file, cell, None)
    result = lower.run()
    problem = next(one for one in result.problems if one.code == "column-missing")
    assert problem.file == file
    assert f"“{column}”" in problem.what
    assert problem in list_blocking(result)


def test_unknown_column_is_a_warning_at_its_header(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "N4", "Điểm cộng")
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.severity) == ("column-unknown", "N4", Severity.WARNING)
    assert "Điểm cộng" in problem.what


def test_doubled_column_stops_the_import(lower: SchoolFiles) -> None:
    lower.set(MATHS, "N4", "Điểm cuối kì")
    result = lower.run()
    assert ("column-twice", MATHS, "N4") in {(one.code, one.file, one.cell) for one in list_blocking(result)}


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("BẢNG ĐIỂM MÔN NGỮ VĂN HỌC KÌ II", "subject-contradicts"),
        ("BẢNG ĐIỂM MÔN TOÁN HỌC KÌ I", "term-contradicts"),
        ("BẢNG ĐIỂM MÔN BƠI LỘI HỌC KÌ II", "subject-unknown"),
        ("BẢNG ĐIỂM MÔN VẬT LÍ HỌC KÌ II", "subject-component"),
    ],
)
def test_title_that_contradicts_the_file_stops_the_import(lower: SchoolFiles, title: str, code: str) -> None:
    lower.set(MATHS, "A3", title)
    result = lower.run()
    problem = next(one for one in list_blocking(result) if one.code == code)
    assert (problem.file, problem.sheet) == (MATHS, "Sheet1")


@pytest.mark.parametrize(
    ("title", "file"),
    [
        (None, "HK2/Bảng điểm môn Toán.xlsx"),
        (None, "hoc_ki_2/toan 7A1.xlsx"),
        (None, "Toan_HKII.xlsx"),
        ("BẢNG ĐIỂM MÔN: Toán - HỌC KỲ 2 - NĂM HỌC 2025 - 2026", "tep1.xlsx"),
        ("Bảng điểm môn học Toán lớp 7A1 HKII", "xyz/1.xlsx"),
        ("bang diem mon toan hoc ky ii", "Sheet.xlsx"),
    ],
)
def test_subject_and_term_are_read_from_title_or_file(lower: SchoolFiles, title: Cell, file: str) -> None:
    lower.set(MATHS, "A3", title)
    lower.rename(MATHS, file)
    result = lower.run()
    assert result.problems == ()
    assert result.records.pupils[0].marks[0].subject_code == "TOAN"
    assert result.records.pupils[0].marks[0].term_2 is not None


def test_mark_sheet_of_no_subject_or_term_stops_the_import(lower: SchoolFiles) -> None:
    lower.set(MATHS, "A3", "BẢNG ĐIỂM")
    lower.rename(MATHS, "bang-diem.xlsx")
    assert {"subject-missing", "term-missing"} <= {one.code for one in list_blocking(lower.run())}


def test_comment_sheet_of_a_subject_with_marks_stops_the_import(lower: SchoolFiles) -> None:
    lower.rename(SPORT, "diem-hk1/Hóa.xlsx")
    lower.set("diem-hk1/Hóa.xlsx", "A3", "BẢNG ĐÁNH GIÁ MÔN TIN HỌC HỌC KÌ I")
    assert "layout-contradicts-subject" in {one.code for one in list_blocking(lower.run())}


def test_sheets_of_one_subject_may_be_split_by_class(lower: SchoolFiles) -> None:
    whole = lower.run()
    rows = lower.sheets[MATHS].rows
    for name in ("7A1", "8A2"):
        kept = {number: cells for number, cells in rows.items() if number < 5 or cells[1] == name}
        lower.replace(f"diem-hk2/{name}/Toán.xlsx", kept)
    lower.drop(MATHS)
    result = lower.run()
    assert result.problems == ()
    assert result.records == whole.records


def test_class_without_rows_in_a_sheet_is_held_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    for row in (5, 6, 7):
        lower.delete_row(MATHS, row)
    result = lower.run()
    problem = only_problem(result)
    assert (problem.code, problem.class_name) == ("class-not-in-sheet", "7A1")
    assert {one.class_name for one in result.records.pupils} == {"8A2"}


def test_class_without_homeroom_teacher_is_held_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    row = _row_of_homeroom(lower, "7A1")
    lower.set(TEACHING, f"F{row}", None)
    result = lower.run()
    problem = only_problem(result)
    assert (problem.code, problem.file, problem.class_name) == ("homeroom-missing", TEACHING, "7A1")
    assert sorted(result.records.held_back) == sorted(lower.code(number) for number in range(3))
    assert list_blocking(result) == ()


def test_class_with_two_homeroom_teachers_is_held_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    row = _row_of_homeroom(lower, "7A1")
    lower.set(TEACHING, f"F{row + 1}", "X")
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.class_name) == ("homeroom-twice", f"F{row + 1}", "7A1")


def test_homeroom_column_may_name_the_class(lower: SchoolFiles) -> None:
    lower.set(TEACHING, f"F{_row_of_homeroom(lower, '7A1')}", "Lớp 7a1")
    assert lower.run().problems == ()


def test_unclear_homeroom_cell_is_told(lower: SchoolFiles) -> None:
    row = _row_of_homeroom(lower, "7A1") + 2
    lower.set(TEACHING, f"F{row}", "tạm thời")
    assert [(one.code, one.cell) for one in lower.run().problems] == [("homeroom-unclear", f"F{row}")]


def _row_of_homeroom(school: SchoolFiles, class_name: str) -> int:
    rows = school.sheets[TEACHING].rows.items()
    return next(number for number, cells in rows if len(cells) > 5 and cells[1] == class_name and cells[5])


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("D", "4800000000", "teacher-unknown"),
        ("E", "Người Khác", "teacher-contradicts"),
        ("C", "Bơi lội", "subject-unknown"),
    ],
)
def test_bad_assignment_holds_its_class_back(lower: SchoolFiles, column: str, value: str, code: str) -> None:
    lower.set(TEACHING, f"{column}6", value)
    result = lower.run()
    problem = next(one for one in result.problems if one.code == code)
    assert (problem.cell, problem.class_name) == (f"{column}6", "7A1")
    assert {one.class_name for one in result.records.pupils} == {"8A2"}


def test_subject_with_marks_that_nobody_teaches_holds_the_class_back(
    lower: SchoolFiles, only_problem: OnlyProblem
) -> None:
    row = next(number for number, cells in lower.sheets[TEACHING].rows.items() if cells[1:3] == ("8A2", "Toán"))
    lower.set(TEACHING, f"F{row + 1}", lower.get(TEACHING, f"F{row}"))
    lower.delete_row(TEACHING, row)
    problem = next(one for one in lower.run().problems if one.code == "assignment-missing")
    assert problem.class_name == "8A2"
    assert "Toán" in problem.what


def test_teacher_without_code_is_found_by_a_name_that_one_person_has(lower: SchoolFiles) -> None:
    whole = lower.run()
    lower.set(TEACHING, "D6", None)
    assert lower.run().records.assignments == whole.records.assignments


def test_teacher_without_code_and_a_shared_name_is_refused(lower: SchoolFiles) -> None:
    lower.set(TEACHING, "D6", None)
    lower.set(STAFF, "C7", lower.get(TEACHING, "E6"))
    assert [(one.code, one.cell) for one in lower.run().problems] == [("teacher-ambiguous", "E6")]


def test_assignment_of_an_unknown_class_stops_the_import(lower: SchoolFiles) -> None:
    cells = lower.sheets[TEACHING].rows[6]
    lower.set_row(TEACHING, 60, (99, "9A9", *cells[2:5]))
    assert [(one.code, one.cell) for one in list_blocking(lower.run())] == [("assignment-class-unknown", "B60")]


def test_parts_of_a_subject_are_assignments_of_the_subject(lower: SchoolFiles) -> None:
    whole = lower.run()
    parts = iter(("Vật lí", "Hóa học", "Sinh học") * 2)
    for number, cells in list(lower.sheets[TEACHING].rows.items()):
        if len(cells) > 2 and cells[2] == "Khoa học tự nhiên":
            lower.set(TEACHING, f"C{number}", next(parts))
    assert lower.run().records.assignments == whole.records.assignments


def test_teacher_who_left_is_a_warning(lower: SchoolFiles) -> None:
    code = lower.get(TEACHING, "D6")
    row = next(number for number, cells in lower.sheets[STAFF].rows.items() if code in cells)
    lower.set(STAFF, f"E{row}", "Nghỉ hưu")
    result = lower.run()
    assert set(codes(result)) == {"staff-not-working"}
    assert result.errors == ()


@pytest.mark.parametrize(
    ("cell", "value", "code"),
    [("B8", None, "staff-code-missing"), ("C8", None, "staff-name-missing"), ("B8", "B7", "staff-twice")],
)
def test_bad_staff_row_stops_the_import(lower: SchoolFiles, cell: str, value: str | None, code: str) -> None:
    lower.set(STAFF, cell, lower.get(STAFF, value) if value else None)
    assert (code, cell) in {(one.code, one.cell) for one in list_blocking(lower.run())}


def test_unknown_class_in_a_mark_sheet_holds_the_pupil_back(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "B5", "7A9")
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("class-unknown", "B5", lower.code(0))


def test_file_of_another_school_stops_the_import(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "A2", "TRƯỜNG THCS KHÁC")
    problem = only_problem(lower.run())
    assert (problem.code, problem.file) == ("school-contradicts", MATHS)


def test_file_of_another_year_stops_the_import(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.set(MATHS, "A3", "BẢNG ĐIỂM MÔN TOÁN HỌC KÌ II NĂM HỌC 2024-2025")
    assert only_problem(lower.run()).code == "year-contradicts"


def test_files_without_a_year_stop_the_import(lower: SchoolFiles) -> None:
    for file in (PUPILS, TEACHING, TRAINING):
        lower.set(file, "A3", "DANH SÁCH")
    result = lower.run()
    assert codes(result) == ["year-missing"]
    assert result.records.school_year == "2025-2026"


def test_year_before_the_regulations_stops_the_import(lower: SchoolFiles) -> None:
    for file in (PUPILS, TEACHING, TRAINING):
        lower.set(file, "A3", "NĂM HỌC 2015-2016")
    assert codes(lower.run()) == ["year-unsupported"]


def test_primary_sheets_in_a_secondary_school_stop_the_import(primary: SchoolFiles, lower: SchoolFiles) -> None:
    sheet = primary.sheets["pham-chat-nang-luc.xlsx"]
    lower.replace("pham-chat-nang-luc.xlsx", {**sheet.rows, 2: ("TRƯỜNG THCS SAO MAI",)})
    assert codes(lower.run()) == ["layout-other-level"]


def test_total_that_contradicts_the_rows_is_a_warning(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    row = max(lower.sheets[PUPILS].rows)
    lower.set(PUPILS, f"B{row}", "Tổng số: 7 học sinh")
    problem = only_problem(lower.run())
    assert (problem.code, problem.severity) == ("total-contradicts", Severity.WARNING)


def test_lines_below_a_table_are_no_rows(lower: SchoolFiles) -> None:
    whole = lower.run()
    for file in (MATHS, SPORT, TRAINING):
        last = max(lower.sheets[file].rows)
        lower.set_row(file, last + 1, (None, "Tổng số: 6", None, None, None, 7.5))
        lower.set_row(file, last + 3, (None, None, None, None, None, "Đà Nẵng, ngày 30 tháng 5 năm 2026"))
        lower.set_row(file, last + 4, (None, "NGƯỜI LẬP BIỂU", None, None, None, "HIỆU TRƯỞNG"))
        lower.set_row(file, last + 5, (None, "(Ký, ghi rõ họ tên)", None, None, None, "(Ký, đóng dấu)"))
        lower.set_row(file, last + 8, (None, None, None, "Lê Thị Thu Hà", None, "Trần Quốc Khánh"))
    assert lower.run() == whole


def test_row_without_code_and_name_stops_the_import(lower: SchoolFiles) -> None:
    lower.set(MATHS, "C5", None)
    lower.set(MATHS, "D5", None)
    assert [(one.code, one.cell) for one in list_blocking(lower.run())] == [("row-without-identity", "C5")]


def test_before_term_2_the_first_term_is_enough(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    for file in [name for name in lower.sheets if name.startswith("diem-hk2/")]:
        lower.drop(file)
    for row in range(5, 11):
        lower.set(TRAINING, f"G{row}", None)
    result = lower.run(as_of=date(2026, 1, 20))
    assert only_problem(result).code == "term-2-absent"
    assert len(result.records.pupils) == 6
    assert all(mark.term_2 is None for mark in result.records.pupils[0].marks)


def test_after_the_year_the_second_term_is_due(lower: SchoolFiles) -> None:
    for file in [name for name in lower.sheets if name.startswith("diem-hk2/")]:
        lower.drop(file)
    assert "year-incomplete" in {one.code for one in list_blocking(lower.run(as_of=date(2026, 7, 1)))}


def test_sheet_of_something_else_is_a_warning(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    lower.replace("ghi-chu.xlsx", {1: ("Ghi chú", "việc cần làm"), 2: ("a", "b")})
    problem = only_problem(lower.run())
    assert (problem.code, problem.severity) == ("sheet-not-recognised", Severity.WARNING)


def test_header_of_two_rows_is_read_as_one(lower: SchoolFiles) -> None:
    whole = lower.run()
    rows = dict(lower.sheets[MATHS].rows)
    moved = {number + 1 if number > 4 else number: cells for number, cells in rows.items()}
    header = list(moved[4])
    moved[4] = (*header[:5], "ĐĐGtx", None, None, None, None, *header[10:])
    moved[5] = (None, None, None, None, None, 1, 2, 3, 4, 5)
    lower.replace(MATHS, dict(sorted(moved.items())))
    result = lower.run()
    assert result.problems == ()
    assert result.records == whole.records


def test_problems_are_sorted_by_file_sheet_and_cell(lower: SchoolFiles) -> None:
    lower.set(MATHS, "L10", None)
    lower.set(MATHS, "L5", None)
    lower.set(MATHS, "K5", None)
    lower.set(TRAINING, "H5", -1)
    lower.set(PUPILS, "Y5", None)
    problems = lower.run().problems
    assert [(one.file, one.cell) for one in problems] == [
        (PUPILS, "Y5"),
        (MATHS, "K5"),
        (MATHS, "L5"),
        (MATHS, "L10"),
        (TRAINING, "H5"),
    ]
