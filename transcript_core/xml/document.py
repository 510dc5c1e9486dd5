"""Reads whole documents: parsed, valid by the schema, consistent, with exactly the slots that the policy asks for.

What is read here is the only source of content for everybody above: the tree and the values come from the same octets,
and nothing is parsed a second time.  Whether the signatures are good is for `verify` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from transcript_core.canonical import build_id_map, parse_xml, validate_schema
from transcript_core.consistency import check_issue, check_recall, check_transcript
from transcript_core.errors import LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.layout import ISSUE, RECALL, PartContext, context_of, find_transcript_record
from transcript_core.limits import MAX_SIGNATURES
from transcript_core.model import IssueInfo, Recall, SchoolLevel, Transcript
from transcript_core.policy import (
    DATA_ID,
    INFO_ID,
    REQUEST_ID,
    SigningPolicy,
    Slot,
    list_recall_slots,
    list_slots,
)
from transcript_core.xml._decode import Decoder, check_shell, read_element
from transcript_core.xml.build import SCHEMA_VERSION, find_document_policy

SIGNATURE_TAG: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"


@dataclass(frozen=True, slots=True)
class TranscriptDocument:
    """A transcript's document as read."""

    root: etree._Element  # HOC_BA
    ids: dict[str, etree._Element]  # every element that has an Id, those of signatures included
    transcript: Transcript
    issue: IssueInfo
    policy: SigningPolicy
    slots: tuple[Slot, ...]  # in signing order
    signed: dict[str, etree._Element]  # ds:Signature by slot Id; a slot that is empty is not in it


@dataclass(frozen=True, slots=True)
class RecallDocument:
    """A CANCEL document as read."""

    root: etree._Element  # THU_HOI_HOC_BA
    ids: dict[str, etree._Element]
    recall: Recall
    policy: SigningPolicy
    slots: tuple[Slot, ...]
    signed: dict[str, etree._Element]


def read_document(data: bytes) -> TranscriptDocument | RecallDocument:
    """Return the document in `data`.

    Raises:
        LimitExceeded: larger, deeper or with more signatures than `limits.py` allows.
        MalformedTranscript: not a document of ours in every respect; the message says where.
        UnsupportedSchema: the document's schema version or signing policy is not known here.
    """
    root = parse_xml(data)
    _check_nodes(root)
    _check_version(root)
    validate_schema(root)
    ids = build_id_map(root)
    check_shell(root, {})
    return _read_recall(root, ids) if root.tag == "THU_HOI_HOC_BA" else _read_transcript(root, ids)


def parse_transcript(element: etree._Element) -> Transcript:
    """Return the transcript that a THONG_TIN_HOC_BA element holds.

    Raises:
        MalformedTranscript: the element breaks the layout, or its values contradict each other.
    """
    level = element.findtext("TRUONG/CAP_HOC")
    if level not in set(SchoolLevel):
        raise MalformedTranscript("TRUONG names no school level")
    decoder = Decoder(element, {"Id": INFO_ID})
    transcript: Transcript = decoder.read_record(find_transcript_record(SchoolLevel(level)))
    decoder.close()
    _check_context(decoder.context, transcript)
    check_transcript(transcript)
    return transcript


def parse_issue(element: etree._Element, transcript: Transcript) -> IssueInfo:
    """Return what a THONG_TIN_PHAT_HANH element says of the issue of `transcript`.

    Raises:
        MalformedTranscript: the element breaks the layout, or contradicts the transcript.
    """
    issue: IssueInfo = read_element(element, ISSUE)
    check_issue(issue, transcript)
    return issue


def parse_recall(element: etree._Element) -> Recall:
    """Return the recall that a THONG_TIN_THU_HOI element holds.

    Raises:
        MalformedTranscript: the element breaks the layout, or its values contradict each other.
    """
    recall: Recall = read_element(element, RECALL, {"Id": REQUEST_ID})
    check_recall(recall)
    return recall


def _read_transcript(root: etree._Element, ids: dict[str, etree._Element]) -> TranscriptDocument:
    data, release = _children(root, "DU_LIEU_HOC_BA", "PHAT_HANH_HOC_BA")
    check_shell(data, {"Id": DATA_ID, "phienBan": SCHEMA_VERSION})
    info, issued, signatures = _children(data, "THONG_TIN_HOC_BA", "THONG_TIN_PHAT_HANH", "DANH_SACH_THONG_TIN_KY")
    transcript = parse_transcript(info)
    issue = parse_issue(issued, transcript)
    policy = find_document_policy(transcript.policy_id, issue.policy_digest, transcript.school.level)
    slots = list_slots(transcript, issue, policy)
    found: list[etree._Element] = []
    for element in _content(signatures):
        found.extend(_content(element) if element.tag == "DANH_SACH_GVBM" else [element])
    signed = _read_slots(root, [*found, *_content(release)], slots)
    return TranscriptDocument(root, ids, transcript, issue, policy, slots, signed)


def _read_recall(root: etree._Element, ids: dict[str, etree._Element]) -> RecallDocument:
    data, release = _children(root, "DU_LIEU_THU_HOI", "PHAT_HANH_THU_HOI")
    check_shell(data, {"Id": DATA_ID, "phienBan": SCHEMA_VERSION})
    info, signatures = _children(data, "THONG_TIN_THU_HOI", "DANH_SACH_THONG_TIN_KY")
    recall = parse_recall(info)
    policy = find_document_policy(recall.policy_id, recall.policy_digest, None)
    slots = list_recall_slots(recall, policy)
    signed = _read_slots(root, [*_content(signatures), *_content(release)], slots)
    return RecallDocument(root, ids, recall, policy, slots, signed)


def _read_slots(
    root: etree._Element, found: Sequence[etree._Element], slots: Sequence[Slot]
) -> dict[str, etree._Element]:
    """Return the signatures by slot; the slots must be exactly those asked for, in order, and hold all of them."""
    expected = [(slot.role.value, slot.slot_id) for slot in slots]
    if [(element.tag, element.get("Id")) for element in found] != expected:
        raise MalformedTranscript("the signature slots are not those that the policy and the subjects ask for")
    signed: dict[str, etree._Element] = {}
    for element, slot in zip(found, slots, strict=True):
        content = _content(element, {"Id": slot.slot_id})
        if [child.tag for child in content] not in ([], [SIGNATURE_TAG]):
            raise MalformedTranscript(f"slot {slot.slot_id} holds something other than one ds:Signature")
        for signature in content:
            if signature.get("Id") != slot.signature_id:
                raise MalformedTranscript(f"the signature in slot {slot.slot_id} has another slot's Id")
            signed[slot.slot_id] = signature
    count = sum(1 for _ in root.iter(SIGNATURE_TAG))
    if count > MAX_SIGNATURES:
        raise LimitExceeded(f"the document has more than {MAX_SIGNATURES} signatures")
    if count != len(signed):
        raise MalformedTranscript("a ds:Signature stands outside the signature slots")
    return signed


def _check_nodes(root: etree._Element) -> None:
    """Refuse what canonical form would hide (comments) or carry unsigned (instructions), inside and around the root."""
    around = (*root.itersiblings(preceding=True), *root.itersiblings())
    if around or next(root.iter(etree.Comment, etree.ProcessingInstruction, etree.Entity), None) is not None:
        raise MalformedTranscript("a transcript holds no comments and no processing instructions")


def _check_version(root: etree._Element) -> None:
    if root.tag not in {"HOC_BA", "THU_HOI_HOC_BA"} or len(root) == 0:
        raise MalformedTranscript("the document is no transcript and no recall: its root element is another")
    version = root[0].get("phienBan")
    if version != SCHEMA_VERSION:
        raise UnsupportedSchema("the document's schema version is not known here; install the release that has it")


def _check_context(context: PartContext | None, transcript: Transcript) -> None:
    if context is not None and context != context_of(transcript):
        raise MalformedTranscript("a DIEM_TONG_KET belongs to another transcript than the one it stands in")


def _children(element: etree._Element, *tags: str) -> list[etree._Element]:
    children = list(element)
    if [child.tag for child in children] != list(tags):
        raise MalformedTranscript(f"{element.tag} has other elements than {', '.join(tags)}")
    return children


def _content(element: etree._Element, attributes: dict[str, str] | None = None) -> list[etree._Element]:
    return check_shell(element, attributes or {})
