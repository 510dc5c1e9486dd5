"""What a signature says about itself.  Implements ETSI TS 119 102-2 V1.4.1, annex A (signature attributes)."""

from __future__ import annotations

from lxml import etree
from lxml.etree import _Element

from verify.reports import vocabulary as names
from verify.reports.objects import ValidationObjects
from verify.signature import ExaminedSignature, SignatureFacts


def write_attributes(parent: _Element, signature: ExaminedSignature, objects: ValidationObjects) -> None:
    """Append the attributes that were read; nothing when there are none."""
    element = etree.Element(f"{{{names.VR}}}SignatureAttributes")
    facts = signature.facts
    _write_signed(element, facts, objects)
    _write_roles(element, facts)
    for stamp, answer in zip(facts.timestamps, signature.timestamps, strict=True):
        if answer.time is not None:
            name = "ArchiveTimeStamp" if stamp.archive else "SignatureTimeStamp"
            holder = names.add(element, name, Signed="false")
            names.add_references(holder, "AttributeObject", objects.find_tokens((stamp.token,)))
            names.add_time(holder, "TimeStampValue", answer.time)
    _write_evidence(element, facts, objects)
    if len(element):
        parent.append(element)


def _write_signed(element: _Element, facts: SignatureFacts, objects: ValidationObjects) -> None:
    if facts.signed_at is not None:
        names.add_time(names.add(element, "SigningTime", Signed="true"), "Time", facts.signed_at)
    if facts.certificate is not None and facts.certificate_is_bound:
        holder = names.add(element, "SigningCertificate", Signed="true")
        names.add_references(holder, "AttributeObject", objects.add_certificates((facts.certificate,)))
    for commitment in facts.commitments:
        holder = names.add(element, "CommitmentTypeIndication", Signed="true")
        names.add(holder, "CommitmentTypeIdentifier", commitment)
    if facts.policy_id is not None:
        names.add(names.add(element, "SigPolicyIdentifier", Signed="true"), "SigPolicyId", facts.policy_id)


def _write_roles(element: _Element, facts: SignatureFacts) -> None:
    properties = None if facts.xades is None else facts.xades.properties
    roles = () if properties is None else properties.roles
    roles = facts.pdf.claimed_roles if facts.pdf is not None else roles
    if not roles:
        return
    holder = names.add(element, "SignerRole", Signed="true")
    for role in roles:
        details = names.add(holder, "RoleDetails")
        names.add(details, "Role", role)
        names.add(details, "EndorsementType", "claimed")


def _write_evidence(element: _Element, facts: SignatureFacts, objects: ValidationObjects) -> None:
    ocsps, crls = objects.add_ocsps(facts.ocsps), objects.add_crls(facts.crls)
    if facts.pdf is not None:
        if ocsps or crls:
            store = names.add(element, "DSS", Signed="false")
            names.add_references(store, "CRLs", crls)
            names.add_references(store, "OCSPs", ocsps)
        return
    carried = objects.add_certificates(one for one in facts.certificates if one not in facts.embedded)
    for name, identifiers in (("CertificateValues", carried), ("RevocationValues", (*ocsps, *crls))):
        if identifiers:
            holder = names.add(element, name, Signed="false")
            for identifier in identifiers:
                names.add_references(holder, "AttributeObject", (identifier,))
