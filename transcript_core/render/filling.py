"""Which texts of a form differ from pupil to pupil, and how they are set into a form that Typst has set once.

Typst needs tens of milliseconds for a document whose texts it has not seen, and most of what it sets is the same for a
whole class: the form, its labels, the school, the signers.  So a view is parted in two: a *blank* view, in which each
text listed here is a short token, and the texts.  Typst sets the blank (`sheet.py` keeps it), and the texts are written
where the tokens stand.  A text that does not fit its place on the lines it was given, or has a letter that the font of
`fonts.py` lacks, is not parted: it stays in the blank and Typst sets it.  All of this is a pure function of the view.

The sizes and widths below are those of the templates of form version 1, in points; widths are kept a little short, so
that what is filled in always fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from transcript_core.errors import MalformedTranscript
from transcript_core.render.fonts import AppearanceFont, load_font
from transcript_core.render.view import View

TOKEN_MARK: Final = "¤"  # noqa: S105  # no password
"""Begins each token; a view with this character in a text of its own must not be parted."""

TRACKING: Final = 0.012
"""What the templates' `bold` adds behind each letter, in parts of its size."""

TOKEN_LENGTH: Final = 3

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_TOKENS: Final = len(_DIGITS) ** 2


@dataclass(frozen=True, slots=True)
class Place:
    """How the templates show one text."""

    size: float
    width: float
    bold: bool = False
    centred: bool = False
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Filler:
    """One line of text to write where its token stands."""

    text: str
    codes: bytes  # hexadecimal string in the font of `fonts.py`
    width: float  # thousandths of the size, without tracking
    centred: bool


@dataclass(frozen=True, slots=True)
class Parted:
    """A view parted into what Typst sets and what is filled in."""

    blank: View
    fillers: tuple[Filler, ...]  # by number of their token


Rules: TypeAlias = "Place | Mapping[str, Rules] | Sequence[Rules]"

UNSHOWN: Final = Place(0, 0, lines=0)
"""A text that this level's template does not show: no pupil's blank needs it."""

_PUPIL: Final[Mapping[str, Rules]] = {
    "name": Place(11, 235, bold=True),
    "gender": Place(11, 60, bold=True),
    "birth_date": Place(11, 100, bold=True),
    "birth_place": Place(11, 250, bold=True),
    "ethnicity": Place(11, 180, bold=True),
    "nationality": Place(11, 170, bold=True),
    "code": Place(11, 160, bold=True),
    "personal_id": Place(11, 118, bold=True),
    "lifelong_code": Place(11, 250, bold=True),
    "address": Place(11, 390, bold=True),
    "register": UNSHOWN,  # but on the cover, by a name of its own
    "family": [{"name": Place(11, 200, bold=True), "occupation": Place(11, 110, bold=True)}],
}
_COMMON: Final[dict[str, Rules]] = {
    "serial": Place(9.5, 270, bold=True),
    "locked_shown": Place(9.5, 270),
    "external_id": Place(9.5, 270),
    "cover": {"name": Place(22, 425, bold=True, centred=True), "register": Place(12, 300, centred=True)},
    "previous_year": Place(9, 300),
}
_MARK: Final = Place(9.5, 26, centred=True)
_SUMMER: Final = Place(9.5, 88, centred=True)
_RESULTS: Final[Rules] = [
    Place(9.5, 75, centred=True),
    Place(9.5, 75, centred=True),
    Place(9.5, 75, bold=True, centred=True),
]
_SECONDARY: Final[Mapping[str, Rules]] = {
    **_COMMON,
    "pupil": {**_PUPIL, "hometown": UNSHOWN, "policy_group": Place(11, 400, bold=True)},
    "history": [{"document": Place(8, 300), "register": UNSHOWN}],
    "subjects": [
        {
            "term_1": {"text": _MARK},
            "term_2": {"text": _MARK},
            "year": Place(9.5, 28, bold=True, centred=True),
            "reassessed": Place(9.5, 40, centred=True),
            "test_mark": UNSHOWN,
            "comment": Place(8.8, 240, lines=8),
        }
    ],
    "study_topics": [{"mark": Place(9.5, 54, centred=True)}],
    "summary": {
        "training": _RESULTS,
        "study": _RESULTS,
        "absences": Place(9.5, 68, bold=True, centred=True),
        "excused": Place(8.8, 30),
        "unexcused": Place(8.8, 30),
        "training_after_summer": _SUMMER,
        "study_after_reassessment": _SUMMER,
        "summer_training": Place(11, 480, bold=True),
        "outcomes": [{"value": Place(11, 150, bold=True)}],
        "completed": Place(11, 100, bold=True),
        "certificates": Place(11, 350, bold=True),
        "contests": [Place(11, 260, bold=True)],
    },
    "awards": Place(11, 330, bold=True),
    "homeroom_comment": Place(11, 259, lines=20),
}
_QUALITIES: Final[Rules] = [{"level": Place(9.5, 50, bold=True, centred=True), "comment": Place(9.5, 274, lines=8)}]
_PRIMARY: Final[Mapping[str, Rules]] = {
    **_COMMON,
    "pupil": {**_PUPIL, "hometown": Place(11, 400, bold=True)},  # policy_group decides whether its row is there
    "history": [{"document": Place(7, 160), "register": Place(11, 66, centred=True)}],
    "subjects": [
        {
            "year": Place(9.5, 50, bold=True, centred=True),
            "test_mark": Place(9.5, 44, centred=True),
            "term_1": {"text": UNSHOWN},
            "term_2": {"text": UNSHOWN},
            "reassessed": UNSHOWN,
            "comment": Place(9.5, 217, lines=8),
        }
    ],
    "summary": {
        "height": Place(10, 40, bold=True),
        "weight": Place(10, 40, bold=True),
        "excused": Place(10, 15, bold=True),
        "unexcused": Place(10, 15, bold=True),
        "qualities": _QUALITIES,
        "common": _QUALITIES,
        "specific": _QUALITIES,
        "year_level": Place(11, 440, bold=True),
        "completion": Place(11, 440, bold=True),
    },
    "awards": Place(11, 440, bold=True),
    "homeroom_comment": Place(11, 259, lines=20),
}
_RULES: Final[Mapping[str, Mapping[str, Rules]]] = {"th/1": _PRIMARY, "thcs/1": _SECONDARY, "thpt/1": _SECONDARY}


def part_view(view: View, template: str) -> Parted:
    """Return the view parted by the rules of its template.  No text of the view may have the token's mark."""
    parting = _Parting(load_font())
    blank = parting.part(view, _RULES[template])
    assert isinstance(blank, dict)
    return Parted(blank, tuple(parting.fillers))


def write_token(number: int) -> str:
    """Return the token of a filler: three characters that no rule of the templates breaks or changes."""
    return TOKEN_MARK + _DIGITS[number // len(_DIGITS)] + _DIGITS[number % len(_DIGITS)]


def read_token(text: str) -> int:
    """Return the number of a filler from its token.

    Raises:
        MalformedTranscript: this is no token.
    """
    if len(text) != TOKEN_LENGTH or text[0] != TOKEN_MARK or text[1] not in _DIGITS or text[2] not in _DIGITS:
        raise MalformedTranscript("the form shows a mark that stands for a text, without saying for which")
    return _DIGITS.index(text[1]) * len(_DIGITS) + _DIGITS.index(text[2])


class _Parting:
    """Parts one view; fillers are numbered in the order of the rules."""

    def __init__(self, font: AppearanceFont) -> None:
        self.fillers: list[Filler] = []
        self._font = font

    def part(self, value: object, rules: Rules) -> object:
        if isinstance(rules, Place):
            return self._part_text(value, rules) if isinstance(value, str) else value
        if isinstance(rules, Mapping):
            if not isinstance(value, dict):
                return value
            return value | {key: self.part(value[key], rule) for key, rule in rules.items() if key in value}
        if not isinstance(value, list):
            return value
        return [self.part(item, rules[min(index, len(rules) - 1)]) for index, item in enumerate(value)]

    def _part_text(self, text: str, place: Place) -> str:
        if place is UNSHOWN:
            return ""
        lines = self._set_lines(text, place)
        if not lines or len(self.fillers) + len(lines) > _MAX_TOKENS:
            return text
        tokens = []
        for number, (line, width) in enumerate(lines, start=1):
            tokens.append(write_token(len(self.fillers)))
            shown = line if number == len(lines) else line + " "  # so that words stay apart when text is read out
            self.fillers.append(Filler(line, self._font.encode(shown), width, place.centred))
        return "\n".join(tokens)

    def _set_lines(self, text: str, place: Place) -> list[tuple[str, float]]:
        """Return the lines and their widths, or nothing when the text does not fit its place as it is."""
        widths = self._font.widths
        if not text or not widths.keys() >= set(text):
            return []
        room = place.width / place.size * 1000
        spread = 1000 * TRACKING if place.bold else 0.0
        whole = sum(map(widths.__getitem__, text))
        if whole + spread * len(text) <= room:
            return [(text, whole)]
        return [] if place.lines == 1 else self._break(text, place.lines, room)

    def _break(self, text: str, most: int, room: float) -> list[tuple[str, float]]:
        """Return the lines of a text that is not bold, broken at its blanks as soon as they are full."""
        widths = self._font.widths
        blank = widths[" "]
        lines: list[tuple[str, float]] = []
        words: list[str] = []
        used = 0.0
        for word in text.split(" "):
            width = sum(map(widths.__getitem__, word))
            if not word or width > room:
                return []
            if words and used + blank + width > room:
                lines.append((" ".join(words), used))
                words, used = [], 0.0
            used += width + (blank if words else 0.0)
            words.append(word)
        lines.append((" ".join(words), used))
        return lines if len(lines) <= most else []
