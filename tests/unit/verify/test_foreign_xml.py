"""Signed XML as other software writes it: how keys stand in it, what identifiers are called, which files are meant."""

from __future__ import annotations

from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.detached import BASE64
from tests.vectors.foreign import ENVELOPED, EXCLUSIVE, SIGNER, Ref, Wanted, canonical, encode, sign
from tests.vectors.school import school
from transcript_core.canonical import canonicalize, parse_xml
from verify.report import Outcome, Report
from verify.verifier import Verifier

DSIG_11: Final = "http://www.w3.org/2009/xmldsig11#"
RFC_4050: Final = "http://www.w3.org/2001/04/xmldsig-more#"
WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
PART: Final = '<diem Id="d">8,4</diem>'
CONTENT: Final = "Toán: 8,4".encode()
OTHER: Final = "Ngữ văn: 7,1".encode()


def inspect(document: str, *files: tuple[str, bytes]) -> Report:
    return Verifier().inspect(document.encode(), detached=files)


def list_intact(report: Report) -> list[bool | None]:
    return [one.intact for one in report.signatures]


def certificate() -> str:
    return encode(school().person(*SIGNER).certificate.der)


def key() -> EllipticCurvePublicKey:
    found = school().person(*SIGNER).certificate.public_key
    assert isinstance(found, EllipticCurvePublicKey)
    return found


def key_in_der() -> str:
    return encode(key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def key_after_rfc_4050() -> str:
    numbers = key().public_numbers()
    curve = '<m:DomainParameters><m:NamedCurve URN="urn:oid:1.2.840.10045.3.1.7"></m:NamedCurve></m:DomainParameters>'
    point = f'<m:PublicKey><m:X Value="{numbers.x}"></m:X><m:Y Value="{numbers.y}"></m:Y></m:PublicKey>'
    return f'<ds:KeyValue><m:ECDSAKeyValue xmlns:m="{RFC_4050}">{curve}{point}</m:ECDSAKeyValue></ds:KeyValue>'


def data_of_certificate(octets: str) -> str:
    return f"<ds:X509Data><ds:X509Certificate>{octets}</ds:X509Certificate></ds:X509Data>"


def without_serial() -> str:
    """Return a certificate that no strict reader takes: its serial number is negative."""
    der = bytearray(school().person(*SIGNER).certificate.der)
    at = der.index(b"\xa0\x03\x02\x01\x02\x02") + 7  # behind version 3 and the tag and length of the serial number
    der[at] |= 0x80
    return encode(bytes(der))


def sign_part(key_info: str, *objects: str) -> str:
    ref = Ref("#d", PART.encode(), (EXCLUSIVE,))
    return f"<hoSo>{PART}{sign(Wanted((ref,), plain=True, key_info=key_info, objects=objects))}</hoSo>"


def wrap_token(reference: str) -> str:
    return f'<w:SecurityTokenReference xmlns:w="{WSS}-secext-1.0.xsd">{reference}</w:SecurityTokenReference>'


def test_key_is_found_in_every_form_in_which_it_may_stand() -> None:
    der_value = f'<e:DEREncodedKeyValue xmlns:e="{DSIG_11}">{key_in_der()}</e:DEREncodedKeyValue>'
    pointer = f'<e:KeyInfoReference xmlns:e="{DSIG_11}" URI="#k"></e:KeyInfoReference>'
    data = data_of_certificate(certificate())
    other = encode(school().person("0161335155", "Phạm Hữu Hải").certificate.der)
    for document in (
        sign_part(data),
        sign_part(der_value),
        sign_part(key_after_rfc_4050()),
        sign_part(pointer, f'<ds:Object><ds:KeyInfo Id="k">{data}</ds:KeyInfo></ds:Object>'),
        sign_part(
            '<ds:RetrievalMethod URI="#x"></ds:RetrievalMethod>',
            "<ds:Object>" + data.replace("<ds:X509Data>", '<ds:X509Data Id="x">') + "</ds:Object>",
        ),
        sign_part(data_of_certificate(other) + data),
        sign_part(data_of_certificate(other) + der_value),
        sign_part(data_of_certificate("MAAA") + der_value),
        sign_part(data_of_certificate(without_serial())),
    ):
        report = inspect(document)
        assert (report.outcome, list_intact(report)) == (Outcome.INDETERMINATE, [True])
        assert inspect(document.replace("8,4", "9,9")).outcome is Outcome.FAILED


def test_key_of_somebody_else_fails_and_no_key_is_open() -> None:
    other = encode(school().person("0161335155", "Phạm Hữu Hải").certificate.der)
    assert inspect(sign_part(data_of_certificate(other))).outcome is Outcome.FAILED
    for nowhere in (
        "",
        "<ds:KeyName>k</ds:KeyName>",
        "<ds:X509Data><ds:X509SKI>AAAA</ds:X509SKI></ds:X509Data>",
        f'<e:KeyInfoReference xmlns:e="{DSIG_11}" URI="#k"></e:KeyInfoReference>',
        f'<e:KeyInfoReference xmlns:e="{DSIG_11}" URI="https://example.org/k"></e:KeyInfoReference>',
    ):
        report = inspect(sign_part(nowhere))
        assert (report.outcome, list_intact(report)) == (Outcome.INDETERMINATE, [None])


def test_message_of_web_services_names_its_parts_and_its_token_by_identifiers_of_its_own() -> None:
    body = f'<s:Body xmlns:s="urn:s" xmlns:u="{WSS}-utility-1.0.xsd" u:Id="b"><diem>8,4</diem></s:Body>'
    signed = canonicalize(parse_xml(f'<s:Envelope xmlns:s="urn:s">{body}</s:Envelope>'.encode())[0])
    info = wrap_token('<w:Reference URI="#t"></w:Reference>')
    signature = sign(Wanted((Ref("#b", signed, (EXCLUSIVE,)),), plain=True, key_info=info))
    token = f'<w:BinarySecurityToken u:Id="t">{certificate()}</w:BinarySecurityToken>'
    head = f'<w:Security xmlns:w="{WSS}-secext-1.0.xsd" xmlns:u="{WSS}-utility-1.0.xsd">{token}{signature}</w:Security>'
    message = f'<s:Envelope xmlns:s="urn:s"><s:Header>{head}</s:Header>{body}</s:Envelope>'
    assert list_intact(inspect(message)) == [True]
    assert inspect(message.replace("8,4", "9,9")).outcome is Outcome.FAILED


def test_assertion_of_saml_1_is_named_by_its_own_identifier() -> None:
    assertion = '<a:Assertion xmlns:a="urn:oasis:names:tc:SAML:1.0:assertion" AssertionID="x"><b></b></a:Assertion>'
    signature = sign(Wanted((Ref("#x", assertion.encode(), (EXCLUSIVE,)),), plain=True))
    assert list_intact(inspect(f"<r>{assertion}{signature}</r>")) == [True]
    elsewhere = f'<r><other AssertionID="x"></other>{assertion}{signature}</r>'  # there it is any attribute
    assert list_intact(inspect(elsewhere)) == [True]


def test_doubled_identifier_fails_whoever_calls_it_what() -> None:
    document = sign_part(data_of_certificate(certificate()))
    for second in ('<diem ID="d">9,9</diem>', '<diem xml:id="d">9,9</diem>'):
        report = inspect(document.replace("<hoSo>", f"<hoSo>{second}"))
        assert (report.outcome, list_intact(report)) == (Outcome.FAILED, [None])


@pytest.mark.parametrize(
    "uri", ["diem.txt", "./diem.txt", "/diem.txt", "a/diem.txt", "file:///C:/diem.txt", "di%65m.txt"]
)
def test_given_file_is_found_by_the_end_of_its_name(uri: str) -> None:
    document = sign(Wanted((Ref(uri, CONTENT), Ref("khac.txt", OTHER)), plain=True))
    given = ("ho-so__diem.txt", CONTENT), ("ho-so__khac.txt", OTHER)
    assert list_intact(inspect(document, *given)) == [True]
    assert inspect(document, ("ho-so__diem.txt", OTHER), given[1]).outcome is Outcome.FAILED
    open_one = inspect(document, ("ho-so-diem.txt", CONTENT), ("ban-sao-diem.txt", CONTENT), given[1])
    assert list_intact(open_one) == [None]  # which of two is meant is not guessed


def test_name_is_no_mere_end_of_another_word() -> None:
    document = sign(Wanted((Ref("diem.txt", CONTENT), Ref("khac.txt", OTHER)), plain=True))
    assert list_intact(inspect(document, ("motdiem.txt", CONTENT), ("khac.txt", OTHER))) == [None]


def test_transform_of_the_enveloped_signature_is_one_of_its_own_document() -> None:
    parsed_again = Ref("a.xml", b"<a></a>", (EXCLUSIVE, ENVELOPED, EXCLUSIVE))
    assert list_intact(inspect(sign(Wanted((parsed_again,), plain=True)), ("a.xml", b"<a></a>"))) == [None]


def test_file_that_many_references_decode_is_decoded_once() -> None:
    text = encode(bytes(3_000_000))
    refs = tuple(Ref("a.txt", bytes(3_000_000), (BASE64,)) for _ in range(40))
    report = inspect(sign(Wanted(refs, plain=True)), ("a.txt", text.encode()))
    assert (report.outcome, list_intact(report)) == (Outcome.INDETERMINATE, [True])


def test_properties_reference_that_cannot_be_digested_leaves_the_signature_open() -> None:
    ref = Ref("#d", PART.encode(), (EXCLUSIVE,))
    document = f"<hoSo>{PART}{sign(Wanted((ref,)))}</hoSo>"
    strange = document.replace(
        'URI="#s1-p"><ds:Transforms><ds:Transform Algorithm="' + EXCLUSIVE,
        'URI="#s1-p"><ds:Transforms><ds:Transform Algorithm="urn:x',
    )
    assert strange != document
    assert list_intact(inspect(strange)) == [False]  # the value no longer fits, which is all that can be told
    assert "properties" not in inspect(strange).get_finding("signature.form").text_en


def test_canonical_helper_writes_what_the_tests_sign() -> None:
    assert canonical(PART) == PART.encode()
