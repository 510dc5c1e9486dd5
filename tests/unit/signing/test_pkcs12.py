"""Keys in files: opened once, checked, never shown."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from signing.keystores.pkcs12 import MAX_KEY_FILE_BYTES, FileSigner, open_pem, open_pkcs12
from signing.signer import Signer, SigningIdentity
from tests.support.pki import development_pki, open_person, open_seal
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm, verify_digest
from transcript_core.pki.trust import World

DIGESTS = [hashlib.sha256(bytes([number])).digest() for number in range(3)]


def p12_path() -> Path:
    """Return the file of somebody with a P-256 key."""
    return development_pki().issue_person(
        "An", "001170000301", organisation="T", world=World.NATIONAL, algorithm="p-256"
    )


@pytest.mark.parametrize(
    "algorithm",
    [None, SignatureAlgorithm.RSA_PSS_SHA256, SignatureAlgorithm.RSA_PKCS1_SHA384],
)
def test_rsa_key_signs_digests_in_order(algorithm: SignatureAlgorithm | None) -> None:
    path = development_pki().issue_person("Bình", "001170000302", organisation="T", world=World.NATIONAL)
    signer: Signer = open_pkcs12(path, development_pki().read_password(path), algorithm=algorithm)
    digests = [hashlib.new(signer.algorithm.hash_name, digest).digest() for digest in DIGESTS]
    values = signer.sign_digests(digests)
    assert len(values) == 3
    for digest, value in zip(digests, values, strict=True):
        assert verify_digest(signer.certificate, signer.algorithm, digest, value)
    assert signer.sign_digests([]) == []


def test_ec_key_gives_raw_values_and_the_chain_without_the_root() -> None:
    signer = open_pkcs12(p12_path(), development_pki().read_password(p12_path()))
    assert signer.algorithm is SignatureAlgorithm.ECDSA_P256_SHA256
    assert [len(value) for value in signer.sign_digests(DIGESTS)] == [64] * 3
    assert [one.subject for one in signer.chain] == [signer.certificate.issuer]
    assert SigningIdentity.of(signer).certificate == signer.certificate


def test_digest_of_another_length_is_refused_and_nothing_signed() -> None:
    signer = open_person()
    with pytest.raises(KeyUnavailable, match="32 bytes"):
        signer.sign_digests([DIGESTS[0], DIGESTS[1][:20]])


@pytest.mark.parametrize("password", ["", "sai", "mật khẩu"])
def test_wrong_password_is_said_clearly(password: str) -> None:
    with pytest.raises(KeyUnavailable, match="wrong password"):
        open_pkcs12(p12_path(), password)


def test_files_that_are_no_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="cannot be read"):
        open_pkcs12(tmp_path / "khong-co.p12", "x")
    (tmp_path / "rac.p12").write_bytes(b"rubbish")
    with pytest.raises(KeyUnavailable, match="not a PKCS#12"):
        open_pkcs12(tmp_path / "rac.p12", "x")
    (tmp_path / "lon.p12").write_bytes(bytes(MAX_KEY_FILE_BYTES + 1))
    with pytest.raises(KeyUnavailable, match="longer"):
        open_pkcs12(tmp_path / "lon.p12", "x")


def test_file_without_key_is_refused(tmp_path: Path) -> None:
    certificate = open_person().certificate.x509
    bundle = pkcs12.serialize_key_and_certificates(b"x", None, certificate, None, BestAvailableEncryption(b"x"))
    (tmp_path / "a.p12").write_bytes(bundle)
    with pytest.raises(KeyUnavailable, match="no private key"):
        open_pkcs12(tmp_path / "a.p12", "x")


def test_key_and_certificate_must_belong_together() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())):
        with pytest.raises(KeyUnavailable, match="belong together"):
            FileSigner(key, open_person().certificate, ())


def test_algorithm_must_fit_the_key() -> None:
    path = p12_path()
    with pytest.raises(KeyUnavailable, match="rsa-pkcs1-sha256"):
        open_pkcs12(path, development_pki().read_password(path), algorithm=SignatureAlgorithm.RSA_PKCS1_SHA256)


def _write_pem(folder: Path, password: bytes | None) -> tuple[Path, Path]:
    """Write the key of `p12_path` and its certificate with the chain as PEM."""
    path = p12_path()
    signer = open_pkcs12(path, development_pki().read_password(path))
    key, _, _ = pkcs12.load_key_and_certificates(path.read_bytes(), development_pki().read_password(path).encode())
    assert key is not None
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    (folder / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    (folder / "c.pem").write_bytes(signer.certificate.pem + b"".join(one.pem for one in signer.chain))
    return folder / "k.pem", folder / "c.pem"


@pytest.mark.parametrize("password", [None, "mật"])
def test_pem_key_with_its_chain(tmp_path: Path, password: str | None) -> None:
    path = p12_path()
    signer = open_pkcs12(path, development_pki().read_password(path))
    key, certificate = _write_pem(tmp_path, None if password is None else password.encode())
    opened = open_pem(key, certificate, password=password)
    assert (opened.certificate, opened.chain) == (signer.certificate, signer.chain)
    value = opened.sign_digests(DIGESTS[:1])[0]
    assert verify_digest(signer.certificate, opened.algorithm, DIGESTS[0], value)


def test_pem_troubles_are_said_clearly(tmp_path: Path) -> None:
    key, certificate = _write_pem(tmp_path, b"x")
    for password in (None, "y"):
        with pytest.raises(KeyUnavailable, match="password"):
            open_pem(key, certificate, password=password)
    (tmp_path / "khac.pem").write_bytes(open_seal().certificate.pem)
    with pytest.raises(KeyUnavailable, match="belong together"):
        open_pem(key, tmp_path / "khac.pem", password="x")
    with pytest.raises(KeyUnavailable, match="certificate"):
        open_pem(key, key, password="x")
    other = ed25519.Ed25519PrivateKey.generate()
    key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyUnavailable, match="neither RSA nor EC"):
        open_pem(key, certificate)


def test_key_is_never_shown_nor_pickled() -> None:
    signer = open_person()
    assert repr(signer) == "FileSigner('Võ Phương Vân', rsa-pkcs1-sha256)"
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(signer)


def test_a_closed_signer_has_forgotten_its_key() -> None:
    path = p12_path()
    signer = open_pkcs12(path, development_pki().read_password(path))
    signer.close()
    signer.close()
    assert signer._key is None
    assert signer._operate is None
    with pytest.raises(KeyUnavailable, match="closed"):
        signer.sign_digests(DIGESTS)
