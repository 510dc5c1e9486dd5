"""Content-addressed store: a file is whole or absent, and never swapped unseen."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from service.store import DocumentStore, StoreFull, write_atomically
from transcript_core.errors import Conflict, NotFound


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
