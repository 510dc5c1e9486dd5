"""The ETSI validation report: by its schema for every kind of vector, complete, repeatable, and silent about pupils."""

from __future__ import annotations

import hashlib
from base64 import b64decode

import pytest
from lxml import etree
from lxml.etree import _Element

from tests.vectors.cases import Case
from tests.vectors.catalogue import ask_in_detail, get_case, list_cases
from transcript_core.c14n import canonicalize
from transcript_core.canonical import parse_foreign_xml, validate_schema
from verify.detail import DetailedReport
from verify.report import FindingOutcome, Outcome
from verify.reports.etsi import build_validation_report
from verify.reports.vocabulary import NAMESPACES, name_indication

SCHEMA = "validation-report-1.4.1.xsd"
SAMPLE = list_cases()[::7]
NAMES = {key: NAMESPACES[key] for key in ("vr", "ds", "hb")}


def build(name: str) -> tuple[DetailedReport, _Element]:
    detailed = ask_in_detail(get_case(name))
    return detailed, etree.fromstring(build_validation_report(detailed))


def find(element: _Element, path: str) -> list[_Element]:
    return element.xpath(path, namespaces=NAMES)  # type: ignore[return-value]


def texts(element: _Element, path: str) -> list[str]:
    return [str(one) for one in element.xpath(path, namespaces=NAMES)]  # type: ignore[union-attr]


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_reports_of_vectors_fit_the_schema(case: Case) -> None:
    detailed = ask_in_detail(case)
    octets = build_validation_report(detailed)
    root = etree.fromstring(octets)
    validate_schema(root, SCHEMA)
    assert len(find(root, "vr:SignatureValidationReport")) == max(1, len(detailed.report.signatures))
    (main,) = find(root, "//vr:ValidationObject[@id='D-1']//vr:SignatureValidationStatus/vr:MainIndication")
    assert main.text == name_indication(detailed.report.outcome)


def test_report_is_its_own_exclusive_canonical_form_and_repeatable() -> None:
    detailed = ask_in_detail(get_case("lower_secondary"))
    octets = build_validation_report(detailed)
    assert canonicalize(parse_foreign_xml(octets)) == octets
    assert build_validation_report(detailed) == octets


@pytest.mark.parametrize("name", ["lower_secondary", "pdf_alone", "json_of_the_seal_alone"])
def test_every_signature_is_named_by_what_was_signed_and_its_value(name: str) -> None:
    _, root = build(name)
    for report in find(root, "vr:SignatureValidationReport"):
        (digest,) = find(report, "vr:SignatureIdentifier/vr:DigestAlgAndValue/ds:DigestValue")
        (value,) = find(report, "vr:SignatureIdentifier/ds:SignatureValue")
        assert len(b64decode(digest.text or "")) == 32
        assert len(b64decode(value.text or "")) >= 64


def test_identifiers_lead_to_objects_with_their_octets() -> None:
    _, root = build("lower_secondary")
    objects = {one.get("id"): one for one in find(root, "vr:SignatureValidationObjects/vr:ValidationObject")}
    for identifier, one in objects.items():
        if identifier != "D-1":
            (octets,), (digest,) = find(one, ".//vr:base64"), find(one, ".//ds:DigestValue")
            assert hashlib.sha256(b64decode(octets.text or "")).digest() == b64decode(digest.text or "")
    chains = texts(root, "vr:SignatureValidationReport//vr:CertificateChain/vr:SigningCertificate/@VOReference")
    assert len(chains) == 19
    assert set(chains) <= set(objects)


def test_best_signature_time_names_the_timestamp_that_proves_it() -> None:
    detailed, root = build("lower_secondary")
    proven = {signature.proven_time for signature in detailed.report.signatures}
    (time,) = proven
    assert time is not None
    stated = texts(root, "//vr:BestSignatureTime[vr:POEObject/@VOReference='T-1']/vr:POETime/text()")
    assert stated == [f"{time:%Y-%m-%dT%H:%M:%SZ}"] * 19


def test_every_check_of_the_report_is_a_constraint_with_its_answer() -> None:
    detailed, root = build("edited_mark")
    constraints = find(root, "//vr:ValidationObject[@id='D-1']//vr:ValidationConstraint")
    assert len(constraints) == len(detailed.report.findings)
    for constraint, finding in zip(constraints, detailed.report.findings, strict=True):
        told = constraint.xpath("string(vr:ValidationStatus/vr:MainIndication)", namespaces=NAMES)
        looked_at = finding.outcome not in {FindingOutcome.NOT_CHECKED, FindingOutcome.NOT_APPLICABLE}
        assert told == (f"urn:etsi:019102:mainindication:{finding.outcome.value}" if looked_at else "")
        assert constraint.xpath("string(.//hb:Text[@xml:lang='vi'])", namespaces=NAMES) == finding.text_vi


def test_revocation_is_told_with_time_and_reason() -> None:
    _, root = build("certificate_revoked_before_signing")
    assert find(root, "//vr:RevocationStatusInformation/vr:RevocationTime")


@pytest.mark.parametrize("name", ["lower_secondary", "edited_mark"])
def test_report_holds_nothing_of_the_pupil(name: str) -> None:
    detailed, root = build(name)
    text = etree.tostring(root, encoding="unicode")
    passed = ask_in_detail(get_case("lower_secondary")).report.transcript
    assert passed is not None
    assert passed.pupil.name not in text
    assert str(passed.pupil.personal_id) not in text
    assert (detailed.report.outcome is Outcome.PASSED) == (name == "lower_secondary")


def test_file_without_signatures_says_so() -> None:
    _, root = build("random_octets")
    assert texts(root, "vr:SignatureValidationReport//vr:SubIndication/text()") == [
        "urn:hocba:subindication:NO_SIGNATURE_FOUND"
    ]
