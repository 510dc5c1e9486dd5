"""Content-addressed files: a document's name is the SHA-256 of its bytes, so a stored file can never be swapped unseen.

A file appears whole or not at all: it is written beside its place, then renamed.  Before anything names it, it is made
durable: by itself, or many at once, which costs a third of the time.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from transcript_core.errors import Conflict, NotFound, StateError


class StoreFull(StateError):
    """The document store could not be written, most often because the disk is full.  Nothing half written is left."""

    code = "store-full"


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
        self._write(digest_hex, content, write_atomically)
        return digest_hex

    def put_later(self, content: bytes) -> str:
        """As `put`, but the file survives a power cut only after `sync`; until then nothing may name it.

        Raises:
            StoreFull: the file could not be written; no trace of it is left.
        """
        digest_hex = hashlib.sha256(content).hexdigest()
        self._write(digest_hex, content, replace_atomically)
        return digest_hex

    def sync(self) -> None:
        """Make every file of `put_later` durable, names included.

        Raises:
            StoreFull: the file system could not write them all.
        """
        if not self._folder.is_dir():
            return
        try:
            _sync_file_system(self._folder)
        except OSError as error:
            raise _full(error) from error

    def get(self, digest_hex: str) -> bytes:
        """Return the bytes stored under `digest_hex`.

        Raises:
            NotFound: nothing is stored under it.
            Conflict: the file's bytes no longer have this digest.
        """
        try:
            content = self._path(digest_hex).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"the document store has no file {digest_hex}") from error
        if hashlib.sha256(content).hexdigest() != digest_hex:
            raise Conflict(f"file {digest_hex} of the document store was changed; restore it from a backup")
        return content

    def discard(self, digest_hex: str) -> None:
        """Remove a file that nothing names any more."""
        self._path(digest_hex).unlink(missing_ok=True)

    def list_digests(self) -> list[str]:
        """Return the digests of all stored files, sorted."""
        return sorted(path.name for path in self._folder.glob("*/*") if len(path.name) == 64)

    def list_files(self, changed_before: float) -> list[Path]:
        """Return every file last changed before this moment (seconds since the epoch), parts of files included."""
        found = []
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):  # a process at work replaces files meanwhile
                if path.stat().st_mtime < changed_before:
                    found.append(path)
        return found

    def _write(self, digest_hex: str, content: bytes, write: Callable[[Path, bytes], None]) -> None:
        """Write a file unless it is there; one of another size is what a power cut left of it."""
        path = self._path(digest_hex)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == len(content):
                return
        try:
            write(path, content)
        except OSError as error:
            raise _full(error) from error

    def _path(self, digest_hex: str) -> Path:
        if len(digest_hex) != 64 or not set(digest_hex) <= set("0123456789abcdef"):
            raise NotFound("that is not the name of a stored file")
        return self._folder / digest_hex[:2] / digest_hex


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that readers see the old file or the new one, never a part; it is durable then.

    Raises:
        OSError: the file could not be written; `path` is as it was and no temporary file is left.
    """
    _write_beside(path, content, os.fsync)
    _sync_folder(path.parent)


def replace_atomically(path: Path, content: bytes) -> None:
    """As `write_atomically`, durable only once the file system is synced.  Raises: OSError, as there."""
    _write_beside(path, content, _no_sync)


def _write_beside(path: Path, content: bytes, sync: Callable[[int], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            _write_all(file, content)
            sync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _write_all(file: io.FileIO, content: bytes) -> None:
    """Write every octet; one call writes less when the disk is nearly full."""
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[file.write(remaining) :]


def _no_sync(_handle: int) -> None:
    """Leave it to a later sync of the whole file system."""


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
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


def _full(error: OSError) -> StoreFull:
    return StoreFull(f"the document store cannot be written ({error.strerror}); free some space and run again")
