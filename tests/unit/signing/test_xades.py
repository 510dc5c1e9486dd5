"""XAdES signatures in the slots of stored documents: canonical octets, coverage, order, and two phases."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import tsp
from lxml import etree

from signing import xades
from signing.signer import Pending, PendingFormat, SigningIdentity
from signing.xades.roles import describe_role
from tests.support.signed import SIGNED_AT, build_unsigned, sign_slots
from tests.support.signers import MemorySigner, make_signer
from transcript_core.canonical import canonicalize, parse_xml
from transcript_core.errors import MalformedTranscript, SignatureMismatch, SlotNotReady, StaleDigest
from transcript_core.model import SchoolLevel, SlotRole, Substitution
from transcript_core.pki.algorithms import SignatureAlgorithm, verify_digest
from transcript_core.pki.evidence import Evidence
from transcript_core.policy import SigningPolicy, Slot
from transcript_core.xml import get_part, get_signature, list_signed_slots, read_document

NS = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
ALGORITHMS = [
    ("rsa-2048", SignatureAlgorithm.RSA_PKCS1_SHA256),
    ("rsa-2048", SignatureAlgorithm.RSA_PSS_SHA256),
    ("p-256", SignatureAlgorithm.ECDSA_P256_SHA256),
    ("p-384", SignatureAlgorithm.ECDSA_P384_SHA384),
]


def by_role(slots: tuple[Slot, ...], role: SlotRole) -> Slot:
    return next(slot for slot in slots if slot.role is role)


def text(element: etree._Element, path: str) -> str:
    found = element.findall(path, NS)
    assert len(found) == 1, path
    return "".join(str(piece) for piece in found[0].itertext())


def read_signature(document: bytes, slot_id: str) -> etree._Element:
    """Return ds:Signature as it stands in the parsed document."""
    root = parse_xml(document)
    return next(one for one in root.iter(f"{{{NS['ds']}}}Signature") if one.get("Id") == f"sig-{slot_id}")


def check_core(document: bytes, slot_id: str, signer: MemorySigner) -> dict[str, bytes]:
    """Verify a signature by parsing and canonicalising alone; return the digest of each reference by URI."""
    root = parse_xml(document)
    ids = {element.get("Id"): element for element in root.iter() if element.get("Id")}
    signature = ids[f"sig-{slot_id}"]
    info = signature.find("ds:SignedInfo", NS)
    assert info is not None
    digests = {}
    for reference in info.findall("ds:Reference", NS):
        uri = reference.get("URI", "")
        digests[uri] = base64.b64decode(text(reference, "ds:DigestValue"))
        assert digests[uri] == hashlib.sha256(canonicalize(ids[uri[1:]])).digest(), uri
    value = base64.b64decode(text(signature, "ds:SignatureValue"))
    digest = hashlib.new(signer.algorithm.hash_name, canonicalize(info)).digest()
    assert verify_digest(signer.certificate, signer.algorithm, digest, value)
    return digests


def prepare(
    document: bytes, slot: Slot, signer: MemorySigner, policy: SigningPolicy, *, at: datetime = SIGNED_AT
) -> Pending:
    return xades.prepare(document, slot, SigningIdentity.of(signer), at=at, policy=policy)


def attach(document: bytes, pending: Pending, signer: MemorySigner, *, evidence: Evidence | None = None) -> bytes:
    (value,) = signer.sign_digests([pending.digest])
    return xades.attach(document, pending, value, identity=SigningIdentity.of(signer), evidence=evidence)


@pytest.mark.parametrize(("kind", "algorithm"), ALGORITHMS)
def test_the_stored_octets_are_canonical_and_verify(kind: str, algorithm: SignatureAlgorithm) -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer(kind, algorithm=algorithm)
    for slot in slots:
        document = attach(document, prepare(document, slot, signer, policy), signer)
        assert canonicalize(parse_xml(document)) == document
        check_core(document, slot.slot_id, signer)
    assert list_signed_slots(document) == {slot.slot_id for slot in slots}
    for slot in slots:
        check_core(document, slot.slot_id, signer)


@pytest.mark.parametrize("level", list(SchoolLevel))
def test_a_fully_signed_document_is_read_back_as_valid(level: SchoolLevel) -> None:
    document, slots, policy = build_unsigned(level)
    signed = sign_slots(document, slots, policy)
    assert set(read_document(signed).signed) == {slot.slot_id for slot in slots}
    assert canonicalize(parse_xml(signed)) == signed


def test_each_slot_references_what_the_policy_says() -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    signed = sign_slots(document, slots, policy, signer=signer)
    covered = {slot.slot_id: list(check_core(signed, slot.slot_id, signer)) for slot in slots}
    assert covered["gvbm-LSDL-2"] == ["#diem-LSDL", "#props-gvbm-LSDL-2"]
    assert covered["gvcn"] == ["#thongtinhocba", "#props-gvcn"]
    assert covered["cbql"] == ["#data", "#props-cbql"]
    assert covered["ky-phat-hanh"] == ["#data", "#sig-cbql", "#props-ky-phat-hanh"]


def test_the_signed_properties_say_who_when_and_under_which_policy() -> None:
    document, slots, policy = build_unsigned()
    slot = next(one for one in slots if one.slot_id == "gvbm-TOAN-1")
    signer = make_signer("p-256")
    at = datetime(2026, 5, 31, 8, 0, 5, 999, tzinfo=timezone(timedelta(hours=7)))
    document = attach(document, prepare(document, slot, signer, policy, at=at), signer)
    signature = read_signature(document, slot.slot_id)
    qualifying = signature.find("ds:Object/xades:QualifyingProperties", NS)
    assert qualifying is not None
    assert qualifying.get("Target") == "#sig-gvbm-TOAN-1"
    props = qualifying.find("xades:SignedProperties", NS)
    assert props is not None
    assert text(props, ".//xades:SigningTime") == "2026-05-31T01:00:05Z"
    assert text(props, ".//xades:ClaimedRole") == "Giáo viên bộ môn Toán, lớp 7A2, Trường THCS Hoa Sen"
    assert text(props, ".//xades:SigPolicyId/xades:Identifier") == policy.identifier
    assert base64.b64decode(text(props, ".//xades:SigPolicyHash/ds:DigestValue")) == policy.digest
    assert text(props, ".//xades:CommitmentTypeId/xades:Identifier") == slot.rule.commitment
    assert base64.b64decode(text(props, ".//xades:CertDigest/ds:DigestValue")) == signer.certificate.sha256
    serial = tsp.IssuerSerial.load(base64.b64decode(text(props, ".//xades:IssuerSerialV2")))
    assert serial["serial_number"].native == signer.certificate.serial
    assert serial["issuer"][0].chosen == signer.certificate.asn1.issuer
    references = {one.get("Id") for one in signature.findall("ds:SignedInfo/ds:Reference", NS)} - {None}
    formats = props.findall(".//xades:DataObjectFormat", NS)
    assert {one.get("ObjectReference") for one in formats} == {f"#{one}" for one in references}
    (properties_reference,) = [
        one
        for one in signature.findall("ds:SignedInfo/ds:Reference", NS)
        if one.get("Type") == "http://uri.etsi.org/01903#SignedProperties"
    ]
    assert properties_reference.get("URI") == f"#{props.get('Id')}"


def test_the_chain_stands_in_key_info_signer_first() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    document = attach(document, prepare(document, slots[0], signer, policy), signer)
    listed = read_signature(document, slots[0].slot_id).findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NS)
    ders = [base64.b64decode(one.text or "") for one in listed]
    assert ders == [signer.certificate.der, signer.chain[0].der]


def test_sixteen_teachers_sign_in_any_order_and_one_an_hour_later() -> None:
    document, slots, policy = build_unsigned()
    teachers = [slot for slot in slots if slot.role is SlotRole.SUBJECT_TEACHER]
    signers = {slot.slot_id: make_signer("p-256", name=slot.name) for slot in teachers}
    pending = {slot.slot_id: prepare(document, slot, signers[slot.slot_id], policy) for slot in teachers}
    late = teachers[3].slot_id
    kept = pending.pop(late).to_json()
    for slot_id in sorted(pending, key=lambda one: hashlib.sha256(one.encode()).digest()):
        document = attach(document, pending[slot_id], signers[slot_id])
    with pytest.raises(SlotNotReady, match=late):
        prepare(document, by_role(slots, SlotRole.HOMEROOM_TEACHER), signers[late], policy)
    document = attach(document, Pending.from_json(kept), signers[late])
    for slot in teachers:
        check_core(document, slot.slot_id, signers[slot.slot_id])
    assert canonicalize(parse_xml(document)) == document


def test_nobody_signs_before_the_earlier_slots() -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    for position, slot in enumerate(slots):
        for later in slots[position + 1 :]:
            if later.rule.order > slot.rule.order:
                with pytest.raises(SlotNotReady):
                    prepare(document, later, signer, policy)
        document = sign_slots(document, [slot], policy, signer=signer)


def test_a_slot_is_signed_once() -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    pending = prepare(document, slots[0], signer, policy)
    signed = attach(document, pending, signer)
    with pytest.raises(SlotNotReady):
        prepare(signed, slots[0], signer, policy)
    with pytest.raises(SlotNotReady):
        attach(signed, pending, signer)


def test_a_changed_part_is_a_stale_digest() -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    slot = next(one for one in slots if one.slot_id == "gvbm-TOAN-1")
    pending = prepare(document, slot, signer, policy)
    part = get_part(document, "diem-TOAN")
    changed = document.replace(part, part.replace(b"8.4", b"9.4"))
    assert changed != document
    with pytest.raises(StaleDigest, match="diem-TOAN"):
        attach(changed, pending, signer)


def test_a_change_elsewhere_does_not_disturb_a_teacher() -> None:
    document, slots, policy = build_unsigned()
    signer = make_signer("p-256")
    slot = next(one for one in slots if one.slot_id == "gvbm-TOAN-1")
    pending = prepare(document, slot, signer, policy)
    part = get_part(document, "diem-NGUVAN")
    changed = document.replace(part, part.replace(b"6.8", b"6.9"))
    assert "gvbm-TOAN-1" in list_signed_slots(attach(changed, pending, signer))


def test_the_principals_digest_is_stale_when_a_teachers_signature_came_anew() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    homeroom, manager, _ = slots
    signer = make_signer("p-256")
    one = sign_slots(document, [homeroom], policy, signer=signer)
    other = sign_slots(document, [homeroom], policy, signer=signer, at=SIGNED_AT + timedelta(hours=1))
    pending = prepare(one, manager, signer, policy)
    with pytest.raises(StaleDigest, match="data"):
        attach(other, pending, signer)


def test_another_certificate_or_value_is_refused() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer, other = make_signer("p-256"), make_signer("p-256", number=1, name="Người khác")
    pending = prepare(document, slots[0], signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch):
        xades.attach(document, pending, value, identity=SigningIdentity.of(other))
    with pytest.raises(SignatureMismatch):
        xades.attach(document, pending, value[::-1], identity=SigningIdentity.of(signer))
    (foreign,) = other.sign_digests([pending.digest])
    with pytest.raises(SignatureMismatch):
        xades.attach(document, pending, foreign, identity=SigningIdentity.of(signer))


@pytest.mark.parametrize(
    "change",
    [
        {"role": "Hiệu trưởng"},
        {"policy_digest": "00" * 32},
        {"commitment": "http://uri.etsi.org/01903/v1.2.2#ProofOfDelivery"},
    ],
)
def test_a_pending_that_was_tampered_with_is_stale(change: dict[str, str]) -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    raw = json.loads(prepare(document, slots[0], signer, policy).to_json())
    raw["state"] |= change
    with pytest.raises(StaleDigest):
        attach(document, Pending.from_json(json.dumps(raw)), signer)


def test_a_pending_of_another_format_or_state_is_refused() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    pending = prepare(document, slots[0], signer, policy)
    with pytest.raises(MalformedTranscript):
        attach(document, replace(pending, format=PendingFormat.PADES), signer)
    with pytest.raises(MalformedTranscript):
        attach(document, replace(pending, state={}), signer)


def test_the_unsigned_properties_carry_the_evidence() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    extra = make_signer("p-256", number=2, name="Trung gian").certificate
    evidence = Evidence((signer.certificate, *signer.chain, extra), (b"\x30ocsp",), (b"\x30crl",), SIGNED_AT)
    pending = prepare(document, slots[0], signer, policy)
    document = attach(document, pending, signer, evidence=evidence)
    assert canonicalize(parse_xml(document)) == document
    unsigned = read_signature(document, slots[0].slot_id).find(".//xades:UnsignedSignatureProperties", NS)
    assert unsigned is not None
    assert base64.b64decode(text(unsigned, ".//xades:EncapsulatedX509Certificate")) == extra.der
    assert base64.b64decode(text(unsigned, ".//xades:EncapsulatedOCSPValue")) == b"\x30ocsp"
    assert base64.b64decode(text(unsigned, ".//xades:EncapsulatedCRLValue")) == b"\x30crl"
    check_core(document, slots[0].slot_id, signer)
    assert set(read_document(document).signed) == {slots[0].slot_id}


def test_the_timestamp_covers_the_canonical_signature_value() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    pending = prepare(document, slots[0], signer, policy)
    (value,) = signer.sign_digests([pending.digest])
    document = xades.attach(document, pending, value, identity=SigningIdentity.of(signer))
    element = read_signature(document, slots[0].slot_id).find("ds:SignatureValue", NS)
    assert element is not None
    assert xades.timestamp_imprint(pending, value) == hashlib.sha256(canonicalize(element)).digest()


def test_texts_that_need_escaping_stay_canonical() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("p-256")
    slot = replace(slots[0], school_name='Trường "A & B" <1> \u00e9')
    document = attach(document, prepare(document, slot, signer, policy), signer)
    assert canonicalize(parse_xml(document)) == document
    role = text(read_signature(document, slot.slot_id), ".//xades:ClaimedRole")
    assert role.endswith('Trường "A & B" <1> \u00e9')
    check_core(document, slot.slot_id, signer)


@pytest.mark.parametrize("bad", ['x"/><y', "1abc", "", "a b", "á"])
def test_an_id_that_is_no_plain_name_is_refused(bad: str) -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    with pytest.raises(MalformedTranscript):
        prepare(document, replace(slots[0], slot_id=bad), make_signer("p-256"), policy)
    with pytest.raises(MalformedTranscript):
        prepare(document, replace(slots[0], reference_ids=(bad,)), make_signer("p-256"), policy)


def test_signing_the_same_twice_gives_the_same_digest() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signer = make_signer("rsa-2048")
    assert prepare(document, slots[0], signer, policy) == prepare(document, slots[0], signer, policy)
    later = prepare(document, slots[0], signer, policy, at=SIGNED_AT + timedelta(seconds=1))
    assert later.digest != prepare(document, slots[0], signer, policy).digest


def test_a_pending_stays_small() -> None:
    document, slots, policy = build_unsigned()
    signed = sign_slots(document, slots[:-1], policy)
    pending = prepare(signed, slots[-1], make_signer("rsa-2048"), policy)
    assert len(pending.to_json()) < 1_500
    assert Pending.from_json(pending.to_json()) == pending


def test_everything_but_the_slot_stays_byte_for_byte() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    signed = sign_slots(document, slots[:1], policy)
    signature = get_signature(signed, slots[0].slot_id)
    assert signature is not None
    assert signed.replace(signature, b"", 1) == document


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("HIỆU TRƯỞNG", "Hiệu trưởng, Trường THCS Hoa Sen"),
        ("KT. HIỆU TRƯỞNG / PHÓ HIỆU TRƯỞNG", "KT. Hiệu trưởng, Phó hiệu trưởng, Trường THCS Hoa Sen"),
        ("", "Cán bộ quản lý, Trường THCS Hoa Sen"),
    ],
)
def test_the_managers_role_follows_the_printed_title(title: str, expected: str) -> None:
    _, slots, _ = build_unsigned()
    assert describe_role(replace(by_role(slots, SlotRole.MANAGER), title=title)) == expected


def test_roles_of_the_other_slots() -> None:
    _, slots, _ = build_unsigned()
    homeroom = by_role(slots, SlotRole.HOMEROOM_TEACHER)
    assert describe_role(homeroom) == "Giáo viên chủ nhiệm, lớp 7A2, Trường THCS Hoa Sen"
    stands_in = replace(homeroom, substitution=Substitution("nghỉ thai sản", "Quyết định 12/QĐ-HS ngày 04/5/2026"))
    assert describe_role(stands_in).endswith("; ký thay theo Quyết định 12/QĐ-HS ngày 04/5/2026")
    assert describe_role(by_role(slots, SlotRole.SEAL)) == "Con dấu của cơ sở giáo dục, Trường THCS Hoa Sen"


def test_the_signing_time_is_kept_in_utc() -> None:
    document, slots, policy = build_unsigned(SchoolLevel.PRIMARY)
    at = datetime(2026, 5, 31, 8, 0, tzinfo=timezone(timedelta(hours=7)))
    pending = prepare(document, slots[0], make_signer("p-256"), policy, at=at)
    assert pending.signing_time == datetime(2026, 5, 31, 1, 0, tzinfo=UTC)
    assert pending.signing_time.tzinfo is UTC
