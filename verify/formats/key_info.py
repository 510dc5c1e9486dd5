"""Reads ds:KeyInfo: certificates, and keys that stand there without one.

Implements W3C XML Signature 1.1, 4.5.2 (KeyValue) and 4.5.4 (X509Data).  A key without a certificate lets the
mathematics be told and names nobody.  Left out on purpose: RetrievalMethod and KeyInfoReference, which point elsewhere.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from lxml.etree import _Element

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pki.certificates import Certificate, PublicKey, load_certificate
from verify.formats.encoding import decode_base64, list_children
from verify.formats.names import ds
from verify.formats.problems import SignatureProblem
from verify.formats.xmldsig import Reading

_DSIG_11: Final = "{http://www.w3.org/2009/xmldsig11#}"
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1(),
    "urn:oid:1.3.132.0.34": ec.SECP384R1(),
    "urn:oid:1.3.132.0.35": ec.SECP521R1(),
}


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
        der = reading.read_base64(element)
        if der is None:
            continue
        try:
            loaded.append(load_certificate(der))
        except TrustMaterialError:
            reading.note(SignatureProblem.BAD_CERTIFICATE)
    return tuple(loaded)


def find_bare_key(reading: Reading) -> PublicKey | None:
    """Return the one key that a KeyInfo holds without a certificate, None when there is none."""
    values = [one for info in _list_infos(reading) for one in list_children(info) if one.tag == ds("KeyValue")]
    keys = [key for value in values if (key := _read_key_value(value)) is not None]
    return keys[0] if len(keys) == 1 else None


def _list_infos(reading: Reading) -> list[_Element]:
    infos = [child for child in list_children(reading.signature) if child.tag == ds("KeyInfo")]
    if len(infos) > 1:
        reading.note(SignatureProblem.WRONG_CHILDREN)
        return []
    return infos


def _list_certificates(reading: Reading) -> list[_Element]:
    return [
        one
        for info in _list_infos(reading)
        for data in list_children(info)
        if data.tag == ds("X509Data")
        for one in list_children(data)
        if one.tag == ds("X509Certificate")
    ]


def _read_key_value(element: _Element) -> PublicKey | None:
    children = list_children(element)
    if len(children) != 1:
        return None
    readers = {
        ds("RSAKeyValue"): _read_rsa,
        ds("DSAKeyValue"): _read_dsa,
        f"{_DSIG_11}ECKeyValue": _read_ec,
    }
    reader = readers.get(str(children[0].tag))
    try:
        return None if reader is None else reader(children[0])
    except (ValueError, KeyError, UnsupportedAlgorithm):
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
    octets = decode_base64(point.text or "")
    if octets is None:
        raise ValueError("no point")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve.get("URI", "")], octets)


def _read_numbers(element: _Element) -> dict[str, int]:
    """Return the CryptoBinary children by local name."""
    found = {}
    for child in list_children(element):
        octets = decode_base64(child.text or "")
        if octets is not None:
            found[str(child.tag).rpartition("}")[2]] = int.from_bytes(octets)
    return found
