"""Takes a school's spreadsheets.  An import with errors takes nothing, unless held-back pupils are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service import audit
from service.db.engine import transaction
from service.schools import repository
from service.workspace import Workspace
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import ImportRejected
from transcript_core.intake import import_school, list_blocking
from transcript_core.model import School
from transcript_core.records import Problem, SchoolRecords


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import took."""

    school_code: str
    records: SchoolRecords
    problems: tuple[Problem, ...]
    changed: bool  # False: the same was imported before


class ImportHasErrors(ImportRejected):
    """The import found errors and took nothing; `problems` holds every one of them."""

    def __init__(self, problems: tuple[Problem, ...], message: str) -> None:
        super().__init__(message)
        self.problems = problems


def import_folder(workspace: Workspace, folder: Path, *, school: School, hold_back: bool, actor: str) -> ImportOutcome:
    """Import one school year from `folder`.

    Raises:
        ImportHasErrors: there are errors and `hold_back` is False, or errors that concern the whole school.
    """
    at = workspace.clock.now()
    result = import_school(folder, school_level=school.level, as_of=at.astimezone(VIETNAM_TIME).date())
    blocking = list_blocking(result)
    if blocking:
        raise ImportHasErrors(
            result.problems, f"{len(blocking)} errors concern the whole school; nothing was taken; mend them first"
        )
    if result.errors and not hold_back:
        raise ImportHasErrors(
            result.problems,
            f"{len(result.errors)} errors; nothing was taken; mend them, or use --hold-back to take the other pupils",
        )
    changed = _save(workspace, result.records, result.problems, school.school_code, actor)
    return ImportOutcome(school.school_code, result.records, result.problems, changed)


def _save(
    workspace: Workspace, records: SchoolRecords, problems: tuple[Problem, ...], school_code: str, actor: str
) -> bool:
    digest = repository.digest_records(records, problems)
    with transaction(workspace.sessions) as session:
        known = repository.find_digest(session, school_code=school_code, school_year=records.school_year)
        if known == digest:
            return False
        at = workspace.clock.now()
        repository.save_year(session, school_code=school_code, records=records, problems=problems, at=at)
        audit.record(
            session,
            at=at,
            actor=actor,
            action="import",
            subject=f"{school_code}/{records.school_year}",
            detail=f"{len(records.pupils)} taken, {len(records.held_back)} held back",
        )
    return True
