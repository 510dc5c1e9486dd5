"""Serves a `Provider` over HTTP on loopback, and the person who answers what the client asks."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.support.csc_provider import CLIENT_SECRET, CREDENTIAL, OTP, PASSWORD, PIN, Provider, Refused
from transcript_core.errors import KeyUnavailable

ADDRESS = re.compile(r"https?://\S+")


@dataclass
class Person:
    """A `SecretSource`: knows every secret, opens pages, and remembers what was asked."""

    answers: Mapping[str, str] = field(default_factory=dict)  # instead of the right ones: part of the purpose → answer
    asked: list[str] = field(default_factory=list)

    def ask(self, purpose: str) -> str:
        self.asked.append(purpose)
        for part, answer in self.answers.items():
            if part in purpose:
                return answer
        if found := ADDRESS.search(purpose):
            return open_in_browser(found[0])
        known = {"PIN": PIN, "OTP": OTP, "Mật khẩu": PASSWORD, "client secret": CLIENT_SECRET, "trường cũ": OTP}
        for part, answer in known.items():
            if part in purpose:
                return answer
        raise KeyUnavailable(f"{purpose}: none was given")


def open_in_browser(address: str) -> str:
    """Return the address to which the page sends a browser."""
    answer = httpx.get(address, trust_env=False, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: Provider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider
        self.closing = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    server: _Server

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/oauth2/authorize":
            self._send(302, {"Location": self.server.provider.open_page(path.query)}, b"")
        elif path.path == "/.well-known/oauth-authorization-server":
            self._send_json(200, self.server.provider.metadata())
        else:
            self._send(404, {}, b"")

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        method = re.sub(r"^/(csc/v[12]/)?", "", self.path)
        faults = self.server.provider.faults
        self.server.closing.wait(faults.hang_s.get(method, 0.0))
        if method in faults.answers:
            self._send(*faults.answers[method]())
            return
        try:
            self._send_json(*self._answer(method, content))
        except Refused as refused:
            self._refuse(refused)

    def _answer(self, method: str, content: bytes) -> tuple[int, Any]:
        provider, authorization = self.server.provider, self.headers.get("Authorization", "")
        if method.startswith("oauth2/"):
            form = dict(parse_qsl(content.decode(), strict_parsing=True))
            if method == "oauth2/pushed_authorize":
                return 201, provider.push(form, authorization)
            return 200, provider.give(form, authorization)
        return provider.call(method, json.loads(content), authorization)

    def _refuse(self, refused: Refused) -> None:
        if refused.error:
            self._send_json(refused.status, {"error": refused.error, "error_description": refused.description})
        else:
            self._send(refused.status, {"Content-Type": "text/plain"}, b"Bad Request")

    def _send_json(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self._send(status, {"Content-Type": "application/json;charset=UTF-8"}, content)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        """Say nothing."""


@contextmanager
def serving_provider(provider: Provider) -> Iterator[Provider]:
    """Serve until the block ends; sets the provider's `base_url`, which has neither path nor slash at its end."""
    server = _Server(provider)
    provider.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def name_key(provider: Provider, *parameters: str) -> str:
    """Return the URI of the provider's key."""
    path = "csc/v1" if provider.is_v1 else "csc/v2"
    return f"csc:{provider.base_url}/{path}?{'&'.join((f'credential={CREDENTIAL}', *parameters))}"
