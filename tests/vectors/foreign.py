"""A signer of files that are no transcripts: any references, objects and properties, with real evidence and time.

It writes what `signing` never writes (detached and enveloping signatures, manifests, countersignatures), so that the
reader is shown such files sound, and broken in one way each.  Everything is canonical as written, in exclusive form.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from signing.signer import Signer
from tests.vectors.longterm import at_time
from tests.vectors.school import merge, school
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.pki.evidence import Evidence

DS_URI: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES_URI: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS_URI}enveloped-signature"
PROPERTIES_TYPE: Final = "http://uri.etsi.org/01903#SignedProperties"
MANIFEST_TYPE: Final = f"{DS_URI}Manifest"
COUNTERSIGNED_TYPE: Final = "http://uri.etsi.org/01903#CountersignedSignature"
SIGNED_AT: Final = datetime(2026, 5, 29, 3, 0, tzinfo=UTC)
SIGNER: Final = ("0148712189", "Hoàng Hữu An")
_NAMESPACES: Final = f'xmlns:ds="{DS_URI}"'


@dataclass(frozen=True)
class Ref:
    """One reference to write."""

    uri: str | None  # None: without the attribute
    octets: bytes  # what is digested
    transforms: tuple[str, ...] = ()  # algorithm URIs, or whole ds:Transform elements
    type_uri: str | None = None

    def to_xml(self) -> str:
        """Return the ds:Reference."""
        uri = "" if self.uri is None else f' URI="{self.uri}"'
        kind = "" if self.type_uri is None else f' Type="{self.type_uri}"'
        steps = "".join(one if one.startswith("<") else write_transform(one) for one in self.transforms)
        holder = f"<ds:Transforms>{steps}</ds:Transforms>" if steps else ""
        method = '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        value = f"<ds:DigestValue>{encode(hashlib.sha256(self.octets).digest())}</ds:DigestValue>"
        return f"<ds:Reference{kind}{uri}>{holder}{method}{value}</ds:Reference>"


@dataclass(frozen=True)
class Wanted:
    """What a signature shall be."""

    refs: tuple[Ref, ...]
    signature_id: str = "s1"
    objects: tuple[str, ...] = ()  # ds:Object elements, as they stand in the signature
    signer: Signer | None = None  # None: a teacher of the sample school
    stamped: bool = True
    evidence: Evidence | None = None  # of the signer; None: what the school's authorities say
    properties_extra: str = ""  # inside UnsignedSignatureProperties, after the timestamp
    signed_properties: str | None = None  # in place of all SignedProperties' content
    signed_extra: str = ""  # inside SignedSignatureProperties, behind the certificate
    properties_type: str | None = PROPERTIES_TYPE
    key_info: str | None = None  # in place of X509Data
    target: str | None = None  # in place of the signature's Id
    plain: bool = False  # XML Signature alone, without any properties


def write_transform(algorithm: str, inside: str = "") -> str:
    """Return a ds:Transform."""
    return f'<ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>'


def encode(octets: bytes) -> str:
    """Return Base64 text."""
    return base64.b64encode(octets).decode("ascii")


def canonical(xml: str) -> bytes:
    """Return the exclusive canonical octets of one element, written where the `ds` prefix is bound."""
    root = parse_xml(f"<r {_NAMESPACES}>{xml}</r>".encode())
    return canonicalize(root[0])


def sign(wanted: Wanted, *, at: datetime = SIGNED_AT) -> str:
    """Return a ds:Signature with the signer's evidence, timestamped unless told otherwise."""
    key = wanted.signer or school().person(*SIGNER)
    properties = _write_properties(wanted, key, at)
    own = Ref(f"#{wanted.signature_id}-p", canonical(properties), (EXCLUSIVE,), wanted.properties_type)
    info = _write_info(key, wanted.refs if wanted.plain else (*wanted.refs, own))
    (value,) = key.sign_digests([hashlib.new(key.algorithm.hash_name, canonical(info)).digest()])
    holder = f"<ds:SignatureValue>{encode(value)}</ds:SignatureValue>"
    with at_time(at):
        unsigned = _write_unsigned(wanted, key, canonical(holder))
    certificate = f"<ds:X509Data><ds:X509Certificate>{encode(key.certificate.der)}</ds:X509Certificate></ds:X509Data>"
    qualifying = (
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES_URI}" '
        f'Target="#{wanted.signature_id if wanted.target is None else wanted.target}">'
        f"{properties}{unsigned}</xades:QualifyingProperties></ds:Object>"
    )
    return (
        f'<ds:Signature {_NAMESPACES} Id="{wanted.signature_id}">{info}{holder}'
        f"<ds:KeyInfo>{certificate if wanted.key_info is None else wanted.key_info}</ds:KeyInfo>"
        f"{''.join(wanted.objects)}{'' if wanted.plain else qualifying}</ds:Signature>"
    )


def _write_info(key: Signer, refs: Sequence[Ref]) -> str:
    methods = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
    methods += f'<ds:SignatureMethod Algorithm="{key.algorithm.xml_uri}"></ds:SignatureMethod>'
    return f"<ds:SignedInfo>{methods}{''.join(one.to_xml() for one in refs)}</ds:SignedInfo>"


def _write_properties(wanted: Wanted, key: Signer, at: datetime) -> str:
    inside = wanted.signed_properties
    if inside is None:
        digest = encode(key.certificate.sha256)
        inside = (
            "<xades:SignedSignatureProperties>"
            f"<xades:SigningTime>{at.strftime('%Y-%m-%dT%H:%M:%SZ')}</xades:SigningTime>"
            "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
            f"<ds:DigestValue>{digest}</ds:DigestValue>"
            f"</xades:CertDigest></xades:Cert></xades:SigningCertificateV2>{wanted.signed_extra}"
            "</xades:SignedSignatureProperties>"
        )
    opened = f'<xades:SignedProperties xmlns:xades="{XADES_URI}" Id="{wanted.signature_id}-p">'
    return f"{opened}{inside}</xades:SignedProperties>"


def _write_unsigned(wanted: Wanted, key: Signer, value: bytes) -> str:
    evidence, stamp = wanted.evidence or school().collect(key), ""
    if wanted.stamped:
        token, of_authority = school().stamp(hashlib.sha256(value).digest())
        evidence = merge(evidence, of_authority)
        stamp = write_timestamp(token)
    inside = f"{stamp}{wanted.properties_extra}{write_evidence(evidence)}"
    opened = "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>"
    return f"{opened}{inside}</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"


def write_timestamp(token: bytes) -> str:
    """Return a SignatureTimeStamp."""
    method = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
    value = f"<xades:EncapsulatedTimeStamp>{encode(token)}</xades:EncapsulatedTimeStamp>"
    return f"<xades:SignatureTimeStamp>{method}{value}</xades:SignatureTimeStamp>"


def write_evidence(evidence: Evidence) -> str:
    """Return CertificateValues and RevocationValues."""
    certificates = "".join(
        f"<xades:EncapsulatedX509Certificate>{encode(one.der)}</xades:EncapsulatedX509Certificate>"
        for one in evidence.chain
    )
    crls = "".join(f"<xades:EncapsulatedCRLValue>{encode(one)}</xades:EncapsulatedCRLValue>" for one in evidence.crls)
    ocsps = "".join(
        f"<xades:EncapsulatedOCSPValue>{encode(one)}</xades:EncapsulatedOCSPValue>" for one in evidence.ocsps
    )
    values = (f"<xades:CRLValues>{crls}</xades:CRLValues>" if crls else "") + (
        f"<xades:OCSPValues>{ocsps}</xades:OCSPValues>" if ocsps else ""
    )
    return (
        f"<xades:CertificateValues>{certificates}</xades:CertificateValues>"
        f"<xades:RevocationValues>{values}</xades:RevocationValues>"
    )
