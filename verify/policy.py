"""The verification policy: which checks must answer, and how much clocks may differ.  Frozen data; `checks/` reads it.

Stands for the signature validation policy of ETSI EN 319 102-1, 5.1.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """What a verifier asks of a document."""

    name: str
    required: frozenset[str]  # names of checks; one that is not checked makes the report indeterminate
    clock_tolerance: timedelta  # how far a claimed time may lie on the wrong side of another
    transcripts_only: bool  # any other file is at best indeterminate; if not, nothing beyond `required` is looked at
    revocation_max_age: timedelta  # how much older than the time that counts revocation data may be


SIGNATURE_CHECKS: Final = frozenset(
    {
        "document.type",
        "document.structure",
        "document.identifiers",
        "signature.form",
        "signature.references",
        "signature.value",
        "signature.certificate-reference",
        "signature.algorithms",
        "certificate.period",
        "certificate.revocation",
        "certificate.usage",
        "certificate.path",
        "signer.identified",
        "time.timestamps",
        "time.plausible",
        "trust.world",
        "pdf.revisions",
        "container.files",
        "content.signed",
    }
)
"""What is asked of every signed file."""

TRANSCRIPT_CHECKS: Final = SIGNATURE_CHECKS | {
    "document.hidden-content",
    "document.parts",
    "signature.profile",
    "signature.policy",
    "slots.coverage",
    "slots.signers",
    "slots.complete",
    "slots.order",
    "authority",
    "status",
    "pdf.content",
    "pdf.appearances",
    "json.content",
}
"""What is asked of a transcript besides.  The log's proof and the picture are told, but not asked for."""

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_REVOCATION_MAX_AGE: Final = timedelta(days=60)
"""Teachers sign up to weeks before the seal's timestamp proves the time; what was fetched at their signing counts."""

TRANSCRIPT_POLICY: Final = VerificationPolicy(
    name="hocba-verification-1.0",
    required=TRANSCRIPT_CHECKS,
    clock_tolerance=_CLOCK_TOLERANCE,
    transcripts_only=True,
    revocation_max_age=_REVOCATION_MAX_AGE,
)
INSPECTION_POLICY: Final = VerificationPolicy(
    name="hocba-inspection-1.0",
    required=SIGNATURE_CHECKS,
    clock_tolerance=_CLOCK_TOLERANCE,
    transcripts_only=False,
    revocation_max_age=_REVOCATION_MAX_AGE,
)
