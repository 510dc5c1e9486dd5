"""HTTP look-up and the signed status file: states as JSON, nothing about the pupil."""

from __future__ import annotations

import httpx
import pytest

from tests.support.http import NEVER_ISSUED, read_problem
from tests.support.issued import RECALL_REASON, IssuedDocument, issued_school
from transcript_core.jws import parse_jws, verify_jws
from transcript_core.status import DocumentStatus, parse_status_payload
from transcript_core.xml import document_digest

STATES = {
    "current": ("valid", None, None),
    "replaced": ("superseded", 2, None),
    "replacement": ("valid", None, None),
    "recalled": ("recalled", None, RECALL_REASON),
}


@pytest.mark.parametrize("name", STATES)
def test_look_up_tells_the_status_and_nothing_of_the_pupil(site: httpx.Client, name: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    status, superseded_by, reason = STATES[name]
    answer = site.get(f"/api/v1/documents/{document.key}")
    assert answer.json() == {
        "serial": document.key.serial,
        "version": document.key.version,
        "status": status,
        "as_of": "2026-06-03T08:00:00+00:00",
        "superseded_by": superseded_by,
        "reason": reason,
        "school_code": issued_school().school.school_code,
        "school_year": "2025-2026",
        "digest": document_digest(document.xml).hex(),
    }


@pytest.mark.parametrize("path", [f"{NEVER_ISSUED}/1", "{serial}/7", "{serial}/0", "{serial}/999999"])
def test_what_was_not_issued_is_not_found(site: httpx.Client, path: str) -> None:
    answer = site.get(f"/api/v1/documents/{path.format(serial=issued_school().current.key.serial)}")
    assert answer.status_code in {404, 422}
    read_problem(answer, answer.status_code, "not-found" if answer.status_code == 404 else "invalid-request")


@pytest.mark.parametrize("path", ["x/1", "%00/1", "{lower}/1"])
def test_what_is_no_serial_is_told(site: httpx.Client, path: str) -> None:
    lower = issued_school().current.key.serial.lower()
    read_problem(site.get(f"/api/v1/documents/{path.format(lower=lower)}"), 422, "input-error")


@pytest.mark.parametrize("version", ["x", "1.5", "-1", "9" * 30, "9" * 5000])
def test_what_is_no_version_is_told(site: httpx.Client, version: str) -> None:
    answer = site.get(f"/api/v1/documents/{issued_school().current.key.serial}/{version}")
    read_problem(answer, 422, "invalid-request")


def test_unsigned_document_is_not_found(site: httpx.Client) -> None:
    read_problem(site.get(f"/api/v1/documents/{issued_school().locked[0]}"), 404, "not-found")


def test_status_file_is_the_exported_one_signed_by_the_seal(site: httpx.Client) -> None:
    issued = issued_school()
    answer = site.get(f"/api/v1/status/{issued.school.school_code}/2025-2026")
    assert answer.headers["content-type"] == "application/jose"
    assert answer.content == issued.status_file
    seal = parse_jws(answer.content).certificates[0]
    content = parse_status_payload(verify_jws(answer.content, seal).payload)
    assert seal == issued.keys.open_seal().certificate
    assert {(entry.serial, entry.version): entry.status for entry in content.entries} == {
        (issued.current.key.serial, 1): DocumentStatus.VALID,
        (issued.replaced.key.serial, 1): DocumentStatus.SUPERSEDED,
        (issued.replacement.key.serial, 2): DocumentStatus.VALID,
        (issued.recalled.key.serial, 1): DocumentStatus.RECALLED,
    }


@pytest.mark.parametrize(
    "path", ["01000701/2020-2021", "99999999/2025-2026", "..%2F..%2Fhocba/x", "a" * 300 + "/x", "%00/x"]
)
def test_status_file_that_was_not_exported_is_not_found(site: httpx.Client, path: str) -> None:
    read_problem(site.get(f"/api/v1/status/{path}"), 404, "not-found")


def test_health(site: httpx.Client) -> None:
    assert site.get("/healthz").text == "ok\n"


def test_interface_describes_itself(site: httpx.Client) -> None:
    paths = site.get("/api/v1/openapi.json").json()["paths"]
    assert set(paths) == {
        "/api/v1/documents",
        "/api/v1/documents/{serial}/{version}",
        "/api/v1/verifications",
        "/api/v1/recalls",
        "/api/v1/status/{school_code}/{school_year}",
        "/api/v1/signing-batches",
        "/api/v1/signing-batches/{batch_id}",
        "/api/v1/signing-batches/{batch_id}/digests",
        "/api/v1/signing-batches/{batch_id}/values",
    }
