"""Reads the cells of one row and reports what cannot be read, so that the readers of sheets need not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from transcript_core.intake import values
from transcript_core.intake.problems import NOBODY, Concern, ProblemLog, place_of
from transcript_core.intake.tables import Row
from transcript_core.intake.values import BadCell
from transcript_core.intake.workbook import Cell
from transcript_core.limits import MAX_LABEL_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS
from transcript_core.model import Achievement, QualityLevel, SubjectLevel, YearOutcome

T = TypeVar("T")


class CellReader:
    """Reads cells of one row.  A bad cell is reported and reads as blank; `bad` remembers its column."""

    def __init__(self, row: Row, log: ProblemLog, concern: Concern = NOBODY) -> None:
        self.row = row
        self.bad: set[str] = set()
        self._log = log
        self._concern = concern

    def report(self, code: str, column: str, /, **named: object) -> None:
        """Report a problem at the cell of `column`."""
        self._log.add(code, place_of(self.row, column), concerns=self._concern, **named)

    def mark(self, column: str) -> Decimal | None:
        """Return a mark, or None."""
        return self._read(column, values.parse_mark)

    def test_mark(self, column: str) -> Decimal | None:
        """Return a primary school's test mark, or None."""
        return self._read(column, values.parse_test_mark)

    def pass_level(self, column: str) -> SubjectLevel | None:
        """Return Đạt or Chưa đạt, or None."""
        return self._read(column, values.parse_pass_level)

    def primary_level(self, column: str) -> SubjectLevel | None:
        """Return T, H or C, or None."""
        return self._read(column, values.parse_primary_level)

    def training(self, column: str) -> Achievement | None:
        """Return a training result, or None."""
        return self._read(column, values.parse_training)

    def quality(self, column: str) -> QualityLevel | None:
        """Return the level of a quality or competence, or None."""
        return self._read(column, values.parse_quality)

    def day(self, column: str) -> date | None:
        """Return a day, or None."""
        return self._read(column, values.parse_day)

    def count(self, column: str) -> int | None:
        """Return a number of absences, or None."""
        return self._read(column, values.parse_count)

    def measure(self, column: str, *, measure: str, lowest: int, highest: int) -> Decimal | None:
        """Return a height or weight, or None."""
        return self._read(
            column, lambda cell: values.parse_measure(cell, measure=measure, lowest=lowest, highest=highest)
        )

    def flag(self, column: str) -> bool:
        """Return whether the cell is ticked."""
        return bool(self._read(column, values.parse_flag))

    def digits(self, column: str) -> str:
        """Return an identifier, or ""."""
        return self._read(column, values.parse_digits) or ""

    def text(self, column: str) -> str:
        """Return clean text, or ""."""
        return self._read(column, lambda cell: values.parse_text(cell, limit=MAX_TEXT_CHARS)) or ""

    def label(self, column: str) -> str:
        """Return clean short text, or ""."""
        return self._read(column, lambda cell: values.parse_text(cell, limit=MAX_LABEL_CHARS)) or ""

    def items(self, column: str) -> tuple[str, ...]:
        """Return the short texts of a list."""
        return self._read(column, values.parse_items) or ()

    def code(self, column: str, parse: Callable[[str], str]) -> str:
        """Return a code that was typed as text, or ""; `parse` raises InputError for what is none."""
        return self._read(column, lambda cell: values.parse_text_code(cell, parse)) or ""

    def school_year(self, column: str) -> str:
        """Return a school year, "2024-2025", or ""."""
        return self._read(column, values.parse_year) or ""

    def decision(self, column: str) -> YearOutcome | None:
        """Return the principal's decision on promotion, or None."""
        return self._read(column, values.parse_decision)

    def name(self, column: str) -> str:
        """Return a person's name, or ""."""
        return self._read(column, lambda cell: values.parse_text(cell, limit=MAX_NAME_CHARS)) or ""

    def _read(self, column: str, parse: Callable[[Cell], T]) -> T | None:
        try:
            return parse(self.row.get(column))
        except BadCell as bad:
            self.bad.add(column)
            self.report(bad.code, column, **bad.values)
            return None
