"""The invented school comes in whole; its troubles hold back exactly whom the generator says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from demo.school_generator import build_school_profile, write_school
from transcript_core.intake import import_school, list_blocking, select_clean
from transcript_core.model import SchoolLevel
from transcript_core.records import ImportResult, Severity
from transcript_core.tables import normalize_name


def take(folder: Path, level: SchoolLevel) -> ImportResult:
    return import_school(folder, school_level=level, as_of=date(2026, 5, 30))


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_default_school_has_no_problems(tmp_path: Path, level: SchoolLevel) -> None:
    school = write_school(tmp_path, level=level, pupils_per_class=5)
    result = take(tmp_path, level)
    assert result.problems == ()
    assert {one.pupil_code for one in result.records.pupils} == {one.code for one in school.pupils}
    assert {name: leader.code for name, leader in school.homeroom.items()} == {
        one.name: one.homeroom_staff_code for one in result.records.classes
    }
    assert normalize_name(result.records.school_name) == normalize_name(build_school_profile(level).name)


def test_lower_secondary_class_has_sixteen_teacher_and_subject_pairs(tmp_path: Path) -> None:
    write_school(tmp_path, pupils_per_class=1)
    assert len(take(tmp_path, SchoolLevel.LOWER_SECONDARY).records.assignments) == 16


def test_same_seed_writes_the_same_school(tmp_path: Path) -> None:
    results = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_school(tmp_path / name, pupils_per_class=3, seed=seed, troubles=True)
        results.append(take(tmp_path / name, SchoolLevel.LOWER_SECONDARY))
    assert results[0] == results[1]
    assert results[0].records != results[2].records


@pytest.mark.parametrize("level", [SchoolLevel.LOWER_SECONDARY, SchoolLevel.UPPER_SECONDARY])
def test_troubles_hold_back_whom_they_should(tmp_path: Path, level: SchoolLevel) -> None:
    school = write_school(tmp_path, level=level, pupils_per_class=20, troubles=True)
    result = take(tmp_path, level)
    assert school.held_back
    assert result.records.held_back == school.held_back
    assert list_blocking(result) == ()
    assert {one.code for one in result.errors} == {"average-contradicts-marks"}
    assert {one.code for one in result.problems if one.severity is Severity.WARNING} == {"personal-id-pending"}
    assert len(select_clean(result).pupils) == 20 - len(school.held_back)
