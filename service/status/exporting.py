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
from service.transcripts import event_repository
from service.verifications.events import list_following
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
    events = _list_events(context, school_code=school_code, school_year=school_year)
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
            session, at=at, actor=actor, action="status-export", subject=subject, detail=f"{len(events)} documents"
        )
    return signed


def _list_events(context: AppContext, *, school_code: str, school_year: str) -> dict[str, list[StatusEvent]]:
    """Return all events of every serial of the school year.

    The columns only name the serials: each row must be what its signed file says, so that no row can take an event out
    of the list, or put another one in its place.
    """
    workspace = context.workspace
    with transaction(workspace.sessions) as session:
        rows = event_repository.list_school_event_files(session, school_code=school_code, school_year=school_year)
        files = {
            serial: event_repository.list_event_files(session, serial)
            for serial in dict.fromkeys(one for one, _ in rows)
        }
    return {serial: _read_events(context, serial, of_serial) for serial, of_serial in files.items()}


def _read_events(context: AppContext, serial: str, files: list[tuple[int, str]]) -> list[StatusEvent]:
    found = []
    for version, digest_hex in files:
        verified = context.events.find_event(digest_hex, context.workspace.store.get(digest_hex))
        if verified is None or (verified.event.serial, verified.event.version) != (serial, version):
            raise Conflict(f"the signed file {digest_hex} of {serial} no longer verifies; restore it before exporting")
        found.append(verified)
    return [one.event for one in list_following(found)]


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
