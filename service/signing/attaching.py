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
from service.signing.opening import OpenSlot, SlotName, SlotWork, open_slot
from service.signing.saving import SignedSlot, SigningRecord, save_signed
from service.signing.values import SignedValue
from service.store import StoreFull
from service.transcripts import repository
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.workspace import Workspace
from signing import pades, xades
from signing.eligibility import SignerCheck, check_certificate
from signing.signer import Pending, PendingFormat, check_value
from signing.timestamp import TimestampClient, name_refusal
from transcript_core.errors import Conflict, NotFound, SlotNotReady, StaleDigest, TimestampRefused, TranscriptError
from transcript_core.policy import SignatureFormat, SignatureLevel, Slot
from transcript_core.xml import list_signed_slots

SlotState: TypeAlias = tuple[StoredDocument, tuple[SignatureFormat, ...]]  # as its rows have it: (document, missing)

_CHUNK: Final = 50
"""Values, two for most documents, that are saved in one transaction."""


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
                check_value(one.stored.pending, value.value, self.batch.identity.certificate)
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
        """Attach to one slot of each document and save them in one transaction."""
        with transaction(self.workspace.sessions) as session:
            rows = repository.load_for_signing(session, list(wave))
        signed: list[SignedSlot] = []
        for name, given in wave.items():
            try:
                signed.append(self._attach_slot(name, given, rows.get(name)))
            except TranscriptError as error:
                self._refuse(given.values(), error)
        try:
            errors = save_signed(self.workspace, [one for one in signed if one.files], self._record)
        except StoreFull as full:
            errors = {one.name: full.name(f"document {one.stored.key}, slot {one.slot_id}") for one in signed}
        for one in signed:
            self._tell(wave[one.name], one, errors.get(one.name))
        self._look_again([one for given in wave.values() for one in given.values()])

    def _attach_slot(
        self, name: SlotName, given: Mapping[SignatureFormat, _Given], row: SlotState | None
    ) -> SignedSlot:
        """Return the slot with the new files of those formats that could be attached; the others are refused here."""
        key, slot_id = name
        if row is None or row[0].state is not DocumentState.LOCKED:
            raise Conflict(f"document {key}, slot {slot_id}: unlocked, replaced or issued since prepare; prepare again")
        opened = self._open(name, row)
        stored, missing = opened.stored, opened.missing
        files: dict[SignatureFormat, str] = {}
        xml_problem: TranscriptError | None = None
        if SignatureFormat.XADES in missing:
            xml_problem = SlotNotReady(f"document {key}, slot {slot_id}: the PDF is signed only beside its XML")
        for kind in (one for one in SignatureFormat if one in given):
            try:
                if kind not in missing:
                    raise SlotNotReady(f"document {key}, slot {slot_id}: the {kind.value} was signed by another action")
                if kind is SignatureFormat.PADES and xml_problem is not None:
                    raise xml_problem
                files[kind] = self.workspace.store.put(self._attach_format(opened, kind, given[kind]))
            except TranscriptError as error:
                self._refuse([given[kind]], error)
                xml_problem = error if kind in missing else xml_problem
            else:
                xml_problem = None
        return SignedSlot(stored, slot_id, files)

    def _open(self, name: SlotName, row: SlotState) -> OpenSlot:
        """Return the slot with its files; they are gone when another signature came first since the row was read."""
        for _ in range(_ATTEMPTS):
            try:
                return open_slot(self.workspace.store, SlotWork(row[0], name[1], row[1]))
            except NotFound:
                with transaction(self.workspace.sessions) as session:
                    newer = repository.load_for_signing(session, [name]).get(name, row)
                if newer == row:
                    raise
                row = newer
        raise Conflict(f"document {name[0]}, slot {name[1]}: others sign it all the time; send the value again")

    def _attach_format(self, opened: OpenSlot, kind: SignatureFormat, one: _Given) -> bytes:
        """Return the document with the signature; whether this person may sign is asked again before."""
        signed = list_signed_slots(opened.xml)
        if kind is SignatureFormat.PADES:
            signed -= {opened.slot.slot_id}
        self._check.check(opened.slot, slots=opened.document.slots, signed=signed)
        pending, value, identity = one.stored.pending, one.value.value, self.batch.identity
        token = self._ask_timestamp(opened.slot, pending, value)
        if kind is SignatureFormat.PADES:
            return pades.attach(opened.pdf, pending, value, identity=identity, timestamp=token)
        return xades.attach(opened.xml, pending, value, identity=identity, evidence=self._evidence, timestamp=token)

    def _ask_timestamp(self, slot: Slot, pending: Pending, value: bytes) -> bytes | None:
        """Return a token when the slot aims at one; without it only a slot that demands it is refused."""
        if slot.rule.level is SignatureLevel.B_B:
            return None
        imprint = pades.timestamp_imprint if pending.format is PendingFormat.PADES else xades.timestamp_imprint
        try:
            if self.timestamps is None:
                raise TimestampRefused("no time-stamping authority is configured; set HOCBA_TSA_URLS")
            return self.timestamps.request(imprint(pending, value))
        except TimestampRefused as refused:
            if slot.rule.demanded_level is not SignatureLevel.B_B:
                raise name_refusal(pending.where, refused) from refused
            return None

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
