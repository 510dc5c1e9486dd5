"""`hocba status export`: the seal-signed status file of a school year."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import KeyOption, PasswordOption, open_key, open_settings_workspace
from service.cli.output import say
from service.context import build_context
from service.schools.years import choose_year
from service.signing.desk import find_sealed_school
from service.status.exporting import export_status
from service.store import write_atomically

ACTOR = "cli"
app = typer.Typer(help="Status of issued documents.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `export` a verb of its own."""


@app.command("export")
def export(
    key: KeyOption,
    password_file: PasswordOption = None,
    year: Annotated[str | None, typer.Option(help="School year, 2025-2026.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write it here.")] = None,
) -> None:
    """Write the statuses of every issued version, signed by the school's seal, for use offline."""
    workspace = open_settings_workspace()
    with closing(open_key(key, password_file)) as signer:
        school_code = find_sealed_school(workspace.get_authority(), signer.certificate.identity)
        school_year = choose_year(workspace, school_code, year)
        signed = export_status(
            build_context(workspace), signer, school_code=school_code, school_year=school_year, actor=ACTOR
        )
    if out is not None:
        write_atomically(out, signed)
    say(f"status file of {school_code}, {school_year}: {len(signed)} bytes")
