"""What leaves for the public is masked; what the holder of the secret sees is the signed content."""

from __future__ import annotations

import json
import re

import pytest

from service.verifications.events import VerifiedEvent
from service.web.texts import Language, list_texts, pick_language
from service.web.view import build_comparison, build_public_record, mask_name
from tests.support.samples import build_issue, build_transcript
from transcript_core.model import SchoolLevel
from transcript_core.status import transcript_event


def _event(level: SchoolLevel) -> VerifiedEvent:
    transcript = build_transcript(level)
    event = transcript_event(transcript, bytes(32))
    return VerifiedEvent(event, "01000701", "2025-2026", transcript, build_issue(transcript), None)


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_public_record_holds_neither_name_nor_codes_nor_marks(level: SchoolLevel) -> None:
    event = _event(level)
    assert event.transcript is not None
    public = build_public_record(event)
    assert public is not None
    shown = json.dumps([getattr(public, name) for name in public.__slots__], ensure_ascii=False)
    pupil = event.transcript.pupil
    for private in (pupil.name, pupil.pupil_code, str(pupil.personal_id), "Yến", "2013"):
        assert private not in shown
    assert not re.search(r"\d[.,]\d", shown)


def test_masked_names_hide_the_length_of_words() -> None:
    assert mask_name("Phan Ngọc Yến") == "P••• N••• Y•••"
    assert len(mask_name("Lê An")) == len(mask_name("Nguyễn Anh"))


def test_comparison_shows_every_subject_and_mark_as_signed() -> None:
    transcript = build_transcript(SchoolLevel.LOWER_SECONDARY)
    content = build_comparison(transcript, build_issue(transcript), Language.VIETNAMESE)
    rows = content["tables"][0]["rows"]
    assert ["Toán", "8,1", "8,6", "8,4"] in rows
    assert ["Giáo dục thể chất", "Đ", "Đ", "Đ"] in rows
    assert len(rows) == len(transcript.subjects)


def test_comparison_of_a_primary_transcript_shows_levels_and_test_marks() -> None:
    transcript = build_transcript(SchoolLevel.PRIMARY)
    content = build_comparison(transcript, build_issue(transcript), Language.ENGLISH)
    assert ["Toán", "T", "10"] in content["tables"][0]["rows"]


def test_both_languages_have_every_sentence() -> None:
    vietnamese, english = list_texts(Language.VIETNAMESE), list_texts(Language.ENGLISH)
    assert vietnamese.keys() == english.keys()
    assert all(vietnamese.values())
    assert all(english.values())


@pytest.mark.parametrize(
    ("asked", "accepted", "expected"),
    [
        (None, None, Language.VIETNAMESE),
        (None, "en-GB,en;q=0.9", Language.ENGLISH),
        (None, "vi-VN,en;q=0.5", Language.VIETNAMESE),
        ("vi", "en", Language.VIETNAMESE),
        ("xx", "en", Language.ENGLISH),
    ],
)
def test_language_follows_the_address_then_the_browser(asked: str | None, accepted: str | None, expected: str) -> None:
    assert pick_language(asked, accepted) is expected
