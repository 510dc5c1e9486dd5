"""Keys on a real token (SoftHSM2): what they sign, what is refused and in which words."""

from __future__ import annotations

import gc
import pickle
import subprocess
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pkcs11 import Attribute, ObjectClass
from pkcs11 import exceptions as cryptoki

from keys_dev.softhsm import SoftToken, add_token
from signing.keystores.pkcs11 import open_pkcs11, parse_pkcs11_uri, troubles
from signing.keystores.pkcs11.modules import find_module
from signing.keystores.pkcs11.signer import LIST_SIZE
from signing.keystores.secrets import CallbackSecret
from tests.support.pki import development_pki, open_seal
from tests.support.signers import make_key
from tests.support.softhsm import (
    LABEL,
    P256,
    P384,
    RSA,
    Pin,
    bare_uri,
    editing,
    entry,
    lock_pin,
    make_digests,
    make_token,
    needs_softhsm,
    plugged_in,
    refuse,
    subscriber,
    verify,
)
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

pytestmark = needs_softhsm


@pytest.mark.parametrize(
    ("entry_id", "asked", "expected", "size"),
    [
        (RSA, None, "rsa-pkcs1-sha256", 256),
        (RSA, "rsa-pkcs1-sha384", "rsa-pkcs1-sha384", 256),
        (RSA, "rsa-pkcs1-sha512", "rsa-pkcs1-sha512", 256),
        (RSA, "rsa-pss-sha256", "rsa-pss-sha256", 256),
        (RSA, "rsa-pss-sha384", "rsa-pss-sha384", 256),
        (RSA, "rsa-pss-sha512", "rsa-pss-sha512", 256),
        (P256, None, "ecdsa-p256-sha256", 64),
        (P384, None, "ecdsa-p384-sha384", 96),
    ],
)
def test_values_are_right_and_in_order(
    token: SoftToken, entry_id: str, asked: str | None, expected: str, size: int
) -> None:
    algorithm = None if asked is None else SignatureAlgorithm(asked)
    with closing(open_pkcs11(bare_uri(token, entry_id), Pin(token), algorithm=algorithm)) as signer:
        assert signer.algorithm.value == expected
        assert signer.certificate == development_pki().read_certificate(development_pki().issue(subscriber(entry_id)))
        assert [one.subject for one in signer.chain] == [signer.certificate.issuer]
        assert signer.list_size == LIST_SIZE
        digests = make_digests(9, signer.algorithm.hash_name)
        values = signer.sign_digests(digests)
        assert {len(value) for value in values} == {size}
        for digest, value in zip(digests, values, strict=True):
            verify(signer, digest, value)
        assert signer.sign_digests([]) == []


def test_an_algorithm_may_stand_in_the_uri_and_must_fit_the_key(token: SoftToken) -> None:
    uri = bare_uri(token, RSA) + "&hocba-algorithm=rsa-pss-sha256"
    with closing(open_pkcs11(uri, Pin(token))) as signer:
        assert signer.algorithm is SignatureAlgorithm.RSA_PSS_SHA256
    wrong = bare_uri(token, P256) + "&hocba-algorithm=ecdsa-p384-sha384"
    refuse(lambda: open_pkcs11(wrong, Pin(token)), "cannot sign with ecdsa-p384-sha384")


def test_a_digest_of_another_length_is_refused_and_nothing_signed(token: SoftToken) -> None:
    with closing(open_pkcs11(bare_uri(token, RSA), Pin(token))) as signer:
        refuse(lambda: signer.sign_digests([bytes(32), bytes(20)]), "32 bytes")


# --- PIN


def test_the_pin_is_asked_once_an_opening_in_words_for_people(token: SoftToken) -> None:
    pin = Pin(token)
    with closing(open_pkcs11(bare_uri(token, RSA), pin)) as signer:
        for _ in range(3):
            signer.sign_digests(make_digests(2))
    assert pin.asked == [f"PIN của thẻ «{LABEL}»"]


def test_signers_of_one_token_share_a_login_and_the_last_logs_out(token: SoftToken) -> None:
    pin = Pin(token)
    first = open_pkcs11(bare_uri(token, RSA), pin)
    second = open_pkcs11(bare_uri(token, P256), pin)
    assert len(pin.asked) == 1
    first.close()
    verify(second, bytes(32), second.sign_digests([bytes(32)])[0])
    second.close()
    open_pkcs11(bare_uri(token, RSA), pin).close()
    assert len(pin.asked) == 2


def test_a_pin_file_may_be_named_in_the_uri(token: SoftToken) -> None:
    with closing(open_pkcs11(token.uri(RSA), CallbackSecret(lambda _: None))) as signer:
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_a_wrong_pin_is_tried_once_only(own: SoftToken) -> None:
    pin = Pin(own, "00000000")
    error = refuse(lambda: open_pkcs11(bare_uri(own, RSA), pin), "PIN is wrong", "not be tried again")
    assert "PIN sai" in error.text_vi
    assert len(pin.asked) == 1
    warned = Pin(own)
    open_pkcs11(bare_uri(own, RSA), warned).close()
    assert warned.asked == [f"PIN của thẻ «{LABEL}» (đã có lần nhập sai)"]


def test_a_locked_token_is_not_even_asked_for_its_pin(own: SoftToken) -> None:
    lock_pin(own)
    pin = Pin(own)
    error = refuse(lambda: open_pkcs11(bare_uri(own, RSA), pin), "locked")
    assert "khoá" in error.text_vi
    assert pin.asked == []


def test_no_pin_and_an_empty_one_never_reach_the_token(own: SoftToken) -> None:
    refuse(lambda: open_pkcs11(bare_uri(own, RSA), CallbackSecret(lambda _: None)), "none was given")
    refuse(lambda: open_pkcs11(bare_uri(own, RSA), Pin(own, "")), "PIN is empty")
    pin = Pin(own)
    open_pkcs11(bare_uri(own, RSA), pin).close()
    assert "sai" not in pin.asked[0]  # the token counted no wrong one


def test_a_key_that_wants_the_pin_each_time_asks_once_a_list(tmp_path: Path) -> None:
    with plugged_in(make_token(tmp_path / "token", entry(P256, always=True))) as token:
        pin = Pin(token)
        with closing(open_pkcs11(bare_uri(token, P256), pin)) as signer:
            digests = make_digests(12)
            for digest, value in zip(digests, signer.sign_digests(digests), strict=True):
                verify(signer, digest, value)
            assert len(pin.asked) == 2  # opening, one list
            assert signer.list_size is None
            pin.pins = ["00000000"]
            error = refuse(lambda: signer.sign_digests(digests), "PIN is wrong")
            assert len(pin.asked) == 3
            assert "00000000" not in collect_texts(error)
            verify(signer, digests[0], signer.sign_digests(digests[:1])[0])


# --- token, key, certificate


def test_an_absent_token_is_said_clearly(token: SoftToken) -> None:
    path = token.library
    token_or_slot = ("token=khac", "token=", "serial=0", "model=x", "manufacturer=x", "slot-id=1", "slot-description=x")
    library = ("library-version=99", "library-description=x", "library-manufacturer=x", "slot-manufacturer=x")
    for attribute in (*token_or_slot, *library):
        refuse(partial(open_pkcs11, f"pkcs11:{attribute}?module-path={path}", Pin(token)), "no token fits")


def test_two_tokens_of_one_label_are_told_apart_by_serial_number(own: SoftToken) -> None:
    add_token(own, pin="1234", so_pin="12345678")
    pin = Pin(own)
    error = refuse(lambda: open_pkcs11(bare_uri(own, RSA), pin), "several tokens", "serial=")
    assert pin.asked == []
    serials = str(error).rpartition(": ")[2].split(", ")
    assert len(set(serials)) == 2
    opened = 0
    for serial in serials:
        uri = bare_uri(own, RSA).replace("pkcs11:", f"pkcs11:serial={serial};")
        with suppress(KeyUnavailable), closing(open_pkcs11(uri, pin)) as signer:  # the empty token has another PIN
            verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
            opened += 1
    assert opened == 1
    assert len(pin.asked) == 2


@pytest.mark.parametrize(
    ("attributes", "entry_id"),
    [
        ("id=%01", RSA),
        ("object=key%2002", P256),
        ("object=key%20a3;type=private", P384),
        ("object=key%2001;type=cert", RSA),
        ("id=%02;type=cert", P256),
        ("id=%02;type=public", P256),
    ],
)
def test_a_key_is_found_by_id_or_label(token: SoftToken, attributes: str, entry_id: str) -> None:
    uri = f"pkcs11:{attributes}?module-path={token.library}"
    with closing(open_pkcs11(uri, Pin(token))) as signer:
        assert signer.certificate == development_pki().read_certificate(development_pki().issue(subscriber(entry_id)))


def test_a_label_that_only_the_certificate_carries_is_found_too(own: SoftToken) -> None:
    with editing(own) as session:
        for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: b"\x01"}):
            key[Attribute.LABEL] = "khoa"
    with closing(open_pkcs11(f"pkcs11:object=key%2001?module-path={own.library}", Pin(own))) as signer:
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
    refuse(
        lambda: open_pkcs11(f"pkcs11:object=key%2001;type=private?module-path={own.library}", Pin(own)),
        "no private key",
    )


def test_no_key_and_several_keys_are_two_troubles(token: SoftToken) -> None:
    refuse(lambda: open_pkcs11(bare_uri(token, "77"), Pin(token)), "no private key that fits")
    refuse(lambda: open_pkcs11(f"pkcs11:?module-path={token.library}", Pin(token)), "3 private keys", "01, 02, a3")


def test_a_key_without_certificate_takes_one_from_a_file(own: SoftToken, tmp_path: Path) -> None:
    remove(own, ObjectClass.CERTIFICATE)
    refuse(lambda: open_pkcs11(bare_uri(own, RSA), Pin(own)), "no certificate", "hocba-certificate")
    pki = development_pki()
    p12 = pki.issue(subscriber(RSA))
    issuer, _ = pki.read_key("public-duty-ca")
    root, _ = pki.read_key("public-duty-root")
    (tmp_path / "chain.pem").write_bytes(p12.with_suffix(".pem").read_bytes() + root + issuer)
    with closing(open_pkcs11(f"{bare_uri(own, RSA)}&hocba-certificate={tmp_path}/chain.pem", Pin(own))) as signer:
        assert signer.certificate == pki.read_certificate(p12)
        assert [one.subject for one in signer.chain] == [signer.certificate.issuer]
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
    refuse(lambda: open_pkcs11(f"{bare_uri(own, RSA)}&hocba-certificate={tmp_path}/no.pem", Pin(own)), "no.pem")


@pytest.mark.parametrize("entry_id", [RSA, P256])
def test_key_and_certificate_must_belong_together(token: SoftToken, tmp_path: Path, entry_id: str) -> None:
    pki = development_pki()
    others = [subscriber(other) for other in (RSA, P256, P384) if other != entry_id]
    certificates = [open_seal().certificate, *(pki.read_certificate(pki.issue(other)) for other in others)]
    for number, certificate in enumerate(certificates):
        path = tmp_path / f"{number}.pem"
        path.write_bytes(certificate.pem)
        uri = f"{bare_uri(token, entry_id)}&hocba-certificate={path}"
        refuse(partial(open_pkcs11, uri, Pin(token)), "do not belong together")


def test_a_token_that_shows_no_public_key_is_compared_by_its_first_signature(own: SoftToken, tmp_path: Path) -> None:
    remove(own, ObjectClass.PUBLIC_KEY)
    with closing(open_pkcs11(bare_uri(own, P256), Pin(own))) as signer:
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
    pki = development_pki()
    other = pki.issue_person("Khác", "001170000778", organisation="T", world=subscriber(P256).world, algorithm="p-256")
    uri = f"{bare_uri(own, P256)}&hocba-certificate={other.with_suffix('.pem')}"
    with closing(open_pkcs11(uri, Pin(own))) as signer:
        refuse(lambda: signer.sign_digests(make_digests(3)), "do not belong together")


def test_of_two_certificates_for_a_key_the_newer_is_taken(own: SoftToken) -> None:
    pki = development_pki()
    old = pki.read_certificate(pki.issue(subscriber(RSA)))
    with editing(own) as session:
        (stored,) = session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.ID: b"\x01"})
        stored.copy({Attribute.LABEL: "again"})
    with closing(open_pkcs11(bare_uri(own, RSA), Pin(own))) as signer:
        assert signer.certificate == old


def test_a_key_imported_by_another_tool_without_certificate(own: SoftToken, tmp_path: Path) -> None:
    key = make_key("rsa-2048", 91)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "k.pem").write_bytes(pem)
    where = ("--import", str(tmp_path / "k.pem"), "--token", LABEL, "--label", "x", "--id", "0f")
    subprocess.run(["softhsm2-util", *where, "--pin", own.read_pin()], check=True, capture_output=True)
    refuse(lambda: open_pkcs11(bare_uri(own, "0f"), Pin(own)), "no certificate")


# --- library and mechanisms


def test_a_library_is_found_by_path_name_folder_or_default(token: SoftToken) -> None:
    library = token.library
    assert find_module(path=library, name=None, default=None) == library
    assert find_module(path=None, name="softhsm2", default=None).samefile(library)
    assert find_module(path=library.parent, name="softhsm2", default=None) == library
    assert find_module(path=None, name=None, default=library) == library
    with closing(open_pkcs11("pkcs11:id=%01", Pin(token), default_module=library)) as signer:
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_a_library_that_cannot_be_loaded_is_named(token: SoftToken, tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library", "ascii")
    for path, words in ((tmp_path / "none.so", "there is no"), (tmp_path / "text.so", "cannot be loaded")):
        uri = f"pkcs11:id=%01?module-path={path}"
        error = refuse(partial(open_pkcs11, uri, Pin(token)), words, path.name)
        assert path.name in error.text_vi
    refuse(lambda: open_pkcs11(f"pkcs11:?module-path={tmp_path}", Pin(token)), "module-name")
    refuse(lambda: open_pkcs11(f"pkcs11:?module-path={tmp_path}&module-name=x", Pin(token)), "no PKCS#11 library x")
    refuse(lambda: open_pkcs11("pkcs11:?module-name=khong-co", Pin(token)), "no PKCS#11 library khong-co")


def limit_mechanisms(token: SoftToken, text: str) -> None:
    path = token.folder / "softhsm2.conf"
    path.write_text(path.read_text("utf-8") + f"slots.mechanisms = {text}\n", "utf-8")


def test_the_mechanism_is_chosen_by_what_the_token_offers(own: SoftToken) -> None:
    limit_mechanisms(own, "CKM_RSA_PKCS_PSS,CKM_SHA256")
    with closing(open_pkcs11(bare_uri(own, RSA), Pin(own))) as signer:
        assert signer.algorithm is SignatureAlgorithm.RSA_PSS_SHA256
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
    wanted = bare_uri(own, RSA) + "&hocba-algorithm=rsa-pkcs1-sha256"
    refuse(lambda: open_pkcs11(wanted, Pin(own)), "does not offer CKM_RSA_PKCS,")
    error = refuse(lambda: open_pkcs11(bare_uri(own, P256), Pin(own)), "does not offer CKM_ECDSA")
    assert "CKM_ECDSA" in error.text_vi


def test_every_trouble_of_the_library_becomes_a_sentence() -> None:
    kinds = [one for one in vars(cryptoki).values() if isinstance(one, type) and issubclass(one, cryptoki.PKCS11Error)]
    said = {kind: troubles.explain(kind(), "sign") for kind in kinds}
    assert len({str(error) for error in said.values()}) > 50
    for error in said.values():
        assert str(error)
        assert error.text_vi.endswith(".")
    assert "locked" in str(said[cryptoki.PinLocked])
    assert "expired" in str(said[cryptoki.PinExpired])
    assert "taken out" in str(said[cryptoki.DeviceRemoved])


# --- secrets


def test_neither_key_nor_pin_is_shown_or_carried_along(token: SoftToken) -> None:
    with closing(open_pkcs11(bare_uri(token, RSA), Pin(token))) as signer:
        signer.sign_digests(make_digests(8))
        assert repr(signer) == "Pkcs11Signer('Trần Thị Bình', rsa-pkcs1-sha256)"
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(signer)
        assert token.read_pin() not in collect_texts(signer)


def test_no_error_carries_the_pin(own: SoftToken) -> None:
    for wrong in ("93571935", "9" * 300):
        error = refuse(partial(open_pkcs11, bare_uri(own, RSA), Pin(own, wrong)))
        assert wrong not in collect_texts(error)


def collect_texts(start: object) -> set[str]:
    """Return every text that can be reached from an object: its parts, an error's causes and the frames in between."""
    texts: set[str] = set()
    waiting, seen = [start], {id(texts)}
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or type(one).__name__ in {"module", "function", "code"}:
            continue
        seen.add(id(one))
        texts |= {one} if isinstance(one, str) else set()
        frame = getattr(one, "tb_frame", None)
        if frame is not None and "signing/keystores" in frame.f_code.co_filename:
            waiting += frame.f_locals.values()
        waiting += [part for part in gc.get_referents(one) if type(part).__name__ != "frame"]
        waiting += [getattr(one, name, None) for name in ("__cause__", "__context__", "__traceback__")]
    return texts


def remove(token: SoftToken, kind: ObjectClass) -> None:
    with editing(token) as session:
        for one in list(session.get_objects({Attribute.CLASS: kind})):
            one.destroy()


def test_the_uri_of_a_development_token_is_one(token: SoftToken) -> None:
    uri = parse_pkcs11_uri(token.uri("0aff"))
    assert (uri.token, uri.id, uri.type) == (LABEL, b"\x0a\xff", "private")
    assert uri.pin_source == token.pin_file


def test_rsa_keys_on_the_token_are_not_exportable(token: SoftToken) -> None:
    with editing(token) as session:
        (key,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: b"\x01"})
        with pytest.raises(cryptoki.AttributeSensitive):
            key[Attribute.PRIVATE_EXPONENT]
