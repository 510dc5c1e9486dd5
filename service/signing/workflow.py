"""Signs every slot that is open for one signer, in both formats, document by document.

Work is found from the rows, so a run that was stopped anywhere goes on where it was: a document's new files and its
rows change in one transaction, and a file is whole before a row names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from service.progress import Advance, no_progress
from service.signing.batching import Approval, sign_pass
from service.signing.desk import SigningDesk, find_staff_codes
from service.signing.opening import SlotName, find_open_slots
from service.store import StoreFull
from service.transcripts.repository import DocumentKey
from signing.batch import WorkerLost
from transcript_core.errors import KeyUnavailable, StateError, TranscriptError

_PASSES: Final = 2
"""Times that a slot is tried in one action when another action or a lost worker was in its way."""


@dataclass(slots=True)
class SigningReport:
    """What one action did."""

    signed: list[SlotName] = field(default_factory=list)  # in both formats
    failed: list[tuple[DocumentKey, str, TranscriptError]] = field(default_factory=list)


def sign_open_slots(
    desk: SigningDesk,
    *,
    school_code: str,
    class_name: str | None = None,
    approval: Approval | None = None,
    actor: str,
    advance: Advance = no_progress,
    workers: int | None = None,
) -> SigningReport:
    """Sign all that is open for the holder of the desk's certificate; one bad document never stops the others.

    Args:
        approval: what was reviewed (`Review.contents`); documents that changed since are named as failed, slots that
            were not shown wait for the next review.  None: all that is open.
        workers: worker processes; None: as suits the number of documents.

    Raises:
        NotEligible: the authority list does not know the certificate's holder, or the certificate may not sign now.
        EvidenceUnavailable: chain or revocation status could not be fetched, so nothing may be signed.
    """
    staff_codes = find_staff_codes(desk.workspace.get_authority(), desk.signer.certificate.identity)
    return _Action(desk, staff_codes, school_code, class_name, approval, actor, advance, workers).run()


@dataclass(frozen=True, slots=True)
class _Action:
    """Everything that one person may sign now, pass by pass: signing a slot can open the next one."""

    desk: SigningDesk
    staff_codes: tuple[str, ...]
    school_code: str
    class_name: str | None
    approval: Approval | None
    actor: str
    advance: Advance
    workers: int | None

    def run(self) -> SigningReport:
        """Sign until nothing is open that was not tried, the key is gone, or nothing can be kept any more."""
        report = SigningReport()
        tried: Counter[SlotName] = Counter()
        failed: dict[SlotName, TranscriptError] = {}
        while todo := self._find([name for name in tried if not _may_retry(failed.get(name), tried[name])]):
            tried.update(todo)
            done = sign_pass(
                self.desk,
                todo,
                school_code=self.school_code,
                approval=self.approval,
                actor=self.actor,
                advance=self.advance,
                workers=self.workers,
            )
            report.signed += done.signed
            for name in done.signed:
                failed.pop(name, None)
            failed |= done.failed
            if any(isinstance(error, KeyUnavailable | StoreFull) for error in done.failed.values()):
                break
        report.failed += [(*name, error) for name, error in failed.items()]
        return report

    def _find(self, skip: Collection[SlotName]) -> list[SlotName]:
        """Return one slot of each document: signatures in one PDF come one after the other."""
        first: dict[DocumentKey, SlotName] = {}
        for staff_code in self.staff_codes:
            found = find_open_slots(
                self.desk.workspace,
                school_code=self.school_code,
                staff_code=staff_code,
                class_name=self.class_name,
                skip=frozenset(skip),
                only=self.approval,
            )
            for name in found:
                first.setdefault(name[0], name)
        return list(first.values())


def _may_retry(error: TranscriptError | None, tried: int) -> bool:
    """Return whether another try in the same action can succeed: what stood in the way was somebody else's work."""
    return (error is None or isinstance(error, StateError | WorkerLost)) and tried < _PASSES
