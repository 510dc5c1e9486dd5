"""The list of signers: subject teachers in the form's order, each subject's in the order of assignment, then homeroom.

The list is part of what the homeroom teacher, the principal and the seal sign; somebody who signs for an absent
teacher stands in it with reason and authority.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transcript_core.build.inputs import Case, StandIn
from transcript_core.errors import InputError
from transcript_core.model import SlotRole, SlotSigner, SubjectResult
from transcript_core.policy import part_id, teacher_slot_id

HOMEROOM_SLOT_ID = "gvcn"
TEACHER_TITLE = "GIÁO VIÊN BỘ MÔN"
HOMEROOM_TITLE = "GIÁO VIÊN CHỦ NHIỆM"


def list_signers(case: Case, subjects: Sequence[SubjectResult], stand_ins: Sequence[StandIn]) -> tuple[SlotSigner, ...]:
    """Return who signs as subject and homeroom teachers, in the order of the slots.

    Raises:
        InputError: a stand-in fits no slot, one slot has two, the absent teacher stands in for themselves, or the
            reason or the authority is blank.
    """
    signers = [*_list_teachers(subjects), _build_homeroom(case)]
    for stand_in in stand_ins:
        _check_stand_in(stand_in, signers)
    if any(sum(_stands_in_for(stand_in, signer) for stand_in in stand_ins) > 1 for signer in signers):
        raise InputError("two substitutions are given for one slot")
    return tuple(_substitute(signer, stand_ins) for signer in signers)


def _list_teachers(subjects: Sequence[SubjectResult]) -> Iterator[SlotSigner]:
    for subject in subjects:
        for number, teacher in enumerate(subject.teachers, start=1):
            yield SlotSigner(
                slot_id=teacher_slot_id(subject.subject_code, number),
                role=SlotRole.SUBJECT_TEACHER,
                staff_code=teacher.staff_code,
                name=teacher.name,
                title=TEACHER_TITLE,
                subject_code=subject.subject_code,
                part_id=part_id(subject.subject_code),
                part_revision=subject.revision,
            )


def _build_homeroom(case: Case) -> SlotSigner:
    code = case.school_class.homeroom_staff_code
    if code is None or code not in case.staff:
        raise InputError(f"class {case.school_class.name!r} has no homeroom teacher in the staff list")
    return SlotSigner(
        slot_id=HOMEROOM_SLOT_ID,
        role=SlotRole.HOMEROOM_TEACHER,
        staff_code=code,
        name=case.staff[code].name,
        title=HOMEROOM_TITLE,
    )


def _check_stand_in(stand_in: StandIn, signers: Sequence[SlotSigner]) -> None:
    if not stand_in.substitution.reason.strip() or not stand_in.substitution.authority.strip():
        raise InputError("a substitution names its reason and the decision that allows it")
    if stand_in.staff_code == stand_in.absent_staff_code:
        raise InputError("nobody stands in for themselves")
    if not any(_stands_in_for(stand_in, signer) for signer in signers):
        raise InputError(f"the substitution for {stand_in.absent_staff_code} fits no slot of this transcript")


def _stands_in_for(stand_in: StandIn, signer: SlotSigner) -> bool:
    subject_fits = stand_in.subject_code is None or stand_in.subject_code == signer.subject_code
    return subject_fits and stand_in.absent_staff_code == signer.staff_code


def _substitute(signer: SlotSigner, stand_ins: Sequence[StandIn]) -> SlotSigner:
    for stand_in in stand_ins:
        if _stands_in_for(stand_in, signer):
            return replace(
                signer,
                staff_code=stand_in.staff_code,
                name=stand_in.name,
                title=f"KÝ THAY {signer.title}",
                substitution=stand_in.substitution,
            )
    return signer
