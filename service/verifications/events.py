"""Signed events that were verified: the only thing that status is derived from.

A row of the table `events` names a signed file.  The file counts only when this installation's verifier passes it, so
neither a row nor a file slipped into the store can issue, replace, recall or revive anything.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

import structlog

from transcript_core.clock import Clock
from transcript_core.model import IssueInfo, Recall, Transcript
from transcript_core.status import StatusEvent, recall_event, transcript_event
from verify.report import Outcome, Report
from verify.verifier import Verifier

MAX_REMEMBERED: Final = 8_192
"""Verified events kept in memory, by the SHA-256 of their file; one is about 20 KiB."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VerifiedEvent:
    """A signed file that passed, and what it says."""

    event: StatusEvent
    school_code: str
    school_year: str
    transcript: Transcript | None  # None in a recall
    issue: IssueInfo | None
    recall: Recall | None


class EventVerifier:
    """Verifies signed files and remembers those that passed.  A file's digest names its bytes, so memory is safe."""

    def __init__(self, verifier: Verifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock
        self._passed: OrderedDict[str, VerifiedEvent] = OrderedDict()
        self._lock = Lock()

    @property
    def verifier(self) -> Verifier:
        """The verifier that events must pass: every check but the status, which follows from them."""
        return self._verifier

    def find_event(self, digest_hex: str, content: bytes) -> VerifiedEvent | None:
        """Return what the signed file says, or None when it does not pass; that is logged, never shown."""
        with self._lock:
            known = self._passed.get(digest_hex)
            if known is not None:
                self._passed.move_to_end(digest_hex)
                return known
        report = self._verifier.verify(content, at=self._clock.now())
        if report.outcome is not Outcome.PASSED:
            _log.error("event.refused", file=digest_hex, outcome=report.outcome.value)
            return None
        return self.remember(digest_hex, report)

    def remember(self, digest_hex: str, report: Report) -> VerifiedEvent:
        """Keep and return the event in the file of this digest, whose report passed."""
        verified = _read_event(report)
        with self._lock:
            self._passed[digest_hex] = verified
            while len(self._passed) > MAX_REMEMBERED:
                self._passed.popitem(last=False)
        return verified


def _read_event(report: Report) -> VerifiedEvent:
    digest, transcript, recall = report.document.digest, report.transcript, report.recall
    if digest is None or (transcript is None) == (recall is None):
        raise ValueError("only the XML of a transcript or a recall that passed is an event")
    if recall is not None:
        school, event = recall.school, recall_event(recall, digest)
        return VerifiedEvent(event, school.school_code, recall.school_year, None, None, recall)
    assert transcript is not None
    school, event = transcript.school, transcript_event(transcript, digest)
    return VerifiedEvent(event, school.school_code, transcript.school_year, transcript, report.issue, None)
