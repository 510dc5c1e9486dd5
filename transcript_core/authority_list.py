"""The authority list: which school has which seal; who holds which office, for which class and subject, on which days.

The department signs it; `schemas/json/authority-list-1.0.json` is its published format.  This module holds the nouns
and the codec; what follows from a list is decided in `authority.py`.  Days are days in Vietnam, both ends included.

The reader is written by hand after the schema, because a province's list has some 150,000 staff; a test holds both
against the same malformed lists.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, Final

from transcript_core.errors import AuthorityListInvalid, InputError
from transcript_core.limits import MAX_AUTHORITY_BYTES, MAX_NAME_CHARS, MAX_TEXT_CHARS
from transcript_core.model import SchoolLevel
from transcript_core.policy import Office
from transcript_core.strict_json import parse_strict_json

FORMAT: Final = "hocba-authority"
FORMAT_VERSION: Final = "1.0"

MAX_OFFICES: Final = 400
"""Offices of one person: a teacher of one subject in 30 classes has 30 a school year."""

_CODE: Final = re.compile(r"[0-9A-Za-z._-]{1,32}\Z")
_PERSON: Final = re.compile(r"CCCD:[0-9]{12}\Z")
_ORGANISATION: Final = re.compile(r"MST:[0-9]{10}(?:-[0-9]{3})?\Z")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_SCHOOL_YEAR: Final = re.compile(r"[0-9]{4}-[0-9]{4}\Z")
_PROVINCE: Final = re.compile(r"[0-9]{2}\Z")

_CLASS_OFFICES: Final = frozenset({Office.SUBJECT_TEACHER, Office.HOMEROOM_TEACHER})
"""Offices that are held for one class of one school year."""


@dataclass(frozen=True, slots=True)
class SealEntry:
    """The identity in a school's seal certificates."""

    identity: str  # "MST:0123456789"
    from_day: date
    to_day: date | None = None  # None: until further notice


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name that a school had, up to a day: it was renamed, or became part of another."""

    name: str
    to_day: date  # the last day of the name


@dataclass(frozen=True, slots=True)
class SchoolEntry:
    """One school.  One that was merged stays listed; whoever answers for it then has seal and offices at its code."""

    school_code: str
    name: str
    levels: tuple[SchoolLevel, ...]
    commune: str
    province_code: str
    province_name: str
    department_name: str
    seals: tuple[SealEntry, ...]
    former_names: tuple[FormerName, ...] = ()  # oldest first

    def get_name(self, day: date) -> str:
        """Return the name that the school had on a day."""
        return next((former.name for former in self.former_names if day <= former.to_day), self.name)


@dataclass(frozen=True, slots=True)
class OfficeEntry:
    """One office of one person.

    With `authority`, the person acts in somebody's place by that decision, and only there: the deputy who signs "KT.
    HIỆU TRƯỞNG", the principal who signs for an absent teacher.  Their own post is another entry, without `authority`.
    """

    office: Office
    school_code: str
    from_day: date
    to_day: date | None = None
    school_year: str | None = None  # subject and homeroom teachers: "2025-2026"
    class_name: str | None = None  # subject and homeroom teachers
    subject_code: str | None = None  # subject teachers
    authority: str | None = None  # number and date of the decision
    reason: str | None = None  # why somebody else signs: "nghỉ thai sản"; with `authority` only
    delegated_by: str | None = None  # staff code of whoever decided; with `authority` only, never the person's own


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """One member of staff."""

    staff_code: str
    name: str
    identities: tuple[str, ...]  # "CCCD:012345678901", as in the certificates
    offices: tuple[OfficeEntry, ...]


@dataclass(frozen=True, slots=True)
class AuthorityList:
    """One list.  Trustworthy only when it comes from `authority.open_authority_list`.

    Raises:
        AuthorityListInvalid: a school or a member of staff is listed twice, or an office names an unlisted school.
    """

    number: int  # 1-based, strictly increasing: a list with a lower number is an older one
    issuer: str  # the department, as people read it
    issued_at: datetime  # aware, UTC
    valid_from: datetime
    valid_to: datetime
    schools: tuple[SchoolEntry, ...]
    staff: tuple[StaffEntry, ...]
    _schools: Mapping[str, SchoolEntry] = field(init=False, repr=False, compare=False)
    _staff: Mapping[str, StaffEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        schools = {school.school_code: school for school in self.schools}
        staff = {person.staff_code: person for person in self.staff}
        if len(schools) != len(self.schools) or len(staff) != len(self.staff):
            raise AuthorityListInvalid("the authority list names a school or a member of staff twice")
        if not self.valid_from <= self.valid_to:
            raise AuthorityListInvalid("the authority list's validity ends before it begins")
        for person in self.staff:
            for office in person.offices:
                _check_office(office, person, schools)
                if office.delegated_by is not None and office.delegated_by not in staff:
                    raise AuthorityListInvalid(f"staff {person.staff_code}: who delegated is not in the list")
        object.__setattr__(self, "_schools", schools)
        object.__setattr__(self, "_staff", staff)

    def find_school(self, school_code: str) -> SchoolEntry | None:
        """Return the school with this code, or None."""
        return self._schools.get(school_code)

    def find_staff(self, staff_code: str) -> StaffEntry | None:
        """Return the member of staff with this code, or None."""
        return self._staff.get(staff_code)

    def list_staff(self, school_code: str) -> tuple[StaffEntry, ...]:
        """Return everybody who holds or held an office at this school, in the list's order."""
        return tuple(one for one in self.staff if any(office.school_code == school_code for office in one.offices))


def _check_office(office: OfficeEntry, person: StaffEntry, schools: Mapping[str, SchoolEntry]) -> None:
    if office.school_code not in schools:
        raise AuthorityListInvalid(f"staff {person.staff_code}: school {office.school_code} is not in the list")
    if office.office is Office.SCHOOL_SEAL:
        raise AuthorityListInvalid(f"staff {person.staff_code}: a seal belongs to a school, not to a person")
    if office.authority is None and (office.reason is not None or office.delegated_by is not None):
        raise AuthorityListInvalid(f"staff {person.staff_code}: reason and delegation go with a decision only")
    if office.delegated_by == person.staff_code:
        raise AuthorityListInvalid(f"staff {person.staff_code}: nobody delegates to themselves")
    of_class = office.office in _CLASS_OFFICES
    if of_class != (office.class_name is not None) or of_class != (office.school_year is not None):
        raise AuthorityListInvalid(f"staff {person.staff_code}: class and school year go with teachers' offices only")
    if (office.office is Office.SUBJECT_TEACHER) != (office.subject_code is not None):
        raise AuthorityListInvalid(f"staff {person.staff_code}: a subject goes with subject teachers' offices only")


# Writing


def build_authority_payload(authority: AuthorityList) -> bytes:
    """Return the JWS payload: UTF-8 JSON, members in a fixed order, texts in NFC."""
    payload = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "number": authority.number,
        "issuer": _nfc(authority.issuer),
        "issued_at": _write_instant(authority.issued_at),
        "valid_from": _write_instant(authority.valid_from),
        "valid_to": _write_instant(authority.valid_to),
        "schools": [_write_school(school) for school in authority.schools],
        "staff": [_write_person(person) for person in authority.staff],
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _write_school(school: SchoolEntry) -> dict[str, object]:
    return {
        "school_code": school.school_code,
        "name": _nfc(school.name),
        "levels": [level.value for level in school.levels],
        "commune": _nfc(school.commune),
        "province_code": school.province_code,
        "province_name": _nfc(school.province_name),
        "department_name": _nfc(school.department_name),
        "seals": [{"identity": seal.identity, **_write_period(seal)} for seal in school.seals],
        **_write_former_names(school),
    }


def _write_former_names(school: SchoolEntry) -> dict[str, object]:
    names = [{"name": _nfc(former.name), "to": former.to_day.isoformat()} for former in school.former_names]
    return {"former_names": names} if names else {}


def _write_person(person: StaffEntry) -> dict[str, object]:
    return {
        "staff_code": person.staff_code,
        "name": _nfc(person.name),
        "identities": list(person.identities),
        "offices": [_write_office(office) for office in person.offices],
    }


def _write_office(office: OfficeEntry) -> dict[str, object]:
    optional = {
        "school_year": office.school_year,
        "class": None if office.class_name is None else _nfc(office.class_name),
        "subject_code": office.subject_code,
        "authority": None if office.authority is None else _nfc(office.authority),
        "reason": None if office.reason is None else _nfc(office.reason),
        "delegated_by": office.delegated_by,
    }
    members = {"office": office.office.value, "school_code": office.school_code, **_write_period(office)}
    return {**members, **{name: value for name, value in optional.items() if value is not None}}


def _write_period(entry: SealEntry | OfficeEntry) -> dict[str, str]:
    period = {"from": entry.from_day.isoformat()}
    return period if entry.to_day is None else {**period, "to": entry.to_day.isoformat()}


def _write_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Reading


def parse_authority(payload: bytes) -> AuthorityList:
    """Return the list in a payload, without knowing who signed it.

    Raises:
        AuthorityListInvalid: not a list of this format and version, or it contradicts itself.
    """
    try:
        raw = parse_strict_json(payload, max_bytes=MAX_AUTHORITY_BYTES)
    except InputError as error:
        raise AuthorityListInvalid(f"the authority list is not usable JSON: {error}") from error
    whole = _Members(raw, "the authority list")
    if (whole.take("format"), whole.take("version")) != (FORMAT, FORMAT_VERSION):
        raise AuthorityListInvalid(f"this is not an authority list of format {FORMAT} {FORMAT_VERSION}")
    built = AuthorityList(
        number=whole.number("number"),
        issuer=whole.text("issuer"),
        issued_at=whole.instant("issued_at"),
        valid_from=whole.instant("valid_from"),
        valid_to=whole.instant("valid_to"),
        schools=tuple(_read_school(one) for one in whole.objects("schools", "schools")),
        staff=tuple(_read_person(one) for one in whole.objects("staff", "staff")),
    )
    whole.finish()
    return built


def _read_school(members: _Members) -> SchoolEntry:
    school = SchoolEntry(
        school_code=members.matching("school_code", _CODE),
        name=members.text("name"),
        levels=tuple(_read_levels(members)),
        commune=members.text("commune"),
        province_code=members.matching("province_code", _PROVINCE),
        province_name=members.text("province_name"),
        department_name=members.text("department_name"),
        seals=tuple(_read_seal(one) for one in members.objects("seals", "seal")),
        former_names=tuple(_read_former_names(members)) if members.has("former_names") else (),
    )
    members.finish()
    return school


def _read_former_names(members: _Members) -> Iterable[FormerName]:
    names: list[FormerName] = []
    for one in members.objects("former_names", "former name"):
        names.append(FormerName(one.text("name"), one.day("to")))
        one.finish()
    if not names or any(first.to_day >= second.to_day for first, second in pairwise(names)):
        raise members.refuse("former_names")
    return names


def _read_levels(members: _Members) -> Iterable[SchoolLevel]:
    values = members.take("levels")
    known = [level.value for level in SchoolLevel]
    if not isinstance(values, list) or not values or any(value not in known for value in values):
        raise members.refuse("levels")
    if len(set(values)) != len(values):
        raise members.refuse("levels")
    return [SchoolLevel(value) for value in values]


def _read_seal(members: _Members) -> SealEntry:
    first, last = members.period()
    seal = SealEntry(members.matching("identity", _ORGANISATION), first, last)
    members.finish()
    return seal


def _read_person(members: _Members) -> StaffEntry:
    identities = members.take("identities")
    if (
        not isinstance(identities, list)
        or not 1 <= len(identities) <= 8
        or len(set(map(str, identities))) != len(identities)
    ):
        raise members.refuse("identities")
    if any(not isinstance(one, str) or _PERSON.match(one) is None for one in identities):
        raise members.refuse("identities")
    offices = members.objects("offices", "office")
    if len(offices) > MAX_OFFICES:
        raise members.refuse("offices")
    person = StaffEntry(
        staff_code=members.matching("staff_code", _CODE),
        name=members.text("name", longest=MAX_NAME_CHARS),
        identities=tuple(identities),
        offices=tuple(_read_office(one) for one in offices),
    )
    members.finish()
    return person


def _read_office(members: _Members) -> OfficeEntry:
    name = members.take("office")
    if name not in [office.value for office in Office]:
        raise members.refuse("office")
    first, last = members.period()
    office = OfficeEntry(
        office=Office(name),
        school_code=members.matching("school_code", _CODE),
        from_day=first,
        to_day=last,
        school_year=members.matching("school_year", _SCHOOL_YEAR) if members.has("school_year") else None,
        class_name=members.text("class", longest=32) if members.has("class") else None,
        subject_code=members.matching("subject_code", _CODE) if members.has("subject_code") else None,
        authority=members.text("authority") if members.has("authority") else None,
        reason=members.text("reason") if members.has("reason") else None,
        delegated_by=members.matching("delegated_by", _CODE) if members.has("delegated_by") else None,
    )
    members.finish()
    return office


class _Members:
    """The members of one JSON object, taken one by one; what is left over at the end is refused."""

    __slots__ = ("_left", "_where")

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, dict):
            raise AuthorityListInvalid(f"{where} is not a JSON object")
        self._left: dict[str, Any] = dict(raw)
        self._where = where

    def refuse(self, name: str) -> AuthorityListInvalid:
        return AuthorityListInvalid(f"{self._where}: {name} is missing or not as the schema says")

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> Any:
        if name not in self._left:
            raise self.refuse(name)
        return self._left.pop(name)

    def finish(self) -> None:
        if self._left:
            raise AuthorityListInvalid(f"{self._where}: {min(self._left)} is not a member that the schema knows")

    def text(self, name: str, *, longest: int = MAX_TEXT_CHARS) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not 1 <= len(value) <= longest or value != value.strip():
            raise self.refuse(name)
        if not unicodedata.is_normalized("NFC", value):
            raise self.refuse(name)
        return value

    def matching(self, name: str, pattern: re.Pattern[str]) -> str:
        value = self.take(name)
        if not isinstance(value, str) or pattern.match(value) is None:
            raise self.refuse(name)
        return value

    def number(self, name: str) -> int:
        value = self.take(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.refuse(name)
        return value

    def instant(self, name: str) -> datetime:
        text = self.matching(name, _INSTANT)
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise self.refuse(name) from error

    def day(self, name: str) -> date:
        text = self.matching(name, _DAY)
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise self.refuse(name) from error

    def period(self) -> tuple[date, date | None]:
        first = self.day("from")
        last = self.day("to") if self.has("to") else None
        if last is not None and last < first:
            raise self.refuse("to")
        return first, last

    def objects(self, name: str, what: str) -> Sequence[_Members]:
        values = self.take(name)
        if not isinstance(values, list):
            raise self.refuse(name)
        return [_Members(value, f"{what} {number}") for number, value in enumerate(values, start=1)]
