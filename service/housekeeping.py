"""Removes files that nothing names: what a killed process wrote before its transaction, and parts of files."""

from __future__ import annotations

import time
from typing import Final

from service.db.engine import transaction
from service.transcripts import repository
from service.workspace import Workspace

MIN_AGE_S: Final = 3_600.0
"""Seconds a file must be old: a process at work names its files within seconds."""


def sweep_store(workspace: Workspace, *, min_age_s: float = MIN_AGE_S) -> int:
    """Remove every stored file that no row names and that is old enough; return how many were removed.

    A file that is stored once more while the rows are read is young by that, and stays.
    """
    before = time.time() - min_age_s
    old = workspace.store.list_files(before)
    with transaction(workspace.sessions) as session:
        named = repository.list_referenced_files(session)
    return sum(workspace.store.remove_forgotten(path, before) for path in old if path.name not in named)
