"""Signature wrapping: the signed content is kept somewhere, and something else is shown in its place."""

from __future__ import annotations

import copy

from lxml import etree
from lxml.etree import _Element

from tests.vectors.cases import UNANCHORED, cannot_tell, fails
from tests.vectors.forge import DS, MATHS, SEAL, XADES, add, by_id, drop, edit, only, reference, replace_once, signature
from tests.vectors.school import signed
from transcript_core.canonical import canonicalize, parse_xml

MARK, FORGED = b"<DIEM>8.4</DIEM>", b"<DIEM>9.9</DIEM>"


def _forge_mark(part: _Element) -> None:
    next(one for one in part.iter("DIEM") if one.text == "8.4").text = "9.9"


@fails("EN 319 102-1, 5.2.7.4", "signature.references")
def edited_mark() -> bytes:
    return replace_once(signed(), MARK, FORGED)


@fails(
    "XSW: original moved into an Object of its signature, same Id",
    "document.structure",
    "document.identifiers",
    "signature.form",
)
def original_in_object_with_the_same_id() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        add(signature(root, MATHS), f"{DS}Object").append(copy.deepcopy(part))
        _forge_mark(part)

    return edit(signed(), change)


@fails(
    "XSW: original moved into an Object of its signature, the forged part under another Id",
    "document.structure",
    "signature.profile",
    "signature.references",
)
def original_in_object_and_another_id_shown() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        add(signature(root, MATHS), f"{DS}Object").append(copy.deepcopy(part))
        _forge_mark(part)
        part.set("Id", "diem-TOAN2")

    return edit(signed(), change)


@fails(
    "XSW: original moved behind the root's children",
    "document.structure",
    "document.identifiers",
    "document.hidden-content",
    "signature.form",
)
def original_data_moved_behind() -> bytes:
    def change(root: _Element) -> None:
        forged = copy.deepcopy(root[0])
        forged.attrib.pop("Id")
        _forge_mark(forged)
        root.append(root[0])
        root.insert(0, forged)

    return edit(signed(), change)


@fails(
    "XSW: original moved into PHAT_HANH_HOC_BA",
    "document.structure",
    "document.hidden-content",
    "document.parts",
    "signature.form",
    "signature.profile",
    "signature.value",
    "signature.certificate-reference",
)
def original_data_moved_beside_the_slots() -> bytes:
    def change(root: _Element) -> None:
        forged = copy.deepcopy(root[0])
        for element in forged.iter():
            element.attrib.pop("Id", "")
        _forge_mark(forged)
        root[1].append(root[0])
        root.insert(0, forged)

    return edit(signed(), change)


@fails(
    "XSW: whole original inside another root",
    "document.structure",
    "document.hidden-content",
    "document.parts",
    "signature.form",
    "signature.profile",
    "signature.value",
    "signature.certificate-reference",
)
def original_inside_another_document() -> bytes:
    original = parse_xml(signed())
    forged = copy.deepcopy(original)
    for element in forged.iter():
        element.attrib.pop("Id", "")
    _forge_mark(forged)
    forged[1].append(original)
    return canonicalize(forged)


@fails("XSW: an element is nested in itself", "document.structure", "document.parts", "signature.references")
def part_nested_in_itself() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        inner = copy.deepcopy(part)
        part.attrib.pop("Id")
        part.append(inner)

    return edit(signed(), change)


@fails(
    "CVE-2009-0217 family: HMAC in place of a signature",
    "signature.form",
    "signature.references",
    "signature.value",
    "signature.algorithms",
)
def hmac_signature_method() -> bytes:
    return _set_method("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")


@fails(
    "TT 15/2025 Annex I: no SHA-1", "signature.form", "signature.references", "signature.value", "signature.algorithms"
)
def sha1_signature_method() -> bytes:
    return _set_method("http://www.w3.org/2000/09/xmldsig#rsa-sha1")


@fails(
    "EN 319 102-1, 5.2.7: algorithm and key are of one family",
    "signature.form",
    "signature.references",
    "signature.value",
    "signature.algorithms",
)
def rsa_method_with_an_ec_key() -> bytes:
    return _set_method("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")


def _set_method(uri: str) -> bytes:
    return edit(signed(), lambda root: only(root, MATHS, f"{DS}SignatureMethod").set("Algorithm", uri))


@fails(
    "TT 15/2025 Annex I: no SHA-1",
    "signature.form",
    "signature.references",
    "signature.value",
    "signature.algorithms",
)
def sha1_digest_method() -> bytes:
    def change(root: _Element) -> None:
        one = reference(root, MATHS, "#diem-TOAN")
        next(one.iter(f"{DS}DigestMethod")).set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")

    return edit(signed(), change)


@fails(
    "XML Signature 1.1, 4.4.3.2: no references out of the document",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
)
def external_reference() -> bytes:
    return _set_uri("https://example.org/diem.xml")


@fails(
    "XML Signature 1.1, 4.4.3.2: a reference without URI",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
)
def reference_without_uri() -> bytes:
    def change(root: _Element) -> None:
        del reference(root, MATHS, "#diem-TOAN").attrib["URI"]

    return edit(signed(), change)


@fails(
    "XML Signature 1.1, 4.4.3.3: no XPointer beyond #id",
    "document.structure",
    "signature.profile",
    "signature.references",
    "signature.value",
)
def xpointer_reference() -> bytes:
    return _set_uri("#xpointer(id('diem-TOAN'))")


@fails(
    "XML Signature 1.1, 4.4.3.3: the target must be there",
    "signature.form",
    "signature.references",
    "signature.value",
    "slots.coverage",
)
def reference_to_nothing() -> bytes:
    return _set_uri("#diem-KHONG-CO")


def _set_uri(uri: str) -> bytes:
    return edit(signed(), lambda root: reference(root, MATHS, "#diem-TOAN").set("URI", uri))


@fails(
    "XSLT transforms can read files and show anything",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "slots.coverage",
)
def xslt_transform() -> bytes:
    return _add_transform("http://www.w3.org/TR/1999/REC-xslt-19991116")


@fails(
    "XPath transforms can leave the marks out",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "slots.coverage",
)
def xpath_transform() -> bytes:
    return _add_transform("http://www.w3.org/TR/1999/REC-xpath-19991116")


@fails(
    "Base64 transforms decode what is not shown",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "slots.coverage",
)
def base64_transform() -> bytes:
    return _add_transform("http://www.w3.org/2000/09/xmldsig#base64")


def _add_transform(uri: str) -> bytes:
    def change(root: _Element) -> None:
        transforms = next(reference(root, MATHS, "#diem-TOAN").iter(f"{DS}Transforms"))
        transforms.insert(0, etree.Element(f"{DS}Transform", {"Algorithm": uri}))

    return edit(signed(), change)


@fails(
    "XML Signature 1.1, 4.4: a signature without references",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
)
def no_references() -> bytes:
    def change(root: _Element) -> None:
        for one in list(signature(root, MATHS).iter(f"{DS}Reference")):
            drop(one)

    return edit(signed(), change)


@fails("CVE-2025-29774: two SignedInfo", "document.structure", "document.identifiers", "signature.form")
def doubled_signed_info() -> bytes:
    return _double(f"{DS}SignedInfo")


@fails(
    "XML Signature 1.1, 4.4.1: SignedInfo names its canonicalisation",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
)
def canonicalisation_method_missing() -> bytes:
    return edit(signed(), lambda root: drop(only(root, MATHS, f"{DS}CanonicalizationMethod")))


@fails("XML Signature 1.1, 4.3: one SignatureValue", "document.structure", "document.identifiers", "signature.form")
def doubled_signature_value() -> bytes:
    return _double(f"{DS}SignatureValue")


@fails(
    "XML Signature 1.1, 4.5: one KeyInfo",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    *UNANCHORED,
)
def doubled_key_info() -> bytes:
    return _double(f"{DS}KeyInfo")


def _double(name: str) -> bytes:
    def change(root: _Element) -> None:
        element = only(root, MATHS, name)
        parent = element.getparent()
        assert parent is not None
        parent.insert(parent.index(element), copy.deepcopy(element))

    return edit(signed(), change)


@fails(
    "CVE-2025-29775: a comment inside DigestValue",
    "document.structure",
    "document.hidden-content",
    "signature.form",
    "signature.references",
)
def comment_inside_a_digest() -> bytes:
    return replace_once(signed(), b"<ds:DigestValue>", b"<ds:DigestValue><!-- -->")


@fails(
    "XML Signature 1.1, 4.4.3.6: DigestValue holds text only",
    "document.structure",
    "signature.form",
    "signature.references",
    "signature.value",
)
def element_inside_a_digest() -> bytes:
    return replace_once(signed(), b"<ds:DigestValue>", b"<ds:DigestValue><ds:Object></ds:Object>")


@fails(
    "RFC 4648, 3.5: strict Base64", "document.structure", "signature.form", "signature.references", "signature.value"
)
def loose_base64_in_a_signature_value() -> bytes:
    return replace_once(signed(), b"</ds:SignatureValue>", b"====</ds:SignatureValue>")


@fails(
    "EN 319 132-1, 4.3: no certificate, no signer",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    *UNANCHORED,
)
def key_info_removed() -> bytes:
    return edit(signed(), lambda root: drop(only(root, MATHS, f"{DS}KeyInfo")))


@fails(
    "EN 319 132-1, 4.3.1: properties of another signature (Target)",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.certificate-reference",
    "signature.policy",
    "certificate.revocation",
    "certificate.path",
    "time.plausible",
)
def properties_of_another_signature() -> bytes:
    return edit(signed(), lambda root: only(root, MATHS, f"{XADES}QualifyingProperties").set("Target", "#sig-gvcn"))


@fails(
    "EN 319 132-1, 4.3.1: unsigned second Object with false properties",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.certificate-reference",
    "certificate.revocation",
    "certificate.path",
)
def second_object_with_false_properties() -> bytes:
    def change(root: _Element) -> None:
        false = copy.deepcopy(only(root, MATHS, f"{XADES}QualifyingProperties"))
        for element in false.iter():
            element.attrib.pop("Id", "")
        next(false.iter(f"{XADES}SigningTime")).text = "2020-01-01T00:00:00Z"
        add(signature(root, MATHS), f"{DS}Object").append(false)

    return edit(signed(), change)


@fails(
    "EN 319 132-1, 4.4: SignedProperties are always referenced, with their Type",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "slots.coverage",
)
def properties_reference_without_type() -> bytes:
    def change(root: _Element) -> None:
        del reference(root, MATHS, f"#props-{MATHS}").attrib["Type"]

    return edit(signed(), change)


@fails("EN 319 132-1, 5.2.1: the signing time is signed", "signature.references", "time.plausible")
def signing_time_moved() -> bytes:
    def change(root: _Element) -> None:
        only(root, MATHS, f"{XADES}SigningTime").text = "2026-05-28T03:00:00Z"

    return edit(signed(), change)


@cannot_tell("EN 319 132-1, 5.4: unknown unsigned properties are not believed", "signature.form")
def unknown_unsigned_property() -> bytes:
    def change(root: _Element) -> None:
        holder = only(root, SEAL, f"{XADES}UnsignedSignatureProperties")
        add(holder, f"{XADES}CompleteCertificateRefsV2")

    return edit(signed(), change)


@fails(
    "EN 319 132-1, 5.1.3: countersignatures have no place in a transcript",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.value",
    "signature.certificate-reference",
)
def countersignature_inside_a_slot() -> bytes:
    def change(root: _Element) -> None:
        inner = copy.deepcopy(signature(root, MATHS))
        for element in inner.iter():
            if element.get("Id"):
                element.set("Id", f"x-{element.get('Id')}")
        holder = only(root, SEAL, f"{XADES}UnsignedSignatureProperties")
        add(holder, f"{XADES}CounterSignature").append(inner)

    return edit(signed(), change)
