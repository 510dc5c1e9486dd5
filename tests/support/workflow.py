"""A small enrolled school in any unfinished state, made in a second: for tests of what happens between people.

Keys come from the shared test PKI; time-stamp, OCSP and CRL answers come in-process.  A second school stands in the
same authority list, with a seal and a teacher of its own, for those who try to sign at the wrong school.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, insert, select, text

from demo.correction import correct_final_mark
from demo.school_generator import build_school_profile, write_school
from keys_dev.pki import Subscriber
from keys_dev.profiles import KeyKind, Profile
from keys_dev.services import Responder
from service.context import AppContext, build_context
from service.db.engine import transaction
from service.db.tables import Base, SlotRow
from service.schools.authority_files import sign_authority
from service.schools.enrolment import Enrolment, draft_authority
from service.schools.importing import ImportOutcome, import_folder
from service.settings import Settings
from service.signing.desk import SigningDesk, open_services
from service.signing.issuing import IssueReport, issue_documents
from service.signing.workflow import SigningReport, sign_open_slots
from service.transcripts import repository, slot_repository
from service.transcripts.building import BuildOptions, BuildResult, build_documents, get_transcript_document
from service.transcripts.repository import DocumentKey, DocumentState, StoredDocument
from service.workspace import Workspace, open_workspace
from signing.keystores.pkcs12 import open_pkcs12
from signing.signer import Signer
from tests.support.authority import open_department
from tests.support.pki import development_pki
from transcript_core.authority import AuthorityList, OfficeEntry, SchoolEntry, SealEntry, StaffEntry
from transcript_core.clock import VIETNAM_TIME, FixedClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.intake import import_school
from transcript_core.model import School, SchoolLevel, SlotRole
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.trust import World
from transcript_core.policy import Office, SignatureFormat
from transcript_core.records import SchoolRecords, StaffRecord
from transcript_core.xml import list_signed_slots
from verify.formats.pades import SignatureKind, read_signed_pdf
from verify.policy import TRANSCRIPT_POLICY
from verify.report import Outcome, Report
from verify.verifier import Verifier

AT = datetime(2026, 5, 31, 2, 0, tzinfo=UTC)
YEAR = "2025-2026"
ACTOR = "test"
MATHS = "Toán.xlsx"
DEPUTY_DECISION = "Quyết định số 15/QĐ-TSM ngày 05/09/2025"
SEAL_IDENTITY = "MST:0409876543"
OTHER_SCHOOL = "48000599"
OTHER_SEAL_IDENTITY = "MST:0409876599"
OTHER_TEACHER_IDENTITY = "CCCD:048185000999"
_ENROLLED_FROM = date(2025, 8, 1)
_OTHER_NAME = "Trường THCS Ban Mai"


@dataclass(frozen=True)
class SmallSchool:
    """One enrolled school and its installation."""

    folder: Path  # its workbooks, a copy of the test's own
    school: School
    records: SchoolRecords  # as the workbooks said when it was enrolled
    workspace: Workspace
    fetch: Fetch
    subscribers: Mapping[str, Subscriber]  # by staff code
    _opened: dict[str, Signer] = field(default_factory=dict, repr=False)

    @property
    def staff(self) -> tuple[StaffRecord, ...]:
        """Return the staff, in the order of the school's own list."""
        return tuple(self.records.staff)

    def find_position(self, position: str) -> str:
        """Return the staff code of the one who holds this position."""
        return next(one.staff_code for one in self.staff if one.position == position)

    @property
    def principal(self) -> str:
        """Return the principal's staff code."""
        return self.find_position("Hiệu trưởng")

    @property
    def deputy(self) -> str:
        """Return the vice-principal's staff code."""
        return self.find_position("Phó hiệu trưởng")

    @property
    def clerk(self) -> str:
        """Return the clerk's staff code."""
        return self.find_position("Văn thư")

    @property
    def homeroom(self) -> str:
        """Return the staff code of the first class's homeroom teacher."""
        code = self.records.classes[0].homeroom_staff_code
        assert code is not None
        return code

    @property
    def teachers(self) -> tuple[str, ...]:
        """Return the staff codes of the subject teachers, each once, in the order of their assignments."""
        return tuple(dict.fromkeys(one.staff_code for one in self.records.assignments))

    def open_person(self, staff_code: str) -> Signer:
        """Return the signer of one member of staff."""
        if staff_code not in self._opened:
            self._opened[staff_code] = open_subscriber(self.subscribers[staff_code])
        return self._opened[staff_code]

    def open_seal(self) -> Signer:
        """Return the signer that holds the school's seal."""
        return open_subscriber(seal_subscriber(self.school.name, SEAL_IDENTITY))

    def open_desk(self, signer: Signer, *, fetch: Fetch | None = None) -> SigningDesk:
        """Return a desk for one action of `signer`, now, on a network of its own when one is given."""
        services = open_services(self.workspace, fetch or self.fetch)
        return SigningDesk(self.workspace, signer, services, self.workspace.clock.now())

    @property
    def context(self) -> AppContext:
        """Return a new application context, which remembers nothing."""
        return build_context(self.workspace)

    def import_(self, *, hold_back: bool = False) -> ImportOutcome:
        """Import the workbooks as they are now."""
        return import_folder(self.workspace, self.folder, school=self.school, hold_back=hold_back, actor=ACTOR)

    def build(self, *, options: BuildOptions | None = None, unlock: bool = False) -> BuildResult:
        """Build and lock."""
        return build_documents(
            self.workspace, school=self.school, school_year=YEAR, options=options, unlock=unlock, actor=ACTOR
        )

    def sign(self, staff_code: str, *, fetch: Fetch | None = None) -> SigningReport:
        """Sign what is open for one member of staff."""
        return self.sign_with(self.open_person(staff_code), fetch=fetch)

    def sign_with(self, signer: Signer, *, fetch: Fetch | None = None) -> SigningReport:
        """Sign what is open for the holder of this key."""
        return sign_open_slots(self.open_desk(signer, fetch=fetch), school_code=self.school.school_code, actor=ACTOR)

    def sign_teachers(self) -> None:
        """Let every subject teacher sign; a homeroom teacher among them then signs that slot too, if it is open."""
        for staff_code in self.teachers:
            _refuse_failures(self.sign(staff_code))

    def sign_people(self) -> None:
        """Let everybody sign until nothing is open for any person."""
        while codes := self.list_open_staff():
            for staff_code in codes:
                _refuse_failures(self.sign(staff_code))

    def issue(self, *, fetch: Fetch | None = None, seal: Signer | None = None) -> IssueReport:
        """Seal and record what waits for the seal."""
        return issue_documents(self.context, self.open_desk(seal or self.open_seal(), fetch=fetch), actor=ACTOR)

    def issue_all(self) -> list[DocumentKey]:
        """Sign, seal and record everything; return the documents issued now."""
        self.sign_people()
        report = self.issue()
        assert not report.failed, report.failed
        return report.issued

    def list_open_staff(self) -> list[str]:
        """Return the staff codes for whom a slot is open now, seal left out."""
        with transaction(self.workspace.sessions) as session:
            return [
                code
                for code in self.subscribers
                if slot_repository.list_open_slots(session, school_code=self.school.school_code, staff_code=code)
            ]

    def list_documents(self, state: DocumentState | None = None) -> list[StoredDocument]:
        """Return the documents."""
        with transaction(self.workspace.sessions) as session:
            return repository.list_documents(session, school_code=self.school.school_code, state=state)

    def get_document(self, key: DocumentKey) -> StoredDocument:
        """Return one document."""
        with transaction(self.workspace.sessions) as session:
            return repository.get_document(session, key)

    def read(self, key: DocumentKey) -> tuple[bytes, bytes]:
        """Return the stored XML and PDF of one document."""
        stored = self.get_document(key)
        return self.workspace.store.get(stored.xml_sha256), self.workspace.store.get(stored.pdf_sha256)

    def list_signed(self, key: DocumentKey) -> dict[str, frozenset[SignatureFormat]]:
        """Return slot Id → formats that the rows call signed."""
        with transaction(self.workspace.sessions) as session:
            rows = session.query(SlotRow).filter_by(serial=key.serial, version=key.version).all()
            return {
                row.slot_id: frozenset(
                    kind
                    for kind, done in ((SignatureFormat.XADES, row.xades), (SignatureFormat.PADES, row.pades))
                    if done
                )
                for row in rows
            }

    def snapshot(self) -> dict[str, tuple[str, str, dict[str, frozenset[SignatureFormat]]]]:
        """Return all that signing may change, for tests that nothing changed."""
        return {
            str(one.key): (one.xml_sha256, one.pdf_sha256, self.list_signed(one.key)) for one in self.list_documents()
        }

    def build_verifier(self, context: AppContext | None = None) -> Verifier:
        """Return a verifier that knows this installation's records."""
        return Verifier(
            trust=self.workspace.trust,
            authority=self.workspace.authority,
            status=context or self.context,
            policy=TRANSCRIPT_POLICY,
            clock=self.workspace.clock,
        )

    def verify(self, key: DocumentKey) -> tuple[Report, Report]:
        """Return the reports on a document's XML, and on its PDF beside the XML."""
        xml, pdf = self.read(key)
        verifier = self.build_verifier()
        return verifier.verify(xml), verifier.verify(pdf, xml=xml)

    def assert_passes(self, key: DocumentKey) -> None:
        """Fail unless both forms of a document pass verification."""
        for report in self.verify(key):
            assert report.outcome is Outcome.PASSED, [one for one in report.findings if one.outcome.value != "passed"]

    def correct_mark(self, pupil_code: str, subject_file: str = MATHS) -> None:
        """Change a pupil's final mark of term II in the workbook and import again."""
        correct_final_mark(self.folder, subject_file, [pupil_code])
        assert self.import_().changed

    def assert_store_is_sound(self) -> None:
        """Fail when a row names a file that is not whole in the store, or a half-written file counts as stored."""
        store = self.workspace.store
        with transaction(self.workspace.sessions) as session:
            named = repository.list_referenced_files(session)
        stored = store.list_digests()
        assert named <= set(stored)
        for digest_hex in stored:
            store.get(digest_hex)  # refuses bytes of another digest

    def assert_rows_tell_what_files_hold(self) -> None:
        """Fail unless each slot that the rows call signed has its one signature in the file, and no other has any."""
        for one in self.list_documents():
            xml, pdf = self.read(one.key)
            signed = self.list_signed(one.key)
            kept = {slot.slot_id for slot in get_transcript_document(xml).slots if slot.kept}
            for kind, found in (
                (SignatureFormat.XADES, sorted(list_signed_slots(xml))),
                (SignatureFormat.PADES, sorted([*list_signed_fields(pdf), *kept])),
            ):
                assert found == sorted(slot_id for slot_id, formats in signed.items() if kind in formats), kind

    def close(self) -> None:
        """Release the database."""
        engine = self.workspace.sessions.kw["bind"]
        assert isinstance(engine, Engine)
        engine.dispose()


@contextmanager
def enrolled_school(
    folder: Path,
    *,
    database_url: str | None = None,
    level: SchoolLevel = SchoolLevel.LOWER_SECONDARY,
    pupils: int = 2,
    troubles: bool = False,
    change: Callable[[AuthorityList], AuthorityList] = lambda authority: authority,
) -> Iterator[SmallSchool]:
    """Yield a school that is enrolled; nothing is imported yet.

    Args:
        folder: a new one; workbooks, authority list and documents go there.
        database_url: of an empty database; None: SQLite in `folder`.
        troubles: whether the workbooks have errors in them.
        change: of the authority list, before the department signs it.
    """
    workbooks = folder / "school"
    shutil.copytree(_write_workbooks(level, pupils, troubles), workbooks)
    school = open_enrolled(folder, level=level, database_url=database_url, change=change)
    try:
        yield school
    finally:
        school.close()


@contextmanager
def built_school(folder: Path, *, database_url: str | None = None) -> Iterator[SmallSchool]:
    """Yield a lower secondary school whose two documents are locked and unsigned.  Arguments: `enrolled_school`."""
    with _copy_template(_make_template(issued=False), folder, database_url) as school:
        yield school


@contextmanager
def issued_school(folder: Path, *, database_url: str | None = None) -> Iterator[SmallSchool]:
    """Yield the same school with both documents issued."""
    with _copy_template(_make_template(issued=True), folder, database_url) as school:
        yield school


def open_enrolled(
    folder: Path,
    *,
    level: SchoolLevel = SchoolLevel.LOWER_SECONDARY,
    database_url: str | None = None,
    change: Callable[[AuthorityList], AuthorityList] = lambda authority: authority,
) -> SmallSchool:
    """Return the school whose workbooks are in `folder`/school; enrols it at the first call."""
    pki, clock = development_pki(), FixedClock(AT)
    workbooks, authority_file = folder / "school", folder / "authority.jws"
    school = build_school_profile(level)
    records = read_records(workbooks, level)
    subscribers = {one.staff_code: _subscribe(number, one, school.name) for number, one in enumerate(records.staff)}
    if not authority_file.is_file():
        listed = change(_draft(school, records, subscribers))
        authority_file.write_bytes(sign_authority(listed, open_department()))
    settings = Settings(
        home=folder / "home",
        database_url=database_url,
        anchors_dir=pki.anchors_dir,
        authority_file=authority_file,
        tsa_urls=(pki.tsa_url,),
        chain_hosts=frozenset({"127.0.0.1"}),
    )
    return SmallSchool(workbooks, school, records, open_workspace(settings, clock), Responder(pki, clock), subscribers)


def open_subscriber(subscriber: Subscriber) -> Signer:
    """Return the signer with this subscriber's certificate of the shared PKI, issued at the first call."""
    pki = development_pki()
    path = pki.issue(subscriber)
    return open_pkcs12(path, pki.read_password(path))


def spoil(subscriber: Subscriber, reason: str) -> Subscriber:
    """Return the same holder with a certificate that may not sign at `AT`, issued for tests of refusal alone."""
    day = timedelta(days=1)
    if reason == "revoked":
        revoked = replace(subscriber, organisation=f"{subscriber.organisation} (thu hồi)")
        development_pki().revoke(open_subscriber(revoked).certificate, at=AT - day)
        return revoked
    return {
        "expired": replace(subscriber, valid_from=AT - 300 * day, valid_to=AT - day),
        "not-yet-valid": replace(subscriber, valid_from=AT + day, valid_to=AT + 300 * day),
        "no-signing-usage": replace(subscriber, profile=Profile.NO_SIGNING_USAGE),
    }[reason]


def seal_subscriber(school_name: str, identity: str) -> Subscriber:
    """Return what a school's seal certificate says."""
    return Subscriber(school_name, identity, school_name, World.PUBLIC_DUTY, "p-256")


def open_other_seal() -> Signer:
    """Return the signer that holds the other enrolled school's seal."""
    return open_subscriber(seal_subscriber(_OTHER_NAME, OTHER_SEAL_IDENTITY))


def open_other_teacher() -> Signer:
    """Return the signer of the other school's teacher of mathematics, who teaches a class of the same name there."""
    return open_subscriber(Subscriber("Hồ Thị Xuân", OTHER_TEACHER_IDENTITY, _OTHER_NAME, World.PUBLIC_DUTY, "p-256"))


def slots_of(school: SmallSchool, key: DocumentKey, role: SlotRole) -> list[str]:
    """Return the Ids of a document's slots of one kind, in signing order."""
    xml, _ = school.read(key)
    return [slot.slot_id for slot in get_transcript_document(xml).slots if slot.role is role]


def list_signed_fields(pdf: bytes) -> list[str]:
    """Return the name of the field of each signature in a PDF; document timestamps are no slot's."""
    return [one.slot_id for one in read_signed_pdf(pdf).signatures if one.kind is SignatureKind.SIGNATURE]


def refuse_addresses(fetch: Fetch, part: str) -> Fetch:
    """Return a network on which every address that holds `part` is down."""

    def answer(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        if part in url:
            raise EvidenceUnavailable(f"{url}: connection refused", servers=((url, "connection refused"),))
        return fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)

    return answer


def _refuse_failures(report: SigningReport) -> None:
    assert not report.failed, report.failed


@cache
def _write_workbooks(level: SchoolLevel, pupils: int, troubles: bool) -> Path:
    parent = Path(tempfile.mkdtemp(prefix=f"hocba-workbooks-{os.getuid()}-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    folder = parent / "school"
    write_school(folder, level=level, pupils_per_class=pupils, troubles=troubles)
    return folder


@cache
def read_records(workbooks: Path, level: SchoolLevel) -> SchoolRecords:
    """Return what the workbooks said when they were first read."""
    files = sorted(path for path in workbooks.rglob("*") if path.is_file())
    said = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).digest()
    names = tuple(str(path.relative_to(workbooks)) for path in files)
    if (said, names, level) not in _records:  # most schools are copies of one
        day = AT.astimezone(VIETNAM_TIME).date()
        _records[said, names, level] = import_school(workbooks, school_level=level, as_of=day).records
    return _records[said, names, level]


_records: dict[tuple[bytes, tuple[str, ...], SchoolLevel], SchoolRecords] = {}


@contextmanager
def unstamped_school(folder: Path) -> Iterator[SmallSchool]:
    """Yield the same school with both documents issued while no time-stamping authority answered."""
    with _copy_template(_make_template(issued=True, stamped=False), folder, None) as school:
        yield school


@cache
def _make_template(*, issued: bool, stamped: bool = True) -> Path:
    """Return a folder with a built or issued school, made once a process."""
    folder = Path(tempfile.mkdtemp(prefix=f"hocba-template-{os.getuid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with enrolled_school(folder) as school:
        school.import_()
        school.build()
        if issued:
            school.sign_people()
            report = school.issue(fetch=None if stamped else refuse_addresses(school.fetch, "/tsa"))
            assert not report.failed, report.failed
    return folder


@contextmanager
def _copy_template(template: Path, folder: Path, database_url: str | None) -> Iterator[SmallSchool]:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    school = open_enrolled(folder, database_url=database_url)
    if database_url is not None:
        _copy_rows(f"sqlite:///{folder / 'home' / 'hocba.db'}", school.workspace)
    try:
        yield school
    finally:
        school.close()


def _copy_rows(source_url: str, workspace: Workspace) -> None:
    source = create_engine(source_url)
    with source.connect() as reader, transaction(workspace.sessions) as session:
        for table in Base.metadata.sorted_tables:
            if rows := [dict(row) for row in reader.execute(select(table)).mappings()]:
                session.execute(insert(table), rows)
        if session.get_bind().dialect.name == "postgresql":  # its numbering does not follow given numbers
            session.execute(text("SELECT setval('audit_events_id_seq', (SELECT max(id) FROM audit_events))"))
    source.dispose()


def _subscribe(number: int, person: StaffRecord, organisation: str) -> Subscriber:
    """Return what a person's certificate says; teachers' ones lead to both worlds, a few hold RSA keys."""
    world = World.NATIONAL if person.position.startswith("Giáo viên") and number % 2 else World.PUBLIC_DUTY
    kind: KeyKind = "rsa-2048" if number % 8 == 0 else "p-256"
    return Subscriber(person.name, f"CCCD:0481850{number:05d}", organisation, world, kind)


def _draft(school: School, records: SchoolRecords, subscribers: Mapping[str, Subscriber]) -> AuthorityList:
    deputies = {one.staff_code: DEPUTY_DECISION for one in records.staff if one.position == "Phó hiệu trưởng"}
    identities = {code: subscriber.identity for code, subscriber in subscribers.items()}
    enrolment = Enrolment(school, SEAL_IDENTITY, identities, _ENROLLED_FROM, deputies=deputies)
    listed = draft_authority(
        {school.school_code: (enrolment, records)},
        number=1,
        issuer=school.department_name,
        issued_at=AT - timedelta(days=200),
        valid_to=AT + timedelta(days=200),
    )
    return replace(
        listed,
        schools=(*listed.schools, _other_school(school)),
        staff=(*listed.staff, _other_teacher(school, records.classes[0].name)),
    )


def _other_school(school: School) -> SchoolEntry:
    return SchoolEntry(
        school_code=OTHER_SCHOOL,
        name=_OTHER_NAME,
        levels=(school.level,),
        commune=school.commune,
        province_code=school.province_code,
        province_name=school.province_name,
        department_name=school.department_name,
        seals=(SealEntry(OTHER_SEAL_IDENTITY, _ENROLLED_FROM),),
    )


def _other_teacher(school: School, class_name: str) -> StaffEntry:
    offices = tuple(
        OfficeEntry(office, OTHER_SCHOOL, _ENROLLED_FROM, None, YEAR, class_name=class_name, subject_code=subject)
        for office, subject in ((Office.SUBJECT_TEACHER, "TOAN"), (Office.HOMEROOM_TEACHER, None))
    )
    return StaffEntry("0499999901", "Hồ Thị Xuân", (OTHER_TEACHER_IDENTITY,), offices)


def list_staff_of(records: SchoolRecords, subject_code: str) -> Sequence[str]:
    """Return who teaches a subject, in the order of assignment."""
    return [one.staff_code for one in records.assignments if one.subject_code == subject_code]
