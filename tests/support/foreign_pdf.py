"""Small PDFs as other programs write and sign them: pyHanko signs, with keys of ours or keys of any other kind."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, fields
from pyhanko.sign.signers import Signer as PyHankoSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing.signer import Signer
from transcript_core.pki.algorithms import Scheme, raw_to_der

_CONTENT = b"BT /F1 12 Tf 20 100 Td (signed by others) Tj ET"


def build_pdf(objects: Mapping[int, bytes], *, root: int = 1) -> bytes:
    """Return a plain file of these objects, with a classic table."""
    pieces, offsets, at = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"], {}, 15
    for number, body in objects.items():
        offsets[number] = at
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        at += len(pieces[-1])
    size = max(objects) + 1
    lines = [b"0000000000 65535 f \n"]
    lines += [
        b"%010d 00000 n \n" % offsets[one] if one in offsets else b"0000000000 00000 f \n" for one in range(1, size)
    ]
    end = b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, at)
    return b"".join((*pieces, b"xref\n0 %d\n" % size, *lines, end))


def sample_pdf(*, catalog: bytes = b"", page: bytes = b"", more: Mapping[int, bytes] | None = None) -> bytes:
    """Return one page with a line of text, a text field and a check box of a form."""
    return build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R%s>>" % catalog,
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>"
            b"/Annots[7 0 R]%s>>" % page,
            4: b"<</Length %d>>\nstream\n%s\nendstream" % (len(_CONTENT), _CONTENT),
            5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            6: b"<</Fields[7 0 R]/DA(/F1 12 Tf)>>",
            7: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(note)/V(one)/Rect[20 20 90 40]/P 3 0 R>>",
            **(more or {}),
        }
    )


def sign_by_hand(
    make_contents: Callable[[bytes], bytes],
    *,
    entries: bytes = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached",
    objects: Mapping[int, bytes] | None = None,
    state: Callable[[int, int, int], Sequence[int]] | None = None,
    room: int = 12_000,
) -> bytes:
    """Return a file of one revision that is signed as it is first written, its range stated as the caller likes.

    Args:
        make_contents: returns /Contents for the covered octets.
        entries: of the signature dictionary, object 5, beside /ByteRange and /Contents.
        objects: in place of the usual: 1 the catalog, 2 and 3 the page, 4 the field.
        state: returns /ByteRange when told where the hole begins and ends, and the file.
        room: hexadecimal digits of /Contents.
    """
    blank = b"/ByteRange[%s]" % b" ".join([b"0000000000"] * 6)
    pdf = build_pdf(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Annots[4 0 R]>>",
            4: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Sig1)/Rect[0 0 0 0]/P 3 0 R/V 5 0 R>>",
            5: b"<<%s%s/Contents<%s>>>" % (entries, blank, b"0" * room),
            **(objects or {}),
        }
    )
    start = pdf.index(b"/Contents<") + len(b"/Contents")
    end = start + room + 2
    numbers = (0, start, end, len(pdf) - end) if state is None else state(start, end, len(pdf))
    pdf = pdf.replace(blank, (b"/ByteRange[%s]" % b" ".join(b"%d" % one for one in numbers)).ljust(len(blank)))
    covered = b"".join(pdf[at : at + size] for at, size in zip(numbers[::2], numbers[1::2], strict=False))
    digits = make_contents(covered).hex().encode("ascii").ljust(room, b"0")
    return b"%s<%s>%s" % (pdf[:start], digits, pdf[end:])


def find_last_section(pdf: bytes) -> int:
    """Return where the newest cross-reference section is said to stand."""
    return int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])


def append_section(pdf: bytes, objects: Mapping[int, bytes], lines: Mapping[int, bytes], *, root: int = 1) -> bytes:
    """Return the file with an update by hand.

    Args:
        objects: bodies by number.
        lines: entries of its table by number, 20 octets each, in place of those of `objects`.
    """
    pieces, entries, at = [pdf], dict(lines), len(pdf)
    for number, body in objects.items():
        entries.setdefault(number, b"%010d 00000 n \n" % at)
        pieces.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        at += len(pieces[-1])
    table = b"".join(b"%d 1\n%s" % one for one in sorted(entries.items()))
    trailer = b"<</Size 99/Root %d 0 R/Prev %d>>" % (root, find_last_section(pdf))
    end = b"xref\n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (table or b"0 0\n", trailer, at)
    return b"".join((*pieces, end))


class OurSigner(PyHankoSigner):
    """Signs for pyHanko with a signer of this project."""

    def __init__(self, signer: Signer) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple([one.asn1 for one in signer.chain])
        super().__init__(signing_cert=signer.certificate.asn1, cert_registry=registry)
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        (value,) = self._signer.sign_digests([hashlib.new(self._signer.algorithm.hash_name, data).digest()])
        raw = self._signer.algorithm.scheme is Scheme.ECDSA
        return raw_to_der(value, len(value) * 4) if raw else value


class _PdfSignerAt(PdfSigner):
    """Signs at a given time."""

    at: datetime

    def init_signing_session(self, pdf_out: Any, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.at
        return session


def sign_as_others_do(
    pdf: bytes,
    signer: PyHankoSigner,
    *,
    at: datetime = datetime(2026, 5, 29, 3, 0, tzinfo=UTC),
    field: str = "Sig1",
    new_field: fields.SigFieldSpec | None = None,
    **metadata: Any,
) -> bytes:
    """Return the file signed by pyHanko in a field of this name, made when it is not there."""
    options: dict[str, Any] = {
        "md_algorithm": "sha256",
        "subfilter": fields.SigSeedSubFilter.PADES,
        **metadata,
    }
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    pdf_signer = _PdfSignerAt(
        PdfSignatureMetadata(field_name=field, **options), signer=signer, new_field_spec=new_field
    )
    pdf_signer.at = at
    return bytes(pdf_signer.sign_pdf(writer, existing_fields_only=False).getvalue())


def update(pdf: bytes, change: Any) -> bytes:
    """Return the file with an update that pyHanko writes after `change` was applied to its writer."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    change(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def override(number: int, entries: Mapping[str, Any]) -> Any:
    """Return the change that writes entries of one object anew; None removes one."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        reference = generic.Reference(number, 0, writer)
        dictionary = writer.get_object(reference)
        for key, value in entries.items():
            if value is None:
                del dictionary[key]
            else:
                dictionary[generic.NameObject(key)] = value
        writer.mark_update(reference)

    return change


def name(text: str) -> generic.NameObject:
    """Return a name."""
    return generic.NameObject(text)
