"""The one place that opens connections for signing: TSA, OCSP, CRL and CA certificate servers.

Those servers are plain HTTP by design (RFC 6960, appendix A; RFC 5280, 4.2.1.13): what they answer is signed.  So an
answer is bounded in size and time here and believed nowhere before its signature was checked.

Addresses in a certificate that leads to no anchor yet are anybody's: `fetch_public` asks them at public addresses only,
so that nobody reaches through this machine what stands behind its firewall.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address
from types import TracebackType
from typing import Any, Final, Self

import httpx

from transcript_core.errors import EvidenceUnavailable
from transcript_core.limits import FETCH_TIMEOUT_S

_MAX_REDIRECTS: Final = 3
_MAX_RETRY_AFTER_S: Final = 7 * 86_400.0
"""Seconds of Retry-After that are believed; a server cannot silence itself for longer by mistake."""

_SCHEMES: Final = frozenset({"http", "https"})
_NOT_PUBLIC: Final = "a certificate that leads to no trust anchor names a private address; HOCBA_CHAIN_HOSTS allows it"
_LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # never through a proxy


class HttpFetch:
    """Fetches by HTTP.  Implements `transcript_core.pki.fetch.Fetch`; safe to share between threads.

    Args:
        hosts: names that may be asked; None: any, as the addresses come from certificates of many CAs.
        timeout_s: seconds for one whole request, redirects and body included.
    """

    _use_proxies = True  # those of the environment
    _extensions: Mapping[str, Any] = {}

    def __init__(self, *, hosts: frozenset[str] | None = None, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=self._use_proxies,
            mounts=dict.fromkeys(_LOOPBACK),
            headers={"User-Agent": "hocba", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        """Return the body of a 200 answer: GET, or POST when there is a `body`.

        Raises:
            EvidenceUnavailable: no answer in time, another status, too long, or an address that may not be asked.
        """
        deadline = time.monotonic() + self._timeout_s
        address = self._check_address(url, httpx.URL("http://invalid/"))
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                answer = self._request(address, body, content_type, max_bytes, deadline)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise _unavailable(url, f"no usable answer ({type(error).__name__})") from error
            if isinstance(answer, bytes):
                return answer
            if body is not None:
                raise _unavailable(url, "it redirects a request that must not be sent elsewhere")
            address = self._check_address(answer, address)
        raise _unavailable(url, f"it redirects more than {_MAX_REDIRECTS} times")

    def _request(
        self, address: httpx.URL, body: bytes | None, content_type: str | None, max_bytes: int, deadline: float
    ) -> bytes | str:
        """Return the body, or the address it redirects to."""
        headers = {} if content_type is None else {"Content-Type": content_type}
        method = "GET" if body is None else "POST"
        stream = self._client.stream(method, address, content=body, headers=headers, extensions=dict(self._extensions))
        with stream as response:
            if response.is_redirect:
                return response.headers["Location"]
            if response.status_code != httpx.codes.OK:
                raise _refused(str(address), response)
            return _read(response, max_bytes, deadline)

    def _check_address(self, url: str, previous: httpx.URL) -> httpx.URL:
        try:
            address = previous.join(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise _unavailable(url, "not an address") from error
        if address.scheme not in _SCHEMES or not address.host or (previous.scheme, address.scheme) == ("https", "http"):
            raise _unavailable(url, "only http and https are asked, and https never leads to http")
        if self._hosts is not None and address.host not in self._hosts:
            raise _unavailable(url, "this server is not among those that may be asked")
        return address


class PublicFetch(HttpFetch):
    """The same for addresses that nobody trusted has named: asked directly, and only where everybody may ask.

    A name is looked up before anything is opened, and the peer of each new connection is looked at before anything is
    sent, since a name can stand for another address the second time.
    """

    _use_proxies = False  # a proxy would look the name up where it cannot be seen from here

    def __init__(self, *, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        super().__init__(timeout_s=timeout_s)
        self._extensions = {"trace": _check_peer}

    def _check_address(self, url: str, previous: httpx.URL) -> httpx.URL:
        address = super()._check_address(url, previous)
        port = address.port or (443 if address.scheme == "https" else 80)
        try:
            found = socket.getaddrinfo(address.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _unavailable(url, "its name stands for no address") from error
        if not all(_is_public(str(one[4][0])) for one in found):
            raise _unavailable(url, _NOT_PUBLIC)
        return address


def fetch_public(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
    """Make one request by a `PublicFetch` of its own.  Implements `transcript_core.pki.fetch.Fetch`."""
    with PublicFetch() as fetch:
        return fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)


def _check_peer(event: str, details: Mapping[str, Any]) -> None:
    """Close a new connection that leads to an address that is not public; called by httpx as it goes along."""
    if event != "connection.connect_tcp.complete":
        return
    stream = details["return_value"]
    peer = str(stream.get_extra_info("server_addr")[0])
    if not _is_public(peer):
        stream.close()
        raise _unavailable(peer, _NOT_PUBLIC)


def _is_public(text: str) -> bool:
    """Return whether an address is reached from everywhere: not loopback, private, link-local or reserved."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast


def _read(response: httpx.Response, max_bytes: int, deadline: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _unavailable(str(response.url), "its answer is compressed, which was not asked for")
    received = bytearray()
    for chunk in response.iter_raw():
        received += chunk
        if len(received) > max_bytes:
            raise _unavailable(str(response.url), f"its answer is longer than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise _unavailable(str(response.url), "its answer took too long")
    return bytes(received)


def _refused(url: str, response: httpx.Response) -> EvidenceUnavailable:
    reason = f"it answered {response.status_code}"
    return EvidenceUnavailable(
        f"{url}: {reason}",
        servers=((url, reason),),
        status=response.status_code,
        retry_after_s=_read_retry_after(response),
    )


def _read_retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After, which are given as a number or as a date (RFC 9110, 10.2.3)."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), _MAX_RETRY_AFTER_S)
    try:
        start = parsedate_to_datetime(response.headers["Date"])
        return min(max(0.0, (parsedate_to_datetime(said) - start).total_seconds()), _MAX_RETRY_AFTER_S)
    except (KeyError, ValueError, TypeError):
        return None


def _unavailable(url: str, reason: str) -> EvidenceUnavailable:
    return EvidenceUnavailable(f"{url}: {reason}", servers=((url, reason),))
