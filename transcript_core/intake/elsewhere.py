"""Reads what happened before or outside this school: results of term I of transferred pupils, earlier school years.

Spec: TT 22/2021 Đ.9 (a year's average needs both terms, whichever school gave them); the table QUÁ TRÌNH HỌC TẬP of the
official forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from transcript_core.identifiers import SchoolYear, parse_school_code
from transcript_core.intake.additions import MAX_ITEMS
from transcript_core.intake.cells import CellReader
from transcript_core.intake.extras import list_subject_rows
from transcript_core.intake.marks import Results
from transcript_core.intake.problems import ProblemLog
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.tables import Row, Table, list_rows
from transcript_core.model import Grade, HistoryEntry, SchoolLevel, Source, SubjectKind, TermGrade
from transcript_core.tables import Subject

Transfers = dict[tuple[str, str], TermGrade]
"""By (pupil key, subject code)."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A column that must be filled, and how people name it."""

    column: str
    shown: str


_TRANSFER_FIELDS = (
    _Field("term_1", "kết quả học kì I"),
    _Field("school_code", "mã trường"),
    _Field("school_name", "tên trường"),
)
_HISTORY_FIELDS = (
    _Field("school_year", "năm học"),
    _Field("class_then", "lớp"),
    _Field("school_name", "tên trường"),
)


def read_transfers(
    tables: Sequence[Table], results: Results, roster: Roster, level: SchoolLevel, *, on: date, log: ProblemLog
) -> Transfers:
    """Return the results of term I that other schools gave.

    Args:
        results: what this school's own sheets say; a term has one source.
    """
    found: Transfers = {}
    for row, pupil, subject in list_subject_rows(tables, roster, level, on=on, log=log):
        cells = CellReader(row, log, pupil.concern)
        result = _read_transfer(cells, subject)
        if result is None:
            _report_blank(cells, row, _TRANSFER_FIELDS, "transfer-incomplete")
        elif _has_own_term_1(results, pupil, subject):
            cells.report("transfer-contradicts", "term_1", subject=subject.name)
        elif found.setdefault((pupil.key, subject.code), result) != result:
            cells.report("transfer-twice", "term_1", subject=subject.name)
    return found


def _read_transfer(cells: CellReader, subject: Subject) -> TermGrade | None:
    """Return the result with its source, or None when a part of it is missing or cannot be read."""
    grade = _read_grade(cells, subject)
    code, name = cells.code("school_code", parse_school_code), cells.label("school_name")
    return TermGrade(grade, Source(code, name)) if grade and code and name and not cells.bad else None


def _read_grade(cells: CellReader, subject: Subject) -> Grade | None:
    if subject.kind is SubjectKind.MARK:
        mark = cells.mark("term_1")
        return None if mark is None else Grade(mark=mark)
    primary = subject.kind is SubjectKind.PRIMARY
    level = cells.primary_level("term_1") if primary else cells.pass_level("term_1")
    test_mark = cells.test_mark("test_mark") if primary and subject.tested else None
    return None if level is None else Grade(mark=test_mark, level=level)


def _has_own_term_1(results: Results, pupil: RosterPupil, subject: Subject) -> bool:
    sheets = results.get((subject.code, 1))
    entry = sheets.entries.get(pupil.key) if sheets else None
    return entry is not None and not entry.is_blank


def read_history(
    tables: Sequence[Table], roster: Roster, year: SchoolYear, log: ProblemLog
) -> dict[str, tuple[HistoryEntry, ...]]:
    """Return the rows of earlier years by pupil key, sorted by school year.

    Args:
        year: the one that is imported; a pupil may have begun it at another school.
    """
    found: dict[str, list[HistoryEntry]] = {}
    for table in tables:
        for row in list_rows(table):
            pupil = roster.match_row(row, log)
            if pupil is not None:
                _read_earlier_year(row, pupil, found.setdefault(pupil.key, []), year, log)
    return {key: tuple(sorted(rows, key=lambda entry: entry.school_year)) for key, rows in found.items()}


def _read_earlier_year(
    row: Row, pupil: RosterPupil, known: list[HistoryEntry], year: SchoolYear, log: ProblemLog
) -> None:
    cells = CellReader(row, log, pupil.concern)
    entry = HistoryEntry(cells.school_year("school_year"), cells.label("class_then"), cells.label("school_name"))
    if not (entry.school_year and entry.class_name and entry.school_name):
        _report_blank(cells, row, _HISTORY_FIELDS, "history-incomplete")
    elif entry.school_year > str(year):
        cells.report("history-in-future", "school_year", found=entry.school_year, year=str(year))
    elif entry in known:
        cells.report("addition-twice", "school_year", found=entry.school_year)
    else:
        known.append(entry)
        if len(known) > MAX_ITEMS:
            cells.report("additions-too-many", "school_year", count=len(known), limit=MAX_ITEMS)


def _report_blank(cells: CellReader, row: Row, fields: Sequence[_Field], code: str) -> None:
    """Report what a row leaves out; cells that cannot be read are reported already."""
    for one in fields:
        if row.get(one.column) is None and one.column not in cells.bad:
            cells.report(code, one.column, which=one.shown)
