"""A phone and a desktop in Chromium, before the issued school's pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from service.app import create_app
from tests.support.issued import BASE_URL, IssuedSchool, open_copy
from tests.support.server import serving

HOST = BASE_URL.removeprefix("https://")
CHROMIUM = shutil.which("chromium")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenPage = Callable[..., Page]


@dataclass(frozen=True, slots=True)
class Site:
    """The service behind the address that the QR codes name."""

    issued: IssuedSchool
    browser: Browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a copy of the issued school, and a browser that finds it under its public address."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("site")
    installation = open_copy(folder / "copy", compare_limit="1000/minute", upload_limit="1000/minute")
    with serving(create_app(installation.workspace)) as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *_FLAGS,
                f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{port}",
                f"--unsafely-treat-insecure-origin-as-secure=http://{HOST}",  # in use it is https
            ],
        )
        yield Site(installation.issued, browser)
        browser.close()
    installation.close()


@pytest.fixture
def open_page(site: Site) -> Iterator[OpenPage]:
    """Return a function that opens a page in a fresh profile: a phone's, unless told otherwise."""
    contexts: list[BrowserContext] = []

    def open_one(*, script: bool = True, size: dict[str, int] = PHONE, locale: str = "vi-VN") -> Page:
        context = site.browser.new_context(
            viewport={"width": size["width"], "height": size["height"]},
            device_scale_factor=2,
            locale=locale,
            java_script_enabled=script,
            base_url=f"http://{HOST}",
        )
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
