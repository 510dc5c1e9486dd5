"""The nouns: what one signed document of one pupil and one school year says.

A `Transcript` is exactly the content of `THONG_TIN_HOC_BA`, an `IssueInfo` that of `THONG_TIN_PHAT_HANH` and a
`Recall` that of the signed CANCEL document.  What is imported before a transcript exists is in `records.py`.

Sources: TT 22/2021/TT-BGDĐT, TT 27/2020/TT-BGDĐT and the official forms; names of the digital record as in
`docs/glossary.md`.  All values are immutable; texts are NFC; instants are aware and in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class SchoolLevel(StrEnum):
    """Cấp học.  The values are the sector's abbreviations."""

    PRIMARY = "TH"
    LOWER_SECONDARY = "THCS"
    UPPER_SECONDARY = "THPT"


class Gender(StrEnum):
    """Giới tính.  Values: QCVN 109:2017/BTTTT."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"


class Event(StrEnum):
    """Sự kiện of a record in the national database: a new record, a higher version, a soft cancel."""

    NEW = "NEW"
    UPDATE = "UPDATE"
    CANCEL = "CANCEL"


class Stage(StrEnum):
    """Giai đoạn: what part of the year a document reports."""

    TERM_1 = "HK1"
    YEAR = "CA_NAM"


class SubjectKind(StrEnum):
    """How a subject is assessed (TT 22/2021 Đ.5; primary: TT 27/2020 Đ.6, 7)."""

    MARK = "DIEM"
    COMMENT = "NHAN_XET"
    PRIMARY = "TIEU_HOC"


class SubjectLevel(StrEnum):
    """Level of one subject.  Đạt / Chưa đạt: TT 22/2021 Đ.6; T, H, C: TT 27/2020 Đ.6."""

    PASSED = "Đ"
    NOT_PASSED = "CĐ"
    COMPLETED_WELL = "T"
    COMPLETED = "H"
    NOT_COMPLETED = "C"


class Achievement(StrEnum):
    """Level of a study or training result (TT 22/2021 Đ.8, 9): Tốt, Khá, Đạt, Chưa đạt."""

    GOOD = "T"
    FAIR = "K"
    PASSED = "Đ"
    NOT_PASSED = "CĐ"


class QualityLevel(StrEnum):
    """Level of a quality or competence (TT 27/2020 Đ.6): Tốt, Đạt, Cần cố gắng."""

    GOOD = "T"
    PASSED = "Đ"
    NEEDS_EFFORT = "C"


class PrimaryYearLevel(StrEnum):
    """Đánh giá kết quả giáo dục of a primary school year (TT 27/2020 Đ.9)."""

    EXCELLENT = "HTXS"
    COMPLETED_WELL = "HTT"
    COMPLETED = "HT"
    NOT_COMPLETED = "CHT"


class YearOutcome(StrEnum):
    """What follows from a year's results (TT 22/2021 Đ.12 to 14; TT 27/2020 Đ.11)."""

    PROMOTED = "LEN_LOP"
    PROMOTED_AFTER_SUMMER = "LEN_LOP_SAU_HE"
    REASSESSMENT = "DANH_GIA_LAI"
    SUMMER_TRAINING = "REN_LUYEN_HE"
    NOT_PROMOTED = "KHONG_LEN_LOP"


class AwardKind(StrEnum):
    """Danh hiệu (TT 22/2021 Đ.15; TT 27/2020 Đ.13)."""

    EXCELLENT_PUPIL = "HSXS"
    GOOD_PUPIL = "HSG"
    OUTSTANDING_PRIMARY_PUPIL = "HSTB"
    OTHER = "KHAC"


class SlotRole(StrEnum):
    """Kind of signature slot; the values are the element names in the XML."""

    SUBJECT_TEACHER = "GVBM"
    HOMEROOM_TEACHER = "GVCN"
    MANAGER = "CBQL"
    SEAL = "KY_PHAT_HANH"
    REQUESTER = "NGUOI_DE_NGHI"


@dataclass(frozen=True, slots=True)
class Grade:
    """What one subject got at one point: a mark, a level, or (primary) a level with a test mark."""

    mark: Decimal | None = None  # 0..10, one decimal, half up; primary test mark: integer 1..10
    level: SubjectLevel | None = None


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """Names another signed document: SHA-256 over the exclusive-C14N octets of its DU_LIEU_HOC_BA."""

    serial: str
    version: int  # 1-based
    digest: bytes  # 32 raw bytes


@dataclass(frozen=True, slots=True)
class Source:
    """Another school that gave a result, and its document if there is one."""

    school_code: str
    school_name: str
    document: DocumentReference | None = None


@dataclass(frozen=True, slots=True)
class TermGrade:
    """A subject's result of one term.  `source` is None when this school gave it."""

    grade: Grade
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Teacher:
    """Who teaches and signs a subject, in the order of the slots."""

    staff_code: str
    name: str


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """One DIEM_TONG_KET: one part, signed by each of its teachers (none in primary schools)."""

    subject_code: str  # of schemas/tables/subjects.csv
    subject_name: str
    kind: SubjectKind
    teachers: tuple[Teacher, ...]
    revision: int  # the version of the document in which this part last changed; 1-based
    term_1: TermGrade | None = None
    term_2: TermGrade | None = None
    year: Grade | None = None
    reassessed: Grade | None = None  # after re-assessment (TT 22/2021 Đ.14); the year's grade stays beside it
    comment: str = ""
    elective: bool = False
    not_assessed: bool = False  # disabled pupil, assessed by an individual plan


@dataclass(frozen=True, slots=True)
class StudyTopic:
    """Cụm chuyên đề học tập (upper secondary), chosen by the pupil."""

    subject_code: str
    name: str
    mark: Decimal | None = None  # counts as one regular mark of the subject


@dataclass(frozen=True, slots=True)
class Absences:
    """Absences; sessions (buổi) in secondary schools, days in primary schools."""

    excused: int
    unexcused: int


@dataclass(frozen=True, slots=True)
class SecondarySummary:
    """Results over all subjects (TT 22/2021 Đ.8, 9, 12 to 15)."""

    training_term_1: Achievement | None
    training_term_2: Achievement | None
    training_year: Achievement | None
    study_term_1: Achievement | None
    study_term_2: Achievement | None
    study_year: Achievement | None
    absences: Absences
    training_after_summer: Achievement | None = None
    study_after_reassessment: Achievement | None = None
    outcome: YearOutcome | None = None  # None after term 1
    level_completed: bool | None = None  # only in the last class of the level
    certificates: tuple[str, ...] = ()
    contests: tuple[str, ...] = ()
    not_assessed: bool = False


@dataclass(frozen=True, slots=True)
class QualityResult:
    """One quality or competence (TT 27/2020 Đ.6)."""

    code: str  # of schemas/tables/qualities.csv
    level: QualityLevel
    comment: str = ""


@dataclass(frozen=True, slots=True)
class PrimarySummary:
    """Results over all subjects, qualities and competences (TT 27/2020 Đ.9, 11, 13)."""

    qualities: tuple[QualityResult, ...]
    common_competences: tuple[QualityResult, ...]
    specific_competences: tuple[QualityResult, ...]
    absences: Absences
    year_level: PrimaryYearLevel | None = None
    outcome: YearOutcome | None = None
    level_completed: bool | None = None  # only in grade 5
    height_cm: int | None = None
    weight_kg: Decimal | None = None
    not_assessed: bool = False


@dataclass(frozen=True, slots=True)
class Award:
    """Khen thưởng."""

    kind: AwardKind
    text: str = ""  # what the award is for; required for OTHER


@dataclass(frozen=True, slots=True)
class Guardian:
    """Father, mother or guardian."""

    name: str
    occupation: str = ""


@dataclass(frozen=True, slots=True)
class Pupil:
    """The pupil as page 1 of the form shows them."""

    pupil_code: str  # 10 digits, sector database
    name: str
    birth_date: date
    gender: Gender
    personal_id: str | None = None  # 12 digits; None: pending
    lifelong_code: str | None = None  # mã số hồ sơ học tập suốt đời, opaque
    birth_place: str = ""
    hometown: str = ""
    ethnicity: str = ""
    nationality: str = "Việt Nam"
    policy_group: str = ""  # đối tượng
    address: str = ""
    register_number: str = ""  # số sổ đăng bộ
    father: Guardian | None = None
    mother: Guardian | None = None
    guardian: Guardian | None = None


@dataclass(frozen=True, slots=True)
class School:
    """The school at the time of the document."""

    school_code: str
    name: str
    level: SchoolLevel
    commune: str  # xã / phường / đặc khu
    province_code: str  # 2 digits, of the 34
    province_name: str
    department_name: str  # sở giáo dục và đào tạo


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of QUÁ TRÌNH HỌC TẬP."""

    school_year: str  # "2025-2026"
    class_name: str
    school_name: str
    document: DocumentReference | None = None  # the digital transcript of that year, if any


@dataclass(frozen=True, slots=True)
class Replacement:
    """What an UPDATE replaces, why, and which parts changed."""

    version: int
    digest: bytes  # 32 raw bytes, document digest of the replaced version
    reason: str
    changed_parts: tuple[str, ...]  # Ids of the parts that changed


@dataclass(frozen=True, slots=True)
class Substitution:
    """Somebody signs in another's place; explicit in the data."""

    reason: str
    authority: str  # number and date of the decision


@dataclass(frozen=True, slots=True)
class KeptSignature:
    """A teacher's XML signature that an UPDATE keeps from an earlier version."""

    version: int
    signed_on: date  # Vietnam time


@dataclass(frozen=True, slots=True)
class SlotSigner:
    """Who must sign one slot.  The signed list of these is what the verifier holds the slots to."""

    slot_id: str  # Id of the slot element and name of the PDF field: "gvbm-TOAN-1", "gvcn", "cbql"
    role: SlotRole
    staff_code: str
    name: str
    title: str  # as printed above the name: "GIÁO VIÊN BỘ MÔN", "KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG"
    subject_code: str | None = None  # subject teachers only
    part_id: str | None = None  # Id of the element this slot signs: the part, or None for the slot's fixed target
    part_revision: int | None = None
    substitution: Substitution | None = None
    kept: KeptSignature | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """The school as signer: slot KY_PHAT_HANH."""

    school_code: str
    name: str
    slot_id: str = "ky-phat-hanh"


@dataclass(frozen=True, slots=True)
class Transcript:
    """One pupil, one school year, one version: the content of THONG_TIN_HOC_BA."""

    transcript_id: str  # UUID of the pupil's transcript at this level, lower case
    serial: str  # 26 characters Crockford base32 (128 random bits); names the school year's document
    version: int  # 1-based, strictly increasing
    event: Event  # NEW or UPDATE
    stage: Stage
    locked_at: datetime  # when it became complete; aware, UTC; the PDF's document date
    regulation: str  # "TT22/2021" or "TT27/2020"
    template: str  # PDF template and version: "thcs/1"
    policy_id: str  # signing policy's identifier
    school: School
    pupil: Pupil
    school_year: str  # "2025-2026"
    grade_level: int  # khối, 1..12
    class_name: str
    subjects: tuple[SubjectResult, ...]  # in the form's order
    summary: SecondarySummary | PrimarySummary
    homeroom_comment: str
    signers: tuple[SlotSigner, ...]  # subject and homeroom teachers, in the order of the slots
    study_topics: tuple[StudyTopic, ...] = ()
    awards: tuple[Award, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    replaces: Replacement | None = None
    previous_year: DocumentReference | None = None
    external_id: str | None = None  # MaDinhDanhHocBa, when the state assigns one


@dataclass(frozen=True, slots=True)
class IssueInfo:
    """The content of THONG_TIN_PHAT_HANH: who signs as manager and seal, where and when, and the picture's digest."""

    manager: SlotSigner
    seal: Seal
    place: str
    issued_on: date  # Vietnam time
    policy_digest: bytes  # 32 raw bytes, SHA-256 of the signing policy's file
    pdf_sha256: bytes | None = None  # 32 raw bytes, over the PDF's first revision


@dataclass(frozen=True, slots=True)
class Recall:
    """The content of a CANCEL document: it recalls one version of one serial."""

    serial: str
    version: int  # the CANCEL's own version, higher than all before
    target: DocumentReference
    school: School
    school_year: str
    reason: str
    requested_by: SlotSigner  # role REQUESTER
    requested_at: datetime
    approved_by: SlotSigner  # role MANAGER; never the requester; when: the signing time of slot CBQL
    seal: Seal
    policy_id: str
    policy_digest: bytes
    event: Event = field(default=Event.CANCEL)
