"""Sheets beside the exports: additions, transferred results, earlier years, stand-ins, further codes of pupils."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from tests.support.school_files import SchoolFiles
from transcript_core.intake import list_blocking
from transcript_core.intake.workbook import Cell
from transcript_core.model import (
    Award,
    AwardKind,
    Grade,
    HistoryEntry,
    Source,
    SubjectLevel,
    Substitution,
    TermGrade,
    YearOutcome,
)
from transcript_core.records import ImportResult, Problem, PupilRecord, Severity, StandIn, SubjectMarks

OnlyProblem = Callable[[ImportResult], Problem]
PUPILS = "danh-sach-hoc-sinh.xlsx"
STAFF = "danh-sach-giao-vien.xlsx"
TEACHING = "phan-cong-giang-day.xlsx"
MATHS_1 = "diem-hk1/Toán.xlsx"
SPORT_1 = "diem-hk1/Giáo dục thể chất.xlsx"
MORE = "bo-sung.xlsx"
MOVED = "chuyen-truong.xlsx"
YEARS = "qua-trinh.xlsx"
MORE_HEADER = (
    "STT", "Lớp", "Mã định danh Bộ GD&ĐT", "Họ và tên", "Ngày sinh", "Chứng chỉ", "Kết quả tham gia các cuộc thi",
    "Khen thưởng khác", "Tập thể lớp công nhận", "Quyết định của hiệu trưởng về lên lớp",
)  # fmt: skip
MOVED_HEADER = ("Lớp", "Mã học sinh", "Họ và tên", "Ngày sinh", "Môn học", "Kết quả HK I", "Mã trường", "Tên trường")
YEARS_HEADER = ("Mã học sinh", "Họ và tên", "Ngày sinh", "Năm học", "Lớp", "Trường")
REASON, DECISION = "Nghỉ thai sản", "Quyết định số 12/QĐ-TSM ngày 02/03/2026"


def add_rows(school: SchoolFiles, file: str, header: Sequence[Cell], *rows: Sequence[Cell]) -> None:
    """Write a sheet with its header in row 1 and its rows from row 2."""
    numbered = {number: tuple(row) for number, row in enumerate((header, *rows), start=1)}
    school.replace(file, numbered)


def say_more(school: SchoolFiles, *rows: tuple[int, Sequence[Cell]]) -> None:
    """Write rows of additions: (number of the pupil, cells from column F on)."""
    people = [(school.school.pupils[number], cells) for number, cells in rows]
    add_rows(
        school, MORE, MORE_HEADER, *((1, one.class_name, one.code, one.name, None, *cells) for one, cells in people)
    )


def move_here(school: SchoolFiles, *rows: Sequence[Cell]) -> None:
    """Write rows of transferred results of the first pupil, cells from column E on."""
    first = school.school.pupils[0]
    add_rows(school, MOVED, MOVED_HEADER, *((first.class_name, first.code, first.name, None, *cells) for cells in rows))


def find_pupil(result: ImportResult, school: SchoolFiles, number: int = 0) -> PupilRecord:
    return next(one for one in result.records.pupils if one.pupil_code == school.code(number))


def find_marks(result: ImportResult, school: SchoolFiles, subject: str) -> SubjectMarks:
    return next(one for one in find_pupil(result, school).marks if one.subject_code == subject)


def places(result: ImportResult) -> list[tuple[str, str]]:
    return [(one.code, one.cell) for one in result.problems]


# Codes in the pupil list.


def test_further_columns_of_the_pupil_list_are_read(lower: SchoolFiles) -> None:
    header = ("Mã số hồ sơ học tập suốt đời", "Mã định danh học bạ", "Đối tượng", "Số đăng bộ")
    for column, name, value in zip(("Z", "AA", "AB", "AC"), header, ("HS.2013-1", "HB-7", "Con TB", "31"), strict=True):
        lower.set(PUPILS, f"{column}4", name)
        lower.set(PUPILS, f"{column}5", value)
    result = lower.run()
    assert result.problems == ()
    first, second = find_pupil(result, lower), find_pupil(result, lower, 1)
    assert (first.lifelong_code, first.external_id) == ("HS.2013-1", "HB-7")
    assert (first.policy_group, first.register_number) == ("Con TB", "31")
    assert (second.lifelong_code, second.external_id) == (None, None)


@pytest.mark.parametrize(
    ("value", "code"),
    [(12345678901234567, "code-not-text"), ("Mã số 1", "code-unreadable"), ("x" * 21, "code-unreadable")],
)
def test_a_lifelong_code_that_may_be_spoilt_holds_back(
    lower: SchoolFiles, only_problem: OnlyProblem, value: Cell, code: str
) -> None:
    lower.set(PUPILS, "Z4", "Mã học tập suốt đời")
    lower.set(PUPILS, "Z5", value)
    problem = only_problem(lower.run())
    assert (problem.code, problem.cell, problem.pupil_code) == (code, "Z5", lower.code(0))
    assert problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("header", "code"), [("Mã học tập suốt đời", "lifelong-code-twice"), ("Mã học bạ", "external-id-twice")]
)
def test_a_code_of_two_pupils_holds_both_back(lower: SchoolFiles, header: str, code: str) -> None:
    for cell, value in (("Z4", header), ("Z5", "A1"), ("Z6", "A1")):
        lower.set(PUPILS, cell, value)
    result = lower.run()
    assert places(result) == [(code, "Z5"), (code, "Z6")]
    assert set(result.records.held_back) == {lower.code(0), lower.code(1)}


# Additions.


def test_additions_of_several_rows_and_cells_are_kept_in_order(lower: SchoolFiles) -> None:
    say_more(
        lower,
        (0, ("Tin học, loại Giỏi; Tiếng Anh A2", "Giải Ba cờ vua cấp tỉnh", None)),
        (1, (None, None, "Cháu ngoan Bác Hồ")),
        (0, (None, "Giải Nhì chạy 100 m", "Học sinh có tiến bộ vượt bậc;")),
    )
    result = lower.run()
    assert result.problems == ()
    first = find_pupil(result, lower)
    assert first.certificates == ("Tin học, loại Giỏi", "Tiếng Anh A2")
    assert first.contests == ("Giải Ba cờ vua cấp tỉnh", "Giải Nhì chạy 100 m")
    assert first.awards == (Award(AwardKind.OTHER, "Học sinh có tiến bộ vượt bậc"),)
    assert find_pupil(result, lower, 1).awards == (Award(AwardKind.OTHER, "Cháu ngoan Bác Hồ"),)
    assert find_pupil(result, lower, 2).awards == ()


@pytest.mark.parametrize("award", ["Học sinh Giỏi", "HSXS", "học sinh xuất sắc", "Danh hiệu học sinh giỏi"])
def test_nobody_enters_a_title_that_results_earn(lower: SchoolFiles, only_problem: OnlyProblem, award: str) -> None:
    say_more(lower, (0, (None, None, award)))
    problem = only_problem(lower.run())
    assert (problem.code, problem.file, problem.cell, problem.pupil_code) == (
        "award-is-title", MORE, "H2", lower.code(0),
    )  # fmt: skip


def test_the_same_item_twice_counts_once(lower: SchoolFiles, only_problem: OnlyProblem) -> None:
    say_more(lower, (0, ("Tin học",)), (0, ("Tin học",)))
    result = lower.run()
    problem = only_problem(result)
    assert (problem.code, problem.cell, problem.severity) == ("addition-twice", "F3", Severity.WARNING)
    assert find_pupil(result, lower).certificates == ("Tin học",)


def test_items_are_limited_in_length_and_number(lower: SchoolFiles) -> None:
    say_more(lower, (0, ("a" * 256, None, "; ".join(f"Giải {number}" for number in range(31)))))
    assert places(lower.run()) == [("text-too-long", "F2"), ("additions-too-many", "H2")]


def test_columns_of_another_school_level_are_told(lower: SchoolFiles, primary: SchoolFiles) -> None:
    say_more(lower, (0, (None, None, None, "x")))
    assert places(lower.run()) == [("addition-other-level", "I2")]
    say_more(primary, (0, ("Tin học", "Giải Ba", None, "x")))
    assert places(primary.run()) == [("addition-other-level", "F2"), ("addition-other-level", "G2")]


def test_primary_pupils_are_acknowledged_and_decided_on(primary: SchoolFiles) -> None:
    say_more(primary, (0, (None, None, None, "x")), (1, (None, None, None, None, "Không được lên lớp")))
    result = primary.run()
    assert result.problems == ()
    assert [find_pupil(result, primary, number).acknowledged for number in (0, 1)] == [True, False]
    assert find_pupil(result, primary, 1).decision is YearOutcome.NOT_PROMOTED


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("Được lên lớp", YearOutcome.PROMOTED),
        ("LEN_LOP", YearOutcome.PROMOTED),
        ("lên lớp sau hè", YearOutcome.PROMOTED_AFTER_SUMMER),
        ("Ở lại lớp", YearOutcome.NOT_PROMOTED),
    ],
)
def test_the_principal_decides_on_pupils_who_are_not_assessed(
    lower: SchoolFiles, text: str, decision: YearOutcome
) -> None:
    lower.set(PUPILS, "Z4", "Khuyết tật không đánh giá")
    lower.set(PUPILS, "Z5", "x")
    assert places(lower.run()) == [("decision-pending", "Z5")]
    say_more(lower, (0, (None, None, None, None, text)))
    result = lower.run()
    assert result.problems == ()
    assert find_pupil(result, lower).decision is decision


def test_decisions_that_cannot_stand_are_told(lower: SchoolFiles) -> None:
    lower.set(PUPILS, "Z4", "Khuyết tật không đánh giá")
    lower.set(PUPILS, "Z5", "x")
    blank = (None,) * 4
    say_more(
        lower,
        (0, (*blank, "Lên lớp")),
        (0, (*blank, "Ở lại lớp")),
        (1, (*blank, "Lên lớp")),
        (2, (*blank, "Đánh giá lại")),
    )
    assert places(lower.run()) == [("decision-twice", "J3"), ("decision-not-due", "J4"), ("decision-unreadable", "J5")]


def test_additions_of_nobody_known_are_told(lower: SchoolFiles) -> None:
    add_rows(lower, MORE, MORE_HEADER, (1, "7A1", "0199999999", "Ai Đó", None, "Tin học"))
    assert places(lower.run()) == [("pupil-unknown", "C2")]


# Results of another school.


def test_results_of_another_school_stand_for_term_1(lower: SchoolFiles) -> None:
    lower.delete_row(MATHS_1, 5)
    for column in "FG":
        lower.set(SPORT_1, f"{column}5", None)
    move_here(
        lower, ("Toán", "7,5", "48000777", "Trường THCS Cũ"), ("GD thể chất", "Đạt", "48000777", "Trường THCS Cũ")
    )
    result = lower.run()
    assert result.problems == ()
    source = Source("48000777", "Trường THCS Cũ")
    maths, sport = find_marks(result, lower, "TOAN"), find_marks(result, lower, "GDTC")
    assert maths.transferred_term_1 == TermGrade(Grade(mark=Decimal("7.5")), source)
    assert maths.term_1 is None
    assert maths.term_2 is not None
    assert sport.transferred_term_1 == TermGrade(Grade(level=SubjectLevel.PASSED), source)


def test_results_of_another_primary_school_keep_the_test_mark(primary: SchoolFiles) -> None:
    primary.delete_row("diem-hk1/Tiếng Việt.xlsx", 5)
    first = primary.school.pupils[0]
    header = (*MOVED_HEADER, "Điểm KTĐK")
    row = (first.class_name, None, first.name, first.birth_date, "Tiếng Việt", "H", "48000777", "Trường TH Cũ", 8)
    add_rows(primary, MOVED, header, row)
    result = primary.run()
    assert result.problems == ()
    given = find_marks(result, primary, "TIENGVIET").transferred_term_1
    assert given is not None
    assert given.grade == Grade(mark=Decimal(8), level=SubjectLevel.COMPLETED)


def test_a_transferred_result_counts_in_the_stated_year_average(lower: SchoolFiles) -> None:
    lower.delete_row(MATHS_1, 5)
    move_here(lower, ("Toán", 1, "48000777", "Trường THCS Cũ"))
    lower.set("diem-hk2/Toán.xlsx", "P4", "ĐTBmcn")
    lower.set("diem-hk2/Toán.xlsx", "P5", 10)
    assert places(lower.run()) == [("year-average-contradicts", "P5")]


def test_a_term_has_one_source(lower: SchoolFiles) -> None:
    move_here(lower, ("Toán", 7, "48000777", "Trường THCS Cũ"))
    assert places(lower.run()) == [("transfer-contradicts", "F2")]
    lower.delete_row(MATHS_1, 5)
    move_here(lower, ("Toán", 7, "48000777", "Trường Cũ"), ("Toán", 8, "48000777", "Trường Cũ"))
    assert places(lower.run()) == [("transfer-twice", "F3")]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("Toán", None, "48000777", "Trường Cũ"), ("transfer-incomplete", "F2")),
        (("Toán", 7, None, "Trường Cũ"), ("transfer-incomplete", "G2")),
        (("Toán", 7, "48000777", None), ("transfer-incomplete", "H2")),
        (("Toán", 7, 48000777, "Trường Cũ"), ("code-not-text", "G2")),
        (("Toán", "Đạt", "48000777", "Trường Cũ"), ("level-where-mark-belongs", "F2")),
        (("Bơi lội", 7, "48000777", "Trường Cũ"), ("subject-unknown", "E2")),
    ],
)
def test_an_unclear_transferred_result_is_told_and_holds_back(
    lower: SchoolFiles, cells: tuple[Cell, ...], problem: tuple[str, str]
) -> None:
    move_here(lower, cells)
    result = lower.run()
    assert places(result) == [problem]
    assert result.records.held_back == (lower.code(0),)


# Earlier years.


def write_years(school: SchoolFiles, *rows: Sequence[Cell]) -> None:
    first = school.school.pupils[0]
    add_rows(school, YEARS, YEARS_HEADER, *((first.code, first.name, None, *cells) for cells in rows))


def test_earlier_years_are_kept_in_order(lower: SchoolFiles) -> None:
    write_years(lower, ("2024 – 2025", "6A9", "Trường THCS Cũ"), ("2023-2024", "5B", "Trường TH Măng Non"))
    result = lower.run()
    assert result.problems == ()
    assert find_pupil(result, lower).earlier_years == (
        HistoryEntry("2023-2024", "5B", "Trường TH Măng Non"),
        HistoryEntry("2024-2025", "6A9", "Trường THCS Cũ"),
    )
    assert find_pupil(result, lower, 1).earlier_years == ()


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("2024", "6A9", "Trường Cũ"), ("school-year-unreadable", "D2")),
        (("2023-2025", "6A9", "Trường Cũ"), ("school-year-unreadable", "D2")),
        (("2026-2027", "8A9", "Trường Cũ"), ("history-in-future", "D2")),
        (("2024-2025", None, "Trường Cũ"), ("history-incomplete", "E2")),
        (("2024-2025", "6A9", None), ("history-incomplete", "F2")),
        ((None, "6A9", "Trường Cũ"), ("history-incomplete", "D2")),
    ],
)
def test_an_unclear_year_is_told_and_holds_back(
    lower: SchoolFiles, only_problem: OnlyProblem, cells: tuple[Cell, ...], problem: tuple[str, str]
) -> None:
    write_years(lower, cells)
    found = only_problem(lower.run())
    assert (found.code, found.cell, found.pupil_code) == (*problem, lower.code(0))


# Stand-ins.


def name_stand_in(school: SchoolFiles, row: int, *cells: Cell) -> None:
    """Fill the columns of a stand-in: person, reason, decision."""
    for column, name in zip("GHI", ("Người ký thay", "Lí do", "Quyết định"), strict=True):
        school.set(TEACHING, f"{column}4", name)
    for column, value in zip("GHI", cells, strict=False):
        school.set(TEACHING, f"{column}{row}", value)


def find_staff(school: SchoolFiles, position: str) -> str:
    return next(one.code for one in school.school.teachers if one.position == position)


def test_a_stand_in_signs_for_what_the_row_assigns(lower: SchoolFiles) -> None:
    deputy = find_staff(lower, "Phó hiệu trưởng")
    absent = lower.get(TEACHING, "D5")
    name_stand_in(lower, 5, deputy, REASON, DECISION)
    assert (lower.get(TEACHING, "C5"), lower.get(TEACHING, "F5")) == ("Toán", "x")
    result = lower.run()
    assert result.problems == ()
    by_decision = Substitution(REASON, DECISION)
    assert result.records.stand_ins == (
        StandIn("7A1", None, str(absent), deputy, by_decision),
        StandIn("7A1", "TOAN", str(absent), deputy, by_decision),
    )
    assert absent in {one.staff_code for one in result.records.assignments}


def test_a_stand_in_may_be_named(lower: SchoolFiles) -> None:
    deputy = next(one for one in lower.school.teachers if one.position == "Phó hiệu trưởng")
    name_stand_in(lower, 6, deputy.name, REASON, DECISION)
    result = lower.run()
    assert result.problems == ()
    assert [one.staff_code for one in result.records.stand_ins] == [deputy.code]


def test_an_absent_teacher_with_a_stand_in_is_no_surprise(lower: SchoolFiles) -> None:
    absent = lower.get(TEACHING, "D6")
    row = next(number for number, cells in lower.sheets[STAFF].rows.items() if absent in cells)
    lower.set(STAFF, f"E{row}", "Nghỉ thai sản")
    rows = [number for number, cells in lower.sheets[TEACHING].rows.items() if absent in cells]
    assert {code for code, _ in places(lower.run())} == {"staff-not-working"}
    for number in rows:
        name_stand_in(lower, number, find_staff(lower, "Phó hiệu trưởng"), REASON, DECISION)
    assert lower.run().problems == ()


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("0199999999", REASON, DECISION), ("teacher-unknown", "G6")),
        (("Ai Đó", REASON, DECISION), ("teacher-unknown", "G6")),
        ((None, REASON, DECISION), ("stand-in-missing", "G6")),
        (("deputy", None, DECISION), ("stand-in-reason-missing", "H6")),
        (("deputy", REASON, None), ("stand-in-decision-missing", "I6")),
        (("self", REASON, DECISION), ("stand-in-self", "G6")),
        (("deputy", REASON, "9" * 256), ("text-too-long", "I6")),
    ],
)
def test_an_unclear_stand_in_holds_the_class_back(
    lower: SchoolFiles, only_problem: OnlyProblem, cells: tuple[Cell, ...], problem: tuple[str, str]
) -> None:
    people = {"deputy": find_staff(lower, "Phó hiệu trưởng"), "self": lower.get(TEACHING, "D6")}
    person, *rest = cells
    name_stand_in(lower, 6, people.get(str(person), person), *rest)
    result = lower.run()
    found = only_problem(result)
    assert (found.code, found.cell, found.class_name) == (*problem, "7A1")
    assert found not in list_blocking(result)
    assert result.records.stand_ins == ()


def test_one_slot_has_one_stand_in(lower: SchoolFiles) -> None:
    last = max(lower.sheets[TEACHING].rows)
    row = lower.sheets[TEACHING].rows[6]
    name_stand_in(lower, 6, find_staff(lower, "Phó hiệu trưởng"), REASON, DECISION)
    lower.set_row(TEACHING, last + 1, (*row[:5], None, find_staff(lower, "Hiệu trưởng"), REASON, DECISION))
    assert places(lower.run()) == [("assignment-twice", f"C{last + 1}"), ("stand-in-twice", f"G{last + 1}")]


def test_primary_schools_have_only_the_homeroom_teachers_slot(primary: SchoolFiles) -> None:
    deputy = find_staff(primary, "Phó hiệu trưởng")
    name_stand_in(primary, 5, deputy, REASON, DECISION)
    result = primary.run()
    assert result.problems == ()
    assert [(one.class_name, one.subject_code) for one in result.records.stand_ins] == [("2A", None)]
    last = max(primary.sheets[TEACHING].rows) + 1
    teacher = primary.get(TEACHING, "D6")
    primary.set_row(TEACHING, last, (9, "2A", "Toán", teacher, None, None, deputy, REASON, DECISION))
    assert places(primary.run()) == [("stand-in-without-slot", f"G{last}")]
