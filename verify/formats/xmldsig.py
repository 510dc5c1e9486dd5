"""Reads the core of one `ds:Signature`: references, signed octets, value.

Implements the reading side of W3C XML Signature 1.1, 3.2 (core validation) with an allow-list of transforms and
algorithms.  Every reference yields the very node whose canonical octets were digested; what is decided later is
decided on that node alone.  Nothing here raises on bad content: it is recorded as a `SignatureProblem`.

What is left out on purpose: external URIs that no given file answers to, XSLT and free XPath (`docs/divergences.md`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from lxml.etree import _Element

from transcript_core.canonical import C14nMethod
from transcript_core.errors import InputError, LimitExceeded
from transcript_core.limits import MAX_REFERENCES, MAX_TRANSFORMS
from verify.formats.encoding import decode_base64, list_children
from verify.formats.names import DIGESTS, MANIFEST_TYPE, WEAK_DIGESTS, ds
from verify.formats.octets import NodeSet, OctetCache
from verify.formats.problems import SignatureProblem
from verify.formats.transforms import (
    NO_FILES,
    Data,
    DetachedFiles,
    Digested,
    Unsupported,
    compute_digest,
    compute_octets,
    find_same_document,
)

_MAX_NAME_CHARS: Final = 4_096
"""Characters of a reference's URI; file names are shorter."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One `ds:Reference` and what became of it."""

    uri: str
    type_uri: str | None
    transforms: tuple[str, ...]  # algorithm URIs, in order
    digest_algorithm: str  # URI
    node: _Element | None  # the very element whose canonical form was digested; None when nothing or other octets were
    intact: bool | None  # None: could not be computed
    entries: tuple[Reference, ...] = field(default=())  # of the ds:Manifest that it names
    file_name: str | None = None  # of the file beside the signature that it names
    without: frozenset[_Element] = frozenset()  # parts of `node` that its transforms left out

    @property
    def intact_with_entries(self) -> bool | None:
        """Return `intact`, and False when an entry of the manifest is wrong; entries that are not at hand are open."""
        wrong = any(entry.intact is False for entry in self.entries)
        return False if wrong else self.intact


class Reading:
    """Collects the problems of one signature while it is read."""

    def __init__(self, signature: _Element, cache: OctetCache, files: DetachedFiles = NO_FILES) -> None:
        self.signature = signature
        self.cache = cache
        self.files = files
        self.problems: list[SignatureProblem] = []

    def note(self, problem: SignatureProblem) -> None:
        """Record `problem` once."""
        if problem not in self.problems:
            self.problems.append(problem)

    def compute_octets(self, node: _Element, method: C14nMethod, prefixes: tuple[str, ...] = ()) -> bytes | None:
        """Return the canonical octets of `node`; what cannot be canonicalised is a problem."""
        try:
            return self.cache.request(NodeSet(node), method, prefixes)
        except LimitExceeded:
            self.note(SignatureProblem.TOO_MUCH_WORK)
        except InputError:
            self.note(SignatureProblem.UNKNOWN_TRANSFORM)
        return None

    def compute_digest(
        self, node: _Element, name: str, method: C14nMethod, prefixes: tuple[str, ...] = ()
    ) -> bytes | None:
        """Return the digest (`name` as in hashlib) of those octets."""
        octets = self.compute_octets(node, method, prefixes)
        return None if octets is None else hashlib.new(name, octets).digest()

    def find_only(
        self, parent: _Element, name: str, problem: SignatureProblem = SignatureProblem.WRONG_CHILDREN
    ) -> _Element | None:
        """Return the only child `name` (Clark notation) of `parent`; none or several is a problem."""
        found = list(parent.iterchildren(name))
        if len(found) != 1:
            self.note(problem)
            return None
        return found[0]

    def read_base64(
        self, element: _Element | None, problem: SignatureProblem = SignatureProblem.BAD_BASE64
    ) -> bytes | None:
        """Return the octets of a Base64 element without child nodes; anything else is a problem."""
        octets = None if element is None or len(element) else decode_base64(element.text or "")
        if octets is None and element is not None:
            self.note(problem)
        return octets


def iterate_references(reading: Reading, signed_info: _Element) -> Iterator[Reference]:
    """Yield every reference of `signed_info`, resolved and digested; a manifest's entries with it."""
    for element in _list_references(reading, signed_info):
        reference = _read_reference(reading, element)
        if reference.type_uri == MANIFEST_TYPE and reference.intact:
            reference = _with_entries(reading, reference, reference.node)
        yield reference


def list_reference_octets(reading: Reading, signed_info: _Element) -> tuple[bytes, ...] | None:
    """Return the octets that each reference of `signed_info` digests, in order; None when one cannot be computed.

    What is wrong with a reference was noted when it was read.  Spec: EN 319 132-1, 5.5.2.2, for archive timestamps.
    """
    found: list[bytes] = []
    for element in _list_references(reading, signed_info):
        (_, data), transforms = _resolve(reading, element.get("URI")), _list_transforms(reading, element)
        if data is None or transforms is None:
            return None
        try:
            octets = compute_octets(data, transforms, reading.signature, reading.cache)
            reading.cache.work.pay_keeping(len(octets))
            found.append(octets)
        except Unsupported as unsupported:
            reading.note(unsupported.problem)
            return None
        except LimitExceeded:
            reading.note(SignatureProblem.TOO_MUCH_WORK)
            return None
        except InputError:
            reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
            return None
    return tuple(found)


def _list_references(reading: Reading, holder: _Element) -> list[_Element]:
    elements = list(holder.iterchildren(ds("Reference")))
    if not elements:
        reading.note(SignatureProblem.NO_REFERENCE)
    if len(elements) > MAX_REFERENCES:
        reading.note(SignatureProblem.TOO_MANY_REFERENCES)
        return []
    return elements


def _with_entries(reading: Reading, reference: Reference, node: _Element | None) -> Reference:
    """Return the reference with the entries of the manifest that it digested (XML Signature 1.1, 5.1).

    An entry that is not at hand leaves the signature as it is and is said; one with another digest breaks it.
    """
    if node is None or node.tag != ds("Manifest") or reference.without:  # what it names is not what was digested
        reading.note(SignatureProblem.MANIFEST_ENTRY_NOT_CHECKED)
        return reference
    inner = Reading(reading.signature, reading.cache, reading.files)
    entries = tuple(_read_reference(inner, element) for element in _list_references(inner, node))
    for problem in (SignatureProblem.NO_REFERENCE, SignatureProblem.TOO_MANY_REFERENCES):
        if problem in inner.problems:  # of the manifest itself; those of an entry leave that entry open
            reading.note(problem)
    if any(entry.intact is None for entry in entries):
        reading.note(SignatureProblem.MANIFEST_ENTRY_NOT_CHECKED)
    return replace(reference, entries=entries)


def _read_reference(reading: Reading, element: _Element) -> Reference:
    method = reading.find_only(element, ds("DigestMethod"))
    algorithm = "" if method is None else method.get("Algorithm", "")
    expected = reading.read_base64(reading.find_only(element, ds("DigestValue")))
    transforms = _list_transforms(reading, element)
    uri = element.get("URI")
    file_name, data = _resolve(reading, uri)
    digested = None
    if data is not None and transforms is not None:
        digested = _digest(reading, data, transforms, algorithm)
    nodes = None if digested is None else digested.nodes
    return Reference(
        uri="" if uri is None else uri,
        type_uri=element.get("Type"),
        transforms=tuple(one.get("Algorithm", "") for one in transforms or ()),
        digest_algorithm=algorithm,
        node=None if nodes is None else nodes.apex,
        intact=None if digested is None or expected is None else digested.digest == expected,
        file_name=file_name,
        without=frozenset() if nodes is None else nodes.without,
    )


def _resolve(reading: Reading, uri: str | None) -> tuple[str | None, Data | None]:
    """Return what a reference names: nodes of this document, or a file beside it; never anything fetched."""
    if uri is None or (uri and not uri.startswith("#")):
        return _find_file(reading, uri) or (None, None)
    try:
        found = find_same_document(uri, reading.cache)
    except Unsupported as unsupported:
        reading.note(unsupported.problem)
        return None, None
    if found is None:
        reading.note(SignatureProblem.TARGET_NOT_FOUND)
    return None, found


def _find_file(reading: Reading, uri: str | None) -> tuple[str, bytes] | None:
    if uri is not None and len(uri) > _MAX_NAME_CHARS:
        reading.note(SignatureProblem.FOREIGN_URI)
        return None
    found = reading.files.find(uri)
    if found is None:
        inside = reading.files.exact and reading.files.files
        reading.note(SignatureProblem.TARGET_NOT_FOUND if inside else SignatureProblem.FOREIGN_URI)
    return found


def _list_transforms(reading: Reading, element: _Element) -> list[_Element] | None:
    containers = list(element.iterchildren(ds("Transforms")))
    transforms = [child for container in containers for child in list_children(container)]
    if len(containers) > 1 or any(one.tag != ds("Transform") for one in transforms):
        reading.note(SignatureProblem.WRONG_CHILDREN)
        return None
    if len(transforms) > MAX_TRANSFORMS:
        reading.note(SignatureProblem.TOO_MANY_TRANSFORMS)
        return None
    return transforms


def find_digest_name(reading: Reading, algorithm: str) -> str | None:
    """Return the hash (as in hashlib) of a DigestMethod; a weak one is computed and noted, an unknown one not."""
    if algorithm in DIGESTS:
        return DIGESTS[algorithm]
    weak = WEAK_DIGESTS.get(algorithm)
    reading.note(SignatureProblem.UNKNOWN_ALGORITHM if weak is None else SignatureProblem.WEAK_ALGORITHM)
    return weak


def _digest(reading: Reading, data: Data, transforms: list[_Element], algorithm: str) -> Digested | None:
    name = find_digest_name(reading, algorithm)
    if name is None:
        return None
    try:
        return compute_digest(data, transforms, reading.signature, reading.cache, name)
    except Unsupported as unsupported:
        reading.note(unsupported.problem)
    except LimitExceeded:
        reading.note(SignatureProblem.TOO_MUCH_WORK)
    except InputError:
        reading.note(SignatureProblem.UNKNOWN_TRANSFORM)
    return None
