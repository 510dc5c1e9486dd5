"""`hocba recall`: ask, approve, seal; three keys, two people."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from service.cli.options import KeyOption, PasswordOption, open_key, open_settings_workspace
from service.cli.output import say
from service.cli.signing import open_desk
from service.context import build_context
from service.status.recalls import approve_recall, request_recall, seal_recall

ACTOR = "cli"
SerialArgument = Annotated[str, typer.Argument(help="Serial of the document.")]


def register(app: typer.Typer) -> None:
    """Add the verb with its three steps."""
    group = typer.Typer(help="Recall an issued version: request, approve, seal.", no_args_is_help=True)
    group.command("request")(request)
    group.command("approve")(approve)
    group.command("seal")(seal)
    app.add_typer(group, name="recall")


def request(
    serial: SerialArgument,
    version: Annotated[int, typer.Argument(min=1, help="The version to recall.")],
    reason: Annotated[str, typer.Option(help="Why; it is shown to whoever looks the document up.")],
    approver: Annotated[str, typer.Option(help="Staff code of the principal or deputy who is to approve.")],
    key: KeyOption,
    password_file: PasswordOption = None,
) -> None:
    """Ask for a recall, signed by the one who asks."""
    with closing(open_key(key, password_file)) as signer, open_desk(open_settings_workspace(), signer) as desk:
        made = request_recall(desk, serial, version, reason=reason, approver_staff_code=approver, actor=ACTOR)
    say(f"recall {made} is requested; next: hocba recall approve {serial}")


def approve(serial: SerialArgument, key: KeyOption, password_file: PasswordOption = None) -> None:
    """Approve the pending recall, signed by the principal or deputy it names."""
    with closing(open_key(key, password_file)) as signer, open_desk(open_settings_workspace(), signer) as desk:
        approved = approve_recall(desk, serial, actor=ACTOR)
    say(f"recall {approved} is approved; next: hocba recall seal {serial}")


def seal(serial: SerialArgument, key: KeyOption, password_file: PasswordOption = None) -> None:
    """Seal the approved recall; from now on the version is recalled."""
    workspace = open_settings_workspace()
    with closing(open_key(key, password_file)) as signer, open_desk(workspace, signer) as desk:
        sealed = seal_recall(build_context(workspace), desk, serial, actor=ACTOR)
    say(f"recall {sealed} is in force")
