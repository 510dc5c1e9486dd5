"""Which authentication factors together are enough: the expression of CSC API 2.0, 11.4 (`auth/expression`).

Factors are joined by AND, OR and XOR, with parentheses; AND binds tighter.  Of alternatives the first is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from signing.keystores.csc.credential import Factor
from transcript_core.errors import KeyUnavailable

_MAX_CHARS: Final = 200
"""Characters of an expression; "PIN AND OTP" has 11.  Also bounds how deep parentheses nest."""

_WORDS: Final = re.compile(r"\s*([()]|[^\s()]+)")
_CHOICES: Final = frozenset({"OR", "XOR"})
_RESERVED: Final = frozenset({"AND", "OR", "XOR", "(", ")"})


def choose_factors(expression: str | None, factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """Return the factors to ask for: all of them without an expression.

    Raises:
        KeyUnavailable: the expression cannot be read, or names a factor that the service does not describe.
    """
    if expression is None:
        return tuple(factors)
    by_name = {factor.identifier: factor for factor in factors}
    names = _Expression(expression).read()
    if not by_name.keys() >= set(names):
        raise KeyUnavailable(
            "the credential's approval names an authentication factor that the service does not describe"
        )
    return tuple(by_name[name] for name in dict.fromkeys(names))


class _Expression:
    """A recursive-descent reader; each method consumes its part and returns the factors chosen in it."""

    def __init__(self, text: str) -> None:
        if len(text) > _MAX_CHARS:
            raise KeyUnavailable(f"the credential's approval has an expression of more than {_MAX_CHARS} characters")
        self._words = _WORDS.findall(text)[::-1]  # the next one is the last

    def read(self) -> list[str]:
        names = self._read_choice()
        if self._words:
            raise self._fail()
        return names

    def _read_choice(self) -> list[str]:
        first = self._read_all()
        while self._words and self._words[-1] in _CHOICES:
            self._words.pop()
            self._read_all()  # a sound alternative that is not needed
        return first

    def _read_all(self) -> list[str]:
        names = self._read_one()
        while self._words and self._words[-1] == "AND":
            self._words.pop()
            names = names + self._read_one()
        return names

    def _read_one(self) -> list[str]:
        word = self._words.pop() if self._words else ")"
        if word == "(":
            names = self._read_choice()
            if not self._words or self._words.pop() != ")":
                raise self._fail()
            return names
        if word in _RESERVED:
            raise self._fail()
        return [word]

    @staticmethod
    def _fail() -> KeyUnavailable:
        return KeyUnavailable("the credential's approval has an expression that cannot be read; ask the provider")
