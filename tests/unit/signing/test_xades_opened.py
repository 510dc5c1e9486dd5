"""XAdES signatures in a document that stays opened, and what changes between prepare and attach, in every path."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from signing import xades
from signing.signer import Pending, SigningIdentity
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signers import MemorySigner, make_signer
from transcript_core.canonical import build_id_map, canonicalize, parse_xml
from transcript_core.errors import MalformedTranscript, SignatureMismatch, SlotNotReady, StaleDigest
from transcript_core.model import SchoolLevel, SlotRole
from transcript_core.pki.algorithms import SignatureAlgorithm
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import Slot
from transcript_core.xml import StoredDocument, get_signature, read_document
from verify.formats.octets import OctetCache
from verify.formats.xades import read_signatures

ALGORITHMS = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "rsa-2048",
    SignatureAlgorithm.RSA_PSS_SHA384: "rsa-2048",
    SignatureAlgorithm.ECDSA_P256_SHA256: "p-256",
    SignatureAlgorithm.ECDSA_P384_SHA384: "p-384",
}


def prepare(document: bytes | StoredDocument, slot: Slot, signer: MemorySigner) -> Pending:
    _, _, policy = build_unsigned()
    return xades.prepare(document, slot, SigningIdentity.of(signer), at=SIGNED_AT, policy=policy)


def attach(document: bytes | StoredDocument, pending: Pending, signer: MemorySigner) -> StoredDocument:
    (value,) = signer.sign_digests([pending.digest])
    return xades.attach_opened(document, pending, value, identity=SigningIdentity.of(signer))


def test_nineteen_people_sign_one_opened_document() -> None:
    octets, slots, _ = build_unsigned()
    document, plain = StoredDocument(octets), octets
    kinds = list(ALGORITHMS.items())
    for number, slot in enumerate(slots):
        algorithm, kind = kinds[number % len(kinds)]
        signer = make_signer(kind, name=slot.name, algorithm=algorithm)
        pending = prepare(document, slot, signer)
        assert pending == prepare(plain, slot, signer) == Pending.from_json(pending.to_json())
        (value,) = signer.sign_digests([pending.digest])
        travelled = Pending.from_json(pending.to_json())
        plain = xades.attach(plain, travelled, value, identity=SigningIdentity.of(signer))
        document = xades.attach_opened(document, pending, value, identity=SigningIdentity.of(signer))
        assert document.octets == plain
    assert canonicalize(parse_xml(document.octets)) == document.octets
    assert set(read_document(document.octets).signed) == {slot.slot_id for slot in slots}


def test_frames_of_two_documents_differ_by_digest_and_value_alone() -> None:
    octets, slots, _ = build_unsigned()
    other = octets.replace(b"8.4", b"9.4")
    signer = make_signer("p-256")
    signatures = []
    for document in (octets, other):
        signed = attach(document, prepare(document, slots[0], signer), signer)
        signatures.append(get_signature(signed.octets, slots[0].slot_id) or b"")
    one, two = (canonicalize(parse_xml(signature)) for signature in signatures)
    differing = [number for number, (left, right) in enumerate(zip(one, two, strict=True)) if left != right]
    digest_at, value_at = one.index(b"<ds:DigestValue>"), one.index(b"<ds:SignatureValue ")
    assert differing[0] > digest_at
    assert any(digest_at < place < digest_at + 64 for place in differing)
    assert all(digest_at < place < digest_at + 64 or value_at < place < value_at + 160 for place in differing)


def test_evidence_of_one_action_never_slips_into_another() -> None:
    octets, slots, _ = build_unsigned()
    signer = make_signer("p-256")
    pending = prepare(octets, slots[0], signer)
    (value,) = signer.sign_digests([pending.digest])
    identity = SigningIdentity.of(signer)
    evidences = [None, *(Evidence((signer.certificate,), (ocsp,), (), SIGNED_AT) for ocsp in (b"\x30one", b"\x30two"))]
    signed = [xades.attach(octets, pending, value, identity=identity, evidence=one) for one in (*evidences, *evidences)]
    assert signed[:3] == signed[3:]
    assert [one.count(b"EncapsulatedOCSPValue>") for one in signed[:3]] == [0, 2, 2]
    assert len(set(signed)) == 3


def test_a_chain_or_a_role_or_a_moment_makes_another_signature() -> None:
    octets, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    identity = SigningIdentity.of(signer)
    changes = [
        (slots[0], identity, SIGNED_AT),
        (slots[0], replace(identity, chain=()), SIGNED_AT),
        (replace(slots[0], class_name="7A9"), identity, SIGNED_AT),
        (slots[0], identity, SIGNED_AT + timedelta(seconds=1)),
    ]
    made = set()
    for slot, who, at in changes:
        pending = xades.prepare(octets, slot, who, at=at, policy=policy)
        (value,) = signer.sign_digests([pending.digest])
        made.add(xades.attach(octets, pending, value, identity=who))
    assert len(made) == len(changes)


Path = Callable[[Pending, bytes], tuple[bytes | StoredDocument, Pending]]

PATHS: dict[str, Path] = {
    "octets": lambda pending, document: (document, pending),
    "opened": lambda pending, document: (StoredDocument(document), pending),
    "text, octets": lambda pending, document: (document, Pending.from_json(pending.to_json())),
    "text, opened": lambda pending, document: (StoredDocument(document), Pending.from_json(pending.to_json())),
    "pickled": lambda pending, document: (document, pickle.loads(pickle.dumps(pending))),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.value)
def test_a_part_that_changed_meanwhile_is_refused_in_every_path(path: Path, algorithm: SignatureAlgorithm) -> None:
    document, slots, _ = build_unsigned()
    signer = make_signer(ALGORITHMS[algorithm], algorithm=algorithm)
    pending = prepare(document, slots[0], signer)
    with pytest.raises(StaleDigest, match=f"slot {slots[0].slot_id}: part diem-TOAN"):
        attach(*path(pending, document.replace(b"8.4", b"9.4")), signer)
    assert attach(*path(pending, document), signer).is_signed(slots[0].slot_id)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_teachers_signature_that_changed_is_refused_for_the_principal(path: Path) -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    number = next(number for number, slot in enumerate(slots) if slot.role is SlotRole.MANAGER)
    full = sign_slots(document, slots[:number], policy, signer=signer)
    pending = prepare(full, slots[number], signer)
    place = full.index(b"<ds:SignatureValue ") + 60
    changed = full[:place] + (b"A" if full[place : place + 1] != b"A" else b"B") + full[place + 1 :]
    with pytest.raises(StaleDigest, match="part data"):
        attach(*path(pending, changed), signer)
    assert attach(*path(pending, full), signer).is_signed(slots[number].slot_id)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_slot_that_was_signed_meanwhile_is_refused_in_every_path(path: Path) -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    pending = prepare(document, slots[0], signer)
    with pytest.raises(SlotNotReady, match=slots[0].slot_id):
        attach(*path(pending, sign_slots(document, slots[:1], policy)), signer)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_value_for_another_slot_is_refused_in_every_path(path: Path) -> None:
    document, slots, _ = build_unsigned()
    signer = make_signer("p-256")
    (value,) = signer.sign_digests([prepare(document, slots[1], signer).digest])
    opened, pending = path(prepare(document, slots[0], signer), document)
    with pytest.raises(SignatureMismatch, match=slots[0].slot_id):
        xades.attach(opened, pending, value, identity=SigningIdentity.of(signer))


def test_a_state_of_another_pending_is_refused() -> None:
    document, slots, _ = build_unsigned()
    signer = make_signer("p-256")
    one, other = prepare(document, slots[0], signer), prepare(document, slots[1], signer)
    for mixed in (
        replace(one, state=other.state),
        replace(one, state=dict(other.state)),
        replace(other, slot_id=slots[0].slot_id),
    ):
        with pytest.raises(StaleDigest, match=slots[0].slot_id):
            attach(document, mixed, signer)


def test_a_name_with_a_character_that_is_none_of_xml_is_refused() -> None:
    document, slots, _ = build_unsigned()
    with pytest.raises(MalformedTranscript):
        prepare(document, replace(slots[0], school_name="Trường\0 THCS"), make_signer("p-256"))


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_the_verifier_finds_every_signature_intact(level: SchoolLevel) -> None:
    octets, slots, policy = build_unsigned(level)
    document = StoredDocument(octets)
    for slot in slots:
        signer = make_signer("p-256", name=slot.name)
        pending = xades.prepare(document, slot, SigningIdentity.of(signer), at=SIGNED_AT, policy=policy)
        document = attach(document, pending, signer)
    root = parse_xml(document.octets)
    read = read_signatures(OctetCache(root, build_id_map(root)))
    assert len(read) == len(slots)
    assert all(one.intact for one in read)
