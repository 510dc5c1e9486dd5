"""Builds the content of THONG_TIN_PHAT_HANH: who signs as manager and seal, where and when."""

from __future__ import annotations

from datetime import date

from transcript_core.errors import InputError
from transcript_core.model import IssueInfo, Seal, SlotRole, SlotSigner, Substitution, Transcript
from transcript_core.policy import get_policy
from transcript_core.records import SchoolRecords, StaffRecord
from transcript_core.tables import get_province, normalize_name

MANAGER_SLOT_ID = "cbql"
PRINCIPAL_TITLE = "HIỆU TRƯỞNG"
DEPUTY_TITLE = "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG"
_PRINCIPAL = normalize_name("Hiệu trưởng")
_DEPUTY = normalize_name("Phó hiệu trưởng")


def find_principal(records: SchoolRecords) -> StaffRecord | None:
    """Return the one member of staff whose position is head of the school, or None when there is none or several."""
    heads = [member for member in records.staff if normalize_name(member.position) == _PRINCIPAL]
    return heads[0] if len(heads) == 1 else None


def build_issue(
    transcript: Transcript,
    *,
    manager: StaffRecord,
    issued_on: date,
    substitution: Substitution | None = None,
    place: str | None = None,
    pdf_sha256: bytes | None = None,
) -> IssueInfo:
    """Return the issue part of a transcript.

    Args:
        manager: the principal, or a deputy, who then needs a `substitution`.
        issued_on: Vietnam time.
        substitution: why and by which decision a deputy signs for the principal.
        place: None takes the name of the school's province.
        pdf_sha256: 32 raw bytes, over the first revision of the picture.

    Raises:
        InputError: the position is neither's, a deputy without reason and authority, a principal with them.
        UnsupportedSchema: the transcript's signing policy is not known here.
    """
    title = _choose_title(manager, substitution)
    school = transcript.school
    return IssueInfo(
        manager=SlotSigner(
            slot_id=MANAGER_SLOT_ID,
            role=SlotRole.MANAGER,
            staff_code=manager.staff_code,
            name=manager.name,
            title=title,
            substitution=substitution,
        ),
        seal=Seal(school_code=school.school_code, name=school.name),
        place=place or get_province(school.province_code, on=issued_on).name,
        issued_on=issued_on,
        policy_digest=get_policy(transcript.policy_id).digest,
        pdf_sha256=pdf_sha256,
    )


def _choose_title(manager: StaffRecord, substitution: Substitution | None) -> str:
    position = normalize_name(manager.position)
    if position not in {_PRINCIPAL, _DEPUTY}:
        raise InputError("only a principal or a deputy principal signs as manager")
    if position == _PRINCIPAL:
        if substitution is not None:
            raise InputError("a principal signs in nobody's place")
        return PRINCIPAL_TITLE
    if substitution is None or not substitution.reason.strip() or not substitution.authority.strip():
        raise InputError("a deputy signs for the principal with a reason and the decision that allows it")
    return DEPUTY_TITLE
