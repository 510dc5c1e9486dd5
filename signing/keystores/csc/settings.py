"""The name of a remote key: `csc:`, the address of the service, and which of its credentials to use and how.

```
csc:https://sign.example.vn/csc/v2?credential=GX0112348&auth=oauth2client&client-id=hocba
```
The address is everything before the API's own methods (CSC API 1.0.4, 7.2; 2.0, 7.2).  No parameter can hold a secret:
PIN, password, one-time code, client secret and tokens are asked from the `SecretSource` when they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from signing.keystores.parsing import MAX_URI_CHARS
from transcript_core.errors import KeyUnavailable
from transcript_core.pki.algorithms import SignatureAlgorithm

Choice = TypeVar("Choice", bound=Enum)

_SCHEME: Final = "csc:"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_NAMES: Final = frozenset(
    {
        "credential",
        "auth",
        "client-id",
        "remember-pin",
        "client",
        "user",
        "redirect",
        "version",
        "mode",
        "hashes-per-call",
        "authorization-details",
        "algorithm",
    }
)


class ApiVersion(StrEnum):
    """Which text of the API a service follows; 1.0.4 and 2.0 name the same things differently."""

    V1 = "1.0.4"
    V2 = "2.0"


class ServiceAuthorization(StrEnum):
    """How the service knows who asks; the words are those of `authType` (CSC API 2.0, 11.1), but for the last one."""

    EXTERNAL = "external"  # arranged outside of the API: a private network, or a proxy that speaks for the client
    BASIC = "basic"  # auth/login with user name and password
    CLIENT = "oauth2client"  # OAuth 2.0 client credentials
    CODE = "oauth2code"  # OAuth 2.0 authorization code with PKCE: a person logs in with a browser
    TOKEN = "token"  # noqa: S105  (a word of the URI) an access token that was obtained elsewhere


@dataclass(frozen=True, slots=True)
class CscSettings:
    """What a key's URI says.  Holds no secret."""

    base_url: str  # without a slash at the end: "https://sign.example.vn/csc/v2"
    host: str  # with its port when it has one; for messages
    credential: str | None = None  # None: the only one of the account
    authorization: ServiceAuthorization = ServiceAuthorization.EXTERNAL
    client_id: str = ""  # OAuth 2.0
    public_client: bool = False  # an OAuth 2.0 client without a secret
    user: str = ""  # auth/login
    redirect_uri: str = ""  # registered for the client; the person's browser ends there
    version: ApiVersion | None = None  # None: what `info` says
    asynchronous: bool = False  # ask for operationMode "A" and poll
    hashes_per_call: int | None = None  # of one signatures/signHash; None: as many as one approval allows
    authorization_details: bool = False  # credential authorisation by RFC 9396 instead of single parameters
    algorithm: SignatureAlgorithm | None = None  # None: the usual one of the key's kind
    remember_pin: bool = False  # ask for a PIN once, not for each approval; the provider's terms must allow it


def parse_csc_uri(uri: str) -> CscSettings:
    """Return what a `csc:` URI says.

    Raises:
        KeyUnavailable: no such URI, an unknown or doubled parameter, or an address without TLS that is not loopback.
    """
    if uri[: len(_SCHEME)].casefold() != _SCHEME or len(uri) > MAX_URI_CHARS:
        raise KeyUnavailable("a remote key is named like csc:https://host/csc/v2?credential=ID")
    base_url, host, query = _split_address(uri[len(_SCHEME) :])
    values = _parse_query(query)
    settings = CscSettings(
        base_url=base_url,
        host=host,
        credential=values.get("credential"),
        authorization=_one_of(ServiceAuthorization, values, "auth") or ServiceAuthorization.EXTERNAL,
        client_id=values.get("client-id", ""),
        public_client=_is_word(values, "client", "public"),
        user=values.get("user", ""),
        redirect_uri=values.get("redirect", ""),
        version=_one_of(ApiVersion, values, "version"),
        asynchronous=_is_word(values, "mode", "asynchronous"),
        hashes_per_call=_count(values, "hashes-per-call"),
        authorization_details=_is_word(values, "authorization-details", "yes"),
        algorithm=_one_of(SignatureAlgorithm, values, "algorithm"),
        remember_pin=_is_word(values, "remember-pin", "yes"),
    )
    _check_needs(settings)
    return settings


def is_protected(address: str) -> bool:
    """Return whether secrets may be sent to an address: over TLS, or without leaving this machine."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)


def _split_address(text: str) -> tuple[str, str, str]:
    if not is_protected(text):
        raise KeyUnavailable(
            "the address of a remote key begins with https:// (http:// on loopback only) and holds no user, "
            "password or fragment"
        )
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.netloc, parts.query


def _parse_query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError:  # its text repeats the parameter
        raise KeyUnavailable("the parameters of a remote key are written name=value, joined by &") from None
    values = dict(pairs)
    if len(values) != len(pairs) or not all(value and value.isprintable() for value in values.values()):
        raise KeyUnavailable("a parameter of the remote key is doubled, empty or holds control characters")
    if unknown := sorted(set(values) - _NAMES):
        raise KeyUnavailable(
            f"{', '.join(unknown)}: no parameter of a remote key; there are {', '.join(sorted(_NAMES))}"
        )
    return values


def _one_of(kind: type[Choice], values: dict[str, str], name: str) -> Choice | None:
    if name not in values:
        return None
    try:
        return kind(values[name])
    except ValueError:
        choices = ", ".join(one.value for one in kind)
        raise KeyUnavailable(f"the remote key's {name} is one of {choices}") from None


def _is_word(values: dict[str, str], name: str, word: str) -> bool:
    if values.get(name, word) != word:
        raise KeyUnavailable(f"the remote key's {name} can only be {word}; else leave it out")
    return name in values


def _count(values: dict[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) == int(text):
        raise KeyUnavailable(f"the remote key's {name} is a whole number from 1 on")
    return int(text)


def _check_needs(settings: CscSettings) -> None:
    """Refuse a way of authorisation whose parameters are missing."""
    kind = settings.authorization
    if kind is ServiceAuthorization.BASIC and not settings.user:
        raise KeyUnavailable("auth=basic needs user=NAME in the remote key's URI")
    if kind in {ServiceAuthorization.CLIENT, ServiceAuthorization.CODE} and not settings.client_id:
        raise KeyUnavailable(f"auth={kind.value} needs client-id=NAME in the remote key's URI")
    if kind is ServiceAuthorization.CODE and not settings.redirect_uri:
        raise KeyUnavailable("auth=oauth2code needs redirect=ADDRESS, as registered for the client")
    if settings.public_client and kind is ServiceAuthorization.CLIENT:
        raise KeyUnavailable("auth=oauth2client is for clients with a secret; leave client=public out")
