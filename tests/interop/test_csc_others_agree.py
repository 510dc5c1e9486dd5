"""Keys at certomancer's CSC server (API 1.0.4): the protocol, and whole documents that other software accepts."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from signxml.algorithms import DigestAlgorithm
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESSignaturePolicy, XAdESVerifier

from keys_dev.profiles import KeyKind
from keys_dev.remote import RemoteService, serving_remote
from signing.keystores.csc import CscSigner, open_csc
from signing.keystores.csc.values import HashSigner
from signing.keystores.secrets import CallbackSecret
from tests.support.pki import development_pki, make_pki
from tests.support.samples import build_issue, build_transcript
from tests.support.signed import SIGNED_AT, describe, sign_slots
from tests.support.signed_pdf import PDF_SIGNED_AT, sign_slot
from transcript_core.errors import Conflict, KeyUnavailable
from transcript_core.model import SchoolLevel
from transcript_core.pki.algorithms import verify_digest
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust import World
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.render import render_first_revision
from transcript_core.xml import build_info

NOBODY: Final = CallbackSecret(lambda _: None)  # this server asks nobody
PDFSIG: Final = shutil.which("pdfsig")
XMLSEC1: Final = shutil.which("xmlsec1")
NAMESPACES: Final = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
ELEMENT_WITH_ID: Final = re.compile(r'<(?:(\w+):)?(\w+)(?: xmlns:\w+="[^"]*")* Id="')
KINDS: Final[tuple[KeyKind, ...]] = ("p-256", "rsa-2048")


@pytest.fixture(scope="module")
def service() -> Iterator[RemoteService]:
    with serving_remote(development_pki(), list_size=10) as running:
        yield running


def open_remote(service: RemoteService, kind: KeyKind, *parameters: str) -> CscSigner:
    p12 = service.pki.issue_person(
        "Đặng Thị Từ Xa", "001080000777", organisation="Trường THCS Hoa Sen", world=World.PUBLIC_DUTY, algorithm=kind
    )
    return open_csc("&".join((service.get_uri(p12), *parameters)), NOBODY)


def check_values(signer: CscSigner, count: int) -> None:
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(count)]
    values = signer.sign_digests(digests)
    assert len(values) == count
    for digest, value in zip(digests, values, strict=True):
        assert verify_digest(signer.certificate, signer.algorithm, digest, value)


@pytest.mark.parametrize("parameters", [(), ("hashes-per-call=3",)])
@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_signed(service: RemoteService, kind: KeyKind, parameters: tuple[str, ...]) -> None:
    with closing(open_remote(service, kind, *parameters)) as signer:
        assert (signer.list_size, len(signer.chain)) == (10, 1)
        assert signer.certificate.identity == "CCCD:001080000777"
        check_values(signer, 12)


def test_the_salted_scheme_is_signed_when_named(service: RemoteService) -> None:
    with closing(open_remote(service, "rsa-2048", "algorithm=rsa-pss-sha256")) as signer:
        check_values(signer, 2)


def test_approvals_that_end_in_the_middle_are_given_again(
    service: RemoteService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers a bare 400 to activation data that it does not accept any more."""
    sign = HashSigner.sign
    calls: list[int] = []

    def _sign_and_end(self: HashSigner, *asked: Any) -> list[bytes]:
        values = sign(self, *asked)
        calls.append(len(values))
        service.end_approvals()
        return values

    monkeypatch.setattr(HashSigner, "sign", _sign_and_end)
    with closing(open_remote(service, "p-256", "hashes-per-call=4")) as signer:
        check_values(signer, 10)
    assert calls == [4, 4, 2]


def test_what_is_not_there_or_cannot_sign_is_told(service: RemoteService) -> None:
    for name in ("development/nobody", "development/..%2F..%2Fpki", "elsewhere/nobody", "nobody"):
        with pytest.raises(KeyUnavailable, match="no such method or credential"):
            open_csc(f"csc:{service.base_url}?credential={name}", NOBODY)
    with pytest.raises(KeyUnavailable, match="disabled"):
        open_csc(f"csc:{service.base_url}?credential=development/public-duty-ca", NOBODY)


def test_the_only_credential_is_found(tmp_path: Path) -> None:
    pki = make_pki(tmp_path)
    with serving_remote(pki) as other:
        uri = f"csc:{other.base_url}"
        with pytest.raises(KeyUnavailable, match="0 credentials"):
            open_csc(uri, NOBODY)
        p12 = pki.issue_seal("Trường THCS Hoa Sen", "0101234567", world=World.PUBLIC_DUTY)
        assert other.get_credential(p12) == f"development/{p12.stem}"
        with closing(open_csc(uri, NOBODY)) as signer:
            assert signer.certificate == pki.read_certificate(p12)
    with pytest.raises(KeyUnavailable, match="no usable answer"):
        open_csc(uri, NOBODY)


def test_a_taken_port_is_told(service: RemoteService) -> None:
    with pytest.raises(Conflict, match="taken by another program"), serving_remote(service.pki, port=service.port):
        pass


@dataclass(frozen=True)
class Signed:
    """One primary document signed by one remote key: homeroom, principal and seal."""

    xml: bytes
    pdf: bytes
    slots: tuple[Slot, ...]
    policy: SigningPolicy
    certificate: Certificate


@pytest.fixture(scope="module", params=KINDS)
def signed(request: pytest.FixtureRequest, service: RemoteService) -> Signed:
    transcript = build_transcript(SchoolLevel.PRIMARY)
    issue = build_issue(transcript)
    xml, slots, policy = describe(transcript, issue)
    pdf = render_first_revision(transcript, issue, info_xml=build_info(transcript))
    with closing(open_remote(service, request.param)) as signer:
        for slot in slots:
            pdf = sign_slot(pdf, slot, signer, policy)
        return Signed(sign_slots(xml, slots, policy, signer=signer), pdf, slots, policy, signer.certificate)


@pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
def test_xmlsec1_accepts_every_signature(signed: Signed, tmp_path: Path) -> None:
    assert XMLSEC1 is not None
    path = tmp_path / "hocba.xml"
    path.write_bytes(signed.xml)
    options = []
    for anchor in development_pki().trust_store().anchors:
        pem = tmp_path / f"{anchor.certificate.sha256.hex()}.pem"
        pem.write_bytes(anchor.certificate.pem)
        options += ["--trusted-pem", str(pem)]
    for prefix, name in sorted(set(ELEMENT_WITH_ID.findall(signed.xml.decode()))):
        options += ["--id-attr:Id", f"{NAMESPACES[prefix]}:{name}" if prefix else name]
    for slot in signed.slots:
        node = f"//*[local-name()='Signature' and @Id='{slot.signature_id}']"
        command = [XMLSEC1, "--verify", *options, "--verification-gmt-time", "2026-06-01 00:00:00"]
        command += ["--node-xpath", node, str(path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert answer.returncode == 0, f"{slot.signature_id}: {answer.stderr}"


def test_signxml_accepts_every_signature(signed: Signed) -> None:
    policy = XAdESSignaturePolicy(
        Identifier=signed.policy.identifier,
        Description="",
        DigestMethod=DigestAlgorithm.SHA256,
        DigestValue=base64.b64encode(signed.policy.digest).decode(),
    )
    for slot in signed.slots:
        references = len(slot.reference_ids) + 1
        results = XAdESVerifier().verify(
            signed.xml,
            x509_cert=signed.certificate.x509,
            id_attribute="Id",
            expect_config=XAdESSignatureConfiguration(
                location=f".//*[@Id='{slot.slot_id}']/", expect_references=references
            ),
            verification_time=SIGNED_AT,
            expect_signature_policy=policy,
        )
        assert len(results) == references


def test_pyhanko_trusts_every_signature(signed: Signed) -> None:
    roots = [anchor.certificate.asn1 for anchor in development_pki().trust_store().anchors]
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=PDF_SIGNED_AT)
    signatures = PdfFileReader(io.BytesIO(signed.pdf)).embedded_signatures
    assert len(signatures) == len(signed.slots) == 3
    assert all(validate_pdf_signature(one, context).bottom_line for one in signatures)


@pytest.mark.skipif(PDFSIG is None, reason="pdfsig is not installed (apt-get install poppler-utils)")
def test_pdfsig_finds_every_signature_valid(signed: Signed, tmp_path: Path) -> None:
    assert PDFSIG is not None
    path = tmp_path / "hocba.pdf"
    path.write_bytes(signed.pdf)
    command = [PDFSIG, "-nocert", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path).stdout
    assert answer.count("Signature is Valid.") == 3
