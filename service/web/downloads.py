"""Reports that can be downloaded for a while after they were shown, kept in this process's memory.

A page cannot offer a file that is made when asked for: the uploaded document is dropped as soon as it was verified.
So the finished PDF waits here under a name that only the page knows.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

MAX_DOWNLOADS: Final = 256
"""Files kept; one has about 75 KB."""

LIFETIME: Final = timedelta(minutes=15)
"""How long a file waits: it names the pupil, so no longer than a reader needs."""

_TOKEN_OCTETS: Final = 16
"""Octets of a name, which is all that protects a file."""


@dataclass(frozen=True, slots=True)
class _Download:
    content: bytes
    until: datetime


class Downloads:
    """Files by unguessable name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Download] = OrderedDict()
        self._lock = Lock()

    def keep(self, content: bytes, *, at: datetime) -> str:
        """Keep a file from `at` on and return its name; the oldest ones give way."""
        name = secrets.token_urlsafe(_TOKEN_OCTETS)
        with self._lock:
            self._drop_old(at)
            self._kept[name] = _Download(content, at + LIFETIME)
        return name

    def find(self, name: str, *, at: datetime) -> bytes | None:
        """Return a file, or None when it is not kept (any more)."""
        with self._lock:
            self._drop_old(at)
            found = self._kept.get(name)
        return None if found is None else found.content

    def _drop_old(self, at: datetime) -> None:
        while self._kept:
            oldest = next(iter(self._kept.values()))
            if len(self._kept) < MAX_DOWNLOADS and at < oldest.until:
                return
            self._kept.popitem(last=False)
