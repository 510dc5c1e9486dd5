"""Corrects a mark in a school's own workbook, as a teacher would after finding a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from openpyxl import load_workbook

_CODE_HEADER = "Mã định danh Bộ GD&ĐT"
_FINAL_HEADER = "ĐĐGck"
_AVERAGE_HEADER = "ĐTBmhk"


def correct_final_mark(folder: Path, subject_file: str, pupil_codes: Sequence[str]) -> tuple[str, Decimal, Decimal]:
    """Change a final mark of term II and empty the stated average; return pupil, mark before and mark after.

    Args:
        pupil_codes: the first of these that the workbook names by code is corrected.

    Raises:
        ValueError: the workbook names none of them.
    """
    path = folder / "diem-hk2" / subject_file
    book = load_workbook(path)
    sheet = book.active
    if sheet is None:
        raise ValueError(f"{path.name} has no sheet")
    header = next(row for row in sheet.iter_rows() if any(str(cell.value).strip() == _CODE_HEADER for cell in row))
    columns = {str(cell.value).strip(): number for number, cell in enumerate(header)}
    rows = {str(row[columns[_CODE_HEADER]].value): row for row in sheet.iter_rows(min_row=(header[0].row or 1) + 1)}
    pupil_code = next((code for code in pupil_codes if code in rows), None)
    if pupil_code is None:
        raise ValueError(f"{path.name} has none of these pupils")
    cell = rows[pupil_code][columns[_FINAL_HEADER]]
    before = Decimal(str(cell.value).replace(",", "."))
    after = before - 1 if before >= Decimal(9) else before + 1
    cell.value = float(after)
    rows[pupil_code][columns[_AVERAGE_HEADER]].value = None
    book.save(path)
    return pupil_code, before, after
