"""Rate limits for the public pages, kept in this process's memory."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from fastapi import Request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.problems import TooManyRequests

_IPV6_SITE_BITS: Final = 64
"""Bits of an IPv6 address that name a subscriber; one alone can use all addresses behind them."""


class Limiter:
    """Counts requests by key over a moving window."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, rate: str, *key: str) -> None:
        """Count one request against `rate` ("10/minute").

        Raises:
            TooManyRequests: the window is full.
        """
        if not self._limiter.hit(parse(rate), *key):
            raise TooManyRequests("too many attempts; wait a minute and try again")


def name_client(request: Request) -> str:
    """Return what requests are counted by: the client's IPv4 address, or the network of its IPv6 address."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host or "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _IPV6_SITE_BITS), strict=False))
