"""Measures a figure beside its control, in alternating rounds, and keeps the median of the ratios.

A ratio says the same on a slow and on a fast machine; rounds alternate so that a machine that gets busy slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

ROUNDS: Final = 7
"""Rounds of figure and control; the median ratio counts."""

ROUND_S: Final = 0.4
"""Seconds that one side of one round takes at least."""

Work = Callable[[], object]


class Bound(StrEnum):
    """On which side of `must_reach` a ratio has to lie."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Figure:
    """One question, its control, and what must be reached."""

    name: str
    control: str  # what the figure is divided by
    measured: float
    controlled: float
    ratio: float
    must_reach: float | None  # None: reported only
    unit: str = "/s"  # of `measured` and `controlled`
    bound: Bound = Bound.AT_LEAST

    @property
    def reached(self) -> bool:
        """Return whether the ratio lies on the right side."""
        if self.must_reach is None:
            return True
        return self.ratio >= self.must_reach if self.bound is Bound.AT_LEAST else self.ratio <= self.must_reach

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain values."""
        return asdict(self) | {"reached": self.reached}


@dataclass(frozen=True, slots=True)
class Pace:
    """How thoroughly to measure."""

    rounds: int = ROUNDS
    round_s: float = ROUND_S
    shrink: int = 1  # large batches are this many times smaller

    def measure(
        self,
        name: str,
        work: Work,
        *,
        control_name: str,
        control: Work,
        must_reach: float | None,
        items: int = 1,
        control_items: int = 1,
    ) -> Figure:
        """Return how many items a second `work` does, divided by how many `control` does.

        Args:
            items, control_items: what one call of `work` and of `control` finishes.
        """
        repeat, control_repeat = self._calibrate(work), self._calibrate(control)
        rounds = [
            (items * _rate(work, repeat), control_items * _rate(control, control_repeat)) for _ in range(self.rounds)
        ]
        return compare(name, rounds, control_name=control_name, must_reach=must_reach)

    def _calibrate(self, work: Work) -> int:
        work()
        start = time.perf_counter()
        work()
        return max(1, round(self.round_s / max(time.perf_counter() - start, 1e-6)))


def compare(
    name: str,
    rounds: Sequence[tuple[float, float]],
    *,
    control_name: str,
    must_reach: float | None,
    unit: str = "/s",
    bound: Bound = Bound.AT_LEAST,
) -> Figure:
    """Return the figure of rounds of measured and controlled values, by the medians."""
    return Figure(
        name=name,
        control=control_name,
        measured=statistics.median(measured for measured, _ in rounds),
        controlled=statistics.median(controlled for _, controlled in rounds),
        ratio=statistics.median(measured / controlled for measured, controlled in rounds),
        must_reach=must_reach,
        unit=unit,
        bound=bound,
    )


def time_of(work: Work) -> float:
    """Return the seconds that one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _rate(work: Work, repeat: int) -> float:
    return repeat / time_of(lambda: [work() for _ in range(repeat)])
