"""A small invented school of each level, written once and edited in memory by each test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.school_files import SchoolFiles, load_school
from transcript_core.model import SchoolLevel
from transcript_core.records import ImportResult, Problem


@pytest.fixture(scope="session")
def written_schools(tmp_path_factory: pytest.TempPathFactory) -> dict[SchoolLevel, SchoolFiles]:
    return {level: load_school(tmp_path_factory.mktemp(level.value), level) for level in SchoolLevel}


@pytest.fixture
def lower(written_schools: dict[SchoolLevel, SchoolFiles]) -> SchoolFiles:
    """A lower secondary school without troubles: 7A1 and 8A2 with three pupils each."""
    return written_schools[SchoolLevel.LOWER_SECONDARY].copy()


@pytest.fixture
def upper(written_schools: dict[SchoolLevel, SchoolFiles]) -> SchoolFiles:
    """An upper secondary school without troubles: 10A1 and 11A2."""
    return written_schools[SchoolLevel.UPPER_SECONDARY].copy()


@pytest.fixture
def primary(written_schools: dict[SchoolLevel, SchoolFiles]) -> SchoolFiles:
    """A primary school without troubles: 2A and 4B."""
    return written_schools[SchoolLevel.PRIMARY].copy()


@pytest.fixture
def only_problem() -> Callable[[ImportResult], Problem]:
    """Return the one problem of a result, and fail when there are more or none."""

    def find(result: ImportResult) -> Problem:
        assert len(result.problems) == 1, [(one.code, one.file, one.cell, one.what) for one in result.problems]
        return result.problems[0]

    return find
