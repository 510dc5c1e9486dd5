"""The reader of the usual form says what the thorough reader says, or nothing: over every vector and random edits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from random import Random
from typing import Any, Final

import pytest

from tests.support.edits import OCTETS
from tests.vectors.catalogue import build, list_cases
from tests.vectors.pictures import pictured_xml
from tests.vectors.school import signed, signed_recall
from transcript_core.canonical import build_foreign_ids, parse_xml
from transcript_core.errors import InputError
from transcript_core.model import SchoolLevel
from verify.formats.octets import OctetCache
from verify.formats.xades import list_signature_elements, read_signatures, read_thoroughly
from verify.formats.xades_types import SignedProperties, XadesSignature, XadesTimestamp
from verify.formats.xades_usual import read_usual_signatures
from verify.formats.xmldsig import Reading, Reference

FAMILIES: Final = sorted({case.family for case in list_cases()})
SAYING: Final = (XadesSignature, SignedProperties, Reference, XadesTimestamp)
EDITS: Final = 50


def describe(value: Any) -> Any:
    """Return all that a signature says as plain values; elements stand for themselves."""
    if isinstance(value, SAYING):
        names = [field.name for field in fields(value) if field.name != "usual_octets"]
        return type(value), {name: describe(getattr(value, name)) for name in names}
    return [describe(one) for one in value] if isinstance(value, tuple | list) else value


def read_both(octets: bytes) -> Iterator[tuple[XadesSignature | None, XadesSignature]]:
    """Yield what both readers say of each signature of a document."""
    root = parse_xml(octets)
    ids = build_foreign_ids(root)
    cache = OctetCache(root, ids.elements, ids.doubled)
    cache.get_octets(root)
    usual = read_usual_signatures(cache)
    for element in list_signature_elements(root):
        yield usual.get(element), read_thoroughly(Reading(element, cache))


def compare(octets: bytes) -> tuple[int, int]:
    """Hold both readers against each other; return how many signatures there are, and how many were usual."""
    found = list(read_both(octets))
    for usual, thorough in found:
        if usual is not None:
            assert usual.usual_octets is not None
            assert thorough.usual_octets is None
            assert describe(usual) == describe(thorough)
    return len(found), sum(1 for usual, _ in found if usual is not None)


@pytest.mark.parametrize(
    "document",
    [pictured_xml, lambda: signed(SchoolLevel.PRIMARY), signed_recall],
    ids=["secondary", "primary", "recall"],
)
def test_every_signature_of_a_document_is_usual(document: Any) -> None:
    total, usual = compare(document())
    assert usual == total > 2


def test_without_canonical_octets_at_hand_nothing_is_looked_for() -> None:
    root = parse_xml(signed(SchoolLevel.PRIMARY))
    cache = OctetCache(root, build_foreign_ids(root).elements)
    assert read_usual_signatures(cache) == {}
    assert [one.usual_octets for one in read_signatures(cache)] == [None] * 3


def compare_family(family: str) -> list[tuple[int, int]]:
    """Return the numbers of `compare` for each vector of a family that is XML at all."""
    numbers = []
    for case in list_cases():
        if case.family == family:
            with suppress(InputError):
                numbers.append(compare(build(case)))
    return numbers


@pytest.mark.parametrize("family", FAMILIES)
def test_both_readers_agree_on_every_vector(family: str) -> None:
    for total, usual in compare_family(family):
        assert usual <= total


def test_vectors_hold_usual_signatures_and_others() -> None:
    numbers = compare_family("wrapping")
    assert any(0 < usual < total for total, usual in numbers)
    assert any(usual == 0 < total for total, usual in numbers)


@pytest.mark.parametrize("name", OCTETS)
def test_both_readers_agree_on_edited_signatures(name: str) -> None:
    """Edits fall inside one signature; what both readers then say is the same, or the usual one is silent."""
    octets = signed(SchoolLevel.PRIMARY)
    random = Random(name)
    end = b"</ds:Signature>"
    silent = 0
    for _ in range(EDITS):
        start = random.choice([at for at in range(len(octets)) if octets.startswith(b"<ds:Signature ", at)])
        stop = octets.index(end, start) + len(end)
        edited = octets[:start] + OCTETS[name](octets[start:stop], random) + octets[stop:]
        with suppress(InputError):
            total, usual = compare(edited)
            silent += total - usual
    assert silent
