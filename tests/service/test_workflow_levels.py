"""Every school level goes through the whole job; a deputy signs "KT.", somebody stands in for an absent teacher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from service.progress import no_progress
from service.signing.batching import sign_pass
from service.transcripts.building import BuildOptions, get_transcript_document
from service.transcripts.replacing import build_replacement
from tests.support.workflow import ACTOR, DEPUTY_DECISION, SmallSchool, enrolled_school, list_staff_of
from transcript_core.authority import AuthorityList, OfficeEntry
from transcript_core.errors import InputError, NotEligible
from transcript_core.model import SchoolLevel, SlotRole, Stage, Substitution
from transcript_core.policy import Office
from verify.report import Outcome

DEPUTY_REASON = "Hiệu trưởng đi công tác"
STAND_IN_DECISION = "Quyết định số 31/QĐ-TSM ngày 02/05/2026"


@pytest.mark.parametrize(
    ("database_url", "level"),
    [("sqlite", SchoolLevel.PRIMARY), ("postgresql", SchoolLevel.UPPER_SECONDARY)],
    indirect=["database_url"],
)
def test_the_whole_job_at_every_level(tmp_path: Path, database_url: str, level: SchoolLevel) -> None:
    with enrolled_school(tmp_path, database_url=database_url, level=level) as school:
        school.import_()
        result = school.build()
        assert (len(result.built), dict(result.incomplete)) == (2, {})
        assert set(school.issue_all()) == set(result.built)
        for key in result.built:
            school.assert_passes(key)
            document = get_transcript_document(school.read(key)[0])
            roles = [slot.role for slot in document.slots]
            assert roles[-3:] == [SlotRole.HOMEROOM_TEACHER, SlotRole.MANAGER, SlotRole.SEAL]
            if level is SchoolLevel.PRIMARY:
                assert len(roles) == 3
            else:
                assert len(roles) == 3 + sum(len(one.teachers) for one in document.transcript.subjects)
                assert document.transcript.study_topics
        school.assert_store_is_sound()


def test_a_deputy_signs_for_the_principal(tmp_path: Path) -> None:
    with enrolled_school(tmp_path) as school:
        school.import_()
        school.build(options=deputy_options(school))
        school.sign_teachers()
        school.sign(school.homeroom)
        before = school.snapshot()
        assert school.sign(school.principal).signed == []
        assert school.snapshot() == before
        assert len(school.sign(school.deputy).signed) == 2
        for key in school.issue().issued:
            school.assert_passes(key)
            manager = get_transcript_document(school.read(key)[0]).issue.manager
            assert (manager.staff_code, manager.title.startswith("KT. HIỆU TRƯỞNG")) == (school.deputy, True)
            assert manager.substitution == Substitution(DEPUTY_REASON, DEPUTY_DECISION)


def test_a_deputy_whose_decision_is_not_in_the_list_is_refused(tmp_path: Path) -> None:
    with enrolled_school(tmp_path) as school:
        school.import_()
        school.build(options=deputy_options(school, authority="Quyết định số 99/QĐ-KHÁC"))
        school.sign_teachers()
        school.sign(school.homeroom)
        report = school.sign(school.deputy)
        assert report.signed == []
        assert {type(error) for _, _, error in report.failed} == {NotEligible}


def test_a_deputy_takes_over_after_the_documents_were_locked(tmp_path: Path) -> None:
    """Only who signs as manager changed; the teachers' signatures stay."""
    with enrolled_school(tmp_path) as school:
        school.import_()
        school.build()
        school.sign_teachers()
        result = school.build(options=deputy_options(school), unlock=True)
        assert len(result.rebuilt) == 2
        for key in school.issue_all():
            school.assert_passes(key)
            assert get_transcript_document(school.read(key)[0]).issue.manager.staff_code == school.deputy


def test_somebody_stands_in_for_an_absent_teacher(tmp_path: Path) -> None:
    with enrolled_school(tmp_path, change=let_deputy_teach_informatics) as school:
        (absent,) = list_staff_of(school.records, "TIN")
        write_stand_in(school.folder, absent, school.deputy)
        school.import_()
        school.build()
        key = school.list_documents()[0].key
        assert school.sign(absent).signed == []
        desk, name = school.open_desk(school.open_person(absent)), (key, "gvbm-TIN-1")
        forced = sign_pass(desk, [name], school_code=school.school.school_code, actor=ACTOR, advance=no_progress)
        assert {one: type(error) for one, error in forced.failed.items()} == {name: NotEligible}
        for issued in school.issue_all():
            school.assert_passes(issued)
            (signer,) = [
                one
                for one in get_transcript_document(school.read(issued)[0]).transcript.signers
                if one.subject_code == "TIN"
            ]
            assert (signer.staff_code, signer.title) == (school.deputy, "KÝ THAY GIÁO VIÊN BỘ MÔN")


def test_a_signature_does_not_outlive_its_signers_replacement_by_a_stand_in(tmp_path: Path) -> None:
    """The part is the same, but another person is to sign it: the first teacher's signature is not carried over."""
    with enrolled_school(tmp_path, change=let_deputy_teach_informatics) as school:
        (absent,) = list_staff_of(school.records, "TIN")
        school.import_()
        school.build()
        school.sign_teachers()
        write_stand_in(school.folder, absent, school.deputy)
        assert school.import_().changed
        assert len(school.build(unlock=True).rebuilt) == 2
        key = school.list_documents()[0].key
        assert school.list_signed(key)["gvbm-TIN-1"] == frozenset()
        for issued in school.issue_all():
            school.assert_passes(issued)


def test_term_one_then_the_year_as_an_update(tmp_path: Path) -> None:
    with enrolled_school(tmp_path) as school:
        school.import_()
        school.build(options=BuildOptions(stage=Stage.TERM_1))
        first = school.issue_all()
        assert len(first) == 2
        for key in first:
            report = school.build_verifier().verify(school.read(key)[0])
            assert report.outcome is Outcome.PASSED
            second = build_replacement(
                school.workspace, key.serial, school=school.school, reason="Kết quả cả năm", actor=ACTOR
            )
            assert second.version == 2
        assert len(school.issue_all()) == 2
        for key in first:
            report = school.build_verifier().verify(school.read(key)[0])
            assert report.document.superseded_by == 2


def test_an_unknown_deputy_is_named(tmp_path: Path) -> None:
    with enrolled_school(tmp_path) as school:
        school.import_()
        with pytest.raises(InputError, match="0000000000"):
            school.build(options=BuildOptions(deputy_staff_code="0000000000", deputy=Substitution("a", "b")))


def deputy_options(school: SmallSchool, authority: str = DEPUTY_DECISION) -> BuildOptions:
    """Return a build that the deputy signs for the principal."""
    return BuildOptions(deputy_staff_code=school.deputy, deputy=Substitution(DEPUTY_REASON, authority))


def write_stand_in(folder: Path, absent: str, present: str) -> None:
    """Write into the workbook of assignments that somebody signs for the absent teacher."""
    path = folder / "phan-cong-giang-day.xlsx"
    book = load_workbook(path)
    sheet = book.active
    assert sheet is not None
    (header,) = [row for row in sheet.iter_rows() if any(cell.value == "Môn học" for cell in row)]
    codes = next(cell.column for cell in header if cell.value == "Mã định danh giáo viên")
    assert codes is not None
    right = len(header) + 1
    for row in sheet.iter_rows(min_row=header[0].row):
        number = row[0].row or 1
        values: tuple[str, ...] = ("Người ký thay", "Lí do ký thay", "Quyết định ký thay")
        if number != header[0].row:
            values = (present, "Nghỉ thai sản", STAND_IN_DECISION) if row[codes - 1].value == absent else ()
        for offset, value in enumerate(values):
            sheet.cell(number, right + offset, value)
    book.save(path)


def let_deputy_teach_informatics(authority: AuthorityList) -> AuthorityList:
    """Add to the list that the vice-principal teaches informatics in the absent teacher's place."""
    office = next(
        office
        for person in authority.staff
        for office in person.offices
        if office.office is Office.SUBJECT_TEACHER and office.subject_code == "TIN"
    )
    entry: OfficeEntry = replace(office, authority=STAND_IN_DECISION)
    staff = tuple(
        replace(person, offices=(*person.offices, entry))
        if any(one.office is Office.VICE_PRINCIPAL for one in person.offices)
        else person
        for person in authority.staff
    )
    return replace(authority, staff=staff)
