"""Reads ds:KeyInfo: certificates, and keys that stand there without one.

Implements W3C XML Signature 1.1, 4.5.2 (KeyValue), 4.5.4 (X509Data), 4.5.5 (DEREncodedKeyValue) and 4.5.10
(KeyInfoReference) and of 4.5.3 (RetrievalMethod) what names an element of the same document; RFC 4050, 3.3 (keys of an
older form); Web Services Security: X.509 Certificate Token Profile 1.1, 3.2.1.  A key without a certificate lets the
mathematics be told and names nobody.  Left out on purpose: whatever stands outside the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from lxml.etree import _Element

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pki.certificates import Certificate, PublicKey, find_bare_key, load_certificate
from verify.formats.encoding import decode_base64, list_children
from verify.formats.names import ds
from verify.formats.problems import SignatureProblem
from verify.formats.xmldsig import Reading

_DSIG_11: Final = "{http://www.w3.org/2009/xmldsig11#}"
_RFC_4050: Final = "{http://www.w3.org/2001/04/xmldsig-more#}"
_WSSE: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "1.2.840.10045.3.1.1": ec.SECP192R1(),
    "1.3.132.0.33": ec.SECP224R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.10": ec.SECP256K1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
    "1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1(),
    "1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1(),
    "1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1(),
}
"""Named curves by object identifier; RFC 9231, 2.3.6 writes these as urn:oid:…"""


def read_certificates(reading: Reading) -> tuple[Certificate, ...]:
    """Return the certificates of ds:KeyInfo, in order."""
    return load_all(reading, _list_certificates(reading))


def load_all(reading: Reading, elements: list[_Element]) -> tuple[Certificate, ...]:
    """Return the certificates that Base64 elements hold; one that cannot be read is a problem."""
    if len(elements) > MAX_CERTIFICATES:
        reading.note(SignatureProblem.MANY_CERTIFICATES)
        return ()
    loaded = []
    for element in elements:
        der = reading.read_base64(element, SignatureProblem.BAD_CERTIFICATE)
        if der is None:
            continue
        try:
            loaded.append(load_certificate(der))
        except TrustMaterialError:
            reading.note(SignatureProblem.BAD_CERTIFICATE)
    return tuple(loaded)


def has_bad_base64(reading: Reading) -> bool:
    """Return whether a certificate of ds:KeyInfo is not even Base64."""
    return any(_read_octets(one) is None for one in _list_certificates(reading))


def list_bare_keys(reading: Reading) -> Iterator[PublicKey]:
    """Yield the keys that a KeyInfo holds without a certificate, or in one that cannot be read as such."""
    for info in _list_infos(reading):
        for one in list_children(info):
            key = _read_key(one)
            if key is not None:
                yield key
    for element in _list_certificates(reading)[:MAX_CERTIFICATES]:
        der = _read_octets(element)
        key = None if der is None else find_bare_key(der)
        if key is not None:
            yield key


def _read_octets(element: _Element) -> bytes | None:
    return None if len(element) else decode_base64(element.text or "")


def _list_infos(reading: Reading) -> list[_Element]:
    """Return this signature's KeyInfo, and those of the document that it names."""
    own = [child for child in list_children(reading.signature) if child.tag == ds("KeyInfo")]
    if len(own) > 1:
        reading.note(SignatureProblem.WRONG_CHILDREN)
        return []
    pointers = (one for info in own for one in list_children(info) if one.tag == f"{_DSIG_11}KeyInfoReference")
    named = (_follow(reading, one) for one in pointers)
    return [*own, *(one for one in named if one is not None and one.tag == ds("KeyInfo"))]


def _follow(reading: Reading, pointer: _Element) -> _Element | None:
    """Return the element of this document that a URI attribute names; no chain of pointers is followed."""
    uri = pointer.get("URI", "")
    return reading.cache.ids.get(uri[1:]) if uri.startswith("#") else None


def _list_certificates(reading: Reading) -> list[_Element]:
    found: list[_Element] = []
    for info in _list_infos(reading):
        for child in list_children(info):
            found += _list_certificates_of(reading, child)
    return found


def _list_certificates_of(reading: Reading, child: _Element) -> list[_Element]:
    if child.tag == ds("RetrievalMethod"):
        named = _follow(reading, child)
        child = child if named is None or list_children(child) else named
    if child.tag == ds("X509Data"):
        return [one for one in list_children(child) if one.tag == ds("X509Certificate")]
    if child.tag == f"{_WSSE}SecurityTokenReference":
        pointers = [one for one in list_children(child) if one.tag == f"{_WSSE}Reference"]
        tokens = [_follow(reading, one) for one in pointers]
        return [one for one in tokens if one is not None and one.tag == f"{_WSSE}BinarySecurityToken"]
    return [child] if child.tag == ds("X509Certificate") else []


def _read_key(element: _Element) -> PublicKey | None:
    try:
        if element.tag == f"{_DSIG_11}DEREncodedKeyValue":
            key = load_der_public_key(decode_base64(element.text or "") or b"")
            return key if isinstance(key, PublicKey) else None
        children = list_children(element)
        if element.tag != ds("KeyValue") or len(children) != 1:
            return None
        reader = _KEY_READERS.get(str(children[0].tag))
        return None if reader is None else reader(children[0])
    except (ValueError, LookupError, TypeError, StopIteration, UnsupportedAlgorithm):
        return None


def _read_rsa(element: _Element) -> PublicKey:
    numbers = _read_numbers(element)
    return rsa.RSAPublicNumbers(numbers["Exponent"], numbers["Modulus"]).public_key()


def _read_dsa(element: _Element) -> PublicKey:
    numbers = _read_numbers(element)
    parameters = dsa.DSAParameterNumbers(numbers["P"], numbers["Q"], numbers["G"])
    return dsa.DSAPublicNumbers(numbers["Y"], parameters).public_key()


def _read_ec(element: _Element) -> PublicKey:
    curve = next(one for one in list_children(element) if one.tag == f"{_DSIG_11}NamedCurve")
    point = next(one for one in list_children(element) if one.tag == f"{_DSIG_11}PublicKey")
    return ec.EllipticCurvePublicKey.from_encoded_point(
        _find_curve(curve.get("URI", "")), decode_base64(point.text or "") or b""
    )


def _read_rfc_4050(element: _Element) -> PublicKey:
    """RFC 4050, 3.3: a named curve, and the point's coordinates as decimal numbers."""
    curve = next(element.iter(f"{_RFC_4050}NamedCurve"))
    x, y = (int(next(element.iter(f"{_RFC_4050}{name}")).get("Value", "")[:_MAX_DIGITS]) for name in "XY")
    return ec.EllipticCurvePublicNumbers(x, y, _find_curve(curve.get("URN", ""))).public_key()


_MAX_DIGITS: Final = 200
"""Decimal digits of a coordinate; P-521 has 157."""


def _find_curve(name: str) -> ec.EllipticCurve:
    return _CURVES[name.lower().removeprefix("urn:oid:")]


def _read_numbers(element: _Element) -> dict[str, int]:
    """Return the CryptoBinary children by local name."""
    found = {}
    for child in list_children(element):
        octets = decode_base64(child.text or "")
        if octets is not None:
            found[str(child.tag).rpartition("}")[2]] = int.from_bytes(octets)
    return found


_KEY_READERS: Final[dict[str, Callable[[_Element], PublicKey]]] = {
    ds("RSAKeyValue"): _read_rsa,
    ds("DSAKeyValue"): _read_dsa,
    f"{_DSIG_11}ECKeyValue": _read_ec,
    f"{_RFC_4050}ECDSAKeyValue": _read_rfc_4050,
}
