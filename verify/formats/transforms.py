"""What a reference names, and how its transforms make octets of it.

Implements W3C XML Signature 1.1, 4.4.3.2 to 4.4.3.4 (reference processing) for an allow-list of transforms: the C14N
methods, enveloped-signature, base64, and XPath and XPath-filter-2 with a few known expressions that all mean "without
the signatures" or "everything".  Whatever else is asked for is never guessed at: `Unsupported` is raised.

Left out on purpose: XSLT, other XPath expressions, XPointers beyond `xpointer(/)` and `xpointer(id('…'))`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote

from lxml.etree import QName, _Element

from transcript_core.c14n import C14nMethod
from transcript_core.errors import InputError
from transcript_core.limits import MAX_TRANSFORMS
from verify.formats.encoding import decode_base64, list_children
from verify.formats.names import BASE64, C14N_METHODS, DS, ENVELOPED, EXCLUSIVE_C14N, XSLT
from verify.formats.octets import NodeSet, OctetCache
from verify.formats.problems import SignatureProblem
from verify.formats.work import REFERENCE, WorkExceeded

Data = NodeSet | bytes

_MAX_EXPRESSION_CHARS: Final = 1_000
"""Characters of an XPath expression; the longest that is known has about 200."""

_XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_FILTER_2: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
_FULL_XPOINTER: Final = re.compile(r"#xpointer\(\s*id\(\s*(?:'([^'()]+)'|\"([^\"()]+)\")\s*\)\s*\)")

_SAME_DOCUMENT: Final = {
    C14nMethod.EXCLUSIVE_WITH_COMMENTS: C14nMethod.EXCLUSIVE,
    C14nMethod.INCLUSIVE_1_0_WITH_COMMENTS: C14nMethod.INCLUSIVE_1_0,
    C14nMethod.INCLUSIVE_1_1_WITH_COMMENTS: C14nMethod.INCLUSIVE_1_1,
}
"""XML Signature 1.1, 4.4.3.3: `""` and `#id` name a node set without comments, whatever method follows."""


class Unsupported(Exception):
    """What a reference asks for cannot or must not be done."""

    def __init__(self, problem: SignatureProblem) -> None:
        super().__init__(problem.name)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Digested:
    """A digest, and the nodes whose canonical form it is of; None: of anything else, so that it says of no node."""

    digest: bytes
    nodes: NodeSet | None


class DetachedFiles:
    """Files that lie beside a signature.

    Args:
        files: (name, content).
        exact: a name must be equal, as in a container; else a lone file answers to any name.
    """

    def __init__(self, files: Sequence[tuple[str, bytes]], *, exact: bool) -> None:
        self.files = tuple(files)
        self.exact = exact
        self._by_name: dict[str, list[tuple[str, bytes]]] = {}
        for name, content in self.files:
            self._by_name.setdefault(_normalise_name(name), []).append((name, content))

    def find(self, uri: str | None) -> tuple[str, bytes] | None:
        """Return name and content of what a reference means, None when there is none or it is not clear which.

        Names in references are percent-encoded (RFC 3986, 2.1); some writers leave that out.  A path from the root
        and a path from the present folder are the same here.
        """
        if uri is None:
            return self._find_lone()
        for spelling in (unquote(uri), uri):
            found = self._by_name.get(_normalise_name(spelling), [])
            if len(found) == 1:
                return found[0]
            if found:
                return None
        return None if self.exact else self._find_by_base(_base(unquote(uri)))

    def _find_by_base(self, base: str) -> tuple[str, bytes] | None:
        """Return the only file of this name in any folder, else the only one whose name ends so behind a mark."""
        plain = [one for one in self.files if base and _base(one[0]) == base]
        ending = re.compile(rf"(?:.*[^0-9a-z])?{re.escape(base)}", re.IGNORECASE | re.DOTALL)
        for found in (plain, [one for one in self.files if base and ending.fullmatch(one[0])]):
            if len(found) == 1:
                return found[0]
        return self._find_lone()

    def _find_lone(self) -> tuple[str, bytes] | None:
        return self.files[0] if len(self.files) == 1 and not self.exact else None


NO_FILES: Final = DetachedFiles((), exact=True)


def _normalise_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).removeprefix("./").removeprefix("/")


def _base(name: str) -> str:
    return unicodedata.normalize("NFC", name).rpartition("/")[2]


def find_same_document(uri: str, cache: OctetCache) -> NodeSet | None:
    """Return the node set that a same-document URI names; None when its target is not there.

    Raises:
        Unsupported: an XPointer of another kind, or an identifier that stands in several places.
    """
    if uri in {"", "#xpointer(/)"}:
        return NodeSet(cache.root, whole=True, with_comments=uri != "")
    pointer = _FULL_XPOINTER.fullmatch(uri)
    if pointer is None and "(" in uri:
        raise Unsupported(SignatureProblem.FOREIGN_URI)
    identifier = uri[1:] if pointer is None else pointer[1] or pointer[2]
    if identifier in cache.doubled:
        raise Unsupported(SignatureProblem.AMBIGUOUS_TARGET)
    element = cache.ids.get(identifier)
    return None if element is None else NodeSet(element, with_comments=pointer is not None)


def compute_digest(
    data: Data, transforms: Sequence[_Element], signature: _Element, cache: OctetCache, name: str
) -> Digested:
    """Return the digest of what the transforms make of `data`, and which nodes are in it.

    Args:
        data: what the reference names.
        transforms: `ds:Transform` elements, in order.
        signature: the `ds:Signature` that holds them.
        name: the hash, as in hashlib.

    Raises:
        Unsupported: a transform that is not on the list, or one that its input does not allow.
        InputError: no canonical form, or more work than MAX_WORK allows.
    """
    if isinstance(data, NodeSet) and len(transforms) == 1 and transforms[0].get("Algorithm", "") in C14N_METHODS:
        method = _choose_method(data, transforms[0])  # the usual case: each part is hashed once for all its signers
        return Digested(cache.request_digest(data, name, method, read_prefixes(transforms[0])), data)
    if isinstance(data, bytes):
        return Digested(_digest_file(data, transforms, signature, cache, name), None)
    octets, nodes = _transform(data, transforms, signature, cache)
    return Digested(cache.work.hash(name, octets), nodes)


def _digest_file(
    data: bytes, transforms: Sequence[_Element], signature: _Element, cache: OctetCache, name: str
) -> bytes:
    """Return the digest of what the transforms make of a file, computed once for all that ask for the same."""
    steps = _describe(transforms)
    digest = None if steps is None else cache.work.find_digest(data, name, steps)
    if digest is None:
        digest = cache.work.hash(name, compute_octets(data, transforms, signature, cache))
        if steps is not None:
            cache.work.remember_digest(data, name, digest, steps)
    return digest


def _describe(transforms: Sequence[_Element]) -> tuple[object, ...] | None:
    """Return what tells apart what transforms make of a file; None where they depend on more than themselves."""
    algorithms = [one.get("Algorithm", "") for one in transforms]
    if any(one != BASE64 and one not in C14N_METHODS for one in algorithms):
        return None
    return tuple((one, read_prefixes(transform)) for one, transform in zip(algorithms, transforms, strict=True))


def compute_octets(data: Data, transforms: Sequence[_Element], signature: _Element, cache: OctetCache) -> bytes:
    """Return what the transforms make of `data`.  Arguments and errors: `compute_digest`."""
    return _transform(data, transforms, signature, cache)[0]


def _transform(
    data: Data, transforms: Sequence[_Element], signature: _Element, cache: OctetCache
) -> tuple[bytes, NodeSet | None]:
    """Return what the transforms make of `data`, and the nodes that are in it whole.

    What was canonical form once stays that of the same nodes, for a second canonicalisation loses comments only; what
    was decoded is none.
    """
    nodes = data if isinstance(data, NodeSet) else None
    for transform in transforms:
        cache.work.spend(REFERENCE)
        algorithm = transform.get("Algorithm", "")
        data = _TRANSFORMS.get(algorithm, _canonicalize)(data, transform, signature, cache)
        if isinstance(data, NodeSet):
            nodes = data
        elif algorithm == BASE64:
            nodes = None
    return (cache.request(data, C14nMethod.INCLUSIVE_1_0) if isinstance(data, NodeSet) else data), nodes


def read_prefixes(method: _Element) -> tuple[str, ...]:
    """Return the PrefixList of `ec:InclusiveNamespaces` under a C14N method or transform."""
    for child in list_children(method):
        if child.tag == f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces":
            return tuple(child.get("PrefixList", "").split())
    return ()


def _canonicalize(data: Data, transform: _Element, signature: _Element, cache: OctetCache) -> Data:  # noqa: ARG001
    name = transform.get("Algorithm", "")
    if name not in C14N_METHODS:
        forbidden = name == XSLT
        raise Unsupported(SignatureProblem.FORBIDDEN_TRANSFORM if forbidden else SignatureProblem.UNKNOWN_TRANSFORM)
    if isinstance(data, bytes):
        return _canonicalize_file(data, transform, cache)
    return cache.request(data, _choose_method(data, transform), read_prefixes(transform))


def _canonicalize_file(data: bytes, transform: _Element, cache: OctetCache) -> bytes:
    """Return the canonical form of a file, or of what transforms made; its tree is not kept."""
    nodes = _parse(data, cache)
    apart = OctetCache(nodes.apex, {}, work=cache.work)
    return apart.request(nodes, _choose_method(nodes, transform), read_prefixes(transform))


def _choose_method(nodes: NodeSet, transform: _Element) -> C14nMethod:
    method = C14N_METHODS[transform.get("Algorithm", "")]
    return method if nodes.with_comments else _SAME_DOCUMENT.get(method, method)


def _parse(octets: bytes, cache: OctetCache) -> NodeSet:
    """XML Signature 1.1, 4.4.3.2: octets are parsed when the next transform wants nodes; comments stay."""
    try:
        return NodeSet(cache.work.parse(octets), whole=True, with_comments=True)
    except WorkExceeded:
        raise
    except InputError as error:
        raise Unsupported(SignatureProblem.UNREADABLE_CONTENT) from error


def _remove_own(data: Data, transform: _Element, signature: _Element, cache: OctetCache) -> Data:  # noqa: ARG001
    """enveloped-signature (6.6.4): without the signature that holds this transform, if it stands there.

    Where the signature is all there is, or holds all there is, nothing is left that could be signed.
    """
    if not isinstance(data, NodeSet) or data.apex.getroottree().getroot() is not cache.root:
        raise Unsupported(SignatureProblem.UNKNOWN_TRANSFORM)
    if data.apex is signature or any(one is signature for one in data.apex.iterancestors()):
        raise Unsupported(SignatureProblem.NO_REFERENCE)
    return _without(data, [signature], cache) if any(one is data.apex for one in signature.iterancestors()) else data


def _decode(data: Data, transform: _Element, signature: _Element, cache: OctetCache) -> Data:  # noqa: ARG001
    """base64 (6.6.2): of the text of the nodes, or of the octets."""
    if isinstance(data, bytes):
        cache.work.pay_decoding(len(data))
        text = data.decode("ascii", "replace")
    else:
        cache.work.pay_walking(data.apex)
        text = data.text
        cache.work.pay_decoding(len(text))
    octets = decode_base64(text, canonical=False)
    if octets is None:
        raise Unsupported(SignatureProblem.BAD_BASE64)
    return octets


def _filter_by_xpath(data: Data, transform: _Element, signature: _Element, cache: OctetCache) -> Data:
    """XPath (6.6.3): every node for which a known expression holds."""
    (expression,) = _list_expressions(transform, cache, single=True)
    return _without(data, _find_removed(_KNOWN_XPATH, expression, signature, cache), cache)


def _filter_by_xpath_2(data: Data, transform: _Element, signature: _Element, cache: OctetCache) -> Data:
    """XML-Signature XPath Filter 2.0, 3.4: one filter after the other; a union with everything begins anew."""
    removed: set[_Element] = set()
    for expression in _list_expressions(transform, cache, single=False):
        if expression == _EVERYTHING:
            removed.clear()
        else:
            removed.update(_find_removed(_KNOWN_FILTERS, expression, signature, cache))
    return _without(data, removed, cache)


def _without(data: Data, removed: Collection[_Element], cache: OctetCache) -> NodeSet:
    if not isinstance(data, NodeSet):
        data = _parse(data, cache)
        if removed:  # the nodes to remove stand in the signature's document, not in this one
            raise Unsupported(SignatureProblem.UNKNOWN_TRANSFORM)
    if any(one in removed for one in (data.apex, *data.apex.iterancestors())):  # nothing is left that could be signed
        raise Unsupported(SignatureProblem.NO_REFERENCE)
    cache.work.pay_comparing(len(removed) + len(data.without))
    return replace(data, without=data.without.union(removed) if data.without else frozenset(removed))


def _all_signatures(signature: _Element, cache: OctetCache) -> Collection[_Element]:  # noqa: ARG001
    return cache.signatures


def _top_signatures(signature: _Element, cache: OctetCache) -> Collection[_Element]:  # noqa: ARG001
    return cache.top_signatures


def _own_signature(signature: _Element, cache: OctetCache) -> Collection[_Element]:  # noqa: ARG001
    return [signature]


def _nothing(signature: _Element, cache: OctetCache) -> Collection[_Element]:  # noqa: ARG001
    return []


_Removal = Callable[[_Element, OctetCache], Collection[_Element]]
_NAMED: Final = re.compile(r"[A-Za-z_][\w.-]*:Signature")

_KNOWN_XPATH: Final[dict[str, _Removal]] = {
    "not(ancestor-or-self::ds:Signature)": _all_signatures,
    "true()": _nothing,
    "1": _nothing,
    "count(ancestor-or-self::ds:Signature|here()/ancestor::ds:Signature[1])>count(ancestor-or-self::ds:Signature)": (
        _own_signature
    ),
}
_KNOWN_FILTERS: Final[dict[str, _Removal]] = {
    "subtract /descendant::ds:Signature": _all_signatures,
    "subtract //ds:Signature": _all_signatures,
    "subtract /descendant-or-self::ds:Signature": _all_signatures,
    "subtract /*/ds:Signature": _top_signatures,
    "subtract here()/ancestor::ds:Signature[1]": _own_signature,
    "intersect /": _nothing,
}
"""Expressions with white space removed around operators; a prefix bound to the XML Signature namespace reads `ds`."""

_EVERYTHING: Final = "union /"
_BY_LOCAL_NAME: Final = re.compile(r"""\*\[local-name\(\)\s*=\s*(['"])Signature\1\]""")
_BY_BOTH_NAMES: Final = re.compile(
    rf"""\*\[local-name\(\)\s*=\s*(['"])Signature\1 and namespace-uri\(\)\s*=\s*(['"]){re.escape(DS)}\2\]"""
)
"""Signatures without a prefix; by the local name alone only where no other vocabulary has such an element."""


def _find_removed(
    known: dict[str, _Removal], expression: str, signature: _Element, cache: OctetCache
) -> Collection[_Element]:
    removal = known.get(expression)
    if removal is None:
        raise Unsupported(SignatureProblem.UNKNOWN_TRANSFORM)
    return removal(signature, cache)


def _list_expressions(transform: _Element, cache: OctetCache, *, single: bool) -> list[str]:
    """Return the XPath expressions of a transform in one spelling each, in front of it the filter where it has one."""
    found = [child for child in list_children(transform) if QName(child).localname == "XPath"]
    if not found or len(found) > (1 if single else MAX_TRANSFORMS):
        raise Unsupported(SignatureProblem.UNKNOWN_TRANSFORM)
    filters = ("" if single else f"{one.get('Filter')} " for one in found)
    return [f"{kind}{_normalise(one, cache)}" for kind, one in zip(filters, found, strict=True)]


def _normalise(element: _Element, cache: OctetCache) -> str:
    """Return the expression in one spelling; a prefix that is not bound to XML Signature keeps its own."""

    def rename(found: re.Match[str]) -> str:
        prefix = found[0].partition(":")[0]
        bound = scope.get(prefix)
        return "ds:Signature" if bound == DS else found[0]

    text = "".join(map(str, element.itertext()))
    if len(text) > _MAX_EXPRESSION_CHARS:
        raise Unsupported(SignatureProblem.UNKNOWN_TRANSFORM)
    scope = element.nsmap
    packed = re.sub(r"\s+", " ", text).strip()
    packed = _BY_BOTH_NAMES.sub("ds:Signature", packed)
    if not cache.has_other_signatures:
        packed = _BY_LOCAL_NAME.sub("ds:Signature", packed)
    packed = re.sub(r" ?([()|>\[\]]|::) ?", r"\1", packed)
    packed = re.sub(r"^\((not\([^()]*\))\)$", r"\1", packed)
    return _NAMED.sub(rename, packed)


_TRANSFORMS: Final[dict[str, Callable[[Data, _Element, _Element, OctetCache], Data]]] = {
    ENVELOPED: _remove_own,
    BASE64: _decode,
    _XPATH: _filter_by_xpath,
    _FILTER_2: _filter_by_xpath_2,
}
