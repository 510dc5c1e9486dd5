"""Identifiers of W3C XML Signature 1.1 and ETSI EN 319 132-1 that the writer uses.  It writes one form only."""

from __future__ import annotations

from typing import Final

DS_NAMESPACE: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES_NAMESPACE: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNED_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
PART_MIME_TYPE: Final = "text/xml"


def value_id(slot_id: str) -> str:
    """Return the Id of the slot's ds:SignatureValue."""
    return f"val-{slot_id}"


def properties_id(slot_id: str) -> str:
    """Return the Id of the slot's xades:SignedProperties."""
    return f"props-{slot_id}"


def reference_id(slot_id: str, number: int) -> str:
    """Return the Id of the slot's `number`-th ds:Reference to a part, counted from 1."""
    return f"ref-{slot_id}-{number}"
