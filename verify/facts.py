"""Step 2: what each signature says, in one form for all formats (EN 319 102-1, 5.2.2, 5.2.3, 5.2.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lxml.etree import _Element

from transcript_core.errors import InputError
from transcript_core.limits import MAX_SIGNATURES
from transcript_core.model import SlotRole
from transcript_core.policy import SignatureLevel, Slot, get_policy, list_slots
from verify.documents import ContainerInput, PdfInput, XmlInput, assume_issue
from verify.formats.jades import JwsInput
from verify.formats.pades import PdfSignature, Problem, SignatureKind
from verify.formats.problems import Gravity, ProblemText, SignatureProblem
from verify.formats.xades_types import XadesSignature
from verify.formats.xmldsig import Reference
from verify.levels import find_pdf_level, is_sound_stamp
from verify.report import SubIndication
from verify.signature import CarriedTimestamp, LooseTimestamp, SignatureFacts, SignatureFormatName

_ALGORITHM_PROBLEMS = {
    "weak-algorithm": SignatureProblem.WEAK_ALGORITHM,
    "key-mismatch": SignatureProblem.KEY_MISMATCH,
}
"""Problems of PDF signatures that are said of all formats in one way, by code."""

_SHA256_URI = "http://www.w3.org/2001/04/xmlenc#sha256"


def list_xml_facts(xml: XmlInput) -> tuple[SignatureFacts, ...]:
    """Return the facts of every signature of an XML file, in document order."""
    by_element = _find_slots(xml)
    labels = _label(xml.signatures, by_element)
    places = [_Place(signature, labels[signature]) for signature in xml.signatures]
    around_any = frozenset().union(*(place.around | place.outside for place in places))
    return tuple(
        _from_xades(
            signature,
            labels[signature],
            by_element.get(signature.element),
            _cover(signature, places, around_any),
        )
        for signature in xml.signatures
    )


def list_container_facts(asic: ContainerInput) -> tuple[SignatureFacts, ...]:
    """Return the facts of every signature of a container, named after the file that holds it."""
    return tuple(
        replace(facts, label=f"{name}{facts.label}", covered_labels=frozenset(), covered_whole=frozenset())
        for name, xml in asic.signature_files
        for facts in list_xml_facts(xml)
    )[:MAX_SIGNATURES]


def list_pdf_facts(pdf: PdfInput) -> tuple[SignatureFacts, ...]:
    """Return the facts of every signature of a PDF, in the order in which they were made; no document timestamps."""
    slots = {slot.slot_id: slot for slot in pdf.slots}
    signatures = [one for one in pdf.signed.signatures if one.kind is SignatureKind.SIGNATURE]
    facts = []
    for number, signature in enumerate(signatures):
        earlier = _list_inside(signature, signatures[:number])
        facts.append(_from_pades(signature, slots.get(signature.slot_id), earlier, pdf))
    return tuple(facts)


def _list_inside(signature: PdfSignature, earlier: Iterable[PdfSignature]) -> frozenset[str]:
    """Return those of the earlier signatures whose /Contents is among the octets that this one covers.

    Where a range leaves out more than its own /Contents, anything may have been put there later.
    """
    if signature.leaves_out:
        return frozenset()
    return frozenset(one.slot_id for one in earlier if not one.leaves_out and 0 < one.gap[1] <= signature.covered_end)


def _find_slots(xml: XmlInput) -> Mapping[_Element, Slot]:
    """Return the slot of each signature that stands in one, by the tree and never by what the signature says."""
    if xml.content is None:
        return {}
    slots = {slot.slot_id: slot for slot in xml.content.slots}
    return {element: slots[slot_id] for slot_id, element in xml.content.signed.items()}


def _label(signatures: Sequence[XadesSignature], by_element: Mapping[_Element, Slot]) -> dict[XadesSignature, str]:
    labels = {}
    for number, signature in enumerate(signatures, start=1):
        slot = by_element.get(signature.element)
        labels[signature] = f"#{number}" if slot is None else slot.slot_id
    return labels


class _Place:
    """A signature, the elements that its value lies inside of, and those that the whole of it does."""

    def __init__(self, signature: XadesSignature, label: str) -> None:
        value = signature.value_element
        self.signature = signature
        self.label = label
        self.around = frozenset() if value is None else frozenset((value, *value.iterancestors()))
        self.outside = frozenset((signature.element, *signature.element.iterancestors()))


def _cover(
    signature: XadesSignature, places: Sequence[_Place], around_any: frozenset[_Element]
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the other signatures whose value is in the octets that this one digested, and those that are whole.

    What transforms left out, or decoded, was not digested: it may have been put there at any later time.
    """
    digested = [reference for reference in signature.references if reference.intact and reference.node is not None]
    plain = {reference.node for reference in digested if not reference.without}
    cut = [reference for reference in digested if reference.without]
    values: set[str] = set()
    whole: set[str] = set()
    if not cut and plain.isdisjoint(around_any):  # as a teacher, who signs a part
        return frozenset(), frozenset()
    for place in places:
        if place.signature is signature:
            continue
        if not plain.isdisjoint(place.around) or any(_holds_value(one, place) for one in cut):
            values.add(place.label)
        if not plain.isdisjoint(place.outside) or any(_holds_whole(one, place) for one in cut):
            whole.add(place.label)
    return frozenset(values), frozenset(whole)


def _holds_value(reference: Reference, place: _Place) -> bool:
    return reference.node in place.around and reference.without.isdisjoint(place.around)


def _holds_whole(reference: Reference, place: _Place) -> bool:
    if reference.node not in place.outside or not reference.without.isdisjoint(place.outside):
        return False
    element = place.signature.element
    return not any(ancestor is element for removed in reference.without for ancestor in removed.iterancestors())


def _from_xades(
    signature: XadesSignature, label: str, slot: Slot | None, covers: tuple[frozenset[str], frozenset[str]]
) -> SignatureFacts:
    covered, whole = covers
    properties = signature.properties
    digest = None if properties is None else properties.policy_digest
    return SignatureFacts(
        label=label,
        format=SignatureFormatName.XADES,
        slot=slot,
        references_intact=signature.references_intact,
        value_intact=signature.value_intact,
        certificate=signature.certificate,
        certificates=signature.certificates,
        certificate_is_bound=signature.certificate_is_bound,
        algorithm=signature.algorithm,
        signed_at=None if properties is None else properties.signing_time,
        policy_id=None if properties is None else properties.policy_id,
        policy_digest=digest[1] if digest and digest[0] == _SHA256_URI else None,
        commitments=() if properties is None else properties.commitments,
        timestamps=tuple(
            CarriedTimestamp(one.token, one.octets, archive=one.archive, objects=one.objects)
            for one in signature.timestamps
        ),
        ocsps=signature.ocsps,
        crls=signature.crls,
        troubles=tuple(problem.text for problem in signature.problems),
        level=_find_level(signature),
        covers=tuple(reference.uri for reference in signature.references),
        covered_labels=covered,
        covered_whole=whole,
        embedded=signature.key_certificates,
        xades=signature,
    )


def _find_level(signature: XadesSignature) -> SignatureLevel | None:
    """Return the baseline level (EN 319 132-1, 6.3) by what is carried; each level needs all of the one below."""
    if signature.properties is None:
        return None
    if all(one.archive for one in signature.timestamps):
        return SignatureLevel.B_B
    if not (signature.ocsps or signature.crls):
        return SignatureLevel.B_T
    archived = any(one.archive for one in signature.timestamps)
    return SignatureLevel.B_LTA if archived else SignatureLevel.B_LT


def _from_pades(signature: PdfSignature, slot: Slot | None, earlier: frozenset[str], pdf: PdfInput) -> SignatureFacts:
    return SignatureFacts(
        label=signature.slot_id,
        format=SignatureFormatName.PADES,
        slot=slot,
        references_intact=signature.digest_right,
        value_intact=signature.value_right,
        certificate=signature.signer,
        certificates=(*signature.certificates, *pdf.signed.dss_certificates),
        certificate_is_bound=signature.has_signing_certificate,
        algorithm=signature.algorithm,
        signed_at=signature.signed_at,
        policy_id=None if signature.policy_oid is None else f"urn:oid:{signature.policy_oid}",
        policy_digest=signature.policy_digest,
        commitments=signature.commitments,
        timestamps=_pdf_timestamps(signature),
        ocsps=pdf.signed.dss_ocsps,
        crls=pdf.signed.dss_crls,
        troubles=(
            *(_trouble(problem, Gravity.BROKEN) for problem in signature.problems),
            *(_trouble(problem, Gravity.UNREADABLE) for problem in signature.unsupported),
        ),
        level=find_pdf_level(signature, pdf.signed),
        covers=(f"revision {signature.covers_revision}",),
        covered_labels=earlier,
        covered_whole=earlier,
        embedded=(*(() if signature.signer is None else (signature.signer,)), *signature.certificates),
        pdf=signature,
    )


def _trouble(problem: Problem, gravity: Gravity) -> ProblemText:
    if problem.code in _ALGORITHM_PROBLEMS:
        return _ALGORITHM_PROBLEMS[problem.code].text
    broken = gravity is Gravity.BROKEN
    sub = SubIndication.FORMAT_FAILURE if broken else SubIndication.SIGNED_DATA_NOT_FOUND
    return ProblemText(gravity, sub, problem.text_vi, problem.text_en)


def _pdf_timestamps(signature: PdfSignature) -> tuple[CarriedTimestamp, ...]:
    if signature.timestamp is None or signature.timestamp_imprint is None:
        return ()
    return (CarriedTimestamp(signature.timestamp, None, signature.timestamp_imprint),)


def list_loose_timestamps(pdf: PdfInput) -> tuple[LooseTimestamp, ...]:
    """Return the document timestamps of a PDF; each proves every signature made before it."""
    found: list[LooseTimestamp] = []
    for number, signature in enumerate(pdf.signed.signatures):
        if signature.kind is not SignatureKind.DOCUMENT_TIMESTAMP:
            continue
        earlier = (one for one in pdf.signed.signatures[:number] if one.kind is SignatureKind.SIGNATURE)
        covered = _list_inside(signature, earlier)
        store = pdf.signed.find_stamped_store(signature.covers_revision)
        objects = (*(one.der for one in store.certificates), *store.ocsps, *store.crls)
        tokens = (one.carried.token for one in found)
        found.extend(
            LooseTimestamp(
                replace(carried, objects=(*objects, *tokens)),
                SignatureFormatName.PADES,
                is_sound_stamp(signature),
                covered,
            )
            for carried in _pdf_timestamps(signature)
        )
    return tuple(found)


def list_jws_facts(jws: JwsInput) -> tuple[SignatureFacts, ...]:
    """Return the facts of the one signature of a JWS, which is the seal's."""
    if jws.jws is None:
        return ()
    certificates = jws.jws.certificates
    return (
        SignatureFacts(
            label="jws",
            format=SignatureFormatName.JADES,
            slot=_find_seal_slot(jws),
            references_intact=jws.intact,
            value_intact=jws.intact,
            certificate=certificates[0] if certificates else None,
            certificates=certificates,
            certificate_is_bound=jws.is_bound,
            algorithm=jws.jws.algorithm,
            signed_at=jws.signed_at,
            policy_id=None,
            policy_digest=None,
            commitments=(),
            timestamps=(),
            ocsps=(),
            crls=(),
            troubles=(),
            level=SignatureLevel.B_B if jws.is_bound else None,
            covers=("payload",),
            covered_labels=frozenset(),
            covered_whole=frozenset(),
            embedded=certificates,
        ),
    )


def _find_seal_slot(jws: JwsInput) -> Slot | None:
    if jws.transcript is None:
        return None
    try:
        policy = get_policy(jws.transcript.policy_id)
        slots = list_slots(jws.transcript, assume_issue(jws.transcript, "", policy), policy)
    except InputError:
        return None
    return next((slot for slot in slots if slot.role is SlotRole.SEAL), None)
