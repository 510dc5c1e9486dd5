"""One signature as the checks see it, whatever its format: what it says, and what was found out about its certificate.

Steps 2 and 3 of the procedure fill it in; the checks only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from transcript_core.authority import AuthorityAnswer
from transcript_core.model import SlotRole
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.path import PathOutcome, PathResult
from transcript_core.pki.timestamps import Timestamp
from transcript_core.policy import SignatureLevel, Slot
from verify.formats.pades import PdfSignature
from verify.formats.problems import ProblemText
from verify.formats.xades_types import XadesSignature
from verify.plain import clean_name
from verify.report import SubIndication


class SignatureFormatName(StrEnum):
    """The formats that are read."""

    XADES = "xades"
    PADES = "pades"
    JADES = "jades"


@dataclass(frozen=True, slots=True)
class CarriedTimestamp:
    """A signature timestamp and what its token must name."""

    token: bytes  # DER
    octets: bytes | None  # what was timestamped; None when only its digest is known
    digest: bytes | None = None  # raw, of what was timestamped, by the hash that the token names; None: `octets` tell
    archive: bool = False  # it covers the signature with all timestamps that stand before it
    objects: tuple[bytes, ...] = ()  # certificates, revocation data and tokens that it covers beside the signature


@dataclass(frozen=True, slots=True)
class LooseTimestamp:
    """A timestamp of its own, not inside a signature: a PDF's document timestamp."""

    carried: CarriedTimestamp
    format: SignatureFormatName
    intact: bool  # it covers exactly the revision that it ends with, and its mathematics holds
    covered_labels: frozenset[str]  # the signatures that were there before it


@dataclass(frozen=True, slots=True)
class TimestampAnswer:
    """What a carried timestamp turned out to be worth."""

    time: datetime | None  # aware UTC; None when the token cannot be read
    outcome: PathOutcome  # VALID: it proves `time`
    sub_indication: SubIndication | None
    detail: str  # English, for the report
    token: Timestamp | None = None  # None: it cannot be read
    path: PathResult | None = None  # of the authority's certificate; None: it did not come to that


@dataclass(frozen=True, slots=True)
class ExaminedTimestamp:
    """A timestamp of its own and what it turned out to be worth."""

    stamp: LooseTimestamp
    answer: TimestampAnswer


@dataclass(frozen=True, slots=True, eq=False)
class SignatureFacts:
    """Step 2: what the signature says, and its mathematics."""

    label: str  # slot Id, else the signature's own Id or number; unique within a format
    format: SignatureFormatName
    slot: Slot | None  # the required slot that it stands in; None when it stands anywhere else
    references_intact: bool | None
    value_intact: bool | None
    certificate: Certificate | None
    certificates: tuple[Certificate, ...]  # all carried, without order
    certificate_is_bound: bool
    algorithm: SignatureAlgorithm | None
    signed_at: datetime | None  # claimed; aware UTC
    policy_id: str | None
    policy_digest: bytes | None  # SHA-256; None when absent or in another hash
    commitments: tuple[str, ...]
    timestamps: tuple[CarriedTimestamp, ...]
    ocsps: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    troubles: tuple[ProblemText, ...]
    level: SignatureLevel | None  # None: not a baseline signature
    covers: tuple[str, ...]
    covered_labels: frozenset[str]  # signatures of the same format whose value this one signs
    covered_whole: frozenset[str]  # those of them that it signs with everything in them
    embedded: tuple[Certificate, ...]  # certificates inside the signature proper: KeyInfo, CMS, x5c
    xades: XadesSignature | None = None
    pdf: PdfSignature | None = None

    @property
    def key(self) -> tuple[SignatureFormatName, str]:
        """Return what names this signature among all of one question."""
        return self.format, self.label

    @property
    def intact(self) -> bool | None:
        """Return whether digests and value are right; None when that could not be computed."""
        answers = (self.references_intact, self.value_intact)
        if False in answers:
            return False
        return None if None in answers else True

    def list_objects(self) -> Iterator[bytes]:
        """Return the octets of all certificates, revocation data and tokens that stand inside this signature."""
        yield from (one.der for one in self.embedded)
        yield from (one.token for one in self.timestamps)
        if self.xades is not None:  # a PDF keeps its evidence beside its signatures
            yield from (one.der for one in self.certificates)
            yield from (*self.ocsps, *self.crls)


@dataclass(frozen=True, slots=True, eq=False)
class ExaminedSignature:
    """Step 3: the facts, and what certificate, time and authority list say to them."""

    facts: SignatureFacts
    timestamps: tuple[TimestampAnswer, ...]
    proven_time: datetime | None  # best-signature-time that is proven; None: only the signer's claim
    judged_at: datetime  # the time that counts for its certificate: proven, else that of the validation
    path: PathResult | None  # None: no certificate, or nothing is trusted
    authority: AuthorityAnswer | None  # None: no list, no slot or no certificate
    verdicts: dict[object, Any] = field(init=False, repr=False, default_factory=dict)  # by rule, for whoever asks again

    @property
    def name_vi(self) -> str:
        """Return what people call this signature: "giáo viên TOAN (Hoàng Hữu An)"."""
        return _name(self.facts, _ROLE_NAMES_VI, "chữ ký")

    @property
    def name_en(self) -> str:
        """Return the same in English."""
        return _name(self.facts, _ROLE_NAMES_EN, "signature")


_ROLE_NAMES_VI = {
    SlotRole.SUBJECT_TEACHER: "giáo viên môn",
    SlotRole.HOMEROOM_TEACHER: "giáo viên chủ nhiệm",
    SlotRole.MANAGER: "cán bộ quản lý",
    SlotRole.SEAL: "con dấu",
    SlotRole.REQUESTER: "người đề nghị",
}
_ROLE_NAMES_EN = {
    SlotRole.SUBJECT_TEACHER: "teacher of",
    SlotRole.HOMEROOM_TEACHER: "homeroom teacher",
    SlotRole.MANAGER: "principal",
    SlotRole.SEAL: "seal",
    SlotRole.REQUESTER: "requester",
}


def describe_slot(slot: Slot, *, english: bool = False) -> str:
    """Return what people call a slot and who must sign it."""
    role = (_ROLE_NAMES_EN if english else _ROLE_NAMES_VI)[slot.role]
    subject = f" {slot.subject_name or slot.subject_code}" if slot.subject_code else ""
    return f"{role}{subject} ({clean_name(slot.name)})"


def _name(facts: SignatureFacts, roles: dict[SlotRole, str], plain: str) -> str:
    mark = " [PDF]" if facts.format is SignatureFormatName.PADES else ""
    if facts.slot is None:
        return f"{plain} {clean_name(facts.label)}{mark}"
    return f"{describe_slot(facts.slot, english=roles is _ROLE_NAMES_EN)}{mark}"
