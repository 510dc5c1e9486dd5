"""The seal-signed status file of one school year: the statuses of every issued version, for use offline."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Final

from service import audit
from service.context import AppContext
from service.db.engine import transaction
from service.store import write_atomically
from service.transcripts import repository
from service.workspace import Workspace
from signing.jades import sign_jws
from signing.signer import Signer
from transcript_core.errors import Conflict
from transcript_core.limits import MAX_STATUS_BYTES
from transcript_core.status import STATUS_TYPE, StatusEvent, StatusFile, build_status_payload, list_entries

_SAFE: Final = re.compile(r"[0-9A-Za-z-]{1,20}")


def export_status(context: AppContext, signer: Signer, *, school_code: str, school_year: str, actor: str) -> bytes:
    """Make, keep and return the status file of one school year, a compact JWS by the school's seal.

    Raises:
        Conflict: a recorded event no longer verifies, so no honest list can be made.
    """
    workspace = context.workspace
    at = workspace.clock.now()
    with transaction(workspace.sessions) as session:
        files = repository.list_school_event_files(session, school_code=school_code, school_year=school_year)
    events: dict[str, list[StatusEvent]] = {}
    for serial, digest_hex in files:
        verified = context.events.find_event(digest_hex, workspace.store.get(digest_hex))
        if verified is None or verified.event.serial != serial:
            raise Conflict(f"the signed file {digest_hex} of {serial} no longer verifies; restore it before exporting")
        events.setdefault(serial, []).append(verified.event)
    content = StatusFile(
        school_code=school_code,
        school_year=school_year,
        as_of=at,
        next_update=at + timedelta(days=workspace.settings.status_valid_days),
        entries=list_entries(events, as_of=at),
    )
    signed = sign_jws(
        build_status_payload(content), signer, headers={"typ": STATUS_TYPE}, at=at, max_bytes=MAX_STATUS_BYTES
    )
    write_atomically(_path(workspace, school_code, school_year), signed)
    with transaction(workspace.sessions) as session:
        subject = f"{school_code}/{school_year}"
        audit.record(
            session, at=at, actor=actor, action="status-export", subject=subject, detail=f"{len(files)} events"
        )
    return signed


def find_export(workspace: Workspace, *, school_code: str, school_year: str) -> bytes | None:
    """Return the newest exported status file, or None."""
    if not (_SAFE.fullmatch(school_code) and _SAFE.fullmatch(school_year)):
        return None
    try:
        return _path(workspace, school_code, school_year).read_bytes()
    except FileNotFoundError:
        return None


def _path(workspace: Workspace, school_code: str, school_year: str) -> Path:
    return workspace.settings.home / "status" / school_code / f"{school_year}.jws"
