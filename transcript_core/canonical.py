"""The one XML parser of this code base, Ids, digests and schema validation.

Implements: XML 1.0 (5th edition), 2.8 (a document type declaration is refused) and 4.3.3 (UTF-8 only); XML Schema 1.0
validation against the files of `schemas/xsd`.  Canonicalisation itself is in `transcript_core.c14n`.
Leaves to others: what the elements mean (`transcript_core.xml`) and every signature (`signing`, `verify`).

What ours look like: no byte order mark, no XML declaration, exclusive canonical form.  The parser accepts more, because
files of other software are inspected with it too: one UTF-8 byte order mark, an XML declaration that says UTF-8 or
nothing, comments and processing instructions.  It opens no file and no connection, whatever the document says.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lxml import etree

from schemas.loader import load_xsd
from transcript_core.c14n import XML_NAMESPACE, C14nMethod, canonicalize, has_scope_over
from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.limits import (
    MAX_XML_ATTRIBUTES,
    MAX_XML_BYTES,
    MAX_XML_DEPTH,
    MAX_XML_ELEMENTS,
    MAX_XML_NAMESPACES,
    MAX_XML_SCOPE,
)

__all__ = [
    "TRANSCRIPT_SCHEMA",
    "C14nMethod",
    "ForeignIds",
    "build_foreign_ids",
    "build_id_map",
    "canonicalize",
    "check_markup",
    "get_line",
    "parse_foreign_xml",
    "parse_xml",
    "sha256",
    "validate_schema",
]

TRANSCRIPT_SCHEMA: Final = "hoc-ba-1.0.xsd"
"""Name of the schema of transcripts and recalls, signatures included."""

_ID_ATTRIBUTES: Final = frozenset({"Id", "ID", "id", f"{{{XML_NAMESPACE}}}id"})
_FOREIGN_ID_ATTRIBUTES: Final = {
    "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}Id": None,
    "AssertionID": "{urn:oasis:names:tc:SAML:1.0:assertion}Assertion",
    "RequestID": "{urn:oasis:names:tc:SAML:1.0:protocol}Request",
    "ResponseID": "{urn:oasis:names:tc:SAML:1.0:protocol}Response",
}
"""Identifiers of other vocabularies, with the only element that has them; None: any.  WS-Security 1.1, 4; SAML 1.1."""

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'(?P<v1>[^'<>]*)'|"(?P<v2>[^"<>]*)")"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'(?P<e1>[^'<>]*)'|"(?P<e2>[^"<>]*)"))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>"""
)
_ANY_DECLARATION: Final = re.compile(r"\A<\?xml[ \t\r\n][^?]*\?>")
FOREIGN_ENCODINGS: Final = {
    **{f"iso-8859-{number}": f"iso8859-{number}" for number in (*range(1, 11), *range(13, 17))},
    **{f"windows-125{number}": f"cp125{number}" for number in range(9)},
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-16": "utf-16",
}
"""Declared encodings that `parse_foreign_xml` accepts beside UTF-8, with their names in Python."""

_BLANKS: Final = re.compile(rb"[ \t\r\n]*")
_TOO_DEEP: Final = etree.XPath(f"boolean({'/*' * (MAX_XML_DEPTH + 1)})")
_TOO_MANY_ATTRIBUTES: Final = etree.XPath(f"boolean(/descendant::*/@*[{MAX_XML_ATTRIBUTES + 1}])")
_ALL_WITH_ATTRIBUTES: Final = etree.XPath("/descendant::*[@*]", smart_strings=False)


def parse_xml(data: bytes, *, max_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Return the root element of `data`, parsed without anything that could reach outside it.

    Args:
        data: a whole XML document as received.
        max_bytes: the longest document that is accepted, in bytes.

    Raises:
        LimitExceeded: too many bytes, elements, attributes or namespace declarations, or nested too deep.
        MalformedTranscript: not well-formed, not UTF-8, not XML 1.0, or with a document type declaration.

    Spec: XML 1.0, 2.8, 4.3.3.  Deviation: document type declarations and other encodings than UTF-8 are refused.
    """
    if len(data) > max_bytes:
        raise LimitExceeded(f"the XML document has {len(data)} bytes, more than the {max_bytes} that are accepted")
    _check_encoding(data)
    _check_prolog(data)
    declarations = check_markup(data)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_blank_text=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedTranscript("the XML is not well-formed", line=_line(error.lineno)) from error
    _check_tree(root, declarations)
    return root


def parse_foreign_xml(data: bytes, *, max_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Return the root element of XML that other software made, in UTF-8 or one of the encodings of FOREIGN_ENCODINGS.

    The text is decoded by the declared encoding, its declaration left out, and parsed by `parse_xml`; canonical form,
    which is UTF-8, comes out the same.

    Raises:
        LimitExceeded, MalformedTranscript: as `parse_xml`; also an encoding that is not on the list.
    """
    if len(data) > max_bytes:
        raise LimitExceeded(f"the XML document has {len(data)} bytes, more than the {max_bytes} that are accepted")
    encoding = _find_foreign_encoding(data)
    if encoding is None:
        return parse_xml(data, max_bytes=max_bytes)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedTranscript(f"the XML is not valid in the encoding that it declares, {encoding}") from error
    return parse_xml(_ANY_DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).encode(), max_bytes=2 * max_bytes)


def _find_foreign_encoding(data: bytes) -> str | None:
    """Return the encoding of XML that is not in UTF-8, None when it is or says nothing."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    declaration = _DECLARATION.match(data)
    declared = b"" if declaration is None else declaration["e1"] or declaration["e2"] or b""
    return FOREIGN_ENCODINGS.get(declared.decode("ascii", "replace").lower())


def build_id_map(root: etree._Element) -> dict[str, etree._Element]:
    """Return every element of the document by its identifier, found in one pass.

    `Id`, `ID`, `id` and `xml:id` share one space of names, so that no two readers can take different elements for one.

    Raises:
        MalformedTranscript: an identifier is empty or stands on two elements.
    """
    found: dict[str, etree._Element] = {}
    for element in root.iter("*"):
        for name, value in element.items():
            if name not in _ID_ATTRIBUTES:
                continue
            if not value or found.setdefault(str(value), element) is not element:
                raise MalformedTranscript("an identifier is empty or stands twice", line=get_line(element))
    return found


@dataclass(frozen=True, slots=True)
class ForeignIds:
    """The identifiers of a document that other software made."""

    elements: Mapping[str, etree._Element]  # by identifiers that one element alone has
    doubled: frozenset[str]  # what no reference can mean


def build_foreign_ids(root: etree._Element) -> ForeignIds:
    """Return the elements of the document by their identifiers, whoever calls these what.

    Whether a doubled identifier does any harm depends on what is signed, so it is told and not refused.
    """
    found: dict[str, etree._Element] = {}
    doubled: set[str] = set()
    for element in cast("list[etree._Element]", _ALL_WITH_ATTRIBUTES(root)):
        for name, value in element.items():
            if value and _is_foreign_id(element, str(name)) and found.setdefault(str(value), element) is not element:
                doubled.add(str(value))
    return ForeignIds({name: one for name, one in found.items() if name not in doubled}, frozenset(doubled))


def _is_foreign_id(element: etree._Element, name: str) -> bool:
    return name in _ID_ATTRIBUTES or _FOREIGN_ID_ATTRIBUTES.get(name, "") in {None, element.tag}


def sha256(data: bytes) -> bytes:
    """Return the 32 raw bytes of SHA-256 over `data`."""
    return hashlib.sha256(data).digest()


def validate_schema(root: etree._Element, name: str = TRANSCRIPT_SCHEMA) -> None:
    """Hold the document of `root` against a schema of `schemas/xsd`.

    Nothing is loaded by hints in the document, and no default is written into it.

    Raises:
        MalformedTranscript: it does not fit; the message names the place and the rule, never the value.
        UnsupportedSchema: there is no such schema.
    """
    schema = _get_schema(name)
    if schema.validate(root.getroottree()):
        return
    first = cast("Any", schema.error_log)[0]
    place = first.path or "/"
    raise MalformedTranscript(f"{place} does not fit schema {name} ({first.type_name})", line=_line(first.line))


def _check_encoding(data: bytes) -> None:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in data[:4]:
        raise MalformedTranscript("the XML is in UTF-16 or UTF-32; only UTF-8 is accepted")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedTranscript("the XML is not valid UTF-8; no other encoding is accepted") from error


def _check_prolog(data: bytes) -> None:
    """Walk over what may stand before the root element; a document type declaration can stand nowhere else."""
    position = len(_UTF8_MARK) if data.startswith(_UTF8_MARK) else 0
    if data.startswith(b"<?xml", position) and data[position + 5 : position + 6] in {b" ", b"\t", b"\r", b"\n"}:
        position = _check_declaration(data, position)
    while True:
        blanks = _BLANKS.match(data, position)
        position = blanks.end() if blanks else position
        if data.startswith(b"<!--", position):
            position = _skip(data, b"-->", position + 4)
        elif data.startswith(b"<?", position):
            position = _skip(data, b"?>", position + 2)
        elif data.startswith(b"<!", position):
            raise MalformedTranscript("the XML has a document type declaration (DOCTYPE), which is never accepted")
        else:
            return


def _check_declaration(data: bytes, position: int) -> int:
    declaration = _DECLARATION.match(data, position)
    if declaration is None:
        raise MalformedTranscript("the XML declaration is malformed", line=1)
    if (declaration["v1"] or declaration["v2"]) != b"1.0":
        raise MalformedTranscript("the document is not XML 1.0", line=1)
    encoding = declaration["e1"] or declaration["e2"]
    if encoding is not None and encoding.lower() != b"utf-8":
        raise MalformedTranscript("the XML declares another encoding than UTF-8, the only one accepted", line=1)
    return declaration.end()


def _skip(data: bytes, end: bytes, position: int) -> int:
    found = data.find(end, position)
    if found < 0:
        raise MalformedTranscript("the XML ends inside a comment or a processing instruction")
    return found + len(end)


def check_markup(data: bytes) -> int:
    """Bound a tree before it is built: every element has its own start, and every prefix its own declaration.

    Returns:
        At most how many namespaces it declares.

    Raises:
        LimitExceeded: more than MAX_XML_ELEMENTS or MAX_XML_NAMESPACES.
    """
    marks = data.count(b"<")
    if marks > MAX_XML_ELEMENTS and marks - data.count(b"</") > MAX_XML_ELEMENTS:
        raise LimitExceeded(f"the XML has more than {MAX_XML_ELEMENTS} elements")
    declarations = data.count(b"xmlns")
    if declarations > MAX_XML_NAMESPACES:
        raise LimitExceeded(f"the XML has more than {MAX_XML_NAMESPACES} namespace declarations")
    return declarations


def _check_tree(root: etree._Element, declarations: int) -> None:
    if _TOO_DEEP(root):
        raise LimitExceeded(f"the XML is nested deeper than {MAX_XML_DEPTH} elements")
    if _TOO_MANY_ATTRIBUTES(root):
        raise LimitExceeded(f"an element has more than {MAX_XML_ATTRIBUTES} attributes")
    if declarations > MAX_XML_SCOPE and has_scope_over(root, MAX_XML_SCOPE):
        raise LimitExceeded(f"more than {MAX_XML_SCOPE} namespaces are in scope at one element")
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedTranscript("the XML has a document type declaration (DOCTYPE), which is never accepted")


def get_line(element: etree._Element) -> int | None:
    """Return the 1-based line of the XML as received where `element` starts, or None when it is not known."""
    return _line(element.sourceline)


def _line(number: object) -> int | None:
    """Return lxml's line number as ours: it says 0 or None when it does not know."""
    return number if isinstance(number, int) and number > 0 else None


class _SchemaResolver(etree.Resolver):
    """Gives schemas that import each other the files of `schemas/xsd`, and nothing else."""

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        name = system_url.rsplit("/", maxsplit=1)[-1]
        return self.resolve_string(load_xsd(name), context, base_url=name)


class _Compiled(threading.local):
    """Compiled schemas of one thread: an lxml schema keeps its last errors, so threads must not share one."""

    def __init__(self) -> None:
        self.by_name: dict[str, etree.XMLSchema] = {}


_COMPILED: Final = _Compiled()


def _get_schema(name: str) -> etree.XMLSchema:
    if name not in _COMPILED.by_name:
        _COMPILED.by_name[name] = _compile_schema(name)
    return _COMPILED.by_name[name]


def _compile_schema(name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    parser.resolvers.add(_SchemaResolver())
    try:
        return etree.XMLSchema(etree.fromstring(load_xsd(name), parser, base_url=name))
    except FileNotFoundError as error:
        raise UnsupportedSchema(f"there is no schema {name}; install the release that has it") from error
