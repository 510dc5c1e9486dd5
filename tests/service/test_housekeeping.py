"""Only what nothing names, and is old enough, is removed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from service.housekeeping import sweep_store
from service.transcripts import repository
from tests.support.deferred import all_attached, attach, prepare_and_sign
from tests.support.issued import open_copy
from tests.support.workflow import built_school


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


def test_a_file_that_is_stored_again_while_the_sweep_reads_the_rows_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attach was killed between files and rows; hours later its values come again, in the middle of a sweep."""

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with built_school(tmp_path) as school:
        made, values = prepare_and_sign(school, school.open_person(school.teachers[0]))
        with monkeypatch.context() as patch:
            patch.setattr("service.signing.attaching.save_signed", die)
            with pytest.raises(Killed):
                attach(school, made, values)
        old = time.time() - 7_200
        for path in school.workspace.store.list_files(time.time() + 10):
            os.utime(path, (old, old))
        list_files = repository.list_referenced_files

        def read_then_attach(session: Session) -> set[str]:
            named = list_files(session)
            session.rollback()
            assert all_attached(attach(school, made, values))
            return named

        monkeypatch.setattr(repository, "list_referenced_files", read_then_attach)
        sweep_store(school.workspace)
        monkeypatch.undo()
        school.assert_store_is_sound()
        school.assert_rows_tell_what_files_hold()
