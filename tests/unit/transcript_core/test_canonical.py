"""The one XML parser refuses what could reach outside a document, and canonical octets follow the Recommendations."""

from __future__ import annotations

import threading

import pytest

from tests.support.samples import build_issue, build_transcript
from transcript_core.c14n import canonicalize_document
from transcript_core.canonical import (
    C14nMethod,
    build_id_map,
    canonicalize,
    parse_xml,
    sha256,
    validate_schema,
)
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.limits import MAX_XML_ATTRIBUTES, MAX_XML_DEPTH, MAX_XML_ELEMENTS, MAX_XML_NAMESPACES
from transcript_core.xml import build_document

_BILLION = (
    b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    b"<r>&c;</r>"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE r><r/>", "DOCTYPE"),
        (b'<?xml version="1.0"?>\n<!-- x --><?pi x?>\n<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "DOCTYPE"),
        (_BILLION, "DOCTYPE"),
        (b'\xef\xbb\xbf<!DOCTYPE r [<!ENTITY x SYSTEM "http://localhost/">]><r>&x;</r>', "DOCTYPE"),
        (b"<r>&undeclared;</r>", "not well-formed"),
        ('<?xml version="1.0" encoding="utf-16"?><r/>'.encode("utf-16"), "UTF-16"),
        ("<r/>".encode("utf-16-be"), "UTF-16"),
        ("<r/>".encode("utf-32-le"), "UTF-16"),
        (b'<?xml version="1.0" encoding="UTF-16"?><r/>', "another encoding"),
        (b"<?xml version='1.0' encoding='windows-1258'?><r/>", "another encoding"),
        (b'<?xml version="1.1"?><r/>', "not XML 1.0"),
        (b"<?xml version=1.0?><r/>", "declaration is malformed"),
        ("<r>Đ</r>".encode("windows-1258"), "not valid UTF-8"),
        (b"<r>\xed\xa0\x80</r>", "not valid UTF-8"),
        (b"<r>\xc0\xbc</r>", "not valid UTF-8"),
        (b"", "not well-formed"),
        (b"   ", "not well-formed"),
        (b"<r>", "not well-formed"),
        (b"<r/><r/>", "not well-formed"),
        (b"<r>\x00</r>", "UTF-16"),
        (b"<root>\x00</root>", "not well-formed"),
        (b"<!-- never closed", "ends inside"),
        (b'<r a="1" a="2"/>', "not well-formed"),
        (b"<a:r/>", "not well-formed"),
    ],
)
def test_unsafe_or_malformed_xml_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(MalformedTranscript, match=said):
        parse_xml(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<r/>",
        b"\xef\xbb\xbf<r/>",
        b'<?xml version="1.0"?><r/>',
        b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<!-- x --><?xml-stylesheet x?><r/><!-- y -->\n',
        "<r>Học bạ</r>".encode(),
    ],
)
def test_plain_utf8_xml_is_read(data: bytes) -> None:
    assert parse_xml(data).tag == "r"


@pytest.mark.parametrize(
    "data",
    [
        b"<r>" + b"<a/>" * MAX_XML_ELEMENTS + b"</r>",
        b"<a>" * (MAX_XML_DEPTH + 1) + b"</a>" * (MAX_XML_DEPTH + 1),
        b"<r " + b" ".join(b'a%d=""' % number for number in range(MAX_XML_ATTRIBUTES + 1)) + b"/>",
        b"<r>" + b'<a xmlns="u"/>' * (MAX_XML_NAMESPACES + 1) + b"</r>",
    ],
    ids=["elements", "depth", "attributes", "namespaces"],
)
def test_limits_are_kept(data: bytes) -> None:
    with pytest.raises(LimitExceeded):
        parse_xml(data)


def test_limits_themselves_are_allowed() -> None:
    parse_xml(b"<a>" * MAX_XML_DEPTH + b"</a>" * MAX_XML_DEPTH)
    parse_xml(b"<r " + b" ".join(b'a%d=""' % number for number in range(MAX_XML_ATTRIBUTES)) + b"/>")


def test_longer_than_max_bytes_is_refused_before_parsing() -> None:
    with pytest.raises(LimitExceeded, match="11 bytes"):
        parse_xml(b"<!DOCTYPE r", max_bytes=10)


def test_entities_are_never_resolved() -> None:
    assert parse_xml(b"<r>&lt;&amp;&#65;</r>").text == "<&A"


@pytest.mark.parametrize(
    "data",
    [
        b'<r Id="a"><b Id="a"/></r>',
        b'<r Id="a"><b ID="a"/></r>',
        b'<r Id="a"><b id="a"/></r>',
        b'<r Id="a"><b xml:id="a"/></r>',
        b'<r><b Id=""/></r>',
    ],
)
def test_doubled_or_empty_identifiers_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedTranscript, match="identifier"):
        build_id_map(parse_xml(data))


def test_id_map_finds_every_spelling() -> None:
    root = parse_xml(b'<r Id="a"><b ID="b"/><c id="c"/><d xml:id="d"/><e Id="e" id="e"/></r>')
    assert {name: element.tag for name, element in build_id_map(root).items()} == {
        "a": "r",
        "b": "b",
        "c": "c",
        "d": "d",
        "e": "e",
    }


def test_exclusive_form_of_an_element_is_that_of_the_recommendation() -> None:
    root = parse_xml(
        b"<?x y?><n0:r xmlns:n0='urn:0' xmlns:n1='urn:1' xml:lang='vi'><!-- c --><n1:e xmlns:n3='urn:3' b='2' a=\"1\""
        b" n1:z='&quot;&lt;&#9;'>t &amp; &gt; &#13;<n3:s/><![CDATA[<]]></n1:e>tail</n0:r><?after y?>"
    )
    assert canonicalize(root[1]) == (
        b'<n1:e xmlns:n1="urn:1" a="1" b="2" n1:z="&quot;&lt;&#x9;">t &amp; &gt; &#xD;'
        b'<n3:s xmlns:n3="urn:3"></n3:s>&lt;</n1:e>'
    )
    assert canonicalize(root).startswith(b'<n0:r xmlns:n0="urn:0" xml:lang="vi"><n1:e')
    assert canonicalize(root).endswith(b"tail</n0:r>")
    assert b"<!-- c -->" in canonicalize(root, method=C14nMethod.EXCLUSIVE_WITH_COMMENTS)


def test_prefix_list_takes_namespaces_inclusively() -> None:
    root = parse_xml(b'<r xmlns:a="urn:a" xmlns:b="urn:b"><a:e/></r>')
    assert canonicalize(root[0], inclusive_prefixes=["b"]) == b'<a:e xmlns:a="urn:a" xmlns:b="urn:b"></a:e>'
    default = parse_xml(b'<r xmlns="urn:d" xmlns:a="urn:a"><a:e><a:f xmlns=""/></a:e></r>')
    assert canonicalize(default[0], inclusive_prefixes=["#default"]) == (
        b'<a:e xmlns="urn:d" xmlns:a="urn:a"><a:f xmlns=""></a:f></a:e>'
    )


def test_inclusive_form_takes_over_what_stands_above() -> None:
    root = parse_xml(
        b'<r xmlns:a="urn:a" xml:lang="vi" xml:space="preserve" xml:id="x">'
        b'<m xml:lang="en"><e xml:space="default"/></m></r>'
    )
    element = root[0][0]
    first = b'<e xmlns:a="urn:a" xml:id="x" xml:lang="en" xml:space="default"></e>'
    assert canonicalize(element, method=C14nMethod.INCLUSIVE_1_0) == first
    assert canonicalize(element, method=C14nMethod.INCLUSIVE_1_1) == first.replace(b' xml:id="x"', b"")
    assert element.keys() == ["{http://www.w3.org/XML/1998/namespace}space"]  # what was lent is taken back
    assert canonicalize(root, method=C14nMethod.INCLUSIVE_1_0).startswith(
        b'<r xmlns:a="urn:a" xml:id="x" xml:lang="vi"'
    )


@pytest.mark.parametrize(
    ("outer", "inner", "own", "expected"),
    [
        ("http://a/b/", None, None, "http://a/b/"),
        ("http://a/b/", "c/", None, "http://a/b/c/"),
        ("http://a/b/d", "../c/", "x", "http://a/c/x"),
        ("foo/bar/", "../../x/", None, "x/"),
        ("../foo/", "..", None, "../"),
        ("http://a/b", "http://z/y/", "q", "http://z/y/q"),
        (None, None, "own/", "own/"),
    ],
)
def test_c14n_1_1_joins_the_bases_above(outer: str | None, inner: str | None, own: str | None, expected: str) -> None:
    """Canonical XML 1.1, 2.4; 1.0 takes the nearest one over as it stands."""
    written = ["" if one is None else f' xml:base="{one}"' for one in (outer, inner, own)]
    root = parse_xml("<r{}><m{}><e{}/></m></r>".format(*written).encode())
    assert f'<e xml:base="{expected}">'.encode() in canonicalize(root[0][0], method=C14nMethod.INCLUSIVE_1_1)
    nearest = own or inner or outer
    assert f'<e xml:base="{nearest}">'.encode() in canonicalize(root[0][0], method=C14nMethod.INCLUSIVE_1_0)


def test_inclusive_form_keeps_the_default_namespace_that_is_in_scope() -> None:
    root = parse_xml(b'<r xmlns:p="urn:p"><p:c xmlns="urn:d"><a><p:c xmlns:q="urn:q"/></a></p:c></r>')
    assert canonicalize(root[0], method=C14nMethod.INCLUSIVE_1_0) == (
        b'<p:c xmlns="urn:d" xmlns:p="urn:p"><a><p:c xmlns:q="urn:q"></p:c></a></p:c>'
    )


def test_parts_left_out_take_nothing_else_with_them() -> None:
    root = parse_xml(b"<?x y?><r>a<b>c</b>d<b/>e<!--f--></r><!--g-->")
    without = list(root.iter("b"))
    assert canonicalize(root, without=without) == b"<r>ade</r>"
    assert canonicalize_document(root, method=C14nMethod.INCLUSIVE_1_0, without=without) == b"<?x y?>\n<r>ade</r>"
    commented = canonicalize_document(root, method=C14nMethod.EXCLUSIVE_WITH_COMMENTS, without=without[:1])
    assert commented == b"<?x y?>\n<r>ad<b></b>e<!--f--></r>\n<!--g-->"


def test_relative_namespace_has_no_canonical_form() -> None:
    with pytest.raises(MalformedTranscript, match="canonical form"):
        canonicalize(parse_xml(b'<r xmlns="relative"/>'))


def test_sha256_is_raw_bytes() -> None:
    assert sha256(b"").hex().startswith("e3b0c44298fc1c14")


def test_schema_error_names_the_place_but_never_the_value() -> None:
    transcript = build_transcript()
    document = build_document(transcript, build_issue(transcript)).replace(b"<DIEM>8.6</DIEM>", b"<DIEM>11.7</DIEM>")
    with pytest.raises(MalformedTranscript, match="DIEM_TONG_KET") as caught:
        validate_schema(parse_xml(document))
    assert "11.7" not in str(caught.value)
    assert caught.value.line == 1


def test_unknown_schema_is_said_to_be_unknown() -> None:
    with pytest.raises(UnsupportedSchema):
        validate_schema(parse_xml(b"<r/>"), "hoc-ba-9.9.xsd")


def test_location_hints_in_a_document_are_not_followed() -> None:
    hint = b'<HOC_BA xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://x.invalid/a"/>'
    with pytest.raises(MalformedTranscript):
        validate_schema(parse_xml(hint))


def test_threads_validate_at_the_same_time() -> None:
    transcript = build_transcript()
    good = build_document(transcript, build_issue(transcript))
    wrong: list[str] = []

    def work(data: bytes, valid: bool) -> None:
        for _ in range(20):
            try:
                validate_schema(parse_xml(data))
                outcome = True
            except InputError:
                outcome = False
            if outcome is not valid:
                wrong.append("mixed up")

    threads = [threading.Thread(target=work, args=(good, True)), threading.Thread(target=work, args=(b"<r/>", False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
