"""Reads the XAdES signatures of an XML document.

Implements the reading side of ETSI EN 319 132-1 (4.3 to 5.4) over `xmldsig.py`, and of EN 319 102-1 the building
blocks format checking (5.2.2), identification of the signing certificate (5.2.3) and cryptographic verification
(5.2.7).  Certificates, time, policy and place are judged elsewhere, from what is returned here.

The reader is tolerant in what it can describe and strict in what it calls intact: whatever it does not understand
becomes a `SignatureProblem`, and a signature with any problem of form never passes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml.etree import _Element

from transcript_core.clock import read_utc
from transcript_core.limits import MAX_SIGNATURES
from transcript_core.pki.algorithms import find_by_xml_uri
from transcript_core.pki.certificates import deduplicate
from verify.formats import key_info
from verify.formats.encoding import has_hidden_nodes, list_children
from verify.formats.names import ds
from verify.formats.octets import OctetCache
from verify.formats.problems import SignatureProblem
from verify.formats.signer_key import ValueCheck, find_signer_key
from verify.formats.transforms import NO_FILES, DetachedFiles
from verify.formats.xades_types import SIGNED_PROPERTIES_TYPE, SignedProperties, XadesSignature
from verify.formats.xades_unsigned import XADES, UnsignedReader
from verify.formats.xades_usual import read_usual_signatures
from verify.formats.xmldsig import Reading, Reference, iterate_references

_PLAIN_PARTS: Final = (ds("SignedInfo"), ds("SignatureValue"), ds("KeyInfo"))


def list_signature_elements(root: _Element) -> list[_Element]:
    """Return every `ds:Signature` of the document, in document order."""
    return list(root.iter(ds("Signature")))


def read_signatures(cache: OctetCache, files: DetachedFiles = NO_FILES) -> tuple[XadesSignature, ...]:
    """Return every signature of the document that `cache` was made for, in document order, at most MAX_SIGNATURES.

    References resolve through the Id map of `cache`, or to one of `files`, and to nothing else.  `xades_usual` answers
    for signatures as transcripts have them, with what this module's own reader would say, only sooner.
    """
    elements = list_signature_elements(cache.root)
    readings = [Reading(element, cache, files) for element in elements[:MAX_SIGNATURES]]
    if len(elements) > MAX_SIGNATURES:
        readings[-1].note(SignatureProblem.MANY_SIGNATURES)
    usual = read_usual_signatures(cache)
    return tuple((None if one.problems else usual.get(one.signature)) or read_thoroughly(one) for one in readings)


def read_thoroughly(reading: Reading) -> XadesSignature:
    """Return what one signature says, whatever its form; what is wrong with it is among its problems."""
    element, cache = reading.signature, reading.cache
    if _has_hidden_nodes(element, cache):
        reading.note(SignatureProblem.HIDDEN_NODE)
    if element.get("Id") is None:
        reading.note(SignatureProblem.NO_ID)
    signed_info = reading.find_only(element, ds("SignedInfo"))
    value_element = reading.find_only(element, ds("SignatureValue"))
    qualifying = _find_qualifying(reading)
    references = () if signed_info is None else tuple(iterate_references(reading, signed_info))
    properties = _read_signed_properties(reading, qualifying, references)
    if properties is not None and all(one.node is properties.node for one in references):
        reading.note(SignatureProblem.NO_REFERENCE)  # it signs when and by whom, and nothing else
    uri = _attribute(reading, signed_info, "SignatureMethod")
    algorithm = find_by_xml_uri(uri)
    check = ValueCheck(reading, signed_info, algorithm, reading.read_base64(value_element))
    check.prepare()
    unsigned = UnsignedReader(reading, qualifying, signed_info)
    key_certificates = key_info.read_certificates(reading)
    signer = find_signer_key(reading, check, (key_certificates, unsigned.certificates), properties)
    return XadesSignature(
        element=element,
        signature_id=element.get("Id"),
        references=tuple(one for one in references if one.type_uri != SIGNED_PROPERTIES_TYPE),
        signed_info_method=_attribute(reading, signed_info, "CanonicalizationMethod"),
        algorithm_uri=uri,
        algorithm=algorithm,
        value_element=value_element,
        references_intact=_conjoin(reading, references),
        value_intact=signer.value_intact,
        certificate=signer.certificate,
        certificates=deduplicate((*key_certificates, *unsigned.certificates)),
        key_certificates=key_certificates,
        certificate_is_bound=signer.is_bound,
        properties=properties,
        timestamps=unsigned.timestamps,
        ocsps=unsigned.ocsps,
        crls=unsigned.crls,
        problems=tuple(reading.problems),
    )


def _conjoin(reading: Reading, references: tuple[Reference, ...]) -> bool | None:
    """Return whether all digests are right; open where one that must be there, of the properties, is not."""
    answers = {reference.intact_with_entries for reference in references}
    if False in answers:
        return False
    missing = None in answers or not answers or SignatureProblem.PROPERTIES_NOT_SIGNED in reading.problems
    return None if missing else True


def _attribute(reading: Reading, signed_info: _Element | None, name: str) -> str:
    method = None if signed_info is None else reading.find_only(signed_info, ds(name))
    return "" if method is None else method.get("Algorithm", "")


def _has_hidden_nodes(signature: _Element, cache: OctetCache) -> bool:
    """Return whether a part that is read here holds a comment or the like; what an Object carries is only digested."""
    parts = (*signature.iterchildren(*_PLAIN_PARTS), *signature.iter(f"{{{XADES}}}QualifyingProperties"))
    return cache.has_hidden_nodes(signature) and any(has_hidden_nodes(part) for part in parts)


# --- signed properties -----------------------------------------------------------------------------------------


def _find_qualifying(reading: Reading) -> _Element | None:
    """Return the one QualifyingProperties inside this signature's own Objects, its Target this signature."""
    found = [
        child
        for holder in list_children(reading.signature)
        if holder.tag == ds("Object")
        for child in list_children(holder)
        if child.tag == f"{{{XADES}}}QualifyingProperties"
    ]
    anywhere = [
        one
        for one in reading.signature.iter(f"{{{XADES}}}QualifyingProperties")
        if next(one.iterancestors(ds("Signature"))) is reading.signature  # a countersignature has its own
    ]
    if len(found) > 1 or len(anywhere) != len(found):
        reading.note(SignatureProblem.MANY_QUALIFYING_PROPERTIES)
        return None
    if not found:
        reading.note(SignatureProblem.NO_SIGNED_PROPERTIES)
        return None
    if found[0].get("Target") != f"#{reading.signature.get('Id', '')}":
        reading.note(SignatureProblem.WRONG_TARGET)
        return None
    return found[0]


def _read_signed_properties(
    reading: Reading, qualifying: _Element | None, references: tuple[Reference, ...]
) -> SignedProperties | None:
    """Read the properties, but only from the very node that one reference of this signature digested."""
    if qualifying is None:
        return None
    nodes = list(qualifying.iterchildren(f"{{{XADES}}}SignedProperties"))
    if not nodes:
        reading.note(SignatureProblem.NO_SIGNED_PROPERTIES)
        return None
    node = nodes[0]
    typed = [reference for reference in references if reference.type_uri == SIGNED_PROPERTIES_TYPE]
    if not typed:
        typed = [reference for reference in references if reference.node is not None and reference.node is node]
        if typed:
            reading.note(SignatureProblem.NO_PROPERTIES_TYPE)
    if len(nodes) == len(typed) == 1 and typed[0].intact is None:
        return None  # why it was not digested is noted already
    if len(nodes) > 1 or len(typed) != 1 or typed[0].node is not node or typed[0].without:
        reading.note(SignatureProblem.PROPERTIES_NOT_SIGNED)
        return None
    return _SignedReader(reading, node).read()


class _SignedReader:
    """Reads SignedProperties; every part of it is optional and may occur once."""

    def __init__(self, reading: Reading, node: _Element) -> None:
        self.reading = reading
        self.node = node

    def read(self) -> SignedProperties:
        """Return what the properties say."""
        about_signature = self._find(self.node, "SignedSignatureProperties")
        about_data = self._find(self.node, "SignedDataObjectProperties")
        v2 = self._find(about_signature, "SigningCertificateV2")
        certificate = self._find(about_signature, "SigningCertificate") if v2 is None else v2
        policy_id, policy_digest = self._policy(about_signature)
        return SignedProperties(
            node=self.node,
            signing_time=self._time(self._find(about_signature, "SigningTime")),
            certificate_digests=self._certificate_digests(certificate),
            has_certificate_v2=v2 is not None,
            policy_id=policy_id,
            policy_digest=policy_digest,
            commitments=self._commitments(about_data),
            roles=self._roles(about_signature),
        )

    def _find(self, parent: _Element | None, name: str) -> _Element | None:
        found = [] if parent is None else list(parent.iterchildren(f"{{{XADES}}}{name}"))
        if len(found) > 1:
            self.reading.note(SignatureProblem.BAD_PROPERTY)
        return found[0] if len(found) == 1 else None

    def _time(self, element: _Element | None) -> datetime | None:
        if element is None or element.text is None:
            return None
        try:
            return read_utc(datetime.fromisoformat(element.text.strip()))
        except ValueError:
            self.reading.note(SignatureProblem.BAD_PROPERTY)
            return None

    def _digest(self, holder: _Element | None) -> tuple[str, bytes] | None:
        if holder is None:
            return None
        problem = SignatureProblem.BAD_PROPERTY
        method = self.reading.find_only(holder, ds("DigestMethod"), problem)
        value = self.reading.read_base64(self.reading.find_only(holder, ds("DigestValue"), problem), problem)
        return None if method is None or value is None else (method.get("Algorithm", ""), value)

    def _certificate_digests(self, element: _Element | None) -> tuple[tuple[str, bytes], ...]:
        certs = [] if element is None else [one for one in list_children(element) if one.tag == f"{{{XADES}}}Cert"]
        digests = (self._digest(self._find(cert, "CertDigest")) for cert in certs)
        return tuple(digest for digest in digests if digest is not None)

    def _policy(self, parent: _Element | None) -> tuple[str | None, tuple[str, bytes] | None]:
        policy = self._find(self._find(parent, "SignaturePolicyIdentifier"), "SignaturePolicyId")
        identifier = self._find(self._find(policy, "SigPolicyId"), "Identifier")
        digest = self._digest(self._find(policy, "SigPolicyHash"))
        return (None if identifier is None else (identifier.text or "").strip()), digest

    def _commitments(self, parent: _Element | None) -> tuple[str, ...]:
        if parent is None:
            return ()
        found = [one for one in list_children(parent) if one.tag == f"{{{XADES}}}CommitmentTypeIndication"]
        named = (self._find(self._find(one, "CommitmentTypeId"), "Identifier") for one in found)
        return tuple((element.text or "").strip() for element in named if element is not None)

    def _roles(self, parent: _Element | None) -> tuple[str, ...]:
        holder = self._find(parent, "SignerRoleV2")
        claimed = self._find(self._find(parent, "SignerRole") if holder is None else holder, "ClaimedRoles")
        if claimed is None:
            return ()
        return tuple("".join(map(str, one.itertext())).strip() for one in list_children(claimed))
