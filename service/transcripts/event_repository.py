"""SQL for signed events: what was issued, replaced and recalled.  Functions never commit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CursorResult,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session

from service.db.tables import (
    EventRow,
)
from service.transcripts.repository import DocumentKey
from transcript_core.errors import Conflict


def add_event(
    session: Session, key: DocumentKey, *, school_code: str, school_year: str, document_sha256: str, at: datetime
) -> None:
    """Record a signed event.

    Raises:
        Conflict: this serial already has an event of this or a higher version.
    """
    highest = session.scalar(select(func.max(EventRow.version)).filter_by(serial=key.serial))
    if highest is not None and key.version <= highest:
        raise Conflict(f"{key} is not newer than version {highest}, which is already recorded")
    session.add(
        EventRow(
            serial=key.serial,
            version=key.version,
            school_code=school_code,
            school_year=school_year,
            document_sha256=document_sha256,
            recorded_at=at,
        )
    )


def move_event(session: Session, key: DocumentKey, *, before: str, after: str) -> None:
    """Let an event name a file that proves the same and more: the one before with timestamps and evidence added.

    Raises:
        Conflict: the event does not name that file (any more).
    """
    statement = update(EventRow).filter_by(serial=key.serial, version=key.version, document_sha256=before)
    done = session.execute(statement.values(document_sha256=after))
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        raise Conflict(f"the event of {key} names another file by now; run again")


def list_event_files(session: Session, serial: str) -> list[tuple[int, str]]:
    """Return (version, SHA-256 of the signed file) of every recorded event of this serial, by version."""
    query = select(EventRow.version, EventRow.document_sha256).filter_by(serial=serial).order_by(EventRow.version)
    return [(version, digest) for version, digest in session.execute(query)]


def list_school_event_files(session: Session, *, school_code: str, school_year: str) -> list[tuple[str, str]]:
    """Return (serial, SHA-256 of the signed file) of every recorded event of one school year."""
    query = (
        select(EventRow.serial, EventRow.document_sha256)
        .filter_by(school_code=school_code, school_year=school_year)
        .order_by(EventRow.serial, EventRow.version)
    )
    return [(serial, digest) for serial, digest in session.execute(query)]
