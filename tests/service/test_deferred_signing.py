"""Signing with a key on another machine: what is prepared, what is attached, what is refused and what stays."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from service.db.engine import transaction
from service.housekeeping import sweep_store
from service.schools.authority_files import sign_authority
from service.signing import batches
from service.signing.attaching import get_open_batch
from service.signing.desk import open_services
from service.signing.lists import BatchExpired
from service.signing.preparing import (
    BATCH_LIFETIME,
    KEEP_EXPIRED,
    NothingSignable,
    NothingToSign,
    build_identity,
    build_list_review,
    drop_batch,
    open_absent_desk,
    prepare_batch,
    sweep_batches,
)
from service.signing.values import SignedValue, ValuesHead, write_value, write_values_head
from tests.support.authority import open_department
from tests.support.deferred import (
    all_attached,
    attach,
    carry_list,
    later,
    list_outcomes,
    prepare,
    prepare_and_sign,
)
from tests.support.http import SQLITE_ONLY
from tests.support.victims import VALUES, open_victims
from tests.support.workflow import (
    ACTOR,
    AT,
    SmallSchool,
    built_school,
    enrolled_school,
    open_subscriber,
    refuse_addresses,
    spoil,
)
from transcript_core.authority import AuthorityList, StaffEntry
from transcript_core.errors import EvidenceUnavailable, NotEligible, NotFound
from transcript_core.pki.algorithms import Scheme
from transcript_core.policy import Office, SignatureFormat

XADES, PADES = SignatureFormat.XADES, SignatureFormat.PADES


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with built_school(tmp_path / "school", database_url=database_url) as built:
        yield built


def find_teacher(school: SmallSchool, scheme: Scheme, *, but: str = "") -> str:
    """Return a subject teacher of one subject alone, with a key of this kind."""
    for code in school.teachers:
        if code not in {but, school.homeroom} and school.open_person(code).algorithm.scheme is scheme:
            return code
    raise AssertionError(scheme)


def test_values_from_another_machine_are_attached_once(school: SmallSchool) -> None:
    signer = school.open_person(school.teachers[0])
    made, values = prepare_and_sign(school, signer)
    assert (made.head.documents, made.head.digests) == (2, 4)
    assert made.head.signing_time == AT
    report = attach(school, made, values)
    assert all_attached(report)
    assert report.open == 0
    school.assert_rows_tell_what_files_hold()
    before = school.snapshot()
    again = attach(school, made, values)
    assert list_outcomes(again) == ["already-attached"] * 4
    assert school.snapshot() == before, "nothing is signed twice"
    with pytest.raises(NothingToSign):
        prepare(school, signer)


@SQLITE_ONLY
def test_a_whole_school_signs_deferred_and_verifies(school: SmallSchool) -> None:
    while codes := school.list_open_staff():
        for code in codes:
            made, values = prepare_and_sign(school, school.open_person(code))
            assert all_attached(attach(school, made, values)), code
    issued = school.issue().issued
    assert len(issued) == 2
    for key in issued:
        school.assert_passes(key)
    schemes = {school.open_person(code).algorithm.scheme for code in school.teachers}
    assert schemes == {Scheme.RSA_PKCS1, Scheme.ECDSA}, "both kinds of key took part"


def test_an_xml_goes_onto_the_newer_document_and_a_stale_pdf_waits(school: SmallSchool) -> None:
    first, second = find_teacher(school, Scheme.RSA_PKCS1), find_teacher(school, Scheme.ECDSA)
    slow, slow_values = prepare_and_sign(school, school.open_person(first))
    quick, quick_values = prepare_and_sign(school, school.open_person(second))
    assert (slow.contested, quick.contested) == (0, 2), "who prepares later is told of the open batch"
    assert all_attached(attach(school, quick, quick_values))
    report = attach(school, slow, slow_values)
    assert {(one.value.format, one.outcome.value) for one in report.results} == {
        (XADES, "attached"),
        (PADES, "refused"),
    }
    assert {one.error.code for one in report.results if one.error} == {"stale-digest"}
    assert report.open == 2
    school.assert_rows_tell_what_files_hold()
    next_made, next_values = prepare_and_sign(school, school.open_person(first))
    assert [one.format for one in carry_list(school, next_made).digests] == [PADES] * 2, (
        "the PDF alone is approved again"
    )
    assert all_attached(attach(school, next_made, next_values))


@SQLITE_ONLY
def test_signing_in_the_same_room_overtakes_an_open_batch(school: SmallSchool) -> None:
    code = school.teachers[0]
    made, values = prepare_and_sign(school, school.open_person(code))
    school.sign(code)
    before = school.snapshot()
    assert set(list_outcomes(attach(school, made, values))) == {"slot-not-ready"}
    assert school.snapshot() == before


def test_one_approval_signs_every_part_of_a_person_and_one_place_of_the_pdf(tmp_path: Path) -> None:
    with enrolled_school(tmp_path / "school", change=let_the_first_teacher_be_the_second_too) as school:
        school.import_()
        school.build()
        signer = school.open_person(list_teachers(school.workspace.get_authority())[0].staff_code)
        made, values = prepare_and_sign(school, signer)
        per_document = [one for one in carry_list(school, made).digests if one.serial == values[0].serial]
        assert sorted(one.format for one in per_document) == [PADES, XADES, XADES]
        assert all_attached(attach(school, made, values))
        made, values = prepare_and_sign(school, signer)
        assert {one.format for one in carry_list(school, made).digests} == {PADES}
        assert all_attached(attach(school, made, values))
        school.assert_rows_tell_what_files_hold()


def let_the_first_teacher_be_the_second_too(authority: AuthorityList) -> AuthorityList:
    """Give the second teacher's entry the identity of the first: one person with two staff codes."""
    first, second = list_teachers(authority)[:2]
    staff = tuple(replace(one, identities=first.identities) if one is second else one for one in authority.staff)
    return replace(authority, staff=staff)


def list_teachers(authority: AuthorityList) -> list[StaffEntry]:
    return [one for one in authority.staff if {office.office for office in one.offices} == {Office.SUBJECT_TEACHER}]


@SQLITE_ONLY
def test_values_may_come_in_any_order_and_in_parts(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    pdf_alone = attach(school, made, [one for one in values if one.format is PADES][:1])
    assert list_outcomes(pdf_alone) == ["slot-not-ready"], "a PDF is signed only beside its XML"
    report = attach(school, made, values[::-1])
    assert all_attached(report)
    assert [one.value for one in report.results] == values[::-1], "results come in the order of the values"


@SQLITE_ONLY
def test_swapped_foreign_and_doubled_values_are_refused_by_name(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    first, second, third, fourth = values
    swapped = [replace(first, value=second.value), replace(second, value=first.value)]
    renamed = [replace(third, serial=first.serial), replace(third, number=999)]
    report = attach(school, made, [*swapped, *renamed, third, replace(third), fourth])
    assert list_outcomes(report) == [
        "signature-mismatch",
        "signature-mismatch",
        "signing-list-invalid",
        "signing-list-invalid",
        "attached",
        "signing-list-invalid",
        "attached",
    ]
    refused = report.results[0].error
    assert f"document {first.serial} version 1, slot {first.slot_id}" in str(refused)
    assert all_attached(attach(school, made, values[:2]))
    school.assert_rows_tell_what_files_hold()


@pytest.mark.parametrize("spoiled", [b"", b"\x00" * 64, b"\x01" * 256, b"\xff" * 5])
@SQLITE_ONLY
def test_nonsense_is_no_value(school: SmallSchool, spoiled: bytes) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    before = school.snapshot()
    report = attach(school, made, [replace(one, value=spoiled) for one in values])
    assert set(list_outcomes(report)) == {"signature-mismatch"}
    assert school.snapshot() == before


@SQLITE_ONLY
def test_another_persons_value_is_refused(school: SmallSchool) -> None:
    first, second = find_teacher(school, Scheme.ECDSA), school.homeroom
    made = prepare(school, school.open_person(first))
    other = school.open_person(second)
    listed = carry_list(school, made).digests
    forged = [SignedValue.of(one, other.sign_digests([one.digest])[0]) for one in listed]
    assert set(list_outcomes(attach(school, made, forged))) == {"signature-mismatch"}


@SQLITE_ONLY
def test_a_document_made_anew_meanwhile_keeps_no_stale_picture(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    changed = school.list_documents()[0]
    school.correct_mark(changed.pupil_code)
    school.build(unlock=True)
    report = attach(school, made, values)
    mine = {code for one, code in zip(values, list_outcomes(report), strict=True) if one.serial == changed.key.serial}
    assert mine == {"stale-digest"}, "its marks were changed since"
    school.assert_rows_tell_what_files_hold()


def test_values_come_too_late_after_a_day(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    in_time = later(school, BATCH_LIFETIME - timedelta(seconds=1))
    assert all_attached(attach(in_time, made, values[:2]))
    late = later(school, BATCH_LIFETIME)
    with pytest.raises(BatchExpired):
        attach(late, made, values[2:])
    assert sweep_batches(late.workspace) == 0, "for a day it still says that it expired"
    much_later = later(school, BATCH_LIFETIME + KEEP_EXPIRED + timedelta(seconds=1))
    assert sweep_batches(much_later.workspace) == 1
    with pytest.raises(NotFound):
        attach(much_later, made, values[2:])
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
def test_a_batch_that_was_given_up_takes_nothing(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    drop_batch(school.workspace, made.head.batch_id, actor="test")
    with pytest.raises(NotFound):
        attach(school, made, values)
    with pytest.raises(NotFound):
        drop_batch(school.workspace, made.head.batch_id, actor="test")


def test_the_evidence_of_an_open_batch_is_not_swept(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    sweep_store(school.workspace, min_age_s=-3_600)
    assert all_attached(attach(school, made, values))


def test_a_batch_is_not_found_before_it_is_whole(school: SmallSchool) -> None:
    """A process that is killed while it prepares leaves rows that nobody finds and that expire."""
    made = prepare(school, school.open_person(school.teachers[0]))
    batch = get_open_batch(school.workspace, made.head.batch_id)
    half = replace(batch, batch_id="0" * 26, list_sha256=None)
    with transaction(school.workspace.sessions) as session:
        batches.add_batch(session, half)
    with pytest.raises(NotFound):
        get_open_batch(school.workspace, half.batch_id)
    assert sweep_batches(later(school, BATCH_LIFETIME + KEEP_EXPIRED + timedelta(seconds=1)).workspace) == 2


@SQLITE_ONLY
@pytest.mark.parametrize("reason", ["revoked", "expired", "not-yet-valid", "no-signing-usage"])
def test_a_certificate_that_may_not_sign_gets_no_list(school: SmallSchool, reason: str) -> None:
    signer = open_subscriber(spoil(school.subscribers[school.teachers[0]], reason))
    with pytest.raises((NotEligible, NothingSignable)) as refused:
        prepare(school, signer)
    error = refused.value.refused[0].error if isinstance(refused.value, NothingSignable) else refused.value
    assert isinstance(error, NotEligible)
    assert error.reason == reason


@SQLITE_ONLY
def test_who_lost_the_office_meanwhile_signs_nothing(school: SmallSchool) -> None:
    code = school.teachers[0]
    made, values = prepare_and_sign(school, school.open_person(code))
    authority = school.workspace.get_authority()
    left = replace(authority, number=2, staff=tuple(one for one in authority.staff if one.staff_code != code))
    newer = school.folder.parent / "newer.jws"
    newer.write_bytes(sign_authority(left, open_department()))
    settings = school.workspace.settings.model_copy(update={"authority_file": newer})
    dismissed = replace(school, workspace=replace(school.workspace, settings=settings))
    before = school.snapshot()
    assert set(list_outcomes(attach(dismissed, made, values))) == {"not-eligible"}
    assert school.snapshot() == before
    assert all_attached(attach(school, made, values)), "the old list still knew them"


@SQLITE_ONLY
@pytest.mark.parametrize("step", ["_write_all", "_sync_file_system"], ids=["while writing", "at the sync"])
def test_a_full_disk_refuses_documents_and_the_same_values_fit_later(
    school: SmallSchool, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    before = school.snapshot()
    with monkeypatch.context() as patch:
        patch.setattr(f"service.store.{step}", refuse_to_write)
        assert set(list_outcomes(attach(school, made, values))) == {"store-full"}
    assert school.snapshot() == before
    assert all_attached(attach(school, made, values))


def refuse_to_write(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@SQLITE_ONLY
def test_a_seal_is_sent_to_its_own_verb(school: SmallSchool) -> None:
    with pytest.raises(NotEligible, match="hocba issue"):
        prepare(school, school.open_seal())


@SQLITE_ONLY
def test_without_revocation_status_nothing_is_prepared(school: SmallSchool) -> None:
    with pytest.raises(EvidenceUnavailable):
        prepare(school, school.open_person(school.teachers[0]), fetch=refuse_addresses(school.fetch, "/"))


@SQLITE_ONLY
def test_a_certificate_that_ends_meanwhile_attaches_nothing(school: SmallSchool) -> None:
    person = school.subscribers[school.teachers[0]]
    signer = open_subscriber(replace(person, valid_from=AT - timedelta(days=9), valid_to=AT + timedelta(hours=1)))
    made, values = prepare_and_sign(school, signer)
    with pytest.raises(NotEligible):
        attach(later(school, timedelta(hours=2)), made, values)
    assert all_attached(attach(school, made, values))


@SQLITE_ONLY
def test_an_attach_that_is_killed_anywhere_repeats_and_loses_nothing(school: SmallSchool) -> None:
    made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
    head = write_values_head(ValuesHead.of(made.head))
    (school.folder.parent / VALUES).write_bytes(head + b"".join(write_value(one) for one in values))
    killed = 0
    with open_victims(school) as victims:
        for kill_at in count(1, 2):
            if victims.run("attach", kill_at=kill_at):
                break
            killed += 1
            school.assert_rows_tell_what_files_hold()
            school.assert_store_is_sound()
    assert killed > 2, "before a file, between files, and after the rows"
    assert list_outcomes(attach(school, made, values)) == ["already-attached"] * 4
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
def test_what_is_not_what_the_review_showed_is_not_prepared(school: SmallSchool) -> None:
    """One document has another content by now, another came after the review."""
    signer = school.open_person(school.teachers[0])
    identity = build_identity([signer.certificate, *signer.chain], signer.algorithm)
    desk = open_absent_desk(school.workspace, identity, open_services(school.workspace, school.fetch))
    review = build_list_review(desk, school_code=school.school.school_code)
    first, second = review.slots
    stale = prepare_batch(desk, replace(review, slots=(replace(first, content_sha256="0" * 64), second)), actor=ACTOR)
    assert [(one.key, one.slot_id, one.error.code) for one in stale.refused] == [
        (first.key, first.slot_id, "changed-since-review")
    ]
    assert {one.serial for one in carry_list(school, stale).digests} == {second.key.serial}
    early = prepare_batch(desk, replace(review, slots=(first,)), actor=ACTOR)
    assert {one.serial for one in carry_list(school, early).digests} == {first.key.serial}
    assert early.refused == ()
