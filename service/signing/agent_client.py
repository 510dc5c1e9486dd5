"""The client's side of the signing agent's protocol (docs/agent.md): prepare, fetch the digests, send the values.

The service is asked, never believed: the list is held against its own digest and, by the caller, against the key.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from service.signing.jsonlines import SigningListInvalid, get_member, reading
from service.signing.lists import ListedDigest, ListHead, SigningList, check_list, parse_digest, parse_head
from service.signing.values import SignedValue, value_to_dict
from signing.signer import SigningIdentity
from transcript_core.errors import InputError, LimitExceeded, StateError
from transcript_core.limits import MAX_BATCH_PAGE, MAX_LISTED_DIGESTS
from transcript_core.strict_json import parse_strict_json

_BATCHES: Final = "/api/v1/signing-batches"
_MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024  # 20,000 refused slots, each with its sentence
_TIMEOUT_S: Final = 600.0  # preparing thousands of documents takes the service minutes
_CONNECT_TIMEOUT_S: Final = 10.0
_ATTEMPTS: Final = 3  # sending the same values again is harmless
_PAUSE_S: Final = 1.0  # before the second attempt, twice that before the third
_WORTH_REPEATING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_MAX_TOLD: Final = 500


class ServiceUnreachable(StateError):
    """The service did not answer, or not as this protocol says."""

    code = "service-unreachable"


class ServiceRefused(StateError):
    """The service refused a request; `code` is the one of its problem document."""

    def __init__(self, code: str, detail: str, status: int) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the service prepared."""

    head: ListHead
    refused: tuple[Mapping[str, Any], ...]  # slots that cannot be signed now: serial, version, slot, code, detail
    contested: int
    left_over: int


class AgentClient:
    """Speaks with one service.

    Args:
        service_url: https, or http on this machine only, since the token goes with every request.
        token: the clerk's.

    Raises:
        InputError: another kind of address.
    """

    def __init__(self, service_url: str, token: str) -> None:
        _check_address(service_url)
        self._client = httpx.Client(
            base_url=service_url,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "hocba-agent"},
            timeout=httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=not _is_loopback(urlsplit(service_url).hostname or ""),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def prepare(self, identity: SigningIdentity, *, school_code: str | None, class_name: str | None) -> Prepared:
        """Let the service prepare all that is open for this certificate.

        Raises:
            ServiceRefused: nothing is open, the certificate may not sign, or the token is not the clerk's.
            ServiceUnreachable: no usable answer.
        """
        certificates = [b64encode(one.der).decode("ascii") for one in (identity.certificate, *identity.chain)]
        wanted = {"certificates": certificates, "algorithm": identity.algorithm.value}
        filters = {"school_code": school_code, "class": class_name}
        plain = self._ask("POST", _BATCHES, wanted | {name: one for name, one in filters.items() if one is not None})
        with reading("the service's answer"):
            return Prepared(
                head=parse_head(plain),
                refused=tuple(_parse_told(one, "slot") for one in plain["refused"]),
                contested=get_member(plain, "contested", int),
                left_over=get_member(plain, "left_over", int),
            )

    def fetch_list(self, head: ListHead) -> SigningList:
        """Return the whole list under a head, checked.

        Raises:
            SigningListInvalid: what came is not the list that the head names.
        """
        if head.digests > MAX_LISTED_DIGESTS:
            raise LimitExceeded(f"a list has at most {MAX_LISTED_DIGESTS} digests, the service names {head.digests}")
        digests: list[ListedDigest] = []
        while len(digests) < head.digests:
            path = f"{_BATCHES}/{head.batch_id}/digests?after={len(digests)}&limit={MAX_BATCH_PAGE}"
            plain = self._ask("GET", path)
            with reading("a page of digests"):
                page = [parse_digest(one) for one in plain["digests"]]
            if not page:
                raise SigningListInvalid(f"the list is cut short: {head.digests} digests belong to it")
            digests += page
        return check_list(head, digests)

    def send(self, batch_id: str, values: Sequence[SignedValue]) -> list[Mapping[str, Any]]:
        """Send at most MAX_BATCH_PAGE values; return what became of each: outcome, code, detail and its name.

        Raises:
            ServiceRefused, ServiceUnreachable: after several attempts; what was attached is, and can be sent again.
        """
        body = {"values": [value_to_dict(one) for one in values]}
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                plain = self._ask("POST", f"{_BATCHES}/{batch_id}/values", body)
                break
            except (ServiceUnreachable, ServiceRefused) as error:
                given_up = isinstance(error, ServiceRefused) and error.status not in _WORTH_REPEATING
                if given_up or attempt == _ATTEMPTS:
                    raise
            time.sleep(attempt * _PAUSE_S)
        with reading("the service's answer"):
            return [_parse_told(one, "slot", "format", "outcome") for one in plain["results"]]

    def drop(self, batch_id: str) -> None:
        """Give a batch up."""
        self._ask("DELETE", f"{_BATCHES}/{batch_id}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            with self._client.stream(method, path, json=body) as response:
                content = _read(response)
        except httpx.HTTPError as error:
            raise ServiceUnreachable(f"the service gave no usable answer ({type(error).__name__})") from error
        if response.status_code == HTTPStatus.NO_CONTENT:
            return None
        try:
            plain = parse_strict_json(content, max_bytes=_MAX_ANSWER_BYTES)
        except InputError as error:
            raise ServiceUnreachable(f"the service answered {response.status_code} and no JSON") from error
        if not response.is_success:
            raise _refusal(plain, response.status_code)
        return plain


def _read(response: httpx.Response) -> bytes:
    received = bytearray()
    for chunk in response.iter_bytes():
        received += chunk
        if len(received) > _MAX_ANSWER_BYTES:
            raise ServiceUnreachable(f"the service's answer is longer than {_MAX_ANSWER_BYTES} bytes")
    return bytes(received)


def _refusal(plain: Any, status: int) -> ServiceRefused:
    """Return the typed error of a problem document (RFC 9457); what it says is made printable."""
    members = plain if isinstance(plain, dict) else {}
    code = str(members.get("type", "")).removeprefix("urn:hocba:problem:") or "refused"
    detail = str(members.get("detail", f"the service answered {status}"))
    return ServiceRefused(_make_printable(code), _make_printable(detail), status)


def _parse_told(plain: Any, *names: str) -> Mapping[str, Any]:
    """Return what the service tells of one slot or value: its name, the members `names`, and code and detail."""
    told = {name: get_member(plain, name, str) for name in ("serial", *names)}
    reason = {name: _make_printable(str(plain.get(name, ""))) for name in ("code", "detail")}
    return told | {"version": get_member(plain, "version", int)} | reason


def _make_printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)[:_MAX_TOLD]


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise InputError("the service's address begins with https://; http:// is for this machine alone")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
