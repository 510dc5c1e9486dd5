"""Runs the command `hocba` in this process, with an environment of the test's own."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from service.cli.main import main


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run of the command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return standard output, which must be one JSON value and nothing else."""
        return json.loads(self.out)


def run_command(*argv: object, environment: Mapping[str, object]) -> Ran:
    """Run `hocba argv…`; only the given HOCBA_ variables are set."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, str(value))
        patch.setenv("COLUMNS", "200")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(one) for one in argv])
    return Ran(code, out.getvalue(), err.getvalue())
