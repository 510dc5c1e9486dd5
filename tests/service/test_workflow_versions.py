"""Unlocking, replacing and recalling: what is kept byte for byte, who signs anew, and what status follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from service.db.engine import transaction
from service.db.tables import EventRow
from service.status.exporting import export_status
from service.status.files import StatusFileInvalid, open_status_file
from service.status.recalls import approve_recall, request_recall, seal_recall
from service.transcripts.building import get_transcript_document
from service.transcripts.replacing import build_replacement
from service.transcripts.repository import DocumentKey, DocumentState
from signing.signer import Signer
from tests.support.signers import make_signer
from tests.support.workflow import (
    ACTOR,
    AT,
    SEAL_IDENTITY,
    YEAR,
    SmallSchool,
    built_school,
    issued_school,
    list_signed_fields,
    list_staff_of,
    open_other_seal,
)
from transcript_core.clock import FixedClock
from transcript_core.errors import Conflict, InputError, NotEligible, NotFound
from transcript_core.policy import SignatureFormat, part_id
from transcript_core.status import DocumentStatus, StatusFile
from transcript_core.xml import get_part, get_signature, list_signed_slots
from verify.report import Outcome
from verify.verifier import Verifier

REASON = "Nhập nhầm điểm đánh giá cuối kì"
RECALL_REASON = "Phát hành nhầm cho học sinh đã chuyển trường"
MATHS_SLOT, MATHS_PART = "gvbm-TOAN-1", part_id("TOAN")
BOTH = frozenset(SignatureFormat)
XML_ONLY = frozenset({SignatureFormat.XADES})


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with built_school(tmp_path, database_url=database_url) as made:
        yield made


@pytest.fixture
def issued(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with issued_school(tmp_path, database_url=database_url) as made:
        yield made


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[SmallSchool]:
    with issued_school(tmp_path) as made:
        yield made


def test_unlock_keeps_signatures_of_unchanged_parts_and_drops_the_pdf_chain(school: SmallSchool) -> None:
    school.sign_teachers()
    school.sign(school.homeroom)
    changed, other = school.list_documents()
    before, untouched = school.read(changed.key)[0], school.read(other.key)
    school.correct_mark(changed.pupil_code)
    assert school.build().unchanged == 2, "without --unlock nothing is touched"
    result = school.build(unlock=True)
    assert (result.built, result.rebuilt, result.unchanged) == ((), (changed.key,), 1)
    xml, pdf = school.read(changed.key)
    signed = school.list_signed(changed.key)
    assert signed[MATHS_SLOT] == signed["gvcn"] == signed["cbql"] == frozenset()
    teachers = {slot_id for slot_id in signed if slot_id.startswith("gvbm-")} - {MATHS_SLOT}
    assert {signed[slot_id] for slot_id in teachers} == {XML_ONLY}
    assert all(get_signature(xml, slot_id) == get_signature(before, slot_id) for slot_id in teachers)
    assert list_signed_slots(xml) == teachers
    assert list_signed_fields(pdf) == []
    assert school.read(other.key) == untouched
    assert set(school.issue_all()) == {changed.key, other.key}
    assert all(get_signature(school.read(changed.key)[0], one) == get_signature(before, one) for one in teachers)
    for key in (changed.key, other.key):
        school.assert_passes(key)
    school.assert_store_is_sound()


def test_unlock_never_touches_what_is_issued(issued: SmallSchool) -> None:
    document = issued.list_documents()[0]
    issued.correct_mark(document.pupil_code)
    before = issued.snapshot()
    result = issued.build(unlock=True)
    assert (result.built, result.rebuilt, result.unchanged) == ((), (), 2)
    assert issued.snapshot() == before


def test_replacement_keeps_unchanged_parts_and_only_the_others_sign(issued: SmallSchool) -> None:
    first = issued.list_documents()[0]
    old_xml, _ = issued.read(first.key)
    issued.correct_mark(first.pupil_code)
    key = build_replacement(issued.workspace, first.key.serial, school=issued.school, reason=REASON, actor=ACTOR)
    assert key == DocumentKey(first.key.serial, 2)
    xml, _ = issued.read(key)
    transcript = get_transcript_document(xml).transcript
    assert transcript.replaces is not None
    assert transcript.replaces.version == 1
    assert MATHS_PART in transcript.replaces.changed_parts
    parts = [part_id(one.subject_code) for one in transcript.subjects]
    assert [part for part in parts if get_part(xml, part) != get_part(old_xml, part)] == [MATHS_PART]
    kept = [one for one in list_signed_slots(old_xml) if one.startswith("gvbm-") and one != MATHS_SLOT]
    assert all(get_signature(xml, slot_id) == get_signature(old_xml, slot_id) for slot_id in kept)
    assert list_signed_slots(xml) == frozenset(kept)

    asked = []
    while codes := issued.list_open_staff():
        asked += codes
        for code in codes:
            assert not issued.sign(code).failed
    assert set(asked) == {*list_staff_of(issued.records, "TOAN"), issued.homeroom, issued.principal}
    assert issued.issue().issued == [key]
    assert sorted(list_signed_fields(issued.read(key)[1])) == sorted([MATHS_SLOT, "gvcn", "cbql", "ky-phat-hanh"])
    issued.assert_passes(key)
    old = issued.build_verifier().verify(old_xml)
    assert (old.outcome, old.document.status, old.document.superseded_by) == (Outcome.FAILED, "superseded", 2)
    assert issued.get_document(first.key).state is DocumentState.ISSUED
    assert issued.read(first.key)[0] == old_xml


def test_a_replacement_needs_a_change_a_reason_and_an_issued_version(quick: SmallSchool) -> None:
    document = quick.list_documents()[0]
    before = quick.snapshot()

    def replace_it(reason: str = REASON, serial: str = document.key.serial) -> DocumentKey:
        return build_replacement(quick.workspace, serial, school=quick.school, reason=reason, actor=ACTOR)

    with pytest.raises(InputError, match="nothing changed"):
        replace_it()
    with pytest.raises(NotFound):
        replace_it(serial="0" * 26)
    quick.correct_mark(document.pupil_code)
    with pytest.raises(InputError, match="reason"):
        replace_it(reason="  ")
    assert quick.snapshot() == before
    replace_it()
    with pytest.raises(Conflict):
        replace_it()


def test_a_wrong_replacement_can_be_corrected_before_it_is_issued(quick: SmallSchool) -> None:
    """As the message of the refusal says: change the records, then unlock."""
    document = quick.list_documents()[0]
    quick.correct_mark(document.pupil_code)
    key = build_replacement(quick.workspace, document.key.serial, school=quick.school, reason=REASON, actor=ACTOR)
    quick.sign(list_staff_of(quick.records, "TOAN")[0])
    quick.correct_mark(document.pupil_code, "Tin học.xlsx")
    again = build_replacement(
        quick.workspace, document.key.serial, school=quick.school, reason=REASON, unlock=True, actor=ACTOR
    )
    assert again == key
    transcript = get_transcript_document(quick.read(key)[0]).transcript
    assert transcript.replaces is not None
    assert {MATHS_PART, part_id("TIN")} <= set(transcript.replaces.changed_parts)
    assert quick.issue_all() == [key]
    quick.assert_passes(key)


def test_recall_takes_two_people_and_the_seal(issued: SmallSchool) -> None:
    document = issued.list_documents()[0]
    key, xml = document.key, issued.read(document.key)[0]
    clerk, principal, deputy = (issued.open_person(one) for one in (issued.clerk, issued.principal, issued.deputy))
    with pytest.raises(InputError, match="another person"):
        ask(issued, key, issued.principal, approver=issued.principal)
    with pytest.raises(NotEligible):
        ask(issued, key, issued.teachers[1], approver=issued.principal)
    with pytest.raises(InputError, match="reason"):
        ask(issued, key, issued.clerk, approver=issued.principal, reason=" ")
    with pytest.raises(NotFound):
        ask(issued, DocumentKey(key.serial, 7), issued.clerk, approver=issued.principal)
    asked = ask(issued, key, issued.clerk, approver=issued.principal)
    assert asked == DocumentKey(key.serial, 2)
    with pytest.raises(Conflict, match="under way"):
        ask(issued, key, issued.clerk, approver=issued.principal)
    with pytest.raises(Conflict, match="approval"):
        seal_recall(issued.context, issued.open_desk(issued.open_seal()), key.serial, actor=ACTOR)
    for signer in (clerk, deputy, issued.open_seal()):
        with pytest.raises(NotEligible):
            approve_recall(issued.open_desk(signer), key.serial, actor=ACTOR)
    assert issued.build_verifier().verify(xml).outcome is Outcome.PASSED, "asking recalls nothing"
    approve_recall(issued.open_desk(principal), key.serial, actor=ACTOR)
    with pytest.raises(NotEligible):
        seal_recall(issued.context, issued.open_desk(open_other_seal()), key.serial, actor=ACTOR)
    assert issued.build_verifier().verify(xml).outcome is Outcome.PASSED, "approving recalls nothing"
    assert seal_recall(issued.context, issued.open_desk(issued.open_seal()), key.serial, actor=ACTOR) == asked
    report = issued.build_verifier().verify(xml)
    assert (report.outcome, report.document.status) == (Outcome.FAILED, "recalled")
    with pytest.raises(NotFound):
        seal_recall(issued.context, issued.open_desk(issued.open_seal()), key.serial, actor=ACTOR)
    issued.assert_store_is_sound()


def test_an_update_after_a_recall_comes_after_it(issued: SmallSchool) -> None:
    document = issued.list_documents()[0]
    recall(issued, document.key)
    issued.correct_mark(document.pupil_code)
    key = build_replacement(issued.workspace, document.key.serial, school=issued.school, reason=REASON, actor=ACTOR)
    assert key == DocumentKey(document.key.serial, 3)
    assert issued.issue_all() == [key]
    issued.assert_passes(key)
    context = issued.context
    answers = [context.find_record(key.serial, version).answer.status for version in (1, 2, 3)]
    assert answers == [DocumentStatus.RECALLED, DocumentStatus.UNKNOWN, DocumentStatus.VALID]


def test_a_recall_is_never_blocked_by_a_replacement_that_is_being_signed(quick: SmallSchool) -> None:
    """The recall takes the next number; the replacement can then only be issued under a higher one."""
    document = quick.list_documents()[0]
    quick.correct_mark(document.pupil_code)
    assert replace_document(quick, document.key).version == 2
    assert recall(quick, document.key).version == 3
    quick.sign_people()
    report = quick.issue()
    assert report.issued == []
    assert [error.code for _, error in report.failed] == ["conflict"]
    key = replace_document(quick, document.key, unlock=True)
    assert key.version == 4
    assert quick.issue_all() == [key]
    quick.assert_passes(key)


def test_a_recall_overtaken_by_a_new_version_is_asked_for_anew(quick: SmallSchool) -> None:
    document = quick.list_documents()[0]
    assert ask(quick, document.key, quick.clerk, approver=quick.principal).version == 2
    quick.correct_mark(document.pupil_code)
    key = replace_document(quick, document.key)
    assert key.version == 3
    assert quick.issue_all() == [key]
    with pytest.raises(Conflict, match="anew"):
        finish_recall(quick, document.key)
    assert recall(quick, document.key).version == 4
    report = quick.build_verifier().verify(quick.read(document.key)[0])
    assert (report.document.status, report.document.superseded_by) == ("recalled", 3)
    quick.assert_passes(key)


def test_a_recalled_version_is_not_recalled_again(quick: SmallSchool) -> None:
    document = quick.list_documents()[0]
    recall(quick, document.key)
    with pytest.raises(Conflict, match="recalled"):
        ask(quick, document.key, quick.clerk, approver=quick.principal)


def test_forged_rows_of_events_change_nothing(issued: SmallSchool) -> None:
    """A row can neither recall nor revive nor issue: its file must pass, and no file of another name passes for it."""
    first, second = issued.list_documents()
    recall(issued, second.key)
    xml = {one.key: issued.read(one.key)[0] for one in (first, second)}
    statuses = {key: issued.build_verifier().verify(content).document.status for key, content in xml.items()}
    assert statuses == {first.key: "valid", second.key: "recalled"}
    forged = issued.workspace.store.put(b"<THU_HOI_HOC_BA>forged</THU_HOI_HOC_BA>")
    with transaction(issued.workspace.sessions) as session:
        session.add(event_row(first.key.serial, 9, issued, forged))
    report = issued.build_verifier().verify(xml[first.key])
    assert report.outcome is Outcome.INDETERMINATE, "a file that does not pass recalls nothing, but it is noticed"
    assert report.document.status not in {"recalled", "superseded"}
    with transaction(issued.workspace.sessions) as session:
        session.execute(
            update(EventRow)
            .where(EventRow.serial == second.key.serial, EventRow.version == 2)
            .values(document_sha256=second.xml_sha256)
        )
    report = issued.build_verifier().verify(xml[second.key])
    assert report.outcome is not Outcome.PASSED, "a recall swapped for the document itself revives nothing"


def test_status_file_verifies_offline(issued: SmallSchool) -> None:
    current, recalled = issued.list_documents()
    recall(issued, recalled.key)
    path = export(issued)
    offline = Verifier(
        trust=issued.workspace.trust,
        authority=issued.workspace.authority,
        status=open_status(issued, path),
        clock=issued.workspace.clock,
    )
    assert offline.verify(issued.read(current.key)[0]).outcome is Outcome.PASSED
    report = offline.verify(issued.read(recalled.key)[0])
    assert (report.outcome, report.document.status) == (Outcome.FAILED, "recalled")
    assert report.document.status_as_of == AT


def test_status_files_that_are_refused(quick: SmallSchool) -> None:
    path = export(quick)
    later = FixedClock(AT + timedelta(days=8))
    with pytest.raises(StatusFileInvalid, match="newer one was due"):
        open_status(quick, path, clock=later)
    with pytest.raises(StatusFileInvalid, match="anchors"):
        open_status_file(path, trust=None, authority=quick.workspace.authority, clock=quick.workspace.clock)
    head, body, value = path.read_bytes().split(b".")
    path.write_bytes(b".".join((head, body[:-4] + b"AAAA", value)))
    with pytest.raises(StatusFileInvalid):
        open_status(quick, path)
    foreign = export(quick, seal=open_other_seal())
    with pytest.raises(StatusFileInvalid, match="seal of school"):
        open_status(quick, foreign)


def test_status_file_by_a_seal_that_leads_to_no_anchor_is_refused(quick: SmallSchool) -> None:
    """The name in a certificate is worth nothing without a path: anybody can write the school's tax number into one."""
    forged = export(quick, seal=make_signer("p-256", name=quick.school.name, identity=SEAL_IDENTITY))
    with pytest.raises(StatusFileInvalid):
        open_status(quick, forged)


def ask(
    school: SmallSchool, key: DocumentKey, requester: str, *, approver: str, reason: str = RECALL_REASON
) -> DocumentKey:
    """Ask for a recall."""
    desk = school.open_desk(school.open_person(requester))
    return request_recall(desk, key.serial, key.version, reason=reason, approver_staff_code=approver, actor=ACTOR)


def replace_document(school: SmallSchool, key: DocumentKey, *, unlock: bool = False) -> DocumentKey:
    """Build the next version from the records as they are."""
    return build_replacement(
        school.workspace, key.serial, school=school.school, reason=REASON, unlock=unlock, actor=ACTOR
    )


def finish_recall(school: SmallSchool, key: DocumentKey) -> DocumentKey:
    """Approve and seal the recall that is under way."""
    approve_recall(school.open_desk(school.open_person(school.principal)), key.serial, actor=ACTOR)
    return seal_recall(school.context, school.open_desk(school.open_seal()), key.serial, actor=ACTOR)


def recall(school: SmallSchool, key: DocumentKey) -> DocumentKey:
    """Recall a version."""
    ask(school, key, school.clerk, approver=school.principal)
    return finish_recall(school, key)


def export(school: SmallSchool, *, seal: Signer | None = None) -> Path:
    """Export the school's status file, by its own seal or another signer."""
    signed = export_status(
        school.context,
        seal or school.open_seal(),
        school_code=school.school.school_code,
        school_year=YEAR,
        actor=ACTOR,
    )
    path = school.folder.parent / "status.jws"
    path.write_bytes(signed)
    return path


def open_status(school: SmallSchool, path: Path, *, clock: FixedClock | None = None) -> StatusFile:
    """Open a status file as an offline verifier would."""
    workspace = school.workspace
    return open_status_file(path, trust=workspace.trust, authority=workspace.authority, clock=clock or workspace.clock)


def event_row(serial: str, version: int, school: SmallSchool, document_sha256: str) -> EventRow:
    """Return a row as an intruder in the database would write it."""
    return EventRow(
        serial=serial,
        version=version,
        school_code=school.school.school_code,
        school_year=YEAR,
        document_sha256=document_sha256,
        recorded_at=AT,
    )
