"""From a key's URI to a signer: ask the service what it is, log in, read the credential, choose the algorithm."""

from __future__ import annotations

from typing import Final

from signing.keystores.csc.authorization import Approver, Waiting
from signing.keystores.csc.credential import choose_algorithm
from signing.keystores.csc.oauth import OAuthClient, discover, locate_base
from signing.keystores.csc.problems import one_line
from signing.keystores.csc.service import Service, ServiceInfo, read_info
from signing.keystores.csc.settings import ApiVersion, CscSettings, ServiceAuthorization, parse_csc_uri
from signing.keystores.csc.signer import CscSigner
from signing.keystores.csc.tokens import BasicLogin, Grant, OutsideToken, ServiceAccess
from signing.keystores.csc.transport import Channel
from signing.keystores.csc.values import HashSigner
from signing.keystores.secrets import SecretSource
from transcript_core.errors import KeyUnavailable

_WAITING: Final = Waiting()
_SHOWN: Final = 20
"""Credentials that a message lists; a person has one or two."""


def open_csc(uri: str, secrets: SecretSource, *, waiting: Waiting = _WAITING) -> CscSigner:
    """Return a signer for the credential that a `csc:` URI names.

    Args:
        uri: see `settings.py`; without `credential=`, the only one of the account.
        secrets: asked for passwords, client secrets, PINs and one-time codes, each when the service wants it.
        waiting: how time passes.

    Raises:
        KeyUnavailable: the service cannot be used, does not know the account, or the credential cannot sign.
    """
    settings = parse_csc_uri(uri)
    channel = Channel(settings.host)
    try:
        return _open(channel, settings, secrets, waiting)
    except KeyUnavailable:
        channel.close()
        raise


def _open(channel: Channel, settings: CscSettings, secrets: SecretSource, waiting: Waiting) -> CscSigner:
    service, oauth = _log_in(channel, settings, secrets, waiting)
    credential = service.get_credential(settings.credential or _find_only_one(service))
    algorithm, oid = choose_algorithm(credential, settings.algorithm)
    approver = Approver(service, algorithm, secrets, oauth, waiting)
    return CscSigner(service, credential, approver, HashSigner(service, algorithm, oid, waiting), waiting)


def _log_in(
    channel: Channel, settings: CscSettings, secrets: SecretSource, waiting: Waiting
) -> tuple[Service, OAuthClient | None]:
    info = read_info(channel, settings)
    _check_offered(channel.host, settings, info)
    oauth = _build_oauth(channel, settings, info, secrets, waiting) if settings.client_id else None
    grant: Grant | None = oauth
    match settings.authorization:
        case ServiceAuthorization.EXTERNAL:
            grant = None
        case ServiceAuthorization.BASIC:
            grant = BasicLogin(channel, settings, secrets, waiting.clock)
        case ServiceAuthorization.TOKEN:
            grant = OutsideToken(channel.host, secrets)
        case ServiceAuthorization.CLIENT | ServiceAuthorization.CODE:
            pass
    return Service(channel, settings, info, ServiceAccess(grant, waiting.clock)), oauth


def _check_offered(host: str, settings: CscSettings, info: ServiceInfo) -> None:
    """Refuse what the URI wants and the service does not offer, before anybody is asked for a secret."""
    wanted = settings.authorization
    free = {ServiceAuthorization.EXTERNAL, ServiceAuthorization.TOKEN}
    if wanted not in free and wanted.value not in info.auth_types:
        offered = ", ".join(sorted({one.value for one in ServiceAuthorization} & info.auth_types)) or "none known here"
        raise KeyUnavailable(f"{host}: the service does not offer auth={wanted.value}; it offers {offered}")
    if settings.authorization_details and info.version is ApiVersion.V1:
        raise KeyUnavailable(f"{host}: version 1.0.4 of the API has no authorization-details; leave that out")
    if settings.asynchronous and not info.asynchronous:
        raise KeyUnavailable(f"{host}: the service does not sign asynchronously; leave mode=asynchronous out")


def _build_oauth(
    channel: Channel, settings: CscSettings, info: ServiceInfo, secrets: SecretSource, waiting: Waiting
) -> OAuthClient:
    if info.oauth_issuer is not None:
        endpoints = discover(channel, info.oauth_issuer)
    elif info.oauth_base is not None:
        endpoints = locate_base(info.oauth_base, info.methods)
    else:
        raise KeyUnavailable(f"{channel.host}: the service names no authorisation server; leave client-id out")
    return OAuthClient(channel, endpoints, settings, secrets, waiting.clock)


def _find_only_one(service: Service) -> str:
    found = service.list_credentials()
    if len(found) == 1:
        return found[0]
    names = ", ".join(one_line(name) for name in found[:_SHOWN])
    raise KeyUnavailable(
        f"{service.host}: the account has {len(found)} credentials; name one by credential= in the key's URI: {names}"
    )
