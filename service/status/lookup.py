"""What is known of one issued version, derived from signed events that were verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.store import DocumentStore
from service.transcripts import event_repository
from service.transcripts.repository import DocumentKey
from service.verifications.events import EventVerifier, VerifiedEvent, list_following
from transcript_core.clock import Clock
from transcript_core.errors import StateError
from transcript_core.status import DocumentStatus, StatusAnswer, derive_status


@dataclass(frozen=True, slots=True)
class Record:
    """One version as this installation knows it."""

    answer: StatusAnswer
    event: VerifiedEvent | None  # the document's own event; None when it is unknown or could not be verified
    unproven: bool = False  # a row names this version, but its signed file did not verify


class StatusLookup:
    """Answers for single versions; a `StatusSource` through `find_status`."""

    def __init__(self, session: Session, store: DocumentStore, events: EventVerifier, clock: Clock) -> None:
        self._session = session
        self._store = store
        self._events = events
        self._clock = clock

    def find_record(self, serial: str, version: int) -> Record:
        """Return what is known of this version."""
        at = self._clock.now()
        files = event_repository.list_event_files(self._session, serial)
        verified = [
            event for number, digest in files if (event := self._read(DocumentKey(serial, number), digest)) is not None
        ]
        answers = derive_status([one.event for one in list_following(verified)], as_of=at)
        own = next((one for one in verified if one.event.version == version), None)
        if version in answers and own is not None:
            # A later event that could not be verified might be a recall: then this version's status is not known.
            if len(verified) < len(files):
                return Record(StatusAnswer(DocumentStatus.UNKNOWN, at), None, unproven=True)
            return Record(answers[version], own)
        unproven = any(number == version for number, _ in files) and own is None
        return Record(StatusAnswer(DocumentStatus.UNKNOWN, at), None, unproven=unproven)

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return the status of this very document; UNKNOWN when another digest was issued under its name."""
        record = self.find_record(serial, version)
        if record.event is None or digest not in {None, record.event.event.digest}:
            return StatusAnswer(DocumentStatus.UNKNOWN, self._now())
        return record.answer

    def _read(self, key: DocumentKey, digest_hex: str) -> VerifiedEvent | None:
        """Return the event in a row's file, or None when it does not verify or is another one than the row says."""
        try:
            found = self._events.find_event(digest_hex, self._store.get(digest_hex))
        except StateError:
            return None
        if found is None or (found.event.serial, found.event.version) != (key.serial, key.version):
            return None
        return found

    def _now(self) -> datetime:
        return self._clock.now()
