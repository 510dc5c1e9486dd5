"""The authority list: format, signature, and who may sign which slot on which day."""

from __future__ import annotations

import base64
import json
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from schemas.loader import load_json_schema
from tests.support.authority import (
    CLERK,
    DELEGATION,
    DEPUTY,
    ISSUED_AT,
    SEAL_IDENTITY,
    build_authority,
    open_department,
    sign_authority,
    sign_compact,
    staff_identity,
)
from tests.support.pki import open_person
from tests.support.samples import HOMEROOM, PRINCIPAL, build_issue, build_transcript
from transcript_core.authority import (
    AUTHORITY_TYPE,
    AuthorityCode,
    AuthorityList,
    OfficeEntry,
    SealEntry,
    StaffEntry,
    build_authority_payload,
    check_slot,
    get_school_profile,
    open_authority_list,
    parse_authority,
)
from transcript_core.authority_list import FormerName
from transcript_core.errors import AuthorityListInvalid, NotFound
from transcript_core.model import SchoolLevel, SlotRole, Substitution
from transcript_core.policy import Office, Slot, find_policy, list_slots

AT = datetime(2026, 5, 30, 3, 0, tzinfo=UTC)
TEACHER = ("0148712189", "Hoàng Hữu An")  # TOAN


def slot(slot_id: str) -> Slot:
    """Return a slot of the sample transcript."""
    transcript = build_transcript()
    slots = list_slots(transcript, build_issue(transcript), find_policy(SchoolLevel.LOWER_SECONDARY))
    return next(one for one in slots if one.slot_id == slot_id)


def change_person(
    authority: AuthorityList, staff_code: str, change: Callable[[OfficeEntry], OfficeEntry]
) -> AuthorityList:
    """Return the list with every office of one person changed."""
    staff = [
        replace(one, offices=tuple(map(change, one.offices))) if one.staff_code == staff_code else one
        for one in authority.staff
    ]
    return replace(authority, staff=tuple(staff))


# Who may sign


def test_everybody_named_in_the_sample_is_entitled() -> None:
    authority = build_authority()
    transcript = build_transcript()
    slots = list_slots(transcript, build_issue(transcript), find_policy(SchoolLevel.LOWER_SECONDARY))
    assert len(slots) == 19
    for one in slots:
        identity = SEAL_IDENTITY if one.staff_code is None else staff_identity(one.staff_code)
        answer = check_slot(authority, one, identity, AT)
        assert answer.entitled, answer.detail_en
        assert answer.office is not None


def test_unknown_staff_code_is_refused() -> None:
    answer = check_slot(build_authority(), replace(slot("gvcn"), staff_code="0100000000"), staff_identity("1"), AT)
    assert answer.code is AuthorityCode.UNKNOWN_STAFF


@pytest.mark.parametrize("identity", [None, "CCCD:001199999999", SEAL_IDENTITY, ""])
def test_another_persons_certificate_is_refused(identity: str | None) -> None:
    answer = check_slot(build_authority(), slot("gvcn"), identity, AT)
    assert (answer.code, answer.entitled, answer.office) == (AuthorityCode.OTHER_IDENTITY, False, None)


def test_office_of_another_kind_is_refused() -> None:
    clerk_as_homeroom = replace(slot("gvcn"), staff_code=CLERK[0])
    answer = check_slot(build_authority(), clerk_as_homeroom, staff_identity(CLERK[0]), AT)
    assert answer.code is AuthorityCode.OUT_OF_OFFICE
    assert "giáo viên chủ nhiệm" in answer.detail_vi


def test_same_office_at_another_school_is_refused() -> None:
    other = replace(slot("cbql"), school_code="01000999")
    assert check_slot(build_authority(), other, staff_identity(PRINCIPAL[0]), AT).code is AuthorityCode.OTHER_SCHOOL


def test_another_subject_is_refused() -> None:
    other = replace(slot("gvbm-TOAN-1"), subject_code="TIN")
    assert check_slot(build_authority(), other, staff_identity(TEACHER[0]), AT).code is AuthorityCode.OTHER_SUBJECT


@pytest.mark.parametrize("change", [{"class_name": "7A3"}, {"school_year": "2024-2025"}])
@pytest.mark.parametrize(("slot_id", "staff_code"), [("gvbm-TOAN-1", TEACHER[0]), ("gvcn", HOMEROOM[0])])
def test_another_class_or_the_same_name_in_another_year_is_refused(
    slot_id: str, staff_code: str, change: dict[str, Any]
) -> None:
    answer = check_slot(build_authority(), replace(slot(slot_id), **change), staff_identity(staff_code), AT)
    assert answer.code is AuthorityCode.OTHER_CLASS


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2025, 9, 4, 16, 59, 59, tzinfo=UTC), AuthorityCode.NOT_YET_IN_OFFICE),  # 23:59:59 of 4/9 in Vietnam
        (datetime(2025, 9, 4, 17, 0, tzinfo=UTC), AuthorityCode.ENTITLED),  # 0:00 of 5/9
        (datetime(2026, 8, 31, 16, 59, 59, tzinfo=UTC), AuthorityCode.ENTITLED),
        (datetime(2026, 8, 31, 17, 0, tzinfo=UTC), AuthorityCode.OUT_OF_OFFICE),
    ],
)
def test_days_of_office_are_days_in_vietnam(at: datetime, code: AuthorityCode) -> None:
    assert check_slot(build_authority(), slot("cbql"), staff_identity(PRINCIPAL[0]), at).code is code


def test_list_does_not_speak_about_days_after_its_end() -> None:
    later = build_authority().valid_to + timedelta(seconds=1)
    answer = check_slot(build_authority(), slot("ky-phat-hanh"), SEAL_IDENTITY, later)
    assert answer.code is AuthorityCode.LIST_OUT_OF_DATE


def test_one_of_several_offices_is_enough() -> None:
    """A homeroom teacher who also teaches: both slots, each by its own office."""
    authority = build_authority()
    subject = replace(slot("gvbm-LSDL-1"))
    assert subject.staff_code == HOMEROOM[0]
    for one in (subject, slot("gvcn")):
        answer = check_slot(authority, one, staff_identity(HOMEROOM[0]), AT)
        assert isinstance(answer.office, OfficeEntry)
        assert answer.office.office in one.rule.offices


def test_second_identity_of_a_person_counts() -> None:
    authority = build_authority()
    staff = [replace(one, identities=(*one.identities, "CCCD:001188888888")) for one in authority.staff]
    authority = replace(authority, staff=tuple(staff[:2]))
    assert check_slot(authority, slot("cbql"), "CCCD:001188888888", AT).entitled


# The seal


def test_another_schools_seal_is_refused() -> None:
    answer = check_slot(build_authority(), slot("ky-phat-hanh"), "MST:0109999999", AT)
    assert answer.code is AuthorityCode.OTHER_IDENTITY


def test_a_person_cannot_seal() -> None:
    answer = check_slot(build_authority(), slot("ky-phat-hanh"), staff_identity(PRINCIPAL[0]), AT)
    assert answer.code is AuthorityCode.OTHER_IDENTITY


def test_seal_out_of_use_is_refused() -> None:
    authority = build_authority()
    old = SealEntry(SEAL_IDENTITY, date(2024, 1, 1), date(2026, 5, 29))
    authority = replace(authority, schools=(replace(authority.schools[0], seals=(old,)),))
    assert check_slot(authority, slot("ky-phat-hanh"), SEAL_IDENTITY, AT).code is AuthorityCode.OUT_OF_OFFICE


def test_seal_of_a_school_that_is_not_listed_is_refused() -> None:
    other = replace(slot("ky-phat-hanh"), school_code="01000999")
    assert check_slot(build_authority(), other, SEAL_IDENTITY, AT).code is AuthorityCode.OTHER_SCHOOL


# In another's place


def _deputy_slot(authority_text: str | None) -> Slot:
    substitution = None if authority_text is None else Substitution("Hiệu trưởng đi công tác", authority_text)
    return replace(slot("cbql"), staff_code=DEPUTY[0], name=DEPUTY[1], substitution=substitution)


def test_deputy_signs_by_the_decision_that_the_document_names() -> None:
    answer = check_slot(build_authority(), _deputy_slot(DELEGATION), staff_identity(DEPUTY[0]), AT)
    assert answer.entitled
    assert DELEGATION in answer.detail_vi


@pytest.mark.parametrize("named", [None, "Quyết định số 13/QĐ-THCSHS ngày 20/5/2026"])
def test_deputy_without_that_decision_is_refused(named: str | None) -> None:
    answer = check_slot(build_authority(), _deputy_slot(named), staff_identity(DEPUTY[0]), AT)
    assert answer.code is AuthorityCode.NO_DELEGATION


def test_principal_cannot_claim_to_sign_in_anothers_place() -> None:
    claimed = replace(slot("cbql"), substitution=Substitution("…", DELEGATION))
    answer = check_slot(build_authority(), claimed, staff_identity(PRINCIPAL[0]), AT)
    assert answer.code is AuthorityCode.NO_DELEGATION


def test_deputy_asks_for_a_recall_in_their_own_right() -> None:
    rule = find_policy(None).get_rule(SlotRole.REQUESTER)
    request = replace(slot("cbql"), rule=rule, staff_code=DEPUTY[0], class_name=None)
    assert check_slot(build_authority(), request, staff_identity(DEPUTY[0]), AT).entitled


def test_homeroom_teacher_asks_for_a_recall_of_their_year_only() -> None:
    rule = find_policy(None).get_rule(SlotRole.REQUESTER)
    request = replace(slot("gvcn"), rule=rule, class_name=None)
    assert check_slot(build_authority(), request, staff_identity(HOMEROOM[0]), AT).entitled
    other = replace(request, school_year="2024-2025")
    assert check_slot(build_authority(), other, staff_identity(HOMEROOM[0]), AT).code is AuthorityCode.OTHER_CLASS


def test_principal_signs_for_an_absent_teacher_by_a_listed_decision() -> None:
    decision = "Quyết định số 31/QĐ-THCSHS ngày 25/5/2026"
    instead = replace(
        slot("gvbm-TOAN-1"), staff_code=PRINCIPAL[0], substitution=Substitution("Giáo viên nghỉ thai sản", decision)
    )
    authority = build_authority()
    identity = staff_identity(PRINCIPAL[0])
    assert check_slot(authority, instead, identity, AT).code is AuthorityCode.NO_DELEGATION
    entry = OfficeEntry(
        Office.SUBJECT_TEACHER,
        authority.schools[0].school_code,
        date(2026, 5, 25),
        date(2026, 6, 30),
        school_year="2025-2026",
        class_name="7A2",
        subject_code="TOAN",
        authority=decision,
    )
    staff = [
        replace(one, offices=(*one.offices, entry)) if one.staff_code == PRINCIPAL[0] else one
        for one in authority.staff
    ]
    listed = replace(authority, staff=tuple(staff))
    assert check_slot(listed, instead, identity, AT).entitled
    assert check_slot(listed, replace(instead, substitution=None), identity, AT).code is AuthorityCode.NO_DELEGATION
    assert check_slot(listed, slot("cbql"), identity, AT).entitled


def _delegate(**changes: Any) -> tuple[AuthorityList, Slot]:
    """Return a list in which the principal stands in for the absent teacher of TOAN, and the slot that says so."""
    decision = "Quyết định số 31/QĐ-THCSHS ngày 25/5/2026"
    usual = OfficeEntry(
        Office.SUBJECT_TEACHER,
        build_authority().schools[0].school_code,
        date(2026, 5, 25),
        date(2026, 6, 30),
        school_year="2025-2026",
        class_name="7A2",
        subject_code="TOAN",
        authority=decision,
        reason="Giáo viên nghỉ thai sản",
        delegated_by=DEPUTY[0],
    )
    listed = build_authority()
    staff = [
        replace(one, offices=(*one.offices, replace(usual, **changes))) if one.staff_code == PRINCIPAL[0] else one
        for one in listed.staff
    ]
    instead = Substitution("Giáo viên nghỉ thai sản", decision)
    return replace(listed, staff=tuple(staff)), replace(
        slot("gvbm-TOAN-1"), staff_code=PRINCIPAL[0], substitution=instead
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, AuthorityCode.ENTITLED),
        ({"authority": "Quyết định số 32/QĐ-THCSHS"}, AuthorityCode.NO_DELEGATION),
        ({"class_name": "7A3"}, AuthorityCode.DELEGATED_ELSEWHERE),
        ({"school_year": "2024-2025"}, AuthorityCode.DELEGATED_ELSEWHERE),
        ({"subject_code": "TIN"}, AuthorityCode.DELEGATED_ELSEWHERE),
        ({"office": Office.HOMEROOM_TEACHER, "subject_code": None}, AuthorityCode.DELEGATED_ELSEWHERE),
        ({"from_day": date(2026, 5, 31)}, AuthorityCode.DELEGATION_NOT_YET),
        ({"to_day": date(2026, 5, 29)}, AuthorityCode.DELEGATION_EXPIRED),
    ],
)
def test_a_decision_holds_for_its_place_and_its_days(changes: dict[str, Any], code: AuthorityCode) -> None:
    listed, instead = _delegate(**changes)
    answer = check_slot(listed, instead, staff_identity(PRINCIPAL[0]), AT)
    assert answer.code is code
    if answer.entitled:
        assert "Giáo viên nghỉ thai sản" in answer.detail_vi
    assert parse_authority(build_authority_payload(listed)) == listed


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"delegated_by": PRINCIPAL[0]}, "nobody delegates to themselves"),
        ({"delegated_by": "0100000000"}, "who delegated is not in the list"),
        ({"authority": None}, "go with a decision only"),
    ],
)
def test_a_delegation_that_cannot_be_is_refused_with_the_list(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(AuthorityListInvalid, match=match):
        _delegate(**changes)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (datetime(2025, 9, 4, 3, 0, tzinfo=UTC), AuthorityCode.NOT_YET_IN_OFFICE),
        (datetime(2026, 5, 29, 3, 0, tzinfo=UTC), AuthorityCode.ENTITLED),
        (datetime(2026, 5, 30, 3, 0, tzinfo=UTC), AuthorityCode.OUT_OF_OFFICE),
    ],
)
def test_a_seal_counts_while_it_is_in_use(at: datetime, code: AuthorityCode) -> None:
    listed = build_authority()
    seals = (SealEntry(SEAL_IDENTITY, date(2025, 9, 5), date(2026, 5, 29)),)
    listed = replace(listed, schools=(replace(listed.schools[0], seals=seals),))
    assert check_slot(listed, slot("ky-phat-hanh"), SEAL_IDENTITY, at).code is code


def test_a_school_keeps_the_names_that_it_had() -> None:
    listed = build_authority()
    former = (FormerName("Trường THCS Sen Cũ", date(2024, 7, 31)), FormerName("Trường THCS Sen", date(2025, 7, 31)))
    renamed = replace(listed, schools=(replace(listed.schools[0], former_names=former),))
    entry = parse_authority(build_authority_payload(renamed)).schools[0]
    assert entry == renamed.schools[0]
    names = [entry.get_name(day) for day in (date(2020, 1, 1), date(2024, 7, 31), date(2024, 8, 1), date(2025, 8, 1))]
    assert names == ["Trường THCS Sen Cũ", "Trường THCS Sen Cũ", "Trường THCS Sen", entry.name]


def test_every_refusal_has_sentences_in_both_languages() -> None:
    authority = change_person(build_authority(), HOMEROOM[0], lambda one: replace(one, to_day=date(2025, 12, 31)))
    answer = check_slot(authority, slot("gvcn"), staff_identity(HOMEROOM[0]), AT)
    assert answer.code is AuthorityCode.OUT_OF_OFFICE
    assert answer.detail_vi == "Đặng Thị Hạnh không còn giữ nhiệm vụ giáo viên chủ nhiệm vào ngày 30/05/2026."
    assert answer.detail_en == "Đặng Thị Hạnh no longer held the office of homeroom teacher on 2026-05-30."


# The signed list


def _open(signed: bytes, **changes: Any) -> AuthorityList:
    settings = {"anchors": [open_department().certificate], "at": AT, **changes}
    return open_authority_list(signed, **settings)


def test_signed_list_opens_and_says_the_same() -> None:
    authority = build_authority()
    assert _open(sign_authority(authority)) == authority


def test_list_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(AuthorityListInvalid, match="configured key"):
        _open(sign_authority(build_authority(), open_person(algorithm="p-256")))
    with pytest.raises(AuthorityListInvalid, match="configured key"):
        _open(sign_authority(build_authority()), anchors=[])


def test_list_that_only_claims_the_departments_certificate_is_refused() -> None:
    forged = sign_compact(
        open_person(algorithm="p-256"),
        build_authority_payload(build_authority()),
        {"typ": AUTHORITY_TYPE, "iat": int(ISSUED_AT.timestamp()), "x5c": _chain_of_department()},
    )
    with pytest.raises(AuthorityListInvalid, match="signature"):
        _open(forged)


def _chain_of_department() -> list[str]:
    return [base64.b64encode(open_department().certificate.der).decode()]


@pytest.mark.parametrize(
    "header", [{"x5c": None}, {"typ": "hocba-status+jws"}, {"typ": None}, {"iat": 1}, {"iat": None}, {"crit": ["iat"]}]
)
def test_other_headers_are_refused(header: dict[str, Any]) -> None:
    usual = {"typ": AUTHORITY_TYPE, "iat": int(ISSUED_AT.timestamp())}
    signed = sign_compact(open_department(), build_authority_payload(build_authority()), {**usual, **header})
    with pytest.raises(AuthorityListInvalid):
        _open(signed)


@pytest.mark.parametrize("at", [ISSUED_AT - timedelta(seconds=1), datetime(2027, 9, 1, tzinfo=UTC)])
def test_list_outside_its_validity_is_refused(at: datetime) -> None:
    with pytest.raises(AuthorityListInvalid, match="valid from"):
        _open(sign_authority(build_authority()), at=at)


def test_older_list_cannot_come_back() -> None:
    with pytest.raises(AuthorityListInvalid, match="replaced"):
        _open(sign_authority(build_authority()), min_number=2)


def test_list_issued_before_the_departments_certificate_is_refused() -> None:
    early = datetime(2020, 1, 1, tzinfo=UTC)
    authority = replace(build_authority(), issued_at=early, valid_from=early)
    with pytest.raises(AuthorityListInvalid, match="certificate"):
        _open(sign_authority(authority))


@pytest.mark.parametrize("signed", [b"", b"a.b.c", b"\xff", b"{}"])
def test_anything_else_is_refused(signed: bytes) -> None:
    with pytest.raises(AuthorityListInvalid):
        _open(signed)


# The format


def _payload() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(build_authority_payload(build_authority()))
    return value


def test_payload_fits_the_published_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(load_json_schema("authority-list-1.0.json")))
    jsonschema.validate(_payload(), json.loads(load_json_schema("authority-list-1.0.json")))


def _set(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(payload: dict[str, Any]) -> None:
        place: Any = payload
        for step in path[:-1]:
            place = place[step]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


MALFORMED = {
    "other format": _set("format", value="khac"),
    "other version": _set("version", value="2.0"),
    "number zero": _set("number", value=0),
    "number as text": _set("number", value="1"),
    "number true": _set("number", value=True),
    "unknown member": _set("ghi_chu", value="x"),
    "no schools": _set("schools", value=...),
    "schools as object": _set("schools", value={}),
    "school as text": _set("schools", 0, value="x"),
    "empty name": _set("schools", 0, "name", value=""),
    "name with blanks": _set("schools", 0, "name", value=" Trường "),
    "no level": _set("schools", 0, "levels", value=[]),
    "level twice": _set("schools", 0, "levels", value=["TH", "TH"]),
    "unknown level": _set("schools", 0, "levels", value=["MN"]),
    "province of three digits": _set("schools", 0, "province_code", value="001"),
    "seal of a person": _set("schools", 0, "seals", 0, "identity", value="CCCD:001170000001"),
    "seal without day": _set("schools", 0, "seals", 0, "from", value=...),
    "seal with other member": _set("schools", 0, "seals", 0, "note", value="x"),
    "instant without zone": _set("issued_at", value="2025-09-01T01:00:00"),
    "person with tax code": _set("staff", 0, "identities", value=["MST:0101234567"]),
    "person without identity": _set("staff", 0, "identities", value=[]),
    "identity twice": _set("staff", 0, "identities", value=["CCCD:001170000001"] * 2),
    "identity as number": _set("staff", 0, "identities", value=[1]),
    "unknown office": _set("staff", 0, "offices", 0, "office", value="janitor"),
    "seal as office": _set("staff", 0, "offices", 0, "office", value="school-seal"),
    "principal of a class": _set("staff", 0, "offices", 0, "class", value="7A2"),
    "principal of a subject": _set("staff", 0, "offices", 0, "subject_code", value="TOAN"),
    "homeroom without class": _set("staff", 3, "offices", 0, "class", value=...),
    "homeroom without year": _set("staff", 3, "offices", 0, "school_year", value=...),
    "teacher without subject": _set("staff", 4, "offices", 0, "subject_code", value=...),
    "day in another form": _set("staff", 0, "offices", 0, "from", value="5/9/2025"),
    "empty authority": _set("staff", 0, "offices", 0, "authority", value=""),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_reader_and_schema_refuse_the_same(name: str) -> None:
    payload = _payload()
    MALFORMED[name](payload)
    with pytest.raises(AuthorityListInvalid):
        parse_authority(json.dumps(payload).encode())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(payload, json.loads(load_json_schema("authority-list-1.0.json")))


CONTRADICTORY = {
    "day that does not exist": _set("staff", 0, "offices", 0, "from", value="2025-02-30"),
    "period ends before it begins": _set("staff", 0, "offices", 0, "to", value="2025-01-01"),
    "office at an unlisted school": _set("staff", 0, "offices", 0, "school_code", value="01000999"),
    "staff code twice": _set("staff", 1, "staff_code", value=PRINCIPAL[0]),
    "validity ends before it begins": _set("valid_to", value="2024-01-01T00:00:00Z"),
    "name not in NFC": _set("staff", 0, "name", value=unicodedata.normalize("NFD", "Võ Phương Vân")),
    "identity with line end": _set("staff", 0, "identities", value=["CCCD:001170000001\n"]),
}


@pytest.mark.parametrize("name", CONTRADICTORY)
def test_reader_refuses_what_the_schema_cannot_say(name: str) -> None:
    payload = _payload()
    CONTRADICTORY[name](payload)
    with pytest.raises(AuthorityListInvalid):
        parse_authority(json.dumps(payload).encode())


def test_doubled_member_is_refused() -> None:
    payload = build_authority_payload(build_authority()).replace(b'"number":1', b'"number":1,"number":2')
    with pytest.raises(AuthorityListInvalid):
        parse_authority(payload)


# The school


def test_school_profile_is_what_documents_show() -> None:
    assert get_school_profile(build_authority(), "01000701") == build_transcript().school


def test_school_of_several_levels_must_be_asked_for_one() -> None:
    authority = build_authority()
    levels = (SchoolLevel.PRIMARY, SchoolLevel.LOWER_SECONDARY)
    authority = replace(authority, schools=(replace(authority.schools[0], levels=levels),))
    assert get_school_profile(authority, "01000701", level=SchoolLevel.PRIMARY).level is SchoolLevel.PRIMARY
    for code, level in (("01000701", None), ("01000701", SchoolLevel.UPPER_SECONDARY), ("01000999", None)):
        with pytest.raises(NotFound):
            get_school_profile(authority, code, level=level)


def test_looking_up_does_not_grow_with_the_list() -> None:
    authority = build_authority()
    crowd = tuple(
        StaffEntry(f"02{number:08d}", "Nguyễn Văn A", (f"CCCD:{number:012d}",), ()) for number in range(20_000)
    )
    large = replace(authority, staff=(*authority.staff, *crowd))
    start = time.process_time()
    for _ in range(200):
        assert check_slot(large, slot_of_crowd(), "CCCD:000000019999", AT).code is AuthorityCode.OUT_OF_OFFICE
    assert time.process_time() - start < 0.2


def slot_of_crowd() -> Slot:
    """Return a slot of the last person of the crowd."""
    return replace(_HOMEROOM_SLOT, staff_code="0200019999")


_HOMEROOM_SLOT = slot("gvcn")
