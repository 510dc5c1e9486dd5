"""A small issued school, made once a test run by the code itself and shared by every xdist worker.

Class 7A1 of an invented lower secondary school has three documents, signed in all slots and both formats: one is
current, one was replaced (versions 1 and 2), one was recalled.  The documents of class 7A2 are locked and unsigned.
`issued_school()` is read-only; `open_copy` gives a test an installation of its own to change.
"""

from __future__ import annotations

import atexit
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, insert, select, text

from demo.correction import correct_final_mark
from demo.people import Keyring
from demo.school import DemoSchool, enrol
from demo.school_generator import write_school
from keys_dev.files import locked
from keys_dev.services import Responder
from service.context import AppContext, build_context
from service.db.engine import transaction
from service.db.tables import AuditRow, Base
from service.schools.importing import import_folder
from service.settings import Settings
from service.signing.desk import SigningDesk, SigningServices, open_services
from service.signing.issuing import IssueReport, issue_documents
from service.signing.workflow import sign_open_slots
from service.status.exporting import export_status
from service.status.recalls import approve_recall, request_recall, seal_recall
from service.transcripts import event_repository, repository
from service.transcripts.building import build_documents, get_transcript_document
from service.transcripts.replacing import build_replacement
from service.transcripts.repository import DocumentKey, DocumentState
from service.workspace import Workspace, open_workspace
from signing.signer import Signer
from tests.support.pki import development_pki
from transcript_core.model import School, SchoolLevel, Transcript
from transcript_core.records import SchoolRecords, StaffRecord

ENROLLED_AT = datetime(2026, 5, 20, 1, 30, tzinfo=UTC)
SIGNED_AT = datetime(2026, 5, 27, 2, 0, tzinfo=UTC)
CHANGED_AT = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 6, 3, 8, 0, tzinfo=UTC)
"""What the clock of every copy says when it is opened."""

BASE_URL = "https://hocba.test"
ISSUED_CLASS = "7A1"
LOCKED_CLASS = "7A2"
CORRECTED_FILE = "Toán.xlsx"
REPLACE_REASON = "Nhập nhầm điểm đánh giá cuối kì môn Toán"
RECALL_REASON = "Phát hành nhầm cho học sinh đã chuyển trường"
ACTOR = "test"
_PUPILS = 3
_LEFT_OVER = timedelta(hours=12)


@dataclass(slots=True)
class ManualClock:
    """A clock that a test sets."""

    at: datetime  # aware, UTC

    def now(self) -> datetime:
        """Return the time it was last set to."""
        return self.at

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.at += by


@dataclass(frozen=True, slots=True)
class IssuedDocument:
    """One issued version: its files and what its QR code holds."""

    key: DocumentKey
    xml: bytes
    pdf: bytes
    jws: bytes
    url: str  # with the view secret in its fragment

    @property
    def path(self) -> str:
        """Return the page's path: "/v/<serial>/<version>"."""
        return f"/v/{self.key}"

    @property
    def secret(self) -> str:
        """Return the view secret as the page sends it."""
        return self.url.partition("#")[2]

    @property
    def transcript(self) -> Transcript:
        """Return what was signed."""
        return get_transcript_document(self.xml).transcript


@dataclass(frozen=True, slots=True)
class IssuedSchool:
    """The school as it stands at `NOW`.  Nothing here is ever changed."""

    folder: Path
    school: School
    keys: Keyring
    staff: tuple[StaffRecord, ...]
    principal: str  # staff codes
    clerk: str
    current: IssuedDocument
    replaced: IssuedDocument  # version 1
    replacement: IssuedDocument  # version 2, current
    recalled: IssuedDocument
    recall: bytes  # the signed CANCEL document
    locked: tuple[DocumentKey, ...]  # unsigned documents of LOCKED_CLASS
    status_file: bytes  # exported at CHANGED_AT

    @property
    def workbooks(self) -> Path:
        """Return the folder of the school's spreadsheets; copy it before changing any."""
        return self.folder / "school"

    @property
    def settings(self) -> Settings:
        """Return the settings of the installation that issued."""
        return _settings(self.keys, self.folder / "home", self.folder / "authority.jws")


@dataclass(frozen=True, slots=True)
class Installation:
    """A copy of the issued school's installation, or an empty one with the same trust, for one test."""

    issued: IssuedSchool
    workspace: Workspace
    clock: ManualClock
    services: SigningServices

    @property
    def context(self) -> AppContext:
        """Return a new application context over it."""
        return build_context(self.workspace)

    def open_desk(self, signer: Signer) -> SigningDesk:
        """Return a desk for one action of `signer`, now."""
        return SigningDesk(self.workspace, signer, self.services, self.clock.now())

    def sign_all(self, class_name: str) -> None:
        """Let teachers, homeroom teachers and the principal sign all that is open for them."""
        _sign_all(self.issued.keys, self.open_desk, self.issued.school.school_code, class_name)

    def issue(self, class_name: str) -> IssueReport:
        """Seal and record what waits for the seal."""
        desk = self.open_desk(self.issued.keys.open_seal())
        report = issue_documents(self.context, desk, class_name=class_name, actor=ACTOR)
        assert not report.failed, report.failed
        return report

    def close(self) -> None:
        """Release the database."""
        engine = self.workspace.sessions.kw["bind"]
        assert isinstance(engine, Engine)
        engine.dispose()


@cache
def issued_school() -> IssuedSchool:
    """Return the issued school of this test run; the first worker that asks makes it (a few seconds)."""
    parent = Path(tempfile.gettempdir()) / f"hocba-test-issued-{os.getuid()}"
    _remove_left_overs(parent)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    folder = parent / (run or f"pid-{os.getpid()}")
    if run is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "issued.pickle"
    with locked(folder):
        if not made.is_file():
            content = pickle.dumps(_make(folder))
            made.write_bytes(content)
    school = pickle.loads(made.read_bytes())
    assert isinstance(school, IssuedSchool)
    return school


def open_copy(folder: Path, *, database_url: str | None = None, **settings: object) -> Installation:
    """Return a copy of the issued school's installation under `folder` (a new one).

    Args:
        database_url: an empty database that gets every row; None: a copy of the SQLite file.
        settings: what else the installation chooses, as in `Settings`.
    """
    issued = issued_school()
    home = folder / "home"
    if database_url is None:
        shutil.copytree(
            issued.folder / "home", home, ignore=shutil.ignore_patterns("*-shm")
        )  # others read it meanwhile
    else:
        shutil.copytree(issued.folder / "home" / "store", home / "store")
        shutil.copytree(issued.folder / "home" / "status", home / "status")
    installation = _open(issued, folder, {"database_url": database_url, **settings})
    if database_url is not None:
        _copy_rows(f"sqlite:///{issued.folder / 'home' / 'hocba.db'}", installation.workspace)
    return installation


def open_empty(folder: Path, *, database_url: str | None = None, **settings: object) -> Installation:
    """Return a fresh installation with the same trust and authority list that has issued nothing."""
    return _open(issued_school(), folder, {"database_url": database_url, **settings})


def _open(issued: IssuedSchool, folder: Path, extra: Mapping[str, object]) -> Installation:
    authority = folder / "authority.jws"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(issued.folder / "authority.jws", authority)
    clock = ManualClock(NOW)
    workspace = open_workspace(_settings(issued.keys, folder / "home", authority, **extra), clock)
    return Installation(issued, workspace, clock, open_services(workspace, Responder(issued.keys.pki, clock)))


def _settings(keys: Keyring, home: Path, authority: Path, **extra: object) -> Settings:
    values: dict[str, object] = {
        "home": home,
        "base_url": BASE_URL,
        "anchors_dir": keys.pki.anchors_dir,
        "authority_file": authority,
        "tsa_urls": (keys.pki.tsa_url,),
        "chain_hosts": frozenset({"127.0.0.1"}),
    }
    return Settings.model_validate(values | extra)


def _make(folder: Path) -> IssuedSchool:
    clock = ManualClock(ENROLLED_AT)
    write_school(folder / "school", classes=(ISSUED_CLASS, LOCKED_CLASS), pupils_per_class=_PUPILS)
    enrolled = enrol(
        folder / "school",
        development_pki(),
        folder,
        level=SchoolLevel.LOWER_SECONDARY,
        base_url=BASE_URL,
        clock=clock,
    )
    maker = _Maker(folder, enrolled, clock)
    try:
        return maker.make()
    finally:
        maker.close()


class _Maker:
    def __init__(self, folder: Path, enrolled: DemoSchool, clock: ManualClock) -> None:
        self._folder = folder
        self._enrolled = enrolled
        self._keys, self._school = enrolled.keys, enrolled.school
        self._workspace = enrolled.workspace
        self._clock = clock
        self._context = build_context(self._workspace)
        self._services = open_services(self._workspace, Responder(self._keys.pki, clock))
        self._urls: dict[DocumentKey, str] = {}

    def make(self) -> IssuedSchool:
        records = self._import()
        built = build_documents(self._workspace, school=self._school, school_year=records.school_year, actor=ACTOR)
        assert len(built.built) == 2 * _PUPILS, built.incomplete
        self._clock.at = SIGNED_AT
        self._sign_and_issue()
        current, replaced, recalled = self._list_keys(DocumentState.ISSUED)
        principal, clerk = (_find(records.staff, position) for position in ("Hiệu trưởng", "Văn thư"))
        self._clock.at = CHANGED_AT
        first = self._read(replaced)
        replacement = self._replace(replaced)
        recall = self._recall(recalled, clerk=clerk, principal=principal)
        status_file = export_status(
            self._context,
            self._keys.open_seal(),
            school_code=self._school.school_code,
            school_year=records.school_year,
            actor=ACTOR,
        )
        return IssuedSchool(
            folder=self._folder,
            school=self._school,
            keys=Keyring(self._keys.pki, self._keys.holder, self._keys.people, self._keys.seal),  # nothing opened
            staff=tuple(records.staff),
            principal=principal,
            clerk=clerk,
            current=self._read(current),
            replaced=first,
            replacement=self._read(replacement),
            recalled=self._read(recalled),
            recall=recall,
            locked=self._list_keys(DocumentState.LOCKED),
            status_file=status_file,
        )

    def close(self) -> None:
        engine = self._workspace.sessions.kw["bind"]
        assert isinstance(engine, Engine)
        engine.dispose()

    def _import(self) -> SchoolRecords:
        outcome = import_folder(
            self._workspace, self._enrolled.folder, school=self._school, hold_back=False, actor=ACTOR
        )
        return outcome.records

    def _desk(self, signer: Signer) -> SigningDesk:
        return SigningDesk(self._workspace, signer, self._services, self._clock.now())

    def _sign_and_issue(self) -> None:
        _sign_all(self._keys, self._desk, self._school.school_code, ISSUED_CLASS)
        issued = issue_documents(
            self._context, self._desk(self._keys.open_seal()), class_name=ISSUED_CLASS, actor=ACTOR
        )
        assert not issued.failed, issued.failed
        self._urls |= issued.urls

    def _replace(self, key: DocumentKey) -> DocumentKey:
        pupil_code = self._read(key).transcript.pupil.pupil_code
        correct_final_mark(self._enrolled.folder, CORRECTED_FILE, [pupil_code])
        self._import()
        newest = build_replacement(self._workspace, key.serial, school=self._school, reason=REPLACE_REASON, actor=ACTOR)
        self._sign_and_issue()
        return newest

    def _recall(self, key: DocumentKey, *, clerk: str, principal: str) -> bytes:
        request_recall(
            self._desk(self._keys.open_person(clerk)),
            key.serial,
            key.version,
            reason=RECALL_REASON,
            approver_staff_code=principal,
            actor=ACTOR,
        )
        approve_recall(self._desk(self._keys.open_person(principal)), key.serial, actor=ACTOR)
        recalled = seal_recall(self._context, self._desk(self._keys.open_seal()), key.serial, actor=ACTOR)
        with transaction(self._workspace.sessions) as session:
            files = dict(event_repository.list_event_files(session, key.serial))
        return self._workspace.store.get(files[recalled.version])

    def _read(self, key: DocumentKey) -> IssuedDocument:
        with transaction(self._workspace.sessions) as session:
            stored = repository.get_document(session, key)
        assert stored.json_sha256 is not None
        get = self._workspace.store.get
        return IssuedDocument(
            key, get(stored.xml_sha256), get(stored.pdf_sha256), get(stored.json_sha256), self._urls[key]
        )

    def _list_keys(self, state: DocumentState) -> tuple[DocumentKey, ...]:
        """Return the documents in `state` by class and pupil: the same pupils in every run."""
        with transaction(self._workspace.sessions) as session:
            found = repository.list_documents(session, school_code=self._school.school_code, state=state)
        return tuple(one.key for one in found)


def _sign_all(keys: Keyring, open_desk: Callable[[Signer], SigningDesk], school_code: str, class_name: str) -> None:
    """Let everybody sign in turn, until a round signs nothing: a homeroom teacher waits for others, a principal too."""
    signed = True
    while signed:
        signed = False
        for staff_code in keys.people:
            desk = open_desk(keys.open_person(staff_code))
            report = sign_open_slots(desk, school_code=school_code, class_name=class_name, actor=ACTOR)
            assert not report.failed, report.failed
            signed = signed or bool(report.signed)


def _find(staff: Sequence[StaffRecord], position: str) -> str:
    return next(one.staff_code for one in staff if one.position == position)


def _copy_rows(source_url: str, workspace: Workspace) -> None:
    source = create_engine(source_url)
    with source.connect() as reader, transaction(workspace.sessions) as session:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in reader.execute(select(table)).mappings()]
            if rows:
                session.execute(insert(table), rows)
        if session.get_bind().dialect.name == "postgresql":
            name = AuditRow.__tablename__
            session.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")
            )
    source.dispose()


def _remove_left_overs(parent: Path) -> None:
    """Remove what runs with several workers left behind; they cannot know which of them ends last."""
    oldest = (datetime.now(UTC) - _LEFT_OVER).timestamp()
    for folder in parent.glob("*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
