"""What a person should see before approving: how many documents, of which classes, and what is odd about them.

The review names every slot that an approval would sign, with a digest of its document's content.  An approval is for
exactly that: a document whose content changed since is left out and named, a slot that was not shown waits for the next
review.  Signatures of other people change nothing in the content, so they do not disturb an approval.

A person may have several slots in one document, and one of them may open only when they signed another, as that of a
homeroom teacher who teaches a subject too.  The review shows it when it waits for nobody else.

Nothing here decides anything: what is odd is told, the person decides.  Pupil codes and marks are for the screen of the
one who approves, and go into no log.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.db.engine import transaction
from service.schools import repository as schools
from service.signing.description import cut_content
from service.signing.desk import SigningDesk, find_sealed_school, find_staff_codes
from service.signing.evidence_store import get_evidence
from service.signing.opening import SlotName
from service.signing.review_marks import OddMark, SubjectMark, find_odd_marks, read_marks
from service.transcripts import repository, slot_repository
from service.transcripts.building import BuildOptions, build_current, get_transcript_document
from service.transcripts.repository import DocumentKey, StoredDocument
from service.transcripts.slot_repository import OwnSlot
from transcript_core.errors import TranscriptError
from transcript_core.model import SlotRole, Transcript
from transcript_core.policy import SignatureFormat
from transcript_core.records import PupilRecord, SchoolRecords

EXPIRY_NOTICE: Final = timedelta(days=30)
"""How long before its end a certificate is named: time enough to renew it before the next term's signing."""


_ROWS_AT_ONCE: Final = 256
"""Rows read in one query."""


@dataclass(frozen=True, slots=True)
class ReviewedSlot:
    """One slot that an approval signs."""

    key: DocumentKey
    slot_id: str
    role: str  # SlotRole
    follows: bool  # opens when this very approval has signed earlier slots; False: open now
    class_name: str
    pupil_code: str
    missing: tuple[SignatureFormat, ...]  # formats; none: sealed by a run that stopped before it was recorded
    content_sha256: str  # hex; over the document's octets in front of its signatures, which name the PDF's digest too


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How much of one class is signed."""

    class_name: str
    documents: int
    xml: int  # signatures
    pdf: int


@dataclass(frozen=True, slots=True)
class ReplacedDocument:
    """A document that takes the place of an issued one: parts changed since their teachers signed."""

    key: DocumentKey
    class_name: str
    pupil_code: str
    replaces: int  # version
    changed_parts: tuple[str, ...]  # Ids
    reason: str


@dataclass(frozen=True, slots=True)
class ChangedRecord:
    """A pupil whose imported records say something else than the locked document."""

    key: DocumentKey
    class_name: str
    pupil_code: str
    subjects: tuple[str, ...]  # codes whose results differ; empty: something else than results, or not buildable now


@dataclass(frozen=True, slots=True)
class MissingSigner:
    """Somebody who signs before this person and has not yet."""

    staff_code: str
    name: str  # as the authority list has it; "" when it does not
    role: str  # SlotRole
    documents: int  # that wait for them


@dataclass(frozen=True, slots=True)
class EndingCertificate:
    """A certificate that ends soon, or has ended."""

    holder: str  # common name
    own: bool  # the signer's own; else of somebody who signed one of the documents
    not_after: datetime
    documents: int  # that carry its signature; all of the review for the signer's own


@dataclass(frozen=True, slots=True)
class UnreadableDocument:
    """A document that cannot be reviewed and so is not signed by this approval."""

    key: DocumentKey
    error: TranscriptError


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that is shown before an approval."""

    school_code: str
    class_name: str | None
    made_at: datetime
    slots: tuple[ReviewedSlot, ...]  # those of one document in signing order
    json_signatures: int  # of the seal, one a document; a person's approval makes none
    classes: tuple[ClassCount, ...]
    replaced: tuple[ReplacedDocument, ...]
    records_changed: tuple[ChangedRecord, ...]
    missing: tuple[MissingSigner, ...]
    waiting: int  # documents with a slot of this person that waits for others
    odd_marks: tuple[OddMark, ...]
    certificates: tuple[EndingCertificate, ...]
    unreadable: tuple[UnreadableDocument, ...]

    @property
    def digest(self) -> bytes:
        """Return SHA-256 over serial, version, slot and content digest of every slot, in order; 32 raw bytes."""
        return digest_contents(self.contents)

    @property
    def contents(self) -> dict[SlotName, str]:
        """Return what an approval of this review is for: (document, slot Id) → digest of the document's content."""
        return {(one.key, one.slot_id): one.content_sha256 for one in self.slots}

    @property
    def documents(self) -> int:
        """Return how many documents are to be signed."""
        return len({one.key for one in self.slots})

    @property
    def open_now(self) -> Review:
        """Return the review of those slots alone that are open already."""
        slots = tuple(one for one in self.slots if not one.follows)
        return replace(self, slots=slots, classes=tuple(_count_classes(slots)))


def digest_contents(contents: Mapping[SlotName, str]) -> bytes:
    """Return the digest of a review that shows these slots, by the digests of their contents; 32 raw bytes."""
    lines = sorted(f"{key} {slot_id} {content}\n" for (key, slot_id), content in contents.items())
    return hashlib.sha256("".join(lines).encode("ascii", "backslashreplace")).digest()


def build_review(desk: SigningDesk, *, school_code: str, class_name: str | None = None) -> Review:
    """Return the review of all that is open now for the holder of the desk's certificate.

    Raises:
        NotEligible: the authority list does not know the certificate's holder.
    """
    codes = find_staff_codes(desk.workspace.get_authority(), desk.signer.certificate.identity)
    return _Reviewing(desk, school_code, class_name, codes).review()


def build_seal_review(desk: SigningDesk, *, class_name: str | None = None) -> Review:
    """Return the review of all that waits for the seal at the desk, sealed documents not yet recorded included.

    Raises:
        NotEligible: the certificate is no school's seal.
    """
    school_code = find_sealed_school(desk.workspace.get_authority(), desk.signer.certificate.identity)
    return _Reviewing(desk, school_code, class_name, None).review()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of one document."""

    stored: StoredDocument
    content_sha256: str
    marks: Sequence[SubjectMark]


class _Reviewing:
    """One review on its way."""

    def __init__(
        self, desk: SigningDesk, school_code: str, class_name: str | None, codes: tuple[str, ...] | None
    ) -> None:
        self._desk = desk
        self._workspace = desk.workspace
        self._school_code = school_code
        self._class_name = class_name
        self._authority = desk.workspace.get_authority()
        self._codes = codes  # None: the seal
        self._seen: dict[DocumentKey, _Seen] = {}
        self._unreadable: dict[DocumentKey, TranscriptError] = {}

    def review(self) -> Review:
        """Read every document once and look at it from all sides."""
        slots = tuple(self._read(self._list_slots()))
        seen = list(self._seen.values())
        documents = [one.stored for one in seen]
        missing, waiting = self._find_missing()
        return Review(
            school_code=self._school_code,
            class_name=self._class_name,
            made_at=self._desk.at,
            slots=slots,
            json_signatures=len(seen) if self._codes is None else 0,
            classes=tuple(_count_classes(slots)),
            replaced=tuple(self._find_replaced(documents)),
            records_changed=tuple(self._find_changed(documents)),
            missing=tuple(missing),
            waiting=waiting,
            odd_marks=tuple(self._find_odd(seen)),
            certificates=tuple(self._find_ending(documents)),
            unreadable=tuple(UnreadableDocument(key, error) for key, error in self._unreadable.items()),
        )

    def _list_slots(self) -> list[OwnSlot]:
        school_code, class_name = self._school_code, self._class_name
        with transaction(self._workspace.sessions) as session:
            if self._codes is not None:
                return slot_repository.list_reachable_slots(
                    session, school_code=school_code, staff_codes=self._codes, class_name=class_name
                )
            seal = SlotRole.SEAL.value
            found = slot_repository.list_sealed(session, school_code=school_code, seal_role=seal, class_name=class_name)
            found += slot_repository.list_open_slots(
                session, school_code=school_code, staff_code=None, class_name=class_name
            )
        return [OwnSlot(key, slot_id, seal, follows=False) for key, slot_id in found]

    def _read(self, slots: Sequence[OwnSlot]) -> Iterator[ReviewedSlot]:
        """Yield the slots whose documents can be read."""
        for start in range(0, len(slots), _ROWS_AT_ONCE):
            chunk = slots[start : start + _ROWS_AT_ONCE]
            with transaction(self._workspace.sessions) as session:
                found = slot_repository.load_for_signing(session, [(one.key, one.slot_id) for one in chunk])
            for one in chunk:
                if (row := found.get((one.key, one.slot_id))) is not None and self._look_into(row[0]):
                    yield _to_reviewed(one, row[1], self._seen[one.key])

    def _look_into(self, stored: StoredDocument) -> bool:
        """Read a document unless that was done; return whether it can be read."""
        if stored.key not in self._seen and stored.key not in self._unreadable:
            try:
                content = cut_content(self._workspace.store.get(stored.xml_sha256))
                self._seen[stored.key] = _Seen(stored, hashlib.sha256(content).hexdigest(), read_marks(content))
            except TranscriptError as error:
                self._unreadable[stored.key] = error
        return stored.key in self._seen

    def _find_missing(self) -> tuple[list[MissingSigner], int]:
        with transaction(self._workspace.sessions) as session:
            found, waiting = slot_repository.count_missing_before(
                session, school_code=self._school_code, staff_codes=self._codes, class_name=self._class_name
            )
        people = {code: self._authority.find_staff(code) for code, _ in found}
        missing = [
            MissingSigner(code, "" if (person := people[code]) is None else person.name, role, count)
            for (code, role), count in found.items()
        ]
        return sorted(missing, key=lambda one: (-one.documents, one.staff_code)), waiting

    def _find_replaced(self, documents: Iterable[StoredDocument]) -> Iterable[ReplacedDocument]:
        for one in documents:
            if one.key.version == 1:
                continue
            replaced = self._parse(one).replaces
            if replaced is not None:
                yield ReplacedDocument(
                    one.key, one.class_name, one.pupil_code, replaced.version, replaced.changed_parts, replaced.reason
                )

    def _find_changed(self, documents: Sequence[StoredDocument]) -> Iterable[ChangedRecord]:
        """Compare documents with the records that were imported after they were locked."""
        for school_year in sorted({one.school_year for one in documents}):
            with transaction(self._workspace.sessions) as session:
                year = schools.find_year(session, school_code=self._school_code, school_year=school_year)
            if year is None:
                continue
            pupils = {one.pupil_code: one for one in year.records.pupils}
            for one in documents:
                if one.school_year != school_year or one.locked_at >= year.imported_at:
                    continue
                subjects = self._compare(one, pupils.get(one.pupil_code), year.records)
                if subjects is not None:
                    yield ChangedRecord(one.key, one.class_name, one.pupil_code, subjects)

    def _compare(
        self, stored: StoredDocument, pupil: PupilRecord | None, records: SchoolRecords
    ) -> tuple[str, ...] | None:
        """Return the subjects whose results the records have otherwise, () when they have no document; None: alike."""
        signed = self._parse(stored)
        if pupil is None:
            return ()
        try:
            current = build_current(
                self._workspace,
                pupil,
                records=records,
                school=signed.school,
                options=BuildOptions(stage=signed.stage),
                serial=stored.key.serial,
                version=stored.key.version,
            )
        except TranscriptError:
            return ()
        before = {one.subject_code: replace(one, revision=1) for one in signed.subjects}
        now = {one.subject_code: replace(one, revision=1) for one in current.subjects}
        different = tuple(sorted(code for code in before | now if before.get(code) != now.get(code)))
        same_else = (signed.summary, signed.homeroom_comment) == (current.summary, current.homeroom_comment)
        return None if not different and same_else else different

    def _parse(self, stored: StoredDocument) -> Transcript:
        return get_transcript_document(self._workspace.store.get(stored.xml_sha256)).transcript

    def _find_odd(self, seen: Sequence[_Seen]) -> list[OddMark]:
        """Compare the marks to be signed with those of their whole class, of documents signed already too."""
        classes: dict[tuple[str, str], dict[str, Sequence[SubjectMark]]] = defaultdict(dict)
        shown = {(one.stored.school_year, one.stored.class_name, one.stored.pupil_code) for one in seen}
        for one in seen:
            classes[one.stored.school_year, one.stored.class_name][one.stored.pupil_code] = one.marks
        for (school_year, class_name), pupils in classes.items():
            for stored in self._list_class(school_year, class_name):
                if stored.pupil_code not in pupils:
                    pupils[stored.pupil_code] = self._read_marks(stored)
        odd = [
            (school_year, mark)
            for (school_year, class_name), pupils in sorted(classes.items())
            for mark in find_odd_marks(class_name, pupils)
        ]
        return [mark for year, mark in odd if (year, mark.class_name, mark.pupil_code) in shown]

    def _list_class(self, school_year: str, class_name: str) -> list[StoredDocument]:
        """Return the newest document of each pupil of a class."""
        with transaction(self._workspace.sessions) as session:
            found = repository.list_documents(
                session, school_code=self._school_code, school_year=school_year, class_name=class_name
            )
        return list({one.pupil_code: one for one in found}.values())

    def _read_marks(self, stored: StoredDocument) -> Sequence[SubjectMark]:
        try:
            return read_marks(cut_content(self._workspace.store.get(stored.xml_sha256)))
        except TranscriptError:
            return ()  # it is told where it is to be signed itself

    def _find_ending(self, documents: Sequence[StoredDocument]) -> list[EndingCertificate]:
        limit = self._desk.at + EXPIRY_NOTICE
        own = self._desk.signer.certificate
        ending = [EndingCertificate(own.common_name, True, own.not_after, len(documents))]
        with transaction(self._workspace.sessions) as session:
            used = slot_repository.count_certificates(session, [one.key for one in documents])
        for (certificate_sha256, evidence_sha256), count in used.items():
            chain = get_evidence(self._workspace.store, evidence_sha256).chain
            ending += [
                EndingCertificate(one.common_name, False, one.not_after, count)
                for one in chain
                if one.sha256.hex() == certificate_sha256
            ]
        return sorted((one for one in ending if one.not_after <= limit), key=lambda one: (not one.own, one.not_after))


def _to_reviewed(one: OwnSlot, missing: tuple[SignatureFormat, ...], seen: _Seen) -> ReviewedSlot:
    return ReviewedSlot(
        one.key,
        one.slot_id,
        one.role,
        one.follows,
        seen.stored.class_name,
        seen.stored.pupil_code,
        missing,
        seen.content_sha256,
    )


def _count_classes(slots: Sequence[ReviewedSlot]) -> list[ClassCount]:
    by_class = Counter(name for name, _ in {(one.class_name, one.key) for one in slots})
    formats = Counter((one.class_name, kind) for one in slots for kind in one.missing)
    return [
        ClassCount(name, by_class[name], formats[name, SignatureFormat.XADES], formats[name, SignatureFormat.PADES])
        for name in sorted(by_class)
    ]
