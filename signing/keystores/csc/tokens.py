"""Service authorisation: an access token that is obtained, kept in memory, renewed and given back.

CSC API 1.0.4, 8.1 and 8.2; 2.0, 8.1, 11.2 and 11.3.  What obtains a token is one of three: `auth/login` (here), OAuth
2.0 (`oauth.py`), or a token from outside.  None of them is ever written down.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from signing.keystores.csc.settings import CscSettings
from signing.keystores.csc.transport import Answer, Channel
from signing.keystores.secrets import SecretSource
from transcript_core.errors import KeyUnavailable

Monotonic = Callable[[], float]

DEFAULT_LIFETIME_S: Final = 3600
"""Seconds that tokens and activation data live when the service names no time (CSC API 2.0, 8.4.4 and 11.6)."""

EXPIRY_MARGIN_S: Final = 5.0
"""Seconds before its end in which a token or activation data is no longer used: the way to the service takes time."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token (RFC 6750)."""

    access: str = field(repr=False)
    until: float | None  # monotonic seconds; None: unknown
    refresh: str | None = field(default=None, repr=False)


class Grant(Protocol):
    """A way to a token."""

    def obtain(self) -> Token:
        """Return a new token, asking people or secrets as needed.  Raises: KeyUnavailable."""
        ...

    def refresh(self, token: str) -> Token:
        """Return a new token for a refresh token, asking nobody.  Raises: KeyUnavailable."""
        ...

    def revoke(self, token: Token) -> None:
        """Give a token back, if the service takes it.  Raises: KeyUnavailable."""
        ...


def read_token(answer: Answer, now: float) -> Token:
    """Return the token of a successful answer.

    Args:
        answer: of `auth/login` or `oauth2/token`.
        now: monotonic seconds, before the request.

    Raises:
        KeyUnavailable: no bearer token in it.
    """
    reader = answer.reader
    kind = reader.find_text("token_type")
    if kind is not None and kind.casefold() not in {"bearer", "sad"}:
        raise reader.fail("the answer's token is of a kind that is not supported; only Bearer is")
    lifetime = reader.find_number("expires_in", at_least=1)
    return Token(
        access=check_token(reader.get_text("access_token"), answer.where),
        until=now + (DEFAULT_LIFETIME_S if lifetime is None else lifetime),
        refresh=reader.find_text("refresh_token"),
    )


def check_token(token: str, where: str) -> str:
    """Return a token that fits into a header.  Raises: KeyUnavailable: other characters than printable ASCII in it."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise KeyUnavailable(f"{where}: the access token holds characters that no token has")
    return token


class ServiceAccess:
    """The `Authorization` header of every request; renews its token when it ends.  May be shared between threads."""

    def __init__(self, grant: Grant | None, clock: Monotonic) -> None:
        """Obtain nothing yet.

        Args:
            grant: None: the service needs no token from here.
            clock: monotonic seconds.
        """
        self._grant = grant
        self._clock = clock
        self._token: Token | None = None
        self._lock = threading.Lock()

    def get_header(self) -> str | None:
        """Return the header's value, with a token obtained or renewed where needed.  Raises: KeyUnavailable."""
        if self._grant is None:
            return None
        with self._lock:
            if self._token is None or self._is_over(self._token):
                self._token = self._renew(self._grant, self._token)
            return f"Bearer {self._token.access}"

    def forget(self, header: str | None) -> bool:
        """Give up the token that the service refused; return whether asking again with a new one makes sense."""
        with self._lock:
            if self._grant is None or self._token is None:
                return False
            if header == f"Bearer {self._token.access}":
                self._token = Token("", until=float("-inf"), refresh=self._token.refresh)
            return True

    def close(self) -> None:
        """Give the token back; that the service does not take it changes nothing here."""
        with self._lock:
            token, self._token = self._token, None
        if self._grant is not None and token is not None and token.access:
            with contextlib.suppress(KeyUnavailable):
                self._grant.revoke(token)

    def _is_over(self, token: Token) -> bool:
        return token.until is not None and self._clock() >= token.until - EXPIRY_MARGIN_S

    @staticmethod
    def _renew(grant: Grant, old: Token | None) -> Token:
        """Renew silently by the refresh token; where that is refused, from the beginning."""
        if old is not None and old.refresh is not None:
            with contextlib.suppress(KeyUnavailable):
                new = grant.refresh(old.refresh)
                return new if new.refresh is not None else Token(new.access, new.until, old.refresh)
        return grant.obtain()


class BasicLogin:
    """`auth/login` with HTTP Basic (CSC API 1.0.4, 11.2; 2.0, 11.2).  A `Grant`."""

    def __init__(self, channel: Channel, settings: CscSettings, secrets: SecretSource, clock: Monotonic) -> None:
        """Ask for nothing yet."""
        self._channel = channel
        self._base_url = settings.base_url
        self._user = settings.user
        self._secrets = secrets
        self._clock = clock

    def obtain(self) -> Token:
        """Ask for the password and log in.  Raises: KeyUnavailable."""
        password = self._secrets.ask(f"Mật khẩu của tài khoản {self._user} tại {self._channel.host}")
        pair = base64.b64encode(f"{self._user}:{password}".encode()).decode()
        return self._login({"rememberMe": True}, f"Basic {pair}")

    def refresh(self, token: str) -> Token:
        """Log in again by the refresh token.  Raises: KeyUnavailable."""
        return self._login({"refresh_token": token}, None)

    def revoke(self, token: Token) -> None:
        """Give back the refresh token, and with it all access tokens, or the only one.  Raises: KeyUnavailable."""
        method = "auth/revoke"
        hint = "access_token" if token.refresh is None else "refresh_token"
        body = {"token": token.refresh or token.access, "token_type_hint": hint}
        header = f"Bearer {token.access}"
        self._channel.post_json(f"{self._base_url}/{method}", body, method=method, authorization=header)

    def _login(self, body: dict[str, object], authorization: str | None) -> Token:
        now, method = self._clock(), "auth/login"
        answer = self._channel.post_json(f"{self._base_url}/{method}", body, method=method, authorization=authorization)
        return read_token(answer, now)


class OutsideToken:
    """An access token that was obtained elsewhere.  A `Grant`."""

    def __init__(self, host: str, secrets: SecretSource) -> None:
        """Ask for nothing yet."""
        self._host = host
        self._secrets = secrets

    def obtain(self) -> Token:
        """Ask for the token.  Raises: KeyUnavailable."""
        token = self._secrets.ask(f"Mã truy cập (access token) dịch vụ {self._host}")
        return Token(check_token(token.strip(), self._host), until=None)

    def refresh(self, token: str) -> Token:
        """Refuse: whoever obtained the token renews it.  Raises: KeyUnavailable."""
        del token
        raise KeyUnavailable(f"{self._host}: the access token cannot be renewed from here; obtain a new one")

    def revoke(self, token: Token) -> None:
        """Leave it: it belongs to somebody else."""
        del token
