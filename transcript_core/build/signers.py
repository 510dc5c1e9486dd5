"""The list of signers: subject teachers in the form's order, each subject's in the order of assignment, then homeroom.

The list is part of what the homeroom teacher, the principal and the seal sign; somebody who signs for an absent
teacher stands in it with reason and authority.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transcript_core.build.inputs import Case
from transcript_core.errors import InputError
from transcript_core.model import SlotRole, SlotSigner, SubjectResult
from transcript_core.policy import part_id, teacher_slot_id
from transcript_core.records import StandIn

HOMEROOM_SLOT_ID = "gvcn"
TEACHER_TITLE = "GIÁO VIÊN BỘ MÔN"
HOMEROOM_TITLE = "GIÁO VIÊN CHỦ NHIỆM"


def list_signers(case: Case, subjects: Sequence[SubjectResult]) -> tuple[SlotSigner, ...]:
    """Return who signs as subject and homeroom teachers, in the order of the slots.

    Raises:
        InputError: one slot has two stand-ins, somebody stands in for themselves or is not in the staff list, or the
            reason or the authority is blank.
    """
    stand_ins = [one for one in case.records.stand_ins if one.class_name == case.school_class.name]
    for stand_in in stand_ins:
        _check_stand_in(stand_in, case)
    signers = (*_list_teachers(subjects), _build_homeroom(case))
    return tuple(_substitute(signer, stand_ins, case) for signer in signers)


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


def _check_stand_in(stand_in: StandIn, case: Case) -> None:
    if not stand_in.substitution.reason.strip() or not stand_in.substitution.authority.strip():
        raise InputError("a substitution names its reason and the decision that allows it")
    if stand_in.staff_code == stand_in.absent_staff_code:
        raise InputError("nobody stands in for themselves")
    if stand_in.staff_code not in case.staff:
        raise InputError(f"staff {stand_in.staff_code}, who stands in, is not in the staff list")


def _substitute(signer: SlotSigner, stand_ins: Sequence[StandIn], case: Case) -> SlotSigner:
    slot = (signer.subject_code, signer.staff_code)
    fitting = [one for one in stand_ins if (one.subject_code, one.absent_staff_code) == slot]
    if not fitting:
        return signer
    if len(fitting) > 1:
        raise InputError("two substitutions are given for one slot")
    stand_in = fitting[0]
    return replace(
        signer,
        staff_code=stand_in.staff_code,
        name=case.staff[stand_in.staff_code].name,
        title=f"KÝ THAY {signer.title}",
        substitution=stand_in.substitution,
    )
