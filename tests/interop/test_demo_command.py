"""`hocba demo` in a process of its own, as `make demo` runs it: the bundled school, and a school that nobody tuned."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from tests.support.softhsm import needs_softhsm

ROOT = Path(__file__).resolve().parents[2]
REAL_SCHOOL = ROOT.parent / "shared" / "data" / "thcs-school"
REAL_CLASS = "7A2"
PUPILS = 8
TIMEOUT_S = 300


def run_demo(out: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from service.cli.main import run; run()", "demo", "--out", str(out), *options]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def test_the_bundled_school(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_demo(out, "--pupils", str(PUPILS))
    assert done.returncode == 0, done.stdout + done.stderr
    steps = list_steps(done.stdout)
    assert steps
    assert set(steps.values()) == {"✓"}
    check_outputs(out, documents=PUPILS - 1)  # the bundled school's troubles hold one pupil back
    check_deceits(out)
    assert "held back:" in done.stdout
    (problem_pupil,) = {row["pupil_code"] for row in read_csv(out / "problems.csv") if row["severity"] == "error"}
    assert problem_pupil in (out / "held-back.csv").read_text("utf-8-sig")


@needs_softhsm
def test_the_bundled_school_on_a_token(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_demo(out, "--pupils", "6", "--keys", "pkcs11")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(list_steps(done.stdout).values()) == {"✓"}
    assert "PKCS#11" in done.stdout
    check_outputs(out, documents=5)
    check_deceits(out)
    objects = list((out / "keys" / "pkcs11" / "tokens").glob("*/*.object"))
    assert len(objects) > 3 * 19  # key, public key and certificate of everybody


def test_without_softhsm_the_token_demo_says_what_to_install(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "out", "--keys", "pkcs11", PATH="/nowhere")
    assert done.returncode == 1
    assert "softhsm2" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_a_folder_that_no_demo_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("precious", "utf-8")
    done = run_demo(tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.skipif(not REAL_SCHOOL.is_dir(), reason="the real school's workbooks are not beside the project")
def test_a_class_of_the_real_school(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_demo(out, "--school", str(REAL_SCHOOL), "--class", REAL_CLASS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(list_steps(done.stdout).values()) == {"✓"}
    rows = read_csv(out / "results.csv")
    assert {row["class"] for row in rows} == {REAL_CLASS}
    assert len(rows) >= 30
    check_outputs(out, documents=len(rows))
    check_deceits(out)


def list_steps(printed: str) -> dict[str, str]:
    """Return step → ✓ or ✗, as the table shows them."""
    return {
        match[2].strip(): match[1]
        for match in re.finditer(r"^ ?([✓✗])\s+(?:│\s*)?([^│\n]+?)(?:\s{2,}|│|$)", printed, re.MULTILINE)
    }


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file that the demo left."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def check_outputs(out: Path, *, documents: int) -> None:
    """Fail unless every document lies there in all its forms, with a QR code that leads to its page."""
    stems = sorted(path.with_suffix("") for path in (out / "documents").rglob("*-v1.xml"))
    assert len(stems) == documents
    serials = {row["pupil_code"]: row["serial"] for row in json.loads((out / "results.json").read_bytes())}
    assert len(serials) == documents
    for stem in stems:
        for suffix in (".xml", ".pdf", ".json", ".jws"):
            assert stem.with_name(stem.name + suffix).stat().st_size > 500
        code = zxingcpp.read_barcode(Image.open(stem.with_name(f"{stem.name}.qr.png")))
        assert code is not None
        serial = serials[stem.name.partition("-")[0]]
        assert re.fullmatch(rf"http://127\.0\.0\.1:8000/v/{serial}/1#[\w-]+", code.text)
    assert len(list((out / "documents").rglob("*-v2.xml"))) == 1
    assert list(out.glob("status-*.jws"))
    assert not list(out.rglob(".part-*"))


def check_deceits(out: Path) -> None:
    """Fail unless what is genuine passed and each forgery was caught, by the reports left behind."""
    reports = {path.stem: json.loads(path.read_bytes()) for path in (out / "reports").glob("*.json")}
    passed = {name for name, report in reports.items() if report["outcome"] == "TOTAL-PASSED"}
    assert {"genuine-xml", "genuine-pdf", "new-version"} <= passed
    caught = {"edited-mark", "swapped-part", "forged-paper", "replaced", "recalled"}
    assert caught <= set(reports)
    assert caught.isdisjoint(passed)
    assert reports["edited-mark"]["outcome"] == reports["swapped-part"]["outcome"] == "TOTAL-FAILED"
    assert reports["replaced"]["document"]["status"] == "superseded"
    assert reports["recalled"]["document"]["status"] == "recalled"
    assert {path.name for path in (out / "forged").iterdir()} >= {
        "edited-mark.xml",
        "swapped-part.xml",
        "forged-paper.pdf",
    }
