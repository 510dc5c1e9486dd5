"""Reads what the homeroom teacher keeps: training results, qualities and competences, absences, the year's comment.

Spec: TT 22/2021 Đ.8, 13; TT 27/2020 Đ.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from transcript_core.intake.cells import CellReader
from transcript_core.intake.layouts import QUALITY_PREFIX, LayoutKind
from transcript_core.intake.problems import ProblemLog, join_rows, place_of, place_of_table
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.tables import Row, Table
from transcript_core.model import Absences, Achievement
from transcript_core.tables import Quality, QualityGroup, list_qualities

_HEIGHT_CM: Final = (60, 220)
_WEIGHT_KG: Final = (8, 180)


@dataclass(frozen=True, slots=True)
class Conduct:
    """One pupil's year as the homeroom teacher wrote it."""

    row: Row
    absences: Absences
    comment: str
    training: tuple[Achievement | None, Achievement | None] = (None, None)  # of term 1 and term 2
    after_summer: Achievement | None = None
    qualities: tuple[tuple[str, str, str], ...] = ()
    height_cm: int | None = None
    weight_kg: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ConductSheets:
    """All sheets of one kind."""

    tables: tuple[Table, ...]
    entries: dict[str, Conduct]  # by pupil key
    troubled: frozenset[str]


def read_conduct(
    tables: Sequence[Table], roster: Roster, *, terms: frozenset[int], on: date, log: ProblemLog
) -> ConductSheets:
    """Return what training sheets or sheets of qualities say.

    Args:
        terms: the terms whose results are due.
        on: the day whose list of qualities holds.
    """
    entries: dict[str, Conduct] = {}
    troubled: set[str] = set()
    for table in tables:
        matches = roster.match_table(table, log)
        troubled |= matches.troubled
        for key, row in matches.rows.items():
            pupil = roster.by_key[key]
            if key in entries:
                rows = join_rows((entries[key].row, row))
                log.add("row-twice", place_of(row, "name"), concerns=pupil.concern, rows=rows)
                continue
            reader = _ConductReader(row, pupil, terms, log)
            primary = table.layout.kind is LayoutKind.QUALITIES
            entries[key] = reader.read_primary(on) if primary else reader.read_secondary()
    return ConductSheets(tuple(tables), entries, frozenset(troubled))


def read_summer(tables: Sequence[Table], roster: Roster, log: ProblemLog) -> dict[str, Achievement]:
    """Return the training results after the summer of sheets that hold nothing else, by pupil key."""
    results: dict[str, Achievement] = {}
    for table in tables:
        for key, row in roster.match_table(table, log).rows.items():
            level = CellReader(row, log, roster.by_key[key].concern).training("summer")
            if level is not None:
                results[key] = level
    return results


def add_summer(sheets: ConductSheets, summer: dict[str, Achievement]) -> ConductSheets:
    """Return the sheets with results after the summer that stand in sheets of their own."""
    entries = {
        key: replace(entry, after_summer=entry.after_summer or summer.get(key)) for key, entry in sheets.entries.items()
    }
    return replace(sheets, entries=entries)


class _ConductReader:
    """Reads one row."""

    def __init__(self, row: Row, pupil: RosterPupil, terms: frozenset[int], log: ProblemLog) -> None:
        self._row = row
        self._pupil = pupil
        self._terms = terms
        self._log = log
        self._cells = CellReader(row, log, pupil.concern)

    def read_secondary(self) -> Conduct:
        """Return training, absences and comment."""
        first, second = self._read_training(1), self._read_training(2)
        return Conduct(
            row=self._row,
            absences=self._read_absences(),
            comment=self._read_comment(),
            training=(first, second),
            after_summer=self._cells.training("summer"),
        )

    def read_primary(self, on: date) -> Conduct:
        """Return qualities, absences, body measures and comment."""
        height = self._cells.measure("height", measure="chiều cao", lowest=_HEIGHT_CM[0], highest=_HEIGHT_CM[1])
        weight = self._cells.measure("weight", measure="cân nặng", lowest=_WEIGHT_KG[0], highest=_WEIGHT_KG[1])
        return Conduct(
            row=self._row,
            absences=self._read_absences(),
            comment=self._read_comment(),
            qualities=self._read_qualities(on),
            height_cm=None if height is None else int(height.to_integral_value(ROUND_HALF_UP)),
            weight_kg=weight,
        )

    def _read_training(self, term: int) -> Achievement | None:
        column = f"training_{term}"
        level = self._cells.training(column)
        due = term in self._terms and not self._pupil.not_assessed
        if level is None and due and column not in self._cells.bad:
            self._cells.report("training-missing", column, term="I" * term)
        return level

    def _read_absences(self) -> Absences:
        counts = {column: self._cells.count(column) for column in ("excused", "unexcused")}
        for column, count in counts.items():
            if count is None and column not in self._cells.bad:
                self._cells.report("count-missing", column)
        return Absences(counts["excused"] or 0, counts["unexcused"] or 0)

    def _read_comment(self) -> str:
        comment = self._cells.text("comment")
        if not comment and "comment" not in self._cells.bad:
            code = "comment-missing" if 2 in self._terms else "comment-missing-term-1"
            self._cells.report(code, "comment")
        return comment

    def _read_qualities(self, on: date) -> tuple[tuple[str, str, str], ...]:
        levels: list[tuple[str, str, str]] = []
        for quality in _list_all_qualities(self._pupil.grade_level, on):
            column = f"{QUALITY_PREFIX}{quality.code}"
            if not self._row.table.has(column):
                shown = f"“{quality.name}”"
                table = self._row.table
                self._log.add("column-missing", place_of_table(table), layout=table.layout.kind.value, columns=shown)
                continue
            level = self._cells.quality(column)
            if level is not None:
                levels.append((quality.code, level.value, ""))
            elif column not in self._cells.bad and not self._pupil.not_assessed:
                self._cells.report("quality-missing", column, quality=quality.name)
        return tuple(levels)


def _list_all_qualities(grade: int, on: date) -> list[Quality]:
    return [quality for group in QualityGroup for quality in list_qualities(group, grade, on=on)]
