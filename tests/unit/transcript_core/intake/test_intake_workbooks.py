"""Files of any kind give sheets or a clear problem: no library exception comes out, nothing is unpacked unmeasured."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from transcript_core.errors import ImportRejected
from transcript_core.intake import import_school
from transcript_core.intake.workbook import CellError, UnreadableWorkbook, parse_sheets
from transcript_core.limits import MAX_SHEET_COLUMNS, MAX_SHEET_ROWS, MAX_WORKBOOK_UNPACKED_BYTES
from transcript_core.model import SchoolLevel
from transcript_core.records import ImportResult


def build_workbook(rows: list[list[object]]) -> bytes:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rewrite(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return the workbook with one member changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, change(data) if member == name else data)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
PLAIN = build_workbook([["STT", "Họ tên"], [1, "Lê An"]])


def code_of(content: bytes) -> str:
    with pytest.raises(UnreadableWorkbook) as raised:
        parse_sheets(content, "tệp.xlsx")
    return raised.value.code


def test_cells_come_out_as_they_stand() -> None:
    (sheet,) = parse_sheets(PLAIN, "tệp.xlsx")
    assert dict(sheet.rows) == {1: ("STT", "Họ tên"), 2: (1, "Lê An")}
    assert (sheet.file, sheet.name, sheet.hidden) == ("tệp.xlsx", "Sheet", False)


def test_errors_and_formulas_without_value_are_no_blanks() -> None:
    content = build_workbook([["a", "=1/0", "b"], [None, "=SUM(A1)"]])
    content = rewrite(content, SHEET, lambda xml: xml.replace(b"<v></v>", b"").replace(b"<v />", b""))
    (sheet,) = parse_sheets(content, "tệp.xlsx")
    assert dict(sheet.rows) == {1: ("a", CellError(""), "b"), 2: (None, CellError(""))}


def test_stored_error_is_an_error() -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page["A1"] = "#DIV/0!"
    page["A1"].data_type = "e"
    buffer = io.BytesIO()
    book.save(buffer)
    (sheet,) = parse_sheets(buffer.getvalue(), "tệp.xlsx")
    assert sheet.rows[1] == (CellError("#DIV/0!"),)


def test_wrong_statement_of_size_hides_nothing() -> None:
    content = rewrite(PLAIN, SHEET, lambda xml: xml.replace(b'ref="A1:B2"', b'ref="A1"'))
    (sheet,) = parse_sheets(content, "tệp.xlsx")
    assert sheet.rows[2] == (1, "Lê An")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "workbook-empty"),
        (b"STT;Lop\n1;7A1\n", "workbook-format"),
        (b"%PDF-1.7\n", "workbook-format"),
        (PLAIN[:900], "workbook-damaged"),
        (b"PK\x03\x04" + b"\0" * 200, "workbook-damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "workbook-format"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "workbook-encrypted",
        ),
    ],
    ids=lambda part: part if isinstance(part, str) else None,
)
def test_file_that_is_no_workbook_is_named_for_what_it_is(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_zip_of_something_else_is_no_workbook() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "x")
    assert code_of(buffer.getvalue()) == "workbook-format"


def test_zip_bomb_is_refused_by_its_declared_size() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (MAX_WORKBOOK_UNPACKED_BYTES + 1))
    assert len(buffer.getvalue()) < 100_000
    assert code_of(buffer.getvalue()) == "workbook-too-large"


def test_member_named_twice_is_refused() -> None:
    buffer = io.BytesIO(PLAIN)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(SHEET, b"<worksheet/>")
    assert code_of(buffer.getvalue()) == "workbook-damaged"


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml", "_rels/.rels"])
def test_document_type_is_refused_in_every_part(part: str) -> None:
    attacked = rewrite(PLAIN, part, lambda xml: b"<!DOCTYPE x>" + xml)
    assert code_of(attacked) == "workbook-damaged"


def test_xml_in_utf_16_is_refused() -> None:
    assert code_of(rewrite(PLAIN, SHEET, lambda xml: xml.decode().encode("utf-16"))) == "workbook-damaged"


def test_too_many_columns_are_refused() -> None:
    assert code_of(build_workbook([["x"] * (MAX_SHEET_COLUMNS + 1)])) == "sheet-too-large"


def test_too_many_rows_are_refused() -> None:
    row = b'<row r="%d"><c r="A%d"><v>1</v></c></row>'
    rows = b"".join(row % (number, number) for number in range(3, MAX_SHEET_ROWS + 4))
    assert code_of(rewrite(PLAIN, SHEET, lambda xml: xml.replace(b"</sheetData>", rows + b"</sheetData>"))) == (
        "sheet-too-large"
    )


def test_random_damage_never_gives_another_exception() -> None:
    randomness = random.Random(7)
    for _ in range(150):
        content = bytearray(PLAIN)
        for _ in range(randomness.randrange(1, 6)):
            content[randomness.randrange(len(content))] = randomness.randrange(256)
        try:
            parse_sheets(bytes(content[: randomness.randrange(1, len(content) + 1)]), "tệp.xlsx")
        except UnreadableWorkbook:
            continue


def import_folder(folder: Path) -> ImportResult:
    return import_school(folder, school_level=SchoolLevel.LOWER_SECONDARY, as_of=date(2026, 5, 30))


def test_each_unreadable_file_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "hk1").mkdir()
    (tmp_path / "hk1" / "Toán.xlsx").write_bytes(b"")
    (tmp_path / "Hóa.XLSX").write_bytes(PLAIN[:500])
    (tmp_path / "cu.xls").write_bytes(b"x")
    (tmp_path / "~$Toán.xlsx").write_bytes(b"lock")
    (tmp_path / "ghi-chu.txt").write_text("x")
    problems = import_folder(tmp_path).problems
    files = {(one.file, one.code) for one in problems if one.file}
    assert files == {
        ("hk1/Toán.xlsx", "workbook-empty"),
        ("Hóa.XLSX", "workbook-damaged"),
        ("cu.xls", "workbook-format"),
    }


def test_empty_folder_is_told(tmp_path: Path) -> None:
    result = import_folder(tmp_path)
    assert "folder-empty" in {one.code for one in result.problems}
    assert result.records.pupils == ()


def test_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRejected):
        import_folder(tmp_path / "không-có")


def test_hidden_sheet_with_data_is_told_and_not_read(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["Mã định danh Bộ GD&ĐT", "Họ tên", "Vị trí việc làm"])
    page.append(["4800000001", "Lê An", "Hiệu trưởng"])
    page.sheet_state = "hidden"
    book.create_sheet("Trang 2")
    book.save(tmp_path / "giao-vien.xlsx")
    result = import_folder(tmp_path)
    assert ("sheet-hidden", "Sheet") in {(one.code, one.sheet) for one in result.problems}
    assert result.records.staff == ()
