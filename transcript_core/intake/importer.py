"""Imports a school year from a folder of the sector's spreadsheets: everything is read, every problem is told, once.

An import never stops at the first problem and never raises because of what a file holds.  What it returns depends on
the files alone: the same folder gives equal results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from transcript_core.assessment.registry import choose_rules
from transcript_core.errors import ImportRejected, InputError
from transcript_core.identifiers import SchoolYear, parse_school_year
from transcript_core.intake.additions import read_additions
from transcript_core.intake.assembly import assemble_pupils, list_held_back
from transcript_core.intake.checks import Gathered, check_completeness
from transcript_core.intake.conduct import add_summer, read_conduct, read_summer
from transcript_core.intake.elsewhere import read_history, read_transfers
from transcript_core.intake.extras import read_reassessments, read_topics
from transcript_core.intake.layouts import SUBJECT_LAYOUTS, LayoutKind
from transcript_core.intake.marks import read_results
from transcript_core.intake.naming import find_department_name, find_school_name, find_school_year
from transcript_core.intake.problems import Place, ProblemLog, place_of_sheet, place_of_table
from transcript_core.intake.pupils import read_roster
from transcript_core.intake.staff import Staff, read_assignments, read_staff
from transcript_core.intake.tables import Table, find_table, list_rows
from transcript_core.intake.workbook import Sheet, UnreadableWorkbook, load_sheets
from transcript_core.limits import MAX_IMPORT_FILES
from transcript_core.model import SchoolLevel
from transcript_core.records import ClassRecord, ImportResult, Problem, SchoolRecords
from transcript_core.tables import list_grades, normalize_name
from transcript_core.text import clean_text

_OTHER_SPREADSHEETS: Final = frozenset({".xls", ".xlsm", ".xlsb", ".ods", ".csv"})
_YEAR_ENDS_MONTH: Final = 6  # after June of its second calendar year a school year is over


def import_school(folder: Path, *, school_level: SchoolLevel, as_of: date) -> ImportResult:
    """Read one school year of one school.

    Args:
        folder: holds the .xlsx files, in any sub-folders.
        as_of: the day of the import; after the end of the school year results of term II are due.

    Returns:
        The records of every pupil whom no error holds back, and every problem, sorted by file, sheet and cell.

    Raises:
        ImportRejected: `folder` is not a folder.
    """
    if not folder.is_dir():
        raise ImportRejected(f"{folder.name} is not a folder; name the folder that holds the school's spreadsheets")
    log = ProblemLog()
    return _import(_load_folder(folder, log), school_level, as_of, log)


def import_sheets(sheets: Iterable[Sheet], *, school_level: SchoolLevel, as_of: date) -> ImportResult:
    """Read one school year from sheets that are loaded already; otherwise like `import_school`."""
    return _import(sheets, school_level, as_of, ProblemLog())


def list_blocking(result: ImportResult) -> tuple[Problem, ...]:
    """Return the errors that concern nobody in particular: they stop an import even when pupils may be held back."""
    return tuple(
        problem
        for problem in result.errors
        if problem.pupil_code is None and problem.pupil_key is None and problem.class_name is None
    )


def select_all(result: ImportResult) -> SchoolRecords:
    """Return the records of an import without errors.

    Raises:
        ImportRejected: there are errors.
    """
    if result.errors:
        raise ImportRejected(f"{len(result.errors)} errors; nothing was taken; mend them, or hold the pupils back")
    return result.records


def select_clean(result: ImportResult) -> SchoolRecords:
    """Return the records of the good pupils; `held_back` names the others.

    Raises:
        ImportRejected: there are errors that concern the whole school.
    """
    blocking = list_blocking(result)
    if blocking:
        raise ImportRejected(f"{len(blocking)} errors concern the whole school; nothing was taken; mend them first")
    return result.records


def _import(sheets: Iterable[Sheet], level: SchoolLevel, as_of: date, log: ProblemLog) -> ImportResult:
    recognised = (_recognise(sheet, level, log) for sheet in sheets)
    tables = [table for table in recognised if table is not None]
    school_name = _agree_on_school(tables, log)
    year = _agree_on_year(tables, as_of, log)
    departments = filter(None, (find_department_name(table.titles) for table in tables))
    records = SchoolRecords(
        school_name=school_name,
        department_name=next(departments, ""),
        school_year=str(year),
        staff=(),
        classes=(),
        assignments=(),
        pupils=(),
        held_back=(),
    )
    if _is_supported(level, year, log):
        records = _read_year(tables, records, level, year, as_of, log)
    return ImportResult(records, log.list_sorted())


def _read_year(
    tables: Sequence[Table],
    empty: SchoolRecords,
    level: SchoolLevel,
    year: SchoolYear,
    as_of: date,
    log: ProblemLog,
) -> SchoolRecords:
    """Read all tables, in the order in which they need each other, and put the records together."""
    by_kind = {kind: [table for table in tables if table.layout.kind is kind] for kind in LayoutKind}
    _require_layouts(by_kind, level, log)
    on = year.starts_on
    staff = read_staff(by_kind[LayoutKind.STAFF], log)
    gathered = _gather(by_kind, staff, level, year, as_of, log)
    roster = gathered.roster
    reassessed = read_reassessments(by_kind[LayoutKind.REASSESSMENT], gathered.results, roster, level, on=on, log=log)
    if roster.pupils:
        check_completeness(gathered, log)
    held_back = list_held_back(log.list_sorted(), roster)
    return replace(
        empty,
        staff=tuple(staff.people[code] for code in sorted(staff.people)),
        classes=_list_classes(gathered),
        assignments=gathered.assignments.teaching,
        pupils=assemble_pupils(gathered, reassessed, held_back),
        held_back=tuple(sorted(held_back)),
        stand_ins=gathered.assignments.stand_ins,
    )


def _gather(
    by_kind: dict[LayoutKind, list[Table]],
    staff: Staff,
    level: SchoolLevel,
    year: SchoolYear,
    as_of: date,
    log: ProblemLog,
) -> Gathered:
    on = year.starts_on
    roster = read_roster(by_kind[LayoutKind.PUPILS], level, year_start=on, log=log)
    assignments = read_assignments(by_kind[LayoutKind.ASSIGNMENTS], level, staff, roster, on=on, log=log)
    subject_tables = [table for kind in SUBJECT_LAYOUTS for table in by_kind[kind]]
    results = read_results(subject_tables, roster, level, on=on, log=log)
    terms = _list_due_terms({term for _, term in results}, year, as_of, log)
    conduct_tables = [*by_kind[LayoutKind.TRAINING], *by_kind[LayoutKind.QUALITIES]]
    conduct = read_conduct(conduct_tables, roster, terms=terms, on=on, log=log)
    return Gathered(
        level=level,
        on=on,
        terms=terms,
        roster=roster,
        assignments=assignments,
        results=results,
        topics=read_topics(by_kind[LayoutKind.TOPICS], roster, level, on=on, log=log),
        conduct=add_summer(conduct, read_summer(by_kind[LayoutKind.SUMMER], roster, log)),
        transfers=read_transfers(by_kind[LayoutKind.TRANSFERS], results, roster, level, on=on, log=log),
        additions=read_additions(by_kind[LayoutKind.ADDITIONS], roster, level, log),
        history=read_history(by_kind[LayoutKind.HISTORY], roster, year, log),
    )


def _load_folder(folder: Path, log: ProblemLog) -> Iterator[Sheet]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "~$")))
    workbooks = [path for path in paths if path.suffix.lower() == ".xlsx"]
    for path in paths:
        if path.suffix.lower() in _OTHER_SPREADSHEETS:
            log.add("workbook-format", Place(path.relative_to(folder).as_posix()))
    if not workbooks:
        log.add("folder-empty", Place(""))
    if len(workbooks) > MAX_IMPORT_FILES:
        log.add("too-many-files", Place(""), count=len(workbooks), limit=MAX_IMPORT_FILES)
        return
    for path in workbooks:
        file = clean_text(path.relative_to(folder).as_posix())
        try:
            yield from load_sheets(path, file)
        except UnreadableWorkbook as error:
            log.add(error.code, Place(file))


def _recognise(sheet: Sheet, level: SchoolLevel, log: ProblemLog) -> Table | None:
    """Return the sheet's table when it can be read; otherwise say why not."""
    table = find_table(sheet, level)
    if table is None:
        if sheet.rows and not sheet.hidden:
            log.add("sheet-not-recognised", place_of_sheet(sheet))
        return None
    if sheet.hidden:
        log.add("sheet-hidden", place_of_sheet(sheet))
        return None
    layout = table.layout.kind.value
    if table.missing:
        log.add("column-missing", place_of_table(table), layout=layout, columns=", ".join(table.missing))
        return None
    if level not in table.layout.levels:
        log.add("layout-other-level", place_of_table(table), layout=layout)
        return None
    return table if _check_columns(table, log) else None


def _check_columns(table: Table, log: ProblemLog) -> bool:
    for index, header in table.unknown:
        log.add("column-unknown", _header_place(table, index), column=header)
    for index, header in table.doubled:
        log.add("column-twice", _header_place(table, index), column=header)
    if not list_rows(table):
        log.add("table-empty", place_of_table(table))
    return not table.doubled


def _header_place(table: Table, index: int) -> Place:
    return Place(table.sheet.file, table.sheet.name, table.header_address(index))


def _require_layouts(by_kind: dict[LayoutKind, list[Table]], level: SchoolLevel, log: ProblemLog) -> None:
    conduct = LayoutKind.QUALITIES if level is SchoolLevel.PRIMARY else LayoutKind.TRAINING
    for kind in (LayoutKind.PUPILS, LayoutKind.STAFF, LayoutKind.ASSIGNMENTS, conduct):
        if not any(list_rows(table) for table in by_kind[kind]):
            log.add("layout-missing", Place(""), layout=kind.value)


def _agree_on_school(tables: Sequence[Table], log: ProblemLog) -> str:
    """Return the school's name as most title rows write it; a sheet of another school is an error."""
    names = [(table, name) for table in tables if (name := find_school_name(table.titles))]
    if not names:
        log.add("school-name-missing", Place(""))
        return ""
    expected = _most_frequent([normalize_name(name) for _, name in names])
    shown = next(name for _, name in names if normalize_name(name) == expected)
    for table, name in names:
        if normalize_name(name) != expected:
            log.add("school-contradicts", place_of_table(table), found=name, expected=shown)
    return shown


def _agree_on_year(tables: Sequence[Table], as_of: date, log: ProblemLog) -> SchoolYear:
    """Return the school year that the title rows name; without one, the year of the import, after an error."""
    years = [(table, year) for table in tables if (year := find_school_year(table.titles))]
    if not years:
        log.add("year-missing", Place(""))
        return SchoolYear(as_of.year if as_of.month > _YEAR_ENDS_MONTH else as_of.year - 1)
    expected = _most_frequent([year for _, year in years])
    for table, year in years:
        if year != expected:
            log.add("year-contradicts", place_of_table(table), found=year, expected=expected)
    return parse_school_year(expected)


def _most_frequent(values: Sequence[str]) -> str:
    """Return the most frequent value; of equally frequent ones the first in the alphabet."""
    return max(sorted(set(values)), key=values.count)


def _is_supported(level: SchoolLevel, year: SchoolYear, log: ProblemLog) -> bool:
    try:
        for grade in list_grades(level):
            choose_rules(level, grade, on=year.starts_on)
    except InputError:
        log.add("year-unsupported", Place(""), year=str(year))
        return False
    return True


def _list_due_terms(found: set[int], year: SchoolYear, as_of: date, log: ProblemLog) -> frozenset[int]:
    """Return the terms whose results are due: term II as soon as any of it is there, or the school year is over."""
    if 2 in found:
        return frozenset({1, 2})
    over = as_of > date(year.first + 1, _YEAR_ENDS_MONTH, 30)
    log.add("year-incomplete" if over else "term-2-absent", Place(""))
    return frozenset({1})


def _list_classes(gathered: Gathered) -> tuple[ClassRecord, ...]:
    homeroom = gathered.assignments.homeroom
    return tuple(ClassRecord(name, grade, homeroom.get(name)) for name, grade in gathered.roster.list_classes().items())
