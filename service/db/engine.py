"""Opens the database and brings it to the newest migration."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from service.store import StoreFull

MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_TIMEOUT_MS = 30_000
"""Milliseconds a SQLite writer waits for another; a signing chunk holds the lock for far less."""

_SQLITE_FULL: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC})
"""What SQLite says of a disk without room: of the file system, of a quota or size limit, and when it shows late."""

_POSTGRESQL_FULL: Final = "53100"  # disk_full


def open_database(url: str) -> sessionmaker[Session]:
    """Return a session factory for `url`, with every migration applied."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        _prepare_file(Path(str(parsed.database)))
    engine = create_engine(parsed)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
    migrate(engine)
    return sessionmaker(engine, expire_on_commit=False)


def migrate(engine: Engine) -> None:
    """Apply every migration that is missing."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Yield a session; commit when the block ends well, roll back when it does not.

    Raises:
        StoreFull: the disk has no room for what was to be written; all is as before.
    """
    with _telling_of_room(), sessions.begin() as session:
        yield session


@contextmanager
def write_transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """As `transaction`, with the right to write taken first: what is read in it stays true until it is written.

    SQLite has one lock for the whole file; on PostgreSQL rows are locked as they are read (SELECT … FOR UPDATE).

    Raises:
        StoreFull: as `transaction`.
    """
    with _telling_of_room(), sessions.begin() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        yield session


@contextmanager
def _telling_of_room() -> Iterator[None]:
    """Turn what a database says of a full disk into the error that every writer knows."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        if getattr(cause, "sqlite_errorcode", None) in _SQLITE_FULL or _get_state(cause) == _POSTGRESQL_FULL:
            told = str(cause).strip().splitlines()[0]
            raise StoreFull(f"the database cannot be written ({told}); free some space and run again") from error
        raise


def _get_state(cause: BaseException | None) -> str | None:
    """Return the SQLSTATE that PostgreSQL gives to an error."""
    return getattr(cause, "sqlstate", None)


def _prepare_file(path: Path) -> None:
    """Make the database's file readable by its owner alone; SQLite gives its side files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.chmod(0o600)


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()
