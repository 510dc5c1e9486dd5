"""Reads one workbook of unknown origin into plain cells, under limits, without ever raising a library's exception.

openpyxl and not the faster python-calamine: calamine shows an Excel error (`#DIV/0!`) and a formula without a stored
value as blank cells, so a mark could vanish unseen.  The container is measured before anything is unpacked, and XML
with a document type is refused before a parser sees it.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from openpyxl import load_workbook

from transcript_core.errors import InputError
from transcript_core.limits import (
    MAX_SHEET_COLUMNS,
    MAX_SHEET_ROWS,
    MAX_WORKBOOK_BYTES,
    MAX_WORKBOOK_MEMBERS,
    MAX_WORKBOOK_UNPACKED_BYTES,
)

_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE: Final = "EncryptedPackage".encode("utf-16-le")
_READ_ERRORS: Final = (  # what openpyxl and the standard library raise on damaged workbooks
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class CellError:
    """A cell that shows an Excel error, or a formula whose value was never stored."""

    text: str  # "#DIV/0!", or "" for a formula without a stored value


Cell = str | int | float | bool | datetime | date | time | timedelta | CellError | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet's cells.  Rows without any value are left out."""

    file: str  # relative to the import folder, with "/"
    name: str
    hidden: bool
    rows: Mapping[int, tuple[Cell, ...]]  # by row number, 1-based; trailing blanks cut off


class UnreadableWorkbook(InputError):
    """A file cannot be read as a workbook; `code` is a problem code of the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def load_sheets(path: Path, file: str) -> tuple[Sheet, ...]:
    """Return the sheets of the workbook at `path`, in the workbook's order.

    Args:
        path: an .xlsx file.
        file: how problems name it: relative to the import folder.

    Raises:
        UnreadableWorkbook: it is empty, encrypted, damaged, too large or not a workbook.
    """
    try:
        if path.stat().st_size > MAX_WORKBOOK_BYTES:
            raise UnreadableWorkbook("workbook-too-large")
        return parse_sheets(path.read_bytes(), file)
    except OSError as error:
        raise UnreadableWorkbook("workbook-unreadable") from error


def parse_sheets(content: bytes, file: str) -> tuple[Sheet, ...]:
    """Return the sheets of a workbook's bytes.

    Raises:
        UnreadableWorkbook: see `load_sheets`.
    """
    has_formulas = _inspect_container(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of styles and extensions that it leaves out
            return tuple(_read_sheets(content, file, has_formulas=has_formulas))
    except _READ_ERRORS as error:
        raise UnreadableWorkbook("workbook-damaged") from error


def _inspect_container(content: bytes) -> bool:
    """Measure the ZIP container and refuse dangerous XML; return whether any sheet holds a formula."""
    if not content:
        raise UnreadableWorkbook("workbook-empty")
    if content.startswith(_OLE_MAGIC):
        raise UnreadableWorkbook("workbook-encrypted" if _ENCRYPTED_PACKAGE in content else "workbook-format")
    if not content.startswith(b"PK"):
        raise UnreadableWorkbook("workbook-format")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_size(members)
            return _inspect_members(archive, members)
    except _READ_ERRORS as error:
        raise UnreadableWorkbook("workbook-damaged") from error


def _check_size(members: list[zipfile.ZipInfo]) -> None:
    """The reader never takes more of a member than its declared size, so the declared sizes bound the work."""
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_WORKBOOK_MEMBERS or unpacked > MAX_WORKBOOK_UNPACKED_BYTES:
        raise UnreadableWorkbook("workbook-too-large")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise UnreadableWorkbook("workbook-damaged")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableWorkbook("workbook-encrypted")
    if "xl/workbook.xml" not in names:
        raise UnreadableWorkbook("workbook-format")


def _inspect_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bool:
    has_formulas = False
    for member in members:
        if not member.filename.endswith((".xml", ".rels")):
            continue
        xml = archive.read(member)
        if b"<!DOCTYPE" in xml or b"\0" in xml:
            raise UnreadableWorkbook("workbook-damaged")
        has_formulas = has_formulas or b"<f>" in xml or b"<f " in xml or b":f>" in xml
    return has_formulas


def _read_sheets(content: bytes, file: str, *, has_formulas: bool) -> Iterator[Sheet]:
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    formulas = load_workbook(io.BytesIO(content), read_only=True, keep_links=False) if has_formulas else None
    for sheet in book.worksheets:
        rows = _read_rows(sheet)
        if formulas is not None:
            _mark_uncalculated(rows, formulas[sheet.title])
        yield Sheet(file=file, name=sheet.title, hidden=sheet.sheet_state != "visible", rows=rows)


def _read_rows(sheet: Any) -> dict[int, tuple[Cell, ...]]:
    """Read the rows as they stand: the sheet's own statement of its size is not believed."""
    sheet.reset_dimensions()
    rows: dict[int, tuple[Cell, ...]] = {}
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        values = [CellError(str(cell.value)) if cell.data_type == "e" else cell.value for cell in cells]
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        if values:
            rows[number] = tuple(values)
        if len(rows) > MAX_SHEET_ROWS or len(cells) > MAX_SHEET_COLUMNS:
            raise UnreadableWorkbook("sheet-too-large")
    return rows


def _mark_uncalculated(rows: dict[int, tuple[Cell, ...]], sheet: Any) -> None:
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        for index, cell in enumerate(cells):
            if cell.data_type == "f" and _value_at(rows.get(number, ()), index) is None:
                padded = [*rows.get(number, ()), *([None] * (index + 1))][: max(index + 1, len(rows.get(number, ())))]
                padded[index] = CellError("")
                rows[number] = tuple(padded)


def _value_at(row: tuple[Cell, ...], index: int) -> Cell:
    return row[index] if index < len(row) else None
