"""Two current versions of one document, and recalls by strangers: signed events that must not count."""

from __future__ import annotations

from datetime import UTC, datetime

from transcript_core.model import DocumentReference, Event
from transcript_core.status import DocumentStatus, StatusEvent, derive_status, list_entries

SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNP"
AS_OF = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
SCHOOL, OTHER = "01000701", "01000702"


def _event(version: int, kind: Event, target: int | None = None, *, school: str = SCHOOL) -> StatusEvent:
    reference = None if target is None else DocumentReference(SERIAL, target, bytes([target]) * 32)
    return StatusEvent(SERIAL, version, kind, bytes([version]) * 32, reference, "", school)


def _statuses(*events: StatusEvent) -> dict[int, DocumentStatus]:
    return {version: answer.status for version, answer in derive_status(events, as_of=AS_OF).items()}


NEW, UPDATE = _event(1, Event.NEW), _event(2, Event.UPDATE, 1)


def test_second_new_document_does_not_stand_beside_the_current_one() -> None:
    assert _statuses(NEW, _event(2, Event.NEW)) == {1: DocumentStatus.VALID}


def test_two_updates_of_one_version_are_not_both_current() -> None:
    assert _statuses(NEW, UPDATE, _event(3, Event.UPDATE, 1)) == {
        1: DocumentStatus.SUPERSEDED,
        2: DocumentStatus.VALID,
    }


def test_another_school_neither_replaces_nor_recalls() -> None:
    expected = {1: DocumentStatus.VALID}
    assert _statuses(NEW, _event(2, Event.UPDATE, 1, school=OTHER)) == expected
    assert _statuses(NEW, _event(2, Event.CANCEL, 1, school=OTHER)) == expected
    assert _statuses(NEW, _event(2, Event.NEW, school=OTHER)) == expected


def test_new_document_may_follow_a_recall() -> None:
    assert _statuses(NEW, _event(2, Event.CANCEL, 1), _event(3, Event.NEW))[3] is DocumentStatus.VALID


def test_status_file_names_the_digest_of_the_event_that_counted() -> None:
    second = StatusEvent(SERIAL, 1, Event.NEW, b"y" * 32, school_code=SCHOOL)
    (entry,) = list_entries({SERIAL: [NEW, second]}, as_of=AS_OF)
    assert entry.digest == NEW.digest
