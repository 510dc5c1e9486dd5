"""Files that break the XML itself: hostile markup, hidden content, ambiguous identifiers, damage in transit."""

from __future__ import annotations

import unicodedata

from lxml.etree import _Element

from tests.vectors.cases import fails
from tests.vectors.forge import add, by_id, edit, replace_once
from tests.vectors.school import signed
from transcript_core.limits import MAX_XML_BYTES


@fails("EN 319 102-1, 5.2.2", "document.type", "signature.form")
def empty_file() -> bytes:
    return b""


@fails("EN 319 102-1, 5.2.2", "document.type", "signature.form")
def random_octets() -> bytes:
    return bytes(range(256)) * 8


@fails("EN 319 102-1, 5.2.2", "document.structure", "signature.form")
def truncated() -> bytes:
    return signed()[:-1000]


@fails("limits: MAX_XML_BYTES", "document.type", "signature.form")
def too_large() -> bytes:
    return b"<HOC_BA>" + b" " * MAX_XML_BYTES + b"</HOC_BA>"


@fails("limits: MAX_XML_DEPTH", "document.structure", "signature.form")
def nested_too_deep() -> bytes:
    return b"<HOC_BA>" * 1000 + b"</HOC_BA>" * 1000


@fails("XML 1.0, 2.8: no document type declaration is accepted", "document.structure", "signature.form")
def document_type_declaration() -> bytes:
    return b"<!DOCTYPE HOC_BA>" + signed()


@fails("XML 1.0, 4.2: entities (billion laughs)", "document.structure", "signature.form")
def billion_laughs() -> bytes:
    entities = b'<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">'
    return b"<!DOCTYPE HOC_BA [" + entities + b"]>" + replace_once(signed(), b"Hoa Sen", b"&c;")


@fails("XML 1.0, 4.2.2: external entities (XXE)", "document.structure", "signature.form")
def external_entity() -> bytes:
    return b'<!DOCTYPE HOC_BA [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + replace_once(signed(), b"Hoa Sen", b"&x;")


@fails("XML 1.0, 4.3.3: UTF-8 only", "document.structure", "document.hidden-content")
def utf_16() -> bytes:
    return signed().decode().encode("utf-16")


@fails("XML 1.0, 4.3.3: UTF-8 only", "document.structure", "document.hidden-content", "signature.references")
def declared_latin_1() -> bytes:
    return b'<?xml version="1.0" encoding="ISO-8859-1"?>' + signed()


@fails("docs/schema.md: stored in canonical form", "document.hidden-content")
def byte_order_mark() -> bytes:
    return b"\xef\xbb\xbf" + signed()


@fails("docs/schema.md: stored in canonical form", "document.hidden-content")
def xml_declaration() -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>' + signed()


@fails("docs/schema.md: nothing follows the root", "document.hidden-content")
def appended_line_break() -> bytes:
    return signed() + b"\n"


@fails("docs/schema.md: no comments", "document.structure", "document.hidden-content")
def comment_after_the_root() -> bytes:
    return signed() + b"<!-- 10.0 -->"


@fails("CVE-2017-11427: a comment splits a text", "document.structure", "document.hidden-content")
def comment_inside_a_mark() -> bytes:
    return replace_once(signed(), b"<DIEM>8.4</DIEM>", b"<DIEM>8<!-- -->.4</DIEM>")


@fails(
    "CVE-2017-11427: a comment splits a text",
    "document.structure",
    "document.hidden-content",
    "signature.form",
    "signature.value",
)
def comment_inside_a_signature_value() -> bytes:
    return replace_once(signed(), b"</ds:SignatureValue>", b"<!-- --></ds:SignatureValue>")


@fails(
    "docs/schema.md: no processing instructions",
    "document.structure",
    "document.hidden-content",
    "signature.references",
)
def processing_instruction_inside() -> bytes:
    return replace_once(signed(), b"<TRUONG>", b"<?php 1?><TRUONG>")


@fails("docs/schema.md: no processing instructions", "document.structure", "document.hidden-content")
def style_sheet_before_the_root() -> bytes:
    return b'<?xml-stylesheet href="marks.xsl"?>' + signed()


@fails(
    "docs/schema.md: no white space between elements",
    "document.structure",
    "document.hidden-content",
    "signature.references",
    "signature.value",
    "signature.profile",
)
def pretty_printed() -> bytes:
    return signed().replace(b"><", b">\n<")


@fails("Exclusive C14N 1.0, 2: unused namespaces are not signed", "document.hidden-content")
def unused_namespace_on_the_root() -> bytes:
    return replace_once(signed(), b"<HOC_BA>", b'<HOC_BA xmlns:an="urn:an">')


@fails(
    "Canonical XML 1.0, 1.3: relative namespace addresses have no canonical form",
    "document.structure",
    "signature.form",
)
def relative_namespace_address() -> bytes:
    return replace_once(signed(), b"<HOC_BA>", b'<HOC_BA xmlns:a="b/c">')


@fails(
    "Exclusive C14N 1.0: another prefix is another octet stream",
    "signature.references",
    "signature.value",
    "time.timestamps",
)
def other_prefix_for_signatures() -> bytes:
    return signed().replace(b"<ds:", b"<dsig:").replace(b"</ds:", b"</dsig:").replace(b"xmlns:ds=", b"xmlns:dsig=")


@fails("docs/schema.md: nothing on the root", "document.structure", "document.hidden-content")
def attribute_on_the_root() -> bytes:
    return replace_once(signed(), b"<HOC_BA>", b'<HOC_BA ghiChu="10.0">')


@fails("docs/schema.md: nothing but slots in PHAT_HANH_HOC_BA", "document.structure", "document.hidden-content")
def content_beside_the_slots() -> bytes:
    return replace_once(signed(), b"<PHAT_HANH_HOC_BA>", b"<PHAT_HANH_HOC_BA><NHAN_XET>10.0</NHAN_XET>")


@fails("docs/schema.md: nothing but slots in PHAT_HANH_HOC_BA", "document.structure", "document.hidden-content")
def text_beside_the_slots() -> bytes:
    return replace_once(signed(), b"<PHAT_HANH_HOC_BA>", b"<PHAT_HANH_HOC_BA>10.0")


@fails("docs/schema.md: two children of the root", "document.structure", "document.hidden-content")
def third_child_of_the_root() -> bytes:
    return replace_once(signed(), b"</HOC_BA>", b"<DU_LIEU_HOC_BA></DU_LIEU_HOC_BA></HOC_BA>")


@fails("XML 1.0, 3.3.1: one element an identifier", "document.structure", "document.identifiers", "signature.form")
def doubled_id() -> bytes:
    return edit(signed(), lambda root: by_id(root, "gvcn").set("Id", "diem-TOAN"))


@fails(
    "XML 1.0, 3.3.1: Id, ID, id and xml:id are one space",
    "document.structure",
    "document.identifiers",
    "document.hidden-content",
    "signature.form",
)
def doubled_id_in_lower_case() -> bytes:
    return edit(signed(), lambda root: root[1].set("id", "data"))


@fails(
    "XML 1.0, 3.3.1: Id, ID, id and xml:id are one space",
    "document.structure",
    "document.identifiers",
    "document.hidden-content",
    "signature.form",
)
def doubled_xml_id() -> bytes:
    name = "{http://www.w3.org/XML/1998/namespace}id"
    return edit(signed(), lambda root: root[1].set(name, "data"))


@fails("docs/schema.md: Unicode is as it was signed", "document.structure", "signature.references")
def decomposed_letters() -> bytes:
    return signed().replace("Trường".encode(), unicodedata.normalize("NFD", "Trường").encode())


@fails("docs/schema.md: schema versions", "document.structure", "signature.references")
def unknown_schema_version() -> bytes:
    return replace_once(signed(), b'phienBan="1.0"', b'phienBan="9.0"')


@fails("docs/schema.md: signatures stand in slots", "document.structure")
def signature_outside_the_slots() -> bytes:
    def change(root: _Element) -> None:
        holder = add(root[1], "CBQL", Id="cbql-2")
        holder.append(by_id(root, "sig-cbql"))

    return edit(signed(), change)
