"""Threads in which a key in memory works beside the one thread that prepares and attaches.

Python's lock lets one thread at a time run Python, and threads that take turns at it carry their data from core to
core.  So all work on documents is one thread's; the threads here touch digests and values, and spend their time in a
private operation, which needs no lock.  When the key falls behind, the documents' thread helps instead of waiting, so
every core has work.  A key whose operations are over sooner than a thread wakes up works in place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeAlias

from signing.batch.tasks import Answer, Wanted

Answers: TypeAlias = "SimpleQueue[tuple[int, Answer | BaseException]]"
"""Where answers arrive, in the order in which they are ready: the place that was given with the digests, and they."""

_WAITING: Final = 3
"""Documents for each thread: enough that none is idle while one document takes longer than others to prepare."""


class KeyThreads:
    """Turns the digests of one document after the other into values; to be used in a `with` statement.

    Args:
        sign: signs the digests of one document; called by one of the threads.
        count: of threads; 0: `submit` itself signs.
    """

    def __init__(self, sign: Callable[[Wanted], Answer], count: int) -> None:
        self._sign = sign
        self.depth = _WAITING * count
        """How many documents may wait for values before the next one is prepared."""
        self._orders: SimpleQueue[tuple[int, Wanted, Answers] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"signing-key-{number}", daemon=True) for number in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, place: int, wanted: Wanted, answers: Answers) -> None:
        """Have these digests signed; the answer comes to `answers`."""
        if self._threads:
            self._orders.put((place, wanted, answers))
        else:
            answers.put((place, self._sign(wanted)))

    def help(self) -> bool:
        """Sign what has waited longest in the calling thread.  Returns: False, nothing waits for a thread."""
        try:
            order = self._orders.get_nowait()
        except Empty:
            return False
        if order is None:  # for one of the threads: they are ending
            self._orders.put(order)
            return False
        self._answer(order)
        return True

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            self._answer(order)

    def _answer(self, order: tuple[int, Wanted, Answers]) -> None:
        place, wanted, answers = order
        try:
            answers.put((place, self._sign(wanted)))
        except BaseException as error:  # noqa: BLE001  raised again by the thread that waits for the answer
            answers.put((place, error))
