"""Renders a transcript's PDF: Typst sets the official form, then its marked places become signature fields.

Implements the first revision of the picture as a pure function of its arguments: equal arguments give equal octets with
the same release of Typst, so a verifier can render again and compare.  Built to ISO 19005-3 level A and ISO 14289-1;
`docs/pdf.md` lists the rules that are checked.  Typst reads the template folder and nothing else: user text arrives as
JSON, packages are never loaded, system fonts never used.
"""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import typst

from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.limits import MAX_TEXT_CHARS, MAX_XML_BYTES
from transcript_core.model import IssueInfo, SchoolLevel, SlotRole, Transcript
from transcript_core.policy import SignatureFormat, Slot, get_policy, list_slots
from transcript_core.render.fields import FieldSpec
from transcript_core.render.filling import TOKEN_MARK, Parted, part_view
from transcript_core.render.sheet import Contents, Sheet
from transcript_core.render.taking import BLANK_DESCRIPTION, BLANK_INSTANT, BLANK_TITLE, TokenLost, build_sheet
from transcript_core.render.view import View, build_view, collect_texts, list_texts, split_title

TEMPLATES: Final = {
    "th/1": SchoolLevel.PRIMARY,
    "thcs/1": SchoolLevel.LOWER_SECONDARY,
    "thpt/1": SchoolLevel.UPPER_SECONDARY,
}
"""Template versions of this installation, each a folder; a released one is never changed."""

MAX_SHEETS: Final = 48
"""Sheets that a process keeps, about 150 KB each: classes times the ways in which their pupils' texts take lines."""

_COMPILING: Final = threading.Lock()
"""A compiler serves one thread at a time; processes, not threads, make rendering faster."""

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_ROLES: Final = {
    SlotRole.HOMEROOM_TEACHER: "giáo viên chủ nhiệm",
    SlotRole.MANAGER: "cán bộ quản lý",
}


def render_first_revision(transcript: Transcript, issue: IssueInfo, *, info_xml: bytes) -> bytes:
    """Return the PDF that the first signer gets.

    Args:
        issue: read for what is printed and for the slots; its `pdf_sha256` does not matter.
        info_xml: octets of THONG_TIN_HOC_BA, attached as `thongtinhocba.xml`; UTF-8.

    Returns:
        One revision; an empty signature field for every slot that signs this PDF, named by the slot's Id.

    Raises:
        UnsupportedSchema: the template version or the policy is not known here.
        MalformedTranscript: a text cannot be printed, or the transcript contradicts itself.
        LimitExceeded: a text or the attachment is longer than `limits.py` allows.
    """
    template = _find_template(transcript)
    specs = tuple(_build_spec(slot, transcript) for slot in list_pdf_slots(transcript, issue))
    view = build_view(transcript, issue)
    may_part = TOKEN_MARK not in _check_texts(view)
    _check_attachment(info_xml)
    parted, sheet = _find_sheet(view, template, specs, may_part=may_part)
    return sheet.fill(
        Contents(
            fillers=parted.fillers,
            title=str(view["title"]),
            description=str(view["description"]),
            dated=transcript.locked_at,
            attachment=info_xml,
        )
    )


def _find_sheet(view: View, template: str, specs: tuple[FieldSpec, ...], *, may_part: bool) -> tuple[Parted, Sheet]:
    """Return the view parted, and the sheet of its blank; not parted when its texts cannot be filled in."""
    whole = Parted(view, ())
    parted = part_view(view, template) if may_part else whole
    try:
        return parted, _set_sheet(template, _write_blank(parted.blank), specs, len(parted.fillers))
    except TokenLost:
        return whole, _set_sheet(template, _write_blank(view), specs, 0)


def _write_blank(view: View) -> str:
    blank = view | {"title": BLANK_TITLE, "description": BLANK_DESCRIPTION, "locked": BLANK_INSTANT}
    return json.dumps(blank, ensure_ascii=False)


def list_pdf_slots(transcript: Transcript, issue: IssueInfo) -> tuple[Slot, ...]:
    """Return the slots that sign this PDF: all that the policy signs by PAdES, less those kept before."""
    slots = list_slots(transcript, issue, get_policy(transcript.policy_id))
    return tuple(slot for slot in slots if not slot.kept and SignatureFormat.PADES in slot.rule.formats)


def _find_template(transcript: Transcript) -> str:
    level = TEMPLATES.get(transcript.template)
    if level is None:
        raise UnsupportedSchema(
            "the template version named in the transcript is not known here; install the release that has it"
        )
    if level is not transcript.school.level:
        raise MalformedTranscript(f"template {transcript.template} is not of the school's level")
    return transcript.template


def _check_texts(view: View) -> str:
    """Return all texts as one; refuse what would print otherwise than it reads, and name its place but not its text."""
    texts = collect_texts(view)
    joined = "".join(texts)
    # `isprintable` holds for all characters but those of the categories Other and, without the blank, Separator.
    if max(map(len, texts)) > MAX_TEXT_CHARS or not joined.isprintable():
        for path, text in list_texts(view):
            _check_text(path, text)
    return joined


def _check_text(path: str, text: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        raise LimitExceeded(f"the text at {path} exceeds {MAX_TEXT_CHARS} characters")
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES and character != "\n":
            raise MalformedTranscript(
                f"the text at {path} has the unprintable character U+{ord(character):04X}; remove it"
            )


def _check_attachment(info_xml: bytes) -> None:
    if len(info_xml) > MAX_XML_BYTES:
        raise LimitExceeded(f"the data to attach exceed {MAX_XML_BYTES} bytes")
    try:
        info_xml.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedTranscript("the data to attach are not UTF-8") from error


def _templates() -> Path:
    return Path(str(resources.files("transcript_core.render").joinpath("templates")))


@cache
def _get_compiler() -> typst.Compiler:
    """Return this process's compiler; its packages folder does not exist, so none is ever found or fetched."""
    nowhere = _templates() / "packages-are-not-used"
    return typst.Compiler(
        root=_templates(), font_paths=[], ignore_system_fonts=True, package_path=nowhere, package_cache_path=nowhere
    )


@lru_cache(maxsize=MAX_SHEETS)
def _set_sheet(template: str, blank: str, specs: tuple[FieldSpec, ...], tokens: int) -> Sheet:
    """Return the sheet of a blank view, given as JSON; a class mostly needs one, set once a process."""
    try:
        with _COMPILING:
            pdf, warnings = _get_compiler().compile_with_warnings(
                _templates() / template / "form.typ",
                format="pdf",
                sys_inputs={"data": blank},
                pdf_standards=["a-3a", "ua-1"],
            )
    except typst.TypstError as error:
        raise MalformedTranscript(_explain(error.message)) from error
    if warnings or not isinstance(pdf, bytes):
        raise MalformedTranscript("the form could not be set without a warning")
    return build_sheet(pdf, specs, tokens=tokens)


def _explain(message: str) -> str:
    """Return one sentence without any text of the document, which Typst's own message may quote."""
    quoted = re.search(r'"(.*)"` could not be displayed', message, re.DOTALL) or re.search(
        r'codepoint `"(.*)"`', message, re.DOTALL
    )
    if quoted is None:
        return "the form could not be set; the data do not fit the template"
    shown = re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), quoted[1])
    names = ", ".join(f"U+{ord(character):04X}" for character in dict.fromkeys(shown))
    return f"no bundled font has the characters {names}; remove them from names and comments"


def _build_spec(slot: Slot, transcript: Transcript) -> FieldSpec:
    if slot.role is SlotRole.SEAL:
        tooltip = f"Chữ ký số của {slot.name} (con dấu) và mã QR kiểm tra học bạ"
        return FieldSpec(slot.slot_id, tooltip, (slot.name,), closes_document=True)
    if slot.role is SlotRole.SUBJECT_TEACHER:
        subject = next(one for one in transcript.subjects if one.subject_code == slot.subject_code)
        duty = f"giáo viên môn {subject.subject_name}"
    else:
        duty = ", ".join(part.lower() for part in split_title(slot.title)) or _ROLES[slot.role]
    return FieldSpec(slot.slot_id, f"Chữ ký số của {slot.name}, {duty}", (slot.name, "(chưa ký số)"))
