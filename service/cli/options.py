"""Options that several verbs share, and what they open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from service.settings import load_settings
from service.workspace import Workspace, open_workspace
from signing.keystores.pkcs12 import open_pkcs12
from signing.signer import Signer
from transcript_core.errors import KeyUnavailable

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]
ClassOption = Annotated[str | None, typer.Option("--class", help="Only this class.")]
KeyOption = Annotated[Path, typer.Option("--key", help="The signer's PKCS#12 file.")]
PasswordOption = Annotated[
    Path | None, typer.Option("--password-file", help="File that holds the key's password; else it is asked for.")
]
SchoolOption = Annotated[str | None, typer.Option("--school-code", help="Needed when several schools are enrolled.")]


def open_settings_workspace() -> Workspace:
    """Return the installation that the environment describes."""
    return open_workspace(load_settings())


def open_key(key: Path, password_file: Path | None) -> Signer:
    """Return the signer in a PKCS#12 file.  The password comes from a file, HOCBA_KEY_PASSWORD or the terminal.

    Raises:
        KeyUnavailable: the file or its password cannot be used.
    """
    return open_pkcs12(key, _read_password(password_file))


def _read_password(password_file: Path | None) -> str:
    if password_file is not None:
        try:
            return password_file.read_text(encoding="utf-8").strip("\r\n")
        except OSError as error:
            raise KeyUnavailable(f"the password file {password_file} cannot be read: {error.strerror}") from error
    given = os.environ.get("HOCBA_KEY_PASSWORD")
    return given if given is not None else str(typer.prompt("Password of the key", hide_input=True, err=True))
