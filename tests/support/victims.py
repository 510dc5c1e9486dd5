"""Processes that are killed in the middle of their work, cheaply: one helper process imports all code, its forks die.

A fork can be killed at the n-th touch of the document store (before a temporary file is made, before it gets its name,
before a file that nothing names is removed), after a time, or a time after the n-th step of its work: a touch of the
store or a private operation, so that the clock starts when there is something to lose.  Typst's threads do not survive
a fork, so the helper itself never renders anything.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from service.signing.attaching import attach_values, get_open_batch
from service.signing.desk import open_services
from service.signing.extending import extend_documents
from service.signing.values import parse_values_file
from service.signing.workflow import sign_open_slots
from signing.keystores.pkcs12 import FileSigner
from tests.support.many import list_open
from tests.support.pki import development_pki
from tests.support.workflow import ACTOR, SmallSchool, open_enrolled, read_records
from transcript_core.model import SchoolLevel
from transcript_core.policy import SignatureLevel

VALUES: Final = "values.jsonl"
_ROOT: Final = Path(__file__).resolve().parents[2]
_TOUCHES: Final = {"tempfile.mkstemp": 0, "os.rename": 1, "os.remove": 0}
"""Audit event → which of its arguments is the path that counts."""

_COUNTS: Final = struct.Struct("=II")  # touches of the store, private operations


@dataclass(frozen=True)
class Life:
    """How far a fork came."""

    ended: bool  # by itself; False: it was killed
    touches: int  # of the document store
    operations: int  # with a private key, in this process

    @property
    def steps(self) -> int:
        """Return how much work it did."""
        return self.touches + self.operations


@dataclass(frozen=True)
class Victims:
    """The helper process, and the school that its forks work for."""

    process: subprocess.Popen[str]
    folder: Path
    database_url: str | None

    def run(self, job: str, *, kill_at: int | None = None, kill_after_s: float | None = None) -> bool:
        """Do `job` in a process of its own; return whether it came to its end.  Arguments: `watch`."""
        return self.watch(job, kill_at=kill_at, kill_after_s=kill_after_s).ended

    def watch(
        self, job: str, *, kill_at: int | None = None, kill_after_s: float | None = None, step: int | None = None
    ) -> Life:
        """Do `job` in a process of its own; return how far it came.

        Args:
            job: "build", "sign", "sign-many" (one teacher, in worker processes), "issue", "extend", or "attach", with
                the values in the file VALUES beside the school's folder.
            kill_at: which touch of the document store, counted from 1, it does not survive.
            kill_after_s: seconds it may live.
            step: touch of the store or private operation, counted from 1, with which these seconds begin; None: they
                begin at once.

        Raises:
            AssertionError: it ended by itself with an error.
        """
        order = {"folder": str(self.folder), "database_url": self.database_url, "job": job, "step": step}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order | {"kill_at": kill_at, "kill_after_s": kill_after_s}) + "\n")
        self.process.stdin.flush()
        status, touches, operations = json.loads(self.process.stdout.readline())
        assert status in {0, -signal.SIGKILL}, f"{job} ended with {status}"
        return Life(status == 0, touches, operations)


@contextmanager
def open_victims(school: SmallSchool) -> Iterator[Victims]:
    """Yield victims for `school`, whose folder holds everything they need."""
    folder = school.folder.parent
    environment = {**os.environ, "PYTEST_XDIST_TESTRUNUID": development_pki().folder.name}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.victims"],
        cwd=_ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Victims(process, folder, school.workspace.settings.database_url)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def _build(school: SmallSchool) -> None:
    school.build()


def _sign(school: SmallSchool) -> None:
    school.sign_people()


def _issue(school: SmallSchool) -> None:
    report = school.issue()
    assert not report.failed, report.failed


def _attach(school: SmallSchool) -> None:
    found = parse_values_file((school.folder.parent / VALUES).read_bytes())
    batch = get_open_batch(school.workspace, found.head.batch_id)
    report = attach_values(school.workspace, batch, found.values, actor=ACTOR)
    assert not [one for one in report.results if one.error is not None]


def _extend(school: SmallSchool) -> None:
    services = open_services(school.workspace, school.fetch)
    report = extend_documents(school.context, services, level=SignatureLevel.B_LTA, actor=ACTOR)
    assert not report.failed, report
    assert not report.waiting, report


def _sign_many(school: SmallSchool) -> None:
    """Sign what is open for the teacher with the most documents, in worker processes."""
    code = max(school.list_open_staff(), key=lambda one: len(list_open(school, one)), default=None)
    if code is None:
        return
    desk = school.open_desk(school.open_person(code))
    report = sign_open_slots(desk, school_code=school.school.school_code, actor="victim", workers=2)
    assert not report.failed, report.failed[:1]


_JOBS: Final[dict[str, Callable[[SmallSchool], None]]] = {
    "build": _build,
    "sign": _sign,
    "sign-many": _sign_many,
    "issue": _issue,
    "attach": _attach,
    "extend": _extend,
}


def _main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        read_records(Path(order["folder"]) / "school", SchoolLevel.LOWER_SECONDARY)  # once, for all forks
        counts = mmap.mmap(-1, _COUNTS.size)  # shared with the fork
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _die_or_finish(order, _Watch(order, counts, writing))
        os.close(writing)
        _kill_in_time(child, order, reading)
        os.close(reading)
        _, status = os.waitpid(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), *_COUNTS.unpack(counts)]), flush=True)


def _kill_in_time(child: int, order: dict[str, Any], reading: int) -> None:
    """Kill the fork when its seconds are over; they begin at once, or when it says so through the pipe."""
    seconds = order["kill_after_s"]
    if seconds is None or (order["step"] is not None and not os.read(reading, 1)):
        return
    select.select([reading], [], [], seconds)  # its end closes the pipe
    os.kill(child, signal.SIGKILL)


def _die_or_finish(order: dict[str, Any], watch: _Watch) -> None:
    watch.start()
    code = 1
    try:
        school = open_enrolled(Path(order["folder"]), database_url=order["database_url"])
        _JOBS[order["job"]](school)
        school.close()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


class _Watch:
    """Counts a fork's work, without a word to the code under test, and lets it die at a touch of the store."""

    def __init__(self, order: dict[str, Any], counts: mmap.mmap, pipe: int) -> None:
        self._store = f"{order['folder']}/home/store"
        self._kill_at = order["kill_at"]
        self._step = order["step"]
        self._counts = counts
        self._pipe = pipe
        self._lock = threading.Lock()
        self._touches = self._operations = 0

    def start(self) -> None:
        """Count from now on."""
        sys.addaudithook(self._hear)
        sign = FileSigner.sign_digests

        def count_and_sign(signer: FileSigner, digests: Sequence[bytes]) -> Sequence[bytes]:
            self._count(operations=len(digests))
            return sign(signer, digests)

        pytest.MonkeyPatch().setattr(FileSigner, "sign_digests", count_and_sign)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        position = _TOUCHES.get(event)
        if position is not None and str(arguments[position]).startswith(self._store):
            self._count(touches=1)

    def _count(self, *, touches: int = 0, operations: int = 0) -> None:
        with self._lock:
            before = self._touches + self._operations
            self._touches += touches
            self._operations += operations
            _COUNTS.pack_into(self._counts, 0, self._touches, self._operations)
            if touches and self._touches == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._step is not None and before < self._step <= before + touches + operations:
                os.write(self._pipe, b".")


if __name__ == "__main__":
    _main()
