"""Reads single cells: marks, levels, days, counts, texts.  What cannot be read is told by a problem code.

Marks: TT 22/2021 Đ.6 (0 to 10, a whole number or one decimal place); levels: TT 22/2021 Đ.6, 8 and TT 27/2020 Đ.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from transcript_core.errors import InputError
from transcript_core.identifiers import parse_school_year
from transcript_core.intake.tables import show_cell
from transcript_core.intake.workbook import Cell, CellError
from transcript_core.limits import MAX_LABEL_CHARS, MAX_TEXT_CHARS
from transcript_core.model import Achievement, QualityLevel, SubjectLevel, YearOutcome
from transcript_core.tables import LevelScale, list_level_names
from transcript_core.text import clean_text, find_forbidden, fold_header

L = TypeVar("L", bound=StrEnum)

CODE_DIGITS: Final = 10
"""Digits of a mã định danh Bộ GD&ĐT."""

MAX_ABSENCES: Final = 400
"""Sessions a year; 35 weeks of six days with morning and afternoon make 420 at the very most."""

_DAY_FIRST: Final = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})")
_YEAR_FIRST: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
_SCHOOL_YEAR: Final = re.compile(r"(20\d\d)\s*[-–—/]\s*(20\d\d)")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_SIGNIFICANT: Final = 12  # digits of a stored binary number that people could have typed
_YES: Final = frozenset({"x", "co", "1", "true", "dung", "ies"})
_NO: Final = frozenset({"", "khong", "0", "false", "no"})
_TICKS: Final = frozenset({"✓", "✔", "☑", "√"})
_DECISIONS: Final = {  # what a principal can decide; the official names are added from the table of levels
    YearOutcome.PROMOTED: ("Lên lớp",),
    YearOutcome.PROMOTED_AFTER_SUMMER: ("Lên lớp sau hè", "Được lên lớp sau hè"),
    YearOutcome.NOT_PROMOTED: ("Không lên lớp", "Ở lại lớp", "Lưu ban"),
}


class BadCell(Exception):
    """A cell's value cannot be used; `code` is a problem code, `values` what its text names."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def parse_mark(value: Cell) -> Decimal | None:
    """Return a mark with one decimal place, or None for a blank cell.

    Raises:
        BadCell: no number, outside 0 to 10, more than one decimal place, or a level.
    """
    if value is None:
        return None
    number = _parse_number(value)
    if number is None:
        code = "level-where-mark-belongs" if _is_level(value) else "mark-unreadable"
        raise BadCell(code, found=show_cell(value))
    if not Decimal(0) <= number <= Decimal(10):
        raise BadCell("mark-out-of-range", found=show_cell(value))
    if number != number.quantize(Decimal("0.1")):
        raise BadCell("mark-too-precise", found=show_cell(value))
    return number.quantize(Decimal("0.1"))


def parse_test_mark(value: Cell) -> Decimal | None:
    """Return a primary school's test mark, a whole number from 1 to 10, or None.  Spec: TT 27/2020 Đ.7."""
    if value is None:
        return None
    number = _parse_number(value)
    if number is None or number != number.to_integral_value() or not Decimal(1) <= number <= Decimal(10):
        raise BadCell("test-mark-unreadable", found=show_cell(value))
    return Decimal(int(number))


def parse_pass_level(value: Cell) -> SubjectLevel | None:
    """Return Đạt or Chưa đạt of a comment subject, or None for a blank cell."""
    return _parse_level(value, SubjectLevel, LevelScale.SUBJECT)


def parse_primary_level(value: Cell) -> SubjectLevel | None:
    """Return T, H or C of a primary school's subject, or None for a blank cell."""
    return _parse_level(value, SubjectLevel, LevelScale.PRIMARY_SUBJECT)


def parse_training(value: Cell) -> Achievement | None:
    """Return the level of a training result, or None for a blank cell."""
    return _parse_level(value, Achievement, LevelScale.TRAINING)


def parse_quality(value: Cell) -> QualityLevel | None:
    """Return the level of a quality or competence, or None for a blank cell."""
    return _parse_level(value, QualityLevel, LevelScale.QUALITY)


def parse_day(value: Cell) -> date | None:
    """Return a day from a date cell or from text such as 8/2/2014, or None for a blank cell."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = show_cell(value)
    _refuse_error(value)
    day_first, year_first = _DAY_FIRST.fullmatch(text), _YEAR_FIRST.fullmatch(text)
    try:
        if day_first:
            return date(int(day_first[3]), int(day_first[2]), int(day_first[1]))
        if year_first:
            return date(int(year_first[1]), int(year_first[2]), int(year_first[3]))
    except ValueError as error:
        raise BadCell("date-unreadable", found=text) from error
    raise BadCell("date-unreadable", found=text)


def parse_count(value: Cell) -> int | None:
    """Return a number of absences, or None for a blank cell."""
    if value is None:
        return None
    number = _parse_number(value)
    if number is None or number != number.to_integral_value():
        raise BadCell("count-unreadable", found=show_cell(value))
    if number < 0:
        raise BadCell("count-negative", found=show_cell(value))
    if number > MAX_ABSENCES:
        raise BadCell("count-too-large", found=show_cell(value))
    return int(number)


def parse_measure(value: Cell, *, measure: str, lowest: int, highest: int) -> Decimal | None:
    """Return a height or weight with at most one decimal place, or None for a blank cell."""
    if value is None:
        return None
    number = _parse_number(value)
    if number is None or not lowest <= number <= highest or number != number.quantize(Decimal("0.1")):
        raise BadCell("measure-unreadable", found=show_cell(value), measure=measure)
    return number


def parse_text(value: Cell, *, limit: int = MAX_TEXT_CHARS) -> str:
    """Return clean text, "" for a blank cell."""
    _refuse_error(value)
    text = show_cell(value)
    if len(text) > limit:
        raise BadCell("text-too-long", length=len(text), limit=limit)
    forbidden = find_forbidden(text)
    if forbidden:
        raise BadCell("text-forbidden", found=forbidden)
    return text


def parse_items(value: Cell) -> tuple[str, ...]:
    """Return the items of a list, which semicolons part; () for a blank cell."""
    items = tuple(filter(None, (clean_text(item) for item in parse_text(value).split(";"))))
    for item in items:
        if len(item) > MAX_LABEL_CHARS:
            raise BadCell("text-too-long", length=len(item), limit=MAX_LABEL_CHARS)
    return items


def parse_text_code(value: Cell, parse: Callable[[str], str]) -> str:
    """Return a code of unknown format, "" for a blank cell; a number cell may have lost digits at either end.

    Args:
        parse: returns its argument, or raises InputError when it cannot be such a code.
    """
    text = parse_text(value, limit=MAX_LABEL_CHARS)
    if not text:
        return ""
    if not isinstance(value, str):
        raise BadCell("code-not-text", found=text)
    try:
        return parse(text)
    except InputError as error:
        raise BadCell("code-unreadable", found=text) from error


def parse_year(value: Cell) -> str:
    """Return a school year as "2024-2025", "" for a blank cell."""
    text = parse_text(value)
    match = _SCHOOL_YEAR.fullmatch(text)
    if not text:
        return ""
    try:
        return str(parse_school_year(f"{match[1]}-{match[2]}" if match else text))
    except InputError as error:
        raise BadCell("school-year-unreadable", found=text) from error


def parse_decision(value: Cell) -> YearOutcome | None:
    """Return what the principal decided on promotion, or None for a blank cell."""
    _refuse_error(value)
    text = show_cell(value)
    if not text:
        return None
    names = {name.value: name.name for name in list_level_names(LevelScale.OUTCOME)}
    for outcome, spellings in _DECISIONS.items():
        if fold_header(text) in {fold_header(one) for one in (outcome.value, names[outcome.value], *spellings)}:
            return outcome
    raise BadCell("decision-unreadable", found=text, decisions="; ".join(names[one.value] for one in _DECISIONS))


def parse_flag(value: Cell) -> bool:
    """Return whether a cell is ticked: x, có, 1; blank is no."""
    _refuse_error(value)
    text = show_cell(value)
    if text in _TICKS or fold_header(text) in _YES:
        return True
    if fold_header(text) in _NO:
        return False
    raise BadCell("flag-unclear", found=text)


def parse_digits(value: Cell) -> str:
    """Return an identifier typed as text or number, without blanks, dots and hyphens; "" for a blank cell."""
    _refuse_error(value)
    return re.sub(r"[\s.\-']", "", show_cell(value))


def parse_code(value: Cell) -> str:
    """Return a code of the sector database; a number cell has lost the zeros in front, so they are put back.

    A cell that cannot be read comes back as it is shown: it will match nobody and be reported so.
    """
    if isinstance(value, CellError):
        return show_cell(value) or "?"
    digits = parse_digits(value)
    return digits.zfill(CODE_DIGITS) if is_numeric(value) else digits


def is_numeric(value: Cell) -> bool:
    """Return whether a cell holds a number, so that zeros in front of it are lost."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse_error(value: Cell) -> None:
    if isinstance(value, CellError):
        raise BadCell("cell-error", found=value.text) if value.text else BadCell("formula-without-value")


def _parse_number(value: Cell) -> Decimal | None:
    """Return the number of a cell or of text with a decimal comma or point; None when it is none."""
    _refuse_error(value)
    if isinstance(value, bool) or value is None or isinstance(value, date):
        return None
    text = f"{value:.{_SIGNIFICANT}g}" if isinstance(value, float) else clean_text(str(value))
    if isinstance(value, str) and not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10**9) else None


def _level_spellings(scale: LevelScale) -> Mapping[str, str]:
    names = list_level_names(scale)
    return {fold_header(spelling): level.value for level in names for spelling in (level.value, level.name)}


def _is_level(value: Cell) -> bool:
    scales = (LevelScale.SUBJECT, LevelScale.TRAINING, LevelScale.PRIMARY_SUBJECT)
    return any(fold_header(show_cell(value)) in _level_spellings(scale) for scale in scales)


def _parse_level(value: Cell, levels: type[L], scale: LevelScale) -> L | None:
    if value is None:
        return None
    _refuse_error(value)
    text = show_cell(value)
    spelled = _level_spellings(scale).get(fold_header(text))
    if spelled is None:
        wanted = ", ".join(f"{level.value} ({level.name})" for level in list_level_names(scale))
        code = "level-unreadable" if _parse_number(value) is None else "mark-where-level-belongs"
        raise BadCell(code, found=text, levels=wanted)
    return levels(spelled)
