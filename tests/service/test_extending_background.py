"""The service completes what signatures lack, by itself: within budgets, beside its requests, until it is stopped."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from keys_dev.services import Responder
from service.app import create_app
from service.context import build_context
from service.signing import background
from service.signing.background import BackgroundExtender, start_extender
from service.workspace import Workspace, open_workspace
from signing import pades, xades
from tests.support.pki import development_pki
from tests.support.server import open_client
from tests.support.workflow import AT, SmallSchool, unstamped_school
from transcript_core.clock import FixedClock
from transcript_core.pki.fetch import Fetch
from transcript_core.policy import SignatureLevel

HOUR = timedelta(hours=1)
B_B, B_LT = SignatureLevel.B_B, SignatureLevel.B_LT
SEAL = "ky-phat-hanh"


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SmallSchool]:
    """Two documents that were issued while the authority was down."""
    with unstamped_school(tmp_path) as made:
        yield made


@pytest.fixture
def network(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    use_network(monkeypatch, school.fetch)


def use_network(monkeypatch: pytest.MonkeyPatch, fetch: Fetch) -> None:
    """Let every round ask this network."""

    @contextmanager
    def opened() -> Iterator[Fetch]:
        yield fetch

    monkeypatch.setattr(background, "HttpFetch", opened)


def list_levels(school: SmallSchool) -> list[tuple[SignatureLevel, SignatureLevel]]:
    """Return the levels that the files themselves show, sorted."""
    files = [school.read(one.key) for one in school.list_documents()]
    return sorted((xades.read_state(xml, SEAL).level, pades.read_state(pdf).level) for xml, pdf in files)


def with_settings(school: SmallSchool, *, later: timedelta = timedelta(), **changes: object) -> Workspace:
    """Return the installation with other settings, some time later."""
    settings = school.workspace.settings.model_copy(update=changes)
    return open_workspace(settings, FixedClock(AT + later))


def wait_until_done(extender: BackgroundExtender, school: SmallSchool) -> None:
    end = time.monotonic() + 120
    while list_levels(school) != [(B_LT, B_LT)] * 2:
        assert extender.is_at_work
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.usefixtures("network")
def test_a_round_completes_what_no_authority_stamped(school: SmallSchool) -> None:
    assert list_levels(school) == [(B_B, B_B)] * 2
    extender = BackgroundExtender(school.context, HOUR)
    with capture_logs() as logs:
        assert extender.run_round() == HOUR
        assert extender.run_round() == HOUR
    assert list_levels(school) == [(B_LT, B_LT)] * 2
    assert [(one["event"], one["documents"], one["files"]) for one in logs] == [("extending.raised", 2, 4)]
    for one in school.list_documents():
        school.assert_passes(one.key)


@pytest.mark.usefixtures("network")
def test_a_spent_budget_is_waited_for_and_not_for_a_whole_interval(
    school: SmallSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two documents need four requests; three are allowed in a window, which outlives the process."""
    tsa = (f"{development_pki().tsa_url}|budget=3/20min|block=1d",)
    with capture_logs() as logs:
        first = BackgroundExtender(build_context(with_settings(school, tsa_urls=tsa)), HOUR).run_round()
    assert first == timedelta(minutes=20)
    assert [one["documents"] for one in logs if one["event"] == "extending.waits"] == [1]
    assert list_levels(school) == sorted([(B_LT, B_LT), (B_LT, B_B)])
    later = with_settings(school, tsa_urls=tsa, later=timedelta(minutes=21))
    use_network(monkeypatch, Responder(development_pki(), later.clock))
    assert BackgroundExtender(build_context(later), HOUR).run_round() == HOUR
    assert list_levels(school) == [(B_LT, B_LT)] * 2


@pytest.mark.usefixtures("network")
def test_what_fails_is_logged_by_serial_and_the_others_go_on(school: SmallSchool) -> None:
    bad, good = school.list_documents()
    school.workspace.store.discard(bad.xml_sha256)
    with capture_logs() as logs:
        BackgroundExtender(school.context, HOUR).run_round()
    (failed,) = [one for one in logs if one["event"] == "extending.failed"]
    assert (failed["document"], failed["code"], failed["log_level"]) == (str(bad.key), "not-found", "warning")
    assert not any(bad.pupil_code in str(one) or good.pupil_code in str(one) for one in logs)
    xml, pdf = school.read(good.key)
    assert (xades.read_state(xml, SEAL).level, pades.read_state(pdf).level) == (B_LT, B_LT)


def test_an_error_of_a_whole_round_ends_no_thread(school: SmallSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first round meets no anchors, the second a defect, the third does the work."""
    troubles = [RuntimeError("a defect")]

    class Network(Responder):
        def __call__(
            self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
        ) -> bytes:
            if troubles:
                raise troubles.pop()
            return super().__call__(url, body=body, content_type=content_type, max_bytes=max_bytes)

    use_network(monkeypatch, Network(development_pki(), FixedClock(AT)))
    unanchored = with_settings(school, anchors_dir=None, authority_file=None)
    with capture_logs() as logs:
        refused = BackgroundExtender(build_context(unanchored), timedelta(milliseconds=50))
        refused.start()
        while not logs:
            time.sleep(0.01)
        refused.stop()
        extender = BackgroundExtender(school.context, timedelta(milliseconds=50))
        extender.start()
        wait_until_done(extender, school)
        extender.stop()
    events = [one["event"] for one in logs]
    assert {"extending.refused", "extending.broken", "extending.raised"} <= set(events)
    assert not refused.is_at_work
    assert not extender.is_at_work


def test_requests_are_answered_meanwhile_and_the_end_comes_between_two_documents(
    school: SmallSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def hang(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        asked.set()
        assert answer.wait(60)
        return school.fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)

    use_network(monkeypatch, hang)
    extender = BackgroundExtender(school.context, HOUR)
    extender.start()
    assert asked.wait(60)
    key = school.list_documents()[0].key
    with open_client(create_app(school.workspace)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get(f"/v/{key.serial}/{key.version}").status_code == 200
    assert list_levels(school) == [(B_B, B_B)] * 2, "the authority has not answered yet"
    ending = threading.Thread(target=extender.stop)
    ending.start()
    assert extender._stopped.wait(60)
    answer.set()
    ending.join(60)
    assert not extender.is_at_work
    assert list_levels(school) == sorted([(B_B, B_B), (B_LT, B_LT)])
    school.assert_store_is_sound()


@pytest.mark.usefixtures("network")
def test_only_one_works_at_a_time(school: SmallSchool) -> None:
    path = school.workspace.settings.home / "extending.lock"
    with background._hold(path) as first:
        assert first
        assert BackgroundExtender(school.context, HOUR).run_round() == HOUR
        assert list_levels(school) == [(B_B, B_B)] * 2
    BackgroundExtender(school.context, HOUR).run_round()
    assert list_levels(school) == [(B_LT, B_LT)] * 2


@pytest.mark.usefixtures("network")
def test_it_lives_as_long_as_the_server_and_a_setting_turns_it_off(school: SmallSchool) -> None:
    off = with_settings(school, extend_minutes=0)
    assert start_extender(build_context(off)) is None
    app = create_app(school.workspace)

    async def live() -> None:
        async with app.router.lifespan_context(app):
            (thread,) = [one for one in threading.enumerate() if one.name == "extending"]
            while list_levels(school) != [(B_LT, B_LT)] * 2:
                assert thread.is_alive()
                await asyncio.sleep(0.05)
        assert not thread.is_alive()

    asyncio.run(asyncio.wait_for(live(), 120))
