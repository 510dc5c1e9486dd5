"""Runs chunks through several lanes at once and gives the results back in order, with a bounded number under way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Generic, TypeVar

ChunkT = TypeVar("ChunkT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _Done(Generic[ResultT]):
    """What became of one chunk; `results` is None when the lane has ended, by itself or by `error`."""

    number: int
    results: Sequence[ResultT] | None
    error: BaseException | None = None


class Lanes(Generic[ChunkT, ResultT]):
    """Threads that take chunks from one source, each chunk worked on from its begin to its end by one of them.

    Args:
        chunks: taken one at a time, by whichever thread is free.
        works: what each lane does with a chunk; as many lanes as there are.
        limit: chunks that may be taken and not yet read, those waiting for an earlier one included.
    """

    def __init__(
        self, chunks: Iterator[ChunkT], works: Sequence[Callable[[ChunkT], Sequence[ResultT]]], *, limit: int
    ) -> None:
        self._chunks = enumerate(chunks)
        self._taking = threading.Lock()
        self._room = threading.Semaphore(limit)
        self._stopped = threading.Event()
        self._finished: SimpleQueue[_Done[ResultT]] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=f"signing-lane-{number}")
            for number, work in enumerate(works)
        ]

    def run(self) -> Iterator[ResultT]:
        """Yield the results in the order of the chunks; closing the iterator lets the lanes end what they are at.

        Raises:
            BaseException: whatever the source or a lane raised; the other lanes have ended then.
        """
        try:
            for thread in self._threads:
                thread.start()
            yield from self._read()
        finally:
            self._stopped.set()
            self._room.release(len(self._threads))
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join()

    def _read(self) -> Iterator[ResultT]:
        waiting: dict[int, Sequence[ResultT]] = {}
        running, following = len(self._threads), 0
        while running or following in waiting:
            if following in waiting:
                yield from waiting.pop(following)
                following += 1
                self._room.release()
                continue
            done = self._finished.get()
            if done.error is not None:
                raise done.error
            if done.results is None:
                running -= 1
            else:
                waiting[done.number] = done.results

    def _run(self, work: Callable[[ChunkT], Sequence[ResultT]]) -> None:
        error: BaseException | None = None
        try:
            while (taken := self._take()) is not None:
                number, chunk = taken
                self._finished.put(_Done(number, work(chunk)))
        except BaseException as raised:  # noqa: BLE001  raised again by the reader, in its own thread
            error = raised
        self._finished.put(_Done(-1, None, error))

    def _take(self) -> tuple[int, ChunkT] | None:
        """Return the next chunk when there is room for its results; None: no more, or stopped."""
        self._room.acquire()
        if self._stopped.is_set():
            return None
        with self._taking:
            return next(self._chunks, None)
