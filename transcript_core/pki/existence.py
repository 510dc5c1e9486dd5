"""What is proven to have existed when: the set of proofs of existence of ETSI EN 319 102-1, 5.6.2.3 and 5.6.3.4.

An object is its octets: a certificate, an OCSP answer, a CRL, a time-stamp token, the value of a signature.  Whatever
is at hand exists now (5.6.3.4, step 1); a valid timestamp over an object proves that it existed at its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime


class ProofsOfExistence:
    """The earliest proven time of every object.  Filled while timestamps are validated, latest first."""

    def __init__(self, now: datetime) -> None:
        """Start with the proof that everything exists now.

        Args:
            now: aware; the time of the validation.
        """
        self.now = now
        self._times: dict[bytes, datetime] = {}

    def add(self, objects: Iterable[bytes], moment: datetime) -> None:
        """Remember that these objects existed at `moment` (aware)."""
        for octets in objects:
            self._times[octets] = min(moment, self.find(octets))

    def find(self, octets: bytes) -> datetime:
        """Return the earliest moment at which the object is proven to have existed; at the latest now."""
        return self._times.get(octets, self.now)
