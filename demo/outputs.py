"""Leaves what was made in a folder: documents, results, reports."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

import qrcode
from qrcode.constants import ERROR_CORRECT_M

from service.store import write_atomically
from transcript_core.json import build_json
from transcript_core.model import Grade, SecondarySummary, TermGrade, Transcript
from transcript_core.records import Problem, Severity
from verify.report import Report
from verify.text import render


def write_document(folder: Path, transcript: Transcript, files: Mapping[str, bytes], *, url: str | None) -> Path:
    """Write one issued document as `<class>/<pupil code>-<name>-v<version>.*`; return the path without suffix."""
    name = f"{transcript.pupil.pupil_code}-{_plain(transcript.pupil.name)}-v{transcript.version}"
    stem = folder / transcript.class_name / name
    for suffix, content in files.items():
        write_atomically(stem.with_name(f"{name}.{suffix}"), content)
    write_atomically(stem.with_name(f"{name}.json"), build_json(transcript))
    if url is not None:
        write_atomically(stem.with_name(f"{name}.qr.png"), draw_qr(url))
    return stem


def draw_qr(url: str) -> bytes:
    """Return the QR code of an address as PNG."""
    from io import BytesIO  # noqa: PLC0415

    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=8, border=4)
    code.add_data(url)
    target = BytesIO()
    code.make_image().save(target)
    return target.getvalue()


def write_report(folder: Path, name: str, report: Report) -> None:
    """Write one report as JSON and as text in both languages."""
    write_atomically(folder / f"{name}.json", report.to_json().encode())
    write_atomically(folder / f"{name}.vi.txt", render(report, "vi").encode())
    write_atomically(folder / f"{name}.en.txt", render(report, "en").encode())


def write_results(folder: Path, transcripts: Iterable[Transcript]) -> None:
    """Write every pupil's results as `results.csv` (one row a pupil) and `results.json`."""
    rows = [describe_results(transcript) for transcript in transcripts]
    write_atomically(folder / "results.json", json.dumps(rows, ensure_ascii=False, indent=1).encode())
    if not rows:
        return
    flat = [_flatten(row) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(flat)
    write_atomically(folder / "results.csv", ("\ufeff" + text.getvalue()).encode())


def describe_results(transcript: Transcript) -> dict[str, object]:
    """Return one pupil's averages, levels, promotion and awards as plain values."""
    summary = transcript.summary
    values: dict[str, object] = {
        "pupil_code": transcript.pupil.pupil_code,
        "name": transcript.pupil.name,
        "class": transcript.class_name,
        "school_year": transcript.school_year,
        "serial": transcript.serial,
        "version": transcript.version,
        "subjects": {
            subject.subject_name: {
                "code": subject.subject_code,
                "term_1": _term(subject.term_1),
                "term_2": _term(subject.term_2),
                "year": _grade(subject.year),
            }
            for subject in transcript.subjects
        },
        "awards": [award.kind.value for award in transcript.awards],
        "outcome": None if summary.outcome is None else summary.outcome.value,
        "level_completed": summary.level_completed,
        "absences": summary.absences.excused + summary.absences.unexcused,
    }
    if isinstance(summary, SecondarySummary):
        for name in (
            "training_term_1",
            "training_term_2",
            "training_year",
            "study_term_1",
            "study_term_2",
            "study_year",
        ):
            level = getattr(summary, name)
            values[name] = None if level is None else level.value
    else:
        values["year_level"] = None if summary.year_level is None else summary.year_level.value
    return values


def write_problems(folder: Path, problems: Iterable[Problem]) -> None:
    """Write every problem of the import as `problems.csv`."""
    columns = ("severity", "code", "file", "sheet", "cell", "what", "remedy", "pupil_code", "pupil_key")
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([getattr(problem, column) for column in columns] for problem in problems)
    write_atomically(folder / "problems.csv", ("\ufeff" + text.getvalue()).encode())


def write_held_back(folder: Path, problems: Iterable[Problem], held_back: Iterable[str]) -> list[str]:
    """Write who is held back and why as `held-back.csv`; return a line for each."""
    by_pupil: dict[str, list[Problem]] = {code: [] for code in held_back}
    for problem in problems:
        code = problem.pupil_code or problem.pupil_key or ""
        if problem.severity is Severity.ERROR and code in by_pupil:
            by_pupil[code].append(problem)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("pupil_code", "file", "sheet", "cell", "what", "remedy"))
    for code, found in by_pupil.items():
        writer.writerows((code, one.file, one.sheet, one.cell, one.what, one.remedy) for one in found)
    write_atomically(folder / "held-back.csv", ("\ufeff" + text.getvalue()).encode())
    return [f"{code}: {one.file} {one.cell}: {one.what}" for code, found in by_pupil.items() for one in found]


def _flatten(row: Mapping[str, object]) -> dict[str, object]:
    flat = {key: value for key, value in row.items() if key != "subjects"}
    flat["awards"] = " ".join(map(str, row["awards"])) if isinstance(row["awards"], list) else ""
    subjects = row["subjects"]
    assert isinstance(subjects, dict)
    for name, grades in subjects.items():
        for label, key in (("HK1", "term_1"), ("HK2", "term_2"), ("CN", "year")):
            flat[f"{name} {label}"] = grades[key]
    return flat


def _term(term: TermGrade | None) -> str | None:
    return None if term is None else _grade(term.grade)


def _grade(grade: Grade | None) -> str | None:
    if grade is None:
        return None
    return str(grade.mark) if grade.mark is not None else None if grade.level is None else grade.level.value


def _plain(name: str) -> str:
    """Return a name for a file: ASCII letters and hyphens."""
    ascii_ = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", ascii_).strip("-")
