"""Recording over HTTP: only what is fully signed and follows from what was issued, and only for the clerk's token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from demo.attacks import edit_mark, forge_paper, swap_part
from service import audit
from service.app import create_app
from service.db.engine import transaction
from service.db.tables import DocumentRow, EventRow
from service.schools.authority_files import sign_authority
from service.schools.enrolment import Enrolment, draft_authority
from service.transcripts import repository
from signing.jades import sign_jws
from tests.support.http import AS_CLERK, SQLITE_ONLY, TOKEN_SHA256, document_form, read_problem, secret_sha256
from tests.support.issued import NOW, Installation, IssuedDocument, issued_school, open_empty
from tests.support.server import open_client
from transcript_core.intake import import_school
from transcript_core.jws import parse_jws
from transcript_core.model import SchoolLevel
from transcript_core.policy import part_id

DOCUMENTS, RECALLS = "/api/v1/documents", "/api/v1/recalls"


def record(client: httpx.Client, document: IssuedDocument, **other: bytes) -> httpx.Response:
    """Post a document with its view secret's digest, some of its files exchanged for others."""
    form = {"view_secret_sha256": secret_sha256(document)}
    return client.post(DOCUMENTS, files=document_form(document, **other), data=form, headers=AS_CLERK)


def recall(client: httpx.Client, xml: bytes) -> httpx.Response:
    return client.post(RECALLS, files={"xml": ("thu-hoi.xml", xml)}, headers=AS_CLERK)


def find_state(client: httpx.Client, document: IssuedDocument) -> str | None:
    answer = client.get(f"{DOCUMENTS}/{document.key}")
    return answer.json()["status"] if answer.status_code == 200 else None


def count_rows(installation: Installation) -> tuple[int | None, int | None, int]:
    """Return how many documents, events and audit rows there are."""
    with transaction(installation.workspace.sessions) as session:
        documents = session.scalar(select(func.count()).select_from(DocumentRow))
        events = session.scalar(select(func.count()).select_from(EventRow))
        return documents, events, len(audit.list_events(session, subject_prefix=""))


def test_genuine_document_its_replacement_and_recall(fresh_client: httpx.Client) -> None:
    issued = issued_school()
    for document in (issued.replaced, issued.recalled):
        answer = record(fresh_client, document)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"{DOCUMENTS}/{document.key}"
        assert answer.json()["status"] == "valid"
    assert record(fresh_client, issued.replacement).status_code == 201
    answer = recall(fresh_client, issued.recall)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"serial": issued.recalled.key.serial, "version": 2, "recalled_version": 1}
    states = [find_state(fresh_client, one) for one in (issued.replaced, issued.replacement, issued.recalled)]
    assert states == ["superseded", "valid", "recalled"]


def test_recorded_document_opens_to_its_qr_code(fresh_client: httpx.Client, fresh_installation: Installation) -> None:
    document = issued_school().current
    assert record(fresh_client, document).status_code == 201
    answer = fresh_client.post(f"{document.path}/compare", json={"secret": document.secret})
    assert dict(answer.json()["facts"])["Học sinh"] == document.transcript.pupil.name
    with transaction(fresh_installation.workspace.sessions) as session:
        events = audit.list_events(session, subject_prefix=str(document.key))
    assert [(actor, action) for _, actor, action, _, _ in events] == [("clerk-token", "issue"), ("public", "compare")]


def test_document_without_view_secret_opens_to_nobody(fresh_client: httpx.Client) -> None:
    document = issued_school().current
    answer = fresh_client.post(DOCUMENTS, files=document_form(document), headers=AS_CLERK)
    assert answer.status_code == 201
    read_problem(fresh_client.post(f"{document.path}/compare", json={"secret": document.secret}), 403, "forbidden")


def test_restarted_service_knows_what_was_recorded(
    fresh_client: httpx.Client, fresh_installation: Installation
) -> None:
    document = issued_school().current
    assert record(fresh_client, document).status_code == 201
    with open_client(create_app(fresh_installation.workspace)) as restarted:
        assert find_state(restarted, document) == "valid"


def test_replay_is_a_conflict_and_changes_nothing(copy_client: httpx.Client, issued_copy: Installation) -> None:
    issued = issued_copy.issued
    before = count_rows(issued_copy)
    for document in (issued.current, issued.replaced, issued.replacement, issued.recalled):
        read_problem(record(copy_client, document), 409, "conflict")
    read_problem(recall(copy_client, issued.recall), 409, "conflict")
    assert count_rows(issued_copy) == before
    assert find_state(copy_client, issued.recalled) == "recalled"


def test_replay_cannot_change_the_view_secret(copy_client: httpx.Client, issued_copy: Installation) -> None:
    document = issued_copy.issued.current
    stolen = {"view_secret_sha256": "0" * 64}
    copy_client.post(DOCUMENTS, files=document_form(document), data=stolen, headers=AS_CLERK)
    with transaction(issued_copy.workspace.sessions) as session:
        stored = repository.get_document(session, document.key)
    assert stored.view_secret_sha256 == bytes.fromhex(secret_sha256(document))


def test_replacement_and_recall_need_what_they_name(
    fresh_client: httpx.Client, fresh_installation: Installation
) -> None:
    issued = issued_school()
    read_problem(record(fresh_client, issued.replacement), 409, "conflict")
    read_problem(recall(fresh_client, issued.recall), 409, "conflict")
    assert count_rows(fresh_installation) == (0, 0, 0)


def _sign_json_as_clerk() -> bytes:
    issued = issued_school()
    genuine = parse_jws(issued.current.jws)
    kept = {name: value for name, value in genuine.header.items() if name in {"typ", "serial", "version", "digest"}}
    serial, version = issued.current.key.serial, issued.current.key.version
    clerk = issued.keys.open_person(issued.clerk)
    return sign_jws(genuine.payload, clerk, headers=kept, at=NOW, serial=serial, version=version)


ALTERED: dict[str, tuple[Callable[[], dict[str, bytes]], tuple[str, ...]]] = {
    "edited mark": (lambda: {"xml": edit_mark(issued_school().current.xml)}, ("signature.references",)),
    "swapped part": (
        lambda: {"xml": swap_part(issued_school().current.xml, issued_school().replacement.xml, part_id("TOAN"))},
        ("signature.references",),
    ),
    "forged picture": (
        lambda: {"pdf": forge_paper(issued_school().current.xml, issued_school().current.url)},
        ("pdf.revisions",),
    ),
    "another's picture": (lambda: {"pdf": issued_school().replacement.pdf}, ("pdf.content",)),
    "another's JSON": (lambda: {"jws": issued_school().replacement.jws}, ("json.content",)),
    "truncated picture": (lambda: {"pdf": issued_school().current.pdf[:-2000]}, ("pdf.revisions",)),
    "earlier revision of the picture": (
        lambda: {"pdf": issued_school().current.pdf[: issued_school().current.pdf.rindex(b"%%EOF", 0, -10) + 6]},
        ("slots.complete",),
    ),
    "broken JSON signature": (lambda: {"jws": issued_school().current.jws[:-8] + b"AAAAAAAA"}, ("signature.value",)),
    "JSON signed by the clerk": (lambda: {"jws": _sign_json_as_clerk()}, ("authority",)),
    "no XML at all": (lambda: {"xml": b"<x/>"}, ()),
}


@SQLITE_ONLY
@pytest.mark.parametrize("name", ALTERED)
def test_altered_document_is_refused_by_the_name_of_the_check(
    fresh_client: httpx.Client, fresh_installation: Installation, name: str
) -> None:
    make, checks = ALTERED[name]
    body = read_problem(record(fresh_client, issued_school().current, **make()), 422, "not-verified")
    assert [check for check in checks if check not in body["detail"]] == []
    assert issued_school().current.transcript.pupil.name not in body["detail"]
    assert count_rows(fresh_installation) == (0, 0, 0)


@SQLITE_ONLY
def test_unsigned_document_is_refused(fresh_client: httpx.Client, issued_copy: Installation) -> None:
    workspace, key = issued_copy.workspace, issued_copy.issued.locked[0]
    with transaction(workspace.sessions) as session:
        stored = repository.get_document(session, key)
    files = {"xml": workspace.store.get(stored.xml_sha256), "pdf": workspace.store.get(stored.pdf_sha256)}
    body = read_problem(record(fresh_client, issued_school().current, **files), 422, "not-verified")
    assert "slots.complete" in body["detail"]


@SQLITE_ONLY
def test_recall_is_no_document_and_a_document_no_recall(fresh_client: httpx.Client) -> None:
    issued = issued_school()
    assert record(fresh_client, issued.current).status_code == 201
    answer = record(fresh_client, issued.recalled, xml=issued.recall)
    assert answer.status_code == 422
    read_problem(recall(fresh_client, issued.recalled.xml), 422, "malformed-transcript")
    assert find_state(fresh_client, issued.recalled) is None


@SQLITE_ONLY
def test_altered_recall_is_refused(copy_client: httpx.Client, issued_copy: Installation) -> None:
    """A genuine recall that was aimed at another transcript."""
    issued = issued_copy.issued
    aimed = issued.recall.replace(issued.recalled.key.serial.encode(), issued.current.key.serial.encode())
    assert aimed != issued.recall
    body = read_problem(recall(copy_client, aimed), 422, "not-verified")
    assert "signature.references" in body["detail"]
    assert find_state(copy_client, issued.current) == "valid"


@pytest.fixture
def other_authority(tmp_path: Path) -> Iterator[httpx.Client]:
    """An installation whose department has enrolled another school, of the same staff, and not the one that signed."""
    issued = issued_school()
    records = import_school(issued.workbooks, school_level=SchoolLevel.LOWER_SECONDARY, as_of=date(2026, 5, 20)).records
    school = replace(issued.school, school_code="01000702", name="Trường THCS Hoa Ban")
    enrolment = Enrolment(school, "MST:0109999999", issued.keys.identities, date(2025, 8, 1))
    authority = draft_authority(
        {school.school_code: (enrolment, records)},
        number=2,
        issuer=school.department_name,
        issued_at=NOW - timedelta(days=30),
        valid_to=NOW + timedelta(days=30),
    )
    file = tmp_path / "other.jws"
    file.write_bytes(sign_authority(authority, issued.keys.open_department()))
    installation = open_empty(tmp_path / "other", clerk_token_sha256=TOKEN_SHA256, authority_file=file)
    with open_client(create_app(installation.workspace)) as client:
        yield client
    installation.close()


def test_school_that_is_not_enrolled_records_nothing(other_authority: httpx.Client) -> None:
    body = read_problem(record(other_authority, issued_school().current), 422, "not-verified")
    assert "authority" in body["detail"]


@SQLITE_ONLY
@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}, {"Authorization": "Bearer"}]
)
def test_without_the_clerks_token_nothing_is_recorded(
    fresh_client: httpx.Client, fresh_installation: Installation, header: dict[str, str]
) -> None:
    issued = issued_school()
    for path, files in ((DOCUMENTS, document_form(issued.current)), (RECALLS, {"xml": ("x.xml", issued.recall)})):
        answer = fresh_client.post(path, files=files, headers=header)
        read_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert count_rows(fresh_installation) == (0, 0, 0)


def test_installation_without_a_token_takes_nothing(site: httpx.Client) -> None:
    answer = site.post(DOCUMENTS, files=document_form(issued_school().current), headers=AS_CLERK)
    read_problem(answer, 403, "forbidden")


@SQLITE_ONLY
@pytest.mark.parametrize("name", ["xml", "pdf", "jws"])
def test_all_three_files_are_needed(fresh_client: httpx.Client, name: str) -> None:
    form = document_form(issued_school().current)
    read_problem(fresh_client.post(DOCUMENTS, files={**form, name: ("x", b"")}, headers=AS_CLERK), 422, "input-error")
    del form[name]
    body = read_problem(fresh_client.post(DOCUMENTS, files=form, headers=AS_CLERK), 422, "invalid-request")
    assert name in body["detail"]


@SQLITE_ONLY
def test_text_in_place_of_a_file_is_told(fresh_client: httpx.Client) -> None:
    answer = fresh_client.post(RECALLS, data={"xml": "<x/>"}, headers=AS_CLERK)
    read_problem(answer, 422, "input-error")


@SQLITE_ONLY
@pytest.mark.parametrize("digest", ["", "x", "0" * 63, "G" * 64, "0" * 65])
def test_malformed_view_secret_is_told(fresh_client: httpx.Client, digest: str) -> None:
    form = document_form(issued_school().current)
    answer = fresh_client.post(DOCUMENTS, files=form, data={"view_secret_sha256": digest}, headers=AS_CLERK)
    if digest == "":
        assert answer.status_code == 201  # an empty field is a field left out
    else:
        assert "view_secret_sha256" in read_problem(answer, 422, "invalid-request")["detail"]
