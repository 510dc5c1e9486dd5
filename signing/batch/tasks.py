"""One slot of one document in both formats: checked and prepared without a key, attached when the values are there.

A document succeeds or fails by itself: a result carries what was signed, the level that was reached, and the error of
each format that was not.  A format is attached only when its own value verifies, and a PDF only beside its XML, which
is the original.

Documents stay opened from task to result: whoever gives an opened document in, or signs the result's document again,
never has it read or hashed a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from signing import pades, xades
from signing.eligibility import SignerCheck
from signing.pades import OpenPdf
from signing.signer import Pending, PendingFormat, SigningIdentity, check_value
from signing.timestamp import TimestampClient, name_refusal
from transcript_core.errors import TimestampRefused, TranscriptError
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat, SignatureLevel, SigningPolicy, Slot
from transcript_core.render.appearance import Appearance
from transcript_core.xml import StoredDocument

Wanted: TypeAlias = Mapping[SignatureFormat, Pending]
"""The digests of one document that wait for values; outside this process without their state."""

Answer: TypeAlias = Mapping[SignatureFormat, bytes | TranscriptError]
"""For each digest of one document its value, or why there is none."""


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
    xml: bytes | StoredDocument  # also when only the PDF is to be signed, since it says who has signed
    formats: tuple[SignatureFormat, ...]
    pdf: bytes | OpenPdf | None = None
    appearance: Appearance | None = None  # what the PDF's field will show

    def __post_init__(self) -> None:
        if SignatureFormat.PADES in self.formats and (self.pdf is None or self.appearance is None):
            raise ValueError(f"{self.key}: to sign the PDF, it and the appearance of the field are needed")


@dataclass(frozen=True, slots=True)
class FormatResult:
    """What became of one format of one document: `opened` or `error`, never both."""

    opened: StoredDocument | OpenPdf | None = field(repr=False)  # with the new signature; knows its own SHA-256
    level: SignatureLevel | None  # reached; may be lower than the policy aims at, never than it demands
    error: TranscriptError | None = None
    timestamp_problem: TimestampRefused | None = None  # why the signature stays at B-B; `extend` completes it

    @property
    def document(self) -> bytes | None:
        """Return the octets with the new signature, or None."""
        return None if self.opened is None else self.opened.octets


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
    opened_pdf: OpenPdf | None = field(default=None, repr=False)

    @property
    def xml(self) -> bytes | StoredDocument:
        """Return the XML to attach to: as it was opened, or a newer one that the caller has put into the task."""
        return self.stored if self.stored and self.stored.octets is _get_octets(self.task.xml) else self.task.xml

    @property
    def pdf(self) -> bytes | OpenPdf | None:
        """Return the PDF to attach to, in the same way."""
        opened, given = self.opened_pdf, self.task.pdf
        return opened if opened and isinstance(given, bytes) and opened.octets is given else given


def prepare_task(task: SigningTask, identity: SigningIdentity, *, check: SignerCheck, at: datetime) -> PreparedTask:
    """Return the digests of a task.  An error stops this task alone and is in the result."""
    stored: StoredDocument | None = None
    pdf: OpenPdf | None = None
    pendings: dict[SignatureFormat, Pending] = {}
    try:
        stored = task.xml if isinstance(task.xml, StoredDocument) else StoredDocument(task.xml)
        signed = stored.list_signed_slots()
        if SignatureFormat.XADES not in task.formats:
            signed -= {task.slot.slot_id}
        check.check(task.slot, slots=task.slots, signed=signed)
        if SignatureFormat.XADES in task.formats:
            pendings[SignatureFormat.XADES] = xades.prepare(stored, task.slot, identity, at=at, policy=task.policy)
        if SignatureFormat.PADES in task.formats:
            pdf, pendings[SignatureFormat.PADES] = _prepare_pdf(task, identity, at)
    except TranscriptError as error:
        return PreparedTask(task, stored, {}, dict.fromkeys(task.formats, error))
    return PreparedTask(task, stored, pendings, {}, pdf)


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


def _prepare_pdf(task: SigningTask, identity: SigningIdentity, at: datetime) -> tuple[OpenPdf, Pending]:
    assert task.pdf is not None
    assert task.appearance is not None
    pdf = task.pdf if isinstance(task.pdf, OpenPdf) else OpenPdf(task.pdf)
    pades.check_earlier(pdf, task.slot, task.slots)
    return pdf, pades.prepare(pdf, task.slot, identity, at=at, appearance=task.appearance, policy=task.policy)


def _get_octets(document: bytes | StoredDocument) -> bytes:
    return document.octets if isinstance(document, StoredDocument) else document


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
    opened: StoredDocument | OpenPdf
    try:
        token, problem = _ask_timestamp(prepared.task, pending, value, identity, timestamps)
        if pending.format is PendingFormat.XADES:
            opened = xades.attach_opened(
                prepared.xml,
                pending,
                value,
                identity=identity,
                evidence=evidence,
                timestamp=token,
                timestamp_evidence=timestamp_evidence,
            )
        else:
            assert prepared.pdf is not None
            opened = pades.attach_opened(prepared.pdf, pending, value, identity=identity, timestamp=token)
    except TranscriptError as error:
        return FormatResult(None, None, error)
    level = SignatureLevel.B_B if token is None else SignatureLevel.B_T
    return FormatResult(opened, level, timestamp_problem=problem)


def _ask_timestamp(
    task: SigningTask,
    pending: Pending,
    value: bytes,
    identity: SigningIdentity,
    timestamps: TimestampClient | None,
) -> tuple[bytes | None, TimestampRefused | None]:
    """Return a token, or why there is none; an authority that is down fails only a slot that demands its timestamp.

    Raises:
        TimestampRefused: this slot does, and later ones would wait for it in vain.
    """
    demanded = task.slot.rule.demanded_level is not SignatureLevel.B_B
    if timestamps is None and demanded:
        problem = f"{pending.where}: it demands a timestamp and no time-stamping authority is configured"
        raise TimestampRefused(problem, reason="not-configured")
    if timestamps is None or task.slot.rule.level is SignatureLevel.B_B:
        return None, None
    check_value(pending, value, identity)  # no request is spent on a value that will be refused
    imprint = xades.timestamp_imprint if pending.format is PendingFormat.XADES else pades.timestamp_imprint
    try:
        return timestamps.request(imprint(pending, value)), None
    except TimestampRefused as refused:
        named = name_refusal(pending.where, refused)
        if demanded:
            raise named from refused
        return None, named
