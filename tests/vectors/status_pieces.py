"""OCSP answers and CRLs of a form that says less than it seems to: unsigned, on hold, of another scope, with a nonce.

As in `statuses`, the maths teacher's signature carries the piece.  RFC 6960; RFC 5280, 5 and 6.3; RFC 8954.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from asn1crypto import core
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.signers import PrivateKey
from tests.vectors.cases import cannot_tell, fails, sound
from tests.vectors.certificates import issue
from tests.vectors.school import school
from tests.vectors.statuses import DAY, HOUR, SIGNED, UNKNOWN, answer, ca, crl, responder, sign, teacher_with

_CRITICAL_ENTRY: Final = "RFC 5280, 5.3: a critical extension of an entry that is not understood"
_NOT_SIGNED: Final = "RFC 6960, 3.2: an answer is signed"
_STRANGER: Final = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00")
_REMOVED: Final = "RFC 5280, 5.3.1: removeFromCRL stands in delta CRLs only"


def _name_sha_1(key: PrivateKey) -> str:
    return "sha1_rsa" if isinstance(key, rsa.RSAPrivateKey) else "sha1_ecdsa"


# OCSP


def _edit_answer(change: Callable[[Any], None], *, signed: bool = True, der: bytes | None = None) -> bytes:
    """Return an answer whose BasicOCSPResponse was changed, signed again by the responder unless told otherwise."""
    response = asn1_ocsp.OCSPResponse.load(der or answer())
    basic = response["response_bytes"]["response"].parsed
    change(basic)
    if signed:
        basic["signature"] = sign(responder()[1], basic["tbs_response_data"].dump(force=True))
    made: bytes = response.dump(force=True)
    return made


def _with_nonce(nonce: bytes, *, critical: bool = False) -> bytes:
    def change(basic: Any) -> None:
        extension = {"extn_id": "nonce", "critical": critical, "extn_value": core.OctetString(nonce)}
        basic["tbs_response_data"]["response_extensions"] = [extension]

    return _edit_answer(change)


def _with_single_extension(*, critical: bool) -> bytes:
    def change(basic: Any) -> None:
        extension = {"extn_id": "2.25.1", "critical": critical, "extn_value": core.ParsableOctetString(b"\x05\x00")}
        basic["tbs_response_data"]["responses"][0]["single_extensions"] = [extension]

    return _edit_answer(change)


@sound("RFC 6960, 4.4.1; RFC 8954, 2.1: a nonce binds an answer to its request; whoever reads it later has no request")
def ocsp_answer_with_a_nonce() -> bytes:
    return teacher_with(ocsps=(_with_nonce(bytes(range(32))),))


@cannot_tell("RFC 6960, 4.2.2.1 and 4.4.1: a nonce makes no old answer fresh", *UNKNOWN)
def stale_ocsp_answer_with_a_nonce() -> bytes:
    def change(basic: Any) -> None:
        extension = {"extn_id": "nonce", "critical": False, "extn_value": core.OctetString(bytes(range(32)))}
        basic["tbs_response_data"]["response_extensions"] = [extension]

    return teacher_with(ocsps=(_edit_answer(change, der=answer(at=SIGNED - 90 * DAY)),))


@cannot_tell("RFC 6960, 4.4: no extension of an answer is critical", *UNKNOWN)
def ocsp_answer_with_a_critical_nonce() -> bytes:
    return teacher_with(ocsps=(_with_nonce(bytes(range(32)), critical=True),))


@sound("RFC 6960, 4.4: an extension that is not known and not critical")
def ocsp_answer_with_an_unknown_extension() -> bytes:
    return teacher_with(ocsps=(_with_single_extension(critical=False),))


@cannot_tell("RFC 6960, 4.4; RFC 5280, 4.2: a critical extension of a single answer that is not understood", *UNKNOWN)
def ocsp_answer_with_an_unknown_critical_extension() -> bytes:
    return teacher_with(ocsps=(_with_single_extension(critical=True),))


@cannot_tell(_NOT_SIGNED, *UNKNOWN)
def ocsp_answer_without_a_value() -> bytes:
    def change(basic: Any) -> None:
        basic["signature"] = b""

    return teacher_with(ocsps=(_edit_answer(change, signed=False),))


@cannot_tell(_NOT_SIGNED, *UNKNOWN)
def ocsp_answer_with_a_value_of_zeros() -> bytes:
    def change(basic: Any) -> None:
        basic["signature"] = bytes(len(basic["signature"].native))

    return teacher_with(ocsps=(_edit_answer(change, signed=False),))


@cannot_tell(f"{_NOT_SIGNED}: the value of another answer by the same responder", *UNKNOWN)
def ocsp_answer_with_the_value_of_another() -> bytes:
    other = asn1_ocsp.OCSPResponse.load(answer(about=2001))["response_bytes"]["response"].parsed["signature"].native

    def change(basic: Any) -> None:
        basic["signature"] = other

    return teacher_with(ocsps=(_edit_answer(change, signed=False),))


@cannot_tell("docs/trust.md: no SHA-1 in an answer", *UNKNOWN)
def ocsp_answer_signed_with_sha_1() -> bytes:
    key = responder()[1]

    def change(basic: Any) -> None:
        basic["signature_algorithm"] = {"algorithm": _name_sha_1(key)}
        basic["signature"] = sign(key, basic["tbs_response_data"].dump(force=True), hashes.SHA1())

    return teacher_with(ocsps=(_edit_answer(change, signed=False),))


@cannot_tell("RFC 6960, 4.2.1: a response of another type than id-pkix-ocsp-basic", *UNKNOWN)
def ocsp_answer_of_another_type() -> bytes:
    basic, other = (bytes(core.ObjectIdentifier(f"1.3.6.1.5.5.7.48.1.{last}").dump()) for last in (1, 6))
    return teacher_with(ocsps=(answer().replace(basic, other, 1),))


@cannot_tell("RFC 5280, 5.3.1; EN 319 102-1, 5.2.6.4: on hold is neither revoked nor good", *UNKNOWN)
def ocsp_answer_on_hold() -> bytes:
    return teacher_with(ocsps=(_answer_with_reason("certificate_hold"),))


@cannot_tell(_REMOVED, *UNKNOWN)
def ocsp_answer_that_removes_from_a_crl() -> bytes:
    return teacher_with(ocsps=(_answer_with_reason("remove_from_crl"),))


def _answer_with_reason(reason: str) -> bytes:
    def change(basic: Any) -> None:
        single = basic["tbs_response_data"]["responses"][0]
        single["cert_status"].chosen["revocation_reason"] = reason

    return _edit_answer(change, der=answer(revoked_at=SIGNED - HOUR))


# CRLs


def _list(
    *extensions: x509.ExtensionType,
    entries: Sequence[tuple[int, x509.ExtensionType | None, bool]] = (),
    critical: bool = True,
) -> bytes:
    """Return a CRL of the CA.

    Args:
        extensions: of the list.
        entries: serial numbers, each with an extension of the entry and whether it is critical.
        critical: of `extensions`.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca()[0].subject)
    builder = builder.last_update(SIGNED).next_update(SIGNED + DAY)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=critical)
    for serial, reason, is_critical in entries:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(SIGNED - HOUR)
        entry = entry if reason is None else entry.add_extension(reason, critical=is_critical)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ca()[1], hashes.SHA256()).public_bytes(Encoding.DER)


def _point(**changes: Any) -> x509.IssuingDistributionPoint:
    values: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**values, **changes})


def _place(name: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(f"{school().pki.base_url}/crl/{name}.crl")]


@cache
def _serial() -> int:
    return issue(number=2010).certificate.serial


def _edit_list(change: Callable[[Any], None], der: bytes | None = None) -> bytes:
    """Return a CRL changed after it was signed."""
    made = asn1_crl.CertificateList.load(der or crl())
    change(made)
    octets: bytes = made.dump(force=True)
    return octets


@cannot_tell("RFC 5280, 5.1.1.3: a CRL is signed", *UNKNOWN)
def crl_without_a_value() -> bytes:
    def change(made: Any) -> None:
        made["signature"] = b""

    return teacher_with(crls=(_edit_list(change),))


@cannot_tell("RFC 5280, 5.1.1.3: the value of another list of the same CA", *UNKNOWN)
def crl_with_the_value_of_another() -> bytes:
    other = asn1_crl.CertificateList.load(crl(revoked=4711))["signature"].native

    def change(made: Any) -> None:
        made["signature"] = other

    return teacher_with(crls=(_edit_list(change),))


@cannot_tell("docs/trust.md: no SHA-1 in a list", *UNKNOWN)
def crl_signed_with_sha_1() -> bytes:
    key = ca()[1]

    def change(made: Any) -> None:
        made["tbs_cert_list"]["signature"] = made["signature_algorithm"] = {"algorithm": _name_sha_1(key)}
        made["signature"] = sign(key, made["tbs_cert_list"].dump(force=True), hashes.SHA1())

    return teacher_with(crls=(_edit_list(change),))


@sound("RFC 5280, 6.3.3 (b)(2)(i): the distribution point that the certificate names")
def crl_of_the_certificates_distribution_point() -> bytes:
    return teacher_with(crls=(_list(_point(full_name=_place("public-duty-ca"), only_contains_user_certs=True)),))


@cannot_tell("RFC 5280, 6.3.3 (b)(2)(i): another distribution point", *UNKNOWN)
def crl_of_another_distribution_point() -> bytes:
    return teacher_with(crls=(_list(_point(full_name=_place("others"))),))


@cannot_tell("RFC 5280, 6.3.3 (b)(2)(ii): about the certificates of authorities", *UNKNOWN)
def crl_about_authorities_only() -> bytes:
    return teacher_with(crls=(_list(_point(only_contains_ca_certs=True)),))


@cannot_tell("RFC 5280, 6.3.3 (b)(2)(iv): about attribute certificates", *UNKNOWN)
def crl_about_attribute_certificates_only() -> bytes:
    return teacher_with(crls=(_list(_point(only_contains_attribute_certs=True)),))


@cannot_tell("RFC 5280, 6.3.3 (d): for some reasons only", *UNKNOWN)
def crl_for_some_reasons_only() -> bytes:
    return teacher_with(crls=(_list(_point(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}))),))


@cannot_tell("RFC 5280, 5.2.5: a list for the certificates of several CAs", *UNKNOWN)
def crl_of_several_authorities() -> bytes:
    return teacher_with(crls=(_list(_point(indirect_crl=True)),))


@cannot_tell("RFC 5280, 5.3.3: the entry is about the certificate of another CA", *UNKNOWN)
def crl_whose_entry_is_of_another_authority() -> bytes:
    """The serial number is the teacher's; no issuing distribution point says that entries name their CA."""
    other = x509.CertificateIssuer([x509.DirectoryName(x509.Name([]))])
    return teacher_with(crls=(_list(entries=((_serial(), other, True),)),))


@cannot_tell(_CRITICAL_ENTRY, *UNKNOWN)
def crl_with_a_critical_entry_about_somebody_else() -> bytes:
    return teacher_with(crls=(_list(entries=((4711, None, False), (4712, _STRANGER, True))),))


@sound("RFC 5280, 5.3: an extension of an entry that is not known and not critical")
def crl_with_an_unknown_entry_extension_about_somebody_else() -> bytes:
    return teacher_with(crls=(_list(entries=((4711, _STRANGER, False),)),))


@cannot_tell("RFC 5280, 5.2: a critical extension of a list that is not understood", *UNKNOWN)
def crl_with_an_unknown_critical_extension() -> bytes:
    return teacher_with(crls=(_list(_STRANGER),))


@fails("RFC 5280, 5.3.1: revoked, with its reason", *UNKNOWN)
def crl_that_says_the_key_was_stolen() -> bytes:
    return teacher_with(crls=(_list(entries=((_serial(), x509.CRLReason(x509.ReasonFlags.key_compromise), False),)),))


@cannot_tell("RFC 5280, 5.3.1; EN 319 102-1, 5.2.6.4: on hold is neither revoked nor good", *UNKNOWN)
def crl_on_hold() -> bytes:
    return teacher_with(crls=(_list(entries=((_serial(), x509.CRLReason(x509.ReasonFlags.certificate_hold), False),)),))


@cannot_tell(_REMOVED, *UNKNOWN)
def crl_that_removes_from_a_crl() -> bytes:
    return teacher_with(crls=(_list(entries=((_serial(), x509.CRLReason(x509.ReasonFlags.remove_from_crl), False),)),))
