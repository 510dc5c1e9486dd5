"""Documents issued once a test run from a real school's spreadsheets, by the installation's own code.

The folder lies beside the project where it is available.  A few pupils of one class are taken as the workbooks have
them; everybody who has to signs, the seal is put on, and what was issued is verified as an issued document is.
"""

from __future__ import annotations

import atexit
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from demo.school import DemoSchool, enrol
from keys_dev.files import locked
from keys_dev.services import Responder
from service.context import build_context
from service.db.engine import transaction
from service.schools import repository as schools
from service.signing.desk import SigningDesk, open_services
from service.signing.issuing import issue_documents
from service.signing.workflow import sign_open_slots
from service.transcripts import repository
from service.transcripts.building import build_documents, get_transcript_document
from service.transcripts.repository import DocumentState
from signing.signer import Signer
from tests.support.pki import development_pki
from transcript_core.authority import AuthorityList
from transcript_core.clock import VIETNAM_TIME, FixedClock
from transcript_core.intake import import_school, select_clean
from transcript_core.model import SchoolLevel, Transcript
from transcript_core.status import DocumentStatus, StatusAnswer
from verify.verifier import Verifier

FOLDER: Final = Path(__file__).parents[2].parent / "shared" / "data" / "thcs-school"
ABSENT: Final = "the real school's spreadsheets are not beside the project (../shared/data/thcs-school)"
ISSUED_AT: Final = datetime(2026, 5, 30, 2, 0, tzinfo=UTC)
CLASS: Final = "9A1"
_PUPILS: Final = 2
_ACTOR: Final = "test"
_LEFT_OVER: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class RealDocument:
    """One issued document: its three files, and what they say."""

    xml: bytes
    pdf: bytes
    jws: bytes
    transcript: Transcript


@dataclass(frozen=True, slots=True)
class RealSchool:
    """What a verifier needs, and what was issued."""

    documents: tuple[RealDocument, ...]
    authority: AuthorityList

    def open_verifier(self) -> Verifier:
        """Return a verifier that trusts the PKI and the list, and holds every document for a valid one."""
        trust = development_pki().trust_store()
        return Verifier(trust=trust, authority=self.authority, status=_AllValid(), clock=FixedClock(ISSUED_AT))


@dataclass(frozen=True, slots=True)
class _AllValid:
    """Says of every document that it is valid, so that nothing but the document itself can speak against it."""

    def find_status(self, serial: str, version: int, digest: bytes | None) -> StatusAnswer:
        """Return the status of a document."""
        return StatusAnswer(DocumentStatus.VALID, ISSUED_AT)


@cache
def real_school() -> RealSchool:
    """Return the issued documents of this test run; the first worker that asks makes them."""
    parent = Path(tempfile.gettempdir()) / f"hocba-test-real-{os.getuid()}"
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    _remove_left_overs(parent)
    folder = parent / (run or f"pid-{os.getpid()}")
    if run is None:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / "issued.pickle"
    with locked(folder):
        if not made.is_file():
            made.write_bytes(pickle.dumps(_make(folder)))
    school = pickle.loads(made.read_bytes())
    assert isinstance(school, RealSchool)
    return school


def _make(folder: Path) -> RealSchool:
    clock = FixedClock(ISSUED_AT)
    pki = development_pki()
    enrolled = enrol(FOLDER, pki, folder, level=SchoolLevel.LOWER_SECONDARY, base_url="https://hocba.test", clock=clock)
    try:
        _take(enrolled)
        build_documents(
            enrolled.workspace, school=enrolled.school, school_year="2025-2026", class_name=CLASS, actor=_ACTOR
        )
        services = open_services(enrolled.workspace, Responder(pki, clock))
        _sign_all(enrolled, lambda signer: SigningDesk(enrolled.workspace, signer, services, ISSUED_AT))
        return RealSchool(_read(enrolled), enrolled.workspace.get_authority())
    finally:
        engine = enrolled.workspace.sessions.kw["bind"]
        assert isinstance(engine, Engine)
        engine.dispose()


def _take(enrolled: DemoSchool) -> None:
    """Import the school with the first pupils of one class alone."""
    day = ISSUED_AT.astimezone(VIETNAM_TIME).date()
    records = select_clean(import_school(FOLDER, school_level=SchoolLevel.LOWER_SECONDARY, as_of=day))
    few = tuple(one for one in records.pupils if one.class_name == CLASS)[:_PUPILS]
    with transaction(enrolled.workspace.sessions) as session:
        schools.save_year(
            session,
            school_code=enrolled.school.school_code,
            records=replace(records, pupils=few),
            problems=(),
            at=ISSUED_AT,
        )


def _sign_all(enrolled: DemoSchool, open_desk: Callable[[Signer], SigningDesk]) -> None:
    """Let everybody sign in turn until nothing is open, then put the seal on."""
    keys, signed = enrolled.keys, True
    while signed:
        signed = False
        for staff_code in keys.people:
            desk = open_desk(keys.open_person(staff_code))
            report = sign_open_slots(desk, school_code=enrolled.school.school_code, actor=_ACTOR)
            assert not report.failed, report.failed
            signed = signed or bool(report.signed)
    issued = issue_documents(build_context(enrolled.workspace), open_desk(keys.open_seal()), actor=_ACTOR)
    assert not issued.failed, issued.failed
    keys.close()


def _read(enrolled: DemoSchool) -> tuple[RealDocument, ...]:
    with transaction(enrolled.workspace.sessions) as session:
        found = repository.list_documents(session, school_code=enrolled.school.school_code, state=DocumentState.ISSUED)
    get = enrolled.workspace.store.get
    documents = []
    for one in found:
        assert one.json_sha256 is not None
        xml = get(one.xml_sha256)
        transcript = get_transcript_document(xml).transcript
        documents.append(RealDocument(xml, get(one.pdf_sha256), get(one.json_sha256), transcript))
    assert len(documents) == _PUPILS
    return tuple(documents)


def _remove_left_overs(parent: Path) -> None:
    """Remove what runs with several workers left behind; they cannot know which of them ends last."""
    oldest = (datetime.now(UTC) - _LEFT_OVER).timestamp()
    for folder in parent.glob("*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
