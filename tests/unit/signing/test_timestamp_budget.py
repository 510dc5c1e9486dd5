"""No authority is asked more often than it allows, whoever asks: across restarts, processes and outages."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys_dev.services import Responder
from signing.timestamp import COOL_DOWN, TimestampClient
from signing.timestamp_budget import RequestBudget, RequestLedger, TimestampAuthority, parse_authority
from tests.support.pki import CREATED_AT, development_pki
from transcript_core.clock import Clock, FixedClock
from transcript_core.errors import EvidenceUnavailable, InputError, TimestampRefused
from transcript_core.pki.timestamps import parse_timestamp

ROOT = Path(__file__).resolve().parents[3]
URL = "http://tsa.example/tsr"
OTHER = "http://other.example/tsr"
IMPRINT = bytes(range(32))
WINDOW = timedelta(minutes=20)
NATIONAL = TimestampAuthority(URL, RequestBudget(20, WINDOW, timedelta(days=1)))
START = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class MovableClock:
    at: datetime = CREATED_AT

    def now(self) -> datetime:
        return self.at


@dataclass
class Network:
    """A `Fetch` that answers for any address with the development authority's tokens, unless told to fail."""

    failures: dict[str, EvidenceUnavailable] = field(default_factory=dict)
    clock: Clock = field(default_factory=MovableClock)  # the authority's
    calls: list[str] = field(default_factory=list)

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        self.calls.append(url)
        if url in self.failures:
            raise self.failures[url]
        pki = development_pki()
        responder = Responder(pki, FixedClock(self.clock.now()))
        return responder(pki.tsa_url, body=body, content_type=content_type, max_bytes=max_bytes)


def test_a_setting_is_an_address_and_what_is_known_of_it() -> None:
    assert parse_authority(URL) == TimestampAuthority(URL)
    full = parse_authority(f"{URL}|budget=20/20min|block=1d|policy=1.2.3")
    assert full == TimestampAuthority(URL, RequestBudget(20, WINDOW, timedelta(days=1)), "1.2.3")
    assert parse_authority(f"{URL}|budget=5/90s").budget == RequestBudget(5, timedelta(seconds=90))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://tsa.example",
        f"{URL}|budget=20",
        f"{URL}|budget=0/20min",
        f"{URL}|budget=20/20",
        f"{URL}|budget=20/1d|budget=30/1d",
        f"{URL}|block=1d",
        f"{URL}|policy=one",
        f"{URL}|colour=red",
        f"{URL}|budget=20/20min|block=soon",
    ],
)
def test_a_setting_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_authority(text)


def test_the_budget_is_a_sliding_window_and_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    for number in range(20):
        assert RequestLedger(path).take(NATIONAL, START + number * timedelta(seconds=10)) is None
    assert RequestLedger(path).take(NATIONAL, START + WINDOW - timedelta(seconds=1)) == START + WINDOW
    assert RequestLedger(path).take(NATIONAL, START + WINDOW) is None
    assert RequestLedger(path).take(NATIONAL, START + WINDOW) == START + timedelta(seconds=10) + WINDOW


def test_an_authority_without_a_budget_costs_no_writing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    for _ in range(50):
        assert RequestLedger(path).take(TimestampAuthority(URL), START) is None
    assert not path.exists()


def test_processes_share_the_budget(tmp_path: Path) -> None:
    """Four processes try 10 requests each; together they are granted 20."""
    script = (
        "import sys; from pathlib import Path; from datetime import *;"
        "from signing.timestamp_budget import *;"
        f"ledger = RequestLedger(Path(sys.argv[1])); authority = parse_authority('{URL}|budget=20/20min');"
        "print(sum(ledger.take(authority, datetime(2026, 6, 1, tzinfo=UTC)) is None for _ in range(10)))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "ledger.json")]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    granted = [int(one.communicate(timeout=60)[0]) for one in running]
    assert sum(granted) == 20


def test_a_ledger_that_cannot_be_read_lets_nothing_through(tmp_path: Path) -> None:
    for content in (b"{", b"[]", b'{"format": "other", "authorities": {}}', b'{"format": 1}'):
        (tmp_path / "ledger.json").write_bytes(content)
        with pytest.raises(TimestampRefused) as caught:
            RequestLedger(tmp_path / "ledger.json").take(NATIONAL, START)
        assert caught.value.reason == "ledger"


def test_out_of_budget_the_next_authority_is_asked_and_the_refusal_says_when_to_come_back() -> None:
    clock, ledger = MovableClock(), RequestLedger()
    network = Network(clock=clock)
    small = TimestampAuthority(URL, RequestBudget(1, WINDOW))
    other = TimestampAuthority(OTHER, RequestBudget(1, 2 * WINDOW))
    client = TimestampClient([small, other], network, ledger=ledger, clock=clock)
    client.request(IMPRINT)
    client.request(IMPRINT)
    assert network.calls == [URL, OTHER]
    with pytest.raises(TimestampRefused) as caught:
        client.request(IMPRINT)
    assert network.calls == [URL, OTHER]
    assert (caught.value.reason, caught.value.retry_at) == ("out-of-budget", CREATED_AT + WINDOW)
    clock.at += WINDOW
    assert parse_timestamp(client.request(IMPRINT)).imprint == IMPRINT


def test_retry_after_and_the_declared_block_are_remembered_by_all(tmp_path: Path) -> None:
    overdrawn = EvidenceUnavailable("it answered 429", status=429, retry_after_s=120.0)
    path, clock = tmp_path / "ledger.json", MovableClock()
    network = Network(failures={URL: overdrawn}, clock=clock)
    with pytest.raises(TimestampRefused) as caught:
        TimestampClient([NATIONAL], network, ledger=RequestLedger(path), clock=clock).request(IMPRINT)
    assert (caught.value.reason, caught.value.retry_at) == ("blocked", CREATED_AT + timedelta(days=1))
    network.failures.clear()
    clock.at += timedelta(hours=23)
    with pytest.raises(TimestampRefused, match="budget"):
        TimestampClient([NATIONAL], network, ledger=RequestLedger(path), clock=clock).request(IMPRINT)
    assert network.calls == [URL]
    clock.at += timedelta(hours=1)
    TimestampClient([NATIONAL], network, ledger=RequestLedger(path), clock=clock).request(IMPRINT)


def test_an_authority_that_is_down_is_left_alone_for_a_while() -> None:
    clock = MovableClock()
    network = Network(failures={URL: EvidenceUnavailable("no route")}, clock=clock)
    client = TimestampClient([URL], network, clock=clock)
    for _ in range(3):
        with pytest.raises(TimestampRefused) as caught:
            client.request(IMPRINT)
        assert caught.value.retry_at == CREATED_AT + COOL_DOWN
    assert network.calls == [URL]
    clock.at += COOL_DOWN
    network.failures.clear()
    client.request(IMPRINT)


def test_the_authoritys_certificates_are_remembered_without_another_request(tmp_path: Path) -> None:
    network, path = Network(), tmp_path / "ledger.json"
    TimestampClient([URL], network, ledger=RequestLedger(path), clock=network.clock).request(IMPRINT)
    (first, *_) = TimestampClient([URL], network, ledger=RequestLedger(path), clock=network.clock).list_certificates()
    assert first.is_timestamping
    assert network.calls == [URL]


@pytest.mark.parametrize("size", [48, 64])
def test_longer_imprints_are_stamped_with_their_own_hash(size: int) -> None:
    stamp = parse_timestamp(TimestampClient([URL], Network(), clock=MovableClock()).request(bytes(size)))
    assert (len(stamp.imprint), stamp.imprint_hash) == (size, {48: "sha384", 64: "sha512"}[size])
