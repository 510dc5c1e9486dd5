"""The kinds of keys that the demo can do its job with, each a holder: it takes the people's keys in and opens them.

A new kind is a class that fulfils `KeyHolder`, a member of `HolderKind` and a line in `open_holder`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, assert_never

from keys_dev.pki import DevelopmentPki, Subscriber
from signing.keystores.pkcs12 import open_pkcs12
from signing.signer import Signer


class HolderKind(StrEnum):
    """What `hocba demo --keys` takes."""

    PKCS12 = "pkcs12"


class KeyHolder(Protocol):
    """Where the keys of a school's people are."""

    @property
    def description(self) -> str:
        """A few words for the demo's table."""
        ...

    def issue(self, subscribers: Sequence[Subscriber]) -> None:
        """Make sure that every subscriber has a certificate and a key here; what is there already stays as it is."""
        ...

    def open(self, subscriber: Subscriber) -> Signer:
        """Return the signer of one subscriber, issued before.

        Raises:
            KeyUnavailable: the key cannot be opened.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileHolder:
    """A PKCS#12 file for everybody."""

    pki: DevelopmentPki

    @property
    def description(self) -> str:
        """A few words for the demo's table."""
        return "PKCS#12 files"

    def issue(self, subscribers: Sequence[Subscriber]) -> None:
        """Write the files that are missing."""
        self.pki.issue_all(subscribers)

    def open(self, subscriber: Subscriber) -> Signer:
        """Return the signer of one subscriber."""
        path = self.pki.issue(subscriber)
        return open_pkcs12(path, self.pki.read_password(path))


@contextmanager
def open_holder(kind: HolderKind, pki: DevelopmentPki, folder: Path) -> Iterator[KeyHolder]:
    """Yield the holder of a kind; what it runs for that ends with the block.

    Args:
        kind: of the keys.
        pki: issues the certificates.
        folder: for what the holder keeps beside the PKI; stays from one demo to the next.

    Raises:
        KeyUnavailable: something that this kind needs is not installed.
    """
    del folder
    match kind:
        case HolderKind.PKCS12:
            yield FileHolder(pki)
        case _:
            assert_never(kind)
