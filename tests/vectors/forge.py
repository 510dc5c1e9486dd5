"""Tools of a forger: change a signed document's tree, and sign it again with keys that the forger holds.

`resign` makes the mathematics of a slot right again after a change, so that a vector shows one defect and not merely a
wrong digest.  What it needs it takes from the document; it is far more lenient than anything in production.
"""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable, Iterable
from typing import Final

from lxml import etree
from lxml.etree import _Element

from signing.signer import Signer
from tests.support.samples import build_issue, build_transcript
from tests.vectors.school import describe, school
from transcript_core.canonical import C14nMethod, canonicalize, parse_xml
from transcript_core.model import SchoolLevel
from transcript_core.policy import Slot

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
PRINCIPAL: Final = "cbql"
SEAL: Final = "ky-phat-hanh"
HOMEROOM: Final = "gvcn"
MATHS: Final = "gvbm-TOAN-1"

Change = Callable[[_Element], None]


def edit(document: bytes, *changes: Change) -> bytes:
    """Return the canonical document after the changes of its tree."""
    root = parse_xml(document)
    for change in changes:
        change(root)
    return canonicalize(root)


def replace_once(document: bytes, old: bytes, new: bytes) -> bytes:
    """Return the document with the first `old` replaced; it must be there."""
    assert old in document
    return document.replace(old, new, 1)


def by_id(root: _Element, identifier: str) -> _Element:
    """Return the first element with this Id."""
    return next(element for element in root.iter() if element.get("Id") == identifier)


def signature(root: _Element, slot_id: str) -> _Element:
    """Return the ds:Signature in a slot."""
    return by_id(root, f"sig-{slot_id}")


def only(root: _Element, slot_id: str, name: str) -> _Element:
    """Return the first element `name` (Clark notation) inside the signature of a slot."""
    return next(signature(root, slot_id).iter(name))


def reference(root: _Element, slot_id: str, uri: str) -> _Element:
    """Return the ds:Reference with this URI in a slot's signature."""
    return next(one for one in signature(root, slot_id).iter(f"{DS}Reference") if one.get("URI") == uri)


def drop(element: _Element) -> None:
    """Remove an element from its parent."""
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def list_slots() -> dict[str, Slot]:
    """Return the sample transcript's slots by Id."""
    transcript = build_transcript(SchoolLevel.LOWER_SECONDARY)
    return {slot.slot_id: slot for slot in describe(transcript, build_issue(transcript))[1]}


def resign(*slot_ids: str) -> Change:
    """Return a change that signs these slots again, in this order, with their own keys."""

    def change(root: _Element) -> None:
        slots = list_slots()
        for slot_id in slot_ids:
            _resign(root, slot_id, school().signer_of(slots[slot_id]))

    return change


def resign_all(root: _Element) -> None:
    """Sign every slot of the sample transcript again: everybody at the school is in it."""
    resign(*list_slots())(root)


def reseal(root: _Element) -> None:
    """Let principal and seal sign again: they were deceived, or are in it."""
    resign(PRINCIPAL, SEAL)(root)


def resign_with(slot_id: str, signer: Signer) -> Change:
    """Return a change that signs one slot again with another key, its certificate put in everywhere."""

    def change(root: _Element) -> None:
        _put_certificate(root, slot_id, signer)
        _resign(root, slot_id, signer)

    return change


def _resign(root: _Element, slot_id: str, signer: Signer) -> None:
    element = signature(root, slot_id)
    for one in element.iter(f"{DS}Reference"):
        _refresh(root, one)
    info = next(element.iter(f"{DS}SignedInfo"))
    method = next(info.iter(f"{DS}CanonicalizationMethod")).get("Algorithm", "")
    octets = canonicalize(info, method=C14nMethod(method))
    (value,) = signer.sign_digests([hashlib.new(signer.algorithm.hash_name, octets).digest()])
    holder = next(element.iter(f"{DS}SignatureValue"))
    holder.text = base64.b64encode(value).decode("ascii")
    for token in element.iter(f"{XADES}EncapsulatedTimeStamp"):
        fresh, _ = school().stamp(hashlib.sha256(canonicalize(holder)).digest())
        token.text = base64.b64encode(fresh).decode("ascii")


def _refresh(root: _Element, one: _Element) -> None:
    """Put the digest of what a simple reference names now; leave others alone."""
    uri = one.get("URI", "")
    if not uri.startswith("#") or not any(element.get("Id") == uri[1:] for element in root.iter()):
        return
    methods = [transform.get("Algorithm", "") for transform in one.iter(f"{DS}Transform")]
    known = {method.value: method for method in C14nMethod}
    method = known.get(methods[-1] if methods else "", C14nMethod.EXCLUSIVE)
    stated = next(one.iter(f"{DS}DigestMethod")).get("Algorithm", "")
    hash_name = next((weak for weak in ("sha1", "md5") if stated.endswith(weak)), "sha256")
    digest = hashlib.new(hash_name, canonicalize(by_id(root, uri[1:]), method=method)).digest()
    next(one.iter(f"{DS}DigestValue")).text = base64.b64encode(digest).decode("ascii")


def _put_certificate(root: _Element, slot_id: str, signer: Signer) -> None:
    element = signature(root, slot_id)
    holders = list(element.iter(f"{DS}X509Certificate"))
    holders[0].text = base64.b64encode(signer.certificate.der).decode("ascii")
    for extra, certificate in zip(holders[1:], signer.chain, strict=False):
        extra.text = base64.b64encode(certificate.der).decode("ascii")
    digest = next(next(element.iter(f"{XADES}CertDigest")).iter(f"{DS}DigestValue"))
    digest.text = base64.b64encode(signer.certificate.sha256).decode("ascii")
    next(element.iter(f"{DS}SignatureMethod")).set("Algorithm", signer.algorithm.xml_uri)


def transplant(donor: bytes, element_ids: Iterable[str]) -> Change:
    """Return a change that puts elements of another document in the place of those with the same Id."""

    def change(root: _Element) -> None:
        other = parse_xml(donor)
        for element_id in element_ids:
            mine, theirs = by_id(root, element_id), copy.deepcopy(by_id(other, element_id))
            parent = mine.getparent()
            assert parent is not None
            parent.replace(mine, theirs)

    return change


def add(parent: _Element, tag: str, text: str = "", **attributes: str) -> _Element:
    """Append a new element."""
    child = etree.SubElement(parent, tag, attributes)
    child.text = text or None
    return child
