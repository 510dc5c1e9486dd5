"""Invented documents that are hard to set: long names, long comments, many teachers, corrections, kept signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from tests.support.samples import build_transcript
from transcript_core.model import (
    Award,
    AwardKind,
    DocumentReference,
    Event,
    Grade,
    Guardian,
    HistoryEntry,
    KeptSignature,
    PrimarySummary,
    Replacement,
    SchoolLevel,
    SecondarySummary,
    SlotRole,
    SlotSigner,
    Source,
    StudyTopic,
    SubjectKind,
    SubjectResult,
    Substitution,
    Teacher,
    TermGrade,
    Transcript,
)
from transcript_core.policy import part_id, teacher_slot_id

LONG_NAME = "Công Tằng Tôn Nữ Hoàng Thị Phương Quỳnh Nguyễn Khánh Thường Xuân Ẩn Ngữ Hữu Lễ Đỗ Quyên"
LONG_COMMENT = (
    "Em có nhiều tiến bộ rõ rệt so với học kì I, chủ động xây dựng bài, trình bày lời giải mạch lạc; cần luyện thêm kĩ "
    "năng đọc hiểu đề bài dài, kiểm tra lại kết quả trước khi nộp và tự tin hơn khi trình bày trước lớp."
)
OTHER_SCHOOL = Source(
    "48000215",
    "Trường Trung học cơ sở Nguyễn Bỉnh Khiêm",
    DocumentReference("01J8AAAAAAAAAAAAAAAAAAAAAA", 1, b"\x11" * 32),
)


def build_hard_transcript(level: SchoolLevel) -> Transcript:
    """Return version 3 of a transcript in which nearly everything that can be long is long."""
    plain = build_transcript(level)
    subjects = tuple(replace(subject, comment=LONG_COMMENT) for subject in plain.subjects)
    signers = plain.signers
    if level is not SchoolLevel.PRIMARY:
        subjects, signers = _harden_secondary(subjects, signers)
    return replace(
        plain,
        version=3,
        event=Event.UPDATE,
        school=replace(plain.school, name=f"Trường {level.value} Nguyễn Thị Minh Khai – Cơ sở Thường Xuân Thượng"),
        pupil=replace(
            plain.pupil,
            name=LONG_NAME,
            lifelong_code="00131343037599990001",
            policy_group="Con thương binh hạng 2/4, hộ cận nghèo, dân tộc thiểu số ở vùng đặc biệt khó khăn",
            address="Số 17, ngách 29, ngõ 381, đường Nguyễn Khang, tổ dân phố số 12, Phường Cầu Giấy, Thành phố Hà Nội",
            guardian=Guardian("H'Bĭa Niê Kđăm Êban", "Cán bộ hưu trí, cộng tác viên dân số phường"),
        ),
        subjects=subjects,
        signers=signers,
        summary=_harden_summary(plain),
        homeroom_comment=f"{LONG_COMMENT} {LONG_COMMENT}",
        history=tuple(
            HistoryEntry(f"{year}-{year + 1}", f"{year - 2016}A2", OTHER_SCHOOL.school_name, OTHER_SCHOOL.document)
            for year in range(2022, 2026)
        ),
        awards=(Award(AwardKind.EXCELLENT_PUPIL), Award(AwardKind.OTHER, "Giấy khen của Chủ tịch UBND phường")),
        study_topics=tuple(
            StudyTopic(code, f"Chuyên đề {number}: ứng dụng toán học và khoa học dữ liệu liên môn", Decimal("8.5"))
            for number, code in enumerate(("TOAN", "VATLI", "HOAHOC"), start=1)
        )
        if level is SchoolLevel.UPPER_SECONDARY
        else (),
        replaces=Replacement(2, b"\x22" * 32, "nhập sai điểm học kì II môn Toán", ("diem-TOAN", "thongtinhocba")),
        previous_year=OTHER_SCHOOL.document,
        external_id="HB-01-2026-0000123456",
    )


def _harden_secondary(
    subjects: tuple[SubjectResult, ...], signers: tuple[SlotSigner, ...]
) -> tuple[tuple[SubjectResult, ...], tuple[SlotSigner, ...]]:
    """Add a subject with three long-named teachers, a result of another school, kept signatures and a substitution."""
    teachers = tuple(Teacher(f"019999990{number}", f"{LONG_NAME[:52]}") for number in range(3))
    extra = SubjectResult(
        subject_code="NN2",
        subject_name="Ngoại ngữ 2 (Tiếng Nhật)",
        kind=SubjectKind.MARK,
        teachers=teachers,
        revision=1,
        term_1=TermGrade(Grade(mark=Decimal("10.0")), OTHER_SCHOOL),
        term_2=TermGrade(Grade(mark=Decimal("4.9"))),
        year=Grade(mark=Decimal("4.9")),
        reassessed=Grade(mark=Decimal("6.5")),
        comment=LONG_COMMENT,
        elective=True,
    )
    added = tuple(
        SlotSigner(
            slot_id=teacher_slot_id("NN2", number),
            role=SlotRole.SUBJECT_TEACHER,
            staff_code=teacher.staff_code,
            name=teacher.name,
            title="GIÁO VIÊN BỘ MÔN",
            subject_code="NN2",
            part_id=part_id("NN2"),
            part_revision=1,
        )
        for number, teacher in enumerate(teachers, start=1)
    )
    substitution = Substitution("nghỉ thai sản từ 01/04/2026", "Quyết định 45/QĐ-THCS ngày 28/03/2026")
    changed = tuple(replace(one, revision=3) if one.subject_code == "TOAN" else one for one in subjects)
    kept = tuple(
        replace(one, name="Nguyễn Thị Tường Vỹ", staff_code="0100000001", part_revision=3, substitution=substitution)
        if one.subject_code == "TOAN"
        else replace(one, kept=KeptSignature(1, date(2026, 5, 30)))
        for one in signers
        if one.role is SlotRole.SUBJECT_TEACHER
    )
    return (*changed, extra), (*kept, *added, signers[-1])


def _harden_summary(plain: Transcript) -> SecondarySummary | PrimarySummary:
    summary = plain.summary
    if isinstance(summary, PrimarySummary):
        return replace(
            summary,
            qualities=tuple(replace(one, comment=LONG_COMMENT) for one in summary.qualities),
            level_completed=True,
        )
    contests = tuple(
        f"Giải {rank} kì thi học sinh giỏi môn {name} cấp thành phố năm học 2025-2026, bảng A"
        for rank in ("Nhất", "Nhì", "Ba")
        for name in ("Toán", "Khoa học tự nhiên", "Tin học")
    )
    return replace(summary, contests=contests, certificates=("Chứng chỉ Tin học IC3 Spark, Loại: Xuất sắc",))
