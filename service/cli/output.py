"""What the command prints: results to standard output, progress and troubles to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import RLock
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from service.progress import Advance
from transcript_core.records import Problem, Severity

_PIPE_WIDTH: Final = 120
"""Columns of a table that is not written to a terminal."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, *, code: str | None = None) -> None:
    """Print one trouble."""
    label = "error" if code is None else f"error ({code})"
    errors.print(f"[bold red]{escape(label)}:[/] {escape(message)}")


def warn(message: str) -> None:
    """Print one thing that stops nothing but should be known."""
    errors.print(f"[bold yellow]warning:[/] {escape(message)}")


def say(message: str) -> None:
    """Print one line of a result."""
    console.print(escape(message))


def print_json(value: Any) -> None:
    """Print a result for programs: one JSON value, UTF-8."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


class _RateColumn(ProgressColumn):
    """Items a second, over the last half minute or so."""

    def render(self, task: Task) -> Text:
        """Return the rate; nothing before the first item."""
        return Text("" if task.speed is None else f"{task.speed:.0f}/s", style="progress.data.speed")


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Show a bar while the block runs; yield the function that moves it.  Silent where nobody watches."""
    with progress_bars((label, total)) as (advance,):
        yield advance


@contextmanager
def progress_bars(*bars: tuple[str, int]) -> Iterator[Sequence[Advance]]:
    """Show several bars, each with its label and total, while the block runs; yield the functions that move them."""
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with (
        Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as shown,
        _screen.show(shown),
    ):
        tasks = [shown.add_task(label, total=total) for label, total in bars]
        yield [partial(shown.advance, task) for task in tasks]


class _Screen:
    """The one screen: the bars on it, and whose turn it is to ask."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._asking = RLock()  # two threads never ask at once

    @contextmanager
    def show(self, bars: Progress) -> Iterator[None]:
        """Remember these bars while the block runs."""
        self._bars = bars
        try:
            yield
        finally:
            self._bars = None

    @contextmanager
    def clear(self) -> Iterator[None]:
        """Take the bars off while the block runs."""
        with self._asking:
            bars = self._bars
            if bars is not None:
                bars.stop()
            try:
                yield
            finally:
                if bars is not None and bars is self._bars:  # else their work has ended meanwhile
                    bars.start()


_screen: Final = _Screen()


def paused_progress() -> AbstractContextManager[None]:
    """Take the bars off the screen while the block asks the person at the terminal; any thread may ask."""
    return _screen.clear()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)


def print_problems(problems: Sequence[Problem], *, limit: int = 200) -> None:
    """Print the problems of an import: where, what, how to mend it; errors first."""
    ordered = sorted(problems, key=lambda one: (one.severity is not Severity.ERROR, one.file, one.sheet, one.cell))
    for one in ordered[:limit]:
        label = "[bold red]lỗi[/]" if one.severity is Severity.ERROR else "[yellow]lưu ý[/]"
        where = escape(" · ".join(part for part in (one.file, one.sheet, one.cell) if part))
        errors.print(f"{label} {where}\n    {escape(one.what)} {escape(one.remedy)}")
    if len(ordered) > limit:
        errors.print(f"… {len(ordered) - limit} more; use --json to see all of them")


def problem_to_dict(problem: Problem) -> dict[str, Any]:
    """Return a problem as plain values."""
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "file": problem.file,
        "sheet": problem.sheet,
        "cell": problem.cell,
        "what": problem.what,
        "remedy": problem.remedy,
        "pupil_code": problem.pupil_code,
        "pupil_key": problem.pupil_key,
    }
