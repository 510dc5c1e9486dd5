"""Everybody signs in turn, in both formats; whoever may not is refused and nothing changes.  On both databases."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from service.db.engine import transaction
from service.progress import no_progress
from service.signing.batching import sign_pass
from service.signing.description import read_description
from service.signing.opening import OpenSlot
from service.signing.workflow import SigningReport
from service.signing.workplace import AppearanceCache
from service.transcripts import repository, slot_repository
from service.transcripts.building import get_transcript_document
from service.transcripts.repository import DocumentKey, DocumentState
from signing.batch import PreparedTask, SigningTask, attach_task, prepare_task
from signing.signer import Signer, SigningIdentity
from tests.support.pki import development_pki
from tests.support.workflow import (
    ACTOR,
    AT,
    SEAL_IDENTITY,
    SmallSchool,
    built_school,
    list_staff_of,
    open_other_seal,
    open_other_teacher,
    open_subscriber,
    seal_subscriber,
    spoil,
)
from transcript_core.errors import NotEligible, StaleDigest, StateError, TranscriptError
from transcript_core.policy import SignatureFormat
from transcript_core.xml import get_signature
from verify.report import Outcome

BOTH = frozenset(SignatureFormat)
MATHS_SLOT = "gvbm-TOAN-1"


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with built_school(tmp_path, database_url=database_url) as made:
        yield made


@pytest.fixture
def quick_school(tmp_path: Path) -> Iterator[SmallSchool]:
    with built_school(tmp_path) as made:
        yield made


def test_sixteen_teachers_interleaved_one_with_a_deferred_digest(school: SmallSchool) -> None:
    first, second = (one.key for one in school.list_documents())
    (deferred,) = list_staff_of(school.records, "TIN")
    slot_id = "gvbm-TIN-1"
    prepared = prepare(school, first, slot_id, deferred)
    others = [code for code in school.teachers if code != deferred]
    for code in others[::2] + others[1::2]:  # not the order of the form
        assert not school.sign(code).failed
    assert {slot for slot, formats in school.list_signed(first).items() if formats == BOTH} == teacher_slots(
        school, first
    ) - {slot_id}

    attached = attach_late(school, first, prepared, deferred)
    assert school.list_signed(first)[slot_id] == {SignatureFormat.XADES}
    assert not school.sign(school.homeroom).signed, "the PDF's slot is open still"
    again = school.sign(deferred)
    assert not again.failed
    assert school.list_signed(first)[slot_id] == BOTH
    assert get_signature(school.read(first)[0], slot_id) == get_signature(attached, slot_id), "not signed twice"

    assert set(school.issue_all()) == {first, second}
    for key in (first, second):
        school.assert_passes(key)
        assert set(school.list_signed(key).values()) == {BOTH}
    assert_pyhanko_accepts(school.read(first)[1], signatures=19)
    school.assert_store_is_sound()


def test_signing_again_changes_nothing(school: SmallSchool) -> None:
    school.sign_people()
    before = school.snapshot()
    for code in school.subscribers:
        report = school.sign(code)
        assert (report.signed, report.failed) == ([], [])
    assert school.snapshot() == before
    assert school.issue().issued
    issued = school.snapshot()
    assert school.issue().issued == []
    assert school.snapshot() == issued


def test_who_comes_too_early_signs_nothing(school: SmallSchool) -> None:
    before = school.snapshot()
    assert not school.sign(school.principal).signed
    assert school.issue().issued == []
    assert school.snapshot() == before
    school.sign(school.homeroom)  # teaches too, so one slot is open; the homeroom teacher's own is not
    school.sign(school.principal)
    keys = [one.key for one in school.list_documents()]
    assert all(school.list_signed(key)["gvcn"] == frozenset() for key in keys)
    for code in school.teachers:
        if code != school.homeroom:
            school.sign(code)
    before = school.snapshot()
    assert not school.sign(school.principal).signed
    assert school.issue().issued == []
    assert school.snapshot() == before
    assert len(school.sign(school.homeroom).signed) == 2
    before = school.snapshot()
    assert school.issue().issued == []
    assert school.snapshot() == before
    assert len(school.sign(school.principal).signed) == 2
    assert len(school.issue().issued) == 2


@pytest.mark.parametrize(
    ("who", "slot_id", "reason"),
    [
        ("homeroom", "gvcn", "slot-not-ready"),
        ("principal", "cbql", "slot-not-ready"),
        ("seal", "ky-phat-hanh", "slot-not-ready"),
        ("clerk", MATHS_SLOT, "other-identity"),
        ("principal", MATHS_SLOT, "other-identity"),
        ("other-teacher", MATHS_SLOT, "other-identity"),
        ("other-seal", MATHS_SLOT, "other-identity"),
        ("seal", MATHS_SLOT, "other-identity"),
    ],
)
def test_whoever_forces_a_slot_is_refused(quick_school: SmallSchool, who: str, slot_id: str, reason: str) -> None:
    """Past the list of open slots, straight at the engine: eligibility is asked there too."""
    before = quick_school.snapshot()
    assert reasons_of(force(quick_school, signers(quick_school)[who], slot_id)) == {reason}
    assert quick_school.snapshot() == before


@pytest.mark.parametrize(
    ("who", "slot_id"),
    [("clerk", "cbql"), ("deputy", "cbql"), ("other-seal", "ky-phat-hanh"), ("principal", "ky-phat-hanh")],
)
def test_last_slots_are_refused_to_others(quick_school: SmallSchool, who: str, slot_id: str) -> None:
    quick_school.sign_teachers()
    quick_school.sign(quick_school.homeroom)
    if slot_id == "ky-phat-hanh":
        quick_school.sign(quick_school.principal)
    before = quick_school.snapshot()
    assert reasons_of(force(quick_school, signers(quick_school)[who], slot_id)) == {"other-identity"}
    assert quick_school.snapshot() == before


def test_another_schools_people_find_no_open_slot(quick_school: SmallSchool) -> None:
    before = quick_school.snapshot()
    assert quick_school.sign_with(open_other_teacher()).signed == []
    assert quick_school.issue(seal=open_other_seal()).issued == []
    with pytest.raises(NotEligible) as refused:
        quick_school.sign_with(quick_school.open_seal())
    assert refused.value.reason == "unknown-staff"
    with pytest.raises(NotEligible) as refused:
        quick_school.issue(seal=quick_school.open_person(quick_school.principal))
    assert refused.value.reason == "unknown-seal"
    assert quick_school.snapshot() == before


@pytest.mark.parametrize("reason", ["expired", "not-yet-valid", "revoked", "no-signing-usage"])
def test_certificates_that_may_not_sign(quick_school: SmallSchool, reason: str) -> None:
    """The right person, by the authority list too, with a certificate that is of no use now."""
    before = quick_school.snapshot()
    (teacher,) = list_staff_of(quick_school.records, "TOAN")
    spoiled = open_subscriber(spoil(quick_school.subscribers[teacher], reason))
    assert refusals(lambda: [error for _, _, error in quick_school.sign_with(spoiled).failed]) == {reason}
    assert quick_school.snapshot() == before
    assert quick_school.sign(teacher).signed, "the same person's good certificate signs"


@pytest.mark.parametrize("reason", ["expired", "revoked"])
def test_seals_that_may_not_seal(quick_school: SmallSchool, reason: str) -> None:
    quick_school.sign_people()
    before = quick_school.snapshot()
    seal = spoil(seal_subscriber(quick_school.school.name, SEAL_IDENTITY), reason)
    spoiled = open_subscriber(seal)
    assert refusals(lambda: [error for _, error in quick_school.issue(seal=spoiled).failed]) == {reason}
    assert quick_school.snapshot() == before
    assert len(quick_school.issue().issued) == 2


def test_two_teachers_at_the_same_time_lose_nothing(school: SmallSchool) -> None:
    """Truly at once, again and again: some PDFs wait for the next approval, every slot ends up signed once."""
    troubles: list[TranscriptError] = []

    def work(codes: list[str]) -> None:
        try:
            for code in codes:
                report = school.sign(code)
                troubles.extend(
                    error for _, _, error in report.failed if not isinstance(error, StateError | StaleDigest)
                )
        except TranscriptError as error:
            troubles.append(error)

    teachers = list(school.teachers)
    threads = [threading.Thread(target=work, args=(teachers[number::2],)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert len(school.issue_all()) == 2
    for one in school.list_documents():
        school.assert_passes(one.key)
    school.assert_store_is_sound()


def test_one_bad_document_does_not_stop_the_others(quick_school: SmallSchool) -> None:
    bad, good = quick_school.list_documents()
    quick_school.workspace.store.discard(bad.xml_sha256)
    (teacher,) = list_staff_of(quick_school.records, "TOAN")
    report = quick_school.sign(teacher)
    assert [key for key, _ in report.signed] == [good.key]
    assert [(key, error.code) for key, _, error in report.failed] == [(bad.key, "not-found")]


def test_evidence_that_a_signature_lacks_stands_in_the_seals(quick_school: SmallSchool) -> None:
    """One teacher's XML signature lacks its evidence; whoever holds the XML alone can verify it all the same."""
    first, second = (one.key for one in quick_school.list_documents())
    (teacher,) = list_staff_of(quick_school.records, "TIN")
    prepared = prepare(quick_school, first, "gvbm-TIN-1", teacher)
    quick_school.sign(quick_school.deputy)
    quick_school.sign(list_staff_of(quick_school.records, "TOAN")[0])
    attached = attach_late(quick_school, first, prepared, teacher, evidence=False)
    quick_school.sign_people()
    report = quick_school.issue()
    assert (set(report.issued), report.failed) == ({first, second}, [])
    xml = quick_school.read(first)[0]
    signature = get_signature(attached, "gvbm-TIN-1")
    assert signature is not None
    assert signature in xml
    assert b"RevocationValues" not in signature
    alone = quick_school.context.events.verifier.verify(xml, at=quick_school.workspace.clock.now())
    assert alone.outcome is Outcome.PASSED


def prepare(school: SmallSchool, key: DocumentKey, slot_id: str, staff_code: str) -> PreparedTask:
    """Return the digests of one slot, for a value that comes later."""
    signer = school.open_person(staff_code)
    desk = school.open_desk(signer)
    xml, pdf = school.read(key)
    document = get_transcript_document(xml)
    slot = next(one for one in document.slots if one.slot_id == slot_id)
    stored = school.get_document(key)
    opened = OpenSlot(stored, read_description(xml), slot, xml, pdf, tuple(SignatureFormat))
    task = SigningTask(
        key=str(key),
        slot=slot,
        slots=document.slots,
        policy=document.policy,
        xml=xml,
        formats=tuple(SignatureFormat),
        pdf=pdf,
        appearance=AppearanceCache(desk.at).build(opened),
    )
    prepared = prepare_task(task, SigningIdentity.of(signer), check=desk.check, at=desk.at)
    assert not prepared.errors
    return prepared


def attach_late(
    school: SmallSchool, key: DocumentKey, prepared: PreparedTask, staff_code: str, *, evidence: bool = True
) -> bytes:
    """Attach the values to the documents as they are now; return the XML, which alone can take them."""
    desk = school.open_desk(school.open_person(staff_code))
    digests = [one.digest for one in prepared.pendings.values()]
    values = dict(zip(prepared.pendings, desk.signer.sign_digests(digests), strict=True))
    stored, (xml, pdf) = school.get_document(key), school.read(key)
    now = replace(prepared, task=replace(prepared.task, xml=xml, pdf=pdf))
    result = attach_task(
        now, values, identity=SigningIdentity.of(desk.signer), evidence=desk.evidence if evidence else None
    )
    assert isinstance(result.formats[SignatureFormat.PADES].error, StaleDigest)
    attached = result.formats[SignatureFormat.XADES].document
    assert attached is not None
    digest_hex = school.workspace.store.put(attached)
    with transaction(school.workspace.sessions) as session:
        repository.move_document(session, stored, xml_sha256=digest_hex, pdf_sha256=stored.pdf_sha256)
        slot_repository.mark_slots(session, key, {prepared.task.slot.slot_id: frozenset({SignatureFormat.XADES})})
    return attached


def teacher_slots(school: SmallSchool, key: DocumentKey) -> set[str]:
    """Return the Ids of the subject teachers' slots."""
    return {slot_id for slot_id in school.list_signed(key) if slot_id.startswith("gvbm-")}


def signers(school: SmallSchool) -> Mapping[str, Signer]:
    """Return keys of those who try."""
    return {
        "homeroom": school.open_person(school.homeroom),
        "principal": school.open_person(school.principal),
        "deputy": school.open_person(school.deputy),
        "clerk": school.open_person(school.clerk),
        "seal": school.open_seal(),
        "other-teacher": open_other_teacher(),
        "other-seal": open_other_seal(),
    }


def force(school: SmallSchool, signer: Signer, slot_id: str) -> SigningReport:
    """Let `signer` try one slot of every document, whoever's it is."""
    todo = [(one.key, slot_id) for one in school.list_documents(DocumentState.LOCKED)]
    school_code = school.school.school_code
    report = sign_pass(school.open_desk(signer), todo, school_code=school_code, actor=ACTOR, advance=no_progress)
    return SigningReport(report.signed, [(*name, error) for name, error in report.failed.items()])


def refusals(action: Callable[[], list[TranscriptError]]) -> set[str]:
    """Return why the action was refused, document by document or as a whole; each refusal has a Vietnamese sentence."""
    try:
        errors = action()
    except NotEligible as error:
        errors = [error]
    assert errors
    assert all(isinstance(error, NotEligible) and error.text_vi for error in errors)
    return {error.reason for error in errors if isinstance(error, NotEligible)}


def reasons_of(report: SigningReport) -> set[str]:
    """Return why all of it was refused."""
    assert report.failed
    assert not report.signed
    return {error.reason if isinstance(error, NotEligible) else error.code for _, _, error in report.failed}


def assert_pyhanko_accepts(pdf: bytes, *, signatures: int) -> None:
    """Fail unless pyHanko trusts every signature of the PDF."""
    roots = [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]
    embedded = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert len(embedded) == signatures
    for one in embedded:
        context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=AT)
        assert validate_pdf_signature(one, context, context).bottom_line, one.field_name
