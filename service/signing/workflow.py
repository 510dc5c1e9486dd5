"""Signs every slot that is open for one signer, in both formats, document by document.

Work is found from the rows, so a run that was stopped anywhere goes on where it was: a document's new files and its
rows change in one transaction, and a file is whole before a row names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.progress import Advance, no_progress
from service.signing.batching import Approval, sign_pass
from service.signing.desk import SigningDesk, find_staff_codes
from service.signing.evidence_store import put_evidence
from service.signing.opening import OpenSlot, SlotName, build_task, find_open_slots, open_slots
from service.signing.saving import SignedSlot, SigningRecord, save_signed
from service.transcripts.repository import DocumentKey
from signing.batch import FormatResult, SigningResult, SigningTask, WorkerLost, sign_batch
from transcript_core.errors import KeyUnavailable, StateError, TranscriptError
from transcript_core.policy import SignatureFormat, SignatureLevel
from transcript_core.render.appearance import Appearance

CHUNK: Final = 25
"""Documents that the seal signs, then saves in one transaction; what a crash can lose is signed again, never twice."""

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
        StoreFull: the document store cannot be written; what was signed before is saved.
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
        """Sign until nothing is open that was not tried, or the key is gone."""
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
            if any(isinstance(error, KeyUnavailable) for error in done.failed.values()):
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


def sign_chunk(
    desk: SigningDesk,
    todo: Sequence[SlotName],
    build_appearance: Callable[[OpenSlot], Appearance],
    *,
    actor: str,
    report: SigningReport,
    prepare_pdf: Callable[[OpenSlot], bytes] | None = None,
    columns: Callable[[OpenSlot], Mapping[str, object]] | None = None,
) -> None:
    """Sign these slots under one approval and save them in one transaction.

    Args:
        prepare_pdf: what the PDF becomes before it is signed; the seal adds everybody's evidence.
        columns: further columns of the document's row, saved with it.
    """
    found, failed = open_slots(desk.workspace, todo)
    report.failed.extend(failed)
    timestamped = any(one.slot.rule.level is not SignatureLevel.B_B for one in found)
    evidence = desk.evidence_with_timestamps if timestamped else desk.evidence
    opened, tasks = _build_tasks(found, build_appearance, prepare_pdf, report)
    results = sign_batch(
        tasks,
        desk.signer,
        check=desk.check,
        at=desk.at,
        evidence=evidence,
        timestamps=desk.services.timestamps,
    )
    done = [_Done(one, result, columns) for one, result in zip(opened, results, strict=True)]
    evidence_sha256 = put_evidence(desk.workspace.store, evidence)
    _save(desk, done, evidence_sha256=evidence_sha256, actor=actor, report=report)


def _build_tasks(
    found: Sequence[OpenSlot],
    build_appearance: Callable[[OpenSlot], Appearance],
    prepare_pdf: Callable[[OpenSlot], bytes] | None,
    report: SigningReport,
) -> tuple[list[OpenSlot], list[SigningTask]]:
    """Return what can be signed, and the tasks for it, in the same order."""
    opened, tasks = [], []
    for one in found:
        with_pdf = SignatureFormat.PADES in one.missing
        try:
            ready = replace(one, pdf=prepare_pdf(one)) if with_pdf and prepare_pdf is not None else one
            task = build_task(ready, build_appearance(ready) if with_pdf else None)
        except TranscriptError as error:
            report.failed.append((*one.name, error))
            continue
        opened.append(ready)
        tasks.append(task)
    return opened, tasks


@dataclass(frozen=True, slots=True)
class _Done:
    """A slot with what became of it."""

    slot: OpenSlot
    result: SigningResult
    columns: Callable[[OpenSlot], Mapping[str, object]] | None

    @property
    def error(self) -> TranscriptError | None:
        """What stopped a format; a slot that demands a timestamp and got none counts as stopped."""
        errors = [one.error or self._find_refusal(one) for one in self.result.formats.values()]
        return next((error for error in errors if error is not None), None)

    def keep(self, desk: SigningDesk) -> SignedSlot:
        """Store what is to be kept; a signature that lacks the timestamp its slot demands is not."""
        files = {
            kind: desk.workspace.store.put(one.document)
            for kind, one in self.result.formats.items()
            if one.document is not None and self._find_refusal(one) is None
        }
        columns = {} if self.columns is None else self.columns(self.slot)
        return SignedSlot(self.slot.stored, self.slot.slot.slot_id, files, columns)

    def _find_refusal(self, one: FormatResult) -> TranscriptError | None:
        demanded = self.slot.slot.rule.demanded_level is not SignatureLevel.B_B
        return one.timestamp_problem if demanded else None


def _save(desk: SigningDesk, done: Sequence[_Done], *, evidence_sha256: str, actor: str, report: SigningReport) -> None:
    kept = [one.keep(desk) for one in done]
    record = SigningRecord(actor, desk.at, desk.signer.certificate.sha256.hex(), evidence_sha256)
    errors = save_signed(desk.workspace, [one for one in kept if one.files], record)
    for one in done:
        problem = one.error or errors.get(one.slot.name)
        if problem is None:
            report.signed.append(one.slot.name)
        else:
            report.failed.append((*one.slot.name, problem))
