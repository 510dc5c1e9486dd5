"""Loads what an installation trusts: folders of anchors, signed trust lists, the department's authority list.

Files are read here and judged below: `verify.trust_lists`, `transcript_core.authority`.  A list whose number is lower
than one seen before is refused (`list_numbers`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final, Generic, TypeVar

from service.list_numbers import ListNumbers
from transcript_core.authority import AuthorityList, open_authority_list
from transcript_core.clock import Clock
from transcript_core.errors import (
    AuthorityListInvalid,
    AuthorityListOutOfDate,
    InputError,
    TrustListInvalid,
    TrustListOutOfDate,
)
from transcript_core.limits import MAX_AUTHORITY_BYTES, MAX_TRUST_LIST_BYTES
from transcript_core.pki.certificates import Certificate, load_certificates
from transcript_core.pki.trust import TrustFolder, TrustStore, World, load_trust_folder
from transcript_core.pki.trust_list import TrustList, build_trust_store
from verify.trust_lists import open_trust_list

_SIGNER: Final = "signer="
_List = TypeVar("_List")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class TrustListFile:
    """One trust list as it is configured."""

    path: Path
    signers: tuple[Path, ...]  # certificates of its operator
    world: World | None = None  # None: the list's own scheme rules name it


@dataclass(frozen=True, slots=True)
class Moments:
    """When lists are read, and for when."""

    now: datetime  # aware
    asked: datetime | None = None  # aware; the moment that the caller asks about; None: now


def parse_trust_list_file(text: str) -> TrustListFile:
    """Return what one entry of HOCBA_TRUST_LISTS says: `[WORLD=]FILE|signer=CERTIFICATE[|signer=CERTIFICATE]`.

    Raises:
        InputError: it is not of that form.
    """
    named, *options = text.split("|")
    signers = [option.removeprefix(_SIGNER) for option in options if option.startswith(_SIGNER)]
    if len(signers) != len(options) or not signers or not all(signers):
        raise InputError(f"a trust list is written [WORLD=]FILE|signer=CERTIFICATE, not {text!r}")
    world, path = split_world(named)
    return TrustListFile(path, tuple(map(Path, signers)), world)


def split_world(text: str) -> tuple[World | None, Path]:
    """Return world and file of `[WORLD=]FILE`.

    Raises:
        InputError: no file is named.
    """
    for world in World:
        if text.startswith(f"{world.value}="):
            return world, split_world(text.removeprefix(f"{world.value}="))[1]
    if not text:
        raise InputError("a trust list is written [WORLD=]FILE, with national or public-duty as WORLD")
    return None, Path(text)


def load_trust(
    folder: Path | None, lists: Sequence[TrustListFile], moments: Moments, numbers: ListNumbers | None
) -> TrustStore | None:
    """Return what the folder and the trust lists trust together; None when neither is configured.

    Args:
        folder: of `load_trust_folder`.
        lists: opened each by its own operator's certificates.
        moments: a list that is out of date now is still good for a moment in the past at which it was not.
        numbers: remembers the lists seen; None: files of the caller's own choice, of which nothing is remembered.

    Raises:
        TrustMaterialError: something cannot be read, verified or used; an out-of-date list too, because without it
            what it withdrew would count again.
    """
    if folder is None and not lists:
        return None
    material = TrustFolder() if folder is None else load_trust_folder(folder)
    return build_trust_store(material, [read_trust_list(one, moments, numbers) for one in lists])


def read_trust_list(
    file: TrustListFile, moments: Moments, numbers: ListNumbers | None = None
) -> tuple[World, TrustList]:
    """Return one list, verified, and its world.

    Raises:
        TrustMaterialError: as `load_trust`.
    """
    data = _read(file.path, MAX_TRUST_LIST_BYTES, TrustListInvalid)
    signers = [one for path in file.signers for one in _read_signers(path)]
    opened = _open_for(moments, lambda at: open_trust_list(data, signers, at=at, now=moments.now), TrustListOutOfDate)
    world = file.world or opened.world
    if world is None or (opened.world is not None and opened.world is not world):
        raise TrustListInvalid(
            f"{file.path.name} does not say of which world it is, or another one than configured; "
            "write national=FILE or public-duty=FILE"
        )
    highest = opened.number
    if numbers is not None:
        highest = numbers.admit(f"trust list: {world.value}: {opened.territory}: {opened.operator}", opened.number)
    if highest > opened.number:
        raise TrustListInvalid(
            f"{file.path.name} is list {opened.number}, replaced by list {highest}; get the current one"
        )
    return world, opened


def read_authority(
    path: Path,
    trust: TrustStore | None,
    clock: Clock,
    *,
    asked: datetime | None = None,
    numbers: ListNumbers | None = None,
) -> AuthorityList:
    """Return the authority list in `path`, verified by the configured authority anchors.

    Args:
        asked, numbers: as `moments` and `numbers` of `load_trust`.

    Raises:
        AuthorityListInvalid: it is missing, too large, not signed by an anchor, or replaced.
        AuthorityListOutOfDate: it is sound, but outside its validity.
    """
    signed = _read(path, MAX_AUTHORITY_BYTES, AuthorityListInvalid)
    anchors = () if trust is None else trust.authorities
    opened = _open_for(
        Moments(clock.now(), asked), lambda at: open_authority_list(signed, anchors, at=at), AuthorityListOutOfDate
    )
    highest = opened.number if numbers is None else numbers.admit(f"authority: {opened.issuer}", opened.number)
    if highest > opened.number:
        raise AuthorityListInvalid(
            f"{path.name} is authority list {opened.number}, replaced by list {highest}; get the current one"
        )
    return opened


def _open_for(moments: Moments, open_at: Callable[[datetime], _List], out_of_date: type[Exception]) -> _List:
    """Return the list as it is good now, else for the past moment that was asked about."""
    try:
        return open_at(moments.now)
    except out_of_date:
        if moments.asked is None or moments.asked >= moments.now:
            raise
        return open_at(moments.asked)


def _read(path: Path, max_bytes: int, error_type: type[AuthorityListInvalid | TrustListInvalid]) -> bytes:
    try:
        content = path.read_bytes() if path.stat().st_size <= max_bytes else b""
    except OSError as error:
        raise error_type(f"the list {path.name} cannot be read: {error.strerror}") from error
    if not content:
        raise error_type(f"the list {path.name} is empty or too large")
    return content


def _read_signers(path: Path) -> Sequence[Certificate]:
    try:
        return load_certificates(path.read_bytes())
    except OSError as error:
        raise TrustListInvalid(f"the operator's certificate {path.name} cannot be read: {error.strerror}") from error


@dataclass(slots=True)
class Kept(Generic[_Kept]):
    """What was read from files, until one of them changes or what it says ends; threads may share it."""

    _stamps: tuple[object, ...] | None = None
    _until: datetime | None = None
    _value: _Kept | None = None
    _lock: Lock = field(default_factory=Lock)

    def get(self, files: Sequence[Path], now: datetime, load: Callable[[], tuple[_Kept, datetime | None]]) -> _Kept:
        """Return the value; `load` reads it when it has to be, and says from when on it must be read anew."""
        stamps = tuple(map(_stamp, files))
        with self._lock:
            ended = self._until is not None and now >= self._until
            if self._value is None or self._stamps != stamps or ended:
                self._value = None  # nothing old is given when `load` raises
                self._value, self._until = load()
                self._stamps = stamps
            return self._value


def _stamp(path: Path) -> object:
    """Return what changes when a file is replaced or written; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
