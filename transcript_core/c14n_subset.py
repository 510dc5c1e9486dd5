"""Canonical octets of an element, or of a whole document, less some parts below it: what lxml cannot write.

Implements: Canonical XML 1.0 and 1.1 and Exclusive XML Canonicalization 1.0, with and without comments, for node sets
that are an apex with everything below it except whole subtrees (what enveloped-signature, XPath and XPath-filter-2
leave over), and all that lxml gets wrong (`transcript_core.c14n` names it).

Slower than lxml by an order of magnitude and used only where lxml cannot answer; a property test holds both against
each other where both can.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, cast
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
        self._declared: Mapping[etree._Element, Namespaces] = {}
        self._pieces: list[str] = []

    def write_element(self, apex: etree._Element) -> bytes:
        """Return the octets of `apex` and what is below it.

        Raises:
            MalformedTranscript: a relative namespace address, for which no canonical form exists.
        """
        self._pieces = []
        self._write_apex(apex)
        return "".join(self._pieces).encode()

    def write_document(self, root: etree._Element) -> bytes:
        """Return the octets of the document of `root`: comments and processing instructions around it too."""
        self._pieces = []
        before = list(root.itersiblings(preceding=True))
        for node in reversed(before):
            self._outside(node, before_root=True)
        self._write_apex(root)
        for node in root.itersiblings():
            self._outside(node, before_root=False)
        return "".join(self._pieces).encode()

    def _write_apex(self, apex: etree._Element) -> None:
        self._declared = _list_declarations(apex)
        scope = {prefix or "": uri or "" for prefix, uri in apex.nsmap.items()}
        self._node(apex, {}, _Scope({"": "", **scope}), is_apex=True)

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

    def _node(self, node: etree._Element, rendered: Namespaces, scope: _Scope, *, is_apex: bool = False) -> None:
        """Write an element with its content; without recursion for siblings, with it for depth (MAX_XML_DEPTH)."""
        if node in self._without:
            return
        tag: object = node.tag
        if not isinstance(tag, str):  # a comment or processing instruction
            self._pieces.append(self._special(node))
            return
        prefix, name = node.prefix, _split(tag)[1]
        written = f"{prefix}:{name}" if prefix else name
        own = self._declared.get(node)
        if own is not None and not is_apex:
            scope = _Scope({**scope.uris, **own})
        declared = self._declare(node, rendered, scope, is_new=is_apex or own is not None)
        attributes = self._attributes(node, scope, is_apex=is_apex)
        self._pieces += ["<", written, *_declarations(declared), *attributes, ">"]
        inside = {**rendered, **declared} if declared else rendered
        self._pieces.append((node.text or "").translate(_TEXT))
        for child in node:
            self._node(child, inside, scope)
            self._pieces.append((child.tail or "").translate(_TEXT))
        self._pieces.append(f"</{written}>")

    def _declare(self, node: etree._Element, rendered: Namespaces, scope: _Scope, *, is_new: bool) -> dict[str, str]:
        """Return the namespaces to declare on `node`: those that the nearest written ancestor did not declare so.

        Where the scope is not new, that ancestor declared all that is declared without being used.
        """
        wanted = self._used(node, scope) if self._exclusive else set()
        if is_new:
            wanted |= self._inclusive & scope.uris.keys() if self._exclusive else set(scope.uris)
        declared = {}
        for prefix in wanted:
            uri = scope.uris.get(prefix, "")
            if prefix == "xml" or rendered.get(prefix, "") == uri:
                continue
            if uri and not urlsplit(uri).scheme:
                raise MalformedTranscript("a namespace address is relative, so there is no canonical form")
            declared[prefix] = uri
        return declared

    def _used(self, node: etree._Element, scope: _Scope) -> set[str]:
        """Return the prefixes that `node` visibly utilizes (Exclusive C14N, 1.1)."""
        qualified = (str(name) for name in node.keys() if str(name).startswith("{"))  # noqa: SIM118  (no dictionary)
        others = (name for name in qualified if not name.startswith(_XML_PREFIX))
        return {node.prefix or "", *(_attribute_prefix(node, name, scope) for name in others)}

    def _attributes(self, node: etree._Element, scope: _Scope, *, is_apex: bool) -> Iterator[str]:
        values = {str(name): str(value) for name, value in node.items()}
        if is_apex and not self._exclusive:
            values = {**_inherit(node, version_1_1=self._version_1_1), **values}
            if self._version_1_1 and (base := _join_bases(node)) is not None:
                values[_BASE] = base
        for name in sorted(values, key=_split):
            yield f' {_write_name(node, name, scope)}="{values[name].translate(_VALUE)}"'


class _Scope:
    """The namespaces that are in scope, by prefix, and the prefixes of each of them."""

    def __init__(self, uris: Namespaces) -> None:
        self.uris = uris
        self._prefixes: dict[str, list[str]] | None = None

    def list_prefixes(self, uri: str) -> list[str]:
        """Return the prefixes that an attribute of this namespace may be written with."""
        if self._prefixes is None:
            self._prefixes = {}
            for prefix, known in self.uris.items():
                if prefix:
                    self._prefixes.setdefault(known, []).append(prefix)
        return self._prefixes.get(uri, [])


def _list_declarations(apex: etree._Element) -> dict[etree._Element, Namespaces]:
    """Return what each element of a tree declares itself, without those that declare nothing."""
    found: dict[etree._Element, Namespaces] = {}
    waiting: dict[str, str] = {}
    for event, what in etree.iterwalk(apex, events=("start-ns", "start")):
        if event == "start-ns":
            prefix, uri = cast("tuple[str | None, str | None]", what)
            waiting[prefix or ""] = uri or ""
        elif waiting:
            found[cast("etree._Element", what)] = waiting
            waiting = {}
    return found


def _split(name: str) -> tuple[str, str]:
    """Return namespace ("" for none) and local part of a name in Clark notation."""
    if not name.startswith("{"):
        return "", name
    uri, _, local = name[1:].partition("}")
    return uri, local


def _declarations(declared: Namespaces) -> Iterator[str]:
    for prefix in sorted(declared):
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        yield f' {name}="{declared[prefix].translate(_VALUE)}"'


def _write_name(node: etree._Element, name: str, scope: _Scope) -> str:
    uri, local = _split(name)
    if not uri:
        return local
    return f"xml:{local}" if uri == XML_NAMESPACE else f"{_attribute_prefix(node, name, scope)}:{local}"


def _attribute_prefix(node: etree._Element, name: str, scope: _Scope) -> str:
    """Return the prefix that an attribute is written with; XPath alone tells it when several name one namespace."""
    prefixes = scope.list_prefixes(_split(name)[0])
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
