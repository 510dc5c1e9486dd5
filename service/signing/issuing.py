"""Seals documents and issues them: the seal in both formats, the JSON, then the record.

Documents go in waves.  The seals of a wave are signed in lists by the batch engine, and so are the signatures of its
JSON: a key whose holder approves each list is asked as seldom as can be.  The JSON names the document digest, which the
principal's signature fixed, so it is the same whenever it is signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.context import AppContext
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.signing.batching import Approval, sign_pass
from service.signing.description import cut_content
from service.signing.desk import SigningDesk, find_sealed_school, get_trust
from service.signing.extending import note_levels
from service.signing.opening import SlotName, find_open_slots
from service.signing.raising import Raiser
from service.signing.sealing import SealWorkplace, choose_wave
from service.signing.workplace import ChangedSinceReview
from service.store import StoreFull
from service.transcripts import repository, slot_repository
from service.transcripts.building import get_transcript_document
from service.transcripts.recording import NotVerified, SignedFiles, record_document
from service.transcripts.repository import DocumentKey, StoredDocument
from signing import jades
from signing.signer import Pending, SigningIdentity
from transcript_core.errors import KeyUnavailable, TranscriptError
from transcript_core.json import build_json
from transcript_core.model import SlotRole
from transcript_core.policy import SignatureFormat, SignatureLevel
from transcript_core.xml import document_digest

JSON_TYPE: Final = "hocba-transcript+jws"
"""The `typ` of the JWS that carries a transcript's JSON."""


@dataclass(slots=True)
class IssueReport:
    """What issuing did."""

    issued: list[DocumentKey] = field(default_factory=list)
    failed: list[tuple[DocumentKey, TranscriptError]] = field(default_factory=list)
    urls: dict[DocumentKey, str] = field(default_factory=dict)  # address in the QR code; never stored
    below_aim: list[tuple[DocumentKey, SignatureFormat, SignatureLevel]] = field(default_factory=list)
    """Issued documents whose seal lacks the timestamp that its policy aims at; `hocba extend` adds it."""


def issue_documents(
    context: AppContext,
    desk: SigningDesk,
    *,
    class_name: str | None = None,
    approval: Approval | None = None,
    actor: str,
    advance_sealed: Advance = no_progress,
    advance: Advance = no_progress,
) -> IssueReport:
    """Seal every document that waits for the seal, then verify and record it.

    A document that was sealed by a run that stopped before recording it is recorded now; its QR code stays valid,
    since the digest of its view secret was saved with the seal.  Once the key is gone or the store cannot be written,
    the remaining documents are named with that error and not tried.

    Args:
        approval: what was reviewed (`build_seal_review`); documents that changed since are named as failed, those that
            were not shown wait for the next review.  None: all that waits.
        advance_sealed: told of documents that are sealed, or failed before.
        advance: told of documents that are recorded, or failed.

    Raises:
        NotEligible: the certificate is no school's seal.
        EvidenceUnavailable: chain or revocation status could not be fetched, so nothing may be signed.
    """
    school_code = find_sealed_school(desk.workspace.get_authority(), desk.signer.certificate.identity)
    issuing = _Issuing(context, desk, school_code, class_name, approval, actor, advance_sealed, advance)
    issuing.run()
    return issuing.report


@dataclass(frozen=True, slots=True)
class _PreparedJson:
    """A sealed document with the JSON that waits for its signature."""

    stored: StoredDocument
    content: bytes = field(repr=False)
    pending: Pending


@dataclass
class _Issuing:
    """One action of the seal, wave by wave."""

    context: AppContext
    desk: SigningDesk
    school_code: str
    class_name: str | None
    approval: Approval | None
    actor: str
    advance_sealed: Advance
    advance: Advance
    report: IssueReport = field(default_factory=IssueReport)
    ended: KeyUnavailable | StoreFull | None = None  # why nothing more can be signed or kept

    def __post_init__(self) -> None:
        self._identity = SigningIdentity.of(self.desk.signer)
        self._workplace = SealWorkplace(self.desk)

    def run(self) -> None:
        """Record what is sealed already, then seal and record the rest."""
        size = choose_wave(self.desk.signer)
        for wave in _cut(self._list_sealed(), size):
            self._record([name[0] for name in wave if self._is_unchanged(name)])
        open_slots = find_open_slots(
            self.desk.workspace,
            school_code=self.school_code,
            staff_code=None,
            class_name=self.class_name,
            only=self.approval,
        )
        for wave in _cut(open_slots, size):
            self._record(self._seal(wave))

    def _list_sealed(self) -> list[SlotName]:
        with transaction(self.desk.workspace.sessions) as session:
            found = slot_repository.list_sealed(
                session,
                school_code=self.school_code,
                seal_role=SlotRole.SEAL.value,
                class_name=self.class_name,
            )
        return [name for name in found if self.approval is None or name in self.approval]

    def _is_unchanged(self, name: SlotName) -> bool:
        """Return whether a sealed document is the one that was approved; tell of it when it is not."""
        if self.approval is None:
            return True
        try:
            xml = self._read(name[0])[1].xml
            if hashlib.sha256(cut_content(xml)).hexdigest() == self.approval[name]:
                return True
            self._fail(name[0], ChangedSinceReview(f"document {name[0]} changed since the review; review it again"))
        except TranscriptError as error:
            self._fail(name[0], error)
        return False

    def _seal(self, wave: Sequence[SlotName]) -> list[DocumentKey]:
        """Seal a wave and return what is sealed now."""
        if self.ended is not None:
            self.advance_sealed(len(wave))
            for key, _ in wave:
                self._fail(key, self.ended)
            return []
        done = sign_pass(
            self.desk,
            wave,
            school_code=self.school_code,
            approval=self.approval,
            actor=self.actor,
            advance=self.advance_sealed,
            manner=self._workplace.build_manner(),
        )
        for (key, _), error in done.failed.items():
            self._fail(key, error)
        sealed = [key for key, _ in done.signed]
        self.report.urls |= {key: url for key in sealed if (url := self._workplace.find_url(key)) is not None}
        return sealed

    def _record(self, sealed: Sequence[DocumentKey]) -> None:
        """Sign the JSON of sealed documents in lists, then verify and record each."""
        prepared = [one for key in sealed if (one := self._prepare_json(key)) is not None]
        for one, value in zip(prepared, self._sign_json(prepared), strict=True):
            try:
                if isinstance(value, TranscriptError):
                    raise value
                self._record_one(one, value)
            except TranscriptError as error:
                self._fail(one.stored.key, error)
            else:
                self.report.issued.append(one.stored.key)
                self.advance(1)

    def _sign_json(self, prepared: Sequence[_PreparedJson]) -> Sequence[bytes | TranscriptError]:
        if self.ended is not None:
            return [self.ended] * len(prepared)
        return jades.sign_prepared([one.pending for one in prepared], self.desk.signer)

    def _prepare_json(self, key: DocumentKey) -> _PreparedJson | None:
        try:
            stored, files = self._read(key)
            content = build_json(get_transcript_document(files.xml).transcript)
            headers: dict[str, str | int] = {
                "typ": JSON_TYPE,
                "serial": key.serial,
                "version": key.version,
                "digest": document_digest(files.xml).hex(),
            }
            pending = jades.prepare(
                content, self._identity, headers=headers, at=self.desk.at, serial=key.serial, version=key.version
            )
        except TranscriptError as error:
            self._fail(key, error)
            return None
        return _PreparedJson(stored, content, pending)

    def _record_one(self, one: _PreparedJson, value: bytes) -> None:
        jws = jades.attach(one.content, one.pending, value, identity=self._identity)
        stored, files = self._read(one.stored.key)
        files = replace(files, jws=jws)
        try:
            record_document(self.context, files, view_secret_sha256=stored.view_secret_sha256, actor=self.actor)
        except NotVerified:
            completed = _complete(self.desk, files)
            if completed == files:
                raise
            files = completed
            record_document(self.context, files, view_secret_sha256=stored.view_secret_sha256, actor=self.actor)
        _note_aim(self.context, stored.key, files, self.report)

    def _read(self, key: DocumentKey) -> tuple[StoredDocument, SignedFiles]:
        """Return a document's row and its files; there is no JSON yet."""
        store = self.desk.workspace.store
        with transaction(self.desk.workspace.sessions) as session:
            stored = repository.get_document(session, key)
        return stored, SignedFiles(store.get(stored.xml_sha256), store.get(stored.pdf_sha256), b"")

    def _fail(self, key: DocumentKey, error: TranscriptError) -> None:
        told = error.name(f"document {key}") if isinstance(error, StoreFull) else error
        self.report.failed.append((key, told))
        self.advance(1)
        if isinstance(error, KeyUnavailable | StoreFull):
            self.ended = error


def _cut(names: Sequence[SlotName], size: int) -> Iterator[Sequence[SlotName]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _complete(desk: SigningDesk, files: SignedFiles) -> SignedFiles:
    """Return the files with the evidence of the authority that gave the timestamps, when it was not the one expected.

    Raises:
        EvidenceUnavailable: its status could not be fetched.
    """
    raiser = Raiser(desk.services, get_trust(desk.workspace), desk.workspace.clock)
    return replace(files, xml=raiser.complete_xml(files.xml), pdf=raiser.complete_pdf(files.pdf))


def _note_aim(context: AppContext, key: DocumentKey, files: SignedFiles, report: IssueReport) -> None:
    """Report the formats whose level is below what the seal's policy aims at."""
    aim = get_transcript_document(files.xml).policy.get_rule(SlotRole.SEAL).level
    levels = tuple(SignatureLevel)
    for kind, found in note_levels(context, key, files.xml, files.pdf).items():
        if found.level is not None and levels.index(found.level) < levels.index(aim):
            report.below_aim.append((key, kind, found.level))
