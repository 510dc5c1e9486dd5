"""The file into which the machine with the key writes its values: appended list by list, continued by the next run.

Each list of values is on the disk before the key is asked for the next one, so a run that is killed loses at most the
line it was writing.  The next run keeps every value that verifies and signs the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from service.signing.jsonlines import SigningListInvalid
from service.signing.key_side import keep_values
from service.signing.lists import ListHead, SigningList
from service.signing.values import SignedValue, ValuesHead, parse_values_file, write_value, write_values_head
from service.store import write_atomically
from signing.signer import Signer
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_LIST_BYTES


@dataclass
class ValuesWriter:
    """An open file of values."""

    file: BinaryIO
    done: set[int] = field(default_factory=set)  # numbers of the digests that have a value in the file

    def add(self, values: Iterable[SignedValue]) -> None:
        """Append values; they are on the disk when this returns.

        Raises:
            OSError: the file could not be written; what was added before is kept.
        """
        added = list(values)
        self.file.write(b"".join(write_value(one) for one in added))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.done.update(one.number for one in added)


def read_kept(path: Path, signing_list: SigningList, signer: Signer) -> list[SignedValue]:
    """Return the values that an earlier run left in the file and that verify; none when there is no such file.

    Raises:
        SigningListInvalid: there is a file of this name that is none of values for this list.
        LimitExceeded, OSError: it cannot be read.
    """
    if not path.exists():
        return []
    try:
        found = parse_values_file(read_bounded(path))
    except SigningListInvalid as error:
        raise SigningListInvalid(f"{path.name} exists and holds something else; name another file") from error
    if found.head != ValuesHead.of(signing_list.head):
        raise SigningListInvalid(f"{path.name} holds the values of another list; name another file")
    return keep_values(signing_list, found.values, signer)


@contextmanager
def open_values_file(path: Path, head: ListHead, kept: Sequence[SignedValue]) -> Iterator[ValuesWriter]:
    """Yield the file of values for the list with this head, with what an earlier run left in it.

    Raises:
        OSError: it cannot be written.
    """
    write_atomically(path, write_values_head(ValuesHead.of(head)) + b"".join(write_value(one) for one in kept))
    with path.open("ab") as file:
        yield ValuesWriter(file, {one.number for one in kept})


def read_bounded(path: Path) -> bytes:
    """Return a file's bytes.

    Raises:
        LimitExceeded: it is longer than any list or file of values.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        raise LimitExceeded(f"{path.name} has more than {MAX_LIST_BYTES} bytes, so it is no list and no file of values")
    return content
