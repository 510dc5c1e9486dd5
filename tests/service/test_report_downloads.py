"""The report as XML and PDF: over the API, from the page, and from the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from lxml import etree

from demo.attacks import edit_mark
from service.web.downloads import LIFETIME, MAX_DOWNLOADS, Downloads
from tests.support.command import run_command
from tests.support.http import AS_BROWSER
from tests.support.issued import Installation, issued_school
from transcript_core.canonical import validate_schema

API, PAGE = "/api/v1/verifications", "/verify"
AT = datetime(2026, 6, 3, 8, tzinfo=UTC)


def ask(site: httpx.Client, form: str, **params: str) -> httpx.Response:
    files = {"document": ("a.xml", issued_school().current.xml)}
    return site.post(API, params={"format": form} | params, files=files)


def test_api_gives_the_report_as_xml_by_its_schema(site: httpx.Client) -> None:
    answer = ask(site, "xml")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    validate_schema(etree.fromstring(answer.content), "validation-report-1.4.1.xsd")


def test_api_gives_the_report_as_pdf_in_the_language_asked_for(site: httpx.Client) -> None:
    texts = [ask(site, "pdf", lang=language) for language in ("vi", "en")]
    assert [answer.headers["content-type"] for answer in texts] == ["application/pdf"] * 2
    assert all(answer.content.startswith(b"%PDF-") for answer in texts)
    assert texts[0].content != texts[1].content


def test_api_refuses_a_form_that_does_not_exist(site: httpx.Client) -> None:
    assert ask(site, "docx").status_code == 422


@pytest.mark.parametrize("language", ["vi", "en"])
def test_page_leads_to_its_pdf(site: httpx.Client, language: str) -> None:
    files = {"document": ("a.xml", issued_school().current.xml)}
    page = site.post(PAGE, params={"lang": language}, files=files, headers=AS_BROWSER)
    (address,) = re.findall(r'href="(/verify/report/[^"]+\.pdf)"', page.text)
    answer = site.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_page_names_no_pupil_and_a_forged_file_shows_no_content(site: httpx.Client) -> None:
    transcript = issued_school().current.transcript
    for content in (issued_school().current.xml, edit_mark(issued_school().current.xml)):
        page = site.post(PAGE, files={"document": ("a.xml", content)}, headers=AS_BROWSER)
        assert transcript.pupil.name not in page.text
        assert str(transcript.pupil.personal_id) not in page.text


def test_unknown_name_is_not_found(site: httpx.Client) -> None:
    assert site.get("/verify/report/nothing.pdf").status_code == 404


def test_downloads_are_kept_for_a_while_and_not_without_end() -> None:
    downloads = Downloads()
    first = downloads.keep(b"1", at=AT)
    assert downloads.find(first, at=AT + LIFETIME - timedelta(seconds=1)) == b"1"
    assert downloads.find(first, at=AT + LIFETIME) is None
    names = [downloads.keep(b"2", at=AT) for _ in range(MAX_DOWNLOADS + 1)]
    assert downloads.find(names[0], at=AT) is None
    assert downloads.find(names[-1], at=AT) == b"2"
    assert len(set(names)) == len(names)


def run(issued_copy: Installation, *argv: object) -> tuple[int, str, str]:
    settings = issued_copy.workspace.settings
    environment = {"HOCBA_ANCHORS_DIR": settings.anchors_dir, "HOCBA_AUTHORITY_FILE": settings.authority_file}
    ran = run_command(*argv, environment=environment)
    return ran.code, ran.out, ran.err


def test_command_writes_both_files_beside_its_answer(issued_copy: Installation, tmp_path: Path) -> None:
    document, xml, pdf = tmp_path / "a.xml", tmp_path / "report.xml", tmp_path / "report.pdf"
    document.write_bytes(edit_mark(issued_school().current.xml))
    code, out, _ = run(issued_copy, "verify", document, "--report-xml", xml, "--report-pdf", pdf)
    assert (code, "KHÔNG HỢP LỆ" in out) == (1, True)
    validate_schema(etree.fromstring(xml.read_bytes()), "validation-report-1.4.1.xsd")
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert run(issued_copy, "inspect", document, "--report-pdf", pdf, "--en")[0] == 1


def test_command_overwrites_nothing_that_it_verifies(issued_copy: Installation, tmp_path: Path) -> None:
    document, other = tmp_path / "a.xml", tmp_path / "b.xml"
    for path in (document, other):
        path.write_bytes(issued_school().current.xml)
    for argv in ((document, "--report-xml", document), (document, other, "--report-pdf", tmp_path / "r.pdf")):
        code, out, err = run(issued_copy, "verify", *argv)
        assert (code, out) == (2, "")
        assert "--report" in err
    assert document.read_bytes() == issued_school().current.xml
