"""Finds in a security store what proves a signature whose evidence was stored before it was made, as the seal's is.

Spec: ETSI EN 319 142-1, 5.4.2.3: an entry of VRI names the pieces of the store that serve one signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from signing.pades.late_timestamp import get_timestamp
from signing.pades.stored import StoredSignature
from transcript_core.errors import MalformedTranscript, TrustMaterialError
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.revocation import read_revocation_data
from transcript_core.pki.timestamps import parse_timestamp


def find_relevant(
    signature: StoredSignature, pieces: Mapping[str, Sequence[bytes]]
) -> Mapping[str, Sequence[bytes]] | None:
    """Return the stored pieces that serve a signature and its timestamp; None when the status of either is missing.

    Args:
        pieces: DER of what the store holds under "Certs", "OCSPs" and "CRLs".
    """
    carried = list(_load(choice.chosen.dump() for choice in signature.content_info["content"]["certificates"]))
    leaves = [one for one in carried if signature.is_signed_by(one)]
    authority, *others = _list_authority(signature)
    leaves += [authority] if authority is not None else []
    carried += [one for one in others if one is not None]
    pool = [*carried, *_load(pieces["Certs"])]
    chains = [_build_chain(leaf, pool) for leaf in leaves]
    if not leaves or not all(_list_statuses(leaf, pieces) for leaf in leaves):
        return None
    concerned = dict.fromkeys(one for chain in chains for one in chain)
    statuses = {der for one in concerned for der in _list_statuses(one, pieces)}
    issuers = {one.der for one in concerned if one not in leaves}
    return {
        "Certs": [der for der in pieces["Certs"] if der in issuers],
        "OCSPs": [der for der in pieces["OCSPs"] if der in statuses],
        "CRLs": [der for der in pieces["CRLs"] if der in statuses],
    }


def _list_authority(signature: StoredSignature) -> list[Certificate | None]:
    """Return the certificate of the authority that stamped the signature, None without one, and what came with it."""
    token = get_timestamp(signature)
    if token is None:
        return [None]
    try:
        stamp = parse_timestamp(token)
    except TrustMaterialError as error:
        raise MalformedTranscript("the timestamp of the PDF's signature cannot be read") from error
    return [stamp.certificate, *stamp.certificates]


def _load(ders: Iterable[bytes]) -> Iterable[Certificate]:
    for der in ders:
        try:
            yield load_certificate(der)
        except TrustMaterialError:
            continue


def _build_chain(leaf: Certificate, pool: Sequence[Certificate]) -> list[Certificate]:
    """Return `leaf` and its issuers as far as they are known, by name."""
    chain = [leaf]
    while issuers := [one for one in pool if one.is_ca and one.subject == chain[-1].issuer and one not in chain]:
        chain.append(issuers[0])
    return chain


def _list_statuses(certificate: Certificate, pieces: Mapping[str, Sequence[bytes]]) -> list[bytes]:
    """Return the OCSP answers about this certificate and the CRLs of its issuer."""
    answers = [der for der in pieces["OCSPs"] if read_revocation_data([der], ()).speaks_of(certificate)]
    lists = [der for der in pieces["CRLs"] if read_revocation_data((), [der]).speaks_of(certificate)]
    return [*answers, *lists]
