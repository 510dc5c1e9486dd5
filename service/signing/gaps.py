"""Which certificates lack proof in a file: what fresh evidence has to be fetched about, and nothing else.

Spec: ETSI EN 319 102-1, 5.2.6 and 5.4, asked the way a verifier will ask; EN 319 132-1, 5.4 and EN 319 142-1, 5.4 say
what a B-LT signature must carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing.evidence import EvidenceCollector
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.path import Purpose, SubIndication, validate_path
from transcript_core.pki.timestamps import Timestamp
from transcript_core.pki.trust import TrustStore
from verify.policy import TRANSCRIPT_POLICY

_GAPS: Final = frozenset(
    {
        SubIndication.TRY_LATER,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    }
)
"""What fresh evidence can mend."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Pieces of evidence that a file carries."""

    certificates: tuple[Certificate, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Was this certificate good at that moment?"""

    certificate: Certificate
    at: datetime  # aware
    purpose: Purpose


def ask_about_signers(certificates: Iterable[Certificate], at: datetime) -> list[Question]:
    """Return the question about each signer, at the time that is proven for them."""
    return [Question(one, at, Purpose.SIGNING) for one in certificates]


def ask_about_authorities(timestamps: Iterable[Timestamp], *, at: datetime | None = None) -> list[Question]:
    """Return the question about the authority of each timestamp, at the timestamp's own time or at another."""
    return [
        Question(one.certificate, at or one.time, Purpose.TIMESTAMPING)
        for one in timestamps
        if one.certificate is not None
    ]


def find_gaps(
    questions: Iterable[Question], carried: Carried, trust: TrustStore, *, fresh: bool = False
) -> list[Question]:
    """Return the questions that the carried evidence leaves open and that fresh evidence could answer.

    Args:
        fresh: evidence counts until its nextUpdate only, and not as long as a verifier accepts it.
    """
    max_age = None if fresh else TRANSCRIPT_POLICY.revocation_max_age

    def is_open(one: Question) -> bool:
        result = validate_path(
            one.certificate,
            trust=trust,
            at=one.at,
            extra=carried.certificates,
            ocsps=carried.ocsps,
            crls=carried.crls,
            purpose=one.purpose,
            max_age=max_age,
        )
        return result.sub_indication in _GAPS

    return [one for one in questions if is_open(one)]


def collect(gaps: Iterable[Question], chain: Sequence[Certificate], collector: EvidenceCollector) -> list[Evidence]:
    """Return fresh evidence about each certificate, once.

    Raises:
        EvidenceUnavailable: a server did not answer.
    """
    return [collector.collect(one, chain=chain) for one in dict.fromkeys(gap.certificate for gap in gaps)]
