"""What does a whole school cost, from the data to all signatures?  Control: the raw time of its private operations.

500 pupils in classes of 40, each with 19 slots in two formats, on both cores: two processes share the pupils, as two
workers of an installation would.  Each renders its documents (PDF pages included) and then signs slot after slot
through the engine; documents stay open from signer to signer.  Starting the processes and opening the keys is not
counted; both sides use the same processes' cores in alternating rounds.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.harness import Bound, Figure, Pace, compare
from benchmarks.material import advance, build_stored, sign_position, work_raw

PUPILS: Final = 500
SLOTS: Final = 19
_PROCESSES: Final = 2
_ROUNDS: Final = 3


def measure_all(pace: Pace) -> Iterator[Figure]:
    """Yield the figure of a school."""
    pupils = PUPILS // pace.shrink
    context = multiprocessing.get_context("spawn")
    pipes = []
    for _ in range(_PROCESSES):
        ours, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs,), daemon=True).start()
        pipes.append(ours)
    try:
        _ask(pipes, [("warm up", number, number + 1) for number in range(_PROCESSES)])
        rounds = [_measure_round(pipes, pupils) for _ in range(min(pace.rounds, _ROUNDS))]
    finally:
        for pipe in pipes:
            pipe.send(None)
    operations = pupils * SLOTS * 2
    yield compare(
        f"lower secondary school, {pupils} pupils × {SLOTS} slots × 2 formats with PDF pages, seconds",
        rounds,
        control_name=f"raw time of its {operations:,} private operations on both cores",
        must_reach=2.1,
        unit="s",
        bound=Bound.AT_MOST,
    )


def _measure_round(pipes: list[Connection], pupils: int) -> tuple[float, float]:
    half = pupils // _PROCESSES
    spans = [(number * half, (number + 1) * half) for number in range(_PROCESSES)]
    made, raw = (_ask(pipes, [(what, *span) for span in spans]) for what in ("school", "raw"))
    return made, raw


def _ask(pipes: list[Connection], orders: list[tuple[str, int, int]]) -> float:
    """Return the seconds until the last process has done its order."""
    start = time.perf_counter()
    for pipe, order in zip(pipes, orders, strict=True):
        pipe.send(order)
    for pipe in pipes:
        pipe.recv()
    return time.perf_counter() - start


def _serve(pipe: Connection) -> None:
    """Do orders until there are no more."""
    while (order := pipe.recv()) is not None:
        what, first, last = order
        if what == "raw":
            work_raw((last - first) * SLOTS * 2)
        else:
            _make_documents(first, last)
        pipe.send(None)


def _make_documents(first: int, last: int) -> None:
    """Render and sign the documents of these pupils; the last step is what a store would keep."""
    documents = [build_stored(number) for number in range(first, last)]
    for position in range(SLOTS):
        documents = advance(documents, sign_position(documents, position))
    assert all(pdf.count(b"/ByteRange") == SLOTS for _, pdf in (one.octets for one in documents))
