"""Values that wait for the service: kept while they wait, for their owner alone, and not touched by another agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.signing.key_side import sign_list
from service.signing.outbox import Outbox
from service.signing.values import SignedValue
from tests.support.signers import make_signer
from tests.unit.service.test_signing_lists import make_list

SERVICE = "https://hocba.example"


@pytest.fixture
def values() -> list[SignedValue]:
    signer = make_signer("p-256")
    return [value for chunk in sign_list(make_list(signer), signer) for value in chunk.values]


def test_what_was_taken_leaves_nothing_behind(tmp_path: Path, values: list[SignedValue]) -> None:
    outbox, head = Outbox.of(tmp_path, SERVICE), make_list(make_signer("p-256")).head
    with outbox.open(head) as waiting:
        waiting.add(values[:4])
        assert outbox.holds(head.batch_id)
        waiting.take(values[:4])
    assert not outbox.holds(head.batch_id)
    assert list(tmp_path.iterdir()) == []
    with outbox.open(head):
        pass  # nobody signed
    assert list(tmp_path.iterdir()) == []


def test_what_waits_survives_an_error_and_is_found_by_the_next_run(tmp_path: Path, values: list[SignedValue]) -> None:
    outbox, head = Outbox.of(tmp_path, SERVICE), make_list(make_signer("p-256")).head

    def cut_off() -> None:
        with outbox.open(head) as waiting:
            waiting.add(values[:2])
            waiting.take(values[:2])
            waiting.add(values[2:])
            assert outbox.list_left() == [], "an agent at work is left alone"
            raise ConnectionError

    with pytest.raises(ConnectionError):
        cut_off()
    (left,) = Outbox.of(tmp_path, f"{SERVICE}/").list_left()
    assert (left.head.batch_id, list(left.values)) == (head.batch_id, values)
    assert Outbox.of(tmp_path, "https://another.example").list_left() == []
    outbox.remove(head.batch_id)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_is_of_no_use(tmp_path: Path) -> None:
    outbox = Outbox.of(tmp_path, SERVICE)
    outbox.folder.mkdir(parents=True)
    (outbox.folder / "x.jsonl").write_bytes(b"{")
    assert outbox.list_left() == []
    assert list(tmp_path.iterdir()) == []


def test_a_batch_s_name_leads_nowhere_else(tmp_path: Path) -> None:
    outbox = Outbox.of(tmp_path / "home", SERVICE)
    (tmp_path / "victim.jsonl").write_bytes(b"")
    outbox.remove("../../../victim")
    assert (tmp_path / "victim.jsonl").exists()
    assert not outbox.holds("../../../victim")
