"""Step 4: what the department's signed authority list says of a signer (`transcript_core.authority`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from transcript_core.authority import AuthorityAnswer, AuthorityList, check_slot
from transcript_core.model import Substitution
from transcript_core.policy import Slot
from verify.signature import SignatureFacts


def judge_authority(
    facts: SignatureFacts, judged_at: datetime, authority: AuthorityList | None
) -> AuthorityAnswer | None:
    """Return whether the signer was entitled on the day of signing; None without a list, a slot or a certificate.

    The day is the claimed one, which `time.plausible` holds against the proven time, and never later than that.
    """
    if authority is None or facts.slot is None or facts.certificate is None:
        return None
    at = judged_at if facts.signed_at is None else min(facts.signed_at, judged_at)
    identity = facts.certificate.identity
    if not is_assumed(facts.slot):
        return check_slot(authority, facts.slot, identity, at)
    answers = [check_slot(authority, slot, identity, at) for slot in _list_candidates(facts.slot, identity, authority)]
    return next((one for one in answers if one.entitled), answers[-1])


def is_assumed(slot: Slot) -> bool:
    """Return whether nobody said who must sign this slot: the manager's, in a PDF without its XML."""
    return slot.staff_code == ""


def _list_candidates(slot: Slot, identity: str | None, authority: AuthorityList) -> Iterator[Slot]:
    """Yield the slot as it would be for each office of whoever has this identity, and last as it is."""
    yield slot
    for person in authority.list_staff(slot.school_code):
        if identity not in person.identities:
            continue
        for office in person.offices:
            named = None if office.authority is None else Substitution(reason="", authority=office.authority)
            yield replace(slot, staff_code=person.staff_code, name=person.name, substitution=named)
