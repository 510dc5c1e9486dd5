"""The page behind a QR code says the state and keeps the pupil private."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest
from sqlalchemy import delete, update

from service.db.engine import transaction
from service.db.tables import EventRow
from service.transcripts import repository
from service.web.view import mask_name
from tests.support.http import AS_BROWSER, NEVER_ISSUED, read_problem
from tests.support.issued import (
    RECALL_REASON,
    REPLACE_REASON,
    Installation,
    IssuedDocument,
    issued_school,
)
from transcript_core.identifiers import generate_serial

TITLES = {
    "valid": ("Đã phát hành, còn hiệu lực", "Issued and current"),
    "superseded": ("Đã được thay thế", "Replaced"),
    "recalled": ("Đã bị thu hồi", "Recalled"),
    "unknown": ("Không tìm thấy học bạ", "Not found"),
    "unproven": ("Chưa xác nhận được", "Cannot be confirmed"),
}
STATES = {"current": "valid", "replaced": "superseded", "replacement": "valid", "recalled": "recalled"}


class _Page(HTMLParser):
    """Text, links and state of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.state: str | None = None
        self.can_compare = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.links += [values["href"] or ""] if tag == "a" else []
        self.state = self.state or values.get("data-state")
        self.can_compare = self.can_compare or values.get("id") == "compare"

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(client: httpx.Client, path: str, *, status: int = 200, lang: str = "vi") -> _Page:
    response = client.get(path, params={"lang": lang}, headers=AS_BROWSER)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{lang}">' in response.text
    return _Page(response.text)


def list_private(document: IssuedDocument) -> set[str]:
    """Return what nobody may read without the view secret."""
    transcript = document.transcript
    pupil = transcript.pupil
    words = {word for word in pupil.name.split() if len(word) > 2}
    people = {person.name for person in (pupil.father, pupil.mother, pupil.guardian) if person}
    numbers = {pupil.pupil_code, pupil.personal_id or "", transcript.transcript_id, f"{pupil.birth_date:%d/%m/%Y}"}
    signers = {word for one in transcript.signers for word in one.name.split()} | {"Ngô", "Diệu", "Anh"}
    return {pupil.name, document.secret, transcript.class_name} | (words - signers) | people | (numbers - {""})


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_page_says_the_state_in_both_languages(site: httpx.Client, name: str, lang: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    page = read_page(site, document.path, lang=lang)
    assert page.state == STATES[name]
    assert TITLES[STATES[name]][lang == "en"] in page.text
    for other in set(TITLES) - {STATES[name]}:
        assert TITLES[other][lang == "en"] not in page.text


@pytest.mark.parametrize("name", STATES)
def test_page_says_school_year_level_and_who_signed(site: httpx.Client, name: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    page = read_page(site, document.path)
    transcript = document.transcript
    homeroom = next(one.name for one in transcript.signers if one.role.value == "GVCN")
    teachers = sum(one.role.value == "GVBM" for one in transcript.signers)
    for shown in (
        transcript.school.name,
        transcript.school_year,
        "Trung học cơ sở",
        mask_name(transcript.pupil.name),
        homeroom,
        f"{teachers} chữ ký của giáo viên bộ môn",
        document.key.serial,
    ):
        assert shown in page.text


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_page_holds_neither_name_nor_codes_nor_marks(site: httpx.Client, name: str, lang: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    html = site.get(document.path, params={"lang": lang}, headers=AS_BROWSER).text
    assert [private for private in list_private(document) if private in html] == []
    marks = re.findall(r"\b(?:10|\d)[.,]\d\b", _Page(html).text)
    assert marks == []
    assert not {"Tốt", "Khá", "Lên lớp", "Toán", "Ngữ văn"} & set(re.findall(r"\w+", _Page(html).text))


def test_replaced_page_leads_to_the_new_version(site: httpx.Client) -> None:
    issued = issued_school()
    page = read_page(site, issued.replaced.path)
    assert f"{issued.replacement.path}?lang=vi" in page.links
    assert read_page(site, issued.replacement.path).state == "valid"
    assert REPLACE_REASON not in page.text


def test_recalled_page_says_why_and_offers_no_comparison(site: httpx.Client) -> None:
    page = read_page(site, issued_school().recalled.path)
    assert RECALL_REASON in page.text
    assert not page.can_compare


def test_current_page_says_what_it_does_not_prove(site: httpx.Client) -> None:
    page = read_page(site, issued_school().current.path)
    assert page.can_compare
    assert "mã QR có thể bị sao chép" in page.text


def test_page_announces_development_certificates(site: httpx.Client) -> None:
    assert "không có giá trị pháp lý" in read_page(site, issued_school().current.path).text


@pytest.mark.parametrize(
    "path",
    [
        f"/v/{NEVER_ISSUED}/1",
        "/v/NOT-A-SERIAL/1",
        "/v/%00%00/1",
        "/v/%27%20OR%201=1--/1",
        "/v/" + "9" * 26 + "/1",
        "/v/{serial}/0",
        "/v/{serial}/3",
        "/v/{serial}/-1",
        "/v/{serial}/1x",
        "/v/{serial}/" + "9" * 40,
        "/v/{serial}/١",
    ],
)
def test_what_names_no_version_is_not_found(site: httpx.Client, path: str) -> None:
    page = read_page(site, path.format(serial=issued_school().replaced.key.serial), status=404)
    assert page.state == "unknown"
    assert not page.can_compare


def test_version_of_a_recall_is_no_document(site: httpx.Client) -> None:
    serial = issued_school().recalled.key.serial
    assert read_page(site, f"/v/{serial}/2", status=404).state == "unknown"


def test_unsigned_document_is_not_found(site: httpx.Client) -> None:
    assert read_page(site, f"/v/{issued_school().locked[0]}", status=404).state == "unknown"


def test_serial_may_be_typed_in_groups_and_small_letters(site: httpx.Client) -> None:
    document = issued_school().current
    serial = document.key.serial.lower()
    typed = "-".join(serial[start : start + 5] for start in range(0, 26, 5))
    response = site.get("/v", params={"serial": f" {typed} ", "version": "1"})
    assert (response.status_code, response.headers["location"]) == (303, f"{document.path}?lang=vi")
    response = site.get(f"/v/{serial}/1?lang=en")
    assert (response.status_code, response.headers["location"]) == (303, f"{document.path}?lang=en")


@pytest.mark.parametrize("query", ["", "serial=", "serial=x&version=1", "serial=%00", "version=abc", "serial=//evil/"])
def test_malformed_form_is_not_found_and_leads_nowhere(site: httpx.Client, query: str) -> None:
    response = site.get(f"/v?{query}", headers=AS_BROWSER)
    assert response.status_code == 404
    assert _Page(response.text).state == "unknown"


def test_language_follows_the_browser_unless_the_address_says_otherwise(site: httpx.Client) -> None:
    path = issued_school().current.path
    assert '<html lang="en">' in site.get(path, headers={"Accept-Language": "en-US"}).text
    assert '<html lang="vi">' in site.get(path, headers={"Accept-Language": "fr"}).text
    assert '<html lang="vi">' in site.get(f"{path}?lang=<script>", headers={"Accept-Language": "vi"}).text


@pytest.mark.parametrize("path", ["/", "/verify", "/v/x/1", "/static/hocba.css", "/api/v1/documents/x/1", "/nothing"])
def test_every_answer_has_safe_headers(site: httpx.Client, path: str) -> None:
    headers = site.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert path.startswith("/static/") or headers["cache-control"] == "no-store"


def test_browsers_get_a_page_where_programs_get_a_problem(site: httpx.Client) -> None:
    read_problem(site.get("/nothing"), 404, "not-found")
    response = site.get("/nothing?lang=en", headers=AS_BROWSER)
    assert response.status_code == 404
    assert "No such page" in response.text
    read_problem(site.get("/api/v1/nothing", headers=AS_BROWSER), 404, "not-found")
    response = site.delete("/verify")
    read_problem(response, 405, "method-not-allowed")
    assert "GET" in response.headers["allow"]


def test_unforeseen_error_tells_nothing_of_itself(site: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the file and the words of the error stay inside."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail of pupil 0101")

    monkeypatch.setattr("service.status.lookup.event_repository.list_event_files", fail)
    answer = site.get(f"/api/v1/documents/{issued_school().current.key}")
    assert "secret" not in str(read_problem(answer, 500, "internal-error"))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in site.get(issued_school().current.path, headers=AS_BROWSER).text


def _tamper_with_store(installation: Installation, document: IssuedDocument) -> None:
    with transaction(installation.workspace.sessions) as session:
        stored = repository.get_document(session, document.key)
    folder = installation.workspace.settings.effective_store_dir
    path = folder / stored.xml_sha256[:2] / stored.xml_sha256
    path.write_bytes(path.read_bytes().replace(b"<DIEM>", b"<DIEM>1", 1))


def test_tampered_file_cannot_be_confirmed(issued_copy: Installation, copy_client: httpx.Client) -> None:
    document = issued_copy.issued.current
    _tamper_with_store(issued_copy, document)
    page = read_page(copy_client, document.path)
    assert page.state == "unproven"
    assert not page.can_compare
    assert copy_client.get(f"/api/v1/documents/{document.key}").json()["status"] == "unknown"


def test_missing_file_cannot_be_confirmed(issued_copy: Installation, copy_client: httpx.Client) -> None:
    """The file of the replacement is gone: then the first version's state is not known either."""
    issued = issued_copy.issued
    _remove_file(issued_copy, issued.replacement)
    for document in (issued.replaced, issued.replacement):
        assert read_page(copy_client, document.path).state == "unproven"


def _remove_file(installation: Installation, document: IssuedDocument) -> None:
    with transaction(installation.workspace.sessions) as session:
        installation.workspace.store.discard(repository.get_document(session, document.key).xml_sha256)


def test_lost_recall_never_revives(issued_copy: Installation, copy_client: httpx.Client) -> None:
    """The CANCEL's file is replaced by one that does not verify: the version stays out of force."""
    issued = issued_copy.issued
    garbage = issued_copy.workspace.store.put(b"<not-a-recall/>")
    _point_event(issued_copy, issued.recalled.key.serial, 2, garbage)
    assert read_page(copy_client, issued.recalled.path).state == "unproven"


@pytest.mark.parametrize("version", [2, 3])
def test_row_that_borrows_another_documents_file_proves_nothing(
    issued_copy: Installation, copy_client: httpx.Client, version: int
) -> None:
    """A genuine, valid file under another serial's row neither issues a version nor hides the recall."""
    issued = issued_copy.issued
    borrowed = issued_copy.workspace.store.put(issued.current.xml)
    if version == 2:
        _point_event(issued_copy, issued.recalled.key.serial, 2, borrowed)
    else:
        _add_event(issued_copy, issued.recalled.key.serial, 3, borrowed)
        assert read_page(copy_client, f"/v/{issued.recalled.key.serial}/3").state == "unproven"
    assert read_page(copy_client, issued.recalled.path).state == "unproven"


def test_forged_row_for_a_new_serial_issues_nothing(issued_copy: Installation, copy_client: httpx.Client) -> None:
    serial = generate_serial()
    _add_event(issued_copy, serial, 1, issued_copy.workspace.store.put(issued_copy.issued.current.xml))
    page = read_page(copy_client, f"/v/{serial}/1")
    assert page.state == "unproven"
    assert issued_copy.issued.school.name not in page.text


def test_file_slipped_into_the_store_changes_nothing(issued_copy: Installation, copy_client: httpx.Client) -> None:
    """A signed version 2 lies in the store and its row is gone: without a row nothing counts, not even half."""
    issued = issued_copy.issued
    with transaction(issued_copy.workspace.sessions) as session:
        session.execute(delete(EventRow).filter_by(serial=issued.replacement.key.serial, version=2))
    assert read_page(copy_client, issued.replacement.path, status=404).state == "unknown"


def _point_event(installation: Installation, serial: str, version: int, digest_hex: str) -> None:
    with transaction(installation.workspace.sessions) as session:
        session.execute(update(EventRow).filter_by(serial=serial, version=version).values(document_sha256=digest_hex))


def _add_event(installation: Installation, serial: str, version: int, digest_hex: str) -> None:
    with transaction(installation.workspace.sessions) as session:
        session.add(
            EventRow(
                serial=serial,
                version=version,
                school_code=installation.issued.school.school_code,
                school_year="2025-2026",
                document_sha256=digest_hex,
                recorded_at=installation.clock.now(),
            )
        )
