"""What may be recorded follows from what was issued before, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.db.engine import transaction
from service.db.tables import EventRow
from service.schools.importing import import_folder
from service.transcripts import repository
from service.transcripts.building import build_documents, get_transcript_document
from service.transcripts.recording import SignedFiles, record_document, record_recall
from service.transcripts.repository import DocumentState
from tests.support.issued import ISSUED_CLASS, Installation, issued_school, open_copy, open_empty
from transcript_core.errors import Conflict


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    opened = open_copy(tmp_path / "copy")
    yield opened
    opened.close()


@pytest.fixture
def second_documents(tmp_path: Path) -> Iterator[list[SignedFiles]]:
    """Perfectly signed documents of the same pupils and year under new serials, made by another installation."""
    other = open_empty(tmp_path / "other")
    issued = issued_school()
    school = issued.school
    outcome = import_folder(other.workspace, issued.folder / "school", school=school, hold_back=False, actor="test")
    year = outcome.records.school_year
    build_documents(other.workspace, school=school, school_year=year, class_name=ISSUED_CLASS, actor="test")
    other.sign_all(ISSUED_CLASS)
    other.issue(ISSUED_CLASS)
    with transaction(other.workspace.sessions) as session:
        documents = repository.list_documents(session, school_code=school.school_code, state=DocumentState.ISSUED)
    store = other.workspace.store
    yield [
        SignedFiles(store.get(one.xml_sha256), store.get(one.pdf_sha256), store.get(str(one.json_sha256)))
        for one in documents
    ]
    other.close()


def _pupil(xml: bytes) -> str:
    return get_transcript_document(xml).transcript.pupil.pupil_code


def _of_pupil(documents: list[SignedFiles], pupil_code: str) -> SignedFiles:
    return next(one for one in documents if _pupil(one.xml) == pupil_code)


def test_second_current_document_of_one_pupil_and_year_is_refused(
    installation: Installation, second_documents: list[SignedFiles]
) -> None:
    current = issued_school().current
    files = _of_pupil(second_documents, _pupil(current.xml))
    with pytest.raises(Conflict, match=current.key.serial):
        record_document(installation.context, files, view_secret_sha256=None, actor="test")


def test_after_a_recall_a_document_under_a_new_serial_may_follow(
    installation: Installation, second_documents: list[SignedFiles]
) -> None:
    files = _of_pupil(second_documents, _pupil(issued_school().recalled.xml))
    recorded = record_document(installation.context, files, view_secret_sha256=None, actor="test")
    assert recorded.event.version == 1


def test_nothing_follows_a_serial_whose_recorded_file_no_longer_proves_it(installation: Installation) -> None:
    """The damaged file might have been a recall, so the chain cannot be continued."""
    issued = issued_school()
    with transaction(installation.workspace.sessions) as session:
        row = session.get_one(EventRow, (issued.recalled.key.serial, 1))
        row.document_sha256 = installation.workspace.store.put(issued.current.xml)
        session.delete(session.get_one(EventRow, (issued.recalled.key.serial, 2)))
    with pytest.raises(Conflict, match="no longer proves"):
        record_recall(installation.context, issued.recall, actor="test")
