"""What a record still lacks before it can be locked.

Nobody signs an incomplete document, so every gap that the official form would show is an error; a warning is worth a
look and stops nothing.  Texts are for the school: they name subjects and classes, never marks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from transcript_core.assessment.circular_22 import Circular22, list_reassessment
from transcript_core.assessment.marks import round_mark
from transcript_core.assessment.summary import collect_year, rate_term_1, rate_term_2, rate_year
from transcript_core.build.inputs import Case, build_case
from transcript_core.build.subjects import draft_subjects, is_complete
from transcript_core.build.summary import list_counting, list_quality_results, needs_decision
from transcript_core.model import (
    Achievement,
    Grade,
    School,
    SchoolLevel,
    Stage,
    SubjectKind,
    SubjectLevel,
    SubjectResult,
)
from transcript_core.records import Problem, PupilRecord, SchoolRecords, Severity
from transcript_core.tables import (
    QualityGroup,
    Subject,
    SubjectChoice,
    count_regular_marks,
    list_grades,
    list_qualities,
)

_SCALES = {
    SubjectKind.COMMENT: {SubjectLevel.PASSED, SubjectLevel.NOT_PASSED},
    SubjectKind.PRIMARY: {SubjectLevel.COMPLETED_WELL, SubjectLevel.COMPLETED, SubjectLevel.NOT_COMPLETED},
}


def find_gaps(
    record: PupilRecord,
    *,
    records: SchoolRecords,
    school: School,
    stage: Stage = Stage.YEAR,
) -> tuple[Problem, ...]:
    """Return every problem that stands between this record and its document; errors stop it, warnings do not.

    Raises:
        InputError: the class is unknown, or no regulation is known for its grade and year.
    """
    case = build_case(record, records=records, school=school, stage=stage)
    return list_problems(case, draft_subjects(case, revision=1))


def list_problems(case: Case, drafts: Sequence[SubjectResult]) -> tuple[Problem, ...]:
    """Return the problems of one case; see `find_gaps`."""
    return (*_check_frame(case), *_check_subjects(case, drafts), *_check_level_over_all(case, drafts))


def _error(case: Case, code: str, what: str, remedy: str) -> Problem:
    return _problem(case, Severity.ERROR, code, what, remedy)


def _warning(case: Case, code: str, what: str, remedy: str) -> Problem:
    return _problem(case, Severity.WARNING, code, what, remedy)


def _problem(case: Case, severity: Severity, code: str, what: str, remedy: str) -> Problem:
    return Problem(severity, code, "", "", "", what, remedy, pupil_code=case.record.pupil_code)


def _check_frame(case: Case) -> Iterator[Problem]:
    """Everything about the pupil's place in the school."""
    record, class_name = case.record, case.school_class.name
    if record.pupil_code in case.records.held_back:
        yield _error(case, "held-back", "Học sinh đang bị giữ lại vì lỗi dữ liệu.", "Sửa lỗi rồi nhập lại dữ liệu.")
    if case.grade not in list_grades(case.school.level):
        yield _error(
            case, "wrong-level", f"Lớp {class_name} không thuộc cấp học của trường.", "Sửa khối của lớp hoặc cấp học."
        )
    homeroom = case.school_class.homeroom_staff_code
    if homeroom is None:
        yield _error(
            case,
            "missing-homeroom-teacher",
            f"Lớp {class_name} chưa có giáo viên chủ nhiệm.",
            "Ghi giáo viên chủ nhiệm trong bảng phân công giảng dạy.",
        )
    elif homeroom not in case.staff:
        yield _unknown_staff(case, f"Giáo viên chủ nhiệm lớp {class_name}")
    if not record.homeroom_comment.strip():
        yield _error(
            case,
            "missing-homeroom-comment",
            "Chưa có nhận xét của giáo viên chủ nhiệm.",
            "Ghi nhận xét trong bảng tổng hợp rèn luyện.",
        )
    if record.personal_id is None:
        yield _warning(
            case, "personal-id-pending", "Chưa có số định danh cá nhân.", "Bổ sung khi học sinh được cấp số định danh."
        )


def _unknown_staff(case: Case, who: str) -> Problem:
    return _error(
        case, "unknown-staff", f"{who} không có trong danh sách giáo viên.", "Bổ sung vào danh sách cán bộ, giáo viên."
    )


def _check_subjects(case: Case, drafts: Sequence[SubjectResult]) -> Iterator[Problem]:
    known = {subject.code: subject for subject in case.subjects}
    codes = [marks.subject_code for marks in case.record.marks]
    for code in sorted(set(codes)):
        if code not in known:
            what = f"Môn học mã {code} không có ở khối {case.grade}."
            yield _error(case, "unknown-subject", what, "Sửa mã môn học.")
        elif codes.count(code) > 1:
            what = f"Môn {known[code].name} có hai dòng kết quả."
            yield _error(case, "subject-twice", what, "Giữ lại một dòng kết quả.")
    for draft in drafts:
        yield from _check_subject(case, known[draft.subject_code], draft)
    yield from _check_choice(case, drafts)


def _check_subject(case: Case, subject: Subject, draft: SubjectResult) -> Iterator[Problem]:
    if not case.record.not_assessed:
        if not is_complete(draft, case):
            yield _error(
                case,
                "missing-results",
                f"Môn {subject.name} chưa đủ kết quả đánh giá.",
                "Nhập đủ điểm hoặc mức đánh giá của các học kì.",
            )
        yield from _check_grades(case, subject, draft)
    if subject.kind is not SubjectKind.PRIMARY:
        yield from _check_teachers(case, subject)
        yield from _check_regular_marks(case, subject)
    if not draft.comment.strip():
        what = f"Môn {subject.name} chưa có nhận xét."
        yield _warning(case, "missing-subject-comment", what, "Bổ sung nhận xét của giáo viên bộ môn.")


def _check_teachers(case: Case, subject: Subject) -> Iterator[Problem]:
    codes = case.teachers.get(subject.code, ())
    if not codes:
        what = f"Môn {subject.name} của lớp {case.school_class.name} chưa có giáo viên."
        yield _error(case, "missing-teacher", what, "Bổ sung trong bảng phân công giảng dạy.")
    if len(set(codes)) != len(codes):
        what = f"Môn {subject.name} của lớp {case.school_class.name} phân công một giáo viên hai lần."
        yield _error(case, "teacher-twice", what, "Giữ lại một dòng phân công.")
    if not set(codes) <= set(case.staff):
        yield _unknown_staff(case, f"Giáo viên môn {subject.name}")


def _check_grades(case: Case, subject: Subject, draft: SubjectResult) -> Iterator[Problem]:
    """Every grade is on the subject's scale: a mark, Đạt / Chưa đạt, or T / H / C with a test mark."""
    terms = [term.grade for term in (draft.term_1, draft.term_2) if term is not None]
    grades = [*terms, *(grade for grade in (draft.year, draft.reassessed) if grade is not None)]
    if any(not _is_on_scale(grade, subject) for grade in grades):
        what = f"Kết quả môn {subject.name} không đúng thang đánh giá của môn."
        yield _error(case, "wrong-scale", what, "Nhập điểm cho môn tính điểm, mức cho môn nhận xét.")
    final = draft.reassessed or draft.year or (draft.term_1.grade if draft.term_1 else None)
    if subject.tested and final is not None and final.mark is None:
        what = f"Môn {subject.name} chưa có điểm kiểm tra định kì."
        yield _error(case, "missing-test-mark", what, "Nhập điểm kiểm tra cuối kì.")


def _is_on_scale(grade: Grade, subject: Subject) -> bool:
    if subject.kind is SubjectKind.MARK:
        return grade.mark is not None and grade.level is None and grade.mark == round_mark(grade.mark)
    if grade.level not in _SCALES[subject.kind]:
        return False
    if grade.mark is None:
        return True
    return subject.tested and grade.mark == grade.mark.to_integral_value() and Decimal(1) <= grade.mark <= Decimal(10)


def _check_regular_marks(case: Case, subject: Subject) -> Iterator[Problem]:
    if subject.kind is not SubjectKind.MARK or case.record.not_assessed:
        return
    wanted = count_regular_marks(subject, case.grade, regulation=case.regulation, on=case.on)
    entry = next((marks for marks in case.record.marks if marks.subject_code == subject.code), None)
    terms = () if entry is None else ((1, entry.term_1), (2, entry.term_2 if case.is_year else None))
    for number, term in terms:
        if term is not None and 0 < len(term.regular) < wanted:
            what = f"Môn {subject.name} học kì {number} có ít hơn {wanted} điểm đánh giá thường xuyên."
            yield _warning(case, "few-regular-marks", what, "Kiểm tra lại bảng điểm của giáo viên bộ môn.")


def _check_choice(case: Case, drafts: Sequence[SubjectResult]) -> Iterator[Problem]:
    """Upper secondary: the pupil's electives and study topics."""
    if case.school.level is not SchoolLevel.UPPER_SECONDARY or not isinstance(case.rules, Circular22):
        return
    chosen = {subject.code for subject in case.subjects if subject.choice is SubjectChoice.ELECTIVE}
    taken = sum(draft.subject_code in chosen for draft in drafts)
    if taken < case.rules.elective_subjects:
        what = f"Học sinh chưa có đủ {case.rules.elective_subjects} môn học lựa chọn."
        yield _error(case, "missing-electives", what, "Bổ sung kết quả các môn học lựa chọn.")
    if len(case.record.study_topics) < case.rules.study_topics:
        what = f"Học sinh chưa có đủ {case.rules.study_topics} cụm chuyên đề học tập."
        yield _warning(case, "missing-study-topics", what, "Bổ sung cụm chuyên đề học tập.")


def _check_level_over_all(case: Case, drafts: Sequence[SubjectResult]) -> Iterator[Problem]:
    yield from _check_decision(case, drafts)
    if case.record.not_assessed:
        return
    if isinstance(case.rules, Circular22):
        yield from _check_training(case)
        yield from _check_study(case, drafts, case.rules)
    else:
        yield from _check_qualities(case)


def _check_decision(case: Case, drafts: Sequence[SubjectResult]) -> Iterator[Problem]:
    """A pupil who is not assessed needs the principal's decision; where the results decide, there is none to take."""
    decision, unassessed = case.record.decision, case.record.not_assessed
    if not case.is_year:
        return
    complete = all(is_complete(draft, case) for draft in drafts)
    if decision is not None and complete and not needs_decision(case, drafts):
        yield _error(
            case,
            "decision-not-due",
            "Có quyết định của hiệu trưởng về việc lên lớp nhưng kết quả đánh giá đã quyết định việc lên lớp.",
            "Xóa quyết định ở bảng bổ sung, hoặc kiểm tra lại kết quả đánh giá.",
        )
    if decision is None and unassessed:
        yield _error(
            case,
            "missing-decision",
            "Học sinh khuyết tật không đánh giá chưa có quyết định của hiệu trưởng về việc lên lớp.",
            "Nhập quyết định của hiệu trưởng.",
        )


def _check_training(case: Case) -> Iterator[Problem]:
    terms = (case.record.training_term_1, case.record.training_term_2)
    if None in (terms if case.is_year else terms[:1]):
        yield _error(
            case, "missing-training", "Chưa đủ kết quả rèn luyện của các học kì.", "Nhập kết quả rèn luyện học kì."
        )


def _check_study(case: Case, drafts: Sequence[SubjectResult], rules: Circular22) -> Iterator[Problem]:
    if not all(is_complete(draft, case) for draft in drafts):
        return
    counting = list_counting(case, drafts)
    points = (rate_term_1, rate_term_2, rate_year) if case.is_year else (rate_term_1,)
    results = [rate(counting, rules=rules) for rate in points]
    if any(result.level is None for result in results):
        yield _error(
            case,
            "too-few-subjects",
            f"Có ít hơn {rules.many_subjects} môn đánh giá bằng điểm số nên không xếp được kết quả học tập.",
            "Bổ sung kết quả các môn học hoặc đánh giá theo kế hoạch cá nhân.",
        )
    reassessed = {draft.subject_code for draft in counting if draft.reassessed is not None}
    due = results[-1].level is Achievement.NOT_PASSED and set(list_reassessment(collect_year(counting), rules=rules))
    if reassessed and not reassessed <= (due or set()):
        yield _warning(
            case,
            "reassessment-not-due",
            "Có kết quả đánh giá lại ở môn không thuộc diện đánh giá lại.",
            "Kiểm tra lại danh sách môn đánh giá lại.",
        )


def _check_qualities(case: Case) -> Iterator[Problem]:
    known = {quality.code for group in QualityGroup for quality in list_qualities(group, case.grade, on=case.on)}
    given = [code for code, _, _ in case.record.qualities]
    if len(set(given)) != len(given) or not set(given) <= known:
        what = "Phẩm chất, năng lực có mã lạ hoặc lặp lại."
        yield _error(case, "wrong-quality", what, "Sửa bảng đánh giá phẩm chất, năng lực.")
        return
    for group in QualityGroup:
        wanted = list_qualities(group, case.grade, on=case.on)
        found = {result.code for result in list_quality_results(case, group)}
        missing = [quality.name for quality in wanted if quality.code not in found]
        if missing:
            what = f"Chưa đánh giá: {', '.join(missing)}."
            yield _error(case, "missing-quality", what, "Nhập mức đạt được của phẩm chất, năng lực.")
