"""A JWS is made in two phases, verifies with the core's own reader, and says who signed what when."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from signing import jades
from signing.signer import Pending, PendingFormat, SigningIdentity
from tests.support.signers import MemorySigner, make_signer
from transcript_core.errors import (
    KeyUnavailable,
    LimitExceeded,
    MalformedTranscript,
    SignatureInvalid,
    SignatureMismatch,
    StaleDigest,
)
from transcript_core.jws import verify_jws
from transcript_core.pki.algorithms import SignatureAlgorithm

AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
PAYLOAD = '{"hoTen":"Phan Ngọc Yến"}'.encode()
HEADERS: dict[str, str | int] = {
    "typ": "hocba+json",
    "serial": "01J9ZK3T5V7X9ABCDEFGHJKMNP",
    "version": 2,
    "digest": "00ff",
}


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa-2048", SignatureAlgorithm.RSA_PKCS1_SHA256),
        ("rsa-2048", SignatureAlgorithm.RSA_PSS_SHA256),
        ("p-256", SignatureAlgorithm.ECDSA_P256_SHA256),
    ],
)
def test_the_reader_verifies_what_the_signer_made(kind: str, algorithm: SignatureAlgorithm) -> None:
    signer = make_signer(kind, algorithm=algorithm)
    compact = jades.sign_jws(PAYLOAD, signer, headers=HEADERS, at=AT)
    read = verify_jws(compact, signer.certificate, typ="hocba+json")
    assert read.payload == PAYLOAD
    assert read.certificates == (signer.certificate, *signer.chain)
    assert read.header["iat"] == int(AT.timestamp())
    assert {name: read.header[name] for name in HEADERS} == HEADERS


def test_another_key_does_not_verify_it() -> None:
    compact = jades.sign_jws(PAYLOAD, make_signer("p-256"), headers=HEADERS, at=AT)
    with pytest.raises(SignatureInvalid):
        verify_jws(compact, make_signer("p-256", number=1).certificate)


def test_the_two_phases_survive_a_restart() -> None:
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    text = jades.prepare(PAYLOAD, identity, headers=HEADERS, at=AT, serial="S", version=2).to_json()
    assert len(text) < 1_000
    pending = Pending.from_json(text)
    assert (pending.format, pending.serial, pending.version) == (PendingFormat.JADES, "S", 2)
    (value,) = signer.sign_digests([pending.digest])
    compact = jades.attach(PAYLOAD, pending, value, identity=identity)
    assert verify_jws(compact, signer.certificate).payload == PAYLOAD


def test_what_changed_since_prepare_is_refused() -> None:
    signer, other = make_signer("p-256"), make_signer("p-256", number=1)
    identity = SigningIdentity.of(signer)
    pending = jades.prepare(PAYLOAD, identity, headers=HEADERS, at=AT)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(StaleDigest):
        jades.attach(PAYLOAD + b" ", pending, value, identity=identity)
    with pytest.raises(SignatureMismatch):
        jades.attach(PAYLOAD, pending, value, identity=SigningIdentity.of(other))
    with pytest.raises(SignatureMismatch):
        jades.attach(PAYLOAD, pending, value[::-1], identity=identity)
    raw = json.loads(pending.to_json())
    raw["state"]["headers"] = "{"
    with pytest.raises(MalformedTranscript):
        jades.attach(PAYLOAD, Pending.from_json(json.dumps(raw)), value, identity=identity)


@pytest.mark.parametrize("name", ["alg", "x5c", "iat", "crit", "b64", "jku", "jwk", "x5u"])
def test_headers_that_decide_about_trust_are_not_the_callers(name: str) -> None:
    identity = SigningIdentity.of(make_signer("p-256"))
    with pytest.raises(ValueError, match=name):
        jades.prepare(PAYLOAD, identity, headers={name: "x"}, at=AT)


def test_a_payload_beyond_the_limit_is_refused() -> None:
    identity = SigningIdentity.of(make_signer("p-256"))
    with pytest.raises(LimitExceeded):
        jades.prepare(b"x" * 11, identity, headers={}, at=AT, max_bytes=10)


def test_a_key_whose_algorithm_no_reader_accepts_is_refused() -> None:
    with pytest.raises(KeyUnavailable, match="p384"):
        jades.sign_jws(PAYLOAD, make_signer("p-384"), headers={}, at=AT)


@dataclass(frozen=True)
class Holder(MemorySigner):
    """A key whose holder takes lists of three, and does with a list what the test says."""

    answer: Callable[[int, Sequence[bytes]], Sequence[bytes]] = lambda _, values: values  # (which list, its values)

    @property
    def list_size(self) -> int | None:
        return 3

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        values = super().sign_digests(digests)
        return self.answer(len(self.approvals), values)


def hold(answer: Callable[[int, Sequence[bytes]], Sequence[bytes]]) -> Holder:
    inner = make_signer("p-256")
    return Holder(inner.certificate, inner.chain, inner.algorithm, inner.key, answer=answer)


def prepare_many(signer: Holder, count: int) -> list[Pending]:
    identity = SigningIdentity.of(signer)
    return [jades.prepare(PAYLOAD, identity, headers={"n": n}, at=AT, serial="S", version=n + 1) for n in range(count)]


def test_many_are_signed_in_lists_that_suit_the_holder() -> None:
    signer = hold(lambda _, values: values)
    pendings = prepare_many(signer, 7)
    identity = SigningIdentity.of(signer)
    for one, value in zip(pendings, jades.sign_prepared(pendings, signer), strict=True):
        assert isinstance(value, bytes)
        verify_jws(jades.attach(PAYLOAD, one, value, identity=identity), signer.certificate)
    assert signer.approvals == [3, 3, 1]
    assert jades.sign_prepared([], signer) == []


def test_a_list_that_was_answered_wrongly_is_refused_alone() -> None:
    def answer(number: int, values: Sequence[bytes]) -> Sequence[bytes]:
        if number == 3:
            raise SignatureMismatch("another algorithm")
        return values[:-1] if number == 1 else values

    signer = hold(answer)
    answers = jades.sign_prepared(prepare_many(signer, 9), signer)
    assert [isinstance(one, bytes) for one in answers] == [False] * 3 + [True] * 3 + [False] * 3
    assert "document S version 1, JSON: the key's holder answered 2 values for a list of 3" in str(answers[0])
    assert str(answers[8]) == "document S version 9, JSON: another algorithm"
    assert all(isinstance(one, bytes | SignatureMismatch) for one in answers)


def test_a_key_that_goes_away_is_not_asked_again() -> None:
    def answer(number: int, values: Sequence[bytes]) -> Sequence[bytes]:
        if number == 2:
            raise KeyUnavailable("pulled")
        return values

    signer = hold(answer)
    answers = jades.sign_prepared(prepare_many(signer, 9), signer)
    assert [isinstance(one, bytes) for one in answers] == [True] * 3 + [False] * 6
    assert {str(one) for one in answers[3:]} == {"pulled"}
    assert signer.approvals == [3, 3]
