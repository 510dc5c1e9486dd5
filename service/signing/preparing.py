"""Deferred signing, first phase: the digests of everything that is open for a certificate whose key is elsewhere.

One approval signs, of each document, every slot that is open for this person in XML and one of them in the PDF: a
second signature of a PDF covers the first, so its digest exists only when the first is attached.  That PDF place waits
for the next approval, as does a PDF that somebody else signs meanwhile.

What is prepared is what the review shows, document by document: one whose content is another by then is refused, one
that came since waits for the next list.  The review travels in the list, whose digest covers it.

Eligibility is checked here and again when the values come back.  Chain and revocation status are fetched now and kept,
so attaching needs no network; `BATCH_LIFETIME` bounds how old they may become.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, NoReturn

from service import audit
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.signing import batches
from service.signing.batches import SigningBatch
from service.signing.batching import Approval
from service.signing.description import cut_content
from service.signing.desk import SigningDesk, SigningServices
from service.signing.evidence_store import put_evidence
from service.signing.lists import (
    CertificateFacts,
    ListedDigest,
    ListedReview,
    ListHead,
    SigningList,
    check_list,
    digest_list,
)
from service.signing.opening import OpenSlot, SlotName, build_task, open_slots
from service.signing.review import Review, build_review
from service.signing.review_text import describe
from service.signing.workplace import AppearanceCache, ChangedSinceReview
from service.transcripts.repository import DocumentKey
from service.workspace import Workspace
from signing.batch import prepare_task
from signing.signer import Pending, SigningIdentity
from transcript_core.errors import Conflict, InputError, KeyUnavailable, NotEligible, TranscriptError
from transcript_core.identifiers import generate_serial
from transcript_core.limits import MAX_LISTED_DIGESTS
from transcript_core.pki.algorithms import SignatureAlgorithm, algorithm_for, fits_key
from transcript_core.pki.certificates import Certificate
from transcript_core.policy import SignatureFormat

BATCH_LIFETIME: Final = timedelta(hours=24)
"""From prepare to the last attach: long enough to carry a list to the machine with the key and back, short enough that
the signing time stated and the revocation status fetched at prepare still hold."""


KEEP_EXPIRED: Final = timedelta(hours=24)
"""For which a batch stays after its end, so that values which come too late are told why they are refused."""

_CHUNK: Final = 25
"""Slots that are opened and kept at a time; a document with its files has about 1 MiB."""


class NothingToSign(Conflict):
    """No slot is open for this certificate."""

    code = "nothing-to-sign"


class NothingSignable(Conflict):
    """Slots are open for this certificate, but none can be signed now; `refused` says why."""

    code = "nothing-signable"

    def __init__(self, problem: str, refused: Sequence[Refusal]) -> None:
        super().__init__(problem)
        self.refused = tuple(refused)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A slot that was not prepared."""

    key: DocumentKey
    slot_id: str
    error: TranscriptError


@dataclass(frozen=True, slots=True)
class AbsentSigner:
    """Stands where a signer does while its key is on another machine.  Implements `signing.signer.Signer`."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    algorithm: SignatureAlgorithm

    @property
    def list_size(self) -> int | None:
        """Any number: nothing is signed here."""
        return None

    def sign_digests(self, digests: Sequence[bytes]) -> NoReturn:
        """Refuse.  Raises: KeyUnavailable, always."""
        raise KeyUnavailable(f"the key for these {len(digests)} digests is on another machine")

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch that waits for its values."""

    head: ListHead
    refused: tuple[Refusal, ...]
    contested: int  # documents whose PDF waits in another batch too; the first to be attached wins
    left_over: int  # slots beyond MAX_LISTED_DIGESTS; they wait for the next batch


def build_identity(certificates: Sequence[Certificate], algorithm: SignatureAlgorithm | None = None) -> SigningIdentity:
    """Return the identity of a signer whose key is elsewhere.

    Args:
        certificates: the signer's first, then the CA certificates above it, issuer first.
        algorithm: None: the usual one of the certificate's kind of key.

    Raises:
        InputError: no certificate, or an algorithm that its key cannot sign with.
        TrustMaterialError: a key that is too weak or of another kind.
    """
    if not certificates:
        raise InputError("the signer's certificate is needed")
    certificate, *chain = certificates
    chosen = algorithm or algorithm_for(certificate)
    if not fits_key(chosen, certificate.public_key):
        raise InputError(f"the key of this certificate cannot sign with {chosen.value}")
    return SigningIdentity(certificate, tuple(chain), chosen)


def open_absent_desk(workspace: Workspace, identity: SigningIdentity, services: SigningServices) -> SigningDesk:
    """Return a desk for the holder of this certificate, now."""
    signer = AbsentSigner(identity.certificate, identity.chain, identity.algorithm)
    return SigningDesk(workspace, signer, services, workspace.clock.now())


def build_list_review(desk: SigningDesk, *, school_code: str, class_name: str | None = None) -> Review:
    """Return the review of all that a list for the holder of the desk's certificate would hold.

    Raises:
        NotEligible: the certificate is a seal's, or belongs to nobody in the authority list.
    """
    _refuse_seal(desk)
    return build_review(desk, school_code=school_code, class_name=class_name).open_now


def prepare_batch(desk: SigningDesk, review: Review, *, actor: str, advance: Advance = no_progress) -> PreparedBatch:
    """Prepare what a review shows for the holder of the desk's certificate, and keep what attaching will need.

    Args:
        review: of `build_list_review`, at this desk.

    Raises:
        NothingToSign: it shows nothing.
        NothingSignable: nothing of what it shows can be signed now.
        NotEligible: the certificate by itself may not sign.
        EvidenceUnavailable: chain or revocation status could not be fetched, so nothing may be signed.
    """
    todo = [(one.key, one.slot_id) for one in review.slots]
    if not todo and not review.unreadable:
        raise NothingToSign("nothing is open for the holder of this certificate")
    evidence_sha256 = put_evidence(desk.workspace.store, desk.evidence)
    batch = SigningBatch(
        batch_id=generate_serial(),
        school_code=review.school_code,
        class_name=review.class_name,
        identity=SigningIdentity.of(desk.signer),
        evidence_sha256=evidence_sha256,
        prepared_at=desk.at,
        expires_at=desk.at + BATCH_LIFETIME,
        review=ListedReview.of(review.digest, describe(review)),
    )
    sweep_batches(desk.workspace)
    with transaction(desk.workspace.sessions) as session:
        batches.add_batch(session, batch)
    work = _Preparation(desk, batch, review.contents)
    work.refused += [Refusal(one.key, "", one.error) for one in review.unreadable]
    for start in range(0, len(todo), _CHUNK):
        work.prepare(todo[start : start + _CHUNK])
        advance(len(todo[start : start + _CHUNK]))
    return work.finish(actor)


def sweep_batches(workspace: Workspace) -> int:
    """Remove the batches whose end is KEEP_EXPIRED ago; return how many were removed."""
    with transaction(workspace.sessions) as session:
        return batches.remove_expired(session, before=workspace.clock.now() - KEEP_EXPIRED)


def drop_batch(workspace: Workspace, batch_id: str, *, actor: str) -> None:
    """Give a batch up; what was attached stays, and nothing more of it can be attached.

    Raises:
        NotFound: there is none of this id, or none any more.
    """
    with transaction(workspace.sessions) as session:
        batches.get_batch(session, batch_id)
        batches.remove_batch(session, batch_id)
        audit.record(session, at=workspace.clock.now(), actor=actor, action="drop-batch", subject=batch_id)


def load_list(workspace: Workspace, batch_id: str) -> SigningList:
    """Return the list that goes to the machine with the key, whole.

    Raises:
        NotFound: there is no such batch, or none any more.
    """
    with transaction(workspace.sessions) as session:
        batch = batches.get_batch(session, batch_id)
        digests = batches.list_digests(session, batch_id, limit=MAX_LISTED_DIGESTS)
    return check_list(build_head(batch), digests)


def build_head(batch: SigningBatch) -> ListHead:
    """Return what a list says of all its digests."""
    return ListHead(
        batch_id=batch.batch_id,
        school_code=batch.school_code,
        class_name=batch.class_name,
        certificate=CertificateFacts.of(batch.identity.certificate),
        algorithm=batch.identity.algorithm,
        signing_time=batch.prepared_at,
        expires_at=batch.expires_at,
        documents=batch.documents,
        digests=batch.digests,
        review=batch.review,
        list_sha256=batch.list_sha256 or b"",
    )


def _refuse_seal(desk: SigningDesk) -> None:
    identity = desk.signer.certificate.identity
    seals = (seal for school in desk.workspace.get_authority().schools for seal in school.seals)
    if identity is not None and any(seal.identity == identity for seal in seals):
        raise NotEligible(
            "a school's seal signs more than digests of a list; run: hocba issue",
            reason="seal",
            text_vi="Con dấu của trường không ký qua danh sách; hãy dùng lệnh hocba issue.",
        )


@dataclass
class _Preparation:
    """One batch on its way: its digests, and what was refused."""

    desk: SigningDesk
    batch: SigningBatch
    reviewed: Approval  # what was shown
    digests: list[ListedDigest] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    left_over: int = 0
    _queued: set[DocumentKey] = field(default_factory=set)  # documents whose PDF is signed by this batch

    def __post_init__(self) -> None:
        self._appearances = AppearanceCache(self.desk.at)

    def prepare(self, todo: Sequence[SlotName]) -> None:
        """Prepare these slots and keep their pendings, in one transaction."""
        opened, failed = open_slots(self.desk.workspace, todo)
        self.refused += [Refusal(*one) for one in failed]
        made = [pair for slot in opened for pair in self._prepare(slot)]
        with transaction(self.desk.workspace.sessions) as session:
            batches.add_pendings(session, self.batch.batch_id, made)

    def finish(self, actor: str) -> PreparedBatch:
        """Let the batch be found, or remove it when nothing could be prepared."""
        documents = len({(one.serial, one.version) for one in self.digests})
        done = replace(self.batch, documents=documents, digests=len(self.digests))
        head = build_head(replace(done, list_sha256=digest_list(build_head(done), self.digests)))
        with transaction(self.desk.workspace.sessions) as session:
            if not self.digests:
                batches.remove_batch(session, done.batch_id)
            else:
                batches.finish_batch(
                    session,
                    done.batch_id,
                    documents=done.documents,
                    digests=done.digests,
                    list_sha256=head.list_sha256,
                )
                told = f"{done.digests} digests of {done.documents} documents, list {head.code}"
                audit.record(
                    session,
                    at=self.desk.at,
                    actor=actor,
                    action="prepare-batch",
                    subject=done.batch_id,
                    detail=told,
                )
        if not self.digests:
            first = self.refused[0]
            raise NothingSignable(
                f"of the {len(self.refused)} slots that are open for this certificate none can be signed now; "
                f"document {first.key}, slot {first.slot_id}: {first.error}",
                self.refused,
            )
        return PreparedBatch(head, tuple(self.refused), self._count_contested(), self.left_over)

    def _prepare(self, one: OpenSlot) -> list[tuple[ListedDigest, Pending]]:
        key = one.stored.key
        formats = tuple(kind for kind in one.missing if kind is SignatureFormat.XADES or key not in self._queued)
        if not formats:
            return []
        if len(self.digests) + len(formats) > MAX_LISTED_DIGESTS:
            self.left_over += 1
            return []
        try:
            self._check_reviewed(one)
            pendings = self._ask(one, formats)
        except TranscriptError as error:
            self.refused.append(Refusal(key, one.slot.slot_id, error))
            return []
        if SignatureFormat.PADES in formats:
            self._queued.add(key)
        return [(self._list(one, kind, pending), pending) for kind, pending in pendings.items()]

    def _check_reviewed(self, one: OpenSlot) -> None:
        if hashlib.sha256(cut_content(one.xml)).hexdigest() != self.reviewed[one.name]:
            raise ChangedSinceReview(f"document {one.stored.key} changed since the review; prepare again")

    def _ask(self, one: OpenSlot, formats: tuple[SignatureFormat, ...]) -> dict[SignatureFormat, Pending]:
        appearance = self._appearances.build(one) if SignatureFormat.PADES in formats else None
        task = build_task(replace(one, missing=formats), appearance)
        prepared = prepare_task(task, self.batch.identity, check=self.desk.check, at=self.desk.at)
        for error in prepared.errors.values():
            raise error
        return dict(prepared.pendings)

    def _list(self, one: OpenSlot, kind: SignatureFormat, pending: Pending) -> ListedDigest:
        listed = ListedDigest(
            number=len(self.digests) + 1,
            serial=one.stored.key.serial,
            version=one.stored.key.version,
            slot_id=one.slot.slot_id,
            format=kind,
            class_name=one.stored.class_name,
            pupil_code=one.stored.pupil_code,
            digest=pending.digest,
        )
        self.digests.append(listed)
        return listed

    def _count_contested(self) -> int:
        contested: set[DocumentKey] = set()
        keys = sorted(self._queued, key=str)
        with transaction(self.desk.workspace.sessions) as session:
            for start in range(0, len(keys), _CHUNK):
                contested |= batches.list_contested(
                    session, keys[start : start + _CHUNK], batch_id=self.batch.batch_id, at=self.desk.at
                )
        return len(contested)
