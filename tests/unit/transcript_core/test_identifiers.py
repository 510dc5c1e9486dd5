"""Identifiers: the written form is strict, contradictions are warnings."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcript_core import identifiers
from transcript_core.errors import InputError
from transcript_core.model import Gender

BORN = date(2013, 2, 8)


def codes(personal_id: str, *, birth_date: date = BORN, gender: Gender = Gender.FEMALE) -> list[str]:
    warnings = identifiers.check_personal_id(personal_id, birth_date=birth_date, gender=gender)
    assert all(personal_id not in warning.what for warning in warnings)
    return [warning.code for warning in warnings]


@pytest.mark.parametrize(
    ("personal_id", "birth_year", "gender"),
    [
        ("001073000001", 1973, Gender.MALE),
        ("001173000001", 1973, Gender.FEMALE),
        ("001213000001", 2013, Gender.MALE),
        ("001313430375", 2013, Gender.FEMALE),
        ("096401000001", 2101, Gender.MALE),
        ("096501000001", 2101, Gender.FEMALE),
        ("096601000001", 2201, Gender.MALE),
        ("096701000001", 2201, Gender.FEMALE),
        ("096801000001", 2301, Gender.MALE),
        ("096901000001", 2301, Gender.FEMALE),
        ("001313430375", 2013, Gender.UNKNOWN),
    ],
)
def test_a_consistent_personal_id_gives_no_warning(personal_id: str, birth_year: int, gender: Gender) -> None:
    assert codes(personal_id, birth_date=date(birth_year, 5, 1), gender=gender) == []


def test_contradictions_are_warnings() -> None:
    assert codes("001213430375") == ["personal-id-gender"]
    assert codes("001314430375") == ["personal-id-birth-year"]
    assert codes("001113430375") == ["personal-id-birth-year"]
    assert codes("003313430375") == ["personal-id-province"]
    assert codes("097014000000") == ["personal-id-province", "personal-id-gender", "personal-id-birth-year"]


def test_the_province_is_looked_up_in_the_table_of_63() -> None:
    assert codes("026313430375") == []  # Vĩnh Phúc, gone since 2025-07-01
    assert codes("015313430375") == []  # Yên Bái; the code 15 is Lào Cai's now


@pytest.mark.parametrize("text", ["", "00131343037", "0013134303755", "00131343037a", "٠٠١٣١٣٤٣٠٣٧٥", " 001313430375"])
def test_malformed_personal_ids_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        identifiers.parse_personal_id(text)
    assert not text or text not in str(refusal.value)
    with pytest.raises(InputError):
        identifiers.check_personal_id(text, birth_date=BORN, gender=Gender.FEMALE)


def test_pupil_codes() -> None:
    assert identifiers.parse_pupil_code("0140716223") == "0140716223"
    assert identifiers.check_pupil_code("0140716223") == ()
    assert [warning.code for warning in identifiers.check_pupil_code("0540716223")] == ["pupil-code-province"]
    for text in ("140716223", "01407162230", "014071622x"):
        with pytest.raises(InputError):
            identifiers.parse_pupil_code(text)


@pytest.mark.parametrize("parse", [identifiers.parse_school_code, identifiers.parse_lifelong_code])
def test_opaque_codes(parse: Callable[[str], str]) -> None:
    for text in ("01000701", "H01.234-5_6", "A" * 20):
        assert parse(text) == text
    for text in ("", "A" * 21, "01 000", "../etc", "-1", "mã"):
        with pytest.raises(InputError):
            parse(text)


def test_school_years() -> None:
    year = identifiers.parse_school_year("2025-2026")
    assert str(year) == "2025-2026"
    assert year.starts_on == date(2025, 9, 5)
    assert identifiers.SchoolYear(2024) < year
    for text in ("2025-2027", "2025-2025", "2025–2026", "2025 - 2026", "25-26", "2025-2026 ", ""):
        with pytest.raises(InputError):
            identifiers.parse_school_year(text)


# --- serials


def test_serials_of_known_bits() -> None:
    assert identifiers.generate_serial(bytes) == "0" * 26
    assert identifiers.generate_serial(lambda count: b"\xff" * count) == "7" + "Z" * 25
    assert identifiers.generate_serial(lambda count: bytes(count - 1) + b"\x21") == "0" * 24 + "11"


@given(st.binary(min_size=16, max_size=16))
def test_a_serial_holds_all_128_bits(random: bytes) -> None:
    serial = identifiers.generate_serial(lambda count: random[:count])
    assert identifiers.parse_serial(serial) == serial
    value = 0
    for character in serial:
        value = value * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
    assert value.to_bytes(16, "big") == random


def test_serials_differ() -> None:
    assert len({identifiers.generate_serial() for _ in range(100)}) == 100


GOOD = "01J9ZK3T5V7X9ABCDEFGHJKMNP"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.lower(),
        GOOD[:-1],
        GOOD + "0",
        "8" + GOOD[1:],
        GOOD[:-1] + "U",
        GOOD[:-1] + "I",
        f" {GOOD}",
        f"{GOOD}\n",
        "",
    ],
)
def test_only_the_canonical_form_of_a_serial_is_parsed(text: str) -> None:
    with pytest.raises(InputError):
        identifiers.parse_serial(text)


@pytest.mark.parametrize("text", [GOOD, GOOD.lower(), "01J9Z-K3T5V-7X9AB-CDEFG-HJKMN-P", "oij9zk3t5v7x9abcdefghjkmnp "])
def test_what_people_type_is_brought_to_the_canonical_form(text: str) -> None:
    assert identifiers.normalize_serial(text).endswith("J9ZK3T5V7X9ABCDEFGHJKMNP")
    assert re.fullmatch("01J.*", identifiers.normalize_serial(text))
    with pytest.raises(InputError):
        identifiers.normalize_serial(text[:-3])


def test_transcript_ids() -> None:
    made = identifiers.generate_transcript_id(bytes)
    assert made == "00000000-0000-4000-8000-000000000000"
    assert identifiers.parse_transcript_id(made) == made
    for text in ("3E0F4C5A-6F5F-4A52-9B4B-0F6A1C2D3E4F", "3e0f4c5a6f5f4a529b4b0f6a1c2d3e4f", "{" + made + "}", "x"):
        with pytest.raises(InputError):
            identifiers.parse_transcript_id(text)
