"""Until when a timestamp can carry a document: its authority's certificate and the algorithms in it end one day.

This says when to renew, by the more cautious of the dates in `schemas/tables/algorithm_ends.csv`; whether a document
passes is judged by `constraints` and the proof that it existed before (ETSI EN 319 102-1, 5.6.2).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from transcript_core.pki.constraints import find_hash_renewal, find_issuance_end, find_key_renewal
from transcript_core.pki.timestamps import Timestamp

RENEW_BEFORE: Final = timedelta(days=180)
"""How long before its end a timestamp is renewed: half a year leaves room for a strike of an authority's budget."""


def find_end(stamp: Timestamp) -> datetime | None:
    """Return the moment at which a timestamp stops to be good by itself; aware, UTC.

    Returns:
        The earliest end of its authority's certificate, the authority's key, the imprint's hash, and the signatures
        on the certificates that the token carries; None when the authority's certificate is not carried, so that
        nothing can be told.
    """
    if stamp.certificate is None:
        return None
    ends = (
        find_key_renewal(stamp.certificate.public_key),
        find_hash_renewal(stamp.imprint_hash),
        *(
            find_issuance_end(one, issuer)
            for one in stamp.certificates
            for issuer in stamp.certificates
            if one.issuer == issuer.subject
        ),
    )
    return min(stamp.certificate.not_after, *(one for one in ends if one is not None))
