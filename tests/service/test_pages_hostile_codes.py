"""What a QR code can say that the school never printed: strange addresses, other secrets, another host, a forged paper.

A code is only an address: whoever prints a paper chooses it.  The page answers with what the school signed, or with
nothing at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from demo.attacks import raise_marks
from tests.support.http import AS_BROWSER, NEVER_ISSUED, read_problem
from tests.support.issued import Installation, IssuedDocument, issued_school
from transcript_core.render.view import format_mark

ELSEWHERE = "evil.example"

ADDRESSES = {
    "path traversal": "/v/..%2f..%2f..%2fetc%2fpasswd/1",
    "path traversal, doubly encoded": "/v/%252e%252e%252fetc%252fpasswd/1",
    "path traversal, backslashes": "/v/..%5c..%5cetc%5cpasswd/1",
    "path traversal behind the serial": "/v/{serial}%2f..%2f..%2fverify/1",
    "path traversal in the version": "/v/{serial}/..%2f1",
    "null behind the serial": "/v/{serial}%00/1",
    "null behind the version": "/v/{serial}/1%00",
    "header injection": "/v/{serial}%0d%0aLocation:%20https:%2f%2fevil.example/1",
    "header injection in the version": "/v/{serial}/1%0d%0aSet-Cookie:%20a=b",
    "terminal control": "/v/{serial}%1b%5b2J/1",
    "text direction": "/v/%e2%80%ae{serial}/1",
    "zero width": "/v/{serial}%e2%80%8b/1",
    "look-alike letter": "/v/{look_alike}/1",
    "full-width digits": "/v/{serial}/%ef%bc%91",
    "not UTF-8": "/v/{serial}%ff/1",
    "another host": "/v//evil.example/1",
    "another host, encoded": "/v/%2f%2fevil.example/1",
    "a whole address": "/v/https:%2f%2fevil.example%2fv%2f{serial}/1",
    "script": "/v/%3Cscript%3Ealert(1)%3C%2fscript%3E/1",
    "template": "/v/%7B%7B7*7%7D%7D/1",
    "SQL": "/v/{serial}%27%3B%20DROP%20TABLE%20event%3B--/1",
    "wildcard": "/v/%25/1",
    "huge serial": "/v/" + "7" * 20_000 + "/1",
    "huge version": "/v/{serial}/" + "1" * 20_000,
    "serial with one character more": "/v/{serial}0/1",
    "serial with one character less": "/v/{short}/1",
    "leading zero": "/v/{serial}/01",
    "sign": "/v/{serial}/+1",
    "exponent": "/v/{serial}/1e0",
    "hexadecimal": "/v/{serial}/0x1",
    "fraction": "/v/{serial}/1.0",
    "digit separator": "/v/{serial}/1_0",
    "path parameter": "/v/{serial}/1;x",
    "third part": "/v/{serial}/1/1",
    "unknown serial": f"/v/{NEVER_ISSUED}/1",
    "another version": "/v/{serial}/999999",
}


def _fill(address: str) -> str:
    serial = issued_school().current.key.serial
    look_alike = quote(serial.replace(serial[5], "\u0410", 1))  # a Cyrillic letter
    for name, text in (("{serial}", serial), ("{short}", serial[:-1]), ("{look_alike}", look_alike)):
        address = address.replace(name, text)
    return address


def _list_known() -> list[str]:
    """Return what only somebody with a genuine code may read, and what only a genuine page says."""
    document = issued_school().current
    return [document.transcript.pupil.name, document.secret, document.transcript.school.name]


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_strange_address_shows_nothing_and_leads_nowhere(site: httpx.Client, address: str) -> None:
    answer = site.get(_fill(address), headers=AS_BROWSER)
    assert answer.status_code in {400, 404}, answer.text[:200]
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert [one for one in _list_known() if one in answer.text] == []
    assert "<script>alert" not in answer.text
    assert ">49<" not in answer.text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u200b\u202e]", answer.text)
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_strange_address_opens_no_marks(site: httpx.Client, address: str) -> None:
    answer = site.post(f"{_fill(address)}/compare", json={"secret": issued_school().current.secret})
    assert answer.status_code in {400, 403, 404}
    assert [one for one in _list_known() if one in answer.text] == []


# Secrets


def _swap_case(secret: str) -> str:
    assert secret.swapcase() != secret
    return secret.swapcase()


SECRETS: dict[str, Callable[[str], str]] = {
    "truncated": lambda secret: secret[:-1],
    "its first half": lambda secret: secret[: len(secret) // 2],
    "doubled": lambda secret: secret * 2,
    "one character more": lambda secret: f"{secret}A",
    "reversed": lambda secret: secret[::-1],
    "the other case": _swap_case,
    "a blank before": lambda secret: f" {secret}",
    "a line end behind": lambda secret: f"{secret}\n",
    "a null behind": lambda secret: f"{secret}\0",
    "with the number sign": lambda secret: f"#{secret}",
    "as a parameter": lambda secret: f"secret={secret}",
    "percent-encoded": lambda secret: "".join(f"%{ord(letter):02X}" for letter in secret),
    "padded": lambda secret: f"{secret}==",
    "of another document": lambda _: issued_school().recalled.secret,
    "of another version": lambda _: issued_school().replaced.secret,
    "the serial": lambda _: issued_school().current.key.serial,
}


@pytest.mark.parametrize("change", SECRETS.values(), ids=SECRETS)
def test_secret_opens_as_it_was_printed_or_not_at_all(site: httpx.Client, change: Callable[[str], str]) -> None:
    document = issued_school().current
    given = change(document.secret)
    assert given != document.secret
    answer = site.post(f"{document.path}/compare", json={"secret": given})
    assert document.transcript.pupil.name not in str(read_problem(answer, 403, "forbidden"))


def test_secret_of_one_document_opens_no_other(site: httpx.Client) -> None:
    issued = issued_school()
    documents = (issued.current, issued.replaced, issued.replacement)
    for one in documents:
        for other in documents:
            answer = site.post(f"{one.path}/compare", json={"secret": other.secret})
            assert (answer.status_code == 200) == (one is other)


@pytest.mark.parametrize("place", ["?secret={}", "?{}", "?lang=vi&secret={}", "?fragment=%23{}"])
def test_secret_in_the_query_opens_nothing_and_is_not_repeated(site: httpx.Client, place: str) -> None:
    document = issued_school().current
    query = place.format(document.secret)
    page = site.get(f"{document.path}{query}", headers=AS_BROWSER)
    assert page.status_code == 200
    assert document.secret not in page.text
    assert document.transcript.pupil.name not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    for body in (None, {}, {"secret": "wrong"}):
        answer = site.post(f"{document.path}/compare{query}", json=body)
        assert answer.status_code in {403, 422}
        assert document.transcript.pupil.name not in answer.text


def test_list_of_secrets_is_no_secret(site: httpx.Client) -> None:
    document = issued_school().current
    for given in ([document.secret], {"secret": document.secret}, True, None):
        answer = site.post(f"{document.path}/compare", json={"secret": given})
        read_problem(answer, 422, "invalid-request")


# Hosts


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"])
@pytest.mark.parametrize("path", ["{path}", "{small}", "/v?serial={serial}", "/", "/verify"])
def test_page_never_names_a_host_that_the_request_made_up(site: httpx.Client, header: str, path: str) -> None:
    document = issued_school().current
    address = path.format(path=document.path, small=document.path.replace("/v/", "/v/-"), serial=document.key.serial)
    value = {"X-Original-URL": f"//{ELSEWHERE}/", "X-Rewrite-URL": f"//{ELSEWHERE}/", "Forwarded": f"host={ELSEWHERE}"}
    answer = site.get(address, headers={**AS_BROWSER, header: value.get(header, ELSEWHERE)})
    assert answer.status_code in {200, 303}
    assert ELSEWHERE not in answer.text
    assert ELSEWHERE not in str(answer.headers)
    assert answer.headers.get("location", "/v/").startswith("/v/")


# A forged paper


def _list_year_marks(document: IssuedDocument) -> dict[str, str]:
    subjects = document.transcript.subjects
    return {one.subject_name: format_mark(one.year.mark) for one in subjects if one.year and one.year.mark is not None}


def test_genuine_code_on_a_forged_paper_shows_what_was_signed(site: httpx.Client) -> None:
    document = issued_school().current
    printed = {
        one.subject_name: format_mark(one.year.mark)
        for one in raise_marks(document.transcript).subjects
        if one.year and one.year.mark is not None
    }
    content = site.post(f"{document.path}/compare", json={"secret": document.secret}).json()
    shown = {row[0]: row[3] for row in content["tables"][0]["rows"]}
    signed = _list_year_marks(document)
    assert signed
    assert {name: shown[name] for name in signed} == signed
    assert any(printed[name] != shown[name] for name in signed)


def test_code_of_the_replaced_version_tells_that_it_was_replaced(site: httpx.Client) -> None:
    """A paper of version 1 is genuine and out of date: its own marks are shown, and that there are newer ones."""
    issued = issued_school()
    page = site.get(issued.replaced.path, headers=AS_BROWSER)
    assert 'data-state="superseded"' in page.text
    content = site.post(f"{issued.replaced.path}/compare", json={"secret": issued.replaced.secret}).json()
    shown = {row[0]: row[3] for row in content["tables"][0]["rows"]}
    assert {name: shown[name] for name in _list_year_marks(issued.replaced)} == _list_year_marks(issued.replaced)


def test_guessing_one_secret_leaves_no_secret_in_the_records(
    copy_client: httpx.Client, issued_copy: Installation
) -> None:
    document = issued_copy.issued.current
    for given in (document.secret, document.secret[:-1], "AAAA"):
        copy_client.post(f"{document.path}/compare", json={"secret": given})
    database = issued_copy.workspace.settings.home
    found = [path for path in database.rglob("*") if path.is_file() and document.secret.encode() in path.read_bytes()]
    assert found == []
