"""The one clock.  Everything that needs the time takes a `Clock`, so that tests and re-runs decide what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

VIETNAM_TIME: Final = timezone(timedelta(hours=7), "ICT")
"""Indochina Time, UTC+7 all year since 1975; what people read on pages and forms."""

_DAY: Final = timedelta(days=1)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)


def read_utc(value: datetime) -> datetime:
    """Return an instant that stands in a file in UTC; without a time zone it is taken to be in UTC.

    Raises:
        ValueError: it lies outside EARLIEST to LATEST, where counting with it could leave the calendar.
    """
    naive = value.replace(tzinfo=None)
    if not EARLIEST.replace(tzinfo=None) + _DAY <= naive <= LATEST.replace(tzinfo=None) - _DAY:
        raise ValueError("an instant outside the years 1970 to 2999")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


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
