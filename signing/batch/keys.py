"""The one place that asks the key: lists sized to it, as many at once as it allows, and never again once it is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import TypeAlias

from signing.batch.tasks import Answer, Wanted
from signing.signer import ParallelSigner, Pending, Signer, SigningIdentity
from transcript_core.errors import KeyUnavailable, SignatureMismatch, TranscriptError
from transcript_core.pki.algorithms import Scheme
from transcript_core.policy import SignatureFormat

_Place: TypeAlias = tuple[int, SignatureFormat, Pending]


class KeyDesk:
    """Turns digests into values for all chunks of one batch.  Its methods may be called from several threads.

    Args:
        identity: fixed for the batch; a signer that shows another certificate meanwhile is not asked any more.
    """

    def __init__(self, signer: Signer, identity: SigningIdentity) -> None:
        self._signer = signer
        self._identity = identity
        self._turns: SimpleQueue[None] = SimpleQueue()  # taken for each call, given back after it; quick, unlike locks
        for _ in range(count_parallel_calls(signer)):
            self._turns.put(None)
        self._lost: KeyUnavailable | None = None

    @property
    def lost(self) -> KeyUnavailable | None:
        """Return why the key is not asked any more, or None."""
        return self._lost

    def sign_one(self, wanted: Wanted) -> Answer:
        """Return the answer for one document: as `sign`, without a list to cut."""
        answer: dict[SignatureFormat, bytes | TranscriptError] = {}
        places = [(0, kind, one) for kind, one in wanted.items() if not self._refuse((0, kind, one), (answer,))]
        if places:
            for (_, kind, _), value in zip(places, self._sign(places), strict=True):
                answer[kind] = value
        return answer

    def sign(self, wanted: Sequence[Wanted]) -> list[Answer]:
        """Return the answers for the documents of one chunk, in their order."""
        answers: list[dict[SignatureFormat, bytes | TranscriptError]] = [{} for _ in wanted]
        todo = [(number, kind, one) for number, pendings in enumerate(wanted) for kind, one in pendings.items()]
        for places in _split([place for place in todo if not self._refuse(place, answers)], self._signer.list_size):
            for (number, kind, _), answer in zip(places, self._sign(places), strict=True):
                answers[number][kind] = answer
        return list(answers)

    def _refuse(self, place: _Place, answers: Sequence[dict[SignatureFormat, bytes | TranscriptError]]) -> bool:
        """Answer a digest that was prepared for another certificate, which the engine itself never makes."""
        number, kind, pending = place
        if pending.certificate_sha256 == self._identity.certificate.sha256:
            return False
        answers[number][kind] = SignatureMismatch(
            f"{pending.where}: prepared for another certificate than this batch's; prepare again"
        )
        return True

    def _sign(self, places: Sequence[_Place]) -> Sequence[bytes | TranscriptError]:
        self._turns.get()
        try:
            if self._lost is not None:
                return [self._lost] * len(places)
            values = self._ask([pending.digest for _, _, pending in places])
        except SignatureMismatch as error:  # of this list alone
            return [SignatureMismatch(f"{pending.where}: {error}") for _, _, pending in places]
        except KeyUnavailable as error:
            self._lost = error
            return [error] * len(places)
        finally:
            self._turns.put(None)
        if len(values) == len(places):
            return values
        return [_miscounted(pending, len(values), len(places)) for _, _, pending in places]

    def _ask(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        if self._signer.certificate.sha256 != self._identity.certificate.sha256:
            raise KeyUnavailable("the key's holder shows another certificate than when the batch began; start it anew")
        return self._signer.sign_digests(digests)


def count_parallel_calls(signer: Signer) -> int:
    """Return how many calls of `sign_digests` may be at work at once."""
    return max(1, signer.parallel_calls) if isinstance(signer, ParallelSigner) else 1


def is_in_memory(signer: Signer) -> bool:
    """Return whether the key takes lists of any length and works in several threads: one that was read from a file."""
    return signer.list_size is None and count_parallel_calls(signer) > 1


def count_key_threads(signer: Signer) -> int:
    """Return how many threads a key in memory works in: one for each core but that of the documents' own work.

    None for ECDSA, whose operation is over before another thread has woken up.
    """
    return 0 if signer.algorithm.scheme is Scheme.ECDSA else max(1, count_parallel_calls(signer) - 1)


def _split(places: Sequence[_Place], size: int | None) -> Iterator[Sequence[_Place]]:
    step = size or len(places) or 1
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _miscounted(pending: Pending, given: int, asked: int) -> SignatureMismatch:
    return SignatureMismatch(
        f"{pending.where}: the key's holder answered {given} values for a list of {asked} digests, so none of them "
        "is used; sign again"
    )
