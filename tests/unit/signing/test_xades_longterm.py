"""Evidence and archive timestamps: what they cover, where they stand, and that nothing that is covered ever changes."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache

import pytest

from signing import xades
from signing.evidence import EvidenceCollector
from signing.signer import SigningIdentity
from signing.timestamp import TimestampClient
from signing.xades.unsigned import read_unsigned
from tests.support.pki import development_pki, open_person, open_seal, pki_at
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signed_pdf import request_timestamp
from tests.support.xades_text import iterate_archived
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.clock import FixedClock
from transcript_core.errors import MalformedTranscript, SlotNotReady, TimestampRefused
from transcript_core.model import SchoolLevel
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.evidence import Evidence
from transcript_core.pki.path import PathOutcome, Purpose, validate_path
from transcript_core.pki.timestamps import parse_timestamp
from transcript_core.policy import SignatureLevel, SigningPolicy, Slot
from transcript_core.xml import get_part, get_signature, read_document

YEAR = timedelta(days=365)


@cache
def sealed() -> tuple[bytes, tuple[Slot, ...], SigningPolicy]:
    """Return a primary document whose seal is a key of the development PKI, at level B-B without evidence."""
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    document = sign_slots(document, slots[:-1], policy)
    return sign_slots(document, slots[-1:], policy, signer=open_seal()), slots, policy


def stamp(imprint: bytes, years: int = 0) -> bytes:
    at = SIGNED_AT + years * YEAR
    return TimestampClient([development_pki().tsa_url], pki_at(at), clock=FixedClock(at)).request(imprint)


def collect(certificate: Certificate, chain: tuple[Certificate, ...], years: int = 0) -> Evidence:
    at = SIGNED_AT + years * YEAR
    collector = EvidenceCollector(pki_at(at), development_pki().trust_store(), FixedClock(at))
    return collector.collect(certificate, chain=chain)


def of_token(token: bytes, years: int = 0) -> Evidence:
    read = parse_timestamp(token)
    assert read.certificate is not None
    return collect(read.certificate, read.certificates, years)


@cache
def at_lt() -> bytes:
    document, slots, policy = sealed()
    token = stamp(xades.get_timestamp_imprint(document, slots[-1].slot_id))
    document = xades.add_timestamp(document, slots[-1], token, policy=policy)
    seal = open_seal()
    return xades.add_evidence(
        document, slots[-1], [collect(seal.certificate, seal.chain), of_token(token)], policy=policy
    )


@cache
def at_lta() -> bytes:
    _, slots, policy = sealed()
    token = stamp(xades.get_archive_imprint(at_lt(), slots[-1].slot_id))
    return xades.add_archive_timestamp(at_lt(), slots[-1], token, policy=policy)


@cache
def renewed() -> bytes:
    _, slots, policy = sealed()
    first = xades.read_state(at_lta(), slots[-1].slot_id).timestamps[-1]
    document = xades.add_evidence(at_lta(), slots[-1], [of_token(first.der, 1)], policy=policy)
    token = stamp(xades.get_archive_imprint(document, slots[-1].slot_id), 1)
    return xades.add_archive_timestamp(document, slots[-1], token, policy=policy)


def list_properties(document: bytes) -> list[str]:
    signature = get_signature(document, "ky-phat-hanh")
    assert signature is not None
    return [one.kind.value.partition(":")[2] for one in read_unsigned(signature).properties]


def test_the_levels_follow_each_other_and_every_octet_that_was_covered_stays() -> None:
    document, slots, _ = sealed()
    seal = slots[-1].slot_id
    steps = [document, at_lt(), at_lta(), renewed()]
    levels = [xades.read_state(one, seal).level for one in steps]
    assert levels == [SignatureLevel.B_B, SignatureLevel.B_LT, SignatureLevel.B_LTA, SignatureLevel.B_LTA]
    for step in steps:
        assert canonicalize(parse_xml(step)) == step
        assert set(read_document(step).signed) == {slot.slot_id for slot in slots}
        assert get_part(step, "data") == get_part(document, "data")
        assert get_signature(step, "cbql") == get_signature(document, "cbql")
    assert list_properties(renewed()) == [
        "SignatureTimeStamp",
        "RevocationValues",
        "ArchiveTimeStamp",
        "TimeStampValidationData",
        "ArchiveTimeStamp",
    ]


def test_the_imprint_is_that_of_the_standard_worked_out_from_the_text() -> None:
    """Not by the canonicaliser: every piece is cut out of the stored text and declared by hand."""
    document = renewed()
    signature = get_signature(document, "ky-phat-hanh")
    assert signature is not None
    part = read_unsigned(signature)
    tokens = [parse_timestamp(one.token) for one in part.properties if one.kind.value.endswith("ArchiveTimeStamp")]
    for token, before in zip(tokens, (2, 4), strict=True):
        covered = b"".join(iterate_archived(document, "ky-phat-hanh", before))
        assert token.imprint == hashlib.sha256(covered).digest()


def test_what_is_there_is_not_written_twice() -> None:
    document, slots, policy = sealed()
    seal = open_seal()
    evidence = collect(seal.certificate, seal.chain)
    token = xades.read_state(at_lt(), "ky-phat-hanh").timestamps[0].der
    assert xades.add_evidence(at_lt(), slots[-1], [evidence, of_token(token)], policy=policy) != document
    once = xades.add_evidence(document, slots[-1], [evidence], policy=policy)
    assert xades.add_evidence(once, slots[-1], [evidence], policy=policy) == once


def test_the_evidence_suffices_for_seal_and_authority_without_any_server() -> None:
    state = xades.read_state(at_lt(), "ky-phat-hanh")
    authority = state.timestamps[0].certificate
    assert authority is not None
    for certificate, purpose in ((state.signer, Purpose.SIGNING), (authority, Purpose.TIMESTAMPING)):
        result = validate_path(
            certificate,
            trust=development_pki().trust_store(),
            at=state.timestamps[0].time,
            extra=state.certificates,
            ocsps=state.ocsps,
            crls=state.crls,
            purpose=purpose,
        )
        assert result.outcome is PathOutcome.VALID, result.detail


def test_a_persons_evidence_before_the_principal_signs_suffices_too() -> None:
    """Chain, OCSP with the responder's certificate, and the CA's own status by CRL."""
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    person = open_person()
    identity = SigningIdentity.of(person)
    pending = xades.prepare(document, slots[0], identity, at=SIGNED_AT, policy=policy)
    (value,) = person.sign_digests([pending.digest])
    evidence = collect(person.certificate, person.chain)
    signed = xades.attach(document, pending, value, identity=identity, evidence=evidence)
    state = xades.read_state(signed, slots[0].slot_id)
    assert state.ocsps
    assert state.crls
    result = validate_path(
        state.signer,
        trust=development_pki().trust_store(),
        at=SIGNED_AT,
        extra=state.certificates,
        ocsps=state.ocsps,
        crls=state.crls,
    )
    assert result.outcome is PathOutcome.VALID, result.detail


def test_nothing_is_added_to_what_a_later_slot_covers() -> None:
    document, slots, policy = sealed()
    seal = open_seal()
    for slot in slots[:-1]:
        with pytest.raises(SlotNotReady, match="covered"):
            xades.add_evidence(document, slot, [collect(seal.certificate, seal.chain)], policy=policy)
        token = request_timestamp(xades.get_archive_imprint(document, slot.slot_id))
        with pytest.raises(SlotNotReady, match="seal"):
            xades.add_archive_timestamp(document, slot, token, policy=policy)


def test_an_archive_timestamp_comes_after_timestamp_and_evidence() -> None:
    document, slots, policy = sealed()
    token = request_timestamp(xades.get_archive_imprint(document, slots[-1].slot_id))
    with pytest.raises(SlotNotReady, match="B-LT"):
        xades.add_archive_timestamp(document, slots[-1], token, policy=policy)
    with pytest.raises(SlotNotReady, match="already"):
        xades.add_timestamp(at_lta(), slots[-1], stamp(bytes(32)), policy=policy)


def test_a_token_over_anything_else_is_refused() -> None:
    _, slots, policy = sealed()
    seal = slots[-1]
    wrong = (
        stamp(bytes(32)),
        stamp(xades.get_timestamp_imprint(at_lt(), seal.slot_id)),
        xades.read_state(at_lta(), seal.slot_id).timestamps[-1].der,  # the first one does not cover itself
        b"",
        b"\x30\x00",
    )
    for token in wrong:
        with pytest.raises(TimestampRefused):
            xades.add_archive_timestamp(at_lta(), seal, token, policy=policy)


@pytest.mark.parametrize("hash_name", ["sha384", "sha512"])
def test_stronger_imprints_are_taken(hash_name: str) -> None:
    _, slots, policy = sealed()
    token = stamp(xades.get_archive_imprint(at_lt(), slots[-1].slot_id, hash_name=hash_name))
    extended = xades.add_archive_timestamp(at_lt(), slots[-1], token, policy=policy)
    assert xades.read_state(extended, slots[-1].slot_id).timestamps[-1].imprint_hash == hash_name


def test_a_signature_with_foreign_properties_is_left_alone() -> None:
    _, slots, policy = sealed()
    foreign = at_lt().replace(b"<xades:SignatureTimeStamp>", b'<xades:SignatureTimeStamp Id="x">')
    with pytest.raises(MalformedTranscript):
        xades.read_state(foreign, slots[-1].slot_id)
    with pytest.raises(MalformedTranscript):
        xades.add_evidence(foreign, slots[-1], [of_token(stamp(bytes(32)))], policy=policy)


def test_the_signers_are_named_by_slot() -> None:
    document, slots, _ = sealed()
    found = xades.list_signers(document)
    assert set(found) == {slot.slot_id for slot in slots}
    assert found["ky-phat-hanh"] == open_seal().certificate
    assert found["gvcn"].common_name == slots[0].name
