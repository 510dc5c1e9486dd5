"""Raises issued documents while the service runs, so that nobody has to think of it: `hocba extend --all`, by itself.

A document whose time is not proven yet, since no authority answered when it was issued, gets its timestamp; one that
lacks evidence gets it; a timestamp that ends soon is covered by a new one.  No key is needed for any of it.

The work is done in one thread, document by document, each saved by itself, so it can be stopped between any two and
killed anywhere.  Requests are answered meanwhile: no lock is held while a server is asked.  Of several processes over
one folder one works at a time, so that no authority is asked twice for the same document.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from service.context import AppContext
from service.signing.desk import open_services
from service.signing.extending import ExtendReport, count_due, extend_documents
from signing.http import HttpFetch
from transcript_core.errors import TranscriptError

ACTOR: Final = "background"
"""Who did it, in the audit events."""

STOP_S: Final = 15.0
"""Seconds a document may take to its end when the service stops; later the thread dies with the process."""

SHORTEST_PAUSE: Final = timedelta(minutes=1)
"""Between two rounds, however soon an authority may be asked again."""

_LOCK: Final = "extending.lock"
"""File in the installation's folder that the process at work holds."""

_log = structlog.get_logger(__name__)


class BackgroundExtender:
    """One thread that works in rounds.

    Args:
        interval: from the end of a round to the next; shorter where an authority may be asked again before.
    """

    def __init__(self, context: AppContext, interval: timedelta) -> None:
        self._context = context
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="extending", daemon=True)

    def start(self) -> None:
        """Begin with the first round."""
        self._thread.start()

    def stop(self) -> None:
        """End after the document at work, or leave it to its fate after STOP_S: it stays as it was."""
        self._stopped.set()
        self._thread.join(STOP_S)

    @property
    def is_at_work(self) -> bool:
        """Return whether the thread lives."""
        return self._thread.is_alive()

    def run_round(self) -> timedelta:
        """Do what can be done now and log what could not; return the time to the next round."""
        with _hold(self._context.workspace.settings.home / _LOCK) as ours:
            if not ours or not count_due(self._context.workspace):
                return self._interval
            with HttpFetch() as fetch:
                report = extend_documents(
                    self._context,
                    open_services(self._context.workspace, fetch),
                    actor=ACTOR,
                    is_stopped=self._stopped.is_set,
                )
        _tell(report)
        if report.retry_at is None:
            return self._interval
        until = report.retry_at - self._context.workspace.clock.now()
        return min(self._interval, max(until, SHORTEST_PAUSE))

    def _run(self) -> None:
        pause = timedelta()
        while not self._stopped.wait(pause.total_seconds()):
            try:
                pause = self.run_round()
            except TranscriptError as error:
                pause = self._interval
                _log.warning("extending.refused", code=error.code, detail=str(error))
            except Exception:  # noqa: BLE001  told in full; the service goes on, and so do later rounds
                pause = self._interval
                _log.exception("extending.broken")


def start_extender(context: AppContext) -> BackgroundExtender | None:
    """Return the extender at work, or None: the settings turn it off."""
    minutes = context.workspace.settings.extend_minutes
    if minutes == 0:
        return None
    extender = BackgroundExtender(context, timedelta(minutes=minutes))
    extender.start()
    return extender


def _tell(report: ExtendReport) -> None:
    """Log what one round did: failures by serial, the rest in numbers."""
    for key, error in report.failed:
        _log.warning("extending.failed", document=str(key), code=error.code, detail=str(error))
    if report.refusal is not None:
        _log.warning("extending.waits", documents=len(report.waiting), detail=str(report.refusal))
    if report.raised:
        _log.info("extending.raised", documents=len({key for key, _, _ in report.raised}), files=len(report.raised))


@contextmanager
def _hold(path: Path) -> Iterator[bool]:
    """Yield whether no other process or thread is at work; the kernel lets go of the lock when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
