"""Reads what no export has a column for: certificates, contests, awards, acknowledgement, the principal's decision.

A pupil may have several rows, and a cell several items; they are kept in the order in which they stand.
Spec: TT 22/2021 Đ.11, 15; TT 27/2020 Đ.11, 13; the lists at the foot of the official forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from transcript_core.intake.cells import CellReader
from transcript_core.intake.problems import ProblemLog, place_of
from transcript_core.intake.roster import Roster, RosterPupil
from transcript_core.intake.tables import Row, Table, list_rows
from transcript_core.model import Award, AwardKind, SchoolLevel, YearOutcome
from transcript_core.tables import LevelScale, list_level_names
from transcript_core.text import fold_header

MAX_ITEMS: Final = 30
"""Certificates, contests or awards of one pupil and year; with the title they stay below MAX_LIST_ITEMS."""

_LIST_COLUMNS: Final = ("certificate", "contest", "award")
_PRIMARY_ONLY: Final = ("acknowledged",)
_SECONDARY_ONLY: Final = ("certificate", "contest")
_SHORT_TITLES: Final = ("Học sinh tiêu biểu", "Danh hiệu Học sinh Giỏi", "Danh hiệu Học sinh Xuất sắc")


@dataclass(slots=True)
class PupilAdditions:
    """What the rows of one pupil say."""

    items: dict[str, list[str]] = field(default_factory=lambda: {column: [] for column in _LIST_COLUMNS})
    acknowledged: bool = False
    decision: YearOutcome | None = None

    @property
    def certificates(self) -> tuple[str, ...]:
        """Return the certificates."""
        return tuple(self.items["certificate"])

    @property
    def contests(self) -> tuple[str, ...]:
        """Return the results in contests."""
        return tuple(self.items["contest"])

    @property
    def awards(self) -> tuple[Award, ...]:
        """Return the awards beside the title."""
        return tuple(Award(AwardKind.OTHER, text) for text in self.items["award"])


def read_additions(
    tables: Sequence[Table], roster: Roster, level: SchoolLevel, log: ProblemLog
) -> dict[str, PupilAdditions]:
    """Return the additions by pupil key."""
    found: dict[str, PupilAdditions] = {}
    for table in tables:
        for row in list_rows(table):
            pupil = roster.match_row(row, log)
            if pupil is not None:
                _RowReader(row, pupil, level, log).read_into(found.setdefault(pupil.key, PupilAdditions()))
    return found


class _RowReader:
    """Reads one row into what is known of its pupil."""

    def __init__(self, row: Row, pupil: RosterPupil, level: SchoolLevel, log: ProblemLog) -> None:
        self._row = row
        self._pupil = pupil
        self._log = log
        self._level = level
        self._cells = CellReader(row, log, pupil.concern)

    def read_into(self, known: PupilAdditions) -> None:
        """Add what the row says to `known`; what is wrong is reported."""
        primary = self._level is SchoolLevel.PRIMARY
        foreign = _SECONDARY_ONLY if primary else _PRIMARY_ONLY
        for column in foreign:
            if self._row.get(column) is not None:
                shown = self._row.table.layout.describe((column,)).strip("“”")
                self._cells.report("addition-other-level", column, column=shown)
        for column in _LIST_COLUMNS:
            if column not in foreign:
                self._add_items(column, known.items[column])
        if primary:
            known.acknowledged = self._cells.flag("acknowledged") or known.acknowledged
        self._add_decision(known)

    def _add_items(self, column: str, items: list[str]) -> None:
        for item in self._cells.items(column):
            if item in items:
                self._cells.report("addition-twice", column, found=item)
            elif column == "award" and fold_header(item) in _title_keys():
                self._cells.report("award-is-title", column, found=item)
            else:
                items.append(item)
        if len(items) > MAX_ITEMS:
            self._cells.report("additions-too-many", column, count=len(items), limit=MAX_ITEMS)

    def _add_decision(self, known: PupilAdditions) -> None:
        """Take the decision; whether a primary pupil completed the class is known only when the document is built."""
        decision = self._cells.decision("decision")
        if decision is None:
            return
        if self._level is not SchoolLevel.PRIMARY and not self._pupil.not_assessed:
            self._cells.report("decision-not-due", "decision")
        elif known.decision not in {None, decision}:
            self._cells.report("decision-twice", "decision")
        else:
            known.decision = decision


def check_decisions(pupils: Iterable[RosterPupil], additions: dict[str, PupilAdditions], log: ProblemLog) -> None:
    """Report pupils who are not assessed and on whose promotion the principal has not decided yet."""
    for pupil in pupils:
        if pupil.not_assessed and additions.get(pupil.key, PupilAdditions()).decision is None:
            log.add("decision-pending", place_of(pupil.row, "not_assessed"), concerns=pupil.concern)


def _title_keys() -> frozenset[str]:
    """Return the spellings of titles that results earn and nobody enters."""
    names = (one for one in list_level_names(LevelScale.AWARD) if one.value != AwardKind.OTHER)
    spelled = [spelling for one in names for spelling in (one.value, one.name)]
    return frozenset(fold_header(spelling) for spelling in (*spelled, *_SHORT_TITLES))
