"""Reads the core of one `ds:Signature`: references, signed octets, value.

Implements the reading side of W3C XML Signature 1.1, 3.2 (core validation) with an allow-list of transforms and
algorithms.  Every reference yields the very node whose canonical octets were digested; what is decided later is
decided on that node alone.  Nothing here raises on bad content: it is recorded as a `SignatureProblem`.

What is left out on purpose: external URIs, XPointer beyond `#id`, XPath, XSLT, manifests (`docs/divergences.md`).
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element

from transcript_core.canonical import C14nMethod, canonicalize
from transcript_core.errors import InputError, LimitExceeded
from transcript_core.limits import MAX_CANONICAL_BYTES, MAX_REFERENCES, MAX_TRANSFORMS
from verify.formats.problems import SignatureProblem

DS: Final = "http://www.w3.org/2000/09/xmldsig#"

ENVELOPED: Final = f"{DS}enveloped-signature"
XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

C14N_METHODS: Final[Mapping[str, C14nMethod]] = {method.value: method for method in C14nMethod}

_SAME_DOCUMENT: Final[Mapping[C14nMethod, C14nMethod]] = {
    C14nMethod.EXCLUSIVE_WITH_COMMENTS: C14nMethod.EXCLUSIVE,
    C14nMethod.INCLUSIVE_1_0_WITH_COMMENTS: C14nMethod.INCLUSIVE_1_0,
    C14nMethod.INCLUSIVE_1_1_WITH_COMMENTS: C14nMethod.INCLUSIVE_1_1,
}
"""XML Signature 1.1, 4.4.3.3: `""` and `#id` name a node set without comments, whatever method follows."""

DIGESTS: Final[Mapping[str, str]] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-256": "sha3_256",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-384": "sha3_384",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-512": "sha3_512",
}
WEAK_DIGESTS: Final = frozenset(
    {
        f"{DS}sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One `ds:Reference` and what became of it."""

    uri: str
    type_uri: str | None
    transforms: tuple[str, ...]  # algorithm URIs, in order
    digest_algorithm: str  # URI
    node: _Element | None  # the very element that was digested; None when nothing was
    intact: bool | None  # None: could not be computed


_COPY_WEIGHT: Final = 4
"""What a copy of the document costs, in canonicalisations of it."""


class OctetCache:
    """Canonical octets and digests of the nodes of one document; each is computed once, however many sign it.

    All that signatures ask for is drawn from a budget of MAX_CANONICAL_BYTES.
    """

    def __init__(self, root: _Element, ids: Mapping[str, _Element]) -> None:
        self.root = root
        self.ids = ids
        self._octets: dict[tuple[_Element, C14nMethod, tuple[str, ...]], bytes] = {}
        self._digests: dict[tuple[_Element, C14nMethod, tuple[str, ...], str], bytes] = {}
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
        """Return the canonical octets of `node` in its document."""
        key = (node, method, prefixes)
        if key not in self._octets:
            self._octets[key] = canonicalize(node, method=method, inclusive_prefixes=prefixes)
        return self._octets[key]

    def request_octets(self, node: _Element, method: C14nMethod, prefixes: tuple[str, ...]) -> bytes:
        """Return the same for a signature that asks for it.

        Raises:
            LimitExceeded: the document's signatures ask for more work than honest ones need.
        """
        if (node, method, prefixes) in self._octets:
            return self._octets[node, method, prefixes]
        self._spend(0)
        octets = self.get_octets(node, method, prefixes)
        self._spend(len(octets))
        return octets

    def copy_document(self) -> _Element:
        """Return a copy of the whole document, its root.

        Raises:
            LimitExceeded: the budget does not allow it.
        """
        self._spend(_COPY_WEIGHT * len(self.get_octets(self.root)))
        return copy.deepcopy(self.root)

    def _spend(self, octets: int) -> None:
        self._left = max(0, self._left - octets)
        if self._left == 0:
            raise LimitExceeded(f"more than {MAX_CANONICAL_BYTES} bytes of canonical form are asked for")

    def get_digest(
        self,
        node: _Element,
        name: str,
        method: C14nMethod = C14nMethod.EXCLUSIVE,
        prefixes: tuple[str, ...] = (),
    ) -> bytes:
        """Return the digest (`name` as in hashlib) of the canonical octets of `node`."""
        key = (node, method, prefixes, name)
        if key not in self._digests:
            self._digests[key] = hashlib.new(name, self.get_octets(node, method, prefixes)).digest()
        return self._digests[key]


class Reading:
    """Collects the problems of one signature while it is read."""

    def __init__(self, signature: _Element, cache: OctetCache) -> None:
        self.signature = signature
        self.cache = cache
        self.problems: list[SignatureProblem] = []

    def note(self, problem: SignatureProblem) -> None:
        """Record `problem` once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def compute_octets(self, node: _Element, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes | None:
        """Return the canonical octets of `node`; what cannot be canonicalised is a problem."""
        try:
            return self.cache.request_octets(node, method, prefixes)
        except LimitExceeded:
            self.note(SignatureProblem.TOO_MUCH_WORK)
        except InputError:
            self.note(SignatureProblem.UNKNOWN_TRANSFORM)
        return None

    def compute_digest(
        self, node: _Element, name: str, method: C14nMethod, prefixes: tuple[str, ...] = ()
    ) -> bytes | None:
        """Return the digest (`name` as in hashlib) of those octets."""
        if self.compute_octets(node, method, prefixes) is None:
            return None
        return self.cache.get_digest(node, name, method, prefixes)

    def find_only(self, parent: _Element, name: str) -> _Element | None:
        """Return the only child `name` (Clark notation) of `parent`; none or several is a problem."""
        found = [child for child in list_children(parent) if child.tag == name]
        if len(found) != 1:
            self.note(SignatureProblem.WRONG_CHILDREN)
            return None
        return found[0]

    def read_base64(self, element: _Element | None) -> bytes | None:
        """Return the octets of a Base64 element without child nodes; anything else is a problem."""
        octets = None if element is None or len(element) else decode_base64(element.text or "")
        if octets is None and element is not None:
            self.note(SignatureProblem.BAD_BASE64)
        return octets


def ds(name: str) -> str:
    """Return the Clark name of an XML Signature element."""
    return f"{{{DS}}}{name}"


def list_children(element: _Element) -> list[_Element]:
    """Return the child elements, leaving out comments and processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def decode_base64(text: str) -> bytes | None:
    """Return the decoded octets, or None unless `text` is strict, canonical Base64 apart from XML white space."""
    packed = text.translate({ord(space): None for space in " \t\r\n"})
    try:
        octets = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if octets and base64.b64encode(octets).decode("ascii") == packed else None


def has_hidden_nodes(element: _Element) -> bool:
    """Return whether `element` holds a comment, processing instruction or entity."""
    return any(not isinstance(node.tag, str) for node in element.iter())


def iterate_references(reading: Reading, signed_info: _Element) -> Iterator[Reference]:
    """Yield every reference of `signed_info`, resolved and digested."""
    elements = [child for child in list_children(signed_info) if child.tag == ds("Reference")]
    if not elements:
        reading.note(SignatureProblem.NO_REFERENCE)
    if len(elements) > MAX_REFERENCES:
        reading.note(SignatureProblem.TOO_MANY_REFERENCES)
        return
    for element in elements:
        yield _read_reference(reading, element)


def _read_reference(reading: Reading, element: _Element) -> Reference:
    method = reading.find_only(element, ds("DigestMethod"))
    algorithm = "" if method is None else method.get("Algorithm", "")
    expected = reading.read_base64(reading.find_only(element, ds("DigestValue")))
    transforms = _list_transforms(reading, element)
    uri = element.get("URI")
    node = _resolve(reading, uri)
    digest = None
    if node is not None and transforms is not None:
        digest = _digest(reading, node, transforms, algorithm)
    return Reference(
        uri="" if uri is None else uri,
        type_uri=element.get("Type"),
        transforms=tuple(one.get("Algorithm", "") for one in transforms or ()),
        digest_algorithm=algorithm,
        node=None if digest is None else node,
        intact=None if digest is None or expected is None else digest == expected,
    )


def _resolve(reading: Reading, uri: str | None) -> _Element | None:
    if uri == "":
        root = reading.cache.root
        if root.getprevious() is not None or root.getnext() is not None:
            reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
            return None
        return root
    if uri is None or not uri.startswith("#") or "(" in uri:
        reading.note(SignatureProblem.FOREIGN_URI)
        return None
    node = reading.cache.ids.get(uri[1:])
    if node is None:
        reading.note(SignatureProblem.TARGET_NOT_FOUND)
    return node


def _list_transforms(reading: Reading, element: _Element) -> list[_Element] | None:
    containers = [child for child in list_children(element) if child.tag == ds("Transforms")]
    transforms = [child for container in containers for child in list_children(container)]
    if len(containers) > 1 or any(one.tag != ds("Transform") for one in transforms):
        reading.note(SignatureProblem.WRONG_CHILDREN)
        return None
    if len(transforms) > MAX_TRANSFORMS:
        reading.note(SignatureProblem.TOO_MANY_TRANSFORMS)
        return None
    return transforms


def _digest(reading: Reading, node: _Element, transforms: list[_Element], algorithm: str) -> bytes | None:
    name = DIGESTS.get(algorithm)
    if name is None:
        weak = algorithm in WEAK_DIGESTS
        reading.note(SignatureProblem.WEAK_ALGORITHM if weak else SignatureProblem.UNKNOWN_ALGORITHM)
        return None
    plan = _plan(reading, transforms)
    if plan is None:
        return None
    enveloped, method, prefixes = plan
    if not enveloped:
        return reading.compute_digest(node, name, method, prefixes)
    octets = _compute_stripped(reading, node, method, prefixes)
    return None if octets is None else hashlib.new(name, octets).digest()


def _compute_stripped(reading: Reading, node: _Element, method: C14nMethod, prefixes: tuple[str, ...]) -> bytes | None:
    """Return the canonical octets of `node` without this signature."""
    try:
        stripped = _without_signature(reading, node)
        return None if stripped is None else canonicalize(stripped, method=method, inclusive_prefixes=prefixes)
    except LimitExceeded:
        reading.note(SignatureProblem.TOO_MUCH_WORK)
    except InputError:
        reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
    return None


def _plan(reading: Reading, transforms: list[_Element]) -> tuple[bool, C14nMethod, tuple[str, ...]] | None:
    """Return (enveloped, method, prefixes) when the chain is `enveloped? c14n?`; a bare node set gets C14N 1.0."""
    names = [one.get("Algorithm", "") for one in transforms]
    enveloped = bool(names) and names[0] == ENVELOPED
    rest = transforms[1:] if enveloped else transforms
    if not rest:
        return enveloped, C14nMethod.INCLUSIVE_1_0, ()
    method = C14N_METHODS.get(rest[0].get("Algorithm", ""))
    if len(rest) > 1 or method is None:
        reading.note(SignatureProblem.FORBIDDEN_TRANSFORM if XSLT in names else SignatureProblem.UNKNOWN_TRANSFORM)
        return None
    return enveloped, _SAME_DOCUMENT.get(method, method), read_prefixes(rest[0])


def read_prefixes(method: _Element) -> tuple[str, ...]:
    """Return the PrefixList of `ec:InclusiveNamespaces` under a C14N method or transform."""
    for child in list_children(method):
        if child.tag == f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces":
            return tuple(child.get("PrefixList", "").split())
    return ()


def _without_signature(reading: Reading, node: _Element) -> _Element | None:
    """Return `node` in a copy of its document from which this signature is removed, its tail text kept."""
    if reading.signature is not node and all(node is not ancestor for ancestor in reading.signature.iterancestors()):
        reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
        return None
    copied = list(reading.cache.copy_document().iter())
    order = list(reading.cache.root.iter())
    signature, target = copied[order.index(reading.signature)], copied[order.index(node)]
    parent, previous = signature.getparent(), signature.getprevious()
    if parent is None:
        reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
        return None
    if previous is None:
        parent.text = (parent.text or "") + (signature.tail or "")
    else:
        previous.tail = (previous.tail or "") + (signature.tail or "")
    signature.tail = None
    parent.remove(signature)
    return target
