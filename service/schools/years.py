"""Which imported school year is meant."""

from __future__ import annotations

from service.db.engine import transaction
from service.schools import repository
from service.workspace import Workspace
from transcript_core.errors import InputError, NotFound


def choose_year(workspace: Workspace, school_code: str, year: str | None) -> str:
    """Return `year`, or the only imported one when it is None.

    Raises:
        NotFound: nothing was imported for the school.
        InputError: several years were imported and none was named.
    """
    if year is not None:
        return year
    with transaction(workspace.sessions) as session:
        years = [one for code, one in repository.list_school_years(session) if code == school_code]
    if not years:
        raise NotFound(f"nothing was imported for school {school_code}; run: hocba import FOLDER")
    if len(years) > 1:
        raise InputError(f"several school years are imported ({', '.join(years)}); name one with --year")
    return years[0]
