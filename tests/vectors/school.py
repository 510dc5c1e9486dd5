"""A sample school that signs for real: keys, authority list, evidence, timestamps and status, all made in memory.

Nothing is stored: documents are signed anew in each test run with the development PKI of `tests.support.pki`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from keys_dev.pki import Subscriber
from keys_dev.services import Responder
from signing import xades
from signing.evidence import EvidenceCollector
from signing.keystores.pkcs12 import FileSigner, open_pkcs12
from signing.signer import Signer, SigningIdentity
from signing.timestamp import TimestampClient
from tests.support.pki import development_pki
from tests.support.samples import build_issue, build_transcript
from transcript_core.authority import AuthorityList, OfficeEntry, SchoolEntry, SealEntry, StaffEntry
from transcript_core.authority_list import FormerName
from transcript_core.model import (
    DocumentReference,
    IssueInfo,
    Recall,
    SchoolLevel,
    Seal,
    SlotRole,
    SlotSigner,
    Transcript,
)
from transcript_core.pki.certificates import deduplicate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.pki.trust import TrustStore, World
from transcript_core.policy import Office, SigningPolicy, Slot, find_policy, get_policy, list_recall_slots, list_slots
from transcript_core.status import DocumentStatus, StatusEntry, StatusFile
from transcript_core.xml import build_document, build_recall, document_digest
from verify.verifier import Verifier

TEACHERS_SIGN_AT = datetime(2026, 5, 29, 3, 0, tzinfo=UTC)
STEP = timedelta(hours=1)
"""Between teachers, homeroom teacher, principal and seal."""

CHECKED_AT = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)
NOW = CHECKED_AT + timedelta(days=30)
"""What the verifier's clock says while it is asked about other times."""

SCHOOL_MST = "0101234567"
OTHER_SCHOOL_CODE = "01000702"
OTHER_SCHOOL_NAME = "Trường THCS Hoa Đào"
OTHER_MST = "0107654321"
CLERK = ("0159999999", "Lý Thị Thư")
FORMER_PRINCIPAL = ("0192222222", "Hồ Văn Cựu")
NEXT_PRINCIPAL = ("0193333333", "Phan Thị Tân")
VICE_PRINCIPAL = ("0194444444", "Lê Thị Phó")
DECISION = "Quyết định số 12/QĐ-THCSHS ngày 20/5/2026"


@dataclass
class MovableClock:
    """A clock that tests set."""

    at: datetime

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.at


@dataclass
class School:
    """Everybody who signs, and what proves it."""

    clock: MovableClock = field(default_factory=lambda: MovableClock(TEACHERS_SIGN_AT))

    def __post_init__(self) -> None:
        self.pki = development_pki()
        self.trust = self.pki.trust_store()
        self.responder = Responder(self.pki, self.clock)
        self._signers: dict[Subscriber, FileSigner] = {}
        self._evidence: dict[tuple[bytes, datetime], Evidence] = {}

    # Keys

    def open(self, subscriber: Subscriber) -> FileSigner:
        """Return the signer of a subscriber, issued on first use."""
        if subscriber not in self._signers:
            path = self.pki.issue(subscriber)
            self._signers[subscriber] = open_pkcs12(path, self.pki.read_password(path))
        return self._signers[subscriber]

    def person(self, staff_code: str, name: str, **changes: object) -> FileSigner:
        """Return the key of a member of staff."""
        usual = Subscriber(name, cccd(staff_code), "Trường Hoa Sen", World.PUBLIC_DUTY, "p-256")
        return self.open(replace(usual, **changes))  # type: ignore[arg-type]

    def seal(self, name: str = "Trường THCS Hoa Sen", mst: str = SCHOOL_MST) -> FileSigner:
        """Return the key of a school's seal."""
        return self.open(Subscriber(name, f"MST:{mst}", name, World.NATIONAL, "rsa-2048"))

    def signer_of(self, slot: Slot) -> FileSigner:
        """Return the key of whoever must sign `slot`."""
        return self.seal(slot.name) if slot.staff_code is None else self.person(slot.staff_code, slot.name)

    # Signing

    def collect(self, signer: Signer) -> Evidence:
        """Return chain and status of the signer's certificate, as of the clock."""
        key = (signer.certificate.sha256, self.clock.at)
        if key not in self._evidence:
            collector = EvidenceCollector(self.responder, self.trust, self.clock)
            self._evidence[key] = collector.collect(signer.certificate, chain=signer.chain)
        return self._evidence[key]

    def stamp(self, imprint: bytes) -> tuple[bytes, Evidence]:
        """Return a token of the clock's time, and the evidence of its authority."""
        token = TimestampClient([self.pki.tsa_url], self.responder, clock=self.clock).request(imprint)
        read = parse_timestamp(token)
        assert read.certificate is not None
        collector = EvidenceCollector(self.responder, self.trust, self.clock)
        return token, collector.collect(read.certificate, chain=read.certificates)

    def sign(
        self,
        document: bytes,
        slot: Slot,
        policy: SigningPolicy,
        *,
        signer: Signer | None = None,
        stamped: bool | None = None,
    ) -> bytes:
        """Return the document with `slot` signed at the clock's time; the seal is stamped unless told otherwise."""
        key = signer or self.signer_of(slot)
        identity = SigningIdentity.of(key)
        pending = xades.prepare(document, slot, identity, at=self.clock.at, policy=policy)
        (value,) = key.sign_digests([pending.digest])
        evidence, token = self.collect(key), None
        if stamped if stamped is not None else slot.role is SlotRole.SEAL:
            token, of_authority = self.stamp(xades.timestamp_imprint(pending, value))
            evidence = merge(evidence, of_authority)
        return xades.attach(document, pending, value, identity=identity, evidence=evidence, timestamp=token)

    def sign_all(
        self,
        document: bytes,
        slots: Sequence[Slot],
        policy: SigningPolicy,
        *,
        start: datetime = TEACHERS_SIGN_AT,
        signers: Mapping[str, Signer] | None = None,
    ) -> bytes:
        """Return the document with every slot signed that is not kept, an hour for each step of the order."""
        for slot in slots:
            if slot.kept:
                continue
            self.clock.at = start + STEP * (slot.rule.order - 1)
            document = self.sign(document, slot, policy, signer=(signers or {}).get(slot.slot_id))
        return document

    # Verifying

    def authority(self) -> AuthorityList:
        """Return the department's list, with this school's staff of all levels and those of another school."""
        return _build_authority()

    def verifier(
        self, *documents: bytes, status: DocumentStatus = DocumentStatus.VALID, trust: TrustStore | None = None
    ) -> Verifier:
        """Return a verifier that trusts the PKI and the list, and knows `documents` with this status."""
        known = self.status_of_all(*documents, status=status)
        return Verifier(trust=trust or self.trust, authority=self.authority(), status=known, clock=MovableClock(NOW))

    def status_of_all(self, *documents: bytes, status: DocumentStatus = DocumentStatus.VALID) -> AnyStatus:
        """Return a source that knows `documents`, or when there are none every document, with this status."""
        entries = tuple(_entry(document, status) for document in documents)
        known = StatusFile("01000701", "2025-2026", CHECKED_AT, CHECKED_AT + timedelta(days=7), entries)
        return AnyStatus(known, status)


@dataclass(frozen=True)
class AnyStatus:
    """Answers from a status file, and for every other document with one status: tests are about something else."""

    known: StatusFile
    status: DocumentStatus

    def find_status(self, serial: str, version: int, digest: bytes | None):  # type: ignore[no-untyped-def]
        """Return the status of a document."""
        answer = self.known.find_status(serial, version, digest)
        if answer.status is not DocumentStatus.UNKNOWN or self.known.entries:
            return answer
        return replace(answer, status=self.status)


def cccd(staff_code: str) -> str:
    """Return the identity in the certificates of a member of staff."""
    return f"CCCD:00{staff_code}"


def merge(first: Evidence, second: Evidence) -> Evidence:
    """Return both as one: the seal's signature also carries what proves its timestamp."""
    return Evidence(
        chain=deduplicate((*first.chain, *second.chain)),
        ocsps=tuple(dict.fromkeys((*first.ocsps, *second.ocsps))),
        crls=tuple(dict.fromkeys((*first.crls, *second.crls))),
        fetched_at=min(first.fetched_at, second.fetched_at),
    )


def describe(transcript: Transcript, issue: IssueInfo) -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    """Return the document with empty slots, its slots in signing order, and its policy."""
    policy = get_policy(transcript.policy_id)
    return build_document(transcript, issue), list_slots(transcript, issue, policy), policy


@cache
def school() -> School:
    """Return the school of this test run."""
    return School()


@cache
def signed(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY, serial: str | None = None) -> bytes:
    """Return a fully signed transcript of version 1."""
    transcript = build_transcript(level, serial=serial)
    document, slots, policy = describe(transcript, build_issue(transcript))
    return school().sign_all(document, slots, policy)


def build_sample_recall(document: bytes, transcript: Transcript) -> Recall:
    """Return the recall of a signed transcript."""
    policy = find_policy(None)
    return Recall(
        serial=transcript.serial,
        version=transcript.version + 1,
        target=DocumentReference(transcript.serial, transcript.version, document_digest(document)),
        school=transcript.school,
        school_year=transcript.school_year,
        reason="Phát hiện sai sót về nhân thân của học sinh.",
        requested_by=SlotSigner("nguoi-de-nghi", SlotRole.REQUESTER, *CLERK, "VĂN THƯ"),
        requested_at=TEACHERS_SIGN_AT - STEP,
        approved_by=SlotSigner("cbql", SlotRole.MANAGER, *_principal(), "HIỆU TRƯỞNG"),
        seal=Seal(transcript.school.school_code, transcript.school.name),
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )


@cache
def signed_recall() -> bytes:
    """Return a fully signed recall of the sample transcript."""
    recall = build_sample_recall(signed(), build_transcript())
    policy = find_policy(None)
    return school().sign_all(build_recall(recall), list_recall_slots(recall, policy), policy)


def _principal() -> tuple[str, str]:
    manager = build_issue(build_transcript()).manager
    return manager.staff_code, manager.name


def _entry(document: bytes, status: DocumentStatus) -> StatusEntry:
    transcript = build_transcript()
    return StatusEntry(transcript.serial, transcript.version, document_digest(document), status)


@cache
def _build_authority() -> AuthorityList:
    offices: dict[str, list[OfficeEntry]] = {}
    names: dict[str, str] = {}

    def add(staff_code: str, name: str, office: OfficeEntry) -> None:
        names.setdefault(staff_code, name)
        if office not in offices.setdefault(staff_code, []):
            offices[staff_code].append(office)

    for level in SchoolLevel:
        transcript = build_transcript(level)
        for signer in transcript.signers:
            teaches = signer.role is SlotRole.SUBJECT_TEACHER
            add(
                signer.staff_code,
                signer.name,
                OfficeEntry(
                    Office.SUBJECT_TEACHER if teaches else Office.HOMEROOM_TEACHER,
                    transcript.school.school_code,
                    date(2025, 9, 1),
                    school_year=transcript.school_year,
                    class_name=transcript.class_name,
                    subject_code=signer.subject_code,
                ),
            )
    add(*_principal(), OfficeEntry(Office.PRINCIPAL, "01000701", date(2024, 8, 1)))
    add(*CLERK, OfficeEntry(Office.CLERK, "01000701", date(2024, 8, 1)))
    add(*FORMER_PRINCIPAL, OfficeEntry(Office.PRINCIPAL, "01000701", date(2020, 8, 1), date(2026, 1, 31)))
    add(*NEXT_PRINCIPAL, OfficeEntry(Office.PRINCIPAL, "01000701", date(2026, 8, 1)))
    for office in _list_deputy_offices():
        add(*VICE_PRINCIPAL, office)
    add("0191111111", "Cao Thị Xa", OfficeEntry(Office.PRINCIPAL, OTHER_SCHOOL_CODE, date(2024, 8, 1)))
    return AuthorityList(
        number=1,
        issuer="Sở Giáo dục và Đào tạo Hà Nội",
        issued_at=datetime(2026, 1, 1, tzinfo=UTC),
        valid_from=datetime(2025, 8, 1, tzinfo=UTC),
        valid_to=datetime(2060, 8, 31, tzinfo=UTC),  # the department's current list, whenever it is asked
        schools=(
            _school_entry("01000701", "Trường THCS Hoa Sen", SCHOOL_MST),
            _school_entry(OTHER_SCHOOL_CODE, OTHER_SCHOOL_NAME, OTHER_MST),
        ),
        staff=tuple(StaffEntry(code, names[code], (cccd(code),), tuple(entries)) for code, entries in offices.items()),
    )


def _list_deputy_offices() -> tuple[OfficeEntry, ...]:
    """Return the vice-principal's own post and the decisions for them: a good one, and three that do not help."""
    post = OfficeEntry(Office.VICE_PRINCIPAL, "01000701", date(2024, 8, 1))
    good = replace(post, from_day=date(2026, 5, 20), authority=DECISION, reason="Hiệu trưởng đi công tác")
    homeroom = replace(good, office=Office.HOMEROOM_TEACHER, school_year="2025-2026", class_name="7A2")
    return (
        post,
        replace(good, delegated_by=_principal()[0]),
        replace(good, authority=f"{DECISION} (cũ)", from_day=date(2025, 5, 20), to_day=date(2025, 6, 30)),
        replace(good, authority=f"{DECISION} (sau)", from_day=date(2026, 12, 1)),
        replace(homeroom, authority=f"{DECISION} (chủ nhiệm)"),
    )


def _school_entry(code: str, name: str, mst: str) -> SchoolEntry:
    return SchoolEntry(
        code,
        name,
        tuple(SchoolLevel),
        "Phường Cầu Giấy",
        "01",
        "Thành phố Hà Nội",
        "Sở Giáo dục và Đào tạo Hà Nội",
        (SealEntry(f"MST:{mst}", date(2024, 8, 1)),),
        former_names=(
            FormerName(name.replace("THCS", "TH"), date(2023, 7, 31)),  # samples of other levels share the code
            FormerName(name.replace("THCS", "THPT"), date(2024, 7, 31)),
        ),
    )
