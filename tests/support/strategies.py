"""Hypothesis strategies for whole documents: every optional value there or not, every list short or empty."""

from __future__ import annotations

import string
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from transcript_core import model
from transcript_core.limits import MAX_LABEL_CHARS, MAX_NAME_CHARS, MAX_TEXT_CHARS
from transcript_core.policy import SigningPolicy, find_policy, part_id, teacher_slot_id
from transcript_core.scalars import check_text

_Item = TypeVar("_Item")
_VIETNAMESE = "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
_LETTERS = st.one_of(
    st.sampled_from(_VIETNAMESE + _VIETNAMESE.upper() + string.digits + " .,;:-/&<>\"'()[]{}\\%#]"),
    st.characters(exclude_categories=["C", "Z", "M"]),
)
_GRADES = {
    model.SchoolLevel.PRIMARY: st.integers(1, 5),
    model.SchoolLevel.LOWER_SECONDARY: st.integers(6, 9),
    model.SchoolLevel.UPPER_SECONDARY: st.integers(10, 12),
}


def texts(max_chars: int = MAX_TEXT_CHARS) -> SearchStrategy[str]:
    """Return readable texts, markup characters and rare letters among them."""
    return st.text(_LETTERS, min_size=1, max_size=12).map(_tidy).filter(lambda text: _is_readable(text, max_chars))


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip(" ") or "."


def _is_readable(text: str, max_chars: int) -> bool:
    try:
        check_text(text, max_chars)
    except ValueError:
        return False
    return True


NAMES = texts(MAX_NAME_CHARS)
LABELS = texts(MAX_LABEL_CHARS)
SERIALS = st.from_regex(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", fullmatch=True)
SCHOOL_CODES = st.from_regex(r"[0-9A-Za-z]{1,20}", fullmatch=True)
STAFF_CODES = st.from_regex(r"[0-9A-Za-z._-]{1,20}", fullmatch=True)
SUBJECT_CODES = st.from_regex(r"[A-Z][A-Z0-9]{0,19}", fullmatch=True)
DIGESTS = st.binary(min_size=32, max_size=32)
VERSIONS = st.integers(1, 999_999)
MARKS = st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10)
TEST_MARKS = st.integers(1, 10).map(Decimal)
DATES = st.dates(date(1900, 1, 1), date(2199, 12, 31))
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2199, 1, 1)).map(  # noqa: DTZ001 - made aware in the next line
    lambda instant: instant.replace(microsecond=0, tzinfo=UTC)
)
SCHOOL_YEARS = st.integers(1990, 2198).map(lambda year: f"{year}-{year + 1}")
ACHIEVEMENTS = st.none() | st.sampled_from(model.Achievement)


def _maybe_text(label: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.just("") | label


def _few(items: SearchStrategy[_Item]) -> SearchStrategy[tuple[_Item, ...]]:
    return st.lists(items, max_size=3).map(tuple)


def references() -> SearchStrategy[model.DocumentReference]:
    """Return names of other documents."""
    return st.builds(model.DocumentReference, serial=SERIALS, version=VERSIONS, digest=DIGESTS)


def _sources() -> SearchStrategy[model.Source]:
    return st.builds(model.Source, school_code=SCHOOL_CODES, school_name=LABELS, document=st.none() | references())


def _guardians() -> SearchStrategy[model.Guardian | None]:
    return st.none() | st.builds(model.Guardian, name=NAMES, occupation=_maybe_text(LABELS))


def _schools(level: model.SchoolLevel) -> SearchStrategy[model.School]:
    return st.builds(
        model.School,
        school_code=SCHOOL_CODES,
        name=LABELS,
        level=st.just(level),
        commune=LABELS,
        province_code=st.from_regex("[0-9]{2}", fullmatch=True),
        province_name=LABELS,
        department_name=LABELS,
    )


def _pupils() -> SearchStrategy[model.Pupil]:
    return st.builds(
        model.Pupil,
        pupil_code=st.from_regex("[0-9]{10}", fullmatch=True),
        name=NAMES,
        birth_date=DATES,
        gender=st.sampled_from(model.Gender),
        personal_id=st.none() | st.from_regex("[0-9]{12}", fullmatch=True),
        lifelong_code=st.none() | STAFF_CODES,
        birth_place=_maybe_text(LABELS),
        hometown=_maybe_text(LABELS),
        ethnicity=_maybe_text(LABELS),
        nationality=_maybe_text(LABELS),
        policy_group=_maybe_text(LABELS),
        address=_maybe_text(LABELS),
        register_number=_maybe_text(LABELS),
        father=_guardians(),
        mother=_guardians(),
        guardian=_guardians(),
    )


def _grades(kind: model.SubjectKind) -> SearchStrategy[model.Grade]:
    passed = st.sampled_from([model.SubjectLevel.PASSED, model.SubjectLevel.NOT_PASSED])
    completed = st.sampled_from(
        [model.SubjectLevel.COMPLETED_WELL, model.SubjectLevel.COMPLETED, model.SubjectLevel.NOT_COMPLETED]
    )
    return {
        model.SubjectKind.MARK: st.builds(model.Grade, mark=MARKS),
        model.SubjectKind.COMMENT: st.builds(model.Grade, level=passed),
        model.SubjectKind.PRIMARY: st.builds(model.Grade, mark=st.none() | TEST_MARKS, level=completed),
    }[kind]


@st.composite
def _subjects(draw: st.DrawFn, code: str, level: model.SchoolLevel, version: int) -> model.SubjectResult:
    primary = level is model.SchoolLevel.PRIMARY
    kinds = [model.SubjectKind.PRIMARY] if primary else [model.SubjectKind.MARK, model.SubjectKind.COMMENT]
    kind = draw(st.sampled_from(kinds))
    grades = _grades(kind)
    terms = st.none() | st.builds(model.TermGrade, grade=grades, source=st.none() | _sources())
    codes = draw(st.lists(STAFF_CODES, unique=True, min_size=0 if primary else 1, max_size=0 if primary else 3))
    return model.SubjectResult(
        subject_code=code,
        subject_name=draw(LABELS),
        kind=kind,
        teachers=tuple(model.Teacher(one, draw(NAMES)) for one in codes),
        revision=draw(st.integers(1, version)),
        term_1=draw(terms),
        term_2=draw(terms),
        year=draw(st.none() | grades),
        reassessed=draw(st.none() | grades),
        comment=draw(_maybe_text(texts())),
        elective=draw(st.booleans()),
        not_assessed=draw(st.booleans()),
    )


def _absences() -> SearchStrategy[model.Absences]:
    return st.builds(model.Absences, excused=st.integers(0, 999), unexcused=st.integers(0, 999))


def _secondary_summaries() -> SearchStrategy[model.SecondarySummary]:
    return st.builds(
        model.SecondarySummary,
        training_term_1=ACHIEVEMENTS,
        training_term_2=ACHIEVEMENTS,
        training_year=ACHIEVEMENTS,
        study_term_1=ACHIEVEMENTS,
        study_term_2=ACHIEVEMENTS,
        study_year=ACHIEVEMENTS,
        absences=_absences(),
        training_after_summer=ACHIEVEMENTS,
        study_after_reassessment=ACHIEVEMENTS,
        outcome=st.none() | st.sampled_from(model.YearOutcome),
        level_completed=st.none() | st.booleans(),
        certificates=_few(LABELS),
        contests=_few(LABELS),
        not_assessed=st.booleans(),
    )


def _qualities() -> SearchStrategy[tuple[model.QualityResult, ...]]:
    return _few(
        st.builds(
            model.QualityResult,
            code=SUBJECT_CODES,
            level=st.sampled_from(model.QualityLevel),
            comment=_maybe_text(texts()),
        )
    )


def _primary_summaries() -> SearchStrategy[model.PrimarySummary]:
    return st.builds(
        model.PrimarySummary,
        qualities=_qualities(),
        common_competences=_qualities(),
        specific_competences=_qualities(),
        absences=_absences(),
        year_level=st.none() | st.sampled_from(model.PrimaryYearLevel),
        outcome=st.none() | st.sampled_from(model.YearOutcome),
        level_completed=st.none() | st.booleans(),
        height_cm=st.none() | st.integers(1, 299),
        weight_kg=st.none() | st.integers(10, 9_999).map(lambda tenths: Decimal(tenths) / 10),
        not_assessed=st.booleans(),
    )


def _substitutions() -> SearchStrategy[model.Substitution | None]:
    return st.none() | st.builds(model.Substitution, reason=LABELS, authority=LABELS)


def _kept(revision: int, replaced: int) -> SearchStrategy[model.KeptSignature | None]:
    """Return signatures made since the part has this revision, up to the replaced version (0: none is replaced)."""
    if revision > replaced:
        return st.none()
    return st.none() | st.builds(model.KeptSignature, version=st.integers(revision, replaced), signed_on=DATES)


@st.composite
def _signers(draw: st.DrawFn, subjects: tuple[model.SubjectResult, ...], replaced: int) -> tuple[model.SlotSigner, ...]:
    teachers = [
        model.SlotSigner(
            slot_id=teacher_slot_id(subject.subject_code, number),
            role=model.SlotRole.SUBJECT_TEACHER,
            staff_code=teacher.staff_code,
            name=teacher.name,
            title=draw(LABELS),
            subject_code=subject.subject_code,
            part_id=part_id(subject.subject_code),
            part_revision=subject.revision,
            substitution=draw(_substitutions()),
            kept=draw(_kept(subject.revision, replaced)),
        )
        for subject in subjects
        for number, teacher in enumerate(subject.teachers, start=1)
    ]
    return (*teachers, draw(_people("gvcn", model.SlotRole.HOMEROOM_TEACHER)))


def _people(slot_id: str, role: model.SlotRole) -> SearchStrategy[model.SlotSigner]:
    return st.builds(
        model.SlotSigner,
        slot_id=st.just(slot_id),
        role=st.just(role),
        staff_code=STAFF_CODES,
        name=NAMES,
        title=LABELS,
        subject_code=st.none(),
        part_id=st.none(),
        part_revision=st.none(),
        substitution=_substitutions(),
        kept=st.none(),
    )


@st.composite
def _replacements(draw: st.DrawFn, version: int) -> model.Replacement | None:
    if version == 1:
        return None
    return model.Replacement(
        version=draw(st.integers(1, version - 1)),
        digest=draw(DIGESTS),
        reason=draw(texts()),
        changed_parts=tuple(draw(st.lists(SUBJECT_CODES.map(part_id), unique=True, max_size=3))),
    )


@st.composite
def transcripts(draw: st.DrawFn, level: model.SchoolLevel | None = None) -> model.Transcript:
    """Return transcripts of `level`, or of any: new ones and updates, with everything that may be left out."""
    level = level or draw(st.sampled_from(model.SchoolLevel))
    primary = level is model.SchoolLevel.PRIMARY
    version = draw(st.just(1) | VERSIONS)
    replaces = draw(_replacements(version))
    codes = draw(st.lists(SUBJECT_CODES, unique=True, min_size=1, max_size=4))
    subjects = tuple(draw(_subjects(code, level, version)) for code in codes)
    summary: model.PrimarySummary | model.SecondarySummary = (
        draw(_primary_summaries()) if primary else draw(_secondary_summaries())
    )
    topics = st.builds(model.StudyTopic, subject_code=SUBJECT_CODES, name=LABELS, mark=st.none() | MARKS)
    return model.Transcript(
        transcript_id=str(draw(st.uuids())),
        serial=draw(SERIALS),
        version=version,
        event=model.Event.NEW if replaces is None else model.Event.UPDATE,
        stage=draw(st.sampled_from(model.Stage)),
        locked_at=draw(INSTANTS),
        regulation="TT27/2020" if primary else "TT22/2021",
        template=f"{level.value.lower()}/1",
        policy_id=find_policy(level).identifier,
        school=draw(_schools(level)),
        pupil=draw(_pupils()),
        school_year=draw(SCHOOL_YEARS),
        grade_level=draw(_GRADES[level]),
        class_name=draw(LABELS),
        subjects=subjects,
        summary=summary,
        homeroom_comment=draw(_maybe_text(texts())),
        signers=draw(_signers(subjects, 0 if replaces is None else replaces.version)),
        study_topics=draw(_few(topics)) if level is model.SchoolLevel.UPPER_SECONDARY else (),
        awards=draw(_few(st.builds(model.Award, kind=st.sampled_from(model.AwardKind), text=_maybe_text(LABELS)))),
        history=draw(
            _few(
                st.builds(
                    model.HistoryEntry,
                    school_year=SCHOOL_YEARS,
                    class_name=LABELS,
                    school_name=LABELS,
                    document=st.none() | references(),
                )
            )
        ),
        replaces=replaces,
        previous_year=draw(st.none() | references()),
        external_id=draw(st.none() | LABELS),
    )


def issues(transcript: model.Transcript) -> SearchStrategy[model.IssueInfo]:
    """Return what may be said of the issue of `transcript`."""
    return st.builds(
        model.IssueInfo,
        manager=_people("cbql", model.SlotRole.MANAGER),
        seal=st.just(model.Seal(transcript.school.school_code, transcript.school.name)),
        place=LABELS,
        issued_on=DATES,
        policy_digest=st.just(find_policy(transcript.school.level).digest),
        pdf_sha256=st.none() | DIGESTS,
    )


@st.composite
def recalls(draw: st.DrawFn) -> model.Recall:
    """Return recalls."""
    policy: SigningPolicy = find_policy(None)
    target = draw(references().filter(lambda reference: reference.version < 999_999))
    school = draw(st.sampled_from(model.SchoolLevel).flatmap(_schools))
    requested_at = draw(INSTANTS)
    requester = draw(_people("nguoi-de-nghi", model.SlotRole.REQUESTER))
    manager = draw(_people("cbql", model.SlotRole.MANAGER).filter(lambda one: one.staff_code != requester.staff_code))
    return model.Recall(
        serial=target.serial,
        version=draw(st.integers(target.version + 1, 999_999)),
        target=target,
        school=school,
        school_year=draw(SCHOOL_YEARS),
        reason=draw(texts()),
        requested_by=requester,
        requested_at=requested_at,
        approved_by=manager,
        seal=model.Seal(school.school_code, school.name),
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )


def fake_signature(slot_id: str) -> bytes:
    """Return octets that have the shape of a signature for this slot, fit the schema and sign nothing."""
    sha256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    return (
        f'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="sig-{slot_id}"><ds:SignedInfo>'
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>'
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>'
        f'<ds:Reference URI="#data"><ds:DigestMethod Algorithm="{sha256}"></ds:DigestMethod>'
        "<ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        f'<ds:SignatureValue Id="val-{slot_id}">AAAA</ds:SignatureValue></ds:Signature>'
    ).encode()
