"""A key goes away in the middle of the work, for everybody who signs: in the end each slot is signed exactly once.

On a real token (SoftHSM2) whose folder is moved away, or whose session ends, while C_Sign is at work; at a remote
service whose approvals end while a list is signed.  All nineteen slots of several documents, in both formats, through
the same functions that `hocba sign` and `hocba issue` call, with store and rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from keys_dev.pki import Subscriber
from keys_dev.softhsm import SoftToken, TokenEntry
from service import audit
from service.db.engine import transaction
from service.transcripts.repository import DocumentState
from signing.keystores.csc import CscSigner, open_csc
from signing.keystores.csc.authorization import Waiting
from signing.keystores.pkcs11 import Pkcs11Signer, open_pkcs11
from signing.signer import Signer
from tests.support.csc_provider import PIN, USER, Faults, Provider
from tests.support.csc_server import Person, name_key, serving_provider
from tests.support.pki import development_pki
from tests.support.signers import MemorySigner, WatchedSigner
from tests.support.softhsm import Pin, bare_uri, end_login, get_store, make_token, needs_softhsm, plugged_in
from tests.support.workflow import SEAL_IDENTITY, SmallSchool, enrolled_school, open_subscriber, seal_subscriber
from transcript_core.errors import KeyUnavailable, TranscriptError
from transcript_core.policy import SignatureFormat

BOTH = frozenset(SignatureFormat)
PUPILS: Final = 2
SLOTS: Final = 19
SEAL: Final = "seal"
PIN_FACTOR: Final = {"type": "Password", "id": "PIN", "label": "PIN"}


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    with enrolled_school(tmp_path / "school", pupils=PUPILS) as made:
        made.import_()
        made.build()
        yield made


def list_holders(school: SmallSchool) -> dict[str, Subscriber]:
    """Return who holds a key, by staff code, the seal among them."""
    return {**school.subscribers, SEAL: seal_subscriber(school.school.name, SEAL_IDENTITY)}


def assert_signed_once(school: SmallSchool) -> None:
    """Fail unless every document is issued with every slot signed, told of and held by the files once, and passes."""
    documents = school.list_documents()
    assert [one.state for one in documents] == [DocumentState.ISSUED] * PUPILS
    school.assert_store_is_sound()
    school.assert_rows_tell_what_files_hold()
    with transaction(school.workspace.sessions) as session:
        for one in documents:
            assert list(school.list_signed(one.key).values()) == [BOTH] * SLOTS
            told = Counter(
                f"{subject} {kind}"
                for _, _, action, subject, detail in audit.list_events(session, subject_prefix=f"{one.key}#")
                if action == "sign"
                for kind in detail.split("+")
            )
            assert sorted(told.values()) == [1] * SLOTS * len(BOTH)
    for one in documents:
        school.assert_passes(one.key)


# -- a token -----------------------------------------------------------------------------------------------------------


class WithAccident(list[bytes]):
    """A list of digests; something happens as the token takes one of them."""

    def __init__(self, digests: Sequence[bytes], accident: Callable[[], object]) -> None:
        super().__init__(digests)
        self._accident: Callable[[], object] | None = accident

    def __getitem__(self, position: Any) -> Any:
        if position == len(self) // 2 and self._accident is not None:
            accident, self._accident = self._accident, None
            accident()
        return super().__getitem__(position)


@dataclass(kw_only=True)
class Unlucky(WatchedSigner):
    """A token's signer, unchanged but for short lists, of which one has an accident."""

    accident: Callable[[], object]
    at: int  # the list with the accident, from 1

    def sign_digests(self, digests: Sequence[bytes]) -> Sequence[bytes]:
        unlucky = len(self.lists) + 1 == self.at
        return super().sign_digests(WithAccident(digests, self.accident) if unlucky else digests)


@dataclass
class TokenRoom:
    """A token with everybody's keys that is pulled, and put back."""

    token: SoftToken
    entries: dict[str, str]  # staff code, or SEAL → CKA_ID
    aside: Path
    pulled: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._store = get_store(self.token)

    def open(self, code: str) -> Pkcs11Signer:
        return open_pkcs11(bare_uri(self.token, self.entries[code]), Pin(self.token))

    def pull(self) -> None:
        self._store.rename(self.aside)
        self.pulled += 1

    def put_back(self) -> None:
        if self.aside.is_dir():
            self.aside.rename(self._store)

    def end_session(self, signer: Pkcs11Signer) -> None:
        end_login(signer)
        self.lost += 1

    def sign(self, code: str, at: int, do: Callable[[Signer], Sequence[TranscriptError]], *, pull: bool) -> None:
        """Do one person's work, with an accident in its list of this number, again until nothing failed.

        Args:
            do: signs with the key and returns what went wrong, document by document.
        """
        with closing(self.open(code)) as signer:
            accident = self.pull if pull else lambda: self.end_session(signer)
            unlucky = Unlucky(signer, list_size=2, accident=accident, at=at)
            while errors := do(unlucky):
                assert {type(error) for error in errors} == {KeyUnavailable}, errors
                assert self.aside.is_dir(), "only a token that is away stops anybody"
                self.put_back()
                signer.reopen()


@pytest.fixture
def room(school: SmallSchool, tmp_path: Path) -> Iterator[TokenRoom]:
    holders, pki = list_holders(school), development_pki()
    entries, ids = [], {}
    for number, (code, holder) in enumerate(holders.items(), start=16):
        path = pki.issue(holder)
        ids[code] = f"{number:02x}"
        entries.append(TokenEntry(str(path), pki.read_password(path), f"key {code}", ids[code]))
    with plugged_in(make_token(tmp_path / "token", *entries, label="trường")) as token:
        yield TokenRoom(token, ids, tmp_path / "pulled")


@needs_softhsm
def test_a_token_that_is_pulled_again_and_again_signs_every_slot_once(school: SmallSchool, room: TokenRoom) -> None:
    turns = 0
    while codes := school.list_open_staff():
        for code in codes:
            turns += 1

            def sign(signer: Signer) -> list[TranscriptError]:
                return [error for *_, error in school.sign_with(signer).failed]

            room.sign(code, 1 + turns % PUPILS, sign, pull=turns % 4 != 0)

    def issue(signer: Signer) -> list[TranscriptError]:
        return [error for _, error in school.issue(seal=signer).failed]

    assert school.list_documents()[0].state is DocumentState.LOCKED
    room.sign(SEAL, 2, issue, pull=True)
    assert room.pulled + room.lost == turns + 1
    assert room.pulled > room.lost > 0
    assert_signed_once(school)


# -- a remote service --------------------------------------------------------------------------------------------------


def hold_as_provider(holder: Subscriber) -> MemorySigner:
    """Return a person's key as a provider has it."""
    pki = development_pki()
    path = pki.issue(holder)
    key = pkcs12.load_pkcs12(path.read_bytes(), pki.read_password(path).encode()).key
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    opened = open_subscriber(holder)
    return MemorySigner(opened.certificate, tuple(opened.chain), opened.algorithm, key)


@dataclass
class Remote:
    """A provider that holds one person's key after the other's."""

    provider: Provider
    person: Person = field(default_factory=Person)

    @contextmanager
    def opened(self, holder: Subscriber) -> Iterator[CscSigner]:
        self.provider.holder = hold_as_provider(holder)
        waiting = Waiting(self.provider.time.clock, self.provider.time.sleep)
        uri = name_key(self.provider, "auth=basic", f"user={USER}", "hashes-per-call=2")
        with closing(open_csc(uri, self.person, waiting=waiting)) as signer:
            yield signer


@pytest.mark.parametrize(
    "faults",
    [
        Faults(end_approvals_after=1),
        Faults(end_approvals_after=1, silent_about_expiry=True),
        Faults(call_takes_s=200.0),
    ],
    ids=["the service says so", "a bare 400", "time is over"],
)
def test_approvals_that_end_in_every_list_sign_every_slot_once(school: SmallSchool, faults: Faults) -> None:
    provider = Provider(multisign=100, objects=[PIN_FACTOR], faults=faults)
    with serving_provider(provider):
        remote = Remote(provider)
        while codes := school.list_open_staff():
            for code in codes:
                with remote.opened(school.subscribers[code]) as signer:
                    assert not school.sign_with(signer).failed
        with remote.opened(list_holders(school)[SEAL]) as signer:
            assert not school.issue(seal=signer).failed
    assert_signed_once(school)
    digests = PUPILS * (SLOTS * len(BOTH) + 1)  # the seal signs the JSON too
    assert len(provider.signed) == len(set(provider.signed)) == digests
    assert provider.count("credentials/authorize") >= digests // 4, "one approval never served for a whole list"
    assert PIN not in "".join(remote.person.asked)


def test_a_service_that_goes_away_for_everybody_signs_every_slot_once(school: SmallSchool) -> None:
    provider = Provider(multisign=2, objects=[PIN_FACTOR])
    outages = 0

    def work(holder: Subscriber, do: Callable[[Signer], Sequence[TranscriptError]]) -> int:
        provider.faults.busy_after = len(provider.signed) + 2
        with remote.opened(holder) as signer:
            errors = do(signer)
            assert errors
            assert all(isinstance(error, KeyUnavailable) for error in errors)
            provider.faults.busy_after = None
            assert not do(signer)
        return 1

    with serving_provider(provider):
        remote = Remote(provider)
        while codes := school.list_open_staff():
            for code in codes:
                outages += work(
                    school.subscribers[code], lambda signer: [error for *_, error in school.sign_with(signer).failed]
                )
        outages += work(
            list_holders(school)[SEAL], lambda signer: [error for _, error in school.issue(seal=signer).failed]
        )
    assert outages > SLOTS // 2
    assert_signed_once(school)
    assert len(provider.signed) == len(set(provider.signed))
