"""Certificates that an authority of the sample PKI would never issue, and names that look like others."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml.etree import _Element

from signing.signer import Signer
from tests.support.samples import build_issue, build_transcript
from tests.support.signers import MemorySigner, make_key
from tests.vectors.cases import UNANCHORED, Question, cannot_tell, fails, sound
from tests.vectors.detached import beside, detached
from tests.vectors.foreign import encode
from tests.vectors.forge import DS, MATHS, SEAL, edit, only, reseal, resign_with
from tests.vectors.school import TEACHERS_SIGN_AT, cccd, describe, school, signed
from transcript_core.pki.algorithms import algorithm_for
from transcript_core.pki.certificates import Certificate, load_certificate

TEACHER: Final = ("0148712189", "Hoàng Hữu An")
asked: Final = Question.SIGNATURES


def _signed_by(signer: Signer, slot_id: str = MATHS) -> bytes:
    transcript = build_transcript()
    document, slots, policy = describe(transcript, build_issue(transcript))
    return school().sign_all(document, slots, policy, signers={slot_id: signer})


@cache
def issue(
    name: str | None = TEACHER[1],
    *,
    number: int,
    extension: x509.ExtensionType | None = None,
    valid_from: timedelta = timedelta(days=-200),
    issuer: MemorySigner | None = None,
    kind: str = "p-256",
) -> MemorySigner:
    """Return a signer whose certificate the public-duty CA issued by mistake; its status is in the CA's CRL."""
    pki, key = school().pki, make_key(kind, number)
    ca_pem, _ = pki.read_key("public-duty-ca")
    ca = load_certificate(ca_pem) if issuer is None else issuer.certificate
    attributes = [] if name is None else [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    attributes += [] if name is None else [x509.NameAttribute(NameOID.USER_ID, cccd(TEACHER[0]))]
    location = x509.UniformResourceIdentifier(f"{pki.base_url}/crl/public-duty-ca.crl")
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(attributes))
        .issuer_name(ca.x509.subject)
        .public_key(key.public_key())
        .serial_number(7_000_000 + number)
        .not_valid_before(TEACHERS_SIGN_AT + valid_from)
        .not_valid_after(TEACHERS_SIGN_AT + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([location], None, None, None)]), critical=False
        )
    )
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    signing_key = pki.load_ca_key("public-duty-ca") if issuer is None else issuer.key
    der = builder.sign(signing_key, hashes.SHA256()).public_bytes(Encoding.DER)
    chain: tuple[Certificate, ...] = (ca,) if issuer is None else (ca, *issuer.chain)
    certificate = load_certificate(der)
    return MemorySigner(certificate, chain, algorithm_for(certificate), key)


@sound("RFC 5280: an ordinary certificate, made as the broken ones of this family are")
def certificate_issued_by_hand() -> bytes:
    return _signed_by(issue(number=2001))


@cannot_tell("RFC 5280, 4.2: a critical extension that is not understood", "certificate.path")
def certificate_with_an_unknown_critical_extension() -> bytes:
    stranger = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00")
    return _signed_by(issue(number=2002, extension=stranger))


@fails("EN 319 102-1, 5.2.6: signed by its own word before the certificate was valid", "certificate.period")
def claimed_time_before_the_certificate() -> bytes:
    """At the proven time, the seal's an hour or so later, the certificate is in date; at the claimed one it was not."""
    return _signed_by(issue(number=2003, valid_from=timedelta(hours=1)))


# Names


@fails("the certificate names somebody else, under the right number", "slots.signers")
def certificate_of_another_name() -> bytes:
    return _signed_by(school().person(TEACHER[0], "Hoàng Hữu Anh"))


@fails("Unicode look-alikes: a Cyrillic letter in the certificate's name", "slots.signers")
def look_alike_letter_in_a_name() -> bytes:
    return _signed_by(school().person(TEACHER[0], "Hoàng Hữu \u0410n"))


@fails("bidirectional control in the certificate's name", "slots.signers")
def bidirectional_control_in_a_name() -> bytes:
    return _signed_by(school().person(TEACHER[0], "Hoàng Hữu\u202e An"))


@fails("invisible characters in the certificate's name", "slots.signers")
def zero_width_space_in_a_name() -> bytes:
    return _signed_by(school().person(TEACHER[0], "Hoàng Hữu A\u200bn"))


@sound("names are compared after NFC and without regard to case")
def name_in_capitals_and_decomposed_letters() -> bytes:
    return _signed_by(school().person(TEACHER[0], unicodedata.normalize("NFD", TEACHER[1].upper())))


@fails("Unicode look-alikes: the seal of a school whose name looks the same", "slots.signers", "authority")
def seal_of_a_look_alike_school() -> bytes:
    return _signed_by(school().seal("Trường THCS H\u043ea Sen", "0109999999"), SEAL)


@cannot_tell(
    "EN 319 102-1, 5.2.6: a certificate whose subject is empty identifies nobody",
    "signer.identified",
    question=asked,
    files=beside,
)
def certificate_without_a_subject() -> bytes:
    return detached(signer=issue(None, number=2004))


# Substitution


@fails(
    "EN 319 102-1, 5.2.3: another certificate of the same key",
    "signature.form",
    "signature.certificate-reference",
)
def certificate_of_the_same_key() -> bytes:
    """The value verifies with it; only the signed digest tells that it is another certificate."""
    renamed = _renew(number=2001)

    def change(root: _Element) -> None:
        only(root, MATHS, f"{DS}X509Certificate").text = encode(renamed.der)

    return edit(_signed_by(issue(number=2001)), change, reseal)


def _renew(*, number: int) -> Certificate:
    """Return a later certificate of the same key and person."""
    known = issue(number=number)
    again = issue(TEACHER[1], number=number, valid_from=timedelta(days=-199))
    assert known.certificate != again.certificate
    return again.certificate


# Paths


@cannot_tell("RFC 5280, 4.2.1.9: a person issues certificates", *UNANCHORED, "slots.signers", "authority")
def certificate_issued_by_a_person() -> bytes:
    person = issue(number=2001)
    made = issue(number=2005, issuer=person)
    return edit(signed(), resign_with(MATHS, replace(made, chain=(person.certificate,))), reseal)
