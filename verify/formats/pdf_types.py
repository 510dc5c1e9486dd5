"""What is read from a signed PDF, for everybody who judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate
from verify.formats.pdf_contents import SecurityStore
from verify.formats.pdf_problems import Problem
from verify.formats.pdf_shown import ShownAppearance


class SignatureKind(StrEnum):
    """What a signature field holds."""

    SIGNATURE = "signature"  # a person's or the seal's PAdES or plain CMS signature
    DOCUMENT_TIMESTAMP = "document-timestamp"  # SubFilter ETSI.RFC3161


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature or document timestamp in a PDF."""

    slot_id: str  # the field's fully qualified name
    kind: SignatureKind
    digest_right: bool | None  # the covered octets have the digest that was signed; None: not computed
    value_right: bool | None  # the value verifies against the signer's key; None: not computed
    problems: tuple[Problem, ...]  # of this signature alone; any of them fails it
    unsupported: tuple[Problem, ...]  # unusual, or why nothing can be said; indeterminate, never passed
    signer: Certificate | None  # named by ESS signing-certificate-v2 when that is present
    certificates: tuple[Certificate, ...]  # the others carried in the CMS
    algorithm: SignatureAlgorithm | None
    signed_at: datetime | None  # /M, claimed only; aware, UTC
    timestamp: bytes | None  # signature-time-stamp token; for a document timestamp the token itself
    timestamp_imprint: bytes | None  # raw digest that token must name, by the hash that it names
    policy_oid: str | None
    policy_digest: bytes | None  # SHA-256 the signature gives for its policy
    commitments: tuple[str, ...]  # commitment type URIs (EN 319 122-1 OIDs mapped to their URI)
    claimed_roles: tuple[str, ...]
    claimed_name: str | None  # /Name
    location: str | None  # /Location
    reason: str | None  # /Reason
    has_signing_certificate: bool  # ESS signing-certificate-v2 present and right
    covers_revision: int  # 1-based number of the revision it ends with; 0 when it ends with none
    covered_end: int  # offset where the covered octets end; 0 when there are none
    gap: tuple[int, int]  # offsets of what is left out between; equal when there is nothing
    whole_file: bool  # nothing follows what it covers
    closes: bool  # carries a FieldMDP transform that locks all fields
    leaves_out: bool  # its range is not the usual one: more than its own /Contents is not covered

    @property
    def intact(self) -> bool | None:
        """Say whether digest and value are right; None when that could not be computed."""
        answers = (self.digest_right, self.value_right)
        if False in answers:
            return False
        return None if None in answers else True


@dataclass(frozen=True, slots=True)
class SignedPdf:
    """All that `read_signed_pdf` found; made from the bytes alone."""

    sha256: bytes  # of the whole file
    revisions: int  # how many sections the file has; 0 when it could not be read
    signatures: tuple[PdfSignature, ...]  # in the order in which they were made
    empty_fields: tuple[str, ...]  # names of signature fields not yet signed
    problems: tuple[Problem, ...]  # of the file, above all what was added beyond signing; any of them fails it
    unsupported: tuple[Problem, ...]  # structures that are not judged here; makes the file indeterminate
    covered_to_end: bool  # the last signature or document timestamp covers everything but evidence (DSS) after it
    attachment: bytes | None  # bytes of thongtinhocba.xml as the first revision has them
    first_revision_sha256: bytes | None  # of the file as it was before anybody signed
    dss_certificates: tuple[Certificate, ...]
    dss_ocsps: tuple[bytes, ...]  # DER OCSPResponse each
    dss_crls: tuple[bytes, ...]  # DER CertificateList each
    archived_ocsps: tuple[bytes, ...]  # those of the store that the last document timestamp covers
    archived_crls: tuple[bytes, ...]
    stamped_stores: tuple[tuple[int, SecurityStore], ...] = ()  # (revision of a document timestamp, what it covers)
    shown: Mapping[str, ShownAppearance] = field(default_factory=dict)  # in a transcript: by the field's name

    def find_stamped_store(self, revision: int) -> SecurityStore:
        """Return the security store that the document timestamp of this revision covers; empty when not known."""
        return next((store for number, store in self.stamped_stores if number == revision), SecurityStore())
