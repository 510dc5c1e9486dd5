"""placeholder"""

from collections.abc import Iterator
from benchmarks.harness import Figure


def measure_all() -> Iterator[Figure]:
    yield from ()
