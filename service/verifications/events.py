"""Signed events that were verified: the only thing that status is derived from.

A row of the table `events` names a signed file.  The file counts only when this installation's verifier passes it, so
neither a row nor a file slipped into the store can issue, replace, recall or revive anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final

import structlog

from transcript_core.build.successor import check_successor, list_kept_slots
from transcript_core.canonical import sha256
from transcript_core.clock import Clock
from transcript_core.errors import InputError, MalformedTranscript
from transcript_core.model import IssueInfo, Recall, SlotRole, Transcript
from transcript_core.status import StatusEvent, recall_event, transcript_event
from transcript_core.xml import get_signature
from verify.policy import TRANSCRIPT_POLICY
from verify.report import DocumentKind, Outcome, Report
from verify.verifier import Verifier

MAX_REMEMBERED: Final = 8_192
"""Verified events kept in memory, by the SHA-256 of their file; one is about 20 KiB."""

_EVENT_KINDS: Final = frozenset({DocumentKind.TRANSCRIPT_XML, DocumentKind.RECALL_XML})
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
    sealed_at: datetime | None = None  # as the seal claims: no later than its timestamp, whenever that was added
    signatures: Mapping[str, bytes] = field(default_factory=dict)  # teachers' slots: SHA-256 of the ds:Signature


def list_following(events: Iterable[VerifiedEvent]) -> list[VerifiedEvent]:
    """Return the events of one serial, by version, without updates that do not continue what they replace.

    Such an update may be signed by principal and seal and still bring an older part or signature back.
    """
    found: dict[int, VerifiedEvent] = {}
    for one in sorted(events, key=lambda event: event.event.version):
        target = one.event.target
        previous = None if target is None else found.get(target.version)
        try:
            if previous is not None:
                check_continues(previous, one)
        except InputError as error:
            _log.error("event.not-following", serial=one.event.serial, version=one.event.version, reason=str(error))
            continue
        found.setdefault(one.event.version, one)
    return list(found.values())


def check_continues(previous: VerifiedEvent, current: VerifiedEvent) -> None:
    """Check that an update is the version it replaces, with the changes it names and the signatures it keeps.

    A recall must have been requested after the document it recalls was sealed: whoever signs it is judged by the office
    held at the claimed time, and no claimed time lies before the request.

    Raises:
        InputError: it is not; the message names the part or slot.
    """
    if current.recall is not None:
        _check_requested_later(current.recall, previous)
    if previous.transcript is None or current.transcript is None:
        return
    check_successor(previous.transcript, current.transcript)
    for slot_id in list_kept_slots(current.transcript):
        if previous.signatures.get(slot_id) != current.signatures.get(slot_id):
            raise MalformedTranscript(f"slot {slot_id} holds another signature than the replaced version")


def _check_requested_later(recall: Recall, previous: VerifiedEvent) -> None:
    sealed_at = previous.sealed_at
    if sealed_at is not None and recall.requested_at < sealed_at - TRANSCRIPT_POLICY.clock_tolerance:
        raise MalformedTranscript("the recall was requested before the document it recalls was sealed")


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
        if report.outcome is not Outcome.PASSED or report.document.kind not in _EVENT_KINDS:
            _log.error("event.refused", file=digest_hex, outcome=report.outcome.value)
            return None
        return self.remember(digest_hex, report, content)

    def remember(self, digest_hex: str, report: Report, content: bytes) -> VerifiedEvent:
        """Keep and return the event in the file of this digest, whose report passed.

        Raises:
            MalformedTranscript: the file is not the XML of a transcript or a recall.
        """
        verified = _read_event(report, content)
        with self._lock:
            self._passed[digest_hex] = verified
            while len(self._passed) > MAX_REMEMBERED:
                self._passed.popitem(last=False)
        return verified


def _read_event(report: Report, content: bytes) -> VerifiedEvent:
    digest, transcript, recall = report.document.digest, report.transcript, report.recall
    kind = report.document.kind
    if kind is DocumentKind.RECALL_XML and digest is not None and recall is not None:
        school, event = recall.school, recall_event(recall, digest)
        return VerifiedEvent(event, school.school_code, recall.school_year, None, None, recall)
    if kind is not DocumentKind.TRANSCRIPT_XML or digest is None or transcript is None:
        raise MalformedTranscript("only the XML of a transcript or a recall is an event")
    school, event = transcript.school, transcript_event(transcript, digest)
    return VerifiedEvent(
        event,
        school.school_code,
        transcript.school_year,
        transcript,
        report.issue,
        None,
        _find_sealing(report),
        _digest_signatures(transcript, content),
    )


def _find_sealing(report: Report) -> datetime | None:
    slot_id = None if report.issue is None else report.issue.seal.slot_id
    return next((one.signed_at for one in report.signatures if one.slot == slot_id), None)


def _digest_signatures(transcript: Transcript, content: bytes) -> dict[str, bytes]:
    slots = [signer.slot_id for signer in transcript.signers if signer.role is SlotRole.SUBJECT_TEACHER]
    return {slot_id: sha256(get_signature(content, slot_id) or b"") for slot_id in slots}
