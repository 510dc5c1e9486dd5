"""Canonical octets of an element and all that is below it.

Implements: Exclusive XML Canonicalization 1.0, Canonical XML 1.0 and Canonical XML 1.1, each with and without comments,
for document subsets that are one element with everything below it.  Other node sets are not offered.

lxml does the work, with an addition for the inclusive methods, which take over what stands above the element:
inherited `xml:*` attributes (Canonical XML 1.0, 2.4), and the same without `xml:id` (1.1, 2.4).

Deviation: two rare cases are refused instead of answered wrongly: `#default` in an InclusiveNamespaces PrefixList,
which lxml drops silently, and Canonical XML 1.1 of an element below one with `xml:base`, whose values would be joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Final

from lxml import etree

from transcript_core.errors import MalformedTranscript, UnsupportedSchema

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_XML_PREFIX: Final = f"{{{XML_NAMESPACE}}}"
_XML_ID: Final = f"{{{XML_NAMESPACE}}}id"
_XML_BASE: Final = f"{{{XML_NAMESPACE}}}base"


class C14nMethod(Enum):
    """The canonicalisation methods, by algorithm identifier."""

    EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
    EXCLUSIVE_WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    INCLUSIVE_1_0 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    INCLUSIVE_1_0_WITH_COMMENTS = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
    INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
    INCLUSIVE_1_1_WITH_COMMENTS = "http://www.w3.org/2006/12/xml-c14n11#WithComments"

    @property
    def exclusive(self) -> bool:
        """Whether only the namespaces in use are written."""
        return self in {C14nMethod.EXCLUSIVE, C14nMethod.EXCLUSIVE_WITH_COMMENTS}

    @property
    def with_comments(self) -> bool:
        """Whether comments are part of the octets."""
        return self.value.endswith("WithComments")


def canonicalize(
    element: etree._Element,
    *,
    method: C14nMethod = C14nMethod.EXCLUSIVE,
    inclusive_prefixes: Sequence[str] = (),
) -> bytes:
    """Return the canonical octets of `element` and everything below it.

    Args:
        element: a node of a tree made by `parse_xml`; what follows it (its tail) is not part of it.
        method: the canonicalisation method; ours use exclusive without comments only.
        inclusive_prefixes: the PrefixList of exclusive canonicalisation; empty for the other methods.

    Returns:
        UTF-8 octets without byte order mark.

    Raises:
        MalformedTranscript: the element cannot be written in canonical form (a relative namespace address).
        UnsupportedSchema: one of the two cases that the module's deviation names.

    Spec: Exclusive XML Canonicalization 1.0; Canonical XML 1.0, 1.1.
    """
    if "#default" in inclusive_prefixes:
        raise UnsupportedSchema("exclusive canonicalisation with #default in its PrefixList is not supported")
    if method.exclusive:
        return _serialise(element, method, inclusive_prefixes)
    with _inherited(element, _list_inherited(element, method)):
        return _serialise(element, method, ())


def _serialise(element: etree._Element, method: C14nMethod, prefixes: Sequence[str]) -> bytes:
    try:
        octets = etree.tostring(
            element,
            method="c14n",
            exclusive=method.exclusive,
            with_comments=method.with_comments,
            with_tail=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except (etree.LxmlError, ValueError) as error:
        raise MalformedTranscript("the element cannot be written in canonical form") from error
    return bytes(octets)


def _list_inherited(element: etree._Element, method: C14nMethod) -> dict[str, str]:
    """Return the `xml:*` attributes that stand above `element` and that its octets take over."""
    found: dict[str, str] = {}
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if str(name).startswith(_XML_PREFIX):
                found.setdefault(str(name), str(value))
    if method in {C14nMethod.INCLUSIVE_1_1, C14nMethod.INCLUSIVE_1_1_WITH_COMMENTS}:
        found.pop(_XML_ID, None)
        if _XML_BASE in found:
            raise UnsupportedSchema("Canonical XML 1.1 below an element with xml:base is not supported")
    return {name: value for name, value in found.items() if element.get(name) is None}


@contextmanager
def _inherited(element: etree._Element, attributes: Mapping[str, str]) -> Iterator[None]:
    """Lend `element` the attributes while its octets are written; canonical form sorts them, so order is no matter."""
    for name, value in attributes.items():
        element.set(name, value)
    try:
        yield
    finally:
        for name in attributes:
            del element.attrib[name]
