"""Signatures of files that are no transcripts: detached, enveloping, enveloped, manifests and countersignatures.

Sound ones pass `inspect` with the sample school's anchors; the others are broken in one way each.
"""

from __future__ import annotations

from typing import Final

from tests.vectors.cases import Question, cannot_tell, fails, sound
from tests.vectors.foreign import (
    COUNTERSIGNED_TYPE,
    DS_URI,
    ENVELOPED,
    EXCLUSIVE,
    MANIFEST_TYPE,
    Ref,
    Wanted,
    canonical,
    encode,
    sign,
    write_transform,
)
from tests.vectors.school import school
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.limits import MAX_REFERENCES, MAX_SIGNATURES, MAX_TRANSFORMS

NAME: Final = "diem.txt"
CONTENT: Final = "Toán: 8,4".encode()
OTHER: Final = ("khac.txt", "Ngữ văn: 7,1".encode())
FORGED: Final = "Toán: 9,9".encode()
XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
FILTER_2: Final = "http://www.w3.org/2002/06/xmldsig-filter2"
XSLT: Final = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BASE64: Final = f"{DS_URI}base64"
INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"

_UNSIGNED: Final = b'<ds:Object><a Id="x"></a><a id="x"></a></ds:Object>'

UNSEEN: Final = ("signature.form", "signature.references")
"""What cannot be told of a signature whose content was not digested."""

asked: Final = Question.SIGNATURES


def beside() -> tuple[tuple[str, bytes], ...]:
    """Return the one signed file."""
    return ((NAME, CONTENT),)


def two_beside() -> tuple[tuple[str, bytes], ...]:
    """Return the signed file and another."""
    return ((NAME, CONTENT), OTHER)


def forged_beside() -> tuple[tuple[str, bytes], ...]:
    """Return a file of the right name with other content."""
    return ((NAME, FORGED),)


def detached(*refs: Ref, **changes: object) -> bytes:
    """Return a detached signature of the file, or of what `refs` say."""
    return sign(Wanted(refs or (Ref(NAME, CONTENT),), **changes)).encode()  # type: ignore[arg-type]


def enveloping(*objects: tuple[str, str], **changes: object) -> bytes:
    """Return a signature that holds (Id, markup) as its Objects, each signed."""
    holders = {identifier: _object(identifier, markup) for identifier, markup in objects}
    refs = tuple(Ref(f"#{identifier}", canonical(holder), (EXCLUSIVE,)) for identifier, holder in holders.items())
    return sign(Wanted(refs, objects=tuple(holders.values()), **changes)).encode()  # type: ignore[arg-type]


def enveloped(markup: str, *transforms: str, octets: bytes | None = None) -> bytes:
    """Return an element with the signature of the document around it as last child."""
    plain = f"<hoSo>{markup}</hoSo>"
    signed = canonicalize(parse_xml(plain.encode())) if octets is None else octets
    signature = sign(Wanted((Ref("", signed, transforms or (ENVELOPED, EXCLUSIVE)),)))
    return plain.replace("</hoSo>", f"{signature}</hoSo>").encode()


def xpath(expression: str) -> str:
    """Return an XPath transform."""
    return write_transform(XPATH, f'<ds:XPath xmlns:ds="{DS_URI}">{expression}</ds:XPath>')


def manifest(*refs: Ref) -> bytes:
    """Return a signature over a manifest of references."""
    markup = f'<ds:Manifest Id="m">{"".join(one.to_xml() for one in refs)}</ds:Manifest>'
    return sign(
        Wanted(
            (Ref("#m", canonical(markup), (EXCLUSIVE,), MANIFEST_TYPE),), objects=(f"<ds:Object>{markup}</ds:Object>",)
        )
    ).encode()


def _object(identifier: str, markup: str) -> str:
    return f'<ds:Object Id="{identifier}">{markup}</ds:Object>'


def value_of(document: bytes) -> str:
    """Return the ds:SignatureValue element of the last signature."""
    start, end = document.rindex(b"<ds:SignatureValue"), document.rindex(b"</ds:SignatureValue>")
    return (document[start:end] + b"</ds:SignatureValue>").decode()


def countersigned(*, type_uri: str | None = COUNTERSIGNED_TYPE, octets: bytes | None = None) -> bytes:
    """Return a detached signature with a countersignature in its unsigned properties."""
    value_id = "s1-v"
    outer = detached(stamped=False).decode().replace("<ds:SignatureValue>", f'<ds:SignatureValue Id="{value_id}">')
    signed = canonical(value_of(outer.encode())) if octets is None else octets
    refs = (Ref(f"#{value_id}", signed, (EXCLUSIVE,), type_uri),)
    inner = sign(Wanted(refs, signature_id="c1", signer=school().person("0161335155", "Phạm Hữu Hải")))
    holder = f"<xades:CounterSignature>{inner}</xades:CounterSignature>"
    return outer.replace("<xades:CertificateValues>", f"{holder}<xades:CertificateValues>", 1).encode()


# Sound


@sound("XML Signature 1.1, 2.0: detached", question=asked, files=beside)
def detached_signature() -> bytes:
    return detached()


@sound("XML Signature 1.1, 4.4.3.2: a lone file answers to any name", question=asked, files=beside)
def detached_signature_of_another_name() -> bytes:
    return detached(Ref("file:///C:/scan/diem%20goc.txt", CONTENT))


@sound("XML Signature 1.1, 4.4.3.1: a reference without URI, when there is one file", question=asked, files=beside)
def detached_signature_without_uri() -> bytes:
    return detached(Ref(None, CONTENT))


@sound("XML Signature 1.1, 2.0: several files", question=asked, files=two_beside)
def detached_signature_of_two_files() -> bytes:
    return detached(Ref(NAME, CONTENT), Ref(OTHER[0], OTHER[1]))


@sound("XML Signature 1.1, 2.0: enveloping", question=asked)
def enveloping_signature() -> bytes:
    return enveloping(("o1", "<diem>8,4</diem>"))


@sound("XML Signature 1.1, 6.6.2: Base64 inside an Object", question=asked)
def enveloping_signature_of_octets() -> bytes:
    holder = f'<ds:Object Id="o1" Encoding="{BASE64}">{encode(CONTENT)}</ds:Object>'
    return sign(Wanted((Ref("#o1", CONTENT, (BASE64,)),), objects=(holder,))).encode()


@sound("XML Signature 1.1, 6.6.4: enveloped", question=asked)
def enveloped_signature() -> bytes:
    return enveloped("<diem>8,4</diem>")


@sound("XML Signature 1.1, 6.6.3: the one XPath that means enveloped", question=asked)
def enveloped_by_xpath() -> bytes:
    return enveloped("<diem>8,4</diem>", xpath("not(ancestor-or-self::ds:Signature)"), EXCLUSIVE)


@sound("XPath Filter 2.0: the filter that means enveloped", question=asked)
def enveloped_by_filter() -> bytes:
    inside = f'<f:XPath xmlns:f="{FILTER_2}" Filter="subtract">/descendant::ds:Signature</f:XPath>'
    return enveloped("<diem>8,4</diem>", write_transform(FILTER_2, inside), EXCLUSIVE)


@sound("XML Signature 1.1, 6.6.3: enveloped, by the local name of signatures alone", question=asked)
def enveloped_by_xpath_of_local_names() -> bytes:
    return enveloped("<diem>8,4</diem>", xpath("(not(ancestor-or-self::*[local-name() = 'Signature']))"), EXCLUSIVE)


@sound("XML Signature 1.1, 6.6.3: enveloped, by both names of signatures", question=asked)
def enveloped_by_xpath_of_both_names() -> bytes:
    named = f"*[local-name()='Signature' and namespace-uri()='{DS_URI}']"
    return enveloped("<diem>8,4</diem>", xpath(f"not(ancestor-or-self::{named})"), EXCLUSIVE)


@sound("XPath Filter 2.0, 3.4: one filter after the other", question=asked)
def enveloped_by_two_filters() -> bytes:
    filters = "".join(
        f'<f:XPath xmlns:f="{FILTER_2}" xmlns:ds="{DS_URI}" Filter="subtract">{expression}</f:XPath>'
        for expression in ("here()/ancestor::ds:Signature[1]", "//ds:Signature")
    )
    return enveloped("<diem>8,4</diem>", write_transform(FILTER_2, filters), EXCLUSIVE)


@sound("XML Signature 1.1, 5.1: a manifest whose entries are all at hand", question=asked, files=two_beside)
def manifest_of_two_files() -> bytes:
    return manifest(Ref(NAME, CONTENT), Ref(OTHER[0], OTHER[1]))


@sound("EN 319 132-1, 5.2.7: countersignature", question=asked, files=beside)
def countersignature() -> bytes:
    return countersigned()


# Content that is not what was signed, or not there


@fails("EN 319 102-1, 5.2.7.4: the file is another", "signature.references", question=asked, files=forged_beside)
def detached_file_changed() -> bytes:
    return detached()


@cannot_tell("EN 319 102-1, 5.2.7: the file is not there", *UNSEEN, question=asked)
def detached_file_not_given() -> bytes:
    return detached()


@cannot_tell("XML Signature 1.1, 4.4.3.2: nothing is fetched", *UNSEEN, question=asked)
def detached_file_on_a_server() -> bytes:
    return detached(Ref("https://example.org/diem.txt", CONTENT))


@cannot_tell("XML Signature 1.1, 4.4.3.2: no file of this machine is read", *UNSEEN, question=asked)
def detached_file_of_the_verifying_machine() -> bytes:
    return detached(Ref("file:///etc/hostname", CONTENT))


@cannot_tell("which of two files is meant is not guessed", *UNSEEN, question=asked, files=two_beside)
def detached_file_of_an_unknown_name() -> bytes:
    return detached(Ref("diem-goc.txt", CONTENT))


@fails("EN 319 102-1, 5.2.7.4: one of two files is another", "signature.references", question=asked, files=two_beside)
def one_of_two_detached_files_changed() -> bytes:
    return detached(Ref(NAME, CONTENT), Ref(OTHER[0], FORGED))


@fails("EN 319 102-1, 5.2.7.4", "signature.references", question=asked)
def enveloped_content_changed() -> bytes:
    return enveloped_signature().replace(b"8,4", b"9,9")


@fails("XML Signature 1.1, 6.6.4: the text behind the signature is signed", "signature.references", question=asked)
def text_added_behind_an_enveloped_signature() -> bytes:
    return enveloped_signature().replace(b"</ds:Signature></hoSo>", b"</ds:Signature>9,9</hoSo>")


@fails(
    "XML Signature 1.1, 6.6.4: only the own signature is left out", "signature.references", question=asked, files=beside
)
def second_signature_beside_an_enveloped_one() -> bytes:
    second = detached(Ref(NAME, CONTENT), signature_id="s2").decode()
    return enveloped_signature().replace(b"</hoSo>", f"{second}</hoSo>".encode())


@fails("EN 319 102-1, 5.2.7.4", "signature.references", question=asked)
def enveloping_object_changed() -> bytes:
    return enveloping_signature().replace(b"8,4", b"9,9")


@fails("XSW: another Object takes the Id", "signature.form", "signature.references", "content.signed", question=asked)
def enveloping_object_renamed() -> bytes:
    shown = _object("o2", "<diem>9,9</diem>").encode()
    return enveloping_signature().replace(b'<ds:Object Id="o1">', shown + b'<ds:Object Id="o3">')


@fails(
    "XML 1.0, 3.3.1", "document.identifiers", "signature.form", "signature.references", "content.signed", question=asked
)
def enveloping_object_doubled() -> bytes:
    shown = _object("o1", "<diem>9,9</diem>").encode()
    return enveloping_signature().replace(b'<ds:Object Id="o1">', shown + b'<ds:Object Id="o1">')


@cannot_tell("XML 1.0, 3.3.1: doubled, though no signature names it", "document.identifiers", question=asked)
def doubled_identifier_beside_what_is_signed() -> bytes:
    return enveloping_signature().replace(b"<diem>8,4</diem></ds:Object>", b"<diem>8,4</diem></ds:Object>" + _UNSIGNED)


@fails("RFC 4648, 3.5: strict Base64", "signature.form", "signature.references", question=asked)
def enveloping_octets_in_loose_base64() -> bytes:
    return enveloping_signature_of_octets().replace(encode(CONTENT).encode(), encode(CONTENT).encode() + b"*")


# Transforms


@fails("XSLT can read files and show anything", "signature.form", "signature.references", question=asked)
def foreign_xslt_transform() -> bytes:
    sheet = '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"></x:stylesheet>'
    return enveloped("<diem>8,4</diem>", ENVELOPED, write_transform(XSLT, sheet), EXCLUSIVE)


@cannot_tell("void canonicalisation: an XPath that selects nothing", *UNSEEN, question=asked)
def xpath_that_selects_nothing() -> bytes:
    return enveloped("<diem>9,9</diem>", xpath("false()"), EXCLUSIVE, octets=b"")


@cannot_tell("an XPath that leaves out whatever is called so", *UNSEEN, question=asked)
def xpath_by_local_name_where_others_have_such_elements() -> bytes:
    marks = '<v:Signature xmlns:v="urn:v">8,4</v:Signature>'
    return enveloped(marks, xpath("not(ancestor-or-self::*[local-name()='Signature'])"), EXCLUSIVE)


@cannot_tell("an XPath that leaves the marks out", *UNSEEN, question=asked)
def xpath_that_leaves_the_marks_out() -> bytes:
    octets = canonicalize(parse_xml(b"<hoSo></hoSo>"))
    expression = "not(ancestor-or-self::ds:Signature) and not(ancestor-or-self::diem)"
    return enveloped("<diem>9,9</diem>", xpath(expression), EXCLUSIVE, octets=octets)


@cannot_tell("an XPath whose prefix is bound to another namespace", *UNSEEN, question=asked)
def xpath_with_a_false_prefix() -> bytes:
    inside = '<ds:XPath xmlns:xx="urn:x">not(ancestor-or-self::xx:Signature)</ds:XPath>'
    return enveloped("<diem>8,4</diem>", write_transform(XPATH, inside), EXCLUSIVE)


@cannot_tell("XPath Filter 2.0: an intersection that leaves the marks out", *UNSEEN, question=asked)
def filter_that_leaves_the_marks_out() -> bytes:
    inside = f'<f:XPath xmlns:f="{FILTER_2}" Filter="intersect">/hoSo/ten</f:XPath>'
    return enveloped(
        "<ten>An</ten><diem>9,9</diem>", write_transform(FILTER_2, inside), EXCLUSIVE, octets=b"<ten>An</ten>"
    )


@cannot_tell("XML Signature 1.1, 6.6: a transform that nobody knows", *UNSEEN, question=asked)
def unknown_transform() -> bytes:
    return enveloped("<diem>8,4</diem>", ENVELOPED, "urn:example:nothing", EXCLUSIVE)


@cannot_tell(
    "void canonicalisation: SignedInfo by a method that is none",
    "signature.form",
    "signature.value",
    question=asked,
    files=beside,
)
def unknown_method_for_signed_info() -> bytes:
    return detached().replace(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}">'.encode(),
        b'<ds:CanonicalizationMethod Algorithm="urn:x">',
        1,
    )


@fails("limits: MAX_TRANSFORMS", "signature.form", "signature.references", question=asked)
def too_many_transforms() -> bytes:
    return enveloped("<diem>8,4</diem>", *([ENVELOPED] * MAX_TRANSFORMS), EXCLUSIVE)


@fails(
    "limits: MAX_REFERENCES",
    "signature.form",
    "signature.references",
    "signature.certificate-reference",
    question=asked,
    files=beside,
)
def too_many_references() -> bytes:
    return detached(*([Ref(NAME, CONTENT)] * (MAX_REFERENCES + 1)))


# Manifests and countersignatures


@cannot_tell("limits: MAX_SIGNATURES", "signature.form", question=asked)
def more_signatures_than_are_read() -> bytes:
    holder = _object("o", "<diem>8,4</diem>")
    ref = Ref("#o", canonical(holder), (EXCLUSIVE,))
    signed = (sign(Wanted((ref,), signature_id=f"s{number}")) for number in range(MAX_SIGNATURES + 1))
    return f'<hoSo xmlns:ds="{DS_URI}">{holder}{"".join(signed)}</hoSo>'.encode()


@fails(
    "XML Signature 1.1, 6.6.4: nothing is left without the signature",
    "signature.form",
    "signature.references",
    question=asked,
)
def enveloped_signature_that_is_all_there_is() -> bytes:
    return sign(Wanted((Ref("", b"", (ENVELOPED, EXCLUSIVE)),))).encode()


@sound("XML Signature 1.1, 6.6.4: the signature is not in what is signed, so nothing is left out", question=asked)
def enveloped_transform_of_another_element() -> bytes:
    part = '<diem Id="d">8,4</diem>'
    signature = sign(Wanted((Ref("#d", part.encode(), (ENVELOPED, EXCLUSIVE)),)))
    return f"<hoSo>{part}{signature}</hoSo>".encode()


@fails("XML Signature 1.1, 5.1: an entry is wrong", "signature.references", question=asked, files=two_beside)
def manifest_entry_wrong() -> bytes:
    return manifest(Ref(NAME, CONTENT), Ref(OTHER[0], FORGED))


@cannot_tell("XML Signature 1.1, 5.1: an entry is not at hand", "signature.form", question=asked, files=two_beside)
def manifest_entry_not_at_hand() -> bytes:
    return manifest(Ref(NAME, CONTENT), Ref("diem-3.txt", FORGED))


@fails("XML Signature 1.1, 5.1: the manifest is signed", "signature.references", question=asked, files=two_beside)
def manifest_changed() -> bytes:
    return manifest(Ref(NAME, CONTENT)).replace(f'URI="{NAME}"'.encode(), f'URI="{OTHER[0]}"'.encode())


@fails("XML Signature 1.1, 5.1: a manifest of nothing", "signature.form", question=asked)
def empty_manifest() -> bytes:
    return manifest()


@fails("limits: MAX_REFERENCES in a manifest", "signature.form", question=asked, files=beside)
def manifest_of_too_many_entries() -> bytes:
    return manifest(*([Ref(NAME, CONTENT)] * (MAX_REFERENCES + 1)))


@fails("XML Signature 1.1, 4.4: only its own properties are signed", "signature.form", question=asked)
def signature_over_nothing_but_its_properties() -> bytes:
    return sign(Wanted(())).encode()


@fails(
    "EN 319 132-1, 5.2.7: the value that is signed is another's", "signature.references", question=asked, files=beside
)
def countersignature_of_another_value() -> bytes:
    return countersigned(octets=canonical("<ds:SignatureValue>AAAA</ds:SignatureValue>"))


@cannot_tell("EN 319 132-1, 5.2.7.2: it must sign its parent's value", "signature.form", question=asked, files=beside)
def countersignature_of_something_else() -> bytes:
    inner = sign(Wanted((Ref(NAME, CONTENT),), signature_id="c1"))
    holder = f"<xades:CounterSignature>{inner}</xades:CounterSignature>"
    return detached().decode().replace("<xades:CertificateValues>", f"{holder}<xades:CertificateValues>", 1).encode()


@cannot_tell("EN 319 132-1, 5.2.7.2: one signature in it", "signature.form", question=asked, files=beside)
def countersignature_without_a_signature() -> bytes:
    holder = b"<xades:CounterSignature></xades:CounterSignature>"
    return detached().replace(b"<xades:CertificateValues>", holder + b"<xades:CertificateValues>", 1)
