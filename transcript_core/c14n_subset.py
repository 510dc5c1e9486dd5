"""Canonical octets of an element, or of a whole document, less some parts below it: what lxml cannot write.

Implements: Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0, with and without comments, for node sets
that are an apex with everything below it except whole subtrees (what enveloped-signature, XPath and XPath-filter-2
leave over), and all that lxml gets wrong (`transcript_core.c14n` names it).

Slower than lxml by an order of magnitude and used only where lxml cannot answer; a property test holds both against
each other where both can.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from transcript_core.errors import MalformedTranscript

XML_NAMESPACE: Final = "http://www.w3.org/XML/1998/namespace"
_XML_PREFIX: Final = f"{{{XML_NAMESPACE}}}"
_LANG: Final = f"{_XML_PREFIX}lang"
_SPACE: Final = f"{_XML_PREFIX}space"
_BASE: Final = f"{_XML_PREFIX}base"
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_VALUE: Final = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"})
_DEFAULT: Final = "#default"

Namespaces = Mapping[str, str]
"""URI by prefix, "" for the default namespace and for "none"."""


class SubsetWriter:
    """Writes one node set.

    Args:
        exclusive: Exclusive XML Canonicalization, else Canonical XML.
        with_comments: comments are part of the octets.
        version_1_1: Canonical XML 1.1; says which `xml:*` attributes an apex takes over from above.
        prefixes: the PrefixList of the exclusive method, `#default` included.
        without: elements that are left out with everything below them; the text after them stays.
    """

    def __init__(
        self,
        *,
        exclusive: bool,
        with_comments: bool,
        version_1_1: bool = False,
        prefixes: Sequence[str] = (),
        without: Collection[etree._Element] = (),
    ) -> None:
        self._exclusive = exclusive
        self._with_comments = with_comments
        self._version_1_1 = version_1_1
        self._inclusive = frozenset("" if prefix == _DEFAULT else prefix for prefix in prefixes)
        self._without = frozenset(without)
        self._pieces: list[str] = []

    def write_element(self, apex: etree._Element) -> bytes:
        """Return the octets of `apex` and what is below it.

        Raises:
            MalformedTranscript: a relative namespace address, for which no canonical form exists.
        """
        self._pieces = []
        self._node(apex, {}, is_apex=True)
        return "".join(self._pieces).encode()

    def write_document(self, root: etree._Element) -> bytes:
        """Return the octets of the document of `root`: comments and processing instructions around it too."""
        self._pieces = []
        before = list(root.itersiblings(preceding=True))
        for node in reversed(before):
            self._outside(node, before_root=True)
        self._node(root, {}, is_apex=True)
        for node in root.itersiblings():
            self._outside(node, before_root=False)
        return "".join(self._pieces).encode()

    def _outside(self, node: etree._Element, *, before_root: bool) -> None:
        written = self._special(node)
        if written:
            self._pieces += [written, "\n"] if before_root else ["\n", written]

    def _special(self, node: etree._Element) -> str:
        """Return a comment or processing instruction as it is written, "" when it is not."""
        text = (node.text or "").replace("\r", "&#xD;")
        if isinstance(node, etree._ProcessingInstruction):
            target = str(node.target)
            return f"<?{target} {text}?>" if text else f"<?{target}?>"
        return f"<!--{text}-->" if self._with_comments and isinstance(node, etree._Comment) else ""

    def _node(self, node: etree._Element, rendered: Namespaces, *, is_apex: bool = False) -> None:
        """Write an element with its content; without recursion for siblings, with it for depth (MAX_XML_DEPTH)."""
        if node in self._without:
            return
        if isinstance(node, etree._Comment | etree._ProcessingInstruction):
            self._pieces.append(self._special(node))
            return
        prefix, name = node.prefix, etree.QName(node).localname
        written = f"{prefix}:{name}" if prefix else name
        declared = self._declare(node, rendered)
        attributes = self._attributes(node, is_apex=is_apex)
        self._pieces += ["<", written, *_declarations(declared), *attributes, ">"]
        inside = {**rendered, **declared}
        self._pieces.append((node.text or "").translate(_TEXT))
        for child in node:
            self._node(child, inside)
            self._pieces.append((child.tail or "").translate(_TEXT))
        self._pieces.append(f"</{written}>")

    def _declare(self, node: etree._Element, rendered: Namespaces) -> dict[str, str]:
        """Return the namespaces to declare on `node`: those that the nearest written ancestor did not declare so."""
        scope = {prefix or "": uri or "" for prefix, uri in node.nsmap.items()}
        scope.setdefault("", "")
        wanted = self._used(node) if self._exclusive else set(scope)
        declared = {}
        for prefix in wanted | (self._inclusive & set(scope)):
            uri = scope.get(prefix, "")
            if prefix == "xml" or rendered.get(prefix, "") == uri:
                continue
            if uri and not urlsplit(uri).scheme:
                raise MalformedTranscript("a namespace address is relative, so there is no canonical form")
            declared[prefix] = uri
        return declared

    def _used(self, node: etree._Element) -> set[str]:
        """Return the prefixes that `node` visibly utilizes (Exclusive C14N, 1.1)."""
        qualified = (str(name) for name in node.attrib if str(name).startswith("{"))
        others = (name for name in qualified if not name.startswith(_XML_PREFIX))
        return {node.prefix or "", *(_attribute_prefix(node, name) for name in others)}

    def _attributes(self, node: etree._Element, *, is_apex: bool) -> Iterator[str]:
        values = {str(name): str(value) for name, value in node.attrib.items()}
        if is_apex and not self._exclusive:
            values = {**_inherit(node, version_1_1=self._version_1_1), **values}
            if self._version_1_1 and (base := _join_bases(node)) is not None:
                values[_BASE] = base
        for name in sorted(values, key=lambda one: (etree.QName(one).namespace or "", etree.QName(one).localname)):
            yield f' {_write_name(node, name)}="{values[name].translate(_VALUE)}"'


def _declarations(declared: Namespaces) -> Iterator[str]:
    for prefix in sorted(declared):
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        yield f' {name}="{declared[prefix].translate(_VALUE)}"'


def _write_name(node: etree._Element, name: str) -> str:
    if not name.startswith("{"):
        return name
    prefix = "xml" if name.startswith(_XML_PREFIX) else _attribute_prefix(node, name)
    return f"{prefix}:{etree.QName(name).localname}"


def _attribute_prefix(node: etree._Element, name: str) -> str:
    """Return the prefix that an attribute is written with; XPath alone tells it when several name one namespace."""
    uri = etree.QName(name).namespace
    prefixes = [prefix for prefix, known in node.nsmap.items() if known == uri and prefix]
    if len(prefixes) == 1:
        return prefixes[0]
    position = list(node.attrib).index(name) + 1
    written = str(node.xpath("name(@*[$position])", position=position))
    return written.partition(":")[0]


def _inherit(apex: etree._Element, *, version_1_1: bool) -> dict[str, str]:
    """Return the `xml:*` attributes above the apex that its octets take over (1.0, 2.4; 1.1, 2.4)."""
    found: dict[str, str] = {}
    for ancestor in apex.iterancestors():
        for name, value in ancestor.attrib.items():
            inherits = str(name) in {_LANG, _SPACE} if version_1_1 else str(name).startswith(_XML_PREFIX)
            if inherits:
                found.setdefault(str(name), str(value))
    return found


def _join_bases(apex: etree._Element) -> str | None:
    """Return the `xml:base` of an apex in Canonical XML 1.1, joined with those above it; None when there is none.

    Spec: Canonical XML 1.1, 2.4 (xml:base fixup), on RFC 3986, 5.2.
    """
    bases = [value for node in (apex, *apex.iterancestors()) if (value := node.get(_BASE)) is not None]
    if len(bases) < 2 and (not bases or apex.get(_BASE) is not None):
        return bases[0] if bases else None
    joined = bases[-1]
    for value in reversed(bases[:-1]):
        joined = _join(joined, value)
    return joined or None


def _join(base: str, reference: str) -> str:
    """Join two URI references of which the first may be relative too; its query and fragment are dropped."""
    first, second = urlsplit(base), urlsplit(reference)
    if second.scheme:
        return reference
    if second.netloc:
        return second._replace(scheme=first.scheme, path=_remove_dots(second.path)).geturl()
    if not second.path:
        path, query = first.path, second.query or first.query
        return first._replace(path=path, query=query, fragment=second.fragment).geturl()
    if second.path.startswith("/"):
        path = second.path
    elif first.netloc and not first.path:
        path = "/" + second.path
    else:
        head = first.path if first.path.endswith("..") else first.path[: first.path.rfind("/") + 1]
        path = f"{head}/{second.path}" if head.endswith("..") else head + second.path
    return first._replace(path=_remove_dots(path), query=second.query, fragment=second.fragment).geturl()


def _remove_dots(path: str) -> str:
    """Return `path` without `.` and inner `..`; leading `..` of a relative path stay, empty segments go (1.1, 2.4)."""
    absolute, segments = path.startswith("/"), path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment in {"", "."}:
            continue
        if segment != "..":
            kept.append(segment)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif not absolute:
            kept.append("..")
    folder = segments[-1] in {"", ".", ".."} and bool(kept)
    return ("/" if absolute else "") + "/".join(kept) + ("/" if folder else "")
