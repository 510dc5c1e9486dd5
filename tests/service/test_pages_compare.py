"""Comparing: the signed marks go to the holder of the view secret, a limited number of times, and on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service import audit
from service.app import create_app
from service.db.engine import transaction
from tests.support.http import read_problem
from tests.support.issued import Installation, IssuedDocument, issued_school, open_copy
from tests.support.server import open_client
from transcript_core.render.view import format_day, format_mark


def ask(client: httpx.Client, document: IssuedDocument, secret: str | None = None, **body: str) -> httpx.Response:
    return client.post(f"{document.path}/compare", json={"secret": secret or document.secret, **body})


def list_actions(installation: Installation, document: IssuedDocument) -> list[tuple[str, str, str]]:
    with transaction(installation.workspace.sessions) as session:
        events = audit.list_events(session, subject_prefix=str(document.key))
    return [(actor, action, detail) for _, actor, action, _, detail in events if action.startswith("compare")]


def test_holder_of_the_secret_sees_every_signed_mark(site: httpx.Client) -> None:
    document = issued_school().current
    transcript = document.transcript
    content = ask(site, document).json()
    shown = {row[0]: row[1:] for row in content["tables"][0]["rows"]}
    for subject in transcript.subjects:
        if subject.year is not None and subject.year.mark is not None:
            assert shown[subject.subject_name][2] == format_mark(subject.year.mark)
    assert len(shown) == len(transcript.subjects)
    facts = dict(content["facts"])
    assert facts["Học sinh"] == transcript.pupil.name
    assert facts["Ngày sinh"] == format_day(transcript.pupil.birth_date)


def test_levels_and_outcome_read_as_on_the_paper(site: httpx.Client) -> None:
    content = ask(site, issued_school().current).json()
    levels = [value for row in content["tables"][1]["rows"] for value in row[1:]]
    assert set(levels) <= {"Tốt", "Khá", "Đạt", "Chưa đạt"}
    assert {"Kết quả năm học", "Khen thưởng", "Số buổi nghỉ học"} <= set(dict(content["results"]))


def test_labels_come_in_english_and_marks_stay(site: httpx.Client) -> None:
    document = issued_school().current
    content, english = ask(site, document).json(), ask(site, document, language="en").json()
    assert english["tables"][0]["rows"] == content["tables"][0]["rows"]
    assert dict(english["facts"])["Pupil"] == document.transcript.pupil.name


def test_each_version_has_its_own_secret(site: httpx.Client) -> None:
    issued = issued_school()
    marks = [ask(site, one).json()["tables"] for one in (issued.replaced, issued.replacement)]
    assert marks[0] != marks[1]
    read_problem(ask(site, issued.replacement, issued.replaced.secret), 403, "forbidden")


@pytest.mark.parametrize(
    "secret", ["x", "A" * 22, "\u0000", "🙂", "' OR 1=1 --"], ids=["short", "wrong", "null", "emoji", "sql"]
)
def test_wrong_secret_opens_nothing(site: httpx.Client, secret: str) -> None:
    answer = ask(site, issued_school().current, secret)
    body = read_problem(answer, 403, "forbidden")
    assert issued_school().current.transcript.pupil.name not in str(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"secret": ""}',
        b'{"secret": 5}',
        b'{"secret": "\\ud800"}',
        b'{"secret": "' + b"x" * 129 + b'"}',
        b'{"secret": "x", "language": "fr"}',
        b"\xff",
        b"[" * 100_000,
    ],
    ids=["empty", "missing", "list", "blank", "number", "surrogate", "long", "language", "bytes", "deep"],
)
def test_malformed_request_is_told(site: httpx.Client, body: bytes) -> None:
    path = f"{issued_school().current.path}/compare"
    answer = site.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    read_problem(answer, answer.status_code, "invalid-request" if answer.status_code == 422 else "bad-request")


def test_recalled_version_is_not_shown_even_with_the_secret(
    copy_client: httpx.Client, issued_copy: Installation
) -> None:
    document = issued_copy.issued.recalled
    read_problem(ask(copy_client, document), 403, "forbidden")
    assert list_actions(issued_copy, document) == [("public", "compare-refused", "")]


def test_every_look_and_every_refusal_is_recorded(copy_client: httpx.Client, issued_copy: Installation) -> None:
    document = issued_copy.issued.current
    assert ask(copy_client, document).status_code == 200
    assert ask(copy_client, document, "wrong").status_code == 403
    assert ask(copy_client, document).status_code == 200
    assert list_actions(issued_copy, document) == [
        ("public", "compare", ""),
        ("public", "compare-refused", ""),
        ("public", "compare", ""),
    ]


@pytest.mark.parametrize(
    "path", ["/v/%00/1/compare", "/v/x/1/compare", "/v/{serial}/9/compare", "/v/{serial}/" + "9" * 99 + "/compare"]
)
def test_what_was_never_issued_is_refused_and_leaves_no_row(
    copy_client: httpx.Client, issued_copy: Installation, path: str
) -> None:
    serial = issued_copy.issued.current.key.serial
    read_problem(copy_client.post(path.format(serial=serial), json={"secret": "x"}), 403, "forbidden")
    with transaction(issued_copy.workspace.sessions) as session:
        actions = [event[2] for event in audit.list_events(session, subject_prefix="")]
    assert "compare-refused" not in actions


def test_unsigned_document_opens_to_nobody(copy_client: httpx.Client, issued_copy: Installation) -> None:
    answer = copy_client.post(f"/v/{issued_copy.issued.locked[0]}/compare", json={"secret": "x"})
    read_problem(answer, 403, "forbidden")


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[httpx.Client]:
    installation = open_copy(tmp_path / "limited", compare_limit="3/minute", upload_limit="2/minute")
    with open_client(create_app(installation.workspace)) as client:
        yield client
    installation.close()


def test_guessing_is_limited_for_each_document(limited: httpx.Client) -> None:
    issued = issued_school()
    for _ in range(3):
        assert ask(limited, issued.current, "guess").status_code == 403
    answer = ask(limited, issued.current)
    read_problem(answer, 429, "too-many-requests")
    assert answer.headers["retry-after"] == "60"
    assert ask(limited, issued.replacement).status_code == 200


def test_typing_the_serial_otherwise_does_not_lift_the_limit(limited: httpx.Client) -> None:
    document = issued_school().current
    for path in (document.path, document.path.lower(), f"/v/-{document.key}"):
        assert limited.post(f"{path}/compare", json={"secret": "guess"}).status_code == 403
    assert ask(limited, document).status_code == 429


def test_uploads_are_limited(limited: httpx.Client) -> None:
    files = {"document": ("hocba.xml", b"<x/>")}
    assert limited.post("/verify", files=files).status_code == 200
    assert limited.post("/api/v1/verifications", files=files).status_code == 200
    read_problem(limited.post("/api/v1/verifications", files=files), 429, "too-many-requests")
    page = limited.post("/verify?lang=en", files=files, headers={"Accept": "text/html"})
    assert (page.status_code, "Too many attempts" in page.text) == (429, True)
