"""What is built is canonical, valid and read back; what is read must be exactly that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.support.samples import PRINCIPAL, build_issue, build_school, build_transcript
from tests.support.strategies import fake_signature
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.errors import InputError, LimitExceeded, MalformedTranscript, UnsupportedSchema
from transcript_core.limits import MAX_LIST_ITEMS, MAX_TEXT_CHARS
from transcript_core.model import (
    Award,
    AwardKind,
    DocumentReference,
    Event,
    Grade,
    KeptSignature,
    Recall,
    Replacement,
    SchoolLevel,
    Seal,
    SlotRole,
    SlotSigner,
    Source,
    SubjectKind,
    SubjectLevel,
    TermGrade,
    Transcript,
)
from transcript_core.policy import find_policy
from transcript_core.xml import (
    RecallDocument,
    TranscriptDocument,
    build_document,
    build_info,
    build_recall,
    get_signature,
    parse_transcript,
    read_document,
)


def sample_recall() -> Recall:
    """Return a recall of version 1 of the sample transcript."""
    policy = find_policy(None)
    serial = build_transcript().serial
    return Recall(
        serial=serial,
        version=2,
        target=DocumentReference(serial, 1, bytes(range(32))),
        school=build_school(),
        school_year="2025-2026",
        reason="Phát hiện nhập nhầm học sinh.",
        requested_by=SlotSigner("nguoi-de-nghi", SlotRole.REQUESTER, "0129999999", "Lý Văn Thư", "CÁN BỘ VĂN PHÒNG"),
        requested_at=datetime(2026, 6, 3, 1, 0, tzinfo=UTC),
        approved_by=SlotSigner("cbql", SlotRole.MANAGER, *PRINCIPAL, "HIỆU TRƯỞNG"),
        seal=Seal("01000701", "Trường THCS Hoa Sen"),
        policy_id=policy.identifier,
        policy_digest=policy.digest,
    )


@pytest.mark.parametrize("level", SchoolLevel)
def test_sample_of_every_level_is_canonical_and_read_back(level: SchoolLevel) -> None:
    transcript = build_transcript(level)
    issue = build_issue(transcript, pdf=b"%PDF-1.7")
    document = build_document(transcript, issue)
    assert canonicalize(parse_xml(document)) == document
    read = read_document(document)
    assert isinstance(read, TranscriptDocument)
    assert (read.transcript, read.issue) == (transcript, issue)
    assert [slot.slot_id for slot in read.slots][-2:] == ["cbql", "ky-phat-hanh"]
    assert (b"DANH_SACH_GVBM" in document) is (level is not SchoolLevel.PRIMARY)
    assert build_info(transcript) in document


def test_recall_is_canonical_and_read_back() -> None:
    document = build_recall(sample_recall())
    assert canonicalize(parse_xml(document)) == document
    read = read_document(document)
    assert isinstance(read, RecallDocument)
    assert read.recall == sample_recall()
    assert [slot.slot_id for slot in read.slots] == ["nguoi-de-nghi", "cbql", "ky-phat-hanh"]


def test_marks_have_one_text_whatever_their_digits() -> None:
    transcript = build_transcript()
    first = transcript.subjects[0]
    other = replace(first, year=Grade(mark=Decimal("8.40")))
    assert build_info(replace(transcript, subjects=(other, *transcript.subjects[1:]))) == build_info(transcript)


def test_lock_time_is_written_in_utc() -> None:
    with pytest.raises(MalformedTranscript, match="UTC"):
        build_info(replace(build_transcript(), locked_at=datetime(2026, 5, 29, 9, tzinfo=timezone(timedelta(hours=7)))))


def _with_subject(transcript: Transcript, **changes: object) -> Transcript:
    first, *others = transcript.subjects
    return replace(transcript, subjects=(replace(first, **changes), *others))  # type: ignore[arg-type]


def _with_comment(text: str) -> Callable[[Transcript], Transcript]:
    return lambda transcript: replace(transcript, homeroom_comment=text)


@pytest.mark.parametrize(
    "change",
    [
        _with_comment("Cha\u0306m ngoan"),  # not NFC
        _with_comment("Chăm\nngoan"),
        _with_comment("Chăm\u00a0ngoan"),
        _with_comment("Chăm\u202engoan"),  # right-to-left override
        _with_comment("Chăm\u200bngoan"),  # zero width
        _with_comment("Chăm\ue000ngoan"),  # private use
        _with_comment("Chăm\ud800ngoan"),
        _with_comment("Chăm ngoan "),
        _with_comment(" "),
        _with_comment("x" * (MAX_TEXT_CHARS + 1)),
        lambda one: replace(one, serial="O1J9ZK3T5V7X9ABCDEFGHJKMNP"),
        lambda one: replace(one, serial=one.serial.lower()),
        lambda one: replace(one, version=0),
        lambda one: replace(one, transcript_id=one.transcript_id.upper()),
        lambda one: replace(one, locked_at=datetime(2026, 5, 29, 2, 0)),  # noqa: DTZ001 - the point of it
        lambda one: replace(one, locked_at=datetime(2026, 5, 29, 2, 0, 0, 5, tzinfo=UTC)),
        lambda one: replace(one, grade_level=5),
        lambda one: replace(one, school_year="2025-2027"),
        lambda one: replace(one, event=Event.UPDATE),
        lambda one: replace(one, event=Event.CANCEL),
        lambda one: replace(one, summary=build_transcript(SchoolLevel.PRIMARY).summary),
        lambda one: replace(one, subjects=(one.subjects[0], one.subjects[0])),
        lambda one: replace(one, replaces=Replacement(1, bytes(32), "Sửa", ()), event=Event.UPDATE),
        lambda one: replace(one, pupil=replace(one.pupil, pupil_code="140716223")),
        lambda one: replace(one, pupil=replace(one.pupil, personal_id="")),
        lambda one: _with_subject(one, year=Grade(mark=Decimal("10.1"))),
        lambda one: _with_subject(one, year=Grade(mark=Decimal("8.45"))),
        lambda one: _with_subject(one, year=Grade(mark=Decimal("-0.1"))),
        lambda one: _with_subject(one, year=Grade(mark=Decimal("NaN"))),
        lambda one: _with_subject(one, year=Grade()),
        lambda one: _with_subject(one, year=Grade(level=SubjectLevel.PASSED)),
        lambda one: _with_subject(one, kind=SubjectKind.PRIMARY),
        lambda one: _with_subject(one, subject_code="toán"),
        lambda one: _with_subject(one, revision=2),
        lambda one: _with_subject(one, elective=None),
    ],
)
def test_a_value_that_has_no_form_is_not_built(change: Callable[[Transcript], Transcript]) -> None:
    with pytest.raises(MalformedTranscript) as caught:
        build_info(change(build_transcript()))
    assert "8.4" not in str(caught.value)


def test_a_list_is_not_longer_than_the_schema_allows() -> None:
    awards = (Award(AwardKind.GOOD_PUPIL),) * (MAX_LIST_ITEMS + 1)
    with pytest.raises(LimitExceeded, match="KHEN_THUONG"):
        build_info(replace(build_transcript(), awards=awards))


def test_result_of_another_school_keeps_its_source() -> None:
    source = Source("79000123", "Trường THCS Bình Minh", DocumentReference("01J9ZK3T5V7X9ABCDEFGHJKMNQ", 1, bytes(32)))
    transcript = _with_subject(build_transcript(), term_1=TermGrade(Grade(mark=Decimal("8.1")), source))
    read = read_document(build_document(transcript, build_issue(transcript)))
    assert isinstance(read, TranscriptDocument)
    assert read.transcript.subjects[0].term_1 == TermGrade(Grade(mark=Decimal("8.1")), source)


def _updated() -> Transcript:
    """Return version 2 of the sample, in which the subjects after the first keep their signatures."""
    transcript = build_transcript()
    changed = replace(transcript.subjects[0], revision=2, year=Grade(mark=Decimal("8.5")))
    signers = tuple(
        replace(one, part_revision=2)
        if one.subject_code == changed.subject_code
        else replace(one, kept=KeptSignature(1, date(2026, 5, 30)))
        if one.role is SlotRole.SUBJECT_TEACHER
        else one
        for one in transcript.signers
    )
    return replace(
        transcript,
        version=2,
        event=Event.UPDATE,
        replaces=Replacement(1, bytes(32), "Nhập nhầm điểm môn Toán.", ("diem-TOAN",)),
        subjects=(changed, *transcript.subjects[1:]),
        signers=signers,
    )


def test_update_keeps_unchanged_parts_and_their_signatures_byte_for_byte() -> None:
    before = build_info(build_transcript())
    transcript = _updated()
    kept = {one.slot_id: fake_signature(one.slot_id) for one in transcript.signers if one.kept}
    document = build_document(transcript, build_issue(transcript), kept=kept)
    for subject in transcript.subjects[1:]:
        start = before.index(f'<DIEM_TONG_KET Id="diem-{subject.subject_code}">'.encode())
        part = before[start : before.index(b"</DIEM_TONG_KET>", start)]
        assert part in document
    read = read_document(document)
    assert set(read.signed) == set(kept)
    assert all(get_signature(document, slot_id) == octets for slot_id, octets in kept.items())


def test_kept_signatures_must_be_those_the_signers_name() -> None:
    transcript = _updated()
    kept = {one.slot_id: fake_signature(one.slot_id) for one in transcript.signers if one.kept}
    kept.popitem()
    with pytest.raises(MalformedTranscript, match="kept"):
        build_document(transcript, build_issue(transcript), kept=kept)
    first = build_transcript()
    with pytest.raises(MalformedTranscript, match="kept"):
        build_document(first, build_issue(first), kept={"gvcn": fake_signature("gvcn")})


def test_another_edition_of_the_policy_is_not_taken_for_ours() -> None:
    transcript = build_transcript()
    with pytest.raises(UnsupportedSchema, match="MA_BAM_CHINH_SACH_KY"):
        build_document(transcript, replace(build_issue(transcript), policy_digest=bytes(32)))
    other = find_policy(SchoolLevel.PRIMARY)
    with pytest.raises(MalformedTranscript, match="CHINH_SACH_KY"):
        build_document(
            replace(transcript, policy_id=other.identifier),
            replace(build_issue(transcript), policy_digest=other.digest),
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, version=1),
        lambda one: replace(one, target=replace(one.target, serial="01J9ZK3T5V7X9ABCDEFGHJKMNQ")),
        lambda one: replace(one, approved_by=replace(one.approved_by, staff_code=one.requested_by.staff_code)),
        lambda one: replace(one, seal=Seal("99", "Trường khác")),
        lambda one: replace(one, reason=""),
    ],
)
def test_recall_that_contradicts_itself_is_not_built(change: Callable[[Recall], Recall]) -> None:
    with pytest.raises(MalformedTranscript):
        build_recall(change(sample_recall()))


_DOCUMENT = build_document(build_transcript(), build_issue(build_transcript()))
_SIGNED = fake_signature("gvcn")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<HOC_BA>", b'<HOC_BA Id="x">'),
        (b"<HOC_BA>", b"<HOC_BA> "),
        (b"<HOC_BA>", b'<HOC_BA xml:lang="vi">'),
        (b"<HOC_BA>", b"<HOC_BA><!-- hidden -->"),
        (b"<HOC_BA>", b"<HOC_BA><?pi hidden?>"),
        (b"<HOC_BA>", b"<!-- before --><HOC_BA>"),
        (b"</HOC_BA>", b"</HOC_BA><?after it?>"),
        (b"</HOC_BA>", b"<THEM></THEM></HOC_BA>"),
        (b'phienBan="1.0"', b'phienBan="1.0" Id2="x"'),
        (b"</PHAT_HANH_HOC_BA>", b" </PHAT_HANH_HOC_BA>"),
        (b"</PHAT_HANH_HOC_BA>", b"<CBQL Id='x'/></PHAT_HANH_HOC_BA>"),
        (b"</DU_LIEU_HOC_BA>", b"\n</DU_LIEU_HOC_BA>"),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn"> </GVCN>'),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn">x</GVCN>'),
        (b'<GVCN Id="gvcn"></GVCN>', b""),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn2"></GVCN>'),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn">' + _SIGNED + _SIGNED.replace(b"gvcn", b"x") + b"</GVCN>"),
        (b'<GVCN Id="gvcn"></GVCN>', b'<GVCN Id="gvcn">' + _SIGNED.replace(b"sig-gvcn", b"sig-cbql") + b"</GVCN>"),
        (b'<CBQL Id="cbql"></CBQL>', b'<CBQL Id="gvcn"></CBQL>'),
        (b"</PHAT_HANH_HOC_BA>", _SIGNED + b"</PHAT_HANH_HOC_BA>"),
        (b"<DIEM>8.1</DIEM>", b"<DIEM>8.10</DIEM>"),
        (b"<DIEM>8.1</DIEM>", b"<DIEM> 8.1</DIEM>"),
        (b"<DIEM>8.1</DIEM>", b"<DIEM>8,1</DIEM>"),
        (b"<DIEM>8.1</DIEM>", b"<DIEM>8.<!-- -->1</DIEM>"),
        (b"<DIEM>8.1</DIEM>", b'<DIEM a="b">8.1</DIEM>'),
        (b"<DIEM>8.1</DIEM>", b"<DIEM>8.1</DIEM><DIEM>8.1</DIEM>"),
        (b"<DIEM>8.1</DIEM>", b"<DIEM_KTDK>8</DIEM_KTDK><MUC_DAT_DUOC>T</MUC_DAT_DUOC>"),
        (b"<DIEM>8.1</DIEM>", b""),
        (b"<KIEU_DANH_GIA>DIEM<", b"<KIEU_DANH_GIA>NHAN_XET<"),
        (b"<TU_CHON>false</TU_CHON>", b"<TU_CHON>0</TU_CHON>"),
        (b"<KHOI>7</KHOI>", b"<KHOI>07</KHOI>"),
        (b"<NGAY_SINH>2013-02-08", b"<NGAY_SINH>2013-02-30"),
        (b"<QUOC_TICH>", "<QUOC_TICH>\u202e".encode()),
        (b"<QUOC_TICH>", b"<QUOC_TICH> "),
        (b"<SU_KIEN>NEW</SU_KIEN>", b""),
        (
            b"<SU_KIEN>NEW</SU_KIEN><GIAI_DOAN>CA_NAM</GIAI_DOAN>",
            b"<GIAI_DOAN>CA_NAM</GIAI_DOAN><SU_KIEN>NEW</SU_KIEN>",
        ),
        (b"<CAP_HOC>THCS<", b"<CAP_HOC>TH<"),
        (b"<CAP_HOC>THCS<", b"<CAP_HOC>DH<"),
        (b'<DIEM_TONG_KET Id="diem-TOAN">', b'<DIEM_TONG_KET Id="diem-VAN">'),
        (b"<O_KY>gvbm-TOAN-1</O_KY>", b"<O_KY>gvbm-TOAN-2</O_KY>"),
        (b"<KHEN_THUONG>", b"<KHEN_THUONG/><KHEN_THUONG>"),
    ],
)
def test_a_document_with_anything_else_in_it_is_refused(old: bytes, new: bytes) -> None:
    assert old in _DOCUMENT
    with pytest.raises(MalformedTranscript):
        read_document(_DOCUMENT.replace(old, new, 1))


@pytest.mark.parametrize(
    "field",
    [
        b"<MA_HOC_BA>3e0f4c5a-6f5f-4a52-9b4b-0f6a1c2d3e4f</MA_HOC_BA>",
        b"<SO_HIEU>01J9ZK3T5V7X9ABCDEFGHJKMNP</SO_HIEU>",
        b"<NAM_HOC>2025-2026</NAM_HOC>",
        b"<MA_TRUONG>01000701</MA_TRUONG>",
        b"<LOP>7A2</LOP>",
        b"<MA_HOC_SINH>0140716223</MA_HOC_SINH>",
    ],
)
@pytest.mark.parametrize("number", [0, 11], ids=["first part", "last part"])
def test_a_part_of_another_transcript_is_refused(field: bytes, number: int) -> None:
    parts = _DOCUMENT.split(b"<DIEM_TONG_KET ")
    others = {b"2025-2026": b"2024-2025", b"7A2": b"7A3"}
    value = field[field.index(b">") + 1 : field.index(b"</")]
    other = others.get(value, value[:-1] + (b"1" if value[-1:] != b"1" else b"2"))
    parts[number + 1] = parts[number + 1].replace(field, field.replace(value, other))
    with pytest.raises(MalformedTranscript, match="another transcript"):
        read_document(b"<DIEM_TONG_KET ".join(parts))


def test_unknown_schema_version_is_said_to_be_unknown() -> None:
    with pytest.raises(UnsupportedSchema):
        read_document(_DOCUMENT.replace(b'phienBan="1.0"', b'phienBan="2.0"'))
    with pytest.raises(MalformedTranscript, match="root element"):
        read_document(b"<Invoice/>")


def test_an_unchanged_document_in_another_spelling_reads_the_same() -> None:
    spelled = b'<?xml version="1.0" encoding="UTF-8"?>\n' + _DOCUMENT.replace(b'Id="gvcn"></GVCN>', b"Id='gvcn'/>")
    read = read_document(spelled)
    assert canonicalize(read.root) == _DOCUMENT


def test_truncated_documents_are_refused() -> None:
    for length in range(0, len(_DOCUMENT), 997):
        with pytest.raises(InputError):
            read_document(_DOCUMENT[:length])


def test_parts_that_all_belong_to_another_transcript_are_refused() -> None:
    head, *parts = _DOCUMENT.split(b"<KET_QUA_MON_HOC>")
    moved = parts[0].replace(b"<LOP>7A2</LOP>", b"<LOP>7A3</LOP>")
    with pytest.raises(MalformedTranscript, match="another transcript"):
        read_document(head + b"<KET_QUA_MON_HOC>" + moved)


def test_a_signature_hidden_inside_another_is_refused() -> None:
    hidden = b"<ds:Object>" + fake_signature("cbql") + b"</ds:Object></ds:Signature>"
    wrapping = fake_signature("gvcn").replace(b"</ds:Signature>", hidden)
    with pytest.raises(MalformedTranscript, match="outside the signature slots"):
        read_document(_DOCUMENT.replace(b'<GVCN Id="gvcn">', b'<GVCN Id="gvcn">' + wrapping))


def test_a_signature_without_signed_info_does_not_fit_the_schema() -> None:
    signature = fake_signature("gvcn")
    start, end = signature.index(b"<ds:SignedInfo>"), signature.index(b"<ds:SignatureValue")
    with pytest.raises(MalformedTranscript, match="schema"):
        read_document(_DOCUMENT.replace(b'<GVCN Id="gvcn">', b'<GVCN Id="gvcn">' + signature[:start] + signature[end:]))


def test_a_slot_in_the_wrong_wrapper_is_refused() -> None:
    manager = b'<CBQL Id="cbql"></CBQL>'
    moved = _DOCUMENT.replace(manager, b"").replace(
        b"</DANH_SACH_THONG_TIN_KY>", manager + b"</DANH_SACH_THONG_TIN_KY>"
    )
    with pytest.raises(MalformedTranscript, match="schema"):
        read_document(moved)


def test_an_element_alone_is_read_as_strictly_as_the_whole() -> None:
    info = build_info(build_transcript())
    assert parse_transcript(parse_xml(info)) == build_transcript()
    with pytest.raises(MalformedTranscript, match="THEM"):
        parse_transcript(parse_xml(info.replace(b"</THONG_TIN_HOC_BA>", b"<THEM></THEM></THONG_TIN_HOC_BA>")))


def test_markup_in_texts_is_escaped_as_canonical_form_asks() -> None:
    transcript = replace(build_transcript(), homeroom_comment="Toán & Tin < 9 > 8 \"giỏi\" 'lắm' ]]>")
    document = build_document(transcript, build_issue(transcript))
    assert "Toán &amp; Tin &lt; 9 &gt; 8 \"giỏi\" 'lắm' ]]&gt;".encode() in document
    assert canonicalize(parse_xml(document)) == document
    read = read_document(document)
    assert isinstance(read, TranscriptDocument)
    assert read.transcript == transcript
