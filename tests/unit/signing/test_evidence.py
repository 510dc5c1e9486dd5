"""Evidence is complete or refused by name: chain, OCSP with nonce, CRL when OCSP fails, one cache of ten minutes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keys_dev.services import Responder
from signing.evidence import EvidenceCollector
from tests.support.pki import CREATED_AT, development_pki, make_pki, open_person
from tests.support.signers import make_signer
from transcript_core.clock import FixedClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.limits import EVIDENCE_CACHE_S
from transcript_core.pki.path import PathOutcome, SubIndication, validate_path
from transcript_core.pki.trust import TrustStore, World

Answering = Callable[[str, bytes], bytes]


@dataclass
class MovingClock:
    """A clock that a test moves."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class Network:
    """A `Fetch` over the development PKI, where addresses can be made to fail or to answer something else."""

    def __init__(self, *, dead: str | None = None, change: Answering = lambda url, answer: answer) -> None:
        self.clock = MovingClock(CREATED_AT)
        self._dead = dead
        self._change = change
        self.calls: list[str] = []

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        self.calls.append(url)
        if self._dead is not None and self._dead in url:
            raise EvidenceUnavailable(f"{url}: no answer")
        responder = Responder(development_pki(), self.clock)
        return self._change(url, responder(url, body=body, content_type=content_type, max_bytes=max_bytes))

    def count(self, part: str) -> int:
        return sum(part in url for url in self.calls)


def anchors_only() -> TrustStore:
    return TrustStore(development_pki().trust_store().anchors)


def collector(network: Network, trust: TrustStore | None = None) -> EvidenceCollector:
    return EvidenceCollector(network, trust or anchors_only(), network.clock)


@pytest.mark.parametrize("world", list(World))
def test_chain_and_status_prove_the_certificate_good(world: World) -> None:
    signer = open_person(world=world)
    evidence = collector(Network()).collect(signer.certificate)
    assert evidence.leaf == signer.certificate
    assert len(evidence.chain) == 2
    result = validate_path(
        signer.certificate,
        trust=anchors_only(),
        at=CREATED_AT,
        extra=evidence.chain,
        ocsps=evidence.ocsps,
        crls=evidence.crls,
    )
    assert (result.outcome, result.world) == (PathOutcome.VALID, world)


def test_every_certificate_below_the_anchor_has_a_status() -> None:
    evidence = collector(Network()).collect(open_person().certificate)
    assert len(evidence.ocsps) + len(evidence.crls) == len(evidence.chain)
    assert evidence.fetched_at == CREATED_AT


def test_the_chain_comes_from_the_signer_when_it_has_one() -> None:
    signer, network = open_person(), Network()
    collector(network).collect(signer.certificate, chain=signer.chain)
    assert network.count("/ca/") == 0


def test_the_crl_is_taken_when_the_responder_is_down() -> None:
    network = Network(dead="/ocsp/")
    evidence = collector(network).collect(open_person().certificate)
    assert evidence.crls
    assert evidence.ocsps == ()
    assert network.count("/ocsp/") >= 1


def test_a_replayed_ocsp_answer_is_not_taken() -> None:
    """Its nonce is an older request's; the CRL is asked instead."""
    kept: dict[str, bytes] = {}

    def replay(url: str, answer: bytes) -> bytes:
        return kept.setdefault(url, answer) if "/ocsp/" in url else answer

    signer, network = open_person(), Network(change=replay)
    collector(network).collect(signer.certificate)
    second = collector(network).collect(signer.certificate)
    assert second.ocsps == ()
    assert second.crls


@pytest.mark.parametrize("garbage", [b"", b"\x30\x00", b"<html>", b"\x30\x03\x0a\x01\x06"])
def test_garbage_for_an_ocsp_answer_is_passed_over(garbage: bytes) -> None:
    network = Network(change=lambda url, answer: garbage if "/ocsp/" in url else answer)
    assert collector(network).collect(open_person().certificate).crls


def test_nothing_usable_is_an_error_that_names_the_servers() -> None:
    signer = open_person()
    network = Network(change=lambda url, answer: b"junk" if "/ocsp/" in url or "/crl/" in url else answer)
    with pytest.raises(EvidenceUnavailable) as caught:
        collector(network).collect(signer.certificate)
    asked = {url for url, _ in caught.value.servers}
    assert {*signer.certificate.ocsp_urls, *signer.certificate.crl_urls} <= asked
    assert all(url in str(caught.value) for url in asked)


def test_a_stale_status_is_not_taken() -> None:
    """Both answers were right a month ago."""
    signer, network = open_person(), Network()
    late = EvidenceCollector(network, anchors_only(), FixedClock(CREATED_AT + timedelta(days=30)))
    with pytest.raises(EvidenceUnavailable):
        late.collect(signer.certificate)


def test_no_path_to_an_anchor_is_an_error() -> None:
    with pytest.raises(EvidenceUnavailable, match="no path"):
        collector(Network()).collect(make_signer("p-256").certificate)


def test_anchors_of_another_pki_do_not_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnavailable, match="no path"):
        collector(Network(), make_pki(tmp_path).trust_store()).collect(open_person().certificate)


def test_the_ca_certificate_is_fetched_by_its_address_and_its_loss_is_told() -> None:
    signer = open_person()
    with pytest.raises(EvidenceUnavailable) as caught:
        collector(Network(dead="/ca/")).collect(signer.certificate)
    assert {url for url, _ in caught.value.servers} == set(signer.certificate.ca_issuers_urls)


def test_what_leads_to_no_anchor_yet_is_asked_for_by_the_guarded_way_alone(tmp_path: Path) -> None:
    open_way, guarded = Network(), Network()
    trust = make_pki(tmp_path).trust_store()
    own = open_person()
    stranger = EvidenceCollector(open_way, trust, open_way.clock, fetch_unproven=guarded)
    with pytest.raises(EvidenceUnavailable, match="no path"):
        stranger.collect(own.certificate, chain=own.chain)
    assert open_way.calls == [], "no status either"
    assert open_way.count("/ca/") == 0
    known = EvidenceCollector(open_way, anchors_only(), open_way.clock, fetch_unproven=guarded)
    assert known.collect(own.certificate).ocsps
    assert open_way.count("/ca/") == 0
    assert guarded.calls
    assert guarded.count("/ca/") == len(guarded.calls)


def test_a_revoked_certificate_comes_with_the_proof_of_it() -> None:
    signer = open_person(f"Thu hồi {uuid.uuid4()}", "001170000999")
    network = Network()
    development_pki().revoke(signer.certificate, at=CREATED_AT - timedelta(hours=1))
    evidence = collector(network).collect(signer.certificate)
    result = validate_path(
        signer.certificate,
        trust=anchors_only(),
        at=CREATED_AT,
        extra=evidence.chain,
        ocsps=evidence.ocsps,
        crls=evidence.crls,
        signed_after=CREATED_AT,
    )
    assert result.sub_indication is SubIndication.REVOKED


def test_answers_serve_a_batch_and_are_asked_again_after_the_named_time() -> None:
    network = Network()
    store = collector(network)
    first, other = open_person(), open_person("Đặng Thị Hạnh", "001170000002")
    store.collect(first.certificate, chain=first.chain)
    assert len(network.calls) == 2  # the person's status and the CA's
    network.clock.at = CREATED_AT + timedelta(seconds=EVIDENCE_CACHE_S - 1)
    assert store.collect(first.certificate, chain=first.chain).fetched_at == CREATED_AT
    assert len(network.calls) == 2
    store.collect(other.certificate, chain=other.chain)
    assert len(network.calls) == 3
    network.clock.at = CREATED_AT + timedelta(seconds=EVIDENCE_CACHE_S)
    assert store.collect(first.certificate, chain=first.chain).fetched_at == network.clock.at
    assert len(network.calls) == 5
