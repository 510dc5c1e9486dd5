"""Turns verified content into what the pages show.  A mark or a full name leaves only through `build_comparison`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.verifications.events import VerifiedEvent
from service.web.texts import Language, list_texts
from transcript_core.model import IssueInfo, SchoolLevel, SlotRole, Transcript
from transcript_core.render.view import NOTHING, build_view, format_day, split_title


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
        issued_on=format_day(issue.issued_on),
        teacher_signatures=sum(signer.role is SlotRole.SUBJECT_TEACHER for signer in transcript.signers),
        homeroom_name=homeroom.name,
        manager_title=_read_title(issue.manager.title),
        manager_name=issue.manager.name,
    )


def _read_title(title: str) -> str:
    """Return a title in small letters: "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG" → "KT. Hiệu trưởng, Phó hiệu trưởng"."""
    lines = []
    for line in split_title(title):
        short, point, rest = line.rpartition(". ")
        lines.append(f"{short}{point}{rest.capitalize()}")
    return ", ".join(lines)


def build_comparison(transcript: Transcript, issue: IssueInfo, language: Language) -> dict[str, Any]:
    """Return the signed content for the holder of the view secret, ready to show.

    Marks, levels and results read exactly as they are printed on the form, in Vietnamese; only the labels are in
    `language`.  Returns `facts` and `results`, each a list of (label, value), and `tables` of columns and rows.
    """
    texts, printed = list_texts(language), build_view(transcript, issue)
    summary = printed["summary"]
    assert isinstance(summary, dict)
    facts = [
        (texts["pupil"], transcript.pupil.name),
        (texts["birth_date"], format_day(transcript.pupil.birth_date)),
        (texts["school"], transcript.school.name),
        (texts["class"], transcript.class_name),
        (texts["school_year"], transcript.school_year),
    ]
    if transcript.school.level is SchoolLevel.PRIMARY:
        tables, results = [_primary_subjects(printed, texts)], _primary_results(summary, texts)
    else:
        tables = [_secondary_subjects(printed, texts), _levels(summary, texts)]
        results = _secondary_results(summary, texts)
    results = [*results, (texts["awards"], str(printed["awards"]))]
    return {"facts": facts, "tables": tables, "results": results}


def _primary_subjects(printed: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    rows = [[subject["name"], subject["year"], subject["test_mark"]] for subject in printed["subjects"]]
    return {"columns": [texts["subject"], texts["reached"], texts["test_mark"]], "rows": rows}


def _secondary_subjects(printed: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    columns = [texts["subject"], texts["term_1"], texts["term_2"], texts["year"]]
    rows = [[one["name"], one["term_1"]["text"], one["term_2"]["text"], one["year"]] for one in printed["subjects"]]
    again = [one["reassessed"] for one in printed["subjects"]]
    if any(grade != NOTHING for grade in again):
        columns.append(texts["reassessed"])
        rows = [[*row, grade] for row, grade in zip(rows, again, strict=True)]
    return {"columns": columns, "rows": rows}


def _levels(summary: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "columns": [texts["overall"], texts["term_1"], texts["term_2"], texts["year"]],
        "rows": [[texts["training"], *summary["training"]], [texts["study"], *summary["study"]]],
    }


def _secondary_results(summary: Mapping[str, Any], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    later = [
        (texts["training_after_summer"], summary["training_after_summer"]),
        (texts["study_after_reassessment"], summary["study_after_reassessment"]),
    ]
    outcome = [one["label"] if one["value"] == "có" else one["value"] for one in summary["outcomes"]]
    return [
        *((label, value) for label, value in later if value != NOTHING),
        (texts["absent_sessions"], summary["absences"]),
        (texts["outcome"], "; ".join(text for text in outcome if text != NOTHING) or NOTHING),
    ]


def _primary_results(summary: Mapping[str, Any], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (texts["year_level"], summary["year_level"]),
        (texts["outcome"], summary["completion"]),
        (texts["absent_days"], str(int(summary["excused"]) + int(summary["unexcused"]))),
    ]
