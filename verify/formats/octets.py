"""Node sets of one document and their canonical octets, each computed once however many signatures ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lxml.etree import _Element

from transcript_core.c14n import SLOWNESS, C14nMethod, canonicalize, canonicalize_document, is_slow
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_CANONICAL_BYTES
from verify.formats.encoding import has_hidden_nodes


@dataclass(frozen=True, slots=True)
class NodeSet:
    """An element with everything below it, or the whole document around it, less some parts."""

    apex: _Element
    whole: bool = False  # with what stands before and after the root
    with_comments: bool = False
    without: frozenset[_Element] = frozenset()

    @property
    def text(self) -> str:
        """The text of the nodes, comments and processing instructions left out."""
        return "".join(self._collect(self.apex))

    def _collect(self, node: _Element) -> list[str]:
        if node in self.without:
            return []
        pieces = [node.text or ""]
        for child in node:
            if isinstance(child.tag, str):
                pieces += self._collect(child)
            pieces.append(child.tail or "")
        return pieces


_Key = tuple[NodeSet, C14nMethod, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """The canonical octets of one node set, and their digests by the names of hashlib."""

    octets: bytes
    digests: dict[str, bytes] = field(default_factory=dict)

    def digest(self, name: str) -> bytes:
        """Return the digest, computed when it is first asked for."""
        found = self.digests.get(name)
        if found is None:
            found = self.digests[name] = hashlib.new(name, self.octets).digest()
        return found


class OctetCache:
    """Canonical octets and digests of the node sets of one document.

    All that signatures ask for is drawn from a budget of MAX_CANONICAL_BYTES; what lxml cannot write costs more.
    """

    def __init__(self, root: _Element, ids: Mapping[str, _Element], doubled: Collection[str] = frozenset()) -> None:
        self.root = root
        self.ids = ids
        self.doubled = doubled  # identifiers that stand on several elements, which no reference may name
        self._written: dict[_Key, _Written] = {}
        self._file_digests: dict[tuple[int, str], tuple[bytes, bytes]] = {}  # keeps the contents too, for their ids
        self._left = MAX_CANONICAL_BYTES
        self._hides = has_hidden_nodes(root)

    def with_ids(self, ids: Mapping[str, _Element], doubled: Collection[str] = frozenset()) -> OctetCache:
        """Return a cache of the same document that knows its identifiers, and all octets computed so far."""
        known = OctetCache(self.root, ids, doubled)
        known._written.update(self._written)
        known._left = self._left
        return known

    def has_hidden_nodes(self, node: _Element) -> bool:
        """Return whether `node` holds a comment, processing instruction or entity."""
        return self._hides and has_hidden_nodes(node)

    def get_octets(
        self, node: _Element, method: C14nMethod = C14nMethod.EXCLUSIVE, prefixes: tuple[str, ...] = ()
    ) -> bytes:
        """Return the canonical octets of `node` in its document; for our own use, so without budget."""
        return self._get((NodeSet(node), method, prefixes)).octets

    def get_digest(
        self,
        node: _Element,
        name: str,
        method: C14nMethod = C14nMethod.EXCLUSIVE,
        prefixes: tuple[str, ...] = (),
    ) -> bytes:
        """Return the digest (`name` as in hashlib) of the canonical octets of `node`."""
        return self._get((NodeSet(node), method, prefixes)).digest(name)

    def request(self, nodes: NodeSet, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes:
        """Return the octets of a node set that a signature asks for.

        Raises:
            LimitExceeded: the document's signatures ask for more work than honest ones need.
            MalformedTranscript: there is no canonical form.
        """
        return self._request((nodes, method, prefixes)).octets

    def request_digest(self, nodes: NodeSet, name: str, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes:
        """Return the digest of `request`'s octets.  Raises: as `request`."""
        return self._request((nodes, method, prefixes)).digest(name)

    def request_file_digest(self, content: bytes, name: str) -> bytes:
        """Return the digest of a file beside the document, computed once however many references name it."""
        key = (id(content), name)
        if key not in self._file_digests:
            self._file_digests[key] = hashlib.new(name, content).digest(), content
        return self._file_digests[key][0]

    def spend(self, octets: int) -> None:
        """Draw from the budget.

        Raises:
            LimitExceeded: it is used up.
        """
        self._left = max(0, self._left - octets)
        if self._left == 0:
            raise LimitExceeded(f"more than {MAX_CANONICAL_BYTES} bytes of canonical form are asked for")

    def _request(self, key: _Key) -> _Written:
        found = self._written.get(key)
        if found is None:
            self.spend(0)
            found = self._get(key)
            self.spend((SLOWNESS if _is_slow(key) else 1) * len(found.octets))
        return found

    def _get(self, key: _Key) -> _Written:
        found = self._written.get(key)
        if found is None:
            found = self._written[key] = _Written(self._write(*key))
        return found

    def _write(self, nodes: NodeSet, method: C14nMethod, prefixes: tuple[str, ...]) -> bytes:
        if method is C14nMethod.EXCLUSIVE and not (nodes.whole or nodes.without or prefixes) and _is_bare(nodes.apex):
            tag = str(nodes.apex.tag).encode()
            inner = b"".join(self.get_octets(child) for child in nodes.apex)
            return b"<%b>%b</%b>" % (tag, inner, tag)
        write = canonicalize_document if nodes.whole else canonicalize
        return write(nodes.apex, method=method, inclusive_prefixes=prefixes, without=nodes.without)


def _is_bare(element: _Element) -> bool:
    """Return whether nothing but child elements stands between a root's tags, which declare and carry nothing.

    Then its exclusive canonical form is theirs between the tags: no namespace is rendered for it, so each of them is
    written as an apex would be.  A document whose data are signed by themselves is so written once, not twice.
    """
    if element.getparent() is not None or element.attrib or element.nsmap or element.text or not len(element):
        return False
    return all(isinstance(child.tag, str) and not child.tail for child in element)


def _is_slow(key: _Key) -> bool:
    nodes, method, prefixes = key
    if nodes.whole:
        return bool(nodes.without) or "#default" in prefixes
    return is_slow(nodes.apex, method=method, inclusive_prefixes=prefixes, without=nodes.without)
