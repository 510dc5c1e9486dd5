"""Opens the slots that are to be signed: the row, the document's files, its description, what the field will show."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from service.db.engine import transaction
from service.signing.description import DocumentDescription
from service.signing.workplace import find_slot
from service.store import DocumentStore
from service.transcripts import slot_repository
from service.transcripts.repository import DocumentKey, StoredDocument
from service.workspace import Workspace
from signing.batch import SigningTask
from transcript_core.errors import TranscriptError
from transcript_core.policy import SignatureFormat, Slot
from transcript_core.render.appearance import Appearance

SlotName: TypeAlias = tuple[DocumentKey, str]
"""One slot of one document: (document, slot Id)."""


@dataclass(frozen=True, slots=True)
class SlotWork:
    """A slot that is to be signed, as its rows have it; small, holds no document."""

    stored: StoredDocument
    slot_id: str
    missing: tuple[SignatureFormat, ...]

    @property
    def name(self) -> SlotName:
        """Return document and slot."""
        return self.stored.key, self.slot_id


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """One open slot with its document's files."""

    stored: StoredDocument
    document: DocumentDescription
    slot: Slot
    xml: bytes
    pdf: bytes
    missing: tuple[SignatureFormat, ...]

    @property
    def name(self) -> SlotName:
        """Return document and slot."""
        return self.stored.key, self.slot.slot_id


def find_open_slots(
    workspace: Workspace,
    *,
    school_code: str,
    staff_code: str | None,
    class_name: str | None = None,
    skip: Collection[SlotName] = (),
    only: Collection[SlotName] | None = None,
) -> list[SlotName]:
    """Return the first open slot of each document for this person (None: the seal).

    One only, since signatures in one PDF come one after the other; the next is open when this one is signed.

    Args:
        skip: slots to leave out.
        only: slots to choose from; None: all.
    """
    with transaction(workspace.sessions) as session:
        found = slot_repository.list_open_slots(
            session, school_code=school_code, staff_code=staff_code, class_name=class_name
        )
    first: dict[DocumentKey, str] = {}
    for key, slot_id in found:
        if (key, slot_id) not in skip and (only is None or (key, slot_id) in only):
            first.setdefault(key, slot_id)
    return list(first.items())


def load_work(workspace: Workspace, wanted: Sequence[SlotName]) -> list[SlotWork]:
    """Return what the rows say of these slots, in their order; what has no row or is signed by now is left out."""
    with transaction(workspace.sessions) as session:
        found = slot_repository.load_for_signing(session, wanted)
    return [SlotWork(found[name][0], name[1], found[name][1]) for name in wanted if name in found and found[name][1]]


def open_slot(store: DocumentStore, work: SlotWork) -> OpenSlot:
    """Return a slot with its document's files.

    Raises:
        NotFound, Conflict: a file is gone or changed, or the document has no such slot.
        MalformedTranscript: the document cannot be read.
    """
    xml, pdf = store.get(work.stored.xml_sha256), store.get(work.stored.pdf_sha256)
    document, slot = find_slot(xml, work.slot_id)
    return OpenSlot(work.stored, document, slot, xml, pdf, work.missing)


def open_slots(
    workspace: Workspace, wanted: Sequence[SlotName]
) -> tuple[list[OpenSlot], list[tuple[DocumentKey, str, TranscriptError]]]:
    """Return the slots that can be opened, and those that cannot, each with its error."""
    opened, failed = [], []
    for work in load_work(workspace, wanted):
        try:
            opened.append(open_slot(workspace.store, work))
        except TranscriptError as error:
            failed.append((*work.name, error))
    return opened, failed


def build_task(one: OpenSlot, appearance: Appearance | None) -> SigningTask:
    """Return the task of signing what is missing in this slot.

    Args:
        appearance: what the PDF's field will show; needed when the PDF is to be signed.
    """
    with_pdf = SignatureFormat.PADES in one.missing
    return SigningTask(
        key=str(one.stored.key),
        slot=one.slot,
        slots=one.document.slots,
        policy=one.document.policy,
        xml=one.xml,
        formats=one.missing,
        pdf=one.pdf if with_pdf else None,
        appearance=appearance if with_pdf else None,
    )
