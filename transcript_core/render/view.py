"""What the templates show: a transcript as plain texts in Vietnamese.

Implements the wording of the official forms (TT 22/2021/TT-BGDĐT and TT 27/2020/TT-BGDĐT with their guides on the
use of the học bạ), and of dates in documents (NĐ 30/2020/NĐ-CP, Phụ lục I).  Layout is the templates' business.
Everything here is a pure function of its arguments, so that a verifier who renders again gets the same picture.  The
words belong to form version 1: change them only in a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from schemas.loader import load_table
from transcript_core.clock import VIETNAM_TIME
from transcript_core.model import (
    Achievement,
    Award,
    AwardKind,
    DocumentReference,
    Event,
    Gender,
    Grade,
    Guardian,
    IssueInfo,
    PrimarySummary,
    PrimaryYearLevel,
    Pupil,
    QualityResult,
    SecondarySummary,
    SlotRole,
    SlotSigner,
    Source,
    Stage,
    StudyTopic,
    SubjectLevel,
    SubjectResult,
    TermGrade,
    Transcript,
    YearOutcome,
)

View: TypeAlias = dict[str, object]

NOTHING = "–"
NONE = "không"
PENDING = "chờ bổ sung"
LONG_NAME_BYTES = 50
"""Bytes of UTF-8 from which the cover shows a name in smaller letters."""
_ACHIEVEMENTS = {
    Achievement.GOOD: "Tốt",
    Achievement.FAIR: "Khá",
    Achievement.PASSED: "Đạt",
    Achievement.NOT_PASSED: "Chưa đạt",
}
_YEAR_LEVELS = {
    PrimaryYearLevel.EXCELLENT: "Hoàn thành xuất sắc",
    PrimaryYearLevel.COMPLETED_WELL: "Hoàn thành tốt",
    PrimaryYearLevel.COMPLETED: "Hoàn thành",
    PrimaryYearLevel.NOT_COMPLETED: "Chưa hoàn thành",
}
_GENDERS = {Gender.MALE: "Nam", Gender.FEMALE: "Nữ", Gender.UNKNOWN: "chưa có thông tin"}
_AWARDS = {
    AwardKind.EXCELLENT_PUPIL: "Học sinh Xuất sắc",
    AwardKind.GOOD_PUPIL: "Học sinh Giỏi",
    AwardKind.OUTSTANDING_PRIMARY_PUPIL: "Học sinh tiêu biểu hoàn thành tốt trong học tập và rèn luyện",
}
_STAGES = {Stage.TERM_1: "kết quả học kì I", Stage.YEAR: "kết quả cả năm học"}
_INFO_PARTS = {"thongtinhocba": "thông tin chung của học bạ"}


def build_view(transcript: Transcript, issue: IssueInfo) -> View:
    """Return the JSON value that a template of form version 1 reads.

    Of `issue` only what is printed is read: manager, seal, place and day; never the picture's own digest.
    """
    notes = _Footnotes()
    local = transcript.locked_at.astimezone(VIETNAM_TIME)
    subjects = [_view_subject(subject, transcript, notes) for subject in transcript.subjects]
    return {
        "title": f"Học bạ số năm học {transcript.school_year} – {transcript.pupil.name} – lớp {transcript.class_name}",
        "description": f"Học bạ số, số hiệu {transcript.serial}, phiên bản {transcript.version}",
        "serial": transcript.serial,
        "version": transcript.version,
        "stage": _STAGES[transcript.stage],
        "stage_title": _STAGES[transcript.stage].upper(),
        "term_only": transcript.stage is Stage.TERM_1,
        "locked": _instant_parts(transcript.locked_at),
        "locked_shown": f"{local:%H:%M:%S} ngày {local:%d/%m/%Y} (giờ Việt Nam)",
        "external_id": transcript.external_id,
        "school": {
            "name": transcript.school.name,
            "department": transcript.school.department_name,
            "commune": transcript.school.commune,
            "province": transcript.school.province_name,
        },
        "school_year": transcript.school_year,
        "class_name": transcript.class_name,
        "pupil": _view_pupil(transcript.pupil),
        "cover": _view_cover(transcript.pupil),
        "history": [
            {
                "school_year": entry.school_year,
                "class_name": entry.class_name,
                "school_name": entry.school_name,
                "register": transcript.pupil.register_number if entry.school_name == transcript.school.name else "",
                "document": None if entry.document is None else _name_document(entry.document),
            }
            for entry in transcript.history
        ],
        "previous_year": None if transcript.previous_year is None else _name_document(transcript.previous_year),
        "subjects": subjects,
        "footnotes": notes.list_notes(),
        "study_topics": [_view_topic(topic, transcript.subjects) for topic in transcript.study_topics],
        "summary": _view_summary(transcript),
        "awards": "; ".join(_name_award(award) for award in transcript.awards) or NONE,
        "homeroom_comment": transcript.homeroom_comment,
        "corrections": _view_corrections(transcript),
        "replaces": _view_replacement(transcript),
        "slots": _view_slots(transcript, issue),
        "manager_slot": issue.manager.slot_id,
        "homeroom_slot": next(one.slot_id for one in transcript.signers if one.role is SlotRole.HOMEROOM_TEACHER),
        "seal_slot": issue.seal.slot_id,
        "issue": {
            "place": issue.place,
            "day": f"{issue.issued_on:%d}",
            "month": _format_month(issue.issued_on.month),
            "year": f"{issue.issued_on.year}",
        },
    }


def format_mark(value: Decimal) -> str:
    """Return an average, or kilograms, as the form prints it: one decimal, with a comma.

    Equal numbers read alike, however many zeros they were written with: the picture follows from the signed data.
    """
    return f"{value.quantize(Decimal('0.1'))}".replace(".", ",")


def format_day(value: date) -> str:
    """Return dd/mm/yyyy."""
    return f"{value:%d/%m/}{value.year:04}"


def _format_month(month: int) -> str:
    """Return a month in words' company: 01, 02, then 3 to 12, so that none can be made another (NĐ 30/2020)."""
    return f"{month:02}" if month <= 2 else str(month)


class _Footnotes:
    """Numbers the schools that gave results, in the order of their first appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number_of(self, source: Source | None) -> str:
        """Return the mark to print beside a result; empty when this school gave it."""
        if source is None:
            return ""
        text = f"Kết quả do {source.school_name} (mã trường {source.school_code}) cung cấp"
        if source.document is not None:
            text += f", học bạ số {_name_document(source.document)}"
        return str(self._numbers.setdefault(text + ".", len(self._numbers) + 1))

    def list_notes(self) -> list[View]:
        """Return the notes to print, in order."""
        return [{"mark": str(number), "text": text} for text, number in self._numbers.items()]


def _instant_parts(instant: datetime) -> list[int]:
    return [instant.year, instant.month, instant.day, instant.hour, instant.minute, instant.second]


def _name_document(reference: DocumentReference) -> str:
    return f"{reference.serial}, phiên bản {reference.version}"


def _view_pupil(pupil: Pupil) -> View:
    family = (("Họ và tên cha", pupil.father), ("Họ và tên mẹ", pupil.mother), ("Người giám hộ", pupil.guardian))
    return {
        "name": pupil.name,
        "gender": _GENDERS[pupil.gender],
        "birth_date": format_day(pupil.birth_date),
        "birth_place": pupil.birth_place or NOTHING,
        "hometown": pupil.hometown or NOTHING,
        "ethnicity": pupil.ethnicity or NOTHING,
        "nationality": pupil.nationality or NOTHING,
        "code": pupil.pupil_code,
        "personal_id": pupil.personal_id or PENDING,
        "lifelong_code": pupil.lifelong_code,
        "policy_group": pupil.policy_group or NONE,
        "address": pupil.address or NOTHING,
        "register": pupil.register_number or NOTHING,
        "family": [_view_guardian(label, person) for label, person in family],
    }


def _view_cover(pupil: Pupil) -> View:
    return {
        "name": pupil.name.upper(),
        "long": len(pupil.name.encode("utf-8")) > LONG_NAME_BYTES,
        "register": pupil.register_number or NOTHING,
    }


def _view_guardian(label: str, person: Guardian | None) -> View:
    return {
        "label": label,
        "name": NOTHING if person is None else person.name,
        "occupation": NOTHING if person is None else person.occupation or NOTHING,
    }


def _show_grade(grade: Grade | None) -> str:
    if grade is None:
        return NOTHING
    if grade.mark is not None:
        return format_mark(grade.mark)
    return NOTHING if grade.level is None else grade.level.value


def _show_level(level: SubjectLevel | None) -> str:
    return NOTHING if level is None else level.value


def _view_term(term: TermGrade | None, notes: _Footnotes) -> View:
    return {
        "text": _show_grade(None if term is None else term.grade),
        "mark": notes.number_of(None if term is None else term.source),
    }


def _view_subject(subject: SubjectResult, transcript: Transcript, notes: _Footnotes) -> View:
    year = subject.year
    primary = isinstance(transcript.summary, PrimarySummary)
    slots = [one.slot_id for one in transcript.signers if one.subject_code == subject.subject_code]
    remarks = [("môn học lựa chọn", subject.elective), ("không đánh giá", subject.not_assessed)]
    test_mark = None if year is None else year.mark
    return {
        "name": subject.subject_name,
        "note": "; ".join(text for text, applies in remarks if applies),
        "term_1": _view_term(subject.term_1, notes),
        "term_2": _view_term(subject.term_2, notes),
        "year": _show_level(None if year is None else year.level) if primary else _show_grade(year),
        "test_mark": NOTHING if test_mark is None else f"{test_mark:.0f}",
        "reassessed": _show_grade(subject.reassessed),
        "comment": subject.comment,
        "slots": slots,
    }


def _view_topic(topic: StudyTopic, subjects: Sequence[SubjectResult]) -> View:
    names = {subject.subject_code: subject.subject_name for subject in subjects}
    return {
        "subject": names.get(topic.subject_code, topic.subject_code),
        "name": topic.name,
        "mark": NOTHING if topic.mark is None else format_mark(topic.mark),
    }


def _name_award(award: Award) -> str:
    if award.kind is AwardKind.OTHER:
        return award.text
    return _AWARDS[award.kind] + (f" ({award.text})" if award.text else "")


def _view_summary(transcript: Transcript) -> View:
    if isinstance(transcript.summary, PrimarySummary):
        return _view_primary_summary(transcript.summary, transcript.grade_level, transcript.locked_at.date())
    return _view_secondary_summary(transcript.summary)


def _show_achievement(value: Achievement | None) -> str:
    return NOTHING if value is None else _ACHIEVEMENTS[value]


def _view_secondary_summary(summary: SecondarySummary) -> View:
    absences = summary.absences
    return {
        "training": [
            _show_achievement(value)
            for value in (summary.training_term_1, summary.training_term_2, summary.training_year)
        ],
        "study": [
            _show_achievement(value) for value in (summary.study_term_1, summary.study_term_2, summary.study_year)
        ],
        "absences": str(absences.excused + absences.unexcused),
        "excused": str(absences.excused),
        "unexcused": str(absences.unexcused),
        "training_after_summer": _show_achievement(summary.training_after_summer),
        "summer_training": _describe_summer_training(summary),
        "study_after_reassessment": _show_achievement(summary.study_after_reassessment),
        "outcomes": _list_outcomes(summary.outcome),
        "completed": None if summary.level_completed is None else ("có" if summary.level_completed else NONE),
        "certificates": "; ".join(summary.certificates) or NONE,
        "contests": list(summary.contests),
        "not_assessed": summary.not_assessed,
    }


def _describe_summer_training(summary: SecondarySummary) -> str:
    if summary.training_after_summer is not None:
        return f"Kết quả rèn luyện sau kì nghỉ hè: {_ACHIEVEMENTS[summary.training_after_summer]}"
    return "Chờ kết quả rèn luyện" if summary.outcome is YearOutcome.SUMMER_TRAINING else NONE.capitalize()


def _list_outcomes(outcome: YearOutcome | None) -> list[View]:
    lines = [
        ("Được lên lớp", YearOutcome.PROMOTED, "có"),
        (
            "Được lên lớp sau đánh giá lại hoặc rèn luyện trong kì nghỉ hè",
            YearOutcome.PROMOTED_AFTER_SUMMER,
            "có",
        ),
        ("Không được lên lớp", YearOutcome.NOT_PROMOTED, "không được lên lớp"),
    ]
    shown: list[View] = [{"label": label, "value": text if outcome is key else NOTHING} for label, key, text in lines]
    if outcome is YearOutcome.REASSESSMENT:
        shown.append({"label": "Còn phải làm", "value": "đánh giá lại các môn học chưa đạt"})
    if outcome is YearOutcome.SUMMER_TRAINING:
        shown.append({"label": "Còn phải làm", "value": "rèn luyện trong kì nghỉ hè"})
    return shown


def _view_primary_summary(summary: PrimarySummary, grade_level: int, on: date) -> View:
    names = _list_quality_names(on)
    level = summary.year_level
    return {
        "height": NOTHING if summary.height_cm is None else f"{summary.height_cm} cm",
        "weight": NOTHING if summary.weight_kg is None else f"{format_mark(summary.weight_kg)} kg",
        "excused": str(summary.absences.excused),
        "unexcused": str(summary.absences.unexcused),
        "qualities": [_view_quality(one, names) for one in summary.qualities],
        "common": [_view_quality(one, names) for one in summary.common_competences],
        "specific": [_view_quality(one, names) for one in summary.specific_competences],
        "year_level": NOTHING if level is None else _YEAR_LEVELS[level],
        "completion": _primary_completion(summary, grade_level),
        "not_assessed": summary.not_assessed,
    }


def _primary_completion(summary: PrimarySummary, grade_level: int) -> str:
    if summary.level_completed is not None:
        return ("Hoàn thành" if summary.level_completed else "Chưa hoàn thành") + " chương trình tiểu học"
    if summary.outcome is None:
        return NOTHING
    done = summary.outcome in {YearOutcome.PROMOTED, YearOutcome.PROMOTED_AFTER_SUMMER}
    return ("Hoàn thành" if done else "Chưa hoàn thành") + f" chương trình lớp {grade_level}"


def _list_quality_names(on: date) -> Mapping[str, str]:
    day = on.isoformat()
    return {
        row["code"]: row["name"]
        for row in load_table("qualities")
        if row["valid_from"] <= day and (not row["valid_to"] or day <= row["valid_to"])
    }


def _view_quality(result: QualityResult, names: Mapping[str, str]) -> View:
    return {
        "name": names.get(result.code, result.code),
        "level": result.level.value,
        "comment": result.comment,
    }


def _name_part(part: str, transcript: Transcript) -> str:
    for subject in transcript.subjects:
        if part == f"diem-{subject.subject_code}":
            return subject.subject_name
    return _INFO_PARTS.get(part, part)


def _view_corrections(transcript: Transcript) -> View:
    changed = [] if transcript.replaces is None else transcript.replaces.changed_parts
    names = [_name_part(part, transcript) for part in changed if part.startswith("diem-")]
    return {"places": str(len(names)) if names else NONE, "subjects": ", ".join(names) or NONE}


def _view_replacement(transcript: Transcript) -> View | None:
    replaced = transcript.replaces
    if replaced is None or transcript.event is not Event.UPDATE:
        return None
    return {
        "version": replaced.version,
        "reason": replaced.reason,
        "parts": ", ".join(_name_part(part, transcript) for part in replaced.changed_parts) or NONE,
    }


def _view_slots(transcript: Transcript, issue: IssueInfo) -> dict[str, View]:
    teachers = {
        f"gvbm-{subject.subject_code}-{number}": teacher.name
        for subject in transcript.subjects
        for number, teacher in enumerate(subject.teachers, start=1)
    }
    slots = {
        signer.slot_id: _view_signer(signer, teachers.get(signer.slot_id))
        for signer in (*transcript.signers, issue.manager)
    }
    seal: View = {"id": issue.seal.slot_id, "name": issue.seal.name, "title_lines": [], "kept": None}
    return {**slots, issue.seal.slot_id: {**seal, "substitution": None}}


def _view_signer(signer: SlotSigner, regular_teacher: str | None) -> View:
    in_place_of = "Ký thay:" if regular_teacher in {None, signer.name} else f"Ký thay {regular_teacher}:"
    kept, substitution = signer.kept, signer.substitution
    return {
        "id": signer.slot_id,
        "name": signer.name,
        "title_lines": split_title(signer.title),
        "kept": None if kept is None else {"version": kept.version, "day": format_day(kept.signed_on)},
        "substitution": None
        if substitution is None
        else {"label": in_place_of, "reason": substitution.reason, "authority": substitution.authority},
    }


def split_title(title: str) -> list[str]:
    """Return the lines of a title: "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG" takes two."""
    return [part.strip() for part in title.split(" / ")]


def collect_texts(view: object) -> list[str]:
    """Return every text of a view."""
    texts: list[str] = []
    waiting: list[object] = [view]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return texts


def list_texts(view: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a view with the path to it, for the refusal that names the place."""
    if isinstance(view, str):
        yield path, view
    elif isinstance(view, Mapping):
        for key, value in view.items():
            yield from list_texts(value, f"{path}.{key}" if path else str(key))
    elif isinstance(view, Sequence):
        for index, value in enumerate(view):
            yield from list_texts(value, f"{path}[{index}]")
