"""Rules between the values of one document that no schema can state, held on building and on reading alike.

They say what may stand together, not whether a mark is right: that is `transcript_core.assessment`.
Messages name elements and codes, never marks or pupils.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from transcript_core.errors import MalformedTranscript
from transcript_core.model import (
    Event,
    Grade,
    IssueInfo,
    PrimarySummary,
    Recall,
    SchoolLevel,
    SlotRole,
    SlotSigner,
    SubjectKind,
    SubjectResult,
    Transcript,
)

_GRADES = {
    SchoolLevel.PRIMARY: range(1, 6),
    SchoolLevel.LOWER_SECONDARY: range(6, 10),
    SchoolLevel.UPPER_SECONDARY: range(10, 13),
}
_FIXED_SLOTS = {
    SlotRole.HOMEROOM_TEACHER: "gvcn",
    SlotRole.MANAGER: "cbql",
    SlotRole.REQUESTER: "nguoi-de-nghi",
}
_SEAL_SLOT = "ky-phat-hanh"


def check_transcript(transcript: Transcript) -> None:
    """Check what the values of a transcript say of each other.

    Raises:
        MalformedTranscript: two values contradict each other; the message names them.
    """
    level = transcript.school.level
    _require(transcript.grade_level in _GRADES[level], "KHOI is no grade of the school's level")
    _require(
        isinstance(transcript.summary, PrimarySummary) == (level is SchoolLevel.PRIMARY),
        "the summary is of another level",
    )
    _check_year(transcript.school_year)
    for entry in transcript.history:
        _check_year(entry.school_year)
    _check_versions(transcript)
    _require_unique((subject.subject_code for subject in transcript.subjects), "a subject stands twice")
    for subject in transcript.subjects:
        _check_subject(subject, transcript)
    for signer in transcript.signers:
        _require(
            signer.role in {SlotRole.SUBJECT_TEACHER, SlotRole.HOMEROOM_TEACHER},
            "DANH_SACH_NGUOI_KY names other roles than teachers",
        )
        _check_signer(signer, version=transcript.version)
        _check_kept(signer, transcript)


def check_issue(issue: IssueInfo, transcript: Transcript) -> None:
    """Check what `issue` says against itself and against the transcript it issues.

    Raises:
        MalformedTranscript: manager or seal stand in the wrong slot, or are another school's.
    """
    _require(issue.manager.role is SlotRole.MANAGER, "CAN_BO_QUAN_LY is named for another role")
    _check_signer(issue.manager, version=transcript.version)
    _require(issue.manager.kept is None, "CAN_BO_QUAN_LY signs every version anew")
    _require(issue.seal.slot_id == _SEAL_SLOT, "CON_DAU has another slot than ky-phat-hanh")
    _require(issue.seal.school_code == transcript.school.school_code, "CON_DAU is another school's")
    _require(issue.seal.name == transcript.school.name, "CON_DAU and TRUONG give the school different names")


def check_recall(recall: Recall) -> None:
    """Check what the values of a recall say of each other.

    Raises:
        MalformedTranscript: two values contradict each other; the message names them.
    """
    _check_year(recall.school_year)
    _require(recall.target.serial == recall.serial, "HOC_BA_BI_THU_HOI names another serial")
    _require(recall.version > recall.target.version, "PHIEN_BAN is not higher than that of the recalled document")
    _require(recall.requested_by.role is SlotRole.REQUESTER, "NGUOI_LAP_DE_NGHI is named for another role")
    _require(recall.approved_by.role is SlotRole.MANAGER, "NGUOI_PHE_DUYET is named for another role")
    _require(recall.requested_by.staff_code != recall.approved_by.staff_code, "a recall is approved by somebody else")
    _require(recall.seal.slot_id == _SEAL_SLOT, "CON_DAU has another slot than ky-phat-hanh")
    _require(recall.seal.school_code == recall.school.school_code, "CON_DAU is another school's")
    _require(recall.seal.name == recall.school.name, "CON_DAU and TRUONG give the school different names")
    for signer in (recall.requested_by, recall.approved_by):
        _check_signer(signer, version=recall.version)
        _require(signer.kept is None, "a recall keeps no signature")


def _check_versions(transcript: Transcript) -> None:
    replaces = transcript.replaces
    _require((transcript.event is Event.UPDATE) == (replaces is not None), "SU_KIEN and THAY_THE contradict each other")
    if replaces is not None:
        _require(replaces.version < transcript.version, "THAY_THE names no earlier version")
        _require_unique(replaces.changed_parts, "a changed part stands twice")
    _require(transcript.locked_at.utcoffset() == timedelta(0), "THOI_DIEM_CHOT is not in UTC")


def _check_subject(subject: SubjectResult, transcript: Transcript) -> None:
    code = subject.subject_code
    primary = transcript.school.level is SchoolLevel.PRIMARY
    _require((subject.kind is SubjectKind.PRIMARY) == primary, f"subject {code} is assessed as at another level")
    _require(subject.revision <= transcript.version, f"subject {code} changed in a later version than this one")
    _require_unique((teacher.staff_code for teacher in subject.teachers), f"subject {code} names a teacher twice")
    terms = [term.grade for term in (subject.term_1, subject.term_2) if term is not None]
    for grade in (*terms, subject.year, subject.reassessed):
        if grade is not None:
            _require(_fits(grade, subject.kind), f"subject {code} has a result of another kind than KIEU_DANH_GIA says")


def _fits(grade: Grade, kind: SubjectKind) -> bool:
    has_mark, has_level = grade.mark is not None, grade.level is not None
    if kind is SubjectKind.MARK:
        return has_mark and not has_level
    if kind is SubjectKind.COMMENT:
        return has_level and not has_mark
    return has_level


def _check_signer(signer: SlotSigner, *, version: int) -> None:
    slot = signer.slot_id
    is_teacher = signer.role is SlotRole.SUBJECT_TEACHER
    parts = (signer.subject_code, signer.part_id, signer.part_revision)
    _require(
        all(part is not None for part in parts) if is_teacher else not any(parts), f"slot {slot} names a part wrongly"
    )
    _require(is_teacher or _FIXED_SLOTS.get(signer.role) == slot, f"slot {slot} is not the slot of its role")
    if signer.kept is not None:
        _require(is_teacher, f"slot {slot} cannot keep a signature: only a subject's part stays unchanged")
        _require(signer.kept.version < version, f"slot {slot} keeps a signature of no earlier version")


def _check_kept(signer: SlotSigner, transcript: Transcript) -> None:
    """A signature is kept from the replaced version or an earlier one, and was made when the part was as it is."""
    if signer.kept is None:
        return
    slot, version, replaces = signer.slot_id, signer.kept.version, transcript.replaces
    _require(replaces is not None and version <= replaces.version, f"slot {slot} keeps what is not replaced")
    revision = signer.part_revision
    _require(revision is not None and revision <= version, f"slot {slot} keeps what was not there to sign")


def _check_year(school_year: str) -> None:
    first, _, last = school_year.partition("-")
    _require(last == str(int(first) + 1), "NAM_HOC is no school year: two years that follow each other")


def _require_unique(values: Iterable[str], problem: str) -> None:
    listed = list(values)
    _require(len(set(listed)) == len(listed), problem)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise MalformedTranscript(problem)
