"""What later revisions of other programs' files may do to fields, stores and packed objects, and what is found."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import pikepdf
import pytest
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import ObjStreamRef
from pyhanko.sign import fields
from pyhanko.sign.validation.dss import DocumentSecurityStore

from tests.support.foreign_cms import Wish, build_signed, make_certificate
from tests.support.foreign_pdf import (
    OurSigner,
    append_section,
    name,
    override,
    sample_pdf,
    sign_as_others_do,
    sign_by_hand,
    update,
)
from tests.support.signers import make_signer
from verify.formats.pades import SignedPdf, read_signed_pdf

_NOTE = 7
"""Object of the text field of the sample."""


@cache
def signer() -> OurSigner:
    return OurSigner(make_signer("p-256"))


@cache
def signed() -> bytes:
    return sign_as_others_do(sample_pdf(), signer())


def said(pdf: bytes) -> tuple[list[bool | None], set[str]]:
    """Return which signatures are intact, and the codes of all that is said of the file."""
    read: SignedPdf = read_signed_pdf(pdf)
    return [one.intact for one in read.signatures], {one.code for one in (*read.problems, *read.unsupported)}


# --- fields -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kids",
    [
        name("/Test"),
        generic.ArrayObject(),
        generic.ArrayObject([generic.NullObject()]),
    ],
    ids=["a name", "nothing", "null"],
)
def test_kids_of_a_field_may_not_change(kids: Any) -> None:
    assert said(update(signed(), override(_NOTE, {"/Kids": kids}))) == ([True], {"later-field"})


def test_text_field_turned_into_a_signature_field_is_said_and_is_no_signature() -> None:
    assert said(update(signed(), override(_NOTE, {"/FT": name("/Sig")}))) == ([True], {"later-field"})


def test_field_of_a_certified_file_may_be_signed_and_a_visible_one_may_not_be_added() -> None:
    """ISO 32000-2, table 257; the sneaky signature attack puts what it likes on the page in this way."""
    box = (10, 10, 90, 90)

    def prepare(writer: IncrementalPdfFileWriter) -> None:
        fields.append_signature_field(writer, fields.SigFieldSpec("Prepared", box=box))

    options: dict[str, Any] = {"certify": True, "docmdp_permissions": fields.MDPPerm.FILL_FORMS}
    pdf = sign_as_others_do(update(sample_pdf(), prepare), signer(), **options)
    assert said(sign_as_others_do(pdf, signer(), field="Prepared")) == ([True, True], set())
    assert said(sign_as_others_do(pdf, signer(), field="Unseen")) == ([True, True], set())
    shown = fields.SigFieldSpec("Shown", box=box)
    assert said(sign_as_others_do(pdf, signer(), field="Shown", new_field=shown)) == ([True, True], {"later-field"})
    assert said(sign_as_others_do(signed(), signer(), field="Shown", new_field=shown)) == ([True, True], set())


def test_field_that_stands_in_the_form_itself_is_read_and_held() -> None:
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[<</FT/Sig/T(%s)/V 5 0 R>>]/SigFlags 3>>>>"
    pdf = sign_by_hand(lambda content: build_signed(Wish(), content).dump(), objects={1: catalog % b"Sig1"})
    assert said(pdf) == ([True], set())
    assert said(append_section(pdf, {1: catalog % b"Sig2"}, {})) == ([True], {"later-form", "later-field"})


def test_value_in_the_widget_of_a_field_is_found() -> None:
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/SigFlags 3>>>>",
        4: b"<</Type/Annot/Subtype/Widget/Rect[0 0 0 0]/P 3 0 R/V 5 0 R/Parent 6 0 R>>",
        6: b"<</FT/Sig/T(Sig1)/Kids[4 0 R]>>",
    }
    pdf = sign_by_hand(lambda content: build_signed(Wish(), content).dump(), objects=objects)
    assert said(pdf) == ([True], set())


# --- the security store -----------------------------------------------------------------------------------------


def store(pdf: bytes, *kinds: str) -> bytes:
    """Return the file with these certificates in its store."""
    stream = io.BytesIO(pdf)
    certificates = [asn1_x509.Certificate.load(make_certificate(kind)) for kind in kinds]
    DocumentSecurityStore.add_dss(stream, b"a signature", certs=certificates, strict=False)
    return stream.getvalue()


def without_store(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/DSS"]
    writer.mark_update(writer.root_ref)


def without_entries(writer: IncrementalPdfFileWriter) -> None:
    kept = writer.root["/DSS"]
    del kept["/VRI"]
    writer.update_container(kept)


def without_certificates(writer: IncrementalPdfFileWriter) -> None:
    kept = writer.root["/DSS"]
    kept["/Certs"] = generic.ArrayObject()
    writer.update_container(kept)


def test_store_may_grow() -> None:
    pdf = sign_as_others_do(store(signed(), "p-256"), signer(), field="Sig2")
    assert said(store(pdf, "p-256", "ed25519")) == ([True, True], set())


def test_store_may_be_added_to_a_file_whose_signature_locks_fields() -> None:
    """Such a signature names the catalog, which the store changes, as what is held against the lock."""
    lock = fields.FieldMDPSpec(fields.FieldMDPAction.ALL)
    pdf = sign_as_others_do(sample_pdf(), signer(), new_field=fields.SigFieldSpec("Sig1", field_mdp_spec=lock))
    assert b"/Data 1 0 R" in pdf
    assert said(store(pdf, "p-256")) == ([True], set())
    named = sign_as_others_do(sample_pdf(page=b"/PieceInfo<</Data 1 0 R>>"), signer())
    assert said(store(named, "p-256")) == ([True], {"later-object"})


@pytest.mark.parametrize("change", [without_store, without_entries, without_certificates])
def test_evidence_that_was_signed_may_not_go(change: Callable[[IncrementalPdfFileWriter], None]) -> None:
    pdf = sign_as_others_do(store(signed(), "p-256"), signer(), field="Sig2")
    assert said(update(pdf, change)) == ([True, True], {"later-store-removed"})


def test_evidence_that_nobody_signed_may_go() -> None:
    assert said(update(store(signed(), "p-256"), without_store)) == ([True], set())


# --- objects ----------------------------------------------------------------------------------------------------


@cache
def packed() -> bytes:
    """Return a signed file whose objects qpdf has packed."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(sample_pdf())) as file:
        file.save(output, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return sign_as_others_do(output.getvalue(), signer())


def test_packet_that_is_overridden_changes_the_objects_in_it() -> None:
    """The table still leads to the same packet, which holds another page now."""
    assert said(packed()) == ([True], set())
    reader = PdfFileReader(io.BytesIO(packed()))
    places = (reader.xrefs.get_historical_ref(one, 0) for one in reader.xrefs.explicit_refs_in_revision(0))
    (number,) = {place.obj_stream_id for place in places if isinstance(place, ObjStreamRef)}
    packet: Any = generic.Reference(number, 0, reader).get_object()
    octets = packet.data.replace(b"0 0 200 200", b"0 0 666 200")
    assert octets != packet.data

    def change(writer: IncrementalPdfFileWriter) -> None:
        extra = {name(key): packet[key] for key in ("/Type", "/N", "/First")}
        writer.objects[(0, number)] = generic.StreamObject(extra, stream_data=octets)

    intact, codes = said(update(packed(), change))
    assert (intact, bool(codes & {"later-object", "repaired", "not-compared"})) == ([True], True)


def test_objects_of_higher_generations_are_read_and_held() -> None:
    objects = {3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Annots[4 0 R]/Contents 6 0 R>>", 6: b"null"}
    pdf = sign_by_hand(lambda content: build_signed(Wish(), content).dump(), objects=objects)
    body = b"6 1 obj\n<</Length 3>>\nstream\nq Q\nendstream\nendobj\n"
    entry = {6: b"%010d 00001 n \n" % len(pdf)}
    intact, codes = said(append_section(pdf + body, {}, entry))
    assert (intact, "later-object" in codes) == ([True], True)


@pytest.mark.parametrize("generation", [0, 1])
def test_freed_object_is_said_whatever_its_generation(generation: int) -> None:
    freed = append_section(signed(), {}, {4: b"0000000000 %05d f \n" % generation})
    intact, codes = said(freed)
    assert (intact, "later-removed" in codes) == ([True], True)
