"""What a service and its credentials say of themselves: `info`, `credentials/list`, `credentials/info`.

CSC API 1.0.4, 11.1, 11.4 and 11.5; 2.0, 11.1, 11.4 and 11.5.  The two texts name the same things differently; this
module and `authorization.py` are the only places that know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from signing.keystores.csc.credential import Credential, read_credential
from signing.keystores.csc.problems import Reader, RemoteRefusal
from signing.keystores.csc.settings import ApiVersion, CscSettings
from signing.keystores.csc.tokens import ServiceAccess
from signing.keystores.csc.transport import Answer, Channel
from transcript_core.errors import KeyUnavailable
from transcript_core.limits import FETCH_TIMEOUT_S

_MAX_METHODS: Final = 100
"""Methods and authorisation types that `info` may name; the texts define about twenty."""

_MAX_CREDENTIALS: Final = 1000
"""Credentials of one account on one page."""

_MAX_PAGES: Final = 20
"""Pages of `credentials/list`; an account of a person or a school has one."""


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """What `info` says."""

    version: ApiVersion
    auth_types: frozenset[str]
    methods: frozenset[str]
    oauth_base: str | None
    oauth_issuer: str | None
    asynchronous: bool  # 2.0 only: answers operationMode "A"

    def offers(self, method: str) -> bool:
        """Return whether the service implements a method."""
        return method in self.methods


def read_info(channel: Channel, settings: CscSettings) -> ServiceInfo:
    """Ask `info`, which needs no authorisation.

    Raises:
        KeyUnavailable: no answer, another version than the URI names, or one that is not supported.
    """
    answer = channel.post_json(f"{settings.base_url}/info", {}, method="info")
    reader = answer.reader
    version = _read_version(reader)
    if settings.version not in {None, version}:
        raise reader.fail(f"the service follows the API's {version.value}, not the version in the key's URI")
    return ServiceInfo(
        version=version,
        auth_types=frozenset(reader.list_texts("authType", at_most=_MAX_METHODS)),
        methods=frozenset(reader.list_texts("methods", at_most=_MAX_METHODS)),
        oauth_base=reader.find_text("oauth2"),
        oauth_issuer=reader.find_text("oauth2Issuer"),
        asynchronous=version is ApiVersion.V2 and reader.is_true("asynchronousOperationMode"),
    )


def _read_version(reader: Reader) -> ApiVersion:
    specs = reader.get_text("specs")
    if specs.startswith("1.0."):
        return ApiVersion.V1
    if specs.startswith("2."):
        return ApiVersion.V2
    raise reader.fail("the service follows a version of the API that is not supported; 1.0.x and 2.x are")


class Service:
    """One service with its authorisation: calls methods, renews a token that ended, and calls again."""

    def __init__(self, channel: Channel, settings: CscSettings, info: ServiceInfo, access: ServiceAccess) -> None:
        self.settings = settings
        self.info = info
        self._channel = channel
        self._access = access

    @property
    def host(self) -> str:
        """Return the service's host, for messages."""
        return self._channel.host

    @property
    def has_own_access(self) -> bool:
        """Return whether requests carry a token of scope `service`."""
        return self._access.get_header() is not None

    def call(
        self,
        method: str,
        body: Mapping[str, object],
        *,
        timeout_s: float = FETCH_TIMEOUT_S,
        authorization: str | None = None,
    ) -> Answer:
        """Return the answer to one method.

        Args:
            method: "credentials/info".
            body: the JSON object.
            timeout_s: seconds for the exchange.
            authorization: instead of the service's own token: one approval's (CSC API 2.0, 11.10).

        Raises:
            RemoteRefusal: the service answered an error; of a 401, after one try with a renewed token.
            KeyUnavailable: no answer that can be used.
        """
        url = f"{self.settings.base_url}/{method}"
        header = authorization or self._access.get_header()
        try:
            return self._channel.post_json(url, body, method=method, authorization=header, timeout_s=timeout_s)
        except RemoteRefusal as refusal:
            if refusal.status != 401 or authorization is not None or not self._access.forget(header):
                raise
        header = self._access.get_header()
        return self._channel.post_json(url, body, method=method, authorization=header, timeout_s=timeout_s)

    def list_credentials(self) -> list[str]:
        """Return the identifiers of the account's credentials; 1.0.4 has them page by page.  Raises: KeyUnavailable."""
        found: list[str] = []
        token: str | None = None
        for _ in range(_MAX_PAGES):
            answer = self.call("credentials/list", {} if token is None else {"pageToken": token})
            found += answer.reader.list_texts("credentialIDs", at_most=_MAX_CREDENTIALS)
            token = answer.reader.find_text("nextPageToken")
            if token is None:
                return found
        raise KeyUnavailable(f"{self.host}: credentials/list has no end; name the credential in the key's URI")

    def get_credential(self, identifier: str) -> Credential:
        """Return a credential that can sign now.

        Raises:
            KeyUnavailable: disabled, expired, revoked, or described in a way that cannot be used.
        """
        body = {"credentialID": identifier, "certificates": "chain", "certInfo": False, "authInfo": True}
        return read_credential(identifier, self.call("credentials/info", body).reader, self.info.version)

    def close(self) -> None:
        """Give the token back and close every connection."""
        self._access.close()
        self._channel.close()
