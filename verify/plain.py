"""Makes text from certificates, files and lists fit for a report: one line, nothing that moves, hides or turns it.

A name in a certificate is whatever its owner got certified.  A line end in it writes a line of the report, an escape
sequence clears the terminal, a mark of writing direction turns what stands beside it, and a long one pushes the answer
out of sight.  Unicode Standard, 4.5 (general category) and Annex 9 (direction).
"""

from __future__ import annotations

from typing import Final

MAX_NAME: Final = 120
"""Characters of a name; X.520 lets a common name have 64."""

MAX_SENTENCE: Final = 4_000
"""Characters of a finding; the longest honest ones name some dozens of objects of a file."""

_INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
_CUT: Final = "…"


def clean_line(text: str, limit: int = MAX_SENTENCE) -> str:
    """Return a text with a mark in place of every control, format, separator, private and unassigned character.

    `str.isprintable` is false for exactly those (categories Cc, Cf, Cs, Co, Cn, Zl, Zp, and blanks other than U+0020).
    """
    short = text if len(text) <= limit else text[: limit - 1] + _CUT
    if short.isprintable():
        return short
    return "".join(one if one.isprintable() else " " if one == "\N{NO-BREAK SPACE}" else _INSTEAD for one in short)


def clean_name(name: str) -> str:
    """Return the same of a name, which does not fill a sentence."""
    return clean_line(name, MAX_NAME)
