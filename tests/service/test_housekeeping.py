"""Only what nothing names, and is old enough, is removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from service.housekeeping import sweep_store
from tests.support.issued import open_copy


def test_orphans_go_and_every_named_file_stays(tmp_path: Path) -> None:
    installation = open_copy(tmp_path / "copy")
    store = installation.workspace.store
    named = set(store.list_digests())
    orphan = store.put(b"written by a process that was killed")
    part = next((tmp_path / "copy").rglob(orphan)).with_name(".part-left")
    part.write_bytes(b"half")
    assert sweep_store(installation.workspace) == 0, "a process may still be at work on young files"
    old = time.time() - 7_200
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (old, old))
    sweep_store(installation.workspace)
    left = set(store.list_digests())
    assert orphan not in left
    assert not part.exists()
    installation.close()
    assert left <= named


def test_an_issued_school_is_whole_after_sweeping(tmp_path: Path) -> None:
    installation = open_copy(tmp_path / "copy")
    sweep_store(installation.workspace, min_age_s=-3_600)
    issued = installation.issued
    for document in (issued.current, issued.replaced, issued.recalled):
        record = installation.context.find_record(document.key.serial, document.key.version)
        assert record.event is not None
    installation.close()
