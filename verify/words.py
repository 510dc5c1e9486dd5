"""The words of outcomes and statuses, for every report in words: pages, command line and files say the same.

`Outcome` and `FindingOutcome` are the standard's; here is what people read for them, in Vietnamese and English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

from schemas.loader import load_table
from transcript_core.model import SlotRole
from verify.report import FindingOutcome, Outcome

Language = Literal["vi", "en"]

_OUTCOMES: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.PASSED: ("Hợp lệ", "Valid"),
    Outcome.INDETERMINATE: ("Chưa kết luận được", "Could not be decided"),
    Outcome.FAILED: ("Không hợp lệ", "Not valid"),
}
_FINDINGS: Final[Mapping[FindingOutcome, tuple[str, str]]] = {
    FindingOutcome.PASSED: ("đạt", "passed"),
    FindingOutcome.FAILED: ("không đạt", "failed"),
    FindingOutcome.INDETERMINATE: ("chưa kết luận được", "undecided"),
    FindingOutcome.NOT_CHECKED: ("chưa kiểm tra", "not checked"),
    FindingOutcome.NOT_APPLICABLE: ("không áp dụng", "not applicable"),
}
_STATUSES: Final[Mapping[str | None, tuple[str, str]]] = {
    None: ("chưa kiểm tra", "not checked"),
    "valid": ("còn hiệu lực", "current"),
    "superseded": ("đã được thay thế", "replaced"),
    "recalled": ("đã bị thu hồi", "recalled"),
    "suspended": ("đang tạm ngừng hiệu lực", "suspended"),
    "unknown": ("không có trong dữ liệu tra cứu", "not in the records that were asked"),
}
_OFFICES: Final[Mapping[SlotRole, tuple[str, str]]] = {
    SlotRole.SUBJECT_TEACHER: ("Giáo viên môn", "Teacher of"),
    SlotRole.HOMEROOM_TEACHER: ("Giáo viên chủ nhiệm", "Homeroom teacher"),
    SlotRole.MANAGER: ("Cán bộ quản lý", "Head of school"),
    SlotRole.SEAL: ("Con dấu của nhà trường", "Seal of the school"),
    SlotRole.REQUESTER: ("Người đề nghị", "Requester"),
}
_NOTE: Final = ("thông tin", "information")


def pick(texts: tuple[str, str], language: Language) -> str:
    """Return the Vietnamese or the English one of two texts."""
    return texts[0] if language == "vi" else texts[1]


def name_outcome(outcome: Outcome, language: Language) -> str:
    """Return the word for a whole report, or one signature: "Hợp lệ"."""
    return pick(_OUTCOMES[outcome], language)


def name_finding(outcome: FindingOutcome, language: Language) -> str:
    """Return the word for the answer of a check or criterion: "đạt"."""
    return pick(_FINDINGS[outcome], language)


def name_status(status: str | None, language: Language) -> str:
    """Return the word for a document's status, as `DocumentInfo.status` has it: "còn hiệu lực"."""
    return pick(_STATUSES.get(status, _STATUSES["unknown"]), language)


def name_office(role: SlotRole, subject_code: str | None) -> tuple[str, str]:
    """Return what a slot is for, in both languages: "Giáo viên môn Toán"; a subject's name is that of our tables."""
    subject = "" if subject_code is None else f" {_list_subjects().get(subject_code, subject_code)}"
    vietnamese, english = _OFFICES[role]
    return f"{vietnamese}{subject}", f"{english}{subject}"


@cache
def _list_subjects() -> dict[str, str]:
    return {row["code"]: row["name"] for row in load_table("subjects")}


def name_note(language: Language) -> str:
    """Return the word before what is told without being good or bad."""
    return pick(_NOTE, language)
