"""Signed fields of a PDF that show something else than what was signed in them; every signature is right.

The signer's own program draws the appearance, so a signer, or whoever owns the program, may let it show anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tests.support.signed_pdf import QR_URL
from tests.vectors.cases import cannot_tell, fails
from tests.vectors.pdf_forge import describe_slots
from tests.vectors.pictures import build_appearance, first_revision, pictured_xml, sign_pdf
from tests.vectors.school import school
from transcript_core.policy import Slot
from transcript_core.render import Appearance, build_person_appearance, build_seal_appearance, read_prepared
from transcript_core.render.appearance import AppearanceObject

Draw = Callable[[bytes, Slot], Appearance]

_RULE: Final = "docs/pdf.md: a field shows its signer's name, office and time"
_QR: Final = "docs/pdf.md: the seal's QR code leads to this document"
_UNKNOWN: Final = "docs/verification.md: another drawing is not compared"


def _sign(slot_id: str, draw: Draw) -> bytes:
    def build(pdf: bytes, slot: Slot) -> Appearance:
        return draw(pdf, slot) if slot.slot_id == slot_id else build_appearance(pdf, slot)

    return sign_pdf(first_revision(), *describe_slots(), draw=build)


def _person(slot_id: str, *, name: str | None = None, title: str | None = None, late: timedelta = timedelta()) -> bytes:
    def draw(pdf: bytes, slot: Slot) -> Appearance:
        place = read_prepared(pdf).fields[slot.slot_id]
        at = school().clock.at + late
        return build_person_appearance(
            place.width, place.height, name=name or slot.name, title=title or slot.title, signed_at=at
        )

    return _sign(slot_id, draw)


def _seal(*, name: str | None = None, url: str = QR_URL, late: timedelta = timedelta()) -> bytes:
    def draw(pdf: bytes, slot: Slot) -> Appearance:
        place = read_prepared(pdf).fields[slot.slot_id]
        at = school().clock.at + late
        return build_seal_appearance(place.width, place.height, school_name=name or slot.name, signed_at=at, qr_url=url)

    return _sign("ky-phat-hanh", draw)


def draw_seal_for(url: str) -> bytes:
    """Return a file whose seal shows the QR code of this address."""
    return _seal(url=url)


def _edited(slot_id: str, old: bytes, new: bytes, *, in_dictionary: bool = False) -> bytes:
    """Return the file with the seal's drawing, or its dictionary, changed; the seal's is not packed."""

    def draw(pdf: bytes, slot: Slot) -> Appearance:
        appearance = build_appearance(pdf, slot)
        (form,) = appearance.objects
        assert form.stream is not None
        stream = form.stream if in_dictionary else form.stream.replace(old, new, 1)
        assert in_dictionary or stream != form.stream
        length = b"/Length %d" % len(form.stream), b"/Length %d" % len(stream)
        pieces = [
            one.replace(*length).replace(*((old, new) if in_dictionary else (b"", b"")))
            if isinstance(one, bytes)
            else one
            for one in form.pieces
        ]
        return replace(appearance, objects=(AppearanceObject(tuple(pieces), stream),))

    return _sign(slot_id, draw)


def _swap(octets: bytes, swaps: list[tuple[bytes, bytes]]) -> bytes:
    for old, new in swaps:
        octets = octets.replace(old, new, 1)
    return octets


@fails(_RULE, "pdf.appearances")
def teacher_shown_as_somebody_else() -> bytes:
    return _person("gvbm-TOAN-1", name="Bộ trưởng Nguyễn Văn X")


@fails(_RULE, "pdf.appearances", xml=pictured_xml)
def teacher_shown_as_somebody_else_beside_the_xml() -> bytes:
    return _person("gvbm-TOAN-1", name="Bộ trưởng Nguyễn Văn X")


@fails(_RULE, "pdf.appearances")
def homeroom_teacher_shown_in_another_office() -> bytes:
    return _person("gvcn", title="BỘ TRƯỞNG")


@fails(_RULE, "pdf.appearances")
def principal_shown_in_another_office() -> bytes:
    return _person("cbql", title="CHỦ TỊCH")


@fails(_RULE, "pdf.appearances")
def principal_shown_as_somebody_else() -> bytes:
    return _person("cbql", name="Hồ Văn Cựu")


@fails(_RULE, "pdf.appearances")
def signature_shown_with_another_day() -> bytes:
    return _person("gvbm-TOAN-1", late=timedelta(days=-400))


@fails(_RULE, "pdf.appearances")
def seal_shown_with_another_day() -> bytes:
    return _seal(late=timedelta(days=-400))


@fails(_RULE, "pdf.appearances")
def seal_of_another_school_shown() -> bytes:
    return _seal(name="Trường THCS Hoa Đào")


@fails(_QR, "pdf.appearances")
def qr_code_of_another_document() -> bytes:
    return _seal(url=QR_URL.replace("HJKMNP", "HJKMNQ"))


@fails(_QR, "pdf.appearances", xml=pictured_xml)
def qr_code_of_another_version() -> bytes:
    return _seal(url=QR_URL.replace("/1#", "/2#"))


@fails(_QR, "pdf.appearances")
def qr_code_to_another_page() -> bytes:
    return _seal(url="https://evil.example/anything?next=/v/01J9ZK3T5V7X9ABCDEFGHJKMNP/1#AbCdEfGhIjKlMnOp")


@fails(_QR, "pdf.appearances")
def qr_code_without_encryption_on_the_way() -> bytes:
    return _seal(url=QR_URL.replace("https", "http"))


@fails(_QR, "pdf.appearances")
def qr_code_of_a_script() -> bytes:
    return _seal(url="javascript:alert(1)//v/01J9ZK3T5V7X9ABCDEFGHJKMNP/1#AbCdEfGhIjKlMnOp")


@fails(_QR, "pdf.appearances")
def qr_code_with_modules_turned_over() -> bytes:
    return _edited("ky-phat-hanh", b" ID\nfe", b" ID\nff")


@cannot_tell(_UNKNOWN, "pdf.appearances")
def qr_code_painted_over() -> bytes:
    return _edited("ky-phat-hanh", b"\nEI Q", b"\nEI Q 1 1 1 rg 0 0 99 99 re f")


@cannot_tell(_UNKNOWN, "pdf.appearances")
def drawing_that_letters_a_mark_beside_the_name() -> bytes:
    return _edited("ky-phat-hanh", b"\nET\nQ", b"\n1 0 Td\n(9.9) Tj\nET\nQ")


@cannot_tell(_UNKNOWN, "pdf.appearances")
def drawing_in_a_smaller_box() -> bytes:
    return _edited("gvbm-TOAN-1", b"/BBox[0 0 1", b"/BBox[0 0 2", in_dictionary=True)


@cannot_tell(_UNKNOWN, "pdf.appearances")
def drawing_turned_by_a_matrix() -> bytes:
    return _edited("gvbm-TOAN-1", b"/FormType 1", b"/FormType 1/Matrix[0 0 0 0 0 0]", in_dictionary=True)
