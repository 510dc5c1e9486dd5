"""The names of ETSI TS 119 102-2 V1.4.1 and the making of its elements.

Implements as tables the URIs of clauses 4.3.4.2 (indications), 4.3.5.4.2 (constraint status), 4.3.12.6.2 (reasons of
revocation), 4.4.6.2 (proof of existence), and those of processes and objects.
What the standard has no name for stands under `urn:hocba:`.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from lxml import etree
from lxml.etree import _Element

from verify.report import FindingOutcome, Outcome, SubIndication

VR: Final = "http://uri.etsi.org/19102/v1.4.1#"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
HOCBA: Final = "urn:hocba:validation-report:1.0"
NAMESPACES: Final = {"vr": VR, "ds": DS, "xades": XADES, "hb": HOCBA}
SHA256_URI: Final = "http://www.w3.org/2001/04/xmlenc#sha256"

_BASE: Final = "urn:etsi:019102:"
APPLIED: Final = f"{_BASE}constraintStatus:applied"
DISABLED: Final = f"{_BASE}constraintStatus:disabled"
PROVEN: Final = f"{_BASE}poetype:validation"
PROCESS_BASIC: Final = f"{_BASE}validationprocess:Basic"
PROCESS_WITH_TIME: Final = f"{_BASE}validationprocess:LTVM"
PROCESS_ARCHIVED: Final = f"{_BASE}validationprocess:LTA"
CERTIFICATE: Final = f"{_BASE}validationObject:certificate"
CRL: Final = f"{_BASE}validationObject:CRL"
OCSP: Final = f"{_BASE}validationObject:OCSPResponse"
TIMESTAMP: Final = f"{_BASE}validationObject:timestamp"
SIGNED_DATA: Final = f"{_BASE}validationObject:signedData"
CHECK: Final = "urn:hocba:check:"
NO_SIGNATURE: Final = "urn:hocba:subindication:NO_SIGNATURE_FOUND"

_INDICATIONS: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: f"{_BASE}mainindication:total-passed",
    Outcome.FAILED: f"{_BASE}mainindication:total-failed",
    Outcome.INDETERMINATE: f"{_BASE}mainindication:indeterminate",
}
_ANSWERS: Final[Mapping[FindingOutcome, str]] = {
    FindingOutcome.PASSED: f"{_BASE}mainindication:passed",
    FindingOutcome.FAILED: f"{_BASE}mainindication:failed",
    FindingOutcome.INDETERMINATE: f"{_BASE}mainindication:indeterminate",
}


def name_indication(outcome: Outcome) -> str:
    """Return the URI of a main indication."""
    return _INDICATIONS[outcome]


def find_answer(outcome: FindingOutcome) -> str | None:
    """Return the URI of one constraint's answer; None when it was not looked at or says nothing about the file."""
    return _ANSWERS.get(outcome)


def name_sub_indication(sub_indication: SubIndication) -> str:
    """Return the URI of a sub-indication; ours for what the standard has none for."""
    own = sub_indication is SubIndication.CUSTOM
    return f"{'urn:hocba:' if own else _BASE}subindication:{sub_indication.value}"


def name_revocation_reason(reason: str) -> str:
    """Return the URI of a reason of RFC 5280, 5.3.1."""
    return f"{_BASE}revocationReason:{reason}"


def add(parent: _Element, name: str, text: str | None = None, *, space: str = VR, **attributes: str) -> _Element:
    """Append an element to `parent` and return it."""
    element = etree.SubElement(parent, f"{{{space}}}{name}", attributes)
    if text is not None:
        element.text = clean(text)
    return element


def add_time(parent: _Element, name: str, moment: datetime) -> None:
    """Append a moment as xs:dateTime in UTC."""
    add(parent, name, moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def add_digest(parent: _Element, digest: bytes, *, method: str = SHA256_URI) -> None:
    """Append a `DigestAlgAndValue` with this digest (raw)."""
    holder = add(parent, "DigestAlgAndValue")
    add(holder, "DigestMethod", space=DS, Algorithm=method)
    add(holder, "DigestValue", encode(digest), space=DS)


def add_references(parent: _Element, name: str, identifiers: tuple[str, ...]) -> None:
    """Append a reference to validation objects; nothing when there are none."""
    if identifiers:
        add(parent, name, VOReference=" ".join(identifiers))


def encode(octets: bytes) -> str:
    """Return base64 without line breaks."""
    return b64encode(octets).decode("ascii")


def sha256(octets: bytes) -> bytes:
    """Return 32 raw bytes."""
    return hashlib.sha256(octets).digest()


def clean(text: str) -> str:
    """Return `text` without characters that XML 1.0 does not have; a stranger's file may hold any."""
    return "".join(
        one
        for one in text
        if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
    )
