"""`hocba demo --keys csc`: the main job with everybody's key at certomancer's remote signing service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 300


def test_the_bundled_school_signs_remotely(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", "from service.cli.main import run; run()", "demo"]
    command += ["--keys", "csc", "--pupils", "6", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "remote signing service" in done.stdout
    assert ("✓" in done.stdout, "✗" in done.stdout) == (True, False)
    assert len(list((out / "documents").rglob("*-v1.xml"))) == 5  # the bundled school's troubles hold one pupil back
