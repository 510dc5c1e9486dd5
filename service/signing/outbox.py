"""Signature values that the agent has and the service has not taken yet: on the disk, for their owner alone.

An approval may cost a person a code on the telephone, so no value is lost because a network was: each request's values
are on the disk before they are sent, and stay there until the service has told what became of every one.  What an
earlier run left is sent by the next.  Values are no secrets: each fits the one document that it was made for.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from service.signing.jsonlines import SigningListInvalid
from service.signing.lists import ListHead
from service.signing.values import SignedValue, ValuesFile, parse_values_file
from service.signing.values_file import ValuesWriter, open_values_file, read_bounded
from transcript_core.errors import LimitExceeded

_FOLDER: Final = "agent"
_NAME_CHARS: Final = 32  # 128 bits


@dataclass
class WaitingValues:
    """The values of one list that the service has not taken."""

    writer: ValuesWriter
    numbers: set[int] = field(default_factory=set)

    def add(self, values: Sequence[SignedValue]) -> None:
        """Keep values; they are on the disk when this returns.  Raises: OSError."""
        self.writer.add(values)
        self.numbers.update(one.number for one in values)

    def take(self, values: Iterable[SignedValue]) -> None:
        """Note that the service has told what became of these."""
        self.numbers.difference_update(one.number for one in values)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The values on this machine that wait for one service."""

    folder: Path  # exists only while something waits

    @classmethod
    def of(cls, home: Path, service_url: str) -> Outbox:
        """Return the outbox for the service at this address."""
        return cls(home / _FOLDER / _name(service_url.rstrip("/")))

    @contextmanager
    def open(self, head: ListHead) -> Iterator[WaitingValues]:
        """Yield what keeps the values of one list; the file is removed at the end when none of them waits.

        Raises:
            OSError: it cannot be written; nobody is asked to sign then.
        """
        with ExitStack() as stack:
            with self._locked():
                writer = stack.enter_context(open_values_file(self._path(head.batch_id), head, ()))
                fcntl.flock(writer.file, fcntl.LOCK_EX)
            waiting = WaitingValues(writer)
            try:
                yield waiting
            finally:
                if not waiting.numbers:
                    self.remove(head.batch_id)

    def holds(self, batch_id: str) -> bool:
        """Return whether values of a batch wait."""
        return self._path(batch_id).exists()

    def list_left(self) -> list[ValuesFile]:
        """Return what runs that have ended left behind; a file that cannot be read is of no use and is removed."""
        if not self.folder.is_dir():
            return []
        left = []
        with self._locked():
            for path in sorted(self.folder.glob("*.jsonl")):
                if _is_in_use(path):
                    continue
                try:
                    left.append(parse_values_file(read_bounded(path)))
                except (SigningListInvalid, LimitExceeded):
                    path.unlink()
        self._tidy()
        return left

    def remove(self, batch_id: str) -> None:
        """Forget the values of a batch: the service has told what became of them."""
        self._path(batch_id).unlink(missing_ok=True)
        self._tidy()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other agents from looking while a file is made and not yet locked."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _path(self, batch_id: str) -> Path:
        return self.folder / f"{_name(batch_id)}.jsonl"  # the id is the service's word, and no part of a path

    def _tidy(self) -> None:
        """Remove the folders that this module made once they are empty."""
        for folder in (self.folder, self.folder.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _is_in_use(path: Path) -> bool:
    """Return whether an agent that is at work holds this file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_NAME_CHARS]
