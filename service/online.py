"""Who may be asked over HTTP for what certificates name, and what `hocba verify --fetch` asks.

Nothing is fetched for a verification unless that option is given: the addresses stand in certificates of files that
strangers made, and asking tells a server who verifies what and when.  Each request is bounded in time and length
(`signing.http`), each answer is kept for the other files of the same call.
"""

from __future__ import annotations

from collections.abc import Collection

import httpx

from signing.evidence import EvidenceCollector
from signing.http import HttpFetch, fetch_public
from transcript_core.clock import Clock
from transcript_core.pki.evidence import EvidenceSource
from transcript_core.pki.fetch import Fetch
from transcript_core.pki.trust import TrustStore


def build_online_source(trust: TrustStore | None, clock: Clock, hosts: Collection[str]) -> EvidenceSource | None:
    """Return a source that asks over HTTP; None without anchors, since nothing could pass by what it finds.

    Args:
        hosts: as for `choose_fetch`.
    """
    if trust is None:
        return None
    return EvidenceCollector(_fetch, trust, clock, fetch_unproven=choose_fetch(_fetch, hosts))


def choose_fetch(fetch: Fetch, hosts: Collection[str]) -> Fetch:
    """Return what asks for certificates on the way to an anchor: their addresses may be anybody's.

    Args:
        fetch: makes requests that are trusted.
        hosts: that `fetch` asks, wherever they are (HOCBA_CHAIN_HOSTS); all others are asked at public addresses only.
    """

    def ask(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
        trusted = _find_host(url) in hosts
        return (fetch if trusted else fetch_public)(url, body=body, content_type=content_type, max_bytes=max_bytes)

    return ask


def _find_host(url: str) -> str | None:
    """Return the host of an address as it would be asked, or None."""
    try:
        return httpx.URL(url).host
    except (httpx.InvalidURL, ValueError):
        return None


def _fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
    """Make one request and close its connection: a command ends without anything left open."""
    with HttpFetch() as fetch:
        return fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)
