"""Where a chunk of a batch is worked on: prepared without a key, then attached when its values are there.

A room remembers its prepared chunks between the two visits, opened documents included, so that nothing is read or
hashed twice; of a long chunk, made for a key that takes long lists, it remembers the digests alone.  A signed document
is handed to the workplace at once and forgotten, so memory holds those under way and the processor's caches hold them
too.  What leaves a room is small: for each document the digests that wait, later what the workplace says of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Lock
from typing import Final, Generic, Protocol

from signing.batch.beside import Answers, KeyThreads
from signing.batch.tasks import Answer, PreparedTask, SigningResult, Wanted, attach_task, prepare_task
from signing.batch.workplace import KeptT, NameT, NameT_contra, Terms, Workplace
from signing.signer import Pending
from signing.timestamp import TimestampClient
from transcript_core.errors import TranscriptError
from transcript_core.policy import SignatureFormat

MAX_KEPT_OPEN: Final = 64
"""Documents of one chunk that stay opened between the visits, half a MiB each; those of a longer one are read again."""


class Room(Protocol[NameT_contra, KeptT]):
    """One place to work at; in this process or in another."""

    def prepare(self, number: int, names: Sequence[NameT_contra]) -> list[Wanted]:
        """Open and prepare the chunk of this number; return the digests of each name, none where it was refused."""
        ...

    def attach(self, number: int, answers: Sequence[Answer]) -> list[KeptT]:
        """Attach the values to the prepared chunk, keep the documents, forget the chunk."""
        ...


@dataclass(frozen=True, slots=True)
class _Closed:
    """A prepared task without its documents."""

    pendings: Mapping[SignatureFormat, Pending]
    errors: Mapping[SignatureFormat, TranscriptError]


@dataclass(frozen=True, slots=True)
class _Held(Generic[NameT]):
    name: NameT
    prepared: PreparedTask | _Closed | TranscriptError


class LocalRoom(Generic[NameT, KeptT]):
    """A room in this process.

    Args:
        timestamps: asked for slots whose policy wants more than B-B; None: such slots stay at B-B.
    """

    def __init__(
        self, workplace: Workplace[NameT, KeptT], terms: Terms, *, timestamps: TimestampClient | None = None
    ) -> None:
        self._workplace = workplace
        self._terms = terms
        self._timestamps = timestamps
        self._held: dict[int, list[_Held[NameT]]] = {}
        self._failures: list[TranscriptError] = []  # of `flush`, which tells of everything that was kept before it
        self._lock = Lock()
        self._working = Lock()

    def prepare(self, number: int, names: Sequence[NameT]) -> list[Wanted]:
        """As `Room.prepare`."""
        hold = _Held if len(names) <= MAX_KEPT_OPEN else _hold_closed
        held = [hold(name, self._prepare(name)) for name in names]
        self._held[number] = held
        return [_list_wanted(one.prepared) for one in held]

    def attach(self, number: int, answers: Sequence[Answer]) -> list[KeptT]:
        """As `Room.attach`."""
        held, failed_before = self._held.pop(number), len(self._failures)
        names = [one.name for one in held]
        kept = [self._attach(held.pop(0), answer) for answer in answers]
        return self._settle(names, kept, failed_before)

    def work_through(self, names: Sequence[NameT], keys: KeyThreads) -> list[KeptT]:
        """Prepare, sign and attach one document after the other; return what the workplace says of each.

        For a key in memory, which works on some documents while the next is prepared.  One chunk is prepared at a time;
        while the last of its documents wait and while it is kept, the next chunk is at work.
        """
        held: dict[int, _Held[NameT]] = {}  # by place, those that wait for their values
        kept: dict[int, KeptT] = {}
        answers: Answers = SimpleQueue()
        failed_before = len(self._failures)
        with self._working:
            for place, name in enumerate(names):
                held[place] = one = _Held(name, self._prepare(name))
                keys.submit(place, one.prepared.pendings if isinstance(one.prepared, PreparedTask) else {}, answers)
                del one
                while len(held) > keys.depth or not answers.empty():
                    self._attach_next(held, keys, answers, kept)
        while held:
            self._attach_next(held, keys, answers, kept)
        return self._settle(names, [kept[place] for place in range(len(names))], failed_before)

    def _attach_next(
        self, held: dict[int, _Held[NameT]], keys: KeyThreads, answers: Answers, kept: dict[int, KeptT]
    ) -> None:
        """Attach the next answer; while there is none, help the key, or wait."""
        while answers.empty() and keys.help():
            pass
        place, answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        kept[place] = self._attach(held.pop(place), answer)

    def _prepare(self, name: NameT) -> PreparedTask | TranscriptError:
        try:
            with self._lock:
                task = self._workplace.open(name)
        except TranscriptError as error:
            return error
        return prepare_task(task, self._terms.identity, check=self._terms.check, at=self._terms.at)

    def _attach(self, one: _Held[NameT], answer: Answer) -> KeptT:
        """Attach the values to a document and keep it."""
        outcome = self._finish(one, answer)
        with self._lock:
            return self._workplace.keep(one.name, outcome)

    def _finish(self, one: _Held[NameT], answer: Answer) -> SigningResult | TranscriptError:
        prepared = self._open_again(one.name, one.prepared) if isinstance(one.prepared, _Closed) else one.prepared
        if isinstance(prepared, TranscriptError):
            return prepared
        values = {kind: value for kind, value in answer.items() if isinstance(value, bytes)}
        return attach_task(
            _leave_out(prepared, answer),
            values,
            identity=self._terms.identity,
            evidence=self._terms.evidence,
            timestamps=self._timestamps,
            timestamp_evidence=self._terms.timestamp_evidence,
        )

    def _open_again(self, name: NameT, closed: _Closed) -> PreparedTask | TranscriptError:
        """Return the task as it is now; what changed since it was prepared is found out when it is attached."""
        try:
            with self._lock:
                return PreparedTask(self._workplace.open(name), None, closed.pendings, closed.errors)
        except TranscriptError as error:
            return error

    def _settle(self, names: Sequence[NameT], kept: list[KeptT], failed_before: int) -> list[KeptT]:
        """Make a chunk durable; what was kept of it before any `flush` failed, another chunk's included, is not."""
        with self._lock:
            try:
                self._workplace.flush()
            except TranscriptError as error:
                self._failures.append(error)
            if len(self._failures) == failed_before:
                return kept
            return [self._workplace.keep(name, self._failures[-1]) for name in names]


def _hold_closed(name: NameT, prepared: PreparedTask | TranscriptError) -> _Held[NameT]:
    if isinstance(prepared, TranscriptError):
        return _Held(name, prepared)
    return _Held(name, _Closed(prepared.pendings, prepared.errors))


def _list_wanted(prepared: PreparedTask | _Closed | TranscriptError) -> Wanted:
    if isinstance(prepared, TranscriptError):
        return {}
    return {kind: replace(pending, state={}) for kind, pending in prepared.pendings.items()}


def _leave_out(prepared: PreparedTask, answer: Answer) -> PreparedTask:
    """Return the task without the digests that got no value; a PDF is not signed when its XML was to be and is not."""
    errors = {kind: error for kind, error in answer.items() if isinstance(error, TranscriptError)}
    if SignatureFormat.XADES in errors:
        errors = dict.fromkeys(prepared.pendings, errors[SignatureFormat.XADES])
    if not errors:
        return prepared
    waiting = {kind: pending for kind, pending in prepared.pendings.items() if kind not in errors}
    return replace(prepared, pendings=waiting, errors={**prepared.errors, **errors})
