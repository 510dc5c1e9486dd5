"""What every use case works with: database, document store, clock, trust material and the authority list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from service.db.engine import open_database
from service.list_numbers import ListNumbers
from service.settings import Settings
from service.store import DocumentStore
from service.trust_material import Kept, Moments, load_trust, read_authority
from transcript_core.authority import AuthorityList
from transcript_core.clock import Clock, SystemClock
from transcript_core.errors import AuthorityListInvalid, AuthorityListOutOfDate, StateError
from transcript_core.pki.trust import TrustStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Workspace:
    """One installation, opened."""

    settings: Settings
    sessions: sessionmaker[Session]
    store: DocumentStore
    clock: Clock
    _trust: Kept[TrustStore] = field(init=False, repr=False, compare=False, default_factory=Kept)
    _authority: Kept[AuthorityList] = field(init=False, repr=False, compare=False, default_factory=Kept)

    @cached_property
    def numbers(self) -> ListNumbers:
        """The highest numbers of the signed lists that were seen here."""
        return ListNumbers(self.settings.home)

    @property
    def trust(self) -> TrustStore | None:
        """The configured anchors and trust lists, or None: nothing is trusted by default.

        The lists are read anew when they change or end.

        Raises:
            TrustMaterialError: they are configured but cannot be relied on.
        """
        lists = self.settings.trust_list_files
        if self.settings.anchors_dir is None and not lists:
            return None
        files = [path for one in lists for path in (one.path, *one.signers)]
        return self._trust.get(files, self.clock.now(), self._load_trust)

    @property
    def authority(self) -> AuthorityList | None:
        """The verified authority list; None when none is configured or it is out of date: authority is not checked.

        Raises:
            AuthorityListInvalid: a list is configured but cannot be relied on.
        """
        try:
            return self._find_authority()
        except AuthorityListOutOfDate as error:
            _log.warning("authority list out of date", detail=str(error))
            return None

    def get_authority(self) -> AuthorityList:
        """Return the authority list.

        Raises:
            AuthorityListInvalid: none is configured, or it cannot be relied on.
        """
        found = self._find_authority()
        if found is None:
            raise AuthorityListInvalid(
                "no authority list is configured, so nobody's right to sign can be checked; set HOCBA_AUTHORITY_FILE"
            )
        return found

    def _find_authority(self) -> AuthorityList | None:
        path = self.settings.authority_file
        if path is None:
            return None
        return self._authority.get([path], self.clock.now(), lambda: self._load_authority(path))

    def _load_trust(self) -> tuple[TrustStore, datetime | None]:
        settings, moments = self.settings, Moments(self.clock.now())
        store = load_trust(settings.anchors_dir, settings.trust_list_files, moments, self.numbers)
        assert store is not None  # something is configured
        return store, store.due

    def _load_authority(self, path: Path) -> tuple[AuthorityList, datetime | None]:
        found = read_authority(path, self.trust, self.clock, numbers=self.numbers)
        return found, found.valid_to + timedelta(microseconds=1)


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
