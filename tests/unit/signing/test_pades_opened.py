"""A PDF that stays opened is, after every signature, the one that is opened anew; nothing changes unseen meanwhile."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from signing import pades
from signing.pades import OpenPdf
from signing.signer import Pending, PendingFormat, SigningIdentity
from tests.support.signed_pdf import (
    PDF_SIGNED_AT,
    build_appearance,
    request_timestamp,
    sign_slot,
    stand_in_evidence,
    unsigned_pdf,
)
from tests.support.signers import MemorySigner, make_signer
from transcript_core.errors import (
    MalformedTranscript,
    SignatureMismatch,
    SlotNotReady,
    StaleDigest,
    TimestampRefused,
    TranscriptError,
)
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.policy import Slot
from verify.formats.pades import read_signed_pdf

ALGORITHMS = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PSS_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PKCS1_SHA512: "rsa-2048",
    SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
    SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
}
HASHES = ("sha256", "sha384", "sha512")


def prepare(pdf: bytes | OpenPdf, slot: Slot, signer: MemorySigner) -> Pending:
    octets, _, policy = unsigned_pdf()
    return pades.prepare(
        pdf,
        slot,
        SigningIdentity.of(signer),
        at=PDF_SIGNED_AT,
        appearance=build_appearance(octets, slot),
        policy=policy,
    )


def attach(pdf: bytes | OpenPdf, pending: Pending, signer: MemorySigner, **details: bytes) -> OpenPdf:
    (value,) = signer.sign_digests([pending.digest])
    return pades.attach_opened(pdf, pending, value, identity=SigningIdentity.of(signer), **details)


def assert_same(opened: OpenPdf, fresh: OpenPdf) -> None:
    """Both say the same about everything that can be asked."""
    assert opened.octets == fresh.octets
    assert opened.form == fresh.form
    assert opened.list_updated() == fresh.list_updated()
    assert opened.sha256 == fresh.sha256 == hashlib.sha256(fresh.octets).digest()
    for name in HASHES:
        expected = hashlib.new(name, fresh.octets + b"ab").digest()
        assert opened.digest_with((b"a", b"b"), name) == fresh.digest_with((b"ab",), name) == expected


def test_each_of_nineteen_signatures_leaves_what_opening_anew_finds() -> None:
    pdf, slots, _ = unsigned_pdf()
    document = OpenPdf(pdf)
    kinds = list(ALGORITHMS.items())
    for number, slot in enumerate(slots):
        algorithm, kind = kinds[number % len(kinds)]
        signer = make_signer(kind, name=slot.name, algorithm=algorithm)
        document = attach(document, prepare(document, slot, signer), signer)
        assert_same(document, OpenPdf(document.octets))
    read = read_signed_pdf(document.octets)
    assert [(one.intact, one.problems) for one in read.signatures] == [(True, ())] * 19
    assert read.problems == ()


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_opened_and_plain_octets_give_the_same_pending(algorithm: SignatureAlgorithm) -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    document = OpenPdf(pdf)
    assert document.sha256
    for slot in slots[:2]:
        opened, plain = prepare(document, slot, signer), prepare(document.octets, slot, signer)
        assert opened == plain == Pending.from_json(opened.to_json())
        document = attach(document, Pending.from_json(opened.to_json()), signer)
    assert [one.intact for one in read_signed_pdf(document.octets).signatures] == [True, True]


def test_a_section_of_another_kind_leaves_the_same() -> None:
    pdf, slots, policy = unsigned_pdf()
    document, signer = OpenPdf(pdf), make_signer()
    assert document.sha256
    longer = pades.append_evidence(pdf, [stand_in_evidence(signer)])
    appended = document.append(longer.removeprefix(pdf))
    assert_same(appended, OpenPdf(longer))
    signed = attach(appended, prepare(appended, slots[0], signer), signer)
    assert_same(signed, OpenPdf(sign_slot(longer, slots[0], signer, policy)))


def test_the_file_that_was_signed_stays_as_it_was() -> None:
    pdf, slots, _ = unsigned_pdf()
    document, signer = OpenPdf(pdf), make_signer("p-256")
    one, other = (attach(document, prepare(document, slot, signer), signer) for slot in slots[:2])
    assert_same(one, OpenPdf(one.octets))
    assert_same(other, OpenPdf(other.octets))
    assert_same(document, OpenPdf(pdf))


def test_an_opened_file_travels_as_its_octets() -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer("p-256")
    document = attach(pdf, prepare(pdf, slots[0], signer), signer)
    assert document.sha256
    assert_same(pickle.loads(pickle.dumps(document)), document)


def test_a_pending_travels_as_it_is() -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer("p-256")
    pending = prepare(pdf, slots[0], signer)
    travelled = pickle.loads(pickle.dumps(pending))
    assert travelled == pending
    assert read_signed_pdf(attach(pdf, travelled, signer).octets).signatures[0].intact


@pytest.mark.parametrize("section", [b"", b"x", b"\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"])
def test_what_is_no_section_of_this_file_is_not_appended(section: bytes) -> None:
    pdf, *_ = unsigned_pdf()
    with pytest.raises(MalformedTranscript):
        OpenPdf(pdf).append(section)


def test_a_section_made_for_another_file_is_not_appended() -> None:
    pdf, slots, policy = unsigned_pdf()
    first = sign_slot(pdf, slots[0], make_signer(), policy)
    second = sign_slot(first, slots[1], make_signer(), policy)
    with pytest.raises(MalformedTranscript, match="does not continue"):
        OpenPdf(pdf).append(second.removeprefix(first))
    with pytest.raises(MalformedTranscript, match="does not continue"):
        OpenPdf(first).append(first.removeprefix(pdf))


@pytest.mark.parametrize(
    ("old", "new"),
    [(rb"/Size \d+", b"/Size 7"), (rb"/Root \d+", b"/Root 7"), (rb"/Info \d+", b"/Info 7"), (rb"/ID\[<..", b"/ID[<07")],
)
def test_a_section_whose_trailer_says_something_else_is_not_appended(old: bytes, new: bytes) -> None:
    pdf, slots, policy = unsigned_pdf()
    section = sign_slot(pdf, slots[0], make_signer("p-256"), policy).removeprefix(pdf)
    other = section[: section.rindex(b"trailer")] + re.sub(old, new, section[section.rindex(b"trailer") :])
    assert other != section
    with pytest.raises(MalformedTranscript, match="does not continue"):
        OpenPdf(pdf).append(other)


def test_sections_that_follow_each_other_in_a_circle_are_refused() -> None:
    pdf, slots, policy = unsigned_pdf()
    signed = sign_slot(pdf, slots[0], make_signer("p-256"), policy)
    at = OpenPdf(signed).form.startxref
    circle = signed[:at] + re.sub(rb"/Prev \d+", b"/Prev %d" % at, signed[at:])
    with pytest.raises(MalformedTranscript, match="not written by this program"):
        prepare(circle, slots[1], make_signer("p-256"))


Path = Callable[[Pending, bytes], tuple[bytes | OpenPdf, Pending]]

PATHS: dict[str, Path] = {
    "octets": lambda pending, pdf: (pdf, pending),
    "opened": lambda pending, pdf: (OpenPdf(pdf), pending),
    "text, octets": lambda pending, pdf: (pdf, Pending.from_json(pending.to_json())),
    "text, opened": lambda pending, pdf: (OpenPdf(pdf), Pending.from_json(pending.to_json())),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.RSA_PKCS1_SHA256, SignatureAlgorithm.ECDSA_P384_SHA384])
def test_a_file_that_changed_meanwhile_is_refused_in_every_path(path: Path, algorithm: SignatureAlgorithm) -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    pending = prepare(pdf, slots[1], signer)
    middle = pdf.index(b"stream\n") + 40
    flipped = pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]
    longer = sign_slot(pdf, slots[0], make_signer("p-256"), policy)
    for changed in (flipped, longer):
        with pytest.raises(StaleDigest, match=f"slot {slots[1].slot_id}"):
            attach(*path(pending, changed), signer)
    assert read_signed_pdf(attach(*path(pending, pdf), signer).octets).signatures[0].intact


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_byte_changed_anywhere_is_refused(path: Path) -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer("p-256")
    pending = prepare(pdf, slots[0], signer)
    for place in range(0, len(pdf), len(pdf) // 60):
        changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
        with pytest.raises((StaleDigest, MalformedTranscript)):
            attach(*path(pending, changed), signer)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_field_that_was_signed_meanwhile_is_refused_in_every_path(path: Path) -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer("p-256")
    pending = prepare(pdf, slots[0], signer)
    with pytest.raises(SlotNotReady, match="already signed"):
        attach(*path(pending, sign_slot(pdf, slots[0], make_signer(), policy)), signer)
    with pytest.raises(SlotNotReady, match="closed"):
        attach(*path(pending, sign_slot(pdf, slots[-1], make_signer(), policy)), signer)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_value_for_another_document_is_refused_in_every_path(path: Path) -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer("p-256")
    one, other = prepare(pdf, slots[0], signer), prepare(pdf, slots[1], signer)
    (value,) = signer.sign_digests([other.digest])
    document, pending = path(one, pdf)
    with pytest.raises(SignatureMismatch, match=slots[0].slot_id):
        pades.attach_opened(document, pending, value, identity=SigningIdentity.of(signer))


def test_a_state_of_another_pending_is_refused() -> None:
    pdf, slots, _ = unsigned_pdf()
    signer = make_signer("p-256")
    one, other = prepare(pdf, slots[0], signer), prepare(pdf, slots[1], signer)
    for mixed in (replace(one, state=other.state), replace(one, state=dict(other.state))):
        with pytest.raises(MalformedTranscript, match=slots[0].slot_id):
            attach(pdf, mixed, signer)
    with pytest.raises(MalformedTranscript, match="prepared for xades"):
        attach(pdf, replace(one, format=PendingFormat.XADES), signer)


def test_a_timestamp_of_another_signature_leaves_the_opened_file_usable() -> None:
    pdf, slots, _ = unsigned_pdf()
    signer, document = make_signer("p-256"), OpenPdf(pdf)
    pending = prepare(document, slots[-1], signer)
    with pytest.raises(TimestampRefused):
        attach(document, pending, signer, timestamp=request_timestamp(bytes(32)))
    (value,) = signer.sign_digests([pending.digest])
    token = request_timestamp(pades.timestamp_imprint(pending, value))
    signed = pades.attach_opened(document, pending, value, identity=SigningIdentity.of(signer), timestamp=token)
    assert_same(signed, OpenPdf(signed.octets))
    assert read_signed_pdf(signed.octets).signatures[0].timestamp == token


@pytest.mark.parametrize("octets", [b"", b"%PDF-1.7\n"])
def test_a_file_of_another_program_is_not_opened(octets: bytes) -> None:
    with pytest.raises(TranscriptError):
        OpenPdf(octets)
