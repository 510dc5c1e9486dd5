"""The state between the two phases survives a restart and refuses what is not its own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from signing import pades, xades
from signing.signer import Pending, PendingFormat, Signer, SigningIdentity, check_value
from tests.support.signed import build_unsigned
from tests.support.signed_pdf import build_appearance, unsigned_pdf
from tests.support.signers import make_signer
from transcript_core.errors import MalformedTranscript, NotEligible, SignatureMismatch
from transcript_core.model import SchoolLevel
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
    check_value(pending, value, SigningIdentity.of(signer))
    for wrong in (value[:-1], value[:-1] + bytes([value[-1] ^ 1]), b"", value + b"\0"):
        with pytest.raises(SignatureMismatch):
            check_value(pending, wrong, SigningIdentity.of(signer))


def test_the_certificate_cannot_change_after_prepare() -> None:
    signer = make_signer("p-256")
    renewed = make_signer("p-256", name="Hoàng Hữu An (gia hạn)")
    pending = build_pending(signer)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch, match="certificate"):
        check_value(pending, value, SigningIdentity.of(renewed))


def test_the_algorithm_cannot_change_after_prepare() -> None:
    signer = make_signer("rsa-2048")
    identity = SigningIdentity.of(signer)
    other = replace(identity, algorithm=SignatureAlgorithm.RSA_PSS_SHA256)
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    pending = xades.prepare(document, slots[0], identity, at=AT, policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    problem = "slot [A-Za-z0-9-]+: the algorithm is not rsa-pkcs1-sha256"
    with pytest.raises(SignatureMismatch, match=problem):
        xades.attach(document, pending, value, identity=other)
    pdf, slots, policy = unsigned_pdf()
    pending = pades.prepare(pdf, slots[0], identity, at=AT, appearance=build_appearance(pdf, slots[0]), policy=policy)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch, match=problem):
        pades.attach(pdf, pending, value, identity=other)


@pytest.mark.parametrize("change", [{"digest": bytes(20)}, {"digest": bytes(48)}, {"digest_algorithm": "sha384"}])
def test_a_digest_of_another_hash_is_never_pending(change: dict[str, Any]) -> None:
    pending = build_pending(make_signer("p-256"))
    with pytest.raises(
        MalformedTranscript, match=rf"{pending.serial} version {pending.version}, slot {pending.slot_id}"
    ):
        replace(pending, **change)


def test_a_pending_read_back_with_a_digest_of_another_length_is_refused() -> None:
    pending = build_pending(make_signer("p-256"))
    text = pending.to_json().replace(pending.digest.hex(), pending.digest[:20].hex())
    with pytest.raises(MalformedTranscript, match=pending.slot_id):
        Pending.from_json(text)


@pytest.mark.parametrize("kind", ["rsa-2048", "p-256", "p-384"])
def test_a_value_of_the_wrong_length_is_told_with_both_lengths(kind: str) -> None:
    signer = make_signer(kind)
    pending = build_pending(signer, bytes(signer.algorithm.digest_size))
    (value,) = signer.sign_digests([pending.digest])
    for wrong in (value[:-1], value + b"\0", b""):
        with pytest.raises(SignatureMismatch, match=rf"{pending.slot_id}.* {len(wrong)} bytes instead of {len(value)}"):
            check_value(pending, wrong, SigningIdentity.of(signer))


def test_a_certificate_of_another_kind_of_key_is_told() -> None:
    signer = make_signer("p-256")
    pending = replace(
        build_pending(make_signer("rsa-2048")),
        certificate_sha256=signer.certificate.sha256,
    )
    (value,) = make_signer("rsa-2048").sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch, match=rf"{pending.slot_id}.*none that rsa-pkcs1-sha256 signs with"):
        check_value(pending, value, SigningIdentity(signer.certificate, (), pending.signature_algorithm))


def test_an_identity_is_what_the_signer_shows() -> None:
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    assert (identity.certificate, identity.chain, identity.algorithm) == (
        signer.certificate,
        signer.chain,
        signer.algorithm,
    )


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa-1024", SignatureAlgorithm.RSA_PKCS1_SHA256),
        ("rsa-2048", SignatureAlgorithm.ECDSA_P256_SHA256),
        ("p-256", SignatureAlgorithm.RSA_PSS_SHA256),
        ("p-256", SignatureAlgorithm.ECDSA_P384_SHA384),
        ("p-384", SignatureAlgorithm.ECDSA_P256_SHA256),
    ],
)
def test_a_certificate_of_another_key_is_refused_before_the_key_is_asked(
    kind: str, algorithm: SignatureAlgorithm
) -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer(kind, algorithm=SignatureAlgorithm.RSA_PKCS1_SHA256)
    identity = SigningIdentity(signer.certificate, signer.chain, algorithm)
    pdf, pdf_slots, pdf_policy = unsigned_pdf()
    where = f"document {slots[0].serial} version 1, slot "
    with pytest.raises(NotEligible, match=where + slots[0].slot_id) as caught:
        xades.prepare(document, slots[0], identity, at=AT, policy=policy)
    assert caught.value.reason == "other-algorithm"
    appearance = build_appearance(pdf, pdf_slots[0])
    with pytest.raises(NotEligible, match=pdf_slots[0].slot_id):
        pades.prepare(pdf, pdf_slots[0], identity, at=AT, appearance=appearance, policy=pdf_policy)
    assert signer.approvals == []
