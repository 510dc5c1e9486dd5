"""One service over HTTP: JSON in, JSON out, nothing else.  CSC API 1.0.4, 7.1 and 10.1; 2.0, 7.1 to 7.3 and 10.1.

Every answer is bounded in size and time, redirects are refused since they would carry secrets elsewhere, and JSON is
read by the one strict reader.  An error never holds on to the request, in which the secrets are.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from signing.keystores.csc.problems import Reader, RemoteRefusal
from signing.keystores.csc.settings import is_protected
from transcript_core.errors import KeyUnavailable, LimitExceeded, MalformedTranscript
from transcript_core.limits import FETCH_TIMEOUT_S
from transcript_core.strict_json import parse_strict_json

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one answer; four thousand RSA-4096 values in Base64 are about 2.7 MiB."""

_CONNECT_TIMEOUT_S: Final = 10.0
"""Seconds for reaching the service; what it then does may take longer."""

_OK: Final = frozenset({200, 201, 202, 204})
_LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # never through a proxy


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int  # 200, 201, 202 or 204
    body: Mapping[str, Any] = field(repr=False)  # may hold tokens and activation data
    where: str  # "host: method", for messages

    @property
    def reader(self) -> Reader:
        """Return a reader of its members."""
        return Reader(self.where, self.body)


@dataclass(frozen=True, slots=True)
class _Received:
    status: int
    content_type: str
    body: bytes = field(repr=False)


class Channel:
    """The connection to one service and its authorisation server.  May be shared between threads."""

    def __init__(self, host: str) -> None:
        """Open no connection yet.

        Args:
            host: of the service, for messages.
        """
        self.host = host
        self._client = httpx.Client(
            follow_redirects=False,
            mounts=dict.fromkeys(_LOOPBACK),
            headers={"User-Agent": "hocba", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def post_json(
        self,
        url: str,
        body: Mapping[str, object],
        *,
        method: str,
        authorization: str | None = None,
        timeout_s: float = FETCH_TIMEOUT_S,
    ) -> Answer:
        """Return the answer to a method of the API.

        Args:
            url: protected by TLS, or loopback.
            body: sent as JSON.
            method: as the API names it, for messages.
            authorization: the header's whole value; None: no such header.
            timeout_s: seconds for the whole exchange.

        Raises:
            RemoteRefusal: the service answered an error.
            KeyUnavailable: no answer in time, a redirect, or not the JSON that the API promises.
        """
        headers = {} if authorization is None else {"Authorization": authorization}
        return self._exchange("POST", url, method, timeout_s, headers, {"json": dict(body)})

    def post_form(
        self, url: str, fields: Mapping[str, str], *, method: str, authorization: str | None = None
    ) -> Answer:
        """Return the answer of an authorisation server (RFC 6749, 3.2).  Raises: as `post_json`."""
        headers = {} if authorization is None else {"Authorization": authorization}
        return self._exchange("POST", url, method, FETCH_TIMEOUT_S, headers, {"data": dict(fields)})

    def get(self, url: str, *, method: str) -> Answer:
        """Return a document of an authorisation server (RFC 8414, 3.1).  Raises: as `post_json`."""
        return self._exchange("GET", url, method, FETCH_TIMEOUT_S, {}, {})

    def _exchange(
        self, verb: str, url: str, method: str, timeout_s: float, headers: Mapping[str, str], content: Mapping[str, Any]
    ) -> Answer:
        if not is_protected(url):
            raise self._fail(method, "it leads to an address without TLS")
        received: _Received | None = None
        reason = ""
        try:
            received = self._request(verb, url, timeout_s, headers, content)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reason = f"no usable answer ({type(error).__name__}); check the address and the network, then continue"
        except LimitExceeded as error:
            reason = str(error)
        if received is None:  # raised outside of the handler: the library's error keeps the request and its secrets
            raise self._fail(method, reason)
        return self._judge(method, received)

    def _request(
        self, verb: str, url: str, timeout_s: float, headers: Mapping[str, str], content: Mapping[str, Any]
    ) -> _Received:
        deadline = time.monotonic() + timeout_s
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
        with self._client.stream(verb, url, headers=dict(headers), timeout=timeout, **content) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise LimitExceeded("its answer is compressed, which was not asked for")
            body = _read(response, deadline)
            return _Received(response.status_code, response.headers.get("Content-Type", ""), body)

    def _judge(self, method: str, received: _Received) -> Answer:
        """Tell answers from refusals; only JSON is an answer."""
        if 300 <= received.status < 400:
            raise self._fail(method, "it redirects, which is never followed; name the service's final address")
        body = self._parse(method, received) if received.body else {}
        if received.status not in _OK:
            raise RemoteRefusal(self.host, method, received.status, body)
        return Answer(received.status, body, f"{self.host}: {method}")

    def _parse(self, method: str, received: _Received) -> Mapping[str, Any]:
        """Return the answer's object; that of an error may be anything and is then left aside."""
        failed = received.status not in _OK
        if received.content_type.partition(";")[0].strip().casefold() != "application/json":
            if failed:
                return {}
            raise self._fail(method, "its answer is no JSON; check the address in the key's URI")
        try:
            value = parse_strict_json(received.body, max_bytes=MAX_ANSWER_BYTES)
        except (MalformedTranscript, LimitExceeded):
            value = None
        if isinstance(value, dict):
            return value
        if failed:
            return {}
        raise self._fail(method, "its answer is no sound JSON object")

    def _fail(self, method: str, reason: str) -> KeyUnavailable:
        return KeyUnavailable(f"{self.host}: {method}: {reason}")


def _read(response: httpx.Response, deadline: float) -> bytes:
    received = bytearray()
    for chunk in response.iter_raw():
        received += chunk
        if len(received) > MAX_ANSWER_BYTES:
            raise LimitExceeded(f"its answer is longer than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise LimitExceeded("its answer took too long")
    return bytes(received)
