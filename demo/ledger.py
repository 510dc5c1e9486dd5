"""What the demo did: one line a step, with counts and times, and whether it was as it should be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Step:
    """One line of the table."""

    name: str
    count: str = ""
    outcome: str = ""
    seconds: float = 0.0
    expected: bool = True  # whether it came out as it should


@dataclass(slots=True)
class Ledger:
    """All steps, in order."""

    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step and keep it; the block fills in count and outcome."""
        step = Step(name)
        start = time.perf_counter()
        try:
            yield step
        finally:
            step.seconds = time.perf_counter() - start
            self.steps.append(step)

    @property
    def as_expected(self) -> bool:
        """Return whether every step came out as it should."""
        return all(step.expected for step in self.steps)


def count(number: int, noun: str) -> str:
    """Return "1 document" or "2 documents"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
