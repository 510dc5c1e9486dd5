"""While a fuzz target runs nothing may reach outside: no file of others, socket or process (`sys.addaudithook`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


class ReachedOutside(BaseException):
    """A parser did what no parser may do; no `except Exception` hides it."""


class _Guard:
    def __init__(self) -> None:
        self.active = False
        self.installed = False

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
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
    if not _GUARD.installed:
        sys.addaudithook(_GUARD.hook)  # stays for good, but does nothing unless active
        _GUARD.installed = True
    _GUARD.active = True
    try:
        yield
    finally:
        _GUARD.active = False
