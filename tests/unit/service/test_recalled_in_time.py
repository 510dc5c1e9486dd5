"""A recall counts only when it was requested after the document it recalls was sealed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.verifications.events import EventVerifier, VerifiedEvent, check_continues, list_following
from tests.support.samples import build_transcript
from tests.vectors.recalls import sign_recall
from tests.vectors.school import CHECKED_AT, STEP, TEACHERS_SIGN_AT, MovableClock, build_sample_recall, school, signed
from transcript_core.canonical import sha256
from transcript_core.errors import MalformedTranscript

SEALED_AT = TEACHERS_SIGN_AT + 3 * STEP


def _read(content: bytes) -> VerifiedEvent:
    verifier = school().verifier()
    events = EventVerifier(verifier, MovableClock(CHECKED_AT))
    event = events.find_event(sha256(content).hex(), content)
    assert event is not None
    return event


def _recall(requested_after_sealing: timedelta) -> VerifiedEvent:
    recall = build_sample_recall(signed(), build_transcript())
    return _read(sign_recall(replace(recall, requested_at=SEALED_AT + requested_after_sealing), {}))


def test_seal_tells_when_a_document_was_issued() -> None:
    assert _read(signed()).sealed_at == SEALED_AT


def test_recall_requested_before_the_sealing_is_none() -> None:
    issued, recall = _read(signed()), _recall(-timedelta(minutes=6))
    with pytest.raises(MalformedTranscript, match="before the document it recalls was sealed"):
        check_continues(issued, recall)
    assert list_following([issued, recall]) == [issued]


def test_recall_requested_with_the_sealing_counts() -> None:
    issued, recall = _read(signed()), _recall(-timedelta(minutes=4))
    assert list_following([issued, recall]) == [issued, recall]
