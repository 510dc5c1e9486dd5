"""Content-addressed files: a document's name is the SHA-256 of its bytes, so a stored file can never be swapped unseen.

A file appears whole or not at all: it is written beside its place, then renamed.  Before anything names it, it is made
durable: by itself, or many at once, which costs a third of the time.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol, TypeVar

from transcript_core.errors import Conflict, InputError, NotFound, StateError

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_LOCK: Final = ".lock"  # in the store's folder: beside the folders of its files
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Hashed(Protocol):
    """A document that knows its own digest."""

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The document as stored, in the pieces in which it lies in memory."""
        ...

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the whole document, 32 raw bytes."""
        ...


HashedT = TypeVar("HashedT", bound=Hashed)


class StoreFull(StateError):
    """The document store or the database could not be written, most often because the disk is full.

    Nothing half written is left.
    """

    code = "store-full"

    def __init__(self, problem: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self._problem = problem

    def name(self, where: str) -> StoreFull:
        """Return the same error about what could not be kept because of it."""
        return StoreFull(self._problem, where=where)


class StoreUnreadable(StateError):
    """A stored file is there and cannot be read: the disk, or the rights on the file, are to be mended."""

    code = "store-unreadable"


class DocumentStore:
    """Files in a folder, two levels deep by the first letters of their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Store `content` and return its SHA-256 as 64 hex digits.  Storing the same bytes again changes nothing.

        Raises:
            StoreFull: the file could not be written; no trace of it is left.
        """
        digest_hex = hashlib.sha256(content).hexdigest()
        path = self._path(digest_hex)
        with _writing():
            if self._renew(path, len(content)):
                _sync_file(path)  # whoever wrote it may have left that to a sync which has not come yet
            else:
                write_atomically(path, content)
        return digest_hex

    def put_later(self, content: Hashed) -> str:
        """As `put`, but the file survives a power cut only after `sync`; until then nothing may name it.

        Raises:
            StoreFull: the file could not be written; no trace of it is left.
        """
        digest_hex = content.sha256.hex()
        path = self._path(digest_hex)
        with _writing():
            if not self._renew(path, sum(map(len, content.pieces))):
                replace_atomically(path, content.pieces)
        return digest_hex

    def sync(self) -> None:
        """Make every file of `put_later` durable, names included.

        Raises:
            StoreFull: the file system could not write them all.
        """
        if not self._folder.is_dir():
            return
        with _writing():
            _sync_file_system(self._folder)

    def get(self, digest_hex: str) -> bytes:
        """Return the bytes stored under `digest_hex`.

        Raises:
            NotFound: nothing is stored under it.
            StoreUnreadable: the disk does not give the file.
            Conflict: the file's bytes no longer have this digest.
        """
        content = self._read(digest_hex)
        if hashlib.sha256(content).hexdigest() != digest_hex:
            raise _changed(digest_hex)
        return content

    def open(self, digest_hex: str, opener: Callable[[bytes], HashedT]) -> HashedT:
        """Return the document stored under `digest_hex`, opened; its own running hash is what the name is held against.

        Raises:
            NotFound, StoreUnreadable, Conflict: as `get`.
            InputError: of `opener`, which the file's bytes do not suit although they have this digest.
        """
        content = self._read(digest_hex)
        try:
            opened = opener(content)
        except InputError:
            if hashlib.sha256(content).hexdigest() != digest_hex:
                raise _changed(digest_hex) from None
            raise
        if opened.sha256.hex() != digest_hex:
            raise _changed(digest_hex)
        return opened

    def discard(self, digest_hex: str) -> None:
        """Remove a file that nothing names any more; one that cannot be removed now is left to the sweep."""
        with contextlib.suppress(OSError):
            self._path(digest_hex).unlink(missing_ok=True)

    def list_digests(self) -> list[str]:
        """Return the digests of all stored files, sorted."""
        return sorted(path.name for path in self._folder.glob("*/*") if len(path.name) == 64)

    def list_files(self, changed_before: float) -> list[Path]:
        """Return every file last changed before this moment (seconds since the epoch), parts of files included."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):  # a process at work replaces files meanwhile
                if path.stat().st_mtime < changed_before:
                    found.append(path)
        return found

    def remove_forgotten(self, path: Path, changed_before: float) -> bool:
        """Remove a file of `list_files` unless it was stored again meanwhile; return whether it is gone."""
        with contextlib.suppress(OSError), self._locked(fcntl.LOCK_EX):
            if path.stat().st_mtime < changed_before:
                path.unlink()
                return True
        return False

    def _read(self, digest_hex: str) -> bytes:
        try:
            return self._path(digest_hex).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"the document store has no file {digest_hex}") from error
        except OSError as error:
            raise StoreUnreadable(
                f"file {digest_hex} of the document store cannot be read ({error.strerror}); mend the disk or restore "
                "the file from a backup"
            ) from error

    def _renew(self, path: Path, size: int) -> bool:
        """Return whether the file is there, and young from now on, so that no sweep takes it for a forgotten one.

        One of another size is what a power cut left of it.
        """
        try:
            if path.stat().st_size != size:
                return False
            with self._locked(fcntl.LOCK_SH):
                os.utime(path)
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        """Hold the lock between those who find a file already stored and the sweep, which removes forgotten ones."""
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _path(self, digest_hex: str) -> Path:
        if _DIGEST.fullmatch(digest_hex) is None:
            raise NotFound("that is not the name of a stored file")
        return Path(f"{self._folder}/{digest_hex[:2]}/{digest_hex}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that readers see the old file or the new one, never a part; it is durable then.

    Raises:
        OSError: the file could not be written; `path` is as it was and no temporary file is left.
    """
    _write_beside(path, (content,), os.fsync)
    _sync_folder(path.parent)


def replace_atomically(path: Path, pieces: Iterable[bytes]) -> None:
    """As `write_atomically`, durable only once the file system is synced.  Raises: OSError, as there."""
    _write_beside(path, pieces, _no_sync)


def _write_beside(path: Path, pieces: Iterable[bytes], sync: Callable[[int], None]) -> None:
    handle, name = _make_temporary(path.parent)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            for piece in pieces:
                _write_all(file, piece)
            sync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _make_temporary(folder: Path) -> tuple[int, str]:
    """Return a new file in the folder, which is made when it is not there: handle and name."""
    try:
        return tempfile.mkstemp(dir=folder, prefix=".part-")
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(dir=folder, prefix=".part-")


def _write_all(file: io.FileIO, content: bytes) -> None:
    """Write every octet; one call writes less when the disk is nearly full."""
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[file.write(remaining) :]


def _no_sync(_handle: int) -> None:
    """Leave it to a later sync of the whole file system."""


def _sync_file(path: Path) -> None:
    """Make a file that is there already survive a power cut, its name included."""
    _sync_path(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    _sync_path(folder)


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file_system(folder: Path) -> None:
    """Write everything of the folder's file system to the disk: syncfs(2) where the C library has it, else sync(2)."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if call(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def _changed(digest_hex: str) -> Conflict:
    return Conflict(f"file {digest_hex} of the document store was changed; restore it from a backup")


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Turn what the file system refuses into StoreFull."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno in _NO_ROOM else "mend that"
        raise StoreFull(f"the document store cannot be written ({error.strerror}); {remedy} and run again") from error
