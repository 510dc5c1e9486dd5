"""Every revision of a signed PDF is classified, and whatever goes beyond signing is named."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from signing import pades
from tests.support.signed_pdf import (
    append_objects,
    fully_signed_pdf,
    partly_signed_pdf,
    sign_slot,
    stand_in_evidence,
    unsigned_pdf,
)
from tests.support.signers import make_signer
from transcript_core.pdf import Name, PdfFile, Ref, Stream, Value, read_pdf, write_value
from transcript_core.render import read_prepared
from verify.formats.pades import read_signed_pdf
from verify.formats.pdf_revisions import ChangeKind, classify_revisions, read_form


def list_codes(pdf: bytes) -> set[str]:
    """Return the codes of everything wrong with the file or one of its signatures."""
    read = read_signed_pdf(pdf)
    return {one.code for one in read.problems} | {one.code for sig in read.signatures for one in sig.problems}


def get_dictionary(file: PdfFile, number: int) -> dict[str, Value]:
    value = file.get_object(number).value
    assert isinstance(value, dict)
    return dict(value)


def edit_object(pdf: bytes, number: int, **entries: Value) -> bytes:
    """Append an update that changes entries of one object; None removes one."""
    dictionary = {**get_dictionary(read_pdf(pdf), number), **entries}
    return append_objects(pdf, {number: write_value({k: v for k, v in dictionary.items() if v is not None})})


def find_object(pdf: bytes, kind: str) -> int:
    """Return the number of the first object of the original whose /Type is `kind`."""
    file = read_pdf(pdf)
    for number in file.revisions[0].offsets:
        value = file.get_object(number).value
        dictionary = value.dictionary if isinstance(value, Stream) else value
        if isinstance(dictionary, dict) and dictionary.get("Type") == Name(kind):
            return number
    raise AssertionError(kind)


def test_regular_file_has_no_problem() -> None:
    file = read_pdf(fully_signed_pdf())
    changes = classify_revisions(file, read_form(file))
    assert [change.kind for change in changes].count(ChangeKind.SIGNED) == 19
    assert [change.kind for change in changes].index(ChangeKind.STORED_EVIDENCE) == 18
    assert not [problem for change in changes for problem in change.problems]


def change_catalog(key: str, value: Value) -> Callable[[bytes], bytes]:
    return lambda pdf: edit_object(pdf, read_prepared(pdf).root, **{key: value})


def change_page(**entries: Value) -> Callable[[bytes], bytes]:
    return lambda pdf: edit_object(pdf, find_object(pdf, "Page"), **entries)


def add_orphan(pdf: bytes) -> bytes:
    return append_objects(pdf, {read_prepared(pdf).size: b"<</Type/Annot/Subtype/FreeText>>"})


def replace_font(pdf: bytes) -> bytes:
    return append_objects(pdf, {next(iter(read_prepared(pdf).fonts.values())): b"<</Type/Font/Subtype/Type3>>"})


def change_form(pdf: bytes) -> bytes:
    catalog = get_dictionary(read_pdf(pdf), read_prepared(pdf).root)
    reference = catalog["AcroForm"]
    assert isinstance(reference, Ref)
    return edit_object(pdf, reference.number, NeedAppearances=True)


def replace_attachment(pdf: bytes) -> bytes:
    return append_objects(
        pdf, {find_object(pdf, "EmbeddedFile"): b"<</Type/EmbeddedFile/Length 1>>\nstream\nx\nendstream"}
    )


@pytest.mark.parametrize(
    "forge",
    [
        change_catalog("OpenAction", {"S": Name("JavaScript"), "JS": Name("x")}),
        change_catalog("AA", {}),
        change_catalog("OCProperties", {}),
        change_catalog("Names", {}),
        change_catalog("Metadata", None),
        change_catalog("Lang", Name("en")),
        change_page(Rotate=90),
        change_page(Contents=Ref(1)),
        change_page(Annots=[]),
        add_orphan,
        replace_font,
        change_form,
        replace_attachment,
    ],
)
def test_content_changed_after_signing_is_named(forge: Callable[[bytes], bytes]) -> None:
    forged = forge(partly_signed_pdf())
    assert read_pdf(forged).trouble is None  # the update itself is well formed
    assert list_codes(forged) == {"revision-content"}
    assert not read_signed_pdf(forged).signatures[-1].whole_file


def signed_field(pdf: bytes) -> int:
    return next(iter(read_prepared(pdf).fields.values())).object_number


def test_signed_field_filled_again_is_named() -> None:
    forged = edit_object(partly_signed_pdf(), signed_field(partly_signed_pdf()), TU=None)
    assert "field-signed-twice" in list_codes(forged)


def test_appearance_replaced_later_is_named() -> None:
    pdf = partly_signed_pdf()
    appearance = get_dictionary(read_pdf(pdf), signed_field(pdf))["AP"]
    assert isinstance(appearance, dict)
    stream = appearance["N"]
    assert isinstance(stream, Ref)
    forged = append_objects(pdf, {stream.number: b"<</Type/XObject/Subtype/Form/Length 1>>\nstream\nx\nendstream"})
    assert list_codes(forged) == {"field-signed-twice"}


def test_signature_dictionary_replaced_later_is_named() -> None:
    pdf = partly_signed_pdf()
    signature = get_dictionary(read_pdf(pdf), signed_field(pdf))["V"]
    assert isinstance(signature, Ref)
    assert list_codes(append_objects(pdf, {signature.number: b"<</Type/Sig>>"})) == {"field-signed-twice"}


def test_field_sharing_another_s_signature_is_named() -> None:
    pdf = partly_signed_pdf()
    fields = list(read_prepared(pdf).fields.values())
    shared = get_dictionary(read_pdf(pdf), fields[0].object_number)["V"]
    assert list_codes(edit_object(pdf, fields[5].object_number, V=shared)) == {"field-changed"}


def rewrite_signing(pdf: bytes, pattern: bytes, new: bytes) -> bytes:
    """Return a freshly signed file whose last revision was altered in place, sizes kept."""
    start = read_pdf(pdf).last.start
    found = re.compile(pattern).search(pdf, start)
    assert found is not None
    return pdf[: found.start()] + new.ljust(len(found[0])) + pdf[found.end() :]


@pytest.mark.parametrize(
    ("pattern", "new", "code"),
    [
        (rb"/F 132/Rect", b"/F 130/Rect", "field-changed"),
        (rb"/T\(gvbm", b"/T(gvbx", "field-changed"),
        (rb"/AP<</N ", b"/AP<</D ", "field-changed"),
        (rb"/Type/Sig/", b"/Type/Sog/", "signature-dictionary"),
        (rb"/Filter/Adobe", b"/Kilter/Adobe", "signature-dictionary"),
        (rb"/Subtype/Form", b"/Subtype/Norm", "appearance"),
        (rb"/Subtype/Form/", b"/OPI 1 /Form 1/", "revision-structure"),
        (rb"/Font<<", b"/Bont<<", "appearance"),
    ],
)
def test_signing_revision_in_another_form_is_named(pattern: bytes, new: bytes, code: str) -> None:
    assert code in list_codes(rewrite_signing(partly_signed_pdf(), pattern, new))


@pytest.mark.parametrize(
    ("extra", "codes"),
    [
        (b"", {"byte-range", "cms"}),  # in order as a revision; that nobody signed is the signature's own problem
        (b"<</Type/Annot/Subtype/FreeText>>", {"byte-range", "cms", "revision-content"}),
    ],
)
def test_signing_revision_that_brings_more_is_named(extra: bytes, codes: set[str]) -> None:
    pdf = partly_signed_pdf()
    form = read_prepared(pdf)
    field = list(form.fields.values())[4]
    bodies = {
        form.size: b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents <00>>>",
        form.size + 1: b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 3>>\nstream\nq Q\nendstream",
        field.object_number: field.dictionary + b"/AP<</N %d 0 R>>/V %d 0 R>>" % (form.size + 1, form.size),
    }
    forged = append_objects(pdf, {**bodies, **({form.size + 2: extra} if extra else {})})
    assert list_codes(forged) == codes


def test_signature_after_the_seal_is_named() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    before = sign_slot(pdf, slots[0], signer, policy)
    sealed = sign_slot(pdf, slots[-1], signer, policy)
    forged = edit_object(sealed, read_prepared(pdf).fields[slots[0].slot_id].object_number, V=Ref(1))
    assert "after-lock" in list_codes(forged)
    assert "after-lock" not in list_codes(before)


def test_evidence_after_the_seal_is_allowed() -> None:
    later = pades.append_evidence(fully_signed_pdf(), [stand_in_evidence(make_signer(), crls=(b"\x30\x00",))])
    assert len(later) > len(fully_signed_pdf())
    assert list_codes(later) == set()


def test_evidence_taken_away_is_named() -> None:
    pdf = pades.append_evidence(partly_signed_pdf(), [stand_in_evidence(make_signer())])
    store = get_dictionary(read_pdf(pdf), read_prepared(pdf).root)["DSS"]
    assert isinstance(store, Ref)
    assert list_codes(edit_object(pdf, store.number, OCSPs=[])) == {"store"}
    assert list_codes(edit_object(pdf, store.number, Note=1)) == {"store"}


def test_store_that_brings_other_objects_is_named() -> None:
    pdf = partly_signed_pdf()
    form = read_prepared(pdf)
    catalog = {**get_dictionary(read_pdf(pdf), form.root), "DSS": Ref(form.size)}
    for body in (b"<</Type/DSS>>", b"<</Type/DSS/Certs[1 0 R]>>"):
        extra = {form.size + 1: b"<</Type/Action>>"}
        forged = append_objects(pdf, {form.root: write_value(catalog), form.size: body, **extra})
        assert list_codes(forged) == {"store"}
