"""Runs every figure, prints the table, writes `benchmarks/results/*.json`; exits 1 when one is short."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import batch_figures, school_figure, signing_figures, verifying_figures
from benchmarks.harness import Bound, Figure, Pace

RESULTS = Path(__file__).with_name("results")
GROUPS: dict[str, Callable[[Pace], Iterator[Figure]]] = {
    "signing": signing_figures.measure_all,
    "batch": batch_figures.measure_all,
    "school": school_figure.measure_all,
    "verifying": verifying_figures.measure_all,
}
QUICK = Pace(rounds=3, round_s=0.1, shrink=5)
"""For development: too few rounds and documents to say that a figure is reached."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    options = _parse(arguments)
    figures: list[Figure] = []
    for figure in _measure(options.groups or list(GROUPS), QUICK if options.quick else Pace()):
        sys.stderr.write(f"{figure.name}: {figure.ratio:.2f}\n")
        figures.append(figure)
    _print(figures)
    _write(figures, quick=options.quick)
    return 0 if all(figure.reached for figure in figures) else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="a rough look, for development")
    options = parser.parse_args(arguments)
    if unknown := set(options.groups) - GROUPS.keys():
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    return options


def _measure(groups: Iterable[str], pace: Pace) -> Iterator[Figure]:
    for group in groups:
        yield from GROUPS[group](pace)


def _print(figures: Iterable[Figure]) -> None:
    table = Table(title="Speed, as ratios to controls of the same run", title_justify="left")
    for column in ("figure", "measured", "control", "measured", "ratio", "must reach", ""):
        table.add_column(column, justify="right" if column in {"measured", "ratio", "must reach"} else "left")
    for figure in figures:
        sign = "≤" if figure.bound is Bound.AT_MOST else "≥"
        wanted = "-" if figure.must_reach is None else f"{sign} {figure.must_reach:.2f}"
        verdict = "" if figure.must_reach is None else "reached" if figure.reached else "SHORT"
        measured, controlled = (f"{value:,.4g} {figure.unit}" for value in (figure.measured, figure.controlled))
        table.add_row(figure.name, measured, figure.control, controlled, f"{figure.ratio:.2f}", wanted, verdict)
    console = Console()
    Console(width=max(console.width, 170)).print(table)


def _write(figures: Iterable[Figure], *, quick: bool) -> None:
    at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "measured_at": at.isoformat(timespec="seconds"),
        "quick": quick,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [figure.to_dict() for figure in figures],
    }
    path = RESULTS / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
