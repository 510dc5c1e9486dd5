"""Content-addressed files: a document's name is the SHA-256 of its bytes, so a stored file can never be swapped unseen.

A file appears whole or not at all: it is written beside its place, synced, then renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
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
        path = self._path(digest_hex)
        if path.exists():
            return digest_hex
        try:
            write_atomically(path, content)
        except OSError as error:
            raise StoreFull(
                f"the document store cannot be written ({error.strerror}); free some space and run again"
            ) from error
        return digest_hex

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

    def _path(self, digest_hex: str) -> Path:
        if len(digest_hex) != 64 or not set(digest_hex) <= set("0123456789abcdef"):
            raise NotFound("that is not the name of a stored file")
        return self._folder / digest_hex[:2] / digest_hex


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that readers see the old file or the new one, never a part.

    Raises:
        OSError: the file could not be written; `path` is as it was and no temporary file is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
