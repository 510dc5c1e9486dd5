"""Real PKCS#11 tokens for tests: SoftHSM2 with keys of the shared development PKI, each in a folder of its own."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pkcs11
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from keys_dev.pki import Subscriber
from keys_dev.profiles import KeyKind
from keys_dev.softhsm import SoftToken, TokenEntry, find_library, open_token
from signing.keystores.pkcs11 import Pkcs11Signer, modules
from signing.signer import Signer
from tests.support.pki import development_pki
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import raw_to_der
from transcript_core.pki.trust import World

LABEL: Final = "Thẻ thử"
RSA, P256, P384 = "01", "02", "a3"
"""CKA_ID of the three keys of `make_token`, hexadecimal."""

_KINDS: Final[dict[str, KeyKind]] = {RSA: "rsa-2048", P256: "p-256", P384: "p-384"}
_FLAGS: Final = 0x42D  # of a fresh SoftHSM2 token, as its file keeps them
_PIN_LOCKED: Final = 0x40000  # CKF_USER_PIN_LOCKED


@cache
def _is_installed() -> bool:
    try:
        find_library()
    except KeyUnavailable:
        return False
    return True


needs_softhsm = pytest.mark.skipif(not _is_installed(), reason="the system package softhsm2 is not installed")


def subscriber(entry_id: str) -> Subscriber:
    """Return the holder of a key of `make_token`."""
    return Subscriber("Trần Thị Bình", "CCCD:001170000777", "Trường", World.PUBLIC_DUTY, _KINDS[entry_id])


def entry(entry_id: str, who: Subscriber | None = None, *, always: bool = False, label: str = "") -> TokenEntry:
    """Return an entry for a token; the key comes from the shared PKI."""
    pki = development_pki()
    path = pki.issue(who or subscriber(entry_id))
    return TokenEntry(str(path), pki.read_password(path), label or f"key {entry_id}", entry_id, always)


def make_token(folder: Path, *entries: TokenEntry, label: str = LABEL) -> SoftToken:
    """Return a new token; with an RSA, a P-256 and a P-384 key unless entries are given."""
    token = open_token(folder, label)
    token.write(entries or [entry(RSA), entry(P256), entry(P384)])
    return token


def copy_token(token: SoftToken, folder: Path) -> SoftToken:
    """Return a copy of a token in another folder, for tests that spoil it."""
    shutil.copytree(token.folder, folder)
    settings = folder / "softhsm2.conf"
    settings.write_text(
        settings.read_text("utf-8").replace(str(token.folder.resolve()), str(folder.resolve())), "utf-8"
    )
    return SoftToken(folder, token.label)


@contextmanager
def plugged_in(token: SoftToken) -> Iterator[SoftToken]:
    """Let this process see the token; afterwards every signer of it must have been closed."""
    assert not modules._MODULES, "an earlier test left a token's library open"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in token.environment.items():
            patch.setenv(name, value)
        yield token
    assert not modules._MODULES, "this test left a token's library open"


def bare_uri(token: SoftToken, entry_id: str) -> str:
    """Return a key's URI without pin-source, so that the PIN is asked for."""
    return token.uri(entry_id).partition("&pin-source")[0]


def get_store(token: SoftToken) -> Path:
    """Return the folder in which SoftHSM2 keeps the one token."""
    (store,) = (token.folder / "tokens").iterdir()
    return store


def lock_pin(token: SoftToken) -> None:
    """Set CKF_USER_PIN_LOCKED in the token's file: SoftHSM2 reports the flag but never sets it by itself."""
    path = get_store(token) / "token.object"
    content = path.read_bytes()
    before, after = _FLAGS.to_bytes(8), (_FLAGS | _PIN_LOCKED).to_bytes(8)
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, after))


@contextmanager
def editing(token: SoftToken) -> Iterator[pkcs11.Session]:
    """Yield a session that may write, without any of our own code in between; for use where the token is plugged in."""
    library = pkcs11.lib(str(token.library))
    try:
        with library.get_token(token_label=token.label).open(rw=True, user_pin=token.read_pin()) as session:
            yield session
    finally:
        library.finalize()


def end_login(signer: Pkcs11Signer) -> None:
    """Do what a driver does when a card is reset: end the login for the whole process."""
    assert signer._connection is not None
    assert signer._connection.login.session is not None
    signer._connection.login.session.close()


class Pin:
    """A source that gives PINs in turn, the token's own when none are given, and remembers what it was asked."""

    def __init__(self, token: SoftToken, *pins: str | None) -> None:
        self.token = token
        self.pins = list(pins)
        self.asked: list[str] = []

    def ask(self, purpose: str) -> str:
        """Return the next PIN."""
        self.asked.append(purpose)
        pin = self.pins.pop(0) if self.pins else None
        return self.token.read_pin() if pin is None else pin


def make_digests(count: int, hash_name: str = "sha256") -> list[bytes]:
    return [hashlib.new(hash_name, number.to_bytes(4)).digest() for number in range(count)]


def verify(signer: Signer, digest: bytes, value: bytes) -> None:
    """Let cryptography alone judge a value; raises when it is wrong."""
    key, algorithm = signer.certificate.public_key, signer.algorithm
    chosen = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[algorithm.hash_name]
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(raw_to_der(value, key.curve.key_size), digest, ec.ECDSA(utils.Prehashed(chosen)))
    elif algorithm.value.startswith("rsa-pss"):
        assert isinstance(key, rsa.RSAPublicKey)
        pss = padding.PSS(padding.MGF1(chosen), salt_length=chosen.digest_size)
        key.verify(value, digest, pss, utils.Prehashed(chosen))
    else:
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(value, digest, padding.PKCS1v15(), utils.Prehashed(chosen))


def refuse(action: Callable[[], object], *words: str) -> KeyUnavailable:
    """Run what must be refused; return the error, which says the words in English and something in Vietnamese."""
    with pytest.raises(KeyUnavailable) as caught:
        action()
    for word in words:
        assert word in str(caught.value)
    return caught.value
