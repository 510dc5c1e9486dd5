"""Puts together what the sheets say of each pupil, for those whom no error holds back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transcript_core.intake.additions import PupilAdditions
from transcript_core.intake.checks import Gathered
from transcript_core.intake.extras import Reassessment
from transcript_core.intake.marks import TermEntry
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.records import Problem, PupilRecord, Severity, SubjectMarks
from transcript_core.tables import list_subjects, normalize_name

Reassessments = Mapping[tuple[str, str], Reassessment]


def list_held_back(problems: Sequence[Problem], roster: Roster) -> frozenset[str]:
    """Return the codes (or keys) of the pupils whom an error holds back, themselves or with their class."""
    held: set[str] = set()
    for problem in problems:
        if problem.severity is not Severity.ERROR:
            continue
        held.update(filter(None, (problem.pupil_code, problem.pupil_key)))
        if problem.class_name is not None:
            held.update(pupil.key for pupil in roster.list_class(problem.class_name))
    return frozenset(held)


def assemble_pupils(
    gathered: Gathered, reassessed: Reassessments, held_back: frozenset[str]
) -> tuple[PupilRecord, ...]:
    """Return the records of the pupils who are not held back, by class and name.

    The order follows names as class registers do, last word first, so it does not depend on the order of any sheet.
    """
    records = (_assemble(pupil, gathered, reassessed) for pupil in gathered.roster.pupils if pupil.key not in held_back)
    places = {name: number for number, name in enumerate(gathered.roster.list_classes())}
    return tuple(sorted(filter(None, records), key=lambda record: (places[record.class_name], *_name_order(record))))


def _name_order(record: PupilRecord) -> tuple[str, str, str, str]:
    words = normalize_name(record.name).split()
    return words[-1] if words else "", " ".join(words), record.name, record.pupil_code


def _assemble(pupil: RosterPupil, gathered: Gathered, reassessed: Reassessments) -> PupilRecord | None:
    conduct = gathered.conduct.entries.get(pupil.key)
    if pupil.code is None or pupil.birth_date is None or conduct is None:
        return None
    texts = pupil.texts
    additions = gathered.additions.get(pupil.key, PupilAdditions())
    hometown = ", ".join(filter(None, (texts["hometown_commune"], texts["hometown_province"])))
    return PupilRecord(
        pupil_code=pupil.code,
        name=pupil.name,
        birth_date=pupil.birth_date,
        gender=pupil.gender,
        class_name=pupil.class_name,
        personal_id=pupil.personal_id,
        ethnicity=texts["ethnicity"],
        birth_place=texts["birth_place"],
        hometown=texts["hometown"] or hometown,
        address=texts["address"],
        father=pupil.father,
        mother=pupil.mother,
        marks=tuple(_list_marks(pupil, gathered, reassessed)),
        training_term_1=conduct.training[0],
        training_term_2=conduct.training[1],
        absences=conduct.absences,
        homeroom_comment=conduct.comment,
        guardian=pupil.guardian,
        training_after_summer=conduct.after_summer,
        nationality=texts["nationality"] or "Việt Nam",
        policy_group=texts["policy_group"],
        register_number=texts["register_number"],
        not_assessed=pupil.not_assessed,
        qualities=conduct.qualities,
        study_topics=tuple(gathered.topics.get(pupil.key, ())),
        height_cm=conduct.height_cm,
        weight_kg=conduct.weight_kg,
        lifelong_code=pupil.lifelong_code,
        external_id=pupil.external_id,
        certificates=additions.certificates,
        contests=additions.contests,
        awards=additions.awards,
        acknowledged=additions.acknowledged,
        decision=additions.decision,
        earlier_years=gathered.history.get(pupil.key, ()),
    )


def _list_marks(pupil: RosterPupil, gathered: Gathered, reassessed: Reassessments) -> list[SubjectMarks]:
    """Return the pupil's subjects in the order of the form; subjects without any result are not the pupil's."""
    marks: list[SubjectMarks] = []
    for subject in list_subjects(gathered.level, pupil.grade_level, on=gathered.on):
        entries = [_find_entry(gathered, subject.code, term, pupil) for term in (1, 2)]
        first, second = (None if entry is None else entry.marks for entry in entries)
        transferred = gathered.transfers.get((pupil.key, subject.code))
        if first is None and second is None and transferred is None:
            continue
        again = reassessed.get((pupil.key, subject.code), Reassessment())
        marks.append(SubjectMarks(subject.code, first, second, again.mark, again.level, transferred))
    return marks


def _find_entry(gathered: Gathered, code: str, term: int, pupil: RosterPupil) -> TermEntry | None:
    sheets = gathered.results.get((code, term))
    entry = sheets.entries.get(pupil.key) if sheets else None
    return None if entry is None or entry.is_blank else entry
