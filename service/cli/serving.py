"""`hocba serve`: the web service."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn

from service.app import create_app
from service.cli.options import open_settings_workspace
from service.cli.output import say
from service.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Port; by default that of HOCBA_BASE_URL.")] = None,
) -> None:
    """Start the service: look-up pages, verification, status; meanwhile it completes what issued documents lack."""
    run_server(open_settings_workspace(), host=host, port=port)


def run_server(workspace: Workspace, *, host: str, port: int | None) -> None:
    """Serve `workspace` until stopped."""
    chosen = port or urlsplit(workspace.settings.base_url).port or 8000
    say(f"hocba serves {workspace.settings.base_url} (listening on {host}:{chosen}); stop with Ctrl+C")
    if workspace.settings.extend_minutes:
        say(f"issued documents are completed in the background, every {workspace.settings.extend_minutes} minutes")
    uvicorn.run(create_app(workspace), host=host, port=chosen, log_level="warning", server_header=False)
