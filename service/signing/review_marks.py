"""Which marks stand far from their class: advice for the one who approves, never a verdict.

The rule is Iglewicz and Hoaglin's modified z-score over the results of one subject in one class, 0.6745 · (x − median)
/ MAD, where MAD is the median of the absolute deviations from the median.  It stays calm where a few marks are extreme,
unlike the mean and the standard deviation.  Where more than half of a class has the same result MAD is 0, and the mean
of the absolute deviations takes its place, (x − median) / (1.2533 · mean), as the same authors propose.

Marks are read from the stored canonical XML as slices; the document itself was checked when it was locked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from statistics import fmean, median
from typing import Final

from transcript_core.errors import MalformedTranscript

THRESHOLD: Final = 3.5
"""Modified z-score from which a mark is told: the value that Iglewicz and Hoaglin recommend."""

MIN_DISTANCE: Final = Decimal("2.0")
"""Marks, of 10, that it must differ from the class's median: among nearly equal marks half a mark is nothing."""

MIN_CLASS: Final = 8
"""Results of a subject in a class; fewer say nothing about what is usual."""

_MAD_SCALE: Final = 0.6745
_MEAN_SCALE: Final = 1.2533
_RESULTS: Final = (b"<CA_NAM><DIEM>", b"<HOC_KY_1><DIEM>")  # the year's, else term I's
_PART: Final = (b"<DIEM_TONG_KET ", b"</DIEM_TONG_KET>")


@dataclass(frozen=True, slots=True)
class SubjectMark:
    """The result of one pupil in one subject: the year's, or term I's when there is none yet."""

    subject_code: str
    subject_name: str
    mark: Decimal


@dataclass(frozen=True, slots=True)
class OddMark:
    """A mark far from its class.  For the eyes of the one who approves; never for a log."""

    class_name: str
    pupil_code: str
    subject_code: str
    subject_name: str
    mark: Decimal
    class_median: Decimal
    score: float  # modified z-score, negative below the median


def read_marks(content: bytes) -> list[SubjectMark]:
    """Return the results of the subjects that are marked, from a stored transcript's octets.

    Raises:
        MalformedTranscript: a part is not of the form that this program writes.
    """
    found = []
    at = content.find(_PART[0])
    while at >= 0:
        end = content.find(_PART[1], at)
        part = content[at:end]
        mark = next((cut for cut in (_cut(part, tag, b"</DIEM>") for tag in _RESULTS) if cut), b"")
        if mark:
            found.append(_build(part, mark))
        at = content.find(_PART[0], end) if end >= 0 else -1
    return found


def find_odd_marks(class_name: str, pupils: Mapping[str, Sequence[SubjectMark]]) -> list[OddMark]:
    """Return the marks of one class that stand far from the others, farthest first.

    Args:
        pupils: pupil code → marks.
    """
    by_subject: dict[str, list[tuple[str, SubjectMark]]] = defaultdict(list)
    for pupil_code, marks in pupils.items():
        for mark in marks:
            by_subject[mark.subject_code].append((pupil_code, mark))
    odd = [one for marks in by_subject.values() for one in _compare(class_name, marks)]
    return sorted(odd, key=lambda one: (-abs(one.score), one.pupil_code, one.subject_code))


def score_marks(marks: Sequence[Decimal]) -> list[float]:
    """Return the modified z-score of each mark; all 0 where they are all the same."""
    middle = median(marks)
    distances = [float(mark - middle) for mark in marks]
    spread = median(abs(one) for one in distances)
    if spread > 0:
        return [_MAD_SCALE * one / spread for one in distances]
    mean = fmean(abs(one) for one in distances)
    return [one / (_MEAN_SCALE * mean) if mean > 0 else 0.0 for one in distances]


def _compare(class_name: str, marks: Sequence[tuple[str, SubjectMark]]) -> Iterable[OddMark]:
    if len(marks) < MIN_CLASS:
        return
    middle = median(one.mark for _, one in marks)
    scores = score_marks([one.mark for _, one in marks])
    for (pupil_code, one), score in zip(marks, scores, strict=True):
        if abs(score) >= THRESHOLD and abs(one.mark - middle) >= MIN_DISTANCE:
            yield OddMark(class_name, pupil_code, one.subject_code, one.subject_name, one.mark, middle, score)


def _build(part: bytes, mark: bytes) -> SubjectMark:
    code, name = _cut(part, b"<MA_MON_HOC>", b"</MA_MON_HOC>"), _cut(part, b"<MON_HOC>", b"</MON_HOC>")
    try:
        return SubjectMark(code.decode("ascii"), name.decode("utf-8"), Decimal(mark.decode("ascii")))
    except (UnicodeDecodeError, InvalidOperation) as error:
        raise MalformedTranscript("a part of the document has a result that is no mark") from error


def _cut(content: bytes, start_mark: bytes, end_mark: bytes) -> bytes:
    start = content.find(start_mark)
    if start < 0:
        return b""
    start += len(start_mark)
    return content[start : content.find(end_mark, start)]
