"""Names of XML Signature and XAdES that several readers of this package share.  RFC 9231; EN 319 132-1, annex A."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from transcript_core.c14n import C14nMethod

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"
EXCLUSIVE_C14N: Final = C14nMethod.EXCLUSIVE.value
ENVELOPED: Final = f"{DS}enveloped-signature"
BASE64: Final = f"{DS}base64"
MANIFEST_TYPE: Final = f"{DS}Manifest"

C14N_METHODS: Final[Mapping[str, C14nMethod]] = {method.value: method for method in C14nMethod}

DIGESTS: Final[Mapping[str, str]] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-256": "sha3_256",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-384": "sha3_384",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-512": "sha3_512",
}
"""Digest methods that are accepted, with their names in hashlib."""

WEAK_DIGESTS: Final[Mapping[str, str]] = {
    f"{DS}sha1": "sha1",
    "http://www.w3.org/2001/04/xmldsig-more#md5": "md5",
    "http://www.w3.org/2001/04/xmldsig-more#sha224": "sha224",
    "http://www.w3.org/2007/05/xmldsig-more#sha3-224": "sha3_224",
}
"""Digest methods that are computed, so that a report can say what the mathematics gives, and never accepted."""


@cache
def ds(name: str) -> str:
    """Return the Clark name of an XML Signature element."""
    return f"{{{DS}}}{name}"
