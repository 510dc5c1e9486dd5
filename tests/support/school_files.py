"""The sheets of an invented school, editable in memory, so that a test changes one cell and imports again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from demo.school_generator import InventedSchool, write_school
from transcript_core.intake import import_sheets
from transcript_core.intake.workbook import Cell, Sheet, load_sheets
from transcript_core.model import SchoolLevel
from transcript_core.records import ImportResult

AS_OF = date(2026, 5, 30)
CLASSES = {
    SchoolLevel.PRIMARY: ("2A", "4B"),
    SchoolLevel.LOWER_SECONDARY: ("7A1", "8A2"),
    SchoolLevel.UPPER_SECONDARY: ("10A1", "11A2"),
}


class SchoolFiles:
    """The sheets of a school, editable cell by cell."""

    def __init__(self, level: SchoolLevel, sheets: Iterable[Sheet], school: InventedSchool) -> None:
        self.level = level
        self.school = school
        self.sheets = {sheet.file: sheet for sheet in sheets}

    def copy(self) -> SchoolFiles:
        return SchoolFiles(self.level, self.sheets.values(), self.school)

    def get(self, file: str, cell: str) -> Cell:
        letters, row = coordinate_from_string(cell)
        cells = self.sheets[file].rows.get(row, ())
        index = column_index_from_string(letters) - 1
        return cells[index] if index < len(cells) else None

    def set(self, file: str, cell: str, value: Cell) -> None:
        letters, row = coordinate_from_string(cell)
        index = column_index_from_string(letters) - 1
        cells = list(self.sheets[file].rows.get(row, ()))
        cells += [None] * (index + 1 - len(cells))
        cells[index] = value
        self.set_row(file, row, cells)

    def set_row(self, file: str, row: int, cells: Iterable[Cell]) -> None:
        rows = {**self.sheets[file].rows, row: tuple(cells)}
        self.replace(file, {number: rows[number] for number in sorted(rows)})

    def delete_row(self, file: str, row: int) -> None:
        self.replace(file, {number: cells for number, cells in self.sheets[file].rows.items() if number != row})

    def replace(self, file: str, rows: dict[int, tuple[Cell, ...]], *, name: str | None = None) -> None:
        old = self.sheets.get(file)
        self.sheets[file] = Sheet(file, name or (old.name if old else "Sheet1"), hidden=False, rows=rows)

    def drop(self, file: str) -> None:
        del self.sheets[file]

    def rename(self, file: str, to: str) -> None:
        self.replace(to, dict(self.sheets.pop(file).rows))

    def run(self, *, as_of: date = AS_OF) -> ImportResult:
        return import_sheets(self.sheets.values(), school_level=self.level, as_of=as_of)

    def code(self, number: int) -> str:
        """Return the code of the number-th pupil, counted from 0."""
        return self.school.pupils[number].code


def load_school(folder: Path, level: SchoolLevel) -> SchoolFiles:
    school = write_school(folder, level=level, classes=CLASSES[level], pupils_per_class=3)
    paths = sorted(folder.rglob("*.xlsx"))
    sheets = [sheet for path in paths for sheet in load_sheets(path, path.relative_to(folder).as_posix())]
    return SchoolFiles(level, sheets, school)
