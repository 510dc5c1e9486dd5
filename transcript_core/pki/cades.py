"""Names that CMS signatures use, shared by the writer and the reader.

ETSI EN 319 122-1, 5.1 and 5.2 (attributes); RFC 5652 and RFC 5035 for those it profiles.
"""

from __future__ import annotations

from typing import Final

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
ALGORITHM_PROTECTION: Final = "1.2.840.113549.1.9.52"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_POLICY: Final = "1.2.840.113549.1.9.16.2.15"
COMMITMENT_TYPE: Final = "1.2.840.113549.1.9.16.2.16"
SIGNER_ATTRIBUTES_V2: Final = "0.4.0.19122.1.1"
SIGNATURE_TIMESTAMP: Final = "1.2.840.113549.1.9.16.2.14"
TITLE: Final = "2.5.4.12"
"""X.520 `title`: the position of a person in an organisation; carries the claimed role."""

COMMITMENT_URIS: Final = {
    f"1.2.840.113549.1.9.16.6.{number}": f"http://uri.etsi.org/01903/v1.2.2#ProofOf{name}"
    for number, name in enumerate(("Origin", "Receipt", "Delivery", "Sender", "Approval", "Creation"), start=1)
}
"""Commitment types: the OID used in CMS to the URI used in XML and in our policies."""

COMMITMENT_OIDS: Final = {uri: oid for oid, uri in COMMITMENT_URIS.items()}
