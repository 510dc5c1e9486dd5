"""`hocba batch agent`: the signing agent on the laptop with the key.  Prepares, shows, asks, signs and sends.

The batch lives as long as the agent: what is still open when it ends is given up, so the next run prepares it anew.
Values that could not be sent stay on the disk with their batch, and the next run sends them first (`outbox.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.batch_view import confirm_list, show_list, warn_contested
from service.cli.options import ClassOption, JsonOption, KeyOption, PasswordOption, SchoolOption, open_key
from service.cli.output import fail, print_json, progress, say, warn
from service.settings import load_settings
from service.signing.agent_client import AgentClient, Prepared, ServiceRefused, ServiceUnreachable
from service.signing.attaching import AttachOutcome
from service.signing.key_side import check_key, sign_list
from service.signing.lists import BatchExpired, ListedDigest, SigningList
from service.signing.outbox import Outbox, WaitingValues
from service.signing.preparing import NothingToSign
from service.signing.values import SignedValue
from service.signing.values_file import read_bounded
from service.store import StoreFull
from signing.batch import is_in_memory
from signing.signer import Signer, SigningIdentity
from transcript_core.clock import SystemClock
from transcript_core.errors import NotFound, SignatureMismatch
from transcript_core.limits import MAX_BATCH_PAGE

_TOO_LATE: Final = frozenset({BatchExpired.code, NotFound.code})  # the service has the batch no more

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
    outbox = Outbox.of(load_settings().home, service)
    try:
        with AgentClient(service, _read_token(token_file)) as client:
            earlier = _send_left(client, outbox)
            try:
                prepared = _prepare(client, signer, school_code, class_name)
            except ServiceRefused as refused:
                if refused.code != NothingToSign.code:
                    raise
                return _tell_nothing(refused, earlier, json=json)
            with _dropping(client, outbox, prepared.head.batch_id):
                signing_list = client.fetch_list(prepared.head)
                check_key(signing_list.head, signer, at=SystemClock().now())
                if not json:
                    show_list(signing_list, every=every)
                    warn_contested(prepared.contested)
                confirm_list(signing_list.head, yes=yes)
                results = _sign_and_send(client, outbox, signing_list, signer)
    finally:
        signer.close()
    return _tell(prepared, results, earlier, json=json)


def _send_left(client: AgentClient, outbox: Outbox) -> list[Mapping[str, Any]]:
    """Send what an earlier run could not, and give up the rest of its batch; return what became of the values."""
    results: list[Mapping[str, Any]] = []
    for left in outbox.list_left():
        batch_id = left.head.batch_id
        try:
            sent = _send(client, batch_id, left.values)
        except ServiceRefused as refused:
            if refused.code not in _TOO_LATE:
                raise
            fail(f"{len(left.values)} values of an earlier run came too late: {refused}", code=refused.code)
        else:
            results += sent
            if any(_must_wait(one) for one in sent):
                continue
            with suppress(ServiceRefused):
                client.drop(batch_id)
        outbox.remove(batch_id)
    return results


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
def _dropping(client: AgentClient, outbox: Outbox, batch_id: str) -> Iterator[None]:
    """Give the batch up when the block ends, however it ends, since nobody else has its list; unless values wait."""
    try:
        yield
    finally:
        if outbox.holds(batch_id):
            warn("values that the service has not taken are kept on this machine; run the agent again to send them")
        else:
            try:
                client.drop(batch_id)
            except (ServiceRefused, ServiceUnreachable) as error:
                warn(f"batch {batch_id} could not be given up, it expires by itself: {error}")


def _sign_and_send(
    client: AgentClient, outbox: Outbox, signing_list: SigningList, signer: Signer
) -> list[Mapping[str, Any]]:
    """Sign list by list; each list's values are on the disk, then sent, before the key is asked for the next.

    A list is as long as one approval allows; only a key that asks nobody is asked page by page, to show progress.
    """
    results: list[Mapping[str, Any]] = []
    head, most = signing_list.head, MAX_BATCH_PAGE if is_in_memory(signer) else None
    with outbox.open(head) as waiting, progress("sign", head.digests) as advance:
        for chunk in sign_list(signing_list, signer, most=most):
            waiting.add(chunk.values)
            results += _deliver(client, head.batch_id, chunk.values, waiting)
            results += [_refusal_to_dict(one, error) for one, error in chunk.refused]
            advance(len(chunk.values) + len(chunk.refused))
    return results


def _deliver(
    client: AgentClient, batch_id: str, values: Sequence[SignedValue], waiting: WaitingValues
) -> list[Mapping[str, Any]]:
    """Send values and forget those of which the service has told what became of them."""
    try:
        sent = _send(client, batch_id, values)
    except ServiceRefused as refused:
        if refused.code in _TOO_LATE:
            waiting.take(values)
        raise
    waiting.take(value for value, told in zip(values, sent, strict=True) if not _must_wait(told))
    return sent


def _send(client: AgentClient, batch_id: str, values: Sequence[SignedValue]) -> list[Mapping[str, Any]]:
    """Send values page by page; return what became of each, in their order."""
    results: list[Mapping[str, Any]] = []
    for start in range(0, len(values), MAX_BATCH_PAGE):
        results += client.send(batch_id, values[start : start + MAX_BATCH_PAGE])
    return results


def _must_wait(told: Mapping[str, Any]) -> bool:
    """Return whether the service could not take a value now and wants it again."""
    return bool(told["outcome"] == AttachOutcome.REFUSED.value and told["code"] == StoreFull.code)


def _refusal_to_dict(one: ListedDigest, error: SignatureMismatch) -> dict[str, Any]:
    return {
        "serial": one.serial,
        "version": one.version,
        "slot": one.slot_id,
        "format": one.format.value,
        "outcome": AttachOutcome.REFUSED.value,
        "code": error.code,
        "detail": str(error),
    }


def _tell_nothing(refused: ServiceRefused, earlier: Sequence[Mapping[str, Any]], *, json: bool) -> int:
    if json:
        print_json({"batch": None} | _earlier_to_dict(earlier))
    else:
        _print_refused(earlier)
        say(str(refused))
    return 1 if _list_refused(earlier) else 0


def _tell(
    prepared: Prepared, results: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]], *, json: bool
) -> int:
    refused = _list_refused(results)
    attached = len(results) - len(refused)
    if json:
        told = {"batch": prepared.head.batch_id, "code": prepared.head.code, "attached": attached}
        told |= {"refused": refused, "not_prepared": list(prepared.refused)}
        print_json(told | _earlier_to_dict(earlier))
    else:
        _print_refused([*earlier, *results])
        say(f"{attached} of {prepared.head.digests} signatures attached")
    return 1 if refused or prepared.refused or _list_refused(earlier) else 0


def _list_refused(results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in results if one["outcome"] == AttachOutcome.REFUSED.value]


def _earlier_to_dict(earlier: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what became of the values of an earlier run; nothing when there were none."""
    refused = _list_refused(earlier)
    return {"earlier": {"attached": len(earlier) - len(refused), "refused": refused}} if earlier else {}


def _print_refused(results: Sequence[Mapping[str, Any]]) -> None:
    for one in _list_refused(results):
        where = f"document {one['serial']} version {one['version']}, slot {one['slot']}, {one['format']}"
        fail(f"{where}: {one['detail']}", code=one["code"])


def _read_token(token_file: Path | None) -> str:
    if token_file is not None:
        return read_bounded(token_file).decode("utf-8", "replace").strip()
    given = os.environ.get(_TOKEN_VARIABLE)
    return given if given is not None else str(typer.prompt("The clerk's token", hide_input=True, err=True))
