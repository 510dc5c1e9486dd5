"""Development keys for everybody who signs at a school, in both trust worlds and of both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keys_dev.pki import DevelopmentPki, Subscriber
from keys_dev.profiles import KeyKind
from signing.keystores.pkcs12 import open_pkcs12
from signing.signer import Signer
from transcript_core.pki.trust import World
from transcript_core.records import StaffRecord

SEAL_IDENTITY = "MST:0101234567"


@dataclass(frozen=True, slots=True)
class Keyring:
    """Where the keys of one school are, by staff code."""

    pki: DevelopmentPki
    identities: dict[str, str]  # staff code → "CCCD:…"
    files: dict[str, Path]  # staff code → PKCS#12
    seal: Path
    _opened: dict[Path, Signer] = field(default_factory=dict, repr=False, compare=False)

    def open_person(self, staff_code: str) -> Signer:
        """Return the signer of one member of staff."""
        return self._open(self.files[staff_code])

    def open_seal(self) -> Signer:
        """Return the signer that holds the school's seal."""
        return self._open(self.seal)

    def open_department(self) -> Signer:
        """Return the signer that holds the department's authority key."""
        return self._open(self.pki.authority_p12)

    def _open(self, path: Path) -> Signer:
        if path not in self._opened:
            self._opened[path] = open_pkcs12(path, self.pki.read_password(path))
        return self._opened[path]


def issue_keys(pki: DevelopmentPki, school_name: str, staff: Sequence[StaffRecord]) -> Keyring:
    """Return keys for all staff and the seal, issued at the first call.

    As in reality, teachers hold certificates of public CAs or of the public-duty PKI, and RSA or ECDSA keys; principal,
    deputy, clerk and seal hold public-duty ones.
    """
    subscribers = [_subscribe(number, person, school_name) for number, person in enumerate(staff)]
    seal = Subscriber(school_name, SEAL_IDENTITY, school_name, World.PUBLIC_DUTY)
    *people, seal_file = pki.issue_all([*subscribers, seal])
    return Keyring(
        pki=pki,
        identities={person.staff_code: one.identity for person, one in zip(staff, subscribers, strict=True)},
        files={person.staff_code: path for person, path in zip(staff, people, strict=True)},
        seal=seal_file,
    )


def _subscribe(number: int, person: StaffRecord, school_name: str) -> Subscriber:
    teacher = person.position.casefold().startswith("giáo viên")
    world = World.NATIONAL if teacher and number % 2 else World.PUBLIC_DUTY
    kind: KeyKind = "p-256" if teacher and number % 4 == 1 else "rsa-2048"
    born = person.birth_date.year % 100 if person.birth_date else 80
    return Subscriber(person.name, f"CCCD:0010{born:02d}{number:06d}", school_name, world, kind)
