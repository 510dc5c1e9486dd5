"""The validation objects of a report: everything a validation rested on, each once, with an identifier.

Implements ETSI TS 119 102-2 V1.4.1, 4.4 (signature validation objects): certificates, revocation data, timestamps and
the signed file, each with the earliest time at which it is proven to have existed (4.4.6) and what it proves (4.4.7).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from lxml.etree import _Element

from transcript_core.pki.certificates import Certificate
from transcript_core.pki.path import PathOutcome
from verify.reports import vocabulary as names
from verify.signature import CarriedTimestamp, TimestampAnswer

DOCUMENT_ID: Final = "D-1"
_PREFIXES: Final = {names.CERTIFICATE: "C", names.CRL: "R", names.OCSP: "O", names.TIMESTAMP: "T"}


@dataclass(frozen=True, slots=True)
class StampedBy:
    """A timestamp with what it turned out to be worth."""

    stamp: CarriedTimestamp
    answer: TimestampAnswer

    @property
    def proves(self) -> datetime | None:
        """Return the time that it proves; None when it proves nothing."""
        return self.answer.time if self.answer.outcome is PathOutcome.VALID else None


@dataclass(slots=True)
class _Entry:
    identifier: str
    kind: str
    octets: bytes
    poe: datetime  # earliest proof of existence; the time of the validation when there is no earlier one
    proof: str | None = None  # identifier of the timestamp that gives it
    stamped: StampedBy | None = None


@dataclass(slots=True)
class ValidationObjects:
    """Collects objects by their octets and gives each its identifier, in the order in which they are met."""

    checked_at: datetime
    _entries: dict[bytes, _Entry] = field(default_factory=dict)

    def add_certificates(self, certificates: Iterable[Certificate]) -> tuple[str, ...]:
        """Return the identifiers of certificates."""
        return tuple(self._add(names.CERTIFICATE, one.der) for one in certificates)

    def add_ocsps(self, pieces: Iterable[bytes]) -> tuple[str, ...]:
        """Return the identifiers of OCSP answers (DER)."""
        return tuple(self._add(names.OCSP, one) for one in pieces)

    def add_crls(self, pieces: Iterable[bytes]) -> tuple[str, ...]:
        """Return the identifiers of CRLs (DER)."""
        return tuple(self._add(names.CRL, one) for one in pieces)

    def add_timestamp(self, stamped: StampedBy) -> str:
        """Return the identifier of a timestamp."""
        identifier = self._add(names.TIMESTAMP, stamped.stamp.token)
        self._entries[stamped.stamp.token].stamped = stamped
        return identifier

    def find_tokens(self, tokens: Iterable[bytes]) -> tuple[str, ...]:
        """Return the identifiers of timestamps (DER) that were met before."""
        return tuple(self._entries[one].identifier for one in tokens if one in self._entries)

    def prove(self, stamped: StampedBy) -> None:
        """Give what a good timestamp covers the time that it proves; objects not met before are passed over."""
        moment = stamped.proves
        if moment is None:
            return
        for octets in stamped.stamp.objects:
            entry = self._entries.get(octets)
            if entry is not None and moment < entry.poe:
                entry.poe, entry.proof = moment, self._entries[stamped.stamp.token].identifier

    def find_proof(self, moment: datetime) -> str | None:
        """Return the identifier of a good timestamp of exactly this time."""
        found = (one.identifier for one in self._entries.values() if one.stamped and one.stamped.proves == moment)
        return next(found, None)

    def list_stamped(self) -> list[tuple[str, StampedBy]]:
        """Return every timestamp with its identifier."""
        return [(one.identifier, one.stamped) for one in self._entries.values() if one.stamped is not None]

    def write(self, parent: _Element) -> dict[str, _Element]:
        """Append every object to `parent`; return identifier → element."""
        return {one.identifier: self._write(parent, one) for one in self._entries.values()}

    def _add(self, kind: str, octets: bytes) -> str:
        known = self._entries.get(octets)
        if known is not None:
            return known.identifier
        number = 1 + sum(one.kind == kind for one in self._entries.values())
        entry = _Entry(f"{_PREFIXES[kind]}-{number}", kind, octets, self.checked_at)
        self._entries[octets] = entry
        return entry.identifier

    def _write(self, parent: _Element, entry: _Entry) -> _Element:
        element = names.add(parent, "ValidationObject", id=entry.identifier)
        names.add(element, "ObjectType", entry.kind)
        form = names.add(element, "ValidationObjectRepresentation")
        names.add(form, "base64", names.encode(entry.octets))
        names.add_digest(form, names.sha256(entry.octets))
        write_proof(element, "POE", entry.poe, entry.proof)
        if entry.stamped is not None and entry.stamped.proves is not None:
            self._write_provisioning(element, entry.stamped)
        return element

    def _write_provisioning(self, parent: _Element, stamped: StampedBy) -> None:
        assert stamped.proves is not None
        given = names.add(parent, "POEProvisioning")
        names.add_time(given, "POETime", stamped.proves)
        covered = tuple(self._entries[one].identifier for one in stamped.stamp.objects if one in self._entries)
        for identifier in dict.fromkeys(covered):
            names.add_references(given, "ValidationObject", (identifier,))


def write_proof(parent: _Element, name: str, moment: datetime, proof: str | None) -> None:
    """Append a proof of existence (4.4.6): when, and by which timestamp."""
    poe = names.add(parent, name)
    names.add_time(poe, "POETime", moment)
    names.add(poe, "TypeOfProof", names.PROVEN)
    if proof is not None:
        names.add_references(poe, "POEObject", (proof,))
