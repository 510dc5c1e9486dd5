"""All that the checks read: the files as read, their signatures as examined, and the circumstances of the question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from transcript_core.authority import AuthorityList
from transcript_core.model import Recall, Transcript
from transcript_core.pki.evidence import EvidenceSource
from transcript_core.pki.trust import TrustStore
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.status import StatusAnswer, StatusSource
from verify.documents import ContainerInput, PdfInput, XmlInput
from verify.formats.jades import JwsInput
from verify.policy import VerificationPolicy
from verify.report import DocumentKind
from verify.signature import ExaminedSignature, ExaminedTimestamp, SignatureFormatName
from verify.sniff import Container


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, when, and what they trust."""

    trust: TrustStore | None  # None: nothing is trusted
    authority: AuthorityList | None  # None: not checked
    status: StatusSource | None  # None: not checked
    policy: VerificationPolicy
    at: datetime  # the time the answer speaks of; aware UTC
    version: int | None = None  # the version that was asked for; None: the current one is wanted
    source: EvidenceSource | None = None  # asked for what the file lacks; None: nothing is fetched
    now: datetime | None = None  # what the clock says, whatever time is asked about; None: not known

    @property
    def latest(self) -> datetime | None:
        """Return the time after which nothing can have been made; who asks about a day to come supposes it is there."""
        return None if self.now is None else max(self.at, self.now) + self.policy.clock_tolerance


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """One question's files, and what steps 0 to 3 found out about them."""

    octets: bytes  # of the file asked about
    container: Container
    oversized: bool  # longer than the limit of its kind; then nothing was read
    kind: DocumentKind
    xml: XmlInput | None
    pdf: PdfInput | None
    jws: JwsInput | None
    asic: ContainerInput | None
    signatures: tuple[ExaminedSignature, ...]
    document_timestamps: tuple[ExaminedTimestamp, ...]  # of a PDF, in the order in which they were made
    digest: bytes | None  # 32 raw bytes, document digest
    status: StatusAnswer | None  # None: no source was given, or the document is not known well enough to ask
    target: XmlInput | None = None  # the transcript that a recall was given with; its signatures are not examined
    fetched: tuple[str, ...] = ()  # the holders whose chain and status were fetched for this question

    def list_xml_inputs(self) -> tuple[XmlInput, ...]:
        """Return every XML file that was read: the one asked about, or a container's signature files."""
        inner = () if self.asic is None else tuple(xml for _, xml in self.asic.signature_files)
        return inner if self.xml is None else (self.xml, *inner)

    @property
    def transcript(self) -> Transcript | None:
        """Return the transcript as read: from the XML, which wins, else from the PDF or the JWS."""
        for source in (self.xml, self.pdf, self.jws):
            if source is not None and source.transcript is not None:
                return source.transcript
        return None

    @property
    def recall(self) -> Recall | None:
        """Return the recall as read."""
        return None if self.xml is None else self.xml.recall

    @property
    def is_transcript_file(self) -> bool:
        """Return whether the file claims to be one of ours."""
        return self.kind in {
            DocumentKind.TRANSCRIPT_XML,
            DocumentKind.TRANSCRIPT_PDF,
            DocumentKind.TRANSCRIPT_JWS,
            DocumentKind.RECALL_XML,
        }

    @property
    def signing_policy(self) -> SigningPolicy | None:
        """Return the signing policy that the document names."""
        for source in (self.xml, self.pdf):
            if source is not None and source.policy is not None:
                return source.policy
        return None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Return the slots that the document must have, in signing order."""
        for source in (self.xml, self.pdf):
            if source is not None and source.slots:
                return source.slots
        return ()

    def list_signatures(self, format_name: SignatureFormatName) -> tuple[ExaminedSignature, ...]:
        """Return the signatures of one format, in their order."""
        return tuple(one for one in self.signatures if one.facts.format is format_name)
