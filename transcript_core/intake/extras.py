"""Reads sheets with several rows a pupil: study topics (upper secondary) and results of re-assessment.

Spec: TT 22/2021 Đ.6 (study topics), Đ.14 (re-assessment); TT 27/2020 Đ.11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from transcript_core.intake.cells import CellReader
from transcript_core.intake.marks import Results
from transcript_core.intake.naming import find_level_subject
from transcript_core.intake.problems import ProblemLog, place_of
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.tables import Row, Table, list_rows
from transcript_core.model import SchoolLevel, SubjectKind, SubjectLevel
from transcript_core.tables import Subject, find_subject

Topic = tuple[str, str, Decimal | None]
"""(subject code, name of the cluster, mark)."""


@dataclass(frozen=True, slots=True)
class Reassessment:
    """The new result of one subject."""

    mark: Decimal | None = None
    level: SubjectLevel | None = None


def read_topics(
    tables: Sequence[Table], roster: Roster, level: SchoolLevel, *, on: date, log: ProblemLog
) -> dict[str, tuple[Topic, ...]]:
    """Return the study topics by pupil key, in the sheet's order."""
    topics: dict[str, tuple[Topic, ...]] = {}
    for row, pupil, subject in list_subject_rows(tables, roster, level, on=on, log=log):
        cells = CellReader(row, log, pupil.concern)
        name = cells.text("topic")
        if name:
            topics[pupil.key] = (*topics.get(pupil.key, ()), (subject.code, name, cells.mark("mark")))
        elif "topic" not in cells.bad:
            cells.report("study-topic-incomplete", "topic")
    return topics


def read_reassessments(
    tables: Sequence[Table], results: Results, roster: Roster, level: SchoolLevel, *, on: date, log: ProblemLog
) -> dict[tuple[str, str], Reassessment]:
    """Return the results of re-assessment by (pupil key, subject code), from their own sheets and from mark sheets."""
    found: dict[tuple[str, str], Reassessment] = {}
    for (code, _), sheets in results.items():
        for key, entry in sheets.entries.items():
            stated = Reassessment(entry.reassessed_mark, entry.reassessed_level)
            if stated != Reassessment():
                _keep(found, stated, code, entry.row, roster.by_key[key], log)
    for row, pupil, subject in list_subject_rows(tables, roster, level, on=on, log=log):
        cells = CellReader(row, log, pupil.concern)
        stated = _read_reassessment(cells, subject)
        if stated != Reassessment():
            _keep(found, stated, subject.code, row, pupil, log)
    return found


def _read_reassessment(cells: CellReader, subject: Subject) -> Reassessment:
    if subject.kind is SubjectKind.MARK:
        return Reassessment(mark=cells.mark("reassessed"))
    if subject.kind is SubjectKind.COMMENT:
        return Reassessment(level=cells.pass_level("reassessed"))
    return Reassessment(level=cells.primary_level("reassessed"))


def _keep(
    found: dict[tuple[str, str], Reassessment],
    stated: Reassessment,
    code: str,
    row: Row,
    pupil: RosterPupil,
    log: ProblemLog,
) -> None:
    if found.setdefault((pupil.key, code), stated) != stated:
        log.add("reassessment-twice", place_of(row, "reassessed"), concerns=pupil.concern, subject=code)


def list_subject_rows(
    tables: Sequence[Table], roster: Roster, level: SchoolLevel, *, on: date, log: ProblemLog
) -> list[tuple[Row, RosterPupil, Subject]]:
    """Return the rows whose pupil and subject are clear; the others are reported."""
    rows: list[tuple[Row, RosterPupil, Subject]] = []
    for table in tables:
        for row in list_rows(table):
            pupil = roster.match_row(row, log)
            if pupil is None:
                continue
            name = row.get_text("subject")
            subject = find_subject(name, level, pupil.grade_level, on=on)
            if subject is not None:
                rows.append((row, pupil, subject))
                continue
            other_grade = find_level_subject(name, level, on=on)
            code = "subject-other-grade" if other_grade else "subject-unknown"
            values = {"subject": name, "class_name": pupil.class_name}
            log.add(code, place_of(row, "subject"), concerns=pupil.concern, **values)
    return rows
