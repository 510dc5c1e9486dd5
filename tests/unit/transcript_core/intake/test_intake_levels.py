"""Primary schools with qualities and tests; upper secondary schools with electives and study topics."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tests.support.school_files import SchoolFiles
from transcript_core.model import SubjectLevel
from transcript_core.records import ImportResult, Problem, Severity

OnlyProblem = Callable[[ImportResult], Problem]
READING = "diem-hk2/Tiếng Việt.xlsx"
QUALITIES = "pham-chat-nang-luc.xlsx"
PHYSICS = "diem-hk2/Vật lí.xlsx"
TOPICS = "chuyen-de.xlsx"


def test_primary_school_comes_in_whole(primary: SchoolFiles) -> None:
    result = primary.run()
    assert result.problems == ()
    young = next(one for one in result.records.pupils if one.class_name == "2A")
    old = next(one for one in result.records.pupils if one.class_name == "4B")
    assert {"KHOAHOC", "NN1"} <= {mark.subject_code for mark in old.marks}
    assert "KHOAHOC" not in {mark.subject_code for mark in young.marks}
    assert len(old.qualities) == 15
    assert len(young.qualities) == 13  # neither công nghệ nor tin học in grades 1 and 2
    assert old.height_cm is not None
    assert old.weight_kg is not None
    reading = old.marks[0]
    assert reading.subject_code == "TIENGVIET"
    assert reading.term_2 is not None
    assert reading.term_2.level in {SubjectLevel.COMPLETED, SubjectLevel.COMPLETED_WELL}
    assert reading.term_2.test_mark is not None
    assert result.records.classes[0].homeroom_staff_code is not None


def test_primary_test_mark_is_a_whole_number(primary: SchoolFiles) -> None:
    for value in (7.5, 0, 11, "tám"):
        primary.set(READING, "I5", value)
        errors = primary.run().errors
        assert [(one.code, one.cell, one.pupil_code) for one in errors] == [
            ("test-mark-unreadable", "I5", primary.code(0))
        ]


def test_primary_test_mark_at_the_end_of_the_year_is_due(primary: SchoolFiles, only_problem: OnlyProblem) -> None:
    primary.set(READING, "I5", None)
    problem = only_problem(primary.run())
    assert (problem.code, problem.cell) == ("test-mark-missing", "I5")


def test_primary_level_is_due(primary: SchoolFiles, only_problem: OnlyProblem) -> None:
    primary.set(READING, "H5", None)
    problem = only_problem(primary.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("level-missing", "H5", primary.code(0))


def test_primary_levels_may_be_spelled_out(primary: SchoolFiles) -> None:
    primary.set(READING, "H5", "Hoàn thành tốt")
    primary.set(READING, "H6", "CHƯA HOÀN THÀNH")
    result = primary.run()
    assert result.problems == ()
    levels = {one.pupil_code: one.marks[0].term_2 for one in result.records.pupils}
    first, second = levels[primary.code(0)], levels[primary.code(1)]
    assert first is not None
    assert second is not None
    assert (first.level, second.level) == (SubjectLevel.COMPLETED_WELL, SubjectLevel.NOT_COMPLETED)


def test_missing_quality_holds_back(primary: SchoolFiles, only_problem: OnlyProblem) -> None:
    primary.set(QUALITIES, "F5", None)
    problem = only_problem(primary.run())
    assert (problem.code, problem.cell, problem.pupil_code) == ("quality-missing", "F5", primary.code(0))


def test_quality_cells_are_checked(primary: SchoolFiles) -> None:
    primary.set(QUALITIES, "F5", "H")
    primary.set(QUALITIES, "W5", 17)
    assert [(one.code, one.cell) for one in primary.run().problems] == [
        ("level-unreadable", "F5"),
        ("measure-unreadable", "W5"),
    ]


def test_missing_quality_column_stops_the_import(primary: SchoolFiles) -> None:
    primary.set(QUALITIES, "M4", None)
    assert [one.code for one in primary.run().problems] == ["column-missing"]


def test_upper_secondary_school_comes_in_whole(upper: SchoolFiles) -> None:
    result = upper.run()
    assert result.problems == ()
    sciences = next(one for one in result.records.pupils if one.class_name == "10A1")
    humanities = next(one for one in result.records.pupils if one.class_name == "11A2")
    assert {"VATLI", "HOAHOC", "SINHHOC", "TIN"} <= {mark.subject_code for mark in sciences.marks}
    assert {"DIALI", "GDKTPL", "AMNHAC"} <= {mark.subject_code for mark in humanities.marks}
    assert "VATLI" not in {mark.subject_code for mark in humanities.marks}
    assert len(sciences.study_topics) == 3
    assert all(isinstance(mark, Decimal) for _, _, mark in sciences.study_topics)


def test_pupil_without_a_row_in_an_elective_does_not_take_it(upper: SchoolFiles) -> None:
    for term in ("1", "2"):
        upper.delete_row(f"diem-hk{term}/Vật lí.xlsx", 5)
    result = upper.run()
    assert [(one.code, one.severity) for one in result.problems if one.pupil_code == upper.code(0)] == [
        ("elective-count", Severity.WARNING)
    ]
    pupil = next(one for one in result.records.pupils if one.pupil_code == upper.code(0))
    assert "VATLI" not in {mark.subject_code for mark in pupil.marks}


def test_pupil_with_an_empty_row_in_an_elective_does_not_take_it(upper: SchoolFiles) -> None:
    for term in ("1", "2"):
        for column in "FGHIJKLM":
            upper.set(f"diem-hk{term}/Vật lí.xlsx", f"{column}5", None)
    result = upper.run()
    assert [one.code for one in result.problems] == ["elective-count"]
    pupil = next(one for one in result.records.pupils if one.pupil_code == upper.code(0))
    assert "VATLI" not in {mark.subject_code for mark in pupil.marks}


def test_elective_taken_in_one_term_only_holds_back(upper: SchoolFiles, only_problem: OnlyProblem) -> None:
    upper.delete_row(PHYSICS, 5)
    problem = only_problem(upper.run())
    assert (problem.code, problem.file, problem.pupil_code) == ("row-missing", PHYSICS, upper.code(0))


def test_study_topic_counts_in_the_average_of_its_term(upper: SchoolFiles, only_problem: OnlyProblem) -> None:
    row = next(number for number, cells in upper.sheets[TOPICS].rows.items() if cells[2:3] == (upper.code(0),))
    subject = upper.get(TOPICS, f"F{row}")
    mark_sheet = f"diem-hk2/{subject}.xlsx"
    for column, mark in zip("FGHIJKLM", (8, 8, 8, None, None, 8, 8, 8), strict=True):
        upper.set(mark_sheet, f"{column}5", mark)
    upper.set(TOPICS, f"H{row}", 8)
    assert upper.run().problems == ()
    upper.set(TOPICS, f"H{row}", 1)
    problem = only_problem(upper.run())
    assert (problem.code, problem.file, problem.cell) == ("average-contradicts-marks", mark_sheet, "M5")


def test_study_topics_are_checked(upper: SchoolFiles) -> None:
    upper.set(TOPICS, "F5", "Bơi lội")
    upper.set(TOPICS, "G6", None)
    upper.set(TOPICS, "H7", 11)
    codes = {(one.code, one.cell) for one in upper.run().errors if one.file == TOPICS}
    assert codes == {("subject-unknown", "F5"), ("study-topic-incomplete", "G6"), ("mark-out-of-range", "H7")}
