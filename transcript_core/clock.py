"""The one clock.  Everything that needs the time takes a `Clock`, so that tests and re-runs decide what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

VIETNAM_TIME: Final = timezone(timedelta(hours=7), "ICT")
"""Indochina Time, UTC+7 all year since 1975; what people read on pages and forms."""


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC, without microseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC, without microseconds."""
        return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    at: datetime  # aware, UTC

    def now(self) -> datetime:
        """Return the time it was built with."""
        return self.at
