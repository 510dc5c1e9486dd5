"""Where a chunk of a batch is worked on: prepared without a key, then attached when its values are there.

A room remembers its prepared chunks between the two visits, opened documents included, so that nothing is read or
hashed twice; of a long chunk, made for a key that takes long lists, it remembers the digests alone.  What leaves it is
small: for each document the digests that wait, later what the workplace says of it.
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
        held = self._held.pop(number)
        return self._keep(held, [self._attach(one, answer) for one, answer in zip(held, answers, strict=True)])

    def work_through(self, names: Sequence[NameT], keys: KeyThreads) -> list[KeptT]:
        """Prepare, sign and attach one document after the other; return what the workplace says of each.

        For a key in memory, which works on some documents while the next is prepared.  One chunk is prepared at a time;
        while the last of its documents wait and while it is kept, the next chunk is at work.
        """
        held: list[_Held[NameT]] = []
        outcomes: dict[int, SigningResult | TranscriptError] = {}
        answers: Answers = SimpleQueue()
        with self._working:
            for place, name in enumerate(names):
                one = _Held(name, self._prepare(name))
                held.append(one)
                keys.submit(place, one.prepared.pendings if isinstance(one.prepared, PreparedTask) else {}, answers)
                while len(held) - len(outcomes) > keys.depth or not answers.empty():
                    self._attach_next(held, keys, answers, outcomes)
        while len(outcomes) < len(held):
            self._attach_next(held, keys, answers, outcomes)
        return self._keep(held, [outcomes[place] for place in range(len(held))])

    def _attach_next(
        self,
        held: Sequence[_Held[NameT]],
        keys: KeyThreads,
        answers: Answers,
        outcomes: dict[int, SigningResult | TranscriptError],
    ) -> None:
        """Attach the next answer; while there is none, help the key, or wait."""
        while answers.empty() and keys.help():
            pass
        place, answer = answers.get()
        if isinstance(answer, BaseException):
            raise answer
        outcomes[place] = self._attach(held[place], answer)

    def _prepare(self, name: NameT) -> PreparedTask | TranscriptError:
        try:
            with self._lock:
                task = self._workplace.open(name)
        except TranscriptError as error:
            return error
        return prepare_task(task, self._terms.identity, check=self._terms.check, at=self._terms.at)

    def _attach(self, one: _Held[NameT], answer: Answer) -> SigningResult | TranscriptError:
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

    def _keep(self, held: Sequence[_Held[NameT]], outcomes: Sequence[SigningResult | TranscriptError]) -> list[KeptT]:
        with self._lock:
            kept = [self._workplace.keep(one.name, outcome) for one, outcome in zip(held, outcomes, strict=True)]
            try:
                self._workplace.flush()
            except TranscriptError as error:
                return [self._workplace.keep(one.name, error) for one in held]
            return kept


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
