"""How fast is a full verification?  Control: other libraries' checks of the same signatures, which are fewer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

import xmlsec
from lxml import etree
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signxml.verifier import SignatureConfiguration, XMLVerifier

from benchmarks.harness import Figure, Pace
from tests.support.issued import IssuedDocument, issued_school, open_copy
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.trust import TrustStore
from verify.policy import TRANSCRIPT_POLICY
from verify.report import Outcome
from verify.verifier import Verifier

_DS = "http://www.w3.org/2000/09/xmldsig#"
_ROUNDTRIP = etree.XMLParser(resolve_entities=False, no_network=True)


def measure_all(pace: Pace) -> Iterator[Figure]:
    """Yield the figures of verification; every round asserts the right answer."""
    document = issued_school().current
    with tempfile.TemporaryDirectory() as folder:
        installation = open_copy(Path(folder))
        workspace = installation.workspace
        assert workspace.trust is not None
        verifier = Verifier(
            trust=workspace.trust,
            authority=workspace.authority,
            status=installation.context,
            policy=TRANSCRIPT_POLICY,
            clock=workspace.clock,
        )
        yield from _measure_xml(pace, verifier, document)
        yield _measure_pdf(pace, verifier, document, workspace.trust, workspace.clock.now())
        installation.close()


def _measure_xml(pace: Pace, verifier: Verifier, document: IssuedDocument) -> Iterator[Figure]:
    name = "XML with 19 signatures, full verification"
    controls = (
        ("signxml XMLVerifier on each signature", lambda: _verify_with_signxml(document.xml), 8.0),
        ("python-xmlsec on each signature's core", lambda: _verify_with_xmlsec(document.xml), 3.0),
    )
    for control_name, control, floor in controls:
        yield pace.measure(
            name,
            lambda: _verify(verifier, document.xml),
            control_name=control_name,
            control=control,
            must_reach=floor,
        )


def _measure_pdf(pace: Pace, verifier: Verifier, document: IssuedDocument, trust: TrustStore, at: datetime) -> Figure:
    return pace.measure(
        "PDF with 19 signatures, full verification with its XML",
        lambda: _verify(verifier, document.pdf, xml=document.xml),
        control_name="pyHanko validate_pdf_signature on each",
        control=lambda: _verify_with_pyhanko(document.pdf, trust, at),
        must_reach=60.0,
    )


def _verify(verifier: Verifier, content: bytes, *, xml: bytes | None = None) -> None:
    report = verifier.verify(content, xml=xml)
    assert report.outcome is Outcome.PASSED, report.to_json()


def _verify_with_signxml(xml: bytes) -> None:
    root = etree.fromstring(xml, _ROUNDTRIP)
    signatures = list(root.iter(f"{{{_DS}}}Signature"))
    assert len(signatures) == 19
    for signature in signatures:
        certificate = signature.findtext(f".//{{{_DS}}}X509Certificate")
        references = len(signature.findall(f"{{{_DS}}}SignedInfo/{{{_DS}}}Reference"))
        XMLVerifier().verify(
            root,
            x509_cert=load_certificate(_pem(certificate or "")).x509,
            expect_config=SignatureConfiguration(
                location=f".//*[@Id='{signature.getparent().get('Id')}']/", expect_references=references
            ),
            id_attribute="Id",
        )


def _verify_with_xmlsec(xml: bytes) -> None:
    root = etree.fromstring(xml, _ROUNDTRIP)
    xmlsec.tree.add_ids(root, ["Id"])
    signatures = list(root.iter(f"{{{_DS}}}Signature"))
    assert len(signatures) == 19
    for signature in signatures:
        certificate = signature.findtext(f".//{{{_DS}}}X509Certificate")
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(_pem(certificate or ""), xmlsec.constants.KeyDataFormatCertPem)
        context.verify(signature)


def _pem(text: str) -> bytes:
    return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n".encode()


def _verify_with_pyhanko(pdf: bytes, trust: TrustStore, at: datetime) -> None:
    roots = [anchor.certificate.asn1 for anchor in trust.anchors]
    signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
    assert len(signatures) == 19
    for signature in signatures:
        status = validate_pdf_signature(
            signature, ValidationContext(trust_roots=roots, allow_fetching=False, moment=at)
        )
        assert status.intact
        assert status.valid
