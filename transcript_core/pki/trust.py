"""Trust anchors in two worlds: public CAs under the national root, and the government's public-duty PKI.

NĐ 23/2025/NĐ-CP and NĐ 68/2024/NĐ-CP keep the two apart, and a transcript may carry signatures of both, so every
anchor says which world it opens.  No anchor is built in; the department's authority keys are configured separately.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from transcript_core.errors import TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificates

DEVELOPMENT_MARK: Final = "HOCBA PHÁT TRIỂN"
"""Stands in the subject of every certificate of a development PKI, and in no other."""


class World(StrEnum):
    """Which legal order a certificate belongs to.  The values are the folder names."""

    NATIONAL = "national"
    PUBLIC_DUTY = "public-duty"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A certificate trusted by decision."""

    certificate: Certificate
    world: World
    development: bool


@dataclass(frozen=True, slots=True)
class TrustStore:
    """What an installation trusts.  Cannot be built without an anchor.

    Raises:
        TrustMaterialError: no anchor, or one certificate as anchor of both worlds.
    """

    anchors: tuple[Anchor, ...]
    intermediates: tuple[Certificate, ...] = ()  # known, not trusted: help to build paths
    authorities: tuple[Certificate, ...] = ()  # the department's keys: sign authority lists, never transcripts
    fingerprint: bytes = field(init=False, compare=False)  # 32 bytes; names this set of anchors in caches

    def __post_init__(self) -> None:
        if not self.anchors:
            raise TrustMaterialError(
                "no trust anchor is configured; name a folder with national/ or public-duty/ in it"
            )
        ders = [anchor.certificate.der for anchor in self.anchors]
        if len(set(ders)) != len(ders):
            raise TrustMaterialError("one certificate is an anchor twice; it can belong to one trust world only")
        named = sorted((anchor.world.encode() + anchor.certificate.sha256) for anchor in self.anchors)
        known = sorted(certificate.sha256 for certificate in self.intermediates)
        object.__setattr__(self, "fingerprint", hashlib.sha256(b"".join((*named, b"|", *known))).digest())

    @property
    def has_development_anchor(self) -> bool:
        """Return whether any anchor is for development only; reports must say so."""
        return any(anchor.development for anchor in self.anchors)

    def find_anchor(self, certificate: Certificate) -> Anchor | None:
        """Return the anchor that is exactly `certificate`, or None."""
        return next((anchor for anchor in self.anchors if anchor.certificate == certificate), None)


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
    if not folder.is_dir():
        raise TrustMaterialError(f"there is no folder {folder}; name one with national/ or public-duty/ in it")
    anchors = [
        build_anchor(certificate, world) for world in World for certificate in _load_folder(folder / world.value)
    ]
    return TrustStore(
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
