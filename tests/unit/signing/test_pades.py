"""The PAdES writer: what it writes, and what it refuses to write."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import timedelta

import pytest
from asn1crypto import cms

from signing import pades
from signing.pades import phases
from signing.signer import Pending, SigningIdentity
from tests.support.samples import build_issue, build_transcript
from tests.support.signed_pdf import (
    PDF_SIGNED_AT,
    build_appearance,
    partly_signed_pdf,
    prepare_slot,
    request_timestamp,
    sign_slot,
    stand_in_evidence,
    unsigned_pdf,
)
from tests.support.signers import make_signer
from transcript_core.errors import (
    MalformedTranscript,
    NotFound,
    SignatureMismatch,
    SlotNotReady,
    StaleDigest,
    TimestampRefused,
)
from transcript_core.pdf import String, read_pdf, read_text_string
from transcript_core.pki import cades
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.policy import SignatureLevel
from transcript_core.render import read_prepared
from verify.formats.pades import read_signed_pdf

ALGORITHMS = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PSS_SHA256: "rsa-2048",
    SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
    SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
}


def read_dictionary(pdf: bytes) -> dict[str, object]:
    """Return the signature dictionary that the last revision wrote."""
    values = [one.value for one in read_pdf(pdf).last.objects.values()]
    return next(dict(value) for value in values if isinstance(value, dict) and value.get("Type") == "Sig")


def read_signer_info(pdf: bytes) -> cms.SignerInfo:
    contents = read_dictionary(pdf)["Contents"]
    return cms.ContentInfo.load(contents)["content"]["signer_infos"][0]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_every_algorithm_signs(algorithm: SignatureAlgorithm) -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    for slot in slots[:2]:  # twice, since ECDSA values differ in length
        pdf = sign_slot(pdf, slot, signer, policy)
    read = read_signed_pdf(pdf)
    assert [(one.intact, one.algorithm, one.problems) for one in read.signatures] == [(True, algorithm, ())] * 2


def test_what_was_there_stays_byte_for_byte() -> None:
    pdf, slots, policy = unsigned_pdf()
    signed = sign_slot(pdf, slots[0], make_signer(), policy)
    assert signed.startswith(pdf)
    assert signed.endswith(b"%%EOF\n")
    assert read_pdf(signed).trouble is None


def test_signed_attributes_are_those_of_the_profile() -> None:
    pdf, slots, policy = unsigned_pdf()
    info = read_signer_info(sign_slot(pdf, slots[0], make_signer(), policy))
    encoded = [attribute.dump() for attribute in info["signed_attrs"]]
    assert encoded == sorted(encoded)
    assert {attribute["type"].dotted for attribute in info["signed_attrs"]} == {
        cades.CONTENT_TYPE,
        cades.MESSAGE_DIGEST,
        cades.SIGNING_CERTIFICATE_V2,
        cades.SIGNATURE_POLICY,
        cades.COMMITMENT_TYPE,
        cades.SIGNER_ATTRIBUTES_V2,
    }


def test_the_cms_names_the_policy_and_carries_the_chain() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    (read,) = read_signed_pdf(sign_slot(pdf, slots[0], signer, policy)).signatures
    assert (read.policy_oid, read.policy_digest) == (policy.oid, policy.digest)
    assert read.commitments == (slots[0].rule.commitment,)
    assert (read.signer, read.certificates) == (signer.certificate, signer.chain)


def test_vietnamese_names_survive_in_the_dictionary() -> None:
    pdf, slots, policy = unsigned_pdf()
    dictionary = read_dictionary(sign_slot(pdf, slots[0], make_signer(name="Hoàng Hữu An"), policy))
    name = dictionary["Name"]
    assert isinstance(name, String)
    assert read_text_string(name) == slots[0].name == "Hoàng Hữu An"
    assert dictionary["M"] == b"D:20260531080000+07'00'"
    assert "Reason" not in dictionary


def test_person_s_room_fits_exactly_but_for_ecdsa() -> None:
    pdf, slots, policy = unsigned_pdf()
    contents = read_dictionary(sign_slot(pdf, slots[0], make_signer(), policy))["Contents"]
    assert isinstance(contents, bytes)
    assert len(cms.ContentInfo.load(contents).dump()) == len(contents)


def test_pending_survives_as_text_and_stays_small() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = prepare_slot(pdf, slots[0], signer, policy)
    text = pending.to_json()
    (value,) = signer.sign_digests([pending.digest])
    signed = pades.attach(pdf, Pending.from_json(text), value, identity=SigningIdentity.of(signer))
    assert read_signed_pdf(signed).signatures[0].intact
    assert len(text) < 4096


def test_seal_s_pending_is_small_enough_to_be_read_back() -> None:
    pdf, slots, policy = unsigned_pdf()
    pending = prepare_slot(pdf, slots[-1], make_signer(), policy)
    assert Pending.from_json(pending.to_json()) == pending


def test_preparing_twice_gives_the_same_digest() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    assert prepare_slot(pdf, slots[0], signer, policy) == prepare_slot(pdf, slots[0], signer, policy)


def test_second_of_two_prepared_is_stale() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    late = prepare_slot(pdf, slots[1], signer, policy)
    (value,) = signer.sign_digests([late.digest])
    signed = sign_slot(pdf, slots[0], signer, policy)
    with pytest.raises(StaleDigest, match=slots[1].slot_id):
        pades.attach(signed, late, value, identity=SigningIdentity.of(signer))


def test_same_slot_signed_meanwhile_is_not_ready() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = prepare_slot(pdf, slots[0], signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    signed = pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer))
    with pytest.raises(SlotNotReady):
        pades.attach(signed, pending, value, identity=SigningIdentity.of(signer))


def test_signed_field_is_not_prepared_again() -> None:
    _, slots, policy = unsigned_pdf()
    with pytest.raises(SlotNotReady, match="already signed"):
        prepare_slot(partly_signed_pdf(), slots[0], make_signer(), policy)


def test_nothing_is_signed_after_the_seal() -> None:
    pdf, slots, policy = unsigned_pdf()
    sealed = sign_slot(pdf, slots[-1], make_signer(), policy)
    with pytest.raises(SlotNotReady, match="closed"):
        prepare_slot(sealed, slots[0], make_signer(), policy)


def test_value_of_another_key_is_refused() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer, other = make_signer(), make_signer(number=1)
    pending = prepare_slot(pdf, slots[0], signer, policy)
    (value,) = other.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch, match="does not verify"):
        pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer))
    with pytest.raises(SignatureMismatch, match="not the one fixed"):
        pades.attach(pdf, pending, value, identity=SigningIdentity.of(other))


def test_ecdsa_value_that_is_not_raw_is_refused() -> None:
    pdf, slots, policy = unsigned_pdf()
    pending = prepare_slot(pdf, slots[0], make_signer("p-256"), policy)
    with pytest.raises(SignatureMismatch, match="raw"):
        pades.timestamp_imprint(pending, bytes(63))


def test_slot_without_field_is_named() -> None:
    pdf, slots, policy = unsigned_pdf()
    stranger = dataclasses.replace(slots[0], slot_id="gvbm-KHAC-1")
    with pytest.raises(NotFound, match="gvbm-KHAC-1"):
        pades.prepare(
            pdf,
            stranger,
            SigningIdentity.of(make_signer()),
            at=PDF_SIGNED_AT,
            appearance=build_appearance(pdf, slots[0]),
            policy=policy,
        )


def test_file_of_another_program_is_refused() -> None:
    _, slots, policy = unsigned_pdf()
    pdf, *_ = unsigned_pdf()
    with pytest.raises(MalformedTranscript):
        pades.prepare(
            b"%PDF-1.4\n",
            slots[0],
            SigningIdentity.of(make_signer()),
            at=PDF_SIGNED_AT,
            appearance=build_appearance(pdf, slots[0]),
            policy=policy,
        )


@pytest.mark.parametrize("name", ["section", "attributes", "room", "hole_at", "digest_at"])
def test_pending_with_a_broken_state_is_refused(name: str) -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = prepare_slot(pdf, slots[0], signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    state = {key: entry for key, entry in pending.state.items() if key != name}
    with pytest.raises(MalformedTranscript):
        pades.attach(pdf, dataclasses.replace(pending, state=state), value, identity=SigningIdentity.of(signer))


def test_timestamp_lies_in_the_seal_s_signature() -> None:
    pdf, slots, policy = unsigned_pdf()
    signed = sign_slot(pdf, slots[-1], make_signer(), policy, timestamped=True)
    (read,) = read_signed_pdf(signed).signatures
    assert read.intact
    assert read.timestamp is not None
    value = read_signer_info(signed)["signature"].native
    assert read.timestamp_imprint == hashlib.sha256(value).digest()


def test_ecdsa_timestamp_covers_the_der_value() -> None:
    pdf, slots, policy = unsigned_pdf()
    signed = sign_slot(pdf, slots[-1], make_signer("p-256"), policy, timestamped=True)
    value = read_signer_info(signed)["signature"].native
    assert read_signed_pdf(signed).signatures[0].timestamp_imprint == hashlib.sha256(value).digest()


def test_timestamp_of_another_signature_is_refused() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = prepare_slot(pdf, slots[-1], signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    for token in (request_timestamp(bytes(32)), b"no token"):
        with pytest.raises(TimestampRefused):
            pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer), timestamp=token)


def test_timestamp_needs_room_that_was_kept() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = prepare_slot(pdf, slots[0], signer, policy)  # a person's slot is B-B: no room for a token
    (value,) = signer.sign_digests([pending.digest])
    token = request_timestamp(pades.timestamp_imprint(pending, value))
    with pytest.raises(TimestampRefused, match="bytes"):
        pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer), timestamp=token)


def test_higher_level_keeps_room_for_a_timestamp() -> None:
    pdf, slots, policy = unsigned_pdf()
    signer = make_signer()
    pending = pades.prepare(
        pdf,
        slots[0],
        SigningIdentity.of(signer),
        at=PDF_SIGNED_AT,
        appearance=build_appearance(pdf, slots[0]),
        policy=policy,
        level=SignatureLevel.B_T,
    )
    (value,) = signer.sign_digests([pending.digest])
    token = request_timestamp(pades.timestamp_imprint(pending, value))
    signed = pades.attach(pdf, pending, value, identity=SigningIdentity.of(signer), timestamp=token)
    assert read_signed_pdf(signed).signatures[0].timestamp == token
    assert len(token) < phases.TIMESTAMP_ROOM


def test_time_without_microseconds_is_what_is_pending() -> None:
    pdf, slots, policy = unsigned_pdf()
    pending = pades.prepare(
        pdf,
        slots[0],
        SigningIdentity.of(make_signer()),
        at=PDF_SIGNED_AT + timedelta(microseconds=7),
        appearance=build_appearance(pdf, slots[0]),
        policy=policy,
    )
    assert pending.signing_time == PDF_SIGNED_AT


def test_evidence_is_stored_once() -> None:
    pdf = partly_signed_pdf()
    evidence = stand_in_evidence(make_signer())
    once = pades.append_evidence(pdf, [evidence, evidence])
    assert once.startswith(pdf)
    assert pades.append_evidence(once, [evidence]) == once
    read = read_signed_pdf(once)
    assert (read.dss_ocsps, read.problems) == (evidence.ocsps, ())
    assert read.dss_certificates == evidence.chain[1:]


def test_later_evidence_joins_the_store() -> None:
    once = pades.append_evidence(partly_signed_pdf(), [stand_in_evidence(make_signer())])
    more = stand_in_evidence(make_signer(), crls=(b"\x30\x00",))
    read = read_signed_pdf(pades.append_evidence(once, [more]))
    assert (len(read.dss_ocsps), read.dss_crls, read.problems) == (1, (b"\x30\x00",), ())


def test_every_slot_has_its_field_and_the_seal_locks() -> None:
    pdf, slots, policy = unsigned_pdf()
    transcript = build_transcript()
    assert list(read_prepared(pdf).fields) == [slot.slot_id for slot in slots]
    assert build_issue(transcript).manager.slot_id in read_prepared(pdf).fields
    (read,) = read_signed_pdf(sign_slot(pdf, slots[-1], make_signer(), policy)).signatures
    assert read.closes
