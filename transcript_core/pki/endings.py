"""Until when a timestamp can carry a document: its authority's certificate and the algorithms in it end one day.

The dates are data (`schemas/tables/algorithm_ends.csv`) and say when to renew, never whether a document passes: a
signature whose algorithm ended is judged by the proof that it existed before (ETSI EN 319 102-1, 5.6.2).
Spec: the idea of ETSI TS 119 312; the dates are those of NIST IR 8547, which are announced for these algorithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from schemas.loader import load_table
from transcript_core.pki.certificates import PublicKey
from transcript_core.pki.timestamps import Timestamp

RENEW_BEFORE: Final = timedelta(days=180)
"""How long before its end a timestamp is renewed: half a year leaves room for a strike of an authority's budget."""


@dataclass(frozen=True, slots=True)
class _End:
    family: str  # "rsa", "ecdsa", or the name of a hash
    min_bits: int
    ends_on: date | None  # last day; None: no end announced


def find_end(stamp: Timestamp) -> datetime | None:
    """Return the moment at which a timestamp stops to be good by itself; aware, UTC.

    Returns:
        The earliest end of its authority's certificate, the authority's key, and the imprint's hash; None when the
        authority's certificate is not carried, so that nothing can be told.
    """
    if stamp.certificate is None:
        return None
    ends = (find_key_end(stamp.certificate.public_key), find_hash_end(stamp.imprint_hash))
    return min(stamp.certificate.not_after, *(one for one in ends if one is not None))


def find_key_end(key: PublicKey) -> datetime | None:
    """Return when the key's algorithm ends at its length, or None; only kinds that may sign here have a date."""
    if isinstance(key, rsa.RSAPublicKey):
        return _find("rsa", key.key_size)
    return _find("ecdsa", key.key_size) if isinstance(key, ec.EllipticCurvePublicKey) else None


def find_hash_end(name: str) -> datetime | None:
    """Return when a hash ends, or None.  `name` is as in hashlib."""
    return _find(name, 0)


def _find(family: str, bits: int) -> datetime | None:
    """Return the end of the row with the largest length that the key reaches."""
    fitting = [one for one in _load() if one.family == family and one.min_bits <= bits]
    best = max(fitting, key=lambda one: one.min_bits, default=None)
    if best is None or best.ends_on is None:
        return None
    return datetime.combine(best.ends_on + timedelta(days=1), time(), UTC)


@cache
def _load() -> tuple[_End, ...]:
    return tuple(
        _End(row["family"], int(row["min_bits"]), date.fromisoformat(row["ends_on"]) if row["ends_on"] else None)
        for row in load_table("algorithm_ends")
    )
