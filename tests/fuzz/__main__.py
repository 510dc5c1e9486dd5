"""`python -m tests.fuzz [--seconds N] [TARGET …]`: every target in a process of its own, for a bounded time.

With atheris (libFuzzer) when it is installed, else with the edits of `mutate`.  Exit code 1 and the input on disk when
a target crashes, hangs for more than TIMEOUT_S, needs more than MEMORY_MB or reaches outside.  Both engines hold these
limits for every single input, in C too: where Python cannot be asked any more, the process ends.
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Final

from tests.fuzz.guard import list_lures, nothing_outside
from tests.fuzz.mutate import TOKENS, mutate
from tests.fuzz.targets import TARGETS, Target, call

TIMEOUT_S: Final = 20
"""Seconds for one input; the longest honest answer, a large file on a busy machine, takes about 3."""

MEMORY_MB: Final = 2_048
"""Megabytes; the largest container that is read unpacks to 128."""

_MIB: Final = 1024 * 1024
_OWN_PACKAGES: Final = frozenset({"service", "signing", "transcript_core", "verify"})


def main() -> int:
    """Run the targets that are named, or all."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description="Fuzz the parsers for a bounded time.")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--one", choices=TARGETS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return _fuzz_one(TARGETS[arguments.one], arguments.seconds)
    failed = [name for name in arguments.targets or TARGETS if not _run_alone(name, arguments.seconds)]
    print(f"{len(arguments.targets or TARGETS) - len(failed)} targets without a finding; failed: {failed or 'none'}")
    return 1 if failed else 0


def _run_alone(name: str, seconds: int) -> bool:
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, "--seconds", str(seconds)]
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds * 3 + 300)
    except subprocess.TimeoutExpired:
        print(f"{name}: FAILED, it did not end", flush=True)
        return False
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)
    if done.returncode:
        print(done.stdout[-2_000:], done.stderr[-6_000:], sep="\n")
    return done.returncode == 0


def _fuzz_one(target: Target, seconds: int) -> int:
    seeds = target.seeds()
    for seed in seeds:
        call(target, seed)
    if importlib.util.find_spec("atheris") is not None:
        _fuzz_with_engine(target, seeds, seconds)  # ends the process
    return _fuzz_plainly(target, seeds, seconds)


def _fuzz_plainly(target: Target, seeds: tuple[bytes, ...], seconds: int) -> int:
    ends, number, lures = time.monotonic() + seconds, 0, list_lures()
    path = Path(tempfile.gettempdir()) / f"crash-{target.name}"
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * _MIB, MEMORY_MB * _MIB))
    while time.monotonic() < ends:
        data = mutate(seeds, number, lures)
        path.write_bytes(data)  # stays when the input ends the process
        faulthandler.dump_traceback_later(TIMEOUT_S, exit=True)
        with nothing_outside():
            call(target, data)
        faulthandler.cancel_dump_traceback_later()
        number += 1
    path.unlink(missing_ok=True)
    print(f"{number} inputs")
    return 0


def _fuzz_with_engine(target: Target, seeds: tuple[bytes, ...], seconds: int) -> None:
    import atheris  # noqa: PLC0415  (for Linux only)

    def run(data: bytes) -> None:
        with nothing_outside():
            call(target, data)

    for function in _list_own_functions():
        atheris.instrument_func(function)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(seed)
        words = Path(folder).with_suffix(".dict")
        words.write_text("".join(f'"{_escape(word)}"\n' for word in (*TOKENS, *list_lures())), encoding="ascii")
        options = [
            f"-max_total_time={seconds}",
            f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-dict={words}",
        ]
        longest = 2 * max(len(seed) for seed in seeds) + 4096
        where = f"-artifact_prefix={tempfile.gettempdir()}/crash-{target.name}-"
        atheris.Setup([sys.argv[0], folder, *options, "-len_control=0", f"-max_len={longest}", where], run)
        atheris.Fuzz()


def _list_own_functions() -> Iterator[FunctionType]:
    """Yield what the engine must follow: the functions of our packages; all of Python's would take minutes."""
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] not in _OWN_PACKAGES:
            continue
        classes = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name]
        members = (member for one in classes for member in vars(one).values())
        for found in (*vars(module).values(), *members):
            function = getattr(found, "fget", getattr(found, "__func__", found))
            if isinstance(function, FunctionType) and function.__module__ == name:
                yield function


def _escape(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries have it."""
    return "".join(f"\\x{octet:02x}" for octet in word)


if __name__ == "__main__":
    sys.exit(main())
