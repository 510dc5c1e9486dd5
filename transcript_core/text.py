"""Vietnamese text from outside: one Unicode form, single blanks, nothing that deceives the reader.

TCVN 6909:2001 text arrives composed or decomposed, with trailing blanks and invisible characters; everything that is
kept is NFC (Unicode Standard Annex 15).  Keys are for comparing only and are never shown or stored.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from transcript_core.tables import normalize_name

_INVISIBLE: Final = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")  # grave, acute, tilde, hook above, dot below
_PARENTHESES: Final = re.compile(r"\([^)]*\)")
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def clean_text(text: str) -> str:
    """Return `text` in NFC, without invisible characters, with single blanks and none at the ends."""
    visible = "".join(character for character in text if character not in _INVISIBLE)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def find_forbidden(text: str) -> str | None:
    """Return the first character that no signed text may hold, as "U+202E", or None.

    Controls cannot be written in XML 1.0; marks that turn the writing direction make people read another text than the
    one that is signed.
    """
    for character in text:
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            return f"U+{ord(character):04X}"
    return None


def fold_name(text: str) -> str:
    """Return the key under which two spellings of a person's name meet.

    Unicode form, blanks, letter case and the letter that carries a syllable's tone do not count: "Hòa" and "Hoà" are
    one name, "Hoa" is another.
    """
    return " ".join(_move_tone(word) for word in clean_text(text).casefold().split())


def _move_tone(word: str) -> str:
    letters = unicodedata.normalize("NFD", word)
    tones = "".join(letter for letter in letters if letter in _TONES)
    return "".join(letter for letter in letters if letter not in _TONES) + tones


def fold_header(text: str) -> str:
    """Return the key under which spellings of a column header or a title meet.

    Letter case, accents, punctuation, blanks and y for i do not count: "ĐĐG tx 1" and "ĐĐGtx1" are equal.
    """
    return normalize_name(text).replace(" ", "")


def drop_parentheses(text: str) -> str:
    """Return `text` without what stands in round brackets, such as a hint at the format."""
    return clean_text(_PARENTHESES.sub(" ", text))
