"""What an archive timestamp covers, worked out from the stored text instead of a tree.

Every piece is cut out and given the namespace declarations that exclusive C14N writes when the element stands alone; no
canonicaliser has a part in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from signing.xades.unsigned import read_unsigned
from transcript_core.xml import get_part, get_signature

_DS = b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
_XADES = b' xmlns:xades="http://uri.etsi.org/01903/v1.3.2#"'
_CORE = (b"xades:SignedProperties", b"ds:SignedInfo", b"ds:SignatureValue", b"ds:KeyInfo")


def iterate_archived(document: bytes, slot_id: str, before: int) -> Iterator[bytes]:
    """Yield the octets of EN 319 132-1, 5.5.2.2 for the seal's `before`-th unsigned property, counted from 0."""
    signature = get_signature(document, slot_id)
    assert signature is not None
    yield get_part(document, "data")
    yield get_part(document, "sig-cbql")
    for name in _CORE:
        found = re.search(rb"<%b[ >].*?</%b>" % (name, name), signature, re.DOTALL)
        assert found is not None
        yield _declare(found[0])
    for one in read_unsigned(signature).properties[:before]:
        yield _declare(one.octets)


def _declare(octets: bytes) -> bytes:
    """Declare prefixes where they are first used on each path."""
    if octets.startswith(b"<ds:"):
        return re.sub(rb"^<[^ >]+", lambda found: found[0] + _DS, octets)
    if octets.startswith(b"<xades141:"):
        outer = rb"<xades:(CertificateValues|RevocationValues|EncapsulatedTimeStamp)"
        octets = re.sub(outer, rb"<xades:\1" + _XADES, octets)
    else:
        octets = re.sub(rb"^<[^ >]+", lambda found: found[0] + _XADES, octets)
    return re.sub(rb"<ds:(CanonicalizationMethod|DigestMethod|DigestValue)", rb"<ds:\1" + _DS, octets)
