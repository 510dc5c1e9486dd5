"""Model, XML and JSON say the same, whatever the values: nothing is lost, added or written in two ways."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.strategies import fake_signature, issues, recalls, transcripts
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.errors import InputError
from transcript_core.json import build_json, parse_json
from transcript_core.model import Recall, Transcript
from transcript_core.xml import (
    RecallDocument,
    TranscriptDocument,
    build_document,
    build_info,
    build_recall,
    get_part,
    get_signature,
    list_signed_slots,
    read_document,
    splice_signature,
)

_THOROUGH = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _kept(transcript: Transcript) -> dict[str, bytes]:
    return {one.slot_id: fake_signature(one.slot_id) for one in transcript.signers if one.kept is not None}


@_THOROUGH
@given(st.data())
def test_document_read_back_says_what_was_built(data: st.DataObject) -> None:
    transcript = data.draw(transcripts())
    issue = data.draw(issues(transcript))
    kept = _kept(transcript)
    document = build_document(transcript, issue, kept=kept)
    read = read_document(document)
    assert isinstance(read, TranscriptDocument)
    assert (read.transcript, read.issue) == (transcript, issue)
    assert set(read.signed) == set(kept) == list_signed_slots(document)
    assert canonicalize(parse_xml(document)) == document
    assert all(get_signature(document, slot_id) == octets for slot_id, octets in kept.items())


@_THOROUGH
@given(st.data())
def test_every_part_is_a_slice_of_the_stored_document(data: st.DataObject) -> None:
    transcript = data.draw(transcripts())
    document = build_document(transcript, data.draw(issues(transcript)), kept=_kept(transcript))
    read = read_document(document)
    for element_id, element in read.ids.items():
        if element_id.startswith(("diem-", "sig-")) or element_id in {"data", "thongtinhocba"}:
            assert get_part(document, element_id) == canonicalize(element)
    assert get_part(document, "thongtinhocba") == build_info(transcript)


@_THOROUGH
@given(transcripts())
def test_json_read_back_says_what_was_built(transcript: Transcript) -> None:
    octets = build_json(transcript)
    assert parse_json(octets) == transcript
    assert build_json(parse_json(octets)) == octets


@_THOROUGH
@given(recalls())
def test_recall_read_back_says_what_was_built(recall: Recall) -> None:
    document = build_recall(recall)
    read = read_document(document)
    assert isinstance(read, RecallDocument)
    assert read.recall == recall
    assert canonicalize(parse_xml(document)) == document
    signed = splice_signature(document, "nguoi-de-nghi", fake_signature("nguoi-de-nghi"))
    assert set(read_document(signed).signed) == {"nguoi-de-nghi"}


@_THOROUGH
@given(st.data())
def test_an_edited_byte_is_refused_or_changes_what_is_read(data: st.DataObject) -> None:
    transcript = data.draw(transcripts().filter(lambda one: not _kept(one)))
    issue = data.draw(issues(transcript))
    document = build_document(transcript, issue)
    edited = bytearray(document)
    edited[data.draw(st.integers(0, len(edited) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = read_document(bytes(edited))
    except InputError:
        return
    assert isinstance(read, TranscriptDocument)
    says_the_same = (read.transcript, read.issue) == (transcript, issue)
    assert says_the_same == (canonicalize(read.root) == document)


@_THOROUGH
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_an_input_error(data: bytes) -> None:
    for read in (read_document, parse_json):
        try:
            read(data)
        except InputError:
            continue
