"""How long work tells that it goes on: a function that takes how many items were finished."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int], None]


def no_progress(_count: int) -> None:
    """Tell nobody."""
