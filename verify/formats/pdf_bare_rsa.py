"""Reads the oldest kind of PDF signature: a bare RSA value, its certificates beside it in the dictionary.

Implements SubFilter adbe.x509.rsa_sha1 of ISO 32000-1, 12.8.3.2: /Contents is an OCTET STRING with a PKCS#1 v1.5
value over the covered octets, /Cert the certificates.  The value is bound to no certificate, so it never passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from asn1crypto import core, parser

from transcript_core.errors import TrustMaterialError
from transcript_core.limits import MAX_CERTIFICATES
from transcript_core.pdf import String, Value
from transcript_core.pki.certificates import Certificate, load_certificate
from verify.formats.cms_types import CmsSignature
from verify.formats.pdf_problems import Problem, build_problem
from verify.formats.values import Family, ValueMethod, fits, verify_value

BARE_RSA_FORM: Final = "adbe.x509.rsa_sha1"

_HASHES: Final = ("sha1", "sha256", "sha384", "sha512")
"""What later versions of PDF allow under the same name (ISO 32000-1, table 257)."""


def read_bare_rsa(contents: bytes, certificates: Value, octets: bytes) -> CmsSignature:
    """Return what such a signature says.  Never raises.

    Args:
        contents: the octets of /Contents.
        certificates: /Cert, a string or an array of strings; the signer's is the first.
        octets: what is covered.
    """
    found = tuple(_load(certificates))
    weak: tuple[Problem, ...] = (build_problem("weak-algorithm"),)
    if not found:
        detail = "the signer's certificate is missing or cannot be read"
        unsupported = (*weak, build_problem("not-supported", detail=detail))
        return CmsSignature(digest_right=None, value_right=None, unsupported=unsupported)
    right = _verify(contents, found[0], octets)
    return CmsSignature(
        digest_right=right,
        value_right=right,
        problems=() if right else (build_problem("value"),),
        unsupported=weak,
        signer=found[0],
        certificates=found[1:],
    )


def _load(certificates: Value) -> Iterator[Certificate]:
    for one in (certificates if isinstance(certificates, list) else [certificates])[:MAX_CERTIFICATES]:
        if not isinstance(one, String):
            continue
        try:
            yield load_certificate(bytes(one))
        except TrustMaterialError:
            continue


def _verify(contents: bytes, signer: Certificate, octets: bytes) -> bool:
    try:
        value = core.OctetString.load(contents[: parser.peek(contents)]).native
    except (ValueError, TypeError):
        return False
    methods = (ValueMethod(Family.RSA, name) for name in _HASHES)
    return any(
        fits(method, signer.public_key) and verify_value(method, signer.public_key, octets, value) for method in methods
    )
