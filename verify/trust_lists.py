"""Opens signed trust lists: the signature, the signer and the dates, before anything in them is believed.

Implements ETSI TS 119 612 V2.3.1, 5.7 (the list's signature: enveloped, XAdES, over the whole document) and 5.3.13 to
5.3.15 (sequence number, issue, next update).  What the list says is read by `transcript_core.pki.trust_list_reader`
from the very element that was digested.

To chain to a root is not enough: the operator's certificate itself is configured, one by one, and is trusted for
nothing else.  Deviation: its extended usage id-tsl-kp-tslSigning (5.7.1) is not asked for, because nothing is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element

from transcript_core.canonical import build_id_map, parse_xml
from transcript_core.errors import InputError, TrustListInvalid, TrustListOutOfDate
from transcript_core.limits import MAX_TRUST_LIST_BYTES
from transcript_core.pki.algorithms import is_strong_key
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust_list import TrustList
from transcript_core.pki.trust_list_reader import read_trust_list
from verify.formats.names import ENVELOPED, EXCLUSIVE_C14N
from verify.formats.octets import OctetCache
from verify.formats.xades import list_signature_elements, read_signatures
from verify.formats.xades_types import XadesSignature

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the operator's clock may be ahead of ours."""

_TRANSFORMS: Final = (ENVELOPED, EXCLUSIVE_C14N)


def open_trust_list(
    data: bytes,
    signers: Sequence[Certificate],
    *,
    at: datetime,
    now: datetime | None = None,
    min_number: int = 1,
) -> TrustList:
    """Return the list in `data` after verifying it.

    Args:
        data: the XML as published.
        signers: certificates of the scheme's operator, configured one by one.
        at: aware; the moment for which the list is wanted: a newer one must not have been due before.
        now: aware; the moment before which it must have been issued; None: `at`.
        min_number: refuse lists with a lower sequence number, so that an old list cannot come back.

    Raises:
        TrustListInvalid: not signed by one of the signers over the whole document, malformed, or replaced.
        TrustListOutOfDate: sound, but issued after `now`, or a newer one was due before.
    """
    try:
        root = parse_xml(data, max_bytes=MAX_TRUST_LIST_BYTES)
        cache = OctetCache(root, build_id_map(root))
    except InputError as error:
        raise TrustListInvalid(f"the trust list is not usable XML: {error}") from error
    signer = _check_signature(cache, signers)
    trust_list = read_trust_list(root)
    if not signer.is_in_date(trust_list.issued_at) or not signer.may_sign or signer.is_ca:
        raise TrustListInvalid("the operator's certificate was not one to sign with when the trust list was issued")
    if trust_list.number < min_number:
        raise TrustListInvalid(f"trust list {trust_list.number} was replaced by list {min_number}; get the current one")
    _check_dates(trust_list, at, now or at)
    return trust_list


def _check_signature(cache: OctetCache, signers: Sequence[Certificate]) -> Certificate:
    """Return the configured certificate that signed the document as a whole, and nobody else besides."""
    elements = list_signature_elements(cache.root)
    if len(elements) != 1 or elements[0].getparent() is not cache.root:
        raise TrustListInvalid("the trust list does not have exactly one signature, directly under its root")
    signature = read_signatures(cache)[0]
    certificate = signature.certificate
    signer = next((one for one in signers if one == certificate), None)
    if signer is None:
        raise TrustListInvalid("the trust list is not signed by a configured certificate of its operator")
    if signature.problems:
        raise TrustListInvalid(f"the trust list's signature cannot be accepted: {signature.problems[0].text.text_en}")
    if not _covers(signature, cache.root):
        raise TrustListInvalid("the trust list's signature does not cover the document as ETSI TS 119 612, 5.7, asks")
    if signature.algorithm is None or not is_strong_key(signer.public_key) or not signature.certificate_is_bound:
        raise TrustListInvalid("the trust list's signature is not of an accepted kind")
    if signature.intact is not True:
        raise TrustListInvalid("the trust list was changed after it was signed")
    return signer


def _covers(signature: XadesSignature, root: _Element) -> bool:
    """Return whether one reference is the document, less this signature, in exclusive form, and all others lie in it.

    A signature that signs its own KeyInfo too is as good.
    """
    own = set(signature.element.iter())
    content = [one for one in signature.references if one.node not in own]
    if len(content) != 1:
        return False
    return (content[0].uri, content[0].transforms, content[0].node) == ("", _TRANSFORMS, root)


def _check_dates(trust_list: TrustList, at: datetime, now: datetime) -> None:
    if trust_list.issued_at > now + CLOCK_TOLERANCE:
        raise TrustListOutOfDate(
            f"trust list {trust_list.number} was issued on {trust_list.issued_at.isoformat()}, after {now.isoformat()}"
        )
    if trust_list.next_update is None:
        raise TrustListOutOfDate(f"the scheme of trust list {trust_list.number} is closed; no newer list will come")
    if at >= trust_list.next_update:
        raise TrustListOutOfDate(
            f"a newer trust list than {trust_list.number} was due on {trust_list.next_update.isoformat()}; get it"
        )
