"""The CMS signature of a PDF made otherwise: wrong value, weak algorithm, no or another certificate signed along.

The seal signs what the file really holds, in all of them; only what its CMS says, or the key, is another.  The same is
asked of files of others, where what was good once is left open and what contradicts itself is broken.
RFC 5652; RFC 5035; EN 319 142-1, 6.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from signing import pades
from signing.pades.phases import PadesState
from signing.signer import SigningIdentity
from tests.support.foreign_pdf import sign_by_hand
from tests.vectors.cases import UNANCHORED, Question, cannot_tell, fails, sound
from tests.vectors.pdf_forge import describe_slots, unsealed_pdf
from tests.vectors.pdf_strangers import store
from tests.vectors.pictures import build_appearance
from tests.vectors.school import OTHER_MST, OTHER_SCHOOL_NAME, SCHOOL_MST, STEP, TEACHERS_SIGN_AT, school
from transcript_core.pki.certificates import Certificate
from transcript_core.pki.trust import World

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),
    "sha1": hashes.SHA1(),
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}
_WEAK: Final = "TT 15/2025 Annex I: no SHA-1 and no MD5"
_NAMED: Final = "EN 319 142-1, 6.3: signing-certificate-v2 names the signer's certificate"
_VALUE: Final = "RFC 5652, 5.6: the value is the signer's"
_ATTRIBUTES: Final = "RFC 5652, 5.3 and 11: signed attributes"
_OTHER_HASH: Final = ("signature.form", "signature.references", "signature.value")
_UNBOUND: Final = ("signature.form", "signature.certificate-reference", "signature.profile")
"""What fails or is open of a seal whose certificate is not signed along."""

_UNREAD: Final = (*_UNBOUND, *UNANCHORED, "signature.value", "signature.algorithms")
"""What fails or is open of a seal whose certificate is not known."""

asked: Final = Question.SIGNATURES

Attributes = list[Any]
Change = Callable[[Attributes], Attributes]


@dataclass(frozen=True)
class Key:
    """A private key that signs anything, and its certificates."""

    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: rsa.RSAPrivateKey

    def sign(self, octets: bytes, hash_name: str) -> bytes:
        """Return an RSA value."""
        return self.key.sign(octets, padding.PKCS1v15(), _HASHES[hash_name])


@cache
def seal_key(name: str = "Trường THCS Hoa Sen", mst: str = SCHOOL_MST) -> Key:
    """Return the key of a school's seal as whoever stole its file holds it."""
    signer, pki = school().seal(name, mst), school().pki
    path = pki.issue_seal(name, mst, world=World.NATIONAL)
    bundle = load_pkcs12(path.read_bytes(), pki.read_password(path).encode())
    assert isinstance(bundle.key, rsa.RSAPrivateKey)
    return Key(signer.certificate, tuple(signer.chain), bundle.key)


@dataclass(frozen=True)
class Made:
    """How the CMS shall be made."""

    hash_name: str = "sha256"
    named_hash: str | None = None  # in SignerInfo, in place of the one that was used
    named_scheme: str = "rsassa_pkcs1v15"  # likewise
    attributes: Change = lambda attributes: attributes
    with_attributes: bool = True
    by: Key | None = None  # whose key signs; None: the seal's
    value: Callable[[bytes], bytes] = lambda value: value
    carried: bool = True  # the certificates


def write_cms(made: Made, attributes: Attributes, covered: bytes, *, stamped: bool) -> cms.ContentInfo:
    """Return the CMS signature of the school's seal over these octets.

    Args:
        attributes: signed ones beside the message digest, before `made` changes them.
    """
    own, digest = seal_key(), hashlib.new(made.hash_name, covered).digest()
    listed = [*attributes, cms.CMSAttribute({"type": "message_digest", "values": [core.OctetString(digest)]})]
    signed = cms.CMSAttributes(made.attributes(listed)) if made.with_attributes else None
    value = made.value((made.by or own).sign(covered if signed is None else signed.dump(), made.hash_name))
    leaf = asn1_x509.Certificate.load(own.certificate.der)
    stated = {"algorithm": made.named_hash or made.hash_name}
    info: dict[str, Any] = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number", {"issuer": leaf.issuer, "serial_number": leaf.serial_number}
        ),
        "digest_algorithm": stated,
        "signature_algorithm": {"algorithm": made.named_scheme},
        "signature": value,
    }
    if stamped:
        info["unsigned_attrs"] = [_stamp(value)]
    if signed is not None:
        info["signed_attrs"] = signed
    carried = [asn1_x509.Certificate.load(one.der) for one in (own.certificate, *own.chain)]
    data: dict[str, Any] = {
        "version": "v1",
        "digest_algorithms": [stated],
        "encap_content_info": {"content_type": "data"},
        "certificates": carried if made.carried else None,
        "signer_infos": [info],
    }
    return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})


def _stamp(value: bytes) -> cms.CMSAttribute:
    token, _ = school().stamp(hashlib.sha256(value).digest())
    return cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]})


def seal_with(made: Made) -> bytes:
    """Return the transcript's PDF, sealed in this way."""
    (*_, seal), policy = describe_slots()
    here, pdf = school(), unsealed_pdf()
    here.clock.at = TEACHERS_SIGN_AT + STEP * (seal.rule.order - 1)
    identity, shown = SigningIdentity.of(here.seal(seal.name)), build_appearance(pdf, seal)
    state = pades.prepare(pdf, seal, identity, at=here.clock.at, appearance=shown, policy=policy).state
    assert isinstance(state, PadesState)
    usual = cms.CMSAttributes.load(state.attributes.with_digest(bytes(32)))
    attributes = [one for one in usual if one["type"].native != "message_digest"]
    covered = pdf + state.section.before + state.section.after
    return pdf + state.section.fill(write_cms(made, attributes, covered, stamped=True).dump())


def sign_as_a_stranger(made: Made, form: str = "ETSI.CAdES.detached") -> bytes:
    """Return another file that the seal signed in this way."""

    def make(covered: bytes) -> bytes:
        content = cms.CMSAttribute({"type": "content_type", "values": ["data"]})
        named = cms.CMSAttribute({"type": "signing_certificate_v2", "values": [_name(seal_key().certificate)]})
        return write_cms(made, [content, named], covered, stamped=False).dump()  # type: ignore[no-any-return]

    entries = f"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/{form}/M(D:20260529030000Z)".encode()
    return store(sign_by_hand(make, entries=entries, room=24_000))


def _name(certificate: Certificate, *, serial: int | None = None) -> tsp.SigningCertificateV2:
    identifier: dict[str, Any] = {
        "hash_algorithm": {"algorithm": "sha256"},
        "cert_hash": certificate.sha256,
    }
    if serial is not None:
        issuer = asn1_x509.GeneralName("directory_name", certificate.asn1.issuer)
        identifier["issuer_serial"] = {"issuer": [issuer], "serial_number": serial}
    return tsp.SigningCertificateV2({"certs": [identifier]})


def _without(kind: str) -> Change:
    return lambda attributes: [one for one in attributes if one["type"].native != kind]


def _with(kind: str, *values: Any) -> Change:
    """Return the change that puts attributes of this kind, one for each value, in the place of the usual one."""
    made = [cms.CMSAttribute({"type": kind, "values": [value]}) for value in values]
    return lambda attributes: [*_without(kind)(attributes), *made]


def _another() -> Certificate:
    return seal_key(OTHER_SCHOOL_NAME, OTHER_MST).certificate


def _old_form(certificate: Certificate) -> tsp.SigningCertificate:
    digest = hashlib.sha1(certificate.der, usedforsecurity=False).digest()
    return tsp.SigningCertificate({"certs": [{"cert_hash": digest}]})


def _old_form_alone(attributes: Attributes) -> Attributes:
    rest = _without("signing_certificate_v2")(attributes)
    return _with("signing_certificate", _old_form(seal_key().certificate))(rest)


# --- sound: made by hand as the broken ones are -----------------------------------------------------------------


@sound("RFC 5652, 5: a seal made by hand")
def seal_made_by_hand() -> bytes:
    return seal_with(Made())


@sound("RFC 5652, 5: a signature made by hand", question=asked)
def pdf_signed_by_hand() -> bytes:
    return sign_as_a_stranger(Made())


# --- value ------------------------------------------------------------------------------------------------------


def _turn_last(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


@fails(_VALUE, "signature.form", "signature.value")
def value_of_the_seal_changed() -> bytes:
    return seal_with(Made(value=_turn_last))


@fails(_VALUE, "signature.form", "signature.value")
def value_of_the_seal_by_another_key() -> bytes:
    return seal_with(Made(by=seal_key(OTHER_SCHOOL_NAME, OTHER_MST)))


@fails(_VALUE, "signature.form", "signature.value")
def value_of_the_seal_of_zeros() -> bytes:
    return seal_with(Made(value=lambda value: bytes(len(value))))


@fails(_VALUE, "signature.form", "signature.value")
def value_of_the_seal_of_no_octets() -> bytes:
    return seal_with(Made(value=lambda _: b""))


@fails(_VALUE, "signature.form", "signature.value", question=asked)
def value_of_a_foreign_signature_changed() -> bytes:
    return sign_as_a_stranger(Made(value=_turn_last))


@fails(_VALUE, "signature.form", "signature.value", question=asked)
def value_of_a_foreign_signature_by_another_key() -> bytes:
    return sign_as_a_stranger(Made(by=seal_key(OTHER_SCHOOL_NAME, OTHER_MST)))


# --- algorithms -------------------------------------------------------------------------------------------------


@fails(_WEAK, "signature.form", "signature.algorithms")
def seal_over_a_sha_1_digest() -> bytes:
    return seal_with(Made(hash_name="sha1"))


@fails(_WEAK, "signature.form", "signature.algorithms")
def seal_over_an_md5_digest() -> bytes:
    return seal_with(Made(hash_name="md5"))


@cannot_tell(_WEAK, "signature.form", "signature.algorithms", question=asked)
def foreign_signature_over_a_sha_1_digest() -> bytes:
    return sign_as_a_stranger(Made(hash_name="sha1"))


@cannot_tell(_WEAK, "signature.form", "signature.algorithms", question=asked)
def foreign_signature_over_an_md5_digest() -> bytes:
    return sign_as_a_stranger(Made(hash_name="md5"))


@fails("RFC 5652, 5.3: the hash that is named is the one that was used", *_OTHER_HASH)
def seal_that_names_another_hash() -> bytes:
    return seal_with(Made(hash_name="sha512", named_hash="sha256"))


@fails(
    "RFC 5652, 5.3: the hash that is named is the one that was used",
    *_OTHER_HASH,
    question=asked,
)
def foreign_signature_that_names_another_hash() -> bytes:
    return sign_as_a_stranger(Made(hash_name="sha512", named_hash="sha256"))


@fails("RFC 5652, 5.3: a scheme that is not for this key", "signature.form", "signature.value", "signature.algorithms")
def seal_that_names_the_scheme_of_another_key() -> bytes:
    return seal_with(Made(named_scheme="sha256_ecdsa"))


@fails("RFC 6211, 2: the algorithms that are signed along are those that are used", "signature.form", "signature.value")
def seal_that_protects_another_hash() -> bytes:
    return seal_with(Made(attributes=_with("cms_algorithm_protection", _protect("sha512"))))


@cannot_tell(
    "RFC 5652, 5.3: an algorithm that nobody knows", "signature.form", "signature.value", "signature.algorithms"
)
def seal_by_an_unknown_scheme() -> bytes:
    return seal_with(Made(named_scheme="2.25.1"))


def _protect(hash_name: str) -> cms.CMSAlgorithmProtection:
    return cms.CMSAlgorithmProtection(
        {"digest_algorithm": {"algorithm": hash_name}, "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"}}
    )


# --- the certificate is signed along ----------------------------------------------------------------------------


@fails(_NAMED, *_UNBOUND)
def certificate_of_the_seal_not_signed_along() -> bytes:
    return seal_with(Made(attributes=_without("signing_certificate_v2")))


@fails(_NAMED, *_UNBOUND)
def certificate_of_another_seal_signed_along() -> bytes:
    return seal_with(Made(attributes=_with("signing_certificate_v2", _name(_another()))))


@fails(_NAMED, *_UNBOUND)
def certificate_signed_along_under_another_serial_number() -> bytes:
    own = seal_key().certificate
    return seal_with(Made(attributes=_with("signing_certificate_v2", _name(own, serial=own.serial + 1))))


@fails(f"{_NAMED}, not by SHA-1 alone", *_UNBOUND)
def certificate_signed_along_by_sha_1() -> bytes:
    return seal_with(Made(attributes=_old_form_alone))


@fails(f"{_ATTRIBUTES} are single", "signature.form")
def certificate_signed_along_twice() -> bytes:
    own = seal_key().certificate
    return seal_with(Made(attributes=_with("signing_certificate_v2", _name(own), _name(own, serial=own.serial))))


@cannot_tell(_NAMED, "signature.form", "signature.certificate-reference", question=asked)
def foreign_certificate_not_signed_along() -> bytes:
    return sign_as_a_stranger(Made(attributes=_without("signing_certificate_v2")))


@cannot_tell("ISO 32000-2, 12.8.3.3: plain CMS names no certificate", "signature.certificate-reference", question=asked)
def foreign_plain_signature_without_its_certificate_signed_along() -> bytes:
    return sign_as_a_stranger(Made(attributes=_without("signing_certificate_v2")), "adbe.pkcs7.detached")


@fails(_NAMED, "signature.form", "signature.certificate-reference", question=asked)
def foreign_certificate_of_somebody_else_signed_along() -> bytes:
    return sign_as_a_stranger(Made(attributes=_with("signing_certificate_v2", _name(_another()))))


@fails("RFC 5652, 5.1: the certificate is carried", *_UNREAD)
def certificate_of_the_seal_not_carried() -> bytes:
    return seal_with(Made(carried=False))


# --- signed attributes ------------------------------------------------------------------------------------------


@fails(f"{_ATTRIBUTES} are there", *_UNBOUND, "signature.policy")
def seal_without_signed_attributes() -> bytes:
    return seal_with(Made(with_attributes=False))


@fails(f"{_ATTRIBUTES} say what was signed", "signature.form", "signature.references")
def seal_without_a_message_digest() -> bytes:
    return seal_with(Made(attributes=_without("message_digest")))


@fails(f"{_ATTRIBUTES} are single", *_UNREAD, "signature.references", "signature.policy")
def seal_with_two_message_digests() -> bytes:
    def change(attributes: Attributes) -> Attributes:
        other = cms.CMSAttribute({"type": "message_digest", "values": [core.OctetString(bytes(32))]})
        return [*attributes, other]

    return seal_with(Made(attributes=change))


@fails(f"{_ATTRIBUTES} name the type of the content", "signature.form", "signature.references")
def seal_over_content_of_another_type() -> bytes:
    return seal_with(Made(attributes=_with("content_type", "tst_info")))


@fails(f"{_ATTRIBUTES} name the type of the content", "signature.form")
def seal_without_a_content_type() -> bytes:
    return seal_with(Made(attributes=_without("content_type")))
