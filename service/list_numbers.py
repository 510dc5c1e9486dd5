"""Remembers the highest number of every signed list that this installation has seen, so that no older one comes back.

Authority lists and trust lists are numbered by those who sign them (`docs/authority.md`, `docs/trust.md`; ETSI
TS 119 612, 5.3.2).  An old list is genuine and may still be in date: only its number tells that it was replaced.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service.store import write_atomically
from transcript_core.errors import StateError

FILE_NAME: Final = "lists-seen.json"
_LOCK_NAME: Final = ".lists-seen.lock"


class ListNumbers:
    """The numbers, in one file of the installation's folder.  Threads and processes may share it.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_highest(self, name: str) -> int:
        """Return the highest number of the list `name` that was admitted; 0: none was.

        Raises:
            StateError: the file cannot be read.
        """
        return self._read().get(name, 0)

    def admit(self, name: str, number: int) -> int:
        """Return `number` and remember it, or the highest one when that is higher and `number` must be refused.

        Args:
            name: who numbers the list: "authority: <issuer>".
            number: of a list whose signature was verified.

        Raises:
            StateError: the file cannot be read or written; then nothing was admitted.
        """
        if self.get_highest(name) == number:
            return number
        with self._locked():
            known = self._read()
            highest = known.get(name, 0)
            if number > highest:
                self._write({**known, name: number})
            return max(number, highest)

    def _read(self) -> dict[str, int]:
        path = self._folder / FILE_NAME
        try:
            known = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise _unusable(path) from error
        if not isinstance(known, dict) or any(type(number) is not int for number in known.values()):
            raise _unusable(path)
        return known

    def _write(self, known: dict[str, int]) -> None:
        path = self._folder / FILE_NAME
        try:
            write_atomically(path, json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True).encode())
        except OSError as error:
            raise StateError(
                f"{path} cannot be written ({error.strerror}); the numbers of lists are kept there"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateError(f"{self._folder} cannot be written ({error.strerror}); free it and run again") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _unusable(path: Path) -> StateError:
    return StateError(
        f"{path} cannot be read; restore it from a backup, because it keeps replaced lists from coming back"
    )
