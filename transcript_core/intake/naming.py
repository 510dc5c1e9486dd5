"""Reads subject, term, school year and school from title rows, sheet names, file names and folders.

Every source that says something must say the same; which of them is right is not for us to guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Final

from transcript_core.intake.problems import Place, ProblemLog, place_of_sheet
from transcript_core.intake.tables import Table
from transcript_core.model import SchoolLevel
from transcript_core.tables import Subject, find_subject, find_subject_of_component, list_grades, normalize_name
from transcript_core.text import clean_text

_TERM: Final = re.compile(r"\b(?:hoc ki|hk|ki) ?(ii|i|[12])(?![a-z0-9])")
_TERM_NUMBERS: Final = {"i": 1, "1": 1, "ii": 2, "2": 2}
_YEAR: Final = re.compile(r"(20\d\d)\s*[-–—/]\s*(20\d\d)")
_TITLE_SUBJECT: Final = re.compile(
    r"\bmon (?:hoc (?!ki\b))?(?!hoc ki\b)(.+?)(?= (?:hoc ki|hk ?i*[12]?|ki (?:i+|[12])|nam hoc|lop|khoi)\b|$)"
)
_NOISE: Final = re.compile(
    r"\b(?:bang|diem|danh gia|mon|so|tong hop|ket qua|nam hoc|lop|khoi|file|xuat|20\d\d)\b|\b\d{1,2}[a-z]\d*\b"
)


@dataclass(frozen=True, slots=True)
class SheetSubject:
    """What a mark sheet is about."""

    code: str
    term: int  # 1 or 2


def find_sheet_subject(table: Table, level: SchoolLevel, *, on: date, log: ProblemLog) -> SheetSubject | None:
    """Return the subject and term of a mark sheet, or None after reporting why they are not clear."""
    subject = _find_subject(table, level, on=on, log=log)
    term = _find_term(table, log)
    return None if subject is None or term is None else SheetSubject(subject.code, term)


def find_level_subject(name: str, level: SchoolLevel, *, on: date) -> Subject | None:
    """Return the subject of this name in any grade of the level; the lowest grade that has it."""
    for grade in list_grades(level):
        subject = find_subject(name, level, grade, on=on)
        if subject is not None:
            return subject
    return None


def find_level_component(name: str, level: SchoolLevel, *, on: date) -> Subject | None:
    """Return the subject of which `name` is a part, in any grade of the level."""
    for grade in list_grades(level):
        subject = find_subject_of_component(name, level, grade, on=on)
        if subject is not None:
            return subject
    return None


def find_school_year(titles: Iterable[str]) -> str | None:
    """Return the school year written in title rows, "2025-2026", or None."""
    for title in titles:
        match = _YEAR.search(title)
        if match and int(match[2]) == int(match[1]) + 1:
            return f"{match[1]}-{match[2]}"
    return None


def find_school_name(titles: Iterable[str]) -> str | None:
    """Return the school's name as the title rows write it, or None."""
    return next((clean_text(title) for title in titles if normalize_name(title).startswith("truong ")), None)


def find_department_name(titles: Iterable[str]) -> str | None:
    """Return the department's name as the title rows write it, or None."""
    starts = ("so giao duc", "so gd")
    return next((clean_text(title) for title in titles if normalize_name(title).startswith(starts)), None)


def _find_subject(table: Table, level: SchoolLevel, *, on: date, log: ProblemLog) -> Subject | None:
    place = place_of_sheet(table.sheet)
    found: dict[str, Subject] = {}
    for title in table.titles:
        match = _TITLE_SUBJECT.search(normalize_name(title))
        if match is None:
            continue
        subject = find_level_subject(match[1], level, on=on)
        if subject is None:
            _report_unknown(match[1], title, level, place, on=on, log=log)
            return None
        found[subject.code] = subject
    file = PurePosixPath(table.sheet.file)
    for name in (table.sheet.name, file.stem, file.parent.name):
        subject = find_level_subject(_strip_noise(name), level, on=on) or find_level_subject(name, level, on=on)
        if subject is not None:
            found.setdefault(subject.code, subject)
    if len(found) > 1:
        log.add("subject-contradicts", place, found="; ".join(subject.name for subject in found.values()))
        return None
    if not found:
        _report_missing(file.stem, level, place, on=on, log=log)
        return None
    return next(iter(found.values()))


def _strip_noise(name: str) -> str:
    """Return a file or sheet name without its term and the words that every such name has."""
    plain = normalize_name(name.replace("_", " "))
    return _NOISE.sub(" ", _TERM.sub(" ", plain))


def _report_unknown(name: str, shown: str, level: SchoolLevel, place: Place, *, on: date, log: ProblemLog) -> None:
    whole = find_level_component(name, level, on=on)
    if whole is None:
        log.add("subject-unknown", place, subject=shown)
    else:
        log.add("subject-component", place, subject=shown, whole=whole.name)


def _report_missing(stem: str, level: SchoolLevel, place: Place, *, on: date, log: ProblemLog) -> None:
    rest = _strip_noise(stem).strip()
    if rest:
        _report_unknown(rest, stem, level, place, on=on, log=log)
    else:
        log.add("subject-missing", place)


def _find_term(table: Table, log: ProblemLog) -> int | None:
    sources = [*table.titles, table.sheet.name, *PurePosixPath(table.sheet.file).parts]
    found = {term for source in sources if (term := _parse_term(source)) is not None}
    if len(found) > 1:
        log.add("term-contradicts", place_of_sheet(table.sheet), found=", ".join(map(str, sorted(found))))
        return None
    if not found:
        log.add("term-missing", place_of_sheet(table.sheet))
        return None
    return found.pop()


def _parse_term(text: str) -> int | None:
    match = _TERM.search(normalize_name(text.replace("_", " ")))
    return _TERM_NUMBERS.get(match[1]) if match else None
