"""JSON holds the transcript's content in one form; its reader takes nothing that two readers could differ on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.samples import build_transcript
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.json import build_json, parse_json
from transcript_core.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH
from transcript_core.model import SchoolLevel
from transcript_core.strict_json import parse_strict_json


@pytest.mark.parametrize("level", SchoolLevel)
def test_sample_of_every_level_is_read_back(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    octets = build_json(transcript)
    assert parse_json(octets) == transcript
    assert build_json(parse_json(octets)) == octets


def test_octets_are_plain_utf8_with_marks_as_texts() -> None:
    octets = build_json(build_transcript())
    assert octets.startswith(b'{"dinhDang":"hocba-transcript","phienBanDinhDang":"1.0","thongTinHocBa":{"maHocBa":')
    assert "Phan Ngọc Yến".encode() in octets
    assert b'"caNam":{"diem":"8.4"}' in octets
    assert b"\n" not in octets


def _edited(*path: str | int, value: Any) -> bytes:
    whole = json.loads(build_json(build_transcript()))
    target = whole["thongTinHocBa"]
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return json.dumps(whole, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        _edited("ketQuaMonHoc", 0, "caNam", "diem", value=8.4),
        _edited("ketQuaMonHoc", 0, "caNam", "diem", value="8.45"),
        _edited("ketQuaMonHoc", 0, "caNam", "diem", value="8.4\n"),
        _edited("ketQuaMonHoc", 0, "caNam", "diem", value="11.0"),
        _edited("ketQuaMonHoc", 0, "tuChon", value=1),
        _edited("ketQuaMonHoc", 0, "tuChon", value="false"),
        _edited("ketQuaMonHoc", value=[]),
        _edited("ketQuaMonHoc", 0, "kieuDanhGia", value="TIEU_HOC"),
        _edited("phienBan", value=True),
        _edited("phienBan", value="1"),
        _edited("phienBan", value=0),
        _edited("phienBan", value=None),
        _edited("themVao", value="x"),
        _edited("hocSinh", "biMat", value="x"),
        _edited("hocSinh", "hoVaTen", value="Phan\u202eNgọc"),
        _edited("hocSinh", "hoVaTen", value=""),
        _edited("hocSinh", "ngaySinh", value="2013-02-30"),
        _edited("hocSinh", "noiSinh", value=""),
        _edited("truong", "capHoc", value="TH"),
        _edited("truong", value=[]),
        _edited("khoi", value=12),
    ],
)
def test_json_that_is_no_transcript_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedTranscript) as caught:
        parse_json(data)
    assert "8.4" not in str(caught.value)


def test_missing_members_are_refused() -> None:
    whole = json.loads(build_json(build_transcript()))
    for name in ("soHieu", "truong", "danhSachNguoiKy", "tongKet"):
        broken = {**whole, "thongTinHocBa": {k: v for k, v in whole["thongTinHocBa"].items() if k != name}}
        with pytest.raises(MalformedTranscript):
            parse_json(json.dumps(broken).encode())


def test_other_formats_and_versions_are_told_apart() -> None:
    with pytest.raises(MalformedTranscript, match="dinhDang"):
        parse_json(b'{"dinhDang":"hocba-status"}')
    with pytest.raises(UnsupportedSchema):
        parse_json(b'{"dinhDang":"hocba-transcript","phienBanDinhDang":"9.0"}')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1,]",
        b"{'a':1}",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"[1.0]",
        b"[1e3]",
        b"[NaN]",
        b"[Infinity]",
        b"[-0]",
        b"[1234567890123456]",
        b'["\\ud800"]',
        b'{"\\udfff":1}',
        b'["\xff"]',
        b"\xef\xbb\xbf[]",
        "[]".encode("utf-16"),
        b'["\x00"]',
        b"[] []",
    ],
)
def test_ambiguous_json_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedTranscript):
        parse_strict_json(data)


def test_nesting_and_size_are_bounded() -> None:
    assert parse_strict_json(b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH)
    for data in (b"[" * (MAX_JSON_DEPTH + 1), b'{"a":' * 100_000, b'["' + b"x" * MAX_JSON_BYTES + b'"]'):
        with pytest.raises(LimitExceeded):
            parse_strict_json(data)


def test_brackets_inside_texts_are_not_nesting() -> None:
    text = "[{" * 200 + '\\"'
    assert parse_strict_json(json.dumps([text]).encode()) == [text]


def test_hostile_quotes_take_linear_time() -> None:
    with pytest.raises(InputError):
        parse_strict_json(b'["' + b'\\"' * 500_000)


def test_paired_surrogates_and_plain_values_are_read() -> None:
    assert parse_strict_json(b'{"a":["\\ud83d\\ude00",-5,true,null]}') == {"a": ["\U0001f600", -5, True, None]}
