"""From a transcript to the version that replaces it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.support.builds import (
    BY_DECISION,
    DEPUTY,
    HOMEROOM,
    PRINCIPAL,
    all_marks,
    build,
    make_record,
    make_records,
    rated,
    with_marks,
)
from transcript_core.build import build_issue, build_update
from transcript_core.errors import InputError
from transcript_core.model import (
    Event,
    KeptSignature,
    SchoolLevel,
    Stage,
    SubjectLevel,
    Transcript,
)
from transcript_core.policy import find_policy, list_slots
from transcript_core.records import Assignment, StandIn, SubjectMarks

DIGEST = bytes(range(32))
SIGNED_ON = date(2026, 5, 30)


def update(previous: Transcript, current: Transcript, **changes: object) -> Transcript:
    signed_on = {signer.slot_id: SIGNED_ON for signer in previous.signers if signer.subject_code}
    arguments: dict[str, object] = {"previous_digest": DIGEST, "reason": "Sửa điểm Toán", "signed_on": signed_on}
    return build_update(previous, current=current, **(arguments | changes))  # type: ignore[arg-type]


def corrected(code: str = "TOAN", mark: str = "9") -> Transcript:
    return build(with_marks(make_record(), code, term_2=all_marks(mark)))


def test_an_update_renews_the_changed_part_and_keeps_the_others() -> None:
    previous = build()
    result = update(previous, corrected())
    assert (result.version, result.event) == (2, Event.UPDATE)
    assert result.replaces is not None
    assert (result.replaces.version, result.replaces.digest) == (1, DIGEST)
    assert result.replaces.changed_parts == ("diem-TOAN",)
    assert {one.subject_code: one.revision for one in result.subjects if one.revision != 1} == {"TOAN": 2}
    assert result.subjects[1:] == previous.subjects[1:]
    changed = next(one for one in result.signers if one.slot_id == "gvbm-TOAN-1")
    assert (changed.part_revision, changed.kept) == (2, None)
    for signer in result.signers[1:-1]:
        assert (signer.part_revision, signer.kept) == (1, KeptSignature(1, SIGNED_ON))
    assert result.signers[-1].kept is None
    issue = build_issue(result, manager=PRINCIPAL, issued_on=date(2026, 6, 30))
    slots = list_slots(result, issue, find_policy(SchoolLevel.LOWER_SECONDARY))
    assert [slot.slot_id for slot in slots if not slot.kept] == ["gvbm-TOAN-1", "gvcn", "cbql", "ky-phat-hanh"]


def test_a_second_update_keeps_signatures_of_both_earlier_versions() -> None:
    second = update(build(), corrected())
    current = build(with_marks(with_marks(make_record(), "TOAN", term_2=all_marks("9")), "CN", term_2=all_marks("9")))
    later = date(2026, 6, 30)
    third = update(second, current, signed_on={"gvbm-TOAN-1": later})
    assert third.version == 3
    assert {one.subject_code: one.revision for one in third.subjects if one.revision > 1} == {"TOAN": 2, "CN": 3}
    kept = {one.slot_id: one.kept for one in third.signers}
    assert kept["gvbm-TOAN-1"] == KeptSignature(2, later)
    assert kept["gvbm-LSDL-1"] == KeptSignature(1, SIGNED_ON)
    assert kept["gvbm-CN-1"] is None


def test_changes_outside_the_subjects_keep_every_teachers_signature() -> None:
    result = update(build(), build(replace(make_record(), homeroom_comment="Rất chăm ngoan.")))
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("thongtinhocba",)
    assert all(signer.kept for signer in result.signers[:-1])


def test_a_change_that_moves_the_level_names_both() -> None:
    result = update(build(), corrected(mark="3"))
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("diem-TOAN", "thongtinhocba")


def test_the_year_after_term_1_renews_every_part() -> None:
    result = update(build(stage=Stage.TERM_1), build(), reason="Kết quả cả năm")
    assert all(subject.revision == 2 for subject in result.subjects)
    assert not any(signer.kept for signer in result.signers)


def test_a_subject_that_appears_or_goes_is_named() -> None:
    second_language = SubjectMarks("NN2", all_marks("8.5"), all_marks("8.5"))
    record = replace(make_record(), marks=(*make_record().marks, second_language))
    records = make_records(record)
    teacher = Assignment(record.class_name, "NN2", HOMEROOM.staff_code, 1)
    more = build(record, records=replace(records, assignments=(*records.assignments, teacher)))
    appeared = update(build(), more).replaces
    gone = update(more, build()).replaces
    assert appeared is not None
    assert gone is not None
    assert appeared.changed_parts == gone.changed_parts == ("diem-NN2",)


def test_another_teacher_or_class_or_pupil_code_renews_the_parts_that_name_them() -> None:
    previous = build()
    record = make_record()
    records = make_records(record)
    other = replace(
        records,
        assignments=tuple(
            replace(one, staff_code=DEPUTY.staff_code) if one.subject_code == "TOAN" else one
            for one in records.assignments
        ),
    )
    result = update(previous, build(record, records=other))
    assert [one.subject_code for one in result.subjects if one.revision == 2] == ["TOAN"]
    result = update(previous, build(replace(record, pupil_code="0140716224")))
    assert all(one.revision == 2 for one in result.subjects)


def test_a_stand_in_of_an_unchanged_part_stays_because_their_signature_does() -> None:
    absent = next(one for one in build().signers if one.slot_id == "gvbm-CN-1").staff_code
    record = make_record()
    stand_in = StandIn(record.class_name, "CN", absent, DEPUTY.staff_code, BY_DECISION)
    previous = build(record, records=replace(make_records(record), stand_ins=(stand_in,)))
    result = update(previous, corrected())
    signer = next(one for one in result.signers if one.slot_id == "gvbm-CN-1")
    assert (signer.staff_code, signer.substitution) == (DEPUTY.staff_code, BY_DECISION)


def test_primary_updates_name_the_changed_subjects_too() -> None:
    level = SchoolLevel.PRIMARY
    current = build(with_marks(make_record(level), "TOAN", term_2=rated(SubjectLevel.COMPLETED_WELL, "10")), level)
    result = update(build(level=level), current)
    assert result.replaces is not None
    assert result.replaces.changed_parts == ("diem-TOAN",)
    assert {one.subject_code for one in result.subjects if one.revision == 2} == {"TOAN"}
    assert [one.kept for one in result.signers] == [None]


def test_updates_that_make_no_sense_are_refused() -> None:
    previous, current = build(), corrected()
    refused: list[tuple[Transcript, dict[str, object]]] = [
        (previous, {}),
        (current, {"reason": "  "}),
        (current, {"previous_digest": b"short"}),
        (current, {"signed_on": {}}),
        (replace(current, serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ"), {}),
        (replace(current, transcript_id="3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e40"), {}),
        (replace(current, school_year="2024-2025"), {}),
        (replace(current, stage=Stage.TERM_1), {}),
        (current, {"version": 1}),
    ]
    for candidate, changes in refused:
        with pytest.raises(InputError):
            update(previous, candidate, **changes)


def test_an_update_after_a_recall_may_skip_the_recalls_version() -> None:
    result = update(build(), corrected(), version=3)
    assert (result.version, result.subjects[0].revision) == (3, 3)
    assert result.replaces is not None
    assert result.replaces.version == 1
