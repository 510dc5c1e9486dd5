"""Until when a key or a hash may be relied on: the cryptographic constraints of a validation policy, as data.

Implements ETSI EN 319 102-1, 5.1.4.3 (cryptographic constraints) as the other blocks use them: past its end an
algorithm is judged by the proof that what it made existed before (5.5.4, 5.6.2.2, 5.6.2.4).  The dates and their
sources stand in `schemas/tables/algorithm_ends.csv`, in the manner of ETSI TS 119 312.  What is not accepted at any
time (MD5, SHA-1, RSA below 2048 bits) is no matter of dates: `algorithms` refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from schemas.loader import load_table
from transcript_core.pki.certificates import Certificate, PublicKey, key_bits

_OTHER_FAMILY: Final = "other"
"""Keys that `algorithms` does not accept; no row names them."""


@dataclass(frozen=True, slots=True)
class AlgorithmEnd:
    """One row: until when, and until when with comfort."""

    family: str  # "rsa", "ecdsa", or the name of a hash
    min_bits: int
    ends_on: date | None  # last day on which it is relied on without proof of existence; None: no end is in force
    renew_by: date | None  # last day of a more cautious plan, by which timestamps are renewed; None: none


def find_key_end(key: PublicKey) -> datetime | None:
    """Return the moment from which the key's algorithm at its length needs proof of existence; None: no end."""
    return _to_moment(None if (row := _find_key(key)) is None else row.ends_on)


def find_hash_end(name: str) -> datetime | None:
    """Return the same for a hash, named as in hashlib."""
    return _to_moment(None if (row := _find(name, 0)) is None else row.ends_on)


def find_key_renewal(key: PublicKey) -> datetime | None:
    """Return the moment by which what rests on the key should be renewed, at its end at the latest; None: none."""
    return _to_moment(None if (row := _find_key(key)) is None else row.renew_by or row.ends_on)


def find_hash_renewal(name: str) -> datetime | None:
    """Return the same for a hash, named as in hashlib."""
    return _to_moment(None if (row := _find(name, 0)) is None else row.renew_by or row.ends_on)


def find_signature_end(key: PublicKey, hash_name: str) -> datetime | None:
    """Return the earlier of both ends; None when neither has one."""
    return _find_earlier_end(_name_family(key), key_bits(key), hash_name)


@lru_cache(maxsize=256)
def _find_earlier_end(family: str, bits: int, hash_name: str) -> datetime | None:
    rows = (_find(family, bits), _find(hash_name, 0))
    return min((end for row in rows if row is not None and (end := _to_moment(row.ends_on)) is not None), default=None)


@lru_cache(maxsize=4096)
def find_issuance_end(certificate: Certificate, issuer: Certificate) -> datetime | None:
    """Return until when the issuer's signature on `certificate` may be relied on; None: no end."""
    algorithm = certificate.signature_hash
    return find_signature_end(issuer.public_key, "" if algorithm is None else algorithm.name)


def _find_key(key: PublicKey) -> AlgorithmEnd | None:
    return _find(_name_family(key), key_bits(key))


def _name_family(key: PublicKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa"
    return "ecdsa" if isinstance(key, ec.EllipticCurvePublicKey) else _OTHER_FAMILY


@lru_cache(maxsize=256)
def _find(family: str, bits: int) -> AlgorithmEnd | None:
    """Return the row with the largest length that the key reaches."""
    fitting = [one for one in load_algorithm_ends() if one.family == family and one.min_bits <= bits]
    return max(fitting, key=lambda one: one.min_bits, default=None)


def _to_moment(last_day: date | None) -> datetime | None:
    return None if last_day is None else datetime.combine(last_day + timedelta(days=1), time(), UTC)


@cache
def load_algorithm_ends() -> tuple[AlgorithmEnd, ...]:
    """Return all rows."""
    return tuple(
        AlgorithmEnd(row["family"], int(row["min_bits"]), _read_day(row["ends_on"]), _read_day(row["renew_by"]))
        for row in load_table("algorithm_ends")
    )


def _read_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
