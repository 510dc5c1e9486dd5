"""A report: three outcomes kept apart, silence never passes, and nothing unverified comes out of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import pytest

from schemas.loader import load_json_schema
from tests.support.samples import build_transcript
from verify.account import judge_criterion, list_notes
from verify.advice import list_advice
from verify.report import (
    Criterion,
    DocumentInfo,
    DocumentKind,
    Finding,
    FindingOutcome,
    Outcome,
    Report,
    SignatureReport,
    SubIndication,
    find_worst,
)
from verify.text import render

AT = datetime(2026, 6, 1, 1, 2, 3, tzinfo=UTC)


def finding(outcome: FindingOutcome, check: str = "a", sub: SubIndication | None = None) -> Finding:
    return Finding(check, outcome, "câu tiếng Việt", "English text", Criterion.NOT_REVOKED, sub)


def report(*findings: Finding, required: frozenset[str] = frozenset()) -> Report:
    document = DocumentInfo(DocumentKind.TRANSCRIPT_XML, bytes(32), serial="X", version=1)
    return Report(document, AT, (), findings, required, verified_transcript=build_transcript())


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), Outcome.INDETERMINATE),
        ((FindingOutcome.PASSED,), Outcome.PASSED),
        ((FindingOutcome.NOT_APPLICABLE,), Outcome.INDETERMINATE),
        ((FindingOutcome.NOT_CHECKED,), Outcome.INDETERMINATE),
        ((FindingOutcome.PASSED, FindingOutcome.NOT_CHECKED), Outcome.PASSED),
        ((FindingOutcome.PASSED, FindingOutcome.INDETERMINATE), Outcome.INDETERMINATE),
        ((FindingOutcome.INDETERMINATE, FindingOutcome.FAILED, FindingOutcome.PASSED), Outcome.FAILED),
    ],
)
def test_worst_finding_decides(outcomes: tuple[FindingOutcome, ...], expected: Outcome) -> None:
    findings = [finding(outcome, f"check{number}") for number, outcome in enumerate(outcomes)]
    assert report(*findings).outcome is expected


def test_required_check_that_was_not_checked_or_never_ran_makes_it_indeterminate() -> None:
    good = finding(FindingOutcome.PASSED)
    assert report(good, required=frozenset({"a"})).outcome is Outcome.PASSED
    never_ran = report(good, required=frozenset({"a", "b"}))
    assert (never_ran.outcome, never_ran.unanswered) == (Outcome.INDETERMINATE, ("b",))
    silent = report(good, finding(FindingOutcome.NOT_CHECKED, "b"), required=frozenset({"b"}))
    assert silent.outcome is Outcome.INDETERMINATE
    not_for_it = report(good, finding(FindingOutcome.NOT_APPLICABLE, "b"), required=frozenset({"b"}))
    assert not_for_it.outcome is Outcome.PASSED


def test_content_comes_out_of_passed_reports_only() -> None:
    assert report(finding(FindingOutcome.PASSED)).transcript == build_transcript()
    for outcome in (FindingOutcome.FAILED, FindingOutcome.INDETERMINATE):
        refused = report(finding(FindingOutcome.PASSED, "b"), finding(outcome))
        assert (refused.transcript, refused.issue, refused.recall) == (None, None, None)


def test_report_is_never_true_or_false() -> None:
    with pytest.raises(TypeError, match="three outcomes"):
        bool(report(finding(FindingOutcome.PASSED)))


def test_sub_indication_is_that_of_the_first_worst_finding() -> None:
    mixed = report(
        finding(FindingOutcome.INDETERMINATE, "a", SubIndication.TRY_LATER),
        finding(FindingOutcome.FAILED, "b", SubIndication.HASH_FAILURE),
        finding(FindingOutcome.FAILED, "c", SubIndication.REVOKED),
    )
    assert mixed.sub_indication is SubIndication.HASH_FAILURE
    assert report(finding(FindingOutcome.PASSED)).sub_indication is None
    assert report().sub_indication is SubIndication.CUSTOM


def test_find_worst_of_nothing_is_nothing() -> None:
    assert find_worst([]) is None


def test_unknown_check_has_no_finding() -> None:
    with pytest.raises(KeyError):
        report().get_finding("x")


def test_json_has_exactly_the_published_members() -> None:
    signature = SignatureReport(
        "xades", "B-T", "gvcn", "Đặng Thị Hạnh", "national", AT, AT, FindingOutcome.PASSED, True, Outcome.PASSED,
        None, ("#data",),
    )  # fmt: skip
    told = replace(report(finding(FindingOutcome.FAILED)), signatures=(signature,))
    raw = json.loads(told.to_json())
    jsonschema.validate(raw, json.loads(load_json_schema("report-1.0.json")))
    assert list(raw) == ["outcome", "sub_indication", "document", "signatures", "findings"]
    assert raw["signatures"][0]["signed_at"] == "2026-06-01T01:02:03Z"
    assert raw["findings"][0] == {
        "check": "a",
        "outcome": "failed",
        "criterion": "1.2",
        "text_vi": "câu tiếng Việt",
        "text_en": "English text",
    }


def test_text_tells_all_nine_criteria_and_what_was_not_checked() -> None:
    told = report(finding(FindingOutcome.FAILED))
    text = render(told, "vi")
    assert all(f"- {criterion.value} " in text for criterion in Criterion)
    assert judge_criterion(told, Criterion.NOT_REVOKED) is FindingOutcome.FAILED
    assert judge_criterion(told, Criterion.HASHES_EQUAL) is FindingOutcome.NOT_CHECKED
    assert "KHÔNG HỢP LỆ" in text
    assert "NOT VALID" in render(told, "en")


def test_advice_is_never_empty() -> None:
    assert all(list_advice(one, "vi") for one in (report(), report(finding(FindingOutcome.PASSED))))


def test_same_sentence_is_told_once_and_the_worst_first() -> None:
    told = report(
        finding(FindingOutcome.NOT_CHECKED, "a"),
        finding(FindingOutcome.FAILED, "b"),
        *(finding(FindingOutcome.INDETERMINATE, f"c{number}") for number in range(14)),
        replace(finding(FindingOutcome.INDETERMINATE, "d"), text_vi="điều khác", text_en="something else"),
    )
    assert [(line.outcome, line.text) for line in list_notes(told, "vi")] == [
        (FindingOutcome.FAILED, "câu tiếng Việt"),
        (FindingOutcome.INDETERMINATE, "điều khác"),
    ]
    assert render(told, "en").count("English text") == 1


def with_status(status: str, outcome: FindingOutcome, *, superseded_by: int | None = None) -> Report:
    signature = SignatureReport(
        "xades", "B-T", "ky-phat-hanh", "Trường", "national", AT, AT, FindingOutcome.PASSED, True, Outcome.PASSED,
        None, (),
    )  # fmt: skip
    told = report(finding(outcome, "status"), finding(FindingOutcome.PASSED, "b"))
    document = replace(told.document, status=status, superseded_by=superseded_by)
    return replace(told, document=document, signatures=(signature,))


def test_advice_on_a_recalled_transcript_asks_the_school_and_promises_no_other_version() -> None:
    (advice,) = list_advice(with_status("recalled", FindingOutcome.FAILED), "vi")
    assert "thu hồi" in advice
    assert "phiên bản" not in advice
    assert "Hãy hỏi nhà trường" in advice
    (english,) = list_advice(with_status("recalled", FindingOutcome.FAILED), "en")
    assert "recalled" in english


def test_advice_on_a_replaced_transcript_names_the_version_to_ask_for() -> None:
    failed = with_status("superseded", FindingOutcome.FAILED, superseded_by=3)
    passed = with_status("superseded", FindingOutcome.PASSED, superseded_by=3)
    for one in (failed, passed):
        assert ["phiên bản 3" in advice for advice in list_advice(one, "vi")] == [True]
        assert ["version 3" in advice for advice in list_advice(one, "en")] == [True]


def test_advice_on_a_pass_by_test_certificates_says_that_they_have_no_legal_value() -> None:
    real = with_status("valid", FindingOutcome.PASSED)
    trial = replace(real, signatures=(replace(real.signatures[0], development=True),))
    assert ["không có giá trị pháp lý" in advice for advice in list_advice(trial, "vi")] == [True]
    assert ["no legal value" in advice for advice in list_advice(trial, "en")] == [True]
    assert "giá trị pháp lý" not in "".join(list_advice(real, "vi"))


def test_unsigned_file_is_not_called_changed() -> None:
    told = report(finding(FindingOutcome.FAILED, "pdf.revisions"))
    assert ["chữ ký" in advice and "bị sửa" not in advice for advice in list_advice(told, "vi")] == [True]
