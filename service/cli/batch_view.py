"""What a person sees of a list of digests before approving it, and of what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import typer

from service.cli.output import fail, print_table, say, warn
from service.cli.signing import describe_error
from service.signing.lists import ListedDigest, ListHead, SigningList
from service.signing.preparing import Refusal
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import TranscriptError
from transcript_core.policy import SignatureFormat

_TIME = "%d/%m/%Y %H:%M"


def show_list(signing_list: SigningList, *, every: bool = False, done: int = 0) -> None:
    """Print what a list is, and how many documents of each class and kind of slot it would sign."""
    show_head(signing_list.head)
    columns = ("class", "slot", "documents", "XML", "PDF")
    print_table("What is to be signed", columns, _count(signing_list.digests))
    if every:
        lines = [
            (one.number, f"{one.serial}/{one.version}", one.class_name, one.pupil_code, one.slot_id, one.format.value)
            for one in signing_list.digests
        ]
        print_table("Every digest", ("no.", "document", "class", "pupil", "slot", "format"), lines)
    if done:
        warn(f"{done} digests were signed by an earlier run and are not signed again")


def show_head(head: ListHead) -> None:
    """Print what holds for the whole list: its review, whose certificate, when, and the code to compare."""
    for line in head.review.lines:
        say(line)
    certificate = head.certificate
    say(f"list of batch {head.batch_id}, school {head.school_code}, class {head.class_name or 'all'}")
    say(f"{head.digests} digests of {head.documents} documents, {head.algorithm.value}")
    say(
        f"certificate of {certificate.holder}, serial {certificate.serial_hex}, valid "
        f"{certificate.not_before.astimezone(VIETNAM_TIME):%d/%m/%Y} to "
        f"{certificate.not_after.astimezone(VIETNAM_TIME):%d/%m/%Y}"
    )
    say(
        f"signing time {head.signing_time.astimezone(VIETNAM_TIME):{_TIME}}, "
        f"to be attached before {head.expires_at.astimezone(VIETNAM_TIME):{_TIME}}"
    )
    say(f"code: {head.code} (the same on both machines, or the list was changed)")


def confirm_list(head: ListHead, *, yes: bool) -> None:
    """Return when the person approves.

    Raises:
        typer.Abort: they do not.
    """
    if not yes:
        asked = f"Is the code {head.code} on the other machine too, and shall these {head.digests} digests be signed?"
        typer.confirm(asked, abort=True, err=True)


def warn_contested(documents: int) -> None:
    """Say that somebody else's batch waits for the same PDFs."""
    if documents:
        warn(
            f"the PDFs of {documents} documents wait in another batch too; the first to be attached wins, "
            "and the others' PDFs wait for their next approval"
        )


def refusal_to_dict(one: Refusal) -> dict[str, Any]:
    """Return a slot that was not prepared as plain values."""
    return {
        "serial": one.key.serial,
        "version": one.key.version,
        "slot": one.slot_id,
        "code": one.error.code,
        "text": describe_error(one.error),
    }


def print_refused(refused: Iterable[tuple[str, TranscriptError]]) -> None:
    """Print what was refused, each in one line that names it."""
    for where, error in refused:
        fail(f"{where}: {describe_error(error)}", code=error.code)


def _count(digests: Iterable[ListedDigest]) -> list[tuple[object, ...]]:
    documents: dict[tuple[str, str], set[tuple[str, int]]] = {}
    formats: Counter[tuple[str, str, SignatureFormat]] = Counter()
    for one in digests:
        documents.setdefault((one.class_name, one.slot_id), set()).add((one.serial, one.version))
        formats[one.class_name, one.slot_id, one.format] += 1
    return [
        (
            class_name,
            slot_id,
            len(found),
            formats[class_name, slot_id, SignatureFormat.XADES],
            formats[class_name, slot_id, SignatureFormat.PADES],
        )
        for (class_name, slot_id), found in sorted(documents.items())
    ]
