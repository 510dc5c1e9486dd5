"""Rate limits for the public pages, kept in this process's memory."""

from __future__ import annotations

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.problems import TooManyRequests


class Limiter:
    """Counts requests by key over a moving window."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: str, *key: str) -> None:
        """Count one request against `rate` ("10/minute").

        Raises:
            TooManyRequests: the window is full.
        """
        if not self._limiter.hit(parse(rate), *key):
            raise TooManyRequests("too many attempts; wait a minute and try again")
