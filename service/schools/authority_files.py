"""Signs authority lists with the department's key."""

from __future__ import annotations

from signing.jades import sign_jws
from signing.signer import Signer
from transcript_core.authority import AUTHORITY_TYPE, AuthorityList, build_authority_payload
from transcript_core.limits import MAX_AUTHORITY_BYTES


def sign_authority(authority: AuthorityList, signer: Signer) -> bytes:
    """Return the list as a compact JWS; its `iat` is the list's own time of issue."""
    return sign_jws(
        build_authority_payload(authority),
        signer,
        headers={"typ": AUTHORITY_TYPE},
        at=authority.issued_at,
        max_bytes=MAX_AUTHORITY_BYTES,
    )
