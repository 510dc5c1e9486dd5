"""Other software accepts each XAdES signature of a full document: xmlsec1 and signxml, with every algorithm."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from signxml.algorithms import DigestAlgorithm
from signxml.exceptions import InvalidDigest
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESSignaturePolicy, XAdESVerifier

from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signers import MemorySigner, make_authority, make_signer
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm
from transcript_core.policy import SigningPolicy, Slot

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
ELEMENT_WITH_ID: Final = re.compile(r'<(?:(\w+):)?(\w+)(?: xmlns:\w+="[^"]*")* Id="')
ALGORITHMS: Final = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PSS_SHA256: "rsa-2048",
    SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
    SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
}
XMLSEC1: Final = shutil.which("xmlsec1")
needs_xmlsec1 = pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")


@cache
def signed_document(
    algorithm: SignatureAlgorithm,
) -> tuple[bytes, tuple[Slot, ...], SigningPolicy, MemorySigner]:
    """Return a lower secondary document with all 19 slots signed by one key."""
    document, slots, policy = build_unsigned()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    return sign_slots(document, slots, policy, signer=signer), slots, policy, signer


def list_id_options(document: bytes) -> list[str]:
    """Return what tells xmlsec1 which attributes are Ids: it reads no schema."""
    namespaces = {"ds": DS, "xades": XADES}
    options = []
    for prefix, name in sorted(set(ELEMENT_WITH_ID.findall(document.decode()))):
        options += ["--id-attr:Id", f"{namespaces[prefix]}:{name}" if prefix else name]
    return options


def verify_with_xmlsec1(document: bytes, signature_id: str, folder: Path) -> subprocess.CompletedProcess[str]:
    assert XMLSEC1 is not None
    path, anchor = folder / "hocba.xml", folder / "anchor.pem"
    path.write_bytes(document)
    anchor.write_bytes(make_authority().chain[0].pem)
    command = [XMLSEC1, "--verify", "--trusted-pem", str(anchor), "--verification-gmt-time", "2026-06-01 00:00:00"]
    command += ["--node-xpath", f"//*[local-name()='Signature' and @Id='{signature_id}']"]
    command += [*list_id_options(document), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def knows(algorithm: SignatureAlgorithm) -> bool:
    """Return whether this xmlsec1 has the algorithm; releases before 1.3 lack RSASSA-PSS."""
    assert XMLSEC1 is not None
    if algorithm.scheme is not Scheme.RSA_PSS:
        return True
    listed = subprocess.run([XMLSEC1, "--list-transforms"], capture_output=True, text=True, check=True, timeout=60)
    return "mgf1" in listed.stdout.lower().replace("rsa-oaep-mgf1p", "")


@needs_xmlsec1
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_xmlsec1_accepts_every_signature(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    if not knows(algorithm):
        pytest.skip("this release of xmlsec1 has no RSASSA-PSS; signxml checks it below")
    document, slots, _, _ = signed_document(algorithm)
    for slot in slots:
        answer = verify_with_xmlsec1(document, slot.signature_id, tmp_path)
        assert answer.returncode == 0, f"{slot.signature_id}: {answer.stderr}"


@needs_xmlsec1
def test_xmlsec1_refuses_a_changed_mark(tmp_path: Path) -> None:
    """The control of the test above: the same command does not accept everything."""
    document, _, _, _ = signed_document(SignatureAlgorithm.ECDSA_P256_SHA256)
    changed = document.replace(b"8.4", b"9.4", 1)
    assert changed != document
    assert verify_with_xmlsec1(changed, "sig-gvbm-TOAN-1", tmp_path).returncode != 0


def verify_with_signxml(document: bytes, slot: Slot, policy: SigningPolicy, signer: MemorySigner) -> int:
    """Return how many references signxml has verified, SignedProperties and signing certificate included."""
    references = len(slot.reference_ids) + 1
    expected = XAdESSignatureConfiguration(location=f".//*[@Id='{slot.slot_id}']/", expect_references=references)
    results = XAdESVerifier().verify(
        document,
        x509_cert=signer.certificate.x509,
        id_attribute="Id",
        expect_config=expected,
        verification_time=SIGNED_AT,
        expect_signature_policy=XAdESSignaturePolicy(
            Identifier=policy.identifier,
            Description="",
            DigestMethod=DigestAlgorithm.SHA256,
            DigestValue=base64.b64encode(policy.digest).decode(),
        ),
    )
    return len(results)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_signxml_accepts_every_signature(algorithm: SignatureAlgorithm) -> None:
    document, slots, policy, signer = signed_document(algorithm)
    for slot in slots:
        assert verify_with_signxml(document, slot, policy, signer) == len(slot.reference_ids) + 1


def test_signxml_refuses_a_changed_mark() -> None:
    document, slots, policy, signer = signed_document(SignatureAlgorithm.ECDSA_P256_SHA256)
    with pytest.raises(InvalidDigest):
        verify_with_signxml(document.replace(b"8.4", b"9.4", 1), slots[0], policy, signer)
