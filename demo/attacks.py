"""What a forger would try on a signed transcript.  Each returns bytes that must not pass."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from io import BytesIO

import pikepdf

from transcript_core.model import Grade, Transcript
from transcript_core.render.appearance import build_seal_appearance
from transcript_core.render.forms import render_first_revision
from transcript_core.xml import TranscriptDocument, build_info, get_part, read_document

_YEAR_MARK = re.compile(rb"(<CA_NAM><DIEM>)(\d+\.\d)(</DIEM></CA_NAM>)")


def edit_mark(xml: bytes) -> bytes:
    """Return the transcript with the first subject's year mark raised to 9.9."""
    edited, count = _YEAR_MARK.subn(rb"\g<1>9.9\g<3>", xml, count=1)
    if count != 1 or edited == xml:
        raise ValueError("there was no mark to edit")
    return edited


def swap_part(xml: bytes, other_xml: bytes, part_id: str) -> bytes:
    """Return the transcript with another pupil's signed part, teacher's signature and all."""
    part, other = get_part(xml, part_id), get_part(other_xml, part_id)
    swapped = xml.replace(part, other)
    for slot in _read(xml).slots:
        if slot.reference_ids == (part_id,):
            swapped = swapped.replace(get_part(xml, slot.signature_id), get_part(other_xml, slot.signature_id))
    return swapped


def forge_paper(xml: bytes, qr_url: str) -> bytes:
    """Return a forged picture: better marks, the same look, and the genuine transcript's QR code in its place."""
    document = _read(xml)
    transcript = raise_marks(document.transcript)
    pdf = render_first_revision(transcript, document.issue, info_xml=build_info(transcript))
    with pikepdf.open(BytesIO(pdf)) as file:
        _draw_seal(file, transcript, qr_url)
        target = BytesIO()
        file.save(target)
    return target.getvalue()


def raise_marks(transcript: Transcript) -> Transcript:
    """Return what the forged paper says: 9.9 for the year in every subject with marks."""
    subjects = tuple(
        replace(subject, year=Grade(mark=Decimal("9.9"))) if subject.year and subject.year.mark else subject
        for subject in transcript.subjects
    )
    return replace(transcript, subjects=subjects)


def _draw_seal(file: pikepdf.Pdf, transcript: Transcript, qr_url: str) -> None:
    """Give the seal's empty field the appearance of a sealed one, without any signature."""
    form = file.Root.AcroForm
    field = next(one for one in form.Fields if str(one.T) == "ky-phat-hanh")
    left, bottom, right, top = (float(value) for value in field.Rect)
    appearance = build_seal_appearance(
        right - left,
        top - bottom,
        school_name=transcript.school.name,
        signed_at=transcript.locked_at,
        qr_url=qr_url,
    )
    drawn = appearance.objects[0]
    stream = pikepdf.Stream(file, b"")
    head = b"".join(piece if isinstance(piece, bytes) else b"null" for piece in drawn.pieces)
    filtered = b"/FlateDecode" in head
    stream.write(drawn.stream or b"", filter=pikepdf.Name.FlateDecode if filtered else None)
    stream.Type, stream.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    stream.BBox = pikepdf.Array([0, 0, round(right - left, 3), round(top - bottom, 3)])
    stream.Resources = pikepdf.Dictionary(Font=form.DR.Font)
    field.AP = pikepdf.Dictionary(N=file.make_indirect(stream))


def _read(xml: bytes) -> TranscriptDocument:
    document = read_document(xml)
    if not isinstance(document, TranscriptDocument):
        raise TypeError("a transcript was expected")
    return document
