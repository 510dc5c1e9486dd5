"""Every error this code base raises on purpose has one root and a stable code.

TranscriptError ── InputError ── MalformedTranscript, LimitExceeded, UnsupportedSchema, ImportRejected,
                │                IncompleteRecord, SignatureInvalid
                ├─ SigningError ── KeyUnavailable, NotEligible, SlotNotReady, StaleDigest, DocumentNotLocked,
                │                  SignatureMismatch, TimestampRefused, EvidenceUnavailable
                ├─ StateError ── NotFound, Conflict
                └─ TrustMaterialError ── AuthorityListInvalid ── AuthorityListOutOfDate
                                      └─ TrustListInvalid ── TrustListOutOfDate

A message is one sentence that says what, where and how to mend it.  It never holds a mark, a pupil's name or a secret.
"""

from __future__ import annotations

from datetime import datetime


class TranscriptError(Exception):
    """Root of all errors of this code base.  `code` is stable and safe to show."""

    code = "transcript-error"


class InputError(TranscriptError):
    """What came from outside cannot be used as it is."""

    code = "input-error"


class MalformedTranscript(InputError):
    """A document breaks its schema or its own rules."""

    code = "malformed-transcript"

    def __init__(self, problem: str, *, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.line = line  # 1-based line of the XML as received


class LimitExceeded(InputError):
    """An input is larger, deeper or longer than a constant of `limits.py` allows."""

    code = "limit-exceeded"


class UnsupportedSchema(InputError):
    """The document names a schema, policy or template version that this installation does not have."""

    code = "unsupported-schema"


class ImportRejected(InputError):
    """An import found errors and took nothing."""

    code = "import-rejected"


class IncompleteRecord(InputError):
    """A pupil's record lacks something, so no document is built from it; `build.find_gaps` lists what."""

    code = "incomplete-record"


class SignatureInvalid(InputError):
    """A signature that was found does not verify over what it should cover."""

    code = "signature-invalid"


class SigningError(TranscriptError):
    """A signature could not be made.  Nothing was changed."""

    code = "signing-error"


class KeyUnavailable(SigningError):
    """The key's holder (file, token, service) did not sign."""

    code = "key-unavailable"

    def __init__(self, problem: str, *, text_vi: str = "") -> None:
        super().__init__(problem)
        self.text_vi = text_vi  # one Vietnamese sentence for the person who wanted to sign; "" when there is none


class NotEligible(SigningError):
    """This certificate may not sign this slot: wrong person, office, usage, expired or revoked."""

    code = "not-eligible"

    def __init__(self, problem: str, *, reason: str = "", text_vi: str = "") -> None:
        super().__init__(problem)
        self.reason = reason  # stable: "expired", "revoked", "other-identity", ...
        self.text_vi = text_vi  # one Vietnamese sentence for the person who wanted to sign


class SlotNotReady(SigningError):
    """An earlier slot is missing, or the slot is already signed."""

    code = "slot-not-ready"

    def __init__(self, problem: str, *, missing: tuple[str, ...] = (), text_vi: str = "") -> None:
        super().__init__(problem)
        self.missing = missing  # slot Ids that must be signed first; empty when the slot itself is taken
        self.text_vi = text_vi


class StaleDigest(SigningError):
    """The document changed between prepare and attach; prepare again."""

    code = "stale-digest"


class DocumentNotLocked(SigningError):
    """Nobody signs before the document is locked, and held-back pupils are never locked."""

    code = "document-not-locked"


class SignatureMismatch(SigningError):
    """A signature value does not verify against the certificate that was fixed at prepare."""

    code = "signature-mismatch"


class TimestampRefused(SigningError):
    """No time-stamping authority gave a usable token."""

    code = "timestamp-refused"

    def __init__(
        self,
        problem: str,
        *,
        reason: str = "",
        reasons: tuple[tuple[str, str], ...] = (),
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(problem)
        self.reason = reason  # stable: "other-nonce", "other-imprint", "out-of-budget", "unreachable", ...
        self.reasons = reasons  # (address of the authority, why it gave none), in the order they were asked
        self.retry_at = retry_at  # aware; the earliest moment at which asking again makes sense; None: any


class EvidenceUnavailable(SigningError):
    """The chain or the revocation status of a certificate could not be fetched."""

    code = "evidence-unavailable"

    def __init__(
        self,
        problem: str,
        *,
        servers: tuple[tuple[str, str], ...] = (),
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(problem)
        self.servers = servers  # (address that was asked, why its answer is of no use), in the order they were asked
        self.status = status  # of HTTP, when one server answered with another than 200
        self.retry_after_s = retry_after_s  # seconds after which it wants to be asked again, when it said so


class StateError(TranscriptError):
    """The stored state does not allow what was asked."""

    code = "state-error"


class NotFound(StateError):
    """No such record."""

    code = "not-found"


class Conflict(StateError):
    """The record changed meanwhile, or the step was already taken by somebody else."""

    code = "conflict"


class TrustMaterialError(TranscriptError):
    """Anchors, certificates, OCSP or CRL data cannot be used."""

    code = "trust-material-error"


class AuthorityListInvalid(TrustMaterialError):
    """The authority list is malformed, not signed by the configured key, or outside its validity."""

    code = "authority-list-invalid"


class AuthorityListOutOfDate(AuthorityListInvalid):
    """The authority list is sound, but says nothing about that moment: authority is then not checked."""

    code = "authority-list-out-of-date"


class TrustListInvalid(TrustMaterialError):
    """A trust list is malformed, not signed by its configured operator, or older than one seen before."""

    code = "trust-list-invalid"


class TrustListOutOfDate(TrustListInvalid):
    """The trust list is sound, but a newer one was due: what was withdrawn since is not in it."""

    code = "trust-list-out-of-date"
