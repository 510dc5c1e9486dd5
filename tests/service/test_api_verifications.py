"""Whatever is uploaded, the answer is a report or a problem document, on the page and over the API; never a 500."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable

import httpx
import pikepdf
import pytest

from demo.attacks import edit_mark, forge_paper, swap_part
from service.app import MAX_REQUEST_BYTES
from tests.support.http import AS_BROWSER, PROBLEM_TYPE, SQLITE_ONLY, read_problem
from tests.support.issued import Installation, issued_school
from transcript_core.limits import MAX_UPLOAD_BYTES
from transcript_core.policy import part_id

API, PAGE = "/api/v1/verifications", "/verify"
PASSED, FAILED, UNDECIDED = "TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"


def _xml() -> bytes:
    return issued_school().current.xml


def _pdf() -> bytes:
    return issued_school().current.pdf


def _encrypt(pdf: bytes) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as file:
        file.save(target, encryption=pikepdf.Encryption(owner="o", user="u"))
    return target.getvalue()


SOUND: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "xml": (_xml, PASSED, "valid"),
    "pdf": (_pdf, PASSED, "valid"),
    "replacement": (lambda: issued_school().replacement.xml, PASSED, "valid"),
    "replaced": (lambda: issued_school().replaced.xml, FAILED, "superseded"),
    "replaced pdf": (lambda: issued_school().replaced.pdf, FAILED, "superseded"),
    "recalled": (lambda: issued_school().recalled.xml, FAILED, "recalled"),
    "recalled pdf": (lambda: issued_school().recalled.pdf, FAILED, "recalled"),
}
"""Genuine files: what is said of them is the status."""

ALTERED: dict[str, Callable[[], bytes]] = {
    "edited mark": lambda: edit_mark(_xml()),
    "swapped part": lambda: swap_part(_xml(), issued_school().replacement.xml, part_id("TOAN")),
    "forged paper": lambda: forge_paper(_xml(), issued_school().current.url),
    "bytes after the end": lambda: _pdf() + b"\n% more\n",
    "doctype": lambda: b'<!DOCTYPE HOC_BA [<!ENTITY e "x">]>' + _xml(),
    "external entity": lambda: b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "billion laughs": lambda: (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
    ),
    "doubled Ids": lambda: _xml().replace(b'Id="gvbm-TOAN-1"', b'Id="gvcn"', 1),
    "utf-16": lambda: _xml().decode().encode("utf-16"),
    "instruction": lambda: _xml().replace(b"<HOC_BA>", b"<HOC_BA><?x y?>", 1),
    "text outside the signed parts": lambda: _xml().replace(b"<HOC_BA>", b"<HOC_BA>9,9", 1),
    "truncated xml": lambda: _xml()[:5000],
    "truncated pdf": lambda: _pdf()[:-3000],
}
"""Files that must not be relied on."""

BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "garbage": lambda: bytes(range(256)) * 40,
    "zeros": lambda: bytes(10_000),
    "text": "học bạ số".encode,
    "half a pdf": lambda: _pdf()[: len(_pdf()) // 2],
    "head of a pdf": lambda: b"%PDF-1.7\n",
    "encrypted pdf": lambda: _encrypt(_pdf()),
    "head of an xml": lambda: b'<?xml version="1.0"?>',
    "deep xml": lambda: b"<a>" * 5_000 + b"</a>" * 5_000,
    "deep json": lambda: b"[" * 50_000,
    "json": lambda: b'{"a": 1}',
    "dots": lambda: b"..",
    "truncated jws": lambda: issued_school().current.jws[:200],
    "archive": lambda: b"PK\x03\x04" + bytes(100),
    "picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
}
"""Files that are no signed transcript at all."""


def verify(client: httpx.Client, content: bytes, *, xml: bytes | None = None) -> dict[str, object]:
    """Return the report over the API, after checking that the page says the same."""
    files = {"document": ("hocba", content)} | ({} if xml is None else {"xml": ("goc.xml", xml)})
    answer = client.post(API, files=files)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    page = client.post(PAGE, params={"lang": "en"}, files=files, headers=AS_BROWSER)
    assert page.status_code == 200
    assert f'data-outcome="{report["outcome"]}"' in page.text
    assert isinstance(report, dict)
    return report


def list_failed(report: dict[str, object]) -> set[str]:
    findings = report["findings"]
    assert isinstance(findings, list)
    return {finding["check"] for finding in findings if finding["outcome"] == "failed"}


@pytest.mark.parametrize("name", SOUND)
def test_genuine_file_gets_its_status(site: httpx.Client, name: str) -> None:
    make, outcome, status = SOUND[name]
    report = verify(site, make())
    document = report["document"]
    assert isinstance(document, dict)
    assert (report["outcome"], document["status"]) == (outcome, status)
    assert list_failed(report) == (set() if outcome == PASSED else {"status"})


def test_pdf_and_json_beside_their_xml_pass(site: httpx.Client) -> None:
    document = issued_school().current
    for content in (document.pdf, document.jws):
        assert verify(site, content, xml=document.xml)["outcome"] == PASSED


def test_json_alone_is_the_seals_word_only(site: httpx.Client) -> None:
    assert verify(site, issued_school().current.jws)["outcome"] == UNDECIDED


def test_picture_of_another_transcript_fails_beside_the_xml(site: httpx.Client) -> None:
    report = verify(site, issued_school().replacement.pdf, xml=issued_school().current.xml)
    assert report["outcome"] == FAILED


@pytest.mark.parametrize("name", ALTERED)
def test_altered_file_fails(site: httpx.Client, name: str) -> None:
    report = verify(site, ALTERED[name]())
    assert report["outcome"] == FAILED
    assert list_failed(report)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_transcript_never_passes(site: httpx.Client, name: str) -> None:
    assert verify(site, BROKEN[name]())["outcome"] != PASSED


@pytest.mark.parametrize(
    "xml", [b"", b"garbage", b"<!DOCTYPE x><x/>", b"%PDF-1.7"], ids=["empty", "garbage", "dtd", "pdf"]
)
def test_broken_original_beside_a_genuine_picture_gets_a_report(site: httpx.Client, xml: bytes) -> None:
    report = verify(site, _pdf(), xml=xml)
    assert (report["outcome"] == PASSED) is (xml == b"")


def test_page_names_the_altered_part(site: httpx.Client) -> None:
    page = site.post(PAGE, files={"document": ("x.xml", edit_mark(_xml()))}, headers=AS_BROWSER).text
    assert "Không hợp lệ" in page
    assert "nội dung đã bị thay đổi sau khi ký" in page


def test_what_a_file_says_is_never_markup(site: httpx.Client) -> None:
    evil = b'<?xml version="1.0"?><script>alert(1)</script>'
    page = site.post(PAGE, files={"document": ("<script>.xml", evil)}, headers=AS_BROWSER).text
    assert "<script>alert" not in page
    assert "<script>.xml" not in page


@pytest.mark.parametrize("path", [API, PAGE])
def test_too_large_file_is_refused(site: httpx.Client, path: str) -> None:
    files = {"document": ("x.pdf", bytes(MAX_UPLOAD_BYTES + 1))}
    read_problem(site.post(path, files=files), 413, "limit-exceeded")


def test_reader_of_the_page_is_told_that_the_file_is_too_large(site: httpx.Client) -> None:
    files = {"document": ("x.pdf", bytes(MAX_UPLOAD_BYTES + 1))}
    answer = site.post(f"{PAGE}?lang=vi", files=files, headers=AS_BROWSER)
    assert (answer.status_code, "Tệp quá lớn" in answer.text) == (413, True)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("length", [MAX_REQUEST_BYTES + 1, 10**14], ids=["a byte too many", "absurd"])
def test_too_long_request_is_refused_before_it_is_read(site: httpx.Client, length: int) -> None:
    head = f"POST {API} HTTP/1.1\r\nHost: hocba\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection((site.base_url.host, site.base_url.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())  # and nothing more: the answer comes without the body
        answer = connection.recv(4096).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert PROBLEM_TYPE in answer
    assert "x-content-type-options: nosniff" in answer


def test_request_without_length_is_refused(site: httpx.Client) -> None:
    read_problem(site.post(API, content=iter([b"some", b"bytes"])), 411, "length-required")


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nbroken"),
        ({"Content-Type": "multipart/form-data"}, b"no boundary"),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b""),
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"document=text"),
        ({}, b"bytes"),
    ],
    ids=["cut", "no boundary", "nothing", "json", "text field", "untyped"],
)
@pytest.mark.parametrize("path", [API, PAGE])
def test_malformed_form_is_told(site: httpx.Client, path: str, headers: dict[str, str], content: bytes) -> None:
    answer = site.post(path, headers=headers, content=content)
    if path == PAGE and answer.status_code == 200:
        assert "data-outcome" in answer.text  # a form without a file gets the report on an empty one
        return
    assert answer.status_code in {400, 422}
    assert set(answer.json()) == {"type", "title", "status", "detail"}


def test_thousands_of_parts_are_refused(site: httpx.Client) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="document"; filename="a"\r\n\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = site.post(API, headers=headers, content=part * 5_000 + b"--x--\r\n")
    read_problem(answer, 400, "bad-request")


@SQLITE_ONLY
def test_uploaded_file_is_not_kept(copy_client: httpx.Client, issued_copy: Installation) -> None:
    before = issued_copy.workspace.store.list_digests()
    for path in (API, PAGE):
        copy_client.post(path, files={"document": ("x.xml", edit_mark(_xml()))})
    assert issued_copy.workspace.store.list_digests() == before


@SQLITE_ONLY
def test_status_is_that_of_this_installation(fresh_client: httpx.Client) -> None:
    """A sound transcript that was never recorded here: its status is not known, so it is not accepted."""
    report = fresh_client.post(API, files={"document": ("x.xml", _xml())}).json()
    assert (report["outcome"], report["document"]["status"]) == (UNDECIDED, "unknown")
