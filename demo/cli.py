"""`hocba demo`: the main job for a bundled invented school, or for any folder in the sector's layouts."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from demo.holders import HolderKind, open_holder
from demo.ledger import Ledger
from demo.run import Demo
from demo.school import copy_school, enrol
from keys_dev.server import running
from service.cli.output import fail, print_table, say
from service.cli.serving import run_server
from service.signing.desk import open_services
from service.store import write_atomically
from signing.http import HttpFetch
from transcript_core.clock import SystemClock
from transcript_core.model import SchoolLevel

CLASS_SIZE = 35


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo")(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo-out"),
    school: Annotated[
        Path | None, typer.Option(help="A school's workbooks; else the bundled one.", exists=True, file_okay=False)
    ] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Only this class.")] = None,
    level: Annotated[SchoolLevel, typer.Option(help="School level of the workbooks.")] = SchoolLevel.LOWER_SECONDARY,
    pupils: Annotated[int, typer.Option(min=6, max=200, help="Pupils of the bundled school's class.")] = CLASS_SIZE,
    base_url: Annotated[str, typer.Option(help="Address printed into the QR codes.")] = "http://127.0.0.1:8000",
    keys: Annotated[HolderKind, typer.Option(help="Where the people's keys are.")] = HolderKind.PKCS12,
    fresh: Annotated[bool, typer.Option(help="Begin anew; --no-fresh goes on where a run stopped.")] = True,
    serve: Annotated[bool, typer.Option("--serve", help="Afterwards serve the pages.")] = False,
) -> int:
    """Import, enrol, build, sign in all slots and both formats, issue, verify; then try to deceive, replace, recall."""
    clock = SystemClock()
    if fresh:
        _clear(out)
    folder = copy_school(school, out / "school", class_size=pupils)
    ledger = Ledger()
    with running(out / "keys") as pki, open_holder(keys, pki, out / "keys" / keys.value) as holder:
        with ledger.step("enrol: keys, authority list") as step:
            enrolled = enrol(folder, pki, out, level=level, base_url=base_url, clock=clock, holder=holder)
            step.count = f"{len(enrolled.keys.people)} people"
            step.outcome = f"development certificates, two worlds, {holder.description}"
        services = open_services(enrolled.workspace, HttpFetch())
        run = Demo(enrolled, out, services, class_name, ledger)
        with closing(enrolled.keys):
            run.run()
    _print(ledger, out)
    for line in run.held_back:
        say(f"held back: {line}")
    addresses = [f"{key}  {url}" for key, url in sorted(run.urls.items(), key=lambda one: str(one[0]))]
    if addresses:
        write_atomically(out / "addresses.txt", "\n".join([*addresses, ""]).encode())
    if serve:
        if run.urls:
            say(f"A transcript's page: {next(iter(run.urls.values()))}")
        run_server(enrolled.workspace, host="127.0.0.1", port=None)
    return 0 if ledger.as_expected else 1


def _clear(out: Path) -> None:
    """Remove what an earlier demo left in `out`, except the development keys, which take time to make.

    A folder that no demo made is left alone.
    """
    if not (out / "demo.json").is_file():
        if out.is_dir() and any(out.iterdir()):
            raise typer.BadParameter(
                f"{out} is not empty and no demo made it; choose another folder", param_hint="--out"
            )
        write_atomically(out / "demo.json", json.dumps({"made_by": "hocba demo"}).encode())
        return
    for entry in out.iterdir():
        if entry.name in {"keys", "demo.json"}:
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _print(ledger: Ledger, out: Path) -> None:
    rows = [
        ("✓" if step.expected else "✗", step.name, step.count, step.outcome, f"{step.seconds:.1f} s")
        for step in ledger.steps
    ]
    print_table("hocba demo", ("", "step", "count", "outcome", "time"), rows)
    say(f"{sum(step.seconds for step in ledger.steps):.1f} s in all; files: {out}")
    if not ledger.as_expected:
        fail("something did not come out as it should; see the lines marked ✗")
