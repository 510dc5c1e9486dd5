"""Does a signed version really continue the version that it says it replaces?  The other side of `update`.

A version alone cannot tell: its parts and the teachers' signatures that it keeps may be older than those of the version
it replaces, and still be sound.  Whoever has both holds them against each other here, before the new one counts.
"""

from __future__ import annotations

from transcript_core.build.update import check_same_document, list_changed_parts, tie_of
from transcript_core.errors import MalformedTranscript
from transcript_core.model import KeptSignature, SlotSigner, Transcript


def check_successor(previous: Transcript, current: Transcript) -> None:
    """Check that `current` is `previous` with the changes that it names, and nothing brought back.

    Args:
        previous: the version that `current` replaces, as signed.
        current: the new version, as signed.

    Raises:
        InputError: another pupil, year or level.
        MalformedTranscript: an unchanged part differs from that of the replaced version, changed parts are not the ones
            named, or a signature is said to be kept from elsewhere.
    """
    check_same_document(previous, current)
    _check_parts(previous, current)
    named = set() if current.replaces is None else set(current.replaces.changed_parts)
    if named != set(list_changed_parts(previous, current)):
        raise MalformedTranscript("the parts that are named as changed are not those that differ")
    _check_kept(previous, current)


def list_kept_slots(current: Transcript) -> tuple[str, ...]:
    """Return the Ids of the slots whose signatures must be, octet for octet, those of the replaced version."""
    return tuple(signer.slot_id for signer in current.signers if signer.kept is not None)


def _check_parts(previous: Transcript, current: Transcript) -> None:
    """A part of an earlier revision than this version is the replaced version's part, in the same class and school."""
    before = {subject.subject_code: subject for subject in previous.subjects}
    for subject in current.subjects:
        if subject.revision == current.version:
            continue
        if before.get(subject.subject_code) != subject or tie_of(previous) != tie_of(current):
            raise MalformedTranscript(f"part {subject.subject_code} is not as the replaced version has it")


def _check_kept(previous: Transcript, current: Transcript) -> None:
    before = {signer.slot_id: signer for signer in previous.signers}
    for signer in current.signers:
        if signer.kept is not None and not _continues(
            before.get(signer.slot_id), signer, signer.kept, previous.version
        ):
            raise MalformedTranscript(f"slot {signer.slot_id} does not keep the replaced version's signature")


def _continues(before: SlotSigner | None, signer: SlotSigner, kept: KeptSignature, version: int) -> bool:
    """Return whether a kept signature was already kept on the same terms, or was made in the replaced version."""
    if before is None or before.staff_code != signer.staff_code or before.part_revision != signer.part_revision:
        return False
    return before.kept == kept if before.kept is not None else kept.version == version
