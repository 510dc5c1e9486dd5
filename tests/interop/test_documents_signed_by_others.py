"""Documents that other programs sign in this test are found intact, and not any more when they were changed.

signxml, xmlsec1 and OpenSSL sign here; pyHanko signs in `tests/vectors/pdf_strangers.py` and in the unit tests of PDF.
No trust anchors are given, so the outcome of an intact file is indeterminate.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner
from signxml.xades.xades import XAdESSigner

from tests.support.foreign_pdf import build_pdf
from tests.support.signers import MemorySigner, make_signer
from verify.report import Outcome
from verify.verifier import Verifier

XMLSEC1: Final = shutil.which("xmlsec1")
OPENSSL: Final = shutil.which("openssl")
needs_xmlsec1 = pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed (apt-get install openssl)")

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
ENC: Final = "http://www.w3.org/2001/04/xmlenc#"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
C14N: Final = {
    "inclusive 1.0": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    "inclusive 1.1": "http://www.w3.org/2006/12/xml-c14n11",
    "exclusive": "http://www.w3.org/2001/10/xml-exc-c14n#",
    "exclusive with comments": "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
}
MARK: Final = "8,4"


@cache
def signer(kind: str) -> MemorySigner:
    return make_signer(kind)


def write_key(kind: str, folder: Path) -> tuple[Path, Path]:
    """Return files that hold the key and its certificate, as PEM."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_bytes(signer(kind).key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(signer(kind).certificate.pem)
    return key, certificate


def inspect(document: bytes, *beside: tuple[str, bytes]) -> tuple[Outcome, list[bool | None]]:
    report = Verifier().inspect(document, detached=beside)
    return report.outcome, [one.intact for one in report.signatures]


def assert_intact_until_changed(document: bytes, *beside: tuple[str, bytes]) -> None:
    """The mark is changed in the document, or in the file beside it."""
    assert inspect(document, *beside) == (Outcome.INDETERMINATE, [True])
    changed = tuple((name, content.replace(MARK.encode(), b"9,4")) for name, content in beside)
    edited = document if changed else document.replace(MARK.encode(), b"9,4")
    assert (edited, changed) != (document, beside)
    assert inspect(edited, *changed) == (Outcome.FAILED, [False])


# --- signxml ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maker", "c14n"),
    [
        (XAdESSigner, CanonicalizationMethod.CANONICAL_XML_1_0),
        (XAdESSigner, CanonicalizationMethod.CANONICAL_XML_1_1),
        (XMLSigner, CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0),
    ],
    ids=["xades-1.0", "xades-1.1", "plain-exclusive"],
)
@pytest.mark.parametrize(
    ("kind", "method", "digest"),
    [
        ("rsa-2048", SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256),
        ("rsa-2048", SignatureMethod.SHA384_RSA_MGF1, DigestAlgorithm.SHA512),
        ("rsa-2048", SignatureMethod.SHA3_256_RSA_MGF1, DigestAlgorithm.SHA3_256),
        ("p-256", SignatureMethod.ECDSA_SHA256, DigestAlgorithm.SHA384),
        ("p-384", SignatureMethod.ECDSA_SHA3_384, DigestAlgorithm.SHA3_512),
    ],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
def test_signature_of_signxml(
    maker: type[XMLSigner], c14n: CanonicalizationMethod, kind: str, method: SignatureMethod, digest: DigestAlgorithm
) -> None:
    """What it signs so that only itself agrees, or nobody, is told in `docs/divergences.md`."""
    content = etree.fromstring(f'<hoSo xmlns:a="urn:a"><!-- a --><a:diem>{MARK}</a:diem>đuôi</hoSo>')
    signed = maker(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=digest,
        c14n_algorithm=c14n,
    ).sign(content, key=signer(kind).key, cert=[signer(kind).certificate.x509])
    assert_intact_until_changed(etree.tostring(signed, encoding="utf-8"))


# --- xmlsec1 ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Template:
    """What xmlsec1 is asked to sign."""

    reference: str  # attributes and transforms of the only ds:Reference
    wrap: Callable[[str], str]  # puts the signature where it shall stand


def write_template(template: Template, c14n: str, method: str, digest: str) -> str:
    """Return a document with a signature that has all but its digests and its value."""
    attributes, transforms = template.reference.split("|")
    signature = (
        f'<Signature xmlns="{DS}" Id="s"><SignedInfo><CanonicalizationMethod Algorithm="{c14n}"/>'
        f'<SignatureMethod Algorithm="{method}"/><Reference {attributes}><Transforms>{transforms}</Transforms>'
        f'<DigestMethod Algorithm="{digest}"/><DigestValue/></Reference></SignedInfo><SignatureValue/>'
        "<KeyInfo><X509Data/></KeyInfo></Signature>"
    )
    return template.wrap(signature)


_ENVELOPED: Final = f'<Transform Algorithm="{DS}enveloped-signature"/>'
_BASE64: Final = f'<Transform Algorithm="{DS}base64"/>'
TEMPLATES: Final = {
    "enveloped": Template(f'URI=""|{_ENVELOPED}', lambda one: f"<r><a>{MARK}</a>{one}</r>"),
    "enveloped by prefix": Template(f'URI=""|{_ENVELOPED}', lambda one: f'<x:r xmlns:x="urn:x">{one}{MARK}</x:r>'),
    "enveloping": Template(
        'URI="#o"|',
        lambda one: one.replace("</Signature>", f'<Object Id="o"><a xmlns="">{MARK}</a></Object></Signature>'),
    ),
    "beside by Id": Template('URI="#a"|', lambda one: f'<r xmlns:y="urn:y"><a Id="a">{MARK}</a>{one}</r>'),
}


def run_xmlsec1(document: str, kind: str, folder: Path) -> bytes:
    """Return the document signed by xmlsec1, which reads no schema: Id attributes are named to it."""
    assert XMLSEC1 is not None
    key, certificate = write_key(kind, folder)
    path = folder / "template.xml"
    path.write_text(document, "utf-8")
    command = [XMLSEC1, "--sign", "--privkey-pem", f"{key},{certificate}"]
    command += ["--id-attr:Id", "a", "--id-attr:Id", f"{DS}:Object", path.name]
    return subprocess.run(command, capture_output=True, check=True, timeout=60, cwd=folder).stdout


@needs_xmlsec1
@pytest.mark.parametrize("form", TEMPLATES)
@pytest.mark.parametrize("c14n", C14N)
@pytest.mark.parametrize(
    ("kind", "method", "digest"),
    [
        ("rsa-2048", f"{MORE}rsa-sha256", f"{ENC}sha256"),
        ("rsa-2048", f"{MORE}rsa-sha512", f"{MORE}sha384"),
        ("p-256", f"{MORE}ecdsa-sha256", f"{ENC}sha512"),
    ],
    ids=["rsa-sha256", "rsa-sha512", "ecdsa-sha256"],
)
def test_xml_signature_of_xmlsec1(form: str, c14n: str, kind: str, method: str, digest: str, tmp_path: Path) -> None:
    template = TEMPLATES[form]
    named = Template(f'{template.reference}<Transform Algorithm="{C14N[c14n]}"/>', template.wrap)
    assert_intact_until_changed(run_xmlsec1(write_template(named, C14N[c14n], method, digest), kind, tmp_path))


@needs_xmlsec1
def test_xml_signature_of_xmlsec1_over_a_file_beside(tmp_path: Path) -> None:
    content = f"Toán: {MARK}".encode()
    (tmp_path / "diem.txt").write_bytes(content)
    document = write_template(Template('URI="diem.txt"|', str), C14N["exclusive"], f"{MORE}rsa-sha256", f"{ENC}sha256")
    document = document.replace("<Transforms></Transforms>", "")
    assert_intact_until_changed(run_xmlsec1(document, "rsa-2048", tmp_path), ("diem.txt", content))


@needs_xmlsec1
def test_xml_signature_of_xmlsec1_over_decoded_octets(tmp_path: Path) -> None:
    """What is signed is the text that Base64 stands for; line breaks in it mean nothing."""
    wrap = TEMPLATES["beside by Id"].wrap
    document = write_template(
        Template(f'URI="#a"|{_BASE64}', wrap), C14N["inclusive 1.0"], f"{MORE}rsa-sha256", f"{ENC}sha256"
    ).replace(MARK, "VG/DoW46\nIDgsNA==")
    signed = run_xmlsec1(document, "rsa-2048", tmp_path)
    assert inspect(signed) == (Outcome.INDETERMINATE, [True])
    assert inspect(signed.replace(b"VG/DoW46\n", b"VG/DoW46")) == (Outcome.INDETERMINATE, [True])
    assert inspect(signed.replace(b"IDgsNA", b"IDksNA")) == (Outcome.FAILED, [False])


# --- OpenSSL ----------------------------------------------------------------------------------------------------

HOLE_DIGITS: Final = 16_000
_TEXT: Final = f"BT /F1 12 Tf 20 100 Td (Toan {MARK}) Tj ET".encode()


def prepare_pdf(sub_filter: str) -> tuple[bytes, bytes]:
    """Return what stands before and behind the hole of a PDF that is ready to be signed."""
    dictionary = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/%s/M(D:20260529100000+07'00')" % sub_filter.encode()
    pdf = build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[6 0 R]>>>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Annots[6 0 R]"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            4: b"<</Length %d>>\nstream\n%s\nendstream" % (len(_TEXT), _TEXT),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            6: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Sig1)/V 7 0 R/Rect[0 0 0 0]/P 3 0 R>>",
            7: dictionary + b"/ByteRange [0%s]/Contents <%s>>>" % (b" " * 40, b"0" * HOLE_DIGITS),
        }
    )
    hole = re.search(rb"<0{%d}>" % HOLE_DIGITS, pdf)
    assert hole is not None
    numbers = b"%d %d %d" % (hole.start(), hole.end(), len(pdf) - hole.end())
    before = pdf[: hole.start()].replace(b" " * 40, b" " + numbers.ljust(39))
    return before, pdf[hole.end() :]


@needs_openssl
@pytest.mark.parametrize("sub_filter", ["adbe.pkcs7.detached", "ETSI.CAdES.detached"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rsa-2048", ["-md", "sha256", "-cades"]),
        ("rsa-2048", ["-md", "sha512", "-cades", "-keyopt", "rsa_padding_mode:pss"]),
        ("rsa-2048", ["-md", "sha256", "-noattr"]),
        ("p-256", ["-md", "sha256", "-cades"]),
        ("p-384", ["-md", "sha384", "-cades"]),
        ("p-256", ["-md", "sha256", "-nosmimecap"]),
    ],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_cms_of_openssl_in_a_pdf(sub_filter: str, kind: str, options: list[str], tmp_path: Path) -> None:
    assert OPENSSL is not None
    key, certificate = write_key(kind, tmp_path)
    before, behind = prepare_pdf(sub_filter)
    (tmp_path / "covered").write_bytes(before + behind)
    command = [OPENSSL, "cms", "-sign", "-binary", "-outform", "DER", "-in", "covered", "-out", "cms.der"]
    command += ["-signer", str(certificate), "-inkey", str(key), *options]
    subprocess.run(command, capture_output=True, check=True, timeout=60, cwd=tmp_path)
    value = (tmp_path / "cms.der").read_bytes().hex().encode()
    assert_intact_until_changed(before + b"<" + value.ljust(HOLE_DIGITS, b"0") + b">" + behind)
