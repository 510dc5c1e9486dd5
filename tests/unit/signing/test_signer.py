"""The state between the two phases survives a restart and refuses what is not its own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from signing.signer import Pending, PendingFormat, Signer, SigningIdentity, check_value
from tests.support.signers import make_signer
from transcript_core.errors import MalformedTranscript, SignatureMismatch
from transcript_core.pki.algorithms import SignatureAlgorithm

AT = datetime(2026, 5, 31, 1, 2, 3, tzinfo=UTC)


def build_pending(signer: Signer, digest: bytes = bytes(range(32))) -> Pending:
    return Pending(
        format=PendingFormat.XADES,
        serial="01J9ZK3T5V7X9ABCDEFGHJKMNP",
        version=2,
        slot_id="gvcn",
        digest=digest,
        digest_algorithm=signer.algorithm.hash_name,
        signature_algorithm=signer.algorithm,
        certificate_sha256=signer.certificate.sha256,
        signing_time=AT,
        state={"references": "thongtinhocba=00", "length": 7, "role": "Giáo viên chủ nhiệm"},
    )


def test_a_pending_comes_back_from_its_json() -> None:
    pending = build_pending(make_signer("p-256"))
    assert Pending.from_json(pending.to_json()) == pending


def test_a_pending_is_small_and_names_no_key() -> None:
    text = build_pending(make_signer("p-256")).to_json()
    assert len(text) < 1_000
    assert "PRIVATE" not in text.upper()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "other/1"},
        {"digest": "zz"},
        {"signature_algorithm": "hmac-sha256"},
        {"signing_time": "2026-05-31T08:00:00"},
        {"slot_id": 5},
        {"format": "cades"},
        {"state": {"x": [1]}},
        {"state": {"x": True}},
        {"state": None},
        {"version": None},
    ],
)
def test_a_pending_of_another_shape_is_refused(change: dict[str, object]) -> None:
    raw = json.loads(build_pending(make_signer("p-256")).to_json()) | change
    with pytest.raises(MalformedTranscript):
        Pending.from_json(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"type":"hocba-pending/1"}', "x" * 20_000])
def test_text_that_is_no_pending_is_refused(text: str) -> None:
    with pytest.raises(MalformedTranscript):
        Pending.from_json(text)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa-2048", SignatureAlgorithm.RSA_PKCS1_SHA256),
        ("rsa-2048", SignatureAlgorithm.RSA_PSS_SHA256),
        ("p-256", SignatureAlgorithm.ECDSA_P256_SHA256),
        ("p-384", SignatureAlgorithm.ECDSA_P384_SHA384),
    ],
)
def test_a_value_is_held_against_the_certificate(kind: str, algorithm: SignatureAlgorithm) -> None:
    signer = make_signer(kind, algorithm=algorithm)
    pending = build_pending(signer, bytes(algorithm.digest_size))
    (value,) = signer.sign_digests([pending.digest])
    check_value(pending, value, signer.certificate)
    for wrong in (value[:-1], value[:-1] + bytes([value[-1] ^ 1]), b"", value + b"\0"):
        with pytest.raises(SignatureMismatch):
            check_value(pending, wrong, signer.certificate)


def test_the_certificate_cannot_change_after_prepare() -> None:
    signer = make_signer("p-256")
    renewed = make_signer("p-256", name="Hoàng Hữu An (gia hạn)")
    pending = build_pending(signer)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch, match="certificate"):
        check_value(pending, value, renewed.certificate)


def test_a_digest_of_the_wrong_length_never_verifies() -> None:
    signer = make_signer("p-256")
    pending = build_pending(signer)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch):
        check_value(replace(pending, digest=pending.digest[:20]), value, signer.certificate)


def test_an_identity_is_what_the_signer_shows() -> None:
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    assert (identity.certificate, identity.chain, identity.algorithm) == (
        signer.certificate,
        signer.chain,
        signer.algorithm,
    )
