"""Node sets of one document and their canonical octets, each computed once however many signatures ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from lxml.etree import _Element

from transcript_core.c14n import SLOWNESS, C14nMethod, canonicalize, canonicalize_document, is_slow
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_CANONICAL_BYTES


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


class OctetCache:
    """Canonical octets and digests of the node sets of one document.

    All that signatures ask for is drawn from a budget of MAX_CANONICAL_BYTES; what lxml cannot write costs more.
    """

    def __init__(self, root: _Element, ids: Mapping[str, _Element]) -> None:
        self.root = root
        self.ids = ids
        self._octets: dict[_Key, bytes] = {}
        self._digests: dict[tuple[_Key, str], bytes] = {}
        self._left = MAX_CANONICAL_BYTES

    def with_ids(self, ids: Mapping[str, _Element]) -> OctetCache:
        """Return a cache of the same document that knows its identifiers, and all octets computed so far."""
        known = OctetCache(self.root, ids)
        known._octets.update(self._octets)
        known._left = self._left
        return known

    def get_octets(
        self, node: _Element, method: C14nMethod = C14nMethod.EXCLUSIVE, prefixes: tuple[str, ...] = ()
    ) -> bytes:
        """Return the canonical octets of `node` in its document; for our own use, so without budget."""
        return self._get((NodeSet(node), method, prefixes))

    def get_digest(
        self,
        node: _Element,
        name: str,
        method: C14nMethod = C14nMethod.EXCLUSIVE,
        prefixes: tuple[str, ...] = (),
    ) -> bytes:
        """Return the digest (`name` as in hashlib) of the canonical octets of `node`."""
        return self._digest((NodeSet(node), method, prefixes), name)

    def request(self, nodes: NodeSet, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes:
        """Return the octets of a node set that a signature asks for.

        Raises:
            LimitExceeded: the document's signatures ask for more work than honest ones need.
            MalformedTranscript: there is no canonical form.
        """
        key = (nodes, method, prefixes)
        if key not in self._octets:
            self.spend(0)
            weight = SLOWNESS if _is_slow(key) else 1
            self.spend(weight * len(self._get(key)))
        return self._octets[key]

    def request_digest(self, nodes: NodeSet, name: str, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes:
        """Return the digest of `request`'s octets.  Raises: as `request`."""
        self.request(nodes, method, prefixes)
        return self._digest((nodes, method, prefixes), name)

    def spend(self, octets: int) -> None:
        """Draw from the budget.

        Raises:
            LimitExceeded: it is used up.
        """
        self._left = max(0, self._left - octets)
        if self._left == 0:
            raise LimitExceeded(f"more than {MAX_CANONICAL_BYTES} bytes of canonical form are asked for")

    def _get(self, key: _Key) -> bytes:
        if key not in self._octets:
            nodes, method, prefixes = key
            write = canonicalize_document if nodes.whole else canonicalize
            self._octets[key] = write(nodes.apex, method=method, inclusive_prefixes=prefixes, without=nodes.without)
        return self._octets[key]

    def _digest(self, key: _Key, name: str) -> bytes:
        if (key, name) not in self._digests:
            self._digests[key, name] = hashlib.new(name, self._get(key)).digest()
        return self._digests[key, name]


def _is_slow(key: _Key) -> bool:
    nodes, method, prefixes = key
    if nodes.whole:
        return bool(nodes.without) or "#default" in prefixes
    return is_slow(nodes.apex, method=method, inclusive_prefixes=prefixes, without=nodes.without)
