"""Tokens for the tests of keys on tokens; made once a run, copied for a test that spoils one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keys_dev.softhsm import SoftToken
from tests.support.softhsm import copy_token, make_token, plugged_in


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SoftToken:
    return make_token(tmp_path_factory.mktemp("softhsm") / "token")


@pytest.fixture
def token(made: SoftToken) -> Iterator[SoftToken]:
    """A token that the test only reads."""
    with plugged_in(made):
        yield made


@pytest.fixture
def own(made: SoftToken, tmp_path: Path) -> Iterator[SoftToken]:
    """A token that the test may spoil."""
    with plugged_in(copy_token(made, tmp_path / "token")) as copied:
        yield copied
