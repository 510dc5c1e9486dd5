"""Trust anchors in two worlds: public CAs under the national root, and the government's public-duty PKI.

NĐ 23/2025/NĐ-CP and NĐ 68/2024/NĐ-CP keep the two apart, and a transcript may carry signatures of both, so every
anchor says which world it opens.  No anchor is built in; the department's authority keys are configured separately.

An anchor comes from a folder of certificates, trusted by decision and without end, or from a signed trust list
(`trust_list.py`), which says for what and from when to when.  Where a list speaks of a certificate, it alone decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from transcript_core.errors import TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificates

DEVELOPMENT_MARK: Final = "HOCBA PHÁT TRIỂN"
"""Stands in the subject of every certificate of a development PKI, and in no other."""


class World(StrEnum):
    """Which legal order a certificate belongs to.  The values are the folder names."""

    NATIONAL = "national"
    PUBLIC_DUTY = "public-duty"


class TrustUse(StrEnum):
    """What an anchor's word is taken for."""

    SIGNING = "signing"
    TIMESTAMPING = "timestamping"


ALL_USES: Final = frozenset(TrustUse)


@dataclass(frozen=True, slots=True)
class AnchorSource:
    """The trust list that names an anchor, for reports."""

    operator: str  # scheme operator, as people read it
    number: int  # sequence number of the list
    issued_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class Anchor:
    """A certificate trusted by decision.  A list that trusts it again after a break makes an anchor of each period."""

    certificate: Certificate
    world: World
    development: bool
    trusted_from: datetime | None = None  # aware, UTC; None: always was
    trusted_to: datetime | None = None  # aware, UTC, the first moment at which it is trusted no more; None: still is
    uses: frozenset[TrustUse] = ALL_USES
    source: AnchorSource | None = None  # None: configured by itself, in a folder

    def is_trusted_at(self, at: datetime) -> bool:
        """Return whether `at` (aware) lies in the period of trust."""
        begun = self.trusted_from is None or self.trusted_from <= at
        return begun and (self.trusted_to is None or at < self.trusted_to)


@dataclass(frozen=True, slots=True)
class TrustFolder:
    """The trust material of a folder; it may hold no anchor, when trust lists name them."""

    anchors: tuple[Anchor, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    authorities: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustStore:
    """What an installation trusts.  Cannot be built without an anchor.

    Raises:
        TrustMaterialError: no anchor, one certificate as anchor of both worlds, or twice for the same use and time.
    """

    anchors: tuple[Anchor, ...]
    intermediates: tuple[Certificate, ...] = ()  # known, not trusted: help to build paths
    authorities: tuple[Certificate, ...] = ()  # the department's keys: sign authority lists, never transcripts
    listed: frozenset[bytes] = frozenset()  # `name_key` of whatever a trust list speaks of, trusted or not
    due: datetime | None = None  # aware, UTC: when the first of the lists must be replaced; None: no list
    fingerprint: bytes = field(init=False, compare=False)  # 32 bytes; names this set of anchors in caches

    def __post_init__(self) -> None:
        if not self.anchors:
            raise TrustMaterialError(
                "no trust anchor is configured; name a folder with national/ or public-duty/ in it, or a trust list"
            )
        _check_repetitions(self.anchors)
        named = sorted(map(_name_anchor, self.anchors))
        known = sorted(certificate.sha256 for certificate in self.intermediates)
        pieces = (*named, b"|", *known, b"|", *sorted(self.listed))
        object.__setattr__(self, "fingerprint", hashlib.sha256(b"".join(pieces)).digest())

    @property
    def has_development_anchor(self) -> bool:
        """Return whether any anchor is for development only; reports must say so."""
        return any(anchor.development for anchor in self.anchors)

    def find_anchor(self, certificate: Certificate) -> Anchor | None:
        """Return an anchor that is exactly `certificate`, or None."""
        return next((anchor for anchor in self.anchors if anchor.certificate == certificate), None)

    def is_listed(self, certificate: Certificate) -> bool:
        """Return whether a trust list speaks of this key, so that it alone decides and no path leads past."""
        return bool(self.listed) and name_key(certificate) in self.listed


def name_key(certificate: Certificate) -> bytes:
    """Return 32 bytes that are the same for every certificate of one key."""
    key = certificate.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).digest()


def _check_repetitions(anchors: Sequence[Anchor]) -> None:
    """Refuse a certificate of two worlds, and one that is trusted twice at the same time for the same use."""
    by_certificate: dict[bytes, list[Anchor]] = {}
    for anchor in anchors:
        by_certificate.setdefault(anchor.certificate.der, []).append(anchor)
    for same in by_certificate.values():
        if len({anchor.world for anchor in same}) > 1:
            raise TrustMaterialError("one certificate is an anchor twice; it can belong to one trust world only")
        if any(first.uses & second.uses and _overlap(first, second) for first, second in combinations(same, 2)):
            raise TrustMaterialError(
                f"{same[0].certificate.subject} is an anchor twice; take it out of the folder or of one of the lists"
            )


def _overlap(first: Anchor, second: Anchor) -> bool:
    begins = first.trusted_to is None or second.trusted_from is None or second.trusted_from < first.trusted_to
    return begins and (
        second.trusted_to is None or first.trusted_from is None or first.trusted_from < second.trusted_to
    )


def _name_anchor(anchor: Anchor) -> bytes:
    shown = (anchor.world, anchor.trusted_from, anchor.trusted_to, *sorted(anchor.uses))
    return hashlib.sha256(anchor.certificate.sha256 + "|".join(map(str, shown)).encode()).digest()


def build_anchor(certificate: Certificate, world: World) -> Anchor:
    """Return `certificate` as anchor of `world`, marked as development when its subject says so."""
    return Anchor(certificate, world, development=is_development(certificate))


def is_development(certificate: Certificate) -> bool:
    """Return whether the certificate announces itself as one for development."""
    return DEVELOPMENT_MARK in certificate.subject


def load_trust_store(folder: Path) -> TrustStore:
    """Return the trust material of a folder: `national/`, `public-duty/`, `intermediates/`, `authority/`, all optional.

    Files end in .pem, .crt or .cer (PEM or DER); anything else is left alone.

    Raises:
        TrustMaterialError: the folder or a file cannot be read, or no anchor was found.
    """
    material = load_trust_folder(folder)
    return TrustStore(material.anchors, material.intermediates, material.authorities)


def load_trust_folder(folder: Path) -> TrustFolder:
    """Return the same material, which may hold no anchor.

    Raises:
        TrustMaterialError: the folder or a file cannot be read.
    """
    if not folder.is_dir():
        raise TrustMaterialError(f"there is no folder {folder}; name one with national/ or public-duty/ in it")
    anchors = [
        build_anchor(certificate, world) for world in World for certificate in _load_folder(folder / world.value)
    ]
    return TrustFolder(
        anchors=tuple(anchors),
        intermediates=tuple(_load_folder(folder / "intermediates")),
        authorities=tuple(_load_folder(folder / "authority")),
    )


def _load_folder(folder: Path) -> Sequence[Certificate]:
    if not folder.is_dir():
        return ()
    found: list[Certificate] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in {".pem", ".crt", ".cer"}:
            continue
        try:
            found.extend(load_certificates(path.read_bytes()))
        except (OSError, TrustMaterialError) as error:
            raise TrustMaterialError(f"{path}: {error}") from error
    return found
