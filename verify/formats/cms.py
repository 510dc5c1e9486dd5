"""Reads a detached CMS signature and says whether its mathematics holds.

Implements ETSI EN 319 102-1, 5.2.2 (format), 5.2.3 (identification of the signing certificate) and 5.2.7
(cryptographic verification) for RFC 5652 SignedData with the attributes of ETSI EN 319 122-1.  Stricter than the RFC:
signed attributes must be there, DER-ordered and single; exactly one SignerInfo; no content inside; nothing but zeros
behind.  Those are the places where one signature can be made to mean two things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asn1crypto import algos, cms, core, parser, tsp

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES, MAX_TIMESTAMP_BYTES
from transcript_core.pki import cades
from transcript_core.pki.algorithms import Scheme, SignatureAlgorithm, der_to_raw, find_by_cms, verify_digest
from transcript_core.pki.certificates import Certificate, load_certificate
from transcript_core.pki.timestamps import parse_timestamp
from verify.formats.pdf_problems import Problem, build_problem

_ASN1_ERRORS: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What asn1crypto raises on octets that are not what they should be."""

_JUDGED: Final = ("rsa", "ecdsa", "sha1", "md5", "md2")
"""Parts of algorithm names that are known here: weak, contradicting or with other parameters than are accepted."""

_VERSIONS: Final = frozenset({"v1", "v3", "v4", "v5"})
_CLAIMED_TAG: Final = 0xA0
_KNOWN_DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """What one CMS object says, and what is wrong with it."""

    digest_right: bool = False
    value_right: bool = False
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[Problem, ...] = ()  # why its mathematics could not be judged
    signer: Certificate | None = None
    certificates: tuple[Certificate, ...] = ()  # the others
    algorithm: SignatureAlgorithm | None = None
    timestamp: bytes | None = None
    timestamp_imprint: bytes | None = None
    policy_oid: str | None = None
    policy_digest: bytes | None = None
    commitments: tuple[str, ...] = ()
    claimed_roles: tuple[str, ...] = ()
    has_signing_certificate: bool = False


@dataclass(slots=True)
class _Reading:
    """Collects the problems of one signature."""

    problems: list[Problem] = field(default_factory=list)
    unsupported: list[Problem] = field(default_factory=list)

    def add(self, code: str, detail: str = "") -> None:
        self.problems.append(build_problem(code, detail=detail))

    def cannot_judge(self, detail: str) -> None:
        self.unsupported.append(build_problem("not-supported", detail=detail))


def read_cms(contents: bytes, digest_content: Callable[[str], bytes], *, needs_ess: bool) -> CmsSignature:
    """Return what a detached signature says.  Never raises.

    Args:
        contents: the DER ContentInfo, followed by nothing but zeros.
        digest_content: returns the digest of the signed content by a hash of this name ("sha256").
        needs_ess: the profile requires ESS signing-certificate-v2.
    """
    reading = _Reading()
    try:
        signed_data, info, attributes = _open(contents, reading)
        return _read(signed_data, info, attributes, digest_content, reading, needs_ess=needs_ess)
    except _ASN1_ERRORS as error:
        reading.add("cms", str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
        return CmsSignature(problems=tuple(reading.problems))


def _open(contents: bytes, reading: _Reading) -> tuple[Any, Any, dict[str, Any]]:
    """Return SignedData, its one SignerInfo and the signed attributes by OID, the frame checked (5.2.2)."""
    content_info = cms.ContentInfo.load(contents)
    if contents[len(content_info.dump()) :].strip(b"\0"):
        reading.add("cms", "octets other than zero follow it")
    if content_info["content_type"].dotted != cades.SIGNED_DATA:
        raise ValueError("not SignedData")
    signed_data = content_info["content"]
    encapsulated = signed_data["encap_content_info"]
    if encapsulated["content_type"].dotted != cades.DATA:
        reading.add("cms", "the content type is not plain data")
    if not isinstance(encapsulated["content"], core.Void) and encapsulated["content"].contents is not None:
        reading.add("cms", "it carries content of its own")
    if len(signed_data["signer_infos"]) != 1:
        raise ValueError("not exactly one signer")
    info = signed_data["signer_infos"][0]
    expected = "v1" if info["sid"].name == "issuer_and_serial_number" else "v3"
    if info["version"].native != expected or signed_data["version"].native not in _VERSIONS:
        reading.add("cms", "a version number does not agree with what follows (RFC 5652, 5.1 and 5.3)")
    return signed_data, info, _open_attributes(info, reading)


def _open_attributes(info: Any, reading: _Reading) -> dict[str, Any]:
    """Return the one value of each signed attribute by OID.

    Raises:
        ValueError: there are none, or one is doubled or empty.
    """
    encoded = [attribute.dump() for attribute in info["signed_attrs"]]
    if not encoded:
        raise ValueError("no signed attributes")
    if encoded != sorted(encoded):
        reading.add("cms", "the signed attributes are not in DER order")
    attributes: dict[str, Any] = {}
    for attribute in info["signed_attrs"]:
        oid = attribute["type"].dotted
        if oid in attributes or len(attribute["values"]) != 1:
            raise ValueError(f"the signed attribute {oid} is doubled or empty")
        attributes[oid] = attribute["values"][0]
    return attributes


def _read(
    signed_data: Any,
    info: Any,
    attributes: dict[str, Any],
    digest_content: Callable[[str], bytes],
    reading: _Reading,
    *,
    needs_ess: bool,
) -> CmsSignature:
    certificates = _read_certificates(signed_data, reading)
    signer = _find_signer(info, certificates)
    has_ess = _check_ess(attributes.get(cades.SIGNING_CERTIFICATE_V2), signer, reading, needed=needs_ess)
    hash_name = info["digest_algorithm"]["algorithm"].native
    algorithm = _find_algorithm(signed_data, info, hash_name, reading)
    digest_right = _check_digest(attributes, hash_name, digest_content, reading)
    value_right = _check_value(info, signer, algorithm, reading)
    policy_oid, policy_digest = _read_policy(attributes.get(cades.SIGNATURE_POLICY))
    timestamp = _find_timestamp(info, reading)
    value = info["signature"].native
    return CmsSignature(
        digest_right=digest_right,
        value_right=value_right,
        problems=tuple(reading.problems),
        unsupported=tuple(reading.unsupported),
        signer=signer,
        certificates=tuple(one for one in certificates if one != signer),
        algorithm=algorithm,
        timestamp=timestamp,
        timestamp_imprint=None if timestamp is None else hashlib.new(_find_imprint_hash(timestamp), value).digest(),
        policy_oid=policy_oid,
        policy_digest=policy_digest,
        commitments=_read_commitments(attributes.get(cades.COMMITMENT_TYPE)),
        claimed_roles=_read_roles(attributes.get(cades.SIGNER_ATTRIBUTES_V2)),
        has_signing_certificate=has_ess,
    )


def _read_certificates(signed_data: Any, reading: _Reading) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    choices = signed_data["certificates"]
    if isinstance(choices, core.Void):
        return ()
    if len(choices) > MAX_CERTIFICATES:
        raise ValueError(f"more than {MAX_CERTIFICATES} certificates")
    for choice in choices:
        try:
            found.append(load_certificate(choice.chosen.dump()))
        except TrustMaterialError as error:
            reading.cannot_judge(str(error).splitlines()[0])
    return tuple(found)


def _find_signer(info: Any, certificates: Sequence[Certificate]) -> Certificate | None:
    """Return the certificate that the SignerIdentifier names (EN 319 102-1, 5.2.3.4)."""
    identifier = info["sid"]
    for certificate in certificates:
        if identifier.name == "issuer_and_serial_number":
            named = identifier.chosen
            if named["serial_number"].native == certificate.serial and named["issuer"] == certificate.asn1.issuer:
                return certificate
        elif identifier.chosen.native == certificate.asn1.key_identifier:
            return certificate
    return None


def _check_ess(value: Any, signer: Certificate | None, reading: _Reading, *, needed: bool) -> bool:
    """Say whether ESS signing-certificate-v2 names the signer's certificate first (RFC 5035, 4)."""
    if value is None:
        if needed:
            reading.add("signing-certificate", "signing-certificate-v2 is missing")
        return False
    if signer is None:
        return False  # said already: the certificate is missing or cannot be read
    first = tsp.SigningCertificateV2.load(value.dump())["certs"][0]
    hash_name = first["hash_algorithm"]["algorithm"].native
    if hash_name not in _KNOWN_DIGESTS or first["cert_hash"].native != hashlib.new(hash_name, signer.der).digest():
        reading.add("signing-certificate", "its digest is not that of the signer's certificate")
        return False
    issuer_serial = first["issuer_serial"]
    if issuer_serial.native is not None and issuer_serial["serial_number"].native != signer.serial:
        reading.add("signing-certificate", "its serial number is not that of the signer's certificate")
        return False
    return True


def _find_algorithm(signed_data: Any, info: Any, hash_name: str, reading: _Reading) -> SignatureAlgorithm | None:
    listed = {one["algorithm"].native for one in signed_data["digest_algorithms"]}
    algorithm = find_by_cms(hash_name, info["signature_algorithm"])
    named = f"{hash_name}, {info['signature_algorithm']['algorithm'].native}"
    if algorithm is None and not any(part in named for part in _JUDGED):
        reading.cannot_judge(named)
    elif algorithm is None or hash_name not in listed:
        reading.add("algorithm", named)
        return None
    return algorithm


def _check_digest(
    attributes: dict[str, Any], hash_name: str, digest_content: Callable[[str], bytes], reading: _Reading
) -> bool:
    content_type, digest = attributes.get(cades.CONTENT_TYPE), attributes.get(cades.MESSAGE_DIGEST)
    if content_type is None or content_type.dotted != cades.DATA or digest is None:
        reading.add("cms", "the attributes content-type and message-digest are missing or wrong")
        return False
    if hash_name not in _KNOWN_DIGESTS:
        return False
    if digest.native != digest_content(hash_name):
        reading.add("digest")
        return False
    return True


def _check_value(
    info: Any, signer: Certificate | None, algorithm: SignatureAlgorithm | None, reading: _Reading
) -> bool:
    if signer is None:
        reading.cannot_judge("the signer's certificate is missing or cannot be read")
        return False
    if algorithm is None:
        return False
    signed = b"\x31" + info["signed_attrs"].dump()[1:]
    value = info["signature"].native
    if algorithm.scheme is Scheme.ECDSA:
        try:
            value = der_to_raw(value, signer.public_key.key_size)
        except ValueError:
            value = b""
    if not verify_digest(signer, algorithm, hashlib.new(algorithm.hash_name, signed).digest(), value):
        reading.add("value")
        return False
    return True


def _find_timestamp(info: Any, reading: _Reading) -> bytes | None:
    """Return the first signature-time-stamp token (EN 319 122-1, 5.3)."""
    if isinstance(info["unsigned_attrs"], core.Void):
        return None
    for attribute in info["unsigned_attrs"]:
        if attribute["type"].dotted == cades.SIGNATURE_TIMESTAMP:
            token = bytes(attribute["values"][0].dump())
            if len(token) > MAX_TIMESTAMP_BYTES:
                reading.add("cms", "a timestamp is longer than the limit")
                return None
            return token
    return None


def _find_imprint_hash(token: bytes) -> str:
    """Return the name of the hash by which a token names what it is for; SHA-256 when it cannot be read."""
    try:
        return parse_timestamp(token).imprint_hash
    except TrustMaterialError:
        return "sha256"


def _read_policy(value: Any) -> tuple[str | None, bytes | None]:
    """Return OID and SHA-256 of the signature policy (EN 319 122-1, 5.2.9.1); no digest when by another hash."""
    if value is None:
        return None, None
    parts = _list_elements(value.dump())
    oid = _read_oid(parts[0])
    if len(parts) < 2:
        return oid, None
    algorithm, digest = _list_elements(parts[1])[:2]
    is_sha256 = algos.DigestAlgorithm.load(algorithm)["algorithm"].native == "sha256"
    return oid, core.OctetString.load(digest).native if is_sha256 else None


def _read_commitments(value: Any) -> tuple[str, ...]:
    """Return the commitment type as URI, or "urn:oid:…" when it has none (EN 319 122-1, 5.2.3)."""
    if value is None:
        return ()
    oid = _read_oid(_list_elements(value.dump())[0])
    return (cades.COMMITMENT_URIS.get(oid, f"urn:oid:{oid}"),)


def _read_roles(value: Any) -> tuple[str, ...]:
    """Return the texts of the claimed attributes in signer-attributes-v2 (EN 319 122-1, 5.2.6.1)."""
    if value is None:
        return ()
    claimed = [part for part in _list_elements(value.dump()) if part[0] == _CLAIMED_TAG]
    attributes = [one for part in claimed for sequence in _list_elements(part) for one in _list_elements(sequence)]
    values = [text for attribute in attributes for text in _list_elements(_list_elements(attribute)[1])]
    return tuple(core.UTF8String.load(text).native for text in values if text[0] == core.UTF8String.tag)


def _read_oid(element: bytes) -> str:
    return str(core.ObjectIdentifier.load(element).dotted)


def _list_elements(element: bytes) -> list[bytes]:
    """Return the encoded elements inside a constructed element.

    Raises:
        ValueError: not BER.
    """
    contents = parser.parse(element, strict=True)[4]
    found: list[bytes] = []
    while contents:
        size = len(contents) - len(_skip(contents))
        found.append(contents[:size])
        contents = contents[size:]
    return found


def _skip(contents: bytes) -> bytes:
    """Return what follows the first element."""
    _, _, _, header, inner, trailer = parser.parse(contents)
    return contents[len(header) + len(inner) + len(trailer) :]
