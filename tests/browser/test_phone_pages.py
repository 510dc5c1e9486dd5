"""What a parent's phone shows: the QR code's page, the signed marks beside a paper, an uploaded file's report."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from demo.attacks import edit_mark, forge_paper
from tests.browser.conftest import DESKTOP, PHONE, OpenPage
from tests.support.issued import BASE_URL, RECALL_REASON, IssuedDocument, issued_school
from transcript_core.identifiers import generate_serial
from transcript_core.render.view import format_mark

pytestmark = pytest.mark.xdist_group("browser")

PDFTOTEXT = shutil.which("pdftotext")
FORGED_MARK = "9,9"
STATES = {
    "current": ("valid", "Đã phát hành, còn hiệu lực", "Issued and current"),
    "replaced": ("superseded", "Đã được thay thế", "Replaced"),
    "recalled": ("recalled", "Đã bị thu hồi", "Recalled"),
}


def scan(page: Page, url: str) -> None:
    """Open what a camera reads from a QR code."""
    answer = page.goto(url.removeprefix(BASE_URL))
    assert answer is not None
    assert answer.status in {200, 404}


def compare(page: Page) -> dict[str, list[str]]:
    """Press the button; return subject → signed marks as the page shows them."""
    page.get_by_role("button", name="So sánh với bản giấy").click()
    expect(page.locator("[data-answer=shown]")).to_be_visible()
    rows = page.locator("[data-answer] table").first.locator("tbody tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return {row[0]: row[1:] for row in cells}


def find_state(page: Page) -> str | None:
    return page.locator("[data-state]").get_attribute("data-state")


def assert_fits(page: Page) -> None:
    """Nothing makes a reader scroll sideways, and every button is large enough for a thumb."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("button:visible, a.button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


@pytest.mark.parametrize("name", STATES)
def test_qr_code_opens_the_page_with_the_state(open_page: OpenPage, name: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    page = open_page()
    scan(page, document.url)
    assert find_state(page) == STATES[name][0]
    expect(page.get_by_role("heading", level=1)).to_contain_text(STATES[name][1])
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    assert document.transcript.pupil.name not in page.content()
    assert_fits(page)


def test_unknown_code_is_told(open_page: OpenPage) -> None:
    page = open_page()
    scan(page, f"/v/{generate_serial()}/1#{issued_school().current.secret}")
    assert find_state(page) == "unknown"
    expect(page.get_by_role("heading", level=1)).to_contain_text("Không tìm thấy học bạ")
    assert_fits(page)


def test_view_secret_never_leaves_before_the_button(open_page: OpenPage) -> None:
    document = issued_school().current
    page = open_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data} {request.headers}"))
    scan(page, document.url)
    page.wait_for_load_state("networkidle")
    assert [request for request in sent if document.secret in request.replace("#" + document.secret, "")] == []
    compare(page)
    assert sum(document.secret in request for request in sent if "/compare" in request) == 1


def test_comparison_shows_the_signed_marks(open_page: OpenPage) -> None:
    document = issued_school().current
    page = open_page()
    scan(page, document.url)
    shown = compare(page)
    for subject in document.transcript.subjects:
        if subject.year is not None and subject.year.mark is not None:
            assert shown[subject.subject_name][2] == format_mark(subject.year.mark)
    expect(page.locator("[data-answer]")).to_contain_text(document.transcript.pupil.name)
    assert_fits(page)


@pytest.mark.skipif(PDFTOTEXT is None, reason="pdftotext is not installed (apt-get install poppler-utils)")
def test_forged_paper_with_a_copied_qr_code_differs_from_the_page(open_page: OpenPage, tmp_path: Path) -> None:
    document = issued_school().current
    paper = tmp_path / "forged.pdf"
    paper.write_bytes(forge_paper(document.xml, document.url))
    assert PDFTOTEXT is not None
    command = [PDFTOTEXT, "-layout", str(paper), "-"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    row = next(line for line in printed.splitlines() if re.match(r"\s*Toán\s", line))
    page = open_page()
    scan(page, document.url)
    assert find_state(page) == "valid"
    shown = compare(page)
    assert FORGED_MARK in row
    assert FORGED_MARK not in shown["Toán"]
    instruction = page.locator("[data-answer] .notice")
    expect(instruction).to_be_visible()
    expect(instruction).to_contain_text("Chỉ cần một chỗ khác nhau")
    expect(instruction).to_contain_text("KHÔNG phải là học bạ đã phát hành")


def test_forged_paper_as_a_file_fails(open_page: OpenPage, tmp_path: Path) -> None:
    paper = tmp_path / "forged.pdf"
    paper.write_bytes(forge_paper(issued_school().current.xml, issued_school().current.url))
    page = open_page()
    upload(page, paper)
    assert page.locator("[data-outcome]").get_attribute("data-outcome") == "TOTAL-FAILED"


def test_wrong_secret_shows_no_marks(open_page: OpenPage) -> None:
    page = open_page()
    scan(page, f"{issued_school().current.path}#AAAAAAAAAAAAAAAAAAAAAA")
    page.get_by_role("button", name="So sánh với bản giấy").click()
    expect(page.locator("[data-answer=refused]")).to_contain_text("không mở được điểm")
    assert page.locator("table").count() == 0


def test_page_without_secret_asks_to_scan(open_page: OpenPage) -> None:
    page = open_page()
    scan(page, issued_school().current.path)
    expect(page.locator("[data-missing]")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_recalled_page_tells_why_and_shows_no_marks(open_page: OpenPage) -> None:
    page = open_page()
    scan(page, issued_school().recalled.url)
    expect(page.locator("[data-state]")).to_contain_text(RECALL_REASON)
    expect(page.get_by_role("button")).to_have_count(0)


def test_replaced_page_leads_to_the_new_version(open_page: OpenPage) -> None:
    issued = issued_school()
    page = open_page()
    scan(page, issued.replaced.url)
    page.get_by_role("link", name="Xem phiên bản 2").click()
    assert page.url.endswith(f"{issued.replacement.path}?lang=vi")
    assert find_state(page) == "valid"
    expect(page.locator("[data-missing]")).to_be_visible()  # the old paper's secret does not open the new version


@pytest.mark.parametrize("name", STATES)
def test_language_switch_keeps_the_secret(open_page: OpenPage, name: str) -> None:
    document: IssuedDocument = getattr(issued_school(), name)
    page = open_page()
    scan(page, document.url)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(STATES[name][2])
    assert page.url.endswith(f"{document.path}?lang=en#{document.secret}")
    assert_fits(page)
    page.get_by_role("link", name="Tiếng Việt").click()
    assert page.url.endswith(f"?lang=vi#{document.secret}")


def test_browser_in_english_gets_the_page_in_english(open_page: OpenPage) -> None:
    page = open_page(locale="en-GB")
    scan(page, issued_school().current.url)
    expect(page.get_by_role("button", name="Compare with the paper")).to_be_visible()


def test_state_is_told_without_javascript(open_page: OpenPage) -> None:
    page = open_page(script=False)
    for name, (state, title, _) in STATES.items():
        scan(page, getattr(issued_school(), name).url)
        assert find_state(page) == state
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    scan(page, issued_school().current.url)
    expect(page.locator("[data-no-script]")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def upload(page: Page, path: Path) -> None:
    page.goto("/verify")
    page.get_by_label("Tệp học bạ", exact=True).set_input_files(path)
    page.get_by_role("button", name="Kiểm tra").click()


@pytest.mark.parametrize("script", [True, False])
def test_uploaded_file_gets_a_report(open_page: OpenPage, tmp_path: Path, script: bool) -> None:
    genuine, edited = tmp_path / "genuine.xml", tmp_path / "edited.xml"
    genuine.write_bytes(issued_school().current.xml)
    edited.write_bytes(edit_mark(issued_school().current.xml))
    page = open_page(script=script)
    for path, outcome, title in (
        (genuine, "TOTAL-PASSED", "Hợp lệ"),
        (edited, "TOTAL-FAILED", "Không hợp lệ"),
    ):
        upload(page, path)
        assert page.locator("[data-outcome]").get_attribute("data-outcome") == outcome
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        assert_fits(page)


def test_missing_file_is_told_by_the_form_itself(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/verify")
    page.get_by_role("button", name="Kiểm tra").click()
    assert page.url.endswith("/verify")


def test_home_form_leads_to_the_page(open_page: OpenPage) -> None:
    document = issued_school().current
    page = open_page()
    page.goto("/")
    assert_fits(page)
    page.get_by_label("Số hiệu").fill(document.key.serial.lower())
    page.get_by_role("button", name="Tra cứu").click()
    assert find_state(page) == "valid"
    assert page.url.endswith(f"{document.path}?lang=vi")


def test_nothing_is_reported_to_the_console_and_nothing_foreign_is_loaded(open_page: OpenPage) -> None:
    document = issued_school().current
    page = open_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    scan(page, document.url)
    compare(page)
    page.goto("/verify")
    assert complaints == []
    assert hosts == {"hocba.test"}


@pytest.mark.parametrize("size", [PHONE, DESKTOP, {"width": 320, "height": 568}], ids=["phone", "desktop", "small"])
@pytest.mark.parametrize("path", ["/", "/verify", "/v/x/1", "/nothing"])
def test_pages_fit_every_screen(open_page: OpenPage, path: str, size: dict[str, int]) -> None:
    page = open_page(size=size)
    page.goto(path)
    assert_fits(page)
