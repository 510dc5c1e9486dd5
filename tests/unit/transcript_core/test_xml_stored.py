"""Stored documents are worked on as octets, and only documents of ours are."""

from __future__ import annotations

import pytest

from tests.support.samples import build_issue, build_transcript
from tests.support.strategies import fake_signature
from transcript_core.canonical import canonicalize, parse_xml, sha256
from transcript_core.errors import LimitExceeded, MalformedTranscript, SlotNotReady
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.model import SchoolLevel
from transcript_core.xml import (
    build_document,
    document_digest,
    get_part,
    get_signature,
    list_signed_slots,
    read_document,
    splice_signature,
)


def _build(level: SchoolLevel = SchoolLevel.LOWER_SECONDARY) -> bytes:
    transcript = build_transcript(level)
    return build_document(transcript, build_issue(transcript))


def _sign_all(document: bytes) -> bytes:
    for slot in read_document(document).slots:
        document = splice_signature(document, slot.slot_id, fake_signature(slot.slot_id))
    return document


@pytest.mark.parametrize("level", SchoolLevel)
def test_all_slots_can_be_filled_in_order(level: SchoolLevel) -> None:
    document = _sign_all(_build(level))
    read = read_document(document)
    assert set(read.signed) == {slot.slot_id for slot in read.slots} == list_signed_slots(document)
    assert canonicalize(parse_xml(document)) == document


def test_slots_can_be_filled_in_any_order_with_the_same_result() -> None:
    document = _build()
    for slot in reversed(read_document(document).slots):
        document = splice_signature(document, slot.slot_id, fake_signature(slot.slot_id))
    assert document == _sign_all(_build())


def test_parts_are_slices_equal_to_their_canonical_form() -> None:
    document = _sign_all(_build())
    read = read_document(document)
    for element_id in ("data", "thongtinhocba", "diem-TOAN", "diem-HDTN", "sig-cbql", "sig-gvbm-KHTN-3"):
        assert get_part(document, element_id) == canonicalize(read.ids[element_id])


def test_digest_is_that_of_the_data_and_needs_everybody_inside() -> None:
    document = _build()
    with pytest.raises(SlotNotReady, match="gvcn"):
        document_digest(document)
    full = _sign_all(document)
    assert document_digest(full) == sha256(canonicalize(read_document(full).ids["data"]))


def test_digest_stays_when_principal_and_seal_sign() -> None:
    document = _build()
    slots = [slot.slot_id for slot in read_document(document).slots]
    for slot_id in slots[:-2]:
        document = splice_signature(document, slot_id, fake_signature(slot_id))
    before = document_digest(document)
    for slot_id in slots[-2:]:
        document = splice_signature(document, slot_id, fake_signature(slot_id))
    assert document_digest(document) == before


def test_a_signature_is_never_replaced() -> None:
    document = splice_signature(_build(), "gvcn", fake_signature("gvcn"))
    assert get_signature(document, "gvcn") == fake_signature("gvcn")
    assert get_signature(document, "cbql") is None
    with pytest.raises(SlotNotReady, match="gvcn"):
        splice_signature(document, "gvcn", fake_signature("gvcn"))


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"<ds:Signature></ds:Signature>",
        fake_signature("cbql"),
        fake_signature("gvcn") * 2,
        fake_signature("gvcn") + b" ",
        b" " + fake_signature("gvcn"),
        fake_signature("gvcn").replace(b"<ds:SignedInfo>", b"<!-- x --><ds:SignedInfo>"),
        fake_signature("gvcn").replace(b"<ds:SignedInfo>", b"<?x y?><ds:SignedInfo>"),
        fake_signature("gvcn").replace(b"></ds:DigestMethod>", b"/>"),
        fake_signature("gvcn").replace(b"</ds:Signature>", b'<CBQL Id="cbql"></CBQL></ds:Signature>'),
        fake_signature("gvcn").replace(b"</ds:Signature>", b"</DU_LIEU_HOC_BA></ds:Signature>"),
        fake_signature("gvcn").replace(b"AAAA</ds:SignatureValue>", b"AA\r\nAA</ds:SignatureValue>"),
        fake_signature("gvcn").replace(
            b"</ds:Signature>", b"<ds:Object>" + fake_signature("cbql") + b"</ds:Object></ds:Signature>"
        ),
    ],
)
def test_only_one_canonical_signature_of_the_slot_is_spliced(signature: bytes) -> None:
    with pytest.raises(MalformedTranscript):
        splice_signature(_build(), "gvcn", signature)


def test_a_document_does_not_grow_beyond_the_limit() -> None:
    value = b"A" * MAX_XML_BYTES
    with pytest.raises(LimitExceeded):
        splice_signature(_build(), "gvcn", fake_signature("gvcn").replace(b"AAAA", value))


@pytest.mark.parametrize("slot_id", ["gvbm-TOAN-9", "data", "", 'gvcn"', "GVCN"])
def test_unknown_slot_is_refused(slot_id: str) -> None:
    with pytest.raises(MalformedTranscript, match="no slot"):
        splice_signature(_build(), slot_id, fake_signature(slot_id))


@pytest.mark.parametrize("element_id", ["diem-VAN", "diem-", "sig-gvcn", "sig-x", "gvcn", "denghi", "x", 'diem-TOAN"'])
def test_unknown_part_is_refused(element_id: str) -> None:
    with pytest.raises(MalformedTranscript):
        get_part(_build(), element_id)


def test_text_that_looks_like_a_tag_is_no_tag() -> None:
    transcript = build_transcript()
    text = '<DIEM_TONG_KET Id="diem-TOAN"></DU_LIEU_HOC_BA><DANH_SACH_THONG_TIN_KY>'
    deceiving = build_transcript()
    deceiving = type(deceiving)(
        **{name: getattr(transcript, name) for name in transcript.__dataclass_fields__} | {"homeroom_comment": text}
    )
    document = build_document(deceiving, build_issue(deceiving))
    assert get_part(document, "diem-TOAN") == get_part(_build(), "diem-TOAN")
    assert list_signed_slots(document) == frozenset()
    assert canonicalize(read_document(document).ids["data"]) == get_part(document, "data")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<HOC_BA>", b"<HOC_BA> "),
        (b"<HOC_BA>", b'<?xml version="1.0"?><HOC_BA>'),
        (b"</HOC_BA>", b"</HOC_BA>\n"),
        (b"</HOC_BA>", b""),
        (b"<DANH_SACH_THONG_TIN_KY>", b""),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn"> </GVCN>'),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn"/>'),
        (b'<GVCN Id="gvcn"></GVCN>', b""),
        (b'<CBQL Id="cbql"></CBQL>', b'<CBQL Id="gvcn"></CBQL>'),
        (b"</PHAT_HANH_HOC_BA>", b"x</PHAT_HANH_HOC_BA>"),
        (b'<GVBM Id="gvbm-LSDL-1">', b'<GVBM Id="gvbm-TOAN-1">'),
    ],
)
def test_what_is_no_stored_document_is_refused(old: bytes, new: bytes) -> None:
    document = _build()
    assert old in document
    with pytest.raises(MalformedTranscript):
        list_signed_slots(document.replace(old, new, 1))


def test_doubled_part_is_refused() -> None:
    document = _build()
    part = get_part(document, "diem-TOAN")
    with pytest.raises(MalformedTranscript, match="more than one"):
        get_part(document.replace(part, part + part), "diem-TOAN")
