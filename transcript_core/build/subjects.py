"""Results of each subject from a pupil's marks; what cannot be computed stays None and is a gap, never a guess.

Implements TT 22/2021/TT-BGDĐT Đ.6, 9(1) by way of `assessment`, and the rows of the primary form (TT 27/2020).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from transcript_core.assessment.circular_22 import Circular22, rate_comment_year
from transcript_core.assessment.marks import average_term, average_year, round_mark
from transcript_core.build.inputs import Case
from transcript_core.model import Grade, SubjectKind, SubjectResult, Teacher, TermGrade
from transcript_core.records import SubjectMarks, TermMarks
from transcript_core.tables import Subject, SubjectChoice


def draft_subjects(case: Case, *, revision: int) -> tuple[SubjectResult, ...]:
    """Return the pupil's subjects in the form's order: those they take, and compulsory ones even without results.

    Raises:
        InputError: a mark is outside 0..10; an import lets none through.
    """
    marks = {entry.subject_code: entry for entry in case.record.marks}
    shown = (
        subject for subject in case.subjects if subject.code in marks or subject.choice is SubjectChoice.COMPULSORY
    )
    return tuple(
        _draft_subject(case, subject, marks.get(subject.code, SubjectMarks(subject.code)), revision)
        for subject in shown
    )


def is_complete(result: SubjectResult, case: Case) -> bool:
    """Return whether the subject has every result that the stage asks for."""
    if not case.is_year:
        return result.term_1 is not None
    if result.kind is SubjectKind.PRIMARY:
        return result.year is not None
    return None not in {result.term_1, result.term_2, result.year}


def _draft_subject(case: Case, subject: Subject, marks: SubjectMarks, revision: int) -> SubjectResult:
    term_1 = _draft_term_1(case, subject, marks)
    term_2 = _grade_term(case, subject, marks.term_2, 2) if case.is_year else None
    primary = subject.kind is SubjectKind.PRIMARY
    return SubjectResult(
        subject_code=subject.code,
        subject_name=subject.name,
        kind=subject.kind,
        teachers=() if primary else _list_teachers(case, subject.code),
        revision=revision,
        term_1=None if primary and case.is_year else term_1,
        term_2=None if primary or term_2 is None else TermGrade(term_2),
        year=term_2 if primary else _grade_year(case, term_1, term_2),
        reassessed=_grade_reassessment(subject, marks) if case.is_year else None,
        comment=_choose_comment(case, marks),
        elective=subject.choice is not SubjectChoice.COMPULSORY,
        not_assessed=case.record.not_assessed,
    )


def _list_teachers(case: Case, subject_code: str) -> tuple[Teacher, ...]:
    members = (case.staff.get(code) for code in case.teachers.get(subject_code, ()))
    return tuple(Teacher(member.staff_code, member.name) for member in members if member is not None)


def _draft_term_1(case: Case, subject: Subject, marks: SubjectMarks) -> TermGrade | None:
    if marks.transferred_term_1 is not None:
        return replace(marks.transferred_term_1, grade=_write_grade(marks.transferred_term_1.grade, subject))
    grade = _grade_term(case, subject, marks.term_1, 1)
    return None if grade is None else TermGrade(grade)


def _grade_term(case: Case, subject: Subject, marks: TermMarks | None, term: int) -> Grade | None:
    if marks is None:
        return None
    if subject.kind is SubjectKind.MARK:
        if not marks.regular or marks.midterm is None or marks.final is None:
            return None
        topics = _list_topic_marks(case, subject.code, term)
        average = average_term(marks.regular, midterm=marks.midterm, final=marks.final, study_topics=topics)
        return Grade(mark=average)
    if marks.level is None:
        return None
    return _write_grade(Grade(level=marks.level, mark=marks.test_mark if subject.tested else None), subject)


def _write_grade(grade: Grade, subject: Subject) -> Grade:
    """Return the grade with its mark as the form writes it ("8.0", primary tests "8"); never another value."""
    if grade.mark is None:
        return grade
    written = round_mark(grade.mark)
    if subject.kind is SubjectKind.PRIMARY and written == written.to_integral_value():
        written = written.to_integral_value()
    return replace(grade, mark=written) if written == grade.mark else grade


def _list_topic_marks(case: Case, subject_code: str, term: int) -> tuple[Decimal, ...]:
    if not isinstance(case.rules, Circular22) or term != case.rules.study_topic_term:
        return ()
    mine = (mark for code, _, mark in case.record.study_topics if code == subject_code)
    return tuple(mark for mark in mine if mark is not None)


def _grade_year(case: Case, term_1: TermGrade | None, term_2: Grade | None) -> Grade | None:
    if term_1 is None or term_2 is None:
        return None
    if term_1.grade.mark is not None and term_2.mark is not None:
        return Grade(mark=average_year(term_1.grade.mark, term_2.mark))
    if term_2.level is not None and isinstance(case.rules, Circular22):
        return Grade(level=rate_comment_year(term_1.grade.level, term_2.level, rules=case.rules))
    return None


def _grade_reassessment(subject: Subject, marks: SubjectMarks) -> Grade | None:
    if marks.reassessed_mark is None and marks.reassessed_level is None:
        return None
    return _write_grade(Grade(mark=marks.reassessed_mark, level=marks.reassessed_level), subject)


def _choose_comment(case: Case, marks: SubjectMarks) -> str:
    terms = (marks.term_2, marks.term_1) if case.is_year else (marks.term_1,)
    return next((term.comment for term in terms if term is not None and term.comment), "")
