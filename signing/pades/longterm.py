"""Raises a stored PDF to a higher level, and renews it before an algorithm or a TSA certificate ends.

Implements the levels of ETSI EN 319 142-1, 6.3, for the file as a whole: B-T (a timestamp on the seal, whose value
covers everybody's), B-LT (the evidence of all signers and of that timestamp in DSS and VRI), B-LTA (a document
timestamp over all of it), and B-LTA again (evidence of the last document timestamp, then another one).  A step that
was made already is not repeated, so a run that stopped anywhere is simply started again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from signing.pades.doc_timestamp import DOCUMENT_TIMESTAMP_ROOM, attach_document_timestamp, prepare_stored
from signing.pades.dss import add_evidence
from signing.pades.late_timestamp import add_timestamp, compute_imprint, find_waiting, get_timestamp
from signing.pades.stored import StoredPdf, read_stored
from signing.timestamp import TimestampClient
from transcript_core.errors import SlotNotReady, TimestampRefused
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SignatureLevel

_SPARE_ROOM: Final = 256
"""Bytes by which one token of an authority may be longer than the one before: numbers, an ECDSA value, a fraction."""


@dataclass(frozen=True, slots=True)
class LongTermState:
    """How far a stored PDF has come."""

    is_sealed: bool  # the signature that closes the file is there; only then a level can be raised
    awaits_timestamp: bool  # the last signature kept room for a timestamp that can still be put in
    signature_timestamp: bytes | None  # DER of the token in the last signature; None: it has none
    has_evidence: bool  # there is a security store
    is_archived: bool  # a document timestamp covers the security store
    document_timestamps: tuple[bytes, ...]  # DER of the tokens, the first made first

    @property
    def level(self) -> SignatureLevel:
        """Return the level of the file's last signature, and by it of the file."""
        if self.is_archived:
            return SignatureLevel.B_LTA
        if self.signature_timestamp is None and not self.document_timestamps:
            return SignatureLevel.B_B
        return SignatureLevel.B_LT if self.has_evidence else SignatureLevel.B_T


def read_state(pdf: bytes) -> LongTermState:
    """Return how far a stored file has come.

    Raises:
        MalformedTranscript: the file is not one of ours.
    """
    stored = read_stored(pdf)
    signatures = [one for one in stored.signatures if not one.is_document_timestamp]
    return LongTermState(
        is_sealed=stored.is_closed,
        awaits_timestamp=_awaits_timestamp(stored),
        signature_timestamp=get_timestamp(signatures[-1]) if signatures else None,
        has_evidence=stored.has_store,
        is_archived=stored.is_archived,
        document_timestamps=tuple(one.der for one in stored.document_timestamps),
    )


def extend(
    pdf: bytes,
    *,
    evidences: Sequence[Evidence],
    timestamps: TimestampClient | None,
    level: SignatureLevel = SignatureLevel.B_LTA,
) -> bytes:
    """Return the file at `level`, or as it was when it had come so far.

    Args:
        pdf: the sealed file as stored.
        evidences: of the seal's certificate and of the authorities whose timestamps the file has or gets; what is in
            the store already costs nothing.
        timestamps: asked once for each timestamp that is missing: none, one or two requests.  None: no timestamp is
            added, and what needs one is refused.
        level: how far to go.

    Raises:
        SlotNotReady: the seal has not closed the file yet.
        TimestampRefused: no authority gave a usable token; nothing is changed.
        MalformedTranscript: the file is not one of ours.
    """
    stored = read_stored(pdf)
    if not stored.is_closed:
        raise SlotNotReady("the PDF is not sealed yet; its level is raised after the seal")
    if level is not SignatureLevel.B_B and _awaits_timestamp(stored):
        pdf = add_timestamp(pdf, _ask(timestamps, compute_imprint(find_waiting(stored))))
    if level in {SignatureLevel.B_LT, SignatureLevel.B_LTA}:
        pdf = add_evidence(read_stored(pdf), evidences)
    if level is SignatureLevel.B_LTA and _lacks_document_timestamp(read_stored(pdf)):
        pdf = stamp_document(pdf, lambda imprint: _ask(timestamps, imprint))
    return pdf


def renew(pdf: bytes, *, evidences: Sequence[Evidence], timestamps: TimestampClient) -> bytes:
    """Return the file with fresh evidence and one more document timestamp over everything; any number of times.

    Args:
        evidences: of the authority of the last document timestamp, fetched while its certificate is still good.

    Raises:
        SlotNotReady: there is no document timestamp to renew; `extend` makes the first one.
        TimestampRefused: no authority gave a usable token; nothing is changed.
        MalformedTranscript: the file is not one of ours.
    """
    stored = read_stored(pdf)
    if not stored.document_timestamps:
        raise SlotNotReady("the PDF has no document timestamp to renew; extend it first")
    return stamp_document(add_evidence(stored, evidences), timestamps.request)


def stamp_document(pdf: bytes, request: Callable[[bytes], bytes]) -> bytes:
    """Return the file with a document timestamp behind it, asking again once when the token needs more room.

    Args:
        request: returns the DER of a token over an imprint of SHA-256.
    """
    room = DOCUMENT_TIMESTAMP_ROOM
    stored = read_stored(pdf)
    pending = prepare_stored(stored, room=room)
    token = request(pending.imprint)
    if len(token) > room:
        pending = prepare_stored(stored, room=len(token) + _SPARE_ROOM)
        token = request(pending.imprint)
    return attach_document_timestamp(pdf, pending, token)


def _lacks_document_timestamp(stored: StoredPdf) -> bool:
    """Say whether there is no document timestamp at all, or none over the store that the file has."""
    return not stored.document_timestamps or (stored.has_store and not stored.is_archived)


def _awaits_timestamp(stored: StoredPdf) -> bool:
    try:
        find_waiting(stored)
    except SlotNotReady:
        return False
    return True


def _ask(timestamps: TimestampClient | None, imprint: bytes) -> bytes:
    if timestamps is None:
        raise TimestampRefused("this level needs a timestamp and no time-stamping authority was given")
    return timestamps.request(imprint)
