"""What every use case works with: database, document store, clock, trust material and the authority list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from service.db.engine import open_database
from service.settings import Settings
from service.store import DocumentStore
from transcript_core.authority import AuthorityList, open_authority_list
from transcript_core.clock import Clock, SystemClock
from transcript_core.errors import AuthorityListInvalid, StateError
from transcript_core.limits import MAX_AUTHORITY_BYTES
from transcript_core.pki.trust import TrustStore, load_trust_store


@dataclass(frozen=True)
class Workspace:
    """One installation, opened."""

    settings: Settings
    sessions: sessionmaker[Session]
    store: DocumentStore
    clock: Clock

    @cached_property
    def trust(self) -> TrustStore | None:
        """The configured anchors, or None: nothing is trusted by default."""
        folder = self.settings.anchors_dir
        return None if folder is None else load_trust_store(folder)

    @cached_property
    def authority(self) -> AuthorityList | None:
        """The verified authority list, or None when none is configured: authority is then not checked.

        Raises:
            AuthorityListInvalid: a list is configured but cannot be relied on.
        """
        path = self.settings.authority_file
        if path is None:
            return None
        return read_authority(path, self.trust, self.clock)

    def get_authority(self) -> AuthorityList:
        """Return the authority list.

        Raises:
            AuthorityListInvalid: none is configured, or it cannot be relied on.
        """
        if self.authority is None:
            raise AuthorityListInvalid(
                "no authority list is configured, so nobody's right to sign can be checked; set HOCBA_AUTHORITY_FILE"
            )
        return self.authority


def read_authority(path: Path, trust: TrustStore | None, clock: Clock) -> AuthorityList:
    """Return the authority list in `path`, verified by the configured authority anchors.

    Raises:
        AuthorityListInvalid: it is missing, too large, not signed by an anchor, or outside its validity.
    """
    try:
        size = path.stat().st_size
        signed = path.read_bytes() if size <= MAX_AUTHORITY_BYTES else b""
    except OSError as error:
        raise AuthorityListInvalid(f"the authority list {path.name} cannot be read: {error.strerror}") from error
    if not signed:
        raise AuthorityListInvalid(f"the authority list {path.name} is empty or too large")
    anchors = () if trust is None else trust.authorities
    return open_authority_list(signed, anchors, at=clock.now())


def open_workspace(settings: Settings, clock: Clock | None = None) -> Workspace:
    """Return the installation that `settings` describe; database and store are made when they are new.

    Raises:
        StateError: the database cannot be opened.
    """
    return Workspace(
        settings=settings,
        sessions=_open_database(settings.effective_database_url),
        store=DocumentStore(settings.effective_store_dir),
        clock=clock or SystemClock(),
    )


def _open_database(url: str) -> sessionmaker[Session]:
    try:
        return open_database(url)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: no driver of that name
        told = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise StateError(f"the database cannot be opened; check HOCBA_DATABASE_URL and HOCBA_HOME: {told}") from error
