"""What was read of one XAdES signature, whichever reader read it.  ETSI EN 319 132-1, 4.3 to 5.5."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml.etree import _Element

from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate
from verify.formats.problems import SignatureProblem
from verify.formats.xmldsig import Reference

SIGNED_PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"


@dataclass(frozen=True, slots=True, eq=False)
class XadesTimestamp:
    """One timestamp and the octets that its token must name."""

    token: bytes  # DER of the RFC 3161 TimeStampToken
    octets: bytes  # what the property covers, canonical
    archive: bool = False  # an ArchiveTimeStamp: over references, signature and all properties before it
    objects: tuple[bytes, ...] = ()  # DER of the certificates, revocation data and tokens in those properties


@dataclass(frozen=True, slots=True, eq=False)
class SignedProperties:
    """The signed properties of EN 319 132-1, 5.2, as read from the node whose digest was checked."""

    node: _Element
    signing_time: datetime | None  # aware, UTC
    certificate_digests: tuple[tuple[str, bytes], ...]  # (digest URI, octets) of SigningCertificateV2 or of v1
    has_certificate_v2: bool
    policy_id: str | None  # "urn:oid:…" or another identifier; None: implied or absent
    policy_digest: tuple[str, bytes] | None  # (digest URI, octets)
    commitments: tuple[str, ...]  # commitment type URIs
    roles: tuple[str, ...]  # claimed roles


@dataclass(frozen=True, slots=True, eq=False)
class XadesSignature:
    """All that one `ds:Signature` says, and whether its mathematics holds."""

    element: _Element
    signature_id: str | None
    references: tuple[Reference, ...]  # of content; the one to SignedProperties is not among them
    signed_info_method: str  # C14N URI
    algorithm_uri: str
    algorithm: SignatureAlgorithm | None
    value_element: _Element | None
    references_intact: bool | None  # None: at least one could not be computed and none is wrong
    value_intact: bool | None
    certificate: Certificate | None
    certificates: tuple[Certificate, ...]  # all that are carried, without order
    key_certificates: tuple[Certificate, ...]  # those of KeyInfo
    certificate_is_bound: bool  # a signed digest names exactly this certificate
    properties: SignedProperties | None
    timestamps: tuple[XadesTimestamp, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    problems: tuple[SignatureProblem, ...]
    usual_octets: bytes | None = None  # canonical, of the whole signature; None: not of the form of `xades_usual`

    @property
    def intact(self) -> bool | None:
        """Return whether all digests and the value are right; None when that could not be computed."""
        answers = (self.references_intact, self.value_intact)
        if False in answers:
            return False
        return None if None in answers else True
