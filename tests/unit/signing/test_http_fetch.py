"""The HTTP client answers within its limits or refuses by name; it follows no redirect to another scheme."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from keys_dev.server import running
from signing.evidence import EvidenceCollector
from signing.http import HttpFetch, fetch_public
from signing.keystores.pkcs12 import open_pkcs12
from signing.timestamp import TimestampClient
from transcript_core.clock import SystemClock
from transcript_core.errors import EvidenceUnavailable
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.pki.trust import World


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[str]] = []  # paths of all requests so far

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, headers, body = {
            "/ok": (200, {}, b"answer"),
            "/missing": (404, {}, b"no"),
            "/encoding": (200, {}, (self.headers["Accept-Encoding"] or "").encode()),
            "/packed": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 1000)),
            "/long": (200, {}, b"x" * 1001),
            "/hop": (302, {"Location": "/ok"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
            "/wait": (429, {"Retry-After": "90"}, b""),
            "/wait-until": (
                503,
                {"Date": "Mon, 01 Jun 2026 00:00:00 GMT", "Retry-After": "Mon, 01 Jun 2026 00:01:00 GMT"},
                b"",
            ),
            "/wait-forever": (503, {"Retry-After": "99999999999"}, b""),
            "/wait-nonsense": (503, {"Retry-After": "soon"}, b""),
            "/inside": (302, {"Location": "http://10.1.2.3/"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
        }.get(self.path, (200, {}, b""))
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/slow":
            self._drip()

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/hop" else 200)
        self.send_header("Location", "/ok")
        self.end_headers()
        self.wfile.write(self.headers["Content-Type"].encode() + b":" + sent)

    def _drip(self) -> None:
        """Send a byte now and then, so that no single read times out."""
        try:
            for _ in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return  # the client has gone, as it should

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def fetch() -> Iterator[HttpFetch]:
    with HttpFetch(timeout_s=5) as client:
        yield client


def test_an_answer_is_returned(fetch: HttpFetch, address: str) -> None:
    assert fetch(f"{address}/ok", max_bytes=10) == b"answer"
    assert fetch(f"{address}/", body=b"ask", content_type="a/b", max_bytes=10) == b"a/b:ask"
    assert fetch(f"{address}/hop", max_bytes=10) == b"answer"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "404"),
        ("/long", "longer than 1000"),
        ("/loop", "more than"),
        ("/file", "only http and https"),
        ("/packed", "compressed"),
    ],
)
def test_what_is_no_usable_answer_is_refused_by_name(fetch: HttpFetch, address: str, path: str, reason: str) -> None:
    with pytest.raises(EvidenceUnavailable, match=reason) as caught:
        fetch(f"{address}{path}", max_bytes=1000)
    assert caught.value.servers


def test_no_compressed_answer_is_asked_for(fetch: HttpFetch, address: str) -> None:
    assert fetch(f"{address}/encoding", max_bytes=100) == b"identity"


def test_an_answer_of_exactly_the_limit_is_taken(fetch: HttpFetch, address: str) -> None:
    assert len(fetch(f"{address}/long", max_bytes=1001)) == 1001


def test_a_request_with_a_body_follows_no_redirect(fetch: HttpFetch, address: str) -> None:
    with pytest.raises(EvidenceUnavailable, match="redirects"):
        fetch(f"{address}/hop", body=b"x", content_type="a/b", max_bytes=100)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "ldap://host/cn", "", "//", "http://", "http://["]
)
def test_only_http_addresses_are_asked(fetch: HttpFetch, url: str) -> None:
    with pytest.raises(EvidenceUnavailable):
        fetch(url, max_bytes=10)


def test_nobody_listening_is_an_error_with_the_address(fetch: HttpFetch) -> None:
    with serving() as gone:
        pass
    with pytest.raises(EvidenceUnavailable, match=gone):
        fetch(f"{gone}/ok", max_bytes=10)


def test_a_dripping_server_is_left_at_the_deadline(address: str) -> None:
    started = time.monotonic()
    with HttpFetch(timeout_s=0.3) as fetch, pytest.raises(EvidenceUnavailable, match="too long"):
        fetch(f"{address}/slow", max_bytes=1000)
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "224.0.0.1", "2130706433"),
    ],
)
def test_an_address_that_nobody_trusted_has_named_must_be_public(address: str, host: str) -> None:
    port = address.rpartition(":")[2]
    before = list(_Handler.asked)
    with pytest.raises(EvidenceUnavailable, match="names a private address"):
        fetch_public(f"http://{host}:{port}/ok", max_bytes=10)
    assert _Handler.asked == before


def test_a_name_that_stands_for_another_address_the_second_time_is_not_sent_anything(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def look_up(_host: object, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    before = list(_Handler.asked)
    with pytest.raises(EvidenceUnavailable, match="names a private address"):
        fetch_public(f"http://rebound.example:{address.rpartition(':')[2]}/ok", max_bytes=10)
    assert next(answers, None) is None
    assert _Handler.asked == before


def test_a_public_server_is_asked_directly_and_its_redirects_are_looked_at(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback stands for all public addresses here; what a redirect leads to is none of them."""
    port = address.rpartition(":")[2]
    names = {"public.example": "127.0.0.1", "127.0.0.1": "127.0.0.1", "10.1.2.3": "10.1.2.3"}

    def look_up(host: str | bytes, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        name = host.decode() if isinstance(host, bytes) else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[name], port))]

    seen: list[str] = []

    def is_public(text: str) -> bool:
        seen.append(text)
        return text == "127.0.0.1"

    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:1")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("signing.http._is_public", is_public)
    assert fetch_public(f"http://public.example:{port}/hop", max_bytes=10) == b"answer"
    assert seen == ["127.0.0.1"] * 4, "two names and two connections"
    with pytest.raises(EvidenceUnavailable, match="names a private address"):
        fetch_public(f"http://public.example:{port}/inside", max_bytes=10)


def test_servers_outside_the_list_are_not_asked(address: str) -> None:
    with HttpFetch(hosts=frozenset({"ocsp.example"})) as fetch, pytest.raises(EvidenceUnavailable, match="not among"):
        fetch(f"{address}/ok", max_bytes=10)


def test_the_development_servers_answer_over_http(tmp_path: Path) -> None:
    """Timestamp and evidence by real requests; the answers are the ones that the other tests get without sockets."""
    with running(tmp_path) as pki, HttpFetch() as fetch:
        token = TimestampClient([pki.tsa_url], fetch, trust=pki.trust_store()).request(bytes(32))
        assert parse_timestamp(token).imprint == bytes(32)
        path = pki.issue_person("Võ Phương Vân", "001170000001", organisation="Hoa Sen", world=World.NATIONAL)
        signer = open_pkcs12(path, pki.read_password(path))
        evidence = EvidenceCollector(fetch, pki.trust_store(), SystemClock()).collect(signer.certificate)
        assert evidence.ocsps
        assert len(evidence.chain) == 2


@pytest.mark.parametrize(
    ("path", "status", "seconds"),
    [
        ("/wait", 429, 90.0),
        ("/wait-until", 503, 60.0),
        ("/wait-forever", 503, 7 * 86_400.0),
        ("/wait-nonsense", 503, None),
        ("/missing", 404, None),
    ],
)
def test_a_refusal_keeps_its_status_and_when_to_come_back(
    address: str, path: str, status: int, seconds: float | None
) -> None:
    with HttpFetch() as fetch, pytest.raises(EvidenceUnavailable) as caught:
        fetch(f"{address}{path}", max_bytes=1000)
    assert (caught.value.status, caught.value.retry_after_s) == (status, seconds)
