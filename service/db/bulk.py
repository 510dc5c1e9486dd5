"""Changes of many rows in few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import FromClause, Table, bindparam, update
from sqlalchemy.orm import Session


def update_many(session: Session, table: FromClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows named by their primary key, those that change the same columns in one statement."""
    assert isinstance(table, Table)
    keys = [column.name for column in table.primary_key]
    by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        prefixed = {f"key_{name}" if name in keys else name: value for name, value in row.items()}
        by_columns.setdefault(frozenset(row), []).append(prefixed)
    statement = update(table).where(*(table.c[name] == bindparam(f"key_{name}") for name in keys))
    for columns, values in by_columns.items():
        session.connection().execute(
            statement.values({name: bindparam(name) for name in columns if name not in keys}), values
        )
