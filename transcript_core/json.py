"""Transcripts as JSON: exactly the content of THONG_TIN_HOC_BA, without signatures.

Member names are the XML's element names in another spelling (`HO_VA_TEN` is `hoVaTen`), marks and dates are texts,
absent values are left out; `transcript_core.layout` is the common table and `schemas/json/transcript-1.0.json` the
schema (JSON Schema 2020-12).  What the XML repeats in every part to tie it to its document is not repeated here.

Octets are repeatable: UTF-8, members in the schema's order, no blanks, one line.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator

from schemas.loader import load_json_schema
from transcript_core.consistency import check_transcript
from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.layout import (
    REQUIRED,
    Field,
    Inline,
    Leaf,
    Many,
    Node,
    Parts,
    Record,
    check_length,
    find_transcript_record,
    json_name,
)
from transcript_core.limits import MAX_JSON_BYTES
from transcript_core.model import SchoolLevel, Transcript
from transcript_core.scalars import JsonKind, Scalar
from transcript_core.strict_json import parse_strict_json

FORMAT: Final = "hocba-transcript"
FORMAT_VERSION: Final = "1.0"
_SCHEMA: Final = "transcript-1.0.json"


def build_json(transcript: Transcript) -> bytes:
    """Return `transcript` as JSON.

    Raises:
        LimitExceeded: the JSON would be longer than MAX_JSON_BYTES.
        MalformedTranscript: a value has no form in the schema, or values contradict each other.
    """
    check_transcript(transcript)
    content = _encode_record(find_transcript_record(transcript.school.level), transcript)
    whole = {"dinhDang": FORMAT, "phienBanDinhDang": FORMAT_VERSION, "thongTinHocBa": content}
    octets = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    if len(octets) > MAX_JSON_BYTES:
        raise LimitExceeded(f"the JSON has {len(octets)} bytes, more than {MAX_JSON_BYTES}")
    return octets


def parse_json(data: bytes) -> Transcript:
    """Return the transcript that `data` holds.

    Raises:
        LimitExceeded: larger or deeper than `limits.py` allows.
        MalformedTranscript: no JSON, not by the schema, or values that contradict each other.
        UnsupportedSchema: the format's version is not known here.
    """
    whole = parse_strict_json(data)
    if not isinstance(whole, dict) or whole.get("dinhDang") != FORMAT:
        raise MalformedTranscript("the JSON is no transcript: dinhDang says something else")
    if whole.get("phienBanDinhDang") != FORMAT_VERSION:
        raise UnsupportedSchema("the transcript's format version is not known here; install the release that has it")
    _validate(whole)
    content = whole["thongTinHocBa"]
    level = SchoolLevel(content["truong"]["capHoc"])
    transcript: Transcript = _decode_record(find_transcript_record(level), content)
    check_transcript(transcript)
    return transcript


@cache
def _get_validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(load_json_schema(_SCHEMA)))


def _validate(whole: object) -> None:
    """Hold the value against the schema; the message names the place and the rule, never the value."""
    error = next(iter(_get_validator().iter_errors(whole)), None)
    if error is not None:
        raise MalformedTranscript(f"{error.json_path} does not fit schema {_SCHEMA} ({error.validator})")


def _encode_record(record: Record, value: object) -> dict[str, Any]:
    if not isinstance(value, record.type):
        raise MalformedTranscript(f"a {record.type.__name__} was expected for this school level")
    members: dict[str, Any] = {}
    for field in record.fields:
        members.update(_encode_field(field, getattr(value, field.name)))
    return members


def _encode_field(field: Field, value: Any) -> dict[str, Any]:
    match field:
        case Leaf():
            return {} if value == field.absent else {json_name(field.tag): _encode_scalar(field, field.scalar, value)}
        case Node():
            if value is None and field.optional:
                return {}
            return {json_name(field.tag): _encode_record(field.record, value)}
        case Inline():
            return _encode_record(field.record, value)
        case Many() | Parts():
            check_length(field, value)
            return {json_name(field.tag): [_encode_item(field, one) for one in value]} if value else {}


def _encode_item(field: Many | Parts, value: object) -> object:
    item = field.item
    return _encode_scalar(field, item, value) if isinstance(item, Scalar) else _encode_record(item, value)


def _encode_scalar(field: Leaf | Many | Parts, scalar: Scalar, value: object) -> object:
    try:
        text = scalar.encode(value)
    except ValueError as error:
        raise MalformedTranscript(f"{json_name(field.tag)} {error}") from error
    return text if scalar.json_kind is JsonKind.STRING else value


def _decode_record(record: Record, members: dict[str, Any], *, whole: bool = True) -> Any:
    values = {field.name: _decode_field(field, members) for field in record.fields}
    if whole:
        unknown = set(members) - set(_list_names(record))
        if unknown:
            raise MalformedTranscript(f"the JSON has members unknown to the schema: {', '.join(sorted(unknown))}")
    return record.type(**values)


def _list_names(record: Record) -> list[str]:
    names: list[str] = []
    for field in record.fields:
        names.extend(_list_names(field.record) if isinstance(field, Inline) else [json_name(field.tag)])
    return names


def _decode_field(field: Field, members: dict[str, Any]) -> Any:
    if isinstance(field, Inline):
        return _decode_record(field.record, members, whole=False)
    name = json_name(field.tag)
    match field:
        case Leaf():
            return _decode_scalar(name, field.scalar, members[name]) if name in members else _absent(name, field.absent)
        case Node():
            if name not in members:
                return _absent(name, None if field.optional else REQUIRED)
            return _decode_record(field.record, members[name])
        case Many() | Parts():
            return tuple(_decode_item(name, field.item, one) for one in members.get(name, ()))


def _decode_item(name: str, item: Record | Scalar, value: Any) -> Any:
    return _decode_scalar(name, item, value) if isinstance(item, Scalar) else _decode_record(item, value)


def _decode_scalar(name: str, scalar: Scalar, value: object) -> Any:
    """Take the value back through its text form, so that XML and JSON accept the same and nothing else."""
    try:
        return scalar.decode(_json_text(scalar.json_kind, value))
    except ValueError as error:
        raise MalformedTranscript(f"{name} {error}") from error


def _json_text(kind: JsonKind, value: object) -> str:
    match value:
        case bool() if kind is JsonKind.BOOLEAN:
            return "true" if value else "false"
        case int() if kind is JsonKind.INTEGER and not isinstance(value, bool):
            return str(value)
        case str() if kind is JsonKind.STRING:
            return value
    raise ValueError(f"is no {kind.value}")


def _absent(name: str, value: object) -> object:
    if value is REQUIRED:
        raise MalformedTranscript(f"the JSON lacks {name}")
    return value
