"""Reading certificates, algorithms and trust folders."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from keys_dev.pki import Subscriber
from keys_dev.profiles import Profile
from signing.keystores.pkcs12 import FileSigner
from tests.support.pki import development_pki, make_pki, open_person, open_seal
from transcript_core.errors import TrustMaterialError
from transcript_core.pki.algorithms import (
    Scheme,
    SignatureAlgorithm,
    algorithm_for,
    der_to_raw,
    find_by_cms,
    find_by_jws_name,
    find_by_xml_uri,
    is_affordable_key,
    is_strong_key,
    raw_to_der,
    verify_digest,
)
from transcript_core.pki.certificates import Certificate, load_certificate, load_certificates
from transcript_core.pki.trust import DEVELOPMENT_MARK, TrustStore, World, build_anchor, load_trust_store

DIGEST = hashlib.sha256(b"x").digest()


def make(*attributes: tuple[x509.ObjectIdentifier, str], key: object = None) -> bytes:
    """Return a self-signed certificate with this subject."""
    private = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(oid, text) for oid, text in attributes])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    )
    hashless = isinstance(private, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    algorithm = None if hashless else hashes.SHA256()
    return builder.sign(private, algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def test_persons_and_seals_carry_their_identity() -> None:
    person, seal = open_person().certificate, open_seal().certificate
    assert (person.common_name, person.identity) == ("Võ Phương Vân", "CCCD:001170000001")
    assert (seal.organisation, seal.identity) == ("Trường THCS Hoa Sen", "MST:0101234567")
    for one in (person, seal):
        assert DEVELOPMENT_MARK in one.subject
        assert one.may_sign
        assert not one.is_ca
        assert one.ocsp_urls
        assert one.crl_urls
        assert one.ca_issuers_urls


@pytest.mark.parametrize(
    ("values", "identity"),
    [
        (["CCCD:001170000001"], "CCCD:001170000001"),
        (["MST:0101234567-001"], "MST:0101234567-001"),
        (["abc", "MST:0101234567"], "MST:0101234567"),
        (["CCCD:001170000001", "CCCD:001170000002"], None),
        (["CCCD:00117000000"], None),
        (["CCCD:001170000001 "], None),
        (["cccd:001170000001"], None),
        (["CCCD:00117000000１"], None),
        ([], None),
    ],
)
def test_only_one_well_formed_identity_counts(values: list[str], identity: str | None) -> None:
    der = make((NameOID.COMMON_NAME, "A"), *((NameOID.USER_ID, value) for value in values))
    assert load_certificate(der).identity == identity


def test_identity_in_the_common_name_does_not_count() -> None:
    assert load_certificate(make((NameOID.COMMON_NAME, "UID=CCCD:001170000001"))).identity is None


def test_pem_and_der_are_the_same_certificate() -> None:
    certificate = open_person().certificate
    assert load_certificate(certificate.pem) == certificate
    assert load_certificate(certificate.der) is load_certificate(certificate.der)
    both = certificate.pem + open_seal().certificate.pem
    assert load_certificates(both) == (certificate, open_seal().certificate)
    with pytest.raises(TrustMaterialError, match="one certificate"):
        load_certificate(both)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x30\x00", b"x" * 20_000, b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n", b"-----BEGIN"],
)
def test_rubbish_is_refused_with_our_own_error(data: bytes) -> None:
    with pytest.raises(TrustMaterialError):
        load_certificate(data)


def test_every_cut_and_every_changed_byte_is_read_or_refused() -> None:
    """No exception of a library comes out, whatever the bytes."""
    der = open_person(algorithm="p-256").certificate.der
    for position in range(0, len(der), 3):
        for data in (der[:position], der[:position] + bytes([der[position] ^ 0x55]) + der[position + 1 :]):
            try:
                assert isinstance(load_certificate(data), Certificate)
            except TrustMaterialError:
                continue


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(TrustMaterialError):
        load_certificate(open_person().certificate.der + b"\x00")


@pytest.mark.parametrize("kind", [ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey])
def test_keys_of_other_kinds_are_read_and_may_not_sign_here(kind: type[ed25519.Ed25519PrivateKey]) -> None:
    certificate = load_certificate(make((NameOID.COMMON_NAME, "A"), key=kind.generate()))
    assert certificate.common_name == "A"
    assert not is_strong_key(certificate.public_key)
    assert is_affordable_key(certificate.public_key)


def test_certificate_without_the_usage_may_not_sign() -> None:
    pki = development_pki()
    subscriber = Subscriber("A", "CCCD:001170000077", "T", World.NATIONAL, "p-256", Profile.NO_SIGNING_USAGE)
    assert not pki.read_certificate(pki.issue(subscriber)).may_sign


# Algorithms


@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_names_lead_back_to_the_algorithm(algorithm: SignatureAlgorithm) -> None:
    assert find_by_xml_uri(algorithm.xml_uri) is algorithm
    assert find_by_jws_name(algorithm.jws_name) is algorithm
    assert find_by_cms(algorithm.hash_name, algorithm.cms_signature) is algorithm


def test_names_are_those_of_the_standards() -> None:
    names = {one.xml_uri.rpartition("/")[2] for one in SignatureAlgorithm}
    assert {"xmldsig-more#rsa-sha256", "xmldsig-more#sha256-rsa-MGF1", "xmldsig-more#ecdsa-sha256"} <= names
    assert SignatureAlgorithm.RSA_PSS_SHA256.xml_uri == "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
    assert SignatureAlgorithm.ECDSA_P384_SHA384.digest_uri == "http://www.w3.org/2001/04/xmldsig-more#sha384"
    for uri in ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", ""):
        assert find_by_xml_uri(uri) is None


def test_cms_parts_must_agree() -> None:
    assert find_by_cms("sha512", SignatureAlgorithm.RSA_PKCS1_SHA256.cms_signature) is None
    assert find_by_cms("sha1", SignatureAlgorithm.RSA_PKCS1_SHA256.cms_signature) is None
    odd = SignatureAlgorithm.RSA_PSS_SHA256.cms_signature.copy()
    odd["parameters"]["salt_length"] = 0
    assert find_by_cms("sha256", odd) is None


def signers() -> list[FileSigner]:
    """Return one signer for each scheme."""
    rsa_signer = open_person()
    assert rsa_signer._key is not None
    pss = FileSigner(rsa_signer._key, rsa_signer.certificate, (), SignatureAlgorithm.RSA_PSS_SHA256)
    return [rsa_signer, pss, open_person(algorithm="p-256")]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_value_verifies_with_its_own_key_digest_and_algorithm_only(number: int) -> None:
    signer = signers()[number]
    other = open_person("B", "001170000002", algorithm="p-256" if number == 2 else "rsa-2048")
    value = signer.sign_digests([DIGEST])[0]
    assert verify_digest(signer.certificate, signer.algorithm, DIGEST, value)
    assert verify_digest(signer.certificate.public_key, signer.algorithm, DIGEST, value)
    assert not verify_digest(other.certificate, signer.algorithm, DIGEST, value)
    assert not verify_digest(signer.certificate, signer.algorithm, bytes(32), value)
    for wrong in (value[:-1], value + b"\x00", b"", bytes(len(value)), value[::-1]):
        assert not verify_digest(signer.certificate, signer.algorithm, DIGEST, wrong)
    for algorithm in SignatureAlgorithm:
        if algorithm is not signer.algorithm:
            digest = hashlib.new(algorithm.hash_name, b"x").digest()
            assert not verify_digest(signer.certificate, algorithm, digest, value)


def test_ecdsa_value_in_der_is_not_accepted_as_raw() -> None:
    signer = open_person(algorithm="p-256")
    raw = signer.sign_digests([DIGEST])[0]
    der = raw_to_der(raw, 256)
    assert der_to_raw(der, 256) == raw
    assert len(raw) == 64
    assert not verify_digest(signer.certificate, signer.algorithm, DIGEST, der)


def test_ecdsa_forms_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        raw_to_der(bytes(63), 256)
    with pytest.raises(ValueError, match="larger"):
        der_to_raw(raw_to_der(b"\xff" * 96, 384), 256)


def test_weak_or_odd_keys_have_no_algorithm() -> None:
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):
        certificate = load_certificate(make((NameOID.COMMON_NAME, "A"), key=key))
        with pytest.raises(TrustMaterialError):
            algorithm_for(certificate)
    assert algorithm_for(open_person(algorithm="p-256").certificate).scheme is Scheme.ECDSA


# Trust


def test_folder_gives_anchors_by_world(tmp_path: Path) -> None:
    store = make_pki(tmp_path).trust_store()
    assert {anchor.world for anchor in store.anchors} == set(World)
    assert all(anchor.development for anchor in store.anchors)
    assert store.has_development_anchor
    assert (len(store.intermediates), len(store.authorities)) == (2, 1)


def test_store_without_anchors_cannot_be_built(tmp_path: Path) -> None:
    with pytest.raises(TrustMaterialError, match="no trust anchor"):
        TrustStore(())
    with pytest.raises(TrustMaterialError, match="no trust anchor"):
        load_trust_store(tmp_path)


def test_one_certificate_cannot_open_both_worlds() -> None:
    certificate = development_pki().trust_store().anchors[0].certificate
    with pytest.raises(TrustMaterialError, match="twice"):
        TrustStore(tuple(build_anchor(certificate, world) for world in World))


def test_unreadable_anchor_is_named_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "national").mkdir()
    (tmp_path / "national" / "hong.pem").write_bytes(b"x")
    with pytest.raises(TrustMaterialError, match=r"hong\.pem"):
        load_trust_store(tmp_path)


def test_ordinary_certificate_is_not_taken_for_one_of_development() -> None:
    certificate = load_certificate(make((NameOID.COMMON_NAME, "VNPT-CA")))
    assert not build_anchor(certificate, World.NATIONAL).development


def test_fingerprint_names_the_set_of_anchors() -> None:
    store = development_pki().trust_store()
    same = TrustStore(store.anchors[::-1], store.intermediates)
    assert same.fingerprint == store.fingerprint
    assert TrustStore(store.anchors[:1], store.intermediates).fingerprint != store.fingerprint
    assert store.find_anchor(store.intermediates[0]) is None
    assert store.anchors[0].certificate.is_in_date(store.anchors[0].certificate.not_after)
    assert not store.anchors[0].certificate.is_in_date(store.anchors[0].certificate.not_after + timedelta(seconds=1))
