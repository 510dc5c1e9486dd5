"""Text from outside: one form, nothing hidden."""

from __future__ import annotations

import unicodedata

import pytest

from transcript_core.text import clean_text, drop_parentheses, find_forbidden, fold_header, fold_name


def test_decomposed_and_spaced_names_become_one_form() -> None:
    name = unicodedata.normalize("NFD", "  Nguyễn\u00a0 Thị\tHạnh\n")
    assert clean_text(name) == "Nguyễn Thị Hạnh"
    assert fold_name(name) == fold_name("NGUYỄN THỊ HẠNH")


def test_names_with_other_accents_stay_apart() -> None:
    assert fold_name("Lê Thị Hoa") != fold_name("Lê Thị Hòa")


def test_place_of_the_tone_does_not_make_another_name() -> None:
    assert fold_name("Lê Thị Hòa Thủy") == fold_name("Lê Thị Hoà Thuỷ")


def test_invisible_characters_are_dropped() -> None:
    assert clean_text("Lê\u200b An\ufeff") == "Lê An"


@pytest.mark.parametrize("header", ["ĐĐGtx1", "đđg tx 1", "ĐĐG-TX.1", unicodedata.normalize("NFD", "ĐĐGtx1")])
def test_spellings_of_a_header_meet(header: str) -> None:
    assert fold_header(header) == "ddgtx1"


def test_hint_in_brackets_is_dropped() -> None:
    assert drop_parentheses("Ngày sinh (dd/mm/yyyy)") == "Ngày sinh"


@pytest.mark.parametrize(("text", "found"), [("a\u202eb", "U+202E"), ("a\x00", "U+0000"), ("Chăm ngoan, 10/10!", None)])
def test_characters_that_deceive_are_found(text: str, found: str | None) -> None:
    assert find_forbidden(text) == found
