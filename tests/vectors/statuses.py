"""OCSP answers and CRLs: good ones, and by others, stale, unsigned, about somebody else.  RFC 6960; RFC 5280.

The maths teacher's signature carries the answer; whatever does not count leaves the certificate's status open.  A nonce
is between the asker and the responder (`tests/unit/signing/test_evidence.py`); carried answers need none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml.etree import _Element

from tests.support.signers import PrivateKey, make_key
from tests.vectors.cases import cannot_tell, fails, sound
from tests.vectors.certificates import issue
from tests.vectors.foreign import encode
from tests.vectors.forge import MATHS, XADES, add, drop, edit, only, reseal, resign_with, signature
from tests.vectors.school import CHECKED_AT, NOW, TEACHERS_SIGN_AT, school, signed

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
UNKNOWN: Final = ("certificate.revocation", "certificate.path")
"""What is open when no piece of revocation data counts; "revoked" in one that counts fails them."""

SIGNED: Final = TEACHERS_SIGN_AT
_CA: Final = "public-duty-ca"


def teacher_with(*, ocsps: tuple[bytes, ...] = (), crls: tuple[bytes, ...] = ()) -> bytes:
    """Return the sample transcript, the maths teacher signing with a certificate that only these pieces speak of."""

    def change(root: _Element) -> None:
        values = only(root, MATHS, f"{XADES}RevocationValues")
        for one in list(values.iter(f"{XADES}OCSPValues")):
            drop(one)
        for kind, name, pieces in (
            ("CRLValues", "EncapsulatedCRLValue", crls),
            ("OCSPValues", "EncapsulatedOCSPValue", ocsps),
        ):
            holders = list(values.iter(f"{XADES}{kind}"))
            for piece in pieces:
                holder = holders[0] if holders else add(values, f"{XADES}{kind}")
                holders = [holder]
                add(holder, f"{XADES}{name}", encode(piece))
        for one in list(signature(root, MATHS).iter(f"{XADES}CRLValues")):
            values.insert(0, one)

    return edit(signed(), change, resign_with(MATHS, issue(number=2010)), reseal)


@cache
def ca() -> tuple[x509.Certificate, PrivateKey]:
    """Return the public-duty CA and its key."""
    return x509.load_pem_x509_certificate(school().pki.read_key(_CA)[0]), school().pki.load_ca_key(_CA)


@cache
def responder() -> tuple[x509.Certificate, PrivateKey]:
    """Return the OCSP responder that it certified."""
    certificate, key = school().pki.read_key(f"ocsp-{_CA}")
    loaded = load_pem_private_key(key, None)
    assert isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return x509.load_pem_x509_certificate(certificate), loaded


@cache
def _delegate(*, usage: x509.ObjectIdentifier | None, days: int = 400) -> tuple[x509.Certificate, PrivateKey]:
    """Return a responder that the CA certified, with this extended usage."""
    authority, ca_key = ca()
    key = make_key("p-256", 3001)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OCSP thử nghiệm")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(7_100_000 + days)
        .not_valid_before(SIGNED - 200 * DAY)
        .not_valid_after(SIGNED + days * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.OCSPNoCheck(), critical=False)
    )
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(ca_key, hashes.SHA256()), key


def answer(
    by: Callable[[], tuple[x509.Certificate, PrivateKey]] = responder,
    *,
    about: int = 2010,
    at: datetime = SIGNED,
    until: timedelta | None = DAY,
    revoked_at: datetime | None = None,
    unknown: bool = False,
    issuer: x509.Certificate | None = None,
) -> bytes:
    """Return an OCSP answer about a certificate made by hand."""
    certificate, key = by()
    status = ocsp.OCSPCertStatus.GOOD if revoked_at is None else ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        issue(number=about).certificate.x509,
        issuer or ca()[0],
        hashes.SHA256(),
        ocsp.OCSPCertStatus.UNKNOWN if unknown else status,
        at,
        None if until is None else at + until,
        revoked_at,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
    return _produce(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER), at, key)


def _produce(der: bytes, at: datetime, key: PrivateKey) -> bytes:
    """Return the answer as made at this time, signed again: the builder writes the time of the test run."""
    response = asn1_ocsp.OCSPResponse.load(der)
    basic = response["response_bytes"]["response"].parsed
    data = basic["tbs_response_data"]
    data["produced_at"] = at
    basic["signature"] = sign(key, data.dump(force=True))
    whole: bytes = response.dump(force=True)
    return whole


def sign(key: PrivateKey, octets: bytes, hashed: hashes.HashAlgorithm | None = None) -> bytes:
    """Return the value of an authority's key, over SHA-256 unless told otherwise."""
    wanted = hashed or hashes.SHA256()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), wanted)
    return key.sign(octets, ec.ECDSA(wanted))


def crl(
    *, at: datetime = SIGNED, until: timedelta = DAY, revoked: int | None = None, delta: bool = False, by: str = _CA
) -> bytes:
    """Return a CRL of a CA."""
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(ca()[0].subject).last_update(at).next_update(at + until)
    )
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder().serial_number(revoked).revocation_date(at - HOUR).build()
        builder = builder.add_revoked_certificate(entry)
    if delta:
        builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
    return builder.sign(school().pki.load_ca_key(by), hashes.SHA256()).public_bytes(Encoding.DER)


def _serial() -> int:
    return issue(number=2010).certificate.serial


@sound("RFC 6960, 4.2.2.2: a responder that the CA certified for it")
def ocsp_answer_of_the_responder() -> bytes:
    return teacher_with(ocsps=(answer(),))


@sound("RFC 6960, 4.2.2.2: the CA itself")
def ocsp_answer_of_the_ca() -> bytes:
    return teacher_with(ocsps=(answer(ca),))


@sound("RFC 5280, 6.3: a CRL alone")
def crl_of_the_ca() -> bytes:
    return teacher_with(crls=(crl(),))


@fails("RFC 6960: revoked before it signed", *UNKNOWN)
def ocsp_answer_revoked() -> bytes:
    return teacher_with(ocsps=(answer(revoked_at=SIGNED - HOUR),))


@fails("one usable piece that says revoked outweighs others that say good", *UNKNOWN)
def revoked_in_one_of_two_answers() -> bytes:
    return teacher_with(ocsps=(answer(), answer(ca, revoked_at=SIGNED - HOUR)))


@fails("RFC 5280, 6.3: on the CRL", *UNKNOWN)
def crl_that_lists_the_certificate() -> bytes:
    return teacher_with(ocsps=(answer(),), crls=(crl(revoked=_serial()),))


@cannot_tell("EN 319 102-1, 5.2.5: no data", *UNKNOWN)
def no_answer_about_the_teacher() -> bytes:
    return teacher_with()


@cannot_tell("RFC 6960, 4.2.2.3: the responder does not know the certificate", *UNKNOWN)
def ocsp_answer_unknown() -> bytes:
    return teacher_with(ocsps=(answer(unknown=True),))


@cannot_tell("RFC 6960, 4.1.1: about another serial number", *UNKNOWN)
def ocsp_answer_about_another_certificate() -> bytes:
    return teacher_with(ocsps=(answer(about=2001),))


@cannot_tell("RFC 6960, 4.1.1: about a certificate of another issuer", *UNKNOWN)
def ocsp_answer_about_another_issuer() -> bytes:
    other = x509.load_pem_x509_certificate(school().pki.read_key("national-ca")[0])
    return teacher_with(ocsps=(answer(issuer=other),))


@cannot_tell("RFC 6960, 4.2.2.2: signed by another CA's responder", *UNKNOWN)
def ocsp_answer_of_another_cas_responder() -> bytes:
    return teacher_with(ocsps=(answer(_other_responder),))


@cache
def _other_responder() -> tuple[x509.Certificate, PrivateKey]:
    certificate, key = school().pki.read_key("ocsp-national-ca")
    loaded = load_pem_private_key(key, None)
    assert isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return x509.load_pem_x509_certificate(certificate), loaded


@cannot_tell("RFC 6960, 4.2.2.2: a delegated responder without the usage", *UNKNOWN)
def ocsp_answer_of_a_delegate_without_the_usage() -> bytes:
    return teacher_with(ocsps=(answer(lambda: _delegate(usage=None)),))


@cannot_tell("RFC 6960, 4.2.2.2: a delegated responder for something else", *UNKNOWN)
def ocsp_answer_of_a_delegate_for_something_else() -> bytes:
    return teacher_with(ocsps=(answer(lambda: _delegate(usage=ExtendedKeyUsageOID.TIME_STAMPING)),))


@cannot_tell("RFC 6960, 4.2.2.2: a delegated responder out of date", *UNKNOWN)
def ocsp_answer_of_an_expired_delegate() -> bytes:
    return teacher_with(ocsps=(answer(lambda: _delegate(usage=ExtendedKeyUsageOID.OCSP_SIGNING, days=-1)),))


@cannot_tell("RFC 6960, 4.2.2.2: the teacher vouches for the teacher", *UNKNOWN)
def ocsp_answer_of_the_signer() -> bytes:
    own = issue(number=2010)
    return teacher_with(ocsps=(answer(lambda: (own.certificate.x509, own.key)),))


@cannot_tell("EN 319 102-1, 5.2.5.4: stale", *UNKNOWN)
def ocsp_answer_that_is_stale() -> bytes:
    return teacher_with(ocsps=(answer(at=SIGNED - 90 * DAY),))


@sound("docs/divergences.md: made after the time asked about, which may lie in the past")
def ocsp_answer_from_after_the_time_asked_about() -> bytes:
    return teacher_with(ocsps=(answer(at=CHECKED_AT + 2 * DAY),))


@cannot_tell("RFC 6960, 4.2.2.1: made in the future of whoever verifies", *UNKNOWN)
def ocsp_answer_from_the_future() -> bytes:
    return teacher_with(ocsps=(answer(at=NOW + HOUR),))


@cannot_tell("RFC 6960, 4.2.2.1: nobody can say today who will be revoked", *UNKNOWN)
def ocsp_answer_revoked_from_the_future() -> bytes:
    return teacher_with(ocsps=(answer(at=NOW + HOUR, revoked_at=SIGNED - HOUR),))


@cannot_tell("RFC 5280, 5.1.2.4: made in the future of whoever verifies", *UNKNOWN)
def crl_from_the_future() -> bytes:
    return teacher_with(crls=(crl(at=NOW + HOUR),))


@sound("docs/verification.md: clocks differ by minutes")
def ocsp_answer_of_a_clock_that_is_fast() -> bytes:
    return teacher_with(ocsps=(answer(at=NOW + timedelta(minutes=4)),))


@sound("docs/verification.md: who asks about a day to come supposes that it is there", at=NOW + 20 * DAY)
def ocsp_answer_from_before_a_day_to_come() -> bytes:
    return teacher_with(ocsps=(answer(at=NOW + 10 * DAY),))


@cannot_tell("RFC 6960, 4.2.1: the signature is another's", *UNKNOWN)
def ocsp_answer_changed() -> bytes:
    der = bytearray(answer())
    der[-700] ^= 1
    return teacher_with(ocsps=(bytes(der),))


@cannot_tell("RFC 6960, 4.2.1: not signed at all (an error response)", *UNKNOWN)
def ocsp_error_response() -> bytes:
    return teacher_with(ocsps=(bytes.fromhex("30030a0101"),))


@cannot_tell("RFC 6960: octets that are none", *UNKNOWN)
def ocsp_answer_of_nonsense() -> bytes:
    return teacher_with(ocsps=(b"\x30\x82\xff\xff",))


@cannot_tell("RFC 5280, 6.3.3: stale", *UNKNOWN)
def crl_that_is_stale() -> bytes:
    return teacher_with(crls=(crl(at=SIGNED - 90 * DAY),))


@sound("docs/divergences.md: made after the time asked about, which may lie in the past")
def crl_from_after_the_time_asked_about() -> bytes:
    return teacher_with(crls=(crl(at=CHECKED_AT + 2 * DAY),))


@cannot_tell("RFC 5280, 5.2.4: a delta CRL is not complete", *UNKNOWN)
def delta_crl() -> bytes:
    return teacher_with(crls=(crl(delta=True),))


@cannot_tell("RFC 5280, 6.3.3: signed by another CA under this CA's name", *UNKNOWN)
def crl_signed_by_another_ca() -> bytes:
    return teacher_with(crls=(crl(by="national-ca"),))


@cannot_tell("RFC 5280, 5.1.1.3: changed after signing", *UNKNOWN)
def crl_changed() -> bytes:
    return teacher_with(crls=(crl(revoked=4711).replace((4711).to_bytes(2), (4712).to_bytes(2), 1),))
