"""What a record still lacks is named, and nothing is built before it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.support.builds import (
    HOMEROOM,
    all_marks,
    build,
    codes_of,
    gaps_of,
    make_record,
    make_records,
    marked,
    rated,
    with_marks,
)
from transcript_core.errors import IncompleteRecord, InputError
from transcript_core.model import (
    SchoolLevel,
    SecondarySummary,
    SubjectLevel,
)
from transcript_core.records import (
    ClassRecord,
    PupilRecord,
    SchoolRecords,
    Severity,
    SubjectMarks,
    TermMarks,
)


def _without_teacher(records: SchoolRecords, code: str) -> SchoolRecords:
    return replace(records, assignments=tuple(one for one in records.assignments if one.subject_code != code))


def _missing_cases() -> Mapping[str, tuple[PupilRecord, SchoolRecords]]:
    record = make_record()
    records = make_records(record)
    bare_class = (ClassRecord(record.class_name, 7, None),)
    return {
        "missing-homeroom-comment": (replace(record, homeroom_comment=" "), records),
        "missing-homeroom-teacher": (record, replace(records, classes=bare_class)),
        "missing-teacher": (record, _without_teacher(records, "NN1")),
        "unknown-staff": (record, replace(records, staff=tuple(one for one in records.staff if one != HOMEROOM))),
        "missing-results": (with_marks(record, "CN", term_2=None), records),
        "missing-training": (replace(record, training_term_2=None), records),
        "held-back": (record, replace(records, held_back=(record.pupil_code,))),
        "unknown-subject": (replace(record, marks=(*record.marks, SubjectMarks("VATLI"))), records),
        "subject-twice": (replace(record, marks=(*record.marks, record.marks[0])), records),
        "wrong-scale": (
            with_marks(record, "GDTC", term_2=TermMarks(level=SubjectLevel.COMPLETED, comment="Tốt")),
            records,
        ),
        "teacher-twice": (record, replace(records, assignments=(*records.assignments, records.assignments[0]))),
    }


@pytest.mark.parametrize("code", _missing_cases())
def test_a_gap_is_named_and_nothing_is_built(code: str) -> None:
    record, records = _missing_cases()[code]
    problems = gaps_of(record, records=records)
    assert code in codes_of(problems)
    found = next(problem for problem in problems if problem.code == code)
    assert found.severity is Severity.ERROR
    assert found.pupil_code == record.pupil_code
    assert found.what.endswith(".")
    assert found.remedy.endswith(".")
    with pytest.raises(IncompleteRecord, match=code):
        build(record, records=records)


@pytest.mark.parametrize(
    "term",
    [replace(all_marks("8"), regular=()), replace(all_marks("8"), midterm=None), replace(all_marks("8"), final=None)],
)
def test_an_average_that_cannot_be_computed_is_a_gap(term: TermMarks) -> None:
    assert "missing-results" in codes_of(gaps_of(with_marks(make_record(), "TOAN", term_1=term)))


def test_a_class_of_another_school_level_is_refused() -> None:
    record = make_record()
    records = replace(make_records(record), classes=(ClassRecord("7A2", 10, HOMEROOM.staff_code),))
    with pytest.raises(InputError, match="regulation"):
        build(record, records=records)
    with pytest.raises(InputError, match="not in the school's records"):
        build(record, records=replace(records, classes=()))


def test_warnings_stop_nothing() -> None:
    record = replace(make_record(), personal_id=None)
    record = with_marks(record, "TOAN", term_1=marked("8", "8", midterm="8", final="8", comment=""))
    record = with_marks(record, "GDTC", term_1=replace(rated(SubjectLevel.PASSED), comment=""))
    record = with_marks(record, "GDTC", term_2=replace(rated(SubjectLevel.PASSED), comment=""))
    problems = gaps_of(record)
    assert codes_of(problems) == ["personal-id-pending", "few-regular-marks", "missing-subject-comment"]
    assert all(problem.severity is Severity.WARNING for problem in problems)
    build(record)


def test_upper_secondary_pupils_choose_four_electives() -> None:
    record = make_record(SchoolLevel.UPPER_SECONDARY)
    fewer = replace(record, marks=tuple(one for one in record.marks if one.subject_code != "TIN"), study_topics=())
    codes = codes_of(gaps_of(fewer, SchoolLevel.UPPER_SECONDARY))
    assert codes == ["missing-electives", "missing-study-topics"]


def test_primary_gaps() -> None:
    record = make_record(SchoolLevel.PRIMARY)
    cases = {
        "missing-quality": replace(record, qualities=record.qualities[1:]),
        "wrong-quality": replace(record, qualities=(*record.qualities, record.qualities[0])),
        "missing-test-mark": with_marks(record, "TOAN", term_2=rated(SubjectLevel.COMPLETED)),
        "wrong-scale": with_marks(record, "TOAN", term_2=rated(SubjectLevel.COMPLETED, "7.5")),
        "missing-results": with_marks(record, "DAODUC", term_2=None),
    }
    for code, broken in cases.items():
        assert code in codes_of(gaps_of(broken, SchoolLevel.PRIMARY))


def test_reassessment_of_a_subject_that_was_passed_is_worth_a_look() -> None:
    record = with_marks(make_record(), "TOAN", reassessed_mark=Decimal(9))
    assert codes_of(gaps_of(record)) == ["reassessment-not-due"]
    summary = build(record).summary
    assert isinstance(summary, SecondarySummary)
    assert summary.study_after_reassessment is None
