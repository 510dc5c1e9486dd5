"""Reads a CMS signature of a PDF and says whether its mathematics holds.

Implements ETSI EN 319 102-1, 5.2.2 (format), 5.2.3 (identification of the signing certificate) and 5.2.7
(cryptographic verification) for RFC 5652 SignedData with the attributes of ETSI EN 319 122-1.

The writer's form is narrower than the RFC: signed attributes are there, DER-ordered and single; exactly one SignerInfo;
no content inside; nothing but zeros behind.  Those are the places where one signature can be made to mean two things.
In a transcript each departure is a problem.  Elsewhere it is unusual, which is said and never passes; only what
contradicts itself is a problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from asn1crypto import cms, core

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pki import cades
from transcript_core.pki.algorithms import SignatureAlgorithm, find_by_cms
from transcript_core.pki.ber import measure_element, split_elements, write_set
from transcript_core.pki.certificates import UNREADABLE, Certificate, PublicKey, find_bare_key, load_certificate
from verify.formats import cms_attributes
from verify.formats.cms_types import CmsSignature, Reading
from verify.formats.methods import find_cms_method, name_cms_digest
from verify.formats.values import (
    CONTENT_HASHES,
    SHAKE256,
    Family,
    ValueMethod,
    finish_digest,
    fits,
    is_weak_key,
    verify_value,
)

_VERSIONS: Final = frozenset({"v1", "v3", "v4", "v5"})
_CERTIFICATE_TAG: Final = 0x30
"""Of a certificate among what CertificateSet may hold besides (RFC 5652, 10.2.2)."""

_MAX_ATTRIBUTES: Final = 64
"""Honest signers write four to ten."""

_MAX_SIGNERS: Final = 8
_MAX_TRIED: Final = 16
"""Keys that a value is held against when its signer is not found; honest signers carry a short chain."""


class Content(Protocol):
    """What a signature is detached from."""

    def digest(self, hash_name: str) -> bytes:
        """Return its digest by a hash of this name ("sha256")."""
        ...

    def octets(self) -> bytes:
        """Return it as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class _Made:
    """A value and what it was made over."""

    info: Any  # SignerInfo
    method: ValueMethod | None
    inner: bytes | None
    content: Content

    def is_by(self, key: PublicKey) -> bool | None:
        """Say whether this key made it; None when that cannot be computed."""
        if self.method is None:
            return None
        right: bool | None = False
        for octets in _list_signed(self.info, self.inner, self.content):
            right = verify_value(self.method, key, octets, self.info["signature"].native, is_der=True)
            if right is not False:
                break
        return right


def read_cms(contents: bytes, content: Content, *, needs_ess: bool, strict: bool, sha1_inside: bool) -> CmsSignature:
    """Return what a signature says.  Never raises.

    Args:
        contents: the ContentInfo, followed by nothing but zeros.
        content: the covered octets.
        needs_ess: the profile requires ESS signing-certificate-v2.
        strict: it stands in a transcript.
        sha1_inside: SubFilter adbe.pkcs7.sha1: what is signed is the SHA-1 digest of the covered octets, and is inside.
    """
    reading = Reading(strict)
    try:
        signed_data, info = _open(contents, reading)
        return _read(signed_data, info, content, reading, needs_ess=needs_ess, sha1_inside=sha1_inside)
    except UNREADABLE as error:
        reading.add("cms", str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
        return CmsSignature(problems=tuple(reading.problems), unsupported=tuple(reading.unsupported))


def find_content_type(contents: bytes) -> str | None:
    """Return what kind of content is signed, a dotted OID; None when this is no SignedData."""
    try:
        content_info = cms.ContentInfo.load(contents)
        if content_info["content_type"].dotted != cades.SIGNED_DATA or not len(content_info["content"]["signer_infos"]):
            return None
        return str(content_info["content"]["encap_content_info"]["content_type"].dotted)
    except UNREADABLE:
        return None


def _open(contents: bytes, reading: Reading) -> tuple[Any, Any]:
    """Return SignedData and its one SignerInfo, the frame checked (5.2.2)."""
    size = measure_element(contents)
    content_info = cms.ContentInfo.load(contents[:size])
    if contents[size:].strip(b"\0"):
        reading.note("cms", "octets other than zero follow it")
    if content_info["content_type"].dotted != cades.SIGNED_DATA:
        raise ValueError("not SignedData")
    signed_data = content_info["content"]
    if signed_data["encap_content_info"]["content_type"].dotted != cades.DATA:
        reading.note("cms", "the content type is not plain data")
    infos = signed_data["signer_infos"]
    if not 1 <= len(infos) <= _MAX_SIGNERS:
        raise ValueError("no signer, or too many")
    if len(infos) > 1:
        reading.note("cms", "not exactly one signer; the first one is judged")
    info = infos[0]
    expected = "v1" if info["sid"].name == "issuer_and_serial_number" else "v3"
    if info["version"].native != expected or signed_data["version"].native not in _VERSIONS:
        reading.note("cms", "a version number does not agree with what follows (RFC 5652, 5.1 and 5.3)")
    return signed_data, info


def _read(
    signed_data: Any, info: Any, content: Content, reading: Reading, *, needs_ess: bool, sha1_inside: bool
) -> CmsSignature:
    attributes = _open_attributes(info, reading)
    certificates, bare_keys = _read_certificates(signed_data, reading)
    hash_name = name_cms_digest(info["digest_algorithm"])
    inner = _read_inner(signed_data)
    signer = _find_signer(info, certificates)
    key = None if signer is None else signer.public_key
    if signer is None and not reading.strict:
        made = _Made(info, find_cms_method(hash_name, info["signature_algorithm"]), inner, content)
        signer, key = _try_others(made, certificates, bare_keys, reading)
    method = _find_method(signed_data, info, hash_name, key, reading)
    if method is not None and _contradicts(info, hash_name, method, attributes):
        reading.add("algorithm", "the attributes ask for another algorithm")
        method = None
    signature = CmsSignature(
        digest_right=_check_content(attributes, hash_name, content, inner, reading, sha1_inside=sha1_inside),
        value_right=_check_value(_Made(info, method, inner, content), key, reading),
        signer=signer,
        certificates=tuple(one for one in certificates if one != signer),
        algorithm=_name_algorithm(info, hash_name, signer),
    )
    try:
        signature = cms_attributes.describe(signature, info, attributes, reading, needs_ess=needs_ess)
    except UNREADABLE as error:
        reading.note("cms", f"an attribute cannot be read: {type(error).__name__}")
    return replace(signature, problems=tuple(reading.problems), unsupported=tuple(reading.unsupported))


def _open_attributes(info: Any, reading: Reading) -> dict[str, Any]:
    """Return the one value of each signed attribute by OID; empty when there are none.

    Raises:
        ValueError: one that counts is doubled or empty, or there are too many.
    """
    listed = [] if isinstance(info["signed_attrs"], core.Void) else list(info["signed_attrs"])
    if not listed:
        reading.note("cms", "no signed attributes")
    if len(listed) > _MAX_ATTRIBUTES:
        raise ValueError("too many signed attributes")
    encoded = split_elements(info["signed_attrs"].contents) if listed else []
    if encoded != sorted(encoded):
        reading.note("cms", "the signed attributes are not in DER order")
    attributes: dict[str, Any] = {}
    for attribute in listed:
        oid = attribute["type"].dotted
        if oid in attributes or len(attribute["values"]) != 1:
            if oid in {cades.MESSAGE_DIGEST, cades.CONTENT_TYPE}:
                raise ValueError(f"the signed attribute {oid} is doubled or empty")
            reading.note("cms", f"the signed attribute {oid} is doubled or empty")
        if len(attribute["values"]):
            attributes.setdefault(oid, attribute["values"][0])
    return attributes


def _read_certificates(signed_data: Any, reading: Reading) -> tuple[tuple[Certificate, ...], tuple[PublicKey, ...]]:
    """Return the certificates, and the keys of those that cannot be read; attribute certificates prove nothing here."""
    found: list[Certificate] = []
    keys: list[PublicKey] = []
    choices = signed_data["certificates"]
    if isinstance(choices, core.Void):
        return (), ()
    carried = split_elements(choices.contents)
    if len(carried) > MAX_CERTIFICATES:
        raise ValueError(f"more than {MAX_CERTIFICATES} certificates")
    for element in carried:
        if element[0] != _CERTIFICATE_TAG:
            continue
        try:
            found.append(load_certificate(element))
        except TrustMaterialError as error:
            reading.cannot_judge(str(error).splitlines()[0])
            key = find_bare_key(element)
            keys += [] if key is None else [key]
    return tuple(found), tuple(keys)


def _find_signer(info: Any, certificates: Sequence[Certificate]) -> Certificate | None:
    """Return the certificate that the SignerIdentifier names (EN 319 102-1, 5.2.3.4)."""
    identifier = info["sid"]
    for certificate in certificates:
        if identifier.name == "issuer_and_serial_number":
            named = identifier.chosen
            if named["serial_number"].native == certificate.serial and _is_name(named["issuer"], certificate):
                return certificate
        elif identifier.chosen.native == _find_key_identifier(certificate):
            return certificate
    return None


def _is_name(name: Any, certificate: Certificate) -> bool:
    """Say whether a name is the certificate's issuer: octet for octet, or by RFC 5280, 7.1, which takes longer."""
    issuer = certificate.asn1.issuer
    return bool(name.dump() == issuer.dump() or name == issuer)


def _find_key_identifier(certificate: Certificate) -> bytes:
    """Return the subject key identifier, computed where the extension is missing (RFC 5280, 4.2.1.2, method 1)."""
    stated = certificate.asn1.key_identifier
    return bytes(stated if stated is not None else certificate.asn1.public_key.sha1)


def _try_others(
    made: _Made, certificates: Sequence[Certificate], keys: Sequence[PublicKey], reading: Reading
) -> tuple[Certificate | None, PublicKey | None]:
    """Return the certificate, or the key of one that cannot be read, that made a value whose signer is not found.

    Spec: EN 319 102-1, 5.2.3.4, note: the SignerIdentifier is not signed; what it names wrongly another may have made.
    """
    known = [(one, one.public_key) for one in certificates]
    for certificate, key in [*known, *((None, one) for one in keys)][:_MAX_TRIED]:
        if made.method is not None and fits(made.method, key) and made.is_by(key):
            reading.note("signing-certificate", "the signer's identifier does not name it")
            return certificate, key
    return None, None


def _find_method(
    signed_data: Any, info: Any, hash_name: str, key: PublicKey | None, reading: Reading
) -> ValueMethod | None:
    """Return how the value is verified; None when nothing can be said, the reason noted."""
    method = find_cms_method(hash_name, info["signature_algorithm"])
    named = f"{hash_name}, {info['signature_algorithm']['algorithm'].native}"
    if method is None or hash_name not in CONTENT_HASHES:
        reading.cannot_judge(named)
        return None
    if key is None:
        reading.cannot_judge("the signer's certificate is missing or cannot be read")
        return None
    if not fits(method, key):
        reading.add("key-mismatch")
        return None
    listed = {name_cms_digest(one) for one in signed_data["digest_algorithms"]}
    if hash_name not in listed or method.hash_name not in {"", hash_name}:
        reading.note("algorithm", named)
    if method.is_weak or is_weak_key(key) or ValueMethod(method.family, hash_name).is_weak:
        reading.note("weak-algorithm")
    return method


def _contradicts(info: Any, hash_name: str, method: ValueMethod, attributes: dict[str, Any]) -> bool:
    """Say whether signed attributes are there that the algorithms must not go with.

    Spec: RFC 6211, 2.1 (what CMSAlgorithmProtection names must be what stands outside); RFC 8419, 3.1 (the hash of
    attributes signed by EdDSA is part of the algorithm).
    """
    if method.family is Family.EDDSA and attributes:
        name = info["signature_algorithm"]["algorithm"].native
        return hash_name != {"ed25519": "sha512", "ed448": SHAKE256}.get(name)
    stated = attributes.get(cades.ALGORITHM_PROTECTION)
    if stated is None:
        return False
    protected = cms.CMSAlgorithmProtection.load(stated.dump())
    return bool(
        protected["digest_algorithm"]["algorithm"].dotted != info["digest_algorithm"]["algorithm"].dotted
        or protected["signature_algorithm"]["algorithm"].dotted != info["signature_algorithm"]["algorithm"].dotted
    )


def _name_algorithm(info: Any, hash_name: str, signer: Certificate | None) -> SignatureAlgorithm | None:
    """Return the algorithm when it is one that transcripts may use."""
    return None if signer is None else find_by_cms(hash_name, info["signature_algorithm"])


# --- the content ------------------------------------------------------------------------------------------------


def _read_inner(signed_data: Any) -> bytes | None:
    """Return the content that the object itself carries; None when there is none."""
    encapsulated = signed_data["encap_content_info"]["content"]
    if isinstance(encapsulated, core.Void) or encapsulated.contents is None:
        return None
    inner = encapsulated.native
    return inner if isinstance(inner, bytes) else bytes(encapsulated.contents)


def _check_content(
    attributes: dict[str, Any],
    hash_name: str,
    content: Content,
    inner: bytes | None,
    reading: Reading,
    *,
    sha1_inside: bool,
) -> bool | None:
    """Say whether the covered octets are those that were signed; None when the hash is not known.

    Without signed attributes the value alone tells; then the covered octets are what is verified.
    """
    if hash_name not in CONTENT_HASHES:
        return None
    if inner is not None and not sha1_inside:
        reading.note("cms", "it carries content of its own")
    if sha1_inside and inner != content.digest("sha1"):
        reading.add("digest")
        return False
    if not attributes:
        return inner is None or sha1_inside or _is_about(inner, content)
    if not _has_right_type(attributes, reading):
        return False
    stated = attributes[cades.MESSAGE_DIGEST].native
    right = sha1_inside or stated == content.digest(hash_name) or (inner is not None and _is_about(inner, content))
    if not right or (inner is not None and stated != finish_digest(hashlib.new(hash_name, inner))):
        reading.add("digest")
        return False
    return True


def _is_about(inner: bytes, content: Content) -> bool:
    """Say whether carried content is the covered octets, or their SHA-1 digest as old programs write it."""
    return inner in (content.digest("sha1"), content.octets())


def _has_right_type(attributes: dict[str, Any], reading: Reading) -> bool:
    content_type, digest = attributes.get(cades.CONTENT_TYPE), attributes.get(cades.MESSAGE_DIGEST)
    if digest is None or (content_type is not None and content_type.dotted != cades.DATA):
        reading.add("cms", "the attributes content-type and message-digest are missing or wrong")
        return False
    if content_type is None:
        reading.note("cms", "the attribute content-type is missing")
    return True


# --- the value --------------------------------------------------------------------------------------------------


def _check_value(made: _Made, key: PublicKey | None, reading: Reading) -> bool | None:
    """Say whether the value verifies; None when it cannot be computed, the reason noted."""
    if made.method is None or key is None:
        return False if reading.problems else None
    right = made.is_by(key)
    if right is None:
        reading.cannot_judge("its algorithm cannot be computed here")
    elif not right:
        reading.add("value")
    return right


def _list_signed(info: Any, inner: bytes | None, content: Content) -> Iterator[bytes]:
    """Yield what the value may have been made over: the attributes as they stand or in DER, else the content."""
    if isinstance(info["signed_attrs"], core.Void) or not len(info["signed_attrs"]):
        yield content.octets() if inner is None else inner
        return
    contents = info["signed_attrs"].contents
    yield write_set(contents)
    ordered = b"".join(sorted(split_elements(contents)))
    if contents != ordered:
        yield write_set(ordered)
