"""Invented, complete documents of each school level, for tests that need one.  No files, no keys."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal

from transcript_core.model import (
    Absences,
    Achievement,
    Award,
    AwardKind,
    Event,
    Gender,
    Grade,
    Guardian,
    HistoryEntry,
    IssueInfo,
    PrimarySummary,
    PrimaryYearLevel,
    Pupil,
    QualityLevel,
    QualityResult,
    School,
    SchoolLevel,
    Seal,
    SecondarySummary,
    SlotRole,
    SlotSigner,
    Stage,
    StudyTopic,
    SubjectKind,
    SubjectLevel,
    SubjectResult,
    Teacher,
    TermGrade,
    Transcript,
    YearOutcome,
)
from transcript_core.policy import find_policy, part_id, teacher_slot_id

LOCKED_AT = datetime(2026, 5, 29, 2, 0, tzinfo=UTC)
SCHOOL_YEAR = "2025-2026"
PRINCIPAL = ("0147610207", "Võ Phương Vân")
HOMEROOM = ("0128523158", "Đặng Thị Hạnh")

LOWER_SECONDARY_SUBJECTS = (
    ("TOAN", "Toán", "8.1", "8.6", "8.4", (("0148712189", "Hoàng Hữu An"),)),
    (
        "LSDL",
        "Lịch sử và Địa lí",
        "7.4",
        "8.0",
        "7.8",
        (("0128523158", "Đặng Thị Hạnh"), ("0121903018", "Vũ Thu Hiền")),
    ),
    (
        "KHTN",
        "Khoa học tự nhiên",
        "9.1",
        "9.3",
        "9.2",
        (("0115156155", "Hồ Gia Nam"), ("0140391694", "Trần Ngọc Trâm"), ("0138113878", "Huỳnh Khánh Thủy")),
    ),
    ("TIN", "Tin học", "8.0", "8.2", "8.1", (("0181078960", "Nguyễn Anh Huy"),)),
    ("NGUVAN", "Ngữ văn", "6.5", "7.0", "6.8", (("0161335155", "Phạm Hữu Hải"),)),
    ("NN1", "Ngoại ngữ 1", "8.0", "8.3", "8.2", (("0171212763", "Võ Khánh Hoa"),)),
    ("GDCD", "Giáo dục công dân", "9.0", "9.0", "9.0", (("0149564532", "Hoàng Khánh Nga"),)),
    ("CN", "Công nghệ", "8.4", "8.8", "8.7", (("0140216156", "Nguyễn Phương Yến"),)),
    ("GDTC", "Giáo dục thể chất", "Đ", "Đ", "Đ", (("0172741428", "Lê Thị Nhi"),)),
    (
        "NGHETHUAT",
        "Nghệ thuật",
        "Đ",
        "Đ",
        "Đ",
        (("0123595199", "Trần Bảo Nhi"), ("0122624891", "Nguyễn Ngọc Trang")),
    ),
    ("GDDP", "Nội dung giáo dục của địa phương", "Đ", "Đ", "Đ", (("0163091625", "Trần Thanh Nhi"),)),
    ("HDTN", "Hoạt động trải nghiệm, hướng nghiệp", "Đ", "Đ", "Đ", (("0151113993", "Nguyễn Gia Dũng"),)),
)
UPPER_SECONDARY_SUBJECTS = (
    ("NGUVAN", "Ngữ văn", "7.1", "7.5", "7.4", (("0161335155", "Phạm Hữu Hải"),)),
    ("TOAN", "Toán", "8.9", "9.1", "9.0", (("0148712189", "Hoàng Hữu An"),)),
    ("NN1", "Ngoại ngữ 1", "7.7", "8.3", "8.1", (("0171212763", "Võ Khánh Hoa"),)),
    ("LICHSU", "Lịch sử", "8.0", "8.4", "8.3", (("0128523158", "Đặng Thị Hạnh"),)),
    ("VATLI", "Vật lí", "9.2", "9.0", "9.1", (("0115156155", "Hồ Gia Nam"),)),
    ("HOAHOC", "Hóa học", "8.8", "9.4", "9.2", (("0140391694", "Trần Ngọc Trâm"),)),
    ("SINHHOC", "Sinh học", "8.3", "8.5", "8.4", (("0138113878", "Huỳnh Khánh Thủy"),)),
    ("TIN", "Tin học", "9.5", "9.7", "9.6", (("0181078960", "Nguyễn Anh Huy"),)),
    ("GDTC", "Giáo dục thể chất", "Đ", "Đ", "Đ", (("0172741428", "Lê Thị Nhi"),)),
    ("GDQPAN", "Giáo dục quốc phòng và an ninh", "8.6", "9.0", "8.9", (("0119295983", "Nguyễn Thành Đạt"),)),
    ("GDDP", "Nội dung giáo dục của địa phương", "Đ", "Đ", "Đ", (("0163091625", "Trần Thanh Nhi"),)),
    ("HDTN", "Hoạt động trải nghiệm, hướng nghiệp", "Đ", "Đ", "Đ", (("0151113993", "Nguyễn Gia Dũng"),)),
)
PRIMARY_SUBJECTS = (
    ("TIENGVIET", "Tiếng Việt", SubjectLevel.COMPLETED_WELL, "9"),
    ("TOAN", "Toán", SubjectLevel.COMPLETED_WELL, "10"),
    ("NN1", "Ngoại ngữ 1", SubjectLevel.COMPLETED_WELL, "9"),
    ("DAODUC", "Đạo đức", SubjectLevel.COMPLETED_WELL, None),
    ("LSDL", "Lịch sử và Địa lí", SubjectLevel.COMPLETED, "8"),
    ("KHOAHOC", "Khoa học", SubjectLevel.COMPLETED_WELL, "9"),
    ("TIN", "Tin học và Công nghệ (Tin học)", SubjectLevel.COMPLETED_WELL, "9"),
    ("CN", "Tin học và Công nghệ (Công nghệ)", SubjectLevel.COMPLETED_WELL, "9"),
    ("GDTC", "Giáo dục thể chất", SubjectLevel.COMPLETED_WELL, None),
    ("AMNHAC", "Nghệ thuật (Âm nhạc)", SubjectLevel.COMPLETED_WELL, None),
    ("MITHUAT", "Nghệ thuật (Mĩ thuật)", SubjectLevel.COMPLETED_WELL, None),
    ("HDTN", "Hoạt động trải nghiệm", SubjectLevel.COMPLETED_WELL, None),
)
QUALITIES = ("PCYEUNUOC", "PCNHANAI", "PCCHAMCHI", "PCTRUNGTHUC", "PCTRACHNHIEM")
COMMON_COMPETENCES = ("NLTUCHU", "NLGIAOTIEP", "NLGIAIQUYET")
SPECIFIC_COMPETENCES = (
    "NLNGONNGU",
    "NLTINHTOAN",
    "NLKHOAHOC",
    "NLCONGNGHE",
    "NLTINHOC",
    "NLTHAMMI",
    "NLTHECHAT",
)


def _grade(text: str) -> Grade:
    if text in {"Đ", "CĐ"}:
        return Grade(level=SubjectLevel(text))
    return Grade(mark=Decimal(text))


def _secondary_subject(
    code: str, name: str, term_1: str, term_2: str, year: str, teachers: tuple[tuple[str, str], ...], *, elective: bool
) -> SubjectResult:
    return SubjectResult(
        subject_code=code,
        subject_name=name,
        kind=SubjectKind.COMMENT if year in {"Đ", "CĐ"} else SubjectKind.MARK,
        teachers=tuple(Teacher(*teacher) for teacher in teachers),
        revision=1,
        term_1=TermGrade(_grade(term_1)),
        term_2=TermGrade(_grade(term_2)),
        year=_grade(year),
        comment="Nắm vững kiến thức; cần đọc thêm sách tham khảo.",
        elective=elective,
    )


def build_school(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> School:
    """Return the sample school."""
    return School(
        school_code="01000701",
        name=f"Trường {level.value} Hoa Sen",
        level=level,
        commune="Phường Cầu Giấy",
        province_code="01",
        province_name="Thành phố Hà Nội",
        department_name="Sở Giáo dục và Đào tạo Hà Nội",
    )


def build_pupil() -> Pupil:
    """Return the sample pupil."""
    return Pupil(
        pupil_code="0140716223",
        name="Phan Ngọc Yến",
        birth_date=date(2013, 2, 8),
        gender=Gender.FEMALE,
        personal_id="001313430375",
        birth_place="Thành phố Hà Nội",
        hometown="Thành phố Hà Nội",
        ethnicity="Kinh",
        address="Phường Cầu Giấy, Hà Nội",
        register_number="117/THCS",
        father=Guardian("Phan Anh Hiếu", "Kế toán"),
        mother=Guardian("Nguyễn Phương Lan", "Nông dân"),
    )


def _signers(subjects: tuple[SubjectResult, ...]) -> tuple[SlotSigner, ...]:
    teachers = tuple(
        SlotSigner(
            slot_id=teacher_slot_id(subject.subject_code, number),
            role=SlotRole.SUBJECT_TEACHER,
            staff_code=teacher.staff_code,
            name=teacher.name,
            title="GIÁO VIÊN BỘ MÔN",
            subject_code=subject.subject_code,
            part_id=part_id(subject.subject_code),
            part_revision=subject.revision,
        )
        for subject in subjects
        for number, teacher in enumerate(subject.teachers, start=1)
    )
    homeroom = SlotSigner(
        slot_id="gvcn",
        role=SlotRole.HOMEROOM_TEACHER,
        staff_code=HOMEROOM[0],
        name=HOMEROOM[1],
        title="GIÁO VIÊN CHỦ NHIỆM",
    )
    return (*teachers, homeroom)


def build_transcript(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY, *, serial: str | None = None) -> Transcript:
    """Return a complete, locked transcript of version 1: grade 7, 11 or 4."""
    grade = {SchoolLevel.PRIMARY: 4, SchoolLevel.LOWER_SECONDARY: 7, SchoolLevel.UPPER_SECONDARY: 11}[level]
    summary: SecondarySummary | PrimarySummary
    if level is SchoolLevel.PRIMARY:
        subjects = tuple(
            SubjectResult(
                subject_code=code,
                subject_name=name,
                kind=SubjectKind.PRIMARY,
                teachers=(),
                revision=1,
                year=Grade(level=subject_level, mark=None if mark is None else Decimal(mark)),
                comment="Hoàn thành tốt nội dung môn học.",
            )
            for code, name, subject_level, mark in PRIMARY_SUBJECTS
        )
        summary = PrimarySummary(
            qualities=tuple(QualityResult(code, QualityLevel.GOOD, "Biết quan tâm bạn bè.") for code in QUALITIES),
            common_competences=tuple(QualityResult(code, QualityLevel.GOOD) for code in COMMON_COMPETENCES),
            specific_competences=tuple(QualityResult(code, QualityLevel.PASSED) for code in SPECIFIC_COMPETENCES),
            absences=Absences(2, 0),
            year_level=PrimaryYearLevel.COMPLETED,
            outcome=YearOutcome.PROMOTED,
            height_cm=136,
            weight_kg=Decimal("31.5"),
        )
    else:
        upper = level is SchoolLevel.UPPER_SECONDARY
        rows = UPPER_SECONDARY_SUBJECTS if upper else LOWER_SECONDARY_SUBJECTS
        electives = {"VATLI", "HOAHOC", "SINHHOC", "TIN"} if upper else set()
        subjects = tuple(_secondary_subject(*row, elective=row[0] in electives) for row in rows)
        summary = SecondarySummary(
            training_term_1=Achievement.GOOD,
            training_term_2=Achievement.GOOD,
            training_year=Achievement.GOOD,
            study_term_1=Achievement.GOOD,
            study_term_2=Achievement.GOOD,
            study_year=Achievement.GOOD,
            absences=Absences(10, 1),
            outcome=YearOutcome.PROMOTED,
            contests=("Giải Ba kì thi học sinh giỏi môn Toán cấp thành phố",),
        )
    return Transcript(
        transcript_id="3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e4f",
        serial=serial or "01J9ZK3T5V7X9ABCDEFGHJKMNP",
        version=1,
        event=Event.NEW,
        stage=Stage.YEAR,
        locked_at=LOCKED_AT,
        regulation="TT27/2020" if level is SchoolLevel.PRIMARY else "TT22/2021",
        template=f"{level.value.lower()}/1",
        policy_id=find_policy(level).identifier,
        school=build_school(level),
        pupil=build_pupil(),
        school_year=SCHOOL_YEAR,
        grade_level=grade,
        class_name=f"{grade}A2",
        subjects=subjects,
        summary=summary,
        homeroom_comment="Chăm ngoan, lễ phép, hoà đồng với bạn bè.",
        signers=_signers(subjects),
        study_topics=(
            (StudyTopic("TOAN", "Ứng dụng toán học giải quyết vấn đề liên môn", Decimal("8.5")),)
            if level is SchoolLevel.UPPER_SECONDARY
            else ()
        ),
        awards=(Award(AwardKind.GOOD_PUPIL),) if level is not SchoolLevel.PRIMARY else (),
        history=(
            HistoryEntry("2024-2025", f"{grade - 1}A2", f"Trường {level.value} Hoa Sen"),
            HistoryEntry(SCHOOL_YEAR, f"{grade}A2", f"Trường {level.value} Hoa Sen"),
        ),
    )


def build_issue(transcript: Transcript, *, pdf: bytes | None = None) -> IssueInfo:
    """Return the issue part for `transcript`; `pdf` is the first revision of its picture."""
    return IssueInfo(
        manager=SlotSigner(
            slot_id="cbql", role=SlotRole.MANAGER, staff_code=PRINCIPAL[0], name=PRINCIPAL[1], title="HIỆU TRƯỞNG"
        ),
        seal=Seal(school_code=transcript.school.school_code, name=transcript.school.name),
        place="Hà Nội",
        issued_on=date(2026, 5, 31),
        policy_digest=find_policy(transcript.school.level).digest,
        pdf_sha256=None if pdf is None else hashlib.sha256(pdf).digest(),
    )
