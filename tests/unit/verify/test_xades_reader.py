"""The reader on signatures that others make: enveloped, enveloping, same document; made with signxml in the test."""

from __future__ import annotations

import pytest
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner
from signxml.xades.xades import XAdESSigner

from tests.support.signers import make_signer
from transcript_core.canonical import build_id_map, canonicalize, parse_xml
from transcript_core.pki.algorithms import SignatureAlgorithm
from verify.formats.encoding import decode_base64
from verify.formats.octets import OctetCache
from verify.formats.problems import SignatureProblem
from verify.formats.xades import read_signatures
from verify.formats.xades_types import XadesSignature
from verify.report import Outcome
from verify.verifier import Verifier

CONTENT = '<hoSo xmlns:a="urn:a"><a:diem Id="d1">8,5</a:diem>đuôi</hoSo>'


def sign(*, method: SignatureConstructionMethod, qualified: bool) -> bytes:
    signer = make_signer("rsa-2048")
    kind = XAdESSigner if qualified else XMLSigner
    signed = kind(method=method, signature_algorithm=SignatureMethod.RSA_SHA256).sign(
        etree.fromstring(CONTENT), key=signer.key, cert=[signer.certificate.x509]
    )
    return etree.tostring(signed)


def read(document: bytes) -> XadesSignature:
    root = parse_xml(document)
    (signature,) = read_signatures(OctetCache(root, build_id_map(root)))
    return signature


@pytest.mark.parametrize("method", [SignatureConstructionMethod.enveloped, SignatureConstructionMethod.enveloping])
def test_plain_signature_of_others_is_intact_but_names_no_certificate(method: SignatureConstructionMethod) -> None:
    signature = read(sign(method=method, qualified=False))
    assert signature.intact is True
    assert signature.algorithm is SignatureAlgorithm.RSA_PKCS1_SHA256
    assert SignatureProblem.NO_SIGNED_PROPERTIES in signature.problems
    assert not signature.certificate_is_bound


def test_qualified_signature_of_others_is_read_whole() -> None:
    signature = read(sign(method=SignatureConstructionMethod.enveloped, qualified=True))
    assert signature.intact is True
    assert signature.certificate is not None
    assert signature.certificate.common_name == "Hoàng Hữu An"
    assert signature.certificate_is_bound
    assert signature.properties is not None
    assert signature.properties.signing_time is not None


def test_enveloped_signature_keeps_the_text_behind_it() -> None:
    document = sign(method=SignatureConstructionMethod.enveloped, qualified=False)
    assert read(document).intact is True
    assert read(document.replace(b"</ds:Signature>", b"</ds:Signature>8")).intact is False


def test_edit_of_others_content_is_seen() -> None:
    document = sign(method=SignatureConstructionMethod.enveloping, qualified=False)
    assert read(document.replace(b"8,5", b"9,5")).intact is False


def test_inspection_of_an_intact_file_of_others_without_anchors_cannot_tell() -> None:
    for qualified in (True, False):
        report = Verifier().inspect(sign(method=SignatureConstructionMethod.enveloped, qualified=qualified))
        assert report.signatures[0].intact is True
        assert report.outcome is Outcome.INDETERMINATE


def test_canonical_octets_and_digests_are_computed_once() -> None:
    root = parse_xml(CONTENT.encode())
    cache = OctetCache(root, build_id_map(root))
    assert cache.get_octets(root) is cache.get_octets(root)
    assert cache.get_octets(root) == canonicalize(root)
    assert cache.get_digest(root, "sha256") is cache.get_digest(root, "sha256")


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("AQID", b"\x01\x02\x03"),
        (" AQ\nID ", b"\x01\x02\x03"),
        ("AQ==", b"\x01"),
        ("AR==", None),  # stray bits
        ("AQ", None),
        ("AQ=", None),
        ("A-_D", None),
        ("", None),
        ("AQID\u00a0", None),
    ],
)
def test_base64_is_strict(text: str, octets: bytes | None) -> None:
    assert decode_base64(text) == octets
