"""PDFs that other programs wrote and signed: sound ones, and one for each way in which later revisions deceive.

pyHanko signs them with keys of the sample school.  In those that cannot be told the signatures stay right: the file
is not failed, for nobody can say that its signer was not content with the change; it never passes.
"""

from __future__ import annotations

import io
from functools import cache

from asn1crypto import crl, ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.validation.dss import DocumentSecurityStore

from tests.support.foreign_pdf import OurSigner, name, override, sample_pdf, sign_as_others_do, update
from tests.vectors.cases import Question, cannot_tell, fails, sound
from tests.vectors.foreign import SIGNED_AT, SIGNER
from tests.vectors.school import school

asked = Question.SIGNATURES
_RULE = "ISO 32000-2, 12.8.1: what may follow a signature"
_STRUCTURE = "ISO 32000-2, 7.5: one file, one structure"

SCANNED = ("pdf.revisions", "certificate.revocation", "certificate.path")
"""What cannot be told of a file that nobody can follow: its store is not found either."""


@cache
def first_signer() -> OurSigner:
    return OurSigner(school().person(*SIGNER))


@cache
def second_signer() -> OurSigner:
    return OurSigner(school().seal())


def store(pdf: bytes, name: bytes | None = None) -> bytes:
    """Return the file with the evidence of its signers in its store."""
    here = school()
    here.clock.at = SIGNED_AT
    pieces = [here.collect(one) for one in (here.person(*SIGNER), here.seal())]
    stream = io.BytesIO(pdf)
    DocumentSecurityStore.add_dss(
        stream,
        name,
        certs=[certificate.asn1 for one in pieces for certificate in one.chain],
        ocsps=[ocsp.OCSPResponse.load(der) for one in pieces for der in one.ocsps],
        crls=[crl.CertificateList.load(der) for one in pieces for der in one.crls],
        strict=False,
    )
    return stream.getvalue()


def sign(pdf: bytes, **options: object) -> bytes:
    return sign_as_others_do(pdf, first_signer(), **options)  # type: ignore[arg-type]


@cache
def sample_signed() -> bytes:
    """Return the sample, signed, with all evidence."""
    return store(sign(sample_pdf()))


# --- sound ------------------------------------------------------------------------------------------------------


@sound("EN 319 142-1, 6: PAdES of another program", question=asked)
def pdf_signed_by_another_program() -> bytes:
    return sample_signed()


@sound("ISO 32000-2, 12.8.3.3: plain CMS, two signers", question=asked)
def pdf_signed_by_two() -> bytes:
    first = sign(sample_pdf(), field="Sig1")
    return store(sign_as_others_do(first, second_signer(), field="Sig2"))


@sound("ISO 32000-2, 12.8.2.2: certified, then signed", question=asked)
def pdf_certified_then_signed() -> bytes:
    first = sign(sample_pdf(), field="Sig1", certify=True, docmdp_permissions=fields.MDPPerm.FILL_FORMS)
    return store(sign_as_others_do(first, second_signer(), field="Sig2"))


# --- later revisions --------------------------------------------------------------------------------------------


@cannot_tell(f"{_RULE}: evil annotation (S&P 2021)", "pdf.revisions", question=asked)
def annotation_added_after_the_signature() -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        note = generic.DictionaryObject({name("/Type"): name("/Annot"), name("/Subtype"): name("/FreeText")})
        page = writer.get_object(generic.Reference(3, 0, writer))
        page["/Annots"].append(writer.add_object(note))
        writer.mark_update(generic.Reference(3, 0, writer))

    return update(sample_signed(), change)


@cannot_tell(f"{_RULE}: incremental saving (CCS 2019)", "pdf.revisions", question=asked)
def page_content_exchanged_after_the_signature() -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page = writer.get_object(generic.Reference(3, 0, writer))
        page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"0 0 9 9 f"))
        writer.mark_update(generic.Reference(3, 0, writer))

    return update(sample_signed(), change)


@cannot_tell(f"{_RULE}: shadow, replace (NDSS 2021)", "pdf.revisions", question=asked)
def font_exchanged_after_the_signature() -> bytes:
    return update(sample_signed(), override(5, {"/BaseFont": name("/Courier")}))


@cannot_tell(f"{_RULE}: shadow, replace (NDSS 2021)", "pdf.revisions", question=asked)
def form_value_changed_after_the_signature() -> bytes:
    return update(sample_signed(), override(7, {"/V": generic.pdf_string("two")}))


@cannot_tell(f"{_RULE}: shadow, hide (NDSS 2021)", "pdf.revisions", question=asked)
def page_content_overridden_after_the_signature() -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.objects[(0, 4)] = generic.StreamObject(stream_data=b" ")

    return update(sample_signed(), change)


@cannot_tell(f"{_RULE}: actions", "pdf.revisions", question=asked)
def open_action_added_after_the_signature() -> bytes:
    script = generic.DictionaryObject(
        {name("/S"): name("/JavaScript"), name("/JS"): generic.pdf_string("app.alert(1)")}
    )
    return update(sample_signed(), override(1, {"/OpenAction": script}))


@cannot_tell(f"{_RULE}: layers", "pdf.revisions", question=asked)
def layers_added_after_the_signature() -> bytes:
    return update(sample_signed(), override(1, {"/OCProperties": generic.DictionaryObject()}))


@cannot_tell(f"{_RULE}: pages", "pdf.revisions", question=asked)
def page_turned_after_the_signature() -> bytes:
    return update(sample_signed(), override(3, {"/Rotate": generic.NumberObject(180)}))


@cannot_tell(f"{_RULE}: attachments", "pdf.revisions", question=asked)
def names_added_after_the_signature() -> bytes:
    return update(sample_signed(), override(1, {"/Names": generic.DictionaryObject()}))


@cannot_tell(f"{_RULE}: form", "pdf.revisions", question=asked)
def appearances_left_to_the_viewer_after_the_signature() -> bytes:
    return update(sample_signed(), override(6, {"/NeedAppearances": generic.BooleanObject(True)}))


@cannot_tell(f"{_RULE}: sneaky field (S&P 2021)", "pdf.revisions", question=asked)
def visible_empty_field_added_after_the_signature() -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        fields.append_signature_field(writer, fields.SigFieldSpec("Later", box=(0, 0, 190, 190)))

    return update(sample_signed(), change)


# --- structure --------------------------------------------------------------------------------------------------


@cannot_tell(_STRUCTURE, "pdf.revisions", question=asked)
def octets_behind_a_signed_file() -> bytes:
    return sample_signed() + b"more"


@cannot_tell(f"{_STRUCTURE}: object that no table lists", *SCANNED, question=asked)
def object_behind_a_signed_file() -> bytes:
    return sample_signed() + b"3 0 obj\n<</Type/Page>>\nendobj\n%%EOF\n"


@cannot_tell(f"{_STRUCTURE}: several ends", *SCANNED, question=asked)
def table_behind_a_signed_file_without_its_startxref() -> bytes:
    return sample_signed() + b"3 0 obj\n<</Type/Page>>\nendobj\nxref\n3 1\n0000000000 00000 n \ntrailer\n<<>>\n%%EOF\n"


# --- the signature ----------------------------------------------------------------------------------------------


@fails(
    "ISO 32000-2, 12.8.1: the digest is over what is covered",
    "signature.form",
    "signature.references",
    question=asked,
)
def signed_text_changed_in_a_foreign_pdf() -> bytes:
    return sample_signed().replace(b"signed by others", b"signed by nobody", 1)
