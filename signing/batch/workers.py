"""Rooms in worker processes: they open, prepare, attach and keep; no key is there.

Workers are started afresh (`python -c`), never forked: Typst's and a token's threads do not survive a fork.  The
standard library's spawned processes would import the parent's main program once more, which takes seconds; a worker
imports what it needs for signing alone.  Only names, digests, values and errors travel through the pipe, pickled; it is
a socket pair that nobody else can open.

A worker ends when its pipe closes, so it never outlives its parent.  Ctrl-C is the parent's to handle: the workers do
not hear it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Final, Generic

from signing.batch.rooms import LocalRoom
from signing.batch.tasks import Answer, Wanted
from signing.batch.workplace import KeptT, NameT, Terms, WorkerLost, Workplace

MAX_RESTARTS: Final = 3
"""Processes that may end unasked in one worker's place before it is given up: the machine or a file is at fault."""

_STOP_S: Final = 10.0
"""Seconds a worker gets to end by itself: it may be storing the last chunk."""

_PROGRAM: Final = "import sys; sys.path[:] = {path!r}; from signing.batch.workers import serve; serve({handle})"
_OUR_SETTINGS: Final = "HOCBA_"  # environment variables, one of which may hold a password or PIN; a worker needs none


@dataclass(frozen=True, slots=True)
class _Prepare:
    number: int
    names: Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Attach:
    number: int
    answers: Sequence[Answer]


class WorkerRoom(Generic[NameT, KeptT]):
    """A room in a process of its own.  A process that ends is an error for the chunks it held; the next chunk gets a
    new one.
    """

    def __init__(self, workplace: Workplace[NameT, KeptT], terms: Terms) -> None:
        """Start the process; it imports while the first chunk is on its way."""
        self._beginning = (workplace, terms)
        self._lock = Lock()
        self._lives = MAX_RESTARTS + 1
        self._holding: dict[int, int] = {}  # chunk → which of the processes prepared it
        self._process, self._pipe = self._start()

    def prepare(self, number: int, names: Sequence[NameT]) -> list[Wanted]:
        """As `Room.prepare`.  Raises: WorkerLost, the process ended."""
        with self._lock:
            if self._pipe.closed:
                self._process, self._pipe = self._start()
            self._holding[number] = self._lives
            found: list[Wanted] = self._ask(_Prepare(number, names))
            return found

    def attach(self, number: int, answers: Sequence[Answer]) -> list[KeptT]:
        """As `Room.attach`.  Raises: WorkerLost, the process ended."""
        with self._lock:
            if self._holding.pop(number, None) != self._lives or self._pipe.closed:
                raise _lost()
            kept: list[KeptT] = self._ask(_Attach(number, answers))
            return kept

    def close(self) -> None:
        """End the process; work that is not told of yet is lost."""
        with self._lock:
            self._pipe.close()
            self._reap()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def _ask(self, request: object) -> Any:
        try:
            self._pipe.send(request)
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._pipe.close()
            self._reap()
            raise _lost() from error
        if isinstance(answer, BaseException):  # a defect, not a document's error: those are part of an answer
            raise answer
        return answer

    def _start(self) -> tuple[subprocess.Popen[bytes], Connection]:
        if self._lives == 0:
            raise _lost()
        self._lives -= 1
        ours, theirs = socket.socketpair()
        with theirs:
            handle = theirs.fileno()
            process = _start_process(_PROGRAM.format(path=sys.path, handle=handle), handle)
        pipe = Connection(ours.detach())
        try:
            pipe.send(self._beginning)
        except OSError:
            pipe.close()
        return process, pipe

    def _reap(self) -> None:
        try:
            self._process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(handle: int) -> None:
    """Work for the process that holds the other end of this socket, until it closes it."""
    with Connection(handle) as pipe:
        try:
            workplace, terms = pipe.recv()
            room: LocalRoom[Any, Any] = LocalRoom(workplace, terms)
            while True:
                pipe.send(_answer(room, pipe.recv()))
        except (EOFError, OSError):  # the parent is gone or wants no more
            return


def _answer(room: LocalRoom[Any, Any], request: _Prepare | _Attach) -> object:
    try:
        if isinstance(request, _Prepare):
            return room.prepare(request.number, request.names)
        return room.attach(request.number, request.answers)
    except Exception as error:  # noqa: BLE001  told to the parent, which raises it there
        return error


def _start_process(program: str, handle: int) -> subprocess.Popen[bytes]:
    """Start Python with Ctrl-C blocked, which a process inherits, without secrets in its environment."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603  this very interpreter, with a program of ours
            [sys.executable, "-c", program],
            pass_fds=(handle,),
            stdin=subprocess.DEVNULL,
            env=_without_secrets(os.environ),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_OUR_SETTINGS)}


def _lost() -> WorkerLost:
    return WorkerLost("the worker process that held this document ended unasked; nothing of it was saved, run again")
