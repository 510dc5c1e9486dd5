"""The wording of the forms."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support.hard_samples import build_hard_transcript
from tests.support.samples import build_issue, build_transcript
from transcript_core.model import (
    Achievement,
    Grade,
    PrimarySummary,
    SchoolLevel,
    SecondarySummary,
    SubjectLevel,
    YearOutcome,
)
from transcript_core.render.view import build_view, format_mark, list_texts, split_title


def view_of(level: SchoolLevel, *, hard: bool = False) -> Any:
    transcript = build_hard_transcript(level) if hard else build_transcript(level)
    return build_view(transcript, build_issue(transcript))


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_a_view_is_json_and_its_texts_are_found_with_their_place(level: SchoolLevel) -> None:
    view = view_of(level, hard=True)
    assert json.loads(json.dumps(view)) == view
    texts = dict(list_texts(view))
    assert texts["pupil.name"].startswith("Công Tằng")
    assert "subjects[0].comment" in texts


@pytest.mark.parametrize(("value", "shown"), [("8", "8,0"), ("10", "10,0"), ("0.0", "0,0"), ("6.5", "6,5")])
def test_marks_have_one_decimal_and_a_comma(value: str, shown: str) -> None:
    assert format_mark(Decimal(value)) == shown


def test_primary_shows_level_and_whole_test_mark() -> None:
    view = view_of(SchoolLevel.PRIMARY)
    assert (view["subjects"][0]["year"], view["subjects"][0]["test_mark"]) == ("T", "9")
    assert (view["subjects"][3]["year"], view["subjects"][3]["test_mark"]) == ("T", "–")


def test_reassessment_stands_beside_the_year_s_result() -> None:
    transcript = build_transcript()
    subject = replace(transcript.subjects[8], reassessed=Grade(level=SubjectLevel.PASSED))
    view: Any = build_view(replace(transcript, subjects=(subject,)), build_issue(transcript))
    assert (view["subjects"][0]["year"], view["subjects"][0]["reassessed"]) == ("Đ", "Đ")


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (YearOutcome.PROMOTED, ["có", "–", "–"]),
        (YearOutcome.PROMOTED_AFTER_SUMMER, ["–", "có", "–"]),
        (YearOutcome.NOT_PROMOTED, ["–", "–", "không được lên lớp"]),
        (YearOutcome.REASSESSMENT, ["–", "–", "–", "đánh giá lại các môn học chưa đạt"]),
        (YearOutcome.SUMMER_TRAINING, ["–", "–", "–", "rèn luyện trong kì nghỉ hè"]),
        (None, ["–", "–", "–"]),
    ],
)
def test_each_outcome_fills_its_own_line(outcome: YearOutcome | None, shown: list[str]) -> None:
    transcript = build_transcript()
    assert isinstance(transcript.summary, SecondarySummary)
    changed = replace(transcript, summary=replace(transcript.summary, outcome=outcome))
    view: Any = build_view(changed, build_issue(changed))
    assert [line["value"] for line in view["summary"]["outcomes"]] == shown


@pytest.mark.parametrize(
    ("completed", "outcome", "shown"),
    [
        (None, YearOutcome.PROMOTED, "Hoàn thành chương trình lớp 4"),
        (None, YearOutcome.NOT_PROMOTED, "Chưa hoàn thành chương trình lớp 4"),
        (None, None, "–"),
        (True, YearOutcome.PROMOTED, "Hoàn thành chương trình tiểu học"),
        (False, YearOutcome.NOT_PROMOTED, "Chưa hoàn thành chương trình tiểu học"),
    ],
)
def test_primary_completion(completed: bool | None, outcome: YearOutcome | None, shown: str) -> None:
    transcript = build_transcript(SchoolLevel.PRIMARY)
    assert isinstance(transcript.summary, PrimarySummary)
    changed = replace(transcript, summary=replace(transcript.summary, level_completed=completed, outcome=outcome))
    view: Any = build_view(changed, build_issue(changed))
    assert view["summary"]["completion"] == shown


def test_a_result_of_another_school_has_a_footnote() -> None:
    view = view_of(SchoolLevel.LOWER_SECONDARY, hard=True)
    assert view["subjects"][-1]["term_1"] == {"text": "10,0", "mark": "1"}
    assert [note["mark"] for note in view["footnotes"]] == ["1"]
    assert "mã trường 48000215" in view["footnotes"][0]["text"]


def test_a_deputy_s_title_takes_two_lines() -> None:
    assert split_title("KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG") == ["KT. HIỆU TRƯỞNG", "PHÓ HIỆU TRƯỞNG"]


@pytest.mark.parametrize(
    ("issued_on", "day", "month"),
    [
        (date(2026, 5, 31), "31", "5"),
        (date(2026, 2, 5), "05", "02"),
        (date(2026, 1, 10), "10", "01"),
        (date(2026, 12, 9), "09", "12"),
    ],
)
def test_dates_have_the_zeros_that_keep_them_from_being_changed(issued_on: date, day: str, month: str) -> None:
    transcript = build_transcript()
    issue = replace(build_issue(transcript), issued_on=issued_on)
    view: Any = build_view(transcript, issue)
    assert (view["issue"]["day"], view["issue"]["month"], view["issue"]["year"]) == (day, month, "2026")


@pytest.mark.parametrize(
    ("outcome", "after", "shown"),
    [
        (YearOutcome.PROMOTED, None, "Không"),
        (YearOutcome.SUMMER_TRAINING, None, "Chờ kết quả rèn luyện"),
        (YearOutcome.PROMOTED_AFTER_SUMMER, Achievement.PASSED, "Kết quả rèn luyện sau kì nghỉ hè: Đạt"),
    ],
)
def test_summer_training(outcome: YearOutcome, after: Achievement | None, shown: str) -> None:
    transcript = build_transcript()
    assert isinstance(transcript.summary, SecondarySummary)
    changed = replace(transcript, summary=replace(transcript.summary, outcome=outcome, training_after_summer=after))
    view: Any = build_view(changed, build_issue(changed))
    assert view["summary"]["summer_training"] == shown
