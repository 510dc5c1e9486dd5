"""The review before an approval: what it names, and that an approval is for exactly what was shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.db.engine import transaction
from service.signing.description import read_description
from service.signing.opening import SlotName
from service.signing.review import Review, build_review
from service.signing.review_files import load_approval, save_review
from service.signing.review_text import MAX_SHOWN, describe, review_to_dict
from service.signing.workflow import sign_open_slots
from service.transcripts import repository
from service.transcripts.building import get_transcript_document
from service.transcripts.replacing import build_replacement
from service.transcripts.repository import DocumentKey
from signing.signer import Signer
from tests.support.many import find_rsa_teacher, multiply
from tests.support.workflow import ACTOR, AT, SmallSchool, built_school, enrolled_school, issued_school, open_subscriber
from transcript_core.clock import FixedClock
from transcript_core.errors import Conflict, NotFound
from transcript_core.model import SchoolLevel


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with built_school(tmp_path) as made:
        yield made


def review_of(school: SmallSchool, staff_code: str, *, signer: Signer | None = None) -> Review:
    desk = school.open_desk(signer or school.open_person(staff_code))
    return build_review(desk, school_code=school.school.school_code)


def test_a_teacher_sees_how_many_of_which_classes(school: SmallSchool) -> None:
    multiply(school, 3)
    review = review_of(school, find_rsa_teacher(school))
    assert len(review.slots) == 5
    assert [(one.class_name, one.documents, one.xml, one.pdf) for one in review.classes] == [("7A1", 5, 5, 5)]
    assert (review.replaced, review.records_changed, review.unreadable) == ((), (), ())
    text = "\n".join(describe(review))
    assert "Sẽ ký 5 học bạ: 5 chữ ký XML, 5 chữ ký PDF." in text
    assert review.digest.hex() in text


def test_the_principal_sees_who_is_missing(school: SmallSchool) -> None:
    review = review_of(school, school.principal)
    assert (len(review.slots), review.waiting) == (0, 2)
    missing = {(one.staff_code, one.role): one.documents for one in review.missing}
    assert set(missing) == {(code, "GVBM") for code in school.teachers} | {(school.homeroom, "GVCN")}
    assert set(missing.values()) == {2}
    assert all(one.name for one in review.missing)
    school.sign_teachers()
    school.sign(school.homeroom)
    ready = review_of(school, school.principal)
    assert (len(ready.slots), ready.waiting, ready.missing) == (2, 0, ())


def test_a_replaced_version_names_the_parts_that_changed(tmp_path: Path) -> None:
    with issued_school(tmp_path) as school:
        document = school.list_documents()[0]
        school.correct_mark(document.pupil_code)
        key = build_replacement(
            school.workspace, document.key.serial, school=school.school, reason="Nhập nhầm", actor=ACTOR
        )
        (teacher,) = {one.staff_code for one in school.records.assignments if one.subject_code == "TOAN"}
        review = review_of(school, teacher)
        (replaced,) = review.replaced
        assert (replaced.key, replaced.replaces, replaced.reason) == (key, 1, "Nhập nhầm")
        assert "diem-TOAN" in replaced.changed_parts
        assert f"mã học sinh {document.pupil_code}, thay phiên bản 1: TOAN" in "\n".join(describe(review))


def test_records_imported_after_the_lock_are_compared(school: SmallSchool) -> None:
    first, second = school.list_documents()
    teacher = find_rsa_teacher(school)
    later = later_school(school, AT + timedelta(hours=1))
    later.correct_mark(first.pupil_code)
    (changed,) = review_of(later, teacher).records_changed
    assert (changed.pupil_code, changed.subjects) == (first.pupil_code, ("TOAN",))
    assert second.pupil_code not in "\n".join(describe(review_of(later, teacher)))


def test_a_mark_far_from_its_class_is_shown_to_the_one_who_signs_it(tmp_path: Path) -> None:
    with enrolled_school(tmp_path, pupils=9) as school:
        school.import_()
        school.build()
        target = school.list_documents()[4]
        lower_marks(school, target.pupil_code)
        review = review_of(school, find_rsa_teacher(school))
        found = {(one.pupil_code, one.subject_code) for one in review.odd_marks}
        assert (target.pupil_code, "TOAN") in found
        text = "\n".join(describe(review))
        assert f"mã học sinh {target.pupil_code}, Toán: 0,1 (trung vị lớp" in text


def test_certificates_that_end_soon(school: SmallSchool) -> None:
    """The signer's own, and those of people whose signatures are in the documents."""
    first = school.teachers[0]
    ending = replace(school.subscribers[first], valid_from=AT - timedelta(days=300), valid_to=AT + timedelta(days=10))
    assert not school.sign_with(open_subscriber(ending)).failed
    other = school.teachers[1]
    (carried,) = review_of(school, other).certificates
    assert (carried.own, carried.documents, carried.holder) == (False, 2, ending.name)
    own = replace(school.subscribers[other], valid_from=AT - timedelta(days=300), valid_to=AT + timedelta(days=29))
    shown = review_of(school, other, signer=open_subscriber(own))
    assert [one.own for one in shown.certificates] == [True, False]
    assert any(line.strip().startswith("của bạn: đến") for line in describe(shown))


def test_an_unreadable_document_is_named_and_the_others_are_reviewed(school: SmallSchool) -> None:
    bad, good = school.list_documents()
    school.workspace.store.discard(bad.xml_sha256)
    review = review_of(school, find_rsa_teacher(school))
    assert [one.key for one in review.unreadable] == [bad.key]
    assert [one.key for one in review.slots] == [good.key]


def test_others_signatures_do_not_disturb_an_approval_but_changes_do(school: SmallSchool) -> None:
    first, second = school.list_documents()
    teacher, other = find_rsa_teacher(school), school.teachers[1]
    review = review_of(school, teacher)
    school.sign(other if other != teacher else school.teachers[2])
    assert review_of(school, teacher).digest == review.digest
    later = later_school(school, AT + timedelta(hours=1))
    later.correct_mark(first.pupil_code)
    assert len(later.build(unlock=True).rebuilt) == 1
    desk = later.open_desk(later.open_person(teacher))
    report = sign_open_slots(desk, school_code=later.school.school_code, approval=review.contents, actor=ACTOR)
    assert {key for key, _ in report.signed} == {second.key}
    assert {(key, error.code) for key, _, error in report.failed} == {(first.key, "changed-since-review")}
    assert "rà soát lại" in str(report.failed[0][2].__dict__["text_vi"])


def test_a_slot_that_this_approval_opens_is_shown_and_signed_with_it(school: SmallSchool) -> None:
    """The homeroom teacher teaches a subject, too: when all others have signed, nothing waits for anybody else."""
    sign_all_but(school, school.homeroom)
    review = review_of(school, school.homeroom)
    assert {(one.role, one.follows) for one in review.slots} == {("GVBM", False), ("GVCN", True)}
    assert (review.documents, review.missing, review.waiting) == (2, (), 0)
    text = "\n".join(describe(review))
    assert "Sẽ ký 2 học bạ: 4 chữ ký XML, 4 chữ ký PDF." in text
    assert "(giáo viên chủ nhiệm, mở ngay khi bạn ký xong các ô trước của mình): 2 học bạ" in text
    assert approve(school, school.homeroom, review) == set(review.contents)
    assert [(one.documents, one.xml) for one in review.open_now.classes] == [(2, 2)]
    assert {one.role for one in review.open_now.slots} == {"GVBM"}


def test_a_slot_that_was_not_shown_waits_for_the_next_approval(school: SmallSchool) -> None:
    """What others sign after the review opens another slot of the same documents; nobody approved that one."""
    review = review_of(school, school.homeroom)
    assert {one.role for one in review.slots} == {"GVBM"}
    sign_all_but(school, school.homeroom)
    assert approve(school, school.homeroom, review) == set(review.contents)
    following = review_of(school, school.homeroom)
    assert [(one.role, one.follows) for one in following.slots] == [("GVCN", False)] * 2
    assert not set(following.contents) & set(review.contents)
    assert following.digest != review.digest
    assert approve(school, school.homeroom, following) == set(following.contents)


def sign_all_but(school: SmallSchool, staff_code: str) -> None:
    """Let every other subject teacher sign."""
    for one in school.teachers:
        assert one == staff_code or not school.sign(one).failed


def approve(school: SmallSchool, staff_code: str, review: Review) -> set[SlotName]:
    """Sign what was reviewed and return what was signed."""
    desk = school.open_desk(school.open_person(staff_code))
    report = sign_open_slots(desk, school_code=school.school.school_code, approval=review.contents, actor=ACTOR)
    assert not report.failed
    assert len(set(report.signed)) == len(report.signed)
    return set(report.signed)


def test_a_kept_review_is_approved_by_its_digest(school: SmallSchool) -> None:
    review = review_of(school, find_rsa_teacher(school))
    save_review(school.workspace, review)
    digest = review.digest.hex()
    assert load_approval(school.workspace, digest) == review.contents
    path = school.workspace.settings.home / "reviews" / f"{digest}.json"
    assert not any(one.pupil_code in path.read_text() for one in review.slots)
    for content in (path.read_text().replace("[[", '[["X", 1, "00"], [', 1), "{", "[1]", "null"):
        path.write_text(content)
        with pytest.raises(Conflict):
            load_approval(school.workspace, digest)
    for name in ("0" * 64, "../home", ""):
        with pytest.raises(NotFound):
            load_approval(school.workspace, name)


def test_the_review_is_plain_json_and_long_lists_are_cut_on_the_screen_alone(school: SmallSchool) -> None:
    review = review_of(school, school.principal)
    many = replace(review, missing=review.missing * 40)
    assert len(json.loads(json.dumps(review_to_dict(many)))["missing"]) == len(many.missing)
    shown = describe(many)
    assert len(shown) < MAX_SHOWN + 10
    assert "dòng nữa" in shown[-1]


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_descriptions_from_memory_are_those_of_the_document(tmp_path: Path, level: SchoolLevel) -> None:
    """Pupils of a class share what is remembered; each gets its own name, and other parts make another entry."""
    with enrolled_school(tmp_path, level=level, pupils=3) as school:
        school.import_()
        school.build()
        for one in school.list_documents():
            xml = school.read(one.key)[0]
            for _ in range(2):
                found, document = read_description(xml), get_transcript_document(xml)
                assert (found.slots, found.policy) == (document.slots, document.policy)
                assert [found.find_slot(slot.slot_id) for slot in document.slots] == list(document.slots)


def later_school(school: SmallSchool, at: datetime) -> SmallSchool:
    """Return the same school some time later."""
    return replace(school, workspace=replace(school.workspace, clock=FixedClock(at)))


def lower_marks(school: SmallSchool, pupil_code: str) -> None:
    """Put another mark of mathematics into a locked document, as a slip before the lock would have."""
    document = next(one for one in school.list_documents() if one.pupil_code == pupil_code)
    xml = school.read(document.key)[0]
    start = xml.index(b'<DIEM_TONG_KET Id="diem-TOAN">')
    at = xml.index(b"<CA_NAM><DIEM>", start) + len(b"<CA_NAM><DIEM>")
    end = xml.index(b"</DIEM>", at)
    put_document(school, document.key, xml[:at] + b"0.1" + xml[end:])


def put_document(school: SmallSchool, key: DocumentKey, xml: bytes) -> None:
    """Let the row name another XML."""
    stored = school.get_document(key)
    with transaction(school.workspace.sessions) as session:
        repository.move_document(
            session, stored, xml_sha256=school.workspace.store.put(xml), pdf_sha256=stored.pdf_sha256
        )
