"""What all signatures of one action have in common, made once: the signed attributes, their size, the dictionary.

Between the documents that a person signs for one class only the file's digest and the value differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from signing.claims import Claims
from signing.pades.cms import SignedAttributes, build_attributes, measure_cms
from signing.signer import SigningIdentity
from transcript_core.clock import VIETNAM_TIME
from transcript_core.pdf import text_string

_CACHED_ACTIONS: Final = 256  # a teacher's subjects and classes in one action; one entry is 1 KiB


@dataclass(frozen=True, slots=True)
class Action:
    """The parts of a signature that do not depend on the document."""

    signed_at: datetime  # aware, UTC, whole seconds
    attributes: SignedAttributes
    cms_size: int  # the most bytes that the CMS object can take, without timestamp
    description: bytes  # the signature dictionary up to what differs between documents


@lru_cache(maxsize=_CACHED_ACTIONS)
def describe_action(
    identity: SigningIdentity, claims: Claims, at: datetime, policy_oid: str, policy_digest: bytes
) -> Action:
    """Return what this signer's signatures have in common.

    Args:
        at: the time stated in /M, aware.
        policy_oid: the policy's, dotted.
        policy_digest: 32 raw bytes, SHA-256.
    """
    signed_at = at.astimezone(UTC).replace(microsecond=0)
    attributes = build_attributes(identity, claims, policy_oid=policy_oid, policy_digest=policy_digest)
    return Action(
        signed_at=signed_at,
        attributes=attributes,
        cms_size=measure_cms(identity, attributes),
        description=_describe(signed_at, name=claims.name, location=identity.certificate.organisation),
    )


def _describe(signed_at: datetime, *, name: str, location: str) -> bytes:
    """Return the signature dictionary without its ByteRange.  Spec: ISO 32000-1, 12.8.1; EN 319 142-1, 6.3."""
    moment = signed_at.astimezone(VIETNAM_TIME).strftime("%Y%m%d%H%M%S+07'00'")
    return b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(D:%s)/Name%s%s" % (
        moment.encode("ascii"),
        text_string(name),
        b"/Location" + text_string(location) if location else b"",
    )
