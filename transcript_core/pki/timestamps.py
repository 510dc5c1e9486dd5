"""Time-stamp tokens: reading and verifying.  RFC 3161, 2.4.2; RFC 5816 (ESSCertIDv2); EN 319 102-1, 5.4.

A token is CMS SignedData (RFC 5652, 5) around a TSTInfo, signed by exactly one TSA.  Asking for one is `signing`'s.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from asn1crypto import cms, core, tsp

from transcript_core.clock import read_utc
from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES, MAX_TIMESTAMP_BYTES
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, der_to_raw, find_by_cms, verify_digest
from transcript_core.pki.ber import split_elements, write_set
from transcript_core.pki.certificates import UNREADABLE, Certificate, key_bits, load_certificate
from transcript_core.pki.constraints import find_hash_end, find_signature_end
from transcript_core.pki.path import PathOutcome, PathResult, Purpose, SubIndication, validate_path
from transcript_core.pki.trust import TrustStore

_CERTIFICATE_TAG: Final = 0x30
_IMPRINT_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a token says.  Nothing of it is verified yet."""

    der: bytes = field(repr=False)  # ContentInfo
    time: datetime  # genTime; aware, UTC
    accuracy: timedelta | None
    imprint: bytes  # raw digest
    imprint_hash: str  # "sha256"
    serial: int
    nonce: int | None
    policy: str  # dotted OID
    certificates: tuple[Certificate, ...]  # carried in the token
    certificate: Certificate | None  # the TSA's, found among them by the SignerInfo; None: not carried
    _signed: Any = field(compare=False, repr=False)  # asn1crypto SignedData


@dataclass(frozen=True, slots=True)
class TimestampResult:
    """What is known of a token."""

    outcome: PathOutcome
    sub_indication: str | None  # EN 319 102-1; None: valid
    timestamp: Timestamp | None  # None: could not be read
    path: PathResult | None  # None: it did not come to that
    detail: str  # one English sentence; "" when valid


def parse_timestamp(token: bytes) -> Timestamp:
    """Return what the token says, without verifying it.

    Args:
        token: DER of the ContentInfo (TimeStampToken), not of the whole TimeStampResp.

    Raises:
        TrustMaterialError: not a token, longer than MAX_TIMESTAMP_BYTES, or for a hash that is not accepted.
    """
    if len(token) > MAX_TIMESTAMP_BYTES:
        raise TrustMaterialError(f"a time-stamp token is longer than {MAX_TIMESTAMP_BYTES} bytes")
    try:
        return _parse(token)
    except UNREADABLE as error:
        raise TrustMaterialError(f"a time-stamp token cannot be read: {error}") from error


def verify_timestamp(
    token: bytes | Timestamp,
    imprint: bytes,
    *,
    trust: TrustStore,
    extra: Iterable[Certificate] = (),
    ocsps: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    at: datetime | None = None,
    max_age: timedelta | None = None,
) -> TimestampResult:
    """Return whether the token proves that data with this digest existed at its time.

    Args:
        token: DER, or already parsed.
        imprint: raw digest of the stamped data, by the hash that the token names.
        trust, extra, ocsps, crls, max_age: as in `validate_path`.
        at: aware; the moment of the question, at which the TSA's certificate and all above it must be good; its
            revocation status only has to be as fresh as the token's time asks.  None: the token's own time.

    Returns:
        A result; never raises for anything in the token.
    """
    try:
        stamp = token if isinstance(token, Timestamp) else parse_timestamp(token)
    except TrustMaterialError as error:
        return TimestampResult(PathOutcome.INVALID, "FORMAT_FAILURE", None, None, str(error))
    if not hmac.compare_digest(stamp.imprint, imprint):
        return _broken(stamp, "HASH_FAILURE", "the time stamp is for other data")
    candidates = (*stamp.certificates, *extra)
    signer = _find_signer(stamp, candidates)
    if signer is None:
        detail = "the certificate of the time-stamping authority is missing"
        return TimestampResult(PathOutcome.INDETERMINATE, "NO_SIGNING_CERTIFICATE_FOUND", stamp, None, detail)
    problem = _find_signature_problem(stamp, signer)
    if problem is not None:
        return _broken(stamp, "SIG_CRYPTO_FAILURE", problem)
    if stamp.time < signer.not_before:  # no clock tolerance: an authority knows when it got its certificate
        return _broken(stamp, "NOT_YET_VALID", "the time stamp is older than the certificate of its authority")
    path = validate_path(
        signer,
        trust=trust,
        at=at or stamp.time,
        extra=candidates,
        ocsps=ocsps,
        crls=crls,
        purpose=Purpose.TIMESTAMPING,
        max_age=max_age,
        fresh_for=stamp.time,
    )
    return _judge_algorithms(stamp, signer, path, at or stamp.time)


def find_token_end(stamp: Timestamp, signer: Certificate) -> datetime | None:
    """Return until when the token's imprint and signature are relied on without proof of existence; None: no end."""
    hash_name = str(stamp._signed["signer_infos"][0]["digest_algorithm"]["algorithm"].native)
    ends = (find_signature_end(signer.public_key, hash_name), find_hash_end(stamp.imprint_hash))
    return min((end for end in ends if end is not None), default=None)


def _judge_algorithms(stamp: Timestamp, signer: Certificate, path: PathResult, at: datetime) -> TimestampResult:
    """5.2.8.4.2 for the token: the ends of its algorithms."""
    end = find_token_end(stamp, signer)
    if path.outcome is not PathOutcome.VALID or end is None or at < end:
        return TimestampResult(path.outcome, path.sub_indication, stamp, path, path.detail)
    sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    detail = f"an algorithm of the time stamp is relied on until {end.date().isoformat()} only"
    ended = replace(path, outcome=PathOutcome.INDETERMINATE, sub_indication=sub, detail=detail)
    return TimestampResult(ended.outcome, sub, stamp, ended, detail)


def find_signature_problem(stamp: Timestamp) -> str | None:
    """Return what is wrong with the token's own signature, by the certificate that it carries; None: nothing.

    Nothing is said of the imprint, nor of whether the authority is trusted.  Spec: RFC 3161, 2.4.2.
    """
    if stamp.certificate is None:
        return "the certificate of the time-stamping authority is missing"
    return _find_signature_problem(stamp, stamp.certificate)


def _broken(stamp: Timestamp, sub_indication: str, detail: str) -> TimestampResult:
    return TimestampResult(PathOutcome.INVALID, sub_indication, stamp, None, detail)


# Reading


def _parse(token: bytes) -> Timestamp:
    container = cms.ContentInfo.load(token, strict=True)
    if container["content_type"].native != "signed_data":
        raise ValueError("it is not CMS SignedData")
    signed = container["content"]
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise ValueError("its content is not a TSTInfo")
    if len(signed["signer_infos"]) != 1:
        raise ValueError("it does not have exactly one signer")
    info = signed["encap_content_info"]["content"].parsed
    signed["signer_infos"][0]["digest_algorithm"]["algorithm"].native  # noqa: B018  (read while it can be refused)
    certificates = _read_certificates(signed)
    return Timestamp(
        der=token,
        time=read_utc(info["gen_time"].native),
        accuracy=_read_accuracy(info["accuracy"]),
        imprint=info["message_imprint"]["hashed_message"].native,
        imprint_hash=_read_hash(info["message_imprint"]),
        serial=info["serial_number"].native,
        nonce=info["nonce"].native,
        policy=info["policy"].dotted,
        certificates=certificates,
        certificate=_find_by_sid(signed["signer_infos"][0]["sid"], certificates),
        _signed=signed,
    )


def _read_hash(imprint: tsp.MessageImprint) -> str:
    name = str(imprint["hash_algorithm"]["algorithm"].native)
    if name not in _IMPRINT_HASHES:
        raise ValueError(f"its imprint is made with {name}, which is not accepted")
    if len(imprint["hashed_message"].native) != hashlib.new(name).digest_size:
        raise ValueError("its imprint has not the length of its hash")
    return name


def _read_accuracy(accuracy: Any) -> timedelta | None:
    if isinstance(accuracy, core.Void):
        return None
    return timedelta(
        seconds=accuracy["seconds"].native or 0,
        milliseconds=accuracy["millis"].native or 0,
        microseconds=accuracy["micros"].native or 0,
    )


def _read_certificates(signed: cms.SignedData) -> tuple[Certificate, ...]:
    """Return the carried certificates that can be read; the others help nobody."""
    found: list[Certificate] = []
    if isinstance(signed["certificates"], core.Void):
        return ()
    for element in split_elements(signed["certificates"].contents)[:MAX_CERTIFICATES]:
        if element[0] != _CERTIFICATE_TAG:
            continue
        try:
            found.append(load_certificate(element))
        except TrustMaterialError:
            continue
    return tuple(found)


def _find_by_sid(sid: cms.SignerIdentifier, certificates: Iterable[Certificate]) -> Certificate | None:
    for certificate in certificates:
        if sid.name == "subject_key_identifier":
            if certificate.asn1.key_identifier == sid.chosen.native:
                return certificate
        elif (
            sid.chosen["serial_number"].native == certificate.serial
            and sid.chosen["issuer"].dump() == certificate.asn1.issuer.dump()
        ):
            return certificate
    return None


# Verifying


def _find_signer(stamp: Timestamp, candidates: Iterable[Certificate]) -> Certificate | None:
    if stamp.certificate is not None:
        return stamp.certificate
    return _find_by_sid(stamp._signed["signer_infos"][0]["sid"], candidates)


def _find_signature_problem(stamp: Timestamp, signer: Certificate) -> str | None:
    """Return what is wrong with the CMS signature, or None.  Spec: RFC 5652, 5.4 to 5.6; RFC 3161, 2.4.2."""
    try:
        info = stamp._signed["signer_infos"][0]
        hash_name = str(info["digest_algorithm"]["algorithm"].native)
        algorithm = find_by_cms(hash_name, info["signature_algorithm"])
        if algorithm is None:
            return "the token's signature algorithm is not accepted"
        content_digest = hashlib.new(hash_name, bytes(stamp._signed["encap_content_info"]["content"])).digest()
        problem = _find_attribute_problem(_read_attributes(info), content_digest, signer)
        if problem is not None:
            return problem
        signed = write_set(info["signed_attrs"].contents)
        value = _read_value(info["signature"].native, algorithm, signer)
    except UNREADABLE as error:
        return f"the token's signature cannot be read: {error}"
    verified = verify_digest(signer, algorithm, hashlib.new(hash_name, signed).digest(), value)
    return None if verified else "the token's signature does not verify"


def _find_attribute_problem(attributes: dict[str, Any], content_digest: bytes, signer: Certificate) -> str | None:
    if "content_type" not in attributes or attributes["content_type"].native != "tst_info":
        return "the token's signed content type is not TSTInfo"
    if "message_digest" not in attributes or attributes["message_digest"].native != content_digest:
        return "the token's content is not what was signed"
    if not _names_signer(attributes, signer):
        return "the token's signature is bound to another certificate"
    return None


def _read_attributes(info: cms.SignerInfo) -> dict[str, Any]:
    """Return the signed attributes by name, each with its one value (RFC 5652, 11)."""
    if isinstance(info["signed_attrs"], core.Void):
        raise ValueError("there are no signed attributes")
    found: dict[str, Any] = {}
    for attribute in info["signed_attrs"]:
        name = attribute["type"].native
        if name in found or len(attribute["values"]) != 1:
            raise ValueError(f"signed attribute {name} does not have exactly one value")
        found[name] = attribute["values"][0]
    return found


def _names_signer(attributes: dict[str, Any], signer: Certificate) -> bool:
    """Return whether the first ESSCertID is the signer's (RFC 5035, 5.4.1); one of both versions must be there."""
    checked = False
    for name in ("signing_certificate_v2", "signing_certificate"):
        if name not in attributes:
            continue
        first = attributes[name]["certs"][0]
        hash_name = first["hash_algorithm"]["algorithm"].native if name.endswith("v2") else "sha1"
        digest = hashlib.new(hash_name, signer.der, usedforsecurity=False).digest()
        if first["cert_hash"].native != digest:
            return False
        checked = True
    return checked


def _read_value(value: bytes, algorithm: SignatureAlgorithm, signer: Certificate) -> bytes:
    """Return the signature value in our form: CMS writes ECDSA in DER (RFC 5753, 2.1.1)."""
    if algorithm.scheme is not Scheme.ECDSA:
        return value
    return der_to_raw(value, key_bits(signer.public_key))
