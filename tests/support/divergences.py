"""The tables of `docs/divergences.md` that say where other software answers otherwise about a vector."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

DIVERGENCES: Final = Path(__file__).parents[2] / "docs" / "divergences.md"
_ROW: Final = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| ([\w, ]+) \| ([\w ]+) \| (.+) \|$", re.MULTILINE)


class Answer(StrEnum):
    """How other software differs from us."""

    ACCEPTS = "accepts"  # a signature that we do not find intact, or do not find
    REFUSES = "refuses"  # a signature that we find intact
    OVERLOOKS = "overlooks"  # a signature that we find intact
    UNREAD = "does not read"  # a file, or a signature, that we find intact
    ALLOWS = "allows"  # what was added after a signature, and we do not
    FORBIDS = "forbids"  # what was added after a signature, and we do not


Difference = tuple[str, str, Answer]
"""Vector, software, how it differs."""


@cache
def read_explained() -> frozenset[Difference]:
    """Return every difference that has a reason in the tables."""
    found: list[Difference] = []
    for vectors, software, answer, reason in _ROW.findall(DIVERGENCES.read_text("utf-8")):
        assert reason.strip()
        names = re.findall(r"\w+", vectors)
        found += [(name, one, Answer(answer)) for name in names for one in software.split(", ")]
    assert len(found) == len(set(found)), "a difference is explained twice"
    return frozenset(found)


def explained(vector: str, *software: str) -> set[Difference]:
    """Return what is explained of one vector and these programs."""
    return {one for one in read_explained() if one[0] == vector and one[1] in software}
