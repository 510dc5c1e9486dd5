"""Nothing stands in a transcript that no signature covers: it is stored octet for octet in its canonical form.

Exclusive canonical form leaves out comments, XML and document type declarations, unused namespaces and everything
around the root.  A file that equals its own canonical octets therefore has none of them.  Processing instructions
survive canonicalisation and are looked for by themselves.  What stands beside the slots is held against the layout.
Spec: Exclusive XML Canonicalization 1.0, 2; `docs/schema.md`.  Deviation: stricter than EN 319 102-1 asks.
"""

from __future__ import annotations

from typing import Final

from lxml.etree import _Element

from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed
from verify.documents import XmlInput
from verify.examination import Context, Examination
from verify.formats.names import ds
from verify.formats.octets import OctetCache
from verify.report import Finding, SubIndication

NAME: Final = "document.hidden-content"
RULE: Final = Rule(
    NAME,
    "Không có nội dung ẩn hoặc nằm ngoài phần được ký.",
    "There is no hidden content and none beside what is signed.",
)


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether the XML holds nothing but what is signed and the signatures."""
    return conclude(RULE, _judge(examination.xml))


def _judge(xml: XmlInput | None) -> Verdict:
    if xml is None or xml.root is None or not xml.is_ours:
        return NOT_APPLICABLE
    cache, around = xml.cache or OctetCache(xml.root, {}), (False, True)
    beside = any(next(xml.root.itersiblings(preceding=one), None) is not None for one in around)
    if beside or cache.has_hidden_nodes(xml.root):
        return _found("chú thích hoặc chỉ thị xử lý", "a comment or processing instruction")
    if cache.get_octets(xml.root) != xml.octets:
        return _found("nội dung ngoài dạng chuẩn hóa", "content outside the canonical form")
    if not _has_bare_release(xml.root):
        return _found("nội dung cạnh các ô chữ ký", "content beside the signature slots")
    return PASSED


def _found(what_vi: str, what_en: str) -> Verdict:
    return failed(
        f"Tệp chứa {what_vi}: có thể che giấu nội dung không được ký.",
        f"The file holds {what_en}: it may hide what is not signed.",
        SubIndication.FORMAT_FAILURE,
    )


def _has_bare_release(root: _Element) -> bool:
    """Return whether the root holds two children and the second one only slots with one signature each."""
    if len(root) != 2 or root.attrib or not _holds_elements_only(root):
        return False
    release = root[1]
    if release.attrib or not _holds_elements_only(release):
        return False
    return all(
        set(slot.attrib) == {"Id"}
        and _holds_elements_only(slot)
        and [one.tag for one in slot] in ([], [ds("Signature")])
        for slot in release
    )


def _holds_elements_only(element: _Element) -> bool:
    return not element.text and not any(child.tail for child in element)
