"""PDFs of other programs that say one thing and show another, or that nobody can follow: structure, ranges, updates.

Wherever it can be, the signatures in them are right and lead to a trusted root, so that only what stands around them
can refuse the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from asn1crypto import cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, fields

from tests.support.foreign_pdf import (
    append_section,
    name,
    sample_pdf,
    sign_as_others_do,
    sign_by_hand,
    update,
)
from tests.vectors.cases import cannot_tell, fails
from tests.vectors.pdf_strangers import SCANNED, asked, first_signer, sample_signed, second_signer, sign, store
from transcript_core.limits import MAX_FOREIGN_PDF_REVISIONS

_RULE: Final = "ISO 32000-2, 12.8.1: what may follow a signature"
_STRUCTURE: Final = "ISO 32000-2, 7.5: one file, one structure"
_RANGE: Final = "ISO 32000-2, 12.8.1: all of the file but the signature is covered"
_THIRD_VERSION: Final = bytes.fromhex("a003020102")
_TENTH_VERSION: Final = bytes.fromhex("a003020109")
_CMS: Final = "RFC 5652, 5: SignedData"
_UNREAD: Final = ("pdf.revisions", "signature.form")
"""What is said of a file without a signature that can be read; in whatever else it could be wrong, nothing is."""


def replace_contents(pdf: bytes, change: Callable[[cms.ContentInfo], None], *, number: int = -1) -> bytes:
    """Return the file with the CMS of one signature changed in what its value does not cover; offsets stay."""
    found = list(re.finditer(rb"/Contents ?<([0-9A-Fa-f]*)>", pdf))[number]
    structure = cms.ContentInfo.load(bytes.fromhex(found[1].decode("ascii")))
    change(structure)
    made = structure.dump(force=True).hex().encode("ascii")
    assert len(made) <= len(found[1])
    return b"%s%s%s" % (pdf[: found.start(1)], made.ljust(len(found[1]), b"0"), pdf[found.end(1) :])


# --- no signature that can be read ------------------------------------------------------------------------------


@fails(f"{_STRUCTURE}: nothing that could be followed", *_UNREAD, question=asked)
def pdf_that_is_no_pdf() -> bytes:
    return b"%PDF-1.7\n" + b"1 0 obj\n" * 3 + b"%%EOF\n"


@fails("EN 319 102-1, 5.2.2: no signature", *_UNREAD, question=asked)
def pdf_that_nobody_signed() -> bytes:
    return sample_pdf()


@fails("limits: appended sections", *_UNREAD, question=asked)
def pdf_of_too_many_sections() -> bytes:
    pdf = sample_signed()
    for _ in range(MAX_FOREIGN_PDF_REVISIONS):
        pdf = append_section(pdf, {}, {})
    return pdf


# --- structure --------------------------------------------------------------------------------------------------


@cannot_tell(f"{_STRUCTURE}: an object that no table lists", "pdf.revisions", question=asked)
def object_between_sections_that_no_table_lists() -> bytes:
    return append_section(sample_signed() + b"3 0 obj\n<</Type/Page>>\nendobj\n", {}, {})


@cannot_tell(f"{_STRUCTURE}: a table that leads to a signature's value", "pdf.revisions", question=asked)
def object_listed_inside_a_signature() -> bytes:
    place = sample_signed().index(b"/Contents <") + 500
    return append_section(sample_signed(), {}, {50: b"%010d 00000 n \n" % place})


@cannot_tell(f"{_STRUCTURE}: what a later update is cannot be read", "pdf.revisions", question=asked)
def update_that_cannot_be_read() -> bytes:
    return append_section(sample_signed(), {4: b"<</Length"}, {})


@cannot_tell(f"{_STRUCTURE}: a header that viewers mend", "pdf.revisions", question=asked)
def section_that_viewers_mend() -> bytes:
    pdf = append_section(sample_signed(), {50: b"<<>>"}, {})
    at = pdf.rindex(b"trailer")
    return pdf[:at] + pdf[at:].replace(b"/Size 99", b"/Size 9 ", 1)


@cannot_tell("ISO 32000-2, 7.6: what is encrypted is not compared", *SCANNED, question=asked)
def encrypted_pdf() -> bytes:
    copy = copy_into_new_writer(PdfFileReader(io.BytesIO(sample_pdf())))
    copy.encrypt(owner_pass="owner", user_pass="user")
    output = io.BytesIO()
    copy.write(output)
    writer = IncrementalPdfFileWriter(io.BytesIO(output.getvalue()))
    writer.encrypt("user")
    metadata = PdfSignatureMetadata(field_name="Sig1", md_algorithm="sha256")
    return bytes(PdfSigner(metadata, signer=first_signer()).sign_pdf(writer).getvalue())


# --- ranges -----------------------------------------------------------------------------------------------------


def _sign_range(state: Callable[[int, int, int], Sequence[int]]) -> bytes:
    """Return a file signed as it is first written over this range, with all evidence."""

    def make(covered: bytes) -> bytes:
        digest = hashlib.sha256(covered).digest()
        signed = asyncio.run(first_signer().async_sign(digest, "sha256", use_pades=True))
        return bytes(signed.dump())

    entries = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(D:20260529030000Z)"
    return store(sign_by_hand(make, entries=entries, state=state))


@cannot_tell(_RANGE, "pdf.revisions", "signature.form", question=asked)
def octets_of_the_header_left_out() -> bytes:
    return _sign_range(lambda start, end, file: (0, 10, 14, start - 14, end, file - end))


@cannot_tell(_RANGE, "pdf.revisions", "signature.form", question=asked)
def octets_behind_the_value_left_out() -> bytes:
    return _sign_range(lambda start, end, file: (0, start, end + 2, file - end - 2))


# --- later revisions --------------------------------------------------------------------------------------------


@cannot_tell(f"{_RULE}: an object is freed", "pdf.revisions", question=asked)
def object_freed_after_the_signature() -> bytes:
    return append_section(store(sign(sample_pdf(more={8: b"<</Kept 1>>"}))), {}, {8: b"0000000000 00001 f \n"})


@cannot_tell(f"{_RULE}: metadata", "pdf.revisions", question=asked)
def title_changed_after_the_signature() -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        info = generic.DictionaryObject({name("/Title"): generic.pdf_string("another")})
        writer.set_info(writer.add_object(info))

    return update(sample_signed(), change)


@cannot_tell(f"{_RULE}: a field that a signature has closed", "pdf.revisions", question=asked)
def closed_field_signed_later() -> bytes:
    def prepare(writer: IncrementalPdfFileWriter) -> None:
        lock = fields.FieldMDPSpec(fields.FieldMDPAction.INCLUDE, fields=["Sig2"])
        fields.append_signature_field(writer, fields.SigFieldSpec("Sig1", field_mdp_spec=lock))
        fields.append_signature_field(writer, fields.SigFieldSpec("Sig2"))

    first = sign(update(sample_pdf(), prepare))
    return store(sign_as_others_do(first, second_signer(), field="Sig2"))


def _change_store(change: Callable[[Any], None]) -> Callable[[IncrementalPdfFileWriter], None]:
    def edit(writer: IncrementalPdfFileWriter) -> None:
        kept = writer.root["/DSS"]
        change(kept)
        writer.update_container(kept)

    return edit


@cannot_tell("EN 319 142-1, 5.4.2: form of the security store", "pdf.revisions", question=asked)
def store_with_an_unknown_entry_after_the_signature() -> bytes:
    def change(kept: Any) -> None:
        kept[name("/JS")] = generic.pdf_string("app.alert(1)")

    return update(sample_signed(), _change_store(change))


@cannot_tell("EN 319 142-1, 5.4.2: evidence only grows", "pdf.revisions", question=asked)
def entries_of_the_store_removed_after_they_were_signed() -> bytes:
    def change(kept: Any) -> None:
        del kept["/VRI"]

    first = store(sign(sample_pdf()), b"a signature")
    return update(sign_as_others_do(first, second_signer(), field="Sig2"), _change_store(change))


@cannot_tell(f"{_RULE}: an appearance is replaced (S&P 2021)", "pdf.revisions", question=asked)
def appearance_of_a_field_replaced_after_the_signature() -> bytes:
    drawing = b"<</Type/XObject/Subtype/Form/BBox[0 0 70 20]/Length 9>>\nstream\n%s\nendstream"
    note = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(note)/V(one)/Rect[20 20 90 40]/P 3 0 R/AP<</N 8 0 R>>>>"
    pdf = store(sign(sample_pdf(more={7: note, 8: drawing % b"0 0 1 1 f"})))
    return append_section(pdf, {8: drawing % b"0 0 9 9 f"}, {})


# --- the signature ----------------------------------------------------------------------------------------------


@cannot_tell(f"{_CMS}: octets behind it", "signature.form", question=asked)
def octets_behind_the_cms() -> bytes:
    pdf = sample_signed()
    end = pdf.index(b">", pdf.index(b"/Contents <"))
    return pdf[: end - 2] + b"01" + pdf[end:]


@cannot_tell("EN 319 102-1, 5.2.3.4: the identifier names nobody", "signature.form", question=asked)
def signer_identifier_that_names_another() -> bytes:
    def change(structure: cms.ContentInfo) -> None:
        identifier = structure["content"]["signer_infos"][0]["sid"].chosen
        identifier["serial_number"] = int(identifier["serial_number"].native) ^ 1

    return replace_contents(sample_signed(), change)


@cannot_tell(f"{_CMS}: a certificate that cannot be read", "signature.form", question=asked)
def carried_certificate_that_cannot_be_read() -> bytes:
    def change(structure: cms.ContentInfo) -> None:
        carried = structure["content"]["certificates"]
        future = carried[0].dump().replace(_THIRD_VERSION, _TENTH_VERSION, 1)
        carried.append(cms.CertificateChoices.load(future))

    return replace_contents(sample_signed(), change)
