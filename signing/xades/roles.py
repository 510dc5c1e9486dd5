"""The role that a signer claims, in Vietnamese, as xades:ClaimedRole.  Spec: ETSI EN 319 132-1, 5.2.6.

A claim is what the signer says of themselves; that it is true is shown by the signed authority list alone.
"""

from __future__ import annotations

from signing.claims import Claims
from transcript_core.model import SlotRole
from transcript_core.policy import Slot


def describe_role(slot: Slot | Claims) -> str:
    """Return the claimed role: "Giáo viên bộ môn Toán, lớp 7A2, Trường THCS Hoa Sen"."""
    text = ", ".join(part for part in (_office(slot), _class(slot), _school(slot)) if part)
    if slot.substitution is None:
        return text
    return f"{text}; ký thay theo {slot.substitution.authority}"


def _office(slot: Slot | Claims) -> str:
    if slot.role is SlotRole.SUBJECT_TEACHER:
        return f"Giáo viên bộ môn {slot.subject_name or slot.subject_code}"
    if slot.role is SlotRole.HOMEROOM_TEACHER:
        return "Giáo viên chủ nhiệm"
    if slot.role is SlotRole.SEAL:
        return "Con dấu của cơ sở giáo dục"
    lines = [_sentence_case(line) for line in slot.title.split("/")]
    return ", ".join(line for line in lines if line) or _DEFAULT_OFFICES[slot.role]


_DEFAULT_OFFICES = {SlotRole.MANAGER: "Cán bộ quản lý", SlotRole.REQUESTER: "Người đề nghị thu hồi"}


def _sentence_case(title: str) -> str:
    """Return a printed title in sentence case: "KT. HIỆU TRƯỞNG" becomes "KT. Hiệu trưởng"."""
    title = title.strip()
    if title.startswith("KT."):
        return f"KT. {title.removeprefix('KT.').strip().capitalize()}"
    return title.capitalize() if title.isupper() else title


def _class(slot: Slot | Claims) -> str:
    teaches = slot.role in {SlotRole.SUBJECT_TEACHER, SlotRole.HOMEROOM_TEACHER}
    return f"lớp {slot.class_name}" if teaches and slot.class_name else ""


def _school(slot: Slot | Claims) -> str:
    return slot.school_name or slot.name if slot.role is SlotRole.SEAL else slot.school_name
