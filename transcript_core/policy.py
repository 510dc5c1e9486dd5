"""Signing policy: which slots a document has, in which order they are signed, what each covers and who may sign it.

The policies are data, `schemas/policies/*.json`; a signature names its policy by OID and by the SHA-256 of the
policy's file (EN 319 132-1, 5.2.9; EN 319 122-1, 5.2.9.1).  The required slots follow from the policy and from the
subjects shown; a document's own list of signers may only add to them, never leave one out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from schemas.loader import list_policy_files
from transcript_core.errors import MalformedTranscript, UnsupportedSchema
from transcript_core.model import IssueInfo, Recall, SchoolLevel, SlotRole, SlotSigner, Substitution, Transcript

DATA_ID = "data"
INFO_ID = "thongtinhocba"
REQUEST_ID = "denghi"


class SignatureFormat(StrEnum):
    """The formats a slot is signed in."""

    XADES = "xades"
    PADES = "pades"


class SignatureLevel(StrEnum):
    """Baseline levels of EN 319 132-1 and EN 319 142-1, lowest first."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class Coverage(StrEnum):
    """What a slot's XAdES signature references."""

    PART = "part"  # the subject's DIEM_TONG_KET
    INFO = "thongtinhocba"  # THONG_TIN_HOC_BA
    DATA = "data"  # DU_LIEU_HOC_BA, or DU_LIEU_THU_HOI in a recall
    REQUEST = "request"  # THONG_TIN_THU_HOI in a recall
    PRINCIPAL_SIGNATURE = "principal-signature"  # the whole ds:Signature in slot CBQL


class Office(StrEnum):
    """Offices of the authority list."""

    SUBJECT_TEACHER = "subject-teacher"
    HOMEROOM_TEACHER = "homeroom-teacher"
    PRINCIPAL = "principal"
    VICE_PRINCIPAL = "vice-principal"
    CLERK = "clerk"
    SCHOOL_SEAL = "school-seal"


@dataclass(frozen=True, slots=True)
class SlotRule:
    """What the policy says of one kind of slot."""

    role: SlotRole
    order: int  # slots of a lower order must all be signed first
    formats: tuple[SignatureFormat, ...]
    level: SignatureLevel  # aimed at; what cannot be had at first is added later
    covers: tuple[Coverage, ...]
    offices: tuple[Office, ...]  # any one of these entitles
    commitment: str  # commitment type URI of EN 319 132-1, 5.2.3
    demanded_level: SignatureLevel = SignatureLevel.B_B  # later slots wait for it, and nothing passes without it

    def __hash__(self) -> int:
        """As what tells nearly all rules apart: they are looked up for every signature, and a policy has four."""
        return hash((self.order, self.commitment))


@dataclass(frozen=True, slots=True)
class SigningPolicy:
    """One policy file."""

    identifier: str  # "urn:oid:2.25...."
    name: str
    version: str
    school_level: SchoolLevel | None  # None: the policy of recalls
    rules: tuple[SlotRule, ...]  # by order
    digest: bytes  # 32 raw bytes, SHA-256 of the file

    @property
    def oid(self) -> str:
        """Return the identifier as dotted OID."""
        return self.identifier.removeprefix("urn:oid:")

    def get_rule(self, role: SlotRole) -> SlotRule:
        """Return the rule of `role`.

        Raises:
            UnsupportedSchema: the policy has no such slot.
        """
        for rule in self.rules:
            if rule.role is role:
                return rule
        raise UnsupportedSchema(f"policy {self.name} {self.version} has no slot {role.value}")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for one signature of one document."""

    slot_id: str
    rule: SlotRule
    staff_code: str | None  # None: the school's seal
    name: str
    title: str
    school_code: str
    class_name: str | None  # None in a recall
    school_year: str
    subject_code: str | None
    reference_ids: tuple[str, ...]  # Ids referenced inside the document; the principal's signature is named "sig-cbql"
    kept: bool = False  # the XML signature was made for an earlier version and is kept; no PDF field
    serial: str = ""  # of the document this is a slot of
    version: int = 0
    subject_name: str | None = None  # subject teachers only
    school_name: str = ""
    substitution: Substitution | None = None  # the person named signs in another's place

    @property
    def role(self) -> SlotRole:
        """Return the kind of slot."""
        return self.rule.role

    @property
    def signature_id(self) -> str:
        """Return the Id of the slot's ds:Signature."""
        return signature_id(self.slot_id)

    @property
    def where(self) -> str:
        """Return which document and slot this is, as error messages begin."""
        return f"document {self.serial} version {self.version}, slot {self.slot_id}"


def signature_id(slot_id: str) -> str:
    """Return the Id that the ds:Signature in this slot carries."""
    return f"sig-{slot_id}"


def _parse_policy(content: bytes) -> SigningPolicy:
    raw = json.loads(content)
    rules = tuple(
        SlotRule(
            role=SlotRole(slot["role"]),
            order=slot["order"],
            formats=tuple(SignatureFormat(value) for value in slot["formats"]),
            level=SignatureLevel(slot["level"]),
            covers=tuple(Coverage(value) for value in slot["covers"]),
            offices=tuple(Office(value) for value in slot["offices"]),
            commitment=slot["commitment"],
            demanded_level=SignatureLevel(slot["demanded_level"]),
        )
        for slot in sorted(raw["slots"], key=lambda slot: int(slot["order"]))
    )
    level = raw["school_level"]
    return SigningPolicy(
        identifier=raw["identifier"],
        name=raw["name"],
        version=raw["version"],
        school_level=None if level is None else SchoolLevel(level),
        rules=rules,
        digest=hashlib.sha256(content).digest(),
    )


@cache
def list_policies() -> tuple[SigningPolicy, ...]:
    """Return every policy of this installation."""
    return tuple(_parse_policy(content) for content in list_policy_files())


def get_policy(identifier: str) -> SigningPolicy:
    """Return the policy with this identifier.

    Raises:
        UnsupportedSchema: this installation does not have it.
    """
    for policy in list_policies():
        if policy.identifier == identifier:
            return policy
    raise UnsupportedSchema(f"signing policy {identifier} is not known here; install the release that has it")


def find_policy(level: SchoolLevel | None) -> SigningPolicy:
    """Return the newest policy for transcripts of `level`, or for recalls when `level` is None."""
    known = [policy for policy in list_policies() if policy.school_level is level]
    if not known:
        raise UnsupportedSchema(f"there is no signing policy for {level}")
    return max(known, key=lambda policy: [int(number) for number in policy.version.split(".")])


def part_id(subject_code: str) -> str:
    """Return the Id of a subject's DIEM_TONG_KET."""
    return f"diem-{subject_code}"


def teacher_slot_id(subject_code: str, number: int) -> str:
    """Return the slot Id of the subject's `number`-th teacher, counted from 1."""
    return f"gvbm-{subject_code}-{number}"


def list_slots(transcript: Transcript, issue: IssueInfo, policy: SigningPolicy) -> tuple[Slot, ...]:
    """Return the slots that this transcript must have, in signing order.

    The set is built from the policy and the subjects shown, then held against the document's own list.

    Raises:
        MalformedTranscript: the document's list of signers leaves out or contradicts a required slot, or the policy is
            one of another school level, which asks for other signers.
    """
    if policy.school_level is not transcript.school.level:
        raise MalformedTranscript("the signing policy is for another kind of document than this school level's")
    listed = (*transcript.signers, issue.manager)
    named = {signer.slot_id: signer for signer in listed}
    if len(named) != len(listed):
        raise MalformedTranscript("the list of signers names one slot twice")
    slots: list[Slot] = []
    for rule in policy.rules:
        if rule.role is SlotRole.SUBJECT_TEACHER:
            slots.extend(_teacher_slots(transcript, rule, named))
        elif rule.role is SlotRole.SEAL:
            slots.append(_seal_slot(rule, issue, transcript))
        else:
            signer = next((one for one in named.values() if one.role is rule.role), None)
            if signer is None:
                raise MalformedTranscript(f"the list of signers has nobody for slot {rule.role.value}")
            slots.append(_person_slot(transcript, rule, signer, ids=_fixed_ids(rule)))
    extra = set(named) - {slot.slot_id for slot in slots}
    if extra:
        raise MalformedTranscript(f"the list of signers names slots unknown to the policy: {', '.join(sorted(extra))}")
    return tuple(slots)


def list_recall_slots(recall: Recall, policy: SigningPolicy) -> tuple[Slot, ...]:
    """Return the slots of a CANCEL document, in signing order."""
    people = {SlotRole.REQUESTER: recall.requested_by, SlotRole.MANAGER: recall.approved_by}
    slots: list[Slot] = []
    for rule in policy.rules:
        ids = _fixed_ids(rule)
        if rule.role is SlotRole.SEAL:
            name, title, slot_id, staff = recall.seal.name, "", recall.seal.slot_id, None
            substitution = None
        else:
            signer = people[rule.role]
            substitution = signer.substitution
            name, title, slot_id, staff = signer.name, signer.title, signer.slot_id, signer.staff_code
        slots.append(
            Slot(
                slot_id=slot_id,
                rule=rule,
                staff_code=staff,
                name=name,
                title=title,
                school_code=recall.school.school_code,
                class_name=None,
                school_year=recall.school_year,
                subject_code=None,
                reference_ids=ids,
                serial=recall.serial,
                version=recall.version,
                school_name=recall.school.name,
                substitution=substitution,
            )
        )
    return tuple(slots)


def find_ready_slots(slots: Sequence[Slot], signed: frozenset[str]) -> tuple[Slot, ...]:
    """Return the unsigned slots whose earlier slots are all in `signed` (slot Ids)."""
    open_slots = [slot for slot in slots if slot.slot_id not in signed]
    if not open_slots:
        return ()
    lowest = min(slot.rule.order for slot in open_slots)
    return tuple(slot for slot in open_slots if slot.rule.order == lowest)


def _fixed_ids(rule: SlotRule) -> tuple[str, ...]:
    ids = {
        Coverage.INFO: INFO_ID,
        Coverage.DATA: DATA_ID,
        Coverage.REQUEST: REQUEST_ID,
        Coverage.PRINCIPAL_SIGNATURE: signature_id("cbql"),
    }
    return tuple(ids[coverage] for coverage in rule.covers)


def _teacher_slots(transcript: Transcript, rule: SlotRule, named: dict[str, SlotSigner]) -> list[Slot]:
    slots = []
    for subject in transcript.subjects:
        if not subject.teachers:
            raise MalformedTranscript(f"subject {subject.subject_code} names no teacher, so nobody could sign it")
        for number, teacher in enumerate(subject.teachers, start=1):
            slot_id = teacher_slot_id(subject.subject_code, number)
            signer = named.get(slot_id)
            if signer is None or signer.role is not rule.role:
                raise MalformedTranscript(f"the list of signers leaves out slot {slot_id}")
            expected = (subject.subject_code, part_id(subject.subject_code), subject.revision)
            if (signer.subject_code, signer.part_id, signer.part_revision) != expected:
                raise MalformedTranscript(f"the list of signers and the part of slot {slot_id} do not agree")
            if signer.substitution is None and signer.staff_code != teacher.staff_code:
                raise MalformedTranscript(f"slot {slot_id} names another teacher than the part, without a substitution")
            slots.append(_person_slot(transcript, rule, signer, ids=(part_id(subject.subject_code),)))
    return slots


def _person_slot(transcript: Transcript, rule: SlotRule, signer: SlotSigner, *, ids: tuple[str, ...]) -> Slot:
    return Slot(
        slot_id=signer.slot_id,
        rule=rule,
        staff_code=signer.staff_code,
        name=signer.name,
        title=signer.title,
        school_code=transcript.school.school_code,
        class_name=transcript.class_name,
        school_year=transcript.school_year,
        subject_code=signer.subject_code,
        reference_ids=ids,
        kept=signer.kept is not None,
        serial=transcript.serial,
        version=transcript.version,
        subject_name=_subject_name(transcript, signer.subject_code),
        school_name=transcript.school.name,
        substitution=signer.substitution,
    )


def _subject_name(transcript: Transcript, subject_code: str | None) -> str | None:
    return next((one.subject_name for one in transcript.subjects if one.subject_code == subject_code), None)


def _seal_slot(rule: SlotRule, issue: IssueInfo, transcript: Transcript) -> Slot:
    if issue.seal.school_code != transcript.school.school_code:
        raise MalformedTranscript("the seal named for the issue is another school's")
    return Slot(
        slot_id=issue.seal.slot_id,
        rule=rule,
        staff_code=None,
        name=issue.seal.name,
        title="",
        school_code=transcript.school.school_code,
        class_name=None,
        school_year=transcript.school_year,
        subject_code=None,
        reference_ids=_fixed_ids(rule),
        serial=transcript.serial,
        version=transcript.version,
        school_name=transcript.school.name,
    )
