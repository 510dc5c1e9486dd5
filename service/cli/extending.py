"""`hocba extend`: raises signed files to a long-term level, and renews them before a timestamp ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from service.cli.options import ClassOption, JsonOption, open_settings_workspace
from service.cli.output import fail, print_json, progress, say, warn
from service.context import build_context
from service.housekeeping import sweep_store
from service.signing.desk import SigningServices, get_trust, open_services
from service.signing.extending import ExtendReport, count_due, extend_documents
from service.signing.raising import Raised, Raiser, Target
from service.store import write_atomically
from service.workspace import Workspace
from signing.http import HttpFetch
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import InputError, TimestampRefused, TranscriptError
from transcript_core.limits import MAX_UPLOAD_BYTES
from transcript_core.pki.endings import RENEW_BEFORE
from transcript_core.policy import SignatureLevel

ACTOR: Final = "cli"
_LEVELS: Final = {one.value: one for one in (SignatureLevel.B_T, SignatureLevel.B_LT, SignatureLevel.B_LTA)}
_LONGEST_SLEEP_S: Final = 60.0
"""Seconds between two looks at the clock while waiting for an authority: a machine may sleep, too."""


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("extend")(extend)


@dataclass(frozen=True, slots=True)
class _FileResult:
    """What became of one loose file."""

    path: Path
    raised: Raised | None  # None: it could not be raised at all
    error: TranscriptError | None


def extend(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]…", help="Sealed XML or PDF files.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every document issued here.")] = False,
    to: Annotated[str, typer.Option(metavar="LEVEL", help="B-T, B-LT or B-LTA.")] = SignatureLevel.B_LT.value,
    renew_before: Annotated[
        int, typer.Option(min=0, max=3_650, help="Renew a timestamp that ends within so many days.")
    ] = RENEW_BEFORE.days,
    wait: Annotated[bool, typer.Option(help="Wait for authorities that are out of budget, until all is done.")] = False,
    class_name: ClassOption = None,
    json: JsonOption = False,
) -> int:
    """Add what signatures lack for the long term: timestamps, evidence, archive timestamps.  Run it again to go on."""
    level = _LEVELS.get(to)
    if level is None:
        raise InputError(f"there is no level {to}; choose one of {', '.join(_LEVELS)}")
    if everything == bool(files):
        raise InputError("name files, or say --all for every document issued here")
    workspace = open_settings_workspace()
    with _open_services(workspace) as services:
        if files:
            target = Target(level, workspace.clock.now() + timedelta(days=renew_before))
            return _extend_files(workspace, services, files, target, json=json)
        report = _extend_all(workspace, services, level, timedelta(days=renew_before), class_name, wait=wait)
    sweep_store(workspace)
    print_json(_to_dict(report)) if json else _print(report)
    return 1 if report.failed or report.waiting else 0


@contextmanager
def _open_services(workspace: Workspace) -> Iterator[SigningServices]:
    with HttpFetch() as fetch:
        yield open_services(workspace, fetch)


def _extend_all(
    workspace: Workspace,
    services: SigningServices,
    level: SignatureLevel,
    renew_before: timedelta,
    class_name: str | None,
    *,
    wait: bool,
) -> ExtendReport:
    context = build_context(workspace)
    whole = ExtendReport()
    while True:
        due = count_due(workspace, level=level, renew_before=renew_before, class_name=class_name)
        with progress("extend", due) as advance:
            report = extend_documents(
                context,
                services,
                level=level,
                renew_before=renew_before,
                class_name=class_name,
                actor=ACTOR,
                advance=advance,
            )
        whole.raised += report.raised
        whole.failed, whole.waiting, whole.refusal = report.failed, report.waiting, report.refusal
        if not wait or report.retry_at is None:
            return whole
        warn(f"{len(report.waiting)} documents wait until {_local(report.retry_at)} for a time-stamping authority")
        _sleep_until(workspace, report.retry_at)


def _sleep_until(workspace: Workspace, moment: datetime) -> None:
    while (rest := (moment - workspace.clock.now()).total_seconds()) > 0:
        time.sleep(min(rest, _LONGEST_SLEEP_S))


def _extend_files(
    workspace: Workspace, services: SigningServices, files: Sequence[Path], target: Target, *, json: bool
) -> int:
    raiser = Raiser(services, get_trust(workspace), workspace.clock)
    results = [_extend_file(raiser, path, target) for path in files]
    if json:
        print_json([_file_to_dict(one) for one in results])
    else:
        for one in results:
            _print_file(one)
    return 1 if any(one.error is not None for one in results) else 0


def _extend_file(raiser: Raiser, path: Path, target: Target) -> _FileResult:
    """Raise one file in its place: it is replaced whole, and as far as it came."""
    try:
        content = _read(path)
        raise_it = raiser.raise_pdf if content.startswith(b"%PDF-") else raiser.raise_xml
        raised = raise_it(content, target)
        if raised.octets != content:
            write_atomically(path, raised.octets)
    except TranscriptError as error:
        return _FileResult(path, None, error)
    return _FileResult(path, raised, raised.problem)


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_UPLOAD_BYTES:
        raise InputError(f"{path.name} is longer than {MAX_UPLOAD_BYTES} bytes")
    return path.read_bytes()


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM_TIME):%H:%M %d/%m/%Y}"


def _to_dict(report: ExtendReport) -> dict[str, object]:
    return {
        "raised": [
            {"document": str(key), "format": kind.value, "level": level.value} for key, kind, level in report.raised
        ],
        "waiting": [str(key) for key in report.waiting],
        "retry_at": report.retry_at,
        "failed": [{"document": str(key), "code": error.code, "text": str(error)} for key, error in report.failed],
    }


def _print(report: ExtendReport) -> None:
    documents = {key for key, _, _ in report.raised}
    say(f"{len(documents)} documents raised ({len(report.raised)} files), {len(report.waiting)} wait")
    for key, error in report.failed:
        fail(f"{key}: {error}", code=error.code)
    if report.refusal is not None:
        _print_refusal(report.refusal)


def _print_refusal(refusal: TimestampRefused) -> None:
    warn(str(refusal))
    if refusal.retry_at is not None:
        warn(f"run hocba extend again after {_local(refusal.retry_at)}, or now with --wait")


def _file_to_dict(one: _FileResult) -> dict[str, object]:
    level = None if one.raised is None else one.raised.reached.level
    return {
        "file": str(one.path),
        "level": None if level is None else level.value,
        "renew_by": None if one.raised is None else one.raised.reached.renew_by,
        "code": None if one.error is None else one.error.code,
        "text": None if one.error is None else str(one.error),
    }


def _print_file(one: _FileResult) -> None:
    if one.raised is not None and one.raised.reached.level is not None:
        say(f"{one.path}: {one.raised.reached.level.value}")
    if one.error is not None:
        fail(f"{one.path}: {one.error}", code=one.error.code)
