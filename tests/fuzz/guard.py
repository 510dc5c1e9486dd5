"""While a fuzz target runs nothing may reach outside: no file of others, socket or process.

Python's own calls are seen by `sys.addaudithook`.  Libraries in C open files and sockets without asking Python, so
lures are laid out for them, whose addresses the inputs hold: a named pipe, which nobody can open unnoticed, and a port
that listens.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

_FORBIDDEN: Final = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "socket.sendto",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.remove",
        "os.rename",
        "os.mkdir",
        "shutil.rmtree",
        "urllib.Request",
    }
)
_ROOT: Final = Path(__file__).parents[2]
_OWN: Final = tuple(
    str(folder)
    for folder in (_ROOT / "schemas", _ROOT / "transcript_core", _ROOT / "verify", sys.prefix, sys.base_prefix)
)
"""What the program itself is made of: schemas, tables, fonts and modules are read when they are first needed."""

_LOOK_S: Final = 0.005
"""Seconds between two looks at the pipe; whoever opened it waits as long."""


class ReachedOutside(BaseException):
    """A parser did what no parser may do; no `except Exception` hides it."""


class _Lures:
    """A named pipe and a port of this machine; both remember that somebody came."""

    def __init__(self) -> None:
        self.pipe = Path(tempfile.mkdtemp(prefix="lure-")) / "pipe"
        os.mkfifo(self.pipe)
        self._server = socket.create_server(("127.0.0.1", 0), backlog=16)
        self._server.setblocking(False)
        self.port = int(self._server.getsockname()[1])
        self._opened = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """A pipe opens for writing only while somebody has it open for reading, who is let go by that."""
        while True:
            with suppress(OSError):
                os.close(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK))
                self._opened.set()
            time.sleep(_LOOK_S)

    def find_visit(self) -> str | None:
        """Return what was visited since the last call."""
        found = None
        with suppress(BlockingIOError):
            self._server.accept()[0].close()
            found = f"port {self.port}"
        if self._opened.is_set():
            self._opened.clear()
            found = str(self.pipe)
        return found


@cache
def _lay_out() -> _Lures:
    return _Lures()


def list_lures() -> tuple[bytes, ...]:
    """Return pieces of input that lead a careless parser to the pipe or the port."""
    file, web = f"file://{_lay_out().pipe}", f"http://127.0.0.1:{_lay_out().port}/a"
    return tuple(
        piece.format(address).encode()
        for address in (file, web)
        for piece in (
            "<!DOCTYPE a [<!ENTITY b SYSTEM '{}'>]>",
            "<!DOCTYPE a SYSTEM '{}'>",
            '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}" parse="text"/>',
            ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:a {}"',
            "<?xml-stylesheet href='{}'?>",
            'URI="{}"',
            "/F({})",
            "{}",
        )
    )


class _Guard:
    def __init__(self) -> None:
        self.active = False
        self.installed = False
        self.thread = threading.get_ident()

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active or threading.get_ident() != self.thread:
            return
        if event in _FORBIDDEN:
            raise ReachedOutside(f"{event} {arguments!r:.200}")
        if event == "open" and not _is_own(arguments):
            raise ReachedOutside(f"open {arguments[0]!r:.200}")


def _is_own(arguments: tuple[Any, ...]) -> bool:
    path, mode = arguments[0], arguments[1]
    reads = mode is None or not set(str(mode)) & set("wax+")
    return reads and isinstance(path, str) and path.startswith(_OWN)


_GUARD: Final = _Guard()


@contextmanager
def nothing_outside() -> Iterator[None]:
    """Raise ReachedOutside when anything inside the block opens a file of others, a socket or a process."""
    lures = _lay_out()
    if not _GUARD.installed:
        sys.addaudithook(_GUARD.hook)  # stays for good, but does nothing unless active
        _GUARD.installed = True
    _GUARD.thread = threading.get_ident()
    _GUARD.active = True
    try:
        yield
    finally:
        _GUARD.active = False
    visited = lures.find_visit()
    if visited is not None:
        raise ReachedOutside(f"a library opened {visited}")
