"""What was fetched to prove that a certificate was good: its chain and the answers about revocation.

TT 15/2025/TT-BKHCN asks signing software to store it with the signature; EN 319 132-1, 5.4 and EN 319 142-1, 5.4
say where it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from transcript_core.pki.certificates import Certificate


@dataclass(frozen=True, slots=True)
class Evidence:
    """Chain and revocation data of one certificate, as fetched at one moment."""

    chain: tuple[Certificate, ...]  # leaf first, without the anchor
    ocsps: tuple[bytes, ...]  # DER of OCSPResponse (RFC 6960, 4.2.1)
    crls: tuple[bytes, ...]  # DER of CertificateList (RFC 5280, 5.1)
    fetched_at: datetime  # aware, UTC

    @property
    def leaf(self) -> Certificate:
        """Return the certificate that this is about."""
        return self.chain[0]


class EvidenceSource(Protocol):
    """Knows where to ask about a certificate.  `signing.evidence` has the one that fetches."""

    def collect(self, certificate: Certificate, *, chain: Sequence[Certificate] = ()) -> Evidence:
        """Return chain and fresh revocation status of `certificate`, which may say that it is revoked.

        Args:
            chain: CA certificates that came with it, in any order.

        Raises:
            EvidenceUnavailable: no path to an anchor can be built, or no server gave a usable status.
        """
        ...
