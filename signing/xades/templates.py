"""Writes the elements of one XAdES signature as text that already is exclusive canonical XML.

Every function returns octets' text exactly as exclusive C14N would write it, so nothing is ever canonicalised: the
`Form` says whether an element stands in its place inside `ds:Signature`, which declares the prefixes, or alone, as it
is digested, and declares them itself.

Spec: W3C XML Signature 1.1, clause 4; Exclusive XML Canonicalization 1.0; ETSI EN 319 132-1, clauses 4.3 to 5.5.
Deviation: none.  Left to others: keys, splicing, and whether anything here is to be believed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Final

from asn1crypto import tsp, x509

from signing.xades.names import (
    DS_NAMESPACE,
    EXCLUSIVE_C14N,
    PART_MIME_TYPE,
    SHA256,
    SIGNED_PROPERTIES_TYPE,
    XADES_NAMESPACE,
    properties_id,
    reference_id,
    value_id,
)
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import signature_id

_CACHED_CERTIFICATES: Final = 256  # signers of one school and year; one entry is about 10 KiB


class Form(Enum):
    """Where an element's text stands: the values are the namespace declarations that it then carries itself."""

    IN_PLACE = ("", "")
    ALONE = (f' xmlns:ds="{DS_NAMESPACE}"', f' xmlns:xades="{XADES_NAMESPACE}"')

    @property
    def ds(self) -> str:
        """The declaration of the prefix `ds`, or nothing."""
        return self.value[0]

    @property
    def xades(self) -> str:
        """The declaration of the prefix `xades`, or nothing."""
        return self.value[1]


HOLE: Final = "\0"
"""Stands where the base64 text of a part's digest or of the value will come; no character of XML."""


@dataclass(frozen=True, slots=True)
class SignedTerms:
    """Everything that one signature signs besides the certificate and the digests of the parts."""

    slot_id: str
    part_ids: tuple[str, ...]  # referenced, in the policy's order
    signing_time: datetime  # aware, UTC, whole seconds
    role: str  # claimed role
    commitment: str  # URI
    policy: str  # identifier, "urn:oid:..."
    policy_digest: bytes  # 32 raw bytes, SHA-256

    def __hash__(self) -> int:
        """As slot and time, which tell nearly all terms apart: they are looked up several times a document."""
        return hash((self.slot_id, self.signing_time))


def build_signed_info(
    terms: SignedTerms, algorithm: SignatureAlgorithm, properties_digest: bytes, *, form: Form
) -> str:
    """Return ds:SignedInfo: the parts in the policy's order with a HOLE for each digest, then the SignedProperties.

    Args:
        properties_digest: 32 raw bytes of SHA-256 over `build_signed_properties(..., form=Form.ALONE)`.
    """
    references = "".join(
        _reference(f'Id="{reference_id(terms.slot_id, number)}"', part_id, HOLE)
        for number, part_id in enumerate(terms.part_ids, start=1)
    )
    properties = _reference(f'Type="{SIGNED_PROPERTIES_TYPE}"', properties_id(terms.slot_id), _b64(properties_digest))
    return (
        f"<ds:SignedInfo{form.ds}>"
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f"{_signature_method(algorithm)}{references}{properties}</ds:SignedInfo>"
    )


def build_signed_properties(certificate_der: bytes, terms: SignedTerms, *, form: Form) -> str:
    """Return xades:SignedProperties.  Spec: EN 319 132-1, 5.2.1 to 5.2.9; order by its annex C."""
    return (
        f'<xades:SignedProperties{form.xades} Id="{properties_id(terms.slot_id)}"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{_date_time(terms.signing_time)}</xades:SigningTime>"
        f"{_signing_certificate(certificate_der, form)}"
        f"{_policy_identifier(terms, form)}"
        f"<xades:SignerRoleV2><xades:ClaimedRoles><xades:ClaimedRole>{_escape(terms.role)}</xades:ClaimedRole>"
        "</xades:ClaimedRoles></xades:SignerRoleV2></xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{_formats(terms)}"
        f"<xades:CommitmentTypeIndication><xades:CommitmentTypeId><xades:Identifier>{_escape(terms.commitment)}"
        "</xades:Identifier></xades:CommitmentTypeId><xades:AllSignedDataObjects></xades:AllSignedDataObjects>"
        "</xades:CommitmentTypeIndication></xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


def build_signature_value(slot_id: str, value: bytes, *, form: Form) -> str:
    """Return ds:SignatureValue; `value` is raw r‖s for ECDSA."""
    return _signature_value(slot_id, _b64(value), form)


def build_signature(
    slot_id: str,
    *,
    signed_info: str,
    certificates: Sequence[bytes],
    signed_properties: str,
    unsigned_properties: str,
) -> str:
    """Return the whole ds:Signature as it is stored, a HOLE where its value will come.

    Args:
        signed_info, signed_properties: in their `Form.IN_PLACE`.
        certificates: DER, the signer's first, then its chain.
        unsigned_properties: of `build_unsigned_properties`, or nothing.
    """
    identifier = signature_id(slot_id)
    return (
        f'<ds:Signature{Form.ALONE.ds} Id="{identifier}">{signed_info}'
        f"{_signature_value(slot_id, HOLE, Form.IN_PLACE)}"
        f"{_key_info(tuple(certificates))}"
        f'<ds:Object><xades:QualifyingProperties{Form.ALONE.xades} Target="#{identifier}">'
        f"{signed_properties}{unsigned_properties}</xades:QualifyingProperties></ds:Object></ds:Signature>"
    )


def build_unsigned_properties(*, timestamp: bytes | None, evidences: Sequence[Evidence], known: Sequence[bytes]) -> str:
    """Return xades:UnsignedProperties, or nothing when there is nothing to say.

    Args:
        timestamp: DER of the RFC 3161 token over the signature value.
        evidences: chains and revocation status, of the signer and of the time-stamping authority; nothing is written
            twice, and no certificate in `known` (DER, of KeyInfo).

    Spec: EN 319 132-1, 5.3 (SignatureTimeStamp), 5.4.1, 5.4.2 (values of certificates and of revocation).
    """
    properties = "" if timestamp is None else build_signature_timestamp(timestamp)
    properties += build_certificate_values([der for der in _list_unique(evidences, _list_chain) if der not in known])
    properties += build_revocation_values(
        _list_unique(evidences, lambda one: one.crls), _list_unique(evidences, lambda one: one.ocsps)
    )
    return wrap_unsigned_properties(properties) if properties else ""


def wrap_unsigned_properties(properties: str) -> str:
    """Return xades:UnsignedProperties around these properties."""
    return (
        f"<xades:UnsignedProperties><xades:UnsignedSignatureProperties>{properties}"
        "</xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )


def _list_unique(evidences: Sequence[Evidence], choose: Callable[[Evidence], Iterable[bytes]]) -> list[bytes]:
    return list(dict.fromkeys(der for one in evidences for der in choose(one)))


def _list_chain(evidence: Evidence) -> Iterable[bytes]:
    return [one.der for one in evidence.chain]


def _signature_value(slot_id: str, text: str, form: Form) -> str:
    return f'<ds:SignatureValue{form.ds} Id="{value_id(slot_id)}">{text}</ds:SignatureValue>'


def _reference(attribute: str, part_id: str, digest: str) -> str:
    return (
        f'<ds:Reference {attribute} URI="#{part_id}"><ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE_C14N}">'
        f'</ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )


def _signature_method(algorithm: SignatureAlgorithm) -> str:
    """Spec: RFC 9231, 2.3; the PSS identifiers (2.3.10) fix hash, mask and salt length and so carry no parameters."""
    return f'<ds:SignatureMethod Algorithm="{algorithm.xml_uri}"></ds:SignatureMethod>'


@lru_cache(maxsize=2 * _CACHED_CERTIFICATES)
def _signing_certificate(certificate_der: bytes, form: Form) -> str:
    """Spec: EN 319 132-1, 5.2.2; IssuerSerialV2 is the DER of IssuerSerial of RFC 5035, clause 5."""
    certificate = x509.Certificate.load(certificate_der)
    issuer_serial = tsp.IssuerSerial(
        {
            "issuer": [x509.GeneralName(name="directory_name", value=certificate.issuer)],
            "serial_number": certificate.serial_number,
        }
    ).dump()
    digest = hashlib.sha256(certificate_der).digest()
    return (
        "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
        f'<ds:DigestMethod{form.ds} Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue{form.ds}>{_b64(digest)}</ds:DigestValue></xades:CertDigest>"
        f"<xades:IssuerSerialV2>{_b64(issuer_serial)}</xades:IssuerSerialV2>"
        "</xades:Cert></xades:SigningCertificateV2>"
    )


def _policy_identifier(terms: SignedTerms, form: Form) -> str:
    return (
        "<xades:SignaturePolicyIdentifier><xades:SignaturePolicyId><xades:SigPolicyId>"
        f'<xades:Identifier Qualifier="OIDAsURN">{_escape(terms.policy)}</xades:Identifier></xades:SigPolicyId>'
        f'<xades:SigPolicyHash><ds:DigestMethod{form.ds} Algorithm="{SHA256}"></ds:DigestMethod>'
        f"<ds:DigestValue{form.ds}>{_b64(terms.policy_digest)}</ds:DigestValue></xades:SigPolicyHash>"
        "</xades:SignaturePolicyId></xades:SignaturePolicyIdentifier>"
    )


def _formats(terms: SignedTerms) -> str:
    return "".join(
        f'<xades:DataObjectFormat ObjectReference="#{reference_id(terms.slot_id, number)}">'
        f"<xades:MimeType>{PART_MIME_TYPE}</xades:MimeType></xades:DataObjectFormat>"
        for number in range(1, len(terms.part_ids) + 1)
    )


@lru_cache(maxsize=_CACHED_CERTIFICATES)
def _key_info(certificates: tuple[bytes, ...]) -> str:
    listed = "".join(f"<ds:X509Certificate>{_b64(der)}</ds:X509Certificate>" for der in certificates)
    return f"<ds:KeyInfo><ds:X509Data>{listed}</ds:X509Data></ds:KeyInfo>"


def build_signature_timestamp(token: bytes) -> str:
    """Return xades:SignatureTimeStamp around the DER of an RFC 3161 token."""
    return (
        f'<xades:SignatureTimeStamp><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}">'
        f"</ds:CanonicalizationMethod><xades:EncapsulatedTimeStamp>{_b64(token)}</xades:EncapsulatedTimeStamp>"
        "</xades:SignatureTimeStamp>"
    )


def build_certificate_values(certificates: Sequence[bytes]) -> str:
    """Return xades:CertificateValues of these certificates (DER), or nothing.  Spec: EN 319 132-1, 5.4.1."""
    if not certificates:
        return ""
    values = "".join(
        f"<xades:EncapsulatedX509Certificate>{_b64(der)}</xades:EncapsulatedX509Certificate>" for der in certificates
    )
    return f"<xades:CertificateValues>{values}</xades:CertificateValues>"


def build_revocation_values(crls: Sequence[bytes], ocsps: Sequence[bytes]) -> str:
    """Return xades:RevocationValues of these CRLs and OCSP answers (DER), or nothing.  Spec: EN 319 132-1, 5.4.2."""
    values = ""
    if crls:
        listed = "".join(f"<xades:EncapsulatedCRLValue>{_b64(der)}</xades:EncapsulatedCRLValue>" for der in crls)
        values += f"<xades:CRLValues>{listed}</xades:CRLValues>"
    if ocsps:
        listed = "".join(f"<xades:EncapsulatedOCSPValue>{_b64(der)}</xades:EncapsulatedOCSPValue>" for der in ocsps)
        values += f"<xades:OCSPValues>{listed}</xades:OCSPValues>"
    return f"<xades:RevocationValues>{values}</xades:RevocationValues>" if values else ""


def _date_time(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _escape(text: str) -> str:
    """Return `text` as canonical XML writes character data.  Spec: Canonical XML 1.0, 2.3, text nodes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
