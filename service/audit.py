"""Appends audit events, in the transaction of the change they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.db.tables import AuditRow


def record(session: Session, *, at: datetime, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Append one event.  `subject` is a serial and version or a code; never a name or a mark."""
    session.add(AuditRow(at=at, actor=actor, action=action, subject=subject, detail=detail))


def record_many(session: Session, events: Sequence[tuple[str, str]], *, at: datetime, actor: str, action: str) -> None:
    """Append one event of the same action for each (subject, detail)."""
    rows = [
        {"at": at, "actor": actor, "action": action, "subject": subject, "detail": detail} for subject, detail in events
    ]
    if rows:
        session.execute(insert(AuditRow), rows)


def list_events(session: Session, *, subject_prefix: str) -> list[tuple[datetime, str, str, str, str]]:
    """Return (at, actor, action, subject, detail) of every event whose subject starts so, oldest first."""
    query = select(AuditRow).where(AuditRow.subject.startswith(subject_prefix, autoescape=True)).order_by(AuditRow.id)
    return [(row.at, row.actor, row.action, row.subject, row.detail) for row in session.scalars(query)]
