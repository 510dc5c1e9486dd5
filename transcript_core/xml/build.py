"""Writes transcripts and recalls as XML in exclusive canonical form, with empty signature slots.

The octets are written directly; `canonicalize(parse_xml(x)) == x` holds for everything that is built here, so a part's
octets are a slice of the document and a signature can be spliced in (`transcript_core.xml.stored`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from transcript_core.consistency import check_issue, check_recall, check_transcript
from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.layout import ISSUE, RECALL, context_of, find_transcript_record
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.model import IssueInfo, Recall, SchoolLevel, SlotRole, Transcript
from transcript_core.policy import (
    DATA_ID,
    INFO_ID,
    REQUEST_ID,
    SigningPolicy,
    Slot,
    get_policy,
    list_recall_slots,
    list_slots,
)
from transcript_core.xml._encode import Encoder
from transcript_core.xml.stored import splice_signature

SCHEMA_VERSION: Final = "1.0"
"""Value of `phienBan` on DU_LIEU_HOC_BA and DU_LIEU_THU_HOI."""


def build_info(transcript: Transcript) -> bytes:
    """Return the canonical octets of THONG_TIN_HOC_BA, which the homeroom teacher signs and the PDF carries.

    Raises:
        MalformedTranscript: a value has no form in the schema, or values contradict each other.
    """
    check_transcript(transcript)
    encoder = Encoder(context_of(transcript))
    encoder.write_fields(find_transcript_record(transcript.school.level), transcript)
    return _element("THONG_TIN_HOC_BA", encoder.get_octets(), element_id=INFO_ID)


def build_document(transcript: Transcript, issue: IssueInfo, *, kept: Mapping[str, bytes] | None = None) -> bytes:
    """Return the canonical octets of a whole transcript document, its slots empty but for the kept signatures.

    Args:
        transcript: the content of THONG_TIN_HOC_BA.
        issue: the content of THONG_TIN_PHAT_HANH.
        kept: by slot Id, the whole ds:Signature octets taken from the earlier version that `transcript.replaces` names;
            exactly the slots whose signers say `kept`.

    Raises:
        LimitExceeded: the document would be longer than MAX_XML_BYTES.
        MalformedTranscript: a value has no form in the schema, values contradict each other, or `kept` is not what
            the signers say.
        UnsupportedSchema: the signing policy is not known here, or is another one by its digest.
    """
    check_issue(issue, transcript)
    info = build_info(transcript)
    policy = find_document_policy(transcript.policy_id, issue.policy_digest, transcript.school.level)
    slots = list_slots(transcript, issue, policy)
    signatures = dict(kept or {})
    if set(signatures) != {slot.slot_id for slot in slots if slot.kept}:
        raise MalformedTranscript("the kept signatures are not those that DANH_SACH_NGUOI_KY says are kept")
    encoder = Encoder()
    encoder.write_fields(ISSUE, issue)
    slot_list = _build_slots(slots, SlotRole.SUBJECT_TEACHER, "DANH_SACH_GVBM") + _build_slots(
        slots, SlotRole.HOMEROOM_TEACHER
    )
    content = (
        info + _element("THONG_TIN_PHAT_HANH", encoder.get_octets()) + _element("DANH_SACH_THONG_TIN_KY", slot_list)
    )
    release = _build_slots(slots, SlotRole.MANAGER) + _build_slots(slots, SlotRole.SEAL)
    document = _element("HOC_BA", _data("DU_LIEU_HOC_BA", content) + _element("PHAT_HANH_HOC_BA", release))
    for slot_id, signature in signatures.items():
        document = splice_signature(document, slot_id, signature)
    return _limited(document)


def build_recall(recall: Recall) -> bytes:
    """Return the canonical octets of a whole CANCEL document, its slots empty.

    Raises:
        MalformedTranscript: a value has no form in the schema, or values contradict each other.
        UnsupportedSchema: the signing policy is not known here, or is another one by its digest.
    """
    check_recall(recall)
    policy = find_document_policy(recall.policy_id, recall.policy_digest, None)
    slots = list_recall_slots(recall, policy)
    encoder = Encoder()
    encoder.write_fields(RECALL, recall)
    content = _element("THONG_TIN_THU_HOI", encoder.get_octets(), element_id=REQUEST_ID) + _element(
        "DANH_SACH_THONG_TIN_KY", _build_slots(slots, SlotRole.REQUESTER)
    )
    release = _build_slots(slots, SlotRole.MANAGER) + _build_slots(slots, SlotRole.SEAL)
    return _limited(
        _element("THU_HOI_HOC_BA", _data("DU_LIEU_THU_HOI", content) + _element("PHAT_HANH_THU_HOI", release))
    )


def find_document_policy(identifier: str, digest: bytes, level: SchoolLevel | None) -> SigningPolicy:
    """Return the policy that a document names, made sure to be the very file and for this kind of document.

    Raises:
        MalformedTranscript: the policy is for another school level or kind of document.
        UnsupportedSchema: it is not known here, or its file has another digest here.
    """
    policy = get_policy(identifier)
    if policy.school_level is not level:
        raise MalformedTranscript("CHINH_SACH_KY is for another kind of document")
    if policy.digest != digest:
        raise UnsupportedSchema("MA_BAM_CHINH_SACH_KY names another edition of the signing policy than is known here")
    return policy


def _build_slots(slots: Sequence[Slot], role: SlotRole, wrapper: str | None = None) -> bytes:
    """Return the empty slots of one role, in the policy's order; a wrapper without slots is left out."""
    pieces = [_element(role.value, b"", element_id=slot.slot_id) for slot in slots if slot.role is role]
    if wrapper is None or not pieces:
        return b"".join(pieces)
    return _element(wrapper, b"".join(pieces))


def _data(tag: str, content: bytes) -> bytes:
    return f'<{tag} Id="{DATA_ID}" phienBan="{SCHEMA_VERSION}">'.encode() + content + f"</{tag}>".encode()


def _element(tag: str, content: bytes, *, element_id: str | None = None) -> bytes:
    attribute = "" if element_id is None else f' Id="{element_id}"'
    return f"<{tag}{attribute}>".encode() + content + f"</{tag}>".encode()


def _limited(document: bytes) -> bytes:
    if len(document) > MAX_XML_BYTES:
        raise LimitExceeded(f"the document has {len(document)} bytes, more than {MAX_XML_BYTES}")
    return document
