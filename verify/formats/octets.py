"""Node sets of one document and their canonical octets, each computed once however many signatures ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

from lxml.etree import _Element

from transcript_core.c14n import C14nMethod, canonicalize, canonicalize_document, is_slow, is_slow_document
from verify.formats.encoding import has_hidden_nodes
from verify.formats.names import ds
from verify.formats.work import Work


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

    All that signatures ask for is paid from the budget of the verification.
    """

    def __init__(
        self,
        root: _Element,
        ids: Mapping[str, _Element],
        doubled: Collection[str] = frozenset(),
        work: Work | None = None,
    ) -> None:
        self.root = root
        self.work = work or Work()
        self.ids = ids
        self.doubled = doubled  # identifiers that stand on several elements, which no reference may name
        self._written: dict[_Key, _Written] = {}
        self._hides = has_hidden_nodes(root)

    def with_ids(self, ids: Mapping[str, _Element], doubled: Collection[str] = frozenset()) -> OctetCache:
        """Return a cache of the same document that knows its identifiers, and all octets computed so far."""
        known = copy(self)
        known.ids, known.doubled, known._written = ids, doubled, dict(self._written)
        return known

    @cached_property
    def signatures(self) -> frozenset[_Element]:
        """Return every ds:Signature of the document."""
        return frozenset(self.root.iter(ds("Signature")))

    @cached_property
    def has_other_signatures(self) -> bool:
        """Return whether another vocabulary has an element called Signature in the document."""
        return any(one.tag != ds("Signature") for one in self.root.iter("{*}Signature"))

    @cached_property
    def top_signatures(self) -> frozenset[_Element]:
        """Return those that are children of the root."""
        return frozenset(self.root.iterchildren(ds("Signature")))

    def has_hidden_nodes(self, node: _Element) -> bool:
        """Return whether `node` holds a comment, processing instruction or entity."""
        return self._hides and has_hidden_nodes(node)

    def get_octets(
        self, node: _Element, method: C14nMethod = C14nMethod.EXCLUSIVE, prefixes: tuple[str, ...] = ()
    ) -> bytes:
        """Return the canonical octets of `node` in its document; for our own use, so without budget."""
        return self._get((NodeSet(node), method, prefixes)).octets

    def find_octets(self, node: _Element) -> bytes | None:
        """Return the exclusive canonical octets of `node` when they were computed already."""
        found = self._written.get((NodeSet(node), C14nMethod.EXCLUSIVE, ()))
        return None if found is None else found.octets

    def remember(self, node: _Element, octets: bytes) -> None:
        """Take in the exclusive canonical octets of `node`, known otherwise than by writing its tree."""
        self._written[NodeSet(node), C14nMethod.EXCLUSIVE, ()] = _Written(octets)

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

    def _request(self, key: _Key) -> _Written:
        found = self._written.get(key)
        if found is None:
            self.work.pay_prefixes(key[0].apex, key[2])
            found = self._get(key)
            self.work.pay_writing(found.octets, slow=_is_slow(key))
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
    ask = is_slow_document if nodes.whole else is_slow
    return ask(nodes.apex, method=method, inclusive_prefixes=prefixes, without=nodes.without)
