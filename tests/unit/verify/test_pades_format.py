"""Reading a signed PDF: what each signature says, and that no change of the file goes unnoticed."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from asn1crypto import cms, core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from signing.claims import get_claims
from signing.pades import append_evidence
from signing.pades.cms import build_attributes, build_cms
from signing.signer import SigningIdentity
from tests.support.samples import build_transcript
from tests.support.signed_pdf import (
    PDF_SIGNED_AT,
    append_objects,
    fully_signed_pdf,
    partly_signed_pdf,
    stand_in_evidence,
    unsigned_pdf,
)
from tests.support.signers import make_signer
from transcript_core.limits import MAX_PDF_BYTES
from transcript_core.pdf import read_pdf
from transcript_core.xml import build_info
from verify.formats.cms import read_cms
from verify.formats.cms_types import CmsSignature
from verify.formats.pades import SignedPdf, read_signed_pdf


def test_full_document_reads_as_signed() -> None:
    pdf, slots, policy = unsigned_pdf()
    read = read_signed_pdf(fully_signed_pdf())
    assert (read.problems, read.unsupported, read.empty_fields) == ((), (), ())
    assert [one.slot_id for one in read.signatures] == [slot.slot_id for slot in slots]
    assert all(one.intact and not one.problems and one.has_signing_certificate for one in read.signatures)
    assert {one.policy_oid for one in read.signatures} == {policy.oid}
    assert {one.signed_at for one in read.signatures} == {PDF_SIGNED_AT}
    assert [one.whole_file for one in read.signatures] == [False] * 18 + [True]
    assert [one.covers_revision for one in read.signatures] == [*range(2, 20), 21]
    assert read.first_revision_sha256 == hashlib.sha256(pdf).digest()
    assert read.attachment == build_info(build_transcript())
    assert len(read.dss_ocsps) == 1


def test_evidence_after_the_last_signature_leaves_it_covering_to_the_end() -> None:
    later = append_evidence(fully_signed_pdf(), [stand_in_evidence(make_signer(), crls=(b"\x30\x00",))])
    read = read_signed_pdf(later)
    assert (read.covered_to_end, read.signatures[-1].whole_file, read.problems) == (True, False, ())
    assert not read_signed_pdf(append_objects(later, {1: b"<<>>"})).covered_to_end
    assert not read_signed_pdf(later + b"\n").covered_to_end


def test_empty_fields_are_listed() -> None:
    _, slots, _ = unsigned_pdf()
    assert read_signed_pdf(partly_signed_pdf()).empty_fields == tuple(slot.slot_id for slot in slots[2:])
    assert read_signed_pdf(unsigned_pdf()[0]).signatures == ()


def test_change_in_the_first_revision_breaks_every_digest() -> None:
    pdf = partly_signed_pdf()
    at = pdf.index(b"/Lang(vi-VN)") + len("/Lang(")
    read = read_signed_pdf(pdf[:at] + b"en" + pdf[at + 2 :])
    assert [(one.digest_right, one.value_right) for one in read.signatures] == [(False, True)] * 2


def test_later_signature_is_covered_by_the_next() -> None:
    pdf = partly_signed_pdf()
    at = read_pdf(pdf).revisions[1].start + pdf[read_pdf(pdf).revisions[1].start :].index(b"/M(D:") + 8
    read = read_signed_pdf(pdf[:at] + b"9" + pdf[at + 1 :])
    assert [one.intact for one in read.signatures] == [False, False]


def spoil_range(numbers: Callable[[list[int]], list[int]]) -> bytes:
    """Return the file with the last signature's ByteRange changed, its length kept."""
    pdf = partly_signed_pdf()
    found = list(re.finditer(rb"/ByteRange\[([\d ]+)\]", pdf))[-1]
    changed = b" ".join(b"%d" % number for number in numbers([int(one) for one in found[1].split()]))
    return pdf[: found.start(1)] + changed.ljust(len(found[1])) + pdf[found.end(1) :]


@pytest.mark.parametrize(
    "numbers",
    [
        lambda four: [1, *four[1:]],
        lambda four: [0, four[1] - 1, four[2], four[3]],
        lambda four: [0, four[1], four[2] + 2, four[3] - 2],
        lambda four: [0, four[1], four[2], four[3] - 1],
        lambda four: [0, four[1], four[2], four[3] + 1],
        lambda four: [0, four[2], four[1], four[3]],
        lambda four: four[:3],
        lambda four: [*four[:3], 1, 1],
    ],
)
def test_range_that_is_not_exact_is_named(numbers: Callable[[list[int]], list[int]]) -> None:
    last = read_signed_pdf(spoil_range(numbers)).signatures[-1]
    assert "byte-range" in {one.code for one in last.problems}
    assert not last.intact


@pytest.mark.parametrize("tail", [b"\n", b"junk", b"%%EOF\n", b"\0" * 9])
def test_octets_behind_the_end_are_named(tail: bytes) -> None:
    read = read_signed_pdf(fully_signed_pdf() + tail)
    assert [one.code for one in read.problems] == ["revision-structure"]
    assert not read.signatures[-1].whole_file


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unreadable"),
        (b"hello", "unreadable"),
        (b"%PDF-1.7\n", "unreadable"),
        (bytes(MAX_PDF_BYTES + 1), "too-large"),
        (partly_signed_pdf()[:400], "unreadable"),
    ],
)
def test_what_is_no_pdf_is_a_problem(data: bytes, code: str) -> None:
    read = read_signed_pdf(data)
    assert [one.code for one in read.problems] == [code]
    assert read.signatures == ()


def test_file_rewritten_by_another_program_is_not_judged() -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(partly_signed_pdf()))
    fields.append_signature_field(writer, fields.SigFieldSpec("them", box=(0, 0, 10, 10)))
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]  # pyHanko leaves this method without annotations
    read = read_signed_pdf(out.getvalue())
    assert [one.code for one in read.problems] == ["revision-structure"]
    assert [one.whole_file for one in read.signatures] == [False, False]


def test_file_of_another_form_is_read_in_the_general_way() -> None:
    foreign = b"%PDF-1.7\n\n" + partly_signed_pdf()[9:]  # one octet too many: not our form, and offsets are off
    read = read_signed_pdf(foreign)
    assert read.attachment is None
    assert len(read.signatures) == 2
    assert all(one.intact is False for one in read.signatures)


@dataclass(frozen=True)
class Edit:
    """One change of a file."""

    kind: str
    place: float  # 0 to 1
    octet: int

    def apply(self, data: bytes) -> bytes:
        at = min(int(self.place * len(data)), len(data) - 1)
        if self.kind == "flip":
            return data[:at] + bytes([data[at] ^ self.octet]) + data[at + 1 :]
        if self.kind == "insert":
            return data[:at] + bytes([self.octet]) + data[at:]
        if self.kind == "delete":
            return data[:at] + data[at + self.octet :]
        return data[:at]


EDITS = st.builds(
    Edit,
    st.sampled_from(["flip", "flip", "insert", "delete", "truncate"]),
    st.floats(0, 0.999999),
    st.integers(1, 255),
)


def is_sound(read: SignedPdf) -> bool:
    """Say whether a file could still pass as completely signed."""
    return (
        len(read.signatures) == 2
        and not read.problems
        and not read.unsupported
        and all(one.intact and not one.problems and not one.unsupported for one in read.signatures)
        and read.signatures[-1].whole_file
    )


def cut_last_hole(pdf: bytes) -> bytes:
    """Return the file without the /Contents of its last signature."""
    found = list(re.finditer(rb"/Contents <[0-9A-Fa-f]+>", pdf))[-1]
    return pdf[: found.start()] + b"%d" % len(found[0]) + pdf[found.end() :]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edit=EDITS)
def test_any_change_is_noticed(edit: Edit) -> None:
    """Only inside the last signature's own CMS object is there anything that nobody signed: the CA certificates it
    carries, which are believed for their own signatures alone, and the case of hexadecimal digits.
    """
    original = partly_signed_pdf()
    changed = edit.apply(original)
    read = read_signed_pdf(changed)
    if changed != original and is_sound(read):
        whole = read_signed_pdf(original)
        assert read.attachment == whole.attachment
        assert [one.signer for one in read.signatures] == [one.signer for one in whole.signatures]
        assert cut_last_hole(changed) == cut_last_hole(original)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), prefix=st.sampled_from([b"", b"%PDF-1.7\n", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]))
def test_arbitrary_octets_never_raise(data: bytes, prefix: bytes) -> None:
    assert not is_sound(read_signed_pdf(prefix + data))


# --- CMS ------------------------------------------------------------------------------------------------------------


CONTENT = b"what was signed"


def make_cms(*, kind: str = "p-256") -> bytes:
    _, slots, policy = unsigned_pdf()
    signer = make_signer(kind)
    identity = SigningIdentity.of(signer)
    attributes = build_attributes(identity, get_claims(slots[0]), policy_oid=policy.oid, policy_digest=policy.digest)
    hash_name = signer.algorithm.hash_name
    digest = hashlib.new(hash_name, CONTENT).digest()
    (value,) = signer.sign_digests([hashlib.new(hash_name, attributes.with_digest(digest)).digest()])
    return build_cms(identity, attributes, digest, value)


@dataclass(frozen=True)
class Covered:
    """Content that a CMS signature is detached from."""

    content: bytes

    def digest(self, hash_name: str) -> bytes:
        return hashlib.new(hash_name, self.content).digest()

    def octets(self) -> bytes:
        return self.content


def read(contents: bytes, content: bytes = CONTENT, *, strict: bool = True) -> CmsSignature:
    return read_cms(contents, Covered(content), needs_ess=True, strict=strict, sha1_inside=False)


def edit_cms(change: Callable[[cms.SignedData], None]) -> bytes:
    """Return the CMS object with its structure changed through asn1crypto."""
    info = cms.ContentInfo.load(make_cms())
    change(info["content"])
    return bytes(info.dump(force=True))


def test_sound_cms_is_intact() -> None:
    found = read(make_cms() + bytes(40))
    assert (found.digest_right, found.value_right, found.problems) == (True, True, ())


def drop_attribute(name: str) -> Callable[[cms.SignedData], None]:
    def change(signed: cms.SignedData) -> None:
        info = signed["signer_infos"][0]
        info["signed_attrs"] = cms.CMSAttributes([one for one in info["signed_attrs"] if one["type"].native != name])

    return change


def add_content(signed: cms.SignedData) -> None:
    signed["encap_content_info"]["content"] = core.OctetString(b"")


def double_signer(signed: cms.SignedData) -> None:
    signed["signer_infos"].append(signed["signer_infos"][0].copy())


def drop_certificates(signed: cms.SignedData) -> None:
    signed["certificates"] = cms.CertificateSet([])


def change_digest_algorithm(signed: cms.SignedData) -> None:
    signed["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}


def change_version(signed: cms.SignedData) -> None:
    signed["signer_infos"][0]["version"] = "v3"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (change_version, "cms"),
        (drop_attribute("signing_certificate_v2"), "signing-certificate"),
        (drop_attribute("message_digest"), "cms"),
        (drop_attribute("content_type"), "cms"),
        (add_content, "cms"),
        (double_signer, "cms"),
        (change_digest_algorithm, "algorithm"),
    ],
)
def test_cms_in_another_form_is_named(change: Callable[[cms.SignedData], None], code: str) -> None:
    found = read(edit_cms(change))
    assert code in {one.code for one in found.problems}


def test_missing_certificate_cannot_be_judged() -> None:
    found = read(edit_cms(drop_certificates))
    assert (found.signer, found.value_right) == (None, None)
    assert [one.code for one in found.unsupported] == ["not-supported"]


def test_attributes_out_of_order_are_named() -> None:
    octets = make_cms()
    attributes = [one.dump() for one in cms.ContentInfo.load(octets)["content"]["signer_infos"][0]["signed_attrs"]]
    found = read(octets.replace(b"".join(attributes), b"".join(reversed(attributes))))
    assert "cms" in {one.code for one in found.problems}


def test_octets_behind_the_cms_must_be_zero() -> None:
    assert [one.code for one in read(make_cms() + b"\0\1").problems] == ["cms"]


def test_other_content_has_another_digest() -> None:
    found = read(make_cms(), b"something else")
    assert (found.digest_right, found.value_right) == (False, True)
    assert [one.code for one in found.problems] == ["digest"]


def test_other_value_does_not_verify() -> None:
    octets = make_cms(kind="rsa-2048")
    found = read(octets[:-1] + bytes([octets[-1] ^ 1]))
    assert (found.digest_right, found.value_right) == (True, False)


@settings(max_examples=100, deadline=None)
@given(place=st.floats(0, 0.999999), octet=st.integers(1, 255))
def test_any_flip_in_a_cms_is_answered(place: float, octet: int) -> None:
    octets = bytearray(make_cms())
    octets[int(place * len(octets))] ^= octet
    found = read(bytes(octets))
    assert found.problems or found.unsupported or found.value_right


def test_objects_appended_by_the_test_helper_are_well_formed() -> None:
    file = read_pdf(append_objects(partly_signed_pdf(), {1: b"<<>>"}))
    assert file.trouble is None
