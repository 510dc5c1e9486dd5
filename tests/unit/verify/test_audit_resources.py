"""Files within the size limits that ask for endless work: each must be answered in seconds, whatever the answer.

The bounds are wide (a busy machine must pass); before there were budgets, each took from half a minute to an hour.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from datetime import datetime

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from tests.vectors.forge import MATHS, XADES, edit, signature
from tests.vectors.school import CHECKED_AT, school, signed
from transcript_core.limits import MAX_REVOCATION_PIECES, MAX_SIGNATURES
from transcript_core.pki.algorithms import is_affordable_key
from verify.report import FindingOutcome, Outcome, Report

_SECONDS = 20.0
_REFERENCES = 24  # of each signature; more would exceed the elements that a document may have
_DS = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_METHODS = (
    f'<ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"/>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
)


def _verify(document: bytes) -> Report:
    verifier = school().verifier()
    started = time.monotonic()
    report = verifier.verify(document, at=CHECKED_AT)
    assert time.monotonic() - started < _SECONDS
    assert report.outcome is not Outcome.PASSED
    return report


def _build_signatures(transform: Callable[[int], str]) -> str:
    """Return as many signatures as are read, each with as many references to the whole document as are read."""

    def reference(number: int) -> str:
        return (
            f'<ds:Reference URI=""><ds:Transforms>{transform(number)}</ds:Transforms>'
            '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
        )

    return "".join(
        f'<ds:Signature {_DS} Id="s{i}"><ds:SignedInfo>{_METHODS}'
        + "".join(reference(i * _REFERENCES + j) for j in range(_REFERENCES))
        + "</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>"
        for i in range(MAX_SIGNATURES)
    )


def test_whole_document_cannot_be_canonicalised_a_thousand_times() -> None:
    def transform(number: int) -> str:
        prefixes = f'<e:InclusiveNamespaces xmlns:e="{_EXCLUSIVE}" PrefixList="p{number}"/>'
        return f'<ds:Transform Algorithm="{_EXCLUSIVE}">{prefixes}</ds:Transform>'

    report = _verify(f"<r><b>{'x' * 3_400_000}</b>{_build_signatures(transform)}</r>".encode())
    assert "more computing than any honest signature asks for" in report.get_finding("signature.form").text_en


def test_whole_document_cannot_be_copied_a_thousand_times() -> None:
    enveloped = '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
    report = _verify(f"<r>{'<a>x</a>' * 38_000}{_build_signatures(lambda _: enveloped)}</r>".encode())
    assert "more computing than any honest signature asks for" in report.get_finding("signature.form").text_en


def test_heap_of_revocation_data_is_looked_at_by_nobody() -> None:
    """A heap could hide the piece that says "revoked", so it does not count as "good" either."""

    def change(root: etree._Element) -> None:
        holder = next(signature(root, MATHS).iter(f"{XADES}OCSPValues"))
        genuine = base64.b64decode(holder[0].text or "")
        for number in range(10 * MAX_REVOCATION_PIECES):
            forged = genuine[:-4] + number.to_bytes(4, "big")
            one = etree.SubElement(holder, f"{XADES}EncapsulatedOCSPValue")
            one.text = base64.b64encode(forged).decode("ascii")

    report = _verify(edit(signed(), change))
    assert report.get_finding("certificate.revocation").outcome is FindingOutcome.INDETERMINATE


def test_mesh_of_costly_keys_is_not_verified() -> None:
    costly = rsa.RSAPublicNumbers((1 << 3000) - 1, secrets.randbits(3072) | (1 << 3071) | 1).public_key()
    assert not is_affordable_key(costly)
    key = rsa.generate_private_key(65537, 2048)
    issuers = [_build_certificate("X", "Y", costly, key, ca=True) for _ in range(127)]
    leaves = [_build_certificate(f"L{i}", "X", key.public_key(), key, ca=False) for i in range(MAX_SIGNATURES)]

    def sign(number: int, ders: list[bytes]) -> str:
        held = "".join(f"<ds:X509Certificate>{base64.b64encode(der).decode()}</ds:X509Certificate>" for der in ders)
        data = f"<ds:KeyInfo><ds:X509Data>{held}</ds:X509Data></ds:KeyInfo>"
        return f'<ds:Signature {_DS} Id="s{number}"><ds:SignedInfo/>{data}</ds:Signature>'

    made = [sign(number, [leaf, *(issuers if number == 0 else [])]) for number, leaf in enumerate(leaves)]
    _verify(f"<r>{''.join(made)}</r>".encode())


def _build_certificate(
    subject: str, issuer: str, key: rsa.RSAPublicKey, signer: rsa.RSAPrivateKey, *, ca: bool
) -> bytes:
    """Return a certificate whose signature has the length of the costly key, so that it would be tried."""
    start = datetime(2025, 1, 1)  # noqa: DTZ001  (what the builder takes)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(secrets.randbits(60) + 1)
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2035))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    tree = asn1_x509.Certificate.load(made.public_bytes(Encoding.DER))
    tree["signature_value"] = core.OctetBitString(b"\x01" + secrets.token_bytes(383))
    return bytes(tree.dump(force=True))


def test_long_chain_of_sections_in_a_foreign_pdf_is_refused() -> None:
    written, previous = bytearray(b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n"), 0
    for number in range(60_000):
        at = len(written)
        entries = b"1 1\n0000000009 00000 n \n" if number == 0 else b""
        prev = b"/Prev %d" % previous if number else b""
        written += b"xref\n0 1\n0000000000 65535 f \n" + entries + b"trailer\n<</Size 2/Root 1 0 R" + prev + b">>\n"
        previous = at
    written += b"startxref\n%d\n%%%%EOF\n" % previous
    report = _verify(bytes(written))
    assert "exceeds a limit" in report.get_finding("pdf.revisions").text_en
