"""Entitlement: real people with real certificates, at another class, subject, school or time than the list has them.

Each document is signed by exactly the people whom it names, so only the list of the department stands against it.
"""

from __future__ import annotations

from dataclasses import replace

from tests.support.samples import PRINCIPAL, build_issue, build_transcript
from tests.vectors.cases import fails, sound
from tests.vectors.forge import MATHS
from tests.vectors.school import (
    DECISION,
    FORMER_PRINCIPAL,
    NEXT_PRINCIPAL,
    OTHER_MST,
    OTHER_SCHOOL_CODE,
    OTHER_SCHOOL_NAME,
    VICE_PRINCIPAL,
    describe,
    school,
)
from transcript_core.model import IssueInfo, Substitution, Transcript

_COLLEAGUE = ("0128523158", "Đặng Thị Hạnh")
_REASON = "Hiệu trưởng đi công tác"


def _sign(transcript: Transcript, issue: IssueInfo) -> bytes:
    document, slots, policy = describe(transcript, issue)
    return school().sign_all(document, slots, policy)


def _managed_by(person: tuple[str, str], decision: str | None = None) -> bytes:
    """Return the sample with another manager, in the principal's place when a decision is named."""
    transcript = build_transcript()
    issue = build_issue(transcript)
    instead = None if decision is None else Substitution(_REASON, decision)
    manager = replace(issue.manager, staff_code=person[0], name=person[1], substitution=instead)
    return _sign(transcript, replace(issue, manager=manager))


@fails("authority: teachers of another class", "authority.class")
def teachers_of_another_class() -> bytes:
    transcript = replace(build_transcript(), class_name="7A9")
    return _sign(transcript, build_issue(transcript))


@fails("authority: a teacher of another subject", "authority.subject")
def teacher_of_another_subject() -> bytes:
    transcript = build_transcript()
    subjects = tuple(
        replace(one, teachers=(replace(one.teachers[0], staff_code=_COLLEAGUE[0], name=_COLLEAGUE[1]),))
        if one.subject_code == "TOAN"
        else one
        for one in transcript.subjects
    )
    signers = tuple(
        replace(one, staff_code=_COLLEAGUE[0], name=_COLLEAGUE[1]) if one.slot_id == MATHS else one
        for one in transcript.signers
    )
    transcript = replace(transcript, subjects=subjects, signers=signers)
    return _sign(transcript, build_issue(transcript))


@fails("authority: staff of another school", "authority.school")
def staff_of_another_school() -> bytes:
    transcript = build_transcript()
    there = replace(transcript.school, school_code=OTHER_SCHOOL_CODE, name=OTHER_SCHOOL_NAME)
    transcript = replace(transcript, school=there)
    issue = build_issue(transcript)
    issue = replace(issue, seal=replace(issue.seal, school_code=OTHER_SCHOOL_CODE, name=OTHER_SCHOOL_NAME))
    document, slots, policy = describe(transcript, issue)
    seal = school().seal(OTHER_SCHOOL_NAME, OTHER_MST)
    return school().sign_all(document, slots, policy, signers={issue.seal.slot_id: seal})


@fails("authority: the name that people read is the school's", "authority")
def name_of_another_school() -> bytes:
    transcript = build_transcript()
    transcript = replace(transcript, school=replace(transcript.school, name="Trường THCS Nổi Tiếng"))
    issue = build_issue(transcript)
    document, slots, policy = describe(transcript, issue)
    return school().sign_all(
        document, slots, policy, signers={issue.seal.slot_id: school().seal("Trường THCS Nổi Tiếng")}
    )


@fails("authority: in office until the winter before", "authority.office")
def principal_no_longer_in_office() -> bytes:
    return _managed_by(FORMER_PRINCIPAL)


@fails("authority: in office from the next school year", "authority.office")
def principal_not_yet_in_office() -> bytes:
    return _managed_by(NEXT_PRINCIPAL)


@sound("authority: a vice-principal signs KT. by a listed decision")
def deputy_by_decision() -> bytes:
    return _managed_by(VICE_PRINCIPAL, DECISION)


@fails("authority: KT. needs a decision", "authority.delegation")
def deputy_without_decision() -> bytes:
    return _managed_by(VICE_PRINCIPAL)


@fails("authority: KT. by a decision that is not listed", "authority.delegation")
def deputy_by_an_unlisted_decision() -> bytes:
    return _managed_by(VICE_PRINCIPAL, "Quyết định số 99/QĐ-THCSHS ngày 1/6/2026")


@fails("authority: KT. by the decision of last year", "authority.delegation")
def deputy_by_an_expired_decision() -> bytes:
    return _managed_by(VICE_PRINCIPAL, f"{DECISION} (cũ)")


@fails("authority: KT. by a decision that begins later", "authority.delegation")
def deputy_by_a_decision_that_begins_later() -> bytes:
    return _managed_by(VICE_PRINCIPAL, f"{DECISION} (sau)")


@fails("authority: KT. by a decision for the homeroom of a class", "authority.delegation")
def deputy_by_a_decision_for_a_class() -> bytes:
    return _managed_by(VICE_PRINCIPAL, f"{DECISION} (chủ nhiệm)")


@fails("authority: the principal uses no decision for the own office", "authority.delegation")
def principal_in_nobodys_place() -> bytes:
    return _managed_by(PRINCIPAL, DECISION)
