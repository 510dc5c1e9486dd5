"""Compact JWS: what is accepted and what is not."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest

from signing.keystores.pkcs12 import FileSigner
from tests.support.authority import sign_compact
from tests.support.pki import open_person, open_seal
from transcript_core.errors import LimitExceeded, MalformedTranscript, SignatureInvalid
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.trust import World

PAYLOAD = '{"việc":"thử"}'.encode()


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def make_jws(signer: FileSigner, header: dict[str, Any] | None = None, payload: bytes = PAYLOAD) -> bytes:
    """Sign `payload`; `header` replaces or removes (None) members of the usual protected header."""
    return sign_compact(signer, payload, {"typ": "thu+jws", **(header or {})})


def _open_pss() -> FileSigner:
    signer = open_person()
    assert signer._key is not None
    return FileSigner(signer._key, signer.certificate, signer.chain, SignatureAlgorithm.RSA_PSS_SHA256)


@pytest.mark.parametrize("kind", ["RS256", "PS256", "ES256"])
def test_accepted_algorithms_verify(kind: str) -> None:
    signer = _open_pss() if kind == "PS256" else open_person(algorithm="p-256" if kind == "ES256" else "rsa-2048")
    read = verify_jws(make_jws(signer), signer.certificate, typ="thu+jws")
    assert read.payload == PAYLOAD
    assert read.header["alg"] == kind
    assert read.certificates == (signer.certificate, *signer.chain)


def test_changed_payload_header_or_signature_fails() -> None:
    signer = open_person(algorithm="p-256")
    header, payload, value = make_jws(signer).split(b".")
    other = _b64(b'{"x":1}')
    swapped = _b64(bytes(reversed(base64.urlsafe_b64decode(value + b"=="))))
    for compact in (b".".join((header, other, value)), b".".join((header, payload, swapped))):
        with pytest.raises(SignatureInvalid):
            verify_jws(compact, signer.certificate)


def test_signature_by_another_certificate_fails() -> None:
    signer, seal = open_person(), open_seal()
    with pytest.raises(SignatureInvalid, match="another certificate"):
        verify_jws(make_jws(signer), seal.certificate)
    with pytest.raises(SignatureInvalid, match="does not verify"):
        verify_jws(make_jws(signer, {"x5c": None}), seal.certificate)


def test_same_person_with_another_certificate_is_another_signer() -> None:
    other = open_person(world=World.NATIONAL)
    with pytest.raises(SignatureInvalid):
        verify_jws(make_jws(open_person()), other.certificate)


def test_mac_keyed_with_the_public_key_is_refused() -> None:
    signer = open_person()
    signing_input = _b64(b'{"alg":"HS256"}') + b"." + _b64(PAYLOAD)
    value = hmac.digest(signer.certificate.pem, signing_input, "sha256")
    with pytest.raises(MalformedTranscript, match="algorithm"):
        verify_jws(signing_input + b"." + _b64(value), signer.certificate)


@pytest.mark.parametrize("alg", ["none", "HS256", "RS1", "RS512", "ES384", "EdDSA", 5, None])
def test_other_algorithms_are_refused(alg: object) -> None:
    with pytest.raises(MalformedTranscript, match="algorithm"):
        parse_jws(make_jws(open_person(), {"alg": alg}))


def test_algorithm_of_another_key_family_fails() -> None:
    signer = open_person(algorithm="p-256")
    with pytest.raises(SignatureInvalid, match="algorithm"):
        verify_jws(make_jws(signer, {"alg": "RS256"}), signer.certificate)


def test_critical_extension_must_be_understood() -> None:
    signer = open_person(algorithm="p-256")
    compact = make_jws(signer, {"crit": ["han"], "han": "2026-12-31"})
    with pytest.raises(MalformedTranscript, match="crit"):
        verify_jws(compact, signer.certificate)
    assert verify_jws(compact, signer.certificate, understood={"han"}).header["han"] == "2026-12-31"


@pytest.mark.parametrize("crit", [[], "han", ["vắng"], ["han", "han"], [1]])
def test_malformed_critical_list_is_refused(crit: object) -> None:
    with pytest.raises(MalformedTranscript, match="crit"):
        parse_jws(make_jws(open_person(algorithm="p-256"), {"crit": crit, "han": 1}), understood={"han", "vắng"})


@pytest.mark.parametrize("x5c", [[], "MIIB", ["không"], [5], ["MIIB"], ["A" * 40_000], ["TUlJQg=="] * 9])
def test_malformed_chain_is_refused(x5c: object) -> None:
    with pytest.raises(MalformedTranscript, match="x5c"):
        parse_jws(make_jws(open_person(algorithm="p-256"), {"x5c": x5c}))


def test_unencoded_payload_is_refused() -> None:
    with pytest.raises(MalformedTranscript, match="unencoded"):
        parse_jws(make_jws(open_person(algorithm="p-256"), {"b64": False, "crit": ["b64"]}), understood={"b64"})


@pytest.mark.parametrize("compact", [b"", b"a.b", b"a.b.c.d", b"a..c", b" a.b.c", b"a.b.c\n", b"a=.b.c", b"{}.e30.e30"])
def test_other_texts_are_refused(compact: bytes) -> None:
    with pytest.raises(MalformedTranscript):
        parse_jws(compact)


def test_base64_with_stray_bits_is_refused() -> None:
    """The last character of a part may not carry bits that are thrown away: one text, one spelling."""
    header, payload, value = make_jws(open_person(algorithm="p-256"), payload=b"{}").split(b".")
    assert payload == b"e30"
    with pytest.raises(MalformedTranscript, match="canonical"):
        parse_jws(b".".join((header, b"e31", value)))


def test_doubled_header_member_is_refused() -> None:
    part = _b64(b'{"alg":"ES256","alg":"RS256"}')
    with pytest.raises(MalformedTranscript):
        parse_jws(part + b".e30.e30")


def test_other_type_is_refused() -> None:
    signer = open_person(algorithm="p-256")
    with pytest.raises(MalformedTranscript, match="type"):
        verify_jws(make_jws(signer), signer.certificate, typ="khac+jws")


def test_too_long_is_refused_before_decoding() -> None:
    compact = make_jws(open_person(algorithm="p-256"), payload=b"x" * 5000)
    with pytest.raises(LimitExceeded):
        parse_jws(compact, max_bytes=1000)
    with pytest.raises(LimitExceeded):
        parse_jws(b"A" * 100_000 + b"." + b"A" * 3_000_000 + b".AA")
