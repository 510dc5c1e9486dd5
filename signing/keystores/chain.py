"""The CA certificates above a signer's, put in order."""

from __future__ import annotations

from collections.abc import Iterable

from transcript_core.pki.certificates import Certificate


def order_chain(leaf: Certificate, extra: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Return the certificates of `extra` that lead up from `leaf` by name: issuer first, self-issued ones left out."""
    by_subject = {one.subject: one for one in extra if not one.is_self_issued and one != leaf}
    chain: list[Certificate] = []
    while (issuer := by_subject.pop((chain[-1] if chain else leaf).issuer, None)) is not None:
        chain.append(issuer)
    return tuple(chain)
