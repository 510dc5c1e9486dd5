"""Other software accepts every PAdES signature of a full document: pyHanko, poppler's pdfsig, OpenSSL."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from keys_dev.services import Responder
from signing import pades
from signing.evidence import EvidenceCollector
from signing.signer import Signer, SigningIdentity
from signing.timestamp import TimestampClient
from tests.support.pdf_rules import check_pdf_a, check_pdf_ua
from tests.support.pki import development_pki, open_person, open_seal
from tests.support.signed_pdf import PDF_SIGNED_AT, prepare_slot, sign_slot, unsigned_pdf
from tests.support.signers import make_signer
from transcript_core.clock import FixedClock
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.trust import World
from verify.formats.pades import read_signed_pdf

PDFSIG: Final = shutil.which("pdfsig")
OPENSSL: Final = shutil.which("openssl")
RANGE: Final = re.compile(rb"/ByteRange\[0 (\d+) (\d+) (\d+) *\]")
ALGORITHMS: Final = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PSS_SHA256: "rsa-2048",
    SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
    SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
}


@cache
def issued_pdf() -> bytes:
    """Return a lower secondary form signed in all 19 slots by keys of the development PKI: both worlds, RSA and P-256.

    Before the seal everybody's evidence is stored, its own too; the seal is timestamped.
    """
    pki = development_pki()
    clock = FixedClock(PDF_SIGNED_AT)
    responder = Responder(pki, clock)
    people: list[Signer] = [
        open_person("Hoàng Hữu An", "001080000101"),
        open_person("Vũ Thu Hiền", "001080000102", world=World.NATIONAL, algorithm="p-256"),
    ]
    seal = open_seal()
    pdf, slots, policy = unsigned_pdf()
    for number, slot in enumerate(slots[:-1]):
        pdf = sign_slot(pdf, slot, people[number % 2], policy)
    collector = EvidenceCollector(responder, pki.trust_store(), clock)
    evidences = [collector.collect(one.certificate, chain=one.chain) for one in (*people, seal)]
    pdf = pades.append_evidence(pdf, evidences)
    pending = prepare_slot(pdf, slots[-1], seal, policy)
    (value,) = seal.sign_digests([pending.digest])
    client = TimestampClient([pki.tsa_url], responder, clock=clock)
    token = client.request(pades.timestamp_imprint(pending, value))
    return pades.attach(pdf, pending, value, identity=SigningIdentity.of(seal), timestamp=token)


def build_context() -> ValidationContext:
    roots = [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]
    return ValidationContext(trust_roots=roots, allow_fetching=False, moment=PDF_SIGNED_AT)


def test_ours_reads_it_without_problem() -> None:
    read = read_signed_pdf(issued_pdf())
    assert (read.problems, read.unsupported, len(read.signatures)) == ((), (), 19)
    assert all(one.intact and not one.problems for one in read.signatures)


def test_pyhanko_trusts_every_signature() -> None:
    signatures = PdfFileReader(io.BytesIO(issued_pdf())).embedded_signatures
    assert len(signatures) == 19
    for number, embedded in enumerate(signatures):
        status = validate_pdf_signature(embedded, build_context(), build_context())
        last = number == 18
        assert (status.intact, status.valid, status.trusted) == (True, True, True)
        assert status.coverage is (
            SignatureCoverageLevel.ENTIRE_FILE if last else SignatureCoverageLevel.ENTIRE_REVISION
        )
        assert status.modification_level is (ModificationLevel.NONE if last else ModificationLevel.FORM_FILLING)
        assert status.bottom_line


def test_pyhanko_reads_timestamp_and_lock_of_the_seal() -> None:
    seal = PdfFileReader(io.BytesIO(issued_pdf())).embedded_signatures[-1]
    status = validate_pdf_signature(seal, build_context(), build_context())
    assert status.timestamp_validity is not None
    assert (status.timestamp_validity.intact, status.timestamp_validity.trusted) == (True, True)
    assert seal.fieldmdp is not None
    assert seal.fieldmdp.is_locked("gvbm-TOAN-1")


def test_stored_evidence_proves_every_signer() -> None:
    """Revocation status is required here, and nothing but the file's own store can give it."""
    reader = PdfFileReader(io.BytesIO(issued_pdf()))
    roots = [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]
    settings = {"trust_roots": roots, "moment": PDF_SIGNED_AT, "revocation_mode": "hard-fail"}
    for embedded in reader.embedded_signatures:
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
        assert validate_pdf_signature(embedded, context, build_context()).trusted


@pytest.mark.skipif(PDFSIG is None, reason="pdfsig is not installed (apt-get install poppler-utils)")
def test_pdfsig_finds_all_valid_and_the_last_over_the_whole_file(tmp_path: Path) -> None:
    assert PDFSIG is not None
    path = tmp_path / "hocba.pdf"
    path.write_bytes(issued_pdf())
    answer = subprocess.run(
        [PDFSIG, "-nocert", str(path)], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    ).stdout
    assert answer.count("Signature is Valid.") == 19
    assert answer.count("Not total document signed") == 18
    assert answer.count("- Total document signed") == 1
    assert answer.count("ETSI.CAdES.detached") == 19


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (apt-get install openssl)")
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_openssl_verifies_the_cms(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    assert OPENSSL is not None
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    signed = sign_slot(pdf, slots[0], signer, policy)
    hole_start, hole_end, rest = (int(number) for number in RANGE.findall(signed)[-1])
    (tmp_path / "cms.der").write_bytes(bytes.fromhex(signed[hole_start + 1 : hole_end - 1].decode()))
    (tmp_path / "content").write_bytes(signed[:hole_start] + signed[hole_end : hole_end + rest])
    (tmp_path / "signer.pem").write_bytes(signer.certificate.pem)
    command = [OPENSSL, "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms.der", "-content", "content"]
    command += ["-noverify", "-out", "out"]  # the path is pyHanko's and ours to judge
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr


def test_rules_of_pdf_a_and_pdf_ua_still_hold() -> None:
    assert check_pdf_a(issued_pdf()) == []
    assert check_pdf_ua(issued_pdf()) == []
