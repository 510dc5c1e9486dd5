"""What may follow the seal, and every way to pass something else off as that."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import pades
from signing.pades import doc_timestamp, late_timestamp
from signing.pades.stored import read_stored
from tests.support.pdf_forging import (
    break_token,
    change,
    get_object,
    keep,
    request_by_signing_key,
    rewrite,
    stamp_edited,
    stamp_short,
)
from tests.support.pdf_levels import (
    SEAL_ALGORITHMS,
    Levels,
    build_levels,
    collect_evidence,
    list_people,
    open_seal_with,
)
from tests.support.signed_pdf import (
    append_objects,
    partly_signed_pdf,
    request_timestamp,
    stand_in_evidence,
)
from tests.support.signers import make_signer
from tests.vectors.pictures import signed_pdf
from tests.vectors.school import CHECKED_AT, school
from transcript_core.pdf import Name, Ref, Value, read_pdf, write_value
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.policy import SignatureLevel
from transcript_core.render import read_prepared
from verify.formats.pades import SignatureKind, read_signed_pdf
from verify.formats.pdf_revisions import ChangeKind, classify_revisions, read_form
from verify.levels import find_pdf_level
from verify.report import FindingOutcome, Outcome, Report

RSA = SignatureAlgorithm.RSA_PKCS1_SHA256


@pytest.fixture(params=SEAL_ALGORITHMS, ids=lambda one: one.value)
def levels(request: pytest.FixtureRequest) -> Levels:
    return build_levels(request.param)


def sealed() -> bytes:
    """Return a sealed document with evidence and without document timestamp."""
    return build_levels(RSA).blt


def list_codes(pdf: bytes) -> set[str]:
    """Return the codes of everything wrong with the file or one of its signatures."""
    read = read_signed_pdf(pdf)
    return {one.code for one in read.problems} | {one.code for sig in read.signatures for one in sig.problems}


# what our writer makes


def test_every_level_is_accepted(levels: Levels) -> None:
    for pdf, stamps in ((levels.bb, 0), (levels.bt, 0), (levels.blt, 0), (levels.blta, 1), (levels.renewed, 2)):
        read = read_signed_pdf(pdf)
        assert (read.problems, read.unsupported, read.covered_to_end) == ((), (), True)
        assert [one.kind for one in read.signatures].count(SignatureKind.DOCUMENT_TIMESTAMP) == stamps
        assert all(one.intact and not one.problems and not one.unsupported for one in read.signatures)


def test_every_revision_is_named_for_what_it_did() -> None:
    file = read_pdf(build_levels(RSA).renewed)
    assert [one.kind for one in classify_revisions(file, read_form(file))][-5:] == [
        ChangeKind.SIGNED,
        ChangeKind.STORED_EVIDENCE,
        ChangeKind.STAMPED,
        ChangeKind.STORED_EVIDENCE,
        ChangeKind.STAMPED,
    ]


def test_evidence_behind_the_last_timestamp_proves_itself() -> None:
    later = pades.append_evidence(build_levels(RSA).blta, [stand_in_evidence(make_signer())])
    assert list_codes(later) == set()
    assert read_signed_pdf(later).covered_to_end


# document timestamps that are none


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Tabs /S", b"/Tabs /R"),
        (b"/MediaBox [0 0 595", b"/MediaBox [0 0 195"),
        (b"/SigFlags 3", b"/SigFlags 1"),
        (b"/SigFlags 3", b"/XFA      3"),
        (b"/F 132/Rect", b"/F 4  /Rect"),
        (b"/Rect [-1 -1 -1 -1]", b"/Rect [0 0 500 800]"),
        (b"2D31>/TU", b"2D39>/TU"),
        (b"/FT /Sig", b"/FT /Btn"),
        (b"/TU <FEFF", b"/DA <FEFF"),
        (b"/Type/DocTimeStamp", b"/Type/Sig"),
        (b"/ETSI.RFC3161", b"/ETSI.RFC3162"),
        (b"/V 0/ByteRange", b"/V 1/ByteRange"),
        (b"/V 0/ByteRange", b"/R 0/ByteRange"),
        (b"/Annots [", b"/Annot  ["),
    ],
)
def test_timestamp_revision_in_another_form_is_named(old: bytes, new: bytes) -> None:
    """The timestamp itself is real and covers what was changed."""
    forged = stamp_edited(sealed(), change(old, new))
    assert list_codes(forged) == {"document-timestamp"}
    assert not read_signed_pdf(forged).covered_to_end


def test_timestamp_revision_that_brings_more_is_named() -> None:
    pdf = sealed()
    form = read_prepared(pdf)
    stamped = read_pdf(stamp_edited(pdf, keep)).last
    bodies = {number: write_value(one.value) for number, one in stamped.objects.items()}
    assert "document-timestamp" not in list_codes(append_objects(pdf, bodies))  # only the range is wrong
    for extra in (b"<</Type/Annot/Subtype/FreeText/Rect[0 0 9 9]>>", b"<</S/JavaScript/JS(x)>>"):
        assert "document-timestamp" in list_codes(append_objects(pdf, {**bodies, form.size + 2: extra}))


@pytest.mark.parametrize(
    ("forge", "codes"),
    [
        (lambda pdf: stamp_edited(pdf, keep, request=lambda _: request_timestamp(bytes(32))), {"imprint"}),
        (lambda pdf: stamp_edited(pdf, keep, finish=break_token), {"token"}),
        (lambda pdf: stamp_edited(pdf, keep, finish=lambda token: token + b"\1"), {"token"}),
        (lambda pdf: stamp_edited(pdf, keep, finish=lambda _: b""), {"token"}),
        (stamp_short, {"byte-range"}),
        (lambda pdf: stamp_edited(pdf, keep) + b"\n", {"revision-structure"}),
        (lambda pdf: stamp_edited(pdf, keep) + b"%%EOF\n", {"revision-structure"}),
    ],
    ids=["other-imprint", "other-value", "octets-behind-token", "no-token", "short-range", "line-end", "second-end"],
)
def test_timestamp_that_does_not_hold_is_named(forge: Callable[[bytes], bytes], codes: set[str]) -> None:
    assert list_codes(forge(sealed())) == codes


def test_timestamp_among_the_signatures_of_people_is_named() -> None:
    pending = doc_timestamp._build_section(read_stored(partly_signed_pdf()), doc_timestamp.DOCUMENT_TIMESTAMP_ROOM)
    imprint = hashlib.sha256(partly_signed_pdf() + pending.before + pending.after).digest()
    forged = partly_signed_pdf() + pending.fill(request_timestamp(imprint))
    assert list_codes(forged) == {"timestamp-before-seal"}


def test_timestamp_in_the_field_of_a_person_is_named() -> None:
    pdf = partly_signed_pdf()
    form = read_prepared(pdf)
    field = list(form.fields.values())[4]
    bodies = {
        form.size: b"<</Type/Sig/SubFilter/ETSI.RFC3161/ByteRange[0 1 2 3]/Contents <00>>>",
        form.size + 1: b"<</Type/XObject/Subtype/Form/BBox[0 0 1 1]/Length 3>>\nstream\nq Q\nendstream",
        field.object_number: field.dictionary + b"/AP<</N %d 0 R>>/V %d 0 R>>" % (form.size + 1, form.size),
    }
    assert "signature-dictionary" in list_codes(append_objects(pdf, bodies))


def test_signature_behind_the_timestamp_is_named() -> None:
    pdf = build_levels(RSA).blta
    field = list(read_prepared(pdf).fields.values())[9]
    assert "after-lock" in list_codes(rewrite(pdf, field.object_number, V=Ref(1)))


@pytest.mark.parametrize("kind", ["DocTimeStamp", "Annot"])
def test_timestamp_replaced_later_is_named(kind: str) -> None:
    pdf = build_levels(RSA).blta
    (number,) = (
        one.number
        for one in read_pdf(pdf).last.objects.values()
        if isinstance(one.value, dict) and one.value.get("Type") == Name(kind)
    )
    assert list_codes(rewrite(pdf, number, Note=1)) == {"field-signed-twice"}


@pytest.mark.parametrize("key", ["Annots", "Rotate", "Contents"])
def test_page_changed_behind_the_timestamp_is_named(key: str) -> None:
    pdf = build_levels(RSA).blta
    page = read_stored(pdf).file.last.objects
    (number,) = (n for n, one in page.items() if isinstance(one.value, dict) and one.value.get("Type") == Name("Page"))
    changed: Value = [] if key == "Annots" else 90 if key == "Rotate" else Ref(1)
    assert list_codes(rewrite(pdf, number, **{key: changed})) == {"revision-content"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.floats(0, 0.999999), octet=st.integers(1, 255))
def test_any_changed_octet_behind_the_seal_is_noticed(place: float, octet: int) -> None:
    """The last document timestamp covers everything but its own token."""
    pdf, start = build_levels(RSA).renewed, len(build_levels(RSA).bt)
    hole_at = pdf.rindex(b"/Contents <")
    at = start + int(place * (len(pdf) - start))
    if hole_at < at < pdf.index(b">", hole_at):
        return
    read = read_signed_pdf(pdf[:at] + bytes([pdf[at] ^ octet]) + pdf[at + 1 :])
    stamps = [one for one in read.signatures if one.kind is SignatureKind.DOCUMENT_TIMESTAMP]
    assert read.problems or not read.covered_to_end or not stamps or stamps[-1].problems


# stores that are more than that


def get_store_number(pdf: bytes) -> int:
    reference = get_object(pdf, read_prepared(pdf).root)["DSS"]
    assert isinstance(reference, Ref)
    return reference.number


def get_vri(pdf: bytes) -> dict[str, Value]:
    vri = get_object(pdf, get_store_number(pdf))["VRI"]
    assert isinstance(vri, dict)
    return dict(vri)


def forge_vri(forge: Callable[[dict[str, Value]], Value]) -> bytes:
    return rewrite(sealed(), get_store_number(sealed()), VRI=forge(get_vri(sealed())))


def first_key(vri: dict[str, Value]) -> str:
    return next(iter(vri))


@pytest.mark.parametrize(
    "forge",
    [
        lambda vri: {**vri, "0" * 40: {}},
        lambda vri: {**vri, first_key(vri).lower(): vri[first_key(vri)]},
        lambda vri: {**vri, hashlib.sha1(b"", usedforsecurity=False).hexdigest().upper(): {}},
        lambda vri: {**vri, first_key(vri): {}},
        lambda vri: {key: one for key, one in vri.items() if key != first_key(vri)},
        lambda _: [],
        lambda _: None,
    ],
)
def test_vri_that_names_or_changes_what_it_may_not_is_named(forge: Callable[[dict[str, Value]], Value]) -> None:
    assert list_codes(forge_vri(forge)) == {"store"}


@pytest.mark.parametrize(
    "entry", [{"Cert": [Ref(1)]}, {"Note": []}, {"OCSP": Ref(1)}, {"CRL": [1]}, {"TS": Ref(1)}, [], Ref(1)]
)
def test_vri_entry_of_another_form_is_named(entry: Value) -> None:
    """The document timestamp of this file has no entry yet, so its key may be added."""
    pdf = build_levels(RSA).blta
    key = read_stored(pdf).signatures[-1].vri_key
    vri = {**get_vri(pdf), key: entry}
    assert list_codes(rewrite(pdf, get_store_number(pdf), VRI=vri)) == {"store"}
    assert list_codes(rewrite(pdf, get_store_number(pdf), VRI={**get_vri(pdf), key: {}})) == set()


def test_second_store_is_named() -> None:
    pdf, form = sealed(), read_prepared(sealed())
    catalog = {**get_object(pdf, form.root), "DSS": Ref(form.size)}
    forged = append_objects(pdf, {form.root: write_value(catalog), form.size: b"<</Type/DSS>>"})
    assert list_codes(forged) == {"revision-content"}


@pytest.mark.parametrize("key", ["OpenAction", "Lang", "Metadata", "AA"])
def test_store_that_comes_with_another_catalog_is_named(key: str) -> None:
    pdf, form = build_levels(RSA).bt, read_prepared(build_levels(RSA).bt)
    catalog = {**get_object(pdf, form.root), "DSS": Ref(form.size), key: Name("x")}
    forged = append_objects(pdf, {form.root: write_value(catalog), form.size: b"<</Type/DSS>>"})
    assert list_codes(forged) == {"revision-content"}


@pytest.mark.parametrize(
    "body", [b"<</Type/Annot/Subtype/FreeText>>", b"<</Length 1/Type/XObject>>\nstream\nx\nendstream"]
)
def test_store_that_brings_an_annotation_is_named(body: bytes) -> None:
    pdf, form = sealed(), read_prepared(sealed())
    store = get_object(pdf, get_store_number(pdf))
    listed = store["OCSPs"]
    assert isinstance(listed, list)
    forged = append_objects(
        pdf,
        {get_store_number(pdf): write_value({**store, "OCSPs": [*listed, Ref(form.size)]}), form.size: body},
    )
    assert list_codes(forged) == {"store"}


@pytest.mark.parametrize("kind", ["Page", "Pages", "StructTreeRoot"])
def test_store_that_changes_another_object_too_is_named(kind: str) -> None:
    pdf = sealed()
    file = read_pdf(pdf)
    number = next(
        one
        for one in file.revisions[0].offsets
        if isinstance(value := file.get_object(one).value, dict) and value.get("Type") == Name(kind)
    )
    store = get_store_number(pdf)
    bodies = {store: write_value(get_object(pdf, store)), number: write_value({**get_object(pdf, number), "Note": 1})}
    assert list_codes(append_objects(pdf, bodies)) == {"revision-content"}


# the verdict on a transcript


@cache
def archived() -> bytes:
    """Return the full transcript of the sample school with a document timestamp."""
    return stamp_at(signed_pdf(), timedelta(0))


def stamp_at(pdf: bytes, before: timedelta, request: Callable[[bytes], bytes] | None = None) -> bytes:
    here = school()
    here.clock.at = CHECKED_AT - timedelta(hours=1) - before
    _, evidence = here.stamp(bytes(32))
    pdf = pades.append_evidence(pdf, [here.collect(here.seal()), evidence])
    pending = pades.prepare_document_timestamp(pdf)
    token = request(pending.imprint) if request else here.stamp(pending.imprint)[0]
    return pades.attach_document_timestamp(pdf, pending, token)


def verify(pdf: bytes) -> Report:
    return school().verifier().verify(pdf, at=CHECKED_AT)


def list_failing(report: Report) -> set[str]:
    bad = {FindingOutcome.FAILED, FindingOutcome.INDETERMINATE}
    return {finding.check for finding in report.findings if finding.outcome in bad}


def drop_seal_timestamp(pdf: bytes) -> bytes:
    """Return the file as it would be had no authority answered when the seal signed."""
    return set_unsigned_attributes(pdf, None)


def set_unsigned_attributes(pdf: bytes, attributes: object) -> bytes:
    """Return the file with these unsigned attributes in its last signature, which no signature covers."""
    last = read_stored(pdf).signatures[-1]
    content = last.content_info
    content["content"]["signer_infos"][0]["unsigned_attrs"] = attributes
    filled: bytes = content.dump().ljust(len(last.contents), b"\0").hex().encode()
    return pdf[: last.hole_at + 1] + filled + pdf[last.hole_at + 1 + len(filled) :]


def test_archived_transcript_passes_and_says_its_level() -> None:
    report = verify(archived())
    assert (report.outcome, list_failing(report)) == (Outcome.PASSED, set())
    assert {one.level for one in report.signatures} == {"B-LTA"}
    assert {one.proven_time for one in report.signatures} == {verify(signed_pdf()).signatures[-1].proven_time}
    assert len(report.signatures) == 19


def test_levels_before_the_document_timestamp() -> None:
    levels = [one.level for one in verify(signed_pdf()).signatures]
    assert levels == ["B-B"] * 18 + ["B-LT"]
    assert [one.level for one in verify(drop_seal_timestamp(signed_pdf())).signatures] == ["B-B"] * 19


def test_evidence_that_no_document_timestamp_covers_is_not_archived() -> None:
    bare = build_levels(RSA).bt
    stamped = stamp_edited(bare, keep)
    completed = pades.append_evidence(stamped, collect_evidence(*list_people(), open_seal_with(RSA)))
    read = read_signed_pdf(completed)
    found = [find_pdf_level(one, read) for one in read.signatures if one.kind is SignatureKind.SIGNATURE]
    assert found == [SignatureLevel.B_LT] * 3
    read = read_signed_pdf(stamp_edited(completed, keep))
    found = [find_pdf_level(one, read) for one in read.signatures if one.kind is SignatureKind.SIGNATURE]
    assert found == [SignatureLevel.B_LTA] * 3


def test_document_timestamp_proves_the_time_of_all_when_the_seal_has_none() -> None:
    pdf = stamp_at(drop_seal_timestamp(signed_pdf()), timedelta(0))
    report = verify(pdf)
    assert (report.outcome, list_failing(report)) == (Outcome.PASSED, set())
    assert {one.proven_time for one in report.signatures} == {CHECKED_AT - timedelta(hours=1)}
    assert {one.level for one in report.signatures} == {"B-LTA"}


def test_earliest_of_several_timestamps_counts() -> None:
    first = stamp_at(drop_seal_timestamp(signed_pdf()), timedelta(hours=1))
    report = verify(stamp_at(first, timedelta(0)))
    assert report.outcome is Outcome.PASSED
    assert {one.proven_time for one in report.signatures} == {CHECKED_AT - timedelta(hours=2)}


def test_timestamp_of_an_authority_without_the_usage_proves_nothing() -> None:
    pdf = stamp_at(drop_seal_timestamp(signed_pdf()), timedelta(0), request_by_signing_key)
    assert list_codes(pdf) == set()  # its mathematics is right
    report = verify(pdf)
    assert (report.outcome, list_failing(report)) == (Outcome.INDETERMINATE, {"time.timestamps"})
    assert {one.proven_time for one in report.signatures} == {None}


def test_timestamp_over_too_little_proves_nothing() -> None:
    report = verify(stamp_short(drop_seal_timestamp(signed_pdf())))
    assert report.outcome is Outcome.FAILED
    assert "pdf.revisions" in list_failing(report)
    assert {one.proven_time for one in report.signatures} == {None}
    assert {one.level for one in report.signatures} == {"B-B"}


def test_timestamp_for_another_file_fails_the_transcript() -> None:
    report = verify(stamp_edited(signed_pdf(), keep, request=lambda _: request_timestamp(bytes(32))))
    assert report.outcome is Outcome.FAILED
    assert list_failing(report) >= {"pdf.revisions", "time.timestamps"}


def test_copied_timestamp_in_the_seal_is_no_level() -> None:
    """The token is one of the same authority, for something else."""
    forged = set_unsigned_attributes(signed_pdf(), [late_timestamp._build_attribute(request_timestamp(bytes(32)))])
    report = verify(forged)
    assert report.signatures[-1].level == "B-B"
    assert report.outcome is Outcome.FAILED
    assert list_failing(report) == {"time.timestamps"}


def test_octets_behind_the_last_timestamp_fail_the_transcript() -> None:
    for tail in (b"\n", b"junk", re.sub(rb"\d", b"0", archived()[-400:])):
        assert verify(archived() + tail).outcome is Outcome.FAILED
