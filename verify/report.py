"""What verification answers: outcomes in the standard's words, findings, and the report that holds them.

Implements ETSI EN 319 102-1 V1.4.1, 5.1.3 (status indications) and 5.1.2 tables 5, 6 (sub-indications); the JSON
form is `schemas/json/report-1.0.json`.  "Could not check" is its own word: it is never "valid" and never "failed".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any, Final, NoReturn

from transcript_core.model import IssueInfo, Recall, Transcript
from verify.plain import clean_line, clean_name


class Outcome(StrEnum):
    """The three status indications of a whole validation (EN 319 102-1, 5.1.3)."""

    PASSED = "TOTAL-PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "TOTAL-FAILED"


class FindingOutcome(StrEnum):
    """What one check answers."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    NOT_CHECKED = "not checked"
    NOT_APPLICABLE = "not applicable"


class SubIndication(StrEnum):
    """Why a validation did not pass (EN 319 102-1, tables 5 and 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND_NO_POE = "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    REVOKED = "REVOKED"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    TRY_LATER = "TRY_LATER"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_POE = "NO_POE"
    CUSTOM = "CUSTOM"

    @property
    def block(self) -> BuildingBlock:
        """Return the building block that gives this answer."""
        return _BLOCKS.get(self, BuildingBlock.ACCEPTANCE)


class BuildingBlock(IntEnum):
    """The building blocks of EN 319 102-1, 5.2, that can end a validation, in the order of 5.3.4 and 5.5.4.

    What is wrong in an earlier one is the reason that a report gives, whatever is wrong in later ones.
    """

    FORMAT_CHECKING = 1  # 5.2.2
    SIGNING_CERTIFICATE = 2  # 5.2.3
    CONTEXT = 3  # 5.2.4
    CRYPTOGRAPHY = 4  # 5.2.7
    X509_VALIDATION = 5  # 5.2.6 with 5.2.5, 5.6.2
    ACCEPTANCE = 6  # 5.2.8
    OUTSIDE = 7  # what transcripts ask beyond the standard


_BLOCKS: Final = {
    SubIndication.FORMAT_FAILURE: BuildingBlock.FORMAT_CHECKING,
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: BuildingBlock.SIGNING_CERTIFICATE,
    SubIndication.POLICY_PROCESSING_ERROR: BuildingBlock.CONTEXT,
    SubIndication.SIGNATURE_POLICY_NOT_AVAILABLE: BuildingBlock.CONTEXT,
    SubIndication.SIGNED_DATA_NOT_FOUND: BuildingBlock.CRYPTOGRAPHY,
    SubIndication.HASH_FAILURE: BuildingBlock.CRYPTOGRAPHY,
    SubIndication.SIG_CRYPTO_FAILURE: BuildingBlock.CRYPTOGRAPHY,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: BuildingBlock.X509_VALIDATION,
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE: BuildingBlock.X509_VALIDATION,
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: BuildingBlock.X509_VALIDATION,
    SubIndication.REVOKED: BuildingBlock.X509_VALIDATION,
    SubIndication.REVOKED_NO_POE: BuildingBlock.X509_VALIDATION,
    SubIndication.REVOKED_CA_NO_POE: BuildingBlock.X509_VALIDATION,
    SubIndication.EXPIRED: BuildingBlock.X509_VALIDATION,
    SubIndication.NOT_YET_VALID: BuildingBlock.X509_VALIDATION,
    SubIndication.OUT_OF_BOUNDS_NOT_REVOKED: BuildingBlock.X509_VALIDATION,
    SubIndication.OUT_OF_BOUNDS_NO_POE: BuildingBlock.X509_VALIDATION,
    SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE: BuildingBlock.X509_VALIDATION,
    SubIndication.TRY_LATER: BuildingBlock.X509_VALIDATION,
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: BuildingBlock.X509_VALIDATION,
    SubIndication.CUSTOM: BuildingBlock.OUTSIDE,
}


def find_first_reason(reasons: Iterable[SubIndication | None]) -> SubIndication | None:
    """Return the reason that the earliest building block gives, of equal ones the first; None without any."""
    return min((one for one in reasons if one is not None), key=lambda one: one.block, default=None)


INTERNAL_ERROR: Final = "verification"
"""Name of the finding that says that verification itself broke down."""


class Criterion(StrEnum):
    """The nine criteria of TT 15/2025/TT-BKHCN, Annex II."""

    CERTIFICATE_IN_DATE = "1.1"
    NOT_REVOKED = "1.2"
    ALGORITHMS = "1.3"
    PURPOSE = "1.4"
    CA_STATEMENTS = "1.5"
    SIGNER_IDENTIFIED = "2.1"
    MATCHING_KEY = "2.2"
    CERTIFICATE_VALID = "2.3"
    HASHES_EQUAL = "2.4"


class DocumentKind(StrEnum):
    """What the bytes turned out to be."""

    TRANSCRIPT_XML = "transcript-xml"
    RECALL_XML = "recall-xml"
    TRANSCRIPT_PDF = "transcript-pdf"
    TRANSCRIPT_JWS = "transcript-jws"
    OTHER_XML = "xml"
    OTHER_PDF = "pdf"
    CONTAINER = "asic"
    UNKNOWN = "unknown"


_WORST_FIRST = (
    FindingOutcome.FAILED,
    FindingOutcome.INDETERMINATE,
    FindingOutcome.NOT_CHECKED,
    FindingOutcome.PASSED,
    FindingOutcome.NOT_APPLICABLE,
)


def find_worst(outcomes: Iterable[FindingOutcome]) -> FindingOutcome | None:
    """Return the worst of `outcomes` (failed before indeterminate before not checked), or None if there is none."""
    seen = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in seen), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one check.  Whatever names a sentence holds, it stays one line of plain text."""

    check: str  # the check's NAME
    outcome: FindingOutcome
    text_vi: str  # one or a few sentences for people; "" never
    text_en: str
    criterion: Criterion | None = None
    sub_indication: SubIndication | None = None  # set when failed or indeterminate

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_vi", clean_line(self.text_vi))
        object.__setattr__(self, "text_en", clean_line(self.text_en))


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """What was found out about one signature, seen by itself.

    `outcome` speaks of this signature alone; whether it stands in the right place and by the right person's hand is
    told by `slot`, `authority` and the report's findings.
    """

    format: str  # "xades" | "pades" | "jades"
    level: str  # baseline level as carried: "B-B" | "B-T" | "B-LT" | "B-LTA"; "none" for a plain signature
    slot: str | None  # Id of the slot it stands in; None outside transcripts
    signer: str | None  # common name in the certificate; None when there is no certificate
    world: str | None  # "national" | "public-duty"; None when no anchor was reached
    signed_at: datetime | None  # as the signer claims; aware UTC
    proven_time: datetime | None  # earliest time at which a valid timestamp proves it; aware UTC
    authority: FindingOutcome
    intact: bool | None  # the mathematics: digests and value; None when they could not be computed
    outcome: Outcome
    sub_indication: SubIndication | None
    covers: tuple[str, ...]  # what its references name: "#diem-TOAN", "#data"; for PDF "revision 3"
    development: bool = False  # its anchor is a development one: no legal value; not in the JSON form
    office: tuple[str, str] | None = None  # what its slot is for, Vietnamese and English; not in the JSON form

    def __post_init__(self) -> None:
        for name in ("slot", "signer"):
            value: str | None = getattr(self, name)
            object.__setattr__(self, name, None if value is None else clean_name(value))
        object.__setattr__(self, "covers", tuple(map(clean_name, self.covers)))


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """Which document was verified."""

    kind: DocumentKind
    sha256: bytes  # 32 raw bytes, over the file exactly as received
    digest: bytes | None = None  # 32 raw bytes, document digest: SHA-256 over the canonical DU_LIEU_HOC_BA
    serial: str | None = None
    version: int | None = None
    status: str | None = None  # "valid" | "superseded" | "recalled" | "suspended" | "unknown"; None: not asked
    status_as_of: datetime | None = None
    superseded_by: int | None = None  # version


@dataclass(frozen=True, slots=True)
class Report:
    """Everything verification found out about one document.

    `transcript` and `recall` are read from the signed bytes and are None unless the whole report passed, so that
    nothing unverified can be shown, exported or imported.  A superseded version passes only when the caller asked for
    that version; its transcript is then given, and `document.status` still says that it was replaced.
    """

    document: DocumentInfo
    checked_at: datetime  # the time the answer speaks of; aware UTC
    signatures: tuple[SignatureReport, ...]
    findings: tuple[Finding, ...]  # one for each check, in the order they ran
    required: frozenset[str]  # checks that must not be left unanswered
    verified_transcript: Transcript | None = None  # internal: read `transcript`
    verified_issue: IssueInfo | None = None  # internal: read `issue`
    verified_recall: Recall | None = None  # internal: read `recall`

    @property
    def outcome(self) -> Outcome:
        """Return failed if any finding failed, indeterminate if any is or a required check gave no answer."""
        worst = find_worst(finding.outcome for finding in self.findings)
        if worst is FindingOutcome.FAILED:
            return Outcome.FAILED
        if worst is None or worst is FindingOutcome.INDETERMINATE or self.unanswered:
            return Outcome.INDETERMINATE
        passed = any(finding.outcome is FindingOutcome.PASSED for finding in self.findings)
        return Outcome.PASSED if passed else Outcome.INDETERMINATE

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Return the required checks that did not run or were not checked, in order of name."""
        silent = {FindingOutcome.NOT_CHECKED}
        answered = {finding.check for finding in self.findings if finding.outcome not in silent}
        return tuple(sorted(self.required - answered))

    @property
    def sub_indication(self) -> SubIndication | None:
        """Return why the report did not pass, by the first building block that says so; None when it passed."""
        wanted = {
            Outcome.FAILED: FindingOutcome.FAILED,
            Outcome.INDETERMINATE: FindingOutcome.INDETERMINATE,
        }.get(self.outcome)
        if wanted is None:
            return None
        reasons = (finding.sub_indication for finding in self.findings if finding.outcome is wanted)
        return find_first_reason(reasons) or SubIndication.CUSTOM

    @property
    def has_development_anchor(self) -> bool:
        """Return whether any signature leads to a development anchor, so that the document has no legal value."""
        return any(signature.development for signature in self.signatures)

    @property
    def transcript(self) -> Transcript | None:
        """Return the verified content, or None unless the report passed."""
        return self.verified_transcript if self.outcome is Outcome.PASSED else None

    @property
    def issue(self) -> IssueInfo | None:
        """Return the verified issue part of the transcript's XML, or None unless the report passed."""
        return self.verified_issue if self.outcome is Outcome.PASSED else None

    @property
    def recall(self) -> Recall | None:
        """Return the verified recall, or None unless the report passed."""
        return self.verified_recall if self.outcome is Outcome.PASSED else None

    def get_finding(self, check: str) -> Finding:
        """Return the finding of `check`.

        Raises:
            KeyError: that check did not run.
        """
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise KeyError(check)

    def to_json(self) -> str:
        """Return the report as JSON text after `report-1.0.json`; UTF-8 safe, two spaces, keys in schema order."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form as plain values."""
        return {
            "outcome": self.outcome.value,
            "sub_indication": _text(self.sub_indication),
            "document": _document(self.document),
            "signatures": [_signature(signature) for signature in self.signatures],
            "findings": [_finding(finding) for finding in self.findings],
        }

    def __bool__(self) -> NoReturn:
        raise TypeError("a Report has three outcomes; compare report.outcome")


def _text(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _document(document: DocumentInfo) -> dict[str, Any]:
    return {
        "kind": document.kind.value,
        "sha256": document.sha256.hex(),
        "digest": None if document.digest is None else document.digest.hex(),
        "serial": document.serial,
        "version": document.version,
        "status": document.status,
        "status_as_of": _time(document.status_as_of),
        "superseded_by": document.superseded_by,
    }


def _signature(signature: SignatureReport) -> dict[str, Any]:
    return {
        "format": signature.format,
        "level": signature.level,
        "slot": signature.slot,
        "signer": signature.signer,
        "world": signature.world,
        "signed_at": _time(signature.signed_at),
        "proven_time": _time(signature.proven_time),
        "authority": signature.authority.value,
        "intact": signature.intact,
        "outcome": signature.outcome.value,
        "sub_indication": _text(signature.sub_indication),
        "covers": list(signature.covers),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "outcome": finding.outcome.value,
        "criterion": _text(finding.criterion),
        "text_vi": finding.text_vi,
        "text_en": finding.text_en,
    }
