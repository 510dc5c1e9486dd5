"""State between the two phases that is kept as it was made, and written out only when somebody reads it.

A signature that is attached by the process that prepared it needs no text; one that waits for another approval is
written with its pending (`Pending.to_json`) and read back as plain values.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TypeAlias

StateValue: TypeAlias = str | int


class KeptState(Mapping[str, StateValue]):
    """A pending signature's state: equal to the plain values it is written as."""

    __slots__ = ()

    @abstractmethod
    def write(self) -> dict[str, StateValue]:
        """Return the state as plain values."""

    def __getitem__(self, name: str) -> StateValue:
        """Return one plain value.  Raises: KeyError, there is none of that name."""
        return self.write()[name]

    def __iter__(self) -> Iterator[str]:
        """Go over the names."""
        return iter(self.write())

    def __len__(self) -> int:
        """Return how many plain values there are."""
        return len(self.write())
