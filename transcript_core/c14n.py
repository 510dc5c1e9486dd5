"""Canonical octets of an element and all that is below it, or of a whole document, less parts that are left out.

Implements: Exclusive XML Canonicalization 1.0, Canonical XML 1.0 and Canonical XML 1.1, each with and without comments,
for node sets that are an apex with everything below it except whole subtrees.  Other node sets are not offered.

lxml does the usual work; `c14n_subset` does what lxml cannot or gets wrong: parts left out, `#default` in a PrefixList,
and the inclusive methods for anything but a whole document, where lxml loses inherited `xml:*` attributes, declares
namespaces twice and undeclares a default one that is in scope.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import Final

from lxml import etree

from transcript_core.c14n_subset import XML_NAMESPACE, SubsetWriter
from transcript_core.errors import MalformedTranscript

__all__ = [
    "XML_NAMESPACE",
    "C14nMethod",
    "canonicalize",
    "canonicalize_document",
    "has_scope_over",
    "is_slow",
    "is_slow_document",
]

_MAX_FAST_SCOPE: Final = 16
"""Namespaces in scope up to which lxml writes the inclusive methods; it takes quadratic time in them."""


class C14nMethod(Enum):
    """The canonicalisation methods, by algorithm identifier."""

    EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
    EXCLUSIVE_WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    INCLUSIVE_1_0 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    INCLUSIVE_1_0_WITH_COMMENTS = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"
    INCLUSIVE_1_1 = "http://www.w3.org/2006/12/xml-c14n11"
    INCLUSIVE_1_1_WITH_COMMENTS = "http://www.w3.org/2006/12/xml-c14n11#WithComments"

    def __init__(self, uri: str) -> None:
        self.exclusive = "xml-exc-c14n#" in uri  # only the namespaces in use are written
        self.with_comments = uri.endswith("WithComments")  # comments are part of the octets
        self.version_1_1 = "xml-c14n11" in uri  # which inherits other `xml:*` attributes than 1.0


def canonicalize(
    element: etree._Element,
    *,
    method: C14nMethod = C14nMethod.EXCLUSIVE,
    inclusive_prefixes: Sequence[str] = (),
    without: Collection[etree._Element] = (),
) -> bytes:
    """Return the canonical octets of `element` and everything below it.

    Args:
        element: a node of a tree made by `parse_xml`; what follows it (its tail) is not part of it.
        method: the canonicalisation method; ours use exclusive without comments only.
        inclusive_prefixes: the PrefixList of exclusive canonicalisation; without meaning for the other methods.
        without: elements below it that are left out with all that is in them; the text after them stays.

    Returns:
        UTF-8 octets without byte order mark.

    Raises:
        MalformedTranscript: it cannot be written in canonical form (a relative namespace address).

    Spec: Exclusive XML Canonicalization 1.0; Canonical XML 1.0, 1.1.
    """
    if is_slow(element, method=method, inclusive_prefixes=inclusive_prefixes, without=without):
        return _build_writer(method, inclusive_prefixes, without).write_element(element)
    if method.exclusive:
        return _serialise(element, method, inclusive_prefixes)
    return _serialise(element.getroottree(), method, ())


def is_slow(
    element: etree._Element,
    *,
    method: C14nMethod,
    inclusive_prefixes: Sequence[str] = (),
    without: Collection[etree._Element] = (),
) -> bool:
    """Return whether lxml cannot write these octets, or not in time, so that they cost many times as much."""
    if method.exclusive:
        return bool(without) or "#default" in inclusive_prefixes
    return bool(without) or not _is_whole_document(element) or has_scope_over(element, _MAX_FAST_SCOPE)


def is_slow_document(
    root: etree._Element,
    *,
    method: C14nMethod,
    inclusive_prefixes: Sequence[str] = (),
    without: Collection[etree._Element] = (),
) -> bool:
    """Return the same of a whole document."""
    if method.exclusive:
        return bool(without) or "#default" in inclusive_prefixes
    return bool(without) or has_scope_over(root, _MAX_FAST_SCOPE)


def has_scope_over(root: etree._Element, limit: int) -> bool:
    """Return whether more than `limit` namespaces are in scope anywhere below the root of a document."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        depth += 1 if event == "start-ns" else -1
        if depth > limit:
            return True
    return False


def _is_whole_document(element: etree._Element) -> bool:
    return element.getparent() is None and element.getprevious() is None and element.getnext() is None


def canonicalize_document(
    root: etree._Element,
    *,
    method: C14nMethod,
    inclusive_prefixes: Sequence[str] = (),
    without: Collection[etree._Element] = (),
) -> bytes:
    """Return the canonical octets of the whole document of `root`, what stands before and after it included.

    Raises:
        MalformedTranscript: as `canonicalize`.
    """
    if is_slow_document(root, method=method, inclusive_prefixes=inclusive_prefixes, without=without):
        return _build_writer(method, inclusive_prefixes, without).write_document(root)
    return _serialise(root.getroottree(), method, inclusive_prefixes if method.exclusive else ())


def _build_writer(method: C14nMethod, prefixes: Sequence[str], without: Collection[etree._Element]) -> SubsetWriter:
    return SubsetWriter(
        exclusive=method.exclusive,
        with_comments=method.with_comments,
        version_1_1=method.version_1_1,
        prefixes=prefixes if method.exclusive else (),
        without=without,
    )


def _serialise(element: etree._Element | etree._ElementTree, method: C14nMethod, prefixes: Sequence[str]) -> bytes:
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
        raise MalformedTranscript("it cannot be written in canonical form") from error
    return bytes(octets)
