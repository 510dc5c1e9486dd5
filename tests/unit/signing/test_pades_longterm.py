"""Late timestamps, the security store with VRI, document timestamps: what is written, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from signing import pades
from signing.pades import longterm
from signing.pades.doc_timestamp import DOCUMENT_TIMESTAMP_ROOM
from signing.signer import SigningIdentity
from tests.support.pdf_levels import (
    EXTENDED_AT,
    SEAL_ALGORITHMS,
    Levels,
    build_client,
    build_levels,
    collect_evidence,
    list_people,
    open_seal_with,
)
from tests.support.signed_pdf import (
    PDF_SIGNED_AT,
    append_objects,
    partly_signed_pdf,
    prepare_slot,
    request_timestamp,
    sign_slot,
    stand_in_evidence,
    unsigned_pdf,
)
from tests.support.signers import make_signer
from transcript_core.errors import MalformedTranscript, SlotNotReady, StaleDigest, TimestampRefused
from transcript_core.pdf import PdfFile, Ref, Value, read_pdf
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel

RSA = SignatureAlgorithm.RSA_PKCS1_SHA256


@pytest.fixture(params=SEAL_ALGORITHMS, ids=lambda one: one.value)
def levels(request: pytest.FixtureRequest) -> Levels:
    return build_levels(request.param)


def get_store(pdf: bytes) -> tuple[PdfFile, dict[str, Value]]:
    file = read_pdf(pdf)
    catalog = file.get_object(file.last.root).value
    assert isinstance(catalog, dict)
    store = file.resolve(catalog["DSS"])
    assert isinstance(store, dict)
    return file, store


def list_streams(file: PdfFile, references: Value) -> set[bytes]:
    assert isinstance(references, list)
    return {one.raw for one in map(file.resolve, references)}  # type: ignore[union-attr]


# a timestamp that comes late


def test_each_level_says_itself(levels: Levels) -> None:
    states = [pades.read_state(one) for one in (levels.bb, levels.bt, levels.blt, levels.blta, levels.renewed)]
    assert [one.level.value for one in states] == ["B-B", "B-T", "B-LT", "B-LTA", "B-LTA"]
    assert [one.awaits_timestamp for one in states] == [True, False, False, False, False]
    assert [len(one.document_timestamps) for one in states] == [0, 0, 0, 1, 2]
    assert all(one.is_sealed for one in states)
    assert states[1].signature_timestamp is not None
    assert parse_timestamp(states[1].signature_timestamp).time == PDF_SIGNED_AT
    assert parse_timestamp(states[3].document_timestamps[0]).time == EXTENDED_AT


def test_late_timestamp_makes_the_file_that_a_timely_one_would_have_made() -> None:
    pdf, slots, policy = unsigned_pdf()
    for algorithm in SEAL_ALGORITHMS:
        seal = open_seal_with(algorithm)
        pending = prepare_slot(pdf, slots[-1], seal, policy)
        (value,) = seal.sign_digests([pending.digest])
        without = pades.attach(pdf, pending, value, identity=SigningIdentity.of(seal))
        token = request_timestamp(pades.timestamp_imprint(pending, value))
        assert pades.get_timestamp_imprint(without) == pades.timestamp_imprint(pending, value)
        assert pades.add_timestamp(without, token) == pades.attach(
            pdf, pending, value, identity=SigningIdentity.of(seal), timestamp=token
        )


def test_late_timestamp_changes_nothing_outside_the_room(levels: Levels) -> None:
    assert len(levels.bt) == len(levels.bb)
    changed = [at for at, (one, other) in enumerate(zip(levels.bb, levels.bt, strict=True)) if one != other]
    hole_at = levels.bb.rindex(b"/Contents <")
    assert hole_at < changed[0]
    assert changed[-1] < levels.bb.index(b">", hole_at)


@pytest.mark.parametrize("name", ["bt", "blt", "blta"])
def test_there_is_no_room_once_it_is_filled_or_covered(name: str) -> None:
    with pytest.raises(SlotNotReady):
        pades.get_timestamp_imprint(getattr(build_levels(RSA), name))


def test_section_behind_the_signature_closes_its_room() -> None:
    later = pades.append_evidence(build_levels(RSA).bb, [stand_in_evidence(make_signer())])
    assert not pades.read_state(later).awaits_timestamp
    with pytest.raises(SlotNotReady):
        pades.add_timestamp(later, request_timestamp(bytes(32)))


def test_person_without_room_awaits_no_timestamp() -> None:
    assert not pades.read_state(partly_signed_pdf()).awaits_timestamp
    assert not pades.read_state(unsigned_pdf()[0]).awaits_timestamp


@pytest.mark.parametrize("token", [request_timestamp(bytes(32)), b"", b"0\x03\x02\x01\x01"])
def test_timestamp_for_another_signature_is_refused(token: bytes) -> None:
    with pytest.raises(TimestampRefused):
        pades.add_timestamp(build_levels(RSA).bb, token)


# the security store


def test_store_holds_all_evidence_once_and_says_whose_it_is(levels: Levels) -> None:
    file, store = get_store(levels.blt)
    signatures = [one.value for revision in file.revisions[1:] for one in revision.objects.values()]
    contents = [one["Contents"] for one in signatures if isinstance(one, dict) and "Contents" in one]
    keys = [hashlib.sha1(one, usedforsecurity=False).hexdigest().upper() for one in contents if isinstance(one, bytes)]
    assert list(store) == ["Type", "Certs", "OCSPs", "CRLs", "VRI"]
    vri = store["VRI"]
    assert isinstance(vri, dict)
    assert list(vri) == keys
    for entry in vri.values():
        assert isinstance(entry, dict)
        for key, listed in (("Cert", "Certs"), ("OCSP", "OCSPs"), ("CRL", "CRLs")):
            assert list_streams(file, entry[key]) <= list_streams(file, store[listed])


def test_entry_of_the_seal_holds_the_evidence_of_its_timestamp_too() -> None:
    seal = open_seal_with(RSA)
    evidence = collect_evidence(seal, at=EXTENDED_AT - PDF_SIGNED_AT)
    file, store = get_store(pades.append_evidence(build_levels(RSA).bt, evidence))
    vri = store["VRI"]
    assert isinstance(vri, dict)
    (entry,) = vri.values()
    assert isinstance(entry, dict)
    assert list_streams(file, entry["OCSP"]) == {der for one in evidence for der in one.ocsps}
    assert list_streams(file, entry["Cert"]) == {one.der for each in evidence for one in each.chain[1:]}


def test_evidence_of_the_authority_alone_makes_no_entry() -> None:
    _, store = get_store(pades.append_evidence(build_levels(RSA).bt, collect_evidence()))
    assert "VRI" not in store


def test_seal_gets_its_entry_though_its_evidence_was_stored_before_it_signed() -> None:
    pdf, slots, policy = unsigned_pdf()
    seal = open_seal_with(RSA)
    of_stranger, *evidence = collect_evidence(list_people()[0], seal)
    pdf = pades.append_evidence(pdf, [of_stranger, *evidence])
    sealed = sign_slot(pdf, slots[-1], seal, policy, timestamped=True)
    assert "VRI" not in get_store(sealed)[1]
    file, store = get_store(pades.append_evidence(sealed, ()))
    vri = store["VRI"]
    assert isinstance(vri, dict)
    (entry,) = vri.values()
    assert isinstance(entry, dict)
    assert list_streams(file, entry["OCSP"]) == {der for one in evidence for der in one.ocsps}
    assert list_streams(file, entry["CRL"]) == {der for one in evidence for der in one.crls}
    assert list_streams(file, entry["Cert"]) == {one.der for each in evidence for one in each.chain[1:]}


def test_seal_gets_no_entry_before_the_status_of_its_timestamps_authority_is_there() -> None:
    pdf, slots, policy = unsigned_pdf()
    seal = open_seal_with(RSA)
    own, _ = collect_evidence(seal)
    sealed = sign_slot(pades.append_evidence(pdf, [own]), slots[-1], seal, policy, timestamped=True)
    assert pades.append_evidence(sealed, ()) == sealed
    assert "VRI" in get_store(pades.append_evidence(sealed, collect_evidence()))[1]


def test_evidence_of_people_is_said_to_be_theirs_before_the_seal_signs() -> None:
    pdf, slots, policy = unsigned_pdf()
    people = list_people()
    for signer, slot in zip(people, slots, strict=False):
        pdf = sign_slot(pdf, slot, signer, policy)
    _, store = get_store(pades.append_evidence(pdf, collect_evidence(*people, open_seal_with(RSA))))
    vri = store["VRI"]
    assert isinstance(vri, dict)
    assert len(vri) == 2


def test_evidence_that_is_there_already_changes_nothing() -> None:
    levels, hour = build_levels(RSA), EXTENDED_AT - PDF_SIGNED_AT
    again = collect_evidence(*list_people(), open_seal_with(RSA), at=hour)
    before = get_store(levels.blt)[1]
    after = get_store(pades.append_evidence(levels.blt, again))[1]
    assert after["VRI"] == before["VRI"]  # what an entry says never changes
    kept = after["Certs"]
    assert kept == before["Certs"]
    assert pades.append_evidence(levels.blt, []) == levels.blt


# document timestamps


def test_document_timestamp_covers_everything_but_its_token() -> None:
    pdf = build_levels(RSA).blt
    pending = pades.prepare_document_timestamp(pdf)
    stamped = pades.attach_document_timestamp(pdf, pending, request_timestamp(pending.imprint))
    hole_at = stamped.rindex(b"/Contents <") + len(b"/Contents ")
    hole_end = stamped.index(b">", hole_at) + 1
    assert hashlib.sha256(stamped[:hole_at] + stamped[hole_end:]).digest() == pending.imprint
    assert stamped.startswith(pdf)
    assert hole_end - hole_at == 2 * DOCUMENT_TIMESTAMP_ROOM + 2


def test_document_timestamp_adds_one_invisible_field_and_nothing_else() -> None:
    file = read_pdf(build_levels(RSA).blta)
    section = file.last
    fields = [one for one in section.objects.values() if isinstance(one.value, dict) and one.value.get("FT") == "Sig"]
    (field,) = fields
    assert isinstance(field.value, dict)
    assert (field.value["T"], field.value["Rect"], field.value["F"]) == (b"dau-thoi-gian-1", [-1, -1, -1, -1], 132)
    changed = {number for number in section.objects if number < file.revisions[-2].size}
    assert len(changed) == 2  # the form, and the page that bears the seal
    for number in changed:
        old = file.get_object(number, revision=section.number - 1).value
        new = section.objects[number].value
        assert isinstance(old, dict)
        assert isinstance(new, dict)
        ((key, items),) = ((key, new[key]) for key in new if new[key] != old[key])
        assert key in {"Fields", "Annots"}
        before = old[key]
        assert isinstance(before, list)
        assert items == [*before, Ref(field.number)]


def test_document_timestamp_before_the_seal_is_refused() -> None:
    for pdf in (unsigned_pdf()[0], partly_signed_pdf()):
        with pytest.raises(SlotNotReady):
            pades.prepare_document_timestamp(pdf)
        with pytest.raises(SlotNotReady):
            pades.extend(pdf, evidences=(), timestamps=build_client())


def test_document_timestamp_is_for_the_file_that_was_prepared() -> None:
    levels = build_levels(RSA)
    pending = pades.prepare_document_timestamp(levels.blt)
    token = request_timestamp(pending.imprint)
    with pytest.raises(StaleDigest):
        pades.attach_document_timestamp(levels.blta, pending, token)
    with pytest.raises(TimestampRefused):
        pades.attach_document_timestamp(levels.blt, pending, request_timestamp(bytes(32)))
    with pytest.raises(TimestampRefused):
        pades.attach_document_timestamp(levels.blt, pending, b"token")


def test_token_larger_than_its_room_is_refused() -> None:
    pdf = build_levels(RSA).blt
    small = pades.prepare_document_timestamp(pdf, room=1024)
    with pytest.raises(TimestampRefused, match="more room"):
        pades.attach_document_timestamp(pdf, small, request_timestamp(small.imprint))


def test_authority_with_long_tokens_is_asked_again_with_room_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longterm, "DOCUMENT_TIMESTAMP_ROOM", 1024)
    asked: list[bytes] = []

    def request(imprint: bytes) -> bytes:
        asked.append(imprint)
        return request_timestamp(imprint)

    stamped = longterm.stamp_document(build_levels(RSA).blt, request)
    assert len(asked) == 2
    assert len(pades.read_state(stamped).document_timestamps) == 1


def test_strange_file_is_refused() -> None:
    for pdf in (b"%PDF-1.7\n", build_levels(RSA).blta + b"\n", append_objects(partly_signed_pdf(), {1: b"<<>>"})[:-9]):
        with pytest.raises(MalformedTranscript):
            pades.read_state(pdf)


# the whole way


def test_extending_again_changes_nothing() -> None:
    levels, hour = build_levels(RSA), EXTENDED_AT - PDF_SIGNED_AT
    assert pades.extend(levels.blta, evidences=(), timestamps=build_client(hour)) == levels.blta
    assert pades.extend(levels.bt, evidences=(), timestamps=None, level=SignatureLevel.B_T) == levels.bt


def test_document_timestamp_over_no_evidence_is_no_archive_yet() -> None:
    levels, hour = build_levels(RSA), EXTENDED_AT - PDF_SIGNED_AT
    bare = pades.extend(levels.bt, evidences=(), timestamps=build_client(hour))
    assert (pades.read_state(bare).level, pades.read_state(bare).is_archived) == (SignatureLevel.B_T, False)
    assert pades.extend(bare, evidences=(), timestamps=build_client(hour)) == bare
    completed = pades.append_evidence(bare, collect_evidence(open_seal_with(RSA), at=hour))
    assert pades.read_state(completed).level is SignatureLevel.B_LT
    archived = pades.extend(completed, evidences=(), timestamps=build_client(hour))
    assert pades.read_state(archived).level is SignatureLevel.B_LTA
    assert len(pades.read_state(archived).document_timestamps) == 2


def test_extending_without_an_authority_is_refused_where_it_needs_one() -> None:
    levels = build_levels(RSA)
    for level in (SignatureLevel.B_T, SignatureLevel.B_LT, SignatureLevel.B_LTA):
        with pytest.raises(TimestampRefused):
            pades.extend(levels.bb, evidences=(), timestamps=None, level=level)


def test_renewing_needs_something_to_renew_and_may_be_done_any_number_of_times() -> None:
    levels = build_levels(RSA)
    with pytest.raises(SlotNotReady):
        pades.renew(levels.blt, evidences=(), timestamps=build_client())
    pdf = levels.renewed
    for year in range(1, 4):
        age = timedelta(days=300 + year)
        pdf = pades.renew(pdf, evidences=collect_evidence(at=age), timestamps=build_client(age))
    assert len(pades.read_state(pdf).document_timestamps) == 5
    assert pdf.startswith(levels.renewed)
