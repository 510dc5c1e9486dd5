"""SQL for school years and pupils' imported records."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.db.tables import PupilRow, SchoolYearRow
from transcript_core.errors import NotFound
from transcript_core.records import Problem, PupilRecord, SchoolRecords

_RECORDS: TypeAdapter[SchoolRecords] = TypeAdapter(SchoolRecords)
_PUPIL: TypeAdapter[PupilRecord] = TypeAdapter(PupilRecord)
_PROBLEMS: TypeAdapter[tuple[Problem, ...]] = TypeAdapter(tuple[Problem, ...])


@dataclass(frozen=True, slots=True)
class StoredYear:
    """One imported school year."""

    records: SchoolRecords  # with all good pupils
    problems: tuple[Problem, ...]
    import_digest: str  # 64 hex digits
    imported_at: datetime


def digest_records(records: SchoolRecords, problems: tuple[Problem, ...]) -> str:
    """Return a digest that two imports share exactly when they took the same, 64 hex digits."""
    content = [_RECORDS.dump_python(records, mode="json"), _PROBLEMS.dump_python(problems, mode="json")]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def save_year(
    session: Session, *, school_code: str, records: SchoolRecords, problems: tuple[Problem, ...], at: datetime
) -> None:
    """Replace what is stored of this school year."""
    key = {"school_code": school_code, "school_year": records.school_year}
    shared = replace(records, pupils=())
    session.merge(
        SchoolYearRow(
            **key,
            import_digest=digest_records(records, problems),
            imported_at=at,
            records=_RECORDS.dump_python(shared, mode="json"),
            problems=_PROBLEMS.dump_python(problems, mode="json"),
        )
    )
    session.flush()
    session.execute(delete(PupilRow).filter_by(**key))
    session.add_all(_pupil_row(key, pupil) for pupil in records.pupils)
    session.add_all(PupilRow(**key, pupil_code=code, held_back=True, record=None) for code in records.held_back)


def _pupil_row(key: dict[str, str], pupil: PupilRecord) -> PupilRow:
    record: Any = _PUPIL.dump_python(pupil, mode="json")
    return PupilRow(**key, pupil_code=pupil.pupil_code, class_name=pupil.class_name, held_back=False, record=record)


def find_year(session: Session, *, school_code: str, school_year: str) -> StoredYear | None:
    """Return the school year with all its good pupils, or None."""
    row = session.get(SchoolYearRow, (school_code, school_year))
    if row is None:
        return None
    query = (
        select(PupilRow)
        .filter_by(school_code=school_code, school_year=school_year, held_back=False)
        .order_by(PupilRow.class_name, PupilRow.pupil_code)
    )
    pupils = tuple(_PUPIL.validate_python(pupil.record) for pupil in session.scalars(query))
    return StoredYear(
        records=replace(_RECORDS.validate_python(row.records), pupils=pupils),
        problems=_PROBLEMS.validate_python(row.problems),
        import_digest=row.import_digest,
        imported_at=row.imported_at,
    )


def get_year(session: Session, *, school_code: str, school_year: str) -> StoredYear:
    """Return the school year with all its good pupils.

    Raises:
        NotFound: it was never imported.
    """
    year = find_year(session, school_code=school_code, school_year=school_year)
    if year is None:
        raise NotFound(f"school year {school_year} of school {school_code} was not imported; run: hocba import FOLDER")
    return year


def find_digest(session: Session, *, school_code: str, school_year: str) -> str | None:
    """Return the digest of the last import of this school year, or None."""
    row = session.get(SchoolYearRow, (school_code, school_year))
    return None if row is None else row.import_digest


def list_school_years(session: Session) -> list[tuple[str, str]]:
    """Return (school code, school year) of everything imported, sorted."""
    query = select(SchoolYearRow.school_code, SchoolYearRow.school_year).order_by(
        SchoolYearRow.school_code, SchoolYearRow.school_year
    )
    return [(code, year) for code, year in session.execute(query)]
