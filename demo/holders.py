"""The kinds of keys that the demo can do its job with, each a holder: it takes the people's keys in and opens them.

A new kind is a class that fulfils `KeyHolder`, a member of `HolderKind` and a line in `open_holder`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, assert_never

from keys_dev.pki import DevelopmentPki, Subscriber
from keys_dev.remote import LIST_SIZE, RemoteService, serving_remote
from keys_dev.softhsm import SoftToken, TokenEntry, open_token
from signing.keystores.pkcs12 import open_pkcs12
from signing.keystores.secrets import CallbackSecret
from signing.keystores.uri import open_key
from signing.signer import Signer

_LABEL: Final = "hocba demo"  # of the token


class HolderKind(StrEnum):
    """What `hocba demo --keys` takes."""

    PKCS12 = "pkcs12"
    PKCS11 = "pkcs11"
    CSC = "csc"


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


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """One PKCS#11 token (SoftHSM2) that keeps everybody's key; the PIN is in a file beside it."""

    pki: DevelopmentPki
    token: SoftToken

    @property
    def description(self) -> str:
        """A few words for the demo's table."""
        return f"PKCS#11 token «{self.token.label}»"

    def issue(self, subscribers: Sequence[Subscriber]) -> None:
        """Issue what is missing and put it on the token, from which no key comes back."""
        self.token.write(
            [
                TokenEntry(str(path.resolve()), self.pki.read_password(path), subscriber.name, _entry_id(subscriber))
                for subscriber, path in zip(subscribers, self.pki.issue_all(subscribers), strict=True)
            ]
        )

    def open(self, subscriber: Subscriber) -> Signer:
        """Return the signer of one subscriber, found by the URI of the key as anybody would name it."""
        return open_key(self.token.uri(_entry_id(subscriber)), CallbackSecret(lambda _: None))


@dataclass(frozen=True, slots=True)
class RemoteHolder:
    """A remote signing service (CSC API 1.0.4) that keeps everybody's key."""

    service: RemoteService

    @property
    def description(self) -> str:
        """A few words for the demo's table."""
        return f"remote signing service, {LIST_SIZE} signatures an approval"

    def issue(self, subscribers: Sequence[Subscriber]) -> None:
        """Let the service's PKI issue what is missing."""
        self.service.pki.issue_all(subscribers)

    def open(self, subscriber: Subscriber) -> Signer:
        """Return the signer of one subscriber, found by the URI of the key as anybody would name it."""
        uri = self.service.get_uri(self.service.pki.issue(subscriber))
        return open_key(uri, CallbackSecret(lambda _: None))


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
    match kind:
        case HolderKind.PKCS12:
            yield FileHolder(pki)
        case HolderKind.PKCS11:
            token = open_token(folder, _LABEL)
            with _environment(token.environment):
                yield TokenHolder(pki, token)
        case HolderKind.CSC:
            with serving_remote(pki) as service:
                yield RemoteHolder(service)
        case _:
            assert_never(kind)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process until the block ends: SoftHSM2 looks for its settings there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _entry_id(subscriber: Subscriber) -> str:
    """Return CKA_ID of a subscriber's key, hexadecimal."""
    return hashlib.sha256(subscriber.file_name.encode()).hexdigest()[:16]
