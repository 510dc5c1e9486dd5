"""May this person sign this slot?  Answered by the department's signed authority list alone.

To chain to a root is not enough: the certificate says who somebody is, the list says what they may do.  The list is a
compact JWS by the department's key, which is an anchor of its own (`trust.TrustStore.authorities`): the very
certificate is configured, nothing is inferred from a CA above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from transcript_core.authority_list import (
    AuthorityList,
    OfficeEntry,
    SchoolEntry,
    SealEntry,
    StaffEntry,
    build_authority_payload,
    parse_authority,
)
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import AuthorityListInvalid, AuthorityListOutOfDate, InputError, NotFound
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.limits import MAX_AUTHORITY_BYTES
from transcript_core.model import School, SchoolLevel, SlotRole
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import Office, Slot

__all__ = [
    "AUTHORITY_TYPE",
    "AuthorityAnswer",
    "AuthorityCode",
    "AuthorityList",
    "OfficeEntry",
    "SchoolEntry",
    "SealEntry",
    "StaffEntry",
    "build_authority_payload",
    "check_slot",
    "get_school_profile",
    "open_authority_list",
    "parse_authority",
]

AUTHORITY_TYPE: Final = "hocba-authority+jws"
"""The `typ` of the JWS that carries an authority list; no other JWS of the department can pass for one."""

_OFFICE_NAMES: Final = {
    Office.SUBJECT_TEACHER: ("giáo viên bộ môn", "subject teacher"),
    Office.HOMEROOM_TEACHER: ("giáo viên chủ nhiệm", "homeroom teacher"),
    Office.PRINCIPAL: ("hiệu trưởng", "principal"),
    Office.VICE_PRINCIPAL: ("phó hiệu trưởng", "vice-principal"),
    Office.CLERK: ("văn thư", "clerk"),
    Office.SCHOOL_SEAL: ("con dấu của trường", "school seal"),
}


class AuthorityCode(StrEnum):
    """The answers, each with its own meaning."""

    ENTITLED = "entitled"
    UNKNOWN_STAFF = "unknown-staff"
    OTHER_IDENTITY = "other-identity"
    OUT_OF_OFFICE = "out-of-office"
    OTHER_CLASS = "other-class"
    OTHER_SUBJECT = "other-subject"
    OTHER_SCHOOL = "other-school"
    NO_DELEGATION = "no-delegation"  # signs in another's place without, or with another, decision in the list
    LIST_OUT_OF_DATE = "list-out-of-date"  # the list does not speak about that day


@dataclass(frozen=True, slots=True)
class AuthorityAnswer:
    """Whether somebody may sign a slot, and why."""

    code: AuthorityCode
    office: OfficeEntry | SealEntry | None  # what entitles; None unless entitled
    detail_vi: str  # one sentence
    detail_en: str

    @property
    def entitled(self) -> bool:
        """Return whether the list entitles the signer."""
        return self.code is AuthorityCode.ENTITLED


def open_authority_list(
    signed: bytes, anchors: Sequence[Certificate], *, at: datetime, min_number: int = 1
) -> AuthorityList:
    """Return the list in `signed` after verifying it.

    Args:
        signed: compact JWS; its `x5c` names the signing certificate, its `iat` the time of issue.
        anchors: certificates of the department, configured one by one.
        at: aware; the moment for which the list is wanted.
        min_number: refuse lists with a lower number, so that an old list cannot come back.

    Raises:
        AuthorityListInvalid: not signed by one of the anchors, malformed, or replaced.
        AuthorityListOutOfDate: sound, but not valid at `at`.
    """
    try:
        claimed = parse_jws(signed, max_bytes=MAX_AUTHORITY_BYTES).certificates
        anchor = next((one for one in anchors if claimed and claimed[0] == one), None)
        if anchor is None:
            raise AuthorityListInvalid("the authority list is not signed by a configured key of the department")
        verified = verify_jws(signed, anchor, max_bytes=MAX_AUTHORITY_BYTES, typ=AUTHORITY_TYPE)
    except InputError as error:
        raise AuthorityListInvalid(f"the authority list's signature cannot be accepted: {error}") from error
    authority = parse_authority(verified.payload)
    if verified.header.get("iat") != int(authority.issued_at.timestamp()):
        raise AuthorityListInvalid("the authority list's `iat` is not its own time of issue")
    if not anchor.is_in_date(authority.issued_at) or not anchor.may_sign:
        raise AuthorityListInvalid("the department's certificate was not one to sign with when the list was issued")
    if authority.number < min_number:
        raise AuthorityListInvalid(f"authority list {authority.number} was replaced by list {min_number}")
    if not authority.valid_from <= at <= authority.valid_to:
        raise AuthorityListOutOfDate(
            f"the authority list is valid from {authority.valid_from.isoformat()} to "
            f"{authority.valid_to.isoformat()}, not at {at.isoformat()}; get the department's current list"
        )
    return authority


def get_school_profile(authority: AuthorityList, school_code: str, *, level: SchoolLevel | None = None) -> School:
    """Return the school as documents name it.

    Args:
        authority: a verified list.
        school_code: of the sector database.
        level: which of its levels; None when it has only one.

    Raises:
        NotFound: no such school, or it does not have that one level.
    """
    entry = authority.find_school(school_code)
    if entry is None:
        raise NotFound(f"school {school_code} is not in the authority list")
    if level is None and len(entry.levels) == 1:
        level = entry.levels[0]
    if level is None or level not in entry.levels:
        raise NotFound(f"school {school_code} has the levels {', '.join(entry.levels)}; name one of them")
    return School(
        school_code=entry.school_code,
        name=entry.name,
        level=level,
        commune=entry.commune,
        province_code=entry.province_code,
        province_name=entry.province_name,
        department_name=entry.department_name,
    )


def check_slot(authority: AuthorityList, slot: Slot, identity: str | None, at: datetime) -> AuthorityAnswer:
    """Return whether the holder of `identity` may sign `slot` at `at`.

    Args:
        authority: a verified list.
        slot: what is to be signed; its staff code, class, subject and school come from the signed document.
        identity: from the certificate: "CCCD:…" of a person, "MST:…" of a seal; None when it has none.
        at: aware; the moment of signing.

    Returns:
        The first reason that stands against it, in the order of `AuthorityCode`, or ENTITLED with the office.
    """
    if at > authority.valid_to:
        return _refuse(
            AuthorityCode.LIST_OUT_OF_DATE,
            f"Danh sách thẩm quyền số {authority.number} chỉ có giá trị đến ngày {_vi_day(_day(authority.valid_to))}.",
            f"Authority list {authority.number} speaks about days up to {_day(authority.valid_to)} only.",
        )
    if slot.staff_code is None:
        return _check_seal(authority, slot, identity, _day(at))
    person = authority.find_staff(slot.staff_code)
    if person is None:
        return _refuse(
            AuthorityCode.UNKNOWN_STAFF,
            f"Mã cán bộ {slot.staff_code} không có trong danh sách thẩm quyền.",
            f"Staff code {slot.staff_code} is not in the authority list.",
        )
    if identity not in person.identities:
        return _refuse(
            AuthorityCode.OTHER_IDENTITY,
            f"Chứng thư số không phải của {person.name} (mã cán bộ {person.staff_code}).",
            f"The certificate does not belong to {person.name} (staff code {person.staff_code}).",
        )
    return _check_person(person, slot, _day(at))


def _check_seal(authority: AuthorityList, slot: Slot, identity: str | None, day: date) -> AuthorityAnswer:
    school = authority.find_school(slot.school_code)
    if school is None:
        return _refuse(
            AuthorityCode.OTHER_SCHOOL,
            f"Trường có mã {slot.school_code} không có trong danh sách thẩm quyền.",
            f"School {slot.school_code} is not in the authority list.",
        )
    seals = [seal for seal in school.seals if seal.identity == identity]
    if not seals:
        return _refuse(
            AuthorityCode.OTHER_IDENTITY,
            f"Chứng thư số không phải con dấu của {school.name}.",
            f"The certificate is not the seal of {school.name}.",
        )
    for seal in seals:
        if _holds(seal, day):
            return _entitle(seal, f"Con dấu của {school.name}.", f"Seal of {school.name}.")
    return _refuse(
        AuthorityCode.OUT_OF_OFFICE,
        f"Con dấu này của {school.name} không có hiệu lực vào ngày {_vi_day(day)}.",
        f"This seal of {school.name} was not in use on {day}.",
    )


@dataclass(frozen=True, slots=True)
class _Condition:
    """One thing an office must fulfil, and what it means when no office does."""

    code: AuthorityCode
    fulfils: Callable[[OfficeEntry], bool]
    detail_vi: str
    detail_en: str


def _check_person(person: StaffEntry, slot: Slot, day: date) -> AuthorityAnswer:
    """Narrow the person's offices down, condition by condition; the first that leaves none is the answer."""
    left = list(person.offices)
    for condition in _list_conditions(person, slot, day):
        left = [office for office in left if condition.fulfils(office)]
        if not left:
            return _refuse(condition.code, condition.detail_vi, condition.detail_en)
    name_vi, name_en = _OFFICE_NAMES[left[0].office]
    by_vi = "" if left[0].authority is None else f", ký thay theo {left[0].authority}"
    by_en = "" if left[0].authority is None else f", in another's place by {left[0].authority}"
    return _entitle(
        left[0],
        f"{person.name} là {name_vi}{by_vi} vào ngày {_vi_day(day)}.",
        f"{person.name} was {name_en}{by_en} on {day}.",
    )


def _list_conditions(person: StaffEntry, slot: Slot, day: date) -> Sequence[_Condition]:
    offices_vi = " hoặc ".join(_OFFICE_NAMES[office][0] for office in slot.rule.offices)
    offices_en = " or ".join(_OFFICE_NAMES[office][1] for office in slot.rule.offices)
    return (
        _Condition(
            AuthorityCode.OUT_OF_OFFICE,
            lambda office: office.office in slot.rule.offices,
            f"{person.name} không giữ nhiệm vụ {offices_vi}.",
            f"{person.name} does not hold the office of {offices_en}.",
        ),
        _Condition(
            AuthorityCode.OTHER_SCHOOL,
            lambda office: office.school_code == slot.school_code,
            f"{person.name} không giữ nhiệm vụ {offices_vi} tại trường có mã {slot.school_code}.",
            f"{person.name} does not hold the office of {offices_en} at school {slot.school_code}.",
        ),
        _Condition(
            AuthorityCode.OTHER_SUBJECT,
            lambda office: office.subject_code is None or office.subject_code == slot.subject_code,
            f"{person.name} không được phân công dạy môn {slot.subject_name or slot.subject_code}.",
            f"{person.name} is not assigned to subject {slot.subject_code}.",
        ),
        _Condition(
            AuthorityCode.OTHER_CLASS,
            lambda office: _is_for_class(office, slot),
            f"{person.name} không được phân công lớp {slot.class_name} năm học {slot.school_year}.",
            f"{person.name} is not assigned to class {slot.class_name} in {slot.school_year}.",
        ),
        _Condition(
            AuthorityCode.NO_DELEGATION,
            lambda office: _is_delegated(office, slot),
            f"Danh sách thẩm quyền không có quyết định cho {person.name} ký thay như học bạ ghi.",
            f"The authority list has no decision that lets {person.name} sign in another's place as the document says.",
        ),
        _Condition(
            AuthorityCode.OUT_OF_OFFICE,
            lambda office: _holds(office, day),
            f"{person.name} không giữ nhiệm vụ {offices_vi} vào ngày {_vi_day(day)}.",
            f"{person.name} did not hold the office of {offices_en} on {day}.",
        ),
    )


def _is_for_class(office: OfficeEntry, slot: Slot) -> bool:
    """A class is one class of one school year; documents about no class (recalls) ask for the school year only."""
    if office.class_name is None:
        return True
    if slot.class_name is None:
        return office.school_year == slot.school_year
    return (office.class_name, office.school_year) == (slot.class_name, slot.school_year)


def _is_delegated(office: OfficeEntry, slot: Slot) -> bool:
    """Whoever signs in another's place needs exactly the decision that the document names, and nobody else uses one.

    A vice-principal signs as manager only in the principal's place ("KT.").
    """
    named = None if slot.substitution is None else slot.substitution.authority
    if slot.role is SlotRole.MANAGER and office.office is Office.VICE_PRINCIPAL and named is None:
        return False
    return office.authority == named


def _holds(entry: OfficeEntry | SealEntry, day: date) -> bool:
    return entry.from_day <= day and (entry.to_day is None or day <= entry.to_day)


def _entitle(office: OfficeEntry | SealEntry, detail_vi: str, detail_en: str) -> AuthorityAnswer:
    return AuthorityAnswer(AuthorityCode.ENTITLED, office, detail_vi, detail_en)


def _refuse(code: AuthorityCode, detail_vi: str, detail_en: str) -> AuthorityAnswer:
    return AuthorityAnswer(code, None, detail_vi, detail_en)


def _day(at: datetime) -> date:
    return at.astimezone(VIETNAM_TIME).date()


def _vi_day(day: date) -> str:
    return day.strftime("%d/%m/%Y")
