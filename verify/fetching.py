"""Step 3, only when asked: chains and revocation data that a file does not carry.

Implements what ETSI EN 319 102-1, 5.2.6.4 leaves to the application where it answers TRY_LATER or finds no chain.  No
socket is opened here: the caller hands in a source, which has limits and timeouts of its own.  Only certificates whose
validation lacks exactly that are asked about, each once, and at most MAX_FETCHED_CERTIFICATES of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from transcript_core.errors import EvidenceUnavailable
from transcript_core.pki.certificates import Certificate, deduplicate
from transcript_core.pki.evidence import Evidence, EvidenceSource
from transcript_core.pki.path import PathResult, SubIndication
from verify.signature import ExaminedSignature, ExaminedTimestamp
from verify.timestamping import Pool

MAX_FETCHED_CERTIFICATES: Final = 48
"""Signers and time-stamping authorities asked about for one document; a transcript has about twenty."""

_MISSING: Final = frozenset(
    {
        SubIndication.TRY_LATER,
        SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    }
)


def fetch_missing(
    signatures: Sequence[ExaminedSignature],
    stamps: Sequence[ExaminedTimestamp],
    pool: Pool,
    source: EvidenceSource,
) -> tuple[Evidence, ...]:
    """Return what the source knows about certificates that could not be judged by what the file carries."""
    carried = tuple(one for one in pool.certificates if one.is_ca)
    found: list[Evidence] = []
    for certificate in deduplicate(_list_lacking(signatures, stamps))[:MAX_FETCHED_CERTIFICATES]:
        try:
            found.append(source.collect(certificate, chain=carried))
        except EvidenceUnavailable:  # it stays as it was: not known
            continue
    return tuple(found)


def extend_pool(pool: Pool, evidences: Sequence[Evidence]) -> Pool:
    """Return the material of the file with what was fetched."""
    return replace(
        pool,
        certificates=deduplicate((*pool.certificates, *(one for each in evidences for one in each.chain))),
        ocsps=tuple(dict.fromkeys((*pool.ocsps, *(der for one in evidences for der in one.ocsps)))),
        crls=tuple(dict.fromkeys((*pool.crls, *(der for one in evidences for der in one.crls)))),
    )


def _list_lacking(
    signatures: Sequence[ExaminedSignature], stamps: Sequence[ExaminedTimestamp]
) -> Iterator[Certificate]:
    for signature in signatures:
        if signature.facts.certificate is not None and _lacks(signature.path):
            yield signature.facts.certificate
    answers = (*(answer for one in signatures for answer in one.timestamps), *(one.answer for one in stamps))
    for answer in answers:
        if answer.token is not None and answer.token.certificate is not None and _lacks(answer.path):
            yield answer.token.certificate


def _lacks(path: PathResult | None) -> bool:
    return path is not None and path.sub_indication in _MISSING
