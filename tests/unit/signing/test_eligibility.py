"""Who may sign which slot when: order, certificate, authority, trust and revocation, each refusal with its reason."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, cast

import pytest

from keys_dev.pki import Subscriber
from keys_dev.profiles import Profile
from keys_dev.services import Responder
from signing.eligibility import DUTY, SignerCheck, check_certificate, check_may_sign
from signing.evidence import EvidenceCollector
from signing.keystores.pkcs12 import open_pkcs12
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.samples import HOMEROOM, PRINCIPAL, SCHOOL_YEAR, build_issue, build_transcript
from tests.support.signers import make_signer
from transcript_core.authority import AuthorityList, OfficeEntry, SchoolEntry, SealEntry, StaffEntry, check_slot
from transcript_core.clock import FixedClock
from transcript_core.errors import NotEligible, SlotNotReady
from transcript_core.model import DocumentReference, Recall, SchoolLevel, SlotRole, SlotSigner, Substitution
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.trust import World
from transcript_core.policy import Office, Slot, find_policy, list_recall_slots, list_slots

AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
SCHOOL = "01000701"
SEAL = "MST:0101234567"
DEPUTY = ("0147610299", "Lê Thanh Hà")
DECISION = "Quyết định số 12/QĐ-THCSHS ngày 04/5/2026"
CCCD = {PRINCIPAL[0]: "001170000001", HOMEROOM[0]: "001170000002", DEPUTY[0]: "001170000003"}
SINCE = date(2025, 8, 15)


@cache
def slots_of(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> tuple[Slot, ...]:
    transcript = build_transcript(level)
    return list_slots(transcript, build_issue(transcript), find_policy(level))


def slot_of(role: SlotRole) -> Slot:
    return next(slot for slot in slots_of() if slot.role is role)


def before(slot: Slot) -> frozenset[str]:
    return frozenset(one.slot_id for one in slots_of() if one.rule.order < slot.rule.order)


def staff(person: tuple[str, str], *offices: OfficeEntry) -> StaffEntry:
    return StaffEntry(person[0], person[1], (f"CCCD:{CCCD[person[0]]}",), offices)


def office(kind: Office, **details: object) -> OfficeEntry:
    entry = OfficeEntry(kind, SCHOOL, SINCE)
    return replace(entry, **details)  # type: ignore[arg-type]


HOMEROOM_OFFICE = office(Office.HOMEROOM_TEACHER, school_year=SCHOOL_YEAR, class_name="7A2")


def build_authority(people: Sequence[StaffEntry] | None = None, *, seal: str = SEAL) -> AuthorityList:
    school = SchoolEntry(
        school_code=SCHOOL,
        name="Trường THCS Hoa Sen",
        levels=(SchoolLevel.LOWER_SECONDARY,),
        commune="Phường Cầu Giấy",
        province_code="01",
        province_name="Thành phố Hà Nội",
        department_name="Sở Giáo dục và Đào tạo Hà Nội",
        seals=(SealEntry(seal, SINCE),),
    )
    default = (staff(PRINCIPAL, office(Office.PRINCIPAL)), staff(HOMEROOM, HOMEROOM_OFFICE))
    return AuthorityList(
        number=1,
        issuer="Sở Giáo dục và Đào tạo Hà Nội",
        issued_at=AT - timedelta(days=30),
        valid_from=AT - timedelta(days=30),
        valid_to=AT + timedelta(days=300),
        schools=(school,),
        staff=default if people is None else tuple(people),
    )


def certificate_of(person: tuple[str, str]) -> Certificate:
    return open_person(person[1], CCCD[person[0]], algorithm="p-256").certificate


def evidence_of(certificate: Certificate, at: datetime = AT) -> Evidence:
    pki, clock = development_pki(), FixedClock(at)
    return EvidenceCollector(Responder(pki, clock), pki.trust_store(), clock).collect(certificate)


def check(
    slot: Slot,
    certificate: Certificate,
    *,
    signed: frozenset[str] | None = None,
    slots: Sequence[Slot] | None = None,
    authority: AuthorityList | None = None,
    evidence: Evidence | None = None,
    at: datetime = AT,
) -> None:
    check_may_sign(
        slot,
        certificate,
        slots=slots or slots_of(),
        signed=before(slot) if signed is None else signed,
        authority=authority or build_authority(),
        trust=development_pki().trust_store(),
        evidence=evidence or evidence_of(certificate, at),
        at=at,
    )


def refused(slot: Slot, certificate: Certificate, **details: Any) -> str:
    with pytest.raises(NotEligible) as caught:
        check(slot, certificate, **details)
    assert slot.slot_id in str(caught.value)
    assert caught.value.text_vi.endswith(".")
    return caught.value.reason


def nothing_known(certificate: Certificate) -> Evidence:
    return Evidence((certificate,), (), (), AT)


@pytest.mark.parametrize(("role", "person"), [(SlotRole.HOMEROOM_TEACHER, HOMEROOM), (SlotRole.MANAGER, PRINCIPAL)])
def test_the_right_person_may_sign(role: SlotRole, person: tuple[str, str]) -> None:
    check(slot_of(role), certificate_of(person))


def test_the_school_seal_may_sign() -> None:
    check(slot_of(SlotRole.SEAL), open_seal().certificate)


def test_another_schools_seal_may_not() -> None:
    other = open_seal("Trường THCS Hoa Hồng", "0107654321").certificate
    assert refused(slot_of(SlotRole.SEAL), other) == "other-identity"


def test_a_teacher_of_the_subject_and_class_may_sign() -> None:
    slot = next(one for one in slots_of() if one.slot_id == "gvbm-LSDL-1")
    teaches = office(Office.SUBJECT_TEACHER, school_year=SCHOOL_YEAR, class_name="7A2", subject_code="LSDL")
    certificate = certificate_of(HOMEROOM)
    check(slot, certificate, authority=build_authority([staff(HOMEROOM, teaches)]))
    for wrong, reason in (
        (replace(teaches, subject_code="TOAN"), "other-subject"),
        (replace(teaches, class_name="7A1"), "other-class"),
        (replace(teaches, school_year="2024-2025"), "other-class"),
        (replace(teaches, to_day=date(2026, 5, 1)), "out-of-office"),
        (HOMEROOM_OFFICE, "out-of-office"),
    ):
        assert refused(slot, certificate, authority=build_authority([staff(HOMEROOM, wrong)])) == reason


def test_earlier_slots_are_named_in_the_refusal() -> None:
    slot = slot_of(SlotRole.HOMEROOM_TEACHER)
    waiting = ("gvbm-TOAN-1", "gvbm-LSDL-2")
    with pytest.raises(SlotNotReady) as caught:
        check(slot, certificate_of(HOMEROOM), signed=before(slot) - set(waiting))
    assert caught.value.missing == waiting
    assert "Hoàng Hữu An" in caught.value.text_vi
    assert "Lịch sử và Địa lí" in caught.value.text_vi


def test_the_seal_waits_for_the_principal() -> None:
    slot = slot_of(SlotRole.SEAL)
    with pytest.raises(SlotNotReady) as caught:
        check(slot, open_seal().certificate, signed=before(slot) - {"cbql"})
    assert caught.value.missing == ("cbql",)


def test_a_signed_slot_is_not_signed_again() -> None:
    slot = slot_of(SlotRole.HOMEROOM_TEACHER)
    with pytest.raises(SlotNotReady) as caught:
        check(slot, certificate_of(HOMEROOM), signed=before(slot) | {slot.slot_id})
    assert caught.value.missing == ()


def test_somebody_elses_certificate_may_not() -> None:
    assert refused(slot_of(SlotRole.MANAGER), certificate_of(HOMEROOM)) == "other-identity"
    nameless = make_signer("p-256", identity=None).certificate
    assert refused(slot_of(SlotRole.MANAGER), nameless, evidence=nothing_known(nameless)) == "other-identity"


def test_a_principal_of_another_school_may_not() -> None:
    authority = build_authority([staff(PRINCIPAL, office(Office.PRINCIPAL))])
    elsewhere = replace(slot_of(SlotRole.MANAGER), school_code="01000702")
    assert refused(elsewhere, certificate_of(PRINCIPAL), authority=authority, slots=(elsewhere,)) == "other-school"


def deputy_slot(substitution: Substitution | None) -> Slot:
    title = "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG"
    manager = slot_of(SlotRole.MANAGER)
    return replace(manager, staff_code=DEPUTY[0], name=DEPUTY[1], title=title, substitution=substitution)


def test_the_deputy_signs_in_the_principals_place_by_the_decision_in_the_list() -> None:
    slot = deputy_slot(Substitution("Hiệu trưởng đi công tác", DECISION))
    certificate = certificate_of(DEPUTY)
    delegated = build_authority([staff(DEPUTY, office(Office.VICE_PRINCIPAL, authority=DECISION))])
    check(slot, certificate, authority=delegated)
    own_post = build_authority([staff(DEPUTY, office(Office.VICE_PRINCIPAL))])
    assert refused(slot, certificate, authority=own_post) == "no-delegation"
    assert refused(deputy_slot(None), certificate, authority=own_post) == "no-delegation"


def test_whoever_stands_in_for_the_homeroom_teacher_needs_the_decision() -> None:
    slot = replace(
        slot_of(SlotRole.HOMEROOM_TEACHER),
        staff_code=DEPUTY[0],
        name=DEPUTY[1],
        substitution=Substitution("nghỉ thai sản", DECISION),
    )
    certificate = certificate_of(DEPUTY)
    check(
        slot,
        certificate,
        authority=build_authority([staff(DEPUTY, replace(HOMEROOM_OFFICE, authority=DECISION))]),
    )
    other = build_authority([staff(DEPUTY, replace(HOMEROOM_OFFICE, authority="Quyết định số 13/QĐ-THCSHS"))])
    assert refused(slot, certificate, authority=other) == "no-delegation"


def issue(**details: Any) -> Certificate:
    pki = development_pki()
    subscriber = Subscriber(
        PRINCIPAL[1], f"CCCD:{CCCD[PRINCIPAL[0]]}", "Trường THCS Hoa Sen", World.PUBLIC_DUTY, "p-256", **details
    )
    path = pki.issue(subscriber)
    return open_pkcs12(path, pki.read_password(path)).certificate


def test_a_certificate_out_of_its_time_may_not() -> None:
    slot = slot_of(SlotRole.MANAGER)
    expired = issue(valid_from=AT - timedelta(days=200), valid_to=AT - timedelta(days=1))
    early = issue(valid_from=AT + timedelta(days=1), valid_to=AT + timedelta(days=200))
    for certificate, reason in ((expired, "expired"), (early, "not-yet-valid")):
        assert refused(slot, certificate, evidence=nothing_known(certificate)) == reason
        with pytest.raises(NotEligible) as caught:
            check_certificate(certificate, at=AT)
        assert caught.value.reason == reason
    check_certificate(certificate_of(PRINCIPAL), at=AT)


def test_a_certificate_for_something_else_may_not() -> None:
    assert refused(slot_of(SlotRole.MANAGER), issue(profile=Profile.NO_SIGNING_USAGE)) == "no-signing-usage"
    authority = development_pki().trust_store().anchors[0].certificate
    assert refused(slot_of(SlotRole.MANAGER), authority, evidence=nothing_known(authority)) == "no-signing-usage"


def test_a_weak_key_may_not() -> None:
    weak = make_signer("rsa-1024", algorithm=make_signer("rsa-2048").algorithm).certificate
    assert refused(slot_of(SlotRole.MANAGER), weak, evidence=nothing_known(weak)) == "weak-key"


def test_a_revoked_certificate_may_not() -> None:
    pki = development_pki()
    path = pki.issue(
        Subscriber(
            f"Thu hồi {uuid.uuid4()}", f"CCCD:{CCCD[PRINCIPAL[0]]}", "Trường THCS Hoa Sen", World.NATIONAL, "p-256"
        )
    )
    certificate = open_pkcs12(path, pki.read_password(path)).certificate
    check(slot_of(SlotRole.MANAGER), certificate)
    pki.revoke(certificate, at=AT - timedelta(hours=1))
    assert refused(slot_of(SlotRole.MANAGER), certificate) == "revoked"


def test_a_certificate_whose_status_is_unknown_may_not() -> None:
    certificate = certificate_of(PRINCIPAL)
    bare = replace(evidence_of(certificate), ocsps=(), crls=())
    assert refused(slot_of(SlotRole.MANAGER), certificate, evidence=bare) == "revocation-unknown"
    stale = evidence_of(certificate, AT - timedelta(days=30))
    assert refused(slot_of(SlotRole.MANAGER), certificate, evidence=stale) == "revocation-unknown"


def test_a_certificate_of_an_unknown_ca_may_not() -> None:
    stranger = make_signer("p-256", identity=f"CCCD:{CCCD[PRINCIPAL[0]]}").certificate
    assert refused(slot_of(SlotRole.MANAGER), stranger, evidence=nothing_known(stranger)) == "untrusted"


def test_nobody_approves_their_own_recall() -> None:
    transcript = build_transcript()
    policy = find_policy(None)

    def signer(role: SlotRole, slot_id: str, person: tuple[str, str]) -> SlotSigner:
        return SlotSigner(slot_id=slot_id, role=role, staff_code=person[0], name=person[1], title="HIỆU TRƯỞNG")

    recall = Recall(
        serial=transcript.serial,
        version=2,
        target=DocumentReference(transcript.serial, 1, bytes(32)),
        school=transcript.school,
        school_year=transcript.school_year,
        reason="Sai điểm",
        requested_by=signer(SlotRole.REQUESTER, "nguoi-de-nghi", PRINCIPAL),
        requested_at=AT,
        approved_by=signer(SlotRole.MANAGER, "cbql", PRINCIPAL),
        seal=build_issue(transcript).seal,
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )
    slots = list_recall_slots(recall, policy)
    certificate = certificate_of(PRINCIPAL)
    check(slots[0], certificate, slots=slots, signed=frozenset())
    signed = frozenset({"nguoi-de-nghi"})
    assert refused(slots[1], certificate, slots=slots, signed=signed) == "own-request"


def test_one_check_serves_every_document_of_a_batch() -> None:
    certificate = certificate_of(PRINCIPAL)
    one = SignerCheck(
        certificate,
        authority=build_authority(),
        trust=development_pki().trust_store(),
        evidence=evidence_of(certificate),
        at=AT,
    )
    slot = slot_of(SlotRole.MANAGER)
    one.check(slot, slots=slots_of(), signed=before(slot))
    with pytest.raises(NotEligible):
        one.check(slot_of(SlotRole.HOMEROOM_TEACHER), slots=slots_of(), signed=before(slot) - {"gvcn"})


def test_what_is_remembered_of_one_class_never_answers_for_another() -> None:
    certificate = certificate_of(HOMEROOM)
    one = SignerCheck(
        certificate,
        authority=build_authority(),
        trust=development_pki().trust_store(),
        evidence=evidence_of(certificate),
        at=AT,
    )
    slot = slot_of(SlotRole.HOMEROOM_TEACHER)
    others = [
        replace(slot, class_name="7A3"),
        replace(slot, school_year="2024-2025"),
        replace(slot, school_code="01000702"),
        replace(slot, staff_code=PRINCIPAL[0]),
        replace(slot, substitution=Substitution("nghỉ ốm", DECISION)),
        replace(slot, rule=replace(slot.rule, offices=(Office.PRINCIPAL,))),
    ]
    for _ in range(2):
        for document in ("1", "2"):
            one.check(replace(slot, serial=document), slots=slots_of(), signed=before(slot))
        for other in others:
            with pytest.raises(NotEligible):
                one.check(other, slots=slots_of(), signed=before(slot))


class _Asked:
    """A slot that notes what is read of it."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.names.add(name)
        return getattr(self._slot, name)


def test_everything_that_decides_who_is_entitled_belongs_to_a_duty() -> None:
    """Else an answer that is remembered for one document would be given for another."""
    read: set[str] = set()
    people = (PRINCIPAL, HOMEROOM, DEPUTY)
    for slot in slots_of():
        identities = [f"CCCD:{CCCD[person[0]]}" for person in people]
        for candidate in (slot, replace(slot, staff_code=PRINCIPAL[0]), replace(slot, staff_code=HOMEROOM[0])):
            for identity in (*identities, SEAL, None):
                asked = _Asked(candidate)
                check_slot(build_authority(), cast("Slot", asked), identity, AT)
                read |= asked.names
    assert {"class_name", "staff_code", "school_code"} < read
    assert read - {"role"} <= set(DUTY)  # the role is the rule's
