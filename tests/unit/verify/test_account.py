"""The words of a report: equal facts in both languages, nothing frightening without need, nothing left out."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest

from tests.vectors.cases import Case
from tests.vectors.catalogue import ask, build, get_case, list_cases
from tests.vectors.school import CHECKED_AT, school
from verify.account import build_account, is_what_it_says
from verify.report import DocumentKind, FindingOutcome, Outcome, Report
from verify.text import render
from verify.verifier import Verifier

SAMPLE = list_cases()[3::11]
_FIGURES = re.compile(r"\d[\d/:.]*")


def good() -> Report:
    report = ask(get_case("lower_secondary"))
    signatures = tuple(replace(one, development=False) for one in report.signatures)
    return replace(report, signatures=signatures)


def tell(report: Report) -> str:
    """Return what stands in the large box at the top."""
    return " ".join(f"{case.meaning} {case.action}" for case in build_account(report, "vi").cases)


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_both_languages_state_equal_facts(case: Case) -> None:
    report = ask(case)
    vietnamese, english = build_account(report, "vi"), build_account(report, "en")
    for one, other in (
        (vietnamese.cases, english.cases),
        (vietnamese.facts, english.facts),
        (vietnamese.signatures, english.signatures),
        (vietnamese.criteria, english.criteria),
        (vietnamese.findings, english.findings),
        (vietnamese.proof, english.proof),
    ):
        assert len(one) == len(other)
    assert [line.outcome for line in vietnamese.findings] == [line.outcome for line in english.findings]
    assert [one.detail for one in vietnamese.signatures] == [one.detail for one in english.signatures]
    times = [(one.when, other.when) for one, other in zip(vietnamese.signatures, english.signatures, strict=True)]
    assert all(_FIGURES.findall(one) == _FIGURES.findall(other) for one, other in times)


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_text_tells_everything_first_the_answer(case: Case) -> None:
    report = ask(case)
    account = build_account(report, "vi")
    text = render(report, "vi")
    assert account.headline.upper() in text.splitlines()[0]
    assert account.cases[0].meaning == text.splitlines()[1]
    assert all(line.text in text for line in (*account.criteria, *account.notes))
    assert all(one.who in text for one in account.signatures)
    unchecked = [one for one in report.findings if one.outcome is FindingOutcome.NOT_CHECKED]
    assert all(one.text_vi in text for one in unchecked)


def test_status_of_a_forged_file_is_not_told_as_its_own() -> None:
    forged, recalled = ask(get_case("edited_mark")), ask(get_case("recalled"))
    assert not is_what_it_says(forged)
    assert "chưa xác nhận được cho tệp này" in dict(build_account(forged, "vi").facts)["Tình trạng"]
    assert "Số hiệu ghi trong tệp" in dict(build_account(forged, "vi").facts)
    assert is_what_it_says(recalled)
    assert dict(build_account(recalled, "vi").facts)["Tình trạng"].startswith("đã bị thu hồi")


def test_good_transcript_is_told_to_be_kept_as_it_is() -> None:
    told = tell(good())
    assert "chưa bị sửa" in told
    assert "Hãy giữ đúng tệp này" in told
    assert "dấu thời gian" not in told


def test_seal_without_timestamp_is_valid_today_and_says_what_is_missing() -> None:
    report = good()
    *others, seal = report.signatures
    bare = replace(report, signatures=(*others, replace(seal, proven_time=None, level="B-B")))
    assert bare.outcome is Outcome.PASSED
    assert "bổ sung dấu thời gian" in tell(bare)


def test_changed_file_is_not_also_called_incomplete_or_signed_by_the_wrong_people() -> None:
    (case,) = build_account(ask(get_case("principal_dropped")), "vi").cases
    assert "đã bị sửa hoặc bị hỏng" in case.meaning


def test_nothing_trusted_is_undecided_and_not_called_forged() -> None:
    document = build(get_case("lower_secondary"))
    report = Verifier().verify(document, at=CHECKED_AT)
    told = tell(report)
    assert report.outcome is Outcome.INDETERMINATE
    assert "Có thể nơi kiểm tra còn thiếu chứng thư gốc" in told
    assert "bị sửa" not in told
    assert all("chưa xác nhận" in one.who for one in build_account(report, "vi").signatures)


def test_json_alone_asks_for_the_xml_and_nothing_else() -> None:
    (case,) = build_account(ask(get_case("json_of_the_seal_alone")), "vi").cases
    assert "XML gốc" in case.action


def test_foreign_file_is_not_told_to_be_a_transcript() -> None:
    report = ask(get_case("pdf_signed_by_another_program"))
    account = build_account(report, "vi")
    assert report.document.kind is DocumentKind.OTHER_PDF
    assert [label for label, _ in account.facts] == ["Loại tệp"]
    assert account.signatures[0].office == "Chữ ký 1"


@pytest.mark.parametrize("name", ["lower_secondary", "edited_mark", "mark_in_a_cdata_section"])
def test_no_mark_and_no_pupil_in_words_or_logs(name: str, caplog: pytest.LogCaptureFixture) -> None:
    transcript = ask(get_case("lower_secondary")).transcript
    assert transcript is not None
    with caplog.at_level(logging.DEBUG):
        report = school().verifier().verify(build(get_case(name)), at=CHECKED_AT)
        text = render(report, "vi") + render(report, "en") + caplog.text
    assert transcript.pupil.name not in text
    assert str(transcript.pupil.personal_id) not in text
    assert re.search(r"(?<![\d/:.])\d{1,2}[.,]\d(?![\d.])(?! [A-ZĐ])", text) is None  # "9,5"; criteria are "1.1 Chứng…"
