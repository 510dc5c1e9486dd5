"""Builds a version that replaces an earlier one and keeps the signatures of unchanged parts.

A part is a subject's DIEM_TONG_KET.  Its octets hold, beside the subject's results, the values that tie it to its
document; when none of them changed, the part keeps its revision and its teachers' signatures byte for byte.  Changed
parts get the new version as revision and are signed anew, as are homeroom, principal and seal in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import (
    Event,
    KeptSignature,
    Replacement,
    SlotRole,
    SlotSigner,
    Stage,
    SubjectResult,
    Transcript,
)
from transcript_core.policy import INFO_ID, part_id

_NO_TIME: Final = datetime.min.replace(tzinfo=UTC)


def build_update(
    previous: Transcript,
    *,
    previous_digest: bytes,
    current: Transcript,
    reason: str,
    signed_on: Mapping[str, date],
    version: int | None = None,
) -> Transcript:
    """Return version n+1: what `current` says, with the unchanged parts of version n kept.

    Args:
        previous: the version that is replaced, as signed.
        previous_digest: 32 raw bytes, its document digest.
        current: what holds now, from `build_transcript` with the same serial; its version and revisions do not count.
        reason: for people; not blank.
        signed_on: slot Id -> day of the teacher's XML signature in version n, Vietnam time.
        version: None takes n+1; higher when a recall took a version of this serial since.

    Returns:
        A transcript whose `replaces.changed_parts` names the Ids of subjects that changed, appeared or went, in the
        form's order, and `thongtinhocba` when anything outside the subjects changed.

    Raises:
        InputError: another serial, pupil or year; no reason; nothing changed; a teacher's signature to keep is missing.
    """
    check_same_document(previous, current)
    _check_arguments(previous_digest, reason)
    version = previous.version + 1 if version is None else version
    if version <= previous.version:
        raise InputError(f"an update's version is higher than {previous.version}, the version it replaces")
    subjects = tuple(_keep_or_renew(subject, previous, current, version) for subject in current.subjects)
    changed = list_changed_parts(previous, replace(current, subjects=subjects))
    if not changed:
        raise InputError(f"nothing changed since version {previous.version}, so there is nothing to replace")
    kept = {subject.subject_code for subject in subjects if subject.revision < version}
    return replace(
        current,
        version=version,
        event=Event.UPDATE,
        subjects=subjects,
        signers=_list_signers(previous, current, kept, version, signed_on),
        replaces=Replacement(previous.version, previous_digest, reason, changed),
    )


def check_same_document(previous: Transcript, current: Transcript) -> None:
    """Check that two versions are of one pupil, year and level.

    Raises:
        InputError: they are not.
    """
    for name in ("serial", "transcript_id", "school_year"):
        if getattr(previous, name) != getattr(current, name):
            raise InputError(f"an update keeps the {name.replace('_', ' ')} of the version it replaces")
    if previous.school.level is not current.school.level:
        raise InputError("an update keeps the school level of the version it replaces")
    if previous.stage is Stage.YEAR and current.stage is not Stage.YEAR:
        raise InputError("a year's document is not replaced by one of term 1")


def _check_arguments(previous_digest: bytes, reason: str) -> None:
    if len(previous_digest) != 32:
        raise InputError("a document digest has 32 bytes")
    if not reason.strip():
        raise InputError("an update states its reason")


def tie_of(transcript: Transcript) -> tuple[str, ...]:
    """Return what every part repeats of its document beside serial, transcript id and year."""
    return (transcript.school.school_code, transcript.class_name, transcript.pupil.pupil_code)


def _keep_or_renew(subject: SubjectResult, previous: Transcript, current: Transcript, version: int) -> SubjectResult:
    before = next((one for one in previous.subjects if one.subject_code == subject.subject_code), None)
    same = before is not None and before == replace(subject, revision=before.revision)
    if before is not None and same and tie_of(previous) == tie_of(current):
        return before
    return replace(subject, revision=version)


def list_changed_parts(previous: Transcript, current: Transcript) -> tuple[str, ...]:
    """Return the Ids of subjects that changed, appeared or went, and of the rest when anything in it changed."""
    now = {subject.subject_code: subject for subject in current.subjects}
    before = {subject.subject_code: subject for subject in previous.subjects}
    changed = [part_id(code) for code, subject in now.items() if before.get(code) != subject]
    gone = [part_id(code) for code in before if code not in now]
    rest = [INFO_ID] if _strip_parts(previous) != _strip_parts(current) else []
    return (*changed, *gone, *rest)


def _strip_parts(transcript: Transcript) -> Transcript:
    """Return the transcript without subjects and without what differs in every version."""
    homeroom = tuple(one for one in transcript.signers if one.role is not SlotRole.SUBJECT_TEACHER)
    return replace(
        transcript,
        version=0,
        event=Event.NEW,
        locked_at=_NO_TIME,
        subjects=(),
        signers=homeroom,
        replaces=None,
    )


def _list_signers(
    previous: Transcript, current: Transcript, kept: set[str], version: int, signed_on: Mapping[str, date]
) -> tuple[SlotSigner, ...]:
    signers = []
    for signer in current.signers:
        if signer.subject_code is None:
            signers.append(signer)
        elif signer.subject_code in kept:
            signers.append(_keep(signer.slot_id, previous, signed_on))
        else:
            signers.append(replace(signer, part_revision=version))
    return tuple(signers)


def _keep(slot_id: str, previous: Transcript, signed_on: Mapping[str, date]) -> SlotSigner:
    signer = next((one for one in previous.signers if one.slot_id == slot_id), None)
    if signer is None:
        raise InputError(f"version {previous.version} names nobody for slot {slot_id}")
    if signer.kept is not None:
        return signer
    if slot_id not in signed_on:
        raise InputError(f"slot {slot_id} of version {previous.version} is not signed, so it cannot be kept")
    return replace(signer, kept=KeptSignature(previous.version, signed_on[slot_id]))
