"""Holds the sheets against each other: who lacks which result, which averages contradict the marks.

Spec: TT 22/2021 Đ.6 (number of marks), Đ.9(1) (averages); TT 27/2020 Đ.7 (tests).  The formulas themselves are those of
`transcript_core.assessment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from transcript_core.assessment.circular_22 import Circular22
from transcript_core.assessment.marks import average_term, average_year
from transcript_core.assessment.registry import choose_rules
from transcript_core.intake.additions import PupilAdditions, check_decisions
from transcript_core.intake.conduct import ConductSheets
from transcript_core.intake.elsewhere import Transfers
from transcript_core.intake.extras import Topic
from transcript_core.intake.marks import Results, SubjectSheets, TermEntry
from transcript_core.intake.problems import Concern, Place, ProblemLog, place_of, place_of_table
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.staff import Assignments
from transcript_core.intake.tables import Table
from transcript_core.model import HistoryEntry, SchoolLevel, SubjectKind
from transcript_core.tables import Subject, SubjectChoice, count_regular_marks, list_subjects

_REQUIRED_MARKS = (("midterm", "điểm giữa kì (ĐĐGgk)"), ("final", "điểm cuối kì (ĐĐGck)"))


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that was read of a school year."""

    level: SchoolLevel
    on: date  # the day whose tables and regulations hold for the school year
    terms: frozenset[int]  # the terms whose results are due
    roster: Roster
    assignments: Assignments
    results: Results
    topics: Mapping[str, Sequence[Topic]]
    conduct: ConductSheets
    transfers: Transfers = field(default_factory=dict)
    additions: dict[str, PupilAdditions] = field(default_factory=dict)  # by pupil key
    history: Mapping[str, tuple[HistoryEntry, ...]] = field(default_factory=dict)  # by pupil key; earlier years


def check_completeness(gathered: Gathered, log: ProblemLog) -> None:
    """Report results that are missing or contradict themselves, class by class."""
    absent: dict[tuple[str, int], list[str]] = {}
    for class_name, grade in gathered.roster.list_classes().items():
        for subject in list_subjects(gathered.level, grade, on=gathered.on):
            _ClassSubjectCheck(gathered, class_name, grade, subject, log).run(absent)
    names = {subject.code: subject.name for subject in _list_all_subjects(gathered)}
    for (code, term), classes in absent.items():
        listed = ", ".join(classes)
        log.add("sheet-missing", gathered.assignments.place, subject=names[code], term="I" * term, classes=listed)
    _check_other_grades(gathered, log)
    _check_choices(gathered, log)
    _check_conduct(gathered, log)
    if 2 in gathered.terms:
        check_decisions(gathered.roster.pupils, gathered.additions, log)


def _list_all_subjects(gathered: Gathered) -> list[Subject]:
    grades = sorted(set(gathered.roster.list_classes().values()))
    return [subject for grade in grades for subject in list_subjects(gathered.level, grade, on=gathered.on)]


class _ClassSubjectCheck:
    """The checks of one subject in one class."""

    def __init__(self, gathered: Gathered, class_name: str, grade: int, subject: Subject, log: ProblemLog) -> None:
        self._gathered = gathered
        self._class_name = class_name
        self._subject = subject
        self._log = log
        self._pupils = gathered.roster.list_class(class_name)
        self._regulation, self._rules = choose_rules(gathered.level, grade, on=gathered.on)

    def run(self, absent: dict[tuple[str, int], list[str]]) -> None:
        """Run the checks; (subject, term) without any sheet is added to `absent` with this class."""
        code = self._subject.code
        assigned = any(
            (one.class_name, one.subject_code) == (self._class_name, code)
            for one in self._gathered.assignments.teaching
        )
        given = any(self._taken(pupil) for pupil in self._pupils)
        compulsory = self._subject.choice is SubjectChoice.COMPULSORY
        if not given and not assigned:
            if compulsory:
                self._report_class("compulsory-subject-missing", self._gathered.assignments.place)
            return
        if not assigned and self._gathered.level is not SchoolLevel.PRIMARY:
            self._report_class("assignment-missing", self._gathered.assignments.place)
        for term in sorted(self._gathered.terms):
            sheets = self._gathered.results.get((code, term))
            if sheets is None:
                absent.setdefault((code, term), []).append(self._class_name)
            else:
                self._check_term(sheets, term)
        for pupil in self._pupils:
            self._check_year_average(pupil)

    def _report_class(self, code: str, place: Place, /, **values: object) -> None:
        named = {"class_name": self._class_name, "subject": self._subject.name, **values}
        self._log.add(code, place, concerns=Concern(class_name=self._class_name), **named)

    def _taken(self, pupil: RosterPupil) -> bool:
        """Return whether the pupil has anything in this subject in any term."""
        if (pupil.key, self._subject.code) in self._gathered.transfers:
            return True
        for term in (1, 2):
            sheets = self._gathered.results.get((self._subject.code, term))
            entry = sheets.entries.get(pupil.key) if sheets else None
            if entry is not None and not entry.is_blank:
                return True
        return False

    def _check_term(self, sheets: SubjectSheets, term: int) -> None:
        keys = {pupil.key for pupil in self._pupils}
        table = _find_table_of(sheets, keys)
        if table is None and keys.isdisjoint(sheets.troubled):
            place = place_of_table(sheets.tables[0])
            self._report_class("class-not-in-sheet", place, term="I" * term)
            return
        for pupil in self._pupils:
            entry = sheets.entries.get(pupil.key)
            if entry is None and pupil.key in sheets.troubled:
                continue
            if entry is None or entry.is_blank:
                self._check_absence(pupil, entry, table or sheets.tables[0], term)
            else:
                self._check_entry(pupil, entry, term)

    def _check_absence(self, pupil: RosterPupil, entry: TermEntry | None, table: Table, term: int) -> None:
        """A pupil without results lacks them, unless the subject is chosen and the pupil takes it in no term."""
        chosen = self._subject.choice is not SubjectChoice.COMPULSORY
        transferred = term == 1 and (pupil.key, self._subject.code) in self._gathered.transfers
        if pupil.not_assessed or transferred or (chosen and not self._taken(pupil)):
            return
        values = {"subject": self._subject.name, "term": "I" * term}
        if entry is not None:
            self._log.add("term-marks-missing", place_of(entry.row, "name"), concerns=pupil.concern, **values)
        else:
            self._log.add("row-missing", place_of_table(table), concerns=pupil.concern, who=pupil.key)

    def _check_entry(self, pupil: RosterPupil, entry: TermEntry, term: int) -> None:
        if self._subject.kind is SubjectKind.MARK:
            self._check_marks(pupil, entry, term)
        else:
            self._require(pupil, entry, "level", entry.marks.level, "level-missing", term)
        if self._subject.kind is SubjectKind.PRIMARY and self._subject.tested and term == 2:
            self._require(pupil, entry, "test_mark", entry.marks.test_mark, "test-mark-missing", term)

    def _check_marks(self, pupil: RosterPupil, entry: TermEntry, term: int) -> None:
        bad_regular = any(column.startswith("regular-") for column in entry.bad)
        if not entry.marks.regular and not bad_regular:
            which = {"which": "điểm thường xuyên (ĐĐGtx)"}
            self._require(pupil, entry, "regular-1", None, "mark-missing", term, **which)
        for column, which_text in _REQUIRED_MARKS:
            mark = getattr(entry.marks, column)
            self._require(pupil, entry, column, mark, "mark-missing", term, which=which_text)
        topics = self._list_topic_marks(pupil, term)
        if entry.marks.regular and not bad_regular:
            self._check_count(pupil, entry, len(entry.marks.regular), len(topics))
            self._check_average(pupil, entry, topics)

    def _require(
        self, pupil: RosterPupil, entry: TermEntry, column: str, value: object, code: str, term: int, **more: str
    ) -> None:
        if value is None and column not in entry.bad and not pupil.not_assessed:
            values = {"subject": self._subject.name, "term": "I" * term, **more}
            self._log.add(code, place_of(entry.row, column), concerns=pupil.concern, **values)

    def _list_topic_marks(self, pupil: RosterPupil, term: int) -> list[Decimal]:
        """A study-topic cluster counts as one regular mark of its subject.  Spec: TT 22/2021 Đ.6."""
        if not isinstance(self._rules, Circular22) or term != self._rules.study_topic_term:
            return []
        topics = self._gathered.topics.get(pupil.key, ())
        return [mark for code, _, mark in topics if code == self._subject.code and mark is not None]

    def _check_count(self, pupil: RosterPupil, entry: TermEntry, count: int, topics: int) -> None:
        on = self._gathered.on
        expected = count_regular_marks(self._subject, pupil.grade_level, regulation=self._regulation, on=on)
        if pupil.not_assessed or expected - topics <= count <= expected:
            return
        code = "too-many-regular-marks" if count > expected else "too-few-regular-marks"
        values = {"subject": self._subject.name, "count": count, "expected": expected}
        self._log.add(code, place_of(entry.row, "regular-1"), concerns=pupil.concern, **values)

    def _check_average(self, pupil: RosterPupil, entry: TermEntry, topics: list[Decimal]) -> None:
        computed = compute_average(entry, topics)
        if computed is not None and entry.average is not None and entry.average != computed:
            values = {"stated": show_mark(entry.average), "computed": show_mark(computed)}
            self._log.add("average-contradicts-marks", place_of(entry.row, "average"), concerns=pupil.concern, **values)

    def _check_year_average(self, pupil: RosterPupil) -> None:
        entries = [self._find_entry(pupil, term) for term in (1, 2)]
        averages = [
            None if entry is None else compute_average(entry, self._list_topic_marks(pupil, term))
            for term, entry in enumerate(entries, start=1)
        ]
        transferred = self._gathered.transfers.get((pupil.key, self._subject.code))
        if transferred is not None:
            averages[0] = transferred.grade.mark
        for entry in entries:
            if entry is None or entry.year_average is None or averages[0] is None or averages[1] is None:
                continue
            computed = average_year(averages[0], averages[1])
            if entry.year_average != computed:
                values = {"stated": show_mark(entry.year_average), "computed": show_mark(computed)}
                place = place_of(entry.row, "year_average")
                self._log.add("year-average-contradicts", place, concerns=pupil.concern, **values)

    def _find_entry(self, pupil: RosterPupil, term: int) -> TermEntry | None:
        sheets = self._gathered.results.get((self._subject.code, term))
        return sheets.entries.get(pupil.key) if sheets else None


def compute_average(entry: TermEntry, topics: Sequence[Decimal]) -> Decimal | None:
    """Return ĐTBmhk of a row, or None when a mark it needs is missing or unreadable."""
    marks = entry.marks
    if not marks.regular or marks.midterm is None or marks.final is None:
        return None
    if any(column.startswith("regular-") for column in entry.bad):
        return None
    return average_term(marks.regular, midterm=marks.midterm, final=marks.final, study_topics=topics)


def show_mark(mark: Decimal) -> str:
    """Return a mark as people write it, with a decimal comma."""
    return str(mark).replace(".", ",")


def _find_table_of(sheets: SubjectSheets, keys: set[str]) -> Table | None:
    """Return the first sheet that holds a row of one of these pupils."""
    holding = {
        entry.row.table.sheet.file + entry.row.table.sheet.name for key, entry in sheets.entries.items() if key in keys
    }
    return next((table for table in sheets.tables if table.sheet.file + table.sheet.name in holding), None)


def _check_other_grades(gathered: Gathered, log: ProblemLog) -> None:
    """Report results in a subject that the pupil's grade does not have."""
    grades = set(gathered.roster.list_classes().values())
    known = {grade: {one.code for one in list_subjects(gathered.level, grade, on=gathered.on)} for grade in grades}
    for (code, _), sheets in gathered.results.items():
        for key, entry in sheets.entries.items():
            pupil = gathered.roster.by_key[key]
            if code not in known[pupil.grade_level] and not entry.is_blank:
                values = {"subject": code, "class_name": pupil.class_name}
                log.add("subject-other-grade", place_of(entry.row, "name"), concerns=pupil.concern, **values)


def _check_choices(gathered: Gathered, log: ProblemLog) -> None:
    """Report pupils of upper secondary schools with an unusual number of electives or study topics."""
    if gathered.level is not SchoolLevel.UPPER_SECONDARY:
        return
    for pupil in gathered.roster.pupils:
        _, rules = choose_rules(gathered.level, pupil.grade_level, on=gathered.on)
        assert isinstance(rules, Circular22)
        electives = len(_list_electives(gathered, pupil))
        topics = len(gathered.topics.get(pupil.key, ()))
        place = place_of(pupil.row, "name")
        if electives != rules.elective_subjects:
            values = {"count": electives, "expected": rules.elective_subjects}
            log.add("elective-count", place, concerns=pupil.concern, **values)
        if 2 in gathered.terms and topics != rules.study_topics:
            log.add("study-topic-count", place, concerns=pupil.concern, count=topics, expected=rules.study_topics)


def _list_electives(gathered: Gathered, pupil: RosterPupil) -> set[str]:
    subjects = list_subjects(gathered.level, pupil.grade_level, on=gathered.on)
    electives = {subject.code for subject in subjects if subject.choice is SubjectChoice.ELECTIVE}
    transferred = {code for key, code in gathered.transfers if key == pupil.key and code in electives}
    return transferred | {
        code
        for (code, _), sheets in gathered.results.items()
        if code in electives and pupil.key in sheets.entries and not sheets.entries[pupil.key].is_blank
    }


def _check_conduct(gathered: Gathered, log: ProblemLog) -> None:
    sheets = gathered.conduct
    if not sheets.tables:
        return
    for pupil in gathered.roster.pupils:
        if pupil.key not in sheets.entries and pupil.key not in sheets.troubled:
            log.add("row-missing", place_of_table(sheets.tables[0]), concerns=pupil.concern, who=pupil.key)
