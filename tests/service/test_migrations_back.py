"""Every migration can be taken back and applied again, on both databases."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from service.db.engine import MIGRATIONS, migrate, open_database
from service.db.tables import Base


def test_migrations_go_back_step_by_step_and_forth_again(database_url: str) -> None:
    engine = open_database(database_url).kw["bind"]
    assert isinstance(engine, Engine)
    downgrade(engine, "0001")
    assert not {"signing_batches", "pendings"} & set(inspect(engine).get_table_names())
    downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def downgrade(engine: Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
