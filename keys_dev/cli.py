"""`hocba keys-dev`: make, show, serve and revoke development keys.  Production installations do not have this verb."""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from keys_dev.pki import DEFAULT_FOLDER, DevelopmentPki, list_ca_names
from keys_dev.remote import serving_remote
from keys_dev.server import running
from transcript_core.clock import SystemClock
from transcript_core.errors import NotFound
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust import World

FolderOption = Annotated[Path, typer.Option("--folder", help="Where the development keys are.")]

_app = typer.Typer(help="Development keys: never for production.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb `keys-dev` to the umbrella command."""
    app.add_typer(_app, name="keys-dev")


@_app.command()
def create(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Make the development PKI, unless it is there already, and print where its parts are."""
    pki = DevelopmentPki.load_or_create(folder)
    typer.echo(f"anchors    {pki.anchors_dir}")
    typer.echo(f"authority  {pki.authority_p12}")
    typer.echo(f"responders {pki.base_url} (hocba keys-dev serve)")


@_app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Common name: a person's name or a school's.")],
    identity: Annotated[str, typer.Argument(help="CCCD:012345678901 of a person, MST:0123456789 of a school.")],
    organisation: Annotated[str, typer.Option(help="Organisation; a seal's own name when left out.")] = "",
    world: Annotated[World, typer.Option(help="Trust world.")] = World.PUBLIC_DUTY,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Issue a certificate and print the path of its PKCS#12; the password's file is beside it."""
    pki = DevelopmentPki.load_or_create(folder)
    kind, _, number = identity.partition(":")
    if kind == "CCCD":
        path = pki.issue_person(name, number, organisation=organisation or name, world=world)
    else:
        path = pki.issue_seal(name, number, world=world)
    typer.echo(str(path))


@_app.command("list")
def list_certificates(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """List every certificate that was issued, and which are revoked."""
    pki = DevelopmentPki(folder)
    for ca in list_ca_names():
        for certificate in pki.list_issued(ca):
            revocation = pki.find_revocation(ca, certificate.serial)
            status = "good" if revocation is None else f"revoked {revocation.at:%Y-%m-%d}"
            until = f"{certificate.not_after:%Y-%m-%d}"
            holder = f"{certificate.identity or '-':18}  {certificate.common_name}"
            typer.echo(f"{certificate.sha256.hex()[:16]}  {ca:16}  {status:18}  until {until}  {holder}")


@_app.command()
def revoke(
    fingerprint: Annotated[str, typer.Argument(help="Beginning of the certificate's SHA-256 in hexadecimal.")],
    at: Annotated[datetime | None, typer.Option(help="When, in UTC; now when left out.")] = None,
    reason: Annotated[str, typer.Option(help="RFC 5280 reason in snake case.")] = "key_compromise",
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Revoke one certificate; the responders say so at once."""
    pki = DevelopmentPki(folder)
    certificate = _find(pki, fingerprint.lower())
    moment = SystemClock().now() if at is None else at.replace(tzinfo=UTC)
    pki.revoke(certificate, at=moment, reason=reason)
    typer.echo(f"revoked {certificate.common_name} from {moment.isoformat()}")


@_app.command()
def serve(folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Answer time-stamp, OCSP and CRL requests on loopback until interrupted."""
    with running(folder) as pki, contextlib.suppress(KeyboardInterrupt):
        typer.echo(f"answering at {pki.base_url}; stop with Ctrl-C")
        threading.Event().wait()


@_app.command("remote")
def serve_keys(
    port: Annotated[int, typer.Option(help="Port of loopback; 0: a free one.")] = 0,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Be a remote signing service (CSC API 1.0.4) for all keys of the folder, on loopback, until interrupted."""
    pki = DevelopmentPki.load_or_create(folder)
    with serving_remote(pki, port=port) as service, contextlib.suppress(KeyboardInterrupt):
        for p12 in sorted((folder / "people").glob("*.p12")):
            typer.echo(f"{pki.read_certificate(p12).common_name:40}  {service.get_uri(p12)}")
        typer.echo(f"signing at {service.base_url}; stop with Ctrl-C")
        threading.Event().wait()


def _find(pki: DevelopmentPki, fingerprint: str) -> Certificate:
    issued = [one for ca in list_ca_names() for one in pki.list_issued(ca)]
    found = [one for one in issued if fingerprint and one.sha256.hex().startswith(fingerprint)]
    if len(found) != 1:
        raise NotFound(f"{len(found)} certificates begin with {fingerprint!r}; see hocba keys-dev list")
    return found[0]
