"""Reads mark sheets, comment sheets and primary sheets: one subject, one term, one row a pupil.

Stated averages are read here and held against the marks in `checks.py`; they are never taken over.
Spec: TT 22/2021 Đ.5 to 7; TT 27/2020 Đ.6, 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from transcript_core.intake.cells import CellReader
from transcript_core.intake.layouts import MAX_REGULAR_COLUMNS, LayoutKind
from transcript_core.intake.naming import find_level_subject, find_sheet_subject
from transcript_core.intake.problems import ProblemLog, join_rows, place_of, place_of_sheet
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.tables import Row, Table
from transcript_core.model import SchoolLevel, SubjectKind, SubjectLevel
from transcript_core.records import TermMarks

_LAYOUT_OF_KIND: Final = {
    SubjectKind.MARK: LayoutKind.MARKS,
    SubjectKind.COMMENT: LayoutKind.COMMENTS,
    SubjectKind.PRIMARY: LayoutKind.PRIMARY,
}
_KIND_TEXTS: Final = {
    SubjectKind.MARK: "đánh giá bằng nhận xét kết hợp điểm số",
    SubjectKind.COMMENT: "đánh giá bằng nhận xét",
    SubjectKind.PRIMARY: "đánh giá theo quy định cấp tiểu học",
}


@dataclass(frozen=True, slots=True)
class TermEntry:
    """What one row says of one pupil's subject and term."""

    row: Row
    marks: TermMarks
    bad: frozenset[str]  # columns whose cells could not be read; reported already
    average: Decimal | None = None  # stated ĐTBmhk
    year_average: Decimal | None = None  # stated ĐTBmcn
    reassessed_mark: Decimal | None = None
    reassessed_level: SubjectLevel | None = None

    @property
    def is_blank(self) -> bool:
        """Return whether the row gives no result at all, readable or not."""
        marks = self.marks
        given = (*marks.regular, marks.midterm, marks.final, marks.level, marks.test_mark, self.average)
        return not self.bad and all(value is None for value in given)


@dataclass(slots=True)
class SubjectSheets:
    """All sheets of one subject and term."""

    tables: list[Table] = field(default_factory=list)
    entries: dict[str, TermEntry] = field(default_factory=dict)  # by pupil key
    troubled: set[str] = field(default_factory=set)  # pupil keys whose row is not clear; reported already


Results = dict[tuple[str, int], SubjectSheets]
"""By subject code and term (1 or 2)."""


def read_results(tables: list[Table], roster: Roster, level: SchoolLevel, *, on: date, log: ProblemLog) -> Results:
    """Return what all the subject sheets say."""
    results: Results = {}
    for table in tables:
        named = find_sheet_subject(table, level, on=on, log=log)
        if named is None:
            continue
        subject = find_level_subject(named.code, level, on=on)
        assert subject is not None
        if table.layout.kind is not _LAYOUT_OF_KIND[subject.kind]:
            log.add(
                "layout-contradicts-subject",
                place_of_sheet(table.sheet),
                subject=subject.name,
                kind=_KIND_TEXTS[subject.kind],
                layout=table.layout.kind.value,
            )
            continue
        sheets = results.setdefault((subject.code, named.term), SubjectSheets())
        sheets.tables.append(table)
        _read_table(table, roster, sheets, log)
    return results


def _read_table(table: Table, roster: Roster, sheets: SubjectSheets, log: ProblemLog) -> None:
    matches = roster.match_table(table, log)
    sheets.troubled |= matches.troubled
    for key, row in matches.rows.items():
        pupil = roster.by_key[key]
        entry = read_entry(row, pupil, log)
        earlier = sheets.entries.get(key)
        if earlier is None:
            sheets.entries[key] = entry
        elif not entry.is_blank:
            rows = join_rows((earlier.row, row))
            log.add("row-twice", place_of(row, "name"), concerns=pupil.concern, rows=rows)


def read_entry(row: Row, pupil: RosterPupil, log: ProblemLog) -> TermEntry:
    """Return what a row says; cells that cannot be read are reported and count as blank."""
    cells = CellReader(row, log, pupil.concern)
    kind = row.table.layout.kind
    if kind is LayoutKind.MARKS:
        return _read_marks(row, cells)
    if kind is LayoutKind.COMMENTS:
        return _read_comment(row, cells)
    return _read_primary(row, cells)


def _read_marks(row: Row, cells: CellReader) -> TermEntry:
    columns = [f"regular-{number}" for number in range(1, MAX_REGULAR_COLUMNS + 1)]
    regular = [cells.mark(column) for column in columns if row.table.has(column)]
    marks = TermMarks(
        regular=tuple(mark for mark in regular if mark is not None),
        midterm=cells.mark("midterm"),
        final=cells.mark("final"),
        comment=cells.text("comment"),
    )
    average, year_average, reassessed = cells.mark("average"), cells.mark("year_average"), cells.mark("reassessed")
    return TermEntry(row, marks, frozenset(cells.bad), average, year_average, reassessed)


def _read_comment(row: Row, cells: CellReader) -> TermEntry:
    marks = TermMarks(level=cells.pass_level("level"), comment=cells.text("comment"))
    reassessed = cells.pass_level("reassessed")
    return TermEntry(row, marks, frozenset(cells.bad), reassessed_level=reassessed)


def _read_primary(row: Row, cells: CellReader) -> TermEntry:
    """The levels in the middle of a term are looked at and not kept: the form has no place for them."""
    cells.primary_level("mid_level")
    cells.test_mark("mid_mark")
    marks = TermMarks(
        level=cells.primary_level("level"), test_mark=cells.test_mark("test_mark"), comment=cells.text("comment")
    )
    reassessed = cells.primary_level("reassessed")
    return TermEntry(row, marks, frozenset(cells.bad), reassessed_level=reassessed)
