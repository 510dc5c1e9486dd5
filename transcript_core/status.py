"""Status of issued documents, derived from signed events alone, and the signed status file for use offline.

A document's status follows from three kinds of signed documents: NEW, UPDATE (names the version it replaces) and
CANCEL (names the version it recalls).  No database row can recall or revive anything.  As in the national database, an
event whose version is not higher than all before it is ignored.  So is one that does not follow from what was issued:
a NEW while another version is in force, an UPDATE of any but the newest version, an event of another school.  At most
one version of a serial is therefore in force.

The status file is the payload of a JWS made by the school's seal: every issued version of one school year with its
status, the time it was true (`as_of`) and the time by which a newer one exists (`next_update`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

import jsonschema

from schemas.loader import load_json_schema
from transcript_core.errors import LimitExceeded, MalformedTranscript
from transcript_core.limits import MAX_STATUS_BYTES
from transcript_core.model import DocumentReference, Event, Recall, Transcript

STATUS_FORMAT = "hocba-status"
STATUS_VERSION = "1.0"
STATUS_TYPE = "hocba-status+jws"
"""The `typ` of the JWS that carries a status file; no other JWS of the school's seal can pass for one."""


class DocumentStatus(StrEnum):
    """What an issued version is worth today."""

    VALID = "valid"
    SUPERSEDED = "superseded"
    RECALLED = "recalled"
    SUSPENDED = "suspended"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One signed document, as far as status goes."""

    serial: str
    version: int
    event: Event
    digest: bytes  # 32 raw bytes, document digest
    target: DocumentReference | None = None  # what an UPDATE replaces or a CANCEL recalls
    reason: str = ""
    school_code: str = ""  # of the school that signed it


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """The status of one version, when it was true and, where it applies, why and what came after."""

    status: DocumentStatus
    as_of: datetime | None = None  # aware, UTC; None: nobody could be asked
    superseded_by: int | None = None
    reason: str = ""
    school_code: str | None = None  # the only school for whose documents this answer counts; None: for all


UNKNOWN_STATUS = StatusAnswer(DocumentStatus.UNKNOWN)


class StatusSource(Protocol):
    """Anything that knows the status of documents: a status file, the service's own records."""

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return the status of this very document; UNKNOWN when it, or its digest, is not known here.

        A PDF alone does not name the document's digest: None asks by serial and version only.
        """
        ...


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """One line of a status file."""

    serial: str
    version: int
    digest: bytes  # 32 raw bytes
    status: DocumentStatus
    superseded_by: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StatusFile:
    """A status file's content; a `StatusSource` once its signature was verified."""

    school_code: str
    school_year: str
    as_of: datetime  # aware, UTC
    next_update: datetime  # aware, UTC
    entries: tuple[StatusEntry, ...]

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return the status of this very document; UNKNOWN when serial, version or digest is not listed."""
        for entry in self.entries:
            if (entry.serial, entry.version) == (serial, version) and digest in {None, entry.digest}:
                return StatusAnswer(entry.status, self.as_of, entry.superseded_by, entry.reason, self.school_code)
        return StatusAnswer(DocumentStatus.UNKNOWN, self.as_of)


def transcript_event(transcript: Transcript, digest: bytes) -> StatusEvent:
    """Return the event that an issued transcript stands for; `digest` is its document digest."""
    replaces = transcript.replaces
    return StatusEvent(
        serial=transcript.serial,
        version=transcript.version,
        event=transcript.event,
        digest=digest,
        target=None if replaces is None else DocumentReference(transcript.serial, replaces.version, replaces.digest),
        reason="" if replaces is None else replaces.reason,
        school_code=transcript.school.school_code,
    )


def recall_event(recall: Recall, digest: bytes) -> StatusEvent:
    """Return the event that a CANCEL document stands for; `digest` is its document digest."""
    return StatusEvent(
        recall.serial, recall.version, Event.CANCEL, digest, recall.target, recall.reason, recall.school.school_code
    )


def derive_status(events: Iterable[StatusEvent], *, as_of: datetime) -> dict[int, StatusAnswer]:
    """Return the status of every issued version of one serial.

    Args:
        events: all signed events of one serial, in any order.
        as_of: when the events were read.

    Returns:
        version → answer; a CANCEL's own version is not a document and has no entry.
    """
    return _derive(events, as_of=as_of)[0]


def _derive(
    events: Iterable[StatusEvent], *, as_of: datetime
) -> tuple[dict[int, StatusAnswer], dict[int, StatusEvent]]:
    """Return version → answer, and version → the event that counted."""
    answers: dict[int, StatusAnswer] = {}
    counted: dict[int, StatusEvent] = {}
    for event in sorted(events, key=lambda one: one.version):
        if counted and event.version <= max(counted):
            continue
        if not _follows(event, counted, answers):
            continue
        counted[event.version] = event
        if event.target is not None:
            answers[event.target.version] = _after(event, answers[event.target.version])
        if event.event is not Event.CANCEL:
            answers[event.version] = StatusAnswer(DocumentStatus.VALID, as_of)
    return answers, counted


def _follows(event: StatusEvent, counted: Mapping[int, StatusEvent], answers: Mapping[int, StatusAnswer]) -> bool:
    """Return whether `event` may come after what counted so far."""
    if any(one.school_code != event.school_code for one in counted.values()):
        return False
    if event.event is Event.NEW:
        return all(answer.status is not DocumentStatus.VALID for answer in answers.values())
    target = event.target
    if target is None or target.version not in answers or counted[target.version].digest != target.digest:
        return False
    return event.event is Event.CANCEL or target.version == max(answers)


def _after(event: StatusEvent, before: StatusAnswer) -> StatusAnswer:
    if event.event is Event.CANCEL:
        return StatusAnswer(DocumentStatus.RECALLED, before.as_of, before.superseded_by, event.reason)
    if before.status is DocumentStatus.RECALLED:
        return StatusAnswer(DocumentStatus.RECALLED, before.as_of, event.version, before.reason)
    return StatusAnswer(DocumentStatus.SUPERSEDED, before.as_of, event.version, event.reason)


def build_status_payload(content: StatusFile) -> bytes:
    """Return the JWS payload of a status file: UTF-8 JSON, entries sorted by serial and version."""
    entries = sorted(content.entries, key=lambda entry: (entry.serial, entry.version))
    payload = {
        "format": STATUS_FORMAT,
        "version": STATUS_VERSION,
        "school_code": content.school_code,
        "school_year": content.school_year,
        "as_of": _text(content.as_of),
        "next_update": _text(content.next_update),
        "documents": [_entry_to_json(entry) for entry in entries],
    }
    return json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse_status_payload(payload: bytes) -> StatusFile:
    """Return the content of a status file whose signature was verified.

    Raises:
        LimitExceeded: longer than MAX_STATUS_BYTES.
        MalformedTranscript: not a status file of a version that is known here.
    """
    if len(payload) > MAX_STATUS_BYTES:
        raise LimitExceeded("the status file is larger than this installation reads")
    try:
        raw = json.loads(payload)
        jsonschema.validate(raw, json.loads(load_json_schema("status-1.0.json")))
        return StatusFile(
            school_code=raw["school_code"],
            school_year=raw["school_year"],
            as_of=_instant(raw["as_of"]),
            next_update=_instant(raw["next_update"]),
            entries=tuple(_entry_from_json(entry) for entry in raw["documents"]),
        )
    except (ValueError, RecursionError, jsonschema.ValidationError) as error:
        raise MalformedTranscript("this is not a status file of a known version") from error


def list_entries(events_by_serial: Mapping[str, Sequence[StatusEvent]], *, as_of: datetime) -> tuple[StatusEntry, ...]:
    """Return the lines of a status file for all serials."""
    entries = []
    for serial, events in events_by_serial.items():
        answers, counted = _derive(events, as_of=as_of)
        for version, answer in answers.items():
            digest = counted[version].digest
            entries.append(StatusEntry(serial, version, digest, answer.status, answer.superseded_by, answer.reason))
    return tuple(entries)


def _entry_to_json(entry: StatusEntry) -> dict[str, Any]:
    line: dict[str, Any] = {
        "serial": entry.serial,
        "version": entry.version,
        "digest": entry.digest.hex(),
        "status": entry.status.value,
    }
    if entry.superseded_by is not None:
        line["superseded_by"] = entry.superseded_by
    if entry.reason:
        line["reason"] = entry.reason
    return line


def _entry_from_json(raw: Mapping[str, Any]) -> StatusEntry:
    return StatusEntry(
        serial=raw["serial"],
        version=raw["version"],
        digest=bytes.fromhex(raw["digest"]),
        status=DocumentStatus(raw["status"]),
        superseded_by=raw.get("superseded_by"),
        reason=raw.get("reason", ""),
    )


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
