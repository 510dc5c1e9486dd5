"""The one table that says how the model's values are laid out in XML and JSON.

`transcript_core.xml` and `transcript_core.json` both read it, so that the two forms cannot differ in content; the
schemas of `schemas/xsd` and `schemas/json` say the same to others.  Element names are of this project's own schema,
in the manner of names seen in practice; what each means and where it comes from: `docs/schema.md`.

There is one form of each value: what is absent (None, an empty text, an empty list) is left out.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Final

from transcript_core import model
from transcript_core.errors import LimitExceeded
from transcript_core.limits import MAX_LIST_ITEMS
from transcript_core.scalars import (
    BOOLEAN,
    DATE,
    DIGEST,
    INSTANT,
    KILOGRAMS,
    LABEL,
    MARK,
    NAME,
    TEST_MARK,
    TEXT,
    Scalar,
    choice,
    code,
    integer,
)


class _Required:
    """Stands for: there is no value that may be left out."""


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value in one element."""

    tag: str
    name: str  # of the dataclass's field
    scalar: Scalar
    absent: object = REQUIRED  # the value that is left out


@dataclass(frozen=True, slots=True)
class Node:
    """One record in one element."""

    tag: str
    name: str
    record: Record
    optional: bool = False  # None is left out


@dataclass(frozen=True, slots=True)
class Inline:
    """A record whose fields stand among those of its owner."""

    name: str
    record: Record


@dataclass(frozen=True, slots=True)
class Many:
    """A list: an element with one element for each item; left out when empty."""

    tag: str
    item_tag: str
    name: str
    item: Record | Scalar


@dataclass(frozen=True, slots=True)
class Parts:
    """The list of signed parts: in XML each carries an Id and, before its own fields, those of `PartContext`."""

    tag: str
    item_tag: str
    name: str
    item: Record


Field = Leaf | Node | Inline | Many | Parts


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass of the model and its fields in document order."""

    type: type
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class PartContext:
    """What ties a signed part to its document, so that it can be moved to no other."""

    transcript_id: str
    serial: str
    school_year: str
    school_code: str
    class_name: str
    pupil_code: str


def json_name(tag: str) -> str:
    """Return the JSON member name of an element: `HO_VA_TEN` becomes `hoVaTen`."""
    first, *rest = tag.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


TRANSCRIPT_ID: Final = code("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SERIAL: Final = code("[0-7][0-9A-HJKMNP-TV-Z]{25}")
VERSION: Final = integer(1, 999_999)
SCHOOL_YEAR: Final = code("[0-9]{4}-[0-9]{4}")
SCHOOL_CODE: Final = code("[0-9A-Za-z]{1,20}")
STAFF_CODE: Final = code("[0-9A-Za-z._-]{1,20}")
PUPIL_CODE: Final = code("[0-9]{10}")
SUBJECT_CODE: Final = code("[A-Z][A-Z0-9]{0,19}")
PROVINCE_CODE: Final = code("[0-9]{2}")
ELEMENT_ID: Final = code("[a-z][A-Za-z0-9-]{0,63}")
POLICY_ID: Final = code(r"urn:oid:[0-2](\.(0|[1-9][0-9]{0,38})){1,15}")
COUNT: Final = integer(0, 999)

_REFERENCE: Final = Record(
    model.DocumentReference,
    (Leaf("SO_HIEU", "serial", SERIAL), Leaf("PHIEN_BAN", "version", VERSION), Leaf("MA_BAM", "digest", DIGEST)),
)
_SOURCE: Final = Record(
    model.Source,
    (
        Leaf("MA_TRUONG", "school_code", SCHOOL_CODE),
        Leaf("TEN_TRUONG", "school_name", LABEL),
        Node("HOC_BA_GOC", "document", _REFERENCE, optional=True),
    ),
)
_SCHOOL: Final = Record(
    model.School,
    (
        Leaf("MA_TRUONG", "school_code", SCHOOL_CODE),
        Leaf("TEN_TRUONG", "name", LABEL),
        Leaf("CAP_HOC", "level", choice(model.SchoolLevel)),
        Leaf("XA_PHUONG", "commune", LABEL),
        Leaf("MA_TINH", "province_code", PROVINCE_CODE),
        Leaf("TEN_TINH", "province_name", LABEL),
        Leaf("SO_GIAO_DUC", "department_name", LABEL),
    ),
)
_GUARDIAN: Final = Record(
    model.Guardian, (Leaf("HO_VA_TEN", "name", NAME), Leaf("NGHE_NGHIEP", "occupation", LABEL, absent=""))
)
_PUPIL: Final = Record(
    model.Pupil,
    (
        Leaf("MA_HOC_SINH", "pupil_code", PUPIL_CODE),
        Leaf("SO_DINH_DANH_CA_NHAN", "personal_id", code("[0-9]{12}"), absent=None),
        Leaf("MA_HO_SO_HOC_TAP_SUOT_DOI", "lifelong_code", code("[0-9A-Za-z._-]{1,20}"), absent=None),
        Leaf("HO_VA_TEN", "name", NAME),
        Leaf("NGAY_SINH", "birth_date", DATE),
        Leaf("GIOI_TINH", "gender", choice(model.Gender)),
        Leaf("NOI_SINH", "birth_place", LABEL, absent=""),
        Leaf("QUE_QUAN", "hometown", LABEL, absent=""),
        Leaf("DAN_TOC", "ethnicity", LABEL, absent=""),
        Leaf("QUOC_TICH", "nationality", LABEL, absent=""),
        Leaf("DOI_TUONG", "policy_group", LABEL, absent=""),
        Leaf("CHO_O_HIEN_NAY", "address", LABEL, absent=""),
        Leaf("SO_DANG_BO", "register_number", LABEL, absent=""),
        Node("CHA", "father", _GUARDIAN, optional=True),
        Node("ME", "mother", _GUARDIAN, optional=True),
        Node("NGUOI_GIAM_HO", "guardian", _GUARDIAN, optional=True),
    ),
)
_HISTORY: Final = Record(
    model.HistoryEntry,
    (
        Leaf("NAM_HOC", "school_year", SCHOOL_YEAR),
        Leaf("LOP", "class_name", LABEL),
        Leaf("TEN_TRUONG", "school_name", LABEL),
        Node("HOC_BA_SO", "document", _REFERENCE, optional=True),
    ),
)
_TEACHER: Final = Record(model.Teacher, (Leaf("MA_NHAN_SU", "staff_code", STAFF_CODE), Leaf("HO_VA_TEN", "name", NAME)))
_SECONDARY_LEVELS: Final = (model.SubjectLevel.PASSED, model.SubjectLevel.NOT_PASSED)
_PRIMARY_LEVELS: Final = (
    model.SubjectLevel.COMPLETED_WELL,
    model.SubjectLevel.COMPLETED,
    model.SubjectLevel.NOT_COMPLETED,
)
_SECONDARY_GRADE: Final = Record(
    model.Grade,
    (
        Leaf("DIEM", "mark", MARK, absent=None),
        Leaf("MUC_DAT_DUOC", "level", choice(_SECONDARY_LEVELS), absent=None),
    ),
)
_PRIMARY_GRADE: Final = Record(
    model.Grade,
    (
        Leaf("DIEM_KTDK", "mark", TEST_MARK, absent=None),
        Leaf("MUC_DAT_DUOC", "level", choice(_PRIMARY_LEVELS), absent=None),
    ),
)
_SECONDARY_KINDS: Final = (model.SubjectKind.MARK, model.SubjectKind.COMMENT)


def _subject(kinds: tuple[model.SubjectKind, ...], grade: Record) -> Record:
    term = Record(model.TermGrade, (Inline("grade", grade), Node("NGUON", "source", _SOURCE, optional=True)))
    return Record(
        model.SubjectResult,
        (
            Leaf("MA_MON_HOC", "subject_code", SUBJECT_CODE),
            Leaf("MON_HOC", "subject_name", LABEL),
            Leaf("KIEU_DANH_GIA", "kind", choice(kinds)),
            Many("DANH_SACH_GIAO_VIEN", "GIAO_VIEN", "teachers", _TEACHER),
            Leaf("PHIEN_BAN_THAY_DOI", "revision", VERSION),
            Leaf("TU_CHON", "elective", BOOLEAN),
            Leaf("KHONG_DANH_GIA", "not_assessed", BOOLEAN),
            Node("HOC_KY_1", "term_1", term, optional=True),
            Node("HOC_KY_2", "term_2", term, optional=True),
            Node("CA_NAM", "year", grade, optional=True),
            Node("DANH_GIA_LAI", "reassessed", grade, optional=True),
            Leaf("NHAN_XET", "comment", TEXT, absent=""),
        ),
    )


_TOPIC: Final = Record(
    model.StudyTopic,
    (
        Leaf("MA_MON_HOC", "subject_code", SUBJECT_CODE),
        Leaf("TEN_CHUYEN_DE", "name", LABEL),
        Leaf("DIEM", "mark", MARK, absent=None),
    ),
)
_ABSENCES: Final = Record(model.Absences, (Leaf("CO_PHEP", "excused", COUNT), Leaf("KHONG_PHEP", "unexcused", COUNT)))
_LEVEL: Final = choice(model.Achievement)
_OUTCOME: Final = choice(model.YearOutcome)
_SECONDARY_SUMMARY: Final = Record(
    model.SecondarySummary,
    (
        Leaf("REN_LUYEN_HOC_KY_1", "training_term_1", _LEVEL, absent=None),
        Leaf("REN_LUYEN_HOC_KY_2", "training_term_2", _LEVEL, absent=None),
        Leaf("REN_LUYEN_CA_NAM", "training_year", _LEVEL, absent=None),
        Leaf("HOC_TAP_HOC_KY_1", "study_term_1", _LEVEL, absent=None),
        Leaf("HOC_TAP_HOC_KY_2", "study_term_2", _LEVEL, absent=None),
        Leaf("HOC_TAP_CA_NAM", "study_year", _LEVEL, absent=None),
        Node("NGHI_HOC", "absences", _ABSENCES),
        Leaf("REN_LUYEN_SAU_HE", "training_after_summer", _LEVEL, absent=None),
        Leaf("HOC_TAP_SAU_DANH_GIA_LAI", "study_after_reassessment", _LEVEL, absent=None),
        Leaf("KET_QUA_CUOI_NAM", "outcome", _OUTCOME, absent=None),
        Leaf("HOAN_THANH_CAP_HOC", "level_completed", BOOLEAN, absent=None),
        Many("DANH_SACH_CHUNG_CHI", "CHUNG_CHI", "certificates", LABEL),
        Many("DANH_SACH_CUOC_THI", "CUOC_THI", "contests", LABEL),
        Leaf("KHONG_DANH_GIA", "not_assessed", BOOLEAN),
    ),
)
_QUALITY: Final = Record(
    model.QualityResult,
    (
        Leaf("MA", "code", SUBJECT_CODE),
        Leaf("MUC_DAT_DUOC", "level", choice(model.QualityLevel)),
        Leaf("NHAN_XET", "comment", TEXT, absent=""),
    ),
)
_PRIMARY_SUMMARY: Final = Record(
    model.PrimarySummary,
    (
        Many("DANH_SACH_PHAM_CHAT", "PHAM_CHAT", "qualities", _QUALITY),
        Many("DANH_SACH_NANG_LUC_CHUNG", "NANG_LUC", "common_competences", _QUALITY),
        Many("DANH_SACH_NANG_LUC_DAC_THU", "NANG_LUC", "specific_competences", _QUALITY),
        Node("NGHI_HOC", "absences", _ABSENCES),
        Leaf("DANH_GIA_KET_QUA_GIAO_DUC", "year_level", choice(model.PrimaryYearLevel), absent=None),
        Leaf("KET_QUA_CUOI_NAM", "outcome", _OUTCOME, absent=None),
        Leaf("HOAN_THANH_CAP_HOC", "level_completed", BOOLEAN, absent=None),
        Leaf("CHIEU_CAO", "height_cm", integer(1, 299), absent=None),
        Leaf("CAN_NANG", "weight_kg", KILOGRAMS, absent=None),
        Leaf("KHONG_DANH_GIA", "not_assessed", BOOLEAN),
    ),
)
_AWARD: Final = Record(
    model.Award, (Leaf("DANH_HIEU", "kind", choice(model.AwardKind)), Leaf("NOI_DUNG", "text", LABEL, absent=""))
)
_REPLACEMENT: Final = Record(
    model.Replacement,
    (
        Leaf("PHIEN_BAN", "version", VERSION),
        Leaf("MA_BAM", "digest", DIGEST),
        Leaf("LY_DO", "reason", TEXT),
        Many("DANH_SACH_PHAN_THAY_DOI", "PHAN_THAY_DOI", "changed_parts", ELEMENT_ID),
    ),
)
_SUBSTITUTION: Final = Record(model.Substitution, (Leaf("LY_DO", "reason", LABEL), Leaf("CAN_CU", "authority", LABEL)))
_KEPT: Final = Record(model.KeptSignature, (Leaf("PHIEN_BAN", "version", VERSION), Leaf("NGAY_KY", "signed_on", DATE)))
_SIGNER: Final = Record(
    model.SlotSigner,
    (
        Leaf("O_KY", "slot_id", ELEMENT_ID),
        Leaf("VAI_TRO", "role", choice(model.SlotRole)),
        Leaf("MA_NHAN_SU", "staff_code", STAFF_CODE),
        Leaf("HO_VA_TEN", "name", NAME),
        Leaf("CHUC_DANH", "title", LABEL),
        Leaf("MA_MON_HOC", "subject_code", SUBJECT_CODE, absent=None),
        Leaf("PHAN_KY", "part_id", ELEMENT_ID, absent=None),
        Leaf("PHIEN_BAN_PHAN_KY", "part_revision", VERSION, absent=None),
        Node("KY_THAY", "substitution", _SUBSTITUTION, optional=True),
        Node("CHU_KY_GIU_LAI", "kept", _KEPT, optional=True),
    ),
)
_SEAL: Final = Record(
    model.Seal,
    (
        Leaf("O_KY", "slot_id", ELEMENT_ID),
        Leaf("MA_TRUONG", "school_code", SCHOOL_CODE),
        Leaf("TEN_TRUONG", "name", LABEL),
    ),
)


def _transcript(subject: Record, summary_tag: str, summary: Record) -> Record:
    return Record(
        model.Transcript,
        (
            Leaf("MA_HOC_BA", "transcript_id", TRANSCRIPT_ID),
            Leaf("MA_DINH_DANH_HOC_BA", "external_id", LABEL, absent=None),
            Leaf("SO_HIEU", "serial", SERIAL),
            Leaf("PHIEN_BAN", "version", VERSION),
            Leaf("SU_KIEN", "event", choice((model.Event.NEW, model.Event.UPDATE))),
            Leaf("GIAI_DOAN", "stage", choice(model.Stage)),
            Leaf("THOI_DIEM_CHOT", "locked_at", INSTANT),
            Leaf("QUY_DINH_DANH_GIA", "regulation", code("TT[0-9]{1,3}/[0-9]{4}")),
            Leaf("MAU_HOC_BA", "template", code("(th|thcs|thpt)/[1-9][0-9]{0,2}")),
            Leaf("CHINH_SACH_KY", "policy_id", POLICY_ID),
            Node("TRUONG", "school", _SCHOOL),
            Node("HOC_SINH", "pupil", _PUPIL),
            Leaf("NAM_HOC", "school_year", SCHOOL_YEAR),
            Leaf("KHOI", "grade_level", integer(1, 12)),
            Leaf("LOP", "class_name", LABEL),
            Many("QUA_TRINH_HOC_TAP", "NAM_DA_HOC", "history", _HISTORY),
            Node("HOC_BA_NAM_TRUOC", "previous_year", _REFERENCE, optional=True),
            Node("THAY_THE", "replaces", _REPLACEMENT, optional=True),
            Parts("KET_QUA_MON_HOC", "DIEM_TONG_KET", "subjects", subject),
            Many("CHUYEN_DE_HOC_TAP", "CHUYEN_DE", "study_topics", _TOPIC),
            Node(summary_tag, "summary", summary),
            Many("KHEN_THUONG", "DANH_HIEU_KHEN_THUONG", "awards", _AWARD),
            Leaf("NHAN_XET_GVCN", "homeroom_comment", TEXT, absent=""),
            Many("DANH_SACH_NGUOI_KY", "NGUOI_KY", "signers", _SIGNER),
        ),
    )


PART_CONTEXT: Final = Record(
    PartContext,
    (
        Leaf("MA_HOC_BA", "transcript_id", TRANSCRIPT_ID),
        Leaf("SO_HIEU", "serial", SERIAL),
        Leaf("NAM_HOC", "school_year", SCHOOL_YEAR),
        Leaf("MA_TRUONG", "school_code", SCHOOL_CODE),
        Leaf("LOP", "class_name", LABEL),
        Leaf("MA_HOC_SINH", "pupil_code", PUPIL_CODE),
    ),
)
SECONDARY_TRANSCRIPT: Final = _transcript(_subject(_SECONDARY_KINDS, _SECONDARY_GRADE), "TONG_KET", _SECONDARY_SUMMARY)
PRIMARY_TRANSCRIPT: Final = _transcript(
    _subject((model.SubjectKind.PRIMARY,), _PRIMARY_GRADE), "TONG_KET_TIEU_HOC", _PRIMARY_SUMMARY
)
ISSUE: Final = Record(
    model.IssueInfo,
    (
        Node("CAN_BO_QUAN_LY", "manager", _SIGNER),
        Node("CON_DAU", "seal", _SEAL),
        Leaf("DIA_DANH", "place", LABEL),
        Leaf("NGAY_PHAT_HANH", "issued_on", DATE),
        Leaf("MA_BAM_CHINH_SACH_KY", "policy_digest", DIGEST),
        Leaf("MA_BAM_PDF", "pdf_sha256", DIGEST, absent=None),
    ),
)
RECALL: Final = Record(
    model.Recall,
    (
        Leaf("SO_HIEU", "serial", SERIAL),
        Leaf("PHIEN_BAN", "version", VERSION),
        Leaf("SU_KIEN", "event", choice((model.Event.CANCEL,))),
        Node("HOC_BA_BI_THU_HOI", "target", _REFERENCE),
        Node("TRUONG", "school", _SCHOOL),
        Leaf("NAM_HOC", "school_year", SCHOOL_YEAR),
        Leaf("LY_DO", "reason", TEXT),
        Node("NGUOI_LAP_DE_NGHI", "requested_by", _SIGNER),
        Leaf("THOI_DIEM_DE_NGHI", "requested_at", INSTANT),
        Node("NGUOI_PHE_DUYET", "approved_by", _SIGNER),
        Node("CON_DAU", "seal", _SEAL),
        Leaf("CHINH_SACH_KY", "policy_id", POLICY_ID),
        Leaf("MA_BAM_CHINH_SACH_KY", "policy_digest", DIGEST),
    ),
)


def check_length(field: Many | Parts, values: Sized) -> None:
    """Check that a list is not longer than a document may have it.

    Raises:
        LimitExceeded: more than MAX_LIST_ITEMS items.
    """
    if len(values) > MAX_LIST_ITEMS:
        raise LimitExceeded(f"{field.tag} has more than {MAX_LIST_ITEMS} items")


def find_transcript_record(level: model.SchoolLevel) -> Record:
    """Return the layout of transcripts of this level; it decides how subjects and summary look."""
    return PRIMARY_TRANSCRIPT if level is model.SchoolLevel.PRIMARY else SECONDARY_TRANSCRIPT


def context_of(transcript: model.Transcript) -> PartContext:
    """Return what every signed part of `transcript` repeats."""
    return PartContext(
        transcript_id=transcript.transcript_id,
        serial=transcript.serial,
        school_year=transcript.school_year,
        school_code=transcript.school.school_code,
        class_name=transcript.class_name,
        pupil_code=transcript.pupil.pupil_code,
    )
