"""The RFC 3161 client takes a token only when it answers exactly its request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp

from keys_dev.services import Responder
from signing import xades
from signing.signer import SigningIdentity
from signing.timestamp import COOL_DOWN, MAX_CLOCK_DIFFERENCE, TimestampClient, build_query, check_answer, name_refusal
from tests.support.pki import CREATED_AT, development_pki, make_pki
from tests.support.signed import SIGNED_AT, build_unsigned
from tests.support.signers import make_signer
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.clock import FixedClock
from transcript_core.errors import EvidenceUnavailable, TimestampRefused
from transcript_core.limits import MAX_TIMESTAMP_BYTES
from transcript_core.model import SchoolLevel
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.pki.trust import TrustStore
from transcript_core.xml import read_document

IMPRINT = bytes(range(32))
DEAD = "http://tsa.invalid/"
WRONG_CLOCK = "http://wrong-clock.invalid/"


class Recorder:
    """A `Fetch` over the development PKI that may change requests and answers and counts the calls."""

    def __init__(
        self, change: Callable[[bytes], bytes] = lambda answer: answer, *, wrong_by: timedelta = timedelta()
    ) -> None:
        self._responder = Responder(development_pki(), FixedClock(CREATED_AT))
        self._late = Responder(development_pki(), FixedClock(CREATED_AT + wrong_by))
        self._change = change
        self.calls: list[str] = []

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        self.calls.append(url)
        if url == DEAD:
            raise EvidenceUnavailable(f"{url}: no answer")
        assert content_type == "application/timestamp-query"
        assert max_bytes == MAX_TIMESTAMP_BYTES
        responder = self._late if WRONG_CLOCK in url else self._responder
        asked = tsa_url() if WRONG_CLOCK in url else url
        return self._change(responder(asked, body=body, content_type=content_type, max_bytes=max_bytes))


def tsa_url() -> str:
    return development_pki().tsa_url


def open_client(
    urls: Sequence[str], fetch: Fetch, *, policy: str | None = None, trust: TrustStore | None = None
) -> TimestampClient:
    """Return a client whose clock is the development authority's."""
    return TimestampClient(urls, fetch, policy=policy, trust=trust, clock=FixedClock(CREATED_AT))


def test_a_token_covers_the_imprint_and_leads_to_an_anchor() -> None:
    client = open_client([tsa_url()], Recorder(), trust=development_pki().trust_store())
    stamp = parse_timestamp(client.request(IMPRINT))
    assert (stamp.imprint, stamp.time) == (IMPRINT, CREATED_AT)
    assert stamp.certificate is not None


def test_each_request_has_a_nonce_of_its_own() -> None:
    client = open_client([tsa_url()], Recorder())
    assert parse_timestamp(client.request(IMPRINT)).nonce != parse_timestamp(client.request(IMPRINT)).nonce


def test_the_next_authority_is_asked_when_one_is_down() -> None:
    recorder = Recorder()
    open_client([DEAD, tsa_url()], recorder).request(IMPRINT)
    assert recorder.calls == [DEAD, tsa_url()]


def test_the_refusal_names_every_authority_and_its_reason() -> None:
    other = "http://other.invalid/"
    with pytest.raises(TimestampRefused) as caught:
        open_client([DEAD, other], Recorder()).request(IMPRINT)
    assert [url for url, _ in caught.value.reasons] == [DEAD, other]
    assert DEAD in str(caught.value)
    assert other in str(caught.value)


def test_without_an_authority_there_is_no_client() -> None:
    with pytest.raises(TimestampRefused):
        TimestampClient([], Recorder())


@pytest.mark.parametrize(
    "wrong_by", [-timedelta(days=200), -2 * MAX_CLOCK_DIFFERENCE, 2 * MAX_CLOCK_DIFFERENCE, timedelta(days=40)]
)
def test_a_token_of_another_time_is_refused(wrong_by: timedelta) -> None:
    client = open_client([WRONG_CLOCK], Recorder(wrong_by=wrong_by), trust=development_pki().trust_store())
    with pytest.raises(TimestampRefused, match="set the clock that is wrong") as caught:
        client.request(IMPRINT)
    assert caught.value.reason == "other-time"
    assert caught.value.retry_at == CREATED_AT + COOL_DOWN


@pytest.mark.parametrize("wrong_by", [-MAX_CLOCK_DIFFERENCE, MAX_CLOCK_DIFFERENCE])
def test_clocks_may_differ_a_little(wrong_by: timedelta) -> None:
    token = open_client([WRONG_CLOCK], Recorder(wrong_by=wrong_by)).request(IMPRINT)
    assert parse_timestamp(token).time == CREATED_AT + wrong_by


def test_the_next_authority_is_asked_when_a_clock_is_wrong_and_the_wrong_one_rests() -> None:
    recorder = Recorder(wrong_by=timedelta(days=40))
    client = open_client([WRONG_CLOCK, tsa_url()], recorder)
    assert {parse_timestamp(client.request(IMPRINT)).time for _ in range(2)} == {CREATED_AT}
    assert recorder.calls == [WRONG_CLOCK, tsa_url(), tsa_url()]


def test_a_refusal_can_be_given_the_name_of_its_slot() -> None:
    with pytest.raises(TimestampRefused) as caught:
        open_client([DEAD], Recorder()).request(IMPRINT)
    named = name_refusal("document A/1, slot gvcn", caught.value)
    assert str(named) == f"document A/1, slot gvcn: {caught.value}"
    assert (named.reason, named.reasons) == (caught.value.reason, caught.value.reasons)
    assert named.retry_at == caught.value.retry_at


def test_an_answer_to_another_request_is_refused() -> None:
    """A replayed answer has the right imprint and an old nonce."""
    recorder = Recorder()
    old = recorder(
        tsa_url(),
        body=build_query(IMPRINT, 5),
        content_type="application/timestamp-query",
        max_bytes=MAX_TIMESTAMP_BYTES,
    )
    with pytest.raises(TimestampRefused, match="nonce"):
        open_client([tsa_url()], Recorder(lambda _: old)).request(IMPRINT)
    with pytest.raises(TimestampRefused, match="imprint"):
        open_client([tsa_url()], Recorder(lambda _: old)).request(IMPRINT[::-1])


def test_another_policy_is_refused() -> None:
    with pytest.raises(TimestampRefused, match="policy"):
        open_client([tsa_url()], Recorder(), policy="1.2.3.4").request(IMPRINT)


def refusal(status: str) -> bytes:
    info: bytes = tsp.PKIStatusInfo({"status": status, "fail_info": {"bad_alg"}}).dump()
    return b"\x30" + bytes([len(info)]) + info


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "not an RFC 3161 response"),
        (b"<html></html>", "not an RFC 3161 response"),
        (b"\x30\x03\x02\x01\x00", "not an RFC 3161 response"),
        (refusal("rejection"), "bad_alg"),
        (refusal("granted"), "not an RFC 3161 response"),
        (b"\x30" * (MAX_TIMESTAMP_BYTES + 1), "longer"),
    ],
)
def test_an_answer_without_a_token_is_refused(answer: bytes, reason: str) -> None:
    with pytest.raises(TimestampRefused, match=reason):
        open_client([tsa_url()], Recorder(lambda _: answer)).request(IMPRINT)


def test_every_altered_byte_of_the_answer_is_refused_or_harmless() -> None:
    """Whatever a broken authority answers, the client raises its own error or returns a token over the imprint."""
    recorder = Recorder()
    query = build_query(IMPRINT, 7)
    answer = recorder(tsa_url(), body=query, content_type="application/timestamp-query", max_bytes=MAX_TIMESTAMP_BYTES)
    for position in range(0, len(answer), 7):
        altered = bytearray(answer)
        altered[position] ^= 0x55
        try:
            assert check_answer(bytes(altered), IMPRINT, 7).imprint == IMPRINT
        except TimestampRefused:
            continue


def test_a_token_of_an_unknown_authority_is_refused_when_anchors_are_given(tmp_path: Path) -> None:
    stranger = make_pki(tmp_path).trust_store()
    with pytest.raises(TimestampRefused, match="believed"):
        open_client([tsa_url()], Recorder(), trust=stranger).request(IMPRINT)


def test_a_token_with_a_broken_signature_is_refused_when_anchors_are_given() -> None:
    def break_end(answer: bytes) -> bytes:
        return answer[:-1] + bytes([answer[-1] ^ 1])

    trust = development_pki().trust_store()
    with pytest.raises(TimestampRefused, match="verify"):
        open_client([tsa_url()], Recorder(break_end), trust=trust).request(IMPRINT)


@pytest.mark.parametrize("imprint", [b"", bytes(20), bytes(33)])
def test_an_imprint_of_the_wrong_length_is_never_sent(imprint: bytes) -> None:
    recorder = Recorder()
    with pytest.raises(TimestampRefused):
        open_client([tsa_url()], recorder).request(imprint)
    assert recorder.calls == []


def test_a_timestamp_is_attached_and_one_for_another_signature_is_not() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    pending = xades.prepare(document, slots[0], identity, at=SIGNED_AT, policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    client = open_client([tsa_url()], Recorder())
    token = client.request(xades.timestamp_imprint(pending, value))
    signed = xades.attach(document, pending, value, identity=identity, timestamp=token)
    assert b"<xades:SignatureTimeStamp>" in signed
    assert canonicalize(parse_xml(signed)) == signed
    for wrong in (client.request(IMPRINT), b"", b"\x30\x00"):
        with pytest.raises(TimestampRefused):
            xades.attach(document, pending, value, identity=identity, timestamp=wrong)


def test_the_authoritys_certificates_are_known_before_the_first_document_and_asked_for_once() -> None:
    recorder = Recorder()
    client = open_client([tsa_url()], recorder)
    certificates = client.list_certificates()
    assert certificates[0].is_timestamping
    assert parse_timestamp(client.request(IMPRINT)).certificate == certificates[0]
    assert client.list_certificates() == certificates
    assert len(recorder.calls) == 2


def test_evidence_of_the_authority_goes_beside_its_token_and_nothing_is_written_twice() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    pending = xades.prepare(document, slots[0], identity, at=SIGNED_AT, policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    client = open_client([tsa_url()], Recorder())
    own = Evidence((signer.certificate, *signer.chain), (b"\x30own",), (b"\x30same",), SIGNED_AT)
    authoritys = Evidence(client.list_certificates(), (b"\x30tsa",), (b"\x30same",), SIGNED_AT)

    def count(token: bytes | None, element: str) -> int:
        signed = xades.attach(
            document,
            pending,
            value,
            identity=identity,
            evidence=own,
            timestamp=token,
            timestamp_evidence=authoritys,
        )
        assert canonicalize(parse_xml(signed)) == signed
        assert set(read_document(signed).signed) == {slots[0].slot_id}
        return signed.count(f"<xades:{element}>".encode())

    token = client.request(xades.timestamp_imprint(pending, value))
    assert count(token, "EncapsulatedOCSPValue") == 2
    assert count(token, "EncapsulatedCRLValue") == 1
    assert count(token, "EncapsulatedX509Certificate") == len(authoritys.chain)
    assert count(None, "EncapsulatedOCSPValue") == 1
