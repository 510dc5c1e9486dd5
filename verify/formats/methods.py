"""What XML and CMS signatures call their algorithms, read into one form.

Implements W3C XML Signature 1.1, 6.4 and RFC 9231, 2.3 (XML); RFC 5652, 5.3 with RFC 4055, 5753, 5754, 8419 and 8702
(CMS).  Nothing is said here of what may be relied on.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lxml.etree import _Element

from transcript_core.pki.certificates import UNREADABLE
from verify.formats.encoding import list_children
from verify.formats.names import DIGESTS, DS, WEAK_DIGESTS
from verify.formats.values import HASHES, MAX_SALT_BYTES, SHAKE256, Family, ValueMethod

_PSS: Final = "{http://www.w3.org/2007/05/xmldsig-more#}"
_GENERIC_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"

_XML_FAMILIES: Final = (
    (re.compile(re.escape(DS) + r"rsa-(sha1)"), Family.RSA),
    (re.compile(re.escape(DS) + r"dsa-(sha1)"), Family.DSA),
    (re.compile(r"http://www\.w3\.org/2001/04/xmldsig-more#rsa-(md5|sha224|sha256|sha384|sha512)"), Family.RSA),
    (re.compile(r"http://www\.w3\.org/2001/04/xmldsig-more#ecdsa-(sha1|sha224|sha256|sha384|sha512)"), Family.ECDSA),
    (re.compile(r"http://www\.w3\.org/2007/05/xmldsig-more#((?:sha3-|sha)\d+)-rsa-MGF1"), Family.PSS),
    (re.compile(r"http://www\.w3\.org/2021/04/xmldsig-more#ecdsa-(sha3-\d+)"), Family.ECDSA),
    (re.compile(r"http://www\.w3\.org/2021/04/xmldsig-more#eddsa-ed(?:25519|448)()"), Family.EDDSA),
    (re.compile(r"http://www\.w3\.org/2009/xmldsig11#dsa-(sha256)"), Family.DSA),
)


def find_xml_method(element: _Element) -> ValueMethod | None:
    """Return what a ds:SignatureMethod asks for, None when it is not known here."""
    uri = element.get("Algorithm", "")
    if uri == _GENERIC_PSS:
        return _read_xml_pss(element)
    for pattern, family in _XML_FAMILIES:
        if found := pattern.fullmatch(uri):
            name = found[1].replace("-", "_")
            return ValueMethod(family, name) if not name or name in HASHES else None
    return None


def _read_xml_pss(element: _Element) -> ValueMethod | None:
    """Return PSS with the parameters of RFC 9231, 2.3.9; absent ones have the defaults named there."""
    parameters = next((one for one in list_children(element) if one.tag == f"{_PSS}RSAPSSParams"), None)
    if parameters is None:
        return ValueMethod(Family.PSS, "sha256")
    hash_name, mask_hash, salt, trailer = "sha256", None, None, "1"
    for child in list_children(parameters):
        if child.tag == f"{{{DS}}}DigestMethod":
            hash_name = _name_digest(child)
        elif child.tag == f"{_PSS}MaskGenerationFunction":
            inner = next((one for one in list_children(child) if one.tag == f"{{{DS}}}DigestMethod"), None)
            mask_hash = None if inner is None else _name_digest(inner)
        elif child.tag == f"{_PSS}SaltLength":
            salt = (child.text or "").strip()
        elif child.tag == f"{_PSS}TrailerField":
            trailer = (child.text or "").strip()
    if hash_name not in HASHES or mask_hash == "" or trailer != "1" or not (salt or "0").isdecimal():
        return None
    return ValueMethod(Family.PSS, hash_name, None if salt is None else min(int(salt[:4]), MAX_SALT_BYTES), mask_hash)


def _name_digest(element: _Element) -> str:
    uri = element.get("Algorithm", "")
    return DIGESTS.get(uri) or WEAK_DIGESTS.get(uri) or ""


# --- CMS --------------------------------------------------------------------------------------------------------

_CMS_FAMILIES: Final = {
    "rsassa_pkcs1v15": Family.RSA,
    "rsa": Family.RSA,
    "ecdsa": Family.ECDSA,
    "dsa": Family.DSA,
    "ed25519": Family.EDDSA,
    "ed448": Family.EDDSA,
    "1.2.840.10045.2.1": Family.ECDSA,  # the OID of the key in the place of the signature's
}
_CMS_OIDS: Final = {
    f"2.16.840.1.101.3.4.3.{number}": ValueMethod(family, name)
    for first, family, names in (
        (3, Family.DSA, ("sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512")),
        (13, Family.RSA, ("sha3_224", "sha3_256", "sha3_384", "sha3_512")),
    )
    for number, name in enumerate(names, start=first)
} | {
    f"0.4.0.127.0.7.1.1.4.1.{number}": ValueMethod(Family.PLAIN_ECDSA, name)
    for number, name in enumerate(("sha1", "sha224", "sha256", "sha384", "sha512"), start=1)
}
"""Signature algorithms that asn1crypto has no name for: NIST's arc, and plain ECDSA of BSI TR-03111, 5.2.1.1."""


_SHAKE256_BITS: Final = 512
_HASHES_OF_SIGNATURES: Final = {
    "1.2.840.113549.1.1.4": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
"""RSA with a hash, which some programs name in the place of the hash."""


def name_cms_digest(algorithm: Any) -> str:
    """Return the name in hashlib of a DigestAlgorithm; its dotted OID when it has none here.

    Spec: RFC 8419, 2.3 (id-shake256 with and without its length).
    """
    name = str(algorithm["algorithm"].native)
    if name == "shake256":
        return SHAKE256
    if name == "shake256_len":
        return SHAKE256 if algorithm["parameters"].native == _SHAKE256_BITS else name
    return _HASHES_OF_SIGNATURES.get(name, name)


def find_cms_method(digest: str, signature: Any) -> ValueMethod | None:
    """Return what a SignerInfo asks for, None when it is not known here.

    Args:
        digest: name in hashlib of its digest algorithm.
        signature: asn1crypto SignedDigestAlgorithm of the same SignerInfo; a hash that it names itself counts.
    """
    oid = signature["algorithm"].dotted
    if oid in _CMS_OIDS:
        return _CMS_OIDS[oid]
    try:
        name = signature["algorithm"].native
        if name == "rsassa_pss":
            return _read_cms_pss(signature["parameters"])
        hashed, _, scheme = name.rpartition("_")  # "sha3_512_ecdsa"
        family = _CMS_FAMILIES.get(name) or _CMS_FAMILIES.get(scheme)
        if family is None or family is Family.EDDSA:
            return None if family is None else ValueMethod(family, "")
        stated = digest if name in _CMS_FAMILIES else hashed
    except UNREADABLE:
        return None
    return ValueMethod(family, stated) if stated in HASHES else None


def _read_cms_pss(parameters: Any) -> ValueMethod | None:
    """Return PSS with the parameters of RFC 4055, 3.1."""
    mask = parameters["mask_gen_algorithm"]
    name, mask_name = parameters["hash_algorithm"]["algorithm"].native, mask["parameters"]["algorithm"].native
    salt = parameters["salt_length"].native
    if mask["algorithm"].native != "mgf1" or parameters["trailer_field"].native not in {1, "trailer_field_bc"}:
        return None
    if name not in HASHES or mask_name not in HASHES or salt < 0:
        return None
    return ValueMethod(Family.PSS, name, min(salt, MAX_SALT_BYTES), mask_name)
