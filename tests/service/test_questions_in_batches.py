"""A question in the middle of a batch is seen: the progress bar leaves the terminal until it is answered."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_WAIT_S: Final = 60.0
_QUIET_S: Final = 1.0  # ten times the bar's own rhythm
_BAR: Final = "━"
_TAKE_TERMINAL: Final = "import os; os.open(os.ttyname(0), os.O_RDWR)\n"  # a new session's first one is its own
_SIGNING: Final = """
import threading, time
from service.cli.output import progress, progress_bars
from service.cli.secrets import CommandSecrets

answers = []
def work(advance, questions):
    for question in questions:
        time.sleep(0.3)
        answers.append(CommandSecrets(None).ask(question))
        advance(1)

with progress_bars(("sign", 5), ("issue", 5)) as (advance, _):
    threads = [threading.Thread(target=work, args=(advance, [one])) for one in {questions!r}]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    advance(1)
    time.sleep(0.5)
print("answers:", *sorted(answers))
"""


@dataclass
class Terminal:
    """A program at a pseudo-terminal of its own."""

    program: str
    shown: str = ""
    _raw: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self._handle, theirs = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HOCBA_")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL + self.program],
            cwd=_ROOT,
            env={**environment, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, is_there: Callable[[str], bool]) -> None:
        """Read until the screen's octets say so."""
        end = time.monotonic() + _WAIT_S
        while not is_there(self.shown):
            assert time.monotonic() < end, self.shown
            self._read(0.1)

    def read_for(self, seconds: float) -> str:
        """Return what is written within this time."""
        before, end = len(self.shown), time.monotonic() + seconds
        while time.monotonic() < end:
            self._read(0.1)
        return self.shown[before:]

    def type(self, line: str) -> None:
        """Answer."""
        os.write(self._handle, f"{line}\n".encode())

    def wait(self) -> int:
        """Return the exit code."""
        while self._read(_WAIT_S):
            pass
        os.close(self._handle)
        return self._process.wait(_WAIT_S)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._handle], [], [], seconds)
        if not ready:
            return True
        try:
            read = os.read(self._handle, 4096)
        except OSError:  # EIO: the program has ended
            return False
        self._raw += read
        self.shown = self._raw.decode("utf-8", "replace")
        return bool(read)


def test_the_bar_is_gone_while_a_thread_asks_and_comes_back() -> None:
    screen = Terminal(_SIGNING.replace("{questions!r}", repr(["Mã OTP"])))
    screen.read_until(lambda shown: _BAR in shown)
    screen.read_until(lambda shown: "Mã OTP: " in shown)
    assert screen.read_for(_QUIET_S) == "", "nothing is drawn over the question"
    assert screen.shown.endswith("Mã OTP: ")
    screen.type("123456")
    screen.read_until(lambda shown: _BAR in shown.rpartition("Mã OTP: ")[2])
    assert screen.wait() == 0
    assert "answers: 123456" in screen.shown
    assert screen.shown.count("123456") == 1, "what is typed is not shown"


def test_two_threads_ask_one_after_the_other() -> None:
    screen = Terminal(_SIGNING.replace("{questions!r}", repr(["Mã OTP", "Mã OTP"])))
    screen.read_until(lambda shown: "Mã OTP: " in shown)
    assert screen.read_for(_QUIET_S) == ""
    screen.type("111")
    screen.read_until(lambda shown: shown.count("Mã OTP: ") == 2)
    assert screen.read_for(_QUIET_S) == ""
    screen.type("222")
    assert screen.wait() == 0
    assert "answers: 111 222" in screen.shown
