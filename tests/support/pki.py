"""The development PKI that all tests of one run share, made once and used by every xdist worker.

Revoke only certificates that the test itself issued (a name and number of its own); for anything else that changes
the PKI make another one in `tmp_path` with `make_pki`.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from keys_dev.pki import DevelopmentPki
from keys_dev.profiles import KeyKind
from keys_dev.services import Responder
from signing.keystores.pkcs12 import FileSigner, open_pkcs12
from transcript_core.clock import FixedClock
from transcript_core.pki.trust import World

CREATED_AT = datetime(2026, 5, 1, tzinfo=UTC)
"""The shared PKI's certificates are valid from a year before to three years after."""

_LEFT_OVER = timedelta(hours=12)


@cache
def development_pki() -> DevelopmentPki:
    """Return the PKI of this test run."""
    parent = Path(tempfile.gettempdir()) / f"hocba-test-pki-{os.getuid()}"
    _remove_left_overs(parent)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = parent / (run or f"pid-{os.getpid()}")
    if run is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return DevelopmentPki.load_or_create(folder, created_at=CREATED_AT)


def make_pki(folder: Path) -> DevelopmentPki:
    """Return a PKI of one's own in `folder`; costs about half a second."""
    return DevelopmentPki.load_or_create(folder, created_at=CREATED_AT)


def pki_at(at: datetime, pki: DevelopmentPki | None = None) -> Responder:
    """Return a `Fetch` without sockets: TSA, OCSP, CRLs of the (shared) PKI, as they answer at `at`."""
    return Responder(pki or development_pki(), FixedClock(at))


def open_person(
    name: str = "Võ Phương Vân",
    cccd: str = "001170000001",
    *,
    world: World = World.PUBLIC_DUTY,
    organisation: str = "Trường THCS Hoa Sen",
    algorithm: KeyKind = "rsa-2048",
) -> FileSigner:
    """Return a signer for a person of the shared PKI."""
    pki = development_pki()
    path = pki.issue_person(name, cccd, organisation=organisation, world=world, algorithm=algorithm)
    return open_pkcs12(path, pki.read_password(path))


def open_seal(
    school_name: str = "Trường THCS Hoa Sen", mst: str = "0101234567", *, world: World = World.PUBLIC_DUTY
) -> FileSigner:
    """Return a signer for a school's seal of the shared PKI."""
    pki = development_pki()
    path = pki.issue_seal(school_name, mst, world=world)
    return open_pkcs12(path, pki.read_password(path))


def _remove_left_overs(parent: Path) -> None:
    """Remove what runs with several workers left behind; they cannot know which of them ends last."""
    oldest = (datetime.now(UTC) - _LEFT_OVER).timestamp()
    for folder in parent.glob("*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
