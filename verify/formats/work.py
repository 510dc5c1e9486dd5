"""The one budget of a verification: what all its files together may make this machine compute.

A file's own limits bound how large it is, not how often its signatures may ask for the same octets, nor how much comes
out of a packed or referenced one.  So whatever is parsed, canonicalised, decoded or hashed is paid for from one purse,
before it is done where its cost can be told, and what has been computed of a file is remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, cast

from lxml.etree import XPath, _Element

from transcript_core.canonical import parse_foreign_xml
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_TOGETHER_REFERENCES, MAX_WORK
from verify.formats.names import ds

_HASHING: Final = {"sha1": 4, "sha224": 3, "sha256": 3, "sha384": 10, "sha512": 10, "md5": 12}
_SLOWEST_HASHING: Final = 20
"""Work for each octet hashed: SHA-3 and whatever is not named."""

_PARSING: Final = 40
_NODE: Final = 2_500
"""Work for each octet of XML that is parsed, and for each element, attribute, comment or instruction in it."""

REFERENCE: Final = 50_000
"""Work for reading one reference or transform, apart from what it makes of its data."""

WRITING: Final = 150
"""Work for each octet of canonical form that lxml writes."""

_COPYING: Final = 60
_WRITING_SLOWLY: Final = 10_000
"""Work for each octet, and for each tag and attribute, of what only `c14n_subset` can write."""

_PREFIX: Final = 2_000
"""Work for looking up one prefix of a PrefixList at one element."""

_DECODING: Final = 45
"""Work for each octet that is decoded or unpacked."""

_VISIT: Final = 25_000
"""Work for each object that is looked at to compare the revisions of a stranger's PDF."""

_COMPARING: Final = 100
"""Work for each node of a set of nodes."""

_COUNT: Final = XPath("count(descendant-or-self::*)")
_COUNT_ALL: Final = XPath("count(descendant-or-self::node())")


class WorkExceeded(LimitExceeded):
    """The budget is used up."""


class Work:
    """What one verification may still compute, in the units of MAX_WORK."""

    def __init__(self, limit: int = MAX_WORK) -> None:
        self._left = limit
        self._references = 0
        self._digests: dict[tuple[int, str, object], tuple[bytes, bytes]] = {}

    def spend(self, units: int) -> None:
        """Pay for what is about to be done, or was just done.

        Raises:
            WorkExceeded: it is more than is left; nothing more will be done.
        """
        self._left -= units
        if self._left <= 0:
            self._left = 0
            raise WorkExceeded("it asks for more computing than any honest file")

    def count_references(self, root: _Element) -> None:
        """Count the references of a document before any of them is looked at.

        Raises:
            WorkExceeded: all documents of this verification together have too many.
        """
        self._references += sum(1 for _ in root.iter(ds("Reference")))
        if self._references > MAX_TOGETHER_REFERENCES:
            raise WorkExceeded(f"its signatures have more than {MAX_TOGETHER_REFERENCES} references together")

    def parse(self, octets: bytes) -> _Element:
        """Return the root of XML that other software made.  Raises: as `parse_foreign_xml`; WorkExceeded."""
        self.spend(_PARSING * len(octets) + _NODE * (octets.count(b"<") + octets.count(b"=")))
        return parse_foreign_xml(octets)

    def hash(self, name: str, octets: bytes) -> bytes:
        """Return the digest of some octets by the hash that hashlib calls `name`.  Raises: WorkExceeded."""
        self.pay_hashing(name, len(octets))
        return hashlib.new(name, octets, usedforsecurity=False).digest()

    def pay_hashing(self, name: str, octets: int) -> None:
        """Pay for so many octets to be hashed.  Raises: WorkExceeded."""
        self.spend(_HASHING.get(name, _SLOWEST_HASHING) * octets)

    def pay_decoding(self, octets: int) -> None:
        """Pay for so many octets to be decoded or unpacked.  Raises: WorkExceeded."""
        self.spend(_DECODING * octets)

    def pay_walking(self, apex: _Element) -> None:
        """Pay for all nodes below an element to be looked at.  Raises: WorkExceeded."""
        self.spend(_NODE * int(cast("float", _COUNT_ALL(apex))))

    def pay_comparing(self, nodes: int) -> None:
        """Pay for a set of so many nodes to be made and compared.  Raises: WorkExceeded."""
        self.spend(_COMPARING * nodes)

    def pay_keeping(self, octets: int) -> None:
        """Pay for so many octets to be kept, and hashed by a hash that is not known yet.  Raises: WorkExceeded."""
        self.spend(_SLOWEST_HASHING * octets)

    def pay_visits(self, count: int) -> None:
        """Pay for so many objects of a PDF to be looked at.  Raises: WorkExceeded."""
        self.spend(_VISIT * count)

    def pay_prefixes(self, apex: _Element, prefixes: Sequence[str]) -> None:
        """Pay for the PrefixList of a canonical form that is about to be written.  Raises: WorkExceeded."""
        elements = int(cast("float", _COUNT(apex))) if prefixes else 0
        self.spend(_PREFIX * len(prefixes) * elements)

    def pay_writing(self, octets: bytes, *, slow: bool) -> None:
        """Pay for a canonical form that was written.  Raises: WorkExceeded."""
        if slow:
            parts = octets.count(b"<") // 2 + octets.count(b'="')
            self.spend(_COPYING * len(octets) + _WRITING_SLOWLY * parts)
        else:
            self.spend(WRITING * len(octets))

    def find_digest(self, content: bytes, name: str, steps: object = ()) -> bytes | None:
        """Return the digest of what these steps make of a file, when it was computed before."""
        found = self._digests.get((id(content), name, steps))
        return None if found is None else found[0]

    def remember_digest(self, content: bytes, name: str, digest: bytes, steps: object = ()) -> None:
        """Remember it; with the file, whose place in memory stands for it."""
        self._digests[id(content), name, steps] = (digest, content)
