"""Steps 0 and 1: bytes become a document that can be judged, or a reason why not.  Nothing here raises on bad content.

A document is parsed once; the tree that is read here is the one whose nodes are digested and from which content is
taken.  What a file fails at is kept beside what could still be read, so that the report can say more than "broken".
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml.etree import _Element

from transcript_core.canonical import build_foreign_ids, build_id_map, parse_xml
from transcript_core.clock import VIETNAM_TIME
from transcript_core.errors import InputError, MalformedTranscript
from transcript_core.limits import MAX_SIGNATURES
from transcript_core.model import IssueInfo, Recall, Seal, SlotRole, SlotSigner, Transcript
from transcript_core.policy import SigningPolicy, Slot, get_policy, list_slots
from transcript_core.xml import RecallDocument, TranscriptDocument, parse_transcript, read_document
from verify.formats.asice import AsicContainer, read_container
from verify.formats.octets import OctetCache
from verify.formats.pades import SignedPdf, read_signed_pdf
from verify.formats.transforms import NO_FILES, DetachedFiles
from verify.formats.work import Work, WorkExceeded
from verify.formats.xades import list_signature_elements, read_signatures
from verify.formats.xades_types import XadesSignature
from verify.usual_documents import read_usual_document

TRANSCRIPT_ROOT = "HOC_BA"
RECALL_ROOT = "THU_HOI_HOC_BA"
MANAGER_SLOT = "cbql"
_OUR_ROOTS = frozenset({TRANSCRIPT_ROOT, RECALL_ROOT})


@dataclass(frozen=True, slots=True, eq=False)
class XmlInput:
    """An XML file as far as it could be read."""

    octets: bytes
    root: _Element | None  # None: not parsed
    cache: OctetCache | None  # None: not parsed, or identifiers are ambiguous
    content: TranscriptDocument | RecallDocument | None  # None: not one of ours, or not by its schema
    signatures: tuple[XadesSignature, ...]
    parse_error: str | None = None
    identifier_error: str | None = None
    has_doubled_identifiers: bool = False  # in a file of others, where only a reference to one does harm
    structure_error: str | None = None

    @property
    def is_ours(self) -> bool:
        """Return whether the root element claims to be a transcript or a recall."""
        return self.root is not None and self.root.tag in _OUR_ROOTS

    @property
    def claims_recall(self) -> bool:
        """Return whether the root element claims to be a recall."""
        return self.root is not None and self.root.tag == RECALL_ROOT

    @property
    def digest(self) -> bytes | None:
        """Return the document digest: SHA-256 over the canonical DU_LIEU_…, 32 raw bytes; None unless well-formed."""
        if self.root is None or self.cache is None or self.content is None:
            return None
        return self.cache.get_digest(self.root[0], "sha256")

    @property
    def transcript(self) -> Transcript | None:
        """Return the transcript that the tree holds."""
        return self.content.transcript if isinstance(self.content, TranscriptDocument) else None

    @property
    def issue(self) -> IssueInfo | None:
        """Return the issue part of that transcript."""
        return self.content.issue if isinstance(self.content, TranscriptDocument) else None

    @property
    def recall(self) -> Recall | None:
        """Return the recall that the tree holds."""
        return self.content.recall if isinstance(self.content, RecallDocument) else None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Return the slots that the document must have, in signing order."""
        return () if self.content is None else self.content.slots

    @property
    def policy(self) -> SigningPolicy | None:
        """Return the signing policy that the document names."""
        return None if self.content is None else self.content.policy


@dataclass(frozen=True, slots=True, eq=False)
class ContainerInput:
    """An ASiC container as far as it could be read."""

    container: AsicContainer | None  # None: not read
    signature_files: tuple[tuple[str, XmlInput], ...] = ()  # by name
    error: str | None = None
    is_read_in_full: bool = True  # False: it holds more than MAX_SIGNATURES, and the others were not looked at

    def list_uncovered(self) -> tuple[str, ...]:
        """Return the names of data files that at least one signature leaves out, in order."""
        signatures = [one for _, xml in self.signature_files for one in xml.signatures]
        covered = [{reference.file_name for reference in one.references} for one in signatures]
        names = () if self.container is None else self.container.data_files
        return tuple(name for name, _ in names if any(name not in one for one in covered))


@dataclass(frozen=True, slots=True, eq=False)
class PdfInput:
    """A PDF file as far as it could be read."""

    octets: bytes
    signed: SignedPdf
    info: _Element | None  # THONG_TIN_HOC_BA of the attachment
    transcript: Transcript | None
    policy: SigningPolicy | None
    slots: tuple[Slot, ...]  # those signed in the PDF
    kept_slots: tuple[Slot, ...]  # those whose XML signature is kept from an earlier version: not in the PDF
    content_error: str | None = None

    @property
    def is_ours(self) -> bool:
        """Return whether the PDF carries a transcript's data."""
        return self.signed.attachment is not None


def read_xml(octets: bytes, files: DetachedFiles = NO_FILES, work: Work | None = None) -> XmlInput:
    """Read an XML file: EN 319 102-1, 5.2.2 (format checking).

    Args:
        files: what detached signatures of files of others may name; a transcript's never do.
        work: what the verification may still compute; None: as much as one may.
    """
    work = work or Work()
    usual = read_usual_document(octets, work)
    if usual is not None:
        return XmlInput(octets, usual.content.root, usual.cache, usual.content, usual.signatures)
    return read_thoroughly(octets, files, work)


def read_thoroughly(octets: bytes, files: DetachedFiles, work: Work) -> XmlInput:
    """Read an XML file whatever is in it; arguments as for `read_xml`."""
    try:
        content = read_document(octets)
    except InputError as error:
        return _read_other_xml(octets, str(error), files, work)
    return _with_signatures(octets, content.root, NO_FILES, work, content=content, structure_error=None)


def _read_other_xml(octets: bytes, structure_error: str, files: DetachedFiles, work: Work) -> XmlInput:
    """Read a file that is not a sound transcript, as far as that goes."""
    try:
        root = work.parse(octets)
        work.count_references(root)
    except InputError as error:
        return XmlInput(octets, None, None, None, (), parse_error=str(error))
    return _with_signatures(octets, root, files, work, content=None, structure_error=structure_error)


def _with_signatures(
    octets: bytes,
    root: _Element,
    files: DetachedFiles,
    work: Work,
    *,
    content: TranscriptDocument | RecallDocument | None,
    structure_error: str | None,
) -> XmlInput:
    ambiguous = OctetCache(root, {}, work=work)
    try:
        work.pay_writing(ambiguous.get_octets(root), slow=False)
    except InputError as error:  # no canonical form, so no part of it can be judged
        return XmlInput(octets, None, None, None, (), parse_error=str(error))
    if content is None and root.tag not in _OUR_ROOTS:
        ids = build_foreign_ids(root)
        cache, doubled = ambiguous.with_ids(ids.elements, ids.doubled), bool(ids.doubled)
        return XmlInput(octets, root, cache, None, read_signatures(cache, files), has_doubled_identifiers=doubled)
    try:
        cache = ambiguous.with_ids(build_id_map(root) if content is None else content.ids)
    except MalformedTranscript as error:
        return XmlInput(octets, root, None, content, (), identifier_error=str(error), structure_error=structure_error)
    return XmlInput(octets, root, cache, content, read_signatures(cache, files), structure_error=structure_error)


def read_asic(octets: bytes, work: Work | None = None) -> ContainerInput:
    """Read an ASiC container with all its signatures; every reference resolves inside it or not at all.

    Signatures and references are counted in all signature files before any octet of a file is hashed.
    """
    work = work or Work()
    try:
        container = read_container(octets)
        parsed, in_full = _parse_signature_files(container, work)
    except InputError as error:
        return ContainerInput(None, error=str(error))
    files = DetachedFiles(container.files, exact=True)
    read: list[tuple[str, XmlInput]] = []
    for name, content, root in parsed:
        if isinstance(root, str):
            read.append((name, XmlInput(content, None, None, None, (), parse_error=root)))
        else:
            read.append((name, _with_signatures(content, root, files, work, content=None, structure_error="")))
    return ContainerInput(container, tuple(read), is_read_in_full=in_full)


def _parse_signature_files(
    container: AsicContainer, work: Work
) -> tuple[list[tuple[str, bytes, _Element | str]], bool]:
    """Return name, octets and root of each, until there are MAX_SIGNATURES; in place of a root, why there is none.

    Raises:
        WorkExceeded: there is more in them than is ever looked at.
    """
    parsed: list[tuple[str, bytes, _Element | str]] = []
    signatures = 0
    for name, content in container.signature_files:
        if signatures >= MAX_SIGNATURES:
            return parsed, False
        try:
            root = work.parse(content)
        except WorkExceeded:
            raise
        except InputError as error:
            parsed.append((name, content, str(error)))
            continue
        work.count_references(root)
        signatures += len(list_signature_elements(root))
        parsed.append((name, content, root))
    return parsed, True


def read_pdf(octets: bytes, *, issue: IssueInfo | None = None, work: Work | None = None) -> PdfInput:
    """Read a PDF file.

    Args:
        issue: of the transcript's XML, when that was given too; alone, a PDF does not say who must sign as manager.
    """
    signed = read_signed_pdf(octets, work)
    if signed.attachment is None:
        return PdfInput(octets, signed, None, None, None, (), ())
    try:
        info = parse_xml(signed.attachment)
        transcript = parse_transcript(info)
        policy = get_policy(transcript.policy_id)
        slots = list_slots(transcript, issue or assume_issue(transcript, _find_manager(signed), policy), policy)
    except InputError as error:
        return PdfInput(octets, signed, None, None, None, (), (), content_error=str(error))
    return PdfInput(
        octets=octets,
        signed=signed,
        info=info,
        transcript=transcript,
        policy=policy,
        slots=tuple(slot for slot in slots if not slot.kept),
        kept_slots=tuple(slot for slot in slots if slot.kept),
    )


def _find_manager(signed: SignedPdf) -> str:
    """Return the name of whoever signed the manager's field."""
    field = next((one for one in signed.signatures if one.slot_id == MANAGER_SLOT), None)
    return field.signer.common_name if field is not None and field.signer is not None else ""


def assume_issue(transcript: Transcript, manager_name: str, policy: SigningPolicy) -> IssueInfo:
    """Return an issue part for a file that carries none: the manager is whoever signed as such.

    It gives nobody any right: the authority list must say that this person was in office.
    """
    return IssueInfo(
        manager=SlotSigner(MANAGER_SLOT, SlotRole.MANAGER, staff_code="", name=manager_name, title=""),
        seal=Seal(school_code=transcript.school.school_code, name=transcript.school.name),
        place="",
        issued_on=transcript.locked_at.astimezone(VIETNAM_TIME).date(),
        policy_digest=policy.digest,
    )
