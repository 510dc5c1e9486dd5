"""One credential as `credentials/info` describes it: certificate, key, and what its use asks for.

CSC API 1.0.4, 11.5; 2.0, 11.4 (CredentialInfo) and 11.5.  Algorithms are named by OID: 1.0.4, 7.3; 2.0, 7.5; RSA: RFC
8017, A.2; ECDSA: RFC 5758, 3.2.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from signing.keystores.chain import order_chain
from signing.keystores.csc.problems import Reader, one_line
from signing.keystores.csc.settings import ApiVersion
from transcript_core.errors import KeyUnavailable, TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATE_BYTES
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, algorithm_for, fits_key
from transcript_core.pki.certificates import Certificate, key_bits, load_certificate

MAX_LIST: Final = 4000
"""Signatures of one approval that are asked for at most, whatever the service allows: what the batch engine prepares at
once, 2,000 documents in two formats; keeps an answer small."""

_MAX_CHAIN: Final = 10
"""Certificates of one credential; a chain has three."""

_MAX_ALGORITHMS: Final = 50
_MAX_FACTORS: Final = 10
"""Authentication factors of one credential; two are usual."""

RSA_PSS_OID: Final = "1.2.840.113549.1.1.10"
RSA_OID: Final = "1.2.840.113549.1.1.1"  # PKCS#1 v1.5, the hash named beside it

HASH_OIDS: Final = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_COMBINED_OIDS: Final = {
    SignatureAlgorithm.RSA_PKCS1_SHA256: "1.2.840.113549.1.1.11",
    SignatureAlgorithm.RSA_PKCS1_SHA384: "1.2.840.113549.1.1.12",
    SignatureAlgorithm.RSA_PKCS1_SHA512: "1.2.840.113549.1.1.13",
    SignatureAlgorithm.ECDSA_P256_SHA256: "1.2.840.10045.4.3.2",
    SignatureAlgorithm.ECDSA_P384_SHA384: "1.2.840.10045.4.3.3",
}


class AuthorizationMode(StrEnum):
    """Who approves a signature, and how the approval comes here."""

    IMPLICIT = "implicit"  # 1.0.4: the service asks the person itself
    EXPLICIT = "explicit"  # the person's factors go through this program
    CODE = "oauth2code"  # the person approves at the authorisation server


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that the credential's holder must give for an approval."""

    kind: str  # 2.0, 8.3: "Password", "PasswordOOB", "ChallengeResponse", "ChallengeResponseOOB"; 1.0.4: "PIN", "OTP"
    identifier: str
    label: str  # what the person knows it by, as the service says
    one_time: bool = False  # a code that is good for this approval alone
    online: bool = False  # 1.0.4: a one-time code that the service sends when asked to


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that can sign."""

    identifier: str
    certificate: Certificate
    chain: tuple[Certificate, ...]  # issuer first, no self-issued one
    algorithms: frozenset[str]  # OIDs
    mode: AuthorizationMode
    factors: tuple[Factor, ...]  # of an explicit approval
    expression: str | None  # 2.0: which factors together are enough
    list_size: int  # signatures of one approval, from 1 to MAX_LIST

    @property
    def name(self) -> str:
        """Return the identifier as it may be shown."""
        return one_line(self.identifier)


def read_credential(identifier: str, reader: Reader, version: ApiVersion) -> Credential:
    """Return the credential of an answer to `credentials/info`.

    Raises:
        KeyUnavailable: it cannot sign now, or the answer cannot be used.
    """
    certificate, chain = _read_certificates(reader)
    _check_usable(reader, certificate)
    mode_reader = reader if version is ApiVersion.V1 else reader.get_part("auth")
    mode = _read_mode(mode_reader, "authMode" if version is ApiVersion.V1 else "mode", version)
    factors = _read_pin_and_otp(reader) if version is ApiVersion.V1 else _read_factors(mode_reader)
    multisign = reader.find_number("multisign", at_least=1)
    if reader.find_text("SCAL") not in {None, "1", "2"}:
        raise reader.fail("the answer's SCAL is neither 1 nor 2")
    return Credential(
        identifier=identifier,
        certificate=certificate,
        chain=chain,
        algorithms=frozenset(reader.get_part("key").list_texts("algo", at_most=_MAX_ALGORITHMS)),
        mode=mode,
        factors=factors if mode is AuthorizationMode.EXPLICIT else (),
        expression=mode_reader.find_text("expression") if version is ApiVersion.V2 else None,
        list_size=min(multisign or 1, MAX_LIST),
    )


def choose_algorithm(credential: Credential, wanted: SignatureAlgorithm | None) -> tuple[SignatureAlgorithm, str]:
    """Return the algorithm to sign with, and the OID that names it to the service.

    Args:
        credential: its certificate decides which algorithms are possible, its list which are offered.
        wanted: None: the usual one of the key's kind, or PSS where the service offers nothing else.

    Raises:
        KeyUnavailable: the key is too weak or of another kind, or the service does not offer it.
    """
    try:
        usual = algorithm_for(credential.certificate)
    except TrustMaterialError as error:
        raise KeyUnavailable(f"credential {credential.name}: {error}") from error
    candidates = [wanted] if wanted is not None else [usual, SignatureAlgorithm.RSA_PSS_SHA256]
    for algorithm in candidates:
        if not fits_key(algorithm, credential.certificate.public_key):
            continue
        for oid in _list_names(algorithm):
            if oid in credential.algorithms:
                return algorithm, oid
    names = " or ".join(algorithm.value for algorithm in candidates)
    raise KeyUnavailable(f"credential {credential.name} does not offer {names}; choose another credential")


def _list_names(algorithm: SignatureAlgorithm) -> tuple[str, ...]:
    if algorithm.scheme is Scheme.RSA_PSS:
        return (RSA_PSS_OID,)
    if algorithm.scheme is Scheme.RSA_PKCS1:
        return (_COMBINED_OIDS[algorithm], RSA_OID)
    return (_COMBINED_OIDS[algorithm],)


def _read_certificates(reader: Reader) -> tuple[Certificate, tuple[Certificate, ...]]:
    """Return the end entity's certificate, which the API puts first, and its chain."""
    texts = reader.get_part("cert").list_texts("certificates", at_most=_MAX_CHAIN)
    if not texts:
        raise reader.fail("the answer has no certificate of the credential")
    try:
        leaf, *extra = (load_certificate(_decode(text)) for text in texts)
    except (TrustMaterialError, ValueError) as error:
        raise reader.fail("a certificate in the answer cannot be read") from error
    return leaf, order_chain(leaf, extra)


def _decode(text: str) -> bytes:
    if len(text) > 2 * MAX_CERTIFICATE_BYTES:
        raise ValueError("longer than a certificate can be")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no Base64") from error


def _check_usable(reader: Reader, certificate: Certificate) -> None:
    key = reader.get_part("key")
    if key.get_text("status") != "enabled":
        raise reader.fail("the credential's key is disabled; ask the provider to enable it, or name another credential")
    status = reader.get_part("cert").find_text("status")
    if status not in {None, "valid"}:
        raise reader.fail("the credential's certificate is expired, revoked or suspended; name another credential")
    length = key.find_number("len", at_least=1)
    if length is not None and length != key_bits(certificate.public_key):
        raise reader.fail("key and certificate of the credential do not belong together; ask the provider")


def _read_mode(reader: Reader, name: str, version: ApiVersion) -> AuthorizationMode:
    text = reader.get_text(name)
    known = {mode.value for mode in AuthorizationMode}
    if text not in known or (version is ApiVersion.V2 and text == AuthorizationMode.IMPLICIT):
        raise reader.fail("the credential is approved in a way that is not supported")
    return AuthorizationMode(text)


def _read_pin_and_otp(reader: Reader) -> tuple[Factor, ...]:
    """Return what 1.0.4 names PIN and OTP: those that must be there, or else those that may."""
    found: dict[str, list[Factor]] = {"true": [], "optional": [], "false": []}
    for name in ("PIN", "OTP"):
        part = reader.get_part(name)
        presence = part.find_text("presence") or "false"
        if presence not in found:
            raise reader.fail(f"the answer's {name}/presence is neither true, false nor optional")
        online = part.find_text("type") == "online"
        label = part.find_text("label") or name
        found[presence].append(Factor(name, name, label, one_time=name == "OTP", online=online))
    return tuple(found["true"] or found["optional"])


def _read_factors(reader: Reader) -> tuple[Factor, ...]:
    """Return the authentication objects of 2.0; what a generator makes, or what is called OTP, is a one-time code."""
    factors = []
    for part in reader.list_parts("objects", at_most=_MAX_FACTORS):
        kind, identifier = part.get_text("type"), part.get_text("id")
        label = part.find_text("label") or identifier
        called_so = "OTP" in f"{identifier} {label}".upper()
        one_time = kind != "Password" or part.find_text("generator") is not None or called_so
        factors.append(Factor(kind, identifier, label, one_time=one_time))
    return tuple(factors)
