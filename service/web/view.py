"""Turns verified content into what the pages show.  A mark or a full name leaves only through `build_comparison`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.verifications.events import VerifiedEvent
from service.web.texts import Language, list_texts
from transcript_core.model import (
    Grade,
    PrimarySummary,
    SchoolLevel,
    SecondarySummary,
    SlotRole,
    SubjectResult,
    TermGrade,
    Transcript,
)


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """What anybody may read of an issued transcript."""

    school_name: str
    department_name: str
    level: str
    school_year: str
    masked_name: str
    issued_on: str
    teacher_signatures: int
    homeroom_name: str
    manager_title: str
    manager_name: str


def mask_name(name: str) -> str:
    """Return the first letter of each word of a name and dots: "Phan Ngọc Yến" → "P••• N••• Y•••".

    The number of dots is always the same, so the lengths of the words stay hidden.
    """
    return " ".join(f"{word[0]}•••" for word in name.split())


def build_public_record(verified: VerifiedEvent) -> PublicRecord | None:
    """Return what anybody may read, or None for a recall."""
    transcript, issue = verified.transcript, verified.issue
    if transcript is None or issue is None:
        return None
    homeroom = next(signer for signer in transcript.signers if signer.role is SlotRole.HOMEROOM_TEACHER)
    return PublicRecord(
        school_name=transcript.school.name,
        department_name=transcript.school.department_name,
        level=transcript.school.level.value,
        school_year=transcript.school_year,
        masked_name=mask_name(transcript.pupil.name),
        issued_on=_date(issue.issued_on),
        teacher_signatures=sum(signer.role is SlotRole.SUBJECT_TEACHER for signer in transcript.signers),
        homeroom_name=homeroom.name,
        manager_title=issue.manager.title.replace("\n", " / ").capitalize() if issue.manager.title else "",
        manager_name=issue.manager.name,
    )


def build_comparison(transcript: Transcript, language: Language) -> dict[str, Any]:
    """Return the signed content for the holder of the view secret: facts and tables of texts, ready to show."""
    texts = list_texts(language)
    facts = [
        (texts["pupil"], transcript.pupil.name),
        (texts["birth_date"], _date(transcript.pupil.birth_date)),
        (texts["school"], transcript.school.name),
        (texts["class"], transcript.class_name),
        (texts["school_year"], transcript.school_year),
    ]
    tables = [_subject_table(transcript, texts), _summary_table(transcript, texts)]
    return {"facts": facts, "tables": [table for table in tables if table["rows"]]}


def _subject_table(transcript: Transcript, texts: dict[str, str]) -> dict[str, Any]:
    if transcript.school.level is SchoolLevel.PRIMARY:
        rows = [
            [subject.subject_name, *(_primary(subject.reassessed or subject.year))] for subject in transcript.subjects
        ]
        return {"columns": [texts["subject"], texts["level"], texts["test_mark"]], "rows": rows}
    reassessed = any(subject.reassessed for subject in transcript.subjects)
    columns = [texts["subject"], texts["term_1"], texts["term_2"], texts["year"]]
    if reassessed:
        columns.append(texts["reassessed"])
    return {"columns": columns, "rows": [_secondary_row(one, reassessed) for one in transcript.subjects]}


def _secondary_row(subject: SubjectResult, reassessed: bool) -> list[str]:
    row = [subject.subject_name, _term(subject.term_1), _term(subject.term_2), _grade(subject.year)]
    return [*row, _grade(subject.reassessed)] if reassessed else row


def _summary_table(transcript: Transcript, texts: dict[str, str]) -> dict[str, Any]:
    summary = transcript.summary
    if isinstance(summary, PrimarySummary):
        rows = [[texts["outcome"], "" if summary.year_level is None else summary.year_level.value]]
        return {"columns": ["", texts["year"]], "rows": rows}
    return {
        "columns": ["", texts["term_1"], texts["term_2"], texts["year"]],
        "rows": [[texts["training"], *_training(summary)], [texts["study"], *_study(summary)]],
    }


def _training(summary: SecondarySummary) -> list[str]:
    return _values([summary.training_term_1, summary.training_term_2, summary.training_year])


def _study(summary: SecondarySummary) -> list[str]:
    return _values([summary.study_term_1, summary.study_term_2, summary.study_year])


def _values(levels: Iterable[Any]) -> list[str]:
    return ["" if level is None else str(level.value) for level in levels]


def _primary(grade: Grade | None) -> tuple[str, str]:
    if grade is None:
        return "", ""
    return ("" if grade.level is None else grade.level.value, "" if grade.mark is None else str(grade.mark))


def _term(term: TermGrade | None) -> str:
    return "" if term is None else _grade(term.grade)


def _grade(grade: Grade | None) -> str:
    if grade is None:
        return ""
    if grade.mark is not None:
        return str(grade.mark).replace(".", ",")
    return "" if grade.level is None else grade.level.value


def _date(value: date) -> str:
    return value.strftime("%d/%m/%Y")
