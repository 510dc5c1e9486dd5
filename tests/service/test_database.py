"""Migrations make exactly the tables of the code, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from service import audit
from service.db.engine import migrate, open_database, transaction
from service.db.tables import AuditRow, Base
from service.store import StoreFull


def test_migrations_and_tables_agree(database_url: str) -> None:
    sessions = open_database(database_url)
    engine = sessions.kw["bind"]
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_migrating_again_changes_nothing(database_url: str) -> None:
    sessions = open_database(database_url)
    migrate(sessions.kw["bind"])
    sessions.kw["bind"].dispose()


def test_instants_come_back_aware_and_in_utc(database_url: str) -> None:
    sessions = open_database(database_url)
    local = datetime(2026, 5, 31, 15, 0, tzinfo=timezone(timedelta(hours=7)))
    with transaction(sessions) as session:
        audit.record(session, at=local, actor="test", action="test", subject="x")
    with transaction(sessions) as session:
        stored = session.scalars(select(AuditRow.at)).one()
    sessions.kw["bind"].dispose()
    assert stored == datetime(2026, 5, 31, 8, 0, tzinfo=UTC)
    assert stored.utcoffset() == timedelta(0)


def test_naive_instants_are_refused(database_url: str) -> None:
    sessions = open_database(database_url)
    with pytest.raises(StatementError), transaction(sessions) as session:
        audit.record(session, at=datetime(2026, 5, 31), actor="t", action="t", subject="x")  # noqa: DTZ001
    sessions.kw["bind"].dispose()


def test_a_database_without_room_is_a_typed_error_and_as_before(tmp_path: Path) -> None:
    sessions = open_database(f"sqlite:///{tmp_path / 'small.db'}")

    def fill(pages: int) -> None:
        with transaction(sessions) as session:
            session.execute(text(f"PRAGMA max_page_count = {pages}"))  # not below what there is
            for number in range(100):
                audit.record(
                    session, at=datetime(2026, 5, 31, tzinfo=UTC), actor="t", action="t", subject=f"{number:04000d}"
                )

    with pytest.raises(StoreFull, match=r"database or disk is full.*; free some space and run again"):
        fill(1)
    with transaction(sessions) as session:
        assert audit.list_events(session, subject_prefix="0") == []
    fill(100_000)
    sessions.kw["bind"].dispose()


def test_a_failed_transaction_leaves_no_trace(database_url: str) -> None:
    sessions = open_database(database_url)

    def write_and_fail() -> None:
        with transaction(sessions) as session:
            audit.record(session, at=datetime(2026, 5, 31, tzinfo=UTC), actor="t", action="t", subject="x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with transaction(sessions) as session:
        assert audit.list_events(session, subject_prefix="x") == []
    sessions.kw["bind"].dispose()
