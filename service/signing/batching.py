"""One pass of a person's approval: every slot that is open now goes through the batch engine and is saved in chunks.

The engine's workers store the signed files; this process alone writes to the database.  A chunk's files are durable
before their rows change, and its rows change in one transaction, so a process that is killed anywhere loses nothing
that was told as done.  What was signed and not saved is signed again by the next run, under the same slot: no row and
no document ever holds two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from service.progress import Advance
from service.signing.desk import SigningDesk, get_trust
from service.signing.evidence_store import put_evidence
from service.signing.opening import SlotName, SlotWork, load_work
from service.signing.saving import SignedSlot, SigningRecord, save_signed
from service.signing.workplace import Assignment, Finished, StoreWorkplace
from service.store import StoreFull
from service.transcripts.repository import DocumentKey
from signing.batch import Terms, Workplace, choose_workers, sign_named
from signing.eligibility import SignerCheck
from signing.signer import SigningIdentity
from transcript_core.authority import AuthorityList
from transcript_core.errors import TranscriptError
from transcript_core.model import SlotRole
from transcript_core.policy import SignatureFormat, SignatureLevel, list_policies

Approval: TypeAlias = Mapping[SlotName, str]
"""What a person approved: (document, slot Id) → SHA-256 of the document's content, in hex, as a review shows it."""

SAVED_AT_ONCE: Final = 64
"""Documents saved in one transaction: their rows take about 20 ms, the commit's write to the disk 5 ms."""

_ROWS_AT_ONCE: Final = 256
"""Rows read at once, a few chunks ahead of the engine."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the slots of one pass are signed: a person's, or the seal's, which adds to its documents."""

    workplace: Workplace[Assignment, Finished]
    timestamped: bool  # whether time-stamping authorities are asked; from this process alone
    list_columns: Callable[[DocumentKey], Mapping[str, object]] = lambda _: {}  # to save with a document's row
    chunk_size: int | None = None  # documents; None: as suits the key


@dataclass(slots=True)
class PassReport:
    """What one pass did."""

    signed: list[SlotName] = field(default_factory=list)  # in every format that was missing
    failed: dict[SlotName, TranscriptError] = field(default_factory=dict)


def sign_pass(
    desk: SigningDesk,
    todo: Sequence[SlotName],
    *,
    school_code: str,
    approval: Approval | None = None,
    actor: str,
    advance: Advance,
    workers: int | None = None,
    manner: Manner | None = None,
) -> PassReport:
    """Sign these slots, at most one of each document, and save them.

    When the store or the database cannot be written, the pass stops: what was saved before stays, and every slot that
    could not be kept or was not tried any more is named as failed with StoreFull.

    Args:
        approval: what was reviewed; another content is refused by name.  None: all is approved.
        workers: processes to use; None: as many as suit the number of slots and the policies.
        manner: None: as persons sign.

    Raises:
        EvidenceUnavailable, NotEligible: nothing may be signed with this certificate now.
    """
    if not todo:
        return PassReport()
    manner = manner or Manner(StoreWorkplace(desk.workspace.store, desk.at), _want_timestamps())
    try:
        return _Pass(desk, school_code, actor, advance, approval, manner).run(todo, workers)
    except StoreFull as full:  # not even the evidence could be kept
        return PassReport(failed={name: full.name(_describe(name)) for name in todo})


class _Pass:
    """One pass on its way."""

    def __init__(
        self,
        desk: SigningDesk,
        school_code: str,
        actor: str,
        advance: Advance,
        approval: Approval | None,
        manner: Manner,
    ) -> None:
        self._desk = desk
        self._approval = approval
        self._advance = advance
        self._manner = manner
        self._terms = _build_terms(desk, school_code, timestamped=manner.timestamped)
        evidence = self._terms.evidence
        assert evidence is not None
        self._record = SigningRecord(
            actor, desk.at, desk.signer.certificate.sha256.hex(), put_evidence(desk.workspace.store, evidence)
        )
        self._under_way: dict[tuple[str, int, str], SlotWork] = {}
        self._report = PassReport()
        self._full: StoreFull | None = None  # why nothing can be kept any more

    def run(self, todo: Sequence[SlotName], workers: int | None) -> PassReport:
        """Sign and save; what is finished is saved even when the pass is broken off or ends at a full disk."""
        finished: list[Finished] = []
        work = sign_named(
            self._list_assignments(todo),
            self._manner.workplace,
            self._desk.signer,
            terms=self._terms,
            timestamps=self._desk.services.timestamps if self._manner.timestamped else None,
            workers=self._choose_workers(len(todo), workers),
            chunk_size=self._manner.chunk_size,
        )
        try:
            with closing(work):
                for one in work:
                    finished.append(one)
                    if isinstance(one.error, StoreFull):
                        self._full = one.error
                    if len(finished) == SAVED_AT_ONCE:
                        done, finished = finished, []
                        self._save(done)
                    if self._full is not None:
                        break
        finally:
            self._save(finished)
        if self._full is not None:
            told = {*self._report.signed, *self._report.failed}
            self._report.failed |= {name: self._full.name(_describe(name)) for name in todo if name not in told}
        return self._report

    def _choose_workers(self, count: int, workers: int | None) -> int:
        if self._manner.timestamped:  # the network is asked from here, and it is slower than one process
            return 0
        return choose_workers(count) if workers is None else workers

    def _list_assignments(self, todo: Sequence[SlotName]) -> Iterator[Assignment]:
        for start in range(0, len(todo), _ROWS_AT_ONCE):
            for work in load_work(self._desk.workspace, todo[start : start + _ROWS_AT_ONCE]):
                assignment = _assign(work, None if self._approval is None else self._approval.get(work.name, ""))
                self._under_way[_name(assignment)] = work
                yield assignment

    def _save(self, finished: Sequence[Finished]) -> None:
        """Save what was signed in one transaction, and note what became of every slot."""
        works = [self._under_way.pop(_name(one.assignment)) for one in finished]
        signed = [
            SignedSlot(work.stored, work.slot_id, one.files, self._manner.list_columns(work.stored.key))
            for work, one in zip(works, finished, strict=True)
            if one.files
        ]
        try:
            errors = save_signed(self._desk.workspace, signed, self._record) if signed else {}
        except StoreFull as full:
            self._full = full
            errors = {one.name: full for one in signed}
        for work, one in zip(works, finished, strict=True):
            problem = one.error or errors.get(work.name)
            if problem is None:
                self._report.signed.append(work.name)
            else:
                told = problem.name(_describe(work.name)) if isinstance(problem, StoreFull) else problem
                self._report.failed[work.name] = told
        self._advance(len(finished))


def _assign(work: SlotWork, approved_sha256: str | None) -> Assignment:
    stored = work.stored
    files: Mapping[SignatureFormat, str] = {
        SignatureFormat.XADES: stored.xml_sha256,
        SignatureFormat.PADES: stored.pdf_sha256,
    }
    return Assignment(stored.key.serial, stored.key.version, work.slot_id, files, work.missing, approved_sha256)


def _name(assignment: Assignment) -> tuple[str, int, str]:
    return assignment.serial, assignment.version, assignment.slot_id


def _describe(name: SlotName) -> str:
    return f"document {name[0]}, slot {name[1]}"


def _want_timestamps() -> bool:
    """Return whether any policy here aims at more than B-B for a person's slot; the seal has a way of its own."""
    rules = [rule for policy in list_policies() for rule in policy.rules if rule.role is not SlotRole.SEAL]
    return any(rule.level is not SignatureLevel.B_B for rule in rules)


def _build_terms(desk: SigningDesk, school_code: str, *, timestamped: bool) -> Terms:
    identity = SigningIdentity.of(desk.signer)
    check = SignerCheck(
        identity.certificate,
        authority=_narrow(desk.workspace.get_authority(), school_code, identity.certificate.identity),
        trust=get_trust(desk.workspace),
        evidence=desk.evidence,
        at=desk.at,
    )
    evidence = desk.evidence_with_timestamps if timestamped else desk.evidence
    return Terms(identity, check, desk.at, evidence)


def _narrow(authority: AuthorityList, school_code: str, identity: str | None) -> AuthorityList:
    """Return what of the list concerns this school and the signer: a province's whole list would be sent to workers."""
    staff = tuple(
        person
        for person in authority.staff
        if identity in person.identities or any(office.school_code == school_code for office in person.offices)
    )
    return replace(authority, staff=staff)
