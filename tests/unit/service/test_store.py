"""Content-addressed store: a file is whole or absent, and never swapped unseen."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.store import DocumentStore, StoreFull, StoreUnreadable, write_atomically
from transcript_core.errors import Conflict, NotFound

LONG_AGO = 1_700_000_000.0  # seconds since the epoch


@dataclass(frozen=True)
class Opened:
    """A document that knows its own digest."""

    content: bytes

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """Return it in two pieces."""
        return self.content[:3], self.content[3:]

    @property
    def sha256(self) -> bytes:
        """Return the digest of the whole."""
        return hashlib.sha256(self.content).digest()


def test_what_was_stored_comes_back_under_its_digest(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    digest = store.put(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert store.get(digest) == b"content"


def test_storing_twice_leaves_one_file(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    assert store.put(b"content") == store.put(b"content")
    assert store.list_digests() == [hashlib.sha256(b"content").hexdigest()]


def test_swapped_bytes_are_noticed(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    digest = store.put(b"content")
    (tmp_path / digest[:2] / digest).write_bytes(b"another")
    with pytest.raises(Conflict):
        store.get(digest)


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64, "0" * 63])
def test_unknown_or_odd_names_find_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound):
        DocumentStore(tmp_path).get(name)


def test_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A file-size limit makes the write itself fail, as a full disk does."""
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from service.store import DocumentStore, StoreFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    DocumentStore(Path(sys.argv[1])).put(b'x' * 100_000)\n"
        "except StoreFull as error:\n"
        "    print(error)\n"
        "    sys.exit(7)\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    assert "free some space" in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_interrupted_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "status.jws"
    write_atomically(path, b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError):
            write_atomically(path, b"new")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert path.read_bytes() == b"old"


def test_store_full_is_a_typed_error() -> None:
    assert StoreFull("no space").code == "store-full"


def test_a_file_that_is_stored_again_is_young_and_no_sweep_takes_it(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    digest = store.put(b"content")
    path = tmp_path / digest[:2] / digest
    os.utime(path, (LONG_AGO, LONG_AGO))
    (listed,) = store.list_files(LONG_AGO + 1)
    assert store.put(b"content") == digest
    assert not store.remove_forgotten(listed, LONG_AGO + 1)
    assert store.get(digest) == b"content"
    os.utime(path, (LONG_AGO, LONG_AGO))
    assert store.remove_forgotten(listed, LONG_AGO + 1)
    assert store.list_digests() == []


def test_of_two_who_store_the_same_the_second_makes_it_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first may be another process, killed before the sync that it left the file to."""
    synced: list[str] = []
    store = DocumentStore(tmp_path)
    digest = store.put_later(Opened(b"content"))
    assert store.get(digest) == b"content"
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    assert store.put(b"content") == digest
    folder = tmp_path.resolve() / digest[:2]
    assert synced == [str(folder / digest), str(folder)]


def test_what_the_disk_does_not_give_is_a_typed_error(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    digest = store.put(b"content")
    (tmp_path / digest[:2] / digest).unlink()
    (tmp_path / digest[:2] / digest).mkdir()
    with pytest.raises(StoreUnreadable, match=digest):
        store.get(digest)
    with pytest.raises(StoreUnreadable, match=digest):
        store.open(digest, Opened)
    store.discard(digest)  # left to the sweep, and by that to whoever mends the disk
    (listed,) = store.list_files(LONG_AGO * 2)
    assert not store.remove_forgotten(listed, LONG_AGO * 2)


def test_only_a_lack_of_room_asks_for_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _content: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("service.store.write_atomically", refuse)
    with pytest.raises(StoreFull) as refused:
        DocumentStore(tmp_path).put(b"content")
    assert "(Permission denied); mend that" in str(refused.value)
