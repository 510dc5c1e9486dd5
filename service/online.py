"""Where `hocba verify --fetch` gets what a file does not carry: chains, OCSP answers and CRLs, over HTTP.

Nothing is fetched unless that option is given: the addresses stand in certificates of files that strangers made, and
asking tells a server who verifies what and when.  Each request is bounded in time and length (`signing.http`), each
answer is kept for the other files of the same call.
"""

from __future__ import annotations

from signing.evidence import EvidenceCollector
from signing.http import HttpFetch
from transcript_core.clock import Clock
from transcript_core.pki.evidence import EvidenceSource
from transcript_core.pki.trust import TrustStore


def build_online_source(trust: TrustStore | None, clock: Clock) -> EvidenceSource | None:
    """Return a source that asks over HTTP; None without anchors, since nothing could pass by what it finds."""
    return None if trust is None else EvidenceCollector(_fetch, trust, clock)


def _fetch(url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int) -> bytes:
    """Make one request and close its connection: a command ends without anything left open."""
    with HttpFetch() as fetch:
        return fetch(url, body=body, content_type=content_type, max_bytes=max_bytes)
