"""Where the header stands, how it is spelled, in which order columns and rows come: the records stay the same."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.school_files import SchoolFiles
from transcript_core.intake.layouts import Layout, list_layouts
from transcript_core.intake.tables import find_table, list_rows
from transcript_core.intake.values import BadCell, parse_mark
from transcript_core.intake.workbook import Cell, Sheet
from transcript_core.model import SchoolLevel
from transcript_core.text import fold_header

TEACHING = "phan-cong-giang-day.xlsx"  # the order of its rows is the order of a subject's teachers
_SETTINGS = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def respell(header: str, layout: Layout, randomness: random.Random) -> str:
    """Return another spelling that means the same column."""
    column = layout.find_column(fold_header(header))
    if column is None:
        return header
    text = randomness.choice(column.spellings)
    change = randomness.choice((str.upper, str.lower, str.title, str))
    text = unicodedata.normalize(randomness.choice(("NFC", "NFD")), change(text))
    return randomness.choice(("{}", " {} ", "{} :", "{} (nếu có)", "\n{}")).format(text.replace(" ", "  "))


def shuffle_sheet(sheet: Sheet, level: SchoolLevel, randomness: random.Random, *, rows_too: bool) -> Sheet:
    """Return the sheet with columns in another order, respelled headers, a header further down, rows in any order."""
    table = find_table(sheet, level)
    assert table is not None
    width = max(len(cells) for number, cells in sheet.rows.items() if number >= table.header_row)
    order = randomness.sample(range(width), width)
    data = [row.number for row in list_rows(table)]
    places = randomness.sample(data, len(data)) if rows_too else data
    moved = dict(zip(data, places, strict=True))
    down = randomness.randrange(4)
    rows: dict[int, tuple[Cell, ...]] = {}
    for number, cells in sheet.rows.items():
        if number < table.header_row:
            rows[number] = cells
            continue
        padded = [*cells, *([None] * (width - len(cells)))]
        if number == table.header_row:
            padded = [respell(str(cell), table.layout, randomness) if cell else cell for cell in padded]
        rows[moved.get(number, number) + down] = tuple(padded[index] for index in order)
    return Sheet(sheet.file, sheet.name, hidden=False, rows=dict(sorted(rows.items())))


@pytest.mark.parametrize("level", list(SchoolLevel))
@_SETTINGS
@given(seed=st.integers(0, 2**32))
def test_shuffled_sheets_give_the_same_records(
    written_schools: dict[SchoolLevel, SchoolFiles], level: SchoolLevel, seed: int
) -> None:
    school = written_schools[level].copy()
    whole = school.run()
    randomness = random.Random(seed)
    for file, sheet in list(school.sheets.items()):
        rows_too = file not in {TEACHING, "chuyen-de.xlsx"}
        school.sheets[file] = shuffle_sheet(sheet, level, randomness, rows_too=rows_too)
    shuffled = school.run()
    assert shuffled.problems == ()
    assert shuffled.records == whole.records


@_SETTINGS
@given(seed=st.integers(0, 2**32))
def test_order_of_files_does_not_matter(lower: SchoolFiles, seed: int) -> None:
    lower.set("diem-hk2/Toán.xlsx", "L5", None)
    lower.set("diem-hk1/Tin học.xlsx", "A2", "TRƯỜNG THCS KHÁC")
    whole = lower.run()
    files = list(lower.sheets)
    random.Random(seed).shuffle(files)
    lower.sheets = {file: lower.sheets[file] for file in files}
    assert lower.run() == whole


@_SETTINGS
@given(
    seed=st.integers(0, 2**32),
    garbage=st.one_of(
        st.none(),
        st.text(max_size=12),
        st.floats(),
        st.integers(),
        st.booleans(),
        st.dates(),
        st.datetimes(),
        st.times(),
        st.timedeltas(),
    ),
)
def test_no_cell_content_breaks_the_import(
    written_schools: dict[SchoolLevel, SchoolFiles], seed: int, garbage: Cell
) -> None:
    randomness = random.Random(seed)
    school = written_schools[randomness.choice(list(SchoolLevel))].copy()
    for _ in range(12):
        file = randomness.choice(list(school.sheets))
        number = randomness.choice(list(school.sheets[file].rows))
        cells = list(school.sheets[file].rows[number])
        if cells:
            cells[randomness.randrange(len(cells))] = garbage
            school.set_row(file, number, cells)
    result = school.run()
    held = set(result.records.held_back)
    assert held.isdisjoint(pupil.pupil_code for pupil in result.records.pupils)
    assert all(problem.what and problem.remedy for problem in result.problems)


@given(tenths=st.integers(0, 100), style=st.sampled_from(["{:.1f}", " {:.1f} ", "comma", "float"]))
def test_every_mark_is_read_in_every_form(tenths: int, style: str) -> None:
    mark = tenths / 10
    if style == "float":
        cell: Cell = mark
    elif style == "comma":
        cell = f"{mark:.1f}".replace(".", ",")
    else:
        cell = style.format(mark)
    assert parse_mark(cell) == parse_mark(f"{mark:.1f}")
    assert str(parse_mark(cell)) == f"{mark:.1f}"


@given(number=st.one_of(st.floats(), st.integers()).filter(lambda number: not 0 <= number <= 10))
def test_no_number_outside_the_scale_is_a_mark(number: float) -> None:
    with pytest.raises(BadCell):
        parse_mark(number)


def test_no_two_columns_of_a_layout_share_a_spelling() -> None:
    for layout in list_layouts():
        keys = [key for column in layout.columns for key in column.keys]
        assert len(keys) == len(set(keys)), (layout.kind, {key for key in keys if keys.count(key) > 1})
