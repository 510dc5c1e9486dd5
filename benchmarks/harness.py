"""Measures a figure beside its control, in alternating rounds, and keeps the median of the ratios.

A ratio says the same on a slow and on a fast machine; rounds alternate so that a machine that gets busy slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

ROUNDS: Final = 7
"""Rounds of figure and control; the median ratio counts."""

ROUND_S: Final = 0.4
"""Seconds that one side of one round takes at least."""

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One question, its control, and what must be reached."""

    name: str
    control: str  # what the figure is divided by
    measured_per_s: float
    control_per_s: float
    ratio: float
    must_reach: float | None  # None: reported only

    @property
    def reached(self) -> bool:
        """Return whether the ratio is high enough."""
        return self.must_reach is None or self.ratio >= self.must_reach

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain values."""
        return asdict(self) | {"reached": self.reached}


def measure(
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
    repeat, control_repeat = _calibrate(work), _calibrate(control)
    rates, control_rates, ratios = [], [], []
    for _ in range(ROUNDS):
        rates.append(items * _rate(work, repeat))
        control_rates.append(control_items * _rate(control, control_repeat))
        ratios.append(rates[-1] / control_rates[-1])
    return Figure(
        name=name,
        control=control_name,
        measured_per_s=statistics.median(rates),
        control_per_s=statistics.median(control_rates),
        ratio=statistics.median(ratios),
        must_reach=must_reach,
    )


def _calibrate(work: Work) -> int:
    work()
    start = time.perf_counter()
    work()
    return max(1, round(ROUND_S / max(time.perf_counter() - start, 1e-6)))


def _rate(work: Work, repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return repeat / (time.perf_counter() - start)
