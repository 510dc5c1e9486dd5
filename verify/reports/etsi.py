"""The validation report as XML.

Implements ETSI TS 119 102-2 V1.4.1, 4.3 (one signature validation report for each signature) and 4.4 (the objects that
they refer to).  What concerns the whole file, above all what transcripts ask beyond the standard, is the report on the
signed file itself: each of our checks is one constraint in it.  `schemas/xsd/validation-report-1.4.1.xsd` describes
what is written here; `docs/verification.md` names what is left out.

The octets are exclusive canonical XML, so that the report can be signed as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lxml import etree
from lxml.etree import _Element

from transcript_core.c14n import canonicalize
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.path import PathOutcome, PathResult
from transcript_core.pki.revocation import RevocationStatus
from verify import checks
from verify.detail import DetailedReport
from verify.report import Finding, FindingOutcome, Outcome, SignatureReport, SubIndication
from verify.reports import vocabulary as names
from verify.reports.attributes import write_attributes
from verify.reports.objects import DOCUMENT_ID, StampedBy, ValidationObjects, write_proof
from verify.reports.signed_data import find_signed_data
from verify.signature import ExaminedSignature

_JUDGES: Final = {
    check.NAME: judge for check in checks.ALL if (judge := getattr(check, "judge", None)) in checks.SIGNATURE_JUDGES
}
"""The checks that speak of one signature by itself, by name."""

_STAMP_OUTCOMES: Final = {
    PathOutcome.VALID: FindingOutcome.PASSED,
    PathOutcome.INVALID: FindingOutcome.FAILED,
    PathOutcome.INDETERMINATE: FindingOutcome.INDETERMINATE,
}


def build_validation_report(detailed: DetailedReport) -> bytes:
    """Return the validation report: UTF-8 octets of exclusive canonical XML; equal input gives equal octets."""
    root = etree.Element(f"{{{names.VR}}}ValidationReport", nsmap=names.NAMESPACES)
    objects = ValidationObjects(detailed.report.checked_at)
    _collect(detailed, objects)
    for number, signature in enumerate(detailed.signatures, start=1):
        _write_signature(root, number, signature, detailed, objects)
    if not detailed.signatures:
        _write_unsigned(root, detailed)
    listed = names.add(root, "SignatureValidationObjects")
    _write_document(listed, detailed)
    elements = objects.write(listed)
    for identifier, stamped in objects.list_stamped():
        _write_stamp(elements[identifier], stamped, objects)
    return canonicalize(root)


# --- what the reports rest on -----------------------------------------------------------------------------------


def _collect(detailed: DetailedReport, objects: ValidationObjects) -> None:
    """Meet every object in the order of the signatures, then let the timestamps prove what they cover."""
    for one in detailed.signatures:
        facts = one.facts
        objects.add_certificates(_list_path(one.path))
        objects.add_certificates((*facts.embedded, *facts.certificates))
        objects.add_ocsps(facts.ocsps)
        objects.add_crls(facts.crls)
        for stamp, answer in zip(facts.timestamps, one.timestamps, strict=True):
            _meet(StampedBy(stamp, answer), objects)
    for loose in detailed.document_timestamps:
        _meet(StampedBy(loose.stamp.carried, loose.answer), objects)
    for _, stamped in objects.list_stamped():
        objects.prove(stamped)


def _meet(stamped: StampedBy, objects: ValidationObjects) -> None:
    objects.add_timestamp(stamped)
    objects.add_certificates(_list_path(stamped.answer.path))
    objects.add_certificates(() if stamped.answer.token is None else stamped.answer.token.certificates)


def _list_path(path: PathResult | None) -> tuple[Certificate, ...]:
    if path is None:
        return ()
    return path.chain if path.anchor is None else (*path.chain, path.anchor.certificate)


# --- one signature ----------------------------------------------------------------------------------------------


def _write_signature(
    root: _Element, number: int, signature: ExaminedSignature, detailed: DetailedReport, objects: ValidationObjects
) -> None:
    told = detailed.report.signatures[number - 1]
    element = names.add(root, "SignatureValidationReport")
    _write_identifier(element, number, signature, told, detailed)
    _write_constraints(element, _judge(signature), detailed)
    _write_times(element, signature, detailed, objects)
    _write_signed_document(element, detailed)
    write_attributes(element, signature, objects)
    _write_signer(element, signature, objects)
    _write_process(element, signature)
    status = _write_status(element, "SignatureValidationStatus", told.outcome, told.sub_indication)
    _write_material(status, signature.path, objects, signature_id=f"S-{number}", signature=signature)


def _write_identifier(
    parent: _Element, number: int, signature: ExaminedSignature, told: SignatureReport, detailed: DetailedReport
) -> None:
    element = names.add(parent, "SignatureIdentifier", id=f"S-{number}")
    signed = find_signed_data(signature.facts, detailed.document)
    if signed.digest is not None:
        names.add_digest(element, signed.digest)
    if signed.value is not None:
        names.add(element, "SignatureValue", names.encode(signed.value), space=names.DS)
    names.add(element, "HashOnly", "false")
    names.add(element, "DocHashOnly", "false")
    place = {"format": told.format, "level": told.level, "label": names.clean(signature.facts.label)}
    if told.slot is not None:
        place |= {"slot": told.slot, "authority": told.authority.value}
    names.add(names.add(element, "OtherInformation"), "Place", space=names.HOCBA, **place)


def _judge(signature: ExaminedSignature) -> list[tuple[str, FindingOutcome, SubIndication | None]]:
    verdicts = [(name, judge(signature)) for name, judge in _JUDGES.items()]
    return [(name, one.outcome, one.sub_indication) for name, one in verdicts]


def _write_constraints(
    parent: _Element,
    answers: Iterable[tuple[str, FindingOutcome, SubIndication | None]],
    detailed: DetailedReport,
    findings: Sequence[Finding] = (),
) -> None:
    element = names.add(parent, "ValidationConstraintsEvaluationReport")
    policy = names.add(element, "SignatureValidationPolicy")
    implied = names.add(policy, "SignaturePolicyIdentifier")
    names.add(implied, "SignaturePolicyImplied", space=names.XADES)
    names.add(policy, "PolicyName", detailed.policy.name)
    told = {one.check: one for one in findings}
    for name, outcome, reason in answers:
        _write_constraint(element, name, outcome, reason, told.get(name))


def _write_constraint(
    parent: _Element, name: str, outcome: FindingOutcome, reason: SubIndication | None, finding: Finding | None
) -> None:
    element = names.add(parent, "ValidationConstraint")
    names.add(element, "ValidationConstraintIdentifier", f"{names.CHECK}{name}")
    answer = names.find_answer(outcome)
    status = names.add(element, "ConstraintStatus")
    names.add(status, "Status", names.DISABLED if answer is None else names.APPLIED)
    if answer is not None:
        verdict = names.add(element, "ValidationStatus")
        names.add(verdict, "MainIndication", answer)
        if reason is not None and outcome is not FindingOutcome.PASSED:
            names.add(verdict, "SubIndication", names.name_sub_indication(reason))
    if finding is not None:
        _write_words(names.add(element, "Indications"), finding)


def _write_words(parent: _Element, finding: Finding) -> None:
    attributes = {"outcome": finding.outcome.value}
    if finding.criterion is not None:
        attributes["criterion"] = finding.criterion.value
    element = names.add(parent, "Finding", space=names.HOCBA, **attributes)
    for language, text in (("vi", finding.text_vi), ("en", finding.text_en)):
        words = names.add(element, "Text", text, space=names.HOCBA)
        words.set("{http://www.w3.org/XML/1998/namespace}lang", language)


def _write_times(
    parent: _Element, signature: ExaminedSignature, detailed: DetailedReport, objects: ValidationObjects
) -> None:
    element = names.add(parent, "ValidationTimeInfo")
    checked_at, proven = detailed.report.checked_at, signature.proven_time
    names.add_time(element, "ValidationTime", checked_at)
    proof = None if proven is None else objects.find_proof(proven)
    write_proof(element, "BestSignatureTime", checked_at if proven is None else proven, proof)


def _write_signed_document(parent: _Element, detailed: DetailedReport) -> None:
    element = names.add(parent, "SignersDocument")
    names.add_digest(element, detailed.report.document.sha256)
    names.add_references(element, "SignersDocumentRepresentation", (DOCUMENT_ID,))


def _write_signer(parent: _Element, signature: ExaminedSignature, objects: ValidationObjects) -> None:
    certificate = signature.facts.certificate
    if certificate is None:
        return
    element = names.add(parent, "SignerInformation")
    names.add_references(element, "SignerCertificate", objects.add_certificates((certificate,)))
    names.add(element, "Signer", certificate.subject)


def _write_process(parent: _Element, signature: ExaminedSignature) -> None:
    process = names.PROCESS_BASIC if signature.proven_time is None else names.PROCESS_WITH_TIME
    if any(stamp.archive for stamp in signature.facts.timestamps):
        process = names.PROCESS_ARCHIVED
    element = names.add(parent, "SignatureValidationProcess")
    names.add(element, "SignatureValidationProcessID", process)


def _write_status(parent: _Element, name: str, outcome: Outcome, reason: SubIndication | None) -> _Element:
    element = names.add(parent, name)
    names.add(element, "MainIndication", names.name_indication(outcome))
    if reason is not None:
        names.add(element, "SubIndication", names.name_sub_indication(reason))
    return element


def _write_material(
    status: _Element,
    path: PathResult | None,
    objects: ValidationObjects,
    *,
    signature_id: str | None = None,
    signature: ExaminedSignature | None = None,
) -> None:
    """Append what the answer rests on (4.3.12): anchor, chain, revocation, algorithm."""
    element = etree.Element(f"{{{names.VR}}}AssociatedValidationReportData")
    if path is not None:
        _write_chain(element, path, objects)
        _write_revocation(element, path, objects)
    algorithm = None if signature is None else signature.facts.algorithm
    if signature is not None and algorithm is not None and signature_id is not None:
        crypto = names.add(element, "CryptoInformation")
        names.add_references(crypto, "ValidationObjectId", (signature_id,))
        names.add(crypto, "Algorithm", algorithm.xml_uri)
        secure = _JUDGES["signature.algorithms"](signature).outcome is FindingOutcome.PASSED
        names.add(crypto, "SecureAlgorithm", "true" if secure else "false")
    if len(element):
        status.append(element)


def _write_chain(parent: _Element, path: PathResult, objects: ValidationObjects) -> None:
    anchor = () if path.anchor is None else objects.add_certificates((path.anchor.certificate,))
    leaf, *above = objects.add_certificates(path.chain)
    names.add_references(parent, "TrustAnchor", anchor)
    chain = names.add(parent, "CertificateChain")
    names.add_references(chain, "SigningCertificate", (leaf,))
    for identifier in above:
        names.add_references(chain, "IntermediateCertificate", (identifier,))
    names.add_references(chain, "TrustAnchor", anchor)
    if path.anchor is not None:
        world = {"world": path.anchor.world.value, "development": "true" if path.anchor.development else "false"}
        names.add(names.add(chain, "OtherInformation"), "Anchor", space=names.HOCBA, **world)


def _write_revocation(parent: _Element, path: PathResult, objects: ValidationObjects) -> None:
    revocation = path.revocation
    if revocation.status is not RevocationStatus.REVOKED or revocation.revoked_at is None:
        return
    element = names.add(parent, "RevocationStatusInformation")
    names.add_references(element, "ValidationObjectId", objects.add_certificates(path.chain[:1]))
    names.add_time(element, "RevocationTime", revocation.revoked_at)
    if revocation.reason is not None:
        names.add(element, "RevocationReason", names.name_revocation_reason(revocation.reason))


# --- the file, and timestamps -----------------------------------------------------------------------------------


def _write_unsigned(root: _Element, detailed: DetailedReport) -> None:
    """A report holds at least one signature's; for a file without any it says that there is none."""
    element = names.add(root, "SignatureValidationReport")
    _write_signed_document(element, detailed)
    status = _write_status(element, "SignatureValidationStatus", detailed.report.outcome, None)
    names.add(status, "SubIndication", names.NO_SIGNATURE)


def _write_document(parent: _Element, detailed: DetailedReport) -> None:
    """The file as an object, with the report on it as a whole."""
    report = detailed.report
    element = names.add(parent, "ValidationObject", id=DOCUMENT_ID)
    names.add(element, "ObjectType", names.SIGNED_DATA)
    names.add_digest(names.add(element, "ValidationObjectRepresentation"), report.document.sha256)
    write_proof(element, "POE", report.checked_at, None)
    whole = names.add(element, "ValidationReport")
    answers = [(one.check, one.outcome, one.sub_indication) for one in report.findings]
    _write_constraints(whole, answers, detailed, report.findings)
    _write_status(whole, "SignatureValidationStatus", report.outcome, report.sub_indication)
    document = report.document
    known = {"kind": document.kind.value, "serial": document.serial, "status": document.status}
    known["version"] = None if document.version is None else str(document.version)
    known["digest"] = None if document.digest is None else document.digest.hex()
    told = {name: names.clean(value) for name, value in known.items() if value is not None}
    names.add(names.add(whole, "OtherInformation"), "Document", space=names.HOCBA, **told)


def _write_stamp(parent: _Element, stamped: StampedBy, objects: ValidationObjects) -> None:
    element = names.add(parent, "ValidationReport")
    answer = names.find_answer(_STAMP_OUTCOMES[stamped.answer.outcome])
    assert answer is not None
    status = names.add(element, "SignatureValidationStatus")
    names.add(status, "MainIndication", answer)
    if stamped.answer.sub_indication is not None:
        names.add(status, "SubIndication", names.name_sub_indication(stamped.answer.sub_indication))
    _write_material(status, stamped.answer.path, objects)
