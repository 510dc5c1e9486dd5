"""A batch with worker processes is killed again and again, the whole of it or one worker: nothing is lost or repeated.

`test_workflow_killed` has kills at chosen touches of the store, `test_workflow_killed_points` kills all along the way.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import audit
from service.db.engine import transaction
from service.signing.workflow import sign_open_slots
from tests.support.many import list_open, multiply
from tests.support.victims import Victims, open_victims
from tests.support.workflow import ACTOR, SmallSchool, built_school
from transcript_core.policy import SignatureFormat

COPIES = 34  # with the school's own two documents more than one chunk of the engine
PARENT_KILLS = 6
WORKER_KILLS = 4
BOTH = frozenset(SignatureFormat)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with built_school(tmp_path) as made:
        multiply(made, COPIES)
        yield made


@pytest.fixture
def victims(school: SmallSchool) -> Iterator[Victims]:
    with open_victims(school) as made:
        yield made


def test_the_whole_batch_is_killed_at_any_time(school: SmallSchool, victims: Victims) -> None:
    dice = random.Random(20260531)
    killed = 0
    while killed < PARENT_KILLS:
        ended = victims.watch("sign-many", step=1, kill_after_s=dice.uniform(0.0, 1.5)).ended
        killed += not ended
        assert_sound(school)
        if ended and not school.list_open_staff():
            break
    school.sign_people()
    assert killed >= PARENT_KILLS // 2
    assert_signed_once(school)
    assert_no_worker_is_left()


def test_workers_are_killed_at_any_time(school: SmallSchool) -> None:
    dice = random.Random(7)
    killed = 0
    while killed < WORKER_KILLS and school.list_open_staff():
        code = max(school.list_open_staff(), key=lambda one: len(list_open(school, one)))
        desk = school.open_desk(school.open_person(code))
        killer = WorkerKiller(dice)
        killer.start()
        sign_open_slots(desk, school_code=school.school.school_code, actor=ACTOR, workers=2)
        killed += killer.stop()
        assert_sound(school)
    school.sign_people()
    assert killed >= WORKER_KILLS // 2
    assert_signed_once(school)


class WorkerKiller(threading.Thread):
    """Kills a worker process of this process now and then."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(name="worker-killer")
        self._dice = dice
        self._stopped = threading.Event()
        self._killed = 0

    def run(self) -> None:
        while not self._stopped.wait(self._dice.uniform(0.05, 1.0)):
            if self._killed < 2 and (workers := list_workers(os.getpid())):
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(self._dice.choice(workers), signal.SIGKILL)
                    self._killed += 1

    def stop(self) -> int:
        """End; return how many were killed."""
        self._stopped.set()
        self.join()
        return self._killed


def assert_sound(school: SmallSchool) -> None:
    """Fail when anything is left that is not whole."""
    school.assert_store_is_sound()
    school.assert_rows_tell_what_files_hold()


def assert_signed_once(school: SmallSchool) -> None:
    """Fail unless every person's slot of every document is signed, told of once, and the files agree."""
    assert_sound(school)
    with transaction(school.workspace.sessions) as session:
        for one in school.list_documents():
            signed = {slot: kinds for slot, kinds in school.list_signed(one.key).items() if slot != "ky-phat-hanh"}
            assert set(signed.values()) == {BOTH}
            told = Counter(
                f"{subject} {kind}"
                for _, _, action, subject, detail in audit.list_events(session, subject_prefix=f"{one.key}#")
                if action == "sign"
                for kind in detail.split("+")
            )
            assert told == Counter(f"{one.key}#{slot} {kind.value}" for slot in signed for kind in BOTH)


def assert_no_worker_is_left() -> None:
    """Fail when a worker outlives its killed parent by more than it takes to end a chunk."""
    deadline = time.monotonic() + 20.0
    while left := list_workers(1):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def list_workers(parent: int) -> list[int]:
    """Return the worker processes of a process."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for path in tasks for pid in _read(path).split()]
    return sorted(pid for pid in children if b"signing.batch.workers" in _read(Path(f"/proc/{pid}/cmdline")))


def _read(path: Path) -> bytes:
    """Return what the system tells, nothing when the thread or process has ended meanwhile."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
