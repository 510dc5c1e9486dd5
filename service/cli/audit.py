"""`hocba audit`: what was done with one document, and what its signed events prove of it today."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from service import audit as trail
from service.cli.options import JsonOption, open_settings_workspace
from service.cli.output import print_json, print_table, say
from service.context import AppContext, build_context
from service.db.engine import transaction
from service.transcripts import event_repository
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import NotFound, StateError
from transcript_core.identifiers import normalize_serial
from transcript_core.model import Event

Line = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("audit")(audit)


def audit(
    serial: Annotated[str, typer.Argument(help="Serial of the document.")],
    json: JsonOption = False,
) -> None:
    """Show every action on a document and its signed events, each verified anew, with the status that follows."""
    context = build_context(open_settings_workspace())
    wanted = normalize_serial(serial)
    actions, events = _list_actions(context, wanted), _list_events(context, wanted)
    if not actions and not events:
        raise NotFound(f"nothing is recorded of {wanted} here; check the serial, or HOCBA_HOME and HOCBA_DATABASE_URL")
    if json:
        print_json({"serial": wanted, "actions": actions, "events": events})
        return
    say(f"{wanted}: {len(actions)} actions, {len(events)} signed events")
    print_table("Actions", ("when", "who", "what", "on", "detail"), [tuple(one.values()) for one in actions])
    print_table(
        "Signed events", ("version", "event", "status", "reason", "file"), [tuple(one.values()) for one in events]
    )


def _list_actions(context: AppContext, serial: str) -> list[Line]:
    with transaction(context.workspace.sessions) as session:
        found = trail.list_events(session, subject_prefix=f"{serial}/")
    return [
        {
            "at": at.astimezone(VIETNAM_TIME).isoformat(),
            "actor": actor,
            "action": action,
            "subject": subject.removeprefix(f"{serial}/"),
            "detail": detail,
        }
        for at, actor, action, subject, detail in found
    ]


def _list_events(context: AppContext, serial: str) -> list[Line]:
    with transaction(context.workspace.sessions) as session:
        files = event_repository.list_event_files(session, serial)
    return [_describe(context, serial, version, digest_hex) for version, digest_hex in files]


def _describe(context: AppContext, serial: str, version: int, digest_hex: str) -> Line:
    """Return one recorded event as its own signed file says it; one that does not verify proves nothing."""
    try:
        verified = context.events.find_event(digest_hex, context.workspace.store.get(digest_hex))
    except StateError:
        verified = None
    if verified is None:
        return {"version": version, "event": None, "status": "unproven", "reason": "", "file": digest_hex}
    event = verified.event
    answer = context.find_record(serial, version).answer
    status = None if event.event is Event.CANCEL else answer.status.value
    reason = event.reason if event.event is not Event.NEW else answer.reason
    return {"version": version, "event": event.event.value, "status": status, "reason": reason, "file": digest_hex}
