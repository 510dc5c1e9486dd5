"""How fast is a full verification?  Control: other libraries' checks of the same signatures, which are fewer.

The documents were issued by the installation's own code and differ, and they are verified in turn, so that nothing
which belongs to one of them alone is remembered for the next time: what is remembered serves every one of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Final

import xmlsec
from lxml import etree
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signxml.verifier import SignatureConfiguration
from signxml.xades.xades import XAdESVerifier

from benchmarks.harness import Bound, Figure, Pace, compare, time_of
from benchmarks.issued_material import IssuedFolder, issue_school, sign_document, wide_authority
from benchmarks.material import AT
from benchmarks.verifying_processes import measure_school, measure_worst
from tests.support.issued import CHANGED_AT
from tests.support.pki import development_pki
from transcript_core.clock import FixedClock
from transcript_core.pki.certificates import load_certificate
from transcript_core.pki.trust import TrustStore
from verify.report import Outcome
from verify.verifier import Verifier

PUPILS: Final = 80
"""Different documents; with 19 signers each they do not fit into what is remembered of single documents."""

_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_ROUNDTRIP: Final = etree.XMLParser(resolve_entities=False, no_network=True)


def measure_all(pace: Pace) -> Iterator[Figure]:
    """Yield the figures of verification; every round asserts the right answer."""
    with tempfile.TemporaryDirectory() as folder:
        issued = issue_school(Path(folder), PUPILS // pace.shrink)
        yield from _measure_xml(pace, issued)
        yield from _measure_pdf(pace, issued)
        yield from measure_school(pace, issued)
    yield from _measure_growth(pace)
    yield from measure_worst()


@dataclass(slots=True)
class _Turns:
    """Gives the documents one after the other, again and again."""

    issued: IssuedFolder

    def each(self, work: Callable[[bytes, bytes], object]) -> Callable[[], object]:
        """Return what does `work` with XML and PDF of the next document."""
        documents = cycle([self.issued.read(number) for number in range(self.issued.documents)])
        return lambda: work(*next(documents))


def _measure_xml(pace: Pace, issued: IssuedFolder) -> Iterator[Figure]:
    verifier, turns = issued.open_verifier(), _Turns(issued)
    controls = (
        ("signxml XAdESVerifier on each signature", _verify_with_signxml, 8.0),
        ("python-xmlsec on each signature's core", _verify_with_xmlsec, 3.0),
    )
    for control_name, control, floor in controls:
        yield pace.measure(
            "XML with 19 signatures, full verification",
            turns.each(lambda xml, _: _verify(verifier, xml)),
            control_name=control_name,
            control=turns.each(lambda xml, _, control=control: control(xml)),  # type: ignore[misc]
            must_reach=floor,
        )


def _measure_pdf(pace: Pace, issued: IssuedFolder) -> Iterator[Figure]:
    verifier, turns, trust = issued.open_verifier(), _Turns(issued), issued.load_trust()
    works: tuple[tuple[str, Callable[[bytes, bytes], object], float | None], ...] = (
        ("PDF with 19 signatures, full verification", lambda _, pdf: _verify(verifier, pdf), 60.0),
        (
            "the same with its XML (38 signatures, and the picture made again)",
            lambda xml, pdf: _verify(verifier, pdf, xml=xml),
            None,
        ),
    )
    for name, work, floor in works:
        yield pace.measure(
            name,
            turns.each(work),
            control_name="pyHanko validate_pdf_signature on each of the PDF's",
            control=turns.each(lambda _, pdf: _verify_with_pyhanko(pdf, trust)),
            must_reach=floor,
        )


def _measure_growth(pace: Pace) -> Iterator[Figure]:
    """Documents of benchmark signers without evidence: nothing but revocation, status and log is left open."""
    verifier = Verifier(trust=development_pki().trust_store(), authority=wide_authority(), clock=FixedClock(AT))
    short, long = sign_document(19), sign_document(38)
    for kind, one, other in zip(("XML", "PDF"), short, long, strict=True):
        _check_intact(verifier, one, 19)
        _check_intact(verifier, other, 38)
        repeat = max(1, round(pace.round_s / time_of(lambda one=one: verifier.verify(one))))  # type: ignore[misc]
        rounds = [tuple(_time(verifier, document, repeat) for document in (other, one)) for _ in range(pace.rounds)]
        yield compare(
            f"{kind} with 38 signatures, milliseconds",
            [(first, second) for first, second in rounds],
            control_name="the same with 19",
            must_reach=2.2,
            unit="ms",
            bound=Bound.AT_MOST,
        )


def _time(verifier: Verifier, document: bytes, repeat: int) -> float:
    """Return the milliseconds of one verification."""
    return 1000 * time_of(lambda: [verifier.verify(document) for _ in range(repeat)]) / repeat


def _check_intact(verifier: Verifier, document: bytes, signatures: int) -> None:
    report = verifier.verify(document)
    assert [one.intact for one in report.signatures] == [True] * signatures, report.to_json()
    assert report.outcome is Outcome.INDETERMINATE, report.to_json()


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
        XAdESVerifier().verify(
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


def _verify_with_pyhanko(pdf: bytes, trust: TrustStore) -> None:
    roots = [anchor.certificate.asn1 for anchor in trust.anchors]
    signatures = PdfFileReader(BytesIO(pdf)).embedded_signatures
    assert len(signatures) == 19
    for signature in signatures:
        context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=CHANGED_AT)
        status = validate_pdf_signature(signature, context)
        assert status.intact
        assert status.valid
