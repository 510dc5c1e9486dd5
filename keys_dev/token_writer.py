"""Writes keys and certificates to a token: `python -m keys_dev.token_writer`, the order as JSON on standard input.

A process of its own, see `keys_dev.softhsm`.  Spec: PKCS #11 2.40, 4.6.3 (X.509 certificate objects), 4.9 (private
keys); a key and its certificate carry the same CKA_ID, CA certificates none of these.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from pkcs11 import Attribute, ObjectClass, Session
from pkcs11.util.ec import decode_ec_private_key, decode_ec_public_key
from pkcs11.util.rsa import decode_rsa_private_key, decode_rsa_public_key
from pkcs11.util.x509 import decode_x509_certificate


def write(order: dict[str, Any]) -> None:
    """Write every entry of the order that is not on the token yet."""
    token = pkcs11.lib(order["library"]).get_token(token_label=order["label"])
    with token.open(rw=True, user_pin=order["pin"]) as session:
        present = {bytes(key[Attribute.ID]) for key in session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})}
        for entry in order["entries"]:
            if bytes.fromhex(entry["id"]) not in present:
                _write_entry(session, entry)


def _write_entry(session: Session, entry: dict[str, Any]) -> None:
    bundle = pkcs12.load_pkcs12(Path(entry["p12"]).read_bytes(), entry["password"].encode())
    assert bundle.cert is not None
    key = bundle.key
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    named = {Attribute.ID: bytes.fromhex(entry["id"]), Attribute.LABEL: entry["label"], Attribute.TOKEN: True}
    for authority in bundle.additional_certs:
        _write_authority(session, authority.certificate)
    session.create_object(_certificate(bundle.cert.certificate) | named)
    session.create_object(_public_key(key) | named)
    private = _private_key(key) | named
    private |= {Attribute.SIGN: True, Attribute.PRIVATE: True, Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    if entry["always_authenticate"]:
        private[Attribute.ALWAYS_AUTHENTICATE] = True
    session.create_object(private)


def _write_authority(session: Session, certificate: x509.Certificate) -> None:
    """Write a CA certificate once; its CKA_ID is a digest of its own, so that it is nobody's key."""
    der = certificate.public_bytes(Encoding.DER)
    named = {Attribute.ID: hashlib.sha256(der).digest()[:8], Attribute.CLASS: ObjectClass.CERTIFICATE}
    if not list(session.get_objects(named)):
        session.create_object(_certificate(certificate) | named | {Attribute.TOKEN: True, Attribute.LABEL: "CA"})


def _certificate(certificate: x509.Certificate) -> dict[Attribute, Any]:
    return dict(decode_x509_certificate(certificate.public_bytes(Encoding.DER), extended_set=True))


def _public_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[Attribute, Any]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return dict(decode_rsa_public_key(public.public_bytes(Encoding.DER, PublicFormat.PKCS1)))
    return dict(decode_ec_public_key(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)))


def _private_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[Attribute, Any]:
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    if isinstance(key, rsa.RSAPrivateKey):
        return dict(decode_rsa_private_key(der))
    return dict(decode_ec_private_key(der))


if __name__ == "__main__":
    write(json.load(sys.stdin))
