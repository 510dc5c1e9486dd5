"""Raises one signed file to a level: the missing timestamp, the evidence, the archive timestamp; and renews it in time.

Every step is kept once it is done: when an authority or a server refuses the next one, the file comes back as far as it
came, so no request to an authority is ever spent in vain, and the next run goes on from there.

Spec: ETSI EN 319 132-1, 6.3 and EN 319 142-1, 6.3 (levels B-T, B-LT, B-LTA).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.signing.desk import SigningServices
from service.signing.gaps import Carried, ask_about_authorities, ask_about_signers, collect, find_gaps
from service.signing.levels import FileLevel
from signing import pades, xades
from signing.timestamp import TimestampClient
from transcript_core.clock import Clock
from transcript_core.errors import (
    EvidenceUnavailable,
    MalformedTranscript,
    SlotNotReady,
    TimestampRefused,
    TranscriptError,
)
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.endings import find_end
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import Timestamp, parse_timestamp
from transcript_core.pki.trust import TrustStore
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.xml import read_document
from verify.formats.pades import SignatureKind, read_signed_pdf

_Step = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """What a file is to become."""

    level: SignatureLevel  # B-T, B-LT or B-LTA
    renew_before: datetime  # aware; a last timestamp that ends before this moment is covered by a new one


@dataclass(frozen=True, slots=True)
class Raised:
    """How far a file came."""

    octets: bytes
    reached: FileLevel
    problem: TranscriptError | None  # why it came no further


def assess_xml(xml: bytes) -> FileLevel:
    """Return how far the seal of an XML document is.  Raises: SlotNotReady, MalformedTranscript, as `raise_xml`."""
    state = _XmlWork(xml).read(xml)
    return FileLevel(state.level, _find_renewal(state.timestamps))


def assess_pdf(pdf: bytes) -> FileLevel:
    """Return how far a PDF is.  Raises: MalformedTranscript: it is none of ours."""
    state = pades.read_state(pdf)
    return FileLevel(state.level, _find_renewal(_list_pdf_timestamps(state)))


class Raiser:
    """Raises files with the authorities and servers of one action."""

    def __init__(self, services: SigningServices, trust: TrustStore, clock: Clock) -> None:
        self._services = services
        self._trust = trust
        self._clock = clock

    def raise_xml(self, xml: bytes, target: Target) -> Raised:
        """Return a sealed XML document as far as it came.

        Raises:
            SlotNotReady: it is not sealed.
            MalformedTranscript: it is none of ours.
        """
        work = _XmlWork(xml)
        octets, problem = _run(
            xml,
            [
                lambda document: self._stamp_value(work, document),
                lambda document: self._complete_xml(work, document),
                lambda document: self._archive_xml(work, document, target),
            ],
            wanted=target.level,
        )
        return Raised(octets, assess_xml(octets), problem)

    def raise_pdf(self, pdf: bytes, target: Target) -> Raised:
        """Return a sealed PDF as far as it came.  Raises: as `raise_xml`."""
        if not pades.read_state(pdf).is_sealed:
            raise SlotNotReady("the PDF is not sealed yet; its level is raised after the seal")
        octets, problem = _run(
            pdf,
            [self._stamp_pdf, self._complete_pdf, lambda file: self._archive_pdf(file, target)],
            wanted=target.level,
        )
        return Raised(octets, assess_pdf(octets), problem)

    def complete_xml(self, xml: bytes) -> bytes:
        """Return a sealed XML document with the evidence that its timestamps still lack.  Raises: as `raise_xml`."""
        return self._complete_xml(_XmlWork(xml), xml)

    def complete_pdf(self, pdf: bytes) -> bytes:
        """Return a sealed PDF with the evidence that its timestamps still lack.  Raises: as `raise_xml`."""
        return self._complete_pdf(pdf)

    # XML

    def _stamp_value(self, work: _XmlWork, document: bytes) -> bytes:
        state = work.read(document)
        if state.level is not SignatureLevel.B_B:
            return document
        imprint = xades.get_timestamp_imprint(document, work.seal.slot_id, hash_name=state.hash_name)
        return xades.add_timestamp(document, work.seal, self._client.request(imprint), policy=work.policy)

    def _complete_xml(self, work: _XmlWork, document: bytes) -> bytes:
        """Add what is missing about the seal and its timestamps, judged by the seal's signature alone, and about those
        whom it covers, judged by all that the document carries."""
        state = work.read(document)
        if not state.timestamps:
            return document
        own = Carried(state.certificates, state.ocsps, state.crls)
        proven = state.timestamps[0].time
        asked = [*ask_about_signers([state.signer], proven), *ask_about_authorities(state.timestamps)]
        others = ask_about_signers(work.list_covered_signers(document), proven)
        gaps = [*find_gaps(asked, own, self._trust), *find_gaps(others, work.list_carried(document), self._trust)]
        evidences = collect(gaps, own.certificates, self._services.evidence)
        return xades.add_evidence(document, work.seal, evidences, policy=work.policy)

    def _archive_xml(self, work: _XmlWork, document: bytes, target: Target) -> bytes:
        state = work.read(document)
        if not _wants_archive(state.timestamps, target, archived=state.archived > 0):
            return document
        own = Carried(state.certificates, state.ocsps, state.crls)
        evidences = self._prove_last(state.timestamps, own)
        document = xades.add_evidence(document, work.seal, evidences, policy=work.policy)
        imprint = xades.get_archive_imprint(document, work.seal.slot_id, hash_name=state.hash_name)
        token = self._client.request(imprint)
        document = xades.add_archive_timestamp(document, work.seal, token, policy=work.policy)
        return _or_unchanged(document, lambda archived: self._complete_xml(work, archived))

    # PDF

    def _stamp_pdf(self, pdf: bytes) -> bytes:
        state = pades.read_state(pdf)
        if state.level is not SignatureLevel.B_B:
            return pdf
        level = SignatureLevel.B_T if state.awaits_timestamp else SignatureLevel.B_LTA
        return pades.extend(pdf, evidences=(), timestamps=self._client, level=level)

    def _complete_pdf(self, pdf: bytes) -> bytes:
        timestamps = _list_pdf_timestamps(pades.read_state(pdf))
        if not timestamps:
            return pdf
        read = read_signed_pdf(pdf)
        signatures = [one for one in read.signatures if one.kind is SignatureKind.SIGNATURE]
        given = (*(one for each in signatures for one in each.certificates), *read.dss_certificates)
        proven = min(one.time for one in timestamps)
        signers = ask_about_signers([one.signer for one in signatures if one.signer is not None], proven)
        carried = Carried(given, read.dss_ocsps, read.dss_crls)
        gaps = find_gaps([*signers, *ask_about_authorities(timestamps)], carried, self._trust)
        evidences = collect(gaps, given, self._services.evidence)
        return pades.extend(pdf, evidences=evidences, timestamps=None, level=SignatureLevel.B_LT)

    def _archive_pdf(self, pdf: bytes, target: Target) -> bytes:
        state = pades.read_state(pdf)
        timestamps = _list_pdf_timestamps(state)
        if not _wants_archive(timestamps, target, archived=state.is_archived):
            return pdf
        read = read_signed_pdf(pdf)
        carried = Carried(read.dss_certificates, read.dss_ocsps, read.dss_crls)
        evidences = self._prove_last(timestamps, carried)
        if state.document_timestamps:
            pdf = pades.renew(pdf, evidences=evidences, timestamps=self._client)
        else:
            pdf = pades.extend(pdf, evidences=evidences, timestamps=self._client, level=SignatureLevel.B_LTA)
        return _or_unchanged(pdf, self._complete_pdf)

    # Both

    @property
    def _client(self) -> TimestampClient:
        if self._services.timestamps is None:
            raise TimestampRefused(
                "no time-stamping authority is configured; set HOCBA_TSA_URLS", reason="not-configured"
            )
        return self._services.timestamps

    def _prove_last(self, timestamps: Sequence[Timestamp], carried: Carried) -> list[Evidence]:
        """Return fresh evidence of the last timestamp's authority: good now, just before a new timestamp covers it."""
        last = ask_about_authorities(timestamps[-1:], at=self._clock.now())
        gaps = find_gaps(last, carried, self._trust, fresh=True)
        return collect(gaps, carried.certificates, self._services.evidence)


class _XmlWork:
    """What stays the same while one document is raised."""

    def __init__(self, xml: bytes) -> None:
        document = read_document(xml)
        self.policy: SigningPolicy = document.policy
        self.seal: Slot = document.slots[-1]
        self._covered = [slot.slot_id for slot in document.slots[:-1] if not slot.kept]

    def read(self, document: bytes) -> xades.LongTermState:
        """Return how far the seal is."""
        return xades.read_state(document, self.seal.slot_id)

    def list_covered_signers(self, document: bytes) -> list[Certificate]:
        """Return the certificates of those who signed this version before the seal."""
        signers = xades.list_signers(document)
        return [signers[slot_id] for slot_id in self._covered if slot_id in signers]

    def list_carried(self, document: bytes) -> Carried:
        """Return all evidence in the document: a verifier uses all of it for every signature."""
        states = [xades.read_state(document, slot_id) for slot_id in (*self._covered, self.seal.slot_id)]
        return Carried(
            certificates=tuple(dict.fromkeys(one for state in states for one in state.certificates)),
            ocsps=tuple(dict.fromkeys(der for state in states for der in state.ocsps)),
            crls=tuple(dict.fromkeys(der for state in states for der in state.crls)),
        )


def _run(octets: bytes, steps: Sequence[_Step], *, wanted: SignatureLevel) -> tuple[bytes, TranscriptError | None]:
    """Take the steps one after the other; return what the last good one made, and what stopped the next."""
    for step in steps if wanted is not SignatureLevel.B_T else steps[:2]:
        try:
            octets = step(octets)
        except (TimestampRefused, EvidenceUnavailable) as problem:
            return octets, problem
    return octets, None


def _or_unchanged(octets: bytes, step: _Step) -> bytes:
    """Take a step that may fail without loss: the file has its new timestamp, the next run completes the evidence."""
    try:
        return step(octets)
    except EvidenceUnavailable:
        return octets


def _wants_archive(timestamps: Sequence[Timestamp], target: Target, *, archived: bool) -> bool:
    if not timestamps:
        return False
    renew_by = _find_renewal(timestamps)
    ends_soon = renew_by is not None and renew_by < target.renew_before
    return ends_soon or (target.level is SignatureLevel.B_LTA and not archived)


def _find_renewal(timestamps: Sequence[Timestamp]) -> datetime | None:
    return find_end(timestamps[-1]) if timestamps else None


def _list_pdf_timestamps(state: pades.LongTermState) -> list[Timestamp]:
    """Return the timestamps of a PDF, the one on the seal's value first.

    Raises:
        MalformedTranscript: one cannot be read.
    """
    own = () if state.signature_timestamp is None else (state.signature_timestamp,)
    try:
        return [parse_timestamp(token) for token in (*own, *state.document_timestamps)]
    except TranscriptError as error:
        raise MalformedTranscript("a timestamp of the PDF cannot be read") from error
