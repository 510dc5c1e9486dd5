"""Time-stamp tokens made by the development TSA, whole and broken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms, tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.support.pki import development_pki, open_person, pki_at
from transcript_core.errors import TrustMaterialError
from transcript_core.pki.path import PathOutcome
from transcript_core.pki.timestamps import TimestampResult, parse_timestamp, verify_timestamp
from transcript_core.pki.trust import TrustStore

AT = datetime(2026, 5, 30, 3, 0, tzinfo=UTC)
IMPRINT = hashlib.sha256(b"gia tri chu ky").digest()
NAMES = ("national-root", "national-ca")


def stamp(imprint: bytes = IMPRINT, hash_name: str = "sha256") -> bytes:
    """Ask the TSA for a token."""
    algorithm = {"hash_algorithm": {"algorithm": hash_name}, "hashed_message": imprint}
    request = tsp.TimeStampReq({"version": "v1", "message_imprint": algorithm, "cert_req": True, "nonce": 7})
    answer = pki_at(AT)(development_pki().tsa_url, body=request.dump(), max_bytes=100_000)
    token: bytes = tsp.TimeStampResp.load(answer)["time_stamp_token"].dump()
    return token


def verify(token: bytes, imprint: bytes = IMPRINT, **changes: Any) -> TimestampResult:
    """Verify with everything in order, but for `changes`."""
    pki = development_pki()
    crls = [pki_at(AT)(f"{pki.base_url}/crl/{name}.crl", max_bytes=1_000_000) for name in NAMES]
    return verify_timestamp(token, imprint, **{"trust": pki.trust_store(), "crls": crls, **changes})


def test_token_says_time_imprint_and_authority() -> None:
    read = parse_timestamp(stamp())
    assert (read.time, read.imprint, read.imprint_hash, read.nonce) == (AT, IMPRINT, "sha256", 7)
    assert read.certificate is not None
    assert read.certificate.is_timestamping


def test_whole_token_proves_its_time() -> None:
    result = verify(stamp())
    assert (result.outcome, result.sub_indication, result.detail) == (PathOutcome.VALID, None, "")
    assert result.path is not None
    assert result.path.development


def test_token_for_other_data_proves_nothing() -> None:
    result = verify(stamp(), hashlib.sha256(b"khac").digest())
    assert (result.outcome, result.sub_indication) == (PathOutcome.INVALID, "HASH_FAILURE")


def test_longer_hashes_are_accepted_and_short_ones_not() -> None:
    long = hashlib.sha512(b"x").digest()
    assert verify(stamp(long, "sha512"), long).outcome is PathOutcome.VALID
    with pytest.raises(TrustMaterialError, match="sha1"):
        parse_timestamp(stamp(hashlib.sha1(b"x").digest(), "sha1"))
    with pytest.raises(TrustMaterialError, match="length"):
        parse_timestamp(stamp(IMPRINT[:20]))


def test_unknown_revocation_of_the_authority_is_indeterminate() -> None:
    assert verify(stamp(), crls=[]).sub_indication == "TRY_LATER"


def test_time_at_which_the_authority_is_looked_at_can_be_moved() -> None:
    result = verify(stamp(), at=AT + timedelta(days=365 * 40))
    assert (result.outcome, result.sub_indication) == (PathOutcome.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE")


def test_authority_of_the_other_world_only_is_no_path() -> None:
    store = development_pki().trust_store()
    other = TrustStore(tuple(anchor for anchor in store.anchors if anchor.world == "public-duty"))
    assert verify(stamp(), trust=other).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def rebuild(change: Callable[[Any], None]) -> bytes:
    """Return a token with its structure changed after signing."""
    container = cms.ContentInfo.load(stamp())
    change(container["content"])
    token: bytes = container.dump(force=True)
    return token


def _other_time(signed: Any) -> None:
    info = signed["encap_content_info"]["content"].parsed.copy()
    info["gen_time"] = datetime(2020, 1, 1, tzinfo=UTC)
    signed["encap_content_info"]["content"] = cms.ParsableOctetString(info.dump(force=True))


def _attribute(name: str) -> Callable[[Any], None]:
    def change(signed: Any) -> None:
        info = signed["signer_infos"][0]
        info["signed_attrs"] = [one for one in info["signed_attrs"] if one["type"].native != name]

    return change


def _no_attributes(signed: Any) -> None:
    info = signed["signer_infos"][0]
    fields = {name: info[name] for name in ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")}
    signed["signer_infos"] = [fields]


def _other_signature(signed: Any) -> None:
    value = bytearray(signed["signer_infos"][0]["signature"].native)
    value[-1] ^= 1
    signed["signer_infos"][0]["signature"] = bytes(value)


def _weak_digest(signed: Any) -> None:
    signed["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}


@pytest.mark.parametrize(
    "change",
    [
        _other_time,
        _attribute("content_type"),
        _attribute("message_digest"),
        _attribute("signing_certificate"),
        _attribute("signing_time"),
        _no_attributes,
        _other_signature,
        _weak_digest,
    ],
)
def test_changed_token_fails(change: Callable[[Any], None]) -> None:
    result = verify(rebuild(change))
    assert (result.outcome, result.sub_indication) == (PathOutcome.INVALID, "SIG_CRYPTO_FAILURE")


def test_token_without_certificates_needs_them_from_elsewhere() -> None:
    token = rebuild(lambda signed: signed.__setitem__("certificates", []))
    certificates = parse_timestamp(stamp()).certificates
    assert verify(token).sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"
    assert verify(token, extra=certificates).outcome is PathOutcome.VALID
    assert verify(token, extra=[open_person().certificate]).sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"


def test_two_signers_or_none_are_refused() -> None:
    for change in (
        lambda signed: signed.__setitem__("signer_infos", [signed["signer_infos"][0]] * 2),
        lambda signed: signed.__setitem__("signer_infos", []),
    ):
        with pytest.raises(TrustMaterialError, match="one signer"):
            parse_timestamp(rebuild(change))


def test_rubbish_gives_a_result_and_never_an_exception_of_a_library() -> None:
    token = stamp()
    for position in range(0, len(token), 7):
        for data in (token[:position], token[:position] + bytes([token[position] ^ 0x2A]) + token[position + 1 :]):
            assert (
                verify_timestamp(data, IMPRINT, trust=development_pki().trust_store()).outcome is not PathOutcome.VALID
            )
    assert verify(b"0" * 70_000).sub_indication == "FORMAT_FAILURE"


def _resign(signed: Any, add: list[tuple[str, Any]]) -> None:
    """Replace the attribute that names the signer by `add` and sign again with the TSA's own key."""
    key = load_pem_private_key(development_pki().read_key("tsa")[1], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    info = signed["signer_infos"][0]
    kept = [one for one in info["signed_attrs"] if one["type"].native != "signing_certificate"]
    made = [cms.CMSAttribute({"type": name, "values": [value]}) for name, value in add]
    info["signed_attrs"] = cms.CMSAttributes([*kept, *made])
    info["signature"] = key.sign(cms.CMSAttributes([*kept, *made]).dump(), ec.ECDSA(hashes.SHA256()))


def _name_signer(version: int, *, right: bool) -> tuple[str, Any]:
    certificate = parse_timestamp(stamp()).certificate
    assert certificate is not None
    named = certificate.der if right else b"khac"
    if version == 1:
        return "signing_certificate", tsp.SigningCertificate({"certs": [{"cert_hash": hashlib.sha1(named).digest()}]})
    return "signing_certificate_v2", tsp.SigningCertificateV2(
        {"certs": [{"cert_hash": hashlib.sha256(named).digest()}]}
    )


@pytest.mark.parametrize(
    ("named", "outcome"),
    [
        ([(1, True)], PathOutcome.VALID),
        ([(2, True)], PathOutcome.VALID),
        ([(1, True), (2, True)], PathOutcome.VALID),
        ([(2, False)], PathOutcome.INVALID),
        ([(1, True), (2, False)], PathOutcome.INVALID),
        ([(1, False), (2, True)], PathOutcome.INVALID),
        ([], PathOutcome.INVALID),
    ],
)
def test_signer_is_named_in_either_form_and_never_contradicted(
    named: list[tuple[int, bool]], outcome: PathOutcome
) -> None:
    add = [_name_signer(version, right=right) for version, right in named]
    assert verify(rebuild(lambda signed: _resign(signed, add))).outcome is outcome
