"""Signed PDFs of transcripts to which something was added: incremental saving, shadows, annotations, active content.

The signatures themselves stay right in all of them; each file must fail all the same.
"""

from __future__ import annotations

from signing.pades.section import build_end
from tests.support.signed_pdf import append_objects
from tests.vectors.cases import fails
from tests.vectors.pdf_forge import (
    append_with_new,
    find_fields,
    find_object,
    find_reference,
    find_root,
    get_entries,
    rewrite,
)
from tests.vectors.pictures import signed_pdf
from transcript_core.pdf import Name, Ref, String, Value, write_value
from transcript_core.render import read_prepared

_DRAWING = b"<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Length 9>>\nstream\n0 0 9 9 f\nendstream"
_SCRIPT: Value = {"S": Name("JavaScript"), "JS": String(b"app.alert(1)")}
_SAVING = "ISO 32000-1, 7.5.6: incremental saving attack (CCS 2019)"
_SHADOW = "ISO 32000-1, 12.8: shadow attack (NDSS 2021)"
_CERTIFIED = "ISO 32000-1, 12.8.2: attack on certified files (S&P 2021)"
_ACTIVE = "ISO 32000-1, 12.6: nothing in a transcript acts by itself"
_RULE = "revision rule: behind the seal nothing changes"


# --- incremental saving -----------------------------------------------------------------------------------------


@fails(_SAVING, "pdf.revisions")
def page_with_other_content() -> bytes:
    page = find_object("Page")
    size = read_prepared(signed_pdf()).size
    body = write_value({**get_entries(page), "Contents": Ref(size)})
    return append_with_new({page: body}, b"<</Length 9>>\nstream\n0 0 9 9 f\nendstream")


@fails(_SAVING, "pdf.revisions")
def section_without_a_table() -> bytes:
    page = find_object("Page")
    return signed_pdf() + b"%d 0 obj\n%s\nendobj\n%%%%EOF\n" % (page, write_value(get_entries(page)))


@fails(_SAVING, "pdf.revisions")
def section_without_a_trailer() -> bytes:
    page = find_object("Page")
    return signed_pdf() + b"%d 0 obj\n%s\nendobj\n" % (page, write_value(get_entries(page)))


@fails(_SAVING, "pdf.revisions")
def section_whose_table_lists_less() -> bytes:
    page = find_object("Page")
    size = read_prepared(signed_pdf()).size
    whole = append_with_new({page: write_value(get_entries(page))}, _DRAWING)
    return whole.replace(b"xref\n%d 1\n" % page, b"xref\n%d 1\n" % page, 1).replace(
        b"\n%d 0 obj" % size, b"\n%d 0 obj" % 9999
    )


@fails(_SAVING, "pdf.revisions")
def section_that_goes_back_before_the_seal() -> bytes:
    pdf = rewrite(find_object("Page"), Rotate=90)
    at = pdf.rindex(b"/Prev ")
    earlier = b"%d" % read_prepared(signed_pdf()).startxref
    return pdf[:at] + pdf[at:].replace(b"/Prev " + earlier, b"/Prev " + b"9".rjust(len(earlier), b"0"), 1)


@fails(_SAVING, "pdf.revisions")
def section_with_another_catalog() -> bytes:
    size = read_prepared(signed_pdf()).size
    pdf = append_with_new({}, write_value(get_entries(find_root())))
    at = pdf.rindex(b"/Root ")
    return pdf[:at] + pdf[at:].replace(b"/Root %d 0 R" % find_root(), b"/Root %d 0 R" % size, 1)


@fails(_SAVING, "pdf.revisions")
def octets_behind_the_end() -> bytes:
    return signed_pdf() + b"x"


@fails(_SAVING, "pdf.revisions")
def blank_line_behind_the_end() -> bytes:
    return signed_pdf() + b"\n"


@fails(_SAVING, "pdf.revisions")
def second_end_mark() -> bytes:
    return signed_pdf() + b"%%EOF\n"


@fails(_SAVING, "pdf.revisions")
def second_startxref() -> bytes:
    startxref = read_prepared(signed_pdf()).startxref
    return signed_pdf() + b"startxref\n%d\n%%%%EOF\n" % startxref


@fails(_SAVING, "pdf.revisions")
def whole_second_document_behind() -> bytes:
    return signed_pdf() + b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"


@fails("ISO 32000-1, 7.5.8: cross-reference stream behind a classic table", "pdf.revisions")
def section_with_a_cross_reference_stream() -> bytes:
    form = read_prepared(signed_pdf())
    head = b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 1]/Index[%d 1]/Root %d 0 R/Prev %d/Length 6>>\nstream\n" % (
        form.size,
        form.size + 1,
        form.size,
        form.root,
        form.startxref,
    )
    entry = b"\x01" + len(signed_pdf()).to_bytes(4) + b"\0"
    end = b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(signed_pdf())
    return signed_pdf() + head + entry + end


@fails("ISO 32000-1, 7.5.8.4: hybrid table whose hidden part differs", "pdf.revisions")
def hybrid_table() -> bytes:
    pdf = append_with_new({}, _DRAWING)
    at = pdf.rindex(b"/Prev ")
    return pdf[:at] + b"/XRefStm 15 " + pdf[at:]


@fails("ISO 32000-1, 7.5.7: object in a packet", "pdf.revisions")
def object_stream_behind_the_seal() -> bytes:
    packet = b"%d 0 <</Type/Page>>" % find_object("Page")
    first = packet.index(b"<<")
    body = b"<</Type/ObjStm/N 1/First %d/Length %d>>\nstream\n%s\nendstream" % (first, len(packet), packet)
    return append_with_new({}, body)


# --- shadows ----------------------------------------------------------------------------------------------------


@fails(f"{_SHADOW}, hide", "pdf.revisions")
def content_stream_overridden() -> bytes:
    contents = get_entries(find_object("Page"))["Contents"]
    number = contents.number if isinstance(contents, Ref) else contents[0].number  # type: ignore[index, union-attr]
    return append_objects(signed_pdf(), {number: b"<</Length 1>>\nstream\n \nendstream"})


@fails(f"{_SHADOW}, replace", "pdf.revisions")
def font_overridden() -> bytes:
    font = next(iter(read_prepared(signed_pdf()).fonts.values()))
    return append_objects(signed_pdf(), {font: b"<</Type/Font/Subtype/Type3>>"})


@fails(f"{_SHADOW}, replace", "pdf.revisions")
def form_value_that_shows_something_else() -> bytes:
    size = read_prepared(signed_pdf()).size
    form = find_reference(find_root(), "AcroForm")
    fields = get_entries(form)["Fields"]
    assert isinstance(fields, list)
    body = write_value({**get_entries(form), "Fields": [*fields, Ref(size)]})
    return append_with_new({form: body}, b"<</FT/Tx/T(diem)/V(10)/Type/Annot/Subtype/Widget/Rect[0 0 99 99]>>")


@fails(f"{_SHADOW}, hide and replace", "pdf.revisions")
def table_that_points_to_an_older_object() -> bytes:
    form = read_prepared(signed_pdf())
    page = find_object("Page")
    offset = signed_pdf().index(b"%d 0 obj\n" % page)
    return signed_pdf() + build_end(form, {page: offset}, len(signed_pdf()))


@fails(f"{_SHADOW}, hide", "pdf.revisions")
def object_freed() -> bytes:
    form = read_prepared(signed_pdf())
    page = find_object("Page")
    end = build_end(form, {page: 0}, len(signed_pdf()))
    return signed_pdf() + end.replace(b"0000000000 00000 n", b"0000000000 00001 f")


# --- certified files --------------------------------------------------------------------------------------------


@fails(f"{_CERTIFIED}, evil annotation", "pdf.revisions")
def evil_annotation() -> bytes:
    page = find_object("Page")
    size = read_prepared(signed_pdf()).size
    annotations = get_entries(page).get("Annots", [])
    assert isinstance(annotations, list)
    body = write_value({**get_entries(page), "Annots": [*annotations, Ref(size)]})
    return append_with_new({page: body}, b"<</Type/Annot/Subtype/FreeText/Rect[0 0 99 99]/Contents(10)>>")


@fails(f"{_CERTIFIED}, sneaky signature", "pdf.revisions")
def sneaky_signature() -> bytes:
    page = find_object("Page")
    form = find_reference(find_root(), "AcroForm")
    size = read_prepared(signed_pdf()).size
    fields, annotations = get_entries(form)["Fields"], get_entries(page).get("Annots", [])
    assert isinstance(fields, list)
    assert isinstance(annotations, list)
    bodies = {
        form: write_value({**get_entries(form), "Fields": [*fields, Ref(size)]}),
        page: write_value({**get_entries(page), "Annots": [*annotations, Ref(size)]}),
    }
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(them)/Rect[0 0 300 300]/P %d 0 R/AP<</N %d 0 R>>>>" % (
        page,
        size + 1,
    )
    return append_with_new(bodies, field, _DRAWING)


@fails(f"{_CERTIFIED}, appearance replaced", "pdf.revisions")
def appearance_of_a_signature_overridden() -> bytes:
    appearance = get_entries(find_fields()[0])["AP"]
    assert isinstance(appearance, dict)
    stream = appearance["N"]
    assert isinstance(stream, Ref)
    return append_objects(signed_pdf(), {stream.number: _DRAWING})


@fails(f"{_CERTIFIED}, appearance replaced", "pdf.revisions")
def appearance_of_a_signature_exchanged() -> bytes:
    field = find_fields()[0]
    size = read_prepared(signed_pdf()).size
    body = write_value({**get_entries(field), "AP": {"N": Ref(size)}})
    return append_with_new({field: body}, _DRAWING)


@fails(f"{_CERTIFIED}, appearances exchanged between people", "pdf.revisions")
def appearances_of_two_signers_swapped() -> bytes:
    one, other = find_fields()[:2]
    first, second = get_entries(one), get_entries(other)
    bodies = {one: {**first, "AP": second["AP"]}, other: {**second, "AP": first["AP"]}}
    return append_objects(signed_pdf(), {number: write_value(body) for number, body in bodies.items()})


@fails("revision rule: no two fields share a signature", "pdf.revisions")
def field_with_the_signature_of_another() -> bytes:
    one, other = find_fields()[:2]
    return rewrite(one, V=get_entries(other)["V"])


@fails("revision rule: no signature is taken back", "pdf.revisions")
def signature_removed_from_its_field() -> bytes:
    return rewrite(find_fields()[0], V=None)


@fails("revision rule: no signature object is recycled", "pdf.revisions")
def signature_dictionary_overridden() -> bytes:
    signature = find_reference(find_fields()[0], "V")
    return append_objects(signed_pdf(), {signature: b"<</Type/Sig>>"})


@fails(_RULE, "pdf.revisions")
def field_moved_over_another_place() -> bytes:
    return rewrite(find_fields()[0], Rect=[0, 0, 300, 300])


# --- active and other content -----------------------------------------------------------------------------------


@fails(_ACTIVE, "pdf.revisions")
def open_action() -> bytes:
    return rewrite(find_root(), OpenAction=_SCRIPT)


@fails(_ACTIVE, "pdf.revisions")
def additional_actions_of_the_catalog() -> bytes:
    return rewrite(find_root(), AA={"WC": _SCRIPT})


@fails(_ACTIVE, "pdf.revisions")
def additional_actions_of_a_page() -> bytes:
    return rewrite(find_object("Page"), AA={"O": _SCRIPT})


@fails(_ACTIVE, "pdf.revisions")
def action_of_a_signature_field() -> bytes:
    return rewrite(find_fields()[0], A=_SCRIPT)


@fails(_ACTIVE, "pdf.revisions")
def script_among_the_names() -> bytes:
    names = get_entries(find_root())["Names"]
    entries = dict(names) if isinstance(names, dict) else {}
    return rewrite(find_root(), Names={**entries, "JavaScript": {"Names": [String(b"a"), _SCRIPT]}})


@fails("ISO 32000-1, 8.11: layers", "pdf.revisions")
def layer_that_hides_a_page() -> bytes:
    return rewrite(find_root(), OCProperties={"OCGs": [], "D": {}})


@fails("ISO 32000-1, 12.7.8: XFA form", "pdf.revisions")
def dynamic_form() -> bytes:
    return rewrite(find_reference(find_root(), "AcroForm"), XFA=[])


@fails("ISO 32000-1, table 218: appearances made by the viewer", "pdf.revisions")
def appearances_made_anew_by_the_viewer() -> bytes:
    return rewrite(find_reference(find_root(), "AcroForm"), NeedAppearances=True)


@fails("ISO 32000-1, 7.7.3: pages", "pdf.revisions")
def page_removed() -> bytes:
    return rewrite(find_object("Pages"), Count=1)


@fails("ISO 32000-1, 7.7.3: pages", "pdf.revisions")
def page_turned() -> bytes:
    return rewrite(find_object("Page"), Rotate=180)


@fails("ISO 32000-1, 7.7.3: pages", "pdf.revisions")
def page_cut() -> bytes:
    return rewrite(find_object("Page"), CropBox=[0, 0, 100, 100])


@fails("ISO 32000-1, 7.11.4: attachments", "pdf.revisions")
def attachment_changed() -> bytes:
    body = b"<</Type/EmbeddedFile/Length 1>>\nstream\nx\nendstream"
    return append_objects(signed_pdf(), {find_object("EmbeddedFile"): body})


@fails("ISO 32000-1, 7.11.4: attachments", "pdf.revisions")
def attachment_named_otherwise() -> bytes:
    return rewrite(find_object("Filespec"), UF=String(b"khac.xml"))


@fails("ISO 32000-1, 14.3: metadata", "pdf.revisions")
def metadata_changed() -> bytes:
    body = b"<</Type/Metadata/Subtype/XML/Length 1>>\nstream\nx\nendstream"
    return append_objects(signed_pdf(), {find_object("Metadata"): body})


@fails("ISO 32000-1, 14.3.3: information dictionary", "pdf.revisions")
def title_changed() -> bytes:
    form = read_prepared(signed_pdf())
    return rewrite(form.info, Title=String(b"khac"))


@fails(
    "EN 319 142-1, 5.4.2: evidence only grows",
    "pdf.revisions",
    "certificate.revocation",
    "certificate.path",
    "time.timestamps",
)
def evidence_removed() -> bytes:
    return rewrite(find_reference(find_root(), "DSS"), OCSPs=[], VRI=None)


@fails("EN 319 142-1, 5.4.2: evidence is not overridden", "pdf.revisions")
def evidence_overridden() -> bytes:
    pieces = get_entries(find_reference(find_root(), "DSS"))["Certs"]
    assert isinstance(pieces, list)
    assert isinstance(pieces[0], Ref)
    return append_objects(signed_pdf(), {pieces[0].number: b"<</Length 1>>\nstream\nx\nendstream"})


@fails("revision rule: nothing is left over", "pdf.revisions")
def object_that_nothing_refers_to() -> bytes:
    return append_with_new({}, b"<</Type/Annot/Subtype/FreeText>>")
