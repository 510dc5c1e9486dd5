"""Identifiers of pupils, schools and documents: how they are written, and what about them is odd.

`parse_*` accepts exactly the written form and raises otherwise.  `check_*` compares a well-formed identifier with
what else is known and returns warnings: a personal id that contradicts sex or birth year may be right (corrections,
adoptions, foreigners), so nothing is ever refused for it.

Sources: NĐ 137/2015/NĐ-CP and TT 59/2021/TT-BCA (personal id); TT 42/2021/TT-BGDĐT (codes of the sector database).
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import Gender
from transcript_core.tables import personal_id_provinces

RandomBytes = Callable[[int], bytes]
"""Returns so many random bytes; `secrets.token_bytes` unless a test decides."""

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SERIAL: Final = re.compile(f"[0-7][{_CROCKFORD}]{{25}}")
_PERSONAL_ID: Final = re.compile(r"[0-9]{12}")
_PUPIL_CODE: Final = re.compile(r"[0-9]{10}")
_OPAQUE_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
_SCHOOL_YEAR: Final = re.compile(r"([0-9]{4})-([0-9]{4})")
_FIRST_CENTURY: Final = 1900


@dataclass(frozen=True, slots=True)
class IdentifierWarning:
    """Something odd about an identifier.  The text never holds the identifier itself."""

    code: str  # stable
    what: str  # Vietnamese, one sentence


@dataclass(frozen=True, slots=True, order=True)
class SchoolYear:
    """A school year; `str` gives the written form."""

    first: int  # the calendar year in which it begins

    def __str__(self) -> str:
        """Return "2025-2026"."""
        return f"{self.first}-{self.first + 1}"

    @property
    def starts_on(self) -> date:
        """Return the day whose tables and regulations hold for the whole school year: 5 September."""
        return date(self.first, 9, 5)


def parse_school_year(text: str) -> SchoolYear:
    """Return the school year written "2025-2026".

    Raises:
        InputError: other form, or the second year is not the next one.
    """
    match = _SCHOOL_YEAR.fullmatch(text)
    if match is None or int(match[2]) != int(match[1]) + 1:
        raise InputError(f"{text!r} is not a school year; write it as 2025-2026")
    return SchoolYear(int(match[1]))


def generate_serial(random: RandomBytes = secrets.token_bytes) -> str:
    """Return a new serial: 128 random bits in 26 characters of Crockford's base32, upper case, no check symbol."""
    value = int.from_bytes(random(16), "big")
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def parse_serial(text: str) -> str:
    """Return `text` when it is a serial in canonical form.

    Raises:
        InputError: anything else, also the same serial in lower case; see `normalize_serial`.
    """
    if _SERIAL.fullmatch(text) is None:
        raise InputError("a serial has 26 characters of Crockford's base32, the first of them 0 to 7")
    return text


def normalize_serial(text: str) -> str:
    """Return the canonical form of a serial that a person typed.

    Letter case, blanks and hyphens do not count; O is read as 0, I and L as 1.

    Raises:
        InputError: it is no serial even so.
    Spec: Crockford's base32, decoding.
    """
    typed = text.upper().translate(str.maketrans("OIL", "011", " -"))
    return parse_serial(typed)


def generate_transcript_id(random: RandomBytes = secrets.token_bytes) -> str:
    """Return a new transcript id, a version 4 UUID in lower case."""
    return str(uuid.UUID(bytes=random(16), version=4))


def parse_transcript_id(text: str) -> str:
    """Return `text` when it is a UUID in canonical form: lower case, with hyphens.

    Raises:
        InputError: anything else.
    """
    try:
        canonical = str(uuid.UUID(text))
    except ValueError:
        canonical = ""
    if text != canonical:
        raise InputError("a transcript id is a UUID in lower case with hyphens")
    return text


def parse_personal_id(text: str) -> str:
    """Return `text` when it is a số định danh cá nhân, 12 digits.

    Raises:
        InputError: anything else.
    """
    if _PERSONAL_ID.fullmatch(text) is None:
        raise InputError("a personal identification number has 12 digits")
    return text


def check_personal_id(personal_id: str, *, birth_date: date, gender: Gender) -> tuple[IdentifierWarning, ...]:
    """Return what in a well-formed personal id contradicts the rest of the record.

    Digits: province of birth registration (old code), century and sex, two of the birth year, six at random.

    Raises:
        InputError: not 12 digits.
    """
    parse_personal_id(personal_id)
    century, female = divmod(int(personal_id[3]), 2)
    year = _FIRST_CENTURY + 100 * century + int(personal_id[4:6])
    warnings = []
    if personal_id[:3] not in personal_id_provinces():
        warnings.append(_warn("personal-id-province", "Ba chữ số đầu của số định danh cá nhân không phải mã tỉnh."))
    if gender is not Gender.UNKNOWN and gender is not (Gender.FEMALE if female else Gender.MALE):
        warnings.append(_warn("personal-id-gender", "Số định danh cá nhân không khớp với giới tính."))
    if year != birth_date.year:
        warnings.append(_warn("personal-id-birth-year", "Số định danh cá nhân không khớp với năm sinh."))
    return tuple(warnings)


def parse_pupil_code(text: str) -> str:
    """Return `text` when it is a mã định danh Bộ GD&ĐT of a pupil or a member of staff, 10 digits.

    Raises:
        InputError: anything else.
    """
    if _PUPIL_CODE.fullmatch(text) is None:
        raise InputError("a code of the sector database has 10 digits")
    return text


def check_pupil_code(pupil_code: str) -> tuple[IdentifierWarning, ...]:
    """Return a warning when the first two digits are no old province code; that they are one is only observed.

    Raises:
        InputError: not 10 digits.
    """
    if f"0{parse_pupil_code(pupil_code)[:2]}" in personal_id_provinces():
        return ()
    return (_warn("pupil-code-province", "Hai chữ số đầu của mã định danh Bộ GD&ĐT không phải mã tỉnh."),)


def parse_school_code(text: str) -> str:
    """Return `text` when it can be a school code: 1 to 20 letters, digits, dots, hyphens, underscores.

    The code is opaque.  Older codes hold a district, which no longer exists, so nothing may be read out of one.

    Raises:
        InputError: anything else.
    """
    if _OPAQUE_CODE.fullmatch(text) is None:
        raise InputError("a school code has 1 to 20 letters, digits, dots, hyphens or underscores")
    return text


def parse_lifelong_code(text: str) -> str:
    """Return `text` when it can be a mã số hồ sơ học tập suốt đời; its format is not known, so it is opaque.

    Raises:
        InputError: not 1 to 20 letters, digits, dots, hyphens, underscores.
    """
    if _OPAQUE_CODE.fullmatch(text) is None:
        raise InputError("a lifelong learning code has 1 to 20 letters, digits, dots, hyphens or underscores")
    return text


def _warn(code: str, what: str) -> IdentifierWarning:
    return IdentifierWarning(code, what)
