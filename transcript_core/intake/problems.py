"""Collects the problems of one import, each with its place, and sorts them for the reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from transcript_core.intake.catalogue import KINDS
from transcript_core.intake.tables import Row, Table
from transcript_core.intake.workbook import Sheet
from transcript_core.records import Problem

_ADDRESS: Final = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem is.  `sheet` and `cell` are "" when the whole file or sheet is meant."""

    file: str
    sheet: str = ""
    cell: str = ""


def place_of_sheet(sheet: Sheet) -> Place:
    """Return the place of a whole sheet."""
    return Place(sheet.file, sheet.name)


def place_of_table(table: Table, column: str = "") -> Place:
    """Return the place of a table's column header, or of its whole sheet."""
    cell = table.address(table.header_row, column) if column else ""
    return Place(table.sheet.file, table.sheet.name, cell)


def place_of(row: Row, column: str) -> Place:
    """Return the place of one cell."""
    return Place(row.table.sheet.file, row.table.sheet.name, row.address(column))


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom a problem holds back: a pupil, every pupil of a class, or nobody in particular."""

    pupil_code: str | None = None
    pupil_key: str | None = None
    class_name: str | None = None


NOBODY: Final = Concern()


@dataclass(slots=True)
class ProblemLog:
    """The problems found so far.  The same problem is kept once."""

    _found: dict[Problem, None] = field(default_factory=dict)

    def add(self, code: str, place: Place, /, *, concerns: Concern = NOBODY, **values: object) -> None:
        """Report a problem of the catalogue.

        Args:
            values: what the templates of this kind of problem name.
        """
        kind = KINDS[code]
        problem = Problem(
            severity=kind.severity,
            code=code,
            file=place.file,
            sheet=place.sheet,
            cell=place.cell,
            what=kind.what.format(**values),
            remedy=kind.remedy.format(**values),
            pupil_code=concerns.pupil_code,
            pupil_key=concerns.pupil_key,
            class_name=concerns.class_name,
        )
        self._found[problem] = None

    def list_sorted(self) -> tuple[Problem, ...]:
        """Return the problems by file, sheet and cell."""
        return tuple(sorted(self._found, key=_order))


def join_rows(rows: Iterable[Row]) -> str:
    """Return the numbers of rows as people read them."""
    return ", ".join(str(row.number) for row in rows)


def _order(problem: Problem) -> tuple[object, ...]:
    match = _ADDRESS.fullmatch(problem.cell)
    column, row = (match[1], int(match[2])) if match else ("", 0)
    rest = (problem.code, problem.pupil_code or "", problem.pupil_key or "", problem.class_name or "", problem.what)
    return (problem.file, problem.sheet, row, len(column), column, *rest)
