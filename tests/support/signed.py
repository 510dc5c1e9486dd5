"""Stored documents and the signing of their XML slots, for tests that need some or all signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from signing import xades
from signing.signer import Signer, SigningIdentity
from tests.support.samples import build_issue, build_transcript
from tests.support.signers import make_signer
from transcript_core.model import IssueInfo, SchoolLevel, Transcript
from transcript_core.policy import SigningPolicy, Slot, get_policy, list_slots
from transcript_core.xml import build_document

SIGNED_AT = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)


def build_unsigned(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    """Return a sample document with empty slots, its slots in signing order, and its policy."""
    transcript = build_transcript(level)
    return describe(transcript, build_issue(transcript))


def describe(transcript: Transcript, issue: IssueInfo) -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    """Return the document of `transcript` with empty slots, its slots in signing order, and its policy."""
    policy = get_policy(transcript.policy_id)
    return build_document(transcript, issue), list_slots(transcript, issue, policy), policy


def sign_slots(
    document: bytes,
    slots: Sequence[Slot],
    policy: SigningPolicy,
    *,
    signer: Signer | None = None,
    at: datetime = SIGNED_AT,
) -> bytes:
    """Return the document with these slots signed, one after the other, by `signer` or each by a P-256 key."""
    for slot in slots:
        holder = signer or make_signer("p-256", name=slot.name)
        identity = SigningIdentity.of(holder)
        pending = xades.prepare(document, slot, identity, at=at, policy=policy)
        (value,) = holder.sign_digests([pending.digest])
        document = xades.attach(document, pending, value, identity=identity)
    return document
