"""OAuth 2.0 as the CSC API uses it: scope `service` for the API, scope `credential` for one approval of signatures.

CSC API 1.0.4, 8.3; 2.0, 8.4.  RFC 6749 (client credentials, authorization code, refresh), RFC 7636 (PKCE, S256 only),
RFC 9126 (pushed requests, used when the service offers them), RFC 9396 (authorization_details), RFC 8414 (discovery).

Where a person must log in, the address to open is part of what the `SecretSource` asks, and its answer is the address
at which the person's browser ended: nothing listens on a port, so that it works over any terminal.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from signing.keystores.csc.settings import CscSettings, ServiceAuthorization, is_protected
from signing.keystores.csc.tokens import Monotonic, Token, read_token
from signing.keystores.csc.transport import Answer, Channel
from signing.keystores.secrets import SecretSource
from transcript_core.errors import KeyUnavailable

_VERIFIER_BYTES: Final = 48  # 64 characters; RFC 7636, 4.1 wants 43 to 128
_MAX_ADDRESS_CHARS: Final = 8192
"""Characters of an address that a person is asked to open; browsers take this much (RFC 9110, 4.1 asks for 8,000)."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where an authorisation server answers."""

    authorize: str
    token: str
    pushed: str | None  # RFC 9126
    revoke: str | None  # RFC 7009
    secret_in_body: bool = True  # client_secret_post, as the API's own text shows it; else HTTP Basic


def locate_base(base: str, methods: frozenset[str]) -> Endpoints:
    """Return the endpoints below the base URI that `info` names as `oauth2` (CSC API 1.0.4, 8.3.1; 2.0, 11.1)."""
    root = base.rstrip("/")
    pushed = f"{root}/oauth2/pushed_authorize" if "oauth2/pushed_authorize" in methods else None
    revoke = f"{root}/oauth2/revoke" if "oauth2/revoke" in methods else None
    return _check_protected(Endpoints(f"{root}/oauth2/authorize", f"{root}/oauth2/token", pushed, revoke))


def discover(channel: Channel, issuer: str) -> Endpoints:
    """Return the endpoints that an issuer's metadata names (RFC 8414, 3).

    Raises:
        KeyUnavailable: no metadata, that of another issuer, or an endpoint without TLS.
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    answer = channel.get(
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}", method="oauth2 metadata"
    )
    reader = answer.reader
    if reader.get_text("issuer") != issuer:
        raise reader.fail("the metadata is of another issuer than the service names")
    ways = reader.list_texts("token_endpoint_auth_methods_supported", at_most=20)
    return _check_protected(
        Endpoints(
            authorize=reader.get_text("authorization_endpoint"),
            token=reader.get_text("token_endpoint"),
            pushed=reader.find_text("pushed_authorization_request_endpoint"),
            revoke=reader.find_text("revocation_endpoint"),
            secret_in_body="client_secret_post" in ways,
        )
    )


def _check_protected(endpoints: Endpoints) -> Endpoints:
    named = (endpoints.authorize, endpoints.token, endpoints.pushed, endpoints.revoke)
    if not all(is_protected(address) for address in named if address is not None):
        raise KeyUnavailable("the service names an authorisation server without TLS; ask the provider")
    return endpoints


class OAuthClient:
    """This program as a client of one authorisation server.  A `Grant` for scope `service`."""

    def __init__(
        self, channel: Channel, endpoints: Endpoints, settings: CscSettings, secrets: SecretSource, clock: Monotonic
    ) -> None:
        self._channel = channel
        self._endpoints = endpoints
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._client_secret = ""  # asked once, so that a token that ends in mid-batch is renewed silently

    def __repr__(self) -> str:
        """Name the client, never its secret."""
        return f"OAuthClient({self._settings.client_id!r})"

    def obtain(self) -> Token:
        """Return a token of scope `service`.  Raises: KeyUnavailable."""
        if self._settings.authorization is ServiceAuthorization.CLIENT:
            return self._fetch({"grant_type": "client_credentials", "scope": "service"})
        return self.log_in({"scope": "service"}, "đăng nhập dịch vụ ký số")

    def refresh(self, token: str) -> Token:
        """Return a token of scope `service` for a refresh token.  Raises: KeyUnavailable."""
        return self._fetch({"grant_type": "refresh_token", "refresh_token": token})

    def revoke(self, token: Token) -> None:
        """Give a token back (RFC 7009), if the service takes tokens back.  Raises: KeyUnavailable."""
        if self._endpoints.revoke is not None:
            hint = "access_token" if token.refresh is None else "refresh_token"
            fields = {"token": token.refresh or token.access, "token_type_hint": hint}
            self._send(self._endpoints.revoke, fields, "oauth2/revoke")

    def approve(self, request: Mapping[str, str], count: int) -> Token:
        """Return a token of scope `credential`: one person's approval of `count` signatures.

        Args:
            request: what is approved, as `authorization.py` writes it for the API's version.
            count: of signatures, for the person.

        Raises:
            KeyUnavailable: denied, or another answer than this request's.
        """
        return self.log_in(request, f"phê duyệt {count} chữ ký")

    def log_in(self, request: Mapping[str, str], purpose: str) -> Token:
        """Let a person pass the authorisation endpoint, and return the token for the code (RFC 6749, 4.1).

        Raises:
            KeyUnavailable: refused, or the address that came back belongs to another request.
        """
        verifier = random.token_urlsafe(_VERIFIER_BYTES)
        state = random.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        address = self._build_address(
            {
                "response_type": "code",
                "client_id": self._settings.client_id,
                "redirect_uri": self._settings.redirect_uri,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
                "state": state,
                **request,
            }
        )
        answer = self._secrets.ask(
            f"Để {purpose}, hãy mở {address} bằng trình duyệt, rồi dán địa chỉ của trang cuối cùng vào đây"
        )
        fields = {
            "grant_type": "authorization_code",
            "code": self._read_code(answer.strip(), state),
            "redirect_uri": self._settings.redirect_uri,
            "code_verifier": verifier,
        }
        details = request.get("authorization_details")
        return self._fetch(fields if details is None else {**fields, "authorization_details": details})

    def _build_address(self, fields: Mapping[str, str]) -> str:
        """Return what to open in a browser: with everything in it, or with a reference to what was pushed."""
        if self._endpoints.pushed is not None:
            answer = self._send(self._endpoints.pushed, fields, "oauth2/pushed_authorize")
            reference = answer.reader.get_text("request_uri")
            fields = {"client_id": self._settings.client_id, "request_uri": reference}
        joint = "&" if "?" in self._endpoints.authorize else "?"
        address = f"{self._endpoints.authorize}{joint}{urlencode(fields, quote_via=quote)}"
        if len(address) > _MAX_ADDRESS_CHARS:
            raise KeyUnavailable(
                f"{self._channel.host}: one approval of so many signatures is too long for an address; "
                "the provider must offer pushed requests, or sign smaller lists"
            )
        return address

    def _read_code(self, address: str, state: str) -> str:
        """Return the code out of the address at which the browser ended (RFC 6749, 4.1.2 and 10.12)."""
        where = f"{self._channel.host}: oauth2/authorize"
        beginning, _, query = address.partition("?")
        try:
            values = parse_qs(query, strict_parsing=True, max_num_fields=20)
        except ValueError:
            values = {}
        if beginning != self._settings.redirect_uri.partition("?")[0] or values.get("state") != [state]:
            raise KeyUnavailable(
                f"{where}: that is not the address at which this login ended; copy the whole address, and log in again"
            )
        if "error" in values or len(values.get("code", ())) != 1:
            raise KeyUnavailable(f"{where}: the login or the approval was denied; try again and approve it")
        return values["code"][0]

    def _fetch(self, fields: Mapping[str, str]) -> Token:
        now = self._clock()
        return read_token(self._send(self._endpoints.token, fields, "oauth2/token"), now)

    def _send(self, url: str, fields: Mapping[str, str], method: str) -> Answer:
        """Post a form as this client, which is named and, unless it is public, proven by its secret (RFC 6749, 2.3)."""
        named = {**fields, "client_id": self._settings.client_id}
        if self._settings.public_client:
            return self._channel.post_form(url, named, method=method)
        secret = self._get_client_secret()
        if self._endpoints.secret_in_body:
            return self._channel.post_form(url, {**named, "client_secret": secret}, method=method)
        pair = f"{quote(self._settings.client_id, safe='')}:{quote(secret, safe='')}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return self._channel.post_form(url, named, method=method, authorization=header)

    def _get_client_secret(self) -> str:
        if not self._client_secret:
            purpose = f"Khoá bí mật của ứng dụng {self._settings.client_id} (client secret) tại {self._channel.host}"
            self._client_secret = self._secrets.ask(purpose)
        return self._client_secret


def describe_approval(credential: str, hashes: list[str], hash_oid: str, labels: str) -> str:
    """Return the `authorization_details` for a list of hashes (RFC 9396; CSC API 2.0, 8.4.2).

    Args:
        credential: its identifier.
        hashes: Base64, as in `signatures/signHash`.
        hash_oid: OID of their algorithm.
        labels: what a person sees beside each hash.
    """
    digests = [{"hash": one, "label": labels} for one in hashes]
    details = {
        "type": "credential",
        "credentialID": credential,
        "documentDigests": digests,
        "hashAlgorithmOID": hash_oid,
    }
    return json.dumps([details], separators=(",", ":"), ensure_ascii=False)
