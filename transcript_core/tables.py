"""Code tables: subjects, provinces, qualities, levels, regulations and the numbers the regulations name.

The tables are `schemas/tables/*.csv`.  Every row has `valid_from` and `valid_to` (both inclusive, ISO dates, an empty
`valid_to` is open) and a `source` with its citation and how sure we are of it: [found] read in a source, [found-2nd]
read in a summary, [inferred], [memory].  So every look-up takes the day it asks about; for what belongs to a school
year that is `identifiers.SchoolYear.starts_on`.

Sources: TT 22/2021, TT 27/2020, TT 32/2018, TT 13/2022/TT-BGDĐT; QĐ 19/2025 and QĐ 124/2004/QĐ-TTg.
The sector's own subject codes (QĐ 4998/QĐ-BGDĐT) were not obtainable: the codes here are ours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType

from schemas.loader import load_table
from transcript_core.errors import InputError
from transcript_core.model import Achievement, SchoolLevel, SubjectKind


class SubjectChoice(StrEnum):
    """How a pupil comes to a subject: everybody takes it, môn học lựa chọn, môn học tự chọn."""

    COMPULSORY = "compulsory"
    ELECTIVE = "elective"
    OPTIONAL = "optional"


class QualityGroup(StrEnum):
    """Blocks of the primary form: phẩm chất chủ yếu, năng lực chung, năng lực đặc thù."""

    QUALITY = "quality"
    COMMON = "common"
    SPECIFIC = "specific"


class LevelScale(StrEnum):
    """Scales of `levels.csv`; the values of each are those of one enumeration of `model.py`."""

    STUDY = "study"
    TRAINING = "training"
    SUBJECT = "subject"
    PRIMARY_SUBJECT = "primary-subject"
    QUALITY = "quality"
    PRIMARY_YEAR = "primary-year"
    AWARD = "award"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Validity:
    """First and last day on which a row holds; no last day means it still does."""

    first: date
    last: date | None

    def covers(self, on: date | None) -> bool:
        """Return whether the row holds on this day; None asks for the rows that have no last day."""
        if on is None:
            return self.last is None
        return self.first <= on and (self.last is None or on <= self.last)


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the form at one school level."""

    code: str
    level: SchoolLevel
    name: str  # as the form prints it
    aliases: tuple[str, ...]
    components: tuple[str, ...]  # names of its parts, taught by different teachers but marked together
    kind: SubjectKind
    grades: range
    choice: SubjectChoice
    periods: Mapping[int, int]  # grade -> lessons a year
    tested: bool  # primary: has a periodic test at the end of the year
    form_order: int  # 1-based within the school level
    group: str  # the subject whose rows these are ("Tin học và Công nghệ"), or ""
    counts: bool  # whether it enters the level over all subjects
    validity: Validity


@dataclass(frozen=True, slots=True)
class Province:
    """One province or city under central government."""

    code: str  # 2 digits
    name: str
    kind: str  # "Thành phố" or "Tỉnh"
    validity: Validity

    @property
    def full_name(self) -> str:
        """Return the name as forms print it: "Thành phố Hà Nội"."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Quality:
    """One quality or competence of the primary form."""

    code: str
    group: QualityGroup
    name: str
    aliases: tuple[str, ...]
    grades: range
    form_order: int  # 1-based within the group
    validity: Validity


@dataclass(frozen=True, slots=True)
class LevelName:
    """One value of a scale in both coding systems."""

    scale: LevelScale
    value: str  # letters: "T", "K", "Đ", "CĐ"
    number: str | None  # digits: "1" to "4"; None where the digits are not known
    name: str
    validity: Validity


def normalize_name(name: str) -> str:
    """Return a key under which spellings of one name meet.

    Letter case, accents, punctuation, blanks, "&" for "và" and y for i do not count: "ĐỊA LÝ " and "Địa lí" are equal.
    """
    lowered = unicodedata.normalize("NFKD", name).casefold().replace("đ", "d").replace("&", " va ")
    letters = "".join(character for character in lowered if not unicodedata.combining(character))
    words = "".join(character if character.isalnum() else " " for character in letters).split()
    return " ".join(words).replace("y", "i")


def list_subjects(level: SchoolLevel, grade: int, *, on: date) -> tuple[Subject, ...]:
    """Return the subjects of this school level and grade, in the order of the form."""
    return tuple(_subjects_by_code(level, grade, on).values())


def get_subject(code: str, level: SchoolLevel, grade: int, *, on: date) -> Subject:
    """Return the subject with this code.

    Raises:
        InputError: the grade has no such subject on that day.
    """
    subject = _subjects_by_code(level, grade, on).get(code)
    if subject is None:
        raise InputError(f"subject code {code!r} is not in the table for {level.value} grade {grade} on {on}")
    return subject


def find_subject(name: str, level: SchoolLevel, grade: int, *, on: date) -> Subject | None:
    """Return the subject that this spelling of its name, an abbreviation or its code means, or None."""
    return _subjects_by_name(level, grade, on).get(normalize_name(name))


def find_subject_of_component(name: str, level: SchoolLevel, grade: int, *, on: date) -> Subject | None:
    """Return the subject of which `name` is only a part ("Hóa học" within Khoa học tự nhiên), or None.

    Good for lists of who teaches; a mark sheet of a part is not the mark sheet of the subject.
    """
    key = normalize_name(name)
    for subject in list_subjects(level, grade, on=on):
        if key in {normalize_name(component) for component in subject.components}:
            return subject
    return None


def count_regular_marks(subject: Subject, grade: int, *, regulation: str, on: date) -> int:
    """Return how many regular marks (ĐĐGtx) a term asks for in this subject and grade.

    Raises:
        InputError: the regulation has no such number, as for primary schools.
    Spec: TT 22/2021 Đ.6.
    """
    periods = subject.periods[grade]
    for row in load_table("regular_marks"):
        fits = not row["periods_up_to"] or periods <= int(row["periods_up_to"])
        if row["regulation"] == regulation and row["kind"] == subject.kind and fits and _validity(row).covers(on):
            return int(row["count"])
    raise InputError(f"{regulation} asks for no regular marks in subject {subject.code}")


def get_province(code: str, *, on: date) -> Province:
    """Return the province that had this 2-digit code on that day; codes were re-used on 2025-07-01.

    Raises:
        InputError: no province had it.
    """
    for province in _provinces():
        if province.code == code and province.validity.covers(on):
            return province
    raise InputError(f"no province had the code {code!r} on {on}")


def find_province(name: str, *, on: date) -> Province | None:
    """Return the province of this name on that day, with or without "Tỉnh" or "Thành phố", or None."""
    key = normalize_name(name)
    for province in list_provinces(on=on):
        if key in {
            normalize_name(province.name),
            normalize_name(province.full_name),
            normalize_name(f"TP {province.name}"),
        }:
            return province
    return None


def list_provinces(*, on: date) -> tuple[Province, ...]:
    """Return the provinces of that day, by code."""
    return tuple(province for province in _provinces() if province.validity.covers(on))


@cache
def personal_id_provinces() -> Mapping[str, str]:
    """Return the names behind the first three digits of a personal id: the 63 provinces before 2025-07-01.

    Ids issued earlier keep their digits, so this table has no link to `provinces.csv`.
    """
    return MappingProxyType({row["code"]: row["name"] for row in load_table("personal_id_provinces")})


def list_qualities(group: QualityGroup, grade: int, *, on: date) -> tuple[Quality, ...]:
    """Return the qualities or competences of one block of the form that apply to this grade, in the form's order."""
    fitting = (quality for quality in _qualities() if quality.group is group and grade in quality.grades)
    return tuple(quality for quality in fitting if quality.validity.covers(on))


def get_quality(code: str, *, on: date | None = None) -> Quality:
    """Return the quality or competence with this code on that day; without a day, as it is now.

    Raises:
        InputError: there is none.
    """
    for quality in _qualities():
        if quality.code == code and quality.validity.covers(on):
            return quality
    raise InputError(f"code {code!r} names no quality or competence")


def find_quality(name: str, group: QualityGroup, grade: int, *, on: date) -> Quality | None:
    """Return the quality or competence that this spelling means within its block of the form, or None."""
    key = normalize_name(name)
    for quality in list_qualities(group, grade, on=on):
        if key in {normalize_name(spelling) for spelling in (quality.name, quality.code, *quality.aliases)}:
            return quality
    return None


def list_level_names(scale: LevelScale, *, on: date | None = None) -> tuple[LevelName, ...]:
    """Return the values of one scale on that day, best first; without a day, as they are now."""
    return tuple(level for level in _level_names() if level.scale is scale and level.validity.covers(on))


def get_level_name(scale: LevelScale, value: str, *, on: date | None = None) -> LevelName:
    """Return both codes and the printed name of one value of a scale on that day; without a day, as it is now.

    Raises:
        InputError: the scale has no such value.
    """
    for level in list_level_names(scale, on=on):
        if level.value == value:
            return level
    raise InputError(f"{value!r} is no value of the scale {scale.value}")


def parse_achievement(code: str, scale: LevelScale) -> Achievement:
    """Return the study or training level that a letter code ("K") or a digit code ("2") means.

    Raises:
        InputError: neither system has the code.
    """
    for level in list_level_names(scale):
        if code in {level.value, level.number}:
            return Achievement(level.value)
    raise InputError(f"{code!r} is no code of the scale {scale.value}")


def list_grades(level: SchoolLevel) -> range:
    """Return the grades of a school level, 1..5, 6..9 or 10..12."""
    for row in load_table("school_levels"):
        if row["level"] == level:
            return _parse_grades(row["grades"])
    raise InputError(f"school level {level.value} is not in the table")


def get_school_level_code(level: SchoolLevel) -> str:
    """Return the 2-digit code of a school level in the national database (maNhomCapHoc)."""
    for row in load_table("school_levels"):
        if row["level"] == level:
            return row["code"]
    raise InputError(f"school level {level.value} is not in the table")


def find_regulation(level: SchoolLevel, grade: int, *, on: date) -> str | None:
    """Return the assessment regulation in force for this grade on that day ("TT22/2021"), or None."""
    for row in load_table("regulations"):
        if row["level"] == level and grade in _parse_grades(row["grades"]) and _validity(row).covers(on):
            return row["regulation"]
    return None


@lru_cache(maxsize=64)
def load_rules(regulation: str, on: date) -> Mapping[str, Decimal]:
    """Return the numbers that a regulation names, by their name in `rules.csv`."""
    rows = (row for row in load_table("rules") if row["regulation"] == regulation and _validity(row).covers(on))
    return MappingProxyType({row["name"]: Decimal(row["value"]) for row in rows})


@lru_cache(maxsize=64)
def load_training_years(regulation: str, on: date) -> Mapping[tuple[Achievement, Achievement], Achievement]:
    """Return the year's training result by those of (term 1, term 2).  Spec: TT 22/2021 Đ.8(2)."""
    rows = (
        row for row in load_table("training_years") if row["regulation"] == regulation and _validity(row).covers(on)
    )
    return MappingProxyType(
        {(Achievement(row["term_1"]), Achievement(row["term_2"])): Achievement(row["year"]) for row in rows}
    )


def _validity(row: Mapping[str, str]) -> Validity:
    last = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    return Validity(date.fromisoformat(row["valid_from"]), last)


def _parse_grades(text: str) -> range:
    if not text:
        return range(0)
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def _parse_periods(text: str) -> Mapping[int, int]:
    periods = (entry.split(":") for entry in _split(text))
    return MappingProxyType({grade: int(count) for grades, count in periods for grade in _parse_grades(grades)})


@cache
def _subjects() -> tuple[Subject, ...]:
    return tuple(
        Subject(
            code=row["code"],
            level=SchoolLevel(row["level"]),
            name=row["name"],
            aliases=_split(row["aliases"]),
            components=_split(row["components"]),
            kind=SubjectKind(row["kind"]),
            grades=_parse_grades(row["grades"]),
            choice=SubjectChoice(row["choice"]),
            periods=_parse_periods(row["periods"]),
            tested=row["tested"] == "yes",
            form_order=int(row["form_order"]),
            group=row["group"],
            counts=row["counts"] == "yes",
            validity=_validity(row),
        )
        for row in load_table("subjects")
    )


@lru_cache(maxsize=256)
def _subjects_by_code(level: SchoolLevel, grade: int, on: date) -> dict[str, Subject]:
    fitting = (subject for subject in _subjects() if subject.level is level and grade in subject.grades)
    valid = (subject for subject in fitting if subject.validity.covers(on))
    return {subject.code: subject for subject in sorted(valid, key=lambda subject: subject.form_order)}


@lru_cache(maxsize=256)
def _subjects_by_name(level: SchoolLevel, grade: int, on: date) -> dict[str, Subject]:
    return {
        normalize_name(spelling): subject
        for subject in _subjects_by_code(level, grade, on).values()
        for spelling in (subject.name, subject.code, *subject.aliases)
    }


@cache
def _provinces() -> tuple[Province, ...]:
    return tuple(Province(row["code"], row["name"], row["kind"], _validity(row)) for row in load_table("provinces"))


@cache
def _qualities() -> tuple[Quality, ...]:
    return tuple(
        Quality(
            code=row["code"],
            group=QualityGroup(row["group"]),
            name=row["name"],
            aliases=_split(row["aliases"]),
            grades=_parse_grades(row["grades"]),
            form_order=int(row["form_order"]),
            validity=_validity(row),
        )
        for row in load_table("qualities")
    )


@cache
def _level_names() -> tuple[LevelName, ...]:
    return tuple(
        LevelName(LevelScale(row["scale"]), row["value"], row["number"] or None, row["name"], _validity(row))
        for row in load_table("levels")
    )
