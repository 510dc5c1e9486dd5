"""Which certificate, or bare key, made a signature's value.

Implements EN 319 102-1, 5.2.3 (identification of the signing certificate) and 5.2.7.4, step 3 (the value over the
canonical SignedInfo under the signer's key).  What the first signed digest names is the signer's certificate and no
other; SigningCertificate of version 1 names the whole chain in any order.  Where nothing signed names one that is
attached, the mathematics is told for whichever attached certificate or key fits, and nobody is bound by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from lxml.etree import _Element

from transcript_core.canonical import C14nMethod
from transcript_core.pki.algorithms import SignatureAlgorithm, fits_certificate, verify_digest
from transcript_core.pki.certificates import Certificate, PublicKey, deduplicate
from verify.formats import key_info
from verify.formats.methods import find_xml_method
from verify.formats.names import C14N_METHODS, ds
from verify.formats.problems import SignatureProblem
from verify.formats.transforms import read_prefixes
from verify.formats.values import fits, is_weak_key, verify_value
from verify.formats.xmldsig import Reading, find_digest_name

if TYPE_CHECKING:
    from verify.formats.xades_types import SignedProperties

_MAX_TRIED: Final = 16
"""Certificates and keys that one value is held against where nothing says which; honest ones carry a short chain."""

_HMAC_MARK: Final = "#hmac-"
_Signer = TypeVar("_Signer", Certificate, PublicKey)


@dataclass(frozen=True, slots=True)
class SignerKey:
    """What was found out about the key behind a value."""

    certificate: Certificate | None
    is_bound: bool  # a signed digest names exactly this certificate
    value_intact: bool | None  # None: could not be computed


class ValueCheck:
    """One signature's value over its SignedInfo, held against one key or another."""

    def __init__(
        self, reading: Reading, signed_info: _Element | None, algorithm: SignatureAlgorithm | None, value: bytes | None
    ) -> None:
        self._reading = reading
        self._signed_info = signed_info
        self._algorithm = algorithm
        self._value = value
        self._method: C14nMethod | None = None
        self._prefixes: tuple[str, ...] = ()
        self._scheme = None if signed_info is None else reading.find_only(signed_info, ds("SignatureMethod"))
        if signed_info is not None:
            self._read_method(signed_info)

    def _read_method(self, signed_info: _Element) -> None:
        element = self._reading.find_only(signed_info, ds("CanonicalizationMethod"))
        if element is None:
            return
        self._method, self._prefixes = C14N_METHODS.get(element.get("Algorithm", "")), read_prefixes(element)
        if self._method is None:
            self._reading.note(SignatureProblem.UNKNOWN_ALGORITHM)

    def prepare(self) -> None:
        """Canonicalise SignedInfo now, before unsigned properties can use up what one document may ask for."""
        if self._signed_info is not None and self._method is not None:
            self._reading.compute_octets(self._signed_info, self._method, self._prefixes)

    def verify(self, signer: Certificate | PublicKey) -> bool | None:
        """Return whether the value was made by the signer's key; None when that cannot be computed."""
        if self._signed_info is None or self._method is None or self._value is None:
            return None
        ours = self._find_ours(signer)
        if ours is not None:
            digest = self._reading.compute_digest(self._signed_info, ours.hash_name, self._method, self._prefixes)
            return None if digest is None else verify_digest(signer, ours, digest, self._value)
        method = None if self._scheme is None else find_xml_method(self._scheme)
        key = _get_key(signer)
        if method is None or not fits(method, key):
            return None
        octets = self._reading.compute_octets(self._signed_info, self._method, self._prefixes)
        return None if octets is None else verify_value(method, key, octets, self._value)

    def note_unusual(self, signer: Certificate | PublicKey | None) -> None:
        """Note algorithms and keys that transcripts never have."""
        if self._scheme is None or self._method is None or self._value is None:
            return
        if signer is not None and self._find_ours(signer) is not None:
            return
        method = find_xml_method(self._scheme)
        if method is None:
            hmac = _HMAC_MARK in self._scheme.get("Algorithm", "")
            self._reading.note(SignatureProblem.HMAC if hmac else SignatureProblem.UNKNOWN_ALGORITHM)
        elif signer is not None and not fits(method, _get_key(signer)):
            self._reading.note(SignatureProblem.KEY_MISMATCH)
        elif method.is_weak or (signer is not None and is_weak_key(_get_key(signer))):
            self._reading.note(SignatureProblem.WEAK_ALGORITHM)

    def _find_ours(self, signer: Certificate | PublicKey) -> SignatureAlgorithm | None:
        """Return the algorithm, if it is one that transcripts use and the signer has a certificate that fits it."""
        if self._algorithm is None or not isinstance(signer, Certificate):
            return None
        return self._algorithm if fits_certificate(self._algorithm, signer) else None


def _get_key(signer: Certificate | PublicKey) -> PublicKey:
    return signer.public_key if isinstance(signer, Certificate) else signer


def find_signer_key(
    reading: Reading,
    check: ValueCheck,
    attached: tuple[Sequence[Certificate], Sequence[Certificate]],
    properties: SignedProperties | None,
) -> SignerKey:
    """Return the signer's certificate, and whether the value is its key's.

    Args:
        attached: the certificates of KeyInfo, and all others.
        properties: what was signed along; None when nothing was.
    """
    certificates = deduplicate((*attached[0], *attached[1]))
    digests = () if properties is None else properties.certificate_digests
    named = [] if properties is None or not certificates else _list_named(reading, certificates, properties)
    if named:
        intact, signer = _try(check, named)
        certificate = named[0] if signer is None else signer
        check.note_unusual(certificate)
        return SignerKey(certificate, is_bound=True, value_intact=intact)
    if certificates and not digests:
        reading.note(SignatureProblem.NO_CERTIFICATE_REFERENCE)
    elif certificates and any(find_digest_name(reading, uri) for uri, _ in digests):
        reading.note(SignatureProblem.OTHER_CERTIFICATE)
    return _find_unbound(reading, check, certificates, [one for one in attached[0] if not (digests and one.is_ca)])


def _find_unbound(
    reading: Reading, check: ValueCheck, certificates: Sequence[Certificate], telling: Sequence[Certificate]
) -> SignerKey:
    """Hold the value against what is attached; only `telling` certificates, or a bare key, can say that it is wrong."""
    intact, certificate = _try(check, _order(certificates))
    if intact is True:
        check.note_unusual(certificate)
        return SignerKey(certificate, is_bound=False, value_intact=True)
    denied, key = _try(check, key_info.list_bare_keys(reading))
    if denied is not True and key_info.has_bad_base64(reading):
        reading.note(SignatureProblem.BAD_BASE64)
    if not telling or denied is True:
        reading.note(SignatureProblem.NO_CERTIFICATE)
        check.note_unusual(key)
        return SignerKey(None, is_bound=False, value_intact=denied)
    intact, certificate = _try(check, _order(telling))
    certificate = certificate or _order(telling)[0]
    check.note_unusual(certificate)
    return SignerKey(certificate, is_bound=False, value_intact=intact if denied is None else denied)


def _try(check: ValueCheck, signers: Iterable[_Signer]) -> tuple[bool | None, _Signer | None]:
    """Return whether one of the signers made the value, and which; else one that it can be held against."""
    refused = None
    for signer in islice(signers, _MAX_TRIED):
        answer = check.verify(signer)
        if answer:
            return True, signer
        if answer is False and refused is None:
            refused = signer
    return (None if refused is None else False), refused


def _list_named(
    reading: Reading, certificates: Sequence[Certificate], properties: SignedProperties
) -> list[Certificate]:
    """Return the certificates that signed digests name: version 2 the signer's first, version 1 the chain's."""
    first = properties.certificate_digests[: 1 if properties.has_certificate_v2 else _MAX_TRIED]
    found = []
    for uri, expected in first:
        name = find_digest_name(reading, uri)
        if name is not None:
            found += [one for one in certificates if hashlib.new(name, one.der).digest() == expected]
    return found


def _order(certificates: Sequence[Certificate]) -> list[Certificate]:
    """Return the certificates, the one that issued none of the others first: nothing signed names the signer."""
    issuers = {one.issuer for one in certificates if not one.is_self_issued}
    leaves = [one for one in certificates if one.subject not in issuers]
    first = leaves[:1] if len(leaves) == 1 else []
    return [*first, *(one for one in certificates if one not in first)]
