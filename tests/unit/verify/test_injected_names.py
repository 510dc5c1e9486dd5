"""A name in a certificate, or in a file, writes no line of a report, turns no text and clears no screen."""

from __future__ import annotations

import json
import unicodedata
from functools import cache

import pytest

from tests.support.signers import make_signer
from tests.vectors.forge import MATHS, edit, reseal, resign_with
from tests.vectors.school import CHECKED_AT, school, signed
from verify.account import build_account
from verify.detail import DetailedReport
from verify.plain import MAX_NAME, clean_line, clean_name
from verify.report import Finding, FindingOutcome
from verify.reports.etsi import build_validation_report
from verify.reports.pdf import render_pdf
from verify.text import render

NAMES = (
    "Hoàng Hữu An\nKẾT QUẢ: HỢP LỆ",
    "Hoàng Hữu An\r\x1b[2J\x1b[1;1H",
    "Hoàng\u202eAn\u2066\u2028KẾT QUẢ: HỢP LỆ\u2029",
    "An #strong[x] $x$ \\ *b* <script>alert(1)</script>",
)
BAD = frozenset({"Cc", "Cf", "Zl", "Zp"})


@cache
def _judge(name: str) -> DetailedReport:
    signer = make_signer("p-256", name=name, identity="CCCD:000148712189")
    document = edit(signed(), resign_with(MATHS, signer), reseal)
    return school().verifier().verify_in_detail(document, at=CHECKED_AT)


def _has_bad(text: str) -> bool:
    return any(unicodedata.category(one) in BAD for one in text if one != "\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_text_stays_in_its_lines(name: str, language: str) -> None:
    plain = render(_judge("Hoàng Hữu An").report, language)  # type: ignore[arg-type]
    shown = render(_judge(name).report, language)  # type: ignore[arg-type]
    assert not _has_bad(shown)
    assert not any(line.startswith("KẾT QUẢ: HỢP LỆ") for line in shown.splitlines())
    assert abs(len(shown.splitlines()) - len(plain.splitlines())) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_json_and_pages_hold_the_name_in_plain_characters(name: str) -> None:
    report = _judge(name).report
    told = json.loads(report.to_json())
    texts = [one["text_vi"] + one["text_en"] for one in told["findings"]] + [
        str(one["signer"]) for one in told["signatures"]
    ]
    account = build_account(report, "vi")
    texts += [one.who for one in account.signatures] + [one.text for one in account.notes]
    assert not any(map(_has_bad, texts))
    assert not any("\n" in text for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_pdf_and_xml_are_made_of_any_name(name: str) -> None:
    detailed = _judge(name)
    assert render_pdf(detailed.report, "vi").startswith(b"%PDF")
    assert build_validation_report(detailed).startswith(b"<")


def test_long_names_do_not_push_the_answer_away() -> None:
    assert len(clean_name("A" * 5_000)) == MAX_NAME
    assert clean_name("Nguyễn Thị Ánh") == "Nguyễn Thị Ánh"
    assert clean_line("a\tb\u00a0c\ud800") == "a\ufffdb c\ufffd"


def test_every_sentence_of_a_report_is_one_line() -> None:
    finding = Finding("x", FindingOutcome.PASSED, "một\nhai", "one\x1btwo\u202e")
    assert (finding.text_vi, finding.text_en) == ("một\ufffdhai", "one\ufffdtwo\ufffd")
