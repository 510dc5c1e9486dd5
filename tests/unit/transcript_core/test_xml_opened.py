"""A stored document that stays opened is, at every step of its signing, the one that is opened anew from its octets."""

from __future__ import annotations

import hashlib
import pickle
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import build_issue, build_transcript
from tests.support.strategies import fake_signature
from transcript_core.errors import LimitExceeded, MalformedTranscript, SlotNotReady
from transcript_core.limits import MAX_XML_BYTES
from transcript_core.model import SlotRole
from transcript_core.xml import SignatureFrame, SlotSignature, StoredDocument, build_document, fill_holes, get_part

PARTS = ("data", "thongtinhocba", "diem-TOAN", "diem-HDTN")


@cache
def unsigned() -> bytes:
    transcript = build_transcript()
    return build_document(transcript, build_issue(transcript))


@cache
def slot_ids() -> tuple[str, ...]:
    opened = StoredDocument(unsigned())
    return tuple(slot_id for role in SlotRole for slot_id in opened.list_slots(role.value))


def sign(document: StoredDocument, slot_id: str) -> StoredDocument:
    return document.sign(SlotSignature(slot_id, fake_signature(slot_id)))


def assert_same(opened: StoredDocument, fresh: StoredDocument) -> None:
    """Both say the same about everything that can be asked."""
    assert opened.octets == fresh.octets
    assert opened.list_signed_slots() == fresh.list_signed_slots()
    assert opened.list_unsigned_in_data() == fresh.list_unsigned_in_data()
    for role in SlotRole:
        assert opened.list_slots(role.value) == fresh.list_slots(role.value)
    for slot_id in slot_ids():
        assert opened.is_signed(slot_id) == fresh.is_signed(slot_id)
        assert opened.get_signature(slot_id) == fresh.get_signature(slot_id)
    signatures = [f"sig-{slot_id}" for slot_id in sorted(opened.list_signed_slots())]
    for element_id in (*PARTS, *signatures):
        part = get_part(fresh.octets, element_id)
        assert opened.get_part(element_id) == fresh.get_part(element_id) == part
        digests = opened.get_part_digest(element_id), fresh.get_part_digest(element_id)
        assert digests == (hashlib.sha256(part).digest(),) * 2
    assert opened.sha256 == fresh.sha256 == hashlib.sha256(fresh.octets).digest()


def test_there_are_nineteen_slots_to_try() -> None:
    assert len(slot_ids()) == 19


def test_each_of_nineteen_signatures_leaves_what_opening_anew_finds() -> None:
    document = StoredDocument(unsigned())
    for slot_id in slot_ids():
        assert_same(document, StoredDocument(document.octets))
        document = sign(document, slot_id)
    assert_same(document, StoredDocument(document.octets))


@given(order=st.permutations(range(19)), asked=st.sets(st.integers(0, 18)))
def test_in_any_order_and_whatever_was_asked_on_the_way(order: list[int], asked: set[int]) -> None:
    document = StoredDocument(unsigned())
    for step, position in enumerate(order):
        if step in asked:
            assert document.sha256 == hashlib.sha256(document.octets).digest()
            for element_id in PARTS:
                assert document.get_part_digest(element_id) == hashlib.sha256(document.get_part(element_id)).digest()
        document = sign(document, slot_ids()[position])
    assert_same(document, StoredDocument(document.octets))


def test_the_document_that_was_signed_stays_as_it_was() -> None:
    document = StoredDocument(unsigned())
    before = document.sha256
    signed = sign(document, "gvcn")
    sign(document, "cbql")
    assert_same(document, StoredDocument(unsigned()))
    assert document.sha256 == before != signed.sha256


def test_an_opened_document_travels_as_its_octets() -> None:
    document = sign(StoredDocument(unsigned()), "gvcn")
    assert document.sha256
    assert_same(pickle.loads(pickle.dumps(document)), document)


def test_a_slot_is_signed_once_and_must_be_there() -> None:
    document = sign(StoredDocument(unsigned()), "gvcn")
    with pytest.raises(SlotNotReady, match="gvcn"):
        sign(document, "gvcn")
    with pytest.raises(MalformedTranscript, match="no slot"):
        sign(document, "gvbm-KHAC-1")


def test_an_opened_document_does_not_grow_beyond_the_limit() -> None:
    octets = fake_signature("gvcn").replace(b"AAAA", b"A" * MAX_XML_BYTES)
    with pytest.raises(LimitExceeded):
        StoredDocument(unsigned()).sign(SlotSignature("gvcn", octets))


@pytest.mark.parametrize(
    "content",
    [
        fake_signature("gvcn") * 2,
        fake_signature("cbql"),
        fake_signature("gvcn").replace(b"</ds:Signature>", b"<ds:Object>" + fake_signature("gvcn")) + b"</ds:Object>",
        b" " + fake_signature("gvcn"),
        fake_signature("gvcn") + b"x",
        fake_signature("gvcn").removesuffix(b"</ds:Signature>"),
        fake_signature("gvcn").replace(b"<ds:Signature ", b"<ds:Signature  ", 1),
        fake_signature("gvcn").replace(b' Id="sig-gvcn"', b' Id="sig-cbql"'),
    ],
    ids=["two", "another slot's", "nested", "blank before", "text behind", "unended", "other form", "another Id"],
)
def test_a_slot_holds_exactly_one_signature_of_its_own(content: bytes) -> None:
    place = b'<GVCN Id="gvcn">'
    with pytest.raises(MalformedTranscript):
        StoredDocument(unsigned().replace(place, place + content))


@pytest.mark.parametrize("element_id", ["data", "thongtinhocba", "diem-TOAN"])
def test_a_part_that_stands_again_inside_a_signature_is_refused(element_id: str) -> None:
    document = sign(StoredDocument(unsigned()), "gvcn").octets
    start = get_part(unsigned(), element_id).split(b">")[0] + b">"
    end = b"</" + start[1:].split(b" ")[0] + b">"
    forged = document.replace(b"</ds:Signature>", start + end + b"</ds:Signature>")
    with pytest.raises(MalformedTranscript, match="more than one"):
        StoredDocument(forged).get_part_digest(element_id)


def test_a_part_that_does_not_end_in_the_content_is_refused() -> None:
    part = get_part(unsigned(), "diem-TOAN")
    start = part.split(b">")[0] + b">"
    moved = unsigned().replace(part, b"").replace(b'<GVCN Id="gvcn">', b'<GVCN Id="gvcn">' + fake_signature("gvcn"))
    forged = moved.replace(b"</ds:Signature>", start + b"</DIEM_TONG_KET></ds:Signature>")
    with pytest.raises(MalformedTranscript, match="no element diem-TOAN"):
        StoredDocument(forged).get_part_digest("diem-TOAN")


def test_a_frame_is_filled_with_base64_alone() -> None:
    start, end = fake_signature("gvcn").split(b"AAAA", 1)
    frame = SignatureFrame("gvcn", (start, end))
    evil = b"</ds:SignatureValue><CBQL>\r\n"
    signature = frame.fill([evil])
    assert signature == SlotSignature("gvcn", signature.octets)  # which checks the form once more
    assert evil not in signature.octets
    with pytest.raises(ValueError, match="zip"):
        frame.fill([])
    with pytest.raises(ValueError, match="zip"):
        fill_holes((start, end), [evil, evil])


@pytest.mark.parametrize("piece", [b"<CBQL>", b"<!--", b"<?x ?>", b"\r", b"<ds:X/>", b"<ds:Signature >"])
def test_a_frame_of_another_form_cannot_be_made(piece: bytes) -> None:
    start, end = fake_signature("gvcn").split(b"AAAA", 1)
    with pytest.raises(MalformedTranscript):
        SignatureFrame("gvcn", (start, piece + end))
    with pytest.raises(MalformedTranscript):
        SignatureFrame("cbql", (start, end))
