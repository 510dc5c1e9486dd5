"""The document store as the place that a batch works at, in this process and in worker processes.

What a worker imports is kept small on purpose: no database, no web.  It gets names of files and gives names of files
back; the process with the database saves them (`saving.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol, TypeAlias

from service.signing.description import DocumentDescription, cut_content, read_description
from service.store import DocumentStore
from signing.batch import SigningResult, SigningTask
from signing.pades import OpenPdf
from transcript_core.errors import Conflict, NotFound, SigningError, TranscriptError
from transcript_core.policy import SignatureFormat, Slot
from transcript_core.render.appearance import Appearance, build_person_appearance
from transcript_core.render.prepared import read_prepared
from transcript_core.xml import StoredDocument


class ChangedSinceReview(SigningError):
    """A document is not, or not any more, what the person approved; it is left out."""

    code = "changed-since-review"

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.text_vi = "Học bạ đã thay đổi hoặc mới xuất hiện sau khi rà soát; hãy rà soát lại rồi ký."


Files: TypeAlias = Mapping[SignatureFormat, str]
"""Format → SHA-256 of the stored file, in hex."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One slot that is to be signed; small, travels to a worker process."""

    serial: str
    version: int
    slot_id: str
    files: Files  # as the document's row names them now
    missing: tuple[SignatureFormat, ...]  # formats to sign
    approved_sha256: str | None = None  # of the content that was reviewed, in hex; None: whatever it is now


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of an assignment: the files that were stored, and what stopped a format."""

    assignment: Assignment
    files: Files = field(default_factory=dict)  # new files by format; none where it was not signed
    error: TranscriptError | None = None


class FieldOwner(Protocol):
    """A slot together with the PDF that has its field."""

    @property
    def slot(self) -> Slot:
        """The slot."""
        ...

    @property
    def pdf(self) -> bytes | OpenPdf | None:
        """The PDF as stored."""
        ...


@dataclass(frozen=True, slots=True)
class _SlotInPdf:
    slot: Slot
    pdf: OpenPdf


class AppearanceCache:
    """A person's appearance by its size and texts: made once and used for the whole action."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._made: dict[tuple[float, float, str, str], Appearance] = {}

    def build(self, one: FieldOwner) -> Appearance:
        """Return the appearance for this slot's field.

        Raises:
            NotFound: there is no PDF, or it has no field for the slot.
        """
        slot, pdf = one.slot, one.pdf
        form = pdf.form if isinstance(pdf, OpenPdf) else None if pdf is None else read_prepared(pdf)
        place = None if form is None else form.fields.get(slot.slot_id)
        if place is None:
            raise NotFound(f"the PDF has no field for slot {slot.slot_id}")
        key = (place.width, place.height, slot.name, slot.title)
        if key not in self._made:
            self._made[key] = build_person_appearance(
                place.width, place.height, name=slot.name, title=slot.title, signed_at=self._at
            )
        return self._made[key]


@dataclass(frozen=True)
class StoreWorkplace:
    """Opens slots from the document store and keeps what was signed there; implements `signing.batch.Workplace`."""

    store: DocumentStore
    at: datetime  # the signing time, for the appearances

    @cached_property
    def _appearances(self) -> AppearanceCache:
        return AppearanceCache(self.at)

    def open(self, name: Assignment) -> SigningTask:
        """Return the task.

        Raises:
            NotFound, Conflict: a file is gone or changed, or the document has no such slot.
            ChangedSinceReview: what was approved is another content.
            MalformedTranscript: the document cannot be read.
        """
        xml = self.store.open(name.files[SignatureFormat.XADES], StoredDocument)
        check_approved(name, xml.octets)
        document, slot = find_slot(xml.octets, name.slot_id)
        with_pdf = SignatureFormat.PADES in name.missing
        pdf = self.store.open(name.files[SignatureFormat.PADES], OpenPdf) if with_pdf else None
        return SigningTask(
            key=f"{name.serial}/{name.version}",
            slot=slot,
            slots=document.shared,
            policy=document.policy,
            xml=xml,
            formats=name.missing,
            pdf=pdf,
            appearance=None if pdf is None else self._appearances.build(_SlotInPdf(slot, pdf)),
        )

    def keep(self, name: Assignment, outcome: SigningResult | TranscriptError) -> Finished:
        """Store the signed documents; they are durable after `flush`."""
        if isinstance(outcome, TranscriptError):
            return Finished(name, error=outcome)
        files: dict[SignatureFormat, str] = {}
        error = next((one.error for one in outcome.formats.values() if one.error is not None), None)
        try:
            for kind, result in outcome.formats.items():
                if result.opened is not None:
                    files[kind] = self.store.put_later(result.opened)
        except TranscriptError as problem:
            error = problem
        return Finished(name, files, error)

    def flush(self) -> None:
        """Make durable what was stored.  Raises: StoreFull."""
        self.store.sync()


def check_approved(name: Assignment, xml: bytes) -> None:
    """Refuse a document whose content is not the one that was approved.  Raises: ChangedSinceReview."""
    if name.approved_sha256 in {None, hashlib.sha256(cut_content(xml)).hexdigest()}:
        return
    raise ChangedSinceReview(f"document {name.serial}/{name.version} changed since the review; review it again")


def find_slot(xml: bytes, slot_id: str) -> tuple[DocumentDescription, Slot]:
    """Return the description of a stored document and one of its slots.

    Raises:
        Conflict: the document has no such slot.
        MalformedTranscript: the document cannot be read.
    """
    document = read_description(xml)
    slot = document.find_slot(slot_id)
    if slot is None:
        raise Conflict(f"the document has no slot {slot_id}")
    return document, slot
