"""A root that carries nothing is written in pieces; its octets are those of the canonicaliser all the same."""

from __future__ import annotations

import pytest

from transcript_core.c14n import canonicalize
from transcript_core.canonical import parse_xml
from verify.formats.octets import OctetCache

_BARE = (
    "<a><b>1</b><c>2</c></a>",
    '<a><b xmlns="urn:x"><c xmlns=""/></b></a>',
    '<a><x:b xmlns:x="urn:x" x:z="1" y="2"/><x:b xmlns:x="urn:y"/></a>',
    '<á><b xml:space="preserve"> </b></á>',
    "<a><b/></a>",
)
_OTHERS = (
    "<a/>",
    "<a>text<b/></a>",
    "<a><b/>text</a>",
    "<a><!-- c --><b/></a>",
    "<a><?p i?><b/></a>",
    '<a z="1"><b/></a>',
    '<a xmlns="urn:x"><b/></a>',
    '<x:a xmlns:x="urn:x"><x:b/></x:a>',
    '<a xmlns:x="urn:x"><x:b/></a>',
    '<a xml:lang="vi"><b/></a>',
)


@pytest.mark.parametrize("text", [*_BARE, *_OTHERS])
def test_octets_are_those_of_the_canonicaliser(text: str) -> None:
    root = parse_xml(text.encode())
    cache = OctetCache(root, {})
    assert cache.get_octets(root) == canonicalize(root)
    children = list(root.iterchildren("*"))
    assert [cache.get_octets(child) for child in children] == [canonicalize(child) for child in children]


@pytest.mark.parametrize("text", _BARE)
def test_pieces_are_not_written_again(text: str) -> None:
    root = parse_xml(text.encode())
    cache = OctetCache(root, {})
    cache.get_octets(root)
    assert all(any(key[0].apex is child for key in cache._written) for child in root)
