"""Builds the content of THONG_TIN_HOC_BA from a pupil's record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from transcript_core.build.completeness import list_problems
from transcript_core.build.inputs import Case, build_case
from transcript_core.build.signers import list_signers
from transcript_core.build.subjects import draft_subjects
from transcript_core.build.summary import build_summary, list_awards
from transcript_core.errors import IncompleteRecord, InputError
from transcript_core.identifiers import parse_pupil_code, parse_school_code, parse_serial, parse_transcript_id
from transcript_core.model import (
    DocumentReference,
    Event,
    HistoryEntry,
    Pupil,
    School,
    SchoolLevel,
    Stage,
    StudyTopic,
    Transcript,
)
from transcript_core.policy import SigningPolicy, find_policy
from transcript_core.records import Problem, PupilRecord, SchoolRecords, Severity

TEMPLATE_VERSION = 1


def build_transcript(
    record: PupilRecord,
    *,
    records: SchoolRecords,
    school: School,
    serial: str,
    transcript_id: str,
    locked_at: datetime,
    version: int = 1,
    stage: Stage = Stage.YEAR,
    policy: SigningPolicy | None = None,
    history: Sequence[HistoryEntry] = (),
    previous_year: DocumentReference | None = None,
) -> Transcript:
    """Return the locked transcript of one pupil and school year; the same arguments give the same transcript.

    Args:
        record: the pupil, one of `records.pupils`.
        school: as enrolled; its level decides form, rules and policy.
        serial: of this school year, kept by all its versions.
        transcript_id: of the pupil at this school level.
        locked_at: aware; when the record was found complete.
        policy: None takes the newest of the school level.
        history: rows of earlier years that have a document; the record's own rows stand for the other years, and this
            year's is added.

    Raises:
        IncompleteRecord: something is missing; its message names the problems' codes, `find_gaps` describes them.
        InputError: an identifier is malformed, the class or its regulation is unknown, a stand-in makes no sense.
    """
    _check_identifiers(record, school, serial, transcript_id, version)
    case = build_case(record, records=records, school=school, stage=stage)
    subjects = draft_subjects(case, revision=version)
    _refuse_gaps(list_problems(case, subjects))
    summary = build_summary(case, subjects)
    return Transcript(
        transcript_id=transcript_id,
        serial=serial,
        version=version,
        event=Event.NEW,
        stage=stage,
        locked_at=_to_utc(locked_at),
        regulation=case.regulation,
        template=f"{school.level.value.lower()}/{TEMPLATE_VERSION}",
        policy_id=(policy or find_policy(school.level)).identifier,
        school=school,
        pupil=_build_pupil(case),
        school_year=records.school_year,
        grade_level=case.grade,
        class_name=case.school_class.name,
        subjects=subjects,
        summary=summary,
        homeroom_comment=record.homeroom_comment,
        signers=list_signers(case, subjects),
        study_topics=_list_study_topics(case),
        awards=list_awards(case, subjects, summary),
        history=_extend_history(case, history),
        previous_year=previous_year,
        external_id=record.external_id,
    )


def _check_identifiers(record: PupilRecord, school: School, serial: str, transcript_id: str, version: int) -> None:
    parse_serial(serial)
    parse_transcript_id(transcript_id)
    parse_school_code(school.school_code)
    parse_pupil_code(record.pupil_code)
    if version < 1:
        raise InputError("versions count from 1")


def _refuse_gaps(problems: Sequence[Problem]) -> None:
    errors = sorted({problem.code for problem in problems if problem.severity is Severity.ERROR})
    if errors:
        raise IncompleteRecord(f"the record is incomplete: {', '.join(errors)}")


def _to_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise InputError("the time of locking has no time zone")
    return instant.astimezone(UTC).replace(microsecond=0)


def _build_pupil(case: Case) -> Pupil:
    record = case.record
    return Pupil(
        pupil_code=record.pupil_code,
        name=record.name,
        birth_date=record.birth_date,
        gender=record.gender,
        personal_id=record.personal_id,
        lifelong_code=record.lifelong_code,
        birth_place=record.birth_place,
        hometown=record.hometown,
        ethnicity=record.ethnicity,
        nationality=record.nationality,
        policy_group=record.policy_group,
        address=record.address,
        register_number=record.register_number,
        father=record.father,
        mother=record.mother,
        guardian=record.guardian,
    )


def _list_study_topics(case: Case) -> tuple[StudyTopic, ...]:
    if case.school.level is not SchoolLevel.UPPER_SECONDARY:
        return ()
    return tuple(StudyTopic(code, name, mark) for code, name, mark in case.record.study_topics)


def _extend_history(case: Case, history: Sequence[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Return the rows by school year, this year's last; what a document says of a year replaces what paper said."""
    documented = {entry.school_year for entry in history}
    paper = (entry for entry in case.record.earlier_years if entry.school_year not in documented)
    earlier = sorted((*history, *paper), key=lambda entry: entry.school_year)
    this_year = HistoryEntry(case.records.school_year, case.school_class.name, case.school.name)
    return (*(entry for entry in earlier if entry != this_year), this_year)
