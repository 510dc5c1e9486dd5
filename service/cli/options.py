"""Options that several verbs share, and what they open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.secrets import CommandSecrets
from service.settings import load_settings
from service.workspace import Workspace, open_workspace
from signing.keystores import uri
from signing.signer import Signer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]
ClassOption = Annotated[str | None, typer.Option("--class", help="Only this class.")]
KeyOption = Annotated[
    str, typer.Option("--key", help="The signer's key: a PKCS#12 or PEM file, or pkcs12:, pem:, pkcs11: or csc:…")
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        "--pin-file",
        help="File that holds the key's password or PIN; else HOCBA_KEY_PASSWORD, HOCBA_PIN or the terminal.",
    ),
]
SchoolOption = Annotated[str | None, typer.Option("--school-code", help="Needed when several schools are enrolled.")]


def open_settings_workspace() -> Workspace:
    """Return the installation that the environment describes."""
    return open_workspace(load_settings())


def open_key(key: str, secret_file: Path | None) -> Signer:
    """Return the signer that `--key` names; the caller closes it.

    Args:
        key: a path of a PKCS#12 or PEM file, or a URI; see `signing.keystores.uri`.
        secret_file: of --password-file or --pin-file; None: the environment or the terminal.

    Raises:
        KeyUnavailable: the key or its password cannot be used.
    """
    return uri.open_key(key, CommandSecrets(secret_file), pkcs11_module=load_settings().pkcs11_module)
