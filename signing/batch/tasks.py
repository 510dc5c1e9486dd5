"""One slot of one document in both formats: checked and prepared without a key, attached when the values are there.

A document succeeds or fails by itself: a result carries what was signed, the level that was reached, and the error of
each format that was not.  A format is attached only when its own value verifies, and a PDF only beside its XML, which
is the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signing import pades, xades
from signing.eligibility import SignerCheck
from signing.signer import Pending, PendingFormat, SigningIdentity, check_value
from signing.timestamp import TimestampClient
from transcript_core.errors import TimestampRefused, TranscriptError
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat, SignatureLevel, SigningPolicy, Slot
from transcript_core.render.appearance import Appearance
from transcript_core.xml import StoredDocument


@dataclass(frozen=True, slots=True)
class SigningTask:
    """One slot of one document, to be signed in one or both formats.

    Raises:
        ValueError: the PDF is to be signed and it or its appearance is not there.
    """

    key: str  # the caller's name for it; comes back in the result
    slot: Slot
    slots: tuple[Slot, ...]  # all of the document
    policy: SigningPolicy
    xml: bytes  # as stored; also when only the PDF is to be signed, since it says who has signed
    formats: tuple[SignatureFormat, ...]
    pdf: bytes | None = None  # as stored
    appearance: Appearance | None = None  # what the PDF's field will show

    def __post_init__(self) -> None:
        if SignatureFormat.PADES in self.formats and (self.pdf is None or self.appearance is None):
            raise ValueError(f"{self.key}: to sign the PDF, it and the appearance of the field are needed")


@dataclass(frozen=True, slots=True)
class FormatResult:
    """What became of one format of one document: `document` or `error`, never both."""

    document: bytes | None = field(repr=False)  # with the new signature
    level: SignatureLevel | None  # reached; may be lower than the policy's when no timestamp was to be had
    error: TranscriptError | None = None
    timestamp_problem: TimestampRefused | None = None  # why the signature stays at B-B; `extend` completes it


@dataclass(frozen=True, slots=True)
class SigningResult:
    """What became of one task."""

    key: str
    formats: Mapping[SignatureFormat, FormatResult]

    @property
    def signed(self) -> bool:
        """Return whether every format that was asked for is signed."""
        return all(result.error is None for result in self.formats.values())


@dataclass(frozen=True, slots=True)
class PreparedTask:
    """A task with the digests that wait for their values, or with what stopped it."""

    task: SigningTask
    stored: StoredDocument | None = field(repr=False)  # its XML, opened; None: it could not be
    pendings: Mapping[SignatureFormat, Pending]
    errors: Mapping[SignatureFormat, TranscriptError]

    @property
    def xml(self) -> bytes | StoredDocument:
        """Return the XML to attach to: as it was opened, or a newer one that the caller has put into the task."""
        if self.stored is None or self.stored.octets is not self.task.xml:
            return self.task.xml
        return self.stored


def prepare_task(task: SigningTask, identity: SigningIdentity, *, check: SignerCheck, at: datetime) -> PreparedTask:
    """Return the digests of a task.  An error stops this task alone and is in the result."""
    stored: StoredDocument | None = None
    pendings: dict[SignatureFormat, Pending] = {}
    try:
        stored = StoredDocument(task.xml)
        signed = stored.list_signed_slots()
        if SignatureFormat.XADES not in task.formats:
            signed -= {task.slot.slot_id}
        check.check(task.slot, slots=task.slots, signed=signed)
        for kind in (one for one in SignatureFormat if one in task.formats):
            pendings[kind] = _prepare(task, stored, kind, identity, at)
    except TranscriptError as error:
        return PreparedTask(task, stored, {}, dict.fromkeys(task.formats, error))
    return PreparedTask(task, stored, pendings, {})


def attach_task(
    prepared: PreparedTask,
    values: Mapping[SignatureFormat, bytes],
    *,
    identity: SigningIdentity,
    evidence: Evidence | None = None,
    timestamps: TimestampClient | None = None,
    timestamp_evidence: Evidence | None = None,
) -> SigningResult:
    """Return a task's result; the PDF is signed only when its XML is."""
    task = prepared.task
    results = {kind: FormatResult(None, None, error) for kind, error in prepared.errors.items()}
    failed: TranscriptError | None = None
    for kind, pending in prepared.pendings.items():
        if failed is not None:
            results[kind] = FormatResult(None, None, failed)
            continue
        results[kind] = _attach(
            prepared,
            pending,
            values[kind],
            identity=identity,
            evidence=evidence,
            timestamps=timestamps,
            timestamp_evidence=timestamp_evidence,
        )
        failed = results[kind].error
    return SigningResult(task.key, results)


def _prepare(
    task: SigningTask, stored: StoredDocument, kind: SignatureFormat, identity: SigningIdentity, at: datetime
) -> Pending:
    if kind is SignatureFormat.XADES:
        return xades.prepare(stored, task.slot, identity, at=at, policy=task.policy)
    assert task.pdf is not None
    assert task.appearance is not None
    return pades.prepare(task.pdf, task.slot, identity, at=at, appearance=task.appearance, policy=task.policy)


def _attach(
    prepared: PreparedTask,
    pending: Pending,
    value: bytes,
    *,
    identity: SigningIdentity,
    evidence: Evidence | None,
    timestamps: TimestampClient | None,
    timestamp_evidence: Evidence | None,
) -> FormatResult:
    task = prepared.task
    try:
        check_value(pending, value, identity.certificate)
        token, problem = _ask_timestamp(task, pending, value, timestamps)
        if pending.format is PendingFormat.XADES:
            document = xades.attach(
                prepared.xml,
                pending,
                value,
                identity=identity,
                evidence=evidence,
                timestamp=token,
                timestamp_evidence=timestamp_evidence,
            )
        else:
            assert task.pdf is not None
            document = pades.attach(task.pdf, pending, value, identity=identity, timestamp=token)
    except TranscriptError as error:
        return FormatResult(None, None, error)
    level = SignatureLevel.B_B if token is None else SignatureLevel.B_T
    return FormatResult(document, level, timestamp_problem=problem)


def _ask_timestamp(
    task: SigningTask, pending: Pending, value: bytes, timestamps: TimestampClient | None
) -> tuple[bytes | None, TimestampRefused | None]:
    """Return a token, or why there is none; an authority that is down never fails the signing itself."""
    if timestamps is None or task.slot.rule.level is SignatureLevel.B_B:
        return None, None
    imprint = xades.timestamp_imprint if pending.format is PendingFormat.XADES else pades.timestamp_imprint
    try:
        return timestamps.request(imprint(pending, value)), None
    except TimestampRefused as refused:
        return None, refused
