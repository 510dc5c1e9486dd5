"""What a signature says of its place and its signer besides the document: the same for all pupils of a class.

Texts that are made of it are made once and found again under it, for every document of an action.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final, NamedTuple

from transcript_core.model import SlotRole, Substitution
from transcript_core.policy import Slot, SlotRule


class Claims(NamedTuple):
    """Everything of a slot that its signature repeats.  The fields are those of `Slot`."""

    rule: SlotRule
    slot_id: str
    reference_ids: tuple[str, ...]
    name: str
    title: str
    class_name: str | None
    subject_code: str | None
    subject_name: str | None
    school_name: str
    substitution: Substitution | None

    @property
    def role(self) -> SlotRole:
        """Return the kind of slot."""
        return self.rule.role


_get_claims: Final = attrgetter(*Claims._fields)


def get_claims(slot: Slot) -> Claims:
    """Return what a signature in `slot` claims."""
    return Claims._make(_get_claims(slot))
