"""Trust lists: which services a scheme operator trusts, for what, and from when to when.  ETSI TS 119 612 V2.x, 5.

The nouns, and what follows from them: an anchor for every period in which a service was trusted.  Reading the XML is
`trust_list_reader`; holding the list's signature against the configured operator is the caller's, because a
`TrustList` is worth nothing before that.

What counts: a CA service opens paths for signatures, a time-stamping service those for time stamps, nothing else opens
any.  A service that was withdrawn keeps its earlier period, so that what was signed in it stays verifiable; before the
first status that is listed nothing is known, and nothing is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transcript_core.errors import TrustListInvalid
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust import (
    Anchor,
    AnchorSource,
    TrustFolder,
    TrustStore,
    TrustUse,
    World,
    is_development,
    name_key,
)

WORLD_RULE: Final = "urn:hocba:trust-world:"
"""Start of the scheme rule by which a list says itself which world it speaks of: `urn:hocba:trust-world:national`."""

_TYPES: Final = "http://uri.etsi.org/TrstSvc/Svctype/"
_STATUSES: Final = "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"

SERVICE_USES: Final = {
    **{f"{_TYPES}{name}": TrustUse.SIGNING for name in ("CA/QC", "CA/PKC", "NationalRootCA-QC")},
    **{f"{_TYPES}{name}": TrustUse.TIMESTAMPING for name in ("TSA", "TSA/QTST", "TSA/TSS-QC", "TSA/TSS-AdESQCandQES")},
}
"""Service types that open paths (TS 119 612, 5.5.1.1 to 5.5.1.3).  All others, OCSP and CRL services too, open none: a
responder is named by the CA whose certificates it answers for (RFC 6960, 4.2.2.2)."""

TRUSTED_STATUSES: Final = frozenset(
    f"{_STATUSES}{name}"
    for name in (
        "granted",
        "recognisedatnationallevel",
        "setbynationallaw",
        "undersupervision",  # these three before July 2016
        "supervisionincessation",
        "accredited",
    )
)
"""Statuses in which a service is trusted (TS 119 612, 5.5.4 and annex D.5).  Any other one, known or not, is none."""


@dataclass(frozen=True, slots=True)
class StatusPeriod:
    """One status of a service."""

    service_type: str  # URI
    status: str  # URI
    from_time: datetime  # aware, UTC
    to_time: datetime | None  # aware, UTC, the first moment of the next status; None: the current one
    understood: bool = True  # False: an extension that must be understood is not, or the service is for web sites

    @property
    def use(self) -> TrustUse | None:
        """Return what the service is trusted for in this period; None: for nothing here."""
        trusted = self.understood and self.status in TRUSTED_STATUSES
        return SERVICE_USES.get(self.service_type) if trusted else None


@dataclass(frozen=True, slots=True)
class TrustService:
    """One service of one provider."""

    provider: str
    name: str
    certificates: tuple[Certificate, ...]  # of one key; none when the list names the service by other means only
    periods: tuple[StatusPeriod, ...]  # oldest first, each up to the next


@dataclass(frozen=True, slots=True)
class TrustList:
    """One list.  Trustworthy only when its signature was held against the configured operator.

    Raises:
        TrustListInvalid: it ends before it begins, or names one service twice.
    """

    number: int  # TSLSequenceNumber: grows with every list
    operator: str  # as people read it: Vietnamese, else English, else what there is
    scheme: str
    territory: str
    rules: tuple[str, ...]  # scheme type URIs
    issued_at: datetime  # aware, UTC
    next_update: datetime | None  # aware, UTC; None: the scheme is closed
    services: tuple[TrustService, ...]

    def __post_init__(self) -> None:
        if self.next_update is not None and self.next_update <= self.issued_at:
            raise TrustListInvalid("the trust list ends before it begins")
        seen = set()
        for service in self.services:
            for key in {name_key(certificate) for certificate in service.certificates}:
                named = (service.periods[-1].service_type, key)
                if named in seen:
                    raise TrustListInvalid(f"the trust list names the service {service.name} twice")  # 5.5.3
                seen.add(named)

    @property
    def world(self) -> World | None:
        """Return the world that the list's own scheme rules name; None: none, or both."""
        named = [world for world in World if f"{WORLD_RULE}{world.value}" in self.rules]
        return named[0] if len(named) == 1 else None

    @property
    def source(self) -> AnchorSource:
        """Return what names this list in reports."""
        return AnchorSource(self.operator, self.number, self.issued_at)

    def list_anchors(self, world: World) -> tuple[Anchor, ...]:
        """Return an anchor for every certificate, use and period of trust."""
        spans: dict[tuple[Certificate, TrustUse], list[_Span]] = {}
        for service in self.services:
            for period in service.periods:
                if period.use is None:
                    continue
                for certificate in service.certificates:
                    spans.setdefault((certificate, period.use), []).append((period.from_time, period.to_time))
        return tuple(
            Anchor(
                certificate=certificate,
                world=world,
                development=is_development(certificate),
                trusted_from=first,
                trusted_to=end,
                uses=frozenset({use}),
                source=self.source,
            )
            for (certificate, use), found in spans.items()
            for first, end in _join(found)
        )

    def list_keys(self) -> frozenset[bytes]:
        """Return the name (`trust.name_key`) of every key that the list speaks of as one that opens paths."""
        return frozenset(
            name_key(certificate)
            for service in self.services
            if any(period.service_type in SERVICE_USES for period in service.periods)
            for certificate in service.certificates
        )


_Span = tuple[datetime, datetime | None]


def build_trust_store(folder: TrustFolder, lists: Sequence[tuple[World, TrustList]]) -> TrustStore:
    """Return what the folder and the lists trust together.

    Args:
        folder: certificates trusted one by one.
        lists: verified lists, each with the world that it speaks of.

    Raises:
        TrustMaterialError: nothing is trusted, or one certificate is named twice.
    """
    named = (anchor for world, one in lists for anchor in one.list_anchors(world))
    keys = frozenset(key for _, one in lists for key in one.list_keys())
    for anchor in folder.anchors:
        if name_key(anchor.certificate) in keys:
            raise TrustListInvalid(
                f"{anchor.certificate.subject} is in the folder of anchors and in a trust list, which alone decides "
                "about it; take it out of the folder"
            )
    due = min((one.next_update for _, one in lists if one.next_update is not None), default=None)
    return TrustStore((*folder.anchors, *named), folder.intermediates, folder.authorities, keys, due)


def _join(spans: Iterable[_Span]) -> Sequence[_Span]:
    """Return the spans in order, those that touch or overlap as one."""
    joined: list[_Span] = []
    for first, end in sorted(spans, key=lambda span: span[0]):
        if joined and (joined[-1][1] is None or first <= joined[-1][1]):
            last = joined[-1][1]
            joined[-1] = (joined[-1][0], None if last is None or end is None else max(last, end))
        else:
            joined.append((first, end))
    return joined
