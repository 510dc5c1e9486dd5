"""The PDF form: Typst templates, prepared signature fields, their appearances, the QR code.  No keys, no network."""

from transcript_core.render.appearance import (
    Appearance,
    AppearanceObject,
    build_person_appearance,
    build_seal_appearance,
)
from transcript_core.render.forms import list_pdf_slots, render_first_revision
from transcript_core.render.prepared import PreparedField, PreparedForm, read_prepared
from transcript_core.render.qr import build_qr_code, build_qr_url

__all__ = [
    "Appearance",
    "AppearanceObject",
    "PreparedField",
    "PreparedForm",
    "build_person_appearance",
    "build_qr_code",
    "build_qr_url",
    "build_seal_appearance",
    "list_pdf_slots",
    "read_prepared",
    "render_first_revision",
]
