"""Which assessment regulation holds for a grade and a school year.

The regulations came into force grade by grade with the 2018 programme (`schemas/tables/regulations.csv`); a school
year is assessed from its first day to its last by what was in force on 5 September.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from transcript_core.assessment import circular_22, circular_27
from transcript_core.assessment.circular_22 import Circular22, load_circular_22
from transcript_core.assessment.circular_27 import Circular27, load_circular_27
from transcript_core.errors import InputError
from transcript_core.model import SchoolLevel
from transcript_core.tables import find_regulation

Rules = Circular22 | Circular27

_LOADERS: Final[Mapping[str, Callable[[date], Rules]]] = {
    circular_22.REGULATION: load_circular_22,
    circular_27.REGULATION: load_circular_27,
}


def choose_rules(level: SchoolLevel, grade: int, *, on: date) -> tuple[str, Rules]:
    """Return the name ("TT22/2021") and the numbers of the regulation for this grade.

    Args:
        on: the first day of the school year (`identifiers.SchoolYear.starts_on`).

    Raises:
        InputError: no regulation that this installation knows was in force.
    """
    name = find_regulation(level, grade, on=on)
    if name is None or name not in _LOADERS:
        raise InputError(f"no assessment regulation is known for {level.value} grade {grade} on {on}")
    return name, _LOADERS[name](on)
