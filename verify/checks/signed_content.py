"""All that an XML file of others says is signed by somebody.  Spec: EN 319 102-1, 5.2.8 (what the signer signed).

A signature may cover as little as it likes, and it is valid all the same; whoever reads the file reads all of it.  So
text and attributes that no signature covers are named, and leave the answer open.  The signatures themselves,
what XAdES puts into them, identifiers and empty elements say nothing.  Transcripts have `slots.coverage`, containers
`container.files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree
from lxml.etree import _Element

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, indeterminate, list_names
from verify.documents import XmlInput
from verify.examination import Context, Examination
from verify.formats.names import ds
from verify.formats.xmldsig import Reference
from verify.plain import clean_name
from verify.report import DocumentKind, Finding, SubIndication

NAME: Final = "content.signed"
RULE: Final = Rule(NAME, "Mọi nội dung của tệp đều được ký.", "Everything that the file says is signed.")

_OWN_WORDS: Final = frozenset(
    {"id", "schemalocation", "nonamespaceschemalocation", "{http://www.w3.org/xml/1998/namespace}id"}
)
"""Attributes, in small letters and without a namespace but that of XML, that say nothing to a reader."""

_PROPERTIES: Final = "QualifyingProperties"


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the signatures speak of all that the file says; whether they are right, other rules tell."""
    xml = examination.xml
    if examination.kind is not DocumentKind.OTHER_XML or xml is None or xml.root is None or not xml.signatures:
        return conclude(RULE, NOT_APPLICABLE)
    references = [reference for signature in xml.signatures for reference in signature.references]
    return conclude(RULE, _judge(xml, xml.root, references))


def _judge(xml: XmlInput, root: _Element, references: Iterable[Reference]) -> Verdict:
    covered: dict[_Element, frozenset[_Element]] = {}
    for node, without in _list_covered(xml, references):
        covered[node] = covered.get(node, without) & without
    unsigned = tuple(dict.fromkeys(_list_unsigned(root, covered)))
    if not unsigned:
        return PASSED
    signed = tuple(dict.fromkeys(map(_name, covered)))
    told_vi = f"Được ký: {list_names(signed)}." if signed else "Không có phần nào của chính tệp này được ký."
    told_en = f"Signed: {list_names(signed, english=True)}." if signed else "Nothing of this very file is signed."
    return indeterminate(
        f"Tệp có nội dung không chữ ký nào bao phủ: {list_names(unsigned)}. {told_vi}",
        f"The file says what no signature covers: {list_names(unsigned, english=True)}. {told_en}",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )


def _list_covered(xml: XmlInput, references: Iterable[Reference]) -> Iterator[tuple[_Element, frozenset[_Element]]]:
    """Yield what the references name, each with the signatures inside that were left out."""
    for one in references:
        for reference in (one, *one.entries):
            node = _find_named(xml, reference.uri) if reference.node is None else reference.node
            if node is not None:
                yield node, reference.without


def _find_named(xml: XmlInput, uri: str) -> _Element | None:
    """Return what a reference names that was not digested as it stands: decoded, or not at all, which is told."""
    if not uri:
        return xml.root
    return xml.cache.ids.get(uri[1:]) if uri.startswith("#") and xml.cache is not None else None


def _list_unsigned(root: _Element, covered: dict[_Element, frozenset[_Element]]) -> Iterator[str]:
    """Yield the names of elements with words of their own that stand in nothing covered, in no order."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element in covered:
            waiting += covered[element]
            continue
        children = [child for child in element if isinstance(child.tag, str)]
        if element.tag == ds("Signature"):
            waiting += [child for child in children if child.tag == ds("Object")]
            continue
        if etree.QName(element).localname == _PROPERTIES:
            continue
        if element.tag != ds("Object") and _has_words(element):
            yield _name(element)
        waiting += children


def _has_words(element: _Element) -> bool:
    texts = (element.text, *(child.tail for child in element))
    return any(text and text.strip() for text in texts) or any(map(_says_something, element.attrib))


def _says_something(attribute: str | bytes) -> bool:
    name = str(attribute).lower()
    return name not in _OWN_WORDS and name.rpartition("}")[2] not in {"schemalocation", "nonamespaceschemalocation"}


def _name(element: _Element) -> str:
    return clean_name(str(etree.QName(element).localname))
