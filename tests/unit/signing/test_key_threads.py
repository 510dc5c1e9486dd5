"""A key in memory works beside the thread that prepares and attaches, and every answer finds its document."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from signing.batch.beside import Answers, KeyThreads
from signing.batch.keys import count_key_threads
from signing.batch.tasks import Answer, Wanted
from tests.support.signers import MemorySigner, make_signer
from transcript_core.policy import SignatureFormat


class Parallel(MemorySigner):
    """A key that works in four threads."""

    parallel_calls = 4


def open_parallel(kind: str) -> Parallel:
    inner = make_signer(kind)
    return Parallel(inner.certificate, inner.chain, inner.algorithm, inner.key)


def take(answers: Answers, count: int) -> dict[int, Answer | BaseException]:
    return dict(answers.get(timeout=20) for _ in range(count))


def test_one_core_is_left_to_the_documents_and_ecdsa_needs_no_thread() -> None:
    assert count_key_threads(open_parallel("rsa-2048")) == 3
    assert count_key_threads(make_signer("rsa-2048")) == 1
    assert count_key_threads(open_parallel("p-256")) == 0


def test_threads_work_side_by_side_and_answers_carry_their_places() -> None:
    both = threading.Barrier(2, timeout=20)

    def sign(wanted: Wanted) -> Answer:
        both.wait()  # broken, hence an error, unless two threads meet
        return dict.fromkeys(wanted, threading.current_thread().name.encode())

    answers: Answers = SimpleQueue()
    with KeyThreads(sign, 2) as keys:
        for place in range(6):
            keys.submit(place, {SignatureFormat.XADES: None}, answers)  # type: ignore[dict-item]  # not looked at
        found = take(answers, 6)
    assert set(found) == set(range(6))
    names = {value for one in found.values() if isinstance(one, dict) for value in one.values()}
    assert names == {b"signing-key-0", b"signing-key-1"}


def test_without_threads_the_caller_signs_before_it_goes_on() -> None:
    here = threading.current_thread()
    seen: list[threading.Thread] = []

    def sign(wanted: Wanted) -> Answer:
        seen.append(threading.current_thread())
        return {}

    answers: Answers = SimpleQueue()
    with KeyThreads(sign, 0) as keys:
        keys.submit(7, {}, answers)
        assert (answers.get_nowait(), seen, keys.depth) == ((7, {}), [here], 0)


def test_a_defect_in_a_thread_reaches_the_one_who_waits() -> None:
    def sign(wanted: Wanted) -> Answer:
        raise ZeroDivisionError

    answers: Answers = SimpleQueue()
    with KeyThreads(sign, 1) as keys:
        keys.submit(0, {}, answers)
        keys.submit(1, {}, answers)
        assert [type(one) for one in take(answers, 2).values()] == [ZeroDivisionError] * 2


def test_threads_end_with_their_block() -> None:
    with pytest.raises(KeyError), KeyThreads(lambda wanted: {}, 3):
        raise KeyError
    assert not [one for one in threading.enumerate() if one.name.startswith("signing-key-")]
