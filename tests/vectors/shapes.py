"""More shapes of wrapping: the eight of Somorovsky and others (XSW 1 to 8), and where two parsers could differ.

In each the mathematics is left right wherever the forger can do that; what is shown is not what was signed.
"""

from __future__ import annotations

import copy

from lxml import etree
from lxml.etree import _Element

from tests.support.samples import build_issue, build_transcript
from tests.vectors.cases import cannot_tell, fails
from tests.vectors.foreign import EXCLUSIVE, Ref, Wanted, canonical, sign
from tests.vectors.forge import (
    DS,
    MATHS,
    PRINCIPAL,
    SEAL,
    add,
    by_id,
    drop,
    edit,
    only,
    reference,
    replace_once,
    reseal,
    resign,
    resign_all,
    signature,
)
from tests.vectors.school import describe, signed
from transcript_core.canonical import parse_xml

LOST = (
    "document.structure",
    "document.hidden-content",
    "signature.form",
    "signature.profile",
    "signature.value",
    "signature.certificate-reference",
)
"""What a document answers in which a signature stands inside something else than its slot."""


def _forge_mark(part: _Element) -> None:
    next(one for one in part.iter("DIEM") if one.text == "8.4").text = "9.9"


def _without_ids(element: _Element) -> _Element:
    for one in element.iter():
        one.attrib.pop("Id", "")
    return element


@fails(
    "XSW 1: the forged root envelops the signature, which holds the original",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
)
def original_root_inside_a_signature() -> bytes:
    original = parse_xml(signed())

    def change(root: _Element) -> None:
        _forge_mark(root)
        add(signature(root, MATHS), f"{DS}Object").append(_without_ids(original))

    return edit(signed(), change)


@fails(
    "XSW 2: the signature detached beside the original", "document.structure", "document.parts", "signature.references"
)
def part_detached_beside_its_forged_twin() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        forged = _without_ids(copy.deepcopy(part))
        _forge_mark(forged)
        part.addprevious(forged)

    return edit(signed(), change)


@fails("XSW 3: the forged part first, the original behind it with the Id", "document.structure", "signature.references")
def forged_part_before_the_original() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        forged = copy.deepcopy(part)
        forged.set("Id", "diem-TOAN-2")
        _forge_mark(forged)
        part.addprevious(forged)

    return edit(signed(), change)


@fails("XSW 4: the forged part around the original", "document.structure", "signature.references")
def forged_part_around_the_original() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        forged = copy.deepcopy(part)
        forged.set("Id", "diem-TOAN-2")
        _forge_mark(forged)
        part.addprevious(forged)
        forged.append(part)

    return edit(signed(), change)


@fails(
    "XSW 5: the original behind the signature, its Id taken by the forged one",
    "document.structure",
    "document.identifiers",
    "document.hidden-content",
    "signature.form",
)
def original_behind_the_slots_with_its_id() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        root.append(copy.deepcopy(part))
        _forge_mark(part)

    return edit(signed(), change)


@fails(
    "XSW 6: the forged part, the signature, the original inside it",
    "document.structure",
    "document.parts",
    "signature.profile",
    "signature.references",
)
def original_inside_its_own_signature() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        original = copy.deepcopy(part)
        _forge_mark(part)
        part.attrib.pop("Id")
        add(signature(root, MATHS), f"{DS}Object").append(original)

    return edit(signed(), change)


@fails(
    "XSW 7: the original in an open-content element beside the data",
    "document.structure",
    "document.hidden-content",
    "document.parts",
    "signature.references",
)
def original_in_an_extension_element() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        forged = copy.deepcopy(part)
        forged.attrib.pop("Id")
        _forge_mark(forged)
        part.addprevious(forged)
        add(root, "Extensions").append(part)

    return edit(signed(), change)


@fails(
    "XSW 8: the original in an Object of another signature",
    "document.structure",
    "document.parts",
    "signature.profile",
    "signature.references",
)
def original_in_an_object_of_another_signature() -> bytes:
    def change(root: _Element) -> None:
        part = by_id(root, "diem-TOAN")
        forged = copy.deepcopy(part)
        forged.attrib.pop("Id")
        _forge_mark(forged)
        part.addprevious(forged)
        add(signature(root, SEAL), f"{DS}Object").append(part)

    return edit(signed(), change)


# References


@fails(
    "coverage: a teacher signs the whole document instead",
    "document.structure",
    "signature.profile",
    "signature.references",
)
def reference_to_the_whole_document() -> bytes:
    return edit(signed(), lambda root: reference(root, MATHS, "#diem-TOAN").set("URI", ""), resign(MATHS), reseal)


@fails("coverage: a teacher signs a colleague's signature", "slots.coverage")
def reference_to_a_colleagues_signature() -> bytes:
    def change(root: _Element) -> None:
        reference(root, MATHS, "#diem-TOAN").set("URI", "#sig-gvbm-NGUVAN-1")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("coverage: the principal signs a teacher's signature in place of the data", "slots.coverage")
def principal_signs_a_teachers_signature_only() -> bytes:
    def change(root: _Element) -> None:
        reference(root, PRINCIPAL, "#data").set("URI", f"#sig-{MATHS}")

    return edit(signed(), change, reseal)


@fails("coverage: the seal signs its own properties and nothing else", "signature.form", "slots.coverage")
def seal_signs_nothing() -> bytes:
    def change(root: _Element) -> None:
        for uri in ("#data", "#sig-cbql"):
            drop(reference(root, SEAL, uri))

    return edit(signed(), change, resign(SEAL))


@fails("XML Signature 1.1, 4.4.3.3: a part is named by its XPointer", "document.structure", "signature.profile")
def full_xpointer_to_the_part() -> bytes:
    def change(root: _Element) -> None:
        reference(root, MATHS, "#diem-TOAN").set("URI", "#xpointer(id('diem-TOAN'))")

    return edit(signed(), change, resign(MATHS), reseal)


@fails("no reference stands twice", "slots.coverage")
def doubled_reference() -> bytes:
    def change(root: _Element) -> None:
        own = reference(root, MATHS, "#diem-TOAN")
        twin = copy.deepcopy(own)
        twin.attrib.pop("Id", "")
        own.addnext(twin)

    return edit(signed(), change, resign(MATHS), reseal)


@fails(
    "signatures: the seal's copied into the principal's slot",
    "document.structure",
    "document.identifiers",
    "signature.form",
)
def seals_signature_in_the_principals_slot() -> bytes:
    def change(root: _Element) -> None:
        holder = by_id(root, PRINCIPAL)
        drop(signature(root, PRINCIPAL))
        holder.append(copy.deepcopy(signature(root, SEAL)))

    return edit(signed(), change)


@fails(
    "signatures: an empty ds:Signature in a slot",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    "signature.algorithms",
    "signer.identified",
    "certificate.period",
    "certificate.revocation",
    "certificate.usage",
    "certificate.path",
    "trust.world",
)
def empty_signature_in_a_slot() -> bytes:
    def change(root: _Element) -> None:
        own = signature(root, MATHS)
        for child in list(own):
            own.remove(child)

    return edit(signed(), change)


@fails("a namespace that looks like XML Signature's", "document.structure", "signature.references")
def signature_in_a_namespace_that_looks_alike() -> bytes:
    return replace_once(
        signed(),
        b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
        b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig"',
    )


# Where parsers differ


@fails(
    "CVE-2025-25291 family: a prefix bound anew inside the signature",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    "signature.algorithms",
)
def prefix_bound_anew_inside_the_signature() -> bytes:
    return replace_once(signed(), b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:ds="urn:x">')


@fails("a default namespace around the data", "document.structure", "signature.references")
def default_namespace_on_the_data() -> bytes:
    return replace_once(signed(), b"<DU_LIEU_HOC_BA ", b'<DU_LIEU_HOC_BA xmlns="urn:x" ')


@fails("XML 1.0, 2.7: CDATA in place of text", "document.hidden-content")
def mark_in_a_cdata_section() -> bytes:
    return replace_once(signed(), b"<DIEM>8.4</DIEM>", b"<DIEM><![CDATA[8.4]]></DIEM>")


@fails("XML 1.0, 4.1: a character reference in place of a character", "document.hidden-content")
def mark_with_a_character_reference() -> bytes:
    return replace_once(signed(), b"<DIEM>8.4</DIEM>", b"<DIEM>&#56;.4</DIEM>")


@fails("XML 1.0, 2.11: line ends are read as one", "document.structure", "document.hidden-content")
def carriage_return_behind_the_root() -> bytes:
    return signed() + b"\r<!-- -->"


@fails("XML 1.0, 2.10: xml:space and xml:lang on a part", "document.structure", "signature.references")
def xml_lang_on_a_part() -> bytes:
    def change(root: _Element) -> None:
        by_id(root, "diem-TOAN").set("{http://www.w3.org/XML/1998/namespace}lang", "en")

    return edit(signed(), change)


@fails("XInclude is never followed", "document.structure", "document.hidden-content")
def xinclude_beside_the_slots() -> bytes:
    def change(root: _Element) -> None:
        add(root[1], "{http://www.w3.org/2001/XInclude}include", href="file:///etc/passwd", parse="text")

    return edit(signed(), change)


@fails("XML 1.0, 2.8: a parameter entity", "document.structure", "signature.form")
def parameter_entity() -> bytes:
    return b'<!DOCTYPE HOC_BA [<!ENTITY % x SYSTEM "http://example.org/x.dtd"> %x;]>' + signed()


@fails("XML 1.0, 2.8: a default attribute from a DTD", "document.structure", "signature.form")
def default_attribute_from_a_dtd() -> bytes:
    return b'<!DOCTYPE HOC_BA [<!ATTLIST DIEM_TONG_KET Id ID "diem-TOAN">]>' + signed()


@fails("XML 1.0, 2.8: a document type declaration behind a comment", "document.structure", "signature.form")
def document_type_declaration_behind_a_comment() -> bytes:
    return b"<!-- --><?x?>\n<!DOCTYPE HOC_BA>" + signed()


@fails("quadratic blow-up: one long entity many times", "document.structure", "signature.form")
def quadratic_blow_up() -> bytes:
    return b'<!DOCTYPE r [<!ENTITY a "' + b"x" * 50_000 + b'">]><r>' + b"&a;" * 10_000 + b"</r>"


@fails("XML 1.1 is another language", "document.structure", "signature.form")
def xml_1_1() -> bytes:
    return b'<?xml version="1.1"?>' + signed()


@fails("UTF-7 hides markup", "document.structure", "signature.form")
def utf_7() -> bytes:
    return b'<?xml version="1.0" encoding="UTF-7"?>' + signed()


@fails("void canonicalisation: a relative namespace inside the signed part", "document.structure", "signature.form")
def relative_namespace_inside_a_part() -> bytes:
    return replace_once(signed(), b'<DIEM_TONG_KET Id="diem-TOAN">', b'<DIEM_TONG_KET xmlns:a="b" Id="diem-TOAN">')


@fails("void canonicalisation: the digest of nothing", "signature.references", "signature.value")
def digest_of_nothing() -> bytes:
    empty = b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

    def change(root: _Element) -> None:
        next(reference(root, MATHS, "#diem-TOAN").iter(f"{DS}DigestValue")).text = empty.decode()

    return edit(signed(), change)


@fails("a digest with white space between its letters", "signature.value")
def white_space_in_a_digest() -> bytes:
    def change(root: _Element) -> None:
        value = next(reference(root, MATHS, "#diem-TOAN").iter(f"{DS}DigestValue"))
        value.text = f"{(value.text or '')[:10]}\n{(value.text or '')[10:]}"

    return edit(signed(), change, reseal)


@fails(
    "CVE-2025-29775: two DigestValue", "document.structure", "signature.form", "signature.references", "signature.value"
)
def doubled_digest_value() -> bytes:
    def change(root: _Element) -> None:
        value = next(reference(root, MATHS, "#diem-TOAN").iter(f"{DS}DigestValue"))
        value.addprevious(copy.deepcopy(value))

    return edit(signed(), change)


@fails(
    "CVE-2024-45409: SignedInfo of another place",
    "document.structure",
    "signature.form",
    "signature.profile",
    "signature.references",
    "signature.value",
    "signature.certificate-reference",
    "signature.algorithms",
)
def signed_info_inside_an_object() -> bytes:
    def change(root: _Element) -> None:
        own = signature(root, MATHS)
        add(own, f"{DS}Object").append(only(root, MATHS, f"{DS}SignedInfo"))

    return edit(signed(), change)


# Names in the signed content


def _rename(text: str) -> bytes:
    def change(root: _Element) -> None:
        next(root.iter("HO_VA_TEN")).text = text

    return edit(signed(), change, resign_all)


@fails("names: a bidirectional control shows another name", "document.structure")
def bidirectional_control_in_the_pupils_name() -> bytes:
    return _rename("Phan Ngọc \u202eY")


@fails("names: an invisible character makes another name", "document.structure")
def zero_width_joiner_in_the_pupils_name() -> bytes:
    return _rename("Phan Ngọc\u200d Yến")


@fails("names: decomposed letters", "document.structure")
def decomposed_letters_in_the_pupils_name() -> bytes:
    return _rename("Phan Ngọc Ye\u0302\u0301n")


# Files of others, and transcripts that are none


@cannot_tell("a signed file that is no transcript", "document.type")
def signed_file_that_is_no_transcript() -> bytes:
    holder = '<ds:Object Id="o1"><diem>10,0</diem></ds:Object>'
    return sign(Wanted((Ref("#o1", canonical(holder), (EXCLUSIVE,)),), objects=(holder,))).encode()


@cannot_tell("a transcript inside a signature of somebody is no transcript", "document.type")
def transcript_inside_an_enveloping_signature() -> bytes:
    transcript = build_transcript()
    unsigned = describe(transcript, build_issue(transcript))[0]
    inner = _without_ids(parse_xml(unsigned))
    holder = f'<ds:Object Id="o1">{etree.tostring(inner, encoding="unicode")}</ds:Object>'
    return sign(Wanted((Ref("#o1", canonical(holder), (EXCLUSIVE,)),), objects=(holder,))).encode()
