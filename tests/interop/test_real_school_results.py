"""What the documents of a real school's 509 good pupils say, worked out a second time straight from the cells.

Nothing here is shared with the project: cells are read by position, marks are whole tenths, averages exact fractions,
and the level that one bad subject costs (Đ.9(3)) is found by trying every mark that subject could have had.
Spec: TT 22/2021 Đ.8, 9, 12, 15.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support import samples
from transcript_core.build import build_transcript
from transcript_core.intake import import_school, select_clean
from transcript_core.model import SchoolLevel, SecondarySummary, Transcript

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "thcs-school"
LEVELS = ("T", "K", "Đ", "CĐ")
TRAINING_YEAR = {  # rows: term I; columns: term II in the order of LEVELS
    "T": ("T", "K", "K", "CĐ"),
    "K": ("T", "K", "Đ", "CĐ"),
    "Đ": ("K", "K", "Đ", "CĐ"),
    "CĐ": ("K", "Đ", "Đ", "CĐ"),
}
PASSED, FAILED = "Đ", "CĐ"
Result = int | str
"""Tenths of a mark, or PASSED or FAILED."""

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the real school's spreadsheets are not beside the project (../shared/data/thcs-school)"
)


@dataclass
class Year:
    """One pupil's year, from the cells."""

    grade: int
    term_1: dict[str, Result] = field(default_factory=dict)  # by subject name
    term_2: dict[str, Result] = field(default_factory=dict)
    training: tuple[str, str] = ("", "")
    absences: int = 0

    @property
    def results(self) -> dict[str, Result]:
        return {name: self._result(name) for name in self.term_1}

    def _result(self, name: str) -> Result:
        first, second = self.term_1[name], self.term_2[name]
        if isinstance(first, int) and isinstance(second, int):
            return round_half_up(Fraction(first + 2 * second, 3))
        return second

    @property
    def training_year(self) -> str:
        first, second = self.training
        return TRAINING_YEAR[first][LEVELS.index(second)]

    @property
    def outcome(self) -> str:
        if self.absences > 45:
            return "KHONG_LEN_LOP"
        if self.training_year == FAILED:
            return "REN_LUYEN_HE"
        return "DANH_GIA_LAI" if rate(self.results.values()) == FAILED else "LEN_LOP"

    @property
    def award(self) -> list[str]:
        if (self.training_year, rate(self.results.values())) != ("T", "T"):
            return []
        excellent = [result for result in self.results.values() if isinstance(result, int) and result >= 90]
        return ["HSXS" if len(excellent) >= 6 else "HSG"]


def round_half_up(tenths: Fraction) -> int:
    return int((2 * tenths + 1) // 2)


def rate(results: Iterable[Result]) -> str:
    """Return the study level, raised by one when a single subject costs two levels or more below Tốt or Khá."""
    given = list(results)
    level = LEVELS.index(rate_plainly(given))
    for place, result in enumerate(given):
        others: Sequence[Result] = range(101) if isinstance(result, int) else (PASSED,)
        for other in others:
            reached = LEVELS.index(rate_plainly([*given[:place], other, *given[place + 1 :]]))
            if reached <= 1 and level - reached >= 2:
                return LEVELS[level - 1]
    return LEVELS[level]


def rate_plainly(results: Sequence[Result]) -> str:
    marks = sorted((one for one in results if isinstance(one, int)), reverse=True)
    failed = sum(one == FAILED for one in results)
    lowest, sixth = marks[-1], marks[5]
    if not failed and lowest >= 65 and sixth >= 80:
        return "T"
    if not failed and lowest >= 50 and sixth >= 65:
        return "K"
    return "Đ" if failed <= 1 and lowest >= 35 and sixth >= 50 else "CĐ"


def read_rows(path: Path) -> Iterator[tuple[object, ...]]:
    """Yield the rows with a running number below the header."""
    page = load_workbook(path).active
    assert page is not None
    below = False
    for row in page.iter_rows(values_only=True):
        if below and isinstance(row[0], int):
            yield row
        below = below or row[0] == "STT"


def name_key(name: object, born: object) -> tuple[str, str]:
    day = born.strftime("%d/%m/%Y") if isinstance(born, date) else str(born)
    return " ".join(unicodedata.normalize("NFC", str(name)).split()), day


def tenths(value: object) -> int:
    return round(float(str(value).replace(",", ".")) * 10)


def read_result(row: tuple[object, ...]) -> Result:
    if len(row) < 10:
        return FAILED if str(row[5]).strip() in {"CĐ", "Chưa đạt"} else PASSED
    regular = [tenths(mark) for mark in row[5:10] if mark is not None]
    total = sum(regular) + 2 * tenths(row[10]) + 3 * tenths(row[11])
    return round_half_up(Fraction(total, len(regular) + 5))


@pytest.fixture(scope="module")
def years() -> dict[str, Year]:
    """Every pupil's year by code; pupils without a code in a row are found by name and date of birth."""
    listed = list(read_rows(FOLDER / "danh-sach-hoc-sinh.xlsx"))
    found = {str(row[1]): Year(int(str(row[22])[0])) for row in listed}
    people: dict[tuple[str, str], list[str]] = {}
    for row in listed:
        people.setdefault(name_key(row[2], row[3]), []).append(str(row[1]))

    def find(row: tuple[object, ...]) -> Year:
        if row[2] is not None:
            return found[str(row[2])]
        (code,) = people[name_key(row[3], row[4])]
        return found[code]

    for path in sorted(FOLDER.glob("diem-hk1/*.xlsx")):
        for row in read_rows(path):
            find(row).term_1[path.stem] = read_result(row)
        for row in read_rows(FOLDER / "diem-hk2" / path.name):
            find(row).term_2[path.stem] = read_result(row)
    for row in read_rows(FOLDER / "ren-luyen.xlsx"):
        year = find(row)
        year.training = (str(row[5]).strip(), str(row[6]).strip())
        year.absences = int(str(row[7])) + int(str(row[8]))
    return found


@pytest.fixture(scope="module")
def transcripts() -> list[Transcript]:
    """What the project makes of the same workbooks."""
    result = import_school(FOLDER, school_level=SchoolLevel.LOWER_SECONDARY, as_of=date(2026, 5, 30))
    records = select_clean(result)
    return [
        build_transcript(
            pupil,
            records=records,
            school=samples.build_school(),
            serial="01J9ZK3T5V7X9ABCDEFGHJKMNP",
            transcript_id="3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e4f",
            locked_at=datetime(2026, 5, 30, tzinfo=UTC),
        )
        for pupil in records.pupils
    ]


def show(result: Result) -> tuple[Decimal | None, str | None]:
    """Return a result as a document's grade has it: mark and level."""
    return (Decimal(result).scaleb(-1), None) if isinstance(result, int) else (None, result)


def test_every_average_and_level_of_509_pupils_follows_from_the_cells(
    years: dict[str, Year], transcripts: list[Transcript]
) -> None:
    assert len(transcripts) == 509
    compared = 0
    for transcript in transcripts:
        year = years[transcript.pupil.pupil_code]
        assert {one.subject_name for one in transcript.subjects} == set(year.term_1)
        for subject in transcript.subjects:
            name, term_1, term_2, whole = subject.subject_name, subject.term_1, subject.term_2, subject.year
            assert term_1 is not None
            assert term_2 is not None
            assert whole is not None
            stated = [(one.mark, one.level) for one in (term_1.grade, term_2.grade, whole)]
            assert stated == [show(one) for one in (year.term_1[name], year.term_2[name], year.results[name])]
            compared += 3
    assert compared == 509 * 12 * 3


def test_levels_promotion_and_awards_of_509_pupils_follow_from_the_cells(
    years: dict[str, Year], transcripts: list[Transcript]
) -> None:
    seen: Counter[str] = Counter()
    for transcript in transcripts:
        year, summary = years[transcript.pupil.pupil_code], transcript.summary
        assert isinstance(summary, SecondarySummary)
        study = (summary.study_term_1, summary.study_term_2, summary.study_year)
        assert study == tuple(rate(one.values()) for one in (year.term_1, year.term_2, year.results))
        training = (summary.training_term_1, summary.training_term_2, summary.training_year)
        assert training == (*year.training, year.training_year)
        assert summary.absences.excused + summary.absences.unexcused == year.absences
        assert summary.outcome == year.outcome
        pending = year.outcome in {"REN_LUYEN_HE", "DANH_GIA_LAI"}
        completed = None if pending or year.grade < 9 else year.outcome == "LEN_LOP"
        assert summary.level_completed == completed
        assert [one.kind for one in transcript.awards] == year.award
        seen.update([f"study {summary.study_year}", f"outcome {year.outcome}", *year.award])
    assert seen == {
        "study T": 57, "study K": 220, "study Đ": 191, "study CĐ": 41,
        "outcome LEN_LOP": 459, "outcome DANH_GIA_LAI": 41, "outcome REN_LUYEN_HE": 8, "outcome KHONG_LEN_LOP": 1,
        "HSG": 40, "HSXS": 2,
    }  # fmt: skip
