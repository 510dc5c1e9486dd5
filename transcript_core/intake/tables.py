"""Finds the table in a sheet: which layout it is, where its header stands, and which column means what.

The header row is looked for by content, wherever it stands and in whatever order its columns come; a header of two rows
(`ĐĐGtx` above 1, 2, 3) is read as one.  What stands above it are the title rows, what does not look like a row of data
below it (a total line, signatures) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Final

from openpyxl.utils import get_column_letter

from transcript_core.intake.layouts import UNUSED_PREFIX, Column, Layout, list_layouts
from transcript_core.intake.workbook import Cell, CellError, Sheet
from transcript_core.model import SchoolLevel
from transcript_core.text import clean_text, drop_parentheses, fold_header

_HEADER_SEARCH_ROWS: Final = 40  # rows with any value; exports have up to six title rows
_FEWEST_HEADERS: Final = 3  # fewer known headers in a row are chance
_FOOTER: Final = re.compile(r"tongso|tongcong|cong|trungbinh|nguoilap|hieutruong|giaovien|ngai\d|kighiro|danhsachco")
_SOME_DIGITS: Final = re.compile(r"\d{5,}")
_DAY: Final = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}$")
_IDENTITY_COLUMNS: Final = frozenset({"index", "code", "name", "birth_date", "class", "subject", "comment", "homeroom"})


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet whose layout is known."""

    sheet: Sheet
    layout: Layout
    header_row: int  # the last row of the header, 1-based
    titles: tuple[str, ...]  # texts above the header, top down
    columns: Mapping[str, int]  # column name -> index, 0-based; the first of two alike
    unknown: tuple[tuple[int, str], ...]  # (index, header) of columns that the layout does not know
    doubled: tuple[tuple[int, str], ...]  # (index, header) of columns that mean what an earlier one means
    missing: tuple[str, ...]  # required columns that are not there, as people name them

    def has(self, column: str) -> bool:
        """Return whether the sheet has this column."""
        return column in self.columns

    def address(self, row: int, column: str) -> str:
        """Return the cell's address, or the row's first cell when the sheet has no such column."""
        return f"{get_column_letter(self.columns.get(column, 0) + 1)}{row}"

    def header_address(self, index: int) -> str:
        """Return the address of the header in the column at `index`, 0-based."""
        return f"{get_column_letter(index + 1)}{self.header_row}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of data."""

    table: Table
    number: int  # 1-based
    cells: tuple[Cell, ...]

    def get(self, column: str) -> Cell:
        """Return the cell's value, or None when it or the column is not there; blank text counts as nothing."""
        index = self.table.columns.get(column)
        value = self.cells[index] if index is not None and index < len(self.cells) else None
        return None if isinstance(value, str) and not clean_text(value) else value

    def get_text(self, column: str) -> str:
        """Return the cell as clean text; a whole number without its decimal point."""
        return show_cell(self.get(column))

    def address(self, column: str) -> str:
        """Return the cell's address."""
        return self.table.address(self.number, column)

    @property
    def is_blank(self) -> bool:
        """Return whether no used column but the running number holds anything."""
        names = (name for name in self.table.columns if name != "index")
        return all(self.get(name) is None for name in names)


def show_cell(value: Cell) -> str:
    """Return a cell's value as people read it in the sheet."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, CellError):
        return value.text
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return day.strftime("%d/%m/%Y")
    return clean_text(str(value))


def find_table(sheet: Sheet, level: SchoolLevel) -> Table | None:
    """Return the table of a sheet, its missing columns named, or None when the sheet resembles no layout.

    A layout of which nothing is missing wins; then the one with the most columns found and the
    fewest missing; then one of this school level.
    """
    best: tuple[tuple[bool, int, int, bool], Table] | None = None
    for header in _list_header_candidates(sheet):
        for layout in list_layouts():
            table = _match(sheet, layout, header)
            score = (not table.missing, len(table.columns), -len(table.missing), level in layout.levels)
            if len(table.columns) >= _FEWEST_HEADERS and (best is None or score > best[0]):
                best = (score, table)
    return None if best is None else best[1]


def list_rows(table: Table) -> list[Row]:
    """Return the rows of data below the header; total and signature lines are left out."""
    rows = (Row(table, number, cells) for number, cells in table.sheet.rows.items() if number > table.header_row)
    return [row for row in rows if not row.is_blank and not _is_footer(row)]


def find_stated_total(table: Table) -> tuple[int, str] | None:
    """Return (number, address) of a line `Tổng số: 512 học sinh` below the table, or None."""
    for number, cells in table.sheet.rows.items():
        for index, cell in enumerate(cells):
            if number > table.header_row and isinstance(cell, str) and "tongso" in fold_header(cell):
                digits = re.findall(r"\d+", cell)
                if len(digits) == 1:
                    return int(digits[0]), f"{get_column_letter(index + 1)}{number}"
    return None


@dataclass(frozen=True, slots=True)
class _Header:
    first_row: int
    last_row: int
    texts: tuple[str, ...]


@cache
def _all_keys() -> frozenset[str]:
    return frozenset(key for layout in list_layouts() for column in layout.columns for key in column.keys)


def _list_header_candidates(sheet: Sheet) -> Iterator[_Header]:
    """Yield every early row, alone and joined with the row below it, that holds enough known headers."""
    for row in list(sheet.rows)[:_HEADER_SEARCH_ROWS]:
        texts = tuple(show_cell(cell) for cell in sheet.rows[row])
        candidates = [_Header(row, row, texts)]
        if row + 1 in sheet.rows:
            lower = tuple(show_cell(cell) for cell in sheet.rows[row + 1])
            candidates.append(_Header(row, row + 1, _join_header_rows(texts, lower)))
        for header in candidates:
            if sum(not _all_keys().isdisjoint(_keys_of(text)) for text in header.texts) >= _FEWEST_HEADERS:
                yield header


@lru_cache(maxsize=4096)
def _keys_of(header: str) -> tuple[str, str]:
    return fold_header(header), fold_header(drop_parentheses(header))


def _join_header_rows(upper: tuple[str, ...], lower: tuple[str, ...]) -> tuple[str, ...]:
    """Join two header rows: an upper text stands over the blank cells right of it that have a lower text."""
    joined = []
    above = ""
    for index in range(max(len(upper), len(lower))):
        top = upper[index] if index < len(upper) else ""
        below = lower[index] if index < len(lower) else ""
        above = top or (above if below else "")
        joined.append(f"{above} {below}".strip())
    return tuple(joined)


def _match(sheet: Sheet, layout: Layout, header: _Header) -> Table:
    columns: dict[str, int] = {}
    unknown: list[tuple[int, str]] = []
    doubled: list[tuple[int, str]] = []
    for index, text in enumerate(header.texts):
        column = _find_column(layout, text)
        if column is None:
            unknown.extend([(index, text)] if text else [])
        elif column.name in columns:
            doubled.append((index, text))
        else:
            columns[column.name] = index
    missing = [group for group in layout.required if not any(name in columns for name in group)]
    return Table(
        sheet=sheet,
        layout=layout,
        header_row=header.last_row,
        titles=tuple(_list_titles(sheet, header.first_row)),
        columns={name: index for name, index in columns.items() if not name.startswith(UNUSED_PREFIX)},
        unknown=tuple(unknown),
        doubled=tuple(doubled),
        missing=tuple(layout.describe(group) for group in missing),
    )


def _find_column(layout: Layout, header: str) -> Column | None:
    whole, without_hint = _keys_of(header)
    return layout.find_column(whole) or layout.find_column(without_hint)


def _list_titles(sheet: Sheet, header_row: int) -> Iterator[str]:
    for number, cells in sheet.rows.items():
        if number < header_row:
            yield from filter(None, (show_cell(cell) for cell in cells))


def _is_footer(row: Row) -> bool:
    """Tell total lines and signatures from data.

    They carry no code, date of birth or running number with a name; they say by their first words what they are, or
    hold a single text, or neither a class nor anything that looks like a result.
    """
    born = row.get("birth_date")
    if isinstance(born, date) or _DAY.match(show_cell(born)) or _SOME_DIGITS.search(row.get_text("code")):
        return False
    if row.get("index") is not None and row.get("name") is not None:
        return False
    texts = [text for text in map(show_cell, row.cells) if text]
    if len(texts) <= 1 or _FOOTER.match(fold_header(texts[0])):
        return True
    return row.get("class") is None and not _has_results(row)


def _has_results(row: Row) -> bool:
    values = (row.get(name) for name in row.table.columns if name not in _IDENTITY_COLUMNS)
    return any(not isinstance(value, str) or len(value) <= 3 or value[0].isdigit() for value in values if value)
