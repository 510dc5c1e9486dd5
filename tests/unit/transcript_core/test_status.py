"""Status follows from signed events alone, and the status file says exactly that."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import pytest

from transcript_core.errors import MalformedTranscript
from transcript_core.model import DocumentReference, Event
from transcript_core.status import (
    DocumentStatus,
    StatusEvent,
    StatusFile,
    build_status_payload,
    derive_status,
    list_entries,
    parse_status_payload,
)

SERIAL = "01J9ZK3T5V7X9ABCDEFGHJKMNP"
AS_OF = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
NEXT = datetime(2026, 6, 8, 8, 0, tzinfo=UTC)


def _digest(version: int) -> bytes:
    return bytes([version]) * 32


def _event(version: int, kind: Event, target: int | None = None, *, digest: bytes | None = None) -> StatusEvent:
    reference = None if target is None else DocumentReference(SERIAL, target, digest or _digest(target))
    return StatusEvent(SERIAL, version, kind, _digest(version), reference, reason=f"lý do {version}")


NEW = _event(1, Event.NEW)
UPDATE = _event(2, Event.UPDATE, 1)
RECALL = _event(3, Event.CANCEL, 2)


def _statuses(*events: StatusEvent) -> dict[int, DocumentStatus]:
    return {version: answer.status for version, answer in derive_status(events, as_of=AS_OF).items()}


def test_first_version_is_valid() -> None:
    assert _statuses(NEW) == {1: DocumentStatus.VALID}


def test_update_supersedes_what_it_names() -> None:
    answers = derive_status([NEW, UPDATE], as_of=AS_OF)
    assert answers[1].status is DocumentStatus.SUPERSEDED
    assert answers[1].superseded_by == 2
    assert answers[2].status is DocumentStatus.VALID


def test_recall_names_its_reason_and_is_no_document_itself() -> None:
    answers = derive_status([NEW, UPDATE, RECALL], as_of=AS_OF)
    assert set(answers) == {1, 2}
    assert answers[2].status is DocumentStatus.RECALLED
    assert answers[2].reason == "lý do 3"


def test_order_of_arrival_does_not_matter() -> None:
    expected = _statuses(NEW, UPDATE, RECALL)
    assert all(_statuses(*order) == expected for order in itertools.permutations([NEW, UPDATE, RECALL]))


def test_a_recalled_version_is_never_revived_by_a_later_update() -> None:
    answers = derive_status([NEW, _event(2, Event.CANCEL, 1), _event(3, Event.UPDATE, 1)], as_of=AS_OF)
    assert answers[1].status is DocumentStatus.RECALLED
    assert answers[1].superseded_by == 3
    assert answers[3].status is DocumentStatus.VALID


def test_event_that_names_another_digest_changes_nothing() -> None:
    assert _statuses(NEW, _event(2, Event.CANCEL, 1, digest=b"x" * 32)) == {1: DocumentStatus.VALID}


def test_equal_or_lower_version_is_ignored() -> None:
    second_first = StatusEvent(SERIAL, 1, Event.NEW, b"y" * 32)
    answers = derive_status([NEW, second_first], as_of=AS_OF)
    assert answers == derive_status([NEW], as_of=AS_OF)


def test_status_file_survives_the_way_out_and_in() -> None:
    entries = list_entries({SERIAL: [NEW, UPDATE, RECALL]}, as_of=AS_OF)
    content = StatusFile("01000701", "2025-2026", AS_OF, NEXT, entries)
    parsed = parse_status_payload(build_status_payload(content))
    assert parsed.find_status(SERIAL, 2, _digest(2)).status is DocumentStatus.RECALLED
    assert parsed.find_status(SERIAL, 1, _digest(1)).superseded_by == 2
    assert parsed.find_status(SERIAL, 1, b"z" * 32).status is DocumentStatus.UNKNOWN
    assert (parsed.as_of, parsed.next_update) == (AS_OF, NEXT)


@pytest.mark.parametrize("change", [{"format": "other"}, {"version": "9.9"}, {"as_of": "today"}, {"documents": [{}]}])
def test_status_file_of_another_shape_is_refused(change: dict[str, object]) -> None:
    raw = json.loads(build_status_payload(StatusFile("1", "2025-2026", AS_OF, NEXT, ())))
    with pytest.raises(MalformedTranscript):
        parse_status_payload(json.dumps(raw | change).encode())
