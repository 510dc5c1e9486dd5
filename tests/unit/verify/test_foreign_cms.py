"""CMS signatures of any program: the mathematics is told, what is unusual is said, what contradicts itself fails."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest
from asn1crypto import algos, cms, core, x509

from tests.support.foreign_cms import Wish, build_signed, make_certificate, sign_value, to_indefinite
from transcript_core.pdf import String
from transcript_core.pki.ber import split_elements, write_set
from verify.formats.cms import read_cms
from verify.formats.cms_types import CmsSignature
from verify.formats.pdf_bare_rsa import read_bare_rsa
from verify.formats.values import finish_digest

CONTENT = b"%PDF-1.7 what was signed"


@dataclass(frozen=True)
class Covered:
    """The covered octets."""

    content: bytes = CONTENT

    def digest(self, hash_name: str) -> bytes:
        return finish_digest(hashlib.new(hash_name, self.content))

    def octets(self) -> bytes:
        return self.content


def read(contents: bytes, content: bytes = CONTENT, *, sha1_inside: bool = False, strict: bool = False) -> CmsSignature:
    return read_cms(contents, Covered(content), needs_ess=True, strict=strict, sha1_inside=sha1_inside)


def answer(found: CmsSignature) -> tuple[bool | None, bool | None, set[str], set[str]]:
    return (
        found.digest_right,
        found.value_right,
        {one.code for one in found.problems},
        {one.code for one in found.unsupported},
    )


ALGORITHMS = [
    (Wish(), set()),
    (Wish(hash_name="sha512"), set()),
    (Wish(hash_name="sha3_256", signature_oid="2.16.840.1.101.3.4.3.14"), set()),
    (Wish(hash_name="sha224"), {"weak-algorithm"}),
    (Wish(hash_name="sha1"), {"weak-algorithm"}),
    (Wish(hash_name="md5"), {"weak-algorithm"}),
    (Wish(kind="rsa-1024"), {"weak-algorithm"}),
    (Wish(pss=("sha256", 32)), set()),
    (Wish(pss=("sha1", 20)), set()),
    (Wish(pss=("sha512", 0), hash_name="sha384"), set()),
    (Wish(kind="p-256"), set()),
    (Wish(kind="p-256", hash_name="sha512"), set()),
    (Wish(kind="p-256", hash_name="sha3_512"), set()),
    (Wish(kind="p-256", raw=True, signature_oid="0.4.0.127.0.7.1.1.4.1.3"), set()),
    (Wish(kind="p-521", hash_name="sha512"), set()),
    (Wish(kind="brainpool-384", hash_name="sha384"), set()),
    (Wish(kind="p-256", signature_oid="1.2.840.10045.2.1"), set()),
    (Wish(kind="dsa-2048"), set()),
    (Wish(kind="ed25519", hash_name="sha512"), set()),
    (Wish(kind="ed448", hash_name="shake256"), set()),
    (Wish(kind="ed448", hash_name="shake256_len"), set()),
]


@pytest.mark.parametrize(("wish", "said"), ALGORITHMS)
def test_common_algorithms_are_computed(wish: Wish, said: set[str]) -> None:
    contents = build_signed(wish, CONTENT).dump()
    assert answer(read(contents)) == (True, True, set(), said)
    assert answer(read(contents, b"something else"))[:3] == (False, True, {"digest"})


@pytest.mark.parametrize(("wish", "said"), ALGORITHMS)
def test_another_value_is_refused_whatever_the_algorithm(wish: Wish, said: set[str]) -> None:
    structure = build_signed(wish, CONTENT)
    info = structure["content"]["signer_infos"][0]
    info["signature"] = sign_value(wish, b"other attributes")
    found = read(structure.dump(force=True))
    assert (found.digest_right, found.value_right) == (True, False)
    assert "value" in {one.code for one in found.problems}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(attributes=False), {"unusual", "signing-certificate"}),
        (Wish(attributes=False, kind="ed25519", hash_name="sha512"), {"unusual", "signing-certificate"}),
        (Wish(by_key_identifier=True), set()),
        (Wish(ess=(1,)), {"signing-certificate"}),
        (Wish(ess=(1, 2)), set()),
        (Wish(ess=()), {"signing-certificate"}),
        (Wish(inner=CONTENT), {"unusual"}),
        (Wish(inner=hashlib.sha1(CONTENT, usedforsecurity=False).digest()), {"unusual"}),
    ],
)
def test_other_forms_are_intact_and_said(wish: Wish, said: set[str]) -> None:
    found = read(build_signed(wish, CONTENT).dump())
    assert answer(found) == (True, True, set(), said)
    assert found.has_signing_certificate == bool(wish.ess and wish.attributes)
    changed = read(build_signed(wish, CONTENT).dump(), b"something else")
    assert False in (changed.digest_right, changed.value_right)


def test_only_the_newer_reference_counts_in_a_transcript() -> None:
    found = read(build_signed(Wish(ess=(1,)), CONTENT).dump(), strict=True)
    assert "signing-certificate" in {one.code for one in found.problems}


def test_sha1_of_the_content_inside_is_the_old_form() -> None:
    wish = Wish(inner=hashlib.sha1(CONTENT, usedforsecurity=False).digest())
    contents = build_signed(wish, CONTENT).dump()
    assert answer(read(contents, sha1_inside=True)) == (True, True, set(), set())
    assert answer(read(contents, b"something else", sha1_inside=True))[:3] == (False, True, {"digest"})


def test_empty_content_inside_contradicts_the_digest() -> None:
    wish = Wish(inner=b"", digest=hashlib.sha256(CONTENT).digest())
    found = read(build_signed(wish, CONTENT).dump())
    assert (found.digest_right, found.value_right) == (False, True)


def test_content_inside_that_is_not_what_is_covered_fails() -> None:
    found = read(build_signed(Wish(inner=b"another document"), CONTENT).dump())
    assert found.digest_right is False


def test_indefinite_lengths_are_read() -> None:
    structure = build_signed(Wish(), CONTENT)
    inner = to_indefinite(structure["content"].untag().dump())
    contents = b"\x30\x80" + structure["content_type"].dump() + b"\xa0\x80" + inner + b"\0\0" + b"\0\0"
    assert answer(read(contents + bytes(20)))[:2] == (True, True)


def test_attributes_out_of_order_verify_in_either_order() -> None:
    """Some sign the attributes as they stand, some as RFC 5652, 5.4 orders them."""
    structure = build_signed(Wish(), CONTENT)
    info = structure["content"]["signer_infos"][0]
    ordered = info["signed_attrs"].dump()
    encoded = [one.dump() for one in info["signed_attrs"]]
    shuffled = ordered[: len(ordered) - len(b"".join(encoded))] + b"".join(reversed(encoded))
    stays = structure.dump().replace(ordered, shuffled)
    assert answer(read(stays)) == (True, True, set(), {"unusual"})
    value = sign_value(Wish(), b"\x31" + shuffled[1:])
    as_it_stands = stays.replace(info["signature"].native, value)
    assert answer(read(as_it_stands)) == (True, True, set(), {"unusual"})


def test_second_signer_is_said() -> None:
    structure = build_signed(Wish(), CONTENT)
    structure["content"]["signer_infos"].append(structure["content"]["signer_infos"][0].copy())
    assert answer(read(structure.dump(force=True))) == (True, True, set(), {"unusual"})


def test_octets_behind_are_said() -> None:
    assert answer(read(build_signed(Wish(), CONTENT).dump() + b"\1")) == (True, True, set(), {"unusual"})


def test_two_digests_contradict_each_other() -> None:
    structure = build_signed(Wish(), CONTENT)
    attributes = structure["content"]["signer_infos"][0]["signed_attrs"]
    attributes.append(cms.CMSAttribute({"type": "message_digest", "values": [core.OctetString(bytes(32))]}))
    found = read(structure.dump(force=True))
    assert {one.code for one in found.problems} == {"cms"}
    assert not found.digest_right


def test_key_of_another_kind_than_the_algorithm_fails() -> None:
    found = read(build_signed(Wish(kind="p-256", signature_oid="rsassa_pkcs1v15"), CONTENT).dump())
    assert (found.digest_right, found.value_right) == (True, False)
    assert {one.code for one in found.problems} == {"key-mismatch"}


def test_unknown_algorithm_cannot_be_judged() -> None:
    found = read(build_signed(Wish(signature_oid="1.2.3.4.5"), CONTENT).dump())
    assert answer(found) == (True, None, set(), {"not-supported"})


@pytest.mark.parametrize(("kind", "hash_name"), [("ed448", "sha512"), ("ed25519", "sha256")])
def test_attributes_under_another_hash_than_that_of_the_curve_fail(kind: str, hash_name: str) -> None:
    """RFC 8419, 3.1."""
    found = read(build_signed(Wish(kind=kind, hash_name=hash_name), CONTENT).dump())
    assert (found.digest_right, found.value_right, {one.code for one in found.problems}) == (True, False, {"algorithm"})


@pytest.mark.parametrize(("hash_name", "signature"), [("sha512", "rsassa_pkcs1v15"), ("sha256", "sha256_ecdsa")])
def test_protected_algorithms_that_are_not_those_used_fail(hash_name: str, signature: str) -> None:
    """RFC 6211, 2.1."""
    found = read(build_signed(Wish(more=[protect(hash_name, signature)]), CONTENT).dump())
    assert (found.digest_right, found.value_right, {one.code for one in found.problems}) == (True, False, {"algorithm"})


def test_protected_algorithms_that_are_used_change_nothing() -> None:
    found = read(build_signed(Wish(more=[protect("sha256", "rsassa_pkcs1v15")]), CONTENT).dump())
    assert answer(found) == (True, True, set(), set())


def protect(hash_name: str, signature: str) -> cms.CMSAttribute:
    """Return the attribute that names both algorithms."""
    named = {"digest_algorithm": {"algorithm": hash_name}, "signature_algorithm": {"algorithm": signature}}
    return cms.CMSAttribute({"type": "cms_algorithm_protection", "values": [cms.CMSAlgorithmProtection(named)]})


@pytest.mark.parametrize("size", range(0x80))
def test_attributes_of_any_length_stay_as_they_stand(size: int) -> None:
    """Lengths that end in 0x80 look like indefinite ones; what is out of order must not be put in order then."""
    filler = [cms.CMSAttribute({"type": "2.999", "values": [core.OctetString(bytes(size))]})]
    structure = build_signed(Wish(more=filler), CONTENT)
    info = structure["content"]["signer_infos"][0]
    contents = b"".join(reversed(split_elements(info["signed_attrs"].contents)))
    old, value = info["signed_attrs"].contents, info["signature"].native
    new = sign_value(Wish(), write_set(contents))
    found = read(structure.dump().replace(old, contents).replace(value, new))
    assert answer(found) == (True, True, set(), {"unusual"})


def test_signer_whom_its_identifier_does_not_name_is_found_by_the_value() -> None:
    structure = build_signed(Wish(), CONTENT)
    somebody = {"issuer": x509.Name.build({"common_name": "somebody"}), "serial_number": 4711}
    sid = cms.SignerIdentifier("issuer_and_serial_number", somebody)
    structure["content"]["signer_infos"][0]["sid"] = sid
    found = read(structure.dump(force=True))
    assert answer(found) == (True, True, set(), {"signing-certificate"})
    assert found.has_signing_certificate
    strict = read(structure.dump(force=True), strict=True)
    assert (strict.signer, bool(strict.value_right)) == (None, False)


def test_key_of_a_certificate_that_cannot_be_read_tells_the_mathematics_alone() -> None:
    structure = build_signed(Wish(ess=()), CONTENT)
    certificate = structure["content"]["certificates"][0].chosen
    certificate["tbs_certificate"]["serial_number"] = 0
    found = read(structure.dump(force=True))
    assert (found.digest_right, found.value_right, found.signer) == (True, True, None)
    assert "not-supported" in {one.code for one in found.unsupported}


def test_what_stands_among_the_certificates_besides_is_passed_over() -> None:
    structure = build_signed(Wish(), CONTENT)
    choices = structure["content"]["certificates"]
    more = write_set(choices.contents + bytes.fromhex("a103020105"))
    whole = structure.dump()
    read_again = whole.replace(choices.dump(), b"\xa0" + more[1:])
    fixed = cms.ContentInfo.load(_lengthen(read_again, 5)).dump()
    assert answer(read(fixed))[:3] == (True, True, set())


def _lengthen(der: bytes, by: int) -> bytes:
    """Return a ContentInfo whose three outer lengths of two octets are raised."""
    marks = [der.index(tag) for tag in (b"\x30\x82", b"\xa0\x82")]
    marks.append(der.index(b"\x30\x82", marks[1]))
    for at in marks:
        size = int.from_bytes(der[at + 2 : at + 4]) + by
        der = der[: at + 2] + size.to_bytes(2) + der[at + 4 :]
    return der


def test_hash_that_is_named_by_its_signature_algorithm_is_known() -> None:
    structure = build_signed(Wish(), CONTENT)
    named = algos.DigestAlgorithm({"algorithm": "1.2.840.113549.1.1.11"})
    structure["content"]["digest_algorithms"] = [named]
    structure["content"]["signer_infos"][0]["digest_algorithm"] = named
    assert answer(read(structure.dump(force=True)))[:3] == (True, True, set())


def test_bare_rsa_value_beside_its_certificate() -> None:
    contents = core.OctetString(sign_value(Wish(hash_name="sha1"), CONTENT)).dump() + bytes(9)
    certificate = String(make_certificate("rsa-2048"))
    assert answer(read_bare_rsa(contents, [certificate], CONTENT)) == (True, True, set(), {"weak-algorithm"})
    assert answer(read_bare_rsa(contents, certificate, CONTENT + b"x"))[:3] == (False, False, {"value"})
    assert answer(read_bare_rsa(contents, None, CONTENT))[:2] == (None, None)
    assert answer(read_bare_rsa(b"\0", certificate, CONTENT))[:2] == (False, False)
