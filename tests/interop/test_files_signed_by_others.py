"""Files that others signed, or broke, come out as their makers say, through the command that anybody would use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_command

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "signed-by-others"
MANIFEST = FOLDER / "manifest.json"
FILES: list[dict[str, Any]] = json.loads(MANIFEST.read_text("utf-8"))["files"] if MANIFEST.is_file() else []

pytestmark = pytest.mark.skipif(not FILES, reason="the files signed by others are not beside this project")


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_file_comes_out_as_its_maker_says(entry: dict[str, Any]) -> None:
    beside = [text for one in entry["sidecars"] for text in ("--detached", str(FOLDER / one["file"]))]
    done = run_command("inspect", FOLDER / entry["file"], "--json", *beside, environment={})
    report = done.json
    intact = [one["intact"] for one in report["signatures"]]
    assert (report["outcome"], done.code) in {("INDETERMINATE", 3), ("TOTAL-FAILED", 1)}  # no anchors were given
    if entry["expected"] == "intact":
        assert report["outcome"] == "INDETERMINATE"
        assert len(intact) >= entry["n_signatures"]  # countersignatures are listed too
        assert all(intact)
    elif entry["expected"] == "broken":
        assert report["outcome"] == "TOTAL-FAILED"
        assert not intact or not all(intact)
    else:
        assert not intact
