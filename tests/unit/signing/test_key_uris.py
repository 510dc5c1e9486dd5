"""One name for every kind of key, read strictly; old plain paths go on working."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from signing.keystores.parsing import MAX_URI_CHARS
from signing.keystores.pkcs12 import open_pkcs12
from signing.keystores.secrets import CallbackSecret, SecretSource
from signing.keystores.uri import open_key
from tests.support.pki import development_pki, open_person
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm, verify_digest
from transcript_core.pki.trust import World

NOTHING = CallbackSecret(lambda _: None)


@pytest.fixture(scope="module")
def p12() -> Path:
    return development_pki().issue_person("An", "001170000331", organisation="T", world=World.NATIONAL)


@pytest.fixture
def password(p12: Path) -> SecretSource:
    return CallbackSecret(lambda _: development_pki().read_password(p12))


def write_pem(folder: Path, encryption: KeySerializationEncryption, *, together: bool = False) -> tuple[Path, Path]:
    """Write a key with certificate and chain; in one file, or the certificates in another."""
    signer = open_person(algorithm="p-256")
    assert signer._key is not None
    key = signer._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    certificates = signer.certificate.pem + b"".join(one.pem for one in signer.chain)
    (folder / "khoá.pem").write_bytes(key + certificates if together else key)
    (folder / "c.pem").write_bytes(certificates)
    return folder / "khoá.pem", folder / "c.pem"


def test_a_pkcs12_file_has_three_names(p12: Path, password: SecretSource) -> None:
    for name in (str(p12), f"pkcs12:{p12}", f"PKCS12:{quote(str(p12))}", f"pkcs12://{p12}"):
        with closing(open_key(name, password)) as signer:
            assert signer.certificate == development_pki().read_certificate(p12)
            assert signer.algorithm is SignatureAlgorithm.RSA_PKCS1_SHA256
    with closing(open_key(f"pkcs12:{p12}?algorithm=rsa-pss-sha256", password)) as signer:
        assert signer.algorithm is SignatureAlgorithm.RSA_PSS_SHA256


def test_the_question_names_the_file_for_people(p12: Path) -> None:
    asked: list[str] = []

    def answer(purpose: str) -> str:
        asked.append(purpose)
        return development_pki().read_password(p12)

    open_key(str(p12), CallbackSecret(answer)).close()
    assert asked == [f"Mật khẩu của tệp khoá «{p12.name}»"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("secret", [None, "mật khẩu"])
def test_a_pem_key_with_its_certificates(tmp_path: Path, together: bool, secret: str | None) -> None:
    encryption = NoEncryption() if secret is None else BestAvailableEncryption(secret.encode())
    key, certificates = write_pem(tmp_path, encryption, together=together)
    names = [f"pem:{key}?certificate={certificates}", f"pem:{quote(str(key))}?certificate={quote(str(certificates))}"]
    for name in [str(key), f"pem:{key}"] if together else names:
        with closing(open_key(name, CallbackSecret(lambda _: secret))) as signer:  # not asked when there is none
            assert [one.subject for one in signer.chain] == [signer.certificate.issuer]
            (value,) = signer.sign_digests([bytes(32)])
            assert verify_digest(signer.certificate, signer.algorithm, bytes(32), value)


def test_a_file_whose_name_looks_like_a_uri_is_a_file(
    p12: Path, password: SecretSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pem:x.p12").write_bytes(p12.read_bytes())
    with closing(open_key("pem:x.p12", password)) as signer:
        assert signer.certificate == open_pkcs12(p12, development_pki().read_password(p12)).certificate


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gpg:0x1234", "no kind of key gpg:"),
        ("https://example.vn/key", "no kind of key https:"),
        ("pkcs12:", "names no file"),
        ("pkcs12://host/key.p12", "on this machine"),
        ("pkcs12:/a.p12?x=1", "options are algorithm"),
        ("pkcs12:/a.p12?algorithm=rsa-pss-sha256&algorithm=rsa-pss-sha256", "at most once"),
        ("pkcs12:/a.p12?algorithm=md5", "not known"),
        ("pkcs12:/a%2", "percent sign"),
        ("pkcs12:/a#b", "percent-encoded"),
        ("pkcs12:/a%00b", "control character"),
        ("pem:/a.pem?password=x", "options are algorithm, certificate"),
        ("pkcs11:tokens=a", "not known"),
        ("/khong/co.p12", "no such file"),
        ("pem:/khong/co.pem", "cannot be read"),
        ("a\0b", "NUL"),
        ("x" * (MAX_URI_CHARS + 1), "too long"),
        ("", "no such file"),
    ],
)
def test_names_that_must_not_be_used(name: str, reason: str) -> None:
    with pytest.raises(KeyUnavailable) as caught:
        open_key(name, NOTHING)
    assert reason in str(caught.value)
