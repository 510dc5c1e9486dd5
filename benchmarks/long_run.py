"""One long batch in a process of its own: seconds a document, and how resident memory grows.  Prints JSON.

Both formats of a teacher's slot, documents read from a folder, no worker processes: `python -m benchmarks.long_run`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.harness import time_of
from benchmarks.material import build_folder, terms_of
from benchmarks.workplaces import FolderWorkplace
from signing.batch import sign_named
from signing.signer import Signer

LONG: Final = 10_000
SHORT: Final = 100
GROWN_FROM: Final = 200
_DIFFERENT: Final = 250
_SHORT_ROUNDS: Final = 9


def main() -> None:
    """Measure and print."""
    long = LONG // int(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        workplace, signer = build_folder(Path(folder), _DIFFERENT)
        _sign(workplace, signer, SHORT)
        before = [_time(workplace, signer, SHORT) for _ in range(_SHORT_ROUNDS)]
        memory: list[float] = []
        long_ms = 1000 / long * time_of(lambda: memory.extend(_sign(workplace, signer, long)))
        after = [_time(workplace, signer, SHORT) for _ in range(_SHORT_ROUNDS)]
    result = {
        "long_ms": long_ms,
        "short_ms": before + after,
        "grown_from": GROWN_FROM,
        "grown_mib": memory[1] - memory[0],
    }
    sys.stdout.write(json.dumps(result))


def _time(workplace: FolderWorkplace, signer: Signer, count: int) -> float:
    return 1000 / count * time_of(lambda: _sign(workplace, signer, count))


def _sign(workplace: FolderWorkplace, signer: Signer, count: int) -> tuple[float, float]:
    """Sign and return resident memory, MiB, at document `GROWN_FROM` and at the end."""
    start = 0.0
    for number, trouble in enumerate(sign_named(range(count), workplace, signer, terms=terms_of(signer)), start=1):
        assert not trouble, trouble
        if number == GROWN_FROM:
            start = _read_resident_mib()
    return start, _read_resident_mib()


def _read_resident_mib() -> float:
    """Return VmRSS; Linux alone tells it so."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the system does not tell the resident memory")


if __name__ == "__main__":
    main()
