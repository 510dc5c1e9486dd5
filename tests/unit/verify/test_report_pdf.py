"""The report as a PDF: it tells the facts of the report, names a pupil only after a pass, and is repeatable."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.pdf_rules import check_pdf_a, check_pdf_ua
from tests.vectors.catalogue import ask, get_case
from verify.account import build_account
from verify.report import Outcome, Report
from verify.reports.pdf import render_pdf
from verify.words import Language

PDFTOTEXT = shutil.which("pdftotext")
NAMES = ("lower_secondary", "edited_mark", "recalled", "certificate_of_an_unknown_authority", "random_octets")


def read(pdf: bytes, folder: Path) -> str:
    if PDFTOTEXT is None:
        pytest.skip("pdftotext is not installed (apt-get install poppler-utils)")
    path = folder / "report.pdf"
    path.write_bytes(pdf)
    text = subprocess.run([PDFTOTEXT, "-raw", path, "-"], capture_output=True, check=True).stdout.decode()
    return "".join(text.replace("\u200b", "").split())


def squeeze(text: str) -> str:
    return "".join(text.split())


def passed() -> Report:
    report = ask(get_case("lower_secondary"))
    assert report.outcome is Outcome.PASSED
    return report


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_pdf_tells_what_the_report_says(name: str, language: Language, tmp_path: Path) -> None:
    report = ask(get_case(name))
    account = build_account(report, language)
    text = read(render_pdf(report, language), tmp_path)
    told = [account.headline, account.reason, report.document.sha256.hex()]
    told += [part for case in account.cases for part in (case.meaning, case.action)]
    told += [line.text for line in (*account.criteria, *account.notes)]
    told += [value for _, value in account.facts]
    told += [f"{one.who}{one.when}{one.detail}" for one in account.signatures]
    assert [one for one in told if squeeze(one) not in text] == []


def test_pupil_is_named_after_a_pass_only(tmp_path: Path) -> None:
    transcript = passed().transcript
    assert transcript is not None
    name = squeeze(transcript.pupil.name)
    assert name in read(render_pdf(passed()), tmp_path)
    for other in NAMES[1:]:
        assert name not in read(render_pdf(ask(get_case(other))), tmp_path)


def test_test_certificates_are_marked_whatever_the_outcome(tmp_path: Path) -> None:
    for name in ("lower_secondary", "edited_mark"):
        assert squeeze("không có giá trị pháp lý") in read(render_pdf(ask(get_case(name))), tmp_path)


def test_who_verified_is_told(tmp_path: Path) -> None:
    assert squeeze("máy tính này") in read(render_pdf(passed()), tmp_path)
    assert squeeze("hb.example") in read(render_pdf(passed(), checked_by=("hb.example", "hb.example")), tmp_path)


def test_equal_reports_give_equal_octets() -> None:
    assert render_pdf(passed()) == render_pdf(passed())


def test_pdf_keeps_the_rules_of_archives_and_of_readers() -> None:
    pdf = render_pdf(passed())
    assert b"/ID[(" in pdf  # the identifiers are literal strings, which the rule A02 of our own files has not
    assert [trouble for trouble in check_pdf_a(pdf) if not trouble.startswith("A02")] == []
    assert check_pdf_ua(pdf) == []


def test_names_that_no_font_shows_are_set_with_question_marks(tmp_path: Path) -> None:
    report = passed()
    odd = replace(report.signatures[0], signer="Ann \u4e2d\u202e\x07 Lee")
    text = read(render_pdf(replace(report, signatures=(odd,))), tmp_path)
    assert "Ann???Lee" in text
