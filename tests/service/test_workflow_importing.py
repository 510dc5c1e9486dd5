"""Importing and building: errors take nothing, held-back pupils are never built or signed, twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from service.db.engine import transaction
from service.db.tables import AuditRow, DocumentRow, PupilRow, SchoolYearRow
from service.schools import repository as schools
from service.schools.importing import ImportHasErrors
from service.transcripts.building import build_documents
from service.transcripts.repository import DocumentState
from tests.support.workflow import ACTOR, YEAR, SmallSchool, enrolled_school
from transcript_core.errors import NotFound
from transcript_core.records import Severity

PUPILS = 3

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # most others are on SQLite


@pytest.fixture
def troubled(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with enrolled_school(tmp_path, database_url=database_url, pupils=PUPILS, troubles=True) as made:
        yield made


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with enrolled_school(tmp_path, database_url=database_url, pupils=PUPILS) as made:
        yield made


def test_an_import_with_errors_takes_nothing(troubled: SmallSchool) -> None:
    with pytest.raises(ImportHasErrors) as refused:
        troubled.import_()
    errors = [one for one in refused.value.problems if one.severity is Severity.ERROR]
    assert errors
    assert all(one.file and one.cell and one.what and one.remedy for one in errors)
    with transaction(troubled.workspace.sessions) as session:
        assert [session.scalars(select(table)).first() for table in (SchoolYearRow, PupilRow, AuditRow)] == [None] * 3
    with pytest.raises(NotFound, match="hocba import"):
        troubled.build()


def test_held_back_pupils_are_never_built_or_signed(troubled: SmallSchool) -> None:
    outcome = troubled.import_(hold_back=True)
    held_back = set(outcome.records.held_back)
    assert len(held_back) == 1
    assert len(outcome.records.pupils) == PUPILS - 1
    result = troubled.build()
    assert (len(result.built), set(result.held_back)) == (PUPILS - 1, held_back)
    issued = troubled.issue_all()
    assert len(issued) == PUPILS - 1
    with transaction(troubled.workspace.sessions) as session:
        assert held_back.isdisjoint(session.scalars(select(DocumentRow.pupil_code)))


def test_importing_and_building_twice_changes_nothing(school: SmallSchool) -> None:
    assert school.import_().changed
    assert len(school.build().built) == PUPILS
    before = school.snapshot()
    assert not school.import_().changed
    again = school.build()
    assert (again.built, again.rebuilt, again.unchanged) == ((), (), PUPILS)
    unlocked = school.build(unlock=True)
    assert (unlocked.built, unlocked.rebuilt, unlocked.unchanged) == ((), (), PUPILS)
    assert school.snapshot() == before
    with transaction(school.workspace.sessions) as session:
        actions = [row.action for row in session.scalars(select(AuditRow))]
    assert (actions.count("import"), actions.count("lock")) == (1, PUPILS)


def test_a_failing_second_import_keeps_the_first(school: SmallSchool) -> None:
    school.import_()
    with transaction(school.workspace.sessions) as session:
        before = schools.find_digest(session, school_code=school.school.school_code, school_year=YEAR)
    spoil_mark(school.folder / "diem-hk1" / "Toán.xlsx")
    with pytest.raises(ImportHasErrors) as refused:
        school.import_()
    (error,) = [one for one in refused.value.problems if one.severity is Severity.ERROR]
    assert "Toán" in error.file
    with transaction(school.workspace.sessions) as session:
        assert schools.find_digest(session, school_code=school.school.school_code, school_year=YEAR) == before
        assert len(session.scalars(select(PupilRow)).all()) == PUPILS
    assert len(school.build().built) == PUPILS


def test_a_pupil_held_back_later_is_not_replaced(school: SmallSchool) -> None:
    """The issued document stays; from records that are held back nothing new is made."""
    school.import_()
    school.build()
    school.issue_all()
    pupil_code = spoil_mark(school.folder / "diem-hk1" / "Toán.xlsx")
    assert school.import_(hold_back=True).records.held_back == (pupil_code,)
    before = school.snapshot()
    result = school.build(unlock=True)
    assert (result.built, result.rebuilt) == ((), ())
    assert school.snapshot() == before
    assert {one.state for one in school.list_documents()} == {DocumentState.ISSUED}


def test_building_one_class_leaves_the_others(school: SmallSchool) -> None:
    school.import_()
    result = build_documents(school.workspace, school=school.school, school_year=YEAR, class_name="9Z", actor=ACTOR)
    assert (result.built, result.unchanged) == ((), 0)


def spoil_mark(path: Path) -> str:
    """Write a mark above 10 into the first pupil's row; return the pupil's code."""
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    header = next(row for row in sheet.iter_rows() if any(cell.value == "ĐĐGtx1" for cell in row))
    columns = {str(cell.value): number for number, cell in enumerate(header)}
    row = next(sheet.iter_rows(min_row=(header[0].row or 1) + 1))
    row[columns["ĐĐGtx1"]].value = 11
    book.save(path)
    return str(row[columns["Mã định danh Bộ GD&ĐT"]].value)
