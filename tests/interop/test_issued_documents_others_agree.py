"""Other software accepts what the school issued: every XAdES core, every PAdES signature, to the development roots.

The sample documents have tests of their own beside this one; here are the files that went through the whole
service, of version 1, of version 2 with kept signatures, and the recall.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from lxml import etree
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from tests.support.issued import CHANGED_AT, NOW, SIGNED_AT, issued_school
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.policy import Slot
from transcript_core.xml import read_document

XMLSEC1: Final = shutil.which("xmlsec1")
PDFSIG: Final = shutil.which("pdfsig")
NAMESPACES: Final = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
ELEMENT_WITH_ID: Final = re.compile(r'<(?:(\w+):)?(\w+)(?: xmlns:\w+="[^"]*")* Id="')


def list_documents() -> dict[str, bytes]:
    issued = issued_school()
    return {"version 1": issued.current.xml, "version 2": issued.replacement.xml, "recall": issued.recall}


def list_slots(document: bytes) -> tuple[Slot, ...]:
    return read_document(document).slots


def read_certificate(document: bytes, slot: Slot) -> Certificate:
    """Return the certificate in the slot's signature."""
    path = f".//ds:Signature[@Id='{slot.signature_id}']/ds:KeyInfo/ds:X509Data/ds:X509Certificate"
    found = etree.fromstring(document).find(path, NAMESPACES)
    assert found is not None
    assert found.text is not None
    return load_certificate(base64.b64decode(found.text))


@pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
@pytest.mark.parametrize("name", ["version 1", "version 2", "recall"])
def test_xmlsec1_accepts_every_signature_to_the_development_roots(name: str, tmp_path: Path) -> None:
    document = list_documents()[name]
    path = tmp_path / "hocba.xml"
    path.write_bytes(document)
    trusted: list[str] = []
    for number, anchor in enumerate(issued_school().keys.pki.trust_store().anchors):
        pem = tmp_path / f"{number}.pem"
        pem.write_bytes(anchor.certificate.pem)
        trusted += ["--trusted-pem", str(pem)]
    for prefix, element in sorted(set(ELEMENT_WITH_ID.findall(document.decode()))):
        trusted += ["--id-attr:Id", f"{NAMESPACES[prefix]}:{element}" if prefix else element]
    assert XMLSEC1 is not None
    slots = list_slots(document)
    for slot in slots:
        command = [XMLSEC1, "--verify", "--verification-gmt-time", f"{NOW:%Y-%m-%d %H:%M:%S}", *trusted]
        command += ["--node-xpath", f"//*[local-name()='Signature' and @Id='{slot.signature_id}']", str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert answer.returncode == 0, f"{slot.signature_id}: {answer.stderr}"
    assert len(slots) == (3 if name == "recall" else 19)


@pytest.mark.parametrize("name", ["version 1", "version 2", "recall"])
def test_signxml_accepts_every_signature(name: str) -> None:
    document = list_documents()[name]
    for slot in list_slots(document):
        references = len(slot.reference_ids) + 1
        config = XAdESSignatureConfiguration(location=f".//*[@Id='{slot.slot_id}']/", expect_references=references)
        certificate = read_certificate(document, slot)
        results = XAdESVerifier().verify(
            document, x509_cert=certificate.x509, id_attribute="Id", expect_config=config, verification_time=NOW
        )
        assert len(results) == references


@pytest.mark.parametrize(("name", "at"), [("current", SIGNED_AT), ("replacement", CHANGED_AT)])
def test_pyhanko_trusts_every_signature_by_what_the_file_holds(name: str, at: datetime) -> None:
    """Revocation status is required, as it was when the school signed, and only the file's own store can give it."""
    pdf: bytes = getattr(issued_school(), name).pdf
    reader = PdfFileReader(io.BytesIO(pdf))
    roots = [anchor.certificate.asn1 for anchor in issued_school().keys.pki.trust_store().anchors]
    signatures = reader.embedded_signatures
    last = len(signatures) - 1
    assert last >= 3
    for number, embedded in enumerate(signatures):
        settings = {"trust_roots": roots, "moment": at, "revocation_mode": "hard-fail"}
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
        plain = ValidationContext(trust_roots=roots, allow_fetching=False, moment=at)
        status = validate_pdf_signature(embedded, context, plain)
        assert (status.intact, status.valid, status.trusted, status.bottom_line) == (True, True, True, True)
        whole = number == last
        assert status.coverage is (
            SignatureCoverageLevel.ENTIRE_FILE if whole else SignatureCoverageLevel.ENTIRE_REVISION
        )
        assert status.modification_level is (ModificationLevel.NONE if whole else ModificationLevel.FORM_FILLING)


@pytest.mark.skipif(PDFSIG is None, reason="pdfsig is not installed (apt-get install poppler-utils)")
@pytest.mark.parametrize("name", ["current", "replacement"])
def test_pdfsig_finds_every_signature_valid(name: str, tmp_path: Path) -> None:
    pdf: bytes = getattr(issued_school(), name).pdf
    count = len(PdfFileReader(io.BytesIO(pdf)).embedded_signatures)
    path = tmp_path / "hocba.pdf"
    path.write_bytes(pdf)
    assert PDFSIG is not None
    command = [PDFSIG, "-nocert", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path).stdout
    assert answer.count("Signature is Valid.") == count
    assert answer.count("- Total document signed") == 1
    assert answer.count("Not total document signed") == count - 1
