"""Sessions, threads and processes at a real token (SoftHSM2), and what happens when it or its login is lost."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import GeneralError

from keys_dev.softhsm import SoftToken
from signing.keystores.pkcs11 import Pkcs11Signer, open_pkcs11
from signing.keystores.secrets import CallbackSecret
from tests.support.softhsm import (
    P256,
    RSA,
    Pin,
    bare_uri,
    editing,
    end_login,
    entry,
    get_store,
    make_digests,
    make_token,
    needs_softhsm,
    refuse,
    subscriber,
    verify,
)
from transcript_core.errors import KeyUnavailable

pytestmark = needs_softhsm

MANY = 120


@pytest.mark.parametrize("sessions", [1, 3, 8])
def test_several_sessions_keep_the_order(token: SoftToken, sessions: int) -> None:
    uri = f"{bare_uri(token, P256)}&hocba-sessions={sessions}"
    with closing(open_pkcs11(uri, Pin(token))) as signer:
        digests = make_digests(120)
        for digest, value in zip(digests, signer.sign_digests(digests), strict=True):
            verify(signer, digest, value)


def test_signers_in_several_threads_do_not_disturb_each_other(token: SoftToken) -> None:
    def work(number: int) -> None:
        with closing(open_pkcs11(bare_uri(token, (RSA, P256)[number % 2]), Pin(token))) as signer:
            digests = make_digests(20)
            for digest, value in zip(digests, signer.sign_digests(digests), strict=True):
                verify(signer, digest, value)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, number) for number in range(8)]:
            done.result()


def sign_elsewhere(uri: str, pin_file: str, count: int) -> list[bytes]:
    with closing(open_pkcs11(uri, CallbackSecret(lambda _: Path(pin_file).read_text("ascii")))) as signer:
        return list(signer.sign_digests(make_digests(count)))


def test_several_processes_sign_at_the_same_time(token: SoftToken) -> None:
    uri = bare_uri(token, RSA)
    with multiprocessing.get_context("spawn").Pool(2) as pool, closing(open_pkcs11(uri, Pin(token))) as signer:
        running = [pool.apply_async(sign_elsewhere, (uri, str(token.pin_file), 30)) for _ in range(2)]
        answers = [list(signer.sign_digests(make_digests(30))), *(one.get(60) for one in running)]
        assert answers[0] == answers[1] == answers[2]  # RSA PKCS#1 is deterministic
        for digest, value in zip(make_digests(30), answers[0], strict=True):
            verify(signer, digest, value)


def test_a_library_that_others_initialised_is_used_by_one_thread_and_left_running(own: SoftToken) -> None:
    with editing(own) as foreign:
        pin = Pin(own)
        with closing(open_pkcs11(f"{bare_uri(own, RSA)}&hocba-sessions=4", pin)) as signer:
            assert signer._connection is not None
            assert len(signer._connection.sessions) == 1
            digests = make_digests(20)
            for digest, value in zip(digests, signer.sign_digests(digests), strict=True):
                verify(signer, digest, value)
        assert len(list(foreign.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))) == 3  # still logged in


def test_a_library_that_another_part_finalises_is_lost(own: SoftToken) -> None:
    with closing(open_pkcs11(bare_uri(own, RSA), Pin(own))) as signer:
        assert signer._connection is not None
        signer._connection.module.library.finalize()
        refuse(lambda: signer.sign_digests([bytes(32)]), "stopped answering")
        signer.reopen()
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_stopping_the_command_ends_all_sessions(token: SoftToken) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with closing(open_pkcs11(f"{bare_uri(token, RSA)}&hocba-sessions=3", Pin(token))) as signer:
        with pytest.raises(KeyboardInterrupt):
            signer.sign_digests(DigestsWithAccident(MANY, stop))
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_a_forked_child_must_not_use_the_token(token: SoftToken) -> None:
    with closing(open_pkcs11(bare_uri(token, RSA), Pin(token))) as signer:
        child = os.fork()
        if child == 0:
            os._exit(_count_refusals(token, signer))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def _count_refusals(token: SoftToken, signer: Pkcs11Signer) -> int:
    refused = 0
    for action in (lambda: signer.sign_digests([bytes(32)]), lambda: open_pkcs11(bare_uri(token, RSA), Pin(token))):
        try:
            action()
        except KeyUnavailable as error:
            refused += "forked" in str(error)
    signer.close()
    return refused


class DigestsWithAccident(list[bytes]):
    """Digests; something happens when the one in the middle is taken to be signed."""

    def __init__(self, count: int, accident: Callable[[], object]) -> None:
        super().__init__(make_digests(count))
        self.accident: Callable[[], object] | None = accident

    def __getitem__(self, position: Any) -> Any:
        if position == len(self) // 2 and self.accident is not None:
            accident, self.accident = self.accident, None
            accident()
        return super().__getitem__(position)


def test_a_login_lost_in_mid_batch_is_renewed_once_by_asking_again(token: SoftToken) -> None:
    pin = Pin(token)
    with closing(open_pkcs11(bare_uri(token, RSA), pin)) as signer:
        digests = DigestsWithAccident(MANY, lambda: end_login(signer))
        values = signer.sign_digests(digests)
        assert len(pin.asked) == 2
        for digest, value in zip(digests, values, strict=True):
            verify(signer, digest, value)


@dataclass
class FailsWhileSigning:
    """A session's key; while it makes a signature something happens, and the driver answers CKR_GENERAL_ERROR."""

    accident: Callable[[], object]

    def sign(self, *_: object, **__: object) -> bytes:
        self.accident()
        raise GeneralError


@pytest.mark.parametrize("sessions", [1, 4])
def test_a_login_that_ends_while_a_signature_is_made_is_renewed_whatever_the_driver_answers(
    token: SoftToken, sessions: int
) -> None:
    pin = Pin(token)
    with closing(open_pkcs11(f"{bare_uri(token, RSA)}&hocba-sessions={sessions}", pin)) as signer:
        assert signer._connection is not None
        signer._connection.keys[0] = FailsWhileSigning(lambda: end_login(signer))  # type: ignore[call-overload]
        digests = make_digests(MANY)
        values = signer.sign_digests(digests)
        assert len(pin.asked) == 2
        for digest, value in zip(digests, values, strict=True):
            verify(signer, digest, value)


def test_a_failure_with_the_login_still_there_is_no_reason_to_ask_again(token: SoftToken) -> None:
    pin = Pin(token)
    with closing(open_pkcs11(bare_uri(token, RSA), pin)) as signer:
        assert signer._connection is not None
        signer._connection.keys[0] = FailsWhileSigning(lambda: None)  # type: ignore[call-overload]
        refuse(lambda: signer.sign_digests(make_digests(MANY)), "refused to sign (GeneralError)")
        assert len(pin.asked) == 1
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])  # in sessions opened anew
        assert len(pin.asked) == 1


def test_a_login_renewed_by_one_signer_serves_the_other(token: SoftToken) -> None:
    pin = Pin(token)
    with (
        closing(open_pkcs11(bare_uri(token, RSA), pin)) as first,
        closing(open_pkcs11(bare_uri(token, P256), pin)) as second,
    ):
        end_login(first)
        for signer in (first, second):
            verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
        assert len(pin.asked) == 2


def test_a_wrong_pin_after_a_lost_login_is_not_tried_again(own: SoftToken) -> None:
    pin = Pin(own)
    with closing(open_pkcs11(bare_uri(own, RSA), pin)) as signer:
        end_login(signer)
        pin.pins = ["00000000"]
        refuse(lambda: signer.sign_digests([bytes(32)]), "PIN is wrong")
        assert len(pin.asked) == 2
        refuse(lambda: signer.sign_digests([bytes(32)]), "not renewed")
        assert len(pin.asked) == 2
        signer.reopen()
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_a_token_pulled_in_mid_batch_fails_the_list_and_can_be_used_again(own: SoftToken, tmp_path: Path) -> None:
    pin, store = Pin(own), get_store(own)
    with closing(open_pkcs11(bare_uri(own, RSA), pin)) as signer:
        digests = DigestsWithAccident(MANY, lambda: store.rename(tmp_path / "pulled"))
        error = refuse(lambda: signer.sign_digests(digests), "taken out")
        assert "rút" in error.text_vi
        refuse(lambda: signer.sign_digests([bytes(32)]), "taken out")
        refuse(signer.reopen, "no token fits")
        assert len(pin.asked) == 1
        (tmp_path / "pulled").rename(store)
        signer.reopen()
        assert len(pin.asked) == 2
        verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])


def test_another_certificate_in_the_slot_is_not_taken_for_the_first(own: SoftToken, tmp_path: Path) -> None:
    other = make_token(tmp_path / "other", entry(RSA, subscriber(P256)))
    with closing(open_pkcs11(bare_uri(own, RSA), Pin(other, own.read_pin()))) as signer:
        shutil.rmtree(get_store(own))
        refuse(lambda: signer.sign_digests([bytes(32)]), "taken out")
        shutil.copytree(get_store(other), own.folder / "tokens" / "another")
        refuse(signer.reopen, "another certificate")
        refuse(lambda: signer.sign_digests([bytes(32)]), "closed")


def test_a_closed_signer_refuses_until_it_is_opened_again(token: SoftToken) -> None:
    signer = open_pkcs11(bare_uri(token, RSA), Pin(token))
    signer.close()
    signer.close()
    refuse(lambda: signer.sign_digests([bytes(32)]), "closed")
    signer.reopen()
    verify(signer, bytes(32), signer.sign_digests([bytes(32)])[0])
    signer.close()
