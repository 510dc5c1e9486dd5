"""Enrolment: what the spreadsheets do not hold and the department's signed list must: codes, identities, offices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from transcript_core.authority import (
    AuthorityList,
    OfficeEntry,
    SchoolEntry,
    SealEntry,
    StaffEntry,
    get_school_profile,
)
from transcript_core.errors import InputError
from transcript_core.model import School, SchoolLevel
from transcript_core.policy import Office
from transcript_core.records import SchoolRecords, StandIn
from transcript_core.tables import normalize_name

_POSITIONS = {
    normalize_name("Hiệu trưởng"): Office.PRINCIPAL,
    normalize_name("Phó hiệu trưởng"): Office.VICE_PRINCIPAL,
    normalize_name("Văn thư"): Office.CLERK,
}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One school as the department enrols it."""

    school: School
    seal_identity: str  # "MST:0123456789"
    identities: Mapping[str, str]  # staff code → "CCCD:012345678901"
    from_day: date
    to_day: date | None = None
    deputies: Mapping[str, str] | None = None  # staff code of a vice-principal → decision to sign for the principal


def draft_authority(
    enrolments: Mapping[str, tuple[Enrolment, SchoolRecords]],
    *,
    number: int,
    issuer: str,
    issued_at: datetime,
    valid_to: datetime,
) -> AuthorityList:
    """Return the authority list that follows from enrolments and the schools' own lists of staff and assignments.

    Args:
        enrolments: school code → enrolment and imported records.
        number: higher than that of every list before.

    Raises:
        InputError: a member of staff who must sign has no identity.
    """
    staff = [person for enrolment, records in enrolments.values() for person in _list_staff(enrolment, records)]
    return AuthorityList(
        number=number,
        issuer=issuer,
        issued_at=issued_at,
        valid_from=issued_at,
        valid_to=valid_to,
        schools=tuple(_build_school(enrolment) for enrolment, _ in enrolments.values()),
        staff=_merge(staff),
    )


def get_enrolled_school(
    authority: AuthorityList, school_code: str | None = None, *, level: SchoolLevel | None = None
) -> School:
    """Return the enrolled school; `school_code` may be left out when there is but one.

    Raises:
        InputError: several schools are enrolled and none was named.
        NotFound: the list does not have it.
    """
    if school_code is None:
        if len(authority.schools) != 1:
            raise InputError("several schools are enrolled; name one with --school-code")
        school_code = authority.schools[0].school_code
    return get_school_profile(authority, school_code, level=level)


def _build_school(enrolment: Enrolment) -> SchoolEntry:
    school = enrolment.school
    return SchoolEntry(
        school_code=school.school_code,
        name=school.name,
        levels=(school.level,),
        commune=school.commune,
        province_code=school.province_code,
        province_name=school.province_name,
        department_name=school.department_name,
        seals=(SealEntry(enrolment.seal_identity, enrolment.from_day, enrolment.to_day),),
    )


def _list_staff(enrolment: Enrolment, records: SchoolRecords) -> list[StaffEntry]:
    entries = []
    for person in records.staff:
        offices = _list_offices(enrolment, records, person.staff_code, person.position)
        identity = enrolment.identities.get(person.staff_code)
        if offices and identity is None:
            raise InputError(
                f"staff {person.staff_code} must sign but has no identity; add the number of the identity card to the "
                "file of identities"
            )
        if offices and identity is not None:
            entries.append(StaffEntry(person.staff_code, person.name, (identity,), tuple(offices)))
    return entries


def _list_offices(enrolment: Enrolment, records: SchoolRecords, staff_code: str, position: str) -> list[OfficeEntry]:
    code, start, end = enrolment.school.school_code, enrolment.from_day, enrolment.to_day
    offices = []
    post = _POSITIONS.get(normalize_name(position))
    if post is not None:
        offices.append(OfficeEntry(post, code, start, end))
    decision = (enrolment.deputies or {}).get(staff_code)
    if decision is not None:
        offices.append(OfficeEntry(Office.VICE_PRINCIPAL, code, start, end, authority=decision))
    offices.extend(
        OfficeEntry(Office.HOMEROOM_TEACHER, code, start, end, records.school_year, class_name=one.name)
        for one in records.classes
        if one.homeroom_staff_code == staff_code
    )
    offices.extend(
        OfficeEntry(
            Office.SUBJECT_TEACHER,
            code,
            start,
            end,
            records.school_year,
            class_name=one.class_name,
            subject_code=one.subject_code,
        )
        for one in records.assignments
        if one.staff_code == staff_code
    )
    offices.extend(_delegate(one, enrolment, records) for one in records.stand_ins if one.staff_code == staff_code)
    return offices


def _delegate(stand_in: StandIn, enrolment: Enrolment, records: SchoolRecords) -> OfficeEntry:
    """Return the office of one who signs in an absent teacher's place: this class and subject, by this decision."""
    return OfficeEntry(
        Office.HOMEROOM_TEACHER if stand_in.subject_code is None else Office.SUBJECT_TEACHER,
        enrolment.school.school_code,
        enrolment.from_day,
        enrolment.to_day,
        records.school_year,
        class_name=stand_in.class_name,
        subject_code=stand_in.subject_code,
        authority=stand_in.substitution.authority,
    )


def _merge(staff: list[StaffEntry]) -> tuple[StaffEntry, ...]:
    """Return one entry a person: somebody may serve at two schools."""
    merged = []
    ordered = sorted(staff, key=lambda person: person.staff_code)
    for code, group in groupby(ordered, key=lambda person: person.staff_code):
        people = list(group)
        identities = tuple(dict.fromkeys(identity for person in people for identity in person.identities))
        offices = tuple(office for person in people for office in person.offices)
        merged.append(StaffEntry(code, people[0].name, identities, offices))
    return tuple(merged)
