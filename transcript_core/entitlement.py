"""What an authority list says of one signer on one day: entitled, or the first thing that stands against it.

The conditions are asked in a fixed order and narrow the person's offices down; the one that leaves none is the answer.
Whoever signs in another's place is held against the decisions listed for them, everybody else against their own posts.
Spec: `docs/authority.md`; TT 15/2026/TT-BGDĐT (who teaches, who heads a school); NĐ 30/2020 ("KT.").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from transcript_core.authority_list import AuthorityList, OfficeEntry, SealEntry, StaffEntry
from transcript_core.clock import VIETNAM_TIME
from transcript_core.model import SlotRole
from transcript_core.policy import Office, Slot

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
    OUT_OF_OFFICE = "out-of-office"  # never in such an office, or no more
    NOT_YET_IN_OFFICE = "not-yet-in-office"
    OTHER_CLASS = "other-class"
    OTHER_SUBJECT = "other-subject"
    OTHER_SCHOOL = "other-school"
    NO_DELEGATION = "no-delegation"  # signs in another's place without, or with another, decision in the list
    DELEGATED_ELSEWHERE = "delegated-elsewhere"  # the decision is for another office, school, subject or class
    DELEGATION_NOT_YET = "delegation-not-yet"
    DELEGATION_EXPIRED = "delegation-expired"
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
    if all(day < seal.from_day for seal in seals):
        return _refuse(
            AuthorityCode.NOT_YET_IN_OFFICE,
            f"Con dấu này của {school.name} chưa có hiệu lực vào ngày {_vi_day(day)}.",
            f"This seal of {school.name} was not yet in use on {day}.",
        )
    return _refuse(
        AuthorityCode.OUT_OF_OFFICE,
        f"Con dấu này của {school.name} không còn hiệu lực vào ngày {_vi_day(day)}.",
        f"This seal of {school.name} was no longer in use on {day}.",
    )


class _Condition(NamedTuple):
    """One thing an office must fulfil, and what it means when no office does."""

    code: AuthorityCode
    fulfils: Callable[[OfficeEntry], bool]
    describe: Callable[[], tuple[str, str]]  # in Vietnamese and English, once no office is left


def _check_person(person: StaffEntry, slot: Slot, day: date) -> AuthorityAnswer:
    """Return the office that entitles; without one, the first condition that leaves no office is the answer."""
    if slot.substitution is not None:
        return _check_delegate(person, slot, slot.substitution.authority, day)
    own = [office for office in person.offices if not _is_in_place(office, slot)]
    for office in own:
        if _is_for(office, slot) and _holds(office, day):
            return _entitle(office, *_describe(person, office, day))
    places = _list_place_conditions(person, slot)
    lent = [office for office in person.offices if _is_in_place(office, slot)]
    if not any(_fits(office, places) for office in own) and any(_fits(office, places) for office in lent):
        return _refuse(AuthorityCode.NO_DELEGATION, *_no_decision(person))
    return _narrow(person, own, (*places, *_list_day_conditions(person, slot, day)), day)


def _is_in_place(office: OfficeEntry, slot: Slot) -> bool:
    """Return whether the office lets somebody sign here in another's place only, as a vice-principal does ("KT.")."""
    return office.authority is not None or (slot.role is SlotRole.MANAGER and office.office is Office.VICE_PRINCIPAL)


def _fits(office: OfficeEntry, conditions: Sequence[_Condition]) -> bool:
    return all(condition.fulfils(office) for condition in conditions)


def _check_delegate(person: StaffEntry, slot: Slot, decision: str, day: date) -> AuthorityAnswer:
    """Hold whoever signs in another's place against the decision that the document names, and no other."""
    listed = [office for office in person.offices if office.authority == decision]
    if not listed:
        return _refuse(AuthorityCode.NO_DELEGATION, *_no_decision(person))
    place = _Condition(
        AuthorityCode.DELEGATED_ELSEWHERE,
        lambda office: _fits(office, _list_place_conditions(person, slot)),
        lambda: (
            f"{decision} không giao cho {person.name} ký thay ở vị trí này (trường, lớp, môn hoặc nhiệm vụ khác).",
            f"{decision} does not let {person.name} sign here: it is for another school, class, subject or office.",
        ),
    )
    return _narrow(person, listed, (place, *_list_decision_days(person, decision, day)), day)


def _narrow(
    person: StaffEntry, offices: Sequence[OfficeEntry], conditions: Sequence[_Condition], day: date
) -> AuthorityAnswer:
    left = list(offices)
    for condition in conditions:
        left = [office for office in left if condition.fulfils(office)]
        if not left:
            return _refuse(condition.code, *condition.describe())
    return _entitle(left[0], *_describe(person, left[0], day))


def _describe(person: StaffEntry, office: OfficeEntry, day: date) -> tuple[str, str]:
    name_vi, name_en = _OFFICE_NAMES[office.office]
    by_vi = by_en = ""
    if office.authority is not None:
        why = office.authority if office.reason is None else f"{office.authority} ({office.reason})"
        by_vi, by_en = f", ký thay theo {why}", f", in another's place by {why}"
    return (
        f"{person.name} là {name_vi}{by_vi} vào ngày {_vi_day(day)}.",
        f"{person.name} was {name_en}{by_en} on {day}.",
    )


def _no_decision(person: StaffEntry) -> tuple[str, str]:
    return (
        f"Danh sách thẩm quyền không có quyết định cho {person.name} ký thay như học bạ ghi.",
        f"The authority list has no decision that lets {person.name} sign in another's place as the document says.",
    )


def _offices_vi(slot: Slot) -> str:
    return " hoặc ".join(_OFFICE_NAMES[office][0] for office in slot.rule.offices)


def _offices_en(slot: Slot) -> str:
    return " or ".join(_OFFICE_NAMES[office][1] for office in slot.rule.offices)


def _list_place_conditions(person: StaffEntry, slot: Slot) -> Sequence[_Condition]:
    """Which office, at which school, for which subject and class."""
    return (
        _Condition(
            AuthorityCode.OUT_OF_OFFICE,
            lambda office: office.office in slot.rule.offices,
            lambda: (
                f"{person.name} không giữ nhiệm vụ {_offices_vi(slot)}.",
                f"{person.name} does not hold the office of {_offices_en(slot)}.",
            ),
        ),
        _Condition(
            AuthorityCode.OTHER_SCHOOL,
            lambda office: office.school_code == slot.school_code,
            lambda: (
                f"{person.name} không giữ nhiệm vụ {_offices_vi(slot)} tại trường có mã {slot.school_code}.",
                f"{person.name} does not hold the office of {_offices_en(slot)} at school {slot.school_code}.",
            ),
        ),
        _Condition(
            AuthorityCode.OTHER_SUBJECT,
            lambda office: office.subject_code is None or office.subject_code == slot.subject_code,
            lambda: (
                f"{person.name} không được phân công dạy môn {slot.subject_name or slot.subject_code}.",
                f"{person.name} is not assigned to subject {slot.subject_code}.",
            ),
        ),
        _Condition(
            AuthorityCode.OTHER_CLASS,
            lambda office: _is_for_class(office, slot),
            lambda: (
                f"{person.name} không được phân công lớp {slot.class_name} năm học {slot.school_year}.",
                f"{person.name} is not assigned to class {slot.class_name} in {slot.school_year}.",
            ),
        ),
    )


def _list_day_conditions(person: StaffEntry, slot: Slot, day: date) -> Sequence[_Condition]:
    """An office that had not begun, then one that was over."""
    return (
        _Condition(
            AuthorityCode.NOT_YET_IN_OFFICE,
            lambda office: office.from_day <= day,
            lambda: (
                f"{person.name} chưa giữ nhiệm vụ {_offices_vi(slot)} vào ngày {_vi_day(day)}.",
                f"{person.name} did not yet hold the office of {_offices_en(slot)} on {day}.",
            ),
        ),
        _Condition(
            AuthorityCode.OUT_OF_OFFICE,
            lambda office: _holds(office, day),
            lambda: (
                f"{person.name} không còn giữ nhiệm vụ {_offices_vi(slot)} vào ngày {_vi_day(day)}.",
                f"{person.name} no longer held the office of {_offices_en(slot)} on {day}.",
            ),
        ),
    )


def _list_decision_days(person: StaffEntry, decision: str, day: date) -> Sequence[_Condition]:
    """The same for a decision to sign in another's place."""
    return (
        _Condition(
            AuthorityCode.DELEGATION_NOT_YET,
            lambda office: office.from_day <= day,
            lambda: (
                f"{decision} chưa cho {person.name} ký thay vào ngày {_vi_day(day)}.",
                f"{decision} did not yet let {person.name} sign in another's place on {day}.",
            ),
        ),
        _Condition(
            AuthorityCode.DELEGATION_EXPIRED,
            lambda office: _holds(office, day),
            lambda: (
                f"{decision} không còn cho {person.name} ký thay vào ngày {_vi_day(day)}.",
                f"{decision} no longer let {person.name} sign in another's place on {day}.",
            ),
        ),
    )


def _is_for(office: OfficeEntry, slot: Slot) -> bool:
    """Return whether an office is the slot's: its kind, its school, subject and class."""
    return (
        office.office in slot.rule.offices
        and office.school_code == slot.school_code
        and office.subject_code in {None, slot.subject_code}
        and _is_for_class(office, slot)
    )


def _is_for_class(office: OfficeEntry, slot: Slot) -> bool:
    """A class is one class of one school year; documents about no class (recalls) ask for the school year only."""
    if office.class_name is None:
        return True
    if slot.class_name is None:
        return office.school_year == slot.school_year
    return (office.class_name, office.school_year) == (slot.class_name, slot.school_year)


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
