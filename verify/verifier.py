"""The procedure of verification, step by step.

Implements ETSI EN 319 102-1 V1.4.1, 5.3 (basic signatures) and 5.5 (signatures with time) around what is particular to
school transcripts.  The steps, numbered here and where they happen:

    (0) size, kind and safe parsing                                        `sniff`, `documents`
    (1) structure against the schema                                       `documents`
    (2) digests and values, over exactly the parts that the policy wants   `formats`, `facts`
    (3) times, certificates, paths to an anchor of one of two worlds       `proofs`
    (4) authority: office, class, subject, school, on that day             `proofs`, `checks.authority`
    (5) order and completeness of the slots                                `checks.complete`, `checks.order`
    (6) status today                                                       `checks.status`
    (7) the log's proof                                                    `checks.log_proof`
    (8) the picture equals the data                                        `checks.picture`

Steps 0 to 4 only establish facts; every judgement is one of `checks`, each with one finding.  Nothing is fetched
unless a source was given, no clock but the one given is read, and nothing raises: a bad file gives a report.
"""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from transcript_core.authority import AuthorityList
from transcript_core.clock import Clock, SystemClock
from transcript_core.pki.evidence import EvidenceSource
from transcript_core.pki.trust import TrustStore
from transcript_core.status import DocumentStatus, StatusAnswer, StatusSource
from verify import checks
from verify.detail import DetailedReport
from verify.documents import ContainerInput, PdfInput, XmlInput, read_asic, read_pdf, read_xml
from verify.examination import Context, Examination
from verify.facts import list_container_facts, list_jws_facts, list_loose_timestamps, list_pdf_facts, list_xml_facts
from verify.formats.jades import JwsInput, find_digest, read_jws
from verify.formats.transforms import NO_FILES, DetachedFiles
from verify.formats.work import Work
from verify.policy import INSPECTION_POLICY, TRANSCRIPT_POLICY, VerificationPolicy
from verify.proofs import examine
from verify.report import INTERNAL_ERROR, DocumentInfo, DocumentKind, Finding, FindingOutcome, Report, SubIndication
from verify.signatures import report_signature
from verify.sniff import LIMITS, Container, sniff

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Beside:
    """The files that came with the one asked about."""

    xml: bytes | None = None
    json: bytes | None = None
    files: DetachedFiles = NO_FILES


class Verifier:
    """Verifies documents for one set of trust material.  Holds no state between documents.

    Args:
        trust: anchors of both worlds; None: nothing is trusted, so nothing can pass.
        authority: the department's signed list, already opened; None: authority is not checked.
        status: knows what was replaced or recalled; None: status is not checked.
        policy: which checks must answer.
        clock: tells the time when the caller does not, and what cannot have been made yet.
        source: asked, within its own limits, for chains and revocation data that a file lacks; None: nobody is.
    """

    def __init__(
        self,
        *,
        trust: TrustStore | None = None,
        authority: AuthorityList | None = None,
        status: StatusSource | None = None,
        policy: VerificationPolicy = TRANSCRIPT_POLICY,
        clock: Clock | None = None,
        source: EvidenceSource | None = None,
    ) -> None:
        self._trust = trust
        self._authority = authority
        self._status = status
        self._policy = policy
        self._clock = clock or SystemClock()
        self._source = source

    def verify(
        self,
        document: bytes,
        *,
        at: datetime | None = None,
        xml: bytes | None = None,
        json: bytes | None = None,
        version: int | None = None,
    ) -> Report:
        """Return what is to be thought of a transcript or recall.

        Args:
            document: the file as received: XML, PDF or JWS.
            at: aware; the time that certificates and authority are judged at.  None: now.  Status is today's always.
            xml: the transcript's XML, when `document` is its PDF or JWS; it is verified along and wins.  For a recall
                the XML that it recalls: nobody can have recalled that before it was written.
            json: the transcript's JWS, when `document` is its XML or PDF.
            version: the version that the caller asks for, so that a replaced one may pass as what it was.

        Returns:
            A report; whatever the bytes are, nothing is raised.

        Spec: EN 319 102-1, 5.1.  Deviations: `docs/divergences.md`.
        """
        return self.verify_in_detail(document, at=at, xml=xml, json=json, version=version).report

    def verify_in_detail(
        self,
        document: bytes,
        *,
        at: datetime | None = None,
        xml: bytes | None = None,
        json: bytes | None = None,
        version: int | None = None,
    ) -> DetailedReport:
        """Return the same with what it was made from.  Arguments as for `verify`."""
        return self._guard(document, self._context(self._policy, at, version), _Beside(xml, json))

    def inspect(
        self, document: bytes, *, at: datetime | None = None, detached: Sequence[tuple[str, bytes]] = ()
    ) -> Report:
        """Return the signature part alone, for any signed file.

        Args:
            detached: (name, content) of files that detached signatures may mean; a lone one answers to any name.
        """
        return self.inspect_in_detail(document, at=at, detached=detached).report

    def inspect_in_detail(
        self, document: bytes, *, at: datetime | None = None, detached: Sequence[tuple[str, bytes]] = ()
    ) -> DetailedReport:
        """Return the same with what it was made from.  Arguments as for `inspect`."""
        files = DetachedFiles(tuple(detached), exact=False)
        return self._guard(document, self._context(INSPECTION_POLICY, at, None), _Beside(files=files))

    def _context(self, policy: VerificationPolicy, at: datetime | None, version: int | None) -> Context:
        now = self._clock.now().astimezone(UTC)
        moment = now if at is None else at.astimezone(UTC)
        return Context(self._trust, self._authority, self._status, policy, moment, version, self._source, now)

    def _guard(self, document: bytes, context: Context, beside: _Beside) -> DetailedReport:
        """Run the procedure; what should never happen becomes a finding, so that a stranger's file stops no service."""
        try:
            return _run(document, context, beside)
        except Exception as error:  # noqa: BLE001  (the last resort; a test shows that no vector gets here)
            _log.error("verification broke down: %s at %s", type(error).__name__, _locate(error))
            return DetailedReport(_report_breakdown(document, context), document, context.policy)


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """The files of one question, as read."""

    xml: XmlInput | None
    pdf: PdfInput | None
    jws: JwsInput | None
    asic: ContainerInput | None
    target: XmlInput | None = None


def _locate(error: Exception) -> str:
    """Return module and line of every frame, outermost first; never the message, which may quote the document."""
    frames = traceback.walk_tb(error.__traceback__)
    return " > ".join(f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in frames)


def _run(document: bytes, context: Context, beside: _Beside) -> DetailedReport:
    # Steps 0 and 1
    container = sniff(document)
    oversized = len(document) > LIMITS[container]
    inputs = _Inputs(None, None, None, None) if oversized else _read(document, container, beside)
    # Step 2
    facts = (
        *(() if inputs.xml is None else list_xml_facts(inputs.xml)),
        *(() if inputs.pdf is None else list_pdf_facts(inputs.pdf)),
        *(() if inputs.jws is None else list_jws_facts(inputs.jws)),
        *(() if inputs.asic is None else list_container_facts(inputs.asic)),
    )
    loose = () if inputs.pdf is None else list_loose_timestamps(inputs.pdf)
    # Steps 3 and 4
    examined = examine(facts, loose, context)
    examination = Examination(
        octets=document,
        container=container,
        oversized=oversized,
        kind=_find_kind(container, inputs),
        xml=inputs.xml,
        pdf=inputs.pdf,
        jws=inputs.jws,
        asic=inputs.asic,
        signatures=examined.signatures,
        document_timestamps=examined.document_timestamps,
        digest=_find_digest(inputs),
        status=None,
        target=inputs.target,
        fetched=examined.fetched,
    )
    # Step 6, the question; steps 4 to 8, the judgements
    examination = replace(examination, status=_ask_status(examination, context))
    findings = tuple(check.check(examination, context) for check in _list_checks(context.policy))
    report = _build_report(examination, context, findings)
    return DetailedReport(report, document, context.policy, examined.signatures, examined.document_timestamps)


def _list_checks(policy: VerificationPolicy) -> tuple[checks.Check, ...]:
    """Return all checks for a transcript; for any other file those that the policy asks for."""
    return tuple(check for check in checks.ALL if policy.transcripts_only or check.NAME in policy.required)


def _read(document: bytes, container: Container, beside: _Beside) -> _Inputs:
    original = document if container is Container.XML else beside.xml
    token = document if container is Container.JWS else beside.json
    work = Work()
    read_original = None if original is None else read_xml(original, beside.files, work)
    issue = None if read_original is None else read_original.issue
    return _Inputs(
        xml=read_original,
        pdf=read_pdf(document, issue=issue, work=work) if container is Container.PDF else None,
        jws=None if token is None else read_jws(token),
        asic=read_asic(document, work) if container is Container.ZIP else None,
        target=_read_target(read_original, beside) if container is Container.XML else None,
    )


def _read_target(document: XmlInput | None, beside: _Beside) -> XmlInput | None:
    recalls = document is not None and document.claims_recall
    return read_xml(beside.xml) if recalls and beside.xml is not None else None


def _find_kind(container: Container, inputs: _Inputs) -> DocumentKind:
    if container is Container.XML:
        ours = inputs.xml is not None and inputs.xml.is_ours
        return _xml_kind(inputs.xml) if ours and inputs.xml is not None else DocumentKind.OTHER_XML
    if container is Container.PDF:
        ours = inputs.pdf is not None and inputs.pdf.is_ours
        return DocumentKind.TRANSCRIPT_PDF if ours else DocumentKind.OTHER_PDF
    if container is Container.ZIP:
        return DocumentKind.CONTAINER
    return DocumentKind.TRANSCRIPT_JWS if container is Container.JWS else DocumentKind.UNKNOWN


def _xml_kind(xml: XmlInput) -> DocumentKind:
    return DocumentKind.RECALL_XML if xml.claims_recall else DocumentKind.TRANSCRIPT_XML


def _find_digest(inputs: _Inputs) -> bytes | None:
    if inputs.xml is not None:
        return inputs.xml.digest
    if inputs.jws is not None and inputs.jws.jws is not None:
        return find_digest(inputs.jws.jws)
    return None


def _ask_status(examination: Examination, context: Context) -> StatusAnswer | None:
    transcript = examination.transcript
    if context.status is None or transcript is None:
        return None
    answer = context.status.find_status(transcript.serial, transcript.version, examination.digest)
    if answer.school_code not in {None, transcript.school.school_code}:
        return StatusAnswer(DocumentStatus.UNKNOWN, answer.as_of)  # a school's seal speaks of its own documents only
    return answer


def _build_report(examination: Examination, context: Context, findings: Sequence[Finding]) -> Report:
    transcript, recall, status = examination.transcript, examination.recall, examination.status
    named = transcript or recall
    return Report(
        document=DocumentInfo(
            kind=examination.kind,
            sha256=hashlib.sha256(examination.octets).digest(),
            digest=examination.digest,
            serial=None if named is None else named.serial,
            version=None if named is None else named.version,
            status=None if status is None else status.status.value,
            status_as_of=None if status is None else status.as_of,
            superseded_by=None if status is None else status.superseded_by,
        ),
        checked_at=context.at,
        signatures=tuple(report_signature(signature, context) for signature in examination.signatures),
        findings=tuple(findings),
        required=context.policy.required,
        verified_transcript=transcript,
        verified_issue=None if examination.xml is None else examination.xml.issue,
        verified_recall=recall,
    )


def _report_breakdown(document: bytes, context: Context) -> Report:
    finding = Finding(
        check=INTERNAL_ERROR,
        outcome=FindingOutcome.INDETERMINATE,
        text_vi="Lỗi nội bộ khi kiểm tra; tệp này chưa được kiểm tra xong. Hãy gửi tệp cho đơn vị vận hành.",
        text_en="Internal error: this file was not verified to the end. Please send it to the operator.",
        sub_indication=SubIndication.CUSTOM,
    )
    return Report(
        document=DocumentInfo(kind=DocumentKind.UNKNOWN, sha256=hashlib.sha256(document).digest()),
        checked_at=context.at,
        signatures=(),
        findings=(finding,),
        required=context.policy.required,
    )
