"""A signed field shows its signer's name, office and time, and the seal a QR code that leads to this very document.

Nobody reads the data before believing what is shown, and whoever signs a field draws it.  So each appearance is drawn
again by `transcript_core.render`, from the data, the signature's time and the font of the file, and must come out the
same.  The QR code's address holds a secret that the data do not have: it is read from the code and must lead to
`/v/<serial>/<version>` of a service, whichever that is.  A drawing that is none of this program's is not compared; but
one whose letters can be read and say something else is refused.
Spec: `docs/pdf.md`, appearances; NĐ 30/2020, Phụ lục I (what a digital signature shows).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from transcript_core.errors import InputError
from transcript_core.model import Transcript
from transcript_core.policy import Slot
from transcript_core.render.appearance import draw_person, draw_seal, format_instant
from transcript_core.render.fonts import AppearanceFont
from transcript_core.render.qr import QrCode, read_qr_code
from verify.checks.verdict import NOT_APPLICABLE, PASSED, Rule, Verdict, conclude, failed, indeterminate, judge_each
from verify.documents import PdfInput
from verify.entitlement import is_assumed
from verify.examination import Context, Examination
from verify.formats.pdf_shown import ShownAppearance, read_texts
from verify.report import Finding, FindingOutcome, SubIndication
from verify.signature import ExaminedSignature, SignatureFormatName

NAME: Final = "pdf.appearances"
RULE: Final = Rule(
    NAME,
    "Ô chữ ký hiển thị đúng người ký, thời điểm ký; mã QR dẫn đến đúng học bạ này.",
    "Signature fields show who signed and when; the QR code leads to this transcript.",
)

_DRAWN: Final = 4_096
"""Appearances that are remembered: a person's is the same in all documents of a batch.  One is about 1 KB."""

_STENCIL: Final = re.compile(rb"BI/W (\d{2})/H \1/IM true/D\[1 0\]/F/AHx ID\n((?:[0-9a-f]{2})+)>\nEI")
_INSTANT: Final = re.compile(r"\d{2}/\d{2}/\d{4}\d{2}:\d{2}:\d{2}")
_TOOLTIP: Final = re.compile(r"Chữ ký số của ([^,]+), (.+)")
_ADDRESS: Final = re.compile(
    r"(?:https://(?P<host>[A-Za-z0-9.\[\]:-]+)"
    r"|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?)"  # its own machine
    r"(?:/[A-Za-z0-9._~-]+)*/v/(?P<serial>[0-9A-Z]{26})/(?P<version>[1-9]\d*)#[A-Za-z0-9_-]+"
)

_OTHER: Final = failed(
    "hình hiển thị ghi tên, chức danh hoặc thời điểm khác với chữ ký",
    "the appearance shows another name, office or time than the signature",
    SubIndication.SIG_CONSTRAINTS_FAILURE,
)
_ELSEWHERE: Final = failed(
    "mã QR không dẫn đến học bạ này",
    "the QR code does not lead to this transcript",
    SubIndication.SIG_CONSTRAINTS_FAILURE,
)
_UNKNOWN: Final = indeterminate(
    "hình hiển thị không do phiên bản phần mềm này vẽ nên không đối chiếu được",
    "the appearance was not drawn by this release of the software and cannot be compared",
    SubIndication.CUSTOM,
)


@dataclass(frozen=True, slots=True)
class _Signer:
    """What a field must show."""

    name: str
    title: str  # "" for the seal
    signed_at: datetime


def check(examination: Examination, context: Context) -> Finding:  # noqa: ARG001
    """Return whether every signed field shows what was signed in it."""
    pdf = examination.pdf
    if pdf is None or pdf.transcript is None or not examination.is_transcript_file:
        return conclude(RULE, NOT_APPLICABLE)
    transcript = pdf.transcript

    def judge(signature: ExaminedSignature) -> Verdict:
        return _judge(signature, pdf, transcript)

    finding = judge_each(RULE, examination.list_signatures(SignatureFormatName.PADES), judge)
    return finding if finding.outcome is not FindingOutcome.PASSED else _name_host(finding, pdf)


def _name_host(finding: Finding, pdf: PdfInput) -> Finding:
    """Return the finding with the host that the QR code leads to: no file can say which host is a service's."""
    seals = [slot.slot_id for slot in pdf.slots if slot.staff_code is None]
    shown = [one for one in map(pdf.signed.shown.get, seals) if one is not None]
    codes = (_find_code(one.content or b"") for one in shown)
    addresses = (None if code is None else _read_address(code) for code in codes)
    hosts = {str(one["host"]) for one in addresses if one is not None and one["host"] is not None}
    if not hosts:
        return finding
    named = ", ".join(sorted(hosts))
    return replace(
        finding,
        text_vi=f"{finding.text_vi.removesuffix('.')}, trên trang {named}.",
        text_en=f"{finding.text_en.removesuffix('.')}, at {named}.",
    )


def _find_code(content: bytes) -> QrCode | None:
    """Return the one QR code of a drawing, None when there is none or several."""
    found = _STENCIL.findall(content)
    return QrCode(int(found[0][0]), bytes.fromhex(found[0][1].decode("ascii"))) if len(found) == 1 else None


def _read_address(code: QrCode) -> re.Match[str] | None:
    return _ADDRESS.fullmatch(read_qr_code(code) or "")


def _judge(signature: ExaminedSignature, pdf: PdfInput, transcript: Transcript) -> Verdict:
    slot, signed_at = signature.facts.slot, signature.facts.signed_at
    if slot is None:
        return NOT_APPLICABLE
    shown = pdf.signed.shown.get(slot.slot_id)
    if shown is None or shown.content is None or shown.font is None or signed_at is None:
        return _UNKNOWN
    if slot.staff_code is None:
        signer = _Signer(slot.name, "", signed_at)
        return _judge_seal(shown, shown.content, shown.font, signer, transcript)
    signer = _Signer(*_name_signer(slot, shown.tooltip), signed_at)
    if _draw_person(shown.width, shown.height, signer, shown.font) == shown.content:
        return PASSED
    return _judge_texts(shown.content, shown.font, signer)


def _name_signer(slot: Slot, tooltip: str) -> tuple[str, str]:
    """Return name and office; of the manager, in a PDF without its XML, as everybody who signed saw them before.

    The name is the certificate's even then: what the prepared file says only tells how it is written.
    """
    if not is_assumed(slot):
        return slot.name, slot.title
    stated = _TOOLTIP.fullmatch(tooltip)
    if stated is None:
        return slot.name, slot.title
    name = stated[1] if _fold(stated[1]) == _fold(slot.name) else slot.name
    return name, " / ".join(stated[2].upper().split(", "))


def _judge_seal(
    shown: ShownAppearance, content: bytes, font: AppearanceFont, signer: _Signer, transcript: Transcript
) -> Verdict:
    code = _find_code(content)
    if code is None:
        return _judge_texts(content, font, signer)  # at best not compared: there is no code that could be read
    address = _read_address(code)
    if address is None or (address["serial"], address["version"]) != (transcript.serial, str(transcript.version)):
        return _ELSEWHERE
    try:
        drawn = draw_seal(
            shown.width, shown.height, school_name=signer.name, signed_at=signer.signed_at, code=code, font=font
        )
    except InputError:
        return _UNKNOWN
    return PASSED if drawn == content else _judge_texts(content, font, signer)


@lru_cache(maxsize=_DRAWN)
def _draw_person(width: float, height: float, signer: _Signer, font: AppearanceFont) -> bytes | None:
    """Return what our signer draws; None when it would not."""
    try:
        return draw_person(width, height, name=signer.name, title=signer.title, signed_at=signer.signed_at, font=font)
    except InputError:
        return None


def _judge_texts(content: bytes, font: AppearanceFont, signer: _Signer) -> Verdict:
    """Return the verdict on a drawing of another form: it may be that of another release, but not say another thing."""
    lines = read_texts(content, font)
    if not lines:
        return _UNKNOWN
    said = _fold("".join(lines))
    if any(_fold(part) not in said for part in (signer.name, *signer.title.split(" / "))):
        return _OTHER
    instants = set(_INSTANT.findall(said))
    if instants and instants != set(_INSTANT.findall(_fold(format_instant(signer.signed_at)))):
        return _OTHER
    return _UNKNOWN


def _fold(text: str) -> str:
    """Return a text without what breaking it into lines and writing it in capitals changes."""
    return "".join(unicodedata.normalize("NFC", text).casefold().split())
