"""What stands beside the exports goes the whole way: from spreadsheets through the database into issued documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from demo.school_generator import write_school
from service.db.engine import transaction
from service.schools import repository as schools
from service.transcripts.building import get_transcript_document
from tests.support.workflow import YEAR, SmallSchool, open_enrolled
from transcript_core.authority import AuthorityList, OfficeEntry
from transcript_core.errors import NotEligible
from transcript_core.model import (
    Award,
    AwardKind,
    Grade,
    HistoryEntry,
    SecondarySummary,
    SlotRole,
    Source,
    Substitution,
    TermGrade,
    Transcript,
    YearOutcome,
)
from transcript_core.policy import Office

BY_DECISION = Substitution("Nghỉ ốm", "Quyết định số 12/QĐ-TSM ngày 02/03/2026")
ELSEWHERE = Source("48000777", "Trường THCS Cũ")
HEADER_ROW = 4
CLASS = "7A1"
Row = Sequence[object]


def write_sheet(path: Path, *rows: Row) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(list(row))
    book.save(path)


def read_sheet(path: Path) -> list[tuple[object, ...]]:
    page = load_workbook(path).active
    assert page is not None
    return list(page.iter_rows(values_only=True))


def add_columns(path: Path, header: Row, values: Callable[[tuple[object, ...]], Row]) -> None:
    """Add columns on the right of a workbook; `values` gives a row's cells."""
    rows = read_sheet(path)
    widened = [(*row, *(header if number == HEADER_ROW else values(row))) for number, row in enumerate(rows, start=1)]
    write_sheet(path, *widened)


def write_workbooks(folder: Path) -> tuple[str, str, str]:
    """Write a school of three pupils: one with additions, one who came in term II, one who is not assessed."""
    first, second, third = write_school(folder, pupils_per_class=3).pupils
    who, codes = ("Mã học sinh", "Họ tên", "Ngày sinh"), ("Mã số hồ sơ học tập suốt đời", "Không đánh giá")
    marked = {first.code: ("HS.2013-1", None), third.code: (None, "x")}
    add_columns(folder / "danh-sach-hoc-sinh.xlsx", codes, lambda row: marked.get(str(row[1]), ()))
    deputy = next(row[1] for row in read_sheet(folder / "danh-sach-giao-vien.xlsx") if row[5] == "Phó hiệu trưởng")
    stand_in = (deputy, BY_DECISION.reason, BY_DECISION.authority)
    add_columns(
        folder / "phan-cong-giang-day.xlsx",
        ("Người ký thay", "Lí do", "Quyết định"),
        lambda row: stand_in if row[5] == "x" else (),
    )
    maths = folder / "diem-hk1" / "Toán.xlsx"
    write_sheet(maths, *(row for row in read_sheet(maths) if second.code not in row))
    write_sheet(
        folder / "bo-sung.xlsx",
        (*who, "Chứng chỉ", "Kết quả cuộc thi", "Khen thưởng khác", "Quyết định lên lớp"),
        (first.code, first.name, None, "Tin học, loại Giỏi", "Giải Ba cờ vua", "Cháu ngoan Bác Hồ", None),
        (third.code, third.name, None, None, None, None, "Được lên lớp"),
    )
    write_sheet(
        folder / "chuyen-truong.xlsx",
        (*who, "Môn học", "Kết quả học kì I", "Mã trường", "Tên trường"),
        (second.code, second.name, None, "Toán", "7,5", ELSEWHERE.school_code, ELSEWHERE.school_name),
    )
    write_sheet(
        folder / "qua-trinh.xlsx",
        (*who, "Năm học", "Lớp", "Trường"),
        (second.code, second.name, None, "2024-2025", "6A9", ELSEWHERE.school_name),
    )
    return first.code, second.code, third.code


def list_delegated(authority: AuthorityList) -> list[OfficeEntry]:
    return [one for person in authority.staff for one in person.offices if one.authority == BY_DECISION.authority]


def without_delegation(authority: AuthorityList) -> AuthorityList:
    """Return the list as if the department had left the decision out."""
    gone = list_delegated(authority)
    staff = (
        replace(one, offices=tuple(office for office in one.offices if office not in gone)) for one in authority.staff
    )
    return replace(authority, staff=tuple(staff))


def read_transcripts(school: SmallSchool) -> dict[str, Transcript]:
    found = (get_transcript_document(school.read(one.key)[0]).transcript for one in school.list_documents())
    return {one.pupil.pupil_code: one for one in found}


def check_contents(first: Transcript, second: Transcript, third: Transcript) -> None:
    """Compare what was entered with what the documents say."""
    assert first.pupil.lifelong_code == "HS.2013-1"
    assert isinstance(first.summary, SecondarySummary)
    assert (first.summary.certificates, first.summary.contests) == (("Tin học, loại Giỏi",), ("Giải Ba cờ vua",))
    assert first.awards[-1] == Award(AwardKind.OTHER, "Cháu ngoan Bác Hồ")
    assert second.subjects[0].term_1 == TermGrade(Grade(mark=Decimal("7.5")), ELSEWHERE)
    assert second.history[0] == HistoryEntry("2024-2025", "6A9", ELSEWHERE.school_name)
    assert isinstance(third.summary, SecondarySummary)
    assert (third.summary.not_assessed, third.summary.outcome) == (True, YearOutcome.PROMOTED)
    for transcript in (first, second, third):
        signed_for = [one for one in transcript.signers if one.substitution == BY_DECISION]
        assert [one.slot_id for one in signed_for] == ["gvbm-TOAN-1", "gvcn"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_additions_survive_the_database_and_stand_in_issued_documents(tmp_path: Path, database_url: str) -> None:
    codes = write_workbooks(tmp_path / "school")
    school = open_enrolled(tmp_path, database_url=database_url)
    outcome = school.import_()
    with transaction(school.workspace.sessions) as session:
        stored = schools.get_year(session, school_code=school.school.school_code, school_year=YEAR).records
    ordered = sorted(outcome.records.pupils, key=lambda one: (one.class_name, one.pupil_code))
    assert stored == replace(outcome.records, pupils=tuple(ordered))
    assert not school.import_().changed
    assert len(school.build().built) == 3
    transcripts = read_transcripts(school)
    check_contents(*(transcripts[code] for code in codes))
    for key in school.issue_all():
        school.assert_passes(key)
    school.close()


@pytest.fixture
def undelegated(tmp_path: Path) -> Iterator[SmallSchool]:
    write_workbooks(tmp_path / "school")
    made = open_enrolled(tmp_path, change=without_delegation)
    made.import_()
    made.build()
    yield made
    made.close()


def test_the_drafted_list_lets_the_stand_in_sign_exactly_there(tmp_path: Path) -> None:
    write_workbooks(tmp_path / "school")
    school = open_enrolled(tmp_path)
    assert school.workspace.authority is not None
    delegated = list_delegated(school.workspace.authority)
    offices = {(one.office, one.class_name, one.subject_code, one.school_year) for one in delegated}
    assert offices == {
        (Office.SUBJECT_TEACHER, CLASS, "TOAN", YEAR),
        (Office.HOMEROOM_TEACHER, CLASS, None, YEAR),
    }
    school.close()


def test_a_stand_in_without_the_decision_in_the_list_signs_nothing(undelegated: SmallSchool) -> None:
    before = undelegated.snapshot()
    report = undelegated.sign(undelegated.deputy)
    assert report.signed == []
    assert {slot_id for _, slot_id, _ in report.failed} == {"gvbm-TOAN-1"}
    assert all(isinstance(error, NotEligible) for _, _, error in report.failed)
    assert undelegated.sign(undelegated.homeroom).signed == []  # the absent teacher finds nothing to sign
    assert undelegated.snapshot() == before


def test_roles_of_the_slots_stay_those_of_the_absent(undelegated: SmallSchool) -> None:
    (transcript, *_) = read_transcripts(undelegated).values()
    roles = {one.slot_id: (one.role, one.title) for one in transcript.signers if one.substitution}
    assert roles == {
        "gvbm-TOAN-1": (SlotRole.SUBJECT_TEACHER, "KÝ THAY GIÁO VIÊN BỘ MÔN"),
        "gvcn": (SlotRole.HOMEROOM_TEACHER, "KÝ THAY GIÁO VIÊN CHỦ NHIỆM"),
    }
