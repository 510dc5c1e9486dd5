"""The published schemas say what the code does: same elements, same limits, no defaults, nothing from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.loader import list_policy_files, load_json_schema, load_xsd
from transcript_core import layout, limits
from transcript_core.canonical import TRANSCRIPT_SCHEMA, parse_xml, validate_schema
from transcript_core.errors import MalformedTranscript
from transcript_core.layout import Inline, Leaf, Many, Node, Parts, Record, json_name
from transcript_core.policy import list_policies

XS = "{http://www.w3.org/2001/XMLSchema}"
XSD_FILES = ("hoc-ba-1.0.xsd", "xmldsig-1.0.xsd", "xades-1.0.xsd")
JSON_FILES = sorted(
    entry.name for entry in resources.files("schemas").joinpath("json").iterdir() if entry.name.endswith(".json")
)


def _walk(record: Record, seen: set[int]) -> Iterator[Leaf | Node | Many | Parts]:
    if id(record) in seen:
        return
    seen.add(id(record))
    for field in record.fields:
        if isinstance(field, Inline):
            yield from _walk(field.record, seen)
            continue
        yield field
        below = field.record if isinstance(field, Node) else getattr(field, "item", None)
        if isinstance(below, Record):
            yield from _walk(below, seen)


def _tags(*records: Record) -> set[str]:
    tags: set[str] = set()
    for record in records:
        for field in _walk(record, set()):
            tags.add(field.tag)
            if isinstance(field, Many | Parts):
                tags.add(field.item_tag)
    return tags


@pytest.mark.parametrize("name", XSD_FILES)
def test_xsd_has_no_doctype_and_no_defaults(name: str) -> None:
    root = parse_xml(load_xsd(name))
    assert [element for element in root.iter() if isinstance(element.tag, str) and element.get("default")] == []
    fixed = [element for element in root.iter(f"{XS}attribute") if element.get("fixed")]
    assert all(element.get("use") == "required" for element in fixed)


@pytest.mark.parametrize("name", XSD_FILES)
def test_xsd_imports_only_its_neighbours(name: str) -> None:
    locations = [element.get("schemaLocation") for element in parse_xml(load_xsd(name)).iter(f"{XS}import")]
    assert set(locations) <= set(XSD_FILES)


def test_xsd_and_code_know_the_same_elements() -> None:
    named = {element.get("name") for element in parse_xml(load_xsd(TRANSCRIPT_SCHEMA)).iter(f"{XS}element")}
    frame = {
        *("HOC_BA", "DU_LIEU_HOC_BA", "THONG_TIN_HOC_BA", "THONG_TIN_PHAT_HANH", "PHAT_HANH_HOC_BA"),
        *("THU_HOI_HOC_BA", "DU_LIEU_THU_HOI", "THONG_TIN_THU_HOI", "PHAT_HANH_THU_HOI"),
        *("DANH_SACH_THONG_TIN_KY", "DANH_SACH_GVBM", "GVBM", "GVCN", "CBQL", "KY_PHAT_HANH", "NGUOI_DE_NGHI"),
    }
    ours = _tags(
        layout.PRIMARY_TRANSCRIPT, layout.SECONDARY_TRANSCRIPT, layout.PART_CONTEXT, layout.ISSUE, layout.RECALL
    )
    assert named - {None} == ours | frame


def test_json_schema_and_code_know_the_same_members() -> None:
    schema = json.loads(load_json_schema("transcript-1.0.json"))
    members = {name for definition in schema["$defs"].values() for name in definition.get("properties", {})}
    ours: set[str] = set()
    for record in (layout.PRIMARY_TRANSCRIPT, layout.SECONDARY_TRANSCRIPT):
        ours |= {json_name(field.tag) for field in _walk(record, set())}
    assert members == ours


def test_lengths_in_the_schemas_are_those_of_limits() -> None:
    xsd = load_xsd(TRANSCRIPT_SCHEMA).decode()
    lengths = {int(value) for value in re.findall(r'maxLength value="(\d+)"', xsd)}
    assert lengths == {limits.MAX_NAME_CHARS, limits.MAX_LABEL_CHARS, limits.MAX_TEXT_CHARS}
    assert set(re.findall(r'maxOccurs="(\w+)"', xsd)) == {str(limits.MAX_LIST_ITEMS)}
    text = load_json_schema("transcript-1.0.json").decode()
    assert {int(value) for value in re.findall(r'"maxLength": (\d+)', text)} == lengths
    assert {int(value) for value in re.findall(r'"maxItems": (\d+)', text)} == {limits.MAX_LIST_ITEMS}


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_schemas_are_schemas_of_2020_12(name: str) -> None:
    schema: dict[str, Any] = json.loads(load_json_schema(name))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


def test_every_signing_policy_fits_its_schema() -> None:
    validator = Draft202012Validator(json.loads(load_json_schema("signing-policy-1.0.json")))
    files = list_policy_files()
    assert files
    for content in files:
        validator.validate(json.loads(content))
    identifiers = [policy.identifier for policy in list_policies()]
    assert len(set(identifiers)) == len(identifiers) == len(files)


def test_policy_schema_refuses_an_unknown_office() -> None:
    validator = Draft202012Validator(json.loads(load_json_schema("signing-policy-1.0.json")))
    policy = json.loads(list_policy_files()[0])
    policy["slots"][0]["offices"] = ["janitor"]
    assert list(validator.iter_errors(policy))


def test_signed_properties_of_xades_are_checked_inside_a_signature() -> None:
    broken = (
        b'<xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#a">'
        b'<xades:SignedProperties Id="p"><xades:Unknown/></xades:SignedProperties></xades:QualifyingProperties>'
    )
    with pytest.raises(MalformedTranscript, match="Unknown"):
        validate_schema(parse_xml(broken), "xades-1.0.xsd")
