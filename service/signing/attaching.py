"""Deferred signing, last phase: values from another machine are verified and put into their documents.

The state is looked up by the batch's id; of what came back only the values are used, so an edited file can attach
nothing else than what was prepared.  Each value stands alone: what does not verify, or does not fit any more, is
refused by document, slot and format, and the rest goes on.  Attaching the same values again changes nothing.

A PDF's digest is a lease: when another signature came first, that PDF answers StaleDigest and its place waits for the
next approval.  An XML signature covers its own parts only and is attached to the newer document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from service import audit
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.signing import batches
from service.signing.batches import SigningBatch, StoredPending
from service.signing.desk import get_trust
from service.signing.evidence_store import get_evidence
from service.signing.jsonlines import SigningListInvalid
from service.signing.lists import BatchExpired
from service.signing.opening import SlotName
from service.signing.saving import SignedSlot, SigningRecord, save_signed
from service.signing.values import SignedValue
from service.signing.workplace import Assignment, StoreWorkplace
from service.store import StoreFull
from service.transcripts import slot_repository
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.workspace import Workspace
from signing.batch import FormatResult, PreparedTask, SigningTask, attach_task
from signing.eligibility import SignerCheck, check_certificate
from signing.signer import check_value
from signing.timestamp import TimestampClient
from transcript_core.errors import Conflict, NotFound, SlotNotReady, StaleDigest, TranscriptError
from transcript_core.policy import SignatureFormat
from transcript_core.xml import StoredDocument as StoredXml

SlotState: TypeAlias = tuple[StoredDocument, tuple[SignatureFormat, ...]]  # as its rows have it: (document, missing)

_CHUNK: Final = 128
"""Values, two for most documents, whose files are made durable at once and whose rows are saved in one transaction."""

_ATTEMPTS: Final = 5
"""To read a document that others sign at the same moment."""


class AttachOutcome(StrEnum):
    """What became of one value."""

    ATTACHED = "attached"
    ALREADY = "already-attached"  # by an earlier attach of the same batch; nothing was changed
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AttachResult:
    """What became of one value, under the name it came with."""

    value: SignedValue
    outcome: AttachOutcome
    error: TranscriptError | None = None  # why it was refused


def result_to_dict(result: AttachResult) -> dict[str, Any]:
    """Return what became of a value as plain values; the same for the command and over HTTP."""
    plain: dict[str, Any] = {
        "number": result.value.number,
        "serial": result.value.serial,
        "version": result.value.version,
        "slot": result.value.slot_id,
        "format": result.value.format.value,
        "outcome": result.outcome.value,
    }
    return plain if result.error is None else plain | {"code": result.error.code, "detail": str(result.error)}


@dataclass(frozen=True, slots=True)
class AttachReport:
    """What one attach did."""

    results: tuple[AttachResult, ...]  # one for each value, in the order they came
    open: int  # digests of the batch that are not signed yet


@dataclass(frozen=True, slots=True)
class _Given:
    """A value with the pending of the batch that it is for."""

    place: int  # among the values that came, from 0
    value: SignedValue
    stored: StoredPending

    @property
    def slot(self) -> SlotName:
        """Return document and slot."""
        return self.stored.key, self.stored.listed.slot_id


def get_open_batch(workspace: Workspace, batch_id: str) -> SigningBatch:
    """Return a batch whose time is not over.

    Raises:
        NotFound: there is none of this id, or none any more.
        BatchExpired: its time is over.
    """
    with transaction(workspace.sessions) as session:
        batch = batches.get_batch(session, batch_id)
    if workspace.clock.now() >= batch.expires_at:
        raise BatchExpired(
            f"the signing batch expired at {batch.expires_at:%Y-%m-%d %H:%M} UTC; prepare what is still open again"
        )
    return batch


def attach_values(
    workspace: Workspace,
    batch: SigningBatch,
    values: Sequence[SignedValue],
    *,
    timestamps: TimestampClient | None = None,
    actor: str,
    advance: Advance = no_progress,
) -> AttachReport:
    """Put values into their documents and tell of each what became of it.

    Args:
        batch: of `get_open_batch`.
        timestamps: asked for slots whose policy aims at more than B-B.

    Raises:
        NotEligible: the certificate has run out since prepare.
        AuthorityListInvalid, TrustMaterialError: nobody's right to sign can be checked.
        NotFound, Conflict: the evidence that was fetched at prepare is gone from the store.
    """
    check_certificate(batch.identity.certificate, at=workspace.clock.now())
    work = _Attachment(workspace, batch, actor, timestamps)
    ordered = sorted(enumerate(values), key=lambda one: one[1].number)  # an XML before its PDF, whatever came first
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        work.attach(chunk)
        advance(len(chunk))
    return work.finish()


@dataclass
class _Attachment:
    """One attach on its way."""

    workspace: Workspace
    batch: SigningBatch
    actor: str
    timestamps: TimestampClient | None
    results: dict[int, AttachResult] = field(default_factory=dict)  # by the place where the value came
    _taken: set[int] = field(default_factory=set)  # numbers that had their value

    def __post_init__(self) -> None:
        batch = self.batch
        self._evidence = get_evidence(self.workspace.store, batch.evidence_sha256)
        self._workplace = StoreWorkplace(self.workspace.store, batch.prepared_at)
        self._check = SignerCheck(
            batch.identity.certificate,
            authority=self.workspace.get_authority(),
            trust=get_trust(self.workspace),
            evidence=self._evidence,
            at=batch.prepared_at,
        )
        self._record = SigningRecord(
            self.actor,
            signed_at=batch.prepared_at,
            certificate_sha256=batch.identity.certificate.sha256.hex(),
            evidence_sha256=batch.evidence_sha256,
            recorded_at=self.workspace.clock.now(),
        )

    def attach(self, chunk: Sequence[tuple[int, SignedValue]]) -> None:
        """Verify and attach these values; every one of them has a result afterwards."""
        slots: dict[SlotName, dict[SignatureFormat, _Given]] = {}
        for one in self._accept(chunk):
            slots.setdefault(one.slot, {})[one.value.format] = one
        while slots:
            wave: dict[DocumentKey, SlotName] = {}  # one slot of each document: the second is attached to the first
            for name in slots:
                wave.setdefault(name[0], name)
            self._attach({name: slots.pop(name) for name in wave.values()})

    def finish(self) -> AttachReport:
        """Return what was done, and write it down."""
        done = sum(1 for one in self.results.values() if one.outcome is AttachOutcome.ATTACHED)
        with transaction(self.workspace.sessions) as session:
            left = batches.count_open(session, self.batch.batch_id)
        with suppress(StoreFull), transaction(self.workspace.sessions) as session:  # each document has lines of its own
            audit.record(
                session,
                at=self.workspace.clock.now(),
                actor=self.actor,
                action="attach-batch",
                subject=self.batch.batch_id,
                detail=f"{done} of {len(self.results)} values attached",
            )
        return AttachReport(tuple(self.results[place] for place in sorted(self.results)), left)

    def _accept(self, chunk: Sequence[tuple[int, SignedValue]]) -> Iterator[_Given]:
        """Yield the values that belong to this batch, verify, and are not attached yet."""
        with transaction(self.workspace.sessions) as session:
            known = batches.load_pendings(session, self.batch.batch_id, [value.number for _, value in chunk])
            attached = batches.list_attached(session, self.batch, {one.key for one in known.values()})
        for place, value in chunk:
            try:
                one = _Given(place, value, self._find_pending(known, value))
                check_value(one.stored.pending, value.value, self.batch.identity)
                self._take(one.stored)
            except TranscriptError as error:
                self.results[place] = AttachResult(value, AttachOutcome.REFUSED, error)
                continue
            if (*one.slot, value.format) in attached:
                self.results[place] = AttachResult(value, AttachOutcome.ALREADY)
            else:
                yield one

    @staticmethod
    def _find_pending(known: Mapping[int, StoredPending], value: SignedValue) -> StoredPending:
        stored = known.get(value.number)
        if stored is None or stored.listed.name != value.name:
            raise SigningListInvalid(f"the list has nothing of this name under number {value.number}")
        return stored

    def _take(self, stored: StoredPending) -> None:
        if stored.listed.number in self._taken:
            raise SigningListInvalid(f"{stored.listed.where}: it has two values; the first one counts")
        self._taken.add(stored.listed.number)

    def _attach(self, wave: Mapping[SlotName, Mapping[SignatureFormat, _Given]]) -> None:
        """Attach to one slot of each document and, once all their files are durable, save them in one transaction."""
        with transaction(self.workspace.sessions) as session:
            rows = slot_repository.load_for_signing(session, list(wave))
        signed: list[SignedSlot] = []
        for name, given in wave.items():
            try:
                signed.append(self._attach_slot(name, given, rows.get(name)))
            except TranscriptError as error:
                self._refuse(given.values(), error)
        errors = self._save([one for one in signed if one.files])
        for one in signed:
            self._tell(wave[one.name], one, errors.get(one.name))
        self._look_again([one for given in wave.values() for one in given.values()])

    def _save(self, signed: Sequence[SignedSlot]) -> Mapping[SlotName, TranscriptError]:
        """Make the files durable, then let the rows name them; return what was not saved, and why."""
        if not signed:
            return {}
        try:
            self.workspace.store.sync()
            return save_signed(self.workspace, signed, self._record)
        except StoreFull as full:
            return {one.name: full.name(f"document {one.stored.key}, slot {one.slot_id}") for one in signed}

    def _attach_slot(
        self, name: SlotName, given: Mapping[SignatureFormat, _Given], row: SlotState | None
    ) -> SignedSlot:
        """Return the slot with the new files of those formats that could be attached; the others are refused here."""
        key, slot_id = name
        if row is None or row[0].state is not DocumentState.LOCKED:
            raise Conflict(f"document {key}, slot {slot_id}: unlocked, replaced or issued since prepare; prepare again")
        (stored, missing), task = self._open(name, row, given)
        self._refuse_untimely(name, given, missing)
        files: dict[SignatureFormat, str] = {}
        for kind, result in self._attach_formats(task, given).items():
            try:
                files[kind] = self._store(result)
            except TranscriptError as error:
                self._refuse((given[one] for one in task.formats if one not in files), error)
                break  # a PDF is kept only beside its XML
        return SignedSlot(stored, slot_id, files)

    def _open(
        self, name: SlotName, row: SlotState, given: Mapping[SignatureFormat, _Given]
    ) -> tuple[SlotState, SigningTask]:
        """Return a slot as its rows have it now, and the task of attaching to it what can be.

        Files are gone when another signature came first since the row was read; then the row is read again.
        """
        for _ in range(_ATTEMPTS):
            try:
                return row, self._workplace.open(_assign(name, row, given))
            except NotFound:
                with transaction(self.workspace.sessions) as session:
                    newer = slot_repository.load_for_signing(session, [name]).get(name, row)
                if newer == row:
                    raise
                row = newer
        raise Conflict(f"document {name[0]}, slot {name[1]}: others sign it all the time; send the value again")

    def _refuse_untimely(
        self, name: SlotName, given: Mapping[SignatureFormat, _Given], missing: Sequence[SignatureFormat]
    ) -> None:
        """Refuse what another action has signed by now, and a PDF without its XML."""
        where = f"document {name[0]}, slot {name[1]}"
        for kind, one in given.items():
            if kind not in missing:
                self._refuse([one], SlotNotReady(f"{where}: the {kind.value} was signed by another action"))
            elif kind not in _list_possible(given, missing):
                self._refuse([one], SlotNotReady(f"{where}: the PDF is signed only beside its XML"))

    def _attach_formats(
        self, task: SigningTask, given: Mapping[SignatureFormat, _Given]
    ) -> Mapping[SignatureFormat, FormatResult]:
        """Return the documents with the signatures; whether this person may sign is asked again before."""
        assert isinstance(task.xml, StoredXml)
        signed = task.xml.list_signed_slots()
        if SignatureFormat.XADES not in task.formats:
            signed -= {task.slot.slot_id}
        self._check.check(task.slot, slots=task.slots, signed=signed)
        return attach_task(
            PreparedTask(task, None, {kind: given[kind].stored.pending for kind in task.formats}, {}),
            {kind: given[kind].value.value for kind in task.formats},
            identity=self.batch.identity,
            evidence=self._evidence,
            timestamps=self.timestamps,
        ).formats

    def _store(self, result: FormatResult) -> str:
        """Return the digest of the stored file, durable with the next sync.  Raises: what stopped the format."""
        if result.opened is None:
            assert result.error is not None
            raise result.error
        return self.workspace.store.put_later(result.opened)

    def _look_again(self, given: Sequence[_Given]) -> None:
        """Tell of what was refused only because another attach of the same batch was faster that it is attached."""
        lost = [one for one in given if self.results[one.place].outcome is AttachOutcome.REFUSED]
        if not lost:
            return
        with transaction(self.workspace.sessions) as session:
            attached = batches.list_attached(session, self.batch, {one.stored.key for one in lost})
        for one in lost:
            if (*one.slot, one.value.format) in attached:
                self.results[one.place] = AttachResult(one.value, AttachOutcome.ALREADY)

    def _refuse(self, given: Iterable[_Given], error: TranscriptError) -> None:
        for one in given:
            self.results.setdefault(one.place, AttachResult(one.value, AttachOutcome.REFUSED, error))

    def _tell(self, given: Mapping[SignatureFormat, _Given], one: SignedSlot, error: TranscriptError | None) -> None:
        """Note what became of the formats of one slot; a stale PDF leaves the XML attached."""
        for kind in one.files:
            refused = error is not None and not (isinstance(error, StaleDigest) and kind is SignatureFormat.XADES)
            outcome = AttachOutcome.REFUSED if refused else AttachOutcome.ATTACHED
            value = given[kind]
            self.results[value.place] = AttachResult(value.value, outcome, error if refused else None)


def _list_possible(
    given: Mapping[SignatureFormat, _Given], missing: Sequence[SignatureFormat]
) -> tuple[SignatureFormat, ...]:
    """Return the formats that are open and have a value, the XML first; a PDF is signed only beside its XML."""
    possible = tuple(kind for kind in SignatureFormat if kind in given and kind in missing)
    if SignatureFormat.XADES in missing and SignatureFormat.XADES not in possible:
        return ()
    return possible


def _assign(name: SlotName, row: SlotState, given: Mapping[SignatureFormat, _Given]) -> Assignment:
    (key, slot_id), (stored, missing) = name, row
    files = {SignatureFormat.XADES: stored.xml_sha256, SignatureFormat.PADES: stored.pdf_sha256}
    return Assignment(key.serial, key.version, slot_id, files, _list_possible(given, missing))
