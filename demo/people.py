"""Development keys for everybody who signs at a school, in both trust worlds and of both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from demo.holders import FileHolder, KeyHolder
from keys_dev.pki import DevelopmentPki, Subscriber
from keys_dev.profiles import KeyKind
from signing.keystores.pkcs12 import open_pkcs12
from signing.signer import Signer
from transcript_core.pki.trust import World
from transcript_core.records import StaffRecord

SEAL_IDENTITY = "MST:0101234567"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Who has keys at one school, and what holds them; each key is opened once, when it is needed."""

    pki: DevelopmentPki
    holder: KeyHolder
    people: dict[str, Subscriber]  # by staff code
    seal: Subscriber
    _opened: dict[str, Signer] = field(default_factory=dict, repr=False, compare=False)

    @property
    def identities(self) -> dict[str, str]:
        """Return staff code → "CCCD:…"."""
        return {staff_code: person.identity for staff_code, person in self.people.items()}

    def open_person(self, staff_code: str) -> Signer:
        """Return the signer of one member of staff."""
        return self._open(self.people[staff_code])

    def open_seal(self) -> Signer:
        """Return the signer that holds the school's seal."""
        return self._open(self.seal)

    def open_department(self) -> Signer:
        """Return the signer that holds the department's authority key: a file, whatever the school uses."""
        path = self.pki.authority_p12
        return open_pkcs12(path, self.pki.read_password(path))

    def close(self) -> None:
        """Let go of every key that was opened; opening again works."""
        for signer in self._opened.values():
            signer.close()
        self._opened.clear()

    def _open(self, subscriber: Subscriber) -> Signer:
        if subscriber.identity not in self._opened:
            self._opened[subscriber.identity] = self.holder.open(subscriber)
        return self._opened[subscriber.identity]


def issue_keys(
    pki: DevelopmentPki, school_name: str, staff: Sequence[StaffRecord], holder: KeyHolder | None = None
) -> Keyring:
    """Return keys for all staff and the seal, issued at the first call.

    As in reality, teachers hold certificates of public CAs or of the public-duty PKI, and RSA or ECDSA keys; principal,
    deputy, clerk and seal hold public-duty ones.

    Args:
        holder: of all keys but the department's; None: PKCS#12 files.
    """
    holder = holder or FileHolder(pki)
    people = {person.staff_code: _subscribe(number, person, school_name) for number, person in enumerate(staff)}
    seal = Subscriber(school_name, SEAL_IDENTITY, school_name, World.PUBLIC_DUTY)
    holder.issue([*people.values(), seal])
    return Keyring(pki, holder, people, seal)


def _subscribe(number: int, person: StaffRecord, school_name: str) -> Subscriber:
    teacher = person.position.casefold().startswith("giáo viên")
    world = World.NATIONAL if teacher and number % 2 else World.PUBLIC_DUTY
    kind: KeyKind = "p-256" if teacher and number % 4 == 1 else "rsa-2048"
    born = person.birth_date.year % 100 if person.birth_date else 80
    return Subscriber(person.name, f"CCCD:0010{born:02d}{number:06d}", school_name, world, kind)
