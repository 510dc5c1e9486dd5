"""Runs every figure, prints the table, writes `benchmarks/results/*.json`; exits 1 when one is short."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import signing_figures, verifying_figures
from benchmarks.harness import Figure

RESULTS = Path(__file__).with_name("results")


def main() -> int:
    """Measure, print, write."""
    figures = [*signing_figures.measure_all(), *verifying_figures.measure_all()]
    _print(figures)
    _write(figures)
    return 0 if all(figure.reached for figure in figures) else 1


def _print(figures: Iterable[Figure]) -> None:
    table = Table(title="Speed, as ratios to controls of the same run", title_justify="left")
    for column in ("figure", "per second", "control", "per second", "ratio", "must reach", ""):
        table.add_column(column, justify="right" if column in {"per second", "ratio", "must reach"} else "left")
    for figure in figures:
        wanted = "-" if figure.must_reach is None else f"{figure.must_reach:.2f}"
        verdict = "" if figure.must_reach is None else "reached" if figure.reached else "SHORT"
        rates = f"{figure.measured_per_s:,.1f}", f"{figure.control_per_s:,.1f}"
        table.add_row(figure.name, rates[0], figure.control, rates[1], f"{figure.ratio:.2f}", wanted, verdict)
    console = Console()
    Console(width=max(console.width, 140)).print(table)


def _write(figures: Iterable[Figure]) -> None:
    at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "measured_at": at.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": [figure.to_dict() for figure in figures],
    }
    path = RESULTS / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
