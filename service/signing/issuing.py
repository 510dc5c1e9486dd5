"""Seals documents and issues them: evidence into the PDF, the seal in both formats, the JSON, then the record."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from service.context import AppContext
from service.db.engine import transaction
from service.progress import Advance, no_progress
from service.signing.desk import SigningDesk, find_sealed_school, get_trust
from service.signing.evidence_store import get_evidence, list_evidence_digests
from service.signing.extending import note_levels
from service.signing.opening import OpenSlot
from service.signing.raising import Raiser
from service.signing.workflow import CHUNK, SigningReport, sign_chunk
from service.transcripts import repository
from service.transcripts.building import get_transcript_document
from service.transcripts.recording import NotVerified, SignedFiles, record_document
from service.transcripts.repository import DocumentKey
from signing.jades import sign_jws
from signing.pades import append_evidence
from transcript_core.errors import TranscriptError
from transcript_core.json import build_json
from transcript_core.model import SlotRole
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureFormat, SignatureLevel
from transcript_core.render.appearance import Appearance, build_seal_appearance
from transcript_core.render.prepared import read_prepared
from transcript_core.render.qr import build_qr_url
from transcript_core.xml import document_digest

JSON_TYPE: Final = "hocba-transcript+jws"
"""The `typ` of the JWS that carries a transcript's JSON."""

_VIEW_SECRET_BYTES: Final = 16


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
    actor: str,
    advance: Advance = no_progress,
) -> IssueReport:
    """Seal every document that waits for the seal, then verify and record it.

    A document that was sealed by a run that stopped before recording it is recorded now; its QR code stays valid,
    since the digest of its view secret was saved with the seal.

    Raises:
        NotEligible: the certificate is no school's seal.
        EvidenceUnavailable: chain or revocation status could not be fetched, so nothing may be signed.
    """
    school_code = find_sealed_school(desk.workspace.get_authority(), desk.signer.certificate.identity)
    report = IssueReport()
    sealing = _Sealing(desk, report)
    with transaction(desk.workspace.sessions) as session:
        todo = repository.list_open_slots(session, school_code=school_code, staff_code=None, class_name=class_name)
    for start in range(0, len(todo), CHUNK):
        signed = SigningReport()
        sign_chunk(
            desk,
            todo[start : start + CHUNK],
            sealing.build_appearance,
            actor=actor,
            report=signed,
            prepare_pdf=sealing.add_evidence,
            columns=sealing.list_columns,
        )
        report.failed.extend((key, error) for key, _, error in signed.failed)
        _record_sealed(context, desk, school_code, class_name, report, actor=actor, advance=advance)
    _record_sealed(context, desk, school_code, class_name, report, actor=actor, advance=advance)
    return report


class _Sealing:
    """What the seal adds to a PDF: everybody's evidence, and the QR code with a new view secret."""

    def __init__(self, desk: SigningDesk, report: IssueReport) -> None:
        self._desk = desk
        self._report = report
        self._evidence: dict[str, Evidence] = {}
        self._secrets: dict[DocumentKey, bytes] = {}

    def add_evidence(self, one: OpenSlot) -> bytes:
        """Return the PDF with the evidence of all its signers, which the seal then covers."""
        with transaction(self._desk.workspace.sessions) as session:
            digests = list_evidence_digests(session, one.stored.key)
        for digest_hex in digests:
            if digest_hex not in self._evidence:
                self._evidence[digest_hex] = get_evidence(self._desk.workspace.store, digest_hex)
        return append_evidence(
            one.pdf, [*(self._evidence[one_] for one_ in digests), self._desk.evidence_with_timestamps]
        )

    def build_appearance(self, one: OpenSlot) -> Appearance:
        """Return the seal's appearance with the QR code of this document."""
        place = read_prepared(one.pdf).fields[one.slot.slot_id]
        return build_seal_appearance(
            place.width,
            place.height,
            school_name=one.slot.name,
            signed_at=self._desk.at,
            qr_url=self._build_url(one.stored.key),
        )

    def list_columns(self, one: OpenSlot) -> Mapping[str, object]:
        """Return what the row keeps of the QR code: the digest of its view secret, when the PDF was sealed now."""
        secret = self._secrets.get(one.stored.key)
        return {} if secret is None else {"view_secret_sha256": digest_view_secret(secret)}

    def _build_url(self, key: DocumentKey) -> str:
        secret = secrets.token_bytes(_VIEW_SECRET_BYTES)
        self._secrets[key] = secret
        url = build_qr_url(self._desk.workspace.settings.base_url, key.serial, key.version, secret)
        self._report.urls[key] = url
        return url


def digest_view_secret(secret: bytes) -> bytes:
    """Return what is stored of a view secret: SHA-256 of its text in the address, 32 raw bytes."""
    return hashlib.sha256(urlsafe_b64encode(secret).rstrip(b"=")).digest()


def _record_sealed(
    context: AppContext,
    desk: SigningDesk,
    school_code: str,
    class_name: str | None,
    report: IssueReport,
    *,
    actor: str,
    advance: Advance,
) -> None:
    failed = {key for key, _ in report.failed}
    with transaction(desk.workspace.sessions) as session:
        sealed = repository.list_sealed(
            session, school_code=school_code, seal_role=SlotRole.SEAL.value, class_name=class_name
        )
    for key, _ in sealed:
        if key in failed:
            continue
        try:
            _record(context, desk, key, actor, report)
        except TranscriptError as error:
            report.failed.append((key, error))
        else:
            report.issued.append(key)
        advance(1)


def _record(context: AppContext, desk: SigningDesk, key: DocumentKey, actor: str, report: IssueReport) -> None:
    store = desk.workspace.store
    with transaction(desk.workspace.sessions) as session:
        stored = repository.get_document(session, key)
    xml, pdf = store.get(stored.xml_sha256), store.get(stored.pdf_sha256)
    files = SignedFiles(xml, pdf, _sign_json(desk, key, xml))
    try:
        record_document(context, files, view_secret_sha256=stored.view_secret_sha256, actor=actor)
    except NotVerified:
        files = _complete(desk, files)
        if (files.xml, files.pdf) == (xml, pdf):
            raise
        record_document(context, files, view_secret_sha256=stored.view_secret_sha256, actor=actor)
    _note_aim(context, key, files, report)


def _sign_json(desk: SigningDesk, key: DocumentKey, xml: bytes) -> bytes:
    headers: dict[str, str | int] = {
        "typ": JSON_TYPE,
        "serial": key.serial,
        "version": key.version,
        "digest": document_digest(xml).hex(),
    }
    content = build_json(get_transcript_document(xml).transcript)
    return sign_jws(content, desk.signer, headers=headers, at=desk.at, serial=key.serial, version=key.version)


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
