"""One action of one person: many documents, both formats, one approval, at the speed of the key.

A batch is cut into chunks.  Each chunk is prepared, signed and attached in turn, and several chunks are under way at
once in lanes: while the key works on one, the next is prepared and the one before is attached.  A key in memory works
in threads of its own beside one lane that goes through its chunk document by document, and the other lane keeps what
is done.  The number under way is bounded, so memory stays flat however long the batch.  The key is held here and
nowhere else; RSA of the `cryptography` package works outside Python's lock, so threads are enough for it.

Documents are opened and kept in rooms: one in this process, or one in each worker process (`workers.py`).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, count, islice
from typing import Final, Generic

from signing.batch.beside import KeyThreads
from signing.batch.keys import KeyDesk, count_key_threads, count_parallel_calls, is_in_memory
from signing.batch.lanes import Lanes
from signing.batch.rooms import LocalRoom, Room
from signing.batch.tasks import SigningResult, SigningTask
from signing.batch.workers import WorkerRoom
from signing.batch.workplace import InMemory, KeptT, NameT, Terms, WorkerLost, Workplace
from signing.eligibility import SignerCheck
from signing.signer import ParallelSigner, Signer, SigningIdentity
from signing.timestamp import TimestampClient
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat

CHUNK: Final = 32
"""Documents of one chunk: with two formats a list of 64 digests, 45 ms of an RSA-2048 key.  Shorter chunks cost more
messages, longer ones more memory: a chunk that waits for a key elsewhere holds about 5 MiB."""

MAX_CHUNK: Final = 2_000
"""Documents of a chunk for a key whose holder takes long lists under one approval: 4,000 digests, whose states take
about 50 MiB."""

MIN_FOR_WORKERS: Final = 1_000
"""Documents from which worker processes may pay: each costs a second of a core before its first document."""

_CORES_OF_ONE_PROCESS: Final = 2
"""Cores that a single process fills: one with the documents, one with the key.  There, workers never pay: they only add
messages (1.3 ms a document without, 1.5 to 1.8 ms with them, 8,000 documents)."""

MAX_WORKERS: Final = 8
"""Worker processes at most: these keep the key busy on any machine, since the key's threads need cores too."""


def sign_batch(
    tasks: Iterable[SigningTask],
    signer: Signer,
    *,
    check: SignerCheck,
    at: datetime,
    evidence: Evidence | None = None,
    timestamps: TimestampClient | None = None,
    timestamp_evidence: Evidence | None = None,
    list_size: int | None = None,
) -> Iterator[SigningResult]:
    """Sign every task, which the caller holds in memory, and return its result, in the order of the tasks.

    Args:
        check: of this signer's certificate at `at`.
        at: the signing time that is signed, aware.
        evidence: of the certificate; put into the XML signatures.
        timestamps: asked for slots whose policy wants more than B-B; None: such slots stay at B-B.
        timestamp_evidence: of the authority behind `timestamps`, put into the XML beside its token; a PDF carries it in
            its security store, which the caller fills before the seal's task (`pades.append_evidence`).
        list_size: tasks of one chunk; None: as suits the signer.

    Returns:
        Results, made while they are read.  No error of a document or of the key is raised: it is in the results, and
        once the key is unavailable the remaining tasks carry that error, unsigned.
    """
    terms = Terms(SigningIdentity.of(signer), check, at, evidence, timestamp_evidence)
    return sign_named(tasks, InMemory(), signer, terms=terms, timestamps=timestamps, chunk_size=list_size)


def sign_named(
    names: Iterable[NameT],
    workplace: Workplace[NameT, KeptT],
    signer: Signer,
    *,
    terms: Terms,
    timestamps: TimestampClient | None = None,
    workers: int = 0,
    chunk_size: int | None = None,
) -> Generator[KeptT, None, None]:
    """Sign what these names stand for and return what the workplace says of each, in the order of the names.

    Args:
        names: taken as they are needed, a few chunks ahead.
        workplace: opens and keeps; must travel to other processes when `workers` is not 0.
        terms: fixed for the batch; its certificate is the signer's.
        timestamps: as for `sign_batch`; with workers, no slot may need any.
        workers: processes that prepare and attach; 0: this one does.
        chunk_size: names of one chunk; None: CHUNK, or as many as fill the longest list of the signer.

    Returns:
        What was kept, made while it is read; closing the iterator ends the work, and what was not told of counts as
        not done.  Errors of documents, of the key and of a worker that ended are the workplace's to tell of.
    """
    desk = KeyDesk(signer, terms.identity)
    chunks = _cut(names, chunk_size or _fit_chunk(signer))
    first = list(islice(chunks, 2))
    workers = workers if len(first) > 1 else 0
    with ExitStack() as stack:
        rooms: list[Room[NameT, KeptT]] = [
            stack.enter_context(closing(WorkerRoom(workplace, terms))) for _ in range(workers)
        ]
        rooms = rooms or [LocalRoom(workplace, terms, timestamps=timestamps)]
        beside = KeyThreads(desk.sign_one, count_key_threads(signer)) if is_in_memory(signer) and not workers else None
        keys = None if beside is None else stack.enter_context(beside)
        lanes = _count_lanes(signer, workers) if len(first) > 1 else 1
        works = [partial(_work, rooms[number % len(rooms)], desk, workplace, keys) for number in range(lanes)]
        if len(first) > 1:
            yield from Lanes(chain(first, chunks), works, limit=2 * lanes).run()
        else:
            yield from chain.from_iterable(map(works[0], first))


def _count_lanes(signer: Signer, workers: int) -> int:
    """Return the chunks under way at once.

    A key in memory has one at work and one that is kept; a key elsewhere as many as it works on, and one to be ready
    for it; each worker process two.
    """
    return max(2 if is_in_memory(signer) else count_parallel_calls(signer) + 1, 2 * workers)


def choose_workers(count: int) -> int:
    """Return how many worker processes suit a batch of `count` documents on this machine; 0: none."""
    cores = os.cpu_count() or 1
    return 0 if count < MIN_FOR_WORKERS or cores <= _CORES_OF_ONE_PROCESS else min(cores, MAX_WORKERS)


def _fit_chunk(signer: Signer) -> int:
    """Return the documents of a chunk: where each list is an approval of its own, as few lists as can be.

    A key elsewhere that takes lists of any length may ask for a PIN for each of them.
    """
    if signer.list_size is None:
        return CHUNK if isinstance(signer, ParallelSigner) else MAX_CHUNK
    return max(CHUNK, min(signer.list_size // len(SignatureFormat), MAX_CHUNK))


@dataclass(frozen=True, slots=True)
class _Chunk(Generic[NameT]):
    number: int
    names: Sequence[NameT]


def _cut(names: Iterable[NameT], size: int) -> Iterator[_Chunk[NameT]]:
    remaining = iter(names)
    for number in count():
        if not (taken := list(islice(remaining, size))):
            return
        yield _Chunk(number, taken)


def _work(
    room: Room[NameT, KeptT],
    desk: KeyDesk,
    workplace: Workplace[NameT, KeptT],
    keys: KeyThreads | None,
    chunk: _Chunk[NameT],
) -> list[KeptT]:
    """Prepare, sign and attach one chunk; a chunk that comes after the key was lost is not even opened."""
    if desk.lost is not None:
        return [workplace.keep(name, desk.lost) for name in chunk.names]
    if keys is not None and isinstance(room, LocalRoom):
        return room.work_through(chunk.names, keys)
    try:
        answers = desk.sign(room.prepare(chunk.number, chunk.names))
        return room.attach(chunk.number, answers)
    except WorkerLost as lost:
        return [workplace.keep(name, lost) for name in chunk.names]
