"""`hocba batch agent`: the signing agent on the laptop with the key.  Prepares, shows, asks, signs and sends.

The batch lives as long as the agent: what is still open when it ends is given up, so the next run prepares it anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.batch_view import confirm_list, show_list, warn_contested
from service.cli.options import ClassOption, JsonOption, KeyOption, PasswordOption, SchoolOption, open_key
from service.cli.output import fail, print_json, progress, say, warn
from service.signing.agent_client import AgentClient, Prepared, ServiceRefused, ServiceUnreachable
from service.signing.attaching import AttachOutcome
from service.signing.key_side import check_key, sign_list
from service.signing.lists import SigningList
from service.signing.preparing import NothingToSign
from service.signing.values_file import read_bounded
from signing.signer import Signer, SigningIdentity
from transcript_core.clock import SystemClock
from transcript_core.limits import MAX_BATCH_PAGE

_TOKEN_VARIABLE: Final = "HOCBA_CLERK_TOKEN"  # noqa: S105  the name of a variable


def agent(
    service: Annotated[str, typer.Option(help="Address of the service: https://…")],
    key: KeyOption,
    password_file: PasswordOption = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the clerk's token; else {_TOKEN_VARIABLE} or asked for.", exists=True),
    ] = None,
    school_code: SchoolOption = None,
    class_name: ClassOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every line of the list.")] = False,
    json: JsonOption = False,
) -> int:
    """Sign, with the key of this machine, what is open for its owner on a service elsewhere."""
    signer = open_key(key, password_file)
    try:
        with AgentClient(service, _read_token(token_file)) as client:
            try:
                prepared = _prepare(client, signer, school_code, class_name)
            except ServiceRefused as refused:
                if refused.code != NothingToSign.code:
                    raise
                print_json({"batch": None}) if json else say(str(refused))
                return 0
            with _dropping(client, prepared.head.batch_id):
                signing_list = client.fetch_list(prepared.head)
                check_key(signing_list.head, signer, at=SystemClock().now())
                if not json:
                    show_list(signing_list, every=every)
                    warn_contested(prepared.contested)
                confirm_list(signing_list.head, yes=yes)
                results = _sign_and_send(client, signing_list, signer)
    finally:
        signer.close()
    return _tell(prepared, results, json=json)


def _prepare(client: AgentClient, signer: Signer, school_code: str | None, class_name: str | None) -> Prepared:
    prepared = client.prepare(SigningIdentity.of(signer), school_code=school_code, class_name=class_name)
    for one in prepared.refused:
        fail(
            f"{one.get('serial')}/{one.get('version')} {one.get('slot')}: {one.get('detail')}",
            code=str(one.get("code")),
        )
    if prepared.left_over:
        warn(f"{prepared.left_over} more slots are open; run again when this list is signed")
    return prepared


@contextmanager
def _dropping(client: AgentClient, batch_id: str) -> Iterator[None]:
    """Give the batch up when the block ends, however it ends: nobody else has its list."""
    try:
        yield
    finally:
        try:
            client.drop(batch_id)
        except (ServiceRefused, ServiceUnreachable) as error:
            warn(f"batch {batch_id} could not be given up, it expires by itself: {error}")


def _sign_and_send(client: AgentClient, signing_list: SigningList, signer: Signer) -> list[Mapping[str, Any]]:
    """Sign list by list; each list's values are sent before the key is asked for the next."""
    results: list[Mapping[str, Any]] = []
    with progress("sign", signing_list.head.digests) as advance:
        for chunk in sign_list(signing_list, signer, most=MAX_BATCH_PAGE):
            results += client.send(signing_list.head.batch_id, chunk.values) if chunk.values else []
            results += [
                {
                    "serial": one.serial,
                    "version": one.version,
                    "slot": one.slot_id,
                    "format": one.format.value,
                    "outcome": AttachOutcome.REFUSED.value,
                    "code": error.code,
                    "detail": str(error),
                }
                for one, error in chunk.refused
            ]
            advance(len(chunk.values) + len(chunk.refused))
    return results


def _tell(prepared: Prepared, results: list[Mapping[str, Any]], *, json: bool) -> int:
    refused = [one for one in results if one["outcome"] == AttachOutcome.REFUSED.value]
    attached = len(results) - len(refused)
    if json:
        told = {"batch": prepared.head.batch_id, "code": prepared.head.code, "attached": attached}
        print_json(told | {"refused": refused, "not_prepared": list(prepared.refused)})
    else:
        for one in refused:
            where = f"document {one['serial']} version {one['version']}, slot {one['slot']}, {one['format']}"
            fail(f"{where}: {one['detail']}", code=one["code"])
        say(f"{attached} of {prepared.head.digests} signatures attached")
    return 1 if refused or prepared.refused else 0


def _read_token(token_file: Path | None) -> str:
    if token_file is not None:
        return read_bounded(token_file).decode("utf-8", "replace").strip()
    given = os.environ.get(_TOKEN_VARIABLE)
    return given if given is not None else str(typer.prompt("The clerk's token", hide_input=True, err=True))
